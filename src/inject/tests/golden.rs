//! Whole mails with the expected output beside them, in `tests/corpus/inject`. `UPDATE_EXPECT=1` writes it anew.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/inject")
}

/// A mail and its expected output beside it.
fn check(path: &Path) {
    let raw = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let language = if path.to_string_lossy().contains("-en") { Language::En } else { Language::Ja };
    let injected = inject(&raw, language).unwrap_or_else(|r| panic!("{}: {}", path.display(), r.code()));
    check_lines(&raw, &injected.edits);
    let found = injected.edits.apply(&raw);
    let beside = path.with_extension("expected.eml");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&beside, &found).unwrap_or_else(|e| panic!("{}: {e}", beside.display()));
    }
    let expected = fs::read(&beside).unwrap_or_else(|e| panic!("{}: {e}", beside.display()));
    let shown = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    assert_eq!(shown(&found), shown(&expected), "{}", path.display());
    assert_eq!(found, expected, "{}", path.display());
}

#[test]
fn every_mail_of_the_corpus_becomes_the_one_beside_it() {
    let entries = fs::read_dir(corpus()).unwrap_or_else(|e| panic!("{e}"));
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "eml") && !p.to_string_lossy().contains(".expected."));
    paths.sort();
    assert!(paths.len() >= 10, "only {} mails", paths.len());
    for path in &paths {
        check(path);
    }
}

//! The corpus of `tests/corpus/config`: each `NAME.toml` with all it is told in `NAME.expected`, and the shipped files.
//!
//! `UPDATE_EXPECT=1` writes what was found; read the difference before committing it.

mod files;

use std::fs;
use std::path::{Path, PathBuf};

use super::installation;
use super::reader::{Report, Section, Source, parse};
use super::*;
use crate::pipeline::Mode;

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The findings as `check` prints them, with paths that are the same on every machine.
fn findings(path: &Path) -> String {
    let folder = format!("{}/", path.parent().unwrap_or(Path::new("")).display());
    let lines = inspect(path).findings.into_iter().map(|f| f.to_string().replace(&folder, "") + "\n");
    lines.collect()
}

fn check(path: &Path) {
    let (found, beside) = (findings(path), path.with_extension("expected"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&beside, &found).unwrap_or_else(|e| panic!("{}: {e}", beside.display()));
    }
    assert_eq!(found, text(&beside), "{}", path.display());
}

#[test]
fn every_file_of_the_corpus_is_told_all_its_faults_at_once() {
    let folder = package().join("tests/corpus/config");
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let files: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some()).collect();
    let cases: Vec<&PathBuf> = files.iter().filter(|p| p.extension().is_some_and(|e| e == "toml")).collect();
    assert!(cases.len() >= 10, "the corpus has {} cases", cases.len());
    for path in cases {
        check(path);
    }
}

#[test]
fn the_shipped_files_are_the_defaults_and_no_fault() {
    let path = package().join("config/career-relay.toml");
    let inspection = inspect(&path);
    assert_eq!(inspection.findings, []);
    let settings = inspection.settings.unwrap_or_else(|| panic!("no settings"));
    assert_eq!(settings.companies.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["example"]);
    assert_eq!(settings.company_files[0].1, package().join("config/companies/example.toml"));
    let bare = Settings { companies: Vec::new(), company_files: Vec::new(), ..settings };
    assert_eq!(bare, Settings::default());
}

#[test]
fn an_empty_file_means_the_defaults() {
    let report = Report::default();
    let source = Source::new(Path::new("empty.toml"), String::new());
    let table = parse(&source, &report);
    let (settings, _) = installation::read(&Section::top(&source, &report, table.get_ref()), Path::new(""));
    assert_eq!(settings, Settings::default());
}

/// The text with its examples set: the lines behind a `#` without a blank.
fn with_examples(text: &str) -> String {
    let is_example = |line: &&str| {
        line.starts_with("#[") || line.starts_with('#') && line.as_bytes().get(1).is_some_and(u8::is_ascii_lowercase)
    };
    text.lines().map(|l| if is_example(&l) { &l[1..] } else { l }).collect::<Vec<_>>().join("\n")
}

/// Every known key stands in the text as `key =`, or as a section's or inline table's head.
fn check_complete(file: &str, read: impl Fn(&Section<'_>)) {
    let path = package().join(file);
    let source = Source::new(&path, with_examples(&text(&path)));
    let report = Report::default();
    let table = parse(&source, &report);
    read(&Section::top(&source, &report, table.get_ref()));
    let known = report.known_keys();
    assert!(known.len() > 20, "{file}: {} known keys", known.len());
    for key in known {
        let holder = key.split('.').try_fold(vec![table.get_ref()], |tables, name| {
            let below: Vec<_> = tables.iter().filter_map(|t| t.get(name)).map(toml::Spanned::get_ref).collect();
            let items = below.iter().flat_map(|v| v.as_array().into_iter().flatten().map(toml::Spanned::get_ref));
            let tables = below.iter().copied().chain(items).filter_map(toml::de::DeValue::as_table).collect();
            (!below.is_empty()).then_some(tables)
        });
        assert!(holder.is_some(), "{file} does not show `{key}`");
    }
}

#[test]
fn the_shipped_files_show_every_key_there_is() {
    check_complete("config/career-relay.toml", |top| drop(installation::read(top, Path::new(""))));
    check_complete("config/companies/example.toml", |top| drop(company::read(top)));
}

#[test]
fn the_shipped_file_says_something_about_every_key() {
    let text = with_examples(&text(&package().join("config/career-relay.toml")));
    let lines: Vec<&str> = text.lines().collect();
    let keys = lines.windows(2).filter(|pair| pair[1].contains(" = ") && !pair[1].starts_with('#'));
    let bare: Vec<&str> = keys.filter(|pair| !pair[0].starts_with("# ")).map(|pair| pair[1]).collect();
    assert_eq!(bare, [""; 0]);
}

#[test]
fn the_examples_in_the_shipped_file_are_no_faults() {
    let path = package().join("config/career-relay.toml");
    let report = Report::default();
    let source = Source::new(&path, with_examples(&text(&path)));
    let table = parse(&source, &report);
    drop(installation::read(&Section::top(&source, &report, table.get_ref()), Path::new("")));
    // That a credential is not here to be looked at is no fault of the file.
    let faults = report.finish().into_iter().filter(|f| f.severity == Severity::Fault);
    assert_eq!(faults.collect::<Vec<_>>(), []);
}

#[test]
fn the_built_in_example_company_is_the_shipped_file_and_live() {
    let company = example_company().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((company.id.as_str(), company.mode), ("example", Mode::Live));
    assert_eq!(company.link.to_string(), "https://careerrelay.jp/r/{token}");
}

#[test]
fn a_file_at_fault_gives_no_settings_and_a_warning_does() {
    let corpus = package().join("tests/corpus/config");
    assert!(load(&corpus.join("values.toml")).is_err());
    let warned = inspect(&corpus.join("warnings.toml"));
    assert!(warned.settings.is_some() && warned.findings.iter().all(|f| f.severity == Severity::Warning));
    assert!(load(&corpus.join("no-such-file.toml")).is_err());
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_to_an_end(text in "\\PC{0,200}") {
        let report = Report::default();
        let source = Source::new(Path::new("any.toml"), text);
        let table = parse(&source, &report);
        drop(installation::read(&Section::top(&source, &report, table.get_ref()), Path::new("")));
        drop(company::read(&Section::top(&source, &report, table.get_ref())));
    }

    #[test]
    fn any_value_of_any_key_is_read_to_an_end(
        key in "(data_dir|hostname|route|smtp|id|link|contract|sender|wording)",
        value in "([0-9]{1,25}|\"[a-z0-9.:@*/-]{0,30}\"|\\[[0-9, ]*\\]|true|2026-01-01)",
    ) {
        let report = Report::default();
        let source = Source::new(Path::new("any.toml"), format!("{key} = {value}\n"));
        let table = parse(&source, &report);
        drop(installation::read(&Section::top(&source, &report, table.get_ref()), Path::new("")));
        drop(company::read(&Section::top(&source, &report, table.get_ref())));
    }
}

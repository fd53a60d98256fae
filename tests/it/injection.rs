//! The line in mails of all kinds, read back by another program; and what the document says of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::gateway::binary;

fn in_tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn mails_of_all_kinds_get_the_line_once_and_keep_the_rest() {
    let output = Command::new("python3")
        .arg(in_tree("tests/python/inject_matrix.py"))
        .arg(binary().get_program())
        .args(["--seed", "20261122", "--limit", "250"])
        .output()
        .expect("python3 runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("250 as they should be, 0 not"), "{text}");
}

#[test]
fn explain_names_what_keeps_a_text_from_being_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("mail.eml");
    let head = "From: hr@sakura.example\r\nTo: yamada@mail.example\r\nMIME-Version: 1.0\r\n";
    for (rest, code) in [
        ("Content-Transfer-Encoding: base64\r\n\r\n6YG46ICD57WQ5p6\r\n", "truncated_base64"),
        ("Content-Type: text/plain; charset=utf-7\r\n\r\n+kHiAA-\r\n", "charset_unsupported"),
        ("Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$B;DG0\r\n", "charset_illegal_octets"),
    ] {
        fs::write(&path, format!("{head}{rest}")).expect("a file");
        let output = binary().args(["explain", "--json"]).arg(&path).output().expect("the binary runs");
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let blocking = said["blocking"].as_array().expect("a list");
        assert!(blocking.contains(&code.into()), "{code} is not in {said}");
    }
}

/// The codes that the functions called `code` give.
fn codes_of_sources() -> BTreeSet<String> {
    const SOURCES: [&str; 6] = [
        "src/inject/refusal.rs",
        "src/mail/message/fault.rs",
        "src/mail/view/mod.rs",
        "src/mail/charset.rs",
        "src/mail/transfer.rs",
        "src/mail/html/mod.rs",
    ];
    let mut codes = BTreeSet::new();
    for source in SOURCES {
        let text = fs::read_to_string(in_tree(source)).expect(source);
        let body = text.split_once("fn code(self)").expect(source).1;
        let body = body.split_once("\n    }\n").expect(source).0;
        let before = codes.len();
        codes.extend(body.lines().filter_map(|l| Some(l.split_once("=> \"")?.1.split_once('"')?.0.to_owned())));
        assert!(codes.len() > before, "no code in {source}");
    }
    codes
}

#[test]
fn the_document_has_every_code_and_no_other() {
    let document = fs::read_to_string(in_tree("docs/injection.md")).expect("the document");
    let listed: Vec<String> =
        document.lines().filter_map(|l| Some(l.strip_prefix("| `")?.split_once('`')?.0.to_owned())).collect();
    let once: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), once.len(), "a code is listed twice");
    assert_eq!(once, codes_of_sources());
}

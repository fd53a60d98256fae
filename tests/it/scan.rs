//! `scan` tells of a mail archive what HR asks before any install, in each form; nothing unreadable ends it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::gateway::binary;
use crate::smtp::rejection;

fn archive() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/scan/sent.mbox")
}

fn scan(path: &Path, words: &[&str]) -> (bool, String) {
    let Output { status, stdout, stderr } = binary().arg("scan").arg(path).args(words).output().expect("it runs");
    (status.success(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

fn figures(path: &Path) -> Value {
    let (_, text) = scan(path, &["--json"]);
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn a_years_archive_is_told_in_figures_templates_and_remedies() {
    let report = figures(&archive());
    assert_eq!(
        (&report["months"], &report["from"], &report["until"]),
        (&json!(12), &json!("2025-10"), &json!("2026-09"))
    );
    assert_eq!((&report["mails"], &report["unreadable"]), (&json!(91), &json!(0)));
    let number = |key: &str| report[key].as_u64().unwrap_or_else(|| panic!("{key} in {report}"));
    assert_eq!(
        number("rejections"),
        number("given") + held(&report, "dkim_signed") + held(&report, "several_visible_recipients")
    );
    assert_eq!((held(&report, "dkim_signed"), held(&report, "several_visible_recipients")), (2, 1));
    assert_eq!(report["now"]["slots"].as_u64(), report["now"]["counted"].as_u64().map(|counted| counted / 10));
    assert!(report["remedied"]["counted"].as_u64() > report["now"]["counted"].as_u64(), "{report}");
    let templates = report["templates"].as_array().expect("templates");
    let sum: u64 = templates.iter().map(|row| row["mails"].as_u64().expect("a count")).sum();
    assert_eq!(sum, number("rejections"));
    assert_eq!(templates.len(), 3, "{templates:#?}");
    // A fourth, of two mails in everyday words, is for a person to tell.
    assert_eq!(held(&report, "doubtful"), 2);
    assert!(templates[0]["states"].as_str().is_some_and(|text| text.contains("採用を見送")), "{templates:?}");
    assert_eq!(report["agencies"], json!(["hikari-jinzai.example"]));
    assert!(!report.to_string().contains('@'), "no address is told");
}

fn held(report: &Value, reason: &str) -> u64 {
    let rows = report["held_back"].as_array().expect("rows");
    rows.iter().find(|row| row["reason"] == reason).and_then(|row| row["mails"].as_u64()).unwrap_or(0)
}

#[test]
fn table_sheet_and_page_say_the_same_in_both_languages_and_hold_no_address() {
    let folder = tempfile::tempdir().expect("a folder");
    let report = figures(&archive());
    for (lang, title, remedy) in [
        ("en", "What your rejection mails could have done", "let this gateway sign it anew"),
        ("ja", "お祈りメールから生まれたはずの採用枠", "本ゲートウェイで署名し直す"),
    ] {
        let page = folder.path().join(format!("{lang}.html"));
        let (fine, table) = scan(&archive(), &["--lang", lang, "--html", page.to_str().expect("a path")]);
        let page = fs::read_to_string(&page).expect("a page");
        let (_, sheet) = scan(&archive(), &["--lang", lang, "--csv"]);
        assert!(fine && table.starts_with(title), "{table}");
        assert!(sheet.starts_with("\u{feff}section,item,label,value\r\n"));
        for text in [&table, &sheet, &page] {
            assert!(text.contains(&report["rejections"].to_string()) && !text.contains("@candidate"), "{text}");
        }
        assert!(table.contains(remedy) && page.contains(remedy) && page.contains(&format!("lang=\"{lang}\"")));
        assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("https://"));
    }
}

#[test]
fn what_cannot_be_read_is_named_and_counted_and_never_ends_the_scan() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    fs::create_dir_all(root.join("cur")).expect("a folder");
    let dated = [b"Date: Mon, 2 Nov 2026 09:00:00 +0900\r\n".to_vec(), rejection("hana@candidate.example")].concat();
    fs::write(root.join("cur/1:2,S"), dated).expect("a mail");
    fs::write(root.join("empty.eml"), b"").expect("a file");
    fs::write(root.join("notes.txt"), "no mail at all\n").expect("a file");
    fs::write(root.join("old.pst"), b"!BDN\0\0").expect("a file");
    fs::write(root.join("broken.eml"), [0xff, 0, 13, 10, 58]).expect("a file");
    assert!(Command::new("mkfifo").arg(root.join("pipe")).status().expect("mkfifo runs").success());
    let report = figures(root);
    assert_eq!((&report["mails"], &report["rejections"], &report["people"]), (&json!(1), &json!(1), &json!(1)));
    assert_eq!(report["unreadable"], json!(5));
    let (fine, table) = scan(root, &[]);
    assert!(!fine, "something is wrong, and is told");
    for name in ["empty.eml: is empty", "notes.txt: is no mail", "old.pst: is an Outlook archive", "broken.eml", "pipe"]
    {
        assert!(table.contains(name), "{name}: {table}");
    }
    let (fine, text) = scan(&root.join("nowhere"), &[]);
    assert!(!fine && text.contains("there is no such file"), "{text}");
}

#[test]
fn an_archive_without_a_rejection_is_told_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let mail =
        "From: a@sakura.example\nTo: b@mail.example\nDate: Mon, 2 Nov 2026 09:00:00 +0900\nSubject: x\n\nHello\n";
    fs::write(folder.path().join("1.eml"), mail).expect("a file");
    let (fine, text) = scan(folder.path(), &["--lang", "ja"]);
    assert!(fine && text.contains("送信済みメールのフォルダ"), "{text}");
}

#[test]
fn what_the_readmes_say_of_it_runs_word_for_word() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for readme in ["README.md", "README.ja.md"] {
        let text = fs::read_to_string(root.join(readme)).expect("a document");
        let command = text.lines().find_map(|line| line.strip_prefix("    target/debug/career-relay ")).expect("scan");
        let folder = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink(root.join("tests"), folder.path().join("tests")).expect("a link");
        let output = binary().args(command.split(' ')).current_dir(folder.path()).output().expect("it runs");
        assert!(command.starts_with("scan ") && output.status.success(), "{readme}: {command}");
        assert!(fs::read_to_string(folder.path().join("report.html")).expect("the page").ends_with("</html>\n"));
    }
}

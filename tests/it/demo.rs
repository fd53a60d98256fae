//! The demo runs to its end, and an independent reader finds every mail as it should be.

use std::path::Path;
use std::process::Command;

use crate::gateway::binary;

/// Runs the demo into a folder and checks what it printed.
fn run_demo(folder: &Path) -> String {
    let output = binary().arg("demo").arg("--data").arg(folder).output().expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn the_demo_holds_and_python_reads_every_mail_back() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let folder = root.path().join("day");
    let text = run_demo(&folder);
    assert!(text.contains("https://careerrelay.jp/r/"), "no line shown:\n{text}");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/read_back.py");
    let output = Command::new(script).arg(&folder).output().expect("python3 runs");
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{report}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn after_the_demo_no_address_is_left_in_ledger_spool_or_log() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let folder = root.path().join("day");
    run_demo(&folder);
    let mut folders = vec![folder.join("data")];
    let mut looked_at = 0;
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("the demo's data").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let Ok(octets) = std::fs::read(entry.path()) else { continue };
            looked_at += 1;
            for trace in ["candidate.example", "mail.example", "yamada", "選考", "採用を見送"] {
                let found = memchr::memmem::find(&octets, trace.as_bytes());
                assert_eq!(found, None, "{trace:?} is left in {}", entry.path().display());
            }
        }
    }
    assert!(looked_at >= 3, "only {looked_at} files looked at");
}

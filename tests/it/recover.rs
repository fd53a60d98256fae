//! `ledger recover`: a referral that a broken disk left in the log alone is entered, and counts once.

use std::fs;
use std::process::Command;

use crate::disk::broken_behind_the_250;
use crate::gateway::{Gateway, binary, binary_path, with_input};
use crate::sink::Sink;

const CANDIDATE: &str = "yamada@candidate.example";

fn recover(gateway: &Gateway, words: &[&str]) -> (bool, String) {
    let output = gateway.ask(&[&["ledger", "recover"], words].concat());
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn log(gateway: &Gateway) -> String {
    gateway.log_path().display().to_string()
}

#[test]
fn a_referral_of_the_log_counts_once_with_a_server_and_without() {
    for served in [false, true] {
        let (mut gateway, _sink, _) = broken_behind_the_250(CANDIDATE);
        let log = log(&gateway);
        if served {
            gateway.run();
            assert_eq!(gateway.settled_credits(), 0);
        }
        let (fine, text) = recover(&gateway, &[&log, "--dry-run"]);
        assert!(fine && text.contains("1 referral would be entered, 0 known already"), "{text}");
        let (fine, text) = recover(&gateway, &[&log]);
        assert!(fine && text.contains(": entered: ") && text.contains("1 referral entered"), "{text}");
        assert_eq!(text.contains("when it runs"), !served, "{text}");
        let (fine, text) = recover(&gateway, &[&log]);
        assert!(fine && text.contains("0 referrals entered, 1 known already, 0 that cannot be read"), "{text}");
        if !served {
            gateway.run();
        }
        assert_eq!(gateway.settled_credits(), 1);
        let (fine, text) = recover(&gateway, &[&log]);
        assert!(fine && text.contains("0 referrals entered, 1 known already"), "{text}");
        assert!(gateway.stop());
        // Known from the ledger alone, as it is once the outbox has forgotten it.
        for file in ["spool.db", "spool.db-wal", "spool.db-shm"] {
            let _ = fs::remove_file(gateway.folder.path().join("data").join(file));
        }
        gateway.run();
        let answer = gateway.ask_json(&["ledger", "recover", &log]);
        assert_eq!((answer["entered"].as_array(), answer["known"].as_array().map(Vec::len)), (Some(&vec![]), Some(1)));
        let audited = gateway.log().lines().filter(|l| l.contains("\"act\":\"recover\"")).count();
        assert_eq!(audited, usize::from(served));
        assert_eq!(gateway.ask_json(&["ledger", "verify"])[0]["faults"], serde_json::json!([]));
    }
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_entered() {
    let (mut gateway, _sink, _) = broken_behind_the_250(CANDIDATE);
    let line = gateway.log().lines().find(|l| l.contains("\"recovery\"")).expect("the line").to_owned();
    gateway.run();
    let record = serde_json::json!({ "MESSAGE": line }).to_string();
    let text = [&line[..line.len() / 2], "another line", &record, &line, "{\"target\":\"recovery\",\"event\":7}"];
    let mut command = binary();
    command.args(["ledger", "recover", "--json", "--config"]).arg(gateway.config());
    let output = with_input(command, text.join("\n").as_bytes());
    assert!(!output.status.success());
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let lines = |of: &str| -> Vec<u64> {
        answer[of].as_array().expect("a list").iter().map(|l| l["line"].as_u64().expect("a number")).collect()
    };
    assert_eq!((lines("unreadable"), lines("entered"), lines("known")), (vec![1, 5], vec![3], vec![4]), "{answer}");
    assert_eq!(gateway.settled_credits(), 1);
}

#[test]
fn on_a_broken_disk_nothing_is_entered_and_it_is_said() {
    let (mut gateway, _sink, _) = broken_behind_the_250(CANDIDATE);
    let mut command = Command::new("env");
    command.args(["--ignore-signal=XFSZ", "prlimit", "--fsize=1"]).arg(binary_path());
    command.args(["ledger", "recover", &log(&gateway), "--config"]).arg(gateway.config());
    let output = command.output().expect("it runs");
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    gateway.run();
    assert_eq!(gateway.settled_credits(), 0);
    let (fine, text) = recover(&gateway, &[&log(&gateway)]);
    assert!(fine && text.contains("1 referral entered"), "{text}");
    assert_eq!(gateway.settled_credits(), 1);
}

#[test]
fn a_log_without_such_lines_and_one_that_is_not_there_are_told() {
    let gateway = Gateway::start(Sink::start().address);
    let (fine, text) = recover(&gateway, &[&log(&gateway)]);
    assert!(fine && text == "0 referrals entered, 0 known already, 0 that cannot be read\n", "{text}");
    let (fine, text) = recover(&gateway, &["/nowhere/log"]);
    assert!(!fine && text.contains("/nowhere/log cannot be read"), "{text}");
    let (fine, text) = recover(&gateway, &[&gateway.folder.path().display().to_string()]);
    assert!(!fine && text.contains("cannot be read"), "{text}");
}

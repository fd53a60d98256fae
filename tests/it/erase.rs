//! A person who asks to be forgotten is: with and without a server, in every spelling, and nothing of him is left.

use std::fs;
use std::process::Output;

use crate::gateway::{Gateway, binary, with_input};
use crate::sink::Sink;
use crate::smtp::{Client, rejection};

/// Runs `ledger erase …` with this on its standard input; whether it went well, and what it printed.
fn erase(gateway: &Gateway, words: &[&str], input: &str) -> (bool, String) {
    let mut command = binary();
    let reason = "本人の求めによる";
    command.args(["ledger", "erase", "--company", "sakura", "--reason", reason]).args(words);
    command.arg("--config").arg(gateway.config());
    let Output { status, stdout, stderr } = with_input(command, input.as_bytes());
    (status.success(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

fn receipt(gateway: &Gateway, words: &[&str], input: &str) -> serde_json::Value {
    let (fine, text) = erase(gateway, &[words, &["--json"]].concat(), input);
    assert!(fine, "{text}");
    serde_json::from_str(&text).expect("a receipt")
}

/// Two candidates have got their line.
fn with_two() -> (Sink, Gateway) {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    let mut client = Client::connect(gateway.address);
    for to in ["hana@candidate.example", "ren@candidate.example"] {
        assert_eq!(client.mail(&[to], &rejection(to)).0, 250);
    }
    assert_eq!(gateway.settled_credits(), 2);
    (sink, gateway)
}

/// The candidate key of an address, as `trace` tells it.
fn key_of(gateway: &Gateway, address: &str) -> Vec<u8> {
    let mut command = binary();
    command.args(["trace", "--to", "-", "--json", "--config"]).arg(gateway.config());
    let output = with_input(command, address.as_bytes());
    let trace: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a trace");
    let text = trace["keys"][0]["candidate"].as_str().expect("a key");
    let (_, hex) = text.split_once('.').expect("a key");
    data_encoding::HEXLOWER.decode(hex.as_bytes()).expect("a key")
}

/// The files of the data folder in which these octets stand.
fn holding(gateway: &Gateway, needle: &[u8]) -> Vec<String> {
    let files = fs::read_dir(gateway.folder.path().join("data")).expect("the data folder").flatten();
    let holds =
        |path: &std::path::Path| fs::read(path).is_ok_and(|octets| memchr::memmem::find(&octets, needle).is_some());
    let named = files.filter(|file| holds(&file.path())).map(|file| file.file_name().to_string_lossy().into_owned());
    let mut named: Vec<String> = named.collect();
    named.sort();
    named
}

#[test]
fn who_asks_is_forgotten_and_counts_no_second_time() {
    let (_sink, mut gateway) = with_two();
    let hana = "\"Hana\"@CANDIDATE.example\n";
    let (key, before) = (key_of(&gateway, "hana@candidate.example"), gateway.ask_json(&["ledger", "balance"]));
    assert!(holding(&gateway, &key).iter().any(|file| file.starts_with("spool.db")));
    let dry = receipt(&gateway, &["--dry-run"], hana);
    assert_eq!((&dry["entry"], &dry["was_known"], &dry["outbox"]), (&0.into(), &true.into(), &1.into()), "{dry}");
    let receipt = receipt(&gateway, &[], hana);
    assert!(receipt["entry"].as_u64().is_some_and(|entry| entry > 0), "{receipt}");
    assert_eq!((&receipt["evidence"], &receipt["outbox"]), (&1.into(), &1.into()), "{receipt}");
    assert!(receipt["marked_until"].is_string() && receipt["head"].as_str().is_some_and(|head| head.len() == 64));
    assert_eq!(gateway.ask_json(&["ledger", "balance"]), before, "nothing that was counted changes");
    let mut client = Client::connect(gateway.address);
    let again = "hana@candidate.example";
    assert_eq!(client.mail(&[again], &rejection(again)).0, 250);
    assert_eq!(gateway.ask_json(&["status"])["watch"]["outcomes"]["opted_out"], 1, "the next mail has no line");
    gateway.kill();
    gateway.run();
    assert_eq!(gateway.settled_credits(), 2);
    let verified = gateway.ask(&["ledger", "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    let (fine, text) = erase(&gateway, &["--lang", "ja"], hana);
    assert!(fine && text.starts_with("sakura：この方の記録は台帳にも送信控えにもありません"), "{text}");
    assert!(gateway.stop());
    // What is left is the mark, with its copy for a start without a ledger.
    assert_eq!(holding(&gateway, &key), ["ledger.db"]);
    let log = gateway.log().to_lowercase();
    assert!(!log.contains("hana@") && !log.contains("candidate.example"), "the log holds no address");
}

#[test]
fn without_a_server_it_is_the_same_and_a_wrong_company_is_named() {
    let (_sink, mut gateway) = with_two();
    assert!(gateway.stop());
    let (fine, text) = erase(&gateway, &[], "ren@candidate.example\n");
    assert!(fine && text.starts_with("sakura has erased this person: entry "), "{text}");
    for words in ["not changed   credits", "a keyed mark until", "erase again after each restore"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    gateway.run();
    assert!(gateway.ask(&["ledger", "verify"]).status.success());
    assert_eq!(gateway.settled_credits(), 2);
    let (fine, text) = erase(&gateway, &[], "ren at home\n");
    assert!(!fine && text.contains("not an address") && !text.contains("ren at"), "{text}");
    let mut command = binary();
    command.args(["ledger", "erase", "--company", "momiji", "--reason", "x", "--config"]).arg(gateway.config());
    let output = with_input(command, b"ren@candidate.example");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success() && text.contains("no company momiji"), "{text}");
    let statement = gateway.ask(&["ledger", "statement", "--company", "sakura", "--lang", "ja"]);
    assert!(String::from_utf8_lossy(&statement.stdout).contains("個人データの消去"));
}

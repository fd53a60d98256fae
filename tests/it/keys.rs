//! Keys of candidates: rotated under way, lost, exchanged, handed over by the service manager, carried elsewhere.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Output;

use crate::gateway::{Gateway, binary, with_input};
use crate::sink::Sink;
use crate::smtp::{Client, has_link, rejection};

const HANA: &str = "hana@candidate.example";
/// The same mailbox: a mail in the same octets is answered like the first one after a restart, and not sent again.
const HANA_AGAIN: &str = "Hana@Candidate.example";
const REN: &str = "ren@candidate.example";
const WORDS: &str = "five words that nobody guesses\n";

fn said(output: &Output) -> (bool, String) {
    let text = [&output.stdout[..], &output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// Runs a command with this on its standard input; whether it went well, and what it printed.
fn run(gateway: &Gateway, words: &[&str], input: &str) -> (bool, String) {
    let mut command = binary();
    command.args(words).arg("--config").arg(gateway.config());
    said(&with_input(command, input.as_bytes()))
}

/// Sends a rejection; whether it left with the line.
fn gets_the_line(gateway: &Gateway, sink: &Sink, to: &str) -> bool {
    let before = sink.taken().len();
    let (code, text) = Client::connect(gateway.address).mail(&[to], &rejection(to));
    assert_eq!(code, 250, "{text}");
    let taken = sink.taken();
    has_link(&taken[before..].iter().find(|mail| mail.recipients == [to]).expect("the mail").octets)
}

fn key_path(gateway: &Gateway, name: &str) -> PathBuf {
    gateway.folder.path().join("data/keys").join(name)
}

/// The numbers of the keys the ledger knows, with the persons kept under each.
fn known(gateway: &Gateway) -> Vec<(u64, u64)> {
    let keys = gateway.ask_json(&["keys", "show"])["candidates"].clone();
    let number = |key: &serde_json::Value, of: &str| key[of].as_u64().expect("a number");
    keys.as_array().expect("a list").iter().map(|key| (number(key, "id"), number(key, "persons"))).collect()
}

fn verifies(gateway: &Gateway) {
    let (fine, text) = said(&gateway.ask(&["ledger", "verify"]));
    assert!(fine, "{text}");
}

#[test]
fn after_a_rotation_a_person_counts_no_second_time_and_an_opt_out_holds_and_can_be_taken_back() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    assert!(gets_the_line(&gateway, &sink, HANA));
    assert!(run(&gateway, &["optout", "add"], REN).0);
    let (fine, text) = run(&gateway, &["keys", "rotate", "--dry-run"], "");
    assert!(fine && text.contains("nothing was changed") && !key_path(&gateway, "root-2.key").exists(), "{text}");
    let (fine, text) = run(&gateway, &["keys", "rotate"], "");
    assert!(fine && text.starts_with("key 2 is made; keep it with the backups."), "{text}");
    assert_eq!(known(&gateway).len(), 1, "not before the files are read anew");
    assert!(gateway.reload());
    assert!(gets_the_line(&gateway, &sink, HANA));
    assert!(!gets_the_line(&gateway, &sink, REN));
    assert!(gets_the_line(&gateway, &sink, "sora@candidate.example"));
    assert_eq!(gateway.settled_credits(), 2);
    assert_eq!(known(&gateway), [(1, 1), (2, 1)]);
    let trace = gateway.ask_json(&["trace", "--to", HANA]);
    assert_eq!(trace["ledger"].as_array().map(Vec::len), Some(2), "{trace}");
    assert!(run(&gateway, &["optout", "remove"], REN).0);
    assert!(gets_the_line(&gateway, &sink, REN));
    assert_eq!(gateway.settled_credits(), 3);
    verifies(&gateway);
}

#[test]
fn a_lost_key_stops_the_start_with_what_it_means_and_the_way_on_says_what_it_costs() {
    let sink = Sink::start();
    let mut gateway = Gateway::start(sink.address);
    assert!(gets_the_line(&gateway, &sink, HANA));
    assert_eq!(gateway.settled_credits(), 1);
    assert!(run(&gateway, &["optout", "add"], REN).0);
    assert!(gateway.stop());
    fs::remove_file(key_path(&gateway, "root.key")).expect("a key lost");
    let (fine, text) = run(&gateway, &["serve"], "");
    for words in ["root.key is missing", "everybody would count as new", "no mail is edited", "keys rotate --lost 1"] {
        assert!(!fine && text.contains(words), "{words}\n{text}");
    }
    assert!(!key_path(&gateway, "root.key").exists(), "no key is made in its place");
    let (fine, text) = run(&gateway, &["keys", "rotate", "--lost", "1", "--dry-run"], "");
    assert!(fine && text.contains("1 person counted under it") && text.contains("1 opt-out known by it"), "{text}");
    let (fine, text) = run(&gateway, &["keys", "rotate", "--lost", "1"], "");
    assert!(fine && text.contains("key 2 is made"), "{text}");
    gateway.run();
    assert!(gets_the_line(&gateway, &sink, HANA_AGAIN), "a new person, as was said");
    assert_eq!(gateway.settled_credits(), 2);
    assert_eq!(known(&gateway), [(1, 1), (2, 1)]);
    verifies(&gateway);
}

#[test]
fn with_another_key_than_the_ledger_knows_nothing_is_edited_and_it_says_so() {
    let sink = Sink::start();
    let mut gateway = Gateway::start(sink.address);
    assert!(gets_the_line(&gateway, &sink, HANA));
    assert!(gateway.stop());
    let path = key_path(&gateway, "root.key");
    let octets = fs::read(&path).expect("the key");
    fs::write(&path, [7; 32]).expect("another key");
    gateway.run();
    assert!(!gets_the_line(&gateway, &sink, HANA_AGAIN));
    assert_eq!(gateway.ask_json(&["status"])["edits"], false);
    assert!(gateway.log().contains("everybody would count as new"), "{}", gateway.log());
    assert!(gateway.stop());
    fs::write(&path, octets).expect("the key put back");
    gateway.run();
    assert!(gets_the_line(&gateway, &sink, "HANA@candidate.example"));
    assert_eq!(gateway.settled_credits(), 1);
}

#[test]
fn keys_may_come_from_the_service_manager() {
    let sink = Sink::start();
    let mut gateway = Gateway::start(sink.address);
    assert!(gets_the_line(&gateway, &sink, HANA));
    assert!(gateway.stop());
    let handed = tempfile::tempdir().expect("a folder");
    for name in ["root.key", "signing.key"] {
        fs::rename(key_path(&gateway, name), handed.path().join(name)).expect("a credential");
    }
    gateway.variables = vec![("CREDENTIALS_DIRECTORY", handed.path().into())];
    gateway.run();
    assert!(gets_the_line(&gateway, &sink, HANA_AGAIN));
    assert_eq!(gateway.settled_credits(), 1);
    let (fine, text) = said(&gateway.ask(&["ledger", "checkpoint"]));
    assert!(fine && text.starts_with("-----BEGIN CAREER-RELAY CHECKPOINT-----"), "{text}");
    assert!(!key_path(&gateway, "root.key").exists() && !key_path(&gateway, "signing.key").exists());
}

#[test]
fn a_companys_keys_are_carried_sealed_to_where_it_was_not_served_before() {
    let sink = Sink::start();
    let (from, mut to) = (Gateway::start(sink.address), Gateway::prepare(sink.address, "", "127.0.0.0/8"));
    assert!(gets_the_line(&from, &sink, HANA));
    let company = to.folder.path().join("companies/sakura.toml");
    let kept = to.folder.path().join("later.toml");
    fs::rename(&company, &kept).expect("a company for later");
    to.run();
    assert!(to.stop());
    let sealed = from.folder.path().join("sakura.sealed").display().to_string();
    let export = ["keys", "export", "--company", "sakura", "--out", &sealed];
    assert!(run(&from, &export, "too short\n").1.contains("at least 16 characters"));
    let (fine, text) = run(&from, &export, WORDS);
    assert!(fine && text.contains("the keys of sakura, sealed"), "{text}");
    assert!(run(&from, &export, WORDS).1.contains("exists and is left as it is"));
    assert_eq!(fs::metadata(&sealed).map(|m| m.permissions().mode() & 0o777).ok(), Some(0o600));
    let (fine, text) = run(&to, &["keys", "import", &sealed], "five words that nobody guesset\n");
    assert!(!fine && text.contains("the passphrase is another one"), "{text}");
    let brought = key_path(&to, "companies/sakura.key");
    let (fine, text) = run(&to, &["keys", "import", &sealed, "--dry-run"], WORDS);
    assert!(fine && text.contains("nothing was changed") && !brought.exists(), "{text}");
    let (fine, text) = run(&to, &["keys", "import", &sealed], WORDS);
    assert!(fine && text.contains("the keys of sakura are taken in"), "{text}");
    assert_eq!(fs::metadata(&brought).map(|m| m.permissions().mode() & 0o777).ok(), Some(0o600));
    fs::rename(&kept, &company).expect("the company");
    to.run();
    let print = |gateway: &Gateway| gateway.ask_json(&["keys", "show"])["candidates"][0]["fingerprint"].clone();
    assert_eq!(print(&from), print(&to));
    assert!(gets_the_line(&to, &sink, HANA));
    let candidate = |gateway: &Gateway| gateway.ask_json(&["trace", "--to", HANA])["keys"][0]["candidate"].clone();
    assert_eq!(candidate(&from), candidate(&to));
    // Where the company is known under a key of its own, two keys would have one number.
    let other = Gateway::start(sink.address);
    let (fine, text) = run(&other, &["keys", "import", &sealed], WORDS);
    assert!(!fine && text.contains("two keys cannot share a number"), "{text}");
}

#[test]
fn no_secret_is_shown() {
    let gateway = Gateway::start(Sink::start().address);
    let (_, shown) = said(&gateway.ask(&["keys", "show"]));
    let (_, json) = said(&gateway.ask(&["keys", "show", "--json"]));
    let root = fs::read(key_path(&gateway, "root.key")).expect("the key");
    let pem = fs::read_to_string(key_path(&gateway, "signing.key")).expect("the key");
    let private = pem.lines().nth(1).expect("a line");
    for text in [shown, json, gateway.log()] {
        let hex = data_encoding::HEXLOWER.encode(&root[..8]);
        assert!(!text.contains(&hex) && !text.contains(private), "{text}");
    }
    for name in ["root.key", "signing.key"] {
        assert_eq!(fs::metadata(key_path(&gateway, name)).map(|m| m.permissions().mode() & 0o777).ok(), Some(0o600));
    }
}

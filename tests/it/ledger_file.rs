//! The ledger's file: copied while the server runs, brought back, cut, filled up, and held to its contracts.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::gateway::{Gateway, binary, wait_for};
use crate::sink::Sink;
use crate::smtp::{Client, has_link, rejection};
use crate::strace::Strace;

fn data(gateway: &Gateway) -> PathBuf {
    gateway.folder.path().join("data")
}

/// Sends rejections to these candidates, each with the line.
fn refer(gateway: &Gateway, sink: &Sink, numbers: std::ops::Range<u32>) {
    let mut client = Client::connect(gateway.address);
    for number in numbers {
        let candidate = format!("c{number}@candidate.example");
        let (code, text) = client.mail(&[&candidate], &rejection(&candidate));
        assert_eq!(code, 250, "{text}");
        let arrived = |t: &crate::sink::Taken| t.recipients == [candidate.clone()] && has_link(&t.octets);
        assert!(sink.taken().iter().any(arrived), "no line for {candidate}");
    }
}

/// How a command of the ledger ended, and what it said.
fn ledger(gateway: &Gateway, words: &[&str]) -> (bool, String) {
    let output = gateway.ask(&[&["ledger"], words].concat());
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn verifies(gateway: &Gateway) {
    assert_eq!(gateway.ask_json(&["ledger", "verify"])[0]["faults"], serde_json::json!([]));
}

/// Waits until the outbox has brought back what a copy lacked, and holds the count to it.
fn comes_back_to(gateway: &Gateway, credits: u64) {
    let counted = || gateway.ask_json(&["ledger", "balance"])["balances"][0]["counted"] == credits;
    wait_for("the outbox to be posted again", || counted().then_some(()));
    assert_eq!(gateway.settled_credits(), credits);
}

#[test]
fn a_copy_of_a_running_server_comes_back_and_the_outbox_brings_what_it_lacks() {
    let sink = Sink::start();
    let mut gateway = Gateway::start(sink.address);
    refer(&gateway, &sink, 0..11);
    assert_eq!(gateway.settled_credits(), 11);
    let copy = gateway.folder.path().join("copy.db");
    let name = copy.to_str().expect("a name").to_owned();
    let (fine, said) = ledger(&gateway, &["backup", &name]);
    assert!(
        fine && said.contains("34 entries of 1 company, verified; the newest of ")
            && said.contains("its keys are not in it"),
        "{said}"
    );
    assert_eq!(fs::metadata(&copy).expect("the copy").permissions().mode() & 0o777, 0o600);
    let (fine, said) = ledger(&gateway, &["backup", &name]);
    assert!(!fine && said.contains("is there already"), "{said}");
    refer(&gateway, &sink, 11..15);
    assert_eq!(gateway.settled_credits(), 15);
    let (fine, said) = ledger(&gateway, &["restore", &name]);
    assert!(!fine && said.contains("a server runs on") && said.contains("nothing was changed"), "{said}");
    gateway.kill();
    let (fine, said) = ledger(&gateway, &["restore", &name, "--dry-run"]);
    assert!(
        fine && said.contains("the ledger that is here has 46,") && said.ends_with("nothing was changed\n"),
        "{said}"
    );
    assert_eq!(gateway.ask_json(&["ledger", "balance"])["balances"][0]["counted"], 15);
    let restored = gateway.ask_json(&["ledger", "restore", &name]);
    assert_eq!((&restored["entries"], &restored["is_too_old"]), (&34.into(), &false.into()), "{restored}");
    let aside = PathBuf::from(restored["kept_as"].as_str().expect("a name"));
    assert!(aside.starts_with(data(&gateway)) && aside.is_file());
    assert_eq!(gateway.ask_json(&["ledger", "balance"])["balances"][0]["counted"], 11);
    gateway.run();
    comes_back_to(&gateway, 15);
    refer(&gateway, &sink, 15..16);
    assert_eq!(gateway.settled_credits(), 16);
    verifies(&gateway);
    assert!(copy.is_file(), "a copy stays as it is");
}

#[test]
fn a_copy_made_with_other_keys_is_refused_and_names_them() {
    let sink = Sink::start();
    let mut gateways = [(); 2].map(|()| Gateway::start(sink.address));
    let copy = gateways[1].folder.path().join("copy.db").to_str().expect("a name").to_owned();
    for gateway in &gateways {
        refer(gateway, &sink, 0..1);
        assert_eq!(gateway.settled_credits(), 1);
    }
    assert!(ledger(&gateways[1], &["backup", &copy]).0);
    gateways[0].kill();
    let (fine, said) = ledger(&gateways[0], &["restore", &copy]);
    assert!(!fine && said.contains("made with other keys (key 1 of sakura)"), "{said}");
    assert!(!said.contains("--"), "{said}");
    fs::remove_file(data(&gateways[0]).join("keys/root.key")).expect("the key");
    let (fine, said) = ledger(&gateways[0], &["restore", &copy]);
    assert!(!fine && said.contains("has no root.key: put the keys there"), "{said}");
    let left: Vec<_> = fs::read_dir(data(&gateways[0])).expect("the folder").flatten().map(|f| f.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("coming")), "{left:?}");
}

#[test]
fn a_cut_ledger_keeps_the_server_from_starting_and_a_copy_makes_it_whole_again() {
    let sink = Sink::start();
    let mut gateway = Gateway::start(sink.address);
    refer(&gateway, &sink, 0..3);
    assert_eq!(gateway.settled_credits(), 3);
    let name = gateway.folder.path().join("copy.db").to_str().expect("a name").to_owned();
    assert!(ledger(&gateway, &["backup", &name]).0);
    refer(&gateway, &sink, 3..5);
    assert_eq!(gateway.settled_credits(), 5);
    let whole = gateway.folder.path().join("whole.db");
    assert!(ledger(&gateway, &["backup", whole.to_str().expect("a name")]).0);
    assert!(gateway.stop());
    // One whole file, with nothing left beside it, as after a stop that had all its time.
    let db = data(&gateway).join("ledger.db");
    for beside in ["-wal", "-shm"] {
        let _ = fs::remove_file(data(&gateway).join(format!("ledger.db{beside}")));
    }
    let octets = fs::copy(&whole, &db).expect("the ledger");
    File::options().write(true).open(&db).and_then(|f| f.set_len(octets / 2)).expect("a cut");
    let serve = binary().args(["serve", "--config"]).arg(gateway.config()).output().expect("it runs");
    let said = String::from_utf8_lossy(&[serve.stdout, serve.stderr].concat()).into_owned();
    assert!(!serve.status.success(), "{said}");
    assert!(said.contains("is damaged") && said.contains("ledger restore"), "{said}");
    assert_eq!(fs::metadata(&db).expect("the ledger").len(), octets / 2, "left as it is");
    let (fine, said) = ledger(&gateway, &["restore", &name]);
    assert!(fine && said.contains("restored; the ledger that was there is kept as"), "{said}");
    gateway.run();
    comes_back_to(&gateway, 5);
    verifies(&gateway);
}

#[test]
fn a_disk_that_is_full_in_the_midst_of_a_commit_loses_nothing_and_it_goes_on_when_there_is_room() {
    let sink = Sink::start();
    let mut gateway = Gateway::start(sink.address);
    refer(&gateway, &sink, 0..1);
    assert_eq!(gateway.settled_credits(), 1);
    let full = Strace::fill(&gateway, &data(&gateway).join("ledger.db-wal"));
    refer(&gateway, &sink, 1..12);
    wait_for("the ledger to be full", || gateway.log().contains("referrals wait in the outbox").then_some(()));
    assert!(gateway.log().contains("full"), "{}", gateway.log());
    let unposted = gateway.ask_json(&["status"])["spool"]["unposted"].as_u64().expect("a number");
    assert!(unposted > 0);
    verifies(&gateway);
    full.release();
    assert_eq!(gateway.settled_credits(), 12);
    verifies(&gateway);
    gateway.kill();
    gateway.run();
    assert_eq!(gateway.settled_credits(), 12);
    verifies(&gateway);
}

#[test]
fn a_contract_that_is_edited_after_its_use_is_refused_with_file_key_and_difference() {
    let sink = Sink::start();
    let mut gateway = Gateway::start(sink.address);
    refer(&gateway, &sink, 0..1);
    let path = gateway.folder.path().join("companies/sakura.toml");
    let text = fs::read_to_string(&path).expect("a company file");
    let edited = text.replace("[[contract]]\n", "[[contract]]\nquiet_days = 5\n");
    assert_ne!(edited, text);
    fs::write(&path, edited).expect("a company file");
    assert!(!gateway.reload());
    let said =
        "sakura.toml: contract standard 1 of sakura: quiet_days 7 in the ledger, quiet_days 5 in the file; a version";
    assert!(gateway.log().contains(said), "{}", gateway.log());
    refer(&gateway, &sink, 1..2);
    assert_eq!(gateway.settled_credits(), 2);
    // After a restart no line is written for that company, and mail flows.
    assert!(gateway.stop());
    gateway.run();
    let candidate = "c2@candidate.example";
    assert_eq!(Client::connect(gateway.address).mail(&[candidate], &rejection(candidate)).0, 250);
    assert!(!has_link(&sink.taken().last().expect("a mail").octets));
    assert_eq!(gateway.log().matches(said).count(), 3, "{}", gateway.log());
    fs::write(&path, text).expect("a company file");
    assert!(gateway.reload());
    refer(&gateway, &sink, 3..4);
    assert_eq!(gateway.settled_credits(), 3);
}

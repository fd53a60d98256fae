//! What the other side keeps and can hold against the ledger, and what both sides have signed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::gateway::{Gateway, binary, wait_for};
use crate::sink::Sink;
use crate::smtp::{Client, rejection};

fn said(output: &Output) -> (bool, String) {
    let text = [&output.stdout[..], &output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn refer(gateway: &Gateway, name: &str) {
    let to = format!("{name}@candidate.example");
    assert_eq!(Client::connect(gateway.address).mail(&[&to], &rejection(&to)).0, 250);
}

fn file(gateway: &Gateway, name: &str) -> PathBuf {
    gateway.folder.path().join(name)
}

fn checkpoint(gateway: &Gateway, name: &str) -> PathBuf {
    let path = file(gateway, name);
    let (fine, text) = said(&gateway.ask(&["ledger", "checkpoint", "--out", &path.display().to_string()]));
    assert!(fine && text.contains("holds the heads of 1 company, signed by ed25519:"), "{text}");
    path
}

/// Verifies against these files, and perhaps with keys; what it says of them.
fn verify(gateway: &Gateway, given: &[&Path], more: &[&str]) -> (bool, String) {
    let given: Vec<String> = given.iter().map(|path| path.display().to_string()).collect();
    let mut words = vec!["ledger", "verify", "--checkpoint"];
    words.extend(given.iter().map(String::as_str));
    words.extend(more);
    said(&gateway.ask(&words))
}

fn signing_key(gateway: &Gateway) -> String {
    let keys = gateway.ask_json(&["keys", "show"]);
    keys["signing"][0]["key"].as_str().expect("a key").to_owned()
}

#[test]
fn loss_of_the_newest_entries_is_named_by_a_checkpoint_and_by_a_statement_and_by_nothing_else() {
    let sink = Sink::start();
    let mut gateway = Gateway::start(sink.address);
    refer(&gateway, "hana");
    assert_eq!(gateway.settled_credits(), 1);
    let first = checkpoint(&gateway, "first.txt");
    assert!(gateway.stop());
    let (ledger, copy) = (file(&gateway, "data/ledger.db"), file(&gateway, "copy.db"));
    let disk = rusqlite::Connection::open(&ledger).expect("the ledger");
    disk.execute("VACUUM INTO ?1", [copy.to_str()]).expect("a copy");
    drop(disk);
    gateway.run();
    refer(&gateway, "ren");
    assert_eq!(gateway.settled_credits(), 2);
    let second = checkpoint(&gateway, "second.txt");
    let statement = file(&gateway, "statement.json");
    let printed = gateway.ask(&["ledger", "statement", "--company", "sakura", "--json"]);
    fs::write(&statement, printed.stdout).expect("a statement");
    let (fine, text) = verify(&gateway, &[&first, &second, &statement], &["--key", &signing_key(&gateway)]);
    assert!(fine && text.contains("a checkpoint, signed by ed25519:") && text.contains("a statement"), "{text}");
    assert!(gateway.stop());
    for ending in ["-wal", "-shm"] {
        let _ = fs::remove_file(file(&gateway, &format!("data/ledger.db{ending}")));
    }
    fs::copy(&copy, &ledger).expect("the copy put back");
    assert!(said(&gateway.ask(&["ledger", "verify"])).0, "the chain alone does not show it");
    assert!(verify(&gateway, &[&first], &[]).0, "the earlier one fits");
    for given in [&second, &statement] {
        let (fine, text) = verify(&gateway, &[&first, given], &[]);
        assert!(!fine && text.contains("missing: entries 4 to 6") && text.contains("DOES NOT VERIFY"), "{text}");
    }
    // The outbox posts the lost one again: the same credit, in another chain than the one that was seen.
    gateway.run();
    wait_for("the credit to be posted again", || (gateway.settled_credits() == 2).then_some(()));
    let (fine, text) = verify(&gateway, &[&first, &second], &[]);
    assert!(!fine && text.contains("the chain was written anew at entry 4 or behind"), "{text}");
    let third = checkpoint(&gateway, "third.txt");
    let (fine, text) = verify(&gateway, &[&second, &third], &[]);
    assert!(!fine && text.contains("fork between") && text.contains("entry 6 of sakura has two hashes"), "{text}");
}

#[test]
fn a_changed_a_strangers_and_another_ledgers_checkpoint_are_not_believed() {
    let sink = Sink::start();
    let (gateway, other) = (Gateway::start(sink.address), Gateway::start(sink.address));
    refer(&gateway, "hana");
    assert_eq!(gateway.settled_credits(), 1);
    let ours = checkpoint(&gateway, "ours.txt");
    let text = fs::read_to_string(&ours).expect("a text");
    let changed = file(&gateway, "changed.txt");
    for (old, new) in [("head sakura 3", "head sakura 2"), ("\nat 2", "\nat 3"), ("signature ", "signature A")] {
        assert!(text.contains(old), "{text}");
        fs::write(&changed, text.replacen(old, new, 1)).expect("a file");
        let (fine, told) = verify(&gateway, &[&changed], &[]);
        assert!(!fine && told.contains("NOT BELIEVED"), "{old}: {told}");
    }
    let theirs = checkpoint(&other, "theirs.txt");
    let (fine, told) = verify(&gateway, &[&theirs], &[]);
    assert!(!fine && told.contains("none of the keys that are believed here"), "{told}");
    let (fine, told) = verify(&gateway, &[&theirs], &["--key", &signing_key(&other)]);
    assert!(!fine && told.contains("it is of another ledger"), "{told}");
    let (fine, told) = verify(&gateway, &[&ours], &["--key", &signing_key(&other)]);
    assert!(!fine && told.contains("none of the keys"), "a pinned key alone is believed: {told}");
    let head = "0".repeat(64);
    let strange = format!(r#"{{"company":"ume","chain":{{"entries":3,"head":"{head}"}}}}"#);
    fs::write(&changed, strange).expect("a file");
    let (fine, told) = verify(&gateway, &[&changed], &["--company", "sakura"]);
    assert!(!fine && told.contains("it is a statement of ume, and sakura is verified"), "{told}");
    let (fine, told) = verify(&gateway, &[&changed], &[]);
    assert!(!fine && told.contains("the ledger knows no such company"), "{told}");
    fs::write(&changed, "a letter").expect("a file");
    assert!(verify(&gateway, &[&changed], &[]).1.contains("neither a checkpoint nor a statement"));
    let again = said(&gateway.ask(&["ledger", "checkpoint", "--out", &ours.display().to_string()]));
    assert!(!again.0 && again.1.contains("exists and is left as it is"), "{}", again.1);
}

/// Puts lines into the company's file, behind `after`.
fn put(gateway: &Gateway, after: &str, lines: &str) {
    let path = file(gateway, "companies/sakura.toml");
    let text = fs::read_to_string(&path).expect("a file");
    assert!(text.contains(after), "{text}");
    fs::write(&path, text.replacen(after, &format!("{after}{lines}"), 1)).expect("a file");
}

fn check(gateway: &Gateway) -> (bool, String) {
    said(&gateway.ask(&["check"]))
}

fn statement(gateway: &Gateway, words: &[&str]) -> String {
    said(&gateway.ask(&[&["ledger", "statement", "--company", "sakura"], words].concat())).1
}

#[test]
fn terms_are_agreed_by_the_operators_signature_and_every_statement_says_whether() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    refer(&gateway, "hana");
    assert_eq!(gateway.settled_credits(), 1);
    assert!(statement(&gateway, &[]).contains("NOT SIGNED by the operator"));
    assert!(statement(&gateway, &["--lang", "ja"]).contains("運営者の署名なし"));
    assert!(statement(&gateway, &["--csv"]).contains("standard,contract_1,"));
    let contracts = |gateway: &Gateway| gateway.ask_json(&["contract", "list"]);
    assert_eq!(contracts(&gateway)[0]["signed"], false);
    let (pem, company) = (file(&gateway, "operator.pem"), file(&gateway, "companies/sakura.toml"));
    let (pem, company) = (pem.display().to_string(), company.display().to_string());
    let (fine, text) = said(&binary().args(["contract", "keygen", "--out", &pem]).output().expect("it runs"));
    let key = text.lines().find(|line| line.starts_with("operator_keys")).expect("a line").to_owned();
    assert!(fine, "{text}");
    let sign = || said(&binary().args(["contract", "sign", &company, "--key", &pem]).output().expect("it runs"));
    let (fine, text) = sign();
    let signature = text.lines().find(|line| line.starts_with("signature")).expect("a line").to_owned();
    assert!(fine && text.contains(&key) && text.contains("#   threshold 10"), "{text}");
    put(&gateway, "mode = \"live\"\n", &format!("{key}\n"));
    put(&gateway, "from = 2026-01-01\n", &format!("{signature}\n"));
    assert!(check(&gateway).0, "{}", check(&gateway).1);
    assert!(gateway.reload());
    let list = contracts(&gateway);
    assert_eq!((&list[0]["signed"], &list[0]["entries"]), (&true.into(), &3.into()));
    let public = key.split('"').nth(1).expect("a key");
    assert_eq!(list[0]["signed_by"][0]["key"], public);
    let shown = said(&gateway.ask(&["contract", "show", "--company", "sakura"])).1;
    assert!(shown.contains("threshold 10") && shown.contains("signed by ed25519:"), "{shown}");
    assert!(statement(&gateway, &[]).contains("signed by the operator ("));
    let json = gateway.ask_json(&["ledger", "statement", "--company", "sakura"]);
    assert_eq!(
        (&json["contracts"][0]["signed"], &json["contracts"][0]["signed_by"][0]["key"]),
        (&true.into(), &public.into())
    );
    assert!(said(&gateway.ask(&["ledger", "verify"])).0);
    // Other terms under the same signature: a new version whose signature was copied.
    put(
        &gateway,
        &format!("{signature}\n"),
        &format!("[[contract]]\nseries = \"standard\"\nversion = 2\nfrom = 2027-01-01\nthreshold = 5\n{signature}\n"),
    );
    let (fine, text) = check(&gateway);
    let line = fs::read_to_string(&company).expect("a file").lines().count();
    let place = format!("sakura.toml:{line}: contract.signature: no key in operator_keys has signed these terms");
    assert!(!fine && text.contains(&place), "{place}\n{text}");
    assert!(!gateway.reload(), "all stays as it was");
    let (fine, text) = sign();
    assert!(fine && text.matches("signature = ").count() == 2 && text.contains("#   threshold 5"), "{text}");
}

#[test]
fn a_signature_without_the_operators_key_or_for_another_company_is_a_fault_of_its_line() {
    let gateway = Gateway::prepare(Sink::start().address, "", "127.0.0.0/8");
    let company = file(&gateway, "companies/sakura.toml");
    let pem = file(&gateway, "operator.pem").display().to_string();
    let (_, text) = said(&binary().args(["contract", "keygen", "--out", &pem]).output().expect("it runs"));
    let key = text.lines().find(|line| line.starts_with("operator_keys")).expect("a line").to_owned();
    let ume = file(&gateway, "ume.toml");
    let terms = fs::read_to_string(&company).expect("a file").replace("id = \"sakura\"", "id = \"ume\"");
    fs::write(&ume, terms).expect("another company's file");
    let of_ume = ["contract", "sign", &ume.display().to_string(), "--key", &pem].map(str::to_owned);
    let (_, text) = said(&binary().args(of_ume).output().expect("it runs"));
    let signature = text.lines().find(|line| line.starts_with("signature")).expect("a line").to_owned();
    put(&gateway, "from = 2026-01-01\n", &format!("{signature}\n"));
    let (fine, text) = check(&gateway);
    assert!(!fine && text.contains("contract.signature: a signature, and no key of the operator"), "{text}");
    put(&gateway, "mode = \"live\"\n", &format!("{key}\n"));
    let (fine, text) = check(&gateway);
    assert!(!fine && text.contains("has signed these terms of contract standard 1 for sakura"), "{text}");
    let cut = fs::read_to_string(&company).expect("a file").replace(&signature, &format!("{}\"", &signature[..40]));
    fs::write(&company, cut).expect("a file");
    let (fine, text) = check(&gateway);
    assert!(!fine && text.contains("contract.signature: not a signature, or one that is cut short"), "{text}");
}

//! The operator's signature under the use of a hire slot: made elsewhere, entered here, and told by every statement and
//! report; counted anew by Python.

use std::fs;
use std::process::Output;

use crate::contribution::{day, python, write_all};
use crate::gateway::{Gateway, binary, with_input};
use crate::slots::with_slots;

fn said(output: &Output) -> (bool, String) {
    let text = [&output.stdout[..], &output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn say(gateway: &Gateway, words: &[&str]) -> (bool, String) {
    said(&gateway.ask(words))
}

/// Makes a key of the operator's in a file; its line for the company's file.
fn keygen(gateway: &Gateway, name: &str) -> (String, String) {
    let pem = gateway.folder.path().join(name).display().to_string();
    let (fine, text) = said(&binary().args(["contract", "keygen", "--out", &pem]).output().expect("it runs"));
    let line = text.lines().find(|line| line.starts_with("operator_keys")).expect("a line").to_owned();
    assert!(fine, "{text}");
    (pem, line)
}

/// What the operator signs of a slot, signed where there is no ledger.
fn signature(gateway: &Gateway, slot: &str, pem: &str) -> String {
    let (fine, record) = say(gateway, &["slot", "record", slot, "--company", "sakura"]);
    assert!(fine && record.starts_with("career-relay redemption agreed v1\ncompany sakura\n"), "{record}");
    let mut command = binary();
    command.args(["slot", "sign", "-", "--key", pem]);
    let (fine, text) = said(&with_input(command, record.as_bytes()));
    let found = text.lines().find_map(|line| line.strip_prefix("--signature ")).map(str::to_owned);
    assert!(fine && text.contains(&format!("# slot {slot}\n")), "{text}");
    found.expect("a signature")
}

fn use_slot(gateway: &Gateway, slot: &str, hire: &str) {
    let until = (jiff::Zoned::now().date() + jiff::ToSpan::days(30)).to_string();
    let of = [slot, "--company", "sakura", "--reason", "内線にて"];
    assert!(say(gateway, &[&["slot", "reserve"], &of[..], &["--wish", "経理", "--until", &until]].concat()).0);
    for deed in ["confirm", "introduce"] {
        assert!(say(gateway, &[&["slot", deed], &of[..]].concat()).0);
    }
    let (fine, text) = say(gateway, &[&["slot", "redeem"], &of[..], &["--hire", hire]].concat());
    assert!(fine, "{text}");
}

fn agree(gateway: &Gateway, slot: &str, signature: &str, more: &[&str]) -> (bool, String) {
    let of = ["slot", "agree", slot, "--company", "sakura", "--reason", "署名受領", "--signature", signature];
    say(gateway, &[&of[..], more].concat())
}

fn put_key(gateway: &Gateway, line: &str) {
    let path = gateway.folder.path().join("companies/sakura.toml");
    let text = fs::read_to_string(&path).expect("a company file");
    fs::write(&path, format!("{line}\n{text}")).expect("a company file");
    assert!(gateway.reload());
}

#[test]
fn the_use_of_a_slot_is_agreed_by_the_operators_signature_and_every_form_says_whether() {
    let mut gateway = with_slots();
    let (pem, line) = keygen(&gateway, "operator.pem");
    let (other, _) = keygen(&gateway, "other.pem");
    let (fine, text) = say(&gateway, &["slot", "record", "1", "--company", "sakura"]);
    assert!(!fine && text.contains("slot 1 of sakura (standard) was not used yet"), "{text}");
    use_slot(&gateway, "1", "CR-2026-17");
    use_slot(&gateway, "2", "CR-2026-18");
    let (one, two) = (signature(&gateway, "1", &pem), signature(&gateway, "2", &pem));
    assert!(agree(&gateway, "1", &one, &[]).1.contains("no key of the operator is known: add operator_keys"));
    put_key(&gateway, &line);
    let forged = agree(&gateway, "1", &signature(&gateway, "1", &other), &[]);
    assert!(
        !forged.0 && forged.1.starts_with("slot 1 of sakura (standard): the signature does not hold"),
        "{forged:?}"
    );
    assert!(agree(&gateway, "1", &two, &[]).1.contains("it is of another slot, company or entry"));
    assert!(agree(&gateway, "1", &one[..40], &[]).1.contains("not a signature, or one that is cut short"));
    let (_, text) = agree(&gateway, "1", &one, &["--dry-run"]);
    assert!(text.contains("would be redeemed, signed by the operator; nothing was written"), "{text}");
    assert_eq!(gateway.ask_json(&["slot", "list"])[0]["signed_by"], serde_json::json!([]));
    let (fine, text) = agree(&gateway, "1", &one, &["--by", "花子"]);
    assert!(fine && text.contains("(standard) is redeemed, signed by the operator: entry "), "{text}");
    assert!(agree(&gateway, "1", &one, &[]).1.contains("this key has signed the use of the slot before"));
    let lines = gateway.ask_json(&["slot", "list"]);
    let key = line.split('"').nth(1).expect("a key");
    assert_eq!((&lines[0]["hire"], &lines[0]["signed_by"][0]["key"]), (&"CR-2026-17".into(), &key.into()));
    let list = say(&gateway, &["slot", "list"]).1.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(list.contains("redeemed signed") && list.contains("redeemed NOT SIGNED"), "{list}");
    let statement = ["ledger", "statement", "--company", "sakura"];
    let (_, text) = say(&gateway, &[&statement[..], &["--lang", "ja"]].concat());
    assert!(text.contains("運営者の署名あり (") && text.contains("運営者の署名なし（未合意）"), "{text}");
    let json = gateway.ask_json(&statement);
    let told = &json["series"]["standard"]["redemptions"];
    assert_eq!((&told[0]["signed"], &told[1]["signed"]), (&true.into(), &false.into()), "{told}");
    assert!(say(&gateway, &["ledger", "verify"]).0);
    check_with_python(&gateway);
    // Without a server as with one.
    assert!(gateway.stop());
    assert!(agree(&gateway, "2", &two, &[]).0);
    let (fine, text) = say(&gateway, &["ledger", "verify"]);
    assert!(fine, "{text}");
}

fn check_with_python(gateway: &Gateway) {
    let folder = tempfile::tempdir().expect("a folder");
    let (from, to) = (day(-1).to_string(), day(1).to_string());
    let files = write_all(gateway, folder.path(), (&from, &to));
    let words = [folder.path().as_os_str(), "sakura".as_ref(), from.as_ref(), to.as_ref()];
    assert!(python("recount.py", &words).contains(" entries, "));
    let report = fs::read_to_string(folder.path().join("report.json")).expect("the report");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    let figure = |item: &str| {
        let found = report["figures"].as_array().and_then(|all| all.iter().find(|figure| figure["item"] == item));
        found.expect("a figure")["value"].clone()
    };
    assert_eq!((figure("slots_redeemed"), figure("slots_redeemed_signed")), (2.into(), 1.into()));
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "html")) {
        let text = fs::read_to_string(file).expect("UTF-8");
        let ja = file.display().to_string().ends_with("-ja.html");
        let word = if ja { "運営者の署名" } else { "igned by the operator" };
        assert!(text.contains(word) || text.contains("NOT SIGNED"), "{}", file.display());
    }
}

#[test]
fn a_forged_signature_in_the_file_is_named_by_verify() {
    let mut gateway = with_slots();
    let (pem, line) = keygen(&gateway, "operator.pem");
    put_key(&gateway, &line);
    use_slot(&gateway, "1", "CR-2026-17");
    let one = signature(&gateway, "1", &pem);
    assert!(agree(&gateway, "1", &one, &[]).0);
    assert!(gateway.stop());
    let file = rusqlite::Connection::open(gateway.folder.path().join("data/ledger.db")).expect("the ledger");
    file.execute("UPDATE operator_keys SET public = randomblob(32)", []).expect("the tampering");
    drop(file);
    let (holds, text) = say(&gateway, &["ledger", "verify"]);
    assert!(!holds && text.contains("slot 1: the key is none of the operator's"), "{text}");
}

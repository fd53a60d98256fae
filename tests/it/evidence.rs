//! The second way in: what an ATS sent by itself is entered from its export or from a copy, counts only where the
//! contract says so, adds nothing when it is entered twice, and leaves no address behind.

use std::fs;
use std::process::Output;

use crate::gateway::{Gateway, binary, with_input};
use crate::sink::Sink;
use crate::smtp::{Client, rejection};

const EXPORT: &str = "氏名,メールアドレス,送信日時,件名\r\n\
    森花,hana@candidate.example,2026/11/01 9:30,選考結果のご連絡\r\n\
    林蓮,\"ren@candidate.example\",2026-11-02,選考結果のご連絡\r\n\
    林蓮,ren@candidate.example,2026-11-03,面接のご案内\r\n\
    社員,saiyo@sakura.example,2026-11-03,選考結果のご連絡\r\n";

fn evidence(gateway: &Gateway, words: &[&str], input: &[u8]) -> (bool, String) {
    let mut command = binary();
    command.arg("evidence").args(words).args(["--company", "sakura", "--config"]).arg(gateway.config());
    let Output { status, stdout, stderr } = with_input(command, input);
    (status.success(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

/// Enters the export; whether it went well, and what it said.
fn import(gateway: &Gateway, words: &[&str], export: &[u8]) -> (bool, String) {
    evidence(gateway, &[&["import", "-", "--subject-has", "選考結果"], words].concat(), export)
}

/// A gateway whose contract counts what was observed, or does not.
fn gateway(counts: bool) -> Gateway {
    let sink = Sink::start();
    let mut gateway = Gateway::prepare(sink.address, "", "127.0.0.0/8");
    let path = gateway.folder.path().join("companies/sakura.toml");
    let company = fs::read_to_string(&path).expect("a company file");
    fs::write(&path, format!("{}\ncount_observed = {counts}\n", company.trim_end())).expect("a company file");
    gateway.run();
    gateway
}

fn counted(gateway: &Gateway) -> u64 {
    let balance = gateway.ask_json(&["ledger", "balance"]);
    balance["balances"].as_array().map_or(0, |all| all.iter().filter_map(|b| b["counted"].as_u64()).sum())
}

#[test]
fn an_export_is_entered_once_and_counts_where_the_contract_says_so() {
    for counts in [true, false] {
        let mut gateway = gateway(counts);
        let (fine, text) = import(&gateway, &["--dry-run"], EXPORT.as_bytes());
        assert!(fine && text.starts_with("2 mails of sakura would be entered as observed; 0 were known"), "{text}");
        let (fine, text) = import(&gateway, &[], EXPORT.as_bytes());
        assert!(fine && text.starts_with("2 mails of sakura entered as observed; 0 were known"), "{text}");
        assert!(
            text.contains("not entered (own_domain): 1") && text.contains("passed over by their subject: 1"),
            "{text}"
        );
        assert_eq!(text.contains("count_observed is not set"), !counts, "{text}");
        assert_eq!(counted(&gateway), if counts { 2 } else { 0 });
        let (fine, text) = import(&gateway, &[], EXPORT.as_bytes());
        assert!(fine && text.starts_with("0 mails of sakura entered as observed; 2 were known"), "{text}");
        assert_eq!(counted(&gateway), if counts { 2 } else { 0 });
        let mut client = Client::connect(gateway.address);
        let hana = "hana@candidate.example";
        assert_eq!(client.mail(&[hana], &rejection(hana)).0, 250);
        assert!(gateway.stop());
        let verified = gateway.ask(&["ledger", "verify"]);
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
        let statement = gateway.ask(&["ledger", "statement", "--company", "sakura"]);
        let text = String::from_utf8_lossy(&statement.stdout).into_owned();
        assert!(text.contains("Sent elsewhere (export or copy)"), "{text}");
    }
}

#[test]
fn an_export_in_cp932_with_broken_rows_names_them_and_enters_nothing_until_it_is_told_to() {
    let gateway = gateway(true);
    // メール,日付 and two good rows, one whose octets are no CP932, one without an address, one with a wrong date.
    let export =
        b"\x83\x81\x81[\x83\x8b,\x93\xfa\x95t\r\nhana@candidate.example,2026-11-01\r\n\xff\xa0\xfd,2026-11-01\r\n\
                   hanako,2026-11-01\r\nren@candidate.example,soon\r\nren@candidate.example,2026/11/2\r\n";
    let (fine, text) = evidence(&gateway, &["import", "-"], export);
    assert!(!fine && text.contains("nothing is entered"), "{text}");
    for line in ["line 3: neither UTF-8 nor CP932", "line 4: its address", "line 5: its date"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(!text.contains("hanako"), "{text}");
    assert_eq!(counted(&gateway), 0);
    let (fine, text) = evidence(&gateway, &["import", "-", "--skip-faulty"], export);
    assert!(!fine && text.contains("2 mails of sakura entered as observed"), "{text}");
    assert_eq!(counted(&gateway), 2);
    let (fine, text) = evidence(&gateway, &["import", "-", "--columns", "address=9"], export);
    assert!(!fine && text.contains("has no column \"9\""), "{text}");
}

#[test]
fn the_snippet_in_a_template_makes_the_copy_of_its_mail_evidence() {
    let gateway = gateway(true);
    let snippet = gateway.ask_json(&["snippet", "--company", "sakura"]);
    let (words, link) = (snippet["text"].as_str().expect("words"), snippet["link"].as_str().expect("a link"));
    assert_eq!(link, "https://careerrelay.jp/r/sakura");
    assert!(
        words.starts_with('■') && snippet["html"].as_str().is_some_and(|html| html.contains("<a href=")),
        "{snippet}"
    );
    let mail = String::from_utf8(rejection("hana@candidate.example")).expect("a mail in UTF-8");
    let (fine, text) = evidence(&gateway, &["mail"], mail.as_bytes());
    assert!(!fine && text.contains("no_link"), "{text}");
    let (head, body) = mail.split_once("\r\n\r\n").expect("a body");
    let copy = format!("{head}\r\n\r\n{}\r\n{}\r\n", body.trim_end(), words.replace('\n', "\r\n"));
    for (entered, known) in [(1, 0), (0, 1)] {
        let (fine, text) = evidence(&gateway, &["mail", "--json"], copy.as_bytes());
        assert!(fine, "{text}");
        let taken: serde_json::Value = serde_json::from_str(&text).expect("an answer");
        assert_eq!((&taken["entered"], &taken["known"]), (&entered.into(), &known.into()), "{taken}");
    }
    assert_eq!(counted(&gateway), 1);
    let (fine, text) =
        evidence(&gateway, &["mail"], b"From: saiyo@sakura.example\r\nTo: hana@candidate.example\r\n\r\nhello\r\n");
    assert!(!fine && text.starts_with("not entered ("), "{text}");
}

#[test]
fn after_all_of_it_no_address_name_or_subject_is_left_in_ledger_log_or_statement() {
    let mut gateway = gateway(true);
    import(&gateway, &[], EXPORT.as_bytes());
    let mut command = binary();
    command
        .args(["ledger", "erase", "--company", "sakura", "--reason", "本人の求め", "--config"])
        .arg(gateway.config());
    assert!(with_input(command, b"hana@candidate.example").status.success());
    let mut shown = Vec::new();
    for lang in ["ja", "en"] {
        for form in [&[][..], &["--csv"], &["--json"]] {
            let words = [&["ledger", "statement", "--company", "sakura", "--lang", lang][..], form].concat();
            shown.extend(gateway.ask(&words).stdout);
        }
    }
    shown.extend(gateway.ask(&["ledger", "verify", "--json"]).stdout);
    assert!(gateway.stop());
    shown.extend(gateway.log().into_bytes());
    let data = gateway.folder.path().join("data");
    let files: Vec<_> = fs::read_dir(&data).expect("the data folder").flatten().map(|file| file.path()).collect();
    let octets = files.iter().filter(|path| path.is_file()).filter_map(|path| fs::read(path).ok());
    for held in octets.chain([shown]) {
        for trace in ["candidate.example", "hana", "ren@", "森花", "林蓮", "選考結果", "面接の"] {
            assert_eq!(memchr::memmem::find(&held, trace.as_bytes()), None, "{trace:?} is left");
        }
    }
    assert!(files.len() >= 3, "only {} files looked at", files.len());
}

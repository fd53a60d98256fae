//! The operator's figures as they come by mail: lists and totals into the ledger, held against it, contested; through a
//! running server and through none.

use std::fs;

use crate::gateway::{Gateway, binary, with_input};
use crate::sink::Sink;
use crate::smtp::{Client, has_link, rejection};

/// A gateway whose company has referred so many persons, with two credits for a slot, and their tokens.
fn referred(persons: usize, count_on: &str) -> (Gateway, Vec<String>, Sink) {
    let sink = Sink::start();
    let mut gateway = Gateway::prepare(sink.address, "", "127.0.0.0/8");
    let path = gateway.folder.path().join("companies/sakura.toml");
    let company = fs::read_to_string(&path).expect("a company file");
    let company = company.lines().filter(|line| !line.starts_with("count_on") && !line.starts_with("threshold"));
    let terms = format!("count_on = \"{count_on}\"\nthreshold = 2\n");
    fs::write(&path, format!("{}\n{terms}", company.collect::<Vec<_>>().join("\n"))).expect("a company file");
    gateway.run();
    let mut client = Client::connect(gateway.address);
    for n in 0..persons {
        let to = format!("candidate{n}@mail.example");
        assert_eq!(client.mail_from("saiyo@sakura.example", &[&to], &rejection(&to)).0, 250);
    }
    gateway.settled_credits();
    let lines = gateway.ask_json(&["referral", "list", "--company", "sakura"]);
    let mut lines = lines.as_array().expect("a list").clone();
    lines.reverse();
    let tokens = lines.iter().map(|line| line["token"].as_str().expect("a token").to_owned()).collect();
    (gateway, tokens, sink)
}

fn run(gateway: &Gateway, words: &[&str]) -> (bool, String) {
    let output = gateway.ask(words);
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

fn file(gateway: &Gateway, name: &str, octets: &[u8]) -> String {
    let path = gateway.folder.path().join(name);
    fs::write(&path, octets).expect("a file");
    path.to_str().expect("a path").to_owned()
}

fn import(gateway: &Gateway, path: &str, more: &[&str]) -> (bool, String) {
    run(gateway, &[&["operator", "import", path, "--company", "sakura"], more].concat())
}

fn today() -> String {
    jiff::Timestamp::now().to_string()
}

#[test]
fn registrations_count_by_the_operators_list_and_the_statement_has_the_same_figures() {
    let (mut gateway, tokens, _sink) = referred(3, "registered");
    assert_eq!(gateway.settled_credits(), 0, "no mail is a credit here");
    let now = today();
    let rows = format!(
        "\u{feff}日時,区分,リンク\r\n{now},登録,https://careerrelay.jp/r/{}\r\n{now},登録,{}\r\n{now},再就職,{}\r\n",
        tokens[0], tokens[1], tokens[0]
    );
    let sheet = file(&gateway, "list.csv", rows.as_bytes());
    let (fine, text) = import(&gateway, &sheet, &["--dry-run"]);
    assert!(fine && text.starts_with("would be entered: 1 reemployed, 2 registered"), "{text}");
    assert_eq!(gateway.settled_credits(), 0);
    let (fine, text) = import(&gateway, &sheet, &[]);
    assert!(fine && text.contains("2 credits made, hire slots 1 granted"), "{text}");
    assert!(gateway.stop());
    let (fine, text) = import(&gateway, &sheet, &[]);
    assert!(fine && text.starts_with("entered: 0 totals, 0 opted out, 3 known already"), "{text}");
    gateway.run();
    let statement = gateway.ask_json(&["ledger", "statement", "--company", "sakura"]);
    let series = &statement["series"]["standard"];
    assert_eq!((&series["counted"], &series["entries"]["registered"]), (&2.into(), &2.into()), "{statement}");
    assert_eq!((&series["closing"]["slots"], &series["closing"]["toward"]), (&1.into(), &0.into()));
    assert!(series["entries"]["reemployed"].is_null(), "one person could be told: {statement}");
    let (_, text) = run(&gateway, &["ledger", "statement", "--company", "sakura", "--lang", "ja"]);
    assert!(text.lines().any(|l| l.contains("再就職された方（運営者の報告）") && l.ends_with(" <5")), "{text}");
    assert!(run(&gateway, &["ledger", "verify"]).0);
    let (_, story) = run(&gateway, &["trace", "--to", "candidate0@mail.example"]);
    assert!(
        story.contains("known to sakura") && !story.contains("reemployed"),
        "what became of him is not told: {story}"
    );
}

#[test]
fn a_bad_row_is_named_by_its_place_and_keeps_the_file_out_unless_it_is_to_be_skipped() {
    let (gateway, tokens, _sink) = referred(2, "accepted");
    let (now, unknown) = (today(), format!("sakura-{}", "a".repeat(26)));
    let mut rows =
        format!("token,event,at\n{},registered,{now}\n{unknown},left,{now}\nmomiji-", tokens[0]).into_bytes();
    rows.extend_from_slice(format!("{},left,{now}\n{},", "a".repeat(26), tokens[1]).as_bytes());
    rows.extend_from_slice(b"\x93o\x98^,");
    rows.extend_from_slice(format!("{now}\n{},\x20,{now}\n{},", tokens[1], tokens[1]).as_bytes());
    rows.extend_from_slice(b"\x93,x\n");
    let sheet = file(&gateway, "list.csv", &rows);
    let (fine, text) = import(&gateway, &sheet, &[]);
    assert!(!fine && text.ends_with("or enter the others with --skip-bad\n"), "{text}");
    for named in [
        format!("list.csv: line 3: no referral of sakura has the token {unknown}"),
        "line 4, column 1 (token): a token of the company momiji, not of sakura".to_owned(),
        "line 6, column 2 (event): no event".to_owned(),
        "line 7, column 2 (event): octets that are neither".to_owned(),
    ] {
        assert!(text.contains(&named), "{named}\n{text}");
    }
    let (_, text) = import(&gateway, &sheet, &["--skip-bad"]);
    assert!(text.contains("entered: 2 registered"), "{text}");
    let (fine, text) = import(&gateway, &file(&gateway, "other.json", br#"{"company":"momiji","events":[]}"#), &[]);
    assert!(!fine && text.contains("the file is about the company \"momiji\", not about sakura"), "{text}");
    assert!(run(&gateway, &["ledger", "verify"]).0);
}

#[test]
fn who_tells_the_operator_that_he_wants_no_line_gets_none_from_then_on() {
    let (gateway, tokens, sink) = referred(2, "accepted");
    let rows = format!(r#"[{{"token":"{}","event":"opted_out","at":"2026-11-01"}}]"#, tokens[0]);
    let (fine, text) = import(&gateway, &file(&gateway, "list.json", rows.as_bytes()), &[]);
    assert!(fine && text.contains("1 opted out"), "{text}");
    let before = sink.taken().len();
    let mut client = Client::connect(gateway.address);
    for n in 0..2 {
        let to = format!("candidate{n}@mail.example");
        let text = String::from_utf8(rejection(&to)).expect("a text").replace("Subject:", "X-Second: yes\r\nSubject:");
        assert_eq!(client.mail_from("saiyo@sakura.example", &[&to], text.as_bytes()).0, 250);
    }
    let has: Vec<bool> = sink.taken().split_off(before).iter().map(|mail| has_link(&mail.octets)).collect();
    assert_eq!(has, [false, true]);
}

#[test]
fn a_month_is_held_against_the_operators_file_and_what_differs_is_contested_and_adjusted() {
    let (gateway, tokens, _sink) = referred(3, "accepted");
    let now = today();
    let ours = format!("token,event,at\n{},registered,{now}\n{},registered,{now}\n", tokens[0], tokens[1]);
    assert!(import(&gateway, &file(&gateway, "ours.csv", ours.as_bytes()), &[]).0);
    let unknown = format!("sakura-{}", "b".repeat(26));
    let theirs = format!("{ours}{},registered,{now}\n{unknown},left,{now}\n", tokens[2]).replace(&tokens[0], &unknown);
    let month =
        jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(9))).strftime("%Y-%m").to_string();
    let theirs = file(&gateway, "theirs.csv", theirs.as_bytes());
    let words = ["reconcile", "--company", "sakura", "--month", &month, "--operator"];
    let (fine, text) = run(&gateway, &[&words[..], &[&theirs]].concat());
    assert!(!fine && text.contains(&format!("registered only here: {}", tokens[0])), "{text}");
    assert!(text.contains(&format!("registered only in the file: {}", tokens[2])), "{text}");
    assert!(text.contains(&format!("no referral of sakura has the token {unknown}")), "{text}");
    let totals =
        file(&gateway, "t.csv", format!("month,event,people\n{month},registered,2\n{month},counted,5\n").as_bytes());
    let (fine, text) = run(&gateway, &[&words[..], &[&totals]].concat());
    assert!(!fine && text.contains("counted") && text.contains("+2"), "{text}");
    let act = ["--company", "sakura", "--reason", "照合"];
    let step = |words: &[&str]| run(&gateway, &[words, &act[..]].concat());
    let until = (jiff::Zoned::now().date() + jiff::ToSpan::days(30)).to_string();
    let open = ["dispute", "open", "--month", &month, "--stage", "counted", "--difference", "2", "--until", &until];
    let (fine, text) = step(&open);
    assert!(fine && text.starts_with("the dispute is open: entry "), "{text}");
    let lines = gateway.ask_json(&["dispute", "list"]);
    let id = lines[0]["dispute"].to_string();
    assert!(!step(&["dispute", "adjust", &id, "--credits", "2"]).0, "nobody has accepted it");
    assert!(step(&["dispute", "answer", &id]).0 && step(&["dispute", "accept", &id]).0);
    let (fine, text) = step(&["dispute", "adjust", &id, "--credits", "2"]);
    assert!(fine && text.contains("hire slots granted: 2"), "{text}");
    let (fine, text) = run(&gateway, &[&words[..], &[&totals]].concat());
    assert!(fine, "both sides say the same now: {text}");
    let (fine, text) = run(&gateway, &["dispute", "show", &id, "--company", "sakura"]);
    assert!(fine && text.contains("adjusted") && text.contains("照合"), "{text}");
    assert!(run(&gateway, &["ledger", "verify"]).0);
}

#[test]
fn a_referral_is_found_by_the_address_shown_and_given_back_by_its_token() {
    let (gateway, tokens, _sink) = referred(1, "accepted");
    let mut command = binary();
    command.args(["referral", "find", "--company", "sakura", "--config"]).arg(gateway.config());
    let output = with_input(command, b"Candidate0@mail.example\n");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains(&tokens[0]) && text.contains("accepted (worth 1)"), "{text}");
    let reverse = ["referral", "reverse", &tokens[0], "--company", "sakura", "--reason", "社内テスト"];
    let (fine, text) = run(&gateway, &[&reverse[..], &["--dry-run"]].concat());
    assert!(fine && text.contains("nothing was written"), "{text}");
    let (fine, text) = run(&gateway, &reverse);
    assert!(fine && text.starts_with("the credit is given back: entry ") && text.contains("0 toward"), "{text}");
    let (fine, text) = run(&gateway, &reverse);
    assert!(!fine && text.contains("was taken back before"), "{text}");
    let (fine, text) = run(&gateway, &["referral", "show", &tokens[0], "--company", "sakura"]);
    assert!(fine && text.contains("given back by entry"), "{text}");
    assert!(!run(&gateway, &["referral", "show", "taro", "--company", "sakura"]).0);
    assert!(run(&gateway, &["ledger", "verify"]).0);
    assert!(!gateway.log().to_lowercase().contains("candidate0@"));
}

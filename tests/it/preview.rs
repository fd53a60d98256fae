//! A preview shows what was put in, as text and as a page, and gives back what has left at a time.

use std::fs;

use jiff::Timestamp;

use crate::gateway::{Gateway, binary, wait_for, with_input};
use crate::sink::Sink;
use crate::smtp::{Client, has_link, rejection, without_trace};

const TO: &str = "hana@candidate.example";

/// Sends a rejection; the octets the next hop got, without our trace, and a time at which what held for them still did.
fn sent(gateway: &Gateway, sink: &Sink) -> (Vec<u8>, Timestamp) {
    let before = sink.taken().len();
    assert_eq!(Client::connect(gateway.address).mail(&[TO], &rejection(TO)).0, 250);
    let mail = wait_for("the mail", || sink.taken().get(before).cloned());
    (without_trace(&mail.octets).to_vec(), Timestamp::now())
}

/// What `preview` gives for HR's own copy at a time.
fn preview_at(gateway: &Gateway, at: Timestamp) -> (Vec<u8>, String) {
    let copy = gateway.folder.path().join("sent.eml");
    fs::write(&copy, rejection(TO)).expect("a file");
    let (copy, at) = (copy.display().to_string(), at.to_string());
    let output = gateway.ask(&["preview", &copy, "--out", "-", "--at", &at]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    (output.stdout, errors)
}

fn word(gateway: &Gateway, words: &str) {
    configure_words(gateway, &format!("[wording]\nja = \"{words}\"\n"));
}

/// Puts this in place of what the company's file says of its words.
fn configure_words(gateway: &Gateway, sections: &str) {
    let path = gateway.folder.path().join("companies/sakura.toml");
    let text = fs::read_to_string(&path).expect("a company file");
    let text = text.split("\n# words\n").next().unwrap_or_default().to_owned();
    fs::write(path, format!("{text}\n# words\n{sections}")).expect("a company file");
}

#[test]
fn hrs_own_copy_gives_back_the_octets_that_left_at_each_time() {
    let sink = Sink::start();
    let mut gateway = Gateway::start(sink.address);
    let plain = sent(&gateway, &sink);
    word(&gateway, "無料のキャリア支援「キャリアリレー」のご案内（登録は任意です）：");
    assert!(gateway.reload());
    let worded = sent(&gateway, &sink);
    assert!(gateway.ask(&["off", "sakura"]).status.success());
    let off = sent(&gateway, &sink);
    assert!(gateway.ask(&["on", "sakura"]).status.success());
    let mut command = binary();
    command.args(["optout", "add", "--config"]).arg(gateway.config());
    assert!(with_input(command, TO.as_bytes()).status.success());
    let opted_out = sent(&gateway, &sink);
    assert!(has_link(&plain.0) && has_link(&worded.0) && plain.0 != worded.0);
    assert!(!has_link(&off.0) && !has_link(&opted_out.0));
    let check = |gateway: &Gateway| {
        for (octets, at) in [&plain, &worded, &off, &opted_out] {
            let (given, said) = preview_at(gateway, *at);
            assert!(given == *octets, "{at}: {said}\n{}", String::from_utf8_lossy(&given));
        }
    };
    check(&gateway);
    assert!(gateway.stop());
    check(&gateway);
    let (_, said) = preview_at(&gateway, opted_out.1);
    assert!(said.contains("opted_out"), "{said}");
    let early = gateway.ask(&["preview", "-", "--at", "2020-01-01T00:00:00Z"]);
    assert!(!early.status.success());
}

const FIRST: &str = "無料のキャリア支援「キャリアリレー」のご案内（登録は任意です）：";
const SECOND: &str = "キャリアリレーの無料のご案内です（登録は任意です）：";
const THIRD: &str = "キャリアリレーから無料のご案内（登録は任意です）：";

#[test]
fn every_entry_names_the_words_that_its_mail_was_given_and_later_words_wait_for_their_day() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    word(&gateway, FIRST);
    assert!(gateway.reload());
    let first = sent(&gateway, &sink);
    configure_words(
        &gateway,
        &format!(
            "[[wording]]\nja = \"{FIRST}\"\n[[wording]]\nfrom = 2026-02-01\nja = \"{SECOND}\"\n\
         [[wording]]\nfrom = 2199-01-01\nja = \"{THIRD}\"\n"
        ),
    );
    assert!(gateway.reload());
    let second = sent(&gateway, &sink);
    gateway.settled_credits();
    let words = gateway.ask_json(&["ledger", "words"]);
    let words = words.as_array().expect("a list");
    let of =
        |text: &str| words.iter().find(|line| line["words"] == text).unwrap_or_else(|| panic!("{text}: {words:?}"));
    let trace = gateway.ask_json(&["trace", "--to", TO]);
    let named: Vec<&str> = trace["ledger"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|line| line["entries"][0]["wording"].as_str().expect("a digest"))
        .collect();
    assert_eq!(named, [&of(FIRST)["digest"], &of(SECOND)["digest"]]);
    assert_eq!((&of(FIRST)["entries"], &of(THIRD)["entries"]), (&3.into(), &0.into()), "{words:?}");
    assert_eq!(gateway.ask_json(&["ledger", "verify"])[0]["faults"], serde_json::json!([]));
    for ((octets, at), digest) in [&first, &second].into_iter().zip(&named) {
        let (given, said) = preview_at(&gateway, *at);
        assert!(given == *octets && said.contains(&digest[..12]), "{said}");
    }
    let told = String::from_utf8_lossy(&gateway.ask(&["ledger", "words"]).stdout).into_owned();
    assert!(told.contains(&format!("  {FIRST}\n")) && told.contains("not used yet"), "{told}");
}

#[test]
fn many_mails_are_previewed_at_one_start_as_text_json_page_and_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("a.eml"), rejection(TO)).expect("a file");
    fs::write(path("b.eml"), String::from_utf8_lossy(&rejection(TO)).replace("見送", "決定")).expect("a file");
    let preview = |words: &[&str]| {
        let files = [path("a.eml"), path("missing.eml"), path("b.eml")];
        let output = binary().arg("preview").args(files).args(words).output().expect("the binary runs");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && errors.contains("missing.eml"), "{errors}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let text = preview(&["--html", &path("page.html")]);
    assert_eq!((text.matches("octets inserted").count(), text.matches("untouched, ").count()), (1, 1), "{text}");
    let page = fs::read_to_string(path("page.html")).expect("the page");
    assert_eq!(page.matches("<article id=").count(), 2);
    let json: Vec<serde_json::Value> =
        preview(&["--json"]).lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    assert_eq!(json.len(), 2);
    assert_eq!((&json[0]["code"], &json[0]["parts"][0]["changed"]), (&"rejection".into(), &true.into()));
    assert!(json[1]["octets_inserted"] == 0 && json[1]["code"] != "rejection", "{}", json[1]);
    preview(&["--out", &path("out")]);
    let written = |name: &str| fs::read(folder.path().join("out").join(name)).expect("a file");
    assert!(written("a.eml").len() > rejection(TO).len());
    assert_eq!(written("b.eml"), fs::read(path("b.eml")).expect("the mail"));
    preview(&["--out", &folder.path().display().to_string()]);
    assert_eq!(fs::read(path("a.eml")).expect("the mail"), rejection(TO), "no mail is written over itself");
}

#[test]
fn the_text_marks_what_is_put_in_and_the_page_loads_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mail, page) = (folder.path().join("mail.eml"), folder.path().join("page.html"));
    fs::write(&mail, rejection(TO)).expect("a file");
    let mut command = binary();
    command.arg("preview").arg(&mail).args(["--lang", "ja", "--html"]).arg(&page);
    let output = command.output().expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("part 0  text/plain"), "{text}");
    let inserted: Vec<&str> = text.lines().filter(|line| line.starts_with("  + ")).collect();
    assert!(inserted.iter().any(|line| line.contains("https://careerrelay.jp/r/")), "{text}");
    let page = fs::read_to_string(&page).expect("the page");
    assert!(page.contains("<ins>https://careerrelay.jp/r/") && page.contains("案内の行のプレビュー"));
    assert!(!page.contains("<script") && !page.contains("src=\"http"));
}

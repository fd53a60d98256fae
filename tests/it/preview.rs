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
    let path = gateway.folder.path().join("companies/sakura.toml");
    let text = fs::read_to_string(&path).expect("a company file");
    let text = text.split("\n[wording]").next().unwrap_or_default().to_owned();
    fs::write(path, format!("{text}\n[wording]\nja = \"{words}\"\n")).expect("a company file");
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

//! The live view: on a terminal until somebody ends it, and once everywhere else.

use std::process::Command;

use crate::gateway::{Gateway, binary, wait_for};
use crate::sink::Sink;
use crate::smtp::{Client, ordinary};
use crate::terminal::Terminal;

const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?1049l";

/// A gateway through which one mail went.
fn gateway_with_a_mail() -> (Gateway, Sink) {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    let mut client = Client::connect(gateway.address);
    let sent = client.mail(&["partner@vendor.example"], &ordinary("partner@vendor.example"));
    assert_eq!(sent.0, 250, "{}", sent.1);
    (gateway, sink)
}

#[test]
fn once_it_tells_sums_next_hops_and_outcomes() {
    let (gateway, sink) = gateway_with_a_mail();
    let said = |words: &[&str]| String::from_utf8_lossy(&gateway.ask(words).stdout).into_owned();
    for words in [&["top", "--once"][..], &["top"]] {
        let text = said(words);
        let hop = text.lines().find(|l| l.starts_with(&sink.address.to_string())).expect("the next hop");
        let cells: Vec<&str> = hop.split_whitespace().skip(1).collect();
        assert_eq!(cells, ["0", "1", "20", "-", "250", "answers"], "{text}");
        assert!(
            text.contains("handed through 1") && text.contains("not_recruiting") && !text.contains('\u{1b}'),
            "{text}"
        );
    }
    let japanese = said(&["top", "--once", "--lang", "ja"]);
    assert!(japanese.contains("中継先") && japanese.contains("即時中継 1") && japanese.contains("正常"), "{japanese}");
    let answer = gateway.ask_json(&["top"]);
    assert_eq!(answer["next_hops"][0]["last_reply"], 250);
    assert_eq!(answer["next_hops"], gateway.ask_json(&["status"])["next_hops"]);
    let status = said(&["status"]);
    assert!(status.contains(&sink.address.to_string()) && status.contains("mails a second: "), "{status}");
}

#[test]
fn a_next_hop_that_is_down_is_shown_with_why() {
    let gateway = Gateway::start(([127, 0, 0, 1], crate::gateway::free_port()).into());
    let mut client = Client::connect(gateway.address);
    let sent = client.mail(&["partner@vendor.example"], &ordinary("partner@vendor.example"));
    assert_eq!(sent.0, 250, "{}", sent.1);
    let answer = gateway.ask_json(&["top"]);
    let hop = &answer["next_hops"][0];
    assert!(hop["failures"].as_u64() > Some(0) && hop["why"].as_str().is_some_and(|w| w.contains("refused")), "{hop}");
    assert_eq!((&answer["spool"]["entries"], &hop["last_reply"]), (&1.into(), &serde_json::Value::Null));
    let waits = wait_for("the destination to be told", || {
        let answer = gateway.ask_json(&["top"]);
        answer["spool"]["destinations"].as_array().and_then(|all| all.first().cloned())
    });
    assert_eq!(waits["destination"], "mx", "{waits}");
    let (recipients, reply) = (&waits["recipients"], &waits["last_reply"]);
    assert!(recipients["waiting"] == 1 || recipients["sending"] == 1, "{waits}");
    assert!(reply.is_null() || reply.as_str().is_some_and(|reply| reply.contains("refused")), "{waits}");
    for words in [&["top", "--once"][..], &["status"]] {
        let text = String::from_utf8_lossy(&gateway.ask(words).stdout).into_owned();
        assert!(text.contains("in custody for"), "{text}");
    }
}

#[test]
fn without_a_server_it_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().display().to_string();
    let ended = binary().args(["top", "--data", &data]).output().expect("it runs");
    assert!(!ended.status.success());
    assert_eq!(String::from_utf8_lossy(&ended.stdout), "no server runs on this data folder\n");
}

#[test]
fn on_a_terminal_it_goes_on_until_it_is_ended_and_gives_the_terminal_back() {
    let (mut gateway, _sink) = gateway_with_a_mail();
    let config = gateway.config().display().to_string();
    for end in ["q", "\u{3}"] {
        let mut terminal = Terminal::run_sized((60, 12), &["top", "--config", &config]);
        terminal.wait_for("q ends");
        // A second view is written over the first one.
        wait_for("another view", || (terminal.shown().matches("career-relay 0").count() > 1).then_some(()));
        terminal.strike(end);
        let (fine, shown) = terminal.ended();
        assert!(fine && shown.contains(ENTER) && shown.trim_end().ends_with(LEAVE), "{shown:?}");
        let view = shown.split("\u{1b}[H").nth(1).expect("a view");
        assert_eq!(view.matches('\n').count(), 11, "{view:?}");
    }
    let mut terminal = Terminal::run(&["top", "--lang", "ja", "--config", &config]);
    terminal.wait_for("q で終了");
    assert!(gateway.stop());
    terminal.wait_for("サーバーが応答しません");
    gateway.run();
    wait_for("the server to be back", || {
        let shown = terminal.shown();
        shown.rsplit("サーバーが応答しません").next().is_some_and(|l| l.contains("セッション")).then_some(())
    });
    terminal.strike("q");
    assert!(terminal.ended().0);
}

#[test]
fn a_signal_ends_it_as_well() {
    let (gateway, _sink) = gateway_with_a_mail();
    let config = gateway.config().display().to_string();
    for signal in ["-TERM", "-HUP", "-INT"] {
        let terminal = Terminal::run(&["top", "--config", &config]);
        terminal.wait_for("q ends");
        assert!(Command::new("kill").args([signal, &terminal.process()]).status().expect("kill runs").success());
        let (fine, shown) = terminal.ended();
        assert!(fine && shown.trim_end().ends_with(LEAVE), "{signal}: {shown:?}");
    }
}

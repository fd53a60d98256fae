//! `send-test`: a marked mail through the real server to a real sink, followed, and never counted.

use std::fs;
use std::process::Output;

use serde_json::Value;

use crate::certificates::{Authority, Use};
use crate::gateway::{Gateway, free_port, wait_for};
use crate::sink::{Act, Sink, Stage};
use crate::smtp::{Client, has_link, rejection};
use crate::tls_client::HOST;

const ADMIN: &str = "admin@mail.example";
const CANDIDATE: &str = "yamada@candidate.example";

/// Runs `send-test`; whether it ended well, and what it printed.
fn send(gateway: &Gateway, words: &[&str]) -> (bool, String) {
    let words = [&["send-test", "--to", ADMIN], words].concat();
    let Output { status, stdout, stderr } = gateway.ask(&words);
    (status.success(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

/// The same as an object.
fn send_json(gateway: &Gateway, words: &[&str]) -> Value {
    let (_, text) = send(gateway, &[words, &["--json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// The texts of a step.
fn texts<'a>(answer: &'a Value, step: &str) -> Vec<&'a str> {
    let steps = answer["steps"].as_array().expect("steps");
    steps.iter().filter(|s| s["step"] == step).filter_map(|s| s["text"].as_str()).collect()
}

/// Nothing was counted, and nothing waits to be.
fn assert_nothing_counts(gateway: &Gateway) {
    let status = gateway.ask_json(&["status"]);
    let counters = &status["watch"]["counters"];
    for name in ["referred", "offers", "rejections_seen"] {
        assert_eq!(counters[name], 0, "{name}");
    }
    assert_eq!(status["spool"]["unposted"], 0);
    let balance = gateway.ask_json(&["ledger", "balance"]);
    assert_eq!(balance["balances"].as_array().map_or(0, Vec::len), 0, "{balance}");
}

#[test]
fn a_note_goes_to_the_far_end_and_every_step_is_told_in_its_order() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    let (fine, text) = send(&gateway, &[]);
    assert!(fine, "{text}");
    let steps: Vec<&str> = text.lines().map_while(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(steps, ["reached", "tls", "sent", "arrived", "decided", "tried", "answered", "taken"], "{text}");
    for part in ["accepted by 127.0.0.1 (route mx): 250 2.0.0 taken", "look in the mailbox of admin@mail.example"] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    let mail = &sink.taken()[0];
    assert_eq!(mail.recipients, [ADMIN]);
    let octets = String::from_utf8_lossy(&mail.octets).into_owned();
    let id = text.lines().find_map(|l| l.trim().strip_prefix("Message-ID: ")).expect("a Message-ID");
    assert!(octets.contains(&format!("Message-ID: {id}\r\n")) && octets.contains("X-Career-Relay-Test: "), "{octets}");
    assert_eq!(gateway.ask_json(&["status"])["watch"]["outcomes"]["test_mail"], 1);
    assert_nothing_counts(&gateway);
}

#[test]
fn a_rejection_shows_that_it_would_get_the_line_and_neither_gets_it_nor_counts() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    for _ in 0..3 {
        let answer = send_json(&gateway, &["--kind", "rejection"]);
        assert_eq!(answer["outcome"], "accepted", "{answer}");
        let decided = texts(&answer, "decided");
        assert_eq!(decided, ["of sakura, recognised as a rejection mail: such a mail would get the line"]);
        assert_eq!(answer["from"], "career-relay-test@sakura.example");
    }
    assert!(sink.taken().iter().all(|mail| !has_link(&mail.octets) && mail.recipients == [ADMIN]));
    assert_nothing_counts(&gateway);
    // What keeps the line out is told with its meaning.
    let elsewhere = send_json(&gateway, &["--kind", "rejection", "--from", "boss@elsewhere.example"]);
    assert!(texts(&elsewhere, "decided")[0].contains("no_company (The sender's domain"), "{elsewhere}");
}

#[test]
fn a_stranger_who_writes_the_mark_hides_no_candidate() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    send_json(&gateway, &["--kind", "rejection"]);
    let used = sink.taken()[0].octets.clone();
    let token =
        String::from_utf8_lossy(&used).lines().find_map(|l| l.strip_prefix("X-Career-Relay-Test: ").map(str::to_owned));
    let token = token.expect("a token");
    let mut client = Client::connect(gateway.address);
    for (n, mark) in ["yes", &token, "0123456789abcdef0123456789abcdef"].into_iter().enumerate() {
        let candidate = format!("candidate{n}@candidate.example");
        let marked = [format!("X-Career-Relay-Test: {mark}\r\n").into_bytes(), rejection(&candidate)].concat();
        assert_eq!(client.mail(&[&candidate], &marked).0, 250);
    }
    let mails = sink.taken();
    assert!(mails[1..].iter().all(|mail| has_link(&mail.octets)), "a candidate was hidden");
    assert_eq!(gateway.settled_credits(), 3);
    // The very test mail again, by hand: no test mail any more, and no candidate's either.
    let octets = String::from_utf8_lossy(&used).into_owned();
    let from_header = octets.find("From: ").expect("a header");
    assert_eq!(client.mail(&[CANDIDATE], &octets.as_bytes()[from_header..]).0, 250);
    assert_eq!(gateway.settled_credits(), 3);
    assert_eq!(gateway.ask_json(&["status"])["watch"]["outcomes"]["recipients_differ"], 1);
}

#[test]
fn a_mail_that_waits_is_told_with_its_reason_and_goes_when_it_can() {
    let port = free_port();
    let gateway = Gateway::start(([127, 0, 0, 1], port).into());
    let answer = send_json(&gateway, &[]);
    assert_eq!(answer["outcome"], "waiting", "{answer}");
    let text = answer["text"].as_str().expect("a text");
    assert!(text.contains("after 1 attempt, the next one is at 20") && text.contains("refused"), "{text}");
    assert_eq!(texts(&answer, "kept"), ["in the spool: next_hop_down"]);
    let (fine, _) = send(&gateway, &["--timeout", "1s"]);
    assert!(!fine);
    assert_nothing_counts(&gateway);
}

#[test]
fn what_next_hops_say_against_it_is_told() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    sink.rewrite(|stage, _| match stage {
        Stage::Rcpt => Act::Say("550 5.1.1 <admin@mail.example> is not known"),
        _ => Act::GoOn,
    });
    let answer = send_json(&gateway, &[]);
    assert_eq!(answer["outcome"], "refused", "{answer}");
    let text = answer["text"].as_str().expect("a text");
    assert!(text.contains("127.0.0.1: 550 5.1.1 <rcpt> is not known"), "{text}");
    assert_eq!(texts(&answer, "not taken").len(), 1, "{answer}");
    sink.rewrite(|stage, _| match stage {
        Stage::Dot => Act::Say("451 4.7.1 Greylisted, come again"),
        _ => Act::GoOn,
    });
    let answer = send_json(&gateway, &[]);
    assert_eq!(answer["outcome"], "waiting", "{answer}");
    assert!(answer["text"].as_str().is_some_and(|text| text.contains("Greylisted")), "{answer}");
}

#[test]
fn a_mail_in_the_spool_is_followed_through_the_worker() {
    let sink = Sink::start();
    let gateway = Gateway::start_with(sink.address, "[custody]\nmode = \"spool\"\n");
    let answer = send_json(&gateway, &[]);
    assert_eq!(answer["outcome"], "accepted", "{answer}");
    assert_eq!(texts(&answer, "kept").len() + texts(&answer, "tried").len(), 2, "{answer}");
    assert!(texts(&answer, "tried")[0].contains("250 2.0.0 taken"), "{answer}");
}

#[test]
fn a_dot_without_an_answer_is_told_as_a_doubt() {
    let sink = Sink::scripted(|stage, _| if stage == Stage::Dot { Act::Stall } else { Act::GoOn });
    let gateway = Gateway::start_with(sink.address, "[custody]\nhand_through_for = \"1s\"\n");
    let answer = send_json(&gateway, &["--timeout", "4s"]);
    assert_eq!(answer["outcome"], "in_doubt", "{answer}");
    assert_eq!(texts(&answer, "kept"), ["in the spool: in_doubt"]);
}

#[test]
fn through_a_mail_server_in_front_it_is_found_again_where_the_route_leads() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    let front = Gateway::start(gateway.address);
    let answer = send_json(&gateway, &["--server", &front.address.to_string(), "--kind", "rejection"]);
    assert_eq!(answer["outcome"], "accepted", "{answer}");
    assert!(texts(&answer, "decided")[0].contains("would get the line"), "{answer}");
    // The server in front knows no mark, and counts nothing all the same.
    for counted in [&front, &gateway] {
        assert_nothing_counts(counted);
    }
    let elsewhere = Sink::start();
    let answer = send_json(&gateway, &["--server", &elsewhere.address.to_string(), "--timeout", "2s"]);
    assert_eq!(answer["outcome"], "unseen", "{answer}");
}

#[test]
fn whoever_does_not_answer_is_named() {
    let sink = Sink::start();
    let mut gateway = Gateway::start(sink.address);
    let closed = format!("127.0.0.1:{}", free_port());
    let mute = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mute = mute.local_addr().expect("an address").to_string();
    for (words, outcome, why) in [
        (&["--server", closed.as_str()][..], "unreachable", "Connection refused"),
        (&["--server", "nowhere.invalid:25"], "unreachable", "its name has no address"),
        (&["--server", &mute, "--timeout", "1s"], "unreachable", "no answer in time"),
        (&["--tls", "starttls"], "tls_failed", "offers no STARTTLS"),
        (&["--tls", "implicit"], "tls_failed", "try --tls starttls"),
        (&["--company", "kaede"], "not_sent", "there is no company kaede here; there are: sakura"),
        (&["--server", "a b"], "not_sent", "write HOST:PORT"),
        (&["--user", "ats", "--password-file", "/no/such/file"], "not_sent", "/no/such/file"),
        (&["--ca", "/no/such/file"], "not_sent", "/no/such/file cannot be read"),
    ] {
        let answer = send_json(&gateway, words);
        assert_eq!(answer["outcome"], outcome, "{words:?}: {answer}");
        assert!(answer["text"].as_str().is_some_and(|text| text.contains(why)), "{words:?}: {answer}");
        assert!(!send(&gateway, words).0);
    }
    for wrong in [&["--timeout", "0s"][..], &["--timeout", "soon"], &["--kind", "offer"], &["--user", "ats"]] {
        assert!(!send(&gateway, wrong).0, "{wrong:?}");
    }
    assert!(sink.taken().is_empty());
    assert!(gateway.stop());
    let answer = send_json(&gateway, &[]);
    assert!(
        answer["text"].as_str().is_some_and(|text| text.starts_with("no server runs on the data folder ")),
        "{answer}"
    );
    // A server elsewhere can be tried without one here; what becomes of the mail is not known then.
    let answer = send_json(&gateway, &["--server", &sink.address.to_string(), "--from", "boss@sakura.example"]);
    assert_eq!((&answer["outcome"], sink.taken().len()), (&"unfollowed".into(), 1), "{answer}");
}

/// A gateway with a certificate, which takes mail from whoever logs in; and the one who signed it, in a file.
fn behind_a_login() -> (Gateway, Sink, String) {
    let sink = Sink::start();
    let authority = Authority::new("Ours");
    let mut gateway =
        Gateway::prepare(sink.address, "[tls]\ncertificate = \"gw.pem\"\nkey = \"gw.key\"\n", "192.0.2.0/24");
    authority.issue(&[HOST], Use::Server).write(gateway.folder.path(), "gw");
    let ca = gateway.folder.path().join("ca.pem");
    fs::write(&ca, authority.pem()).expect("a file");
    gateway.run();
    (gateway, sink, ca.display().to_string())
}

#[test]
fn tls_and_login_are_tried_as_a_client_would_and_a_new_user_may_log_in_at_once() {
    let (gateway, sink, ca) = behind_a_login();
    let answer = send_json(&gateway, &[]);
    assert_eq!(answer["outcome"], "tls_failed", "{answer}");
    assert!(answer["text"].as_str().is_some_and(|text| text.contains("--ca FILE")), "{answer}");
    let answer = send_json(&gateway, &["--ca", &ca, "--tls-name", "other.example"]);
    assert!(answer["text"].as_str().is_some_and(|text| text.contains("--tls-name")), "{answer}");
    let answer = send_json(&gateway, &["--ca", &ca]);
    assert_eq!(answer["outcome"], "refused", "{answer}");
    assert!(answer["text"].as_str().is_some_and(|text| text.contains("550 5.7.1")), "{answer}");

    let password = gateway.ask_json(&["user", "add", "ats", "--role", "relay", "--company", "sakura", "--generate"]);
    let file = gateway.folder.path().join("password");
    let file_name = file.display().to_string();
    fs::write(&file, format!("{}\n", password["password"].as_str().expect("a password"))).expect("a file");
    let with_login = ["--ca", &ca, "--user", "ats", "--password-file", &file_name, "--kind", "rejection"];
    let answer = send_json(&gateway, &with_login);
    assert_eq!(answer["outcome"], "accepted", "{answer}");
    assert_eq!(texts(&answer, "login"), ["as ats"]);
    assert_eq!(texts(&answer, "tls"), ["the certificate is good for gw.sakura.example"]);
    // He is bound to the company, and so proves it.
    assert!(
        texts(&answer, "decided")[0].starts_with("of sakura") && texts(&answer, "decided")[0].contains("get the line")
    );

    let without_tls = send_json(&gateway, &[&with_login[..], &["--tls", "none"]].concat());
    assert!(without_tls["text"].as_str().is_some_and(|text| text.contains("there is no TLS")), "{without_tls}");
    gateway.ask_json(&["user", "password", "ats", "--generate"]);
    let answer = send_json(&gateway, &with_login);
    assert_eq!(answer["outcome"], "login_failed", "{answer}");
    assert!(answer["text"].as_str().is_some_and(|text| text.contains("535")), "{answer}");
    gateway.ask_json(&["user", "remove", "ats"]);
    assert_eq!(send_json(&gateway, &with_login)["outcome"], "login_failed");
    assert_eq!(sink.taken().len(), 1);
    let gauges = || gateway.ask_json(&["status"])["watch"]["gauges"].clone();
    wait_for("every session to end", || {
        (gauges()["sessions_tls"] == 0 && gauges()["sessions_logged_in"] == 0).then_some(())
    });
}

//! Changed files are taken by a running server whole, or not at all.

use std::fs;

use crate::gateway::Gateway;
use crate::sink::Sink;
use crate::smtp::{Client, has_link, rejection};

const CANDIDATE: &str = "yamada@mail.example";

/// Writes the company's file anew with one text replaced.
fn change(gateway: &Gateway, file: &str, old: &str, new: &str) {
    let path = gateway.folder.path().join(file);
    let text = fs::read_to_string(&path).expect("a file");
    assert!(text.contains(old), "{text}");
    fs::write(&path, text.replace(old, new)).expect("a file");
}

const COMPANY: &str = "companies/sakura.toml";

/// Sends a rejection; whether it left with the line.
fn gets_the_line(gateway: &Gateway, sink: &Sink) -> bool {
    let before = sink.taken().len();
    let reply = Client::connect(gateway.address).mail(&[CANDIDATE], &rejection(CANDIDATE));
    assert_eq!(reply.0, 250, "{}", reply.1);
    let taken = sink.taken();
    let mail = taken[before..].iter().find(|t| t.recipients == [CANDIDATE]).expect("the mail");
    has_link(&mail.octets)
}

#[test]
fn a_hangup_takes_changed_companies_without_a_restart() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    let mut open = Client::connect(gateway.address);
    assert!(gets_the_line(&gateway, &sink));
    change(&gateway, COMPANY, "mode = \"live\"", "mode = \"observe\"");
    assert!(gateway.reload());
    assert!(!gets_the_line(&gateway, &sink));
    // A connection from before has stayed open, and sees the same.
    assert_eq!(open.mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 250);
    assert!(!has_link(&sink.taken().last().expect("a mail").octets));
    change(&gateway, COMPANY, "mode = \"observe\"", "mode = \"live\"");
    assert!(gateway.reload());
    assert!(gets_the_line(&gateway, &sink));
}

#[test]
fn a_file_at_fault_leaves_all_as_it_was_and_says_every_fault() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    change(&gateway, COMPANY, "mode = \"live\"", "mode = \"lively\"\ncolour = \"pink\"");
    assert!(!gateway.reload());
    assert!(gets_the_line(&gateway, &sink));
    let log = gateway.log();
    assert!(log.contains("sakura.toml:6: mode: ") && log.contains("sakura.toml:7: colour: unknown key"), "{log}");
}

#[test]
fn a_contract_in_use_that_was_changed_leaves_all_as_it_was() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    assert!(gets_the_line(&gateway, &sink));
    change(&gateway, COMPANY, "version = 1\n", "version = 1\nthreshold = 5\n");
    assert!(!gateway.reload());
    assert!(gets_the_line(&gateway, &sink));
    assert_eq!(gateway.ask_json(&["status"])["edits"], true);
}

#[test]
fn what_is_fixed_while_the_server_runs_is_named() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    change(
        &gateway,
        "career-relay.toml",
        "[smtp]\n",
        "[retry]\ngive_up_after = \"3d\"\n[smtp]\nstamp = \"X-Seen: yes\"\n",
    );
    assert!(gateway.reload());
    assert!(gets_the_line(&gateway, &sink));
    let log = gateway.log();
    let line = log.lines().find(|l| l.contains("taken at the next restart")).expect("a warning");
    assert!(line.contains("[smtp], [[listener]], [limits], [retry]") && !line.contains("route"), "{line}");
}

#[test]
fn strangers_are_let_in_and_kept_out_as_the_files_say() {
    let sink = Sink::start();
    let gateway = Gateway::closed_to_loopback(sink.address);
    let reply = |gateway: &Gateway| Client::connect(gateway.address).mail(&[CANDIDATE], &rejection(CANDIDATE));
    assert_eq!(reply(&gateway).0, 550);
    change(&gateway, "career-relay.toml", "192.0.2.0/24", "127.0.0.0/8");
    assert!(gateway.reload());
    assert_eq!(reply(&gateway).0, 250);
    let mut open = Client::connect(gateway.address);
    change(&gateway, "career-relay.toml", "127.0.0.0/8", "192.0.2.0/24");
    assert!(gateway.reload());
    // Who was let in before is asked again at the dot.
    assert_eq!(open.mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 550);
    assert_eq!(gateway.settled_credits(), 0);
}

#[test]
fn the_stamp_stands_on_every_mail_and_the_rest_is_as_it_came() {
    let sink = Sink::start();
    let mut gateway = Gateway::start(sink.address);
    change(&gateway, "career-relay.toml", "[smtp]\n", "[smtp]\nstamp = \"X-Career-Relay: passed\"\n");
    assert!(gateway.stop());
    gateway.run();
    let mail = crate::smtp::ordinary(CANDIDATE);
    assert_eq!(Client::connect(gateway.address).mail(&[CANDIDATE], &mail).0, 250);
    let taken = sink.taken();
    let octets = &taken.last().expect("a mail").octets;
    let rest = crate::smtp::without_trace(octets).strip_prefix(b"X-Career-Relay: passed\r\n").expect("the stamp");
    assert_eq!(rest, mail);
}

//! `trace`: a person's mails by the address, and one mail by its id, with all that became of them.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Output;

use crate::gateway::{Gateway, binary, give, wait_for, with_input};
use crate::sink::{Act, Sink, Stage};
use crate::smtp::{Client, ordinary, rejection};

const CANDIDATE: &str = "yamada@candidate.example";
const OTHER: &str = "suzuki@candidate.example";

fn said(output: &Output) -> (bool, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn trace(gateway: &Gateway, words: &[&str]) -> (bool, String) {
    said(&gateway.ask(&[&["trace"], words].concat()))
}

/// Each part stands in the text, in this order.
fn check_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} is not in its place in:\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn a_person_is_found_in_the_ledger_by_any_spelling_of_the_address() {
    let sink = Sink::start();
    let mut gateway = Gateway::start(sink.address);
    let mut client = Client::connect(gateway.address);
    for to in [CANDIDATE, OTHER, CANDIDATE] {
        assert_eq!(client.mail(&[to], &rejection(to)).0, 250);
    }
    assert_eq!(gateway.settled_credits(), 2);
    let log = gateway.log_path().display().to_string();
    for running in [true, false] {
        if !running {
            assert!(gateway.stop());
        }
        let (fine, text) = trace(&gateway, &["--to", "YAMADA@Candidate.example", "--log", &log]);
        assert!(fine && text.matches("\nmail ").count() == 2 && !text.contains('@'), "{text}");
        check_order(
            &text,
            &[
                "known to sakura as 1.",
                "came",
                "the next hop of mx accepted it with the line, which proves delivered",
                "decided: referred (rejection); handed_through after",
                "ledger of sakura, entry 1: offered",
                "delivered: counts (contract standard 1, words ",
                "\nmail ",
                "duplicate: the same person again, counts nothing",
            ],
        );
        let answer = gateway.ask_json(&["trace", "--to", OTHER, "--log", &log]);
        assert_eq!(
            (answer["ledger"].as_array().map(Vec::len), answer["log"].as_array().map(Vec::len)),
            (Some(1), Some(1))
        );
        let id = answer["ledger"][0]["id"].as_str().expect("an id").to_owned();
        let (fine, text) = trace(&gateway, &["--id", &id]);
        assert!(fine && text.contains("delivered: counts") && !text.contains("decided"), "{text}");
        let mut command = binary();
        command.args(["trace", "--to", "-", "--log", &log, "--config"]).arg(gateway.config());
        let (fine, text) = said(&with_input(command, format!("{OTHER}\n").as_bytes()));
        assert!(fine && text.contains(&id) && text.contains("decided: referred"), "{text}");
    }
    assert!(!gateway.log().contains('@'), "an address in the log");
}

#[test]
fn a_mail_in_custody_is_found_with_its_attempts_and_what_admins_did() {
    let sink = Sink::scripted(|at, _| if at == Stage::Rcpt { Act::Say("450 4.2.0 busy") } else { Act::GoOn });
    let gateway = Gateway::start_with(sink.address, "[retry]\nwaits = [\"1h\"]\n");
    let mut client = Client::connect(gateway.address);
    assert_eq!(client.mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 250);
    assert_eq!(client.mail(&["partner@vendor.example"], &ordinary("partner@vendor.example")).0, 250);
    let (fine, text) = said(&gateway.ask(&["spool", "retry", "--all"]));
    assert!(fine, "{text}");
    let log = gateway.log_path().display().to_string();
    let text = wait_for("the attempt to be told", || {
        let (fine, text) = trace(&gateway, &["--to", CANDIDATE, "--log", &log]);
        assert!(fine, "{text}");
        (text.contains("attempt 2") && text.contains("next try in")).then_some(text)
    });
    check_order(
        &text,
        &[
            "came",
            "decided: referred (rejection); spooled",
            "retry by ",
            "attempt 2 by mx: deferred for 1 recipients, reply 450",
            "recipient 0: in custody for mx, waiting, 2 attempts, next try in 59m: 450 4.2.0 busy",
        ],
    );
    assert_eq!(text.matches("\nmail ").count(), 1, "{text}");
    let (fine, text) = trace(&gateway, &["--to", "partner@vendor.example"]);
    assert!(fine && text.contains("in custody for mx") && !text.contains("decided"), "{text}");
}

#[test]
fn what_cannot_be_is_refused_with_what_to_do() {
    let gateway = Gateway::start(Sink::start().address);
    let nothing = "0".repeat(28);
    for (words, why) in [
        (&[][..], "--to"),
        (&["--to", CANDIDATE, "--id", &nothing], "cannot be used with"),
        (&["--to", CANDIDATE], "nothing is known of mail to this address"),
        (&["--id", &nothing], "nothing is known of this mail"),
        (&["--id", "no id"], "\"no id\" is no id of a mail"),
        (&["--to", "nobody"], "no address is there to look for"),
        (&["--to", CANDIDATE, "--log", "/nowhere/log"], "/nowhere/log cannot be read"),
        (&["--to", "-", "--log", "-"], "standard input holds either the address or the log"),
    ] {
        let (fine, text) = trace(&gateway, words);
        assert!(!fine && text.contains(why), "{words:?}: {why:?} is not in: {text}");
    }
    let fresh = Gateway::prepare(Sink::start().address, "", "127.0.0.0/8");
    let (fine, text) = trace(&fresh, &["--to", CANDIDATE]);
    assert!(!fine && text.contains("it begins with the first start"), "{text}");
}

#[test]
fn root_traces_as_the_owner_and_nobody_else_does() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can work for somebody else");
        return;
    }
    let mut gateway = Gateway::start(Sink::start().address);
    assert_eq!(Client::connect(gateway.address).mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 250);
    assert_eq!(gateway.settled_credits(), 1);
    assert!(gateway.stop());
    let data = gateway.folder.path().join("data");
    give(&data, 12345);
    let (fine, text) = trace(&gateway, &["--to", CANDIDATE]);
    assert!(fine && text.contains("counts"), "{text}");
    std::fs::set_permissions(gateway.folder.path(), std::fs::Permissions::from_mode(0o755)).expect("an open parent");
    let mut command = binary();
    command.uid(54321).gid(54321).args(["trace", "--to", CANDIDATE, "--data"]).arg(&data);
    let (fine, text) = said(&command.output().expect("it runs"));
    assert!(!fine && text.contains("the control socket cannot be used"), "{text}");
}

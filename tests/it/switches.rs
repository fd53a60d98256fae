//! Stopping the line by a word, and by next hops that refuse it: at once, over a restart, and for those alone.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::gateway::{Gateway, wait_for};
use crate::sink::{Act, Sink, Stage};
use crate::smtp::{Client, doubtful, has_link, rejection};

/// Runs a command; what it printed, and whether it went well.
fn say(gateway: &Gateway, words: &[&str]) -> (bool, String) {
    let output = gateway.ask(words);
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// Sends a rejection; whether it left with the line.
fn gets_the_line(client: &mut Client, sink: &Sink, to: &str) -> bool {
    let before = sink.taken().len();
    let (code, text) = client.mail(&[to], &rejection(to));
    assert_eq!(code, 250, "{text}");
    has_link(&wait_for("the mail", || sink.taken().get(before).cloned()).octets)
}

#[test]
fn off_holds_at_once_while_mail_flows_over_a_restart_and_until_on() {
    let sink = Sink::start();
    let mut gateway = Gateway::start(sink.address);
    let mut open = Client::connect(gateway.address);
    assert!(gets_the_line(&mut open, &sink, "a@candidate.example"));
    let (fine, text) = say(&gateway, &["off", "sakura"]);
    assert!(
        fine && text.starts_with("nothing is inserted into mails of sakura any more; mail flows\nOFF: sakura"),
        "{text}"
    );
    assert!(!gets_the_line(&mut open, &sink, "b@candidate.example"), "a connection from before sees it too");
    let status = gateway.ask_json(&["status"]);
    assert_eq!(
        (&status["off"][0]["company"], &status["watch"]["outcomes"]["switched_off"]),
        (&"sakura".into(), &1.into())
    );
    assert!(status["off"][0]["actor"].as_str().is_some_and(|actor| actor.contains("uid")), "{status}");
    assert!(say(&gateway, &["top", "--once"]).1.contains("OFF: sakura"));
    gateway.kill();
    gateway.run();
    let mut open = Client::connect(gateway.address);
    assert!(!gets_the_line(&mut open, &sink, "b@candidate.example"));
    let (fine, text) = say(&gateway, &["on", "sakura"]);
    assert!(fine && text == "the line is written into mails of sakura again\n", "{text}");
    assert!(gets_the_line(&mut open, &sink, "b@candidate.example"));
    assert_eq!(gateway.settled_credits(), 2);
}

#[test]
fn off_for_all_and_off_for_one_are_two_things_also_with_no_server_running() {
    let sink = Sink::start();
    let mut gateway = Gateway::start(sink.address);
    assert!(say(&gateway, &["off", "sakura"]).0 && gateway.stop());
    assert!(say(&gateway, &["off"]).0);
    let (fine, text) = say(&gateway, &["off", "nobody"]);
    assert!(!fine && text.contains("there is no company nobody"), "{text}");
    gateway.run();
    let (fine, text) = say(&gateway, &["off", "nobody"]);
    assert!(!fine && text.contains("no company nobody"), "{text}");
    let (_, text) = say(&gateway, &["on"]);
    assert!(text.contains("OFF: sakura") && !text.contains("every company"), "{text}");
    let mut client = Client::connect(gateway.address);
    assert!(!gets_the_line(&mut client, &sink, "a@candidate.example"));
    assert!(say(&gateway, &["on", "sakura"]).0);
    assert!(gets_the_line(&mut client, &sink, "a@candidate.example"));
}

#[test]
fn mail_in_custody_goes_out_as_it_came_once_the_line_is_off_and_is_not_counted() {
    let sink = Sink::scripted(|stage, _| if stage == Stage::Mail { Act::Say("451 4.3.0 later") } else { Act::GoOn });
    let gateway = Gateway::start_with(sink.address, "[retry]\nwaits = [\"1s\"]\n");
    assert_eq!(
        Client::connect(gateway.address).mail(&["a@candidate.example"], &rejection("a@candidate.example")).0,
        250
    );
    assert!(say(&gateway, &["off"]).0);
    sink.rewrite(|_, _| Act::GoOn);
    assert!(!has_link(&wait_for("the mail", || sink.taken().first().cloned()).octets));
    assert_eq!(gateway.settled_credits(), 0);
}

#[test]
fn off_lets_held_mails_go_as_they_came_and_holds_no_others() {
    let sink = Sink::start();
    let mut gateway = Gateway::prepare(sink.address, "", "127.0.0.0/8");
    gateway.configure_company("doubtful = \"hold\"\n");
    gateway.run();
    let mut client = Client::connect(gateway.address);
    assert_eq!(client.mail(&["a@candidate.example"], &doubtful("a@candidate.example")).0, 250);
    assert_eq!(gateway.ask_json(&["status"])["spool"]["held"], 1);
    assert_eq!(gateway.ask_json(&["off", "sakura"])["let_go"], 1);
    assert!(!has_link(&wait_for("the held mail", || sink.taken().first().cloned()).octets));
    assert_eq!(client.mail(&["b@candidate.example"], &doubtful("b@candidate.example")).0, 250);
    assert!(!has_link(&wait_for("the mail", || sink.taken().get(1).cloned()).octets));
    assert_eq!(gateway.settled_credits(), 0);
}

#[test]
fn a_next_hop_that_refuses_three_edited_mails_gets_none_until_it_is_resumed_also_over_a_restart() {
    let sink = Sink::start();
    let mut gateway = Gateway::start(sink.address);
    // Each second mail at the dot is the original.
    let edited = AtomicBool::new(false);
    sink.rewrite(move |stage, _| {
        let refused = stage == Stage::Dot && !edited.fetch_xor(true, Ordering::SeqCst);
        if refused { Act::Say("554 5.6.0 no such line here") } else { Act::GoOn }
    });
    let mut client = Client::connect(gateway.address);
    for to in ["a@candidate.example", "b@candidate.example", "c@candidate.example"] {
        assert!(!gets_the_line(&mut client, &sink, to));
    }
    sink.rewrite(|_, _| Act::GoOn);
    let stopped = |gateway: &Gateway| gateway.ask_json(&["status"])["edits_stopped"].clone();
    assert_eq!(stopped(&gateway)[0]["company"], "sakura");
    assert!(!gets_the_line(&mut client, &sink, "d@candidate.example"));
    assert!(gateway.stop());
    gateway.run();
    let mut client = Client::connect(gateway.address);
    assert!(!gets_the_line(&mut client, &sink, "d@candidate.example"));
    assert!(say(&gateway, &["status"]).1.contains("EDITING STOPPED: sakura at "));
    assert!(!say(&gateway, &["resume", "sakura", "--next-hop", "elsewhere.example:25"]).0);
    let next_hop = stopped(&gateway)[0]["next_hop"].as_str().expect("a next hop").to_owned();
    let (fine, text) = say(&gateway, &["resume", "sakura", "--next-hop", &next_hop]);
    assert!(fine && text == format!("mails of sakura are edited again for {next_hop}\n"), "{text}");
    assert!(gets_the_line(&mut client, &sink, "d@candidate.example"));
    assert!(stopped(&gateway).as_array().is_some_and(Vec::is_empty));
    assert_eq!(gateway.settled_credits(), 1);
}

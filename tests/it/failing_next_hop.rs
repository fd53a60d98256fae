//! A next hop that refuses, drops, stalls or talks rubbish at each stage: no mail is lost, none counts twice.

use crate::gateway::{Gateway, free_port, wait_for};
use crate::sink::{Act, Sink, Stage};
use crate::smtp::{Client, has_link, ordinary, rejection, without_trace};

const CANDIDATE: &str = "yamada@candidate.example";
/// Short waits, so that what goes wrong first goes right soon.
const HASTY: &str = "[custody]\nhand_through_for = \"1s\"\n[retry]\nwaits = [\"1s\"]\n[deliver]\ndown_for = \"1s\"\n";

/// The sink fails once at `stage` with `act`; the mail is acknowledged and arrives all the same, and counts once.
fn check_arrives(stage: Stage, act: &Act) {
    let sink = Sink::start();
    let gateway = Gateway::start_with(sink.address, HASTY);
    let failing = std::sync::atomic::AtomicBool::new(true);
    let act = act.clone();
    sink.rewrite(move |at, _| {
        let first = at == stage && failing.swap(false, std::sync::atomic::Ordering::SeqCst);
        if first { act.clone() } else { Act::GoOn }
    });
    let (code, text) = Client::connect(gateway.address).mail(&[CANDIDATE], &rejection(CANDIDATE));
    assert_eq!(code, 250, "{text}");
    let taken = wait_for("the mail to arrive", || sink.taken().into_iter().next());
    assert!(has_link(&taken.octets));
    assert_eq!(taken.recipients, [CANDIDATE]);
    assert_eq!(gateway.settled_credits(), 1);
    assert_eq!(sink.taken().len(), 1, "doubled");
}

/// The sink refuses for good at `stage`; the client hears it, nothing is kept, nothing counts.
fn check_refused(stage: Stage) {
    let sink = Sink::scripted(move |at, _| if at == stage { Act::Say("550 5.1.1 no such user") } else { Act::GoOn });
    let gateway = Gateway::start(sink.address);
    let (code, text) = Client::connect(gateway.address).mail(&[CANDIDATE], &ordinary(CANDIDATE));
    assert_eq!(code, 550, "{text}");
    assert_eq!(gateway.settled_credits(), 0);
    assert!(sink.taken().is_empty());
}

#[test]
fn a_mail_deferred_at_mail_arrives_later() {
    check_arrives(Stage::Mail, &Act::Say("451 4.3.0 not now"));
}

#[test]
fn a_mail_deferred_at_rcpt_arrives_later() {
    check_arrives(Stage::Rcpt, &Act::Say("450 4.2.0 greylisted"));
}

#[test]
fn a_mail_deferred_at_data_arrives_later() {
    check_arrives(Stage::Data, &Act::Say("451 4.3.0 not now"));
}

#[test]
fn a_mail_deferred_at_the_dot_arrives_later() {
    check_arrives(Stage::Dot, &Act::Say("451 4.3.0 not now"));
}

#[test]
fn a_connection_dropped_at_the_greeting_costs_nothing() {
    check_arrives(Stage::Connect, &Act::Drop);
}

#[test]
fn a_connection_dropped_at_rcpt_costs_nothing() {
    check_arrives(Stage::Rcpt, &Act::Drop);
}

#[test]
fn a_connection_dropped_at_the_dot_leads_to_a_retry() {
    check_arrives(Stage::Dot, &Act::Drop);
}

#[test]
fn a_next_hop_silent_at_mail_does_not_keep_the_client_waiting() {
    check_arrives(Stage::Mail, &Act::Stall);
}

#[test]
fn rubbish_instead_of_the_final_reply_is_not_taken_for_success() {
    check_arrives(Stage::Dot, &Act::Say("hello there"));
}

#[test]
fn a_recipient_refused_for_good_is_refused_to_the_client() {
    check_refused(Stage::Rcpt);
}

#[test]
fn a_mail_refused_at_the_dot_is_refused_to_the_client() {
    check_refused(Stage::Dot);
}

#[test]
fn a_silent_next_hop_behind_the_dot_leaves_the_mail_in_doubt_and_a_late_250_counts_once() {
    let sink = Sink::start();
    let gateway = Gateway::start_with(sink.address, "[custody]\nhand_through_for = \"1s\"\n");
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    sink.rewrite(move |at, _| {
        if at == Stage::Dot {
            let _ = held.lock().expect("the channel").recv();
        }
        Act::GoOn
    });
    let (code, text) = Client::connect(gateway.address).mail(&[CANDIDATE], &rejection(CANDIDATE));
    assert_eq!(code, 250, "{text}");
    assert_eq!(gateway.ask_json(&["status"])["spool"]["in_doubt"], 1);
    release.send(()).expect("the sink waits");
    assert_eq!(gateway.settled_credits(), 1);
    assert_eq!(sink.taken().len(), 1, "doubled");
}

#[test]
fn a_dead_next_hop_holds_nothing_up_and_the_spool_survives_a_restart() {
    let next_hop = std::net::SocketAddr::from(([127, 0, 0, 1], free_port()));
    let mut gateway = Gateway::start_with(next_hop, HASTY);
    let (code, text) = Client::connect(gateway.address).mail(&[CANDIDATE], &rejection(CANDIDATE));
    assert_eq!(code, 250, "{text}");
    assert_eq!(gateway.ask_json(&["status"])["spool"]["entries"], 1);
    assert!(gateway.stop(), "{}", gateway.log());
    gateway.run();
    assert_eq!(gateway.ask_json(&["status"])["spool"]["entries"], 1);
    let sink = Sink::on(std::net::TcpListener::bind(next_hop).expect("the port"), |_, _| Act::GoOn);
    let taken = wait_for("the mail to arrive", || sink.taken().into_iter().next());
    assert!(has_link(&taken.octets));
    assert_eq!(gateway.settled_credits(), 1);
}

#[test]
fn a_mixed_answer_delivers_to_some_and_reports_the_refused() {
    let sink = Sink::scripted(|at, line| match at {
        Stage::Rcpt if line.contains("gone@") => Act::Say("550 5.1.1 <gone@vendor.example> unknown"),
        _ => Act::GoOn,
    });
    let gateway = Gateway::start_with(sink.address, HASTY);
    let mail = ordinary("gone@vendor.example, partner@vendor.example");
    let to = ["gone@vendor.example", "partner@vendor.example"];
    let (code, text) = Client::connect(gateway.address).mail(&to, &mail);
    assert_eq!(code, 250, "{text}");
    let report = wait_for("the report", || sink.taken().into_iter().find(|t| t.recipients == ["saiyo@sakura.example"]));
    let report = String::from_utf8_lossy(&report.octets).into_owned();
    assert!(report.contains("multipart/report") && report.contains("Status: 5.1.1"), "{report}");
    let delivered: Vec<_> = sink.taken().into_iter().filter(|t| t.recipients == ["partner@vendor.example"]).collect();
    assert_eq!(delivered.len(), 1);
    assert_eq!(without_trace(&delivered[0].octets), mail);
}

#[test]
fn an_edited_mail_that_is_refused_goes_out_as_it_came_and_does_not_count() {
    let seen = std::sync::atomic::AtomicUsize::new(0);
    let sink = Sink::scripted(move |at, _| {
        let first = at == Stage::Dot && seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        if first { Act::Say("554 5.7.1 content refused") } else { Act::GoOn }
    });
    let gateway = Gateway::start(sink.address);
    let mail = rejection(CANDIDATE);
    let (code, text) = Client::connect(gateway.address).mail(&[CANDIDATE], &mail);
    assert_eq!(code, 250, "{text}");
    assert_eq!(gateway.settled_credits(), 0);
    let taken = sink.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(without_trace(&taken[0].octets), mail);
}

#[test]
fn a_stop_waits_for_clients_and_next_hops_no_longer_than_it_may() {
    let sink = Sink::scripted(|at, _| if at == Stage::Dot { Act::Stall } else { Act::GoOn });
    let more = "[limits]\nstop_for = \"3s\"\n[custody]\nhand_through_for = \"1s\"\n";
    let mut gateway = Gateway::start_with(sink.address, more);
    assert_eq!(Client::connect(gateway.address).mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 250);
    let mut dreaming = Client::connect(gateway.address);
    assert_eq!(dreaming.say("MAIL FROM:<saiyo@sakura.example>"), 250);
    let mut endless = Client::connect(gateway.address);
    for command in ["MAIL FROM:<saiyo@sakura.example>", "RCPT TO:<a@vendor.example>", "DATA"] {
        assert!(endless.say(command) < 400);
    }
    let began = std::time::Instant::now();
    assert!(gateway.stop(), "{}", gateway.log());
    assert!(began.elapsed() < std::time::Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!(dreaming.reply().0, 421);
    sink.rewrite(|_, _| Act::GoOn);
    gateway.run();
    assert_eq!(gateway.settled_credits(), 1, "what was in doubt at the stop is sent again");
}

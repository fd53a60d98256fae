//! SIGKILL at the worst moments: in doubt, between dot and reply, right behind the next hop's 250. Doubles are listed,
//! credits are exact.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::gateway::{Gateway, wait_for};
use crate::sink::{Act, Sink, Stage};
use crate::smtp::{Client, has_link, rejection};

const CANDIDATE: &str = "yamada@candidate.example";
const SPOOL_FIRST: &str = "[custody]\nmode = \"spool\"\n[retry]\nwaits = [\"1s\"]\n";
const SHORT_PATIENCE: &str = "[custody]\nhand_through_for = \"1s\"\n[retry]\nwaits = [\"1s\"]\n";

/// Makes the sink wait at each dot for a word of the test; the receiver tells when a dot has come.
fn hold_dots(sink: &Sink) -> (Receiver<()>, Sender<Act>) {
    let ((tell, dots), (say, held)) = (channel(), channel::<Act>());
    let (tell, held) = (Mutex::new(tell), Mutex::new(held));
    sink.rewrite(move |at, _| {
        if at != Stage::Dot {
            return Act::GoOn;
        }
        let _ = tell.lock().expect("the channel").send(());
        held.lock().expect("the channel").recv().unwrap_or(Act::Drop)
    });
    (dots, say)
}

/// Kills the gateway while the next hop holds the dot of a mail in custody; the next hop then takes it all the same.
fn kill_behind_the_dot(settings: &str) {
    let sink = Sink::start();
    let (dots, say) = hold_dots(&sink);
    let mut gateway = Gateway::start_with(sink.address, settings);
    let (code, text) = Client::connect(gateway.address).mail(&[CANDIDATE], &rejection(CANDIDATE));
    assert_eq!(code, 250, "{text}");
    dots.recv().expect("a dot");
    gateway.kill();
    say.send(Act::GoOn).expect("the sink waits");
    wait_for("the first mail to be taken", || (sink.taken().len() == 1).then_some(()));
    gateway.run();
    dots.recv().expect("a second dot");
    assert_eq!(gateway.ask_json(&["status"])["spool"]["maybe_doubled"], 1);
    say.send(Act::GoOn).expect("the sink waits");
    assert_eq!(gateway.settled_credits(), 1);
    assert_eq!(sink.taken().len(), 2);
    assert!(sink.taken().iter().all(|t| has_link(&t.octets)));
    let verify = gateway.ask_json(&["ledger", "verify"]);
    assert_eq!(verify[0]["faults"], serde_json::json!([]), "{verify}");
}

#[test]
fn killed_in_doubt_the_mail_is_listed_as_a_double_and_counts_once() {
    kill_behind_the_dot(SHORT_PATIENCE);
}

#[test]
fn killed_between_dot_and_reply_a_mail_in_custody_is_listed_as_a_double_and_counts_once() {
    kill_behind_the_dot(SPOOL_FIRST);
}

#[test]
fn killed_while_a_client_waits_for_its_answer_the_client_sends_again_and_it_counts_once() {
    let sink = Sink::start();
    let (dots, say) = hold_dots(&sink);
    let mut gateway = Gateway::start(sink.address);
    let mut client = Client::connect(gateway.address);
    client.send_mail(&[CANDIDATE], &rejection(CANDIDATE));
    dots.recv().expect("a dot");
    gateway.kill();
    say.send(Act::GoOn).expect("the sink waits");
    assert!(client.is_closed(), "a client heard an answer from the dead");
    gateway.run();
    say.send(Act::GoOn).expect("the sink waits");
    assert_eq!(Client::connect(gateway.address).mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 250);
    assert_eq!(gateway.settled_credits(), 1);
    assert_eq!(sink.taken().len(), 2);
}

/// Kills the gateway behind its answer, as if the answer had been lost: the client sends the same mail again.
fn send_again_behind_a_kill(settings: &str) {
    let sink = Sink::start();
    let mut gateway = Gateway::start_with(sink.address, settings);
    let first = Client::connect(gateway.address).mail(&[CANDIDATE], &rejection(CANDIDATE));
    gateway.kill();
    gateway.run();
    let again = Client::connect(gateway.address).mail(&[CANDIDATE], &rejection(CANDIDATE));
    assert_eq!((again.0, &again), (250, &first), "the answer that was not heard");
    let other = "sato@candidate.example";
    assert_eq!(Client::connect(gateway.address).mail(&[other], &rejection(other)).0, 250);
    assert_eq!((gateway.settled_credits(), sink.taken().len()), (2, 2));
    assert_eq!(gateway.ask_json(&["status"])["watch"]["counters"]["repeats"], 1);
}

#[test]
fn a_mail_that_was_on_disk_at_a_kill_is_not_sent_twice_when_the_client_sends_it_again() {
    send_again_behind_a_kill("");
    send_again_behind_a_kill(SPOOL_FIRST);
}

#[test]
fn killed_right_behind_the_next_hops_250_the_credit_of_an_acknowledged_mail_is_there() {
    let sink = Sink::start();
    let mut gateway = Gateway::start(sink.address);
    for number in 0..5 {
        let candidate = format!("c{number}@candidate.example");
        assert_eq!(Client::connect(gateway.address).mail(&[&candidate], &rejection(&candidate)).0, 250);
        gateway.kill();
        gateway.run();
    }
    assert_eq!(gateway.settled_credits(), 5);
    assert_eq!(sink.taken().len(), 5);
}

#[test]
fn a_client_that_goes_right_behind_its_dot_costs_neither_mail_nor_credit() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    let mut client = Client::connect(gateway.address);
    client.send_mail(&[CANDIDATE], &rejection(CANDIDATE));
    drop(client);
    wait_for("the mail to arrive", || (sink.taken().len() == 1).then_some(()));
    wait_for("the credit", || (gateway.settled_credits() == 1).then_some(()));
    assert_eq!(Client::connect(gateway.address).mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 250);
    assert_eq!((gateway.settled_credits(), sink.taken().len()), (1, 2));
}

#[test]
fn a_grant_notice_outlives_a_dead_next_hop_and_kills_and_goes_out_once() {
    let sink = Sink::scripted(|at, line| match at {
        Stage::Mail if line.contains("<career-relay@") => Act::Say("451 4.3.0 not now"),
        _ => Act::GoOn,
    });
    let mut gateway = Gateway::start_with(sink.address, "[retry]\nwaits = [\"1s\"]\n");
    for number in 0..10 {
        let candidate = format!("c{number}@candidate.example");
        assert_eq!(Client::connect(gateway.address).mail(&[&candidate], &rejection(&candidate)).0, 250);
    }
    for _ in 0..3 {
        wait_for("the notice in custody", || (gateway.ask_json(&["status"])["spool"]["entries"] == 1).then_some(()));
        gateway.kill();
        gateway.run();
    }
    assert!(gateway.stop(), "{}", gateway.log());
    gateway.run();
    sink.rewrite(|_, _| Act::GoOn);
    assert_eq!(gateway.settled_credits(), 10);
    let notices: Vec<_> = sink.taken().into_iter().filter(|t| t.recipients == ["saiyo@sakura.example"]).collect();
    assert_eq!((notices.len(), sink.taken().len()), (1, 11));
}

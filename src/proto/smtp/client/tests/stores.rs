//! LMTP: behind the dot each recipient that was taken has an answer of its own, in their order.

use super::*;

fn check(replies: &[&str], wanted: &[&str], after: After) {
    let recipients = ["a@x.example", "b@x.example", "c@x.example"].map(address);
    let terms = Terms { dialect: Dialect::Lmtp, ..Terms::default() };
    let plan = Plan { recipients: to(&recipients.each_ref()), octets: 7, terms, ..Plan::default() };
    let (_, dialogue) = run(&plan, &ALL, replies);
    assert_eq!(answers(&dialogue), wanted);
    assert_eq!(dialogue.after(), after);
}

const BEFORE: [&str; 5] = ["250 ok", "250 ok", "550 no", "250 ok", "354 go"];

#[test]
fn answers_behind_the_dot_are_for_those_taken_in_their_order() {
    let replies = [&BEFORE[..], &["250 a has it", "452 c is full"]].concat();
    let wanted = ["Accepted Dot 250 a has it", "Refused Rcpt 550 no", "Deferred Dot 452 c is full"];
    check(&replies, &wanted, After::Clean);
    let replies = [&BEFORE[..], &["554 a no", "250 c has it"]].concat();
    let wanted = ["Refused Dot 554 a no", "Refused Rcpt 550 no", "Accepted Dot 250 c has it"];
    check(&replies, &wanted, After::Clean);
}

#[test]
fn who_has_no_answer_yet_stays_open() {
    let replies = [&BEFORE[..], &["250 a has it"]].concat();
    check(&replies, &["Accepted Dot 250 a has it", "Refused Rcpt 550 no", "open"], After::Close);
    let replies = [&BEFORE[..], &["421 bye"]].concat();
    check(&replies, &["Deferred Dot 421 bye", "Refused Rcpt 550 no", "open"], After::Close);
    let replies = [&BEFORE[..], &["421 bye", "250 c has it"]].concat();
    check(&replies, &["Deferred Dot 421 bye", "Refused Rcpt 550 no", "Accepted Dot 250 c has it"], After::Close);
}

#[test]
fn chunks_that_are_not_known_end_it_before_a_line_of_the_mail_is_answered() {
    let (a, b) = (address("a@x.example"), address("b@x.example"));
    let terms = Terms { dialect: Dialect::Lmtp, chunking: true, ..Terms::default() };
    let plan = Plan { recipients: to(&[&a, &b]), octets: 7, terms, ..Plan::default() };
    let offered = Capabilities::of(&[Extension::Pipelining, Extension::Chunking]);
    let (_, dialogue) = run(&plan, &offered, &["250 ok", "250 ok", "250 ok", "500 what", "250 noop"]);
    assert_eq!(answers(&dialogue), ["Deferred Dot 500 what"; 2]);
    assert_eq!(dialogue.after(), After::Close);
}

//! The message as one BDAT LAST: only when somebody takes it, and its answer is the dot's.

use super::*;

const CHUNKS: Capabilities = Capabilities::of(&[Extension::Pipelining, Extension::Chunking]);
const SLOW: Capabilities = Capabilities::of(&[Extension::Chunking]);
const GROUP: &str = "MAIL FROM:<hr@sakura.example>\\RCPT TO:<a@x.example>\\RCPT TO:<b@x.example>\\|";

fn check(offered: &Capabilities, replies: &[&str], story: &str, wanted: &[&str], after: After) -> Dialogue {
    let (sender, a, b) = (address("hr@sakura.example"), address("a@x.example"), address("b@x.example"));
    let terms = Terms { chunking: true, ..Terms::default() };
    let plan = Plan { sender: Some(&sender), recipients: to(&[&a, &b]), octets: 7, terms, ..Plan::default() };
    let (told, dialogue) = run(&plan, offered, replies);
    assert_eq!(told, story);
    assert_eq!(answers(&dialogue), wanted);
    assert_eq!(dialogue.after(), after);
    dialogue
}

#[test]
fn the_chunk_goes_out_behind_the_answers_to_rcpt_and_nothing_behind_the_chunk() {
    let accepted = "Accepted Dot 250 done";
    let replies = ["250 ok", "250 ok", "250 ok", "250 done"];
    check(&CHUNKS, &replies, &format!("{GROUP}#|"), &[accepted, accepted], After::Clean);
    check(&SLOW, &replies, &format!("{MAIL}{RCPT}#|"), &[accepted, accepted], After::Clean);
    let replies = ["250 ok", "550 no", "250 ok", "250 done"];
    check(&CHUNKS, &replies, &format!("{GROUP}#|"), &["Refused Rcpt 550 no", accepted], After::Clean);
}

#[test]
fn for_nobody_there_is_no_chunk() {
    let wanted = ["Refused Rcpt 550 no", "Deferred Rcpt 450 later"];
    check(&CHUNKS, &["250 ok", "550 no", "450 later"], GROUP, &wanted, After::Reset);
    check(&SLOW, &["250 ok", "550 no", "450 later"], &format!("{MAIL}{RCPT}"), &wanted, After::Reset);
    let wanted = ["Refused Mail 550 not you", "Refused Mail 550 not you"];
    check(&CHUNKS, &["550 not you", "250 ok", "250 ok"], GROUP, &wanted, After::Clean);
}

#[test]
fn what_is_said_of_the_chunk_is_said_of_the_mail() {
    let story = format!("{GROUP}#|");
    for (said, wanted) in [("451 later", "Deferred Dot 451 later"), ("554 spam", "Refused Dot 554 spam")] {
        let replies = ["250 ok", "250 ok", "250 ok", said];
        check(&CHUNKS, &replies, &story, &[wanted, wanted], After::Clean);
    }
    let misplaced = format!("{story}reply 354 is none for Dot");
    check(&CHUNKS, &["250 ok", "250 ok", "250 ok", "354 go"], &misplaced, &["open", "open"], After::Close);
}

#[test]
fn a_next_hop_that_does_not_know_the_bdat_it_offers_defers_the_mail_and_is_left() {
    for code in ["500", "501", "502", "503", "504"] {
        let (said, wanted) = (format!("{code} what"), format!("Deferred Dot {code} what"));
        let replies = ["250 ok", "250 ok", "250 ok", &said];
        let dialogue = check(&CHUNKS, &replies, &format!("{GROUP}#|"), &[&wanted, &wanted], After::Close);
        assert!(dialogue.chunking_failed());
    }
}

#[test]
fn where_the_route_does_not_want_it_or_the_next_hop_does_not_offer_it_there_is_data() {
    let a = address("a@x.example");
    for (chunking, offered) in [(false, CHUNKS), (true, NONE)] {
        let plan = Plan { recipients: to(&[&a]), terms: Terms { chunking, ..Terms::default() }, ..Plan::default() };
        let (story, _) = run(&plan, &offered, &["250 ok", "250 ok", "354 go", "250 done"]);
        assert!(story.ends_with("DATA\\|!|"), "{story}");
    }
}

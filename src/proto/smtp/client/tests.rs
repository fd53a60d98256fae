//! Tests of the client's dialogue: what goes out, in which order, and what every answer means for every recipient.

mod chunks;
mod extensions;
mod stores;

use super::super::reply::Reply;
use super::*;
use proptest::prelude::*;

const ALL: Capabilities =
    Capabilities::of(&[Extension::Pipelining, Extension::EightBitMime, Extension::SmtpUtf8]).with_size(Some(0));
const NONE: Capabilities = Capabilities::of(&[]);

fn address(text: &str) -> Address {
    Address::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn to<'a>(addresses: &[&'a Address]) -> Vec<Recipient<'a>> {
    addresses.iter().map(|address| Recipient { address, dsn: None }).collect()
}

fn reply(text: &str) -> Reply {
    let read = Reply::read(format!("{text}\r\n").as_bytes());
    read.ok().flatten().unwrap_or_else(|| panic!("{text:?} is no reply")).0
}

/// Runs a dialogue: every `!` in the story is the message going out with its dot, every `#` as a chunk.
fn run(plan: &Plan<'_>, offered: &Capabilities, replies: &[&str]) -> (String, Dialogue) {
    let mut dialogue = Dialogue::new(plan, offered);
    let mut story = Vec::new();
    let mut replies = replies.iter();
    loop {
        let before = story.len();
        dialogue.write(&mut story);
        if story.len() > before {
            story.push(b'|');
        }
        let Some(next) = (if dialogue.due().is_some() { replies.next() } else { None }) else { break };
        match dialogue.take(reply(next)) {
            Ok(Progress::Content) => {
                story.extend_from_slice(if dialogue.framing() == Framing::Dots { b"!|" } else { b"#|" });
                dialogue.content_sent();
            }
            Ok(Progress::More) => {}
            Ok(Progress::Over) => break,
            Err(misplaced) => {
                story.extend_from_slice(misplaced.to_string().as_bytes());
                break;
            }
        }
    }
    (String::from_utf8_lossy(&story).replace("\r\n", "\\"), dialogue)
}

fn answers(dialogue: &Dialogue) -> Vec<String> {
    let text = |a: &Answer| format!("{:?} {:?} {}", a.class, a.phase, a.reply);
    dialogue.answers().map(|a| a.map_or("open".to_owned(), text)).collect()
}

fn check(offered: &Capabilities, replies: &[&str], story: &str, wanted: &[&str], after: After) {
    let (sender, a, b) = (address("hr@sakura.example"), address("a@x.example"), address("b@x.example"));
    let plan = Plan { sender: Some(&sender), recipients: to(&[&a, &b]), octets: 7, ..Plan::default() };
    let (told, dialogue) = run(&plan, offered, replies);
    assert_eq!(told, story);
    assert_eq!(answers(&dialogue), wanted);
    assert_eq!(dialogue.after(), after);
}

const PIPELINED: &str = "MAIL FROM:<hr@sakura.example> SIZE=7\\RCPT TO:<a@x.example>\\RCPT TO:<b@x.example>\\DATA\\|";
const MAIL: &str = "MAIL FROM:<hr@sakura.example>\\|";
const RCPT: &str = "RCPT TO:<a@x.example>\\|RCPT TO:<b@x.example>\\|";

#[test]
fn with_pipelining_the_envelope_goes_out_in_one_piece_and_nothing_behind_the_dot() {
    let accepted = "Accepted Dot 250 done";
    let replies = ["250 ok", "250 ok", "250 ok", "354 go", "250 done"];
    check(&ALL, &replies, &format!("{PIPELINED}!|"), &[accepted, accepted], After::Clean);
    check(&NONE, &replies, &format!("{MAIL}{RCPT}DATA\\|!|"), &[accepted, accepted], After::Clean);
}

#[test]
fn each_recipient_keeps_its_own_answer() {
    let wanted = ["Refused Rcpt 550 5.1.1 nobody", "Accepted Dot 250 done"];
    let replies = ["250 ok", "550 5.1.1 nobody", "250 ok", "354 go", "250 done"];
    check(&ALL, &replies, &format!("{PIPELINED}!|"), &wanted, After::Clean);
    let wanted = ["Deferred Rcpt 451 later", "Refused Dot 554 spam"];
    let replies = ["250 ok", "451 later", "250 ok", "354 go", "554 spam"];
    check(&ALL, &replies, &format!("{PIPELINED}!|"), &wanted, After::Clean);
}

#[test]
fn without_any_recipient_no_message_is_begun() {
    let wanted = ["Refused Rcpt 550 no", "Deferred Rcpt 450 later"];
    check(&NONE, &["250 ok", "550 no", "450 later"], &format!("{MAIL}{RCPT}"), &wanted, After::Reset);
    let replies = ["250 ok", "550 no", "450 later", "554 no recipients"];
    check(&ALL, &replies, PIPELINED, &wanted, After::Reset);
    let replies = ["250 ok", "550 no", "450 later", "354 go on"];
    check(&ALL, &replies, PIPELINED, &wanted, After::Close);
}

#[test]
fn a_refused_sender_answers_for_everybody() {
    let wanted = ["Refused Mail 550 not you", "Refused Mail 550 not you"];
    check(&NONE, &["550 not you"], MAIL, &wanted, After::Clean);
    check(&ALL, &["550 not you", "503 bad", "503 bad", "503 bad"], PIPELINED, &wanted, After::Clean);
    check(&ALL, &["550 not you", "503 bad", "503 bad", "354 go"], PIPELINED, &wanted, After::Close);
}

#[test]
fn refused_data_answers_for_the_recipients_taken() {
    let replies = ["250 ok", "550 no", "250 ok", "451 busy"];
    check(&ALL, &replies, PIPELINED, &["Refused Rcpt 550 no", "Deferred Data 451 busy"], After::Reset);
}

#[test]
fn a_closing_next_hop_defers_everybody_at_once() {
    let closing = "Deferred Mail 421 bye";
    check(&ALL, &["421 bye"], PIPELINED, &[closing, closing], After::Close);
    let replies = ["250 ok", "550 no", "421 bye"];
    check(&ALL, &replies, PIPELINED, &["Refused Rcpt 550 no", "Deferred Rcpt 421 bye"], After::Close);
}

#[test]
fn replies_no_command_can_have_end_the_attempt() {
    let open = ["open", "open"];
    check(&ALL, &["354 go"], &format!("{PIPELINED}reply 354 is none for Mail"), &open, After::Close);
    let replies = ["250 ok", "250 ok", "250 ok", "250 what"];
    check(&ALL, &replies, &format!("{PIPELINED}reply 250 is none for Data"), &open, After::Close);
    let replies = ["250 ok", "250 ok", "250 ok", "354 go", "354 go"];
    check(&ALL, &replies, &format!("{PIPELINED}!|reply 354 is none for Dot"), &open, After::Close);
}

#[test]
fn too_many_recipients_is_for_later_whatever_its_code() {
    let replies = ["250 ok", "250 ok", "552 too many", "354 go", "250 done"];
    let wanted = ["Accepted Dot 250 done", "Deferred Rcpt 552 too many"];
    check(&ALL, &replies, &format!("{PIPELINED}!|"), &wanted, After::Clean);
    let replies = ["250 ok", "250 ok", "552 5.2.2 full", "354 go", "250 done"];
    let wanted = ["Accepted Dot 250 done", "Refused Rcpt 552 5.2.2 full"];
    check(&ALL, &replies, &format!("{PIPELINED}!|"), &wanted, After::Clean);
}

#[test]
fn an_old_transaction_is_reset_in_the_same_group() {
    let recipient = address("a@x.example");
    let plan = Plan {
        recipients: to(&[&recipient]),
        octets: 7,
        body: Body::EightBitMime,
        smtputf8: true,
        reset_first: true,
        ..Plan::default()
    };
    let (story, dialogue) = run(&plan, &ALL, &["250 ok", "250 ok", "250 ok", "354 go", "250 done"]);
    assert_eq!(story, "RSET\\MAIL FROM:<> SIZE=7 BODY=8BITMIME SMTPUTF8\\RCPT TO:<a@x.example>\\DATA\\|!|");
    assert_eq!(dialogue.after(), After::Clean);
    let (story, _) = run(&plan, &NONE, &["250 ok"]);
    assert_eq!(story, "RSET\\|MAIL FROM:<>\\|");
}

#[test]
fn what_the_next_hop_cannot_take_it_is_not_asked() {
    let (wide, narrow) = (address("太郎@mail.example"), address("a@日本.example"));
    let plan = Plan { recipients: to(&[&wide, &narrow]), octets: 70, smtputf8: true, ..Plan::default() };
    let (story, dialogue) = run(&plan, &NONE, &["250 ok", "250 ok", "354 go", "250 done"]);
    assert_eq!(story, "MAIL FROM:<>\\|RCPT TO:<a@xn--wgv71a.example>\\|DATA\\|!|");
    let refused = "Refused Mail 553 5.6.7 The next hop takes no addresses beyond ASCII";
    assert_eq!(answers(&dialogue), [refused, "Accepted Dot 250 done"]);
    let small = ALL.with_size(Some(69));
    let (story, dialogue) = run(&plan, &small, &[]);
    assert_eq!(story, "");
    assert!(dialogue.is_over() && answers(&dialogue)[0].starts_with("Refused Mail 552 5.3.4"));
}

/// Whatever is answered: no recipient counts as accepted without a 2xx to its dot, and the dialogue ends.
fn check_any(codes: &[u16], offered: &Capabilities, terms: Terms) -> Result<(), TestCaseError> {
    let (a, b) = (address("a@x.example"), address("b@x.example"));
    let plan = Plan { recipients: to(&[&a, &b]), octets: 7, terms, ..Plan::default() };
    let mut dialogue = Dialogue::new(&plan, offered);
    let (mut out, mut said_yes, mut sent) = (Vec::new(), 0, 0);
    for code in codes {
        dialogue.write(&mut out);
        let Some(due) = dialogue.due() else { break };
        let before = dialogue.answers().flatten().filter(|a| a.class == Class::Accepted).count();
        match dialogue.take(Reply::plain(*code, "x")) {
            Ok(Progress::Content) => {
                sent += 1;
                dialogue.content_sent();
            }
            Ok(_) => said_yes += usize::from(due == Phase::Dot && *code == 250),
            Err(_) => break,
        }
        let more = dialogue.answers().flatten().filter(|a| a.class == Class::Accepted).count() - before;
        let most = if terms.dialect == Dialect::Lmtp { 1 } else { 2 };
        let allowed = if due == Phase::Dot && *code == 250 { most } else { 0 };
        prop_assert!(more <= allowed);
    }
    let accepted = dialogue.answers().flatten().any(|a| a.class == Class::Accepted);
    prop_assert!(sent <= 1 && (!accepted || said_yes > 0));
    prop_assert!(!dialogue.is_over() || dialogue.answers().all(|a| a.is_some()));
    Ok(())
}

proptest! {
    #[test]
    fn nothing_but_a_positive_reply_to_the_dot_is_acceptance(
        codes in proptest::collection::vec(proptest::sample::select(vec![250u16, 354, 421, 450, 500, 550]), 0..20),
        offered in proptest::sample::subsequence(vec![Extension::Pipelining, Extension::Chunking], 0..=2),
        lmtp: bool,
    ) {
        let dialect = if lmtp { Dialect::Lmtp } else { Dialect::Smtp };
        check_any(&codes, &Capabilities::of(&offered), Terms { dialect, chunking: true, ..Terms::default() })?;
    }
}

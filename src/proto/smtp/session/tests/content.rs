//! The message behind DATA: its limits, its room, what must not be in it.

use super::*;

#[test]
fn too_large_is_said_at_mail_when_stated_and_at_the_dot_when_not() {
    check(&format!(
        "{HELLO}C: MAIL FROM:<a@b.example> SIZE=2000\nS: 250\nC: RSET\nS: 250\n\
                    C: MAIL FROM:<a@b.example> SIZE=2001\nS: 552 5.3.4"
    ));
    let line = format!("C: {}\n", "x".repeat(98)).repeat(20);
    check(&format!("{HELLO}{OPEN}C: DATA\nS: 354\n{line}C: .\nM: \nS: 250").replace("M: ", "M: ESMTP"));
    check(&format!("{HELLO}{OPEN}C: DATA\nS: 354\n{line}C: x\nC: .\nS: 552 5.3.4\nC: NOOP\nS: 250"));
}

#[test]
fn lines_and_hops_over_their_limits_refuse_the_message_alone() {
    let limits = Limits { line_octets_max: 50, hops_max: 2, ..limits() };
    let long = "x".repeat(49);
    check_with(&limits, true, &format!("{HELLO}{OPEN}C: DATA\nS: 354\nC: {long}\nC: .\nS: 554 5.6.0\nC: NOOP\nS: 250"));
    let hops = "C: Received: by x\n".repeat(3);
    check_with(&limits, true, &format!("{HELLO}{OPEN}C: DATA\nS: 354\n{hops}C: .\nS: 554 5.4.6\nC: NOOP\nS: 250"));
}

#[test]
fn bare_line_ends_and_nul_end_the_connection() {
    for bad in ["a\\nb", "a\\rb", "a\\0b", "a\\n.\\nMAIL FROM:<evil@x.example>", "\\n.", "\\r."] {
        check(&format!("{HELLO}{OPEN}C: DATA\nS: 354\nC: Subject: x\nC: {bad}\nS: 554 5.6.0\nclosed"));
        check(&format!("C: NOOP {bad}\nS: 500 5.5.2\nclosed"));
    }
}

#[test]
fn without_memory_the_mail_is_deferred_before_or_in_the_middle_of_it() {
    let mut talk = Talk::new(Limits::default(), true);
    talk.room_octets_max = 0;
    talk.say(b"EHLO pc\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<a@b.example>\r\n");
    talk.say(b"DATA\r\n");
    assert_eq!(talk.heard.last().map(String::as_str), Some("S: 452 4.3.1 Not enough memory just now, try again"));
    talk.room_octets_max = 20_000;
    talk.say(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n");
    for _ in 0..3000 {
        talk.say(b"12345678\r\n");
    }
    assert!(talk.session.message.is_empty());
    talk.say(b".\r\nNOOP\r\n");
    let last: Vec<&str> = talk.heard.iter().rev().take(3).map(|l| &l[..6]).collect();
    assert_eq!(last, ["S: 250", "S: 452", "S: 354"]);
}

#[test]
fn a_stated_size_is_believed_only_when_a_part_of_it_has_come() {
    let mut talk = Talk::new(Limits::default(), true);
    talk.say(b"EHLO pc\r\nMAIL FROM:<a@b.example> SIZE=40000000\r\nRCPT TO:<a@b.example>\r\nDATA\r\n");
    assert_eq!(talk.session.room(), crate::proto::smtp::session::content::ROOM_OCTETS_ON_WORD_MAX);
    talk.say(&b"12345678\r\n".repeat(110_000));
    assert_eq!(talk.session.room(), 40_000_000 + crate::proto::smtp::session::content::ROOM_OCTETS_FIRST);
}

#[test]
fn octets_behind_a_refused_data_are_never_commands() {
    let mut talk = Talk::new(limits(), false);
    talk.say(b"EHLO pc\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\nMAIL FROM:<evil@x.example>\r\n");
    assert_eq!(talk.heard.last().map(String::as_str), Some("closed"));
}

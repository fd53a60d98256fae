//! What a client asks of delivery reports (RFC 3461), as it stands in the envelope.

use super::login::message_of;
use super::*;
use crate::mail::envelope::{Dsn, Envelope, RecipientDsn, Ret};

fn envelope(mail: &str, recipients: &[&str]) -> Envelope {
    let mut session = Session::new(Arc::new(plain(Limits::default())), Peer { may_relay: true, ..Peer::default() });
    let rcpt = recipients.iter().fold(String::new(), |said, r| said + "RCPT TO:" + r + "\r\n");
    let said = format!("EHLO pc\r\nMAIL FROM:<>{mail}\r\n{rcpt}BDAT 0 LAST\r\n");
    message_of(&mut session, said.as_bytes()).expect("a message").envelope
}

fn asked(notify: &str, orcpt: &str) -> RecipientDsn {
    let some = |text: &str| (!text.is_empty()).then(|| text.into());
    RecipientDsn { notify: some(notify), orcpt: some(orcpt) }
}

#[test]
fn who_asks_nothing_has_nothing_asked() {
    assert_eq!(envelope("", &["<a@b.example>"]).dsn, None);
    assert_eq!(envelope(" SIZE=1 AUTH=<>", &["<a@b.example>", "<c@b.example>"]).dsn, None);
}

#[test]
fn each_recipient_keeps_what_was_asked_for_it() {
    let envelope = envelope(
        " RET=HDRS ENVID=x+2By",
        &["<a@b.example>", "<c@b.example> NOTIFY=success,DELAY ORCPT=rfc822;C+2B@b.example", "<d@b.example>"],
    );
    let recipients = vec![asked("", ""), asked("success,DELAY", "rfc822;C+2B@b.example"), asked("", "")];
    let dsn = Dsn { ret: Some(Ret::Headers), envid: Some("x+2By".into()), recipients };
    assert_eq!(envelope.dsn, Some(Box::new(dsn)));
    assert_eq!((envelope.recipients.len(), envelope.dsn_of(1).notify.as_deref()), (3, Some("success,DELAY")));
}

#[test]
fn what_is_asked_for_the_mail_alone_is_asked_for_no_recipient() {
    let dsn = envelope(" RET=FULL", &["<a@b.example>", "<c@b.example>"]).dsn.expect("a RET");
    assert_eq!((dsn.ret, dsn.recipients), (Some(Ret::Full), vec![RecipientDsn::default(); 2]));
}

#[test]
fn the_first_of_two_equal_recipients_decides() {
    let first = envelope("", &["<a@b.example> NOTIFY=NEVER", "<a@B.example> NOTIFY=SUCCESS ORCPT=rfc822;x"]);
    assert_eq!((first.recipients.len(), first.dsn_of(0)), (1, asked("NEVER", "")));
    assert_eq!(envelope("", &["<a@b.example>", "<a@b.example> NOTIFY=SUCCESS"]).dsn, None);
}

#[test]
fn an_original_recipient_beyond_ascii_needs_smtputf8() {
    let orcpt = "<a@b.example> ORCPT=utf-8;太郎@b.example";
    assert_eq!(envelope(" SMTPUTF8", &[orcpt]).dsn_of(0), asked("", "utf-8;太郎@b.example"));
    check(&format!("{HELLO}C: MAIL FROM:<>\nS: 250\nC: RCPT TO:{orcpt}\nS: 501 5.5.4"));
    check(&format!("{HELLO}C: MAIL FROM:<>\nS: 250\nC: RCPT TO:<a@b.example> NOTIFY=NEVER,DELAY\nS: 501 5.5.4"));
}

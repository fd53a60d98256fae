//! The probe of a return path: a mail that is sent to come back. Whoever reads it is told that it is for nobody.

use jiff::Timestamp;
use lettre::Message;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};

use super::notice::NoticeFault;
use crate::mail::address::{Address, Domain};

const TEXT: &str = "\
このメールは、キャリアリレーのゲートウェイが送信した自動テストです。
存在しない宛先に送り、不達の報告が戻ることを確かめています。
届いた方は、何もなさる必要はありません。お手数ですが削除してください。

----

This is an automatic test by a Career Relay gateway. It is sent to an address that
does not exist, to see that the report of it comes back. If you can read this there
is nothing for you to do: please delete it.
";

/// Makes the mail: from the return path's own domain, so that it is aligned as mails with the line are.
///
/// # Errors
/// When an address is not for lettre.
pub fn compose_probe(path: &Domain, to: &Address, id: &str, now: Timestamp) -> Result<Vec<u8>, NoticeFault> {
    let from: lettre::Address = format!("career-relay@{path}").parse()?;
    let message = Message::builder()
        .from(Mailbox::new(Some("Career Relay".to_owned()), from))
        .to(Mailbox::new(None, to.as_str().parse()?))
        .date(now.into())
        .message_id(Some(format!("<{id}@{path}>")))
        .subject("戻り先のテスト / Career Relay: test of a return path")
        .header(ContentType::TEXT_PLAIN);
    let mut message = message.body(TEXT.to_owned())?;
    // RFC 3834 5: no autoresponder answers it.
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    message.headers_mut().insert_raw(HeaderValue::new(automatic, "auto-generated".to_owned()));
    Ok(message.formatted())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::message::Message as Read;

    #[test]
    fn a_probe_says_what_it_is_and_is_answered_by_no_program() {
        let parse = |text: &str| Address::parse(text).unwrap_or_else(|e| panic!("{e}"));
        let path = Domain::parse("bounce.kaede.example").unwrap_or_else(|e| panic!("{e}"));
        let octets = compose_probe(&path, &parse("nobody@mail.example"), "p1", Timestamp::UNIX_EPOCH);
        let octets = octets.unwrap_or_else(|e| panic!("{e}"));
        let text = String::from_utf8_lossy(&octets);
        for part in ["Auto-Submitted: auto-generated\r\n", "Message-ID: <p1@bounce.kaede.example>\r\n"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let from = Read::read(&octets).from().map(|from| from.as_str().to_owned());
        assert_eq!(from.as_deref(), Some("career-relay@bounce.kaede.example"));
    }
}

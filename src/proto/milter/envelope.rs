//! The envelope of a mail from the words of its MAIL and RCPT commands.
//!
//! The MTA has taken them; what we cannot read we do not judge, and the mail is left alone.

use bytes::Bytes;

use crate::mail::address::Address;
use crate::mail::envelope::{Body, Envelope};

/// Why an envelope cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EnvelopeFault {
    /// The sender is no address.
    #[error("a sender that is no address")]
    Sender,
    /// A recipient is no address.
    #[error("a recipient that is no address")]
    Recipient,
    /// There is nobody to get the mail.
    #[error("no recipient")]
    NoRecipient,
}

/// Reads an envelope: the words of MAIL, and the path of each RCPT.
///
/// # Errors
/// [`EnvelopeFault`] for what is no address.
pub fn read_envelope(mail: &[Bytes], rcpts: &[Bytes]) -> Result<Envelope, EnvelopeFault> {
    let (path, parameters) = mail.split_first().ok_or(EnvelopeFault::Sender)?;
    let sender = read_path(path).map_err(|NoPath| EnvelopeFault::Sender)?;
    let mut recipients: Vec<Address> = Vec::with_capacity(rcpts.len());
    for path in rcpts {
        let address = read_path(path).ok().flatten().ok_or(EnvelopeFault::Recipient)?;
        if !recipients.contains(&address) {
            recipients.push(address);
        }
    }
    if recipients.is_empty() {
        return Err(EnvelopeFault::NoRecipient);
    }
    let asks = |word: &str| parameters.iter().any(|p| p.eq_ignore_ascii_case(word.as_bytes()));
    let body = if asks("BODY=8BITMIME") { Body::EightBitMime } else { Body::SevenBit };
    Ok(Envelope { sender, recipients, body, smtputf8: asks("SMTPUTF8"), ..Envelope::default() })
}

/// What is no path.
struct NoPath;

/// A path with or without its brackets and its route (RFC 5321 4.1.2); `None` is the null path.
fn read_path(path: &[u8]) -> Result<Option<Address>, NoPath> {
    let path = std::str::from_utf8(path).map_err(|_| NoPath)?.trim();
    let inner = path.strip_prefix('<').map_or(Some(path), |p| p.strip_suffix('>')).ok_or(NoPath)?;
    if inner.is_empty() {
        return Ok(None);
    }
    let bare = if inner.starts_with('@') { inner.split_once(':').ok_or(NoPath)?.1 } else { inner };
    Address::parse(bare).map(Some).map_err(|_| NoPath)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mail: &[&'static str], rcpts: &[&'static str]) -> Result<Envelope, EnvelopeFault> {
        let words = |list: &[&'static str]| list.iter().map(|w| Bytes::from_static(w.as_bytes())).collect::<Vec<_>>();
        read_envelope(&words(mail), &words(rcpts))
    }

    #[test]
    fn an_envelope_is_read_as_either_mta_writes_it() {
        let check = |mail: &[&'static str], sender: Option<&str>| {
            let envelope = read(mail, &["<taro@candidate.example>"]).expect("an envelope");
            assert_eq!(envelope.sender.as_ref().map(Address::as_str), sender, "{mail:?}");
        };
        check(&["<hr@sakura.example>", "SIZE=10"], Some("hr@sakura.example"));
        check(&["hr@sakura.example"], Some("hr@sakura.example"));
        check(&["<@relay.example:hr@sakura.example>"], Some("hr@sakura.example"));
        check(&["<>"], None);
        let envelope = read(&["<hr@sakura.example>", "body=8bitmime", "SMTPUTF8"], &["<a@b.example>", "<a@b.example>"]);
        let envelope = envelope.expect("an envelope");
        assert_eq!((envelope.body, envelope.smtputf8, envelope.recipients.len()), (Body::EightBitMime, true, 1));
    }

    #[test]
    fn what_is_no_address_is_not_guessed_at() {
        assert_eq!(read(&["<hr@>"], &["<a@b.example>"]), Err(EnvelopeFault::Sender));
        assert_eq!(read(&["<hr@sakura.example"], &["<a@b.example>"]), Err(EnvelopeFault::Sender));
        assert_eq!(read(&[], &["<a@b.example>"]), Err(EnvelopeFault::Sender));
        assert_eq!(read(&["<>"], &["<>"]), Err(EnvelopeFault::Recipient));
        assert_eq!(read(&["<>"], &["<a b>"]), Err(EnvelopeFault::Recipient));
        assert_eq!(read(&["<>"], &[]), Err(EnvelopeFault::NoRecipient));
    }
}

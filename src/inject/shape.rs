//! The shapes of mail that are never edited, told from the MIME tree alone.

use memchr::memmem;

use crate::mail::message::{Message, Part, Transfer};

use super::refusal::Refusal;

/// How an armoured PGP block begins (RFC 9580 6.2.1).
pub(super) const PGP_ARMOUR: &[u8] = b"-----BEGIN PGP";

/// Media types that forbid every edit wherever in the tree they stand.
const MEDIA: [(&str, Refusal); 16] = [
    ("multipart/signed", Refusal::Signed),
    ("application/pkcs7-signature", Refusal::Signed),
    ("application/x-pkcs7-signature", Refusal::Signed),
    ("application/pgp-signature", Refusal::Signed),
    ("multipart/encrypted", Refusal::Encrypted),
    ("application/pgp-encrypted", Refusal::Encrypted),
    ("application/pkcs7-mime", Refusal::Pkcs7),
    ("application/x-pkcs7-mime", Refusal::Pkcs7),
    ("text/calendar", Refusal::Calendar),
    ("application/ics", Refusal::Calendar),
    ("multipart/report", Refusal::Report),
    ("message/delivery-status", Refusal::Report),
    ("message/disposition-notification", Refusal::Report),
    ("message/partial", Refusal::Partial),
    ("message/external-body", Refusal::Partial),
    ("text/x-amp-html", Refusal::Amp),
];

/// Every reason of shape for which the message is not edited, each once; empty when it may be.
pub fn shape_refusals(message: &Message<'_>) -> Vec<Refusal> {
    let mut found: Vec<Refusal> = message.faults().iter().map(|f| Refusal::Malformed(*f)).collect();
    let mut add = |refusal| {
        if !found.contains(&refusal) {
            found.push(refusal);
        }
    };
    for part in message.parts() {
        MEDIA.iter().filter(|(media, _)| *media == part.media).for_each(|(_, refusal)| add(*refusal));
    }
    if message.parts().iter().any(|p| is_pgp_text(message.raw(), p)) {
        add(Refusal::InlinePgp);
    }
    if !message.parts().iter().any(Part::is_inline_text) {
        wrapped_only(message.parts()).into_iter().for_each(&mut add);
    }
    if message.header("DKIM-Signature").is_some() {
        add(Refusal::DkimSigned);
    }
    found
}

/// Whether text stands behind the end of the document: some readers show it there, some where the body ends, and some
/// not at all.
pub(super) fn has_text_behind_end(html: &[u8]) -> bool {
    let is_end = |at: &usize| html[*at..].get(..7).is_some_and(|tag| tag.eq_ignore_ascii_case(b"</html>"));
    let Some(at) = memchr::memrchr_iter(b'<', html).find(is_end) else { return false };
    let mut rest = &html[at..];
    while let Some(tag) = rest.strip_prefix(b"<") {
        let comment = tag.starts_with(b"!--");
        let end = if comment { memmem::find(tag, b"-->").map(|n| n + 2) } else { memchr::memchr(b'>', tag) };
        let Some(end) = end else { return true };
        rest = tag[end + 1..].trim_ascii_start();
        // ISO-2022-JP may go back to ASCII last of all.
        rest = rest.strip_prefix(b"\x1b(B").map_or(rest, <[u8]>::trim_ascii_start);
    }
    !rest.is_empty()
}

/// Armour in a part whose octets show it; encoded bodies are looked at once they are decoded.
fn is_pgp_text(raw: &[u8], part: &Part) -> bool {
    let plain = !matches!(part.transfer, Transfer::Base64 | Transfer::Unknown);
    plain && part.is_inline_text() && memmem::find(&raw[part.body.clone()], PGP_ARMOUR).is_some()
}

/// What holds the text of a message that has no text part of its own.
fn wrapped_only(parts: &[Part]) -> Option<Refusal> {
    let is_tnef = |p: &Part| {
        let named = p.file_name.as_deref().is_some_and(|n| n.eq_ignore_ascii_case("winmail.dat"));
        named || matches!(p.media.as_str(), "application/ms-tnef" | "application/vnd.ms-tnef")
    };
    let is_message = |p: &Part| matches!(p.media.as_str(), "message/rfc822" | "message/global");
    match parts {
        _ if parts.iter().any(is_tnef) => Some(Refusal::WinmailDat),
        _ if parts.iter().any(is_message) => Some(Refusal::MessageRfc822),
        _ => None,
    }
}

//! The structure of a mail without anything of it: what is kept as an example when a proof fails.

use std::fmt::Write as _;

use crate::mail::charset::Charset;
use crate::mail::message::Message;

/// More parts than this are only counted.
const PARTS_MAX: usize = 50;

/// Media types that are named; any other could say something.
const KNOWN: [&str; 20] = [
    "text/plain",
    "text/html",
    "text/calendar",
    "text/csv",
    "multipart/mixed",
    "multipart/alternative",
    "multipart/related",
    "multipart/signed",
    "multipart/report",
    "multipart/digest",
    "message/rfc822",
    "message/delivery-status",
    "application/octet-stream",
    "application/pdf",
    "application/zip",
    "application/ms-tnef",
    "application/pkcs7-mime",
    "image/png",
    "image/jpeg",
    "image/gif",
];

/// One line: for each part its place, media type, transfer encoding, charset, and the octets of its header and body.
///
/// Names come from lists of ours, so no text, address or header value can be in it.
pub fn sketch(message: &Message<'_>) -> String {
    let mut out = String::new();
    for part in message.parts().iter().take(PARTS_MAX) {
        let media = KNOWN.iter().find(|k| **k == part.media).copied().unwrap_or("other/other");
        let charset = match part.charset.as_deref() {
            None => "unlabelled",
            Some(label) => Charset::from_label(Some(label), b"").map_or("unknown", |c| c.name()),
        };
        let (transfer, header, body) = (part.transfer.name(), part.header.len(), part.body.len());
        let separator = if out.is_empty() { "" } else { "; " };
        // Writing to a string cannot fail.
        let _ = write!(out, "{separator}{} {media} {transfer} {charset} {header}+{body}", part.path);
    }
    if message.parts().len() > PARTS_MAX {
        let _ = write!(out, "; and {} more", message.parts().len() - PARTS_MAX);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sketch_shows_the_structure_and_nothing_of_the_mail() {
        let raw = "From: Hanako <hanako@secret.example>\r\nSubject: Secret\r\nMIME-Version: 1.0\r\n\
            Content-Type: multipart/mixed; boundary=secret\r\n\r\n--secret\r\n\
            Content-Type: text/plain; charset=CP932; name=secret.txt\r\n\
            Content-Transfer-Encoding: base64\r\n\r\nc2VjcmV0\r\n--secret\r\n\
            Content-Type: secret/secret; charset=secret\r\nContent-Transfer-Encoding: secret\r\n\r\nsecret\r\n\
            --secret--\r\n";
        let sketch = sketch(&Message::read(raw.as_bytes()));
        assert_eq!(
            sketch,
            "0 multipart/mixed 7bit unlabelled 122+227; 1 text/plain base64 Shift_JIS 93+8; \
             2 other/other unknown unknown 80+6"
        );
        assert!(!sketch.to_lowercase().contains("secret") && !sketch.contains("hanako"));
    }
}

//! By what names a report speaks of the mail it is about: the envelope's, and those it had in queues on its way.

use super::super::super::message::{Message, Part};
use super::{OCTETS_MAX, fields};

/// Names that are taken of one report.
const NAMES_MAX: usize = 16;

/// The names of the mail that a report is about. Anybody can write them: they lead to a mail of ours only where its
/// recipient is named as well.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Names {
    /// The ENVID it was sent with (RFC 3461 4.4), as it was written.
    pub envelope: Option<String>,
    /// Its names in the queues of servers: of the one that reports, and of those whose trace lines it bears.
    pub queue_ids: Vec<String>,
}

/// Reads the names. Takes any octets.
pub fn names(raw: &[u8]) -> Names {
    let message = Message::read(&raw[..raw.len().min(OCTETS_MAX)]);
    let mut names = Names::default();
    for part in message.parts() {
        match part.media.as_str() {
            "message/delivery-status" | "message/global-delivery-status" => names.take_status(part, message.raw()),
            "message/rfc822" | "message/global" | "text/rfc822-headers" | "message/global-headers" => {
                names.take_traces(message.raw().get(part.body.clone()).unwrap_or_default());
            }
            _ => {}
        }
    }
    names.queue_ids.dedup();
    names.queue_ids.truncate(NAMES_MAX);
    names
}

impl Names {
    fn take_status(&mut self, part: &Part, raw: &[u8]) {
        for (name, value) in fields::about_message(part, raw) {
            if name.eq_ignore_ascii_case("Original-Envelope-Id") {
                self.envelope.get_or_insert(value);
            } else if name.eq_ignore_ascii_case("X-Postfix-Queue-ID") && is_id(&value) {
                self.queue_ids.push(value);
            }
        }
    }

    /// `Received: … with ESMTP id 4XyZ12abcz0k for <…>; …`, also the `(envelope-from …) id 1rAbCd-…` of Exim.
    fn take_traces(&mut self, header: &[u8]) {
        let returned = Message::read(header);
        for trace in returned.headers("Received").take(NAMES_MAX) {
            let mut words = trace.split([' ', '\t', '\r', '\n', ';', '(', ')']).filter(|word| !word.is_empty());
            while let Some(word) = words.next() {
                if word == "id" {
                    self.queue_ids.extend(words.next().filter(|id| is_id(id)).map(str::to_owned));
                    break;
                }
            }
        }
    }
}

fn is_id(text: &str) -> bool {
    (5..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_read_where_reports_have_them() {
        let report = "From: MAILER-DAEMON@mx.example\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
             --b\r\n\r\nSorry. id NOTANID1\r\n\
             --b\r\nContent-Type: message/delivery-status\r\n\r\n\
             Reporting-MTA: dns; mail.sakura.example\r\nOriginal-Envelope-Id: m4x-1\r\n\
             X-Postfix-Queue-ID: 4XyZ12abcz0k\r\n\r\nFinal-Recipient: rfc822; hana@mail.example\r\nAction: failed\r\n\
             --b\r\nContent-Type: text/rfc822-headers\r\n\r\n\
             Received: from hr (hr [192.0.2.4])\r\n\tby mail.sakura.example (Postfix) with ESMTPS id 9F2D71C0A3\r\n\
             \tfor <hana@mail.example>; Mon, 23 Nov 2026 10:00:00 +0900\r\nSubject: id FORGED12\r\n\
             --b--\r\n";
        let expected = Names {
            envelope: Some("m4x-1".to_owned()),
            queue_ids: vec!["4XyZ12abcz0k".to_owned(), "9F2D71C0A3".to_owned()],
        };
        assert_eq!(names(report.as_bytes()), expected);
        assert_eq!(names(b""), Names::default());
        assert_eq!(names(b"Subject: id ABCDEF12\r\n\r\nid ABCDEF12"), Names::default());
    }

    proptest::proptest! {
        #[test]
        fn any_octets_are_taken(octets in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let _ = names(&octets);
        }
    }
}

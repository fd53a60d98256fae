//! Vetoes of header and shape: reports, automatic answers, lists, calendar parts, forwards.

use super::recipients::Candidates;
use super::verdict::Reason;
use crate::mail::envelope::Envelope;
use crate::mail::message::Message;

/// Why header or shape forbid to look further.
pub(super) fn refusal(envelope: &Envelope, message: &Message<'_>) -> Option<Reason> {
    let automatic = envelope.sender.is_none()
        || message.header("Auto-Submitted").is_some_and(is_answer)
        || has_media(message, "multipart/report");
    if automatic {
        return Some(Reason::Automatic);
    }
    let bulk = |value: &str| ["bulk", "list", "junk"].iter().any(|word| begins_with(value, word));
    if message.header("List-Id").is_some() || message.header("Precedence").is_some_and(bulk) {
        return Some(Reason::ListMail);
    }
    if is_forward(message.subject()) {
        return Some(Reason::Forwarded);
    }
    has_media(message, "text/calendar").then_some(Reason::Interview)
}

/// An unsubscribe link alone is what an ATS may add to any mail; together with many recipients it is a mailing.
pub(super) fn check_list(message: &Message<'_>, candidates: &Candidates) -> Option<Reason> {
    (candidates.bulk && message.header("List-Unsubscribe").is_some()).then_some(Reason::ListMail)
}

fn has_media(message: &Message<'_>, media: &str) -> bool {
    message.parts().iter().any(|part| part.media == media)
}

fn begins_with(value: &str, word: &str) -> bool {
    value.trim_start().get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
}

/// RFC 3834 section 5: `auto-replied` answers a mail. `auto-generated` is what an applicant tracking system sends its
/// ordinary results as, so it says nothing.
fn is_answer(value: &str) -> bool {
    !["no", "auto-generated"].iter().any(|word| begins_with(value, word))
}

fn is_forward(subject: &str) -> bool {
    let subject = subject.trim_start();
    ["fw:", "fwd:", "fw：", "転送", "【転送"].iter().any(|mark| begins_with(subject, mark))
}

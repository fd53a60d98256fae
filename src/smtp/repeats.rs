//! Mails that a client sends again because it never heard that we had accepted them (RFC 1047).
//!
//! A crash between our commit and our answer makes the client come again with a mail that is on its way already. Our id
//! of a mail holds an imprint of it, and ids are in what a commit writes: so a start knows the mails accepted last, and
//! the same mail in the same envelope gets the answer that was not heard, and is not sent twice.
//!
//! Each is answered so once, and soon after the start: who sends it a second time or days later has heard the answer
//! and means it.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::mail::envelope::Envelope;
use crate::mail::fields;
use crate::spool::EntryId;
use crate::sys::random;

/// Octets of a message that its imprint looks at, beside its length: the header and more than most letters have.
const OCTETS_SEEN: usize = 64 * 1024;
/// Hex digits of the time (milliseconds since 1970), of the number and of the imprint in an id.
const DIGITS: [usize; 3] = [12, 4, 12];

/// How long after a start a client comes again that heard no answer before it: queues try again within the hour.
const WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// The mails that were accepted last before the start, by imprint, as long as their clients may not have heard of it.
#[derive(Debug)]
pub(super) struct Repeats {
    waited_for: Mutex<HashMap<u64, EntryId>>,
    until: Timestamp,
}

impl Repeats {
    /// Takes the ids of mails whose clients may not have heard of it, at the start.
    pub(super) fn new(latest: &[EntryId], now: Timestamp) -> Self {
        let waited_for = latest.iter().filter_map(|id| Some((imprint_in(id)?, id.clone()))).collect();
        Self { waited_for: Mutex::new(waited_for), until: now.saturating_add(WITHIN).unwrap_or(Timestamp::MAX) }
    }

    /// The id under which this mail was accepted before, told once. Only a mail with a Message-ID can be known again:
    /// two mails that share that and all else are one (RFC 5322 3.6.4).
    pub(super) fn take(&self, imprint: Option<u64>, now: Timestamp) -> Option<EntryId> {
        let mut waited_for = self.waited_for.lock().unwrap_or_else(PoisonError::into_inner);
        if now > self.until {
            *waited_for = HashMap::new();
        }
        waited_for.remove(&imprint?)
    }
}

/// What the same mail in the same envelope has again and no other has, in 48 bits. `None` without a Message-ID.
pub(super) fn imprint(envelope: &Envelope, message: &[u8]) -> Option<u64> {
    let seen = &message[..message.len().min(OCTETS_SEEN)];
    if fields::named(seen, "message-id").is_empty() {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    for address in envelope.sender.iter().chain(&envelope.recipients) {
        hasher.write(address.as_str().as_bytes());
        hasher.write_u8(b'\n');
    }
    hasher.write_usize(message.len());
    hasher.write(seen);
    Some(hasher.finish() >> 16)
}

/// A new id: ids rise with the time, so that entries lie in the spool as they came. The number in it keeps two apart
/// that came in the same millisecond, however alike they are.
pub(super) fn new_id(at: Timestamp, imprint: Option<u64>) -> Option<EntryId> {
    static NUMBER: AtomicU16 = AtomicU16::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let imprint = imprint.unwrap_or_else(|| u64::from_be_bytes(random::octets()) >> 16);
    EntryId::parse(&format!("{:012x}{number:04x}{imprint:012x}", at.as_millisecond())).ok()
}

fn imprint_in(id: &EntryId) -> Option<u64> {
    let [time, number, imprint] = DIGITS;
    let text = id.as_str();
    let ours = text.len() == time + number + imprint && text.bytes().all(|b| b.is_ascii_hexdigit());
    u64::from_str_radix(text.get(time + number..).filter(|_| ours)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::address::Address;

    const MAIL: &[u8] = b"Message-ID: <1@sakura.example>\r\n\r\nDear Hanako\r\n";

    fn envelope(sender: &str, recipients: &[&str]) -> Envelope {
        let address = |text: &str| Address::parse(text).expect("an address");
        let recipients = recipients.iter().map(|r| address(r)).collect();
        Envelope { sender: (!sender.is_empty()).then(|| address(sender)), recipients, ..Envelope::default() }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("a time")
    }

    /// Whether a mail is known again behind a start that found the first one's id.
    fn check(first: (&Envelope, &[u8]), again: (&Envelope, &[u8]), is_known: bool) {
        let id = new_id(at(0), imprint(first.0, first.1)).expect("an id");
        let repeats = Repeats::new(std::slice::from_ref(&id), at(1));
        let found = repeats.take(imprint(again.0, again.1), at(2));
        assert_eq!(found, is_known.then_some(id), "{again:?}");
    }

    #[test]
    fn a_repeat_is_answered_once_and_sent_when_it_comes_a_second_time() {
        let id = new_id(at(0), Some(7)).expect("an id");
        let repeats = Repeats::new(std::slice::from_ref(&id), at(1));
        assert_eq!(repeats.take(Some(7), at(2)), Some(id));
        assert_eq!(repeats.take(Some(7), at(3)), None);
    }

    #[test]
    fn a_mail_that_comes_again_long_after_the_start_is_sent() {
        let id = new_id(at(0), Some(7)).expect("an id");
        let repeats = Repeats::new(std::slice::from_ref(&id), at(1));
        assert_eq!(repeats.take(Some(7), at(3602)), None);
        assert_eq!(repeats.take(Some(7), at(2)), None, "and is forgotten for good");
    }

    #[test]
    fn only_the_same_mail_in_the_same_envelope_is_known_again() {
        let to_hanako = envelope("hr@sakura.example", &["hanako@mail.example"]);
        check((&to_hanako, MAIL), (&to_hanako, MAIL), true);
        check((&to_hanako, MAIL), (&envelope("hr@sakura.example", &["taro@mail.example"]), MAIL), false);
        check((&to_hanako, MAIL), (&envelope("", &["hanako@mail.example"]), MAIL), false);
        let two = envelope("hr@sakura.example", &["hanako@mail.example", "taro@mail.example"]);
        check((&to_hanako, MAIL), (&two, MAIL), false);
        check((&to_hanako, MAIL), (&to_hanako, b"Message-ID: <2@sakura.example>\r\n\r\nDear Hanako\r\n"), false);
        check((&to_hanako, MAIL), (&to_hanako, &[MAIL, b"\r\n"].concat()), false);
    }

    #[test]
    fn a_mail_without_a_message_id_may_be_meant_twice() {
        let to_hanako = envelope("hr@sakura.example", &["hanako@mail.example"]);
        let mail = b"Subject: x\r\n\r\nMessage-ID: <1@sakura.example>\r\n";
        check((&to_hanako, mail), (&to_hanako, mail), false);
    }

    #[test]
    fn ids_rise_with_the_time_and_differ_for_the_same_mail() {
        let (first, second) = (new_id(at(0), Some(7)), new_id(at(0), Some(7)));
        assert!(first.is_some() && first != second && first < new_id(at(1), Some(7)));
    }

    #[test]
    fn ids_of_other_makers_hold_no_imprint() {
        for text in ["dsn-0123456789abcdef0123", "n86d7d822c3680090", "x"] {
            assert_eq!(imprint_in(&EntryId::parse(text).expect("an id")), None, "{text}");
        }
    }
}

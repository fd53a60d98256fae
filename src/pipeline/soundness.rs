//! The last look at what was decided, before a mail is changed.

use super::{Outcome, Received, Referred, Untouched};
use crate::proto::smtp::data;

/// The reason for which a mail is untouched that an error of ours would have harmed.
pub const INTERNAL_ERROR: &str = "internal_error";

/// The last look before a mail is changed: each recipient in exactly one copy, each offer in its recipient's copy, and
/// no octet that must not be sent. A mail that would be lost, doubled or broken by an error of ours leaves as it came.
pub fn check(outcome: Outcome, received: &Received) -> Outcome {
    match outcome {
        Outcome::Referred(referred) if !is_sound(&referred, received) => Outcome::Untouched(Untouched {
            company: Some(referred.company),
            reason: INTERNAL_ERROR,
            rejection_seen: true,
            evidence: referred.evidence,
        }),
        Outcome::Held(held) if !is_sound(&held.referred, received) => {
            Outcome::Untouched(held.pass(Some(INTERNAL_ERROR)))
        }
        other => other,
    }
}

fn is_sound(referred: &Referred, received: &Received) -> bool {
    let mut copies_of = vec![0u32; received.envelope.recipients.len()];
    for copy in &referred.copies {
        for recipient in &copy.recipients {
            match copies_of.get_mut(*recipient) {
                Some(copies) => *copies += 1,
                None => return false,
            }
        }
        let sendable = data::find_fault(copy.edits.segments(&received.message)).is_none();
        if !sendable || copy.offers.iter().any(|offer| !copy.recipients.contains(&offer.recipient)) {
            return false;
        }
    }
    copies_of.iter().all(|copies| *copies == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::address::Address;
    use crate::mail::edit::{Edit, Edits};
    use crate::mail::envelope::Envelope;
    use crate::pipeline::{Client, Copy};
    use crate::referral::CompanyId;

    fn is_let_through(copies: Vec<(Vec<usize>, &str)>) -> bool {
        let address = |t: &str| Address::parse(t).expect("an address");
        let recipients = vec![address("a@mail.example"), address("b@mail.example")];
        let envelope = Envelope { recipients, ..Envelope::default() };
        let client = Client::at([127, 0, 0, 1].into());
        let received = Received { client, envelope, message: "Subject: x\r\n\r\n".into() };
        let copy = |(recipients, line): (Vec<usize>, &str)| {
            let edits = Edits::new(vec![Edit { at: 14, insert: line.as_bytes().into() }]);
            Copy { recipients, edits, ..Copy::default() }
        };
        let company = CompanyId::parse("sakura").expect("an id");
        let copies = copies.into_iter().map(copy).collect();
        let referred = Referred { company, copies, evidence: Vec::new(), inserted: Vec::new(), signing: None };
        matches!(check(Outcome::Referred(referred), &received), Outcome::Referred(_))
    }

    #[test]
    fn copies_that_would_lose_double_or_break_a_mail_are_not_made() {
        assert!(is_let_through(vec![(vec![0, 1], "line\r\n")]));
        assert!(is_let_through(vec![(vec![1], "line\r\n"), (vec![0], "other\r\n")]));
        assert!(!is_let_through(vec![(vec![0], "line\r\n")]));
        assert!(!is_let_through(vec![(vec![0, 1], "line\r\n"), (vec![1], "other\r\n")]));
        assert!(!is_let_through(vec![(vec![0, 1, 2], "line\r\n")]));
        assert!(!is_let_through(vec![(vec![0, 1], "line\n")]));
        assert!(!is_let_through(vec![(vec![0, 1], "line\r")]));
        assert!(!is_let_through(vec![(vec![0, 1], "li\0ne\r\n")]));
        assert!(!is_let_through(Vec::new()));
    }
}

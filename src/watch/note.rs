//! What is noted of a message: codes, counts and durations for its one event; never an address.

use std::sync::Arc;
use std::time::Duration;

use super::{Custody, MessageEvent};
use crate::inject::{self, Refusal};
use crate::mail::envelope::Envelope;
use crate::mail::message::Message;
use crate::pipeline::{Outcome, Referred};
use crate::referral::CompanyId;
use crate::sys::tls::Protection;

/// The outcome of a mail whose edited form the next hop refused.
const EDIT_REFUSED: &str = "edit_refused";

/// The outcome of a mail that waits for a word of HR.
const HELD: &str = "held";

/// The outcome of a mail that was given words and no link, and so refers nobody.
const WORDS_ALONE: &str = "words_alone";

fn referred(referred: &Referred) -> &'static str {
    let excluded = referred.copies.iter().find_map(|copy| copy.excluded);
    match excluded {
        _ if !referred.copies.iter().all(|copy| copy.offers.is_empty()) => "referred",
        Some(exclusion) => exclusion.code(),
        None => WORDS_ALONE,
    }
}

/// How a door has answered for a message.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Who has the message when the client hears it.
    pub custody: Custody,
    /// The next hop's codes, one for each recipient it answered for.
    pub replies: Vec<u16>,
    /// How the connection to the next hop was protected, if it was asked.
    pub protection: Option<Protection>,
    /// Whether the original went out because the next hop did not want the edited mail.
    pub edit_refused: bool,
    /// What the MTA calls the message that keeps it.
    pub queue_id: Option<String>,
}

/// What deciding on a message leaves to be told.
pub struct Note {
    company: Option<CompanyId>,
    outcome: &'static str,
    verdict: &'static str,
    evidence: Vec<Arc<str>>,
    recipients: usize,
    octets: usize,
    inserted_octets: usize,
    offers: usize,
    excluded: usize,
    decided_in: Duration,
}

impl Note {
    /// That of an outcome. `octets` are those of the message as it came.
    pub fn new(outcome: &Outcome, envelope: &Envelope, octets: usize, decided_in: Duration) -> Self {
        let (company, code, verdict, evidence) = match outcome {
            Outcome::Referred(r) => (Some(&r.company), referred(r), "rejection", &r.evidence),
            Outcome::Held(held) => (Some(&held.referred.company), HELD, "doubtful", &held.referred.evidence),
            Outcome::Untouched(u) => {
                let verdict = match (&u.company, u.rejection_seen) {
                    (_, true) => "rejection",
                    (Some(_), false) => "abstain",
                    (None, false) => "none",
                };
                (u.company.as_ref(), u.reason, verdict, &u.evidence)
            }
        };
        let copies = match outcome {
            Outcome::Referred(r) => &r.copies[..],
            // What a held mail is given is counted when it is.
            Outcome::Held(_) | Outcome::Untouched(_) => &[],
        };
        Self {
            company: company.cloned(),
            outcome: code,
            verdict,
            evidence: evidence.iter().map(|e| Arc::clone(&e.rule)).collect(),
            recipients: envelope.recipients.len(),
            octets,
            inserted_octets: copies.iter().map(|c| c.edits.octets_added()).sum(),
            offers: copies.iter().map(|c| c.offers.len()).sum(),
            excluded: copies.iter().filter(|c| c.excluded.is_some()).count(),
            decided_in,
        }
    }

    /// The event, when the client has its answer.
    pub fn event(self, id: &str, answer: Answered, answered_in: Duration) -> MessageEvent {
        let kept = !answer.edit_refused;
        MessageEvent {
            id: id.to_owned(),
            company: self.company,
            outcome: if kept { self.outcome } else { EDIT_REFUSED },
            verdict: self.verdict,
            evidence: self.evidence,
            recipients: self.recipients,
            octets: self.octets,
            inserted_octets: if kept { self.inserted_octets } else { 0 },
            offers: if kept { self.offers } else { 0 },
            excluded: if kept { self.excluded } else { 0 },
            decide_micros: micros(self.decided_in),
            answer_micros: micros(answered_in),
            custody: answer.custody,
            replies: answer.replies,
            protection: answer.protection.map(Protection::code),
            queue_id: answer.queue_id,
        }
    }
}

/// The structure of a mail whose edit was not proven: an example of a fault of ours, with nothing of the mail in it.
pub fn unproven(outcome: &Outcome, message: &[u8]) -> Option<String> {
    let Outcome::Untouched(untouched) = outcome else { return None };
    (untouched.reason == Refusal::ProofFailed.code()).then(|| inject::sketch(&Message::read(message)))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::Untouched;

    #[test]
    fn an_edit_that_could_not_be_proven_leaves_a_sketch_and_nothing_else_does() {
        let raw = b"Subject: secret\r\nContent-Type: text/html\r\n\r\nsecret\r\n";
        let sketch = |reason| {
            let untouched = Untouched { company: None, reason, rejection_seen: true, evidence: Vec::new() };
            unproven(&Outcome::Untouched(untouched), raw)
        };
        assert_eq!(sketch("proof_failed").as_deref(), Some("0 text/html 7bit unlabelled 42+8"));
        assert_eq!(sketch("no_place"), None);
    }
}

//! Asking the pipeline so that nothing of ours can stop a mail: a panic, an overload or a wrong answer is `untouched`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::pipeline::{Outcome, Received, Referred, Untouched};
use crate::proto::smtp::data;

/// Messages over so many octets are decided beside the runtime's own threads.
const INLINE_OCTETS_MAX: usize = 256 * 1024;
/// How long such a message may wait for its turn and be decided on, before it leaves as it came.
const PATIENCE: Duration = Duration::from_secs(3);

/// Decides on mails; holds how many large ones are decided on at one time.
pub(super) struct Judge {
    turns: std::sync::Arc<Semaphore>,
    patience: Duration,
}

/// Reasons of ours for leaving a mail untouched.
pub(super) const INTERNAL_ERROR: &str = "internal_error";
pub(super) const OVERLOADED: &str = "overloaded";
pub(super) const OUTBOX_UNAVAILABLE: &str = "outbox_unavailable";
/// A mail of a company for which `career-relay off` was said.
pub(super) const SWITCHED_OFF: &str = "switched_off";
pub(super) const EDITING_STOPPED: &str = "editing_stopped";
/// A doubtful mail that passes because as many are held as may be.
pub(super) const HOLD_FULL: &str = "hold_full";
/// A doubtful mail that passes because the spool could not take it.
pub(super) const HOLD_UNAVAILABLE: &str = "hold_unavailable";

impl Judge {
    /// One large mail at a time for each processor.
    pub(super) fn new() -> Self {
        let turns = std::thread::available_parallelism().map_or(1, usize::from);
        Self { turns: std::sync::Arc::new(Semaphore::new(turns)), patience: PATIENCE }
    }

    /// What `process` says of a message of so many octets, or why it could not say anything.
    pub(super) async fn ask<F>(&self, octets: usize, process: F) -> Result<Outcome, &'static str>
    where
        F: FnOnce() -> Outcome + Send + 'static,
    {
        if octets <= INLINE_OCTETS_MAX {
            // What unwinds here is thrown away whole: nothing half changed is looked at again.
            return catch_unwind(AssertUnwindSafe(process)).map_err(|_| INTERNAL_ERROR);
        }
        let turns = std::sync::Arc::clone(&self.turns);
        let decided = async move {
            let turn = turns.acquire_owned().await.map_err(|_| OVERLOADED)?;
            let work = move || {
                // The turn lasts as long as the work, also when nobody waits for it any more.
                let _turn = turn;
                process()
            };
            tokio::task::spawn_blocking(work).await.map_err(|_| INTERNAL_ERROR)
        };
        timeout(self.patience, decided).await.unwrap_or(Err(OVERLOADED))
    }
}

/// The last look before a mail is changed: each recipient in exactly one copy, each offer in its recipient's copy, and
/// no octet that must not be sent. A mail that would be lost, doubled or broken by an error of ours leaves as it came.
pub(super) fn check(outcome: Outcome, received: &Received) -> Outcome {
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

    fn outcome() -> Outcome {
        Outcome::Untouched(Untouched {
            company: None,
            reason: "no_company",
            rejection_seen: false,
            evidence: Vec::new(),
        })
    }

    #[tokio::test]
    async fn a_panic_is_a_reason_and_not_the_end() {
        let judge = Judge::new();
        for octets in [1, INLINE_OCTETS_MAX + 1] {
            assert_eq!(judge.ask(octets, || panic!("asked to")).await.err(), Some(INTERNAL_ERROR));
            assert!(judge.ask(octets, outcome).await.is_ok());
        }
    }

    #[tokio::test]
    async fn a_large_mail_that_finds_no_turn_is_left_alone_and_a_small_one_needs_none() {
        let turns = std::sync::Arc::new(Semaphore::new(0));
        let judge = Judge { turns, patience: Duration::ZERO };
        assert_eq!(judge.ask(INLINE_OCTETS_MAX + 1, outcome).await.err(), Some(OVERLOADED));
        assert!(judge.ask(1, outcome).await.is_ok());
    }

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

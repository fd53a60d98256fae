//! Asking the pipeline, as the relay does, with the one difference that a milter holds nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{Case, OUTBOX_UNAVAILABLE, instead, untouched};
use crate::classify::template::BURST_MAILS_MIN;
use crate::milter::Milter;
use crate::pipeline::{self, INTERNAL_ERROR, Outcome, is_watched, sighting_of};
use crate::sign::sign_outcome;
use crate::sys::turns::NoResult;
use crate::watch::Counter;

/// The line is switched off for the company.
const SWITCHED_OFF: &str = "switched_off";
const OVERLOADED: &str = "overloaded";

impl Milter {
    /// What is to become of a mail.
    pub(super) async fn ask(&self, case: &Case) -> Outcome {
        let asked = if self.services.spool.is_writable() {
            self.ask_with(case, 1).await
        } else {
            // What could not be counted is not given.
            Err(OUTBOX_UNAVAILABLE)
        };
        let asked = self.watch_templates(asked, case).await;
        let outcome = asked.unwrap_or_else(|reason| {
            self.services.watch.count(Counter::FailedOpen);
            untouched(reason)
        });
        let outcome = self.unless_off(self.pass_doubtful(outcome));
        let (outcome, made) = sign_outcome(outcome, &case.received, &self.services.signer).await;
        self.services.watch.signed(made.as_ref());
        outcome
    }

    async fn ask_with(&self, case: &Case, burst_mails: u32) -> Result<Outcome, &'static str> {
        let (received, policy, process) = (Arc::clone(&case.received), Arc::clone(&case.policy), self.process);
        let (octets, now) = (case.received.message.len(), case.at);
        let work = move || pipeline::check(process(&received, &policy, (now, burst_mails)), &received);
        self.turns.take(octets, work).await.map_err(|why| match why {
            NoResult::Panicked => INTERNAL_ERROR,
            NoResult::Overloaded => OVERLOADED,
        })
    }

    /// Notes which template a rejection is of, where its company's mode asks for that, and asks again where many like
    /// it came.
    async fn watch_templates(
        &self,
        asked: Result<Outcome, &'static str>,
        case: &Case,
    ) -> Result<Outcome, &'static str> {
        let outcome = asked?;
        if !is_watched(&outcome, &case.policy) {
            return Ok(outcome);
        }
        // What unwinds here is a note that is not made.
        let sight = || sighting_of(&case.received, &case.policy, &outcome);
        let sighting = catch_unwind(AssertUnwindSafe(sight)).ok().flatten();
        let mails = sighting.and_then(|sighting| self.services.watch.see(sighting, case.at));
        match mails.filter(|mails| *mails >= BURST_MAILS_MIN) {
            Some(mails) => self.ask_with(case, mails).await,
            None => Ok(outcome),
        }
    }

    /// The MTA has the mail, and nobody can hold it there: a doubtful one passes, and its event says why.
    fn pass_doubtful(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Held(held) => {
                self.services.watch.count(Counter::MilterDoubtful);
                Outcome::Untouched(held.pass(None))
            }
            other => other,
        }
    }

    fn unless_off(&self, outcome: Outcome) -> Outcome {
        let is_off = matches!(&outcome, Outcome::Referred(r) if (self.services.is_off)(&r.company));
        if is_off { instead(outcome, SWITCHED_OFF) } else { outcome }
    }
}

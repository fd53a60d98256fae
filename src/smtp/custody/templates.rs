//! Companies whose templates are watched: which template a rejection is of is noted, and a burst of one decides anew.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jiff::Timestamp;

use super::Relay;
use crate::classify::template::BURST_MAILS_MIN;
use crate::pipeline::{Outcome, Policy, Received, check, is_watched, process_in_burst, sighting_of};

impl Relay {
    /// Notes which template the rejection is of, where its company's mode asks for that, and asks again where many like
    /// it came. Nothing here can change or stop a mail but that second answer.
    pub(super) async fn watch_templates(
        &self,
        asked: Result<Outcome, &'static str>,
        (received, policy): (&Arc<Received>, &Arc<Policy>),
        now: Timestamp,
    ) -> Result<Outcome, &'static str> {
        let watched = asked.as_ref().is_ok_and(|outcome| is_watched(outcome, policy));
        let Ok(outcome) = asked else { return asked };
        if !watched {
            return Ok(outcome);
        }
        // What unwinds here is a note that is not made.
        let sighting = catch_unwind(AssertUnwindSafe(|| sighting_of(received, policy, &outcome))).ok().flatten();
        let burst_mails = sighting.and_then(|sighting| self.services.watch.see(sighting, now));
        let Some(burst_mails) = burst_mails.filter(|mails| *mails >= BURST_MAILS_MIN) else { return Ok(outcome) };
        let (mail, policy) = (Arc::clone(received), Arc::clone(policy));
        let again = move || check(process_in_burst(&mail, &policy, (now, burst_mails)), &mail);
        self.judge.ask(received.message.len(), again).await
    }
}

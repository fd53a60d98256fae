//! Doubtful mails: kept with both of their forms until HR says which, or let pass where they cannot be kept.

use super::{Answer, Decided, Mail, Relay, decide};
use crate::deliver::Doubt;
use crate::pipeline::{Held, Outcome};
use crate::spool::{SpoolError, Write};
use crate::watch::Counter;

impl Relay {
    /// Takes a doubtful mail into custody, to be let go later. A mail that cannot be held leaves as it came: a hold is
    /// a kindness, and no reason to make anybody wait or come again.
    pub(super) async fn hold(&self, decided: &Decided, held: Held) -> (Mail, Answer) {
        let why = match self.try_hold(decided, &held).await {
            Ok(done) => return done,
            Err(why) => why,
        };
        let mail = decided.mail(Outcome::Untouched(held.pass(Some(why))));
        let answer = self.send(&mail).await;
        (mail, answer)
    }

    async fn try_hold(&self, decided: &Decided, held: &Held) -> Result<(Mail, Answer), &'static str> {
        let services = &self.services;
        let mail = decided.mail(Outcome::Held(held.clone()));
        let evidence = held.referred.evidence.iter().map(|e| e.rule.to_string()).collect();
        let doubt = Doubt { reason: held.reason.to_owned(), evidence, hold_for: held.hold_for };
        let store = services.deliver.write_to_hold(&mail.jobs, mail.received_at, doubt);
        let writes: Vec<Write> = store.into_iter().chain(mail.with_it.iter().cloned()).collect();
        match services.spool.commit(writes).await {
            Ok(()) => {
                services.deliver.wake_holds();
                let answer = Answer::held(&mail.id);
                Ok((mail, answer))
            }
            Err(SpoolError::Conflict(why)) => {
                tracing::warn!(id = %mail.id, why, "a doubtful mail is not held");
                services.watch.count(Counter::HoldsFull);
                Err(decide::HOLD_FULL)
            }
            Err(error) => {
                tracing::error!(id = %mail.id, %error, "a doubtful mail cannot be held");
                services.watch.count(Counter::FailedOpen);
                Err(decide::HOLD_UNAVAILABLE)
            }
        }
    }
}

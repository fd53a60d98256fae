//! What a mail will be worth once it is delivered, written down before its MTA is told to change it.

use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use super::{Case, Found, LATE, NO_QUEUE_ID, OUTBOX_UNAVAILABLE, instead};
use crate::milter::Milter;
use crate::pipeline::{Outcome, Referred};
use crate::spool::{Fate, Finding, Intent, IntentWrite, Offer, Spool, SpoolError, Write};
use crate::sys::clock;
use crate::watch::Counter;

/// The way such a mail goes, as the ledger shows it: what its MTA's log says decides what that proves.
const ROUTE: &str = "milter";
/// What is kept as the reason for which nothing is waited for any more.
const NOT_GIVEN: &str = "the MTA was not told to change the mail";

/// What was written down of a mail.
#[derive(Clone, Debug)]
pub(in crate::milter) struct Pending {
    transaction: String,
    recipients: Vec<u32>,
    at: Timestamp,
}

impl Milter {
    /// Writes down what the mail refers. If that cannot be done in time, the mail stays as it is.
    pub(super) async fn write_down(&self, case: &Case, found: Found, until: Instant) -> (Found, Option<Pending>) {
        let Some(intent) = self.intent(case, &found.outcome) else { return (found, None) };
        let without = |reason| Found::untouched(instead(found.outcome.clone(), reason));
        if case.queue_id.is_none() {
            return (without(NO_QUEUE_ID), None);
        }
        let pending = Pending {
            transaction: intent.transaction.clone(),
            recipients: intent.offers.iter().map(|offer| offer.recipient).collect(),
            at: intent.at,
        };
        let watch = &self.services.watch;
        match timeout_at(until, self.services.spool.intend(intent)).await {
            Ok(Ok(())) => (found, Some(pending)),
            Ok(Err(error)) => {
                tracing::error!(target: "milter", id = case.id.as_str(), %error, "what a mail refers cannot be kept");
                watch.count(Counter::FailedOpen);
                (without(OUTBOX_UNAVAILABLE), None)
            }
            Err(_) => {
                watch.count(Counter::MilterLate);
                // It may be written down yet; what takes it back is written behind it.
                let spool = self.services.spool.clone();
                tokio::spawn(async move { note_withdrawal(take_back(&spool, pending).await) });
                (without(LATE), None)
            }
        }
    }

    /// What was written down is not waited for: the mail was not changed.
    pub(in crate::milter) async fn withdraw(&self, pending: Pending) {
        note_withdrawal(take_back(&self.services.spool, pending).await);
    }

    fn intent(&self, case: &Case, outcome: &Outcome) -> Option<Intent> {
        let Outcome::Referred(Referred { company, copies, .. }) = outcome else { return None };
        let offers: Vec<Offer> = copies
            .iter()
            .flat_map(|copy| &copy.offers)
            .map(|offer| Offer {
                recipient: u32::try_from(offer.recipient).unwrap_or(u32::MAX),
                company: company.clone(),
                candidate: offer.candidate,
                earlier: offer.earlier.clone(),
                token: offer.token.clone(),
                contract: offer.contract.clone(),
                inserted: offer.inserted,
                wording: offer.wording,
                traits: offer.traits,
            })
            .collect();
        (!offers.is_empty()).then(|| Intent {
            mta: self.settings.mta.clone(),
            queue_id: case.queue_id.clone().unwrap_or_default(),
            transaction: case.id.as_str().to_owned(),
            route: ROUTE.to_owned(),
            at: case.at,
            tagged: false,
            offers,
        })
    }
}

async fn take_back(spool: &Spool, pending: Pending) -> Result<(), SpoolError> {
    let Pending { transaction, recipients, at } = pending;
    let at = clock::now().max(at);
    let taken_back = recipients.into_iter().map(|recipient| {
        let (transaction, reply) = (transaction.clone(), NOT_GIVEN.to_owned());
        Write::Intent(IntentWrite::Found(Finding { transaction, recipient, fate: Fate::Refused, at, reply }))
    });
    spool.commit(taken_back.collect()).await
}

fn note_withdrawal(done: Result<(), SpoolError>) {
    if let Err(error) = done {
        tracing::error!(target: "milter", %error, "a referral that was not given stays pending");
    }
}

//! Mails in doubt: the dot was sent, and its answer is awaited after the client has long been answered.

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use super::attempt::{Ended, Pending, Sender};
use super::bounce::About;
use super::connection::Patience;
use super::outcome::{By, Job, RecipientOutcome};
use super::writes::{self, Mail, Told, number32};
use super::{Inner, Tried, parcel};
use crate::ledger::Proves;
use crate::proto::smtp::client::Recipient;
use crate::spool::EntryId;
use crate::sys::clock::Now;
use crate::sys::tls::Protection;

/// A connection whose last answer is still to come, and the job it is for.
pub struct InDoubt {
    pub(super) pending: Box<Pending>,
    pub(super) job: Job,
    pub(super) route: String,
    pub(super) proves: Proves,
    pub(super) began: Now,
    pub(super) sent: Instant,
}

impl fmt::Debug for InDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InDoubt").field("id", &self.job.id).field("so_far", &self.so_far()).finish_non_exhaustive()
    }
}

impl InDoubt {
    /// The outcomes known already, in the order of the copy's recipients; `None` for those in doubt.
    pub fn so_far(&self) -> Vec<Option<RecipientOutcome>> {
        self.pending.so_far()
    }

    /// The next hop's host.
    pub fn next_hop(&self) -> &str {
        &self.pending.made.peer.host
    }

    /// How the connection to it is protected.
    pub fn protection(&self) -> Protection {
        self.pending.made.peer.protection
    }

    /// What its 250 would prove.
    pub(super) fn by(&self) -> By<'_> {
        By { proves: self.proves, route: &self.route }
    }

    /// The next hop's answer at last, settled in the spool.
    pub(super) async fn settle(self, inner: Arc<Inner>, id: EntryId) {
        let known = self.pending.so_far();
        let next_hop = self.next_hop().to_owned();
        let patience = Patience { deadlines: inner.settings.deadlines(), until: None };
        let hop = Arc::clone(&self.pending.hop);
        let sender = Sender { hop: &hop, hostname: &inner.settings.hostname, patience };
        let job = &self.job;
        let Some(parcel) = parcel(job) else { return };
        let Ended { outcomes, edit_blamed, peer } = self.pending.wait(&sender, &parcel).await;
        if edit_blamed {
            inner.note_edit_refused(job.company.as_ref(), hop.name());
        }
        let told: Vec<Told<'_>> = job
            .copy
            .recipients
            .iter()
            .zip(known.iter().zip(outcomes))
            .filter(|(_, (known, _))| known.is_none())
            .filter_map(|(number, (_, outcome))| {
                let recipient = Recipient::of(&job.envelope, *number)?;
                Some(Told { number: number32(*number), recipient, attempts: 1, outcome, unasked: false })
            })
            .collect();
        let mail = Mail {
            id: &id,
            about: About {
                envelope: &job.envelope,
                original: &job.original,
                received_at: self.began.wall,
                next_hop: Some(&next_hop),
            },
            kept_since: self.began.steady,
            route: &self.route,
            proves: self.proves,
        };
        let written = writes::settle(&inner.settings, &mail, &told, Now::read());
        let protection = Some(peer.protection);
        inner.commit(written, Tried { id: &id, route: &self.route, number: 1, began: self.sent, protection }).await;
        inner.follow(&mail, &told);
    }
}

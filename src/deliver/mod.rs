//! Sending mail on: hand-through while the client waits, and the worker that empties the spool.
//!
//! Both use the same attempt over the same connections. What a next hop said becomes one outcome for each recipient,
//! and nothing but its 250 to our final dot is acceptance.

mod admin;
mod agenda;
mod attempt;
mod bounce;
mod candidate;
mod connection;
mod counters;
mod doubt;
mod follow;
mod greeting;
mod group;
mod guard;
mod health;
mod hop;
mod hops;
mod mx;
mod outcome;
mod rate;
mod settings;
mod state;
mod sts;
mod surroundings;
mod tasks;
mod transaction;
mod way;
mod wire;
mod worker;
mod writes;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use self::attempt::{Attempt, Ended, Parcel, Sender};
use self::connection::Patience;
use self::counters::Counters;
use self::guard::EditGuard;
use self::hop::{Hop, NoConnection};
use self::hops::Hops;
use self::tasks::Tasks;
use self::worker::Active;
use crate::config::Route;
use crate::mail::address::Address;
use crate::proto::smtp::client::Recipient;
use crate::referral::CompanyId;
use crate::spool::{EntryId, Spool, SpoolError, Write};
use crate::sys::clock;
use crate::sys::tls::Protection;
use crate::watch::{Attempt as AttemptEvent, AttemptOutcome, Counter, Watch};

pub use self::admin::reports_of;
pub use self::counters::Counted;
pub use self::doubt::InDoubt;
pub use self::outcome::{HandThrough, Job, NotTried, RecipientOutcome, Settled};
pub use self::settings::{Deadlines, Settings};
pub use self::surroundings::Surroundings;

/// The pause after a commit that failed.
const WAIT_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Delivery, running. Clones are the same one.
#[derive(Clone)]
pub struct Deliver(Arc<Inner>);

/// What all parts of delivery share.
struct Inner {
    settings: Settings,
    spool: Spool,
    hops: Hops,
    guard: EditGuard,
    counters: Counters,
    active: Active,
    tasks: Tasks,
    stopping: AtomicBool,
    watch: Watch,
}

/// An attempt at mail in custody, for its event.
#[derive(Clone, Copy)]
struct Tried<'a> {
    id: &'a EntryId,
    route: &'a str,
    /// Which attempt it was, from 1.
    number: u32,
    began: Instant,
    /// How the connection was protected, if there was one.
    protection: Option<Protection>,
}

impl Deliver {
    /// Starts delivery, counted nowhere but in [`Deliver::counted`].
    pub fn start(spool: Spool, settings: Settings) -> Self {
        Self::start_watched(spool, settings, Watch::new())
    }

    /// Starts delivery with the name servers of this machine.
    pub fn start_watched(spool: Spool, settings: Settings, watch: Watch) -> Self {
        Self::start_among(spool, settings, Surroundings::new(watch))
    }

    /// Starts delivery, and with it the worker that takes due entries from the spool. Needs a tokio runtime.
    pub fn start_among(spool: Spool, settings: Settings, around: Surroundings) -> Self {
        let around = Arc::new(around);
        let inner = Arc::new(Inner {
            spool,
            hops: Hops::new(&settings, &around),
            guard: EditGuard::new(settings.deliver.edit_refusals_max, settings.deliver.edit_refusals_within),
            counters: Counters::default(),
            active: Active::default(),
            tasks: Tasks::default(),
            stopping: AtomicBool::new(false),
            watch: around.watch.clone(),
            settings,
        });
        tokio::spawn(worker::run(Arc::clone(&inner)));
        tokio::spawn(close_idle(Arc::clone(&inner)));
        Self(inner)
    }

    /// Offers a job to its next hop while its client waits, for as long as the settings allow.
    ///
    /// The future has to be awaited to its end: dropped behind the dot it leaves a mail that may double.
    pub async fn hand_through(&self, job: &Job) -> HandThrough {
        let handed = self.offer(job).await;
        if let HandThrough::Spool(why) = &handed {
            tracing::debug!(id = %job.id, why = why.code(), "not handed through");
        }
        handed
    }

    async fn offer(&self, job: &Job) -> HandThrough {
        let inner = &self.0;
        let (began, sent) = (clock::now(), Instant::now());
        let until = sent + inner.settings.custody.hand_through_for;
        let (route, hop) = match inner.one_next_hop(job) {
            Ok(found) => found,
            Err(why) => return HandThrough::Spool(why),
        };
        if hop.rate.take().is_err() {
            return HandThrough::Spool(NotTried::Slowed);
        }
        let patience = Patience { deadlines: inner.settings.deadlines(), until: Some(until) };
        let connection = match hop.connection_soon(&inner.settings.hostname, &patience).await {
            Ok(connection) => connection,
            Err(none) => {
                hop.rate.give_back();
                return without_connection(none, job, route, &hop);
            }
        };
        if connection.recipients_max() < job.copy.recipients.len() {
            hop.rate.give_back();
            hop.give_back(connection);
            return HandThrough::Spool(NotTried::TooManyRecipients);
        }
        let sender = Sender { hop: &hop, hostname: &inner.settings.hostname, patience };
        let with_edits = inner.edits_at(job.company.as_ref(), &hop);
        let Some(parcel) = parcel(job) else { return HandThrough::Spool(NotTried::NoRoute) };
        match sender.send(&parcel, connection, with_edits).await {
            Attempt::Settled(Ended { outcomes, edit_blamed, peer }) => {
                if edit_blamed {
                    inner.note_edit_refused(job.company.as_ref(), hop.name());
                }
                let (proves, route) = (route.proves, route.name.clone());
                let (next_hop, protection) = (peer.host.as_ref().to_owned(), Some(peer.protection));
                HandThrough::Settled(Settled { outcomes, proves, route, next_hop, protection })
            }
            Attempt::GivenUp => HandThrough::Spool(NotTried::TooSlow),
            Attempt::InDoubt(pending) => {
                let (proves, route) = (route.proves, route.name.clone());
                HandThrough::InDoubt(InDoubt { pending, job: job.clone(), route, proves, began, sent })
            }
        }
    }

    /// What to commit to the spool before the client hears 250: referrals, mail that is still ours, bounces. Empty when
    /// all recipients were refused, for the client is told so itself. After the commit call [`Deliver::wake`], and in
    /// doubt [`Deliver::settle_later`].
    pub fn writes_after(&self, job: &Job, handed: &HandThrough, received_at: Timestamp) -> Vec<Write> {
        let written = writes::after_hand_through(&self.0.settings, job, handed, received_at, clock::now());
        self.0.counters.note(&written);
        written.writes
    }

    /// The write that takes a mail into custody before it is offered to anybody; each job is one copy of it. `None` for
    /// no job.
    pub fn write_to_store(&self, copies: &[Job], received_at: Timestamp) -> Option<Write> {
        writes::store(&self.0.settings, copies, received_at, clock::now()).map(Write::Store)
    }

    /// Keeps waiting for the answer to a dot, and settles it in the spool. Call it once the mail is stored there as in
    /// doubt.
    pub fn settle_later(&self, doubt: InDoubt, id: EntryId) {
        let inner = Arc::clone(&self.0);
        self.0.tasks.spawn(async move { doubt.settle(inner, id).await });
    }

    /// Says that something new is in the spool.
    pub fn wake(&self) {
        self.0.wake();
    }

    /// Whether next hops have refused so many edited mails of the company that it gets no more lines until
    /// [`Deliver::resume_editing`].
    pub fn editing_stopped(&self, company: &CompanyId) -> bool {
        self.0.guard.is_stopped(company)
    }

    /// Whether a next hop of one of these recipients has refused so many edited mails of the company that none of its
    /// mails to it is to be edited.
    pub fn editing_stopped_for(&self, company: &CompanyId, recipients: &[Address]) -> bool {
        let inner = &self.0;
        inner.guard.is_stopped(company)
            && recipients.iter().any(|recipient| {
                let hop = inner.hop_for(recipient);
                hop.is_ok_and(|hop| !inner.edits_at(Some(company), &hop))
            })
    }

    /// Lets the company's mails be edited again.
    pub fn resume_editing(&self, company: &CompanyId) {
        self.0.guard.resume(company);
    }

    /// What was counted since the start.
    pub fn counted(&self) -> Counted {
        self.0.counters.read()
    }

    /// Begins nothing more, and waits for what has begun, for at most `within`. Whatever is left then stays in the
    /// spool. Returns whether all came to its end.
    pub async fn drain(&self, within: Duration) -> bool {
        self.0.stopping.store(true, Ordering::Release);
        self.0.wake();
        let ended = tokio::time::timeout(within, self.0.tasks.ended()).await.is_ok();
        self.0.hops.close();
        self.0.hops.save().await;
        ended
    }
}

impl Inner {
    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Calls the worker.
    fn wake(&self) {
        self.hops.revived.work.notify_one();
    }

    /// Whether mails of the company may be edited for this next hop.
    fn edits_at(&self, company: Option<&CompanyId>, hop: &Hop) -> bool {
        !company.is_some_and(|company| self.guard.is_stopped_at(company, hop.name()))
    }

    fn note_edit_refused(&self, company: Option<&CompanyId>, next_hop: &str) {
        self.counters.edits_refused.fetch_add(1, Ordering::Relaxed);
        self.watch.count(Counter::EditsRefused);
        let Some(company) = company else { return };
        tracing::warn!(company = company.as_str(), next_hop, "edit_refused");
        if self.guard.note(company, next_hop) {
            tracing::error!(company = company.as_str(), next_hop, "editing_stopped");
        }
    }

    /// Commits outcomes, counts them, and calls the worker where a bounce or another try may be due.
    async fn commit(&self, written: writes::Written, tried: Tried<'_>) {
        self.counters.note(&written);
        self.tell(&written, tried);
        let leaves_work = written.deferred + written.refused > 0;
        if self.land(written.writes, tried.id).await && leaves_work {
            self.wake();
        }
    }

    /// Commits what became of a mail, for as long as only room is missing: it is known nowhere else, and without it the
    /// mail would lie until a restart and then go out again.
    async fn land(&self, writes: Vec<Write>, id: &EntryId) -> bool {
        let mut waited = false;
        loop {
            let error = match self.spool.commit(writes.clone()).await {
                Ok(()) => return true,
                Err(error) => error,
            };
            let passes = matches!(error, SpoolError::NoSpace | SpoolError::Busy);
            if !waited || !passes {
                tracing::error!(%id, %error, "cannot settle mail in custody");
            }
            waited = true;
            // What could not be settled may still be due; it is not to be tried as fast as the disk fails.
            sleep(WAIT_AFTER_FAILURE).await;
            if !passes {
                // The mark in the spool stays: the next start finds it, and shows the mail as a possible double.
                return false;
            }
        }
    }
}

impl Inner {
    /// Writes the events of an attempt, one for each way it ended.
    fn tell(&self, written: &writes::Written, tried: Tried<'_>) {
        let micros = u64::try_from(tried.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let ends = [
            (AttemptOutcome::Accepted, written.accepted),
            (AttemptOutcome::Deferred, written.deferred.saturating_sub(written.maybe_doubled)),
            (AttemptOutcome::PossiblyDoubled, written.maybe_doubled),
            (AttemptOutcome::Bounced, written.refused),
        ];
        for (outcome, recipients) in ends.into_iter().filter(|(_, recipients)| *recipients > 0) {
            self.watch.attempt(&AttemptEvent {
                id: tried.id.as_str().to_owned(),
                route: tried.route.to_owned(),
                outcome,
                recipients: usize::try_from(recipients).unwrap_or(usize::MAX),
                reply: written.reply,
                number: tried.number,
                micros,
                protection: tried.protection.map(Protection::code),
            });
        }
    }
}

/// What a mail for which there was no connection comes to: where nobody is ever to be asked, it is refused.
fn without_connection(none: NoConnection, job: &Job, route: &Route, hop: &Hop) -> HandThrough {
    let NoConnection::Refused(reply) = none else { return HandThrough::Spool(none.into()) };
    let outcomes = job.copy.recipients.iter().map(|_| RecipientOutcome::refused_by_us((*reply).clone()));
    let (proves, route) = (route.proves, route.name.clone());
    let next_hop = hop.host().to_owned();
    HandThrough::Settled(Settled { outcomes: outcomes.collect(), proves, route, next_hop, protection: None })
}

fn parcel(job: &Job) -> Option<Parcel<'_>> {
    let recipients = job.copy.recipients.iter().map(|number| Recipient::of(&job.envelope, *number));
    Some(Parcel {
        envelope: &job.envelope,
        recipients: recipients.collect::<Option<_>>()?,
        trace: &job.trace,
        original: &job.original,
        edits: &job.copy.edits,
        return_path: job.copy.return_path.as_deref(),
    })
}

/// Closes connections nobody has used for a while.
async fn close_idle(inner: Arc<Inner>) {
    let every = inner.settings.deliver.idle_for.max(Duration::from_secs(1));
    while !inner.stopping() {
        sleep(every).await;
        inner.hops.close_stale();
        inner.hops.save().await;
    }
}

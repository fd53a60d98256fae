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
mod holds;
mod hop;
mod hops;
mod late;
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
use tokio::sync::Notify;
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
use crate::referral::{CompanyId, OptOuts};
use crate::spool::{EditStop, EntryId, Spool, SpoolError, Write};
use crate::sys::clock::{self, Now};
use crate::sys::tls::Protection;
use crate::watch::{Attempt as AttemptEvent, AttemptOutcome, Counter, Watch};

pub use self::admin::reports_of;
pub use self::counters::Counted;
pub use self::doubt::InDoubt;
pub use self::guard::{NoEdit, Off};
pub use self::holds::Doubt;
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
    /// Calls whoever looks after held mails.
    hold_news: Notify,
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
        let guard = EditGuard::new(settings.deliver.edit_refusals_max, settings.deliver.edit_refusals_within);
        let guard = guard.with(&spool.recovered().edit_stops, around.off.clone());
        guard.set_optouts(around.optouts.clone());
        let inner = Arc::new(Inner {
            spool,
            hops: Hops::new(&settings, &around),
            guard,
            counters: Counters::default(),
            active: Active::default(),
            tasks: Tasks::default(),
            stopping: AtomicBool::new(false),
            hold_news: Notify::new(),
            watch: around.watch.clone(),
            settings,
        });
        tokio::spawn(worker::run(Arc::clone(&inner)));
        tokio::spawn(late::run(Arc::clone(&inner)));
        tokio::spawn(close_idle(Arc::clone(&inner)));
        tokio::spawn(holds::run(Arc::clone(&inner)));
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
        let (began, sent) = (Now::read(), Instant::now());
        let until = sent + inner.settings.custody.hand_through_for;
        let (route, hop) = match inner.one_next_hop(job) {
            Ok(found) => found,
            Err(why) => return HandThrough::Spool(why),
        };
        if hop.rate.take().is_err() {
            return HandThrough::Spool(NotTried::Slowed);
        }
        let patience = Patience { deadlines: inner.settings.deadlines(), until: Some(until) };
        let connection = match hop.connection_for_client(&inner.settings.hostname, &patience).await {
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
        let Some(parcel) = parcel(job) else { return HandThrough::Spool(NotTried::NoRoute) };
        let with_edits = inner.edits(&parcel, job.company.as_ref(), &hop);
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
        let written = writes::after_hand_through(&self.0.settings, job, handed, received_at, Now::read());
        self.0.counters.note(&written);
        if written.maybe_doubled > 0 {
            tracing::warn!(id = %job.id, "possible_double");
        }
        written.writes
    }

    /// The write that takes a mail into custody before it is offered to anybody; each job is one copy of it. `None` for
    /// no job.
    pub fn write_to_store(&self, copies: &[Job], received_at: Timestamp) -> Option<Write> {
        writes::store(&self.0.settings, copies, received_at, clock::steady()).map(Write::Store)
    }

    /// The name of the route that mail to this address takes.
    pub fn route_of(&self, recipient: &Address) -> String {
        self.0.settings.route(recipient).map(|route| route.name.clone()).unwrap_or_default()
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

    /// Whether next hops have refused so many edited mails of the company that it gets no more lines there until
    /// [`Deliver::resume_editing`].
    pub fn editing_stopped(&self, company: &CompanyId) -> bool {
        self.0.guard.is_stopped(company)
    }

    /// Why a mail of the company to these recipients is not to be edited; nothing when it may be.
    pub fn why_not_edit(&self, company: &CompanyId, recipients: &[Address]) -> Option<NoEdit> {
        let inner = &self.0;
        if !inner.guard.may_forbid(company) {
            return None;
        }
        let at = |recipient| inner.guard.forbids(company, inner.hop_for(recipient).ok()?.name());
        if inner.guard.off().is_for(company) { Some(NoEdit::SwitchedOff) } else { recipients.iter().find_map(at) }
    }

    /// The next hops for which mails of a company are not edited, because they refused such.
    pub fn edit_stops(&self) -> Vec<EditStop> {
        self.0.guard.stops()
    }

    /// Lets mails be edited again that these stops held back. The spool's rows are the caller's.
    pub fn resume_editing(&self, stops: &[EditStop]) {
        self.0.guard.resume(stops);
    }

    /// From now on nothing is inserted for these, and for no others; also not into mail that is in custody.
    pub fn set_off(&self, off: Off) {
        self.0.guard.set_off(off);
    }

    /// From now on these get no line, nobody when nobody knows who they are; also not by mail that is in custody.
    pub fn set_optouts(&self, optouts: Option<Arc<OptOuts>>) {
        self.0.guard.set_optouts(optouts);
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
        self.0.hold_news.notify_one();
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

    /// Whether the edits of a parcel may be used: the company's mails are edited for this next hop, and none of those
    /// it is for has said meanwhile that he wants no line.
    fn edits(&self, parcel: &Parcel<'_>, company: Option<&CompanyId>, hop: &Hop) -> bool {
        let Some(company) = company.filter(|_| !parcel.edits.is_empty()) else { return true };
        let recipients = parcel.recipients.iter().map(|recipient| recipient.address);
        self.guard.forbids(company, hop.name()).is_none() && !self.guard.is_out(company, recipients)
    }

    fn note_edit_refused(self: &Arc<Self>, company: Option<&CompanyId>, next_hop: &str) {
        self.counters.edits_refused.fetch_add(1, Ordering::Relaxed);
        self.watch.count(Counter::EditsRefused);
        let Some(company) = company else { return };
        tracing::warn!(company = company.as_str(), next_hop, "edit_refused");
        let Some(stop) = self.guard.note(company, next_hop) else { return };
        tracing::error!(company = company.as_str(), next_hop, "editing_stopped");
        let inner = Arc::clone(self);
        self.tasks.spawn(async move {
            // Without the row it holds until the next restart, when three refusals more stop it again.
            if let Err(error) = inner.spool.commit(vec![Write::StopEditing(stop)]).await {
                tracing::error!(%error, "a restart will forget where editing has stopped");
            }
        });
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

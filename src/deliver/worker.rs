//! The spool's worker: takes what is due, sends it, settles it. A slow or dead next hop holds up nobody else.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};

use super::attempt::{Attempt, Ended, Parcel, Sender};
use super::bounce::About;
use super::connection::{Connection, Patience, Peer};
use super::hop::{Hop, NoConnection};
use super::outcome::{RecipientOutcome, UNANSWERED, reply_for};
use super::writes::{self, Mail, Told};
use super::{Inner, Tried};
use crate::config::{NextHop, Route};
use crate::ledger::Proves;
use crate::mail::edit::Edits;
use crate::proto::smtp::client::Recipient as Addressee;
use crate::proto::smtp::reply::Reply;
use crate::spool::{DueEntry, DueRoute, Entry, EntryId, Recipient, RecipientState, Write};
use crate::sys::clock;

/// Entries of one route looked at in one round.
const DUE_PER_ROUTE_MAX: usize = 256;
/// The wait when mail is due and cannot be begun yet.
const WAIT_WHEN_BLOCKED: Duration = Duration::from_secs(1);
/// Mail that is due for longer and was not begun is a backlog: new mail goes behind it. A burst that is gone before is
/// none, for to sync mail that could be handed through would make it one.
const BACKLOG_AFTER: SignedDuration = SignedDuration::from_secs(5);
/// A next hop that is down for no longer is waited for; its mail stays due.
const DOWN_BRIEFLY: Duration = Duration::from_secs(2);
/// The wait when a next hop has as many connections as it may: one is free as soon as a mail is through.
const WAIT_WHEN_FULL: Duration = Duration::from_millis(50);
/// The longest wait of all, so that a clock that was set does not leave mail lying.
const WAIT_MAX: Duration = Duration::from_mins(5);

/// The entries being sent, each on one route at most once.
#[derive(Debug, Default)]
pub(super) struct Active(Mutex<HashSet<(EntryId, String)>>);

impl Active {
    fn begin(&self, id: &EntryId, route: &str) -> bool {
        self.lock().insert((id.clone(), route.to_owned()))
    }

    fn end(&self, id: &EntryId, route: &str) {
        self.lock().remove(&(id.clone(), route.to_owned()));
    }

    fn holds(&self, id: &EntryId, route: &str) -> bool {
        self.lock().contains(&(id.clone(), route.to_owned()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<(EntryId, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Works until delivery stops.
pub(super) async fn run(inner: Arc<Inner>) {
    while !inner.stopping() {
        let now = clock::now();
        match inner.spool.due(now, DUE_PER_ROUTE_MAX).await {
            Ok(routes) => start_all(&inner, routes, now),
            Err(error) => tracing::error!(%error, "cannot read what is due"),
        }
        let wait = wait_for_next(&inner, now).await;
        tokio::select! {
            () = inner.work.notified() => {}
            () = sleep(wait) => {}
        }
    }
}

/// How long nothing has to be done, unless somebody calls.
async fn wait_for_next(inner: &Inner, now: Timestamp) -> Duration {
    match inner.spool.next_due().await {
        Ok(Some(at)) if at > now => at.duration_since(now).unsigned_abs().min(WAIT_MAX),
        Ok(None) => WAIT_MAX,
        // What is due is being sent, or waits for a place; whoever ends calls us before.
        Ok(Some(_)) | Err(_) => WAIT_WHEN_BLOCKED,
    }
}

/// Begins what may be begun, and notes for each next hop whether anything waits for long.
fn start_all(inner: &Arc<Inner>, due: Vec<DueRoute>, now: Timestamp) {
    let mut with_backlog: HashSet<&NextHop> = HashSet::new();
    for due in due {
        let route = inner.settings.route_named(&due.route);
        let waiting_since = start(inner, due, route.and_then(|route| inner.hop(route)));
        let has_backlog = waiting_since.is_some_and(|since| now.duration_since(since) > BACKLOG_AFTER);
        with_backlog.extend(route.filter(|_| has_backlog).map(|route| &route.next_hop));
    }
    for (target, hop) in &inner.hops {
        hop.has_backlog.store(with_backlog.contains(target), Ordering::Release);
    }
}

/// Begins as many of a route's entries as its next hop may be busy with. Tells since when the first that could not be
/// begun is due.
fn start(inner: &Arc<Inner>, due: DueRoute, hop: Option<&Arc<Hop>>) -> Option<Timestamp> {
    for entry in due.entries {
        let full = hop.is_some_and(|hop| hop.busy.load(Ordering::Acquire) >= hop.busy_max());
        if inner.active.holds(&entry.id, &due.route) {
            continue;
        }
        if full {
            return Some(entry.since);
        }
        inner.active.begin(&entry.id, &due.route);
        let busy = Busy::begin(inner, &entry.id, &due.route, hop);
        inner.tasks.spawn(async move { busy.send(entry).await });
    }
    None
}

/// One entry being sent; ends in order even when the task does not.
struct Busy {
    inner: Arc<Inner>,
    id: EntryId,
    route: String,
    hop: Option<Arc<Hop>>,
}

impl Busy {
    fn begin(inner: &Arc<Inner>, id: &EntryId, route: &str, hop: Option<&Arc<Hop>>) -> Self {
        if let Some(hop) = hop {
            hop.busy.fetch_add(1, Ordering::AcqRel);
        }
        Self { inner: Arc::clone(inner), id: id.clone(), route: route.to_owned(), hop: hop.cloned() }
    }

    async fn send(self, due: DueEntry) {
        match self.inner.spool.load(&due.id).await {
            Ok(Some(entry)) => send_entry(&self.inner, &entry, &due.recipients).await,
            Ok(None) => {}
            Err(error) => {
                tracing::error!(id = %due.id, %error, "cannot read a mail in custody");
                sleep(WAIT_WHEN_BLOCKED).await;
            }
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let left = self.hop.as_ref().map_or(0, |hop| hop.busy.fetch_sub(1, Ordering::AcqRel) - 1);
        self.inner.active.end(&self.id, &self.route);
        // Looking for what is due costs the same for one mail as for many; whoever is still busy calls later.
        if self.hop.as_ref().is_none_or(|hop| left <= hop.busy_max() / 2) {
            self.inner.work.notify_one();
        }
    }
}

/// Sends an entry to those of its recipients that are due, one transaction for each route and copy.
async fn send_entry(inner: &Arc<Inner>, entry: &Entry, due: &[u32]) {
    let now = clock::now();
    // What was due when it was listed may have been settled by an attempt that has just ended.
    let is_due = |r: &Recipient| due.contains(&r.number) && r.state == RecipientState::Waiting && r.next_at <= now;
    let mut groups: BTreeMap<(String, u32), Vec<usize>> = BTreeMap::new();
    for (place, recipient) in entry.recipients.iter().enumerate().filter(|(_, r)| is_due(r)) {
        let route = inner.settings.route_name(&entry.envelope.recipients[place]);
        groups.entry((route, recipient.copy)).or_default().push(place);
    }
    for ((route, copy), places) in groups {
        let found = inner.settings.route_named(&route).and_then(|route| Some((route, inner.hop(route)?)));
        let group = Group { inner, entry, places, copy, began: Instant::now() };
        match found {
            Some((route, hop)) => group.send(route, hop).await,
            None => group.settle(None, None, &unasked("No route serves this address")).await,
        }
    }
}

/// Recipients of one entry that get the same copy by the same route.
struct Group<'a> {
    inner: &'a Arc<Inner>,
    entry: &'a Entry,
    /// Places in the entry's recipients.
    places: Vec<usize>,
    copy: u32,
    began: Instant,
}

/// What a group has come to.
enum Came {
    /// An outcome for each of its recipients, and who was asked.
    Outcomes(Vec<RecipientOutcome>, Peer),
    /// The next hop was not asked, for this reason.
    Unasked(RecipientOutcome),
}

fn unasked(why: &'static str) -> Came {
    Came::unasked(Reply::new(451, UNANSWERED, why))
}

impl Came {
    fn unasked(reply: Reply) -> Self {
        Self::Unasked(RecipientOutcome::deferred_by_us(reply, false))
    }
}

impl Group<'_> {
    async fn send(&self, route: &Route, hop: &Arc<Hop>) {
        let settings = &self.inner.settings;
        let patience = Patience { deadlines: settings.deadlines(), until: None };
        let connection = match hop.connection(&settings.hostname, &patience).await {
            Ok(connection) => connection,
            // Still due; it is begun anew when there is a place.
            Err(NoConnection::Full) => return sleep(WAIT_WHEN_FULL).await,
            Err(NoConnection::Down) if hop.down_left() <= DOWN_BRIEFLY => return sleep(hop.down_left()).await,
            Err(NoConnection::Down) => {
                let silent = || Reply::new(451, UNANSWERED, "The next hop does not answer");
                let why = Came::unasked(hop.why_down().unwrap_or_else(silent));
                return self.settle(Some(route), Some(hop), &why).await;
            }
            Err(NoConnection::Failed(broken)) => {
                return self.settle(Some(route), Some(hop), &Came::unasked(reply_for(&broken, UNANSWERED))).await;
            }
        };
        let most = connection.recipients_max();
        if most < self.places.len() {
            hop.give_back(connection);
            for places in self.places.chunks(most) {
                let part = Group { places: places.to_vec(), ..*self };
                Box::pin(part.send(route, hop)).await;
            }
            return;
        }
        if !self.mark().await {
            hop.give_back(connection);
            return sleep(WAIT_WHEN_BLOCKED).await;
        }
        let came = self.transact(connection, hop, patience).await;
        self.settle(Some(route), Some(hop), &came).await;
    }

    /// The durable mark in front of the dot: after a crash it tells which mails may double.
    async fn mark(&self) -> bool {
        let recipients = self.places.iter().map(|p| self.entry.recipients[*p].number).collect();
        let write = Write::Sending { entry: self.entry.id.clone(), recipients };
        match self.inner.spool.commit(vec![write]).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(id = %self.entry.id, %error, "cannot mark a mail before it is sent");
                false
            }
        }
    }

    async fn transact(&self, connection: Connection, hop: &Arc<Hop>, patience: Patience) -> Came {
        let untouched = Edits::default();
        let edits = usize::try_from(self.copy).ok().and_then(|c| self.entry.copies.get(c)).unwrap_or(&untouched);
        let parcel = Parcel {
            envelope: &self.entry.envelope,
            recipients: self.places.iter().filter_map(|p| Addressee::of(&self.entry.envelope, *p)).collect(),
            trace: &self.entry.trace,
            original: &self.entry.original,
            edits,
        };
        let sender = Sender { hop, hostname: &self.inner.settings.hostname, patience };
        let company = self.entry.company.as_ref();
        // What was decided while the next hop took edited mails is sent as it came once it does not.
        let Ended { outcomes, edit_blamed, peer } =
            match sender.send(&parcel, connection, self.inner.edits_at(company, hop)).await {
                Attempt::Settled(ended) => ended,
                Attempt::InDoubt(pending) => pending.wait(&sender, &parcel).await,
                Attempt::GivenUp => return unasked("The attempt was given up"),
            };
        if edit_blamed {
            self.inner.note_edit_refused(company, hop.name());
        }
        Came::Outcomes(outcomes, peer)
    }

    async fn settle(&self, route: Option<&Route>, hop: Option<&Arc<Hop>>, came: &Came) {
        let told: Vec<Told<'_>> = self.places.iter().enumerate().map(|(i, place)| self.told(i, *place, came)).collect();
        let peer = if let Came::Outcomes(_, peer) = came { Some(peer) } else { None };
        let mail = Mail {
            id: &self.entry.id,
            about: About {
                sender: self.entry.envelope.sender.as_ref(),
                original: &self.entry.original,
                received_at: self.entry.received_at,
                next_hop: peer.map(|p| &*p.host).or(hop.map(|h| h.host())),
            },
            route: route.map_or("", |r| &r.name),
            proves: route.map_or(Proves::Accepted, |r| r.proves),
        };
        let written = writes::settle(&self.inner.settings, &mail, &told, clock::now());
        let number = told.iter().map(|t| t.attempts).max().unwrap_or(1);
        let (id, began, protection) = (&self.entry.id, self.began, peer.map(|p| p.protection));
        self.inner.commit(written, Tried { id, route: mail.route, number, began, protection }).await;
    }

    fn told(&self, i: usize, place: usize, came: &Came) -> Told<'_> {
        let (outcome, unasked) = match came {
            Came::Outcomes(outcomes, _) => (outcomes[i].clone(), false),
            Came::Unasked(outcome) => (outcome.clone(), true),
        };
        let recipient = &self.entry.recipients[place];
        let address = &self.entry.envelope.recipients[place];
        Told { number: recipient.number, recipient: address, attempts: recipient.attempts + 1, outcome, unasked }
    }
}

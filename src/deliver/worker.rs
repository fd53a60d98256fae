//! The spool's worker: takes what is due, sends it, settles it. A slow or dead next hop holds up nobody else.
//!
//! Destinations stand in an [`Agenda`] by the time at which something can be done for them, so that those at which
//! nothing can be done cost nothing, however many mails wait there.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};

use super::Inner;
use super::agenda::{Agenda, Taken};
use super::group::send_entry;
use super::health::DOWN_AT_FIRST;
use super::hop::Hop;
use super::hops::NoHop;
use crate::spool::{Due, DueEntry, EntryId};
use crate::sys::clock;

/// Entries of one destination looked at in one round.
const DUE_PER_DESTINATION_MAX: usize = 256;
/// Destinations looked at in one round.
const DESTINATIONS_PER_ROUND_MAX: usize = 64;
/// Mails of the spool sent at one time, over all destinations.
const BUSY_MAX: usize = 256;
/// The octets of these mails in memory; one more is begun as long as they have less.
const BUSY_OCTETS_MAX: u64 = 64 * 1024 * 1024;
/// Of these, mails sent to destinations that did not answer when they were last asked.
const PROBES_MAX: usize = 64;
/// The wait when mail is due and cannot be begun yet.
pub(super) const WAIT_WHEN_BLOCKED: Duration = Duration::from_secs(1);
/// Mail that is due for longer and was not begun is a backlog: new mail goes behind it. A burst that is gone before is
/// none, for to sync mail that could be handed through would make it one.
const BACKLOG_AFTER: SignedDuration = SignedDuration::from_secs(5);
/// The longest wait of all; then all destinations are read anew.
const WAIT_MAX: Duration = Duration::from_mins(5);

/// What the worker's tasks and the worker tell each other.
#[derive(Debug, Default)]
pub(super) struct Active {
    /// The entries being sent, each for one destination at most once.
    entries: Mutex<HashSet<(EntryId, Arc<str>)>>,
    /// Destinations for which a mail has come to its end since the worker last looked.
    ended: Mutex<HashSet<Arc<str>>>,
    /// Destinations that somebody wants to be looked at, be they left alone or not.
    asked_for: Mutex<HashSet<Arc<str>>>,
    busy: AtomicUsize,
    octets: AtomicU64,
    probes: AtomicUsize,
}

impl Active {
    pub(super) fn entries(&self) -> MutexGuard<'_, HashSet<(EntryId, Arc<str>)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self) -> MutexGuard<'_, HashSet<Arc<str>>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wants a destination to be looked at in the next round.
    pub(super) fn ask_for(&self, destination: &str) {
        self.asked_for().insert(destination.into());
    }

    fn asked_for(&self) -> MutexGuard<'_, HashSet<Arc<str>>> {
        self.asked_for.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_full(&self, probe: bool) -> bool {
        let busy = self.busy.load(Ordering::Acquire) >= BUSY_MAX;
        let heavy = self.octets.load(Ordering::Acquire) >= BUSY_OCTETS_MAX;
        busy || heavy || (probe && self.probes.load(Ordering::Acquire) >= PROBES_MAX)
    }
}

/// Works until delivery stops.
pub(super) async fn run(inner: Arc<Inner>) {
    let mut agenda = Agenda::default();
    let mut read_at: Option<Instant> = None;
    while !inner.stopping() {
        if read_at.is_none_or(|at| at.elapsed() >= WAIT_MAX) {
            match inner.spool.destinations().await {
                Ok(all) => {
                    for (destination, first) in &all {
                        agenda.add(destination, *first);
                    }
                    read_at = Some(Instant::now());
                }
                Err(error) => tracing::error!(%error, "cannot read what is due"),
            }
        }
        let is_blocked = round(&inner, &mut agenda).await;
        tokio::select! {
            () = inner.hops.revived.work.notified() => {}
            () = sleep(wait(&agenda, is_blocked || read_at.is_none())) => {}
        }
    }
}

/// How long nothing has to be done, unless somebody calls.
fn wait(agenda: &Agenda, is_blocked: bool) -> Duration {
    let until_next = agenda.next().map(|at| at.duration_since(clock::steady()));
    match until_next {
        // Whoever ends calls before.
        Some(left) if is_blocked || left.is_positive() => {
            let least = if is_blocked { WAIT_WHEN_BLOCKED } else { Duration::ZERO };
            Duration::try_from(left).unwrap_or_default().clamp(least, WAIT_MAX)
        }
        Some(_) => Duration::ZERO,
        None if is_blocked => WAIT_WHEN_BLOCKED,
        None => WAIT_MAX,
    }
}

/// Looks at the destinations whose time has come. Returns whether some could not be looked at.
async fn round(inner: &Arc<Inner>, agenda: &mut Agenda) -> bool {
    take_news(inner, agenda);
    if inner.active.is_full(false) {
        return true;
    }
    let now = clock::steady();
    let taken = agenda.take(now, DESTINATIONS_PER_ROUND_MAX);
    if taken.is_empty() {
        return false;
    }
    let names = taken.iter().map(|t| t.destination.to_string()).collect();
    match inner.spool.due_for(names, now, DUE_PER_DESTINATION_MAX).await {
        Ok(due) => {
            for (taken, due) in taken.iter().zip(due) {
                look(inner, agenda, taken, due);
            }
            false
        }
        Err(error) => {
            tracing::error!(%error, "cannot read what is due");
            for taken in taken {
                agenda.look_at(taken.destination, now);
            }
            true
        }
    }
}

/// What has changed since the last round.
fn take_news(inner: &Inner, agenda: &mut Agenda) {
    let now = clock::steady();
    for (destination, at) in inner.spool.take_touched() {
        agenda.add(&destination, at);
    }
    for destination in inner.active.ended().drain() {
        agenda.add(&destination, now);
    }
    for destination in inner.active.asked_for().drain() {
        agenda.look_at(destination, now);
    }
    if inner.hops.revived.take() {
        agenda.revive(now, |destination| inner.hop_of(destination).is_ok_and(|hop| !hop.is_failing()));
    }
}

/// How far a destination's mail could be begun.
enum Begun {
    /// All of it.
    All,
    /// The rest has to wait until others have ended.
    Full { since: Timestamp },
    /// The rest has to wait for so long: as many as its route lets through have gone.
    Slowed { wait: Duration, since: Timestamp },
    /// It does not answer.
    Failing,
}

/// Begins what may be begun for a destination, and notes when to look again and whether anything waits for long.
fn look(inner: &Arc<Inner>, agenda: &mut Agenda, taken: &Taken, due: Due) {
    let now = clock::steady();
    let soon = |wait: Duration| now.checked_add(signed(wait)).unwrap_or(Timestamp::MAX);
    let next = due.next;
    let hop = match inner.hop_of(&taken.destination) {
        Ok(hop) => Some(hop),
        Err(NoHop::NoRoom) => return agenda.look_at(Arc::clone(&taken.destination), soon(WAIT_WHEN_BLOCKED)),
        Err(NoHop::NoRoute) => None,
    };
    let begun = begin(inner, &taken.destination, due.entries, hop.as_ref());
    if let Some(hop) = &hop {
        let waits = matches!(begun, Begun::Full { since } | Begun::Slowed { since, .. }
            if now.duration_since(since) > BACKLOG_AFTER);
        hop.has_backlog.store(waits, Ordering::Release);
    }
    let destination = Arc::clone(&taken.destination);
    match (begun, next) {
        (Begun::Failing, _) => {
            let least = hop.map_or(Duration::ZERO, |hop| hop.down_left()).max(DOWN_AT_FIRST);
            agenda.pause(taken, now, signed(least));
        }
        (Begun::Slowed { wait, .. }, _) => agenda.look_at(destination, soon(wait)),
        (Begun::All, Some(next)) if next > now => agenda.look_at(destination, next),
        (Begun::All, None) => {}
        // Whoever ends calls before.
        (Begun::Full { .. } | Begun::All, _) => agenda.look_at(destination, soon(WAIT_WHEN_BLOCKED)),
    }
}

/// Begins as many of a destination's entries as its next hop may be busy with: one where it did not answer last time,
/// and while it is left alone none but those whose time is over anyway.
fn begin(inner: &Arc<Inner>, destination: &Arc<str>, due: Vec<DueEntry>, hop: Option<&Arc<Hop>>) -> Begun {
    let is_failing = hop.is_some_and(|hop| hop.is_failing());
    let mut may_probe = hop.is_none_or(|hop| !hop.is_down());
    for entry in due {
        if inner.active.entries().contains(&(entry.id.clone(), Arc::clone(destination))) {
            may_probe &= !is_failing;
            continue;
        }
        let busy_max = hop.map_or(usize::MAX, |hop| if is_failing { 1 } else { hop.busy_max() });
        if inner.active.is_full(is_failing) || hop.is_some_and(|hop| hop.busy.load(Ordering::Acquire) >= busy_max) {
            return if is_failing { Begun::Failing } else { Begun::Full { since: entry.since } };
        }
        let is_probe = is_failing && std::mem::replace(&mut may_probe, false);
        if is_failing && !is_probe && !inner.settings.is_expired(entry.kept_since, clock::steady()) {
            return Begun::Failing;
        }
        if let Some(Err(wait)) = hop.map(|hop| hop.rate.take()) {
            return Begun::Slowed { wait, since: entry.since };
        }
        let busy = Busy::begin(inner, (&entry.id, entry.octets), destination, hop);
        inner.tasks.spawn(async move { busy.send(entry).await });
    }
    if is_failing { Begun::Failing } else { Begun::All }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// One entry being sent; ends in order even when the task does not.
pub(super) struct Busy {
    inner: Arc<Inner>,
    id: EntryId,
    octets: u64,
    destination: Arc<str>,
    hop: Option<Arc<Hop>>,
    is_probe: bool,
}

impl Busy {
    /// Begins with an entry, given with what it takes in memory.
    pub(super) fn begin(
        inner: &Arc<Inner>,
        (id, octets): (&EntryId, u64),
        destination: &Arc<str>,
        hop: Option<&Arc<Hop>>,
    ) -> Self {
        let is_probe = hop.is_some_and(|hop| hop.is_failing());
        inner.active.busy.fetch_add(1, Ordering::AcqRel);
        inner.active.octets.fetch_add(octets, Ordering::AcqRel);
        inner.active.probes.fetch_add(usize::from(is_probe), Ordering::AcqRel);
        inner.active.entries().insert((id.clone(), Arc::clone(destination)));
        if let Some(hop) = hop {
            hop.busy.fetch_add(1, Ordering::AcqRel);
        }
        let (inner, destination) = (Arc::clone(inner), Arc::clone(destination));
        Self { inner, id: id.clone(), octets, destination, hop: hop.cloned(), is_probe }
    }

    async fn send(self, due: DueEntry) {
        self.send_to(&due.id, &due.recipients).await;
    }

    /// Sends the entry to those of these recipients that are due.
    pub(super) async fn send_to(self, id: &EntryId, recipients: &[u32]) {
        match self.inner.spool.load(id).await {
            Ok(Some(entry)) => send_entry(&self.inner, &entry, recipients).await,
            Ok(None) => {}
            Err(error) => {
                tracing::error!(%id, %error, "cannot read a mail in custody");
                sleep(WAIT_WHEN_BLOCKED).await;
            }
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let active = &self.inner.active;
        let left = self.hop.as_ref().map_or(0, |hop| hop.busy.fetch_sub(1, Ordering::AcqRel) - 1);
        active.entries().remove(&(self.id.clone(), Arc::clone(&self.destination)));
        active.ended().insert(Arc::clone(&self.destination));
        active.probes.fetch_sub(usize::from(self.is_probe), Ordering::AcqRel);
        let was_heavy = active.octets.fetch_sub(self.octets, Ordering::AcqRel) >= BUSY_OCTETS_MAX;
        let was_full = active.busy.fetch_sub(1, Ordering::AcqRel) >= BUSY_MAX || was_heavy;
        // Looking for what is due costs the same for one mail as for many; whoever is still busy calls later.
        if was_full || self.hop.as_ref().is_none_or(|hop| left <= hop.busy_max() / 2) {
            self.inner.wake();
        }
    }
}

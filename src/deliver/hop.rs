//! A next hop as we know it: its idle connections, how many it may have, whether it answers at all.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::candidate::Candidate;
use super::connection::{Broken, Caller, Connection, Fault, Patience, Place};
use super::health::{DOWN_AT_FIRST, Health};
use super::outcome::{UNANSWERED, reply_for, words};
use super::rate::Rate;
use super::state::Said;
use super::way::{KnownAddresses, Target, Way};
use crate::proto::smtp::client::Phase;
use crate::proto::smtp::reply::Reply;
use crate::watch::{Gauge, NextHopState};

/// A failure within so short a time (a refused connection, most often) costs a waiting client nothing. Such a next hop
/// is asked again every [`DOWN_AT_FIRST`], however often it failed, so that nothing lies long once it is back.
const CHEAP_WITHIN: Duration = Duration::from_millis(50);

/// Mails of the spool under way for each connection to a next hop to which nothing is handed through.
const BUSY_PER_CONNECTION: usize = 3;

/// For so long behind the last mail that was handed through more of them are expected.
const CLIENTS_FOR: Duration = Duration::from_millis(250);

/// How long a mail that is handed through waits for a connection to come back.
const PLACE_WITHIN: Duration = Duration::from_millis(100);

/// How long an address that failed is tried behind those that did not.
const SHUNNED_FOR: Duration = Duration::from_mins(5);
/// Failed addresses remembered.
const SHUNNED_MAX: usize = 32;

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum NoConnection {
    /// It failed to answer a moment ago, and is left alone for a while.
    Down,
    /// It has as many connections as it may.
    Full,
    /// It was tried now.
    Failed(Broken),
    /// There is nobody to be asked, now or later.
    Refused(Arc<Reply>),
}

/// One next hop: a server, or the servers of a domain.
pub(super) struct Hop {
    target: Target,
    name: String,
    way: Arc<Way>,
    idle: Mutex<Vec<Connection>>,
    places: Arc<Semaphore>,
    /// Called when a connection comes back.
    freed: Notify,
    health: Mutex<Health>,
    addresses: KnownAddresses,
    /// Addresses that failed, and when.
    shunned: Mutex<Vec<(SocketAddr, Instant)>>,
    pub(super) rate: Rate,
    /// Cleared when it offers CHUNKING and does not know BDAT.
    knows_chunking: AtomicBool,
    /// What it has said about mails.
    pub(super) said: Said,
    /// Whether mail in the spool has been due for it for long and is not yet being sent.
    pub(super) has_backlog: AtomicBool,
    /// Mails of the spool being sent to it.
    pub(super) busy: AtomicUsize,
    /// Mails that were offered to it while their clients waited.
    offered: AtomicU32,
    /// What that was when the spool's worker looked last, and when it had last changed.
    clients_seen: Mutex<(u32, Option<Instant>)>,
    closed: AtomicBool,
}

impl Hop {
    pub(super) fn new(target: Target, way: Arc<Way>) -> Self {
        Self {
            name: target.name(),
            target,
            idle: Mutex::default(),
            places: Arc::new(Semaphore::new(way.settings.connections_max.clamp(1, Semaphore::MAX_PERMITS))),
            freed: Notify::new(),
            health: Mutex::default(),
            addresses: Mutex::default(),
            shunned: Mutex::default(),
            rate: Rate::new(way.route.rate_per_minute),
            knows_chunking: AtomicBool::new(true),
            said: Said::default(),
            has_backlog: AtomicBool::new(false),
            busy: AtomicUsize::new(0),
            offered: AtomicU32::new(0),
            clients_seen: Mutex::default(),
            closed: AtomicBool::new(false),
            way,
        }
    }

    /// Host and port, or the domain, for events and the edit guard.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The host, or the domain, for reports.
    pub(super) fn host(&self) -> &str {
        self.target.host()
    }

    /// Whether it is known to nobody but the table of hops, has no connection, and nothing is remembered against it.
    pub(super) fn is_idle(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) == 1 && lock(&self.idle).is_empty() && !self.is_down()
    }

    /// How it is now.
    pub(super) fn state(&self) -> NextHopState {
        let connections_max = self.way.settings.connections_max;
        let idle = lock(&self.idle).len();
        let open = connections_max.saturating_sub(self.places.available_permits());
        let (failures, why) = {
            let health = lock(&self.health);
            (health.failures, health.why.as_ref().map(ToString::to_string))
        };
        let mut state = NextHopState {
            name: self.name.clone(),
            route: self.way.route.name.clone(),
            in_use: open.saturating_sub(idle),
            idle,
            connections_max,
            from_spool: self.busy.load(Ordering::Relaxed),
            failures,
            left_alone_ms: u64::try_from(self.down_left().as_millis()).unwrap_or(u64::MAX),
            why,
            has_backlog: self.is_behind(),
            rate_per_minute: self.way.route.rate_per_minute,
            ..NextHopState::default()
        };
        self.said.fill(&mut state);
        state
    }

    /// Whether it did not answer when it was last asked.
    pub(super) fn is_failing(&self) -> bool {
        lock(&self.health).failures > 0
    }

    /// Whether mail of the spool has waited for it for so long that new mail goes behind it.
    pub(super) fn is_behind(&self) -> bool {
        self.has_backlog.load(Ordering::Acquire)
    }

    /// Mails of the spool sent to it at one time. As long as mail is handed through, most connections are left to that:
    /// what finds none goes to the spool, and makes more work there than it saves here. Else more are under way than
    /// there are connections, for a mail has one only while it is sent: before and behind that it waits for the disk.
    pub(super) fn busy_max(&self) -> usize {
        let all = self.way.settings.connections_max;
        if self.is_behind() || !self.has_clients() { all * BUSY_PER_CONNECTION } else { (all / 4).max(1) }
    }

    /// Whether mail was offered to it lately while its client waited.
    fn has_clients(&self) -> bool {
        let offered = self.offered.load(Ordering::Relaxed);
        let mut seen = lock(&self.clients_seen);
        if seen.0 != offered {
            *seen = (offered, Some(Instant::now()));
        }
        seen.1.is_some_and(|at| at.elapsed() < CLIENTS_FOR)
    }

    /// Whether BDAT may be used where it is offered.
    pub(super) fn trusts_chunking(&self) -> bool {
        self.knows_chunking.load(Ordering::Relaxed)
    }

    /// Notes that it does not know the BDAT it offers.
    pub(super) fn distrust_chunking(&self) {
        if self.knows_chunking.swap(false, Ordering::Relaxed) {
            tracing::warn!(next_hop = self.name, "chunking_failed");
        }
    }

    /// What came of the last try, while it is left alone.
    pub(super) fn why_down(&self) -> Option<Reply> {
        lock(&self.health).why.clone()
    }

    /// Whether it failed to answer a moment ago.
    pub(super) fn is_down(&self) -> bool {
        lock(&self.health).down_until.is_some_and(|until| Instant::now() < until)
    }

    /// Lets it be asked again before its time.
    pub(super) fn ask_again(&self) {
        let mut health = lock(&self.health);
        if health.down_until.is_some() && !health.probed {
            health.down_until = Some(Instant::now());
        }
    }

    /// How long it will be left alone from now on.
    pub(super) fn down_left(&self) -> Duration {
        lock(&self.health).down_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// A connection for a mail whose client waits.
    pub(super) async fn connection_for_client(
        &self,
        hostname: &str,
        patience: &Patience,
    ) -> Result<Connection, NoConnection> {
        self.offered.fetch_add(1, Ordering::Relaxed);
        self.connection_within(PLACE_WITHIN, hostname, patience).await
    }

    /// A kept connection, or a new one.
    pub(super) async fn connection(&self, hostname: &str, patience: &Patience) -> Result<Connection, NoConnection> {
        match self.take_idle() {
            Some(connection) => Ok(connection),
            None => self.open(hostname, patience).await,
        }
    }

    /// The same; where all connections are in use it waits a moment for one: to sync the mail takes longer.
    pub(super) async fn connection_within(
        &self,
        within: Duration,
        hostname: &str,
        patience: &Patience,
    ) -> Result<Connection, NoConnection> {
        let until = Instant::now() + within;
        loop {
            match self.connection(hostname, patience).await {
                Err(NoConnection::Full) if timeout_at(until, self.freed.notified()).await.is_ok() => {}
                came => return came,
            }
        }
    }

    fn take_idle(&self) -> Option<Connection> {
        loop {
            let mut connection = lock(&self.idle).pop()?;
            if connection.is_fresh(self.way.settings.idle_for) {
                return Some(connection);
            }
            connection.quit();
        }
    }

    /// A new connection.
    pub(super) async fn open(&self, hostname: &str, patience: &Patience) -> Result<Connection, NoConnection> {
        let place = self.place();
        // Without a place nobody is sent to probe: the others would wait for an answer that never comes.
        if self.is_down() || (place.is_ok() && !self.may_try()) {
            return Err(NoConnection::Down);
        }
        let place = place?;
        let began = Instant::now();
        let found = self.way.candidates(&self.target, &self.addresses);
        let found = patience.bear(Phase::Connect, found).await.map_err(|broken| self.fail(broken, began))?;
        // That there is nobody to ask is an answer: whoever else comes may hear it at once.
        let candidates = found.map_err(|reply| {
            *lock(&self.health) = Health::default();
            NoConnection::Refused(reply)
        })?;
        let mut place = Some(place);
        let mut last = Broken { phase: Phase::Connect, fault: Fault::NoAddress, given_up: false };
        let candidates = self.by_luck(candidates);
        for (tried, candidate) in candidates.iter().enumerate() {
            let place = place.take().map_or_else(|| self.place(), Ok)?;
            let patience = patience.among(candidates.len() - tried);
            let caller = Caller { hostname, tls: &self.way.tls, patience: &patience };
            match self.open_at(candidate, place, caller).await {
                Ok(connection) => return Ok(connection),
                Err(broken) => last = broken,
            }
        }
        if self.is_too_many(&last) { Err(NoConnection::Full) } else { Err(self.fail(last, began)) }
    }

    async fn open_at(
        &self,
        candidate: &Candidate,
        place: OwnedSemaphorePermit,
        caller: Caller<'_>,
    ) -> Result<Connection, Broken> {
        let place = Place { _permit: place, _held: self.way.around.watch.hold(Gauge::NextHopConnections) };
        let opened = Connection::open(candidate, &self.way.manner, place, caller).await;
        match &opened {
            Ok(_) => self.answered(),
            Err(_) => self.shun(&candidate.addresses),
        }
        opened
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, NoConnection> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| NoConnection::Full)
    }

    /// It answers: whoever waited for that goes on.
    fn answered(&self) {
        let was_failing = std::mem::take(&mut *lock(&self.health)).failures > 0;
        if was_failing {
            self.way.revived.tell();
        }
    }

    /// The candidates, those whose address failed lately behind the others.
    fn by_luck(&self, mut candidates: Vec<Candidate>) -> Vec<Candidate> {
        let mut shunned = lock(&self.shunned);
        shunned.retain(|(_, since)| since.elapsed() < SHUNNED_FOR);
        if !shunned.is_empty() {
            candidates.sort_by_key(|c| c.addresses.iter().all(|at| shunned.iter().any(|(other, _)| other == at)));
        }
        candidates
    }

    fn shun(&self, addresses: &[SocketAddr]) {
        let mut shunned = lock(&self.shunned);
        shunned.retain(|(at, _)| !addresses.contains(at));
        if shunned.len() < SHUNNED_MAX {
            shunned.extend(addresses.iter().map(|at| (*at, Instant::now())));
        }
    }

    fn fail(&self, broken: Broken, began: Instant) -> NoConnection {
        let is_cheap = began.elapsed() < CHEAP_WITHIN;
        let longest = self.way.settings.down_for;
        let down_for = if is_cheap { DOWN_AT_FIRST.min(longest) } else { longest };
        let mut health = lock(&self.health);
        if health.failures == 0 && broken.fault.is_for_the_admin() {
            tracing::warn!(next_hop = self.name, reason = words(&broken), "next_hop_unusable");
        }
        health.leave_alone(down_for);
        health.why = Some(reply_for(&broken, UNANSWERED));
        drop(health);
        NoConnection::Failed(broken)
    }

    /// A next hop that greets with a refusal while it serves other connections of ours has enough of them.
    fn is_too_many(&self, broken: &Broken) -> bool {
        let others = self.places.available_permits() < self.way.settings.connections_max;
        matches!(broken.fault, Fault::NotReady(_)) && others
    }

    /// Notes that it did not answer: for a while nobody waits for it.
    pub(super) fn stalled(&self) {
        lock(&self.health).leave_alone(self.way.settings.down_for);
    }

    /// Whether a connection may be tried. Of all who wait for the end of a failure the first one probes, and the others
    /// go on waiting for as long again.
    fn may_try(&self) -> bool {
        let mut health = lock(&self.health);
        match health.down_until {
            None => true,
            Some(until) if Instant::now() < until => false,
            Some(_) => {
                health.down_until = Some(Instant::now() + self.way.settings.down_for);
                health.probed = true;
                true
            }
        }
    }

    /// Takes a connection back for the next mail, or closes it.
    pub(super) fn give_back(&self, mut connection: Connection) {
        connection.idle_since = Instant::now();
        let spent = connection.used >= self.way.settings.messages_per_connection_max;
        if spent || self.closed.load(Ordering::Acquire) || connection.expect_silence(Phase::Dot).is_err() {
            return connection.quit();
        }
        lock(&self.idle).push(connection);
        self.freed.notify_one();
    }

    /// Closes connections that were idle for too long.
    pub(super) fn close_stale(&self) {
        let mut idle = lock(&self.idle);
        idle.extract_if(.., |c| !c.is_fresh(self.way.settings.idle_for)).for_each(Connection::quit);
    }

    /// Closes all idle connections, and keeps none from now on.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        lock(&self.idle).drain(..).for_each(Connection::quit);
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{HostPort, Route};
    use crate::deliver::Surroundings;
    use crate::deliver::way::Common;
    use crate::watch::Watch;

    #[tokio::test]
    async fn a_next_hop_that_refuses_at_once_is_asked_again_soon_however_often_it_failed() {
        let refusing = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
        let target = HostPort { host: refusing.ip().to_string(), port: refusing.port() };
        let around = Arc::new(Surroundings::new(Watch::new()));
        let settings = crate::deliver::tests::settings_for(Vec::new());
        let way = Way::new(&Route::default(), Common::new(&settings, &around));
        let hop = Hop::new(Target::Host(target), Arc::new(way));
        let second = Duration::from_secs(1);
        let deadlines = crate::deliver::Deadlines { connect: second, command: second, block: second, dot: second };
        for _ in 0..8 {
            lock(&hop.health).down_until = None;
            let came = hop.open("gw.example", &Patience { deadlines, until: None }).await;
            assert!(matches!(came, Err(NoConnection::Failed(_))));
        }
        assert!(hop.down_left() <= DOWN_AT_FIRST);
    }
}

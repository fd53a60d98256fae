//! A next hop as we know it: its idle connections, how many it may have, whether it answers at all.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::candidate::{Candidate, Manner, TlsNeed};
use super::connection::{Broken, Caller, Connection, Fault, Patience, Place};
use crate::config::{DeliverSettings, HostPort, Route};
use crate::proto::smtp::client::Phase;
use crate::watch::{Gauge, Watch};

/// How long the addresses of a name are believed. The system's resolver does not tell how long they are good for.
const ADDRESSES_FOR: Duration = Duration::from_mins(1);
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;

/// How long a next hop is left alone after its first failure; each further one doubles it, up to `down_for`. Most
/// failures are a restart, and mail should not lie for half a minute behind one.
const DOWN_AT_FIRST: Duration = Duration::from_millis(250);

/// A failure within so short a time (a refused connection, most often) costs a waiting client nothing. Such a next hop
/// is asked again every [`DOWN_AT_FIRST`], however often it failed, so that nothing lies long once it is back.
const CHEAP_WITHIN: Duration = Duration::from_millis(50);

/// How long a mail that is handed through waits for a connection to come back.
const PLACE_WITHIN: Duration = Duration::from_millis(100);

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum NoConnection {
    /// It failed to answer a moment ago, and is left alone for a while.
    Down,
    /// It has as many connections as it may.
    Full,
    /// It was tried now.
    Failed(Broken),
}

/// One next hop.
pub(super) struct Hop {
    target: HostPort,
    name: String,
    tls: TlsNeed,
    manner: Manner,
    settings: DeliverSettings,
    idle: Mutex<Vec<Connection>>,
    places: Arc<Semaphore>,
    /// Called when a connection comes back.
    freed: Notify,
    health: Mutex<Health>,
    addresses: Mutex<Option<(Instant, Arc<[SocketAddr]>)>>,
    /// Whether mail in the spool has been due for it for long and is not yet being sent.
    pub(super) has_backlog: AtomicBool,
    /// Mails of the spool being sent to it.
    pub(super) busy: AtomicUsize,
    closed: AtomicBool,
    watch: Watch,
}

#[derive(Debug, Default)]
struct Health {
    /// Set by a failure: nobody tries before.
    down_until: Option<Instant>,
    /// Failures since it last answered; those that came of one moment count once.
    failures: u32,
    /// Whether somebody tries whether it is back.
    probed: bool,
}

impl Health {
    /// Leaves it alone for a while, the longer the more often it failed.
    fn leave_alone(&mut self, down_for: Duration) {
        let is_known = !self.probed && self.down_until.is_some_and(|until| Instant::now() < until);
        if is_known {
            return;
        }
        self.down_until = Some(Instant::now() + wait_after(self.failures, down_for));
        self.failures = self.failures.saturating_add(1);
        self.probed = false;
    }
}

fn wait_after(failures_before: u32, down_for: Duration) -> Duration {
    DOWN_AT_FIRST.saturating_mul(2_u32.saturating_pow(failures_before)).min(down_for)
}

impl Hop {
    /// The server a route names.
    pub(super) fn new(target: HostPort, route: &Route, settings: DeliverSettings, watch: Watch) -> Self {
        Self {
            name: target.to_string(),
            tls: TlsNeed::of(route, &target.host),
            manner: Manner::of(route),
            target,
            settings,
            idle: Mutex::default(),
            places: Arc::new(Semaphore::new(settings.connections_max.clamp(1, Semaphore::MAX_PERMITS))),
            freed: Notify::new(),
            health: Mutex::default(),
            addresses: Mutex::default(),
            has_backlog: AtomicBool::new(false),
            busy: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            watch,
        }
    }

    /// Host and port, for events and the edit guard.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The host, for reports.
    pub(super) fn host(&self) -> &str {
        &self.target.host
    }

    /// Whether mail of the spool has waited for it for so long that new mail goes behind it.
    pub(super) fn is_behind(&self) -> bool {
        self.has_backlog.load(Ordering::Acquire)
    }

    /// Mails of the spool sent to it at one time. As long as mail is handed through, most connections are left to that:
    /// what finds none goes to the spool, and makes more work there than it saves here.
    pub(super) fn busy_max(&self) -> usize {
        let all = self.settings.connections_max;
        if self.is_behind() { all } else { (all / 4).max(1) }
    }

    /// Whether it failed to answer a moment ago.
    pub(super) fn is_down(&self) -> bool {
        lock(&self.health).down_until.is_some_and(|until| Instant::now() < until)
    }

    /// How long it will be left alone from now on.
    pub(super) fn down_left(&self) -> Duration {
        lock(&self.health).down_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// A kept connection, or a new one.
    pub(super) async fn connection(&self, hostname: &str, patience: &Patience) -> Result<Connection, NoConnection> {
        match self.take_idle() {
            Some(connection) => Ok(connection),
            None => self.open(hostname, patience).await,
        }
    }

    /// The same; where all connections are in use it waits a moment for one: to sync the mail takes longer.
    pub(super) async fn connection_soon(
        &self,
        hostname: &str,
        patience: &Patience,
    ) -> Result<Connection, NoConnection> {
        let until = Instant::now() + PLACE_WITHIN;
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
            if connection.is_fresh(self.settings.idle_for) {
                return Some(connection);
            }
            connection.quit();
        }
    }

    /// A new connection.
    pub(super) async fn open(&self, hostname: &str, patience: &Patience) -> Result<Connection, NoConnection> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        // Without a place nobody is sent to probe: the others would wait for an answer that never comes.
        if self.is_down() || (place.is_ok() && !self.may_try()) {
            return Err(NoConnection::Down);
        }
        let place = place.map_err(|_| NoConnection::Full)?;
        let began = Instant::now();
        let candidate = patience.bear(Phase::Connect, self.candidate()).await.map_err(|b| self.fail(b, began))?;
        let place = Place { _permit: place, _held: self.watch.hold(Gauge::NextHopConnections) };
        match Connection::open(&candidate, &self.manner, place, Caller { hostname, patience }).await {
            Ok(connection) => {
                *lock(&self.health) = Health::default();
                Ok(connection)
            }
            Err(broken) if self.is_too_many(&broken) => Err(NoConnection::Full),
            Err(broken) => Err(self.fail(broken, began)),
        }
    }

    fn fail(&self, broken: Broken, began: Instant) -> NoConnection {
        let is_cheap = began.elapsed() < CHEAP_WITHIN;
        let down_for = if is_cheap { DOWN_AT_FIRST.min(self.settings.down_for) } else { self.settings.down_for };
        lock(&self.health).leave_alone(down_for);
        NoConnection::Failed(broken)
    }

    /// A next hop that greets with a refusal while it serves other connections of ours has enough of them.
    fn is_too_many(&self, broken: &Broken) -> bool {
        let others = self.places.available_permits() < self.settings.connections_max;
        matches!(broken.fault, Fault::NotReady(_)) && others
    }

    /// Notes that it did not answer: for a while nobody waits for it.
    pub(super) fn stalled(&self) {
        lock(&self.health).leave_alone(self.settings.down_for);
    }

    /// Whether a connection may be tried. Of all who wait for the end of a failure the first one probes, and the others
    /// go on waiting for as long again.
    fn may_try(&self) -> bool {
        let mut health = lock(&self.health);
        match health.down_until {
            None => true,
            Some(until) if Instant::now() < until => false,
            Some(_) => {
                health.down_until = Some(Instant::now() + self.settings.down_for);
                health.probed = true;
                true
            }
        }
    }

    /// Takes a connection back for the next mail, or closes it.
    pub(super) fn give_back(&self, mut connection: Connection) {
        connection.idle_since = Instant::now();
        let spent = connection.used >= self.settings.messages_per_connection_max;
        if spent || self.closed.load(Ordering::Acquire) || connection.expect_silence(Phase::Dot).is_err() {
            return connection.quit();
        }
        lock(&self.idle).push(connection);
        self.freed.notify_one();
    }

    /// Closes connections that were idle for too long.
    pub(super) fn close_stale(&self) {
        let mut idle = lock(&self.idle);
        idle.extract_if(.., |c| !c.is_fresh(self.settings.idle_for)).for_each(Connection::quit);
    }

    /// Closes all idle connections, and keeps none from now on.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        lock(&self.idle).drain(..).for_each(Connection::quit);
    }

    /// The one server a route names.
    async fn candidate(&self) -> Result<Candidate, Fault> {
        let addresses = self.look_up().await?;
        Ok(Candidate { host: self.target.host.as_str().into(), addresses, tls: self.tls.clone() })
    }

    async fn look_up(&self) -> Result<Arc<[SocketAddr]>, Fault> {
        if let Ok(ip) = self.target.host.parse::<IpAddr>() {
            return Ok(Arc::from([SocketAddr::new(ip, self.target.port)]));
        }
        if let Some((at, known)) = &*lock(&self.addresses)
            && at.elapsed() < ADDRESSES_FOR
        {
            return Ok(Arc::clone(known));
        }
        let found = lookup_host((self.target.host.as_str(), self.target.port)).await?;
        let found: Arc<[SocketAddr]> = found.take(ADDRESSES_MAX).collect();
        if found.is_empty() {
            return Err(Fault::NoAddress);
        }
        *lock(&self.addresses) = Some((Instant::now(), Arc::clone(&found)));
        Ok(found)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_next_hop_is_left_alone_the_longer_the_more_often_it_failed() {
        let millis = |failures| wait_after(failures, Duration::from_secs(30)).as_millis();
        assert_eq!([0, 1, 2, 6, 7, u32::MAX].map(millis), [250, 500, 1_000, 16_000, 30_000, 30_000]);
        assert_eq!(wait_after(9, Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn failures_of_one_moment_count_once_and_a_failed_probe_counts() {
        let (mut health, down_for) = (Health::default(), Duration::from_secs(30));
        (0..64).for_each(|_| health.leave_alone(down_for));
        assert_eq!(health.failures, 1);
        health.probed = true;
        (0..64).for_each(|_| health.leave_alone(down_for));
        assert_eq!((health.failures, health.probed), (2, false));
    }

    #[tokio::test]
    async fn a_next_hop_that_refuses_at_once_is_asked_again_soon_however_often_it_failed() {
        let refusing = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
        let target = HostPort { host: refusing.ip().to_string(), port: refusing.port() };
        let hop = Hop::new(target, &Route::default(), DeliverSettings::default(), Watch::new());
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

//! The gateway as one value: started from settings, asked how it is, stopped.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use tokio::sync::watch as signal;
use tokio::task::JoinHandle;

use super::courier::SpoolCourier;
use super::operator::Operator;
use crate::classify::Rules;
use crate::config::keys::{self, KeyFault, RootKey};
use crate::config::{DoorTls, Listener, Settings, Stamp};
use crate::control::test_mail::TestDoor;
use crate::control::{DataLock, LockFault, Server};
use crate::deliver::{self, Deliver};
use crate::ledger::Balance;
use crate::mail::address::Address;
use crate::notify::{Contact, Directory, Notifier, Sender};
use crate::pipeline::{Mode, Policy};
use crate::policy::{self, PolicyHandle};
use crate::proto::smtp::limits::Limits;
use crate::referral::CompanyId;
use crate::referral::wording::Language;
use crate::smtp::custody::{Relay, Services};
use crate::smtp::{self, Door};
use crate::spool::{Spool, SpoolError, SpoolOptions};
use crate::store::{Pump, PumpOptions, Store, StoreError};
use crate::sys::clock;
use crate::watch::Watch;

/// What delivery has at a stop when clients have used up the time: enough to write down what has just been answered.
const DRAIN_MIN: Duration = Duration::from_secs(2);

/// Why the gateway does not start. Nothing is half started then.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// Somebody else has the data folder, or it cannot be used.
    #[error(transparent)]
    Lock(#[from] LockFault),
    /// The root key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// The spool does not open.
    #[error("the spool in {0} does not open: {1}")]
    Spool(std::path::PathBuf, SpoolError),
    /// The ledger does not open.
    #[error("the ledger in {0} does not open: {1}")]
    Store(std::path::PathBuf, StoreError),
    /// A socket cannot be had.
    #[error("cannot listen on {0}: {1}; end what listens there, or change smtp.listen")]
    Listen(SocketAddr, std::io::Error),
    /// The admin socket cannot be had.
    #[error("the admin socket in {0} cannot be made: {1}")]
    Control(std::path::PathBuf, std::io::Error),
    /// The name of this host is not a host name.
    #[error("this machine's name cannot be used in SMTP: set hostname")]
    Hostname,
}

/// A running gateway.
pub struct Gateway {
    addresses: Vec<SocketAddr>,
    policy: PolicyHandle,
    spool: Spool,
    store: Store,
    deliver: Deliver,
    pump: Pump<Spool>,
    notifier: Notifier<SpoolCourier>,
    stop: signal::Sender<bool>,
    door: JoinHandle<std::io::Result<()>>,
    control: JoinHandle<()>,
    stop_for: Duration,
    _lock: DataLock,
}

impl Gateway {
    /// Starts everything. Sockets handed over (by systemd) take the place of those the settings name.
    ///
    /// # Errors
    /// The first thing that cannot be had, with what to do about it.
    pub async fn start(settings: Settings, handed: Vec<TcpListener>, watch: Watch) -> Result<Self, StartFault> {
        let data = settings.data_dir.clone();
        let lock = DataLock::take(&data, "serve")?;
        let control = Server::bind(&data).map_err(|e| StartFault::Control(data.clone(), e))?;
        let hostname = hostname(&settings)?;
        let listeners = listen(&settings, handed)?;
        let addresses: Vec<SocketAddr> = listeners.iter().filter_map(|l| l.local_addr().ok()).collect();
        // Before anything else is made there: a folder in use without its key is refused.
        let root = keys::open_root_key(&data)?;
        let store = Store::open(&data).map_err(|e| StartFault::Store(data.clone(), e))?;
        let (policy, agreed) = agree(&settings, &store, &root).await;
        policy.put_users(store.users().await.map_err(|e| StartFault::Store(data.clone(), e))?);
        let spool = Spool::open(&data, spool_options(&settings)).map_err(|e| StartFault::Spool(data.clone(), e))?;
        log_recovered(&spool);
        let deliver = Deliver::start_watched(spool.clone(), delivery(&settings, &hostname), watch.clone());
        let options = PumpOptions { keep_posted: keep_posted(&settings), ..PumpOptions::default() };
        let pump = Pump::start(spool.clone(), store.clone(), options);
        let courier = SpoolCourier { spool: spool.clone(), deliver: deliver.clone() };
        let directory = directory(policy.clone());
        let sender = notices_from(&settings, &hostname)?;
        let notifier = Notifier::start(store.clone(), courier, sender, directory, pump.granted());
        let stop = signal::Sender::new(false);
        let operator = Operator {
            started_at: clock::now(),
            agreed,
            spool: spool.clone(),
            deliver: deliver.clone(),
            store: store.clone(),
            hostname: hostname.clone(),
            doors: doors(&settings, &addresses),
            policy: policy.clone(),
            changing_users: tokio::sync::Mutex::default(),
            watch: watch.clone(),
            stop: stop.clone(),
        };
        let control = answer_admins(control, operator, stop.subscribe());
        tokio::spawn(tick(watch.clone(), stop.subscribe()));
        let limits: Arc<Limits> = Arc::new(settings.smtp.limits.clone());
        let stop_for = Duration::from_secs(limits.stop_seconds_max);
        let host: Arc<str> = hostname.into();
        let services = Services {
            host: Arc::clone(&host),
            policy: policy.clone(),
            deliver: deliver.clone(),
            spool: spool.clone(),
            stamp: settings.smtp.stamp.as_ref().map(Stamp::line).unwrap_or_default().into(),
            watch: watch.clone(),
        };
        let door = Door { host, limits, watch };
        let door = tokio::spawn(smtp::serve(listeners, door, Arc::new(Relay::new(services)), stop.subscribe()));
        Ok(Self {
            addresses,
            policy,
            spool,
            store,
            deliver,
            pump,
            notifier,
            stop,
            door,
            control,
            stop_for,
            _lock: lock,
        })
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The policy in force.
    pub fn policy(&self) -> Arc<Policy> {
        self.policy.current()
    }

    /// The company's balances.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn balance(&self, company: &CompanyId) -> Result<Vec<Balance>, StoreError> {
        self.store.balance(company).await
    }

    /// Waits until nothing is in custody, nothing waits to be posted and every notice is out, for at most `within`.
    /// Returns whether it came to that.
    pub async fn settle(&self, within: Duration) -> bool {
        let settled = async {
            while !self.is_settled().await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(within, settled).await.is_ok()
    }

    async fn is_settled(&self) -> bool {
        let posted = self.pump.flush().await.is_ok();
        let noticed = self.notifier.flush().await.is_ok_and(|sent| sent == 0);
        let summary = self.spool.summary().await.unwrap_or_default();
        posted && noticed && summary.entries == 0 && summary.unposted == 0
    }

    /// Resolves when the gateway cannot go on: the spool failed, or a stop was asked for. Tells why.
    pub async fn ended(&self) -> Option<String> {
        let mut stop = self.stop.subscribe();
        tokio::select! {
            why = self.spool.failed() => Some(why),
            _ = stop.wait_for(|stop| *stop) => None,
        }
    }

    /// Lets nobody new in, finishes what is under way, and leaves the rest in the spool.
    pub async fn stop(self) {
        let until = Instant::now() + self.stop_for;
        self.stop.send_replace(true);
        // The door has its own limit, the same; what failed inside has been logged there.
        let _ = self.door.await;
        let left = until.saturating_duration_since(Instant::now()).max(DRAIN_MIN);
        let _ = self.deliver.drain(left).await;
        let _ = self.pump.flush().await;
        let _ = self.control.await;
        drop((self.pump, self.notifier));
        self.spool.close().await;
    }
}

fn hostname(settings: &Settings) -> Result<String, StartFault> {
    if let Some(name) = &settings.hostname {
        return Ok(name.to_string());
    }
    let system = rustix::system::uname().nodename().to_string_lossy().into_owned();
    crate::mail::address::Domain::parse(&system).map(|d| d.to_string()).map_err(|_| StartFault::Hostname)
}

fn listen(settings: &Settings, handed: Vec<TcpListener>) -> Result<Vec<TcpListener>, StartFault> {
    if !handed.is_empty() {
        return Ok(handed);
    }
    let bind = |l: &Listener| TcpListener::bind(l.address).map_err(|e| StartFault::Listen(l.address, e));
    settings.smtp.listeners.iter().map(bind).collect()
}

/// What a test mail has to know of each socket; a socket handed over takes the settings of the listener with its port.
fn doors(settings: &Settings, addresses: &[SocketAddr]) -> Vec<TestDoor> {
    let door = |address: &SocketAddr| {
        let listener = settings.smtp.listeners.iter().find(|l| l.address.port() == address.port());
        let tls = match listener.map_or(DoorTls::default(), |l| l.tls) {
            DoorTls::None => "none",
            DoorTls::StartTls => "start_tls",
            DoorTls::Implicit => "implicit",
        };
        let balancers_alone = listener.is_some_and(|l| !l.proxy_from.is_empty());
        TestDoor { address: address.to_string(), tls: tls.to_owned(), balancers_alone }
    };
    addresses.iter().map(door).collect()
}

/// Builds the policy; a company whose keys or contracts the ledger knows otherwise gets no line (design §4).
async fn agree(settings: &Settings, store: &Store, root: &RootKey) -> (PolicyHandle, bool) {
    let rules = Arc::new(Rules::built_in());
    let mut settings = settings.clone();
    let mut agreed = true;
    for agreement in policy::agreements(&policy::build(&settings, root, Arc::clone(&rules))) {
        let company = agreement.company.clone();
        if let Err(error) = store.agree(agreement).await {
            tracing::error!(company = company.as_str(), %error, "no line is written for this company");
            agreed = false;
            let of_it = settings.companies.iter_mut().filter(|c| c.id == company && c.mode != Mode::Off);
            of_it.for_each(|c| c.mode = Mode::Observe);
        }
    }
    (PolicyHandle::new(policy::build(&settings, root, rules)), agreed)
}

fn spool_options(settings: &Settings) -> SpoolOptions {
    SpoolOptions {
        inline_octets_max: usize::try_from(settings.spool.inline_octets_max).unwrap_or(usize::MAX),
        reserve_octets: settings.spool.reserve_octets,
        free_octets_min: settings.spool.free_octets_min,
        ..SpoolOptions::default()
    }
}

fn keep_posted(settings: &Settings) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(settings.spool.keep_posted).unwrap_or(jiff::SignedDuration::MAX)
}

fn log_recovered(spool: &Spool) {
    let found = spool.recovered();
    if found.maybe_doubled > 0 || found.orphans > 0 || !found.parked.is_empty() {
        let (maybe_doubled, orphans, parked) = (found.maybe_doubled, found.orphans, found.parked.len());
        tracing::warn!(maybe_doubled, orphans, parked, "the last run ended in the middle of something");
    }
}

fn delivery(settings: &Settings, hostname: &str) -> deliver::Settings {
    deliver::Settings {
        hostname: hostname.to_owned(),
        routes: settings.routes.clone(),
        custody: settings.custody,
        deliver: settings.deliver,
        retry: settings.retry.clone(),
    }
}

fn directory(policy: PolicyHandle) -> Directory {
    Arc::new(move |id| {
        let policy = policy.current();
        let company = &policy.company(id)?.company;
        let name = match company.notify_language {
            Language::Ja => company.name_ja.clone(),
            Language::En => company.name_en.clone(),
        };
        Some(Contact { name, to: company.notify_to.clone() })
    })
}

fn notices_from(settings: &Settings, hostname: &str) -> Result<Sender, StartFault> {
    let ours = || Address::parse(&format!("career-relay@{hostname}")).map_err(|_| StartFault::Hostname);
    let from = settings.notify.from.clone().map_or_else(ours, Ok)?;
    let zone = TimeZone::fixed(jiff::tz::offset(9));
    Ok(Sender { from, hostname: hostname.to_owned(), zone })
}

/// Lets the watch know each second, so that it can tell how many mails come and go in one.
async fn tick(watch: Watch, mut stop: signal::Receiver<bool>) {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = second.tick() => watch.tick(),
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

fn answer_admins(server: Server, operator: Operator, mut stop: signal::Receiver<bool>) -> JoinHandle<()> {
    let stopped = async move {
        // A sender that is gone means the same as a stop.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    tokio::spawn(server.run(Arc::new(operator), stopped))
}

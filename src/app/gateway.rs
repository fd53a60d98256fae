//! The gateway as one value: started from settings, asked how it is, stopped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use tokio::sync::watch as signal;
use tokio::task::JoinHandle;

use super::agreement::{Agreed, Terms};
use super::courier::SpoolCourier;
use super::evidence;
use super::glance::Glance;
use super::handed::Handed;
use super::held_back;
use super::keys::Keys;
use super::milter;
use super::operator::Operator;
use super::parts::{
    answer_admins, delivery, directory, door, doors, hostname, ledger_key, notices_from, open_spool, pump_options,
    put_people, refuse_without_credentials, signing_keys, surroundings,
};
use super::prober::{self, Prober};
use super::reload::Reload;
use super::templates;
use crate::config::keys::KeyFault;
use crate::config::{Inspection, Settings};
use crate::confirm::Confirm;
use crate::control::{DataLock, LockFault, Server};
use crate::deliver::Deliver;
use crate::ledger::Balance;
use crate::milter::EntranceFault;
use crate::notify::{Notifier, Terms as NoticeTerms};
use crate::pipeline::Policy;
use crate::policy::PolicyHandle;
use crate::referral::CompanyId;
use crate::sign::{SignFault, Signer};
use crate::smtp;
use crate::smtp::custody::Relay;
use crate::spool::{Spool, SpoolError};
use crate::store::{Pump, Store, StoreError};
use crate::sys::clock;
use crate::sys::tls::TlsFault;
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
    /// A socket of the milter cannot be had.
    #[error(transparent)]
    Milter(#[from] EntranceFault),
    /// The admin socket cannot be had.
    #[error("the admin socket in {0} cannot be made: {1}")]
    Control(std::path::PathBuf, std::io::Error),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsFault),
    /// A key of `[[dkim]]` cannot be used.
    #[error("the DKIM key {0} cannot be used: {1}")]
    Dkim(String, SignFault),
    /// Credentials that the settings name were not handed over.
    #[error("not handed over: the credentials {0}; the unit needs a LoadCredential= for each, or name files instead")]
    Credentials(String),
    /// The name of this host is not a host name.
    #[error("this machine's name cannot be used in SMTP: set hostname")]
    Hostname,
}

/// A running gateway.
pub struct Gateway {
    addresses: Vec<SocketAddr>,
    reload: Reload,
    policy: PolicyHandle,
    spool: Spool,
    store: Store,
    deliver: Deliver,
    pump: Pump<Spool>,
    notifier: Notifier<SpoolCourier>,
    confirm: Confirm,
    probing: JoinHandle<()>,
    relay: Arc<Relay>,
    watch: Watch,
    stop: signal::Sender<bool>,
    doors: JoinHandle<()>,
    control: JoinHandle<()>,
    stop_for: Duration,
    _lock: DataLock,
}

impl Gateway {
    /// Starts everything. Sockets handed over (by systemd) take the place of those the settings name.
    ///
    /// # Errors
    /// The first thing that cannot be had, with what to do about it.
    pub async fn start(settings: Settings, handed: Handed, watch: Watch) -> Result<Self, StartFault> {
        let data = settings.data_dir.clone();
        refuse_without_credentials(&settings)?;
        let lock = DataLock::take(&data, "serve")?;
        let control = Server::bind(&data).map_err(|e| StartFault::Control(data.clone(), e))?;
        let hostname = hostname(&settings)?;
        let (tls, signer) = (smtp::open_tls(&settings.tls)?, Signer::new(signing_keys(&settings)?));
        let (entrances, milters, addresses) = milter::open_doors(&settings, handed)?;
        // Before anything else is made there: a folder in use without its key is refused.
        let keys = Arc::new(Keys::open(&data)?);
        let store = Store::open(&data).map_err(|e| StartFault::Store(data.clone(), e))?;
        let (ledger_key, terms) = (ledger_key(&data, &store).await?, Terms::new(store.clone()));
        let Agreed { policy, disagreements } = terms.agree(&settings, &keys.current()).await;
        let (policy, agreed) = (PolicyHandle::new(policy), Arc::new(AtomicBool::new(disagreements.is_empty())));
        put_people(&policy, (&store, &keys.current(), &data)).await?;
        let spool = open_spool(&settings)?;
        let around = surroundings(&settings, (&store, &spool, &policy), (&watch, &addresses)).await?;
        let deliver = Deliver::start_among(spool.clone(), delivery(&settings, &hostname), around);
        let pump = Pump::start(spool.clone(), store.clone(), pump_options(&settings));
        let writing = (notices_from(&settings, &hostname)?, directory(policy.clone()));
        let notices = NoticeTerms { gather_for: settings.notify.gather_for, granted: pump.granted() };
        let courier = SpoolCourier { spool: spool.clone(), deliver: deliver.clone() };
        let notifier = Notifier::start(store.clone(), courier, writing, notices);
        let post = prober::Post { store: store.clone(), pump: pump.flusher(), granted: pump.granted() };
        let (prober, probing) = Prober::start(policy.clone(), (spool.clone(), deliver.clone()), post);
        let (stop, stop_for) = (signal::Sender::new(false), Duration::from_secs(settings.smtp.limits.stop_seconds_max));
        let operator = Operator {
            started_at: clock::now(),
            agreed: Arc::clone(&agreed),
            spool: spool.clone(),
            deliver: deliver.clone(),
            store: store.clone(),
            keys: Arc::clone(&keys),
            ledger_key,
            data,
            glance: Glance::default(),
            hostname: hostname.clone(),
            doors: doors(&settings, &entrances),
            policy: policy.clone(),
            changing: tokio::sync::Mutex::default(),
            prober,
            watch: watch.clone(),
            stop: stop.clone(),
        };
        let services = operator.services(&signer, settings.smtp.stamp.as_ref());
        let relay = Arc::new(Relay::new(services.clone()));
        let control = answer_admins(control, (operator, settings.ledger.keep), stop.subscribe());
        let door = door(&settings, hostname, (tls.as_ref(), &watch));
        let door = smtp::serve(entrances, door, Arc::clone(&relay), stop.subscribe());
        let doors = milter::beside(door, milters, (&settings, &services), stop.subscribe());
        Ok(Self {
            confirm: evidence::follow(&settings, (&spool, &policy), pump.waker()).await?,
            addresses,
            reload: Reload { settings, terms, keys, policy: policy.clone(), signer, tls, agreed },
            policy,
            spool,
            store,
            deliver,
            pump,
            notifier,
            probing,
            relay,
            watch,
            stop,
            doors,
            control,
            stop_for,
            _lock: lock,
        })
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Takes what the files say now: the companies, who may relay, and the certificate. Everything or nothing is taken;
    /// what came of it is logged.
    pub async fn reload(&self, inspection: Inspection) {
        self.reload.take(inspection).await;
    }

    /// The policy in force.
    pub fn policy(&self) -> Arc<Policy> {
        self.policy.current()
    }

    /// What stands behind its doors, for a door of somebody else's, which has to be closed before this gateway stops.
    pub fn relay(&self) -> Arc<Relay> {
        Arc::clone(&self.relay)
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
        let _ = self.doors.await;
        drop(self.confirm);
        let left = until.saturating_duration_since(Instant::now()).max(DRAIN_MIN);
        let _ = self.deliver.drain(left).await;
        let _ = self.pump.flush().await;
        held_back::write(&self.watch, &self.store).await;
        templates::write(&self.watch, &self.store).await;
        let _ = self.control.await;
        self.probing.abort();
        let _ = self.probing.await;
        drop((self.pump, self.notifier));
        self.spool.close().await;
    }
}

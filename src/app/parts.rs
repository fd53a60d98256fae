//! What the parts of a gateway are started with, made from its settings.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::watch as signal;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::gateway::StartFault;
use super::held_back;
use super::operator::{Operator, follow_optouts, let_stopped_go};
use super::{optouts, retention, slots, templates};
use crate::config::keys::{KeyFault, Keyring, open_signing_key};
use crate::config::{DkimKey, DoorTls, Listener, Settings};
use crate::control::Server;
use crate::control::test_mail::TestDoor;
use crate::deliver::{self, Off, Surroundings};
use crate::ledger::KeepPersons;
use crate::mail::address::Address;
use crate::notify::{Contact, Directory, Sender};
use crate::policy::PolicyHandle;
use crate::referral::wording::Language;
use crate::sign::{NamedKey, record_name};
use crate::smtp::{Door, Entrance, listener_for};
use crate::spool::{Spool, SpoolOptions};
use crate::store::{OffRow, PumpOptions, Store};
use crate::sys::ed25519::public_key;
use crate::sys::signing_key::SigningKey;
use crate::sys::tls::ServerTls;
use crate::watch::Watch;

pub(super) fn refuse_without_credentials(settings: &Settings) -> Result<(), StartFault> {
    let missing = &settings.credentials_missing;
    if missing.is_empty() { Ok(()) } else { Err(StartFault::Credentials(missing.join(", "))) }
}

/// The keys of `[[dkim]]`, ready to sign.
pub(super) fn signing_keys(settings: &Settings) -> Result<Vec<NamedKey>, StartFault> {
    let named = |key: &DkimKey| {
        let (domain, selector) = (key.domain.as_str(), key.selector.as_str());
        let refused = |fault| StartFault::Dkim(record_name(domain, selector), fault);
        key.key.clone().map(|source| NamedKey::new(domain, selector, source).map_err(refused))
    };
    settings.dkim.iter().filter_map(named).collect()
}

pub(crate) fn hostname(settings: &Settings) -> Result<String, StartFault> {
    if let Some(name) = &settings.hostname {
        return Ok(name.to_string());
    }
    let system = rustix::system::uname().nodename().to_string_lossy().into_owned();
    crate::mail::address::Domain::parse(&system).map(|d| d.to_string()).map_err(|_| StartFault::Hostname)
}

pub(super) fn listen(settings: &Settings, handed: Vec<TcpListener>) -> Result<Vec<Entrance>, StartFault> {
    let listeners = &settings.smtp.listeners;
    if handed.is_empty() {
        let open = |l: &Listener| Entrance::open(l).map_err(|e| StartFault::Listen(l.address, e));
        return listeners.iter().map(open).collect();
    }
    let entrance = |socket: TcpListener| {
        let bound = socket.local_addr().map_err(|e| StartFault::Listen(([0, 0, 0, 0], 0).into(), e))?;
        let listener = listener_for(listeners, bound).cloned().unwrap_or_else(|| {
            tracing::warn!(%bound, "a socket handed over has the port of no listener: it gets the default settings");
            Listener::at(bound)
        });
        Ok(Entrance { socket, listener })
    };
    handed.into_iter().map(entrance).collect()
}

/// What a test mail has to know of each socket.
pub(super) fn doors(settings: &Settings, entrances: &[Entrance]) -> Vec<TestDoor> {
    let door = |entrance: &Entrance| {
        let tls = match entrance.listener.tls {
            _ if settings.tls.certificate.is_none() => "none",
            DoorTls::None => "none",
            DoorTls::StartTls => "start_tls",
            DoorTls::Implicit => "implicit",
        };
        let address = entrance.socket.local_addr().ok()?.to_string();
        let balancers_alone = !entrance.listener.proxy_from.is_empty();
        Some(TestDoor { address, tls: tls.to_owned(), balancers_alone })
    };
    entrances.iter().filter_map(door).collect()
}

pub(crate) fn spool_options(settings: &Settings) -> SpoolOptions {
    SpoolOptions {
        inline_octets_max: usize::try_from(settings.spool.inline_octets_max).unwrap_or(usize::MAX),
        reserve_octets: settings.spool.reserve_octets,
        free_octets_min: settings.spool.free_octets_min,
        ..SpoolOptions::default()
    }
}

pub(super) fn pump_options(settings: &Settings) -> PumpOptions {
    let keep_posted = jiff::SignedDuration::try_from(settings.spool.keep_posted).unwrap_or(jiff::SignedDuration::MAX);
    PumpOptions { keep_posted, ..PumpOptions::default() }
}

/// Possible doubles named in the log at a start; `status` counts all of them.
const POSSIBLE_DOUBLES_MAX: usize = 1000;

/// Opens the spool, and says in the log what the last run has left to be mended.
pub(super) fn open_spool(settings: &Settings) -> Result<Spool, StartFault> {
    let fault = |error| StartFault::Spool(settings.data_dir.clone(), error);
    let spool = Spool::open(&settings.data_dir, spool_options(settings)).map_err(fault)?;
    log_recovered(&spool);
    Ok(spool)
}

fn log_recovered(spool: &Spool) {
    let found = spool.recovered();
    if !found.clock_moved.is_zero() {
        let by_seconds = found.clock_moved.as_secs();
        tracing::warn!(
            by_seconds,
            "the clock was set, or nobody was there for long: kept mail goes on from where it was"
        );
    }
    if found.maybe_doubled > 0 || found.orphans > 0 || !found.parked.is_empty() {
        let (maybe_doubled, orphans, parked) = (found.maybe_doubled, found.orphans, found.parked.len());
        tracing::warn!(maybe_doubled, orphans, parked, "the last run ended in the middle of something");
    }
    for id in found.possible_doubles.iter().take(POSSIBLE_DOUBLES_MAX) {
        tracing::warn!(%id, "possible_double");
    }
}

pub(crate) fn delivery(settings: &Settings, hostname: &str) -> deliver::Settings {
    deliver::Settings {
        hostname: hostname.to_owned(),
        routes: settings.routes.clone(),
        custody: settings.custody,
        deliver: settings.deliver,
        retry: settings.retry.clone(),
    }
}

/// For whom nothing is inserted, by the rows of the store.
pub(super) fn off(rows: &[OffRow]) -> Off {
    let companies = rows.iter().filter_map(|row| row.company.clone()).collect();
    Off { all: rows.iter().any(|row| row.company.is_none()), companies }
}

/// Puts in force who may log in, who wants no line, and what HR has said of templates.
pub(super) async fn put_people(
    policy: &PolicyHandle,
    (store, keys, data): (&Store, &Keyring, &Path),
) -> Result<(), StartFault> {
    policy.put_users(store.users().await.map_err(|e| StartFault::Store(data.to_owned(), e))?);
    policy.put_optouts(optouts::at_start(store, keys, data).await.as_ref());
    policy.put_templates(templates::at_start(store).await.as_ref());
    Ok(())
}

/// The key that signs for the ledger. Whoever pinned another one has to be told, so a new one is said in the log.
/// The ledger is let know, too: without the row its checkpoints are those of a stranger to `ledger verify`.
pub(super) async fn ledger_key(data: &Path, store: &Store) -> Result<Arc<SigningKey>, KeyFault> {
    let (key, is_new) = open_signing_key(data)?;
    if let Some(public) = public_key(&key) {
        if is_new {
            tracing::info!(%public, "a key was made that signs the ledger's checkpoints: `keys show` tells it");
        }
        if let Err(error) = store.note_signing_key(public).await {
            tracing::error!(%error, "the key that signs the ledger's checkpoints is not written down");
        }
    }
    Ok(Arc::new(key))
}

/// What all sockets share.
pub(super) fn door(settings: &Settings, host: String, (tls, watch): (Option<&ServerTls>, &Watch)) -> Door {
    Door { host: host.into(), settings: Arc::new(settings.smtp.clone()), tls: tls.cloned(), watch: watch.clone() }
}

/// Names, where we listen (a domain whose mail server is there leads back to us), and for whom nothing is inserted.
/// Mails that were held for those do not wait any more.
pub(super) async fn surroundings(
    settings: &Settings,
    (store, spool, policy): (&Store, &Spool, &PolicyHandle),
    (watch, addresses): (&Watch, &[SocketAddr]),
) -> Result<Surroundings, StartFault> {
    let data = &settings.data_dir;
    let rows = store.switched_off().await.map_err(|e| StartFault::Store(data.clone(), e))?;
    let_stopped_go(spool, watch, &rows).await;
    let around = Surroundings::with(watch.clone(), &settings.dns, addresses.to_vec());
    let optouts = policy.current().optouts().cloned();
    Ok(Surroundings { policies: Some(data.join("sts-policies.json")), off: off(&rows), optouts, ..around })
}

pub(super) fn directory(policy: PolicyHandle) -> Directory {
    Arc::new(move |id| {
        let policy = policy.current();
        let company = &policy.company(id)?.company;
        let name = match company.notify_language {
            Language::Ja => company.name_ja.clone(),
            _ => company.name_en.clone(),
        };
        Some(Contact { name, to: company.notify_to.clone() })
    })
}

pub(super) fn notices_from(settings: &Settings, hostname: &str) -> Result<Sender, StartFault> {
    let ours = || Address::parse(&format!("career-relay@{hostname}")).map_err(|_| StartFault::Hostname);
    let from = settings.notify.from.clone().map_or_else(ours, Ok)?;
    let zone = TimeZone::fixed(jiff::tz::offset(9));
    Ok(Sender { from, hostname: hostname.to_owned(), zone })
}

/// Lets the watch know each second, so that it can tell how many mails come and go in one.
async fn tick(watch: Watch, mut stop: signal::Receiver<bool>) {
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = second.tick() => watch.tick(),
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

pub(super) fn answer_admins(
    server: Server,
    (operator, keep): (Operator, KeepPersons),
    mut stop: signal::Receiver<bool>,
) -> JoinHandle<()> {
    tokio::spawn(tick(operator.watch.clone(), stop.clone()));
    tokio::spawn(held_back::run(operator.watch.clone(), operator.store.clone(), stop.clone()));
    tokio::spawn(slots::let_time_pass(operator.store.clone(), stop.clone()));
    tokio::spawn(retention::forget_persons(operator.store.clone(), keep, stop.clone()));
    tokio::spawn(templates::run(operator.watch.clone(), operator.store.clone(), stop.clone()));
    let operator = Arc::new(operator);
    tokio::spawn(follow_optouts(Arc::clone(&operator), stop.clone()));
    let stopped = async move {
        // A sender that is gone means the same as a stop.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    tokio::spawn(server.run(operator, stopped))
}

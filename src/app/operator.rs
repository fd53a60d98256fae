//! Answers what is asked of a running server over the admin socket.

mod erase;
mod line;
mod observe;
mod optout;
mod teach;
mod told;

pub(super) use line::let_stopped_go;
pub(super) use optout::follow_optouts;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{Mutex, watch};

use super::glance::Glance;
use super::keys::Keys;
use super::prober::Prober;
use crate::config::Stamp;
use crate::confirm;
use crate::control::ledger::answer_ledger;
use crate::control::probe;
use crate::control::recover::recover;
use crate::control::signals::answer_signals;
use crate::control::slot::answer_slots;
use crate::control::spool::{Hand, answer_spool};
use crate::control::switch::StopLine;
use crate::control::test_mail::{self, TestDoor};
use crate::control::then;
use crate::control::trace::trace;
use crate::control::trust;
use crate::control::users::answer_users;
use crate::control::{Answer, Caller, DestinationState, Request, SpoolStatus, Status};
use crate::deliver::Deliver;
use crate::policy::PolicyHandle;
use crate::referral::OptOut;
use crate::sign::Signer;
use crate::smtp::custody::Services;
use crate::spool::{Entry, Spool, Write};
use crate::store::Store;
use crate::sys::clock;
use crate::sys::signing_key::SigningKey;
use crate::watch::{Gauge, Watch};

/// Next hops told of at one time.
const NEXT_HOPS_MAX: usize = 100;

/// Destinations told of at one time.
const DESTINATIONS_MAX: usize = 100;

/// What the answers are made of.
pub struct Operator {
    /// Since when the server runs.
    pub started_at: Timestamp,
    /// Whether the ledger knows the keys and contracts of every company.
    pub agreed: Arc<AtomicBool>,
    /// Custody and outbox.
    pub spool: Spool,
    /// The next hops.
    pub deliver: Deliver,
    /// The ledger.
    pub store: Store,
    /// The keys of all companies, to find a person by the address.
    pub keys: Arc<Keys>,
    /// What signs for the ledger.
    pub ledger_key: Arc<SigningKey>,
    /// Who may log in stands beside the policy.
    pub policy: PolicyHandle,
    /// The data folder.
    pub data: PathBuf,
    /// What waits where, as it was looked at last.
    pub glance: Glance,
    /// One change at a time, from the store to what is in force. Within: who gets no line though the disk did not take
    /// it.
    pub changing: Mutex<Vec<OptOut>>,
    /// Our host name.
    pub hostname: String,
    /// Where we listen.
    pub doors: Vec<TestDoor>,
    /// The counters.
    pub watch: Watch,
    /// Who sends probes of return paths.
    pub prober: Arc<Prober>,
    /// Ends the server when it turns true.
    pub stop: watch::Sender<bool>,
}

impl Answer for Operator {
    async fn answer(&self, caller: Caller, request: Request) -> Result<Value, String> {
        if let Some(answer) = answer_ledger(&self.store, &request).await {
            return answer;
        }
        if let Some(answer) = answer_slots(&self.store, caller, &request).await {
            return answer;
        }
        if let Some(answer) = answer_signals(&self.store, caller, &request).await {
            return answer;
        }
        if let Some(answer) = self.answer_told(caller, &request).await {
            return answer;
        }
        if let Some(answer) = self.answer_users(caller, &request).await {
            return answer;
        }
        if let Some(answer) = self.answer_switch(caller, &request).await {
            return answer;
        }
        if let Some(answer) = self.answer_hold(caller, &request).await {
            return answer;
        }
        if let Some(answer) = self.answer_optout(caller, &request).await {
            return answer;
        }
        if let Some(answer) = self.answer_teach(caller, &request).await {
            return answer;
        }
        if let Some(answer) = self.answer_erase(caller, &request).await {
            return answer;
        }
        if let Some(answer) = self.answer_observe(caller, &request).await {
            return answer;
        }
        match request {
            Request::Counters => to_value(&self.status().await?.watch),
            Request::ExpectTest { company, kind } => {
                let ours = (self.hostname.as_str(), &self.doors[..]);
                let announced =
                    test_mail::announce((company.as_ref(), kind), &self.policy.current(), ours, &self.watch);
                to_value(&announced?)
            }
            Request::Follow { token } => to_value(&test_mail::follow(&token, &self.watch, &self.spool).await?),
            Request::Spool { what } => answer_spool(&self.spool, self, caller, &what).await,
            Request::Recover { events, dry_run } => {
                to_value(&recover((&self.spool, &self.store), caller, &events, dry_run).await?)
            }
            Request::Then { company, at } => to_value(&then::then(&self.store, &company, &at).await?),
            Request::Trace { subject } => {
                let companies = self.store.companies().await.map_err(|e| e.to_string())?;
                let ring = self.keys.current();
                let keys: Vec<_> = companies.iter().map(|company| ring.of(company)).collect();
                to_value(&trace((&self.spool, &self.store), &keys, &subject).await?)
            }
            Request::Checkpoint => to_value(&trust::checkpoint(&self.store, &self.ledger_key, clock::now()).await?),
            Request::Probes => to_value(&probe::list((&self.spool, &self.store), clock::now()).await?),
            Request::Probe { company } => {
                let sent = self.prober.send_now(company.as_ref(), clock::now()).await?;
                tracing::info!(target: "audit", uid = caller.uid, act = "probe", probes = sent);
                to_value(&probe::list((&self.spool, &self.store), clock::now()).await?)
            }
            Request::Stop => {
                self.stop.send_replace(true);
                Ok(Value::from("stopping"))
            }
            _ => to_value(&self.status().await?),
        }
    }
}

impl Hand for Operator {
    fn reports_of(&self, entry: &Entry, numbers: &[u32]) -> Result<Vec<Write>, String> {
        Ok(self.deliver.reports_of(entry, numbers, clock::Now::read()))
    }

    fn try_now(&self, destinations: &[String]) {
        self.deliver.try_now(destinations);
    }
}

impl Operator {
    /// A change holds for who logs in from its answer on.
    async fn answer_users(&self, caller: Caller, request: &Request) -> Option<Result<Value, String>> {
        let Request::SetUser { change, .. } = request else {
            return answer_users(&self.store, caller, request).await;
        };
        let _one_at_a_time = self.changing.lock().await;
        let answer = answer_users(&self.store, caller, request).await;
        match self.store.users().await {
            Ok(users) => self.policy.put_users(users),
            Err(error) => return Some(Err(format!("{error}; the change holds from the next start on"))),
        }
        if answer.as_ref().is_some_and(Result::is_ok) {
            tracing::info!(target: "control", uid = caller.uid, act = change.code(), "a user was changed");
        }
        answer
    }

    /// What the relay works with: the same parts.
    pub(super) fn services(&self, signer: &Signer, stamp: Option<&Stamp>) -> Services {
        Services {
            host: self.hostname.clone().into(),
            policy: self.policy.clone(),
            deliver: self.deliver.clone(),
            spool: self.spool.clone(),
            signer: signer.clone(),
            stamp: stamp.map(Stamp::line).unwrap_or_default().into(),
            watch: self.watch.clone(),
            evidence: |behind, report, at| Some(confirm::evidence(behind, report, at)),
            probed: self.prober.bell(),
        }
    }

    async fn status(&self) -> Result<Status, String> {
        let summary = self.spool.summary().await.map_err(|e| e.to_string())?;
        self.watch.set(Gauge::SpoolEntries, summary.entries);
        self.watch.set(Gauge::OutboxWaiting, summary.unposted);
        let standings = self.glance.standings(&self.spool).await.map_err(|e| e.to_string())?;
        let spool = SpoolStatus {
            destinations: standings.iter().take(DESTINATIONS_MAX).map(DestinationState::from).collect(),
            destinations_known: standings.len(),
            ..SpoolStatus::from(&summary)
        };
        let (next_hops, next_hops_known) = self.deliver.next_hops(NEXT_HOPS_MAX);
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: std::process::id(),
            started_at: self.started_at.to_string(),
            off: self.off_lines().await?,
            edits_stopped: self.deliver.edit_stops().iter().map(StopLine::from).collect(),
            edits: self.agreed.load(Ordering::Relaxed) && self.spool.is_writable(),
            spool,
            watch: self.watch.snapshot(),
            rates: self.watch.rates(),
            next_hops,
            next_hops_known,
        })
    }
}

fn to_value(answer: &impl serde::Serialize) -> Result<Value, String> {
    serde_json::to_value(answer).map_err(|e| e.to_string())
}

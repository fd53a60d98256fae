//! The task that sends what is due: woken when a slot is granted, and by the clock in case a ring was missed.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lettre::AsyncTransport;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use super::courier::{Courier, Handover};
use super::notice::{Contact, Sender, compose};
use crate::ledger::{Balance, Grant, Pool};
use crate::referral::CompanyId;
use crate::store::Store;

/// Finds whom to write to; asked for each notice, so that a changed configuration holds at once.
pub type Directory = Arc<dyn Fn(&CompanyId) -> Option<Contact> + Send + Sync>;

/// Notices of one round.
const ROUND_MAX: usize = 1_000;
/// Notices handed over at one time: they share the syncs of spool and ledger.
const TOGETHER_MAX: usize = 64;
/// How often it looks without being woken.
const PERIOD: Duration = Duration::from_mins(1);

/// The running task. Dropping it stops it; what is due stays due.
pub struct Notifier<C: Courier> {
    inner: Arc<Inner<C>>,
    task: JoinHandle<()>,
}

struct Inner<C> {
    store: Store,
    courier: C,
    sender: Sender,
    directory: Directory,
    sending: tokio::sync::Mutex<()>,
    /// Companies whose lack of an address was told.
    told: Mutex<HashSet<CompanyId>>,
}

impl<C: Courier> Notifier<C> {
    /// Starts the task on the running runtime. `granted` is what the pump rings.
    pub fn start(store: Store, courier: C, sender: Sender, directory: Directory, granted: Arc<Notify>) -> Self {
        let (sending, told) = (tokio::sync::Mutex::new(()), Mutex::default());
        let inner = Arc::new(Inner { store, courier, sender, directory, sending, told });
        let running = Arc::clone(&inner);
        let work = async move {
            loop {
                if let Err(error) = running.send_due().await {
                    tracing::warn!(%error, "notices about hire slots wait");
                }
                // A timeout is as good a reason to look as a ring is.
                let _ = tokio::time::timeout(PERIOD, granted.notified()).await;
            }
        };
        Self { inner, task: tokio::spawn(work) }
    }

    /// Sends what is due now; gives how many notices the courier took.
    ///
    /// # Errors
    /// What failed first. Other notices were tried all the same, and what was not taken stays due.
    pub async fn flush(&self) -> Result<usize, String> {
        self.inner.send_due().await
    }
}

impl<C: Courier> Drop for Notifier<C> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<C: Courier> Inner<C> {
    async fn send_due(self: &Arc<Self>) -> Result<usize, String> {
        let _one_round_at_a_time = self.sending.lock().await;
        let due = self.store.grants_due(ROUND_MAX).await.map_err(|e| e.to_string())?;
        let (mut taken, mut failed) = (0, None);
        for together in due.chunks(TOGETHER_MAX) {
            let balances = self.balances(together).await?;
            let mut sending = JoinSet::new();
            for grant in together {
                let (inner, grant) = (Arc::clone(self), grant.clone());
                let balances = balances.get(&grant.company).cloned().unwrap_or_default();
                sending.spawn(async move { inner.send(grant, &balances).await });
            }
            for sent in sending.join_all().await {
                match sent {
                    Ok(sent) => taken += usize::from(sent),
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
        }
        failed.map_or(Ok(taken), Err)
    }

    /// The balances of the grants' companies, each read once.
    async fn balances(&self, grants: &[Grant]) -> Result<HashMap<CompanyId, Arc<[Balance]>>, String> {
        let mut balances = HashMap::new();
        for company in grants.iter().map(|grant| &grant.company) {
            if !balances.contains_key(company) {
                let read = self.store.balance(company).await.map_err(|e| e.to_string())?;
                balances.insert(company.clone(), read.into());
            }
        }
        Ok(balances)
    }

    /// Marks the notice only when the courier has it. A crash in between sends it again under the same name, and the
    /// courier then lets it go nowhere. `false` when there is nobody to write to: it stays due until there is.
    async fn send(&self, grant: Grant, balances: &[Balance]) -> Result<bool, String> {
        let id = grant.id();
        let contact = (self.directory)(&grant.company).filter(|c| !c.to.is_empty());
        let Some(contact) = contact else {
            self.tell_once(&grant.company, &id);
            return Ok(false);
        };
        let pool = balances.iter().find(|b| b.series == grant.series).map_or_else(Pool::default, |b| b.pool);
        let now = crate::sys::clock::now();
        let message = compose(&grant, &pool, &contact, &self.sender, now).map_err(|e| format!("{id}: {e}"))?;
        let handover = Handover { courier: &self.courier, once: id.clone() };
        handover.send(message).await.map_err(|e| format!("{id}: {e}"))?;
        self.store.mark_taken(grant).await.map_err(|e| e.to_string())?;
        Ok(true)
    }

    /// Says once in a run of a company that nobody there is written to; the next round comes in a minute.
    fn tell_once(&self, company: &CompanyId, grant: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert(company.clone()) {
            tracing::warn!(company = company.as_str(), grant, "no notify_to: the notice of a hire slot waits for one");
        }
    }
}

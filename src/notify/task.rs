//! The task that sends what is due: woken when a slot is granted, and by the clock in case a ring was missed.
//!
//! A company hears of its first slot at once. Those it is granted soon behind share the next mail, so that a season of
//! thousands of rejections does not fill the mailbox of HR.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lettre::AsyncTransport;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use super::courier::{Courier, Handover};
use super::notice::{Contact, Sender, compose};
use crate::ledger::{Balance, Notice, Pool};
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
/// The least time between two rounds, so that a ring for each slot of a busy day costs one look a second.
const PAUSE: Duration = Duration::from_secs(1);

/// The running task. Dropping it stops it; what is due stays due.
pub struct Notifier<C: Courier> {
    inner: Arc<Inner<C>>,
    task: JoinHandle<()>,
}

/// When notices are looked for.
pub struct Terms {
    /// Slots granted to a company so soon behind a mail about others share the next one.
    pub gather_for: Duration,
    /// Rung by the pump when a slot was granted.
    pub granted: Arc<Notify>,
}

struct Inner<C> {
    store: Store,
    courier: C,
    sender: Sender,
    directory: Directory,
    gather_for: Duration,
    /// When each company was last written to in this run. Held for the length of a round: there is one at a time.
    written_at: tokio::sync::Mutex<HashMap<CompanyId, Instant>>,
    /// Companies whose lack of an address was told.
    told: Mutex<HashSet<CompanyId>>,
}

impl<C: Courier> Notifier<C> {
    /// Starts the task on the running runtime. `granted` is what the pump rings.
    pub fn start(store: Store, courier: C, (sender, directory): (Sender, Directory), terms: Terms) -> Self {
        let (written_at, told) = (tokio::sync::Mutex::default(), Mutex::default());
        let Terms { gather_for, granted } = terms;
        let inner = Arc::new(Inner { store, courier, sender, directory, gather_for, written_at, told });
        let running = Arc::clone(&inner);
        let work = async move {
            loop {
                if let Err(error) = running.send_due(running.gather_for).await {
                    tracing::warn!(%error, "notices about hire slots wait");
                }
                sleep(PAUSE).await;
                // A timeout is as good a reason to look as a ring is.
                let _ = timeout(PERIOD.min(running.gather_for), granted.notified()).await;
            }
        };
        Self { inner, task: tokio::spawn(work) }
    }

    /// Sends what is to be told now, and lets nothing gather; gives how many notices the courier took.
    ///
    /// # Errors
    /// What failed first. Other notices were tried all the same, and what was not taken stays due.
    pub async fn flush(&self) -> Result<usize, String> {
        self.inner.send_due(Duration::ZERO).await
    }

    /// One round as the clock makes it.
    #[cfg(test)]
    pub(super) async fn round(&self) -> Result<usize, String> {
        self.inner.send_due(self.inner.gather_for).await
    }
}

impl<C: Courier> Drop for Notifier<C> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<C: Courier> Inner<C> {
    async fn send_due(self: &Arc<Self>, gather_for: Duration) -> Result<usize, String> {
        let mut written_at = self.written_at.lock().await;
        for company in self.store.companies_to_tell().await.map_err(|e| e.to_string())? {
            if written_at.get(&company).is_none_or(|at| at.elapsed() >= gather_for) {
                self.store.gather_notice(company.clone()).await.map_err(|e| e.to_string())?;
                written_at.insert(company, Instant::now());
            }
        }
        let due = self.store.notices_due(ROUND_MAX).await.map_err(|e| e.to_string())?;
        let (mut taken, mut failed) = (0, None);
        for together in due.chunks(TOGETHER_MAX) {
            let balances = self.balances(together).await?;
            let mut sending = JoinSet::new();
            for notice in together {
                let (inner, notice) = (Arc::clone(self), notice.clone());
                let balances = balances.get(&notice.first.company).cloned().unwrap_or_default();
                sending.spawn(async move { inner.send(notice, &balances).await });
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

    /// The balances of the notices' companies, each read once.
    async fn balances(&self, notices: &[Notice]) -> Result<HashMap<CompanyId, Arc<[Balance]>>, String> {
        let mut balances = HashMap::new();
        for company in notices.iter().map(|notice| &notice.first.company) {
            if !balances.contains_key(company) {
                let read = self.store.balance(company).await.map_err(|e| e.to_string())?;
                balances.insert(company.clone(), read.into());
            }
        }
        Ok(balances)
    }

    /// Marks the notice only when the courier has it. A crash in between sends it again under the same name, and the
    /// courier then lets it go nowhere. `false` when there is nobody to write to: it stays due until there is.
    async fn send(&self, notice: Notice, balances: &[Balance]) -> Result<bool, String> {
        let (id, company) = (notice.id(), &notice.first.company);
        let contact = (self.directory)(company).filter(|c| !c.to.is_empty());
        let Some(contact) = contact else {
            self.tell_once(company, &id);
            return Ok(false);
        };
        let pool = balances.iter().find(|b| b.series == notice.first.series).map_or_else(Pool::default, |b| b.pool);
        let now = crate::sys::clock::now();
        let message = compose(&notice, &pool, &contact, &self.sender, now).map_err(|e| format!("{id}: {e}"))?;
        let handover = Handover { courier: &self.courier, once: id.clone() };
        handover.send(message).await.map_err(|e| format!("{id}: {e}"))?;
        self.store.mark_taken(notice).await.map_err(|e| e.to_string())?;
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

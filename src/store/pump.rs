//! The pump: moves outbox rows into the ledger, again and again until both sides say they are there.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinHandle;

use super::outbox::Outbox;
use super::{Ledger, Store};

/// How the pump works.
#[derive(Clone, Debug)]
pub struct PumpOptions {
    /// Rows of one commit.
    pub batch_rows: usize,
    /// How often it looks without being woken.
    pub period: Duration,
    /// The longest wait between tries while the store or the spool fails.
    pub retry_max: Duration,
    /// How long posted rows stay in the outbox, for a ledger that comes back from an older copy.
    pub keep_posted: SignedDuration,
}

impl Default for PumpOptions {
    fn default() -> Self {
        Self {
            batch_rows: 5_000,
            period: Duration::from_secs(1),
            retry_max: Duration::from_mins(1),
            keep_posted: SignedDuration::from_hours(7 * 24),
        }
    }
}

/// How the pump is doing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PumpHealth {
    /// The last outbox row that both sides have.
    pub posted_up_to: u64,
    /// Events that made entries since the start.
    pub events: u64,
    /// Slots granted since the start.
    pub grants: u64,
    /// Why the last try failed; `None` when it did not.
    pub last_error: Option<String>,
}

/// Least time between two removals of old rows.
const PRUNE_EVERY: SignedDuration = SignedDuration::from_mins(10);

/// The running pump. Dropping it stops it; rows it had not moved wait in the outbox.
pub struct Pump<O: Outbox, L: Ledger = Store> {
    inner: Arc<Inner<O, L>>,
    task: JoinHandle<()>,
}

/// Moves what is in the outbox, for those who do not hold the pump.
pub struct Flusher<O, L = Store>(Arc<Inner<O, L>>);

impl<O: Outbox, L: Ledger> Flusher<O, L> {
    /// As [`Pump::flush`].
    ///
    /// # Errors
    /// As [`Pump::flush`].
    pub async fn flush(&self) -> Result<(), String> {
        self.0.move_all().await
    }
}

struct Inner<O, L> {
    outbox: O,
    store: L,
    options: PumpOptions,
    wake: Arc<Notify>,
    granted: Arc<Notify>,
    health: watch::Sender<PumpHealth>,
    position: Mutex<Position>,
}

#[derive(Default)]
struct Position {
    /// The last row moved; `None` until the store has told where it stands.
    seq: Option<u64>,
    pruned: Option<Timestamp>,
}

impl<O: Outbox, L: Ledger> Pump<O, L> {
    /// Starts the task on the running runtime.
    pub fn start(outbox: O, store: L, options: PumpOptions) -> Self {
        let inner = Arc::new(Inner {
            outbox,
            store,
            options,
            wake: Arc::new(Notify::new()),
            granted: Arc::new(Notify::new()),
            health: watch::Sender::new(PumpHealth::default()),
            position: Mutex::default(),
        });
        let running = Arc::clone(&inner);
        Self { inner, task: tokio::spawn(async move { running.work().await }) }
    }

    /// Says that there may be new rows.
    pub fn wake(&self) {
        self.inner.wake.notify_one();
    }

    /// The bell of [`Self::wake`], for those who do not hold the pump.
    pub fn waker(&self) -> Arc<Notify> {
        Arc::clone(&self.inner.wake)
    }

    /// Its hand, for those who do not hold it.
    pub fn flusher(&self) -> Flusher<O, L> {
        Flusher(Arc::clone(&self.inner))
    }

    /// Rung whenever a slot was granted; the notices wait in the store.
    pub fn granted(&self) -> Arc<Notify> {
        Arc::clone(&self.inner.granted)
    }

    /// How it is doing, now and at every change.
    pub fn health(&self) -> watch::Receiver<PumpHealth> {
        self.inner.health.subscribe()
    }

    /// Moves everything that is in the outbox now, and returns when both sides have it.
    ///
    /// # Errors
    /// Why it stopped; what was not moved stays in the outbox and is tried again.
    pub async fn flush(&self) -> Result<(), String> {
        self.inner.move_all().await
    }
}

impl<O: Outbox, L: Ledger> Drop for Pump<O, L> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<O: Outbox, L: Ledger> Inner<O, L> {
    async fn work(&self) {
        let mut pause = self.options.period;
        loop {
            pause = match self.move_all().await {
                Ok(()) => self.options.period,
                Err(error) => {
                    tracing::warn!(%error, "referrals wait in the outbox");
                    (pause * 2).min(self.options.retry_max)
                }
            };
            // A timeout is as good a reason to look as a ring is.
            let _ = tokio::time::timeout(pause, self.wake.notified()).await;
        }
    }

    async fn move_all(&self) -> Result<(), String> {
        let mut position = self.position.lock().await;
        let result = self.move_from(&mut position).await;
        if result.is_err() {
            // The store may have come back from an older copy, so it is asked anew where it stands.
            position.seq = None;
        }
        self.health.send_modify(|health| health.last_error = result.as_ref().err().cloned());
        result
    }

    async fn move_from(&self, position: &mut Position) -> Result<(), String> {
        let mut seq = match position.seq {
            Some(seq) => seq,
            None => self.find_start().await?,
        };
        loop {
            let rows = self.outbox.rows_after(seq, self.options.batch_rows).await?;
            if rows.is_empty() {
                position.seq = Some(seq);
                return Ok(());
            }
            // Rows that come from now on wait for the next round: to run after each would cost two syncs for a few.
            let is_all = rows.len() < self.options.batch_rows;
            let posted = self.store.post(rows).await.map_err(|e| e.to_string())?;
            if !posted.grants.is_empty() {
                self.granted.notify_one();
            }
            let now = crate::sys::clock::now();
            let prune = self.prune_before(position, now);
            self.outbox.mark_posted(posted.up_to_seq, now, prune).await?;
            seq = posted.up_to_seq;
            position.seq = Some(seq);
            self.health.send_modify(|health| {
                health.posted_up_to = seq;
                health.events += posted.events;
                health.grants += posted.grants.len() as u64;
            });
            if is_all {
                return Ok(());
            }
        }
    }

    /// Where to go on: behind the store's last row if the outbox still shows that very event there, else from the
    /// first row there is. Posting again adds nothing; passing over a row would lose a credit.
    async fn find_start(&self) -> Result<u64, String> {
        let progress = self.store.progress().await.map_err(|e| e.to_string())?;
        let Some(before) = progress.seq.checked_sub(1) else { return Ok(0) };
        let rows = self.outbox.rows_after(before, 1).await?;
        let same = rows.first().is_some_and(|r| r.seq == progress.seq && Some(r.event.id()) == progress.event);
        Ok(if same { progress.seq } else { 0 })
    }

    fn prune_before(&self, position: &mut Position, now: Timestamp) -> Option<Timestamp> {
        if position.pruned.is_some_and(|last| now.duration_since(last).abs() < PRUNE_EVERY) {
            return None;
        }
        position.pruned = Some(now);
        now.checked_sub(self.options.keep_posted).ok()
    }
}

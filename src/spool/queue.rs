//! Where batches wait for the writer: bounded, and taken all at once.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::bodies::Placed;
use super::error::SpoolError;
use super::types::Write;

/// A batch on its way, with who waits for it.
pub(super) struct Job {
    pub(super) writes: Vec<Write>,
    /// One for each [`Write::Store`], in their order.
    pub(super) placed: Vec<Placed>,
    pub(super) answer: oneshot::Sender<Result<(), SpoolError>>,
    /// Held until the batch is answered, so that waiting batches stay bounded.
    pub(super) _place: OwnedSemaphorePermit,
}

/// The waiting batches.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    places: Arc<Semaphore>,
}

struct Waiting {
    jobs: Vec<Job>,
    closed: bool,
    /// The writer sleeps until something comes. Nobody else is to be woken, and it only once: each call costs.
    asleep: bool,
}

/// What the writer finds.
pub(super) enum Taken {
    /// All batches that waited.
    Jobs(Vec<Job>),
    /// None came in the time given.
    Quiet,
    /// None is left, and none will come.
    Closed,
}

impl Queue {
    pub(super) fn new(batches_max: usize) -> Self {
        let waiting = Mutex::new(Waiting { jobs: Vec::new(), closed: false, asleep: false });
        let places = Arc::new(Semaphore::new(batches_max.clamp(1, Semaphore::MAX_PERMITS)));
        Self { waiting, arrived: Condvar::new(), places }
    }

    /// Waits for a place among the waiting batches.
    pub(super) async fn place(&self) -> Result<OwnedSemaphorePermit, SpoolError> {
        Arc::clone(&self.places).acquire_owned().await.map_err(|_| SpoolError::Closed)
    }

    /// Hands a batch to the writer.
    pub(super) fn push(&self, job: Job) -> Result<(), SpoolError> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(SpoolError::Closed);
        }
        waiting.jobs.push(job);
        let was_asleep = std::mem::take(&mut waiting.asleep);
        drop(waiting);
        if was_asleep {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Takes all that wait; blocks until some do, the time is over (`None`: never), or the queue is closed and empty.
    /// Behind the first of them more may `gather` for a while.
    pub(super) fn take(&self, wait: Option<Duration>, gather: Option<Duration>) -> Taken {
        let empty = |w: &mut Waiting| {
            w.asleep = w.jobs.is_empty() && !w.closed;
            w.asleep
        };
        let guard = self.lock();
        let mut waiting = match wait {
            None => self.arrived.wait_while(guard, empty).unwrap_or_else(PoisonError::into_inner),
            Some(wait) => {
                let woken = self.arrived.wait_timeout_while(guard, wait, empty);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        waiting.asleep = false;
        if let Some(gather) = gather.filter(|_| !waiting.jobs.is_empty()) {
            drop(waiting);
            std::thread::sleep(gather);
            waiting = self.lock();
        }
        if !waiting.jobs.is_empty() {
            return Taken::Jobs(std::mem::take(&mut waiting.jobs));
        }
        if waiting.closed { Taken::Closed } else { Taken::Quiet }
    }

    /// Lets no more batches in; those that wait are still taken.
    pub(super) fn close(&self) {
        self.places.close();
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

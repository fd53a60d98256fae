//! Work on octets of strangers: bounded in time and in how much is done at once, and no end of ours when it fails.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Work on so many octets is done where it is asked for; work on more beside the runtime's own threads.
const INLINE_OCTETS_MAX: usize = 256 * 1024;
/// How long larger work may wait for its turn and be done.
const PATIENCE: Duration = Duration::from_secs(3);

/// Turns for large work: one at a time for each processor.
pub struct Turns {
    turns: Arc<Semaphore>,
    patience: Duration,
}

/// Why there is no result.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoResult {
    /// The work ended in an error of ours.
    Panicked,
    /// There was no turn in time, or it took too long.
    Overloaded,
}

impl Default for Turns {
    fn default() -> Self {
        let turns = std::thread::available_parallelism().map_or(1, usize::from);
        Self { turns: Arc::new(Semaphore::new(turns)), patience: PATIENCE }
    }
}

impl Turns {
    /// What `work` on so many octets gives.
    ///
    /// # Errors
    /// [`NoResult`].
    pub async fn take<T, F>(&self, octets: usize, work: F) -> Result<T, NoResult>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        if octets <= INLINE_OCTETS_MAX {
            // What unwinds here is thrown away whole: nothing half changed is looked at again.
            return catch_unwind(AssertUnwindSafe(work)).map_err(|_| NoResult::Panicked);
        }
        let turns = Arc::clone(&self.turns);
        let done = async move {
            let turn = turns.acquire_owned().await.map_err(|_| NoResult::Overloaded)?;
            let work = move || {
                // The turn lasts as long as the work, also when nobody waits for it any more.
                let _turn = turn;
                work()
            };
            tokio::task::spawn_blocking(work).await.map_err(|_| NoResult::Panicked)
        };
        timeout(self.patience, done).await.unwrap_or(Err(NoResult::Overloaded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_no_result_and_not_the_end() {
        let turns = Turns::default();
        for octets in [1, INLINE_OCTETS_MAX + 1] {
            let failed: Result<(), NoResult> = turns.take(octets, || panic!("asked to")).await;
            assert_eq!(failed, Err(NoResult::Panicked));
            assert_eq!(turns.take(octets, || 7).await, Ok(7));
        }
    }

    #[tokio::test]
    async fn large_work_that_finds_no_turn_is_not_done_and_small_work_needs_none() {
        let turns = Turns { turns: Arc::new(Semaphore::new(0)), patience: Duration::ZERO };
        assert_eq!(turns.take(INLINE_OCTETS_MAX + 1, || 7).await, Err(NoResult::Overloaded));
        assert_eq!(turns.take(1, || 7).await, Ok(7));
    }
}

//! The tasks of delivery, counted, so that a stop can wait for them.

use std::sync::Arc;

use tokio::sync::watch;

/// Running tasks.
#[derive(Debug)]
pub(super) struct Tasks(Arc<watch::Sender<usize>>);

impl Default for Tasks {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

/// Counts one task until it is dropped, also when the task panics.
struct Running(Arc<watch::Sender<usize>>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}

impl Tasks {
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.send_modify(|running| *running += 1);
        let running = Running(Arc::clone(&self.0));
        tokio::spawn(async move {
            work.await;
            drop(running);
        });
    }

    /// Returns when no task is running.
    pub(super) async fn ended(&self) {
        // The sender lives as long as `self`, so the only answer is that the count is zero.
        let _ = self.0.subscribe().wait_for(|running| *running == 0).await;
    }
}

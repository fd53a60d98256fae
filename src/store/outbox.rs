//! The side of the spool that the pump sees: rows in their order, and the marks it leaves.

use std::future::Future;

use jiff::Timestamp;

use crate::spool::{OutboxRow, Spool, Write};

/// A durable list of referrals that the store has not confirmed yet.
pub trait Outbox: Send + Sync + 'static {
    /// Rows behind number `seq`, in their order, at most `limit`.
    fn rows_after(&self, seq: u64, limit: usize) -> impl Future<Output = Result<Vec<OutboxRow>, String>> + Send;

    /// Notes that the store has every row up to `up_to_seq`, and removes those posted before `prune_before`, if given.
    fn mark_posted(
        &self,
        up_to_seq: u64,
        at: Timestamp,
        prune_before: Option<Timestamp>,
    ) -> impl Future<Output = Result<(), String>> + Send;
}

impl Outbox for Spool {
    async fn rows_after(&self, seq: u64, limit: usize) -> Result<Vec<OutboxRow>, String> {
        self.outbox_after(seq, limit).await.map_err(|e| e.to_string())
    }

    async fn mark_posted(&self, up_to_seq: u64, at: Timestamp, prune_before: Option<Timestamp>) -> Result<(), String> {
        let prune = prune_before.map(|posted_before| Write::Prune { posted_before });
        let batch = std::iter::once(Write::Posted { up_to_seq, at }).chain(prune).collect();
        self.commit(batch).await.map_err(|e| e.to_string())
    }
}

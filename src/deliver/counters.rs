//! What delivery has counted: numbers only.

use std::sync::atomic::{AtomicU64, Ordering};

use super::writes::Written;

/// What was counted since the start, by recipients.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counted {
    /// Recipients in custody whom the next hop has accepted.
    pub accepted: u64,
    /// Deferrals; one recipient may have many.
    pub deferred: u64,
    /// Recipients refused for good or given up.
    pub refused: u64,
    /// Connections lost behind the dot: the mail may arrive twice.
    pub maybe_doubled: u64,
    /// Refusals nobody was told of, because the mail was a report itself.
    pub double_bounces: u64,
    /// Edited mails that were refused and whose original was taken.
    pub edits_refused: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    accepted: AtomicU64,
    deferred: AtomicU64,
    refused: AtomicU64,
    maybe_doubled: AtomicU64,
    double_bounces: AtomicU64,
    pub(super) edits_refused: AtomicU64,
}

impl Counters {
    pub(super) fn note(&self, written: &Written) {
        self.accepted.fetch_add(written.accepted, Ordering::Relaxed);
        self.deferred.fetch_add(written.deferred, Ordering::Relaxed);
        self.refused.fetch_add(written.refused, Ordering::Relaxed);
        self.maybe_doubled.fetch_add(written.maybe_doubled, Ordering::Relaxed);
        self.double_bounces.fetch_add(written.double_bounces, Ordering::Relaxed);
        if written.double_bounces > 0 {
            tracing::warn!(recipients = written.double_bounces, "double_bounce");
        }
    }

    pub(super) fn read(&self) -> Counted {
        Counted {
            accepted: self.accepted.load(Ordering::Relaxed),
            deferred: self.deferred.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            maybe_doubled: self.maybe_doubled.load(Ordering::Relaxed),
            double_bounces: self.double_bounces.load(Ordering::Relaxed),
            edits_refused: self.edits_refused.load(Ordering::Relaxed),
        }
    }
}

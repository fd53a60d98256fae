//! What everybody may know of the writer without asking it: whether it can write, whether it has failed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

use super::error::SpoolError;

/// Shared by the writer and all handles.
pub(super) struct State {
    has_room: AtomicBool,
    commits: AtomicU64,
    failure: watch::Sender<Option<String>>,
    /// Destinations with mail newly waiting, and when the first of it is due. As many as the spool has at most.
    touched: Mutex<HashMap<String, Timestamp>>,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            has_room: AtomicBool::new(true),
            commits: AtomicU64::new(0),
            failure: watch::Sender::new(None),
            touched: Mutex::default(),
        }
    }

    /// Notes, once it is committed, that mail waits for destinations.
    pub(super) fn touch(&self, waiting: Vec<(String, Timestamp)>) {
        if waiting.is_empty() {
            return;
        }
        let mut touched = self.lock_touched();
        for (destination, at) in waiting {
            touched.entry(destination).and_modify(|first| *first = at.min(*first)).or_insert(at);
        }
    }

    pub(super) fn take_touched(&self) -> HashMap<String, Timestamp> {
        std::mem::take(&mut *self.lock_touched())
    }

    fn lock_touched(&self) -> MutexGuard<'_, HashMap<String, Timestamp>> {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether rows can be expected to land.
    pub(super) fn is_writable(&self) -> bool {
        self.has_room.load(Ordering::Acquire) && self.failure.borrow().is_none()
    }

    pub(super) fn set_room(&self, has_room: bool) {
        self.has_room.store(has_room, Ordering::Release);
    }

    pub(super) fn count_commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// The spool has failed for good. What a failed sync left behind nobody knows, so nothing is tried again: the
    /// process has to start anew and read what is there. The first reason stays.
    pub(super) fn fail(&self, why: &str) {
        let first = |failure: &mut Option<String>| {
            let is_first = failure.is_none();
            failure.get_or_insert_with(|| why.to_owned());
            is_first
        };
        if self.failure.send_if_modified(first) {
            tracing::error!(why, "the spool has failed and takes nothing any more");
        }
    }

    /// Errs once the spool has failed.
    pub(super) fn check(&self) -> Result<(), SpoolError> {
        self.failure.borrow().as_ref().map_or(Ok(()), |why| Err(SpoolError::Failed(why.clone())))
    }

    /// Completes when the spool has failed, with the reason.
    pub(super) async fn failed(&self) -> String {
        let mut failure = self.failure.subscribe();
        // The sender lives as long as `self`, so the wait cannot end without a reason.
        failure.wait_for(Option::is_some).await.ok().and_then(|why| why.clone()).unwrap_or_default()
    }
}

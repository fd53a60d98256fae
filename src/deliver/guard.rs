//! When to stop editing: a next hop that takes originals and refuses the edited mails of a company.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::referral::CompanyId;

/// Pairs of company and next hop that are remembered. Domains by MX lookup are as many as mail goes to, so beyond it
/// those are forgotten that have not refused anything lately.
const SEEN_MAX: usize = 10_000;

/// Refusals of edited mails by company and next hop.
#[derive(Debug)]
pub(super) struct EditGuard {
    refusals_max: usize,
    within: Duration,
    /// Spares every mail the lock as long as all is well.
    any_stopped: AtomicBool,
    seen: Mutex<HashMap<(CompanyId, String), Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    refusals: VecDeque<Instant>,
    stopped: bool,
}

impl EditGuard {
    pub(super) fn new(refusals_max: u32, within: Duration) -> Self {
        let refusals_max = usize::try_from(refusals_max).unwrap_or(usize::MAX).max(1);
        Self { refusals_max, within, any_stopped: AtomicBool::new(false), seen: Mutex::default() }
    }

    /// Notes a refusal. Returns whether it is the one that stops editing.
    pub(super) fn note(&self, company: &CompanyId, next_hop: &str) -> bool {
        let now = Instant::now();
        let mut seen = self.lock();
        if seen.len() >= SEEN_MAX {
            let is_late = |at: &Instant| now.duration_since(*at) < self.within;
            seen.retain(|_, s| s.stopped || s.refusals.back().is_some_and(is_late));
        }
        let seen = seen.entry((company.clone(), next_hop.to_owned())).or_default();
        seen.refusals.retain(|at| now.duration_since(*at) < self.within);
        seen.refusals.push_back(now);
        let stops = !seen.stopped && seen.refusals.len() >= self.refusals_max;
        if stops {
            seen.stopped = true;
            self.any_stopped.store(true, Ordering::Release);
        }
        stops
    }

    /// Whether editing has stopped for the company, at whatever next hop.
    pub(super) fn is_stopped(&self, company: &CompanyId) -> bool {
        self.any_stopped.load(Ordering::Acquire) && self.lock().iter().any(|((c, _), s)| c == company && s.stopped)
    }

    /// Whether editing has stopped for the company at this next hop.
    pub(super) fn is_stopped_at(&self, company: &CompanyId, next_hop: &str) -> bool {
        self.any_stopped.load(Ordering::Acquire)
            && self.lock().get(&(company.clone(), next_hop.to_owned())).is_some_and(|s| s.stopped)
    }

    /// Lets the company's mails be edited again.
    pub(super) fn resume(&self, company: &CompanyId) {
        let mut seen = self.lock();
        seen.retain(|(c, _), _| c != company);
        self.any_stopped.store(seen.values().any(|s| s.stopped), Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(CompanyId, String), Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn company(id: &str) -> CompanyId {
        CompanyId::parse(id).unwrap_or_else(|e| panic!("{id}: {e}"))
    }

    #[tokio::test(start_paused = true)]
    async fn three_refusals_in_ten_minutes_stop_editing_for_that_company_until_it_is_resumed() {
        let guard = EditGuard::new(3, Duration::from_mins(10));
        let (sakura, ume) = (company("sakura"), company("ume"));
        assert!(!guard.note(&sakura, "a:25") && !guard.note(&sakura, "a:25") && !guard.note(&sakura, "b:25"));
        assert!(!guard.is_stopped(&sakura));
        assert!(guard.note(&sakura, "a:25") && !guard.note(&sakura, "a:25"));
        assert!(guard.is_stopped(&sakura) && !guard.is_stopped(&ume));
        assert!(guard.is_stopped_at(&sakura, "a:25") && !guard.is_stopped_at(&sakura, "b:25"));
        guard.resume(&sakura);
        assert!(!guard.is_stopped(&sakura));
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_far_apart_do_not_stop_editing() {
        let guard = EditGuard::new(3, Duration::from_mins(10));
        for _ in 0..5 {
            assert!(!guard.note(&company("sakura"), "a:25"));
            tokio::time::advance(Duration::from_secs(301)).await;
        }
    }
}

//! When not to edit: for whom an admin has switched the line off, and a next hop that takes originals and refuses the
//! edited mails of a company.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::mail::address::Address;
use crate::referral::{CompanyId, OptOuts};
use crate::spool::EditStop;
use crate::sys::clock;

/// Pairs of company and next hop that are remembered. Domains by MX lookup are as many as mail goes to, so beyond it
/// those are forgotten that have not refused anything lately.
const SEEN_MAX: usize = 10_000;

/// For whom nothing is inserted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Off {
    /// Whether for no company at all.
    pub all: bool,
    /// The companies for which it is so on their own.
    pub companies: HashSet<CompanyId>,
}

impl Off {
    /// Whether nothing is inserted for this one.
    pub fn is_for(&self, company: &CompanyId) -> bool {
        self.all || self.companies.contains(company)
    }
}

/// Why no mail of a company is edited for a next hop.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoEdit {
    /// An admin has switched it off.
    SwitchedOff,
    /// The next hop has refused too many edited ones.
    Refused,
}

/// What keeps mails from being edited.
#[derive(Debug)]
pub(super) struct EditGuard {
    refusals_max: usize,
    within: Duration,
    /// Spares every mail the lock as long as all is well.
    any: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    off: Off,
    /// Who wants no line; absent when nobody knows, and then nobody gets one.
    optouts: Option<Arc<OptOuts>>,
    /// Refusals of edited mails that are not enough yet, by company and next hop.
    refusals: HashMap<(CompanyId, String), VecDeque<Instant>>,
    stops: Vec<EditStop>,
}

impl Default for State {
    fn default() -> Self {
        let optouts = Some(Arc::default());
        Self { off: Off::default(), optouts, refusals: HashMap::new(), stops: Vec::new() }
    }
}

impl EditGuard {
    pub(super) fn new(refusals_max: u32, within: Duration) -> Self {
        let refusals_max = usize::try_from(refusals_max).unwrap_or(usize::MAX).max(1);
        Self { refusals_max, within, any: AtomicBool::new(false), state: Mutex::default() }
    }

    /// Goes on with the stops of the last run.
    pub(super) fn with(self, stops: &[EditStop], off: Off) -> Self {
        self.change(|state| (state.stops, state.off) = (stops.to_vec(), off));
        self
    }

    /// Notes a refusal. Returns the stop, if it is the one that stops editing.
    pub(super) fn note(&self, company: &CompanyId, next_hop: &str) -> Option<EditStop> {
        let now = Instant::now();
        self.change(|state| {
            if state.is_stopped_at(company, next_hop) {
                return None;
            }
            let is_late = |at: &Instant| now.duration_since(*at) < self.within;
            if state.refusals.len() >= SEEN_MAX {
                state.refusals.retain(|_, refusals| refusals.back().is_some_and(is_late));
            }
            let pair = (company.clone(), next_hop.to_owned());
            let refusals = state.refusals.entry(pair.clone()).or_default();
            refusals.retain(is_late);
            refusals.push_back(now);
            if refusals.len() < self.refusals_max {
                return None;
            }
            state.refusals.remove(&pair);
            let stop = EditStop { company: pair.0, next_hop: pair.1, at: clock::now() };
            state.stops.push(stop.clone());
            Some(stop)
        })
    }

    /// Whether next hops have stopped editing for the company.
    pub(super) fn is_stopped(&self, company: &CompanyId) -> bool {
        self.any.load(Ordering::Acquire) && self.lock().stops.iter().any(|stop| stop.company == *company)
    }

    /// Whether anything keeps mails of the company from being edited, for whatever next hop. Cheap while nothing does.
    pub(super) fn may_forbid(&self, company: &CompanyId) -> bool {
        self.any.load(Ordering::Acquire) && {
            let state = self.lock();
            state.off.is_for(company) || state.stops.iter().any(|stop| stop.company == *company)
        }
    }

    /// Why mails of the company are not edited for this next hop; nothing when they are.
    pub(super) fn forbids(&self, company: &CompanyId, next_hop: &str) -> Option<NoEdit> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let state = self.lock();
        if state.off.is_for(company) {
            return Some(NoEdit::SwitchedOff);
        }
        state.is_stopped_at(company, next_hop).then_some(NoEdit::Refused)
    }

    /// For whom nothing is inserted.
    pub(super) fn off(&self) -> Off {
        self.lock().off.clone()
    }

    /// From now on nothing is inserted for these, and for no others.
    pub(super) fn set_off(&self, off: Off) {
        self.change(|state| state.off = off);
    }

    /// From now on these get no line; nobody does when nobody knows who they are.
    pub(super) fn set_optouts(&self, optouts: Option<Arc<OptOuts>>) {
        self.change(|state| state.optouts = optouts);
    }

    /// Whether one of these gets no line in mails of the company.
    pub(super) fn is_out<'a>(&self, company: &CompanyId, mut recipients: impl Iterator<Item = &'a Address>) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        // The lock is not held while keys are made.
        let optouts = self.lock().optouts.clone();
        optouts.is_none_or(|optouts| !optouts.is_empty() && recipients.any(|r| optouts.is_out(company, r)))
    }

    /// The next hops for which mails are not edited.
    pub(super) fn stops(&self) -> Vec<EditStop> {
        self.lock().stops.clone()
    }

    /// Lets mails be edited again that these stops held back.
    pub(super) fn resume(&self, stops: &[EditStop]) {
        let is_meant =
            |stop: &EditStop| stops.iter().any(|s| (&s.company, &s.next_hop) == (&stop.company, &stop.next_hop));
        self.change(|state| state.stops.retain(|stop| !is_meant(stop)));
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let changed = change(&mut state);
        let is_off = state.off.all || !state.off.companies.is_empty();
        let has_optouts = state.optouts.as_ref().is_none_or(|optouts| !optouts.is_empty());
        let any = is_off || has_optouts || !state.stops.is_empty();
        self.any.store(any, Ordering::Release);
        changed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_stopped_at(&self, company: &CompanyId, next_hop: &str) -> bool {
        self.stops.iter().any(|stop| stop.company == *company && stop.next_hop == next_hop)
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
        for next_hop in ["a:25", "a:25", "b:25"] {
            assert_eq!(guard.note(&sakura, next_hop), None);
        }
        assert!(!guard.is_stopped(&sakura));
        let stop = guard.note(&sakura, "a:25").expect("a stop");
        assert_eq!((guard.note(&sakura, "a:25"), guard.stops()), (None, vec![stop.clone()]));
        assert!(guard.is_stopped(&sakura) && !guard.is_stopped(&ume));
        assert_eq!(guard.forbids(&sakura, "a:25"), Some(NoEdit::Refused));
        assert_eq!((guard.forbids(&sakura, "b:25"), guard.forbids(&ume, "a:25")), (None, None));
        let next_run = EditGuard::new(3, Duration::from_mins(10)).with(&guard.stops(), Off::default());
        assert_eq!(next_run.forbids(&sakura, "a:25"), Some(NoEdit::Refused));
        guard.resume(&[stop]);
        assert!(!guard.is_stopped(&sakura) && !guard.may_forbid(&sakura));
    }

    #[tokio::test]
    async fn what_is_switched_off_is_edited_for_no_next_hop_until_it_is_on_again() {
        let guard = EditGuard::new(3, Duration::from_mins(10));
        let (sakura, ume) = (company("sakura"), company("ume"));
        guard.set_off(Off { all: false, companies: HashSet::from([sakura.clone()]) });
        assert_eq!((guard.forbids(&sakura, "a:25"), guard.forbids(&ume, "a:25")), (Some(NoEdit::SwitchedOff), None));
        guard.set_off(Off { all: true, companies: HashSet::new() });
        assert!(guard.may_forbid(&ume) && guard.forbids(&ume, "a:25") == Some(NoEdit::SwitchedOff));
        guard.set_off(Off::default());
        assert!(!guard.may_forbid(&sakura) && guard.forbids(&sakura, "a:25").is_none());
    }

    #[tokio::test]
    async fn nobody_gets_a_line_while_nobody_knows_who_wants_none() {
        let guard = EditGuard::new(3, Duration::from_mins(10));
        let (sakura, to) = (company("sakura"), Address::parse("a@mail.example").expect("an address"));
        let is_out = |guard: &EditGuard| guard.is_out(&sakura, std::iter::once(&to));
        assert!(!is_out(&guard));
        guard.set_optouts(None);
        assert!(is_out(&guard) && guard.forbids(&sakura, "a:25").is_none());
        guard.set_optouts(Some(Arc::default()));
        assert!(!is_out(&guard));
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_far_apart_do_not_stop_editing() {
        let guard = EditGuard::new(3, Duration::from_mins(10));
        for _ in 0..5 {
            assert_eq!(guard.note(&company("sakura"), "a:25"), None);
            tokio::time::advance(Duration::from_secs(301)).await;
        }
    }
}

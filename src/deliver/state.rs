//! How next hops are, for whoever watches: connections, health, pace, and the last word of each.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

use super::Deliver;
use super::outcome::RecipientOutcome;
use crate::sys::clock;
use crate::watch::NextHopState;

/// Room for a reply code below the milliseconds.
const CODE_BITS: u32 = 10;

/// What a next hop has said since we know it.
#[derive(Debug, Default)]
pub(super) struct Said {
    accepted: AtomicU64,
    not_accepted: AtomicU64,
    /// The code of its last reply about a mail below the milliseconds at which it came; 0 for none.
    last: AtomicU64,
}

impl Said {
    /// Notes the end of a transaction.
    pub(super) fn note(&self, outcomes: &[RecipientOutcome]) {
        for outcome in outcomes.iter().filter(|outcome| outcome.is_said_by_next_hop()) {
            let counter = if outcome.is_accepted() { &self.accepted } else { &self.not_accepted };
            counter.fetch_add(1, Ordering::Relaxed);
            let millis = u64::try_from(clock::now().as_millisecond()).unwrap_or(0);
            self.last.store(millis << CODE_BITS | u64::from(outcome.reply().code), Ordering::Relaxed);
        }
    }

    /// Puts what was said into a state.
    pub(super) fn fill(&self, state: &mut NextHopState) {
        let last = self.last.load(Ordering::Relaxed);
        let (code, millis) = (last & ((1 << CODE_BITS) - 1), last >> CODE_BITS);
        state.accepted = self.accepted.load(Ordering::Relaxed);
        state.not_accepted = self.not_accepted.load(Ordering::Relaxed);
        state.last_reply = u16::try_from(code).ok().filter(|code| *code > 0);
        let at = i64::try_from(millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
        state.last_reply_at = at.filter(|_| state.last_reply.is_some()).map(|at| at.to_string());
    }
}

impl Deliver {
    /// How the next hops are, by name, at most so many of them: those in trouble go before those in use, and these
    /// before the others. Also how many there are.
    pub fn next_hops(&self, most: usize) -> (Vec<NextHopState>, usize) {
        let mut states = self.0.hops.states();
        let count = states.len();
        states.sort_by_key(|state| (state.failures == 0, !state.has_backlog, state.in_use == 0));
        states.truncate(most);
        states.sort_by(|one, other| (&one.name, &one.route).cmp(&(&other.name, &other.route)));
        (states, count)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::proto::smtp::reply::Reply;

    #[test]
    fn the_last_word_is_the_next_hops_own() {
        let said = Said::default();
        let mut state = NextHopState::default();
        said.fill(&mut state);
        assert_eq!((state.last_reply, state.last_reply_at.clone()), (None, None));
        let reply = |code| Arc::new(Reply::new(code, (2, 0, 0), "x"));
        said.note(&[
            RecipientOutcome::Accepted { reply: reply(250), uncounted: false, report: None },
            RecipientOutcome::Refused { reply: reply(550), by_next_hop: true },
            RecipientOutcome::Deferred { reply: reply(451), by_next_hop: false, maybe_doubled: false },
        ]);
        said.fill(&mut state);
        assert_eq!((state.accepted, state.not_accepted, state.last_reply), (1, 1, Some(550)));
        assert!(state.last_reply_at.is_some_and(|at| at.starts_with("20")));
    }
}

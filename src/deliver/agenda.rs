//! When the worker looks at which destination: in order of time, so that it never looks at those it can do nothing for.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

/// The longest pause between two probes of a destination that does not answer.
const PAUSE_MAX: SignedDuration = SignedDuration::from_mins(5);

/// The destinations with mail in the spool.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    lines: HashMap<Arc<str>, Line>,
    order: BTreeSet<(Timestamp, Arc<str>)>,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    look_at: Timestamp,
    /// Since when it does not answer, as far as the worker has seen.
    failing_since: Option<Timestamp>,
}

impl Agenda {
    /// Something waits for a destination from `at` on. One that does not answer is not looked at before its pause is
    /// over, however much comes for it.
    pub(super) fn add(&mut self, destination: &str, at: Timestamp) {
        match self.lines.get(destination).copied() {
            Some(line) if line.failing_since.is_some() || line.look_at <= at => {}
            Some(line) => self.put(destination.into(), Line { look_at: at, ..line }),
            None => self.put(destination.into(), Line { look_at: at, failing_since: None }),
        }
    }

    /// Takes the destinations to be looked at, at most `max`, those first that have waited longest. Each is put back by
    /// [`Agenda::look_at`] or [`Agenda::pause`], or is done with.
    pub(super) fn take(&mut self, now: Timestamp, max: usize) -> Vec<Taken> {
        let mut taken = Vec::new();
        while taken.len() < max && self.order.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, destination)) = self.order.pop_first() else { break };
            let failing_since = self.lines.remove(&destination).and_then(|line| line.failing_since);
            taken.push(Taken { destination, failing_since });
        }
        taken
    }

    /// Puts one back that answers, as far as is known.
    pub(super) fn look_at(&mut self, destination: Arc<str>, at: Timestamp) {
        self.put(destination, Line { look_at: at, failing_since: None });
    }

    /// Puts one back that does not answer: the longer it has not, the longer it is left alone, and not for less than
    /// `least`.
    pub(super) fn pause(&mut self, taken: &Taken, now: Timestamp, least: SignedDuration) {
        let since = taken.failing_since.unwrap_or(now);
        let quarter = now.duration_since(since) / 4;
        let look_at = now.checked_add(quarter.min(PAUSE_MAX).max(least)).unwrap_or(Timestamp::MAX);
        self.put(Arc::clone(&taken.destination), Line { look_at, failing_since: Some(since) });
    }

    /// Looks at once at every paused destination of which `answers` says that it answers again.
    pub(super) fn revive(&mut self, now: Timestamp, answers: impl Fn(&str) -> bool) {
        let paused = self.lines.iter().filter(|(_, line)| line.failing_since.is_some());
        let revived: Vec<Arc<str>> = paused.map(|(name, _)| Arc::clone(name)).filter(|name| answers(name)).collect();
        for destination in revived {
            self.look_at(destination, now);
        }
    }

    /// When the next one is to be looked at.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| *at)
    }

    fn put(&mut self, destination: Arc<str>, line: Line) {
        if let Some(old) = self.lines.insert(Arc::clone(&destination), line) {
            self.order.remove(&(old.look_at, Arc::clone(&destination)));
        }
        self.order.insert((line.look_at, destination));
    }
}

/// A destination that is being looked at.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) destination: Arc<str>,
    failing_since: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(n: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(n)
    }

    fn names(taken: &[Taken]) -> Vec<&str> {
        taken.iter().map(|t| &*t.destination).collect()
    }

    #[test]
    fn those_who_wait_longest_come_first_and_each_once() {
        let mut agenda = Agenda::default();
        for (name, at) in [("c", 3), ("a", 5), ("b", 2), ("a", 1), ("a", 9), ("later", 60)] {
            agenda.add(name, second(at));
        }
        assert_eq!(names(&agenda.take(second(10), 2)), ["a", "b"]);
        assert_eq!(names(&agenda.take(second(10), 9)), ["c"]);
        assert_eq!(agenda.next(), Some(second(60)));
    }

    #[test]
    fn one_that_does_not_answer_is_left_alone_for_a_quarter_of_that_time_whatever_comes_for_it() {
        let mut agenda = Agenda::default();
        let least = SignedDuration::from_millis(250);
        agenda.add("dead", second(0));
        let mut now = second(0);
        let mut pauses = Vec::new();
        for _ in 0..60 {
            let taken = agenda.take(now, 1);
            agenda.pause(&taken[0], now, least);
            agenda.add("dead", now);
            assert!(agenda.take(now, 1).is_empty());
            let next = agenda.next().expect("a next look");
            pauses.push(next.duration_since(now).as_secs_f64());
            now = next;
        }
        assert!((pauses[0] - 0.25).abs() < 1e-9 && pauses.is_sorted(), "{pauses:?}");
        assert_eq!(pauses.last(), Some(&300.0));
        agenda.revive(now, |name| name == "dead");
        assert_eq!(names(&agenda.take(now, 1)), ["dead"]);
    }
}

//! What statements tell of beside the count, by company: rejections that a DKIM signature kept from getting the line,
//! and people who got it and are not counted. Since the start, and by the hour until somebody has written them down.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::referral::CompanyId;

const HOUR_MICROSECONDS: i64 = 3_600_000_000;

/// How many there were in one hour.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeldBack {
    /// Whose they were.
    pub company: CompanyId,
    /// The first microsecond of the hour, since 1970 (UTC).
    pub hour: i64,
    /// How many.
    pub mails: u64,
}

/// What was counted.
#[derive(Default)]
pub(super) struct Tally(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    all: BTreeMap<CompanyId, u64>,
    unwritten: BTreeMap<(CompanyId, i64), u64>,
}

impl Tally {
    pub(super) fn count(&self, company: &CompanyId, at: Timestamp) {
        let hour = at.as_microsecond() - at.as_microsecond().rem_euclid(HOUR_MICROSECONDS);
        let mut counts = self.lock();
        *counts.all.entry(company.clone()).or_default() += 1;
        *counts.unwritten.entry((company.clone(), hour)).or_default() += 1;
    }

    /// Since the start.
    pub(super) fn all(&self) -> BTreeMap<String, u64> {
        self.lock().all.iter().map(|(company, mails)| (company.to_string(), *mails)).collect()
    }

    /// Takes what nobody has taken yet.
    pub(super) fn take(&self) -> Vec<HeldBack> {
        let taken = std::mem::take(&mut self.lock().unwritten).into_iter();
        taken.map(|((company, hour), mails)| HeldBack { company, hour, mails }).collect()
    }

    /// Puts back what was taken and could not be written down.
    pub(super) fn put_back(&self, taken: Vec<HeldBack>) {
        let mut counts = self.lock();
        for HeldBack { company, hour, mails } in taken {
            *counts.unwritten.entry((company, hour)).or_default() += mails;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_taken_once_by_its_hour_and_what_is_put_back_is_taken_again() {
        let (tally, company) = (Tally::default(), CompanyId::parse("sakura").expect("an id"));
        let at = |seconds| Timestamp::from_second(seconds).expect("a time");
        for seconds in [0, 3599, 3600, -1] {
            tally.count(&company, at(seconds));
        }
        let taken = tally.take();
        let hours: Vec<(i64, u64)> = taken.iter().map(|h| (h.hour / HOUR_MICROSECONDS, h.mails)).collect();
        assert_eq!(hours, [(-1, 1), (0, 2), (1, 1)]);
        assert_eq!(tally.take(), []);
        tally.put_back(taken.clone());
        tally.count(&company, at(1));
        assert_eq!(tally.take().iter().map(|h| h.mails).collect::<Vec<_>>(), [1, 3, 1]);
        assert_eq!(tally.all(), [("sakura".to_owned(), 5)].into());
    }
}

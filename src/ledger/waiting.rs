//! Who was offered a way on and counts for nobody yet: taken by the next hop, not proven to the stage that counts.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::contract::ContractVersion;
use super::entry::{Entry, Kind};

/// Half a commitment: enough to tell persons apart, and half the memory.
type Person = [u8; 16];

/// The referrals that wait, by series.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Waiting(BTreeMap<String, OfSeries>);

#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct OfSeries {
    /// Until when each can still become a credit.
    waiting: HashMap<Person, Timestamp>,
    /// Whose referral is a credit by an export or a copy: the acceptance that follows makes nobody wait.
    observed: HashSet<Person>,
}

impl Waiting {
    /// Takes the next entry of the chain. A referral waits from its acceptance, unless that is the stage that counts; a
    /// credit ends the waiting, and so does a bounce.
    pub(super) fn take(&mut self, entry: &Entry, version: &ContractVersion) {
        if !entry.new.kind.is_personal() {
            return;
        }
        let mut person = Person::default();
        person.copy_from_slice(&entry.person[..16]);
        let of = self.0.entry(entry.contract.series.clone()).or_default();
        match entry.new.kind {
            Kind::Offered => drop(of.observed.remove(&person)),
            Kind::Accepted if entry.new.worth == 0 && !of.observed.contains(&person) => {
                let window = SignedDuration::from_hours(i64::from(version.person_window_days) * 24);
                let ends = entry.at.checked_add(window).unwrap_or(Timestamp::MAX);
                of.waiting.insert(person, ends);
            }
            kind if entry.new.worth > 0 || kind == Kind::Bounced => {
                of.waiting.remove(&person);
                if kind == Kind::Observed {
                    of.observed.insert(person);
                }
            }
            _ => {}
        }
    }

    /// How many of a series wait at a time.
    pub(super) fn count(&self, series: &str, at: Timestamp) -> u64 {
        self.0.get(series).map_or(0, |of| of.waiting.values().filter(|ends| **ends > at).count() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::NewEntry;
    use jiff::civil::date;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + day * 86_400).unwrap_or_default()
    }

    /// Entries as (kind, worth, person, day), and how many wait on day 30.
    fn check(entries: &[(Kind, i64, u8, i64)], expected: u64) {
        let version = ContractVersion { person_window_days: 60, ..ContractVersion::new("main", 1, date(2026, 4, 1)) };
        let mut waiting = Waiting::default();
        for (kind, worth, person, at) in entries {
            let new = NewEntry { kind: *kind, worth: *worth, cycle: 0 };
            let (contract, person, at) = (version.reference(), [*person; 32], day(*at));
            let entry =
                Entry { seq: 1, new, contract, person, event: [1; 32], wording: None, act: None, at, posted: at };
            waiting.take(&entry, &version);
        }
        assert_eq!(waiting.count("main", day(30)), expected, "{entries:?}");
        assert_eq!(waiting.count("other", day(30)), 0);
    }

    #[test]
    fn a_referral_waits_from_its_acceptance_to_its_credit_its_bounce_or_the_end_of_its_window() {
        use Kind::{Accepted, Bounced, Delivered, Duplicate, Observed, Offered, Presumed};
        check(&[(Offered, 0, 1, 0), (Accepted, 0, 1, 0)], 1);
        check(&[(Offered, 0, 1, 0), (Accepted, 1, 1, 0)], 0);
        check(&[(Accepted, 0, 1, 0), (Accepted, 0, 2, 0), (Delivered, 1, 2, 3)], 1);
        check(&[(Accepted, 0, 1, 0), (Presumed, 1, 1, 8)], 0);
        check(&[(Accepted, 0, 1, 0), (Bounced, 0, 1, 8)], 0);
        check(&[(Offered, 0, 1, 0), (Observed, 0, 1, 0)], 0);
        check(&[(Offered, 0, 1, 0), (Observed, 0, 1, 0), (Accepted, 0, 1, 1)], 1);
        check(&[(Offered, 0, 1, 0), (Observed, 1, 1, 0), (Accepted, 0, 1, 1)], 0);
        // Where only registrations count, a delivery changes nothing.
        check(&[(Accepted, 0, 1, 0), (Delivered, 0, 1, 3)], 1);
        check(&[(Accepted, 0, 1, 0), (Duplicate, 0, 1, 3)], 1);
        check(&[(Accepted, 0, 1, -40)], 0);
        check(&[(Accepted, 0, 1, -40), (Accepted, 0, 1, 21)], 1);
    }
}

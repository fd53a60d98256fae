//! Erasure: how long a person is kept, and until when what is left of an erased one keeps him from counting again.
//!
//! Credits stay when a person goes. The entries hold salted commitments alone, and without key and salt nobody can say
//! whose they are.

use jiff::{SignedDuration, Timestamp};

use super::rules::Referral;

/// Days behind the person window in which credits may be disputed, when nothing else is said.
pub const DISPUTE_DAYS: u32 = 35;

/// How long persons are kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeepPersons {
    /// Days from the credit, or from the offer where nothing was counted; nothing: no longer than has to be.
    pub days: Option<u32>,
    /// Days behind the person window in which credits may be disputed.
    pub dispute_days: u32,
}

impl Default for KeepPersons {
    fn default() -> Self {
        Self { days: None, dispute_days: DISPUTE_DAYS }
    }
}

impl KeepPersons {
    /// When a person is erased by itself. It is never before the window and the dispute days behind it are over,
    /// whatever else is said: until then the key is what keeps the person from counting twice.
    pub fn ends(&self, referral: &Referral) -> Timestamp {
        let least = after(window_ends(referral), self.dispute_days);
        let wanted = self.days.map_or(least, |days| after(begins(referral), days));
        least.max(wanted)
    }

    /// Until when the mark of an erased person is kept whose window ends then: replays arrive late.
    pub fn mark_ends(&self, window_ends: Timestamp) -> Timestamp {
        after(window_ends, self.dispute_days)
    }
}

/// When the person window of a referral is over. It runs for one that came back too: a replay of its acceptance would
/// count the person anew.
pub fn window_ends(referral: &Referral) -> Timestamp {
    after(begins(referral), referral.contract.person_window_days)
}

/// What makes the credit may be told of late, and have happened before the offer that is known.
fn begins(referral: &Referral) -> Timestamp {
    referral.counted.map_or(referral.offered, |counted| counted.max(referral.offered))
}

fn after(at: Timestamp, days: u32) -> Timestamp {
    at.checked_add(SignedDuration::from_hours(i64::from(days) * 24)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ledger::{ContractVersion, Stage};
    use jiff::civil::date;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + day * 86_400).unwrap_or_default()
    }

    /// Offered on day 0 and counted on `counted`; the day on which it is erased by itself.
    fn check(window: u32, counted: Option<i64>, keep: KeepPersons, expected: i64) {
        let contract =
            ContractVersion { person_window_days: window, ..ContractVersion::new("main", 1, date(2026, 4, 1)) };
        let counted = counted.map(day);
        for stage in [Stage::Accepted, Stage::Delivered, Stage::Bounced] {
            let referral = Referral { contract: Arc::new(contract.clone()), stage, offered: day(0), counted };
            assert_eq!(keep.ends(&referral), day(expected), "{keep:?} {stage:?}");
        }
    }

    #[test]
    fn a_person_is_kept_for_the_window_and_the_dispute_days_at_least() {
        let keep = |days, dispute_days| KeepPersons { days, dispute_days };
        check(365, Some(3), KeepPersons::default(), 403);
        check(365, None, KeepPersons::default(), 400);
        check(365, Some(0), keep(Some(500), 35), 500);
        check(365, Some(0), keep(Some(30), 35), 400);
        check(30, Some(0), keep(None, 60), 90);
        assert_eq!(keep(None, 35).mark_ends(day(10)), day(45));
    }
}

//! Contract versions: what counts, how much a slot costs, and for how long a person counts once.

use jiff::civil::Date;
use ring::digest;
use serde::{Deserialize, Serialize};

/// One effective-dated version of a company's contract. Immutable once used: its digest is pinned by every referral.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ContractVersion {
    /// The series this is a version of; slots are counted per series.
    pub series: String,
    /// The number of this version within its series.
    pub version: u32,
    /// The first day it is in force, in the company's time zone.
    pub from: Date,
    /// Credits for one hire slot.
    pub threshold: u32,
    /// The stage that makes a credit.
    pub count_on: CountOn,
    /// Days from a counted referral in which the same person counts no second time.
    pub person_window_days: u32,
    /// What a bounce after a grant does.
    pub late_bounce: LateBounce,
    /// Days without a bounce, on a proven return path, after which a mail that was accepted counts as delivered.
    pub quiet_days: u32,
    /// Days from its grant after which a slot that is not in use is over; nothing when it never is.
    pub slot_expiry_days: Option<u32>,
    /// Days from its grant before which a slot cannot be redeemed, so that both sides can look at its credits.
    pub review_days: u32,
    /// Slots that may be reserved in a quarter of the year; nothing when as many as there are.
    pub reserve_max: Option<u32>,
    /// Whether mail counts that never passed here, of which an export or a copy tells: evidence of a lower class.
    pub count_observed: bool,
    /// What becomes of the credits that wait for a slot when this version begins, where its threshold is another one.
    pub at_new_threshold: AtNewThreshold,
}

/// Quiet days of a version that says nothing of them. Its record says nothing of them either.
const QUIET_DAYS: u32 = 7;
/// Review days of a version that says nothing of them.
const REVIEW_DAYS: u32 = 7;

impl ContractVersion {
    /// A version with the house's defaults: ten credits, counted on delivery, 365 days, late bounces absorbed.
    pub fn new(series: &str, version: u32, from: Date) -> Self {
        Self {
            series: series.to_owned(),
            version,
            from,
            threshold: 10,
            count_on: CountOn::Delivered,
            person_window_days: 365,
            late_bounce: LateBounce::Absorb,
            quiet_days: QUIET_DAYS,
            slot_expiry_days: None,
            review_days: REVIEW_DAYS,
            reserve_max: None,
            count_observed: false,
            at_new_threshold: AtNewThreshold::Carry,
        }
    }

    /// The canonical record: one line per term, in a fixed order. A term at its default has none where versions of
    /// before knew nothing of it, so that their digests hold.
    pub fn record(&self) -> String {
        let later = [
            ("quiet_days", (self.quiet_days != QUIET_DAYS).then_some(self.quiet_days)),
            ("slot_expiry_days", self.slot_expiry_days),
            ("review_days", (self.review_days != REVIEW_DAYS).then_some(self.review_days)),
            ("reserve_max", self.reserve_max),
            ("count_observed", self.count_observed.then_some(1)),
        ];
        let said = later.into_iter().filter_map(|(term, value)| Some(format!("{term} {}\n", value?)));
        let mut later: String = said.collect();
        if self.at_new_threshold == AtNewThreshold::Restart {
            later.push_str("at_new_threshold restart\n");
        }
        format!(
            "career-relay contract v1\nseries {}\nversion {}\nfrom {}\nthreshold {}\ncount_on {}\n\
             person_window_days {}\nlate_bounce {}\n{later}",
            self.series,
            self.version,
            self.from,
            self.threshold,
            self.count_on.code(),
            self.person_window_days,
            self.late_bounce.code()
        )
    }

    /// SHA-256 of the canonical record.
    pub fn digest(&self) -> [u8; 32] {
        let mut octets = [0; 32];
        octets.copy_from_slice(digest::digest(&digest::SHA256, self.record().as_bytes()).as_ref());
        octets
    }

    /// The terms in which another one of the same name differs, as `key value` here and there. A term whose line a
    /// record leaves out is told with what that means.
    pub fn differences(&self, other: &Self) -> Vec<(String, String)> {
        let (ours, theirs) = (self.record(), other.record());
        let value = |record: &str, term: &str| {
            let found = record.lines().find_map(|line| line.strip_prefix(term)?.strip_prefix(' ').map(str::to_owned));
            found.unwrap_or_else(|| match term {
                "quiet_days" => QUIET_DAYS.to_string(),
                "review_days" => REVIEW_DAYS.to_string(),
                "count_observed" => "0".to_owned(),
                "at_new_threshold" => AtNewThreshold::Carry.code().to_owned(),
                _ => "none".to_owned(),
            })
        };
        let mut terms: Vec<&str> = Vec::new();
        for term in ours.lines().chain(theirs.lines()).filter_map(|line| line.split(' ').next()) {
            if !terms.contains(&term) {
                terms.push(term);
            }
        }
        let both = terms.into_iter().map(|term| (term, value(&ours, term), value(&theirs, term)));
        let differing = both.filter(|(_, ours, theirs)| ours != theirs);
        differing.map(|(term, ours, theirs)| (format!("{term} {ours}"), format!("{term} {theirs}"))).collect()
    }

    /// What a referral pins.
    pub fn reference(&self) -> ContractRef {
        ContractRef { series: self.series.clone(), version: self.version, digest: self.digest() }
    }

    /// What makes these terms unusable, in words; empty when they are fine.
    pub fn faults(&self) -> Vec<String> {
        let series_fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let mut faults = Vec::new();
        if !(1..=32).contains(&self.series.len()) || !self.series.bytes().all(series_fine) {
            faults.push("series: 1 to 32 characters of a-z, 0-9 and -".to_owned());
        }
        if !(1..=10_000).contains(&self.threshold) {
            faults.push("threshold: 1 to 10000 credits".to_owned());
        }
        if !(1..=36_500).contains(&self.person_window_days) {
            faults.push("person_window_days: 1 to 36500".to_owned());
        }
        if !(1..=60).contains(&self.quiet_days) {
            faults.push("quiet_days: 1 to 60".to_owned());
        }
        if self.slot_expiry_days.is_some_and(|days| !(1..=36_500).contains(&days)) {
            faults.push("slot_expiry_days: 1 to 36500".to_owned());
        }
        if self.review_days > 366 {
            faults.push("review_days: 0 to 366".to_owned());
        }
        faults
    }

    /// The version of a list that is in force on a day: the latest start that is not after it, then the higher number.
    pub fn in_force(versions: &[Self], on: Date) -> Option<&Self> {
        versions.iter().filter(|v| v.from <= on).max_by_key(|v| (v.from, v.version))
    }
}

/// What becomes of the credits that wait for a slot when a version with another threshold begins. Slots that were
/// granted stay, and what they cost.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AtNewThreshold {
    /// They count under the new threshold.
    #[default]
    Carry,
    /// They lapse with the first referral of the new version: counting begins anew.
    Restart,
}

impl AtNewThreshold {
    /// The code in files and records.
    pub fn code(self) -> &'static str {
        match self {
            Self::Carry => "carry",
            Self::Restart => "restart",
        }
    }

    /// Reads a code.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Carry, Self::Restart].into_iter().find(|one| one.code() == code)
    }
}

/// What a referral pins of its contract: the version by name, and its content by digest.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
pub struct ContractRef {
    /// The contract series.
    pub series: String,
    /// The version in it.
    pub version: u32,
    /// [`ContractVersion::digest`] of the version as the node that wrote the line knew it.
    pub digest: [u8; 32],
}

/// The stage that makes a credit.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountOn {
    /// The next hop has taken the mail.
    Accepted,
    /// The candidate's own mail server has taken it.
    #[default]
    Delivered,
    /// The candidate has registered with Career Relay.
    Registered,
}

impl CountOn {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Registered => "registered",
        }
    }

    /// Reads a code.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Accepted, Self::Delivered, Self::Registered].into_iter().find(|c| c.code() == text)
    }
}

/// What a bounce after a grant does.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LateBounce {
    /// The grant stands and the next one comes a credit later.
    #[default]
    Absorb,
    /// Grants not yet in use are voided as far as the credits no longer carry them.
    Clawback,
}

impl LateBounce {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Absorb => "absorb",
            Self::Clawback => "clawback",
        }
    }

    /// Reads a code.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Absorb, Self::Clawback].into_iter().find(|c| c.code() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_digest_changes_with_every_term() {
        let base = ContractVersion::new("main", 1, date(2026, 4, 1));
        let changed = [
            ContractVersion { series: "mains".to_owned(), ..base.clone() },
            ContractVersion { version: 2, ..base.clone() },
            ContractVersion { from: date(2026, 4, 2), ..base.clone() },
            ContractVersion { threshold: 11, ..base.clone() },
            ContractVersion { count_on: CountOn::Accepted, ..base.clone() },
            ContractVersion { person_window_days: 364, ..base.clone() },
            ContractVersion { late_bounce: LateBounce::Clawback, ..base.clone() },
            ContractVersion { quiet_days: 8, ..base.clone() },
            ContractVersion { slot_expiry_days: Some(365), ..base.clone() },
            ContractVersion { review_days: 8, ..base.clone() },
            ContractVersion { reserve_max: Some(2), ..base.clone() },
            ContractVersion { count_observed: true, ..base.clone() },
            ContractVersion { at_new_threshold: AtNewThreshold::Restart, ..base.clone() },
        ];
        for other in changed {
            assert_ne!(base.digest(), other.digest(), "{other:?}");
        }
        assert_eq!(base.digest(), base.clone().digest());
    }

    #[test]
    fn the_version_in_force_is_the_latest_that_has_begun() {
        let versions =
            [ContractVersion::new("main", 1, date(2026, 4, 1)), ContractVersion::new("main", 2, date(2026, 10, 1))];
        let on = |day| ContractVersion::in_force(&versions, day).map(|v| v.version);
        assert_eq!(on(date(2026, 3, 31)), None);
        assert_eq!(on(date(2026, 9, 30)), Some(1));
        assert_eq!(on(date(2026, 10, 1)), Some(2));
    }

    #[test]
    fn a_threshold_of_nothing_and_a_series_with_a_line_end_are_faults() {
        let base = ContractVersion::new("main", 1, date(2026, 4, 1));
        assert!(base.faults().is_empty());
        assert_eq!(ContractVersion { threshold: 0, ..base.clone() }.faults().len(), 1);
        assert_eq!(ContractVersion { series: "a\nb".to_owned(), ..base.clone() }.faults().len(), 1);
        assert_eq!(ContractVersion { person_window_days: 0, ..base }.faults().len(), 1);
    }
}

//! Disputes about the count: opened, answered, accepted or rejected, and once accepted, adjusted once. The only place
//! that says what may follow what.

use jiff::{SignedDuration, Timestamp};

use super::act::Deed;
use super::entry::Kind;

/// How far a dispute has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DisputeStage {
    /// It waits for an answer.
    Open,
    /// It has one, and waits for the decision.
    Answered,
    /// It was right.
    Accepted,
    /// It was not.
    Rejected,
    /// It was right, and the credits were adjusted.
    Adjusted,
}

impl DisputeStage {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Answered => "answered",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Adjusted => "adjusted",
        }
    }
}

/// Why something cannot be done to a dispute.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DisputeFault {
    /// It does not follow.
    #[error("it is {}: there is nothing to {} any more", .0.code(), .1)]
    Order(DisputeStage, &'static str),
    /// Credits are adjusted by a dispute that both sides have settled.
    #[error("it is {}: credits are adjusted when a dispute is accepted, and once", .0.code())]
    NotAccepted(DisputeStage),
    /// An adjustment of nothing.
    #[error("an adjustment adds or takes 1 to 10000 credits")]
    Credits,
    /// A dispute says what it is about.
    #[error("say what it is about: entries that are there, or month, stage and difference of a figure")]
    About,
    /// An answer is expected some day.
    #[error("the answer must be expected after now, and within 366 days (--until)")]
    Deadline,
    /// What is done is not about a dispute.
    #[error("this is nothing that is done to a dispute")]
    OtherDeed,
}

/// The most credits of an adjustment.
const CREDITS_MAX: i64 = 10_000;
/// The longest time for an answer.
const DAYS_MAX: i64 = 366;

/// One dispute, as the entries leave it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dispute {
    /// How far it has come.
    pub stage: DisputeStage,
    /// Until when an answer is expected.
    pub until: Timestamp,
}

impl Dispute {
    /// Opens one by the entry behind entry number `last`.
    ///
    /// # Errors
    /// [`DisputeFault`] when it says nothing that can be looked at.
    pub fn open(deed: &Deed, at: Timestamp, last: u64) -> Result<Self, DisputeFault> {
        let Deed::Dispute { about, until } = deed else { return Err(DisputeFault::OtherDeed) };
        let figure = about.month.is_some() && about.stage.is_some() && about.difference.is_some_and(|n| n != 0);
        let known = !about.entries.is_empty() && about.entries.iter().all(|seq| (1..=last).contains(seq));
        if !known && (!figure || !about.entries.is_empty()) {
            return Err(DisputeFault::About);
        }
        let within = until.duration_since(at) <= SignedDuration::from_hours(DAYS_MAX * 24);
        if *until <= at || !within {
            return Err(DisputeFault::Deadline);
        }
        Ok(Self { stage: DisputeStage::Open, until: *until })
    }

    /// Whether its answer is overdue.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.stage == DisputeStage::Open && self.until <= now
    }

    /// Does a deed to it: the kind of the entry that says so.
    ///
    /// # Errors
    /// [`DisputeFault`] when it does not follow; the dispute is as it was then.
    pub fn step(&mut self, deed: &Deed) -> Result<Kind, DisputeFault> {
        use DisputeStage as S;
        self.stage = match (self.stage, deed) {
            (S::Open | S::Answered, Deed::Answer { .. }) => S::Answered,
            (S::Open | S::Answered, Deed::Accept { .. }) => S::Accepted,
            (S::Open | S::Answered, Deed::Reject { .. }) => S::Rejected,
            (S::Accepted, Deed::Adjust { credits, .. }) => {
                if *credits == 0 || !(-CREDITS_MAX..=CREDITS_MAX).contains(credits) {
                    return Err(DisputeFault::Credits);
                }
                S::Adjusted
            }
            (stage, Deed::Adjust { .. }) => return Err(DisputeFault::NotAccepted(stage)),
            (stage, Deed::Answer { .. } | Deed::Accept { .. } | Deed::Reject { .. }) => {
                return Err(DisputeFault::Order(stage, deed.code()));
            }
            _ => return Err(DisputeFault::OtherDeed),
        };
        Ok(if self.stage == S::Adjusted { Kind::Adjusted } else { Kind::Disputed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Contested;

    fn day(n: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + n * 86_400).unwrap_or_default()
    }

    /// What is done to a dispute; how far it comes, or why it does not.
    fn check(deeds: &str, expected: &str) {
        let mut dispute = Dispute { stage: DisputeStage::Open, until: day(30) };
        let mut last = "open".to_owned();
        for word in deeds.split_whitespace() {
            let deed = match word {
                "answer" => Deed::Answer { dispute: 1 },
                "accept" => Deed::Accept { dispute: 1 },
                "reject" => Deed::Reject { dispute: 1 },
                "nothing" => Deed::Adjust { dispute: 1, credits: 0 },
                _ => Deed::Adjust { dispute: 1, credits: -2 },
            };
            last = match dispute.step(&deed) {
                Ok(_) => dispute.stage.code().to_owned(),
                Err(fault) => fault.to_string(),
            };
        }
        assert!(last.starts_with(expected), "{deeds}: {last}");
    }

    #[test]
    fn credits_are_adjusted_by_an_accepted_dispute_once() {
        check("answer answer accept adjust", "adjusted");
        check("accept adjust adjust", "it is adjusted: credits are adjusted when");
        check("adjust", "it is open: credits are adjusted when");
        check("reject adjust", "it is rejected: credits are adjusted when");
        check("accept nothing", "an adjustment adds or takes");
        check("reject accept", "it is rejected: there is nothing to accept");
        check("accept answer", "it is accepted: there is nothing to answer");
    }

    #[test]
    fn a_dispute_says_what_it_is_about_and_until_when() {
        let figure = |difference| Contested {
            month: Some("2026-11".to_owned()),
            stage: Some("registered".to_owned()),
            difference,
            ..Contested::default()
        };
        let entries = |entries: &[u64]| Contested { entries: entries.to_vec(), ..Contested::default() };
        for (about, until, expected) in [
            (entries(&[1, 9]), 30, None),
            (entries(&[10]), 30, Some(DisputeFault::About)),
            (entries(&[0]), 30, Some(DisputeFault::About)),
            (Contested::default(), 30, Some(DisputeFault::About)),
            (figure(Some(-2)), 30, None),
            (figure(Some(0)), 30, Some(DisputeFault::About)),
            (entries(&[1]), 0, Some(DisputeFault::Deadline)),
            (entries(&[1]), 367, Some(DisputeFault::Deadline)),
        ] {
            let deed = Deed::Dispute { about, until: day(until) };
            assert_eq!(Dispute::open(&deed, day(0), 9).err(), expected, "{deed:?}");
        }
    }
}

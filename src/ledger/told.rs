//! What the operator tells of a person behind a referral: registered, supported, re-employed, left again.
//!
//! These do not wait for each other: an operator's list may come in any order, twice, and in parts. Where the contract
//! counts registrations, the first one of a referral is its credit.

use jiff::Timestamp;

use super::entry::Kind;
use super::rules::{Pool, Posting, Referral, Stage, counts};

/// Posts what the operator tells of the person of a referral. A registration that makes the credit holds the person
/// window even where the mail came back: the person is there.
pub fn hear(mut referral: Referral, kind: Kind, at: Timestamp, pool: Pool) -> Posting {
    settle(&mut referral, kind);
    // A list that knows days alone says midnight, which may lie in front of the mail.
    let at = at.max(referral.offered);
    let mut posting = Posting { entries: Vec::with_capacity(2), referral, pool };
    posting.add(kind, at);
    posting
}

/// A referral that bounced goes on with the registration that counts.
pub(super) fn settle(referral: &mut Referral, kind: Kind) {
    let counts = counts(kind, &referral.contract) && referral.counted.is_none();
    if counts && referral.stage == Stage::Bounced {
        referral.stage = Stage::Accepted;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ledger::{Beside, ContractVersion, CountOn, take_back};
    use jiff::civil::date;

    fn day(n: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + n * 86_400).unwrap_or_default()
    }

    fn referral(count_on: CountOn) -> Referral {
        let contract = ContractVersion { count_on, ..ContractVersion::new("main", 1, date(2026, 4, 1)) };
        let counted = (count_on == CountOn::Delivered).then(|| day(1));
        Referral { contract: Arc::new(contract), stage: Stage::Delivered, offered: day(1), counted }
    }

    /// Words of what happens, in this order: `reg`, `sup`, `emp`, `left`, `bounce`; credits, and the state behind them.
    fn check(count_on: CountOn, words: &str, credits: i64, stage: Stage, counted: Option<i64>) {
        let (mut referral, mut pool) = (referral(count_on), Pool::default());
        for word in words.split_whitespace() {
            let kind = match word {
                "reg" => Kind::Registered,
                "sup" => Kind::Supported,
                "emp" => Kind::Reemployed,
                "left" => Kind::Left,
                _ => Kind::Bounced,
            };
            let posting = if kind == Kind::Bounced {
                take_back(referral, pool, Beside::default())
            } else {
                hear(referral, kind, day(5), pool)
            };
            (referral, pool) = (posting.referral, posting.pool);
        }
        assert_eq!((pool.toward, referral.stage, referral.counted), (credits, stage, counted.map(day)), "{words}");
    }

    #[test]
    fn the_first_registration_is_the_credit_where_registrations_count_and_nowhere_else() {
        check(CountOn::Registered, "reg", 1, Stage::Delivered, Some(5));
        check(CountOn::Registered, "sup emp left", 0, Stage::Delivered, None);
        check(CountOn::Registered, "reg reg", 1, Stage::Delivered, Some(5));
        check(CountOn::Delivered, "reg sup", 0, Stage::Delivered, Some(1));
    }

    #[test]
    fn the_order_in_which_things_are_told_changes_nothing() {
        for words in ["reg sup emp left", "left emp sup reg", "sup reg left reg emp"] {
            check(CountOn::Registered, words, 1, Stage::Delivered, Some(5));
        }
        for words in ["reg bounce sup", "bounce sup reg", "bounce reg bounce reg"] {
            check(CountOn::Registered, words, 1, Stage::Accepted, Some(5));
        }
    }

    #[test]
    fn a_list_that_knows_days_alone_counts_no_person_before_the_mail() {
        let posting = hear(referral(CountOn::Registered), Kind::Registered, day(0), Pool::default());
        assert_eq!(posting.referral.counted, Some(day(1)));
    }

    #[test]
    fn the_tenth_registration_grants_a_slot() {
        let nine = Pool { toward: 9, counted: 9, cycles: 0 };
        let posting = hear(referral(CountOn::Registered), Kind::Registered, day(5), nine);
        let kinds: Vec<Kind> = posting.entries.iter().map(|e| e.kind).collect();
        assert_eq!((kinds, posting.pool.toward), (vec![Kind::Registered, Kind::Granted], 0));
    }
}

//! The rule of the late bounce: what it takes back when a mail that was accepted comes back after all.
//!
//! A bounce speaks of one mail. The credit of its person falls only when no other mail of the same referral carries it.

use jiff::Timestamp;

use super::contract::{CountOn, LateBounce};
use super::entry::{Kind, NewEntry};
use super::rules::{Pool, Posting, Referral, Stage};

/// What is known beside the person's referral when a bounce is posted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside<'a> {
    /// Whether other evidence of the same referral, not taken back itself, carries the credit.
    pub credit_stands: bool,
    /// Whether the company has given the credit back already.
    pub reversed: bool,
    /// The slots of the series that are neither voided nor in use, oldest first: number and price in credits.
    pub free_slots: &'a [(u32, i64)],
}

/// Posts a bounce that was never posted before, of a mail whose evidence was.
///
/// A credit that a registration made stands: no mail carries it. Nor does one fall that the company has given back.
///
/// A credit that falls leaves the balance; under `absorb` slots stay and the next one comes later, under `clawback` the
/// newest free ones are voided until the credits carry the rest.
pub fn take_back(referral: Referral, pool: Pool, beside: Beside<'_>) -> Posting {
    let told = referral.contract.count_on == CountOn::Registered;
    let falls = referral.counted.is_some() && !beside.credit_stands && !beside.reversed && !told;
    let worth = -i64::from(falls);
    let mut posting = Posting { entries: vec![NewEntry { kind: Kind::Bounced, worth, cycle: 0 }], referral, pool };
    bounce(&mut posting.referral, worth);
    posting.pool.toward += worth;
    if falls && posting.referral.contract.late_bounce == LateBounce::Clawback {
        void_uncarried(&mut posting.pool, beside.free_slots, &mut posting.entries);
    }
    posting
}

/// Voids the newest free slots until what waits is not below nothing any more.
pub(super) fn void_uncarried(pool: &mut Pool, free_slots: &[(u32, i64)], entries: &mut Vec<NewEntry>) {
    for (cycle, price) in free_slots.iter().rev() {
        if pool.toward >= 0 {
            break;
        }
        pool.toward += price;
        entries.push(NewEntry { kind: Kind::Voided, worth: *price, cycle: *cycle });
    }
}

/// What a bounce of this worth does to the referral: it is over, unless a credit stands that other mail carries. The
/// next contact of the person is then a new referral.
pub(super) fn bounce(referral: &mut Referral, worth: i64) {
    let stands: Option<Timestamp> = referral.counted.filter(|_| worth == 0);
    if stands.is_none() {
        (referral.stage, referral.counted) = (Stage::Bounced, None);
    } else if referral.contract.count_on == CountOn::Registered {
        // As `hear` leaves a referral that bounced first: which came first changes nothing.
        referral.stage = Stage::Accepted;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ledger::ContractVersion;
    use jiff::civil::date;

    fn referral(late_bounce: LateBounce, counted: bool) -> Referral {
        let contract = ContractVersion { late_bounce, ..ContractVersion::new("main", 1, date(2026, 4, 1)) };
        let at = Timestamp::from_second(1_800_000_000).unwrap_or_default();
        Referral { contract: Arc::new(contract), stage: Stage::Delivered, offered: at, counted: counted.then_some(at) }
    }

    /// The balance and what is free before; the entries as `kind worth cycle`, and what waits for the next slot after.
    fn check(referral: Referral, toward: i64, beside: Beside<'_>, entries: &str, toward_after: i64) {
        let pool = Pool { counted: 30, toward, cycles: 2 };
        let posting = take_back(referral, pool, beside);
        let shown = |e: &NewEntry| format!("{} {} {}", e.kind.code(), e.worth, e.cycle);
        assert_eq!(posting.entries.iter().map(shown).collect::<Vec<_>>().join(", "), entries);
        assert_eq!(posting.pool, Pool { counted: 30, toward: toward_after, cycles: 2 });
    }

    #[test]
    fn under_absorb_a_slot_is_final_and_the_next_comes_later() {
        let free = [(1, 10), (2, 10)];
        let beside = Beside { free_slots: &free, ..Beside::default() };
        check(referral(LateBounce::Absorb, true), 0, beside, "bounced -1 0", -1);
        check(referral(LateBounce::Absorb, true), 4, beside, "bounced -1 0", 3);
    }

    #[test]
    fn under_clawback_free_slots_fall_down_to_what_the_credits_carry() {
        let free = [(1, 10), (2, 10)];
        let beside = Beside { free_slots: &free, ..Beside::default() };
        check(referral(LateBounce::Clawback, true), 3, beside, "bounced -1 0", 2);
        check(referral(LateBounce::Clawback, true), 0, beside, "bounced -1 0, voided 10 2", 9);
        check(referral(LateBounce::Clawback, true), -10, beside, "bounced -1 0, voided 10 2, voided 10 1", 9);
        // What is in use stays.
        check(referral(LateBounce::Clawback, true), 0, Beside::default(), "bounced -1 0", -1);
    }

    #[test]
    fn a_credit_that_another_mail_carries_stands() {
        let beside = Beside { credit_stands: true, free_slots: &[(1, 10)], ..Beside::default() };
        check(referral(LateBounce::Clawback, true), 0, beside, "bounced 0 0", 0);
        let after = take_back(referral(LateBounce::Absorb, true), Pool::default(), beside).referral;
        assert_eq!((after.stage, after.counted.is_some()), (Stage::Delivered, true));
    }

    #[test]
    fn a_bounced_referral_is_over_and_the_next_contact_a_new_one() {
        let before = referral(LateBounce::Absorb, false);
        assert!(before.covers(before.offered));
        let after = take_back(before, Pool::default(), Beside::default()).referral;
        assert_eq!((after.stage, after.counted), (Stage::Bounced, None));
        assert!(!after.covers(after.offered));
    }
}

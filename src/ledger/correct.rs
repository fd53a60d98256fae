//! Corrections: a credit the company gives back, credits an accepted dispute adds or takes. Each is a new entry; what
//! was written stays.

use super::bounce::void_uncarried;
use super::contract::{ContractVersion, LateBounce};
use super::entry::{Kind, NewEntry};
use super::rules::{Pool, grant};

/// What a correction makes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Correction {
    /// The new entries: the correction itself, then the slots it grants or voids.
    pub entries: Vec<NewEntry>,
    /// The pool after them.
    pub pool: Pool,
}

/// Corrects what waits for the next slot by `worth`. Credits that come grant; those that go void free slots under
/// `clawback`, and under `absorb` the next slot comes later.
pub fn correct(
    (kind, worth): (Kind, i64),
    contract: &ContractVersion,
    mut pool: Pool,
    free_slots: &[(u32, i64)],
) -> Correction {
    let mut entries = vec![NewEntry { kind, worth, cycle: 0 }];
    pool.toward += worth;
    if worth > 0 {
        grant(&mut pool, contract, &mut entries);
    } else if contract.late_bounce == LateBounce::Clawback {
        void_uncarried(&mut pool, free_slots, &mut entries);
    }
    Correction { entries, pool }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    /// What waits before, the correction; the entries as `kind worth cycle`.
    fn check(late_bounce: LateBounce, toward: i64, (kind, worth): (Kind, i64), expected: &str) {
        let contract = ContractVersion { late_bounce, ..ContractVersion::new("main", 1, date(2026, 4, 1)) };
        let pool = Pool { counted: 20, toward, cycles: 2 };
        let made = correct((kind, worth), &contract, pool, &[(1, 10), (2, 10)]);
        let shown = |e: &NewEntry| format!("{} {} {}", e.kind.code(), e.worth, e.cycle);
        assert_eq!(made.entries.iter().map(shown).collect::<Vec<_>>().join(", "), expected);
        assert_eq!(made.pool.toward, toward + made.entries.iter().map(|e| e.worth).sum::<i64>());
        assert_eq!(made.pool.counted, 20, "a correction counts no person");
    }

    #[test]
    fn a_credit_given_back_leaves_what_waits_and_under_clawback_the_slot_it_no_longer_carries() {
        check(LateBounce::Absorb, 0, (Kind::Reversed, -1), "reversed -1 0");
        check(LateBounce::Clawback, 4, (Kind::Reversed, -1), "reversed -1 0");
        check(LateBounce::Clawback, 0, (Kind::Reversed, -1), "reversed -1 0, voided 10 2");
    }

    #[test]
    fn an_adjustment_grants_and_voids_as_credits_do() {
        check(LateBounce::Absorb, 8, (Kind::Adjusted, 3), "adjusted 3 0, granted -10 3");
        check(LateBounce::Absorb, 8, (Kind::Adjusted, 12), "adjusted 12 0, granted -10 3, granted -10 4");
        check(LateBounce::Clawback, 2, (Kind::Adjusted, -14), "adjusted -14 0, voided 10 2, voided 10 1");
        check(LateBounce::Absorb, 2, (Kind::Adjusted, -14), "adjusted -14 0");
    }
}

//! Another threshold in a series: what waits is carried or lapses, granted slots stay, and the statement says so.

use rusqlite::Connection;

use super::*;
use crate::ledger::{AtNewThreshold, Kind};
use crate::store::LEDGER_FILE;

/// Persons who are referred under a version.
fn refer(ledger: &mut Ledger, terms: &ContractVersion, persons: std::ops::Range<u32>) {
    let contact = |n| ledger.contact("kaede", &format!("candidate{n}@mail.example"), 0, Proves::Delivered);
    let events: Vec<_> = persons.map(contact).collect();
    ledger.post(events.into_iter().map(|event| ReferralEvent { contract: terms.reference(), ..event }));
}

/// A ledger with 17 credits at a threshold of 10, and a second version with another one.
fn ledger(threshold: u32, at_new_threshold: AtNewThreshold) -> (Ledger, ContractVersion) {
    let mut ledger = Ledger::open(&["kaede"], contract(1, 10, CountOn::Delivered));
    let first = ledger.contract.clone();
    refer(&mut ledger, &first, 0..17);
    let second = ContractVersion { at_new_threshold, ..contract(2, threshold, CountOn::Delivered) };
    ledger.agree("kaede", &second).expect("an agreement");
    (ledger, second)
}

/// The second version, and how many persons are referred under it; then slots granted, credits that wait and lapsed.
#[track_caller]
fn check((threshold, at_new): (u32, AtNewThreshold), persons: u32, (slots, waits, lapsed): (u32, i64, u64)) {
    let (mut ledger, second) = ledger(threshold, at_new);
    let start = ticking();
    refer(&mut ledger, &second, 100..100 + persons);
    ledger.reopen();
    let statement = wait(ledger.store.statement(&company("kaede"), start, Timestamp::MAX)).expect("a statement");
    let pool = &statement.pools["main"];
    let found = (pool.closing.cycles, pool.closing.toward, pool.lapsed);
    assert_eq!(found, (slots, waits, lapsed), "{threshold} {} {persons}", at_new.code());
    let anew = u64::from(at_new == AtNewThreshold::Restart && persons > 0);
    assert_eq!(pool.entries.get(&Kind::Restarted).copied().unwrap_or(0), anew);
    assert_eq!((pool.opening.toward, pool.threshold), (7, if persons > 0 { threshold } else { 10 }));
    assert_eq!(ledger.faults(), [""; 0]);
}

#[test]
fn what_waits_counts_under_the_new_threshold_or_lapses_with_its_first_referral() {
    use AtNewThreshold::{Carry, Restart};
    check((3, Carry), 0, (1, 7, 0));
    check((3, Restart), 0, (1, 7, 0));
    check((3, Carry), 1, (3, 2, 0));
    check((3, Restart), 1, (1, 1, 7));
    check((3, Restart), 3, (2, 0, 7));
    check((20, Carry), 12, (1, 19, 0));
    check((20, Carry), 13, (2, 0, 0));
    check((20, Restart), 13, (1, 13, 7));
    check((20, Restart), 20, (2, 0, 7));
}

/// What somebody changes in a file where counting began anew; the fault that names it.
#[track_caller]
fn named(sql: &str, fault: &str) {
    let (mut ledger, second) = ledger(3, AtNewThreshold::Restart);
    refer(&mut ledger, &second, 100..101);
    let file = Connection::open(ledger.dir.path().join(LEDGER_FILE)).expect("the file");
    file.pragma_update(None, "foreign_keys", false).expect("a setting");
    file.execute_batch(sql).expect("the tampering");
    let faults = ledger.faults();
    assert!(faults.iter().any(|found| found.contains(fault)), "{sql}: {faults:?}");
}

#[test]
fn a_new_beginning_that_was_changed_or_taken_out_is_named() {
    named("UPDATE entries SET worth = 0 WHERE kind = 22", "worth 0 where the rules give -7");
    named("DELETE FROM entries WHERE kind = 22", "counting was to begin anew in front of it and does not");
    named("UPDATE entries SET contract = (SELECT MIN(id) FROM contracts) WHERE kind = 22", "a contract that carries");
}

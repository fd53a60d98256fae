//! Whoever edits the file by SQL is named by `verify`.

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;

use super::*;
use crate::referral::wording::{Language, Wording};
use crate::store::LEDGER_FILE;

/// Runs SQL on a ledger of 11 credits (34 entries, one grant at 31), and checks that every pattern is named.
fn check(sql: &str, expected: &[&str]) {
    let mut ledger = Ledger::open(&["kaede"], contract(1, 10, CountOn::Delivered));
    ledger.post_persons("kaede", 0..11);
    assert_eq!(ledger.faults(), [""; 0]);
    let file = Connection::open(ledger.dir.path().join(LEDGER_FILE)).expect("the file");
    file.pragma_update(None, "foreign_keys", false).expect("a setting");
    file.execute_batch(sql).expect("the tampering");
    let faults = ledger.faults();
    for pattern in expected {
        assert!(faults.iter().any(|fault| fault.starts_with(pattern)), "{sql}\n{pattern}\n{faults:#?}");
    }
    assert!(!faults.is_empty(), "{sql}");
}

#[test]
fn a_changed_value_is_named_at_its_entry() {
    for value in [
        "kind = 1",
        "worth = 5",
        "cycle = 3",
        "at = at - 1",
        "posted = posted + 1",
        "person = zeroblob(32)",
        "event = randomblob(32)",
        "hash = randomblob(32)",
        "kind = 99",
        "hash = x'00'",
        "contract = 7",
    ] {
        check(&format!("UPDATE entries SET {value} WHERE seq = 12"), &["kaede 12: "]);
    }
}

#[test]
fn a_deleted_entry_is_named_wherever_it_stood() {
    check("DELETE FROM entries WHERE seq = 1", &["kaede 1: missing"]);
    check("DELETE FROM entries WHERE seq = 12", &["kaede 12: missing"]);
    check("DELETE FROM entries WHERE seq = 34", &["kaede 34: missing"]);
    check("DELETE FROM entries WHERE seq = 31", &["kaede 31: missing", "kaede 30: a grant was due"]);
    check("DELETE FROM entries", &["kaede 1: missing"]);
}

#[test]
fn swapped_and_added_entries_are_named() {
    check(
        "UPDATE entries SET seq = 99 WHERE seq = 12; UPDATE entries SET seq = 12 WHERE seq = 15;
         UPDATE entries SET seq = 15 WHERE seq = 99",
        &["kaede 12: ", "kaede 15: "],
    );
    check(
        "INSERT INTO entries SELECT company, 35, kind, contract, person, event, worth, cycle, at, posted, hash,
         wording, act FROM entries WHERE seq = 34",
        &["kaede 35: "],
    );
}

#[test]
fn bent_states_balances_grants_evidence_and_terms_are_named() {
    check("UPDATE pools SET toward = 9", &["kaede -: balance of main"]);
    check("DELETE FROM pools", &["kaede -: no balance is kept for main"]);
    check("UPDATE persons SET counted = NULL WHERE id = 3", &["kaede -: the stored state of a person"]);
    check("DELETE FROM persons WHERE id = 3", &["kaede -: 1 persons of the chain have no state", "kaede 7: "]);
    check("UPDATE grants SET cycle = 2", &["kaede -: slot 2 of main", "kaede -: slot 1 of main"]);
    check("DELETE FROM grants", &["kaede -: slot 1 of main"]);
    check("DELETE FROM events WHERE seq = 4", &["kaede 4: the evidence"]);
    check("UPDATE events SET transaction_id = 'x' WHERE seq = 4", &["kaede 4: its evidence"]);
    check("UPDATE events SET route = 'x' WHERE seq = 4", &["kaede 4: its evidence"]);
    check("UPDATE contracts SET threshold = 5", &["kaede 1: its contract version has another content"]);
    check("UPDATE companies SET head = zeroblob(32)", &["kaede 34: the head"]);
    check("UPDATE companies SET seq = 33", &["kaede 34: the head is at 33"]);
}

/// Whoever can rewrite every hash still has to keep the rules.
#[test]
fn a_second_credit_in_a_chain_that_fits_is_named_by_the_rules() {
    use crate::ledger::chain::{genesis, link};
    use crate::ledger::{Audit, Contracts, Entry, Kind, Known, NewEntry};

    let terms = contract(1, 10, CountOn::Delivered);
    let mut contracts = Contracts::default();
    contracts.insert(terms.clone());
    let name = company("kaede");
    let (no_words, no_acts) = (HashSet::new(), HashMap::new());
    let known = Known { contracts: &contracts, wordings: &no_words, acts: &no_acts, operator_keys: &[] };
    let (mut audit, mut head) = (Audit::new(&name, known), genesis(&name));
    let kinds = [Kind::Offered, Kind::Accepted, Kind::Delivered, Kind::Delivered, Kind::Granted];
    for (seq, kind) in (1..).zip(kinds) {
        let worth = i64::from(kind == Kind::Delivered);
        let at = Timestamp::UNIX_EPOCH;
        let new = NewEntry { kind, worth, cycle: 0 };
        let (person, event) = ([1; 32], [2; 32]);
        let entry =
            Entry { seq, new, contract: terms.reference(), person, event, wording: None, act: None, at, posted: at };
        head = link(&head, &entry);
        audit.entry(&entry, &head);
    }
    audit.finish(5, &head);
    let named: Vec<_> = audit.faults().into_iter().filter_map(|f| f.seq).collect();
    assert!(named.contains(&4) && named.contains(&5), "{named:?}");
    assert!(!named.contains(&3), "{named:?}");
}

#[test]
fn words_that_are_not_what_an_entry_names_are_named_and_old_entries_name_none() {
    let words = |text: &str| Wording::parse(Some(text), None).expect("words");
    let (first, second) = (words("無料のご案内（任意です）："), words("新しい無料のご案内（任意です）："));
    let mut ledger = Ledger::open(&["kaede"], contract(1, 10, CountOn::Delivered));
    ledger.post_persons("kaede", 0..2);
    ledger.agree_words("kaede", &[&first, &second]);
    let contact = |n: u32, wording: &Wording| {
        let event = ledger.contact("kaede", &format!("later{n}@mail.example"), 1, Proves::Delivered);
        ReferralEvent { wording: Some(wording.digest(Language::Ja)), ..event }
    };
    let events = [contact(1, &first), contact(2, &second), contact(3, &second)];
    ledger.post(events);
    assert_eq!(ledger.faults(), [""; 0], "with and without words in one chain");
    let rows = wait(ledger.store.wordings(&company("kaede"))).expect("the words");
    let used: Vec<_> = rows.iter().map(|row| (row.digest, row.entries, row.used.is_some())).collect();
    for (wording, entries) in [(&first, 3), (&second, 6)] {
        assert!(used.contains(&(wording.digest(Language::Ja), entries, true)), "{used:?}");
    }
    let file = Connection::open(ledger.dir.path().join(LEDGER_FILE)).expect("the file");
    file.execute_batch("UPDATE wordings SET record = replace(record, '新しい', '古い')").expect("the tampering");
    let faults = ledger.faults();
    assert_eq!(faults.len(), 6, "{faults:#?}");
    assert!(faults.iter().all(|fault| fault.contains("the words it names are not kept")), "{faults:#?}");
    file.execute_batch("UPDATE entries SET wording = NULL WHERE seq = 7").expect("the tampering");
    assert!(ledger.faults().iter().any(|fault| fault.starts_with("kaede 7: its hash does not fit")));
}

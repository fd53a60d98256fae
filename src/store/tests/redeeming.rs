//! The use of a slot and the operator's signature under it: what holds, what is refused, and what `verify` names.

use rusqlite::Connection;

use super::*;
use crate::ledger::signature::PublicKey;
use crate::ledger::{Act, Deed, SlotStage};
use crate::store::{LEDGER_FILE, SlotAct};
use crate::sys::ed25519::{public_key, sign};
use crate::sys::signing_key::{KeyKind, SigningKey};

fn key() -> (SigningKey, PublicKey) {
    let (key, _) = SigningKey::make(KeyKind::Ed25519, 0).expect("a key");
    let public = public_key(&key).expect("a public half");
    (key, public)
}

fn act(ledger: &Ledger, cycle: u32, deed: Deed) -> Result<SlotStage, String> {
    let act = Act { actor: "hanako".to_owned(), reason: "by telephone".to_owned(), deed };
    let wanted = SlotAct { company: company("kaede"), series: "main".to_owned(), cycle, act, dry_run: false };
    wait(ledger.store.act_on_slot(wanted)).map(|acted| acted.stage).map_err(|e| e.to_string())
}

fn name_keys(ledger: &Ledger, operator_keys: Vec<PublicKey>) {
    let (company, keys) = (company("kaede"), vec![(1, keys(&company("kaede")).fingerprint())]);
    let contracts = vec![ledger.contract.clone()];
    let agreement = Agreement { company, keys, contracts, wordings: vec![], signatures: vec![], operator_keys };
    wait(ledger.store.agree(agreement)).expect("an agreement");
}

/// A ledger with two slots that were used.
fn used() -> Ledger {
    let terms = ContractVersion { review_days: 0, ..contract(1, 2, CountOn::Delivered) };
    let mut ledger = Ledger::open(&["kaede"], terms);
    ledger.post_persons("kaede", 0..4);
    let until = Timestamp::from_second(ticking().as_second() + 86_400).expect("a time");
    for cycle in [1, 2] {
        act(&ledger, cycle, Deed::Reserve { wish: "経理".to_owned(), until }).expect("a reservation");
        for deed in [Deed::Confirm, Deed::Introduce, Deed::Redeem { hire: Some(format!("CR-{cycle}")) }] {
            act(&ledger, cycle, deed).expect("a step");
        }
    }
    ledger
}

fn record(ledger: &Ledger, cycle: u32) -> (u64, String) {
    let row = wait(ledger.store.redemption(&company("kaede"), ("main".to_owned(), cycle))).expect("a row");
    row.map(|row| (row.entry, row.record)).expect("a use")
}

fn deed(of: (u64, &str), (key, public): &(SigningKey, PublicKey)) -> Deed {
    let signature = sign(key, of.1).expect("a signature").to_string();
    Deed::Sign { entry: of.0, key: public.to_string(), signature }
}

/// Whose signatures the statement of everything tells of each slot.
fn told(ledger: &Ledger) -> Vec<(u32, Vec<Option<PublicKey>>)> {
    let statement = wait(ledger.store.statement(&company("kaede"), Timestamp::UNIX_EPOCH, Timestamp::MAX));
    let pools = statement.expect("a statement").pools;
    let keys = |of: &crate::ledger::statement::Redemption| of.signed.iter().map(|by| by.key).collect();
    pools["main"].redemptions.iter().map(|(slot, of)| (*slot, keys(of))).collect()
}

#[test]
fn a_signature_of_the_operators_over_this_use_is_an_entry_once_and_no_other_is_any() {
    let (mut ledger, operator, other) = (used(), key(), key());
    let ((entry, first), (next, second)) = (record(&ledger, 1), record(&ledger, 2));
    assert!(first.contains("\nhire CR-1\n") && first != second, "{first}");
    let fine = deed((entry, &first), &operator);
    let refused = |ledger: &Ledger, deed: Deed, why: &str| {
        let said = act(ledger, 1, deed).expect_err(why);
        assert!(said.starts_with("slot 1: ") && said.contains(why), "{said}");
    };
    refused(&ledger, fine.clone(), "the key is none of the operator's");
    name_keys(&ledger, vec![operator.1]);
    refused(&ledger, deed((entry, &first), &other), "the key is none of the operator's");
    refused(&ledger, deed((entry, &second), &operator), "the signature does not hold");
    refused(&ledger, deed((next, &second), &operator), "speaks of another entry");
    assert_eq!(told(&ledger), [(1, vec![]), (2, vec![])]);
    assert_eq!(act(&ledger, 1, fine.clone()), Ok(SlotStage::Redeemed));
    refused(&ledger, fine, "has signed the use of the slot before");
    ledger.reopen();
    assert_eq!(told(&ledger), [(1, vec![Some(operator.1)]), (2, vec![])]);
    // A key that the file names no more signs nothing new, and what it signed holds.
    name_keys(&ledger, vec![other.1]);
    let late = act(&ledger, 2, deed((next, &second), &operator)).expect_err("a key that is gone");
    assert!(late.contains("the key is none of the operator's"), "{late}");
    assert_eq!(ledger.faults(), [""; 0]);
}

#[test]
fn a_slot_that_was_not_used_cannot_be_signed() {
    let terms = ContractVersion { review_days: 0, ..contract(1, 2, CountOn::Delivered) };
    let mut ledger = Ledger::open(&["kaede"], terms);
    ledger.post_persons("kaede", 0..2);
    assert_eq!(wait(ledger.store.redemption(&company("kaede"), ("main".to_owned(), 1))).expect("an answer"), None);
    let said = act(&ledger, 1, deed((1, "x"), &key())).expect_err("not used");
    assert!(said.contains("the slot is granted: it cannot be signed"), "{said}");
}

/// What somebody changes in the file; the fault that names it.
#[track_caller]
fn check(sql: &str, fault: &str) {
    let (ledger, operator) = (used(), key());
    name_keys(&ledger, vec![operator.1]);
    let (entry, record) = record(&ledger, 1);
    act(&ledger, 1, deed((entry, &record), &operator)).expect("a signature");
    assert_eq!(ledger.faults(), [""; 0]);
    let file = Connection::open(ledger.dir.path().join(LEDGER_FILE)).expect("the file");
    file.pragma_update(None, "foreign_keys", false).expect("a setting");
    file.execute_batch(sql).expect("the tampering");
    let faults = ledger.faults();
    assert!(faults.iter().any(|found| found.contains(fault)), "{sql}: {faults:?}");
}

#[test]
fn a_signature_that_was_changed_or_whose_key_is_gone_is_named() {
    check("DELETE FROM operator_keys", "slot 1: the key is none of the operator's");
    check("UPDATE operator_keys SET public = randomblob(32)", "slot 1: the key is none of the operator's");
    check("UPDATE acts SET record = replace(record, '\"sign\"', '\"confirm\"')", "the act it stands on is not kept");
    check("DELETE FROM acts WHERE seq = (SELECT MAX(seq) FROM acts)", "the act it stands on is not kept");
    check("UPDATE entries SET at = at + 1 WHERE kind = 12 AND cycle = 1", "slot 1: the signature does not hold");
}

//! What others have kept of a ledger names what `verify` alone cannot see; and terms that are agreed by signature.

use rusqlite::Connection;

use super::*;
use crate::ledger::checkpoint::Head;
use crate::ledger::signature::{ContractSignature, PublicKey, signed_record};
use crate::ledger::witness::Witness;
use crate::store::LEDGER_FILE;
use crate::sys::ed25519::{public_key, sign};
use crate::sys::signing_key::{KeyKind, SigningKey};

/// Where a company's chain ends now, as somebody keeps it.
fn seen<P: Place>(ledger: &Ledger<P>, name: &str) -> Witness {
    let heads = wait(ledger.store.heads()).expect("the heads").heads;
    Witness { source: "what was kept".to_owned(), company: company(name), head: heads[&company(name)] }
}

fn named<P: Place>(ledger: &Ledger<P>, witnesses: Vec<Witness>) -> Vec<String> {
    let found = wait(ledger.store.witnessed(witnesses)).expect("a comparison");
    let fault = |fault: crate::ledger::Fault| format!("{}: {}", fault.seq.unwrap_or(0), fault.what);
    found.into_iter().flat_map(|(_, faults)| faults).map(fault).collect()
}

/// A file put back as it was before its newest entries, as from an old backup: the chain fits, and only what was kept
/// tells the loss.
#[test]
fn loss_of_the_newest_entries_is_seen_by_what_was_kept_alone() {
    let mut ledger = Ledger::open(&["kaede"], contract(1, 10, CountOn::Delivered));
    ledger.post_persons("kaede", 0..3);
    let earlier = seen(&ledger, "kaede");
    let backup = TempDir::new().expect("a folder");
    let file = Connection::open(ledger.dir.path().join(LEDGER_FILE)).expect("the file");
    file.execute("VACUUM INTO ?1", [backup.path().join(LEDGER_FILE).to_str()]).expect("a copy");
    ledger.post_persons("kaede", 3..5);
    let kept = seen(&ledger, "kaede");
    assert_eq!(named(&ledger, vec![earlier.clone(), kept.clone()]), [""; 0]);
    ledger.dir = backup;
    ledger.reopen();
    assert_eq!(ledger.faults(), [""; 0], "the chain alone does not show it");
    assert_eq!(
        named(&ledger, vec![earlier.clone(), kept.clone()]),
        ["10: missing: entries 10 to 15, which what was kept knows"]
    );
    // Then it goes another way: a fork of what was kept.
    ledger.post_persons("kaede", 10..13);
    assert_eq!(ledger.faults(), [""; 0]);
    let told = named(&ledger, vec![earlier, kept]);
    assert_eq!(told, ["15: not as what was kept knows it: the chain was written anew at entry 10 or behind"]);
}

pub fn a_company_that_is_gone_and_a_head_of_another_are_named<P: Place>() {
    let mut ledger = Ledger::<P>::begin(&["kaede", "momiji"], contract(1, 10, CountOn::Delivered));
    ledger.post_persons("kaede", 0..2);
    ledger.post_persons("momiji", 0..2);
    let kaede = seen(&ledger, "kaede");
    let swapped = Witness { company: company("momiji"), ..kaede.clone() };
    assert!(named(&ledger, vec![swapped])[0].starts_with("6: not as what was kept knows it"));
    let unknown = Witness { company: company("ume"), ..kaede };
    assert!(named(&ledger, vec![unknown])[0].contains("knows no such company"));
    let empty = Witness { head: Head { seq: 0, hash: [1; 32] }, ..seen(&ledger, "kaede") };
    assert!(named(&ledger, vec![empty])[0].contains("not as what was kept knows it"));
}

pub fn the_name_stays_through_a_reopening_and_two_ledgers_have_two<P: Place>() {
    let mut ledger = Ledger::<P>::begin(&["kaede"], contract(1, 10, CountOn::Delivered));
    let name = |ledger: &Ledger<P>| wait(ledger.store.heads()).expect("the heads").ledger;
    let first = name(&ledger);
    ledger.reopen();
    assert_eq!(name(&ledger), first);
    assert_ne!(name(&Ledger::<P>::begin(&[], contract(1, 10, CountOn::Delivered))), first);
}

fn key() -> (SigningKey, PublicKey) {
    let (key, _) = SigningKey::make(KeyKind::Ed25519, 0).expect("a key");
    let public = public_key(&key).expect("a public half");
    (key, public)
}

fn signed(terms: &ContractVersion, (key, public): &(SigningKey, PublicKey)) -> ContractSignature {
    let signature = sign(key, &signed_record(&company("kaede"), terms)).expect("a signature");
    ContractSignature::check((&company("kaede"), terms), &[*public], signature).expect("one that holds")
}

pub fn terms_are_agreed_from_the_signature_on_and_a_month_that_was_printed_stays_unsigned<P: Place>() {
    let mut ledger = Ledger::<P>::begin(&["kaede"], contract(1, 10, CountOn::Delivered));
    let (start, name) = (ticking(), company("kaede"));
    ledger.post_persons("kaede", 0..1);
    let (month_end, operator) = (ticking(), key());
    let statement = |until| {
        let statement = wait(ledger.store.statement(&name, start, until)).expect("a statement");
        statement.contracts["main"][&1].signed.iter().map(|by| by.key).collect::<Vec<_>>()
    };
    assert_eq!(statement(ticking()), []);
    for _ in 0..2 {
        let keys = vec![(1, keys(&name).fingerprint())];
        let (contracts, signatures) = (vec![ledger.contract.clone()], vec![signed(&ledger.contract, &operator)]);
        let agreement = Agreement {
            company: name.clone(),
            keys,
            contracts,
            wordings: vec![],
            signatures,
            operator_keys: Vec::new(),
        };
        wait(ledger.store.agree(agreement)).expect("an agreement");
    }
    assert_eq!((statement(month_end), statement(ticking())), (vec![], vec![operator.1]));
    let rows = wait(ledger.store.contract_versions(None)).expect("contracts");
    assert_eq!((rows.len(), rows[0].signed.len(), rows[0].entries), (1, 1, 3));
    assert_eq!(ledger.faults(), [""; 0]);
}

#[test]
fn a_signature_that_was_put_into_the_file_by_hand_is_named() {
    let ledger = Ledger::open(&["kaede"], contract(1, 10, CountOn::Delivered));
    let file = Connection::open(ledger.dir.path().join(LEDGER_FILE)).expect("the file");
    let sql = "INSERT INTO contract_signatures SELECT id, randomblob(32), randomblob(64), 1 FROM contracts";
    file.execute_batch(sql).expect("the tampering");
    assert_eq!(ledger.faults(), ["kaede -: a signature under contract main 1 does not hold for it"]);
}

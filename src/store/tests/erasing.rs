//! Erasure: the chain stays whole, nothing that was counted changes, nobody counts again, and nothing of him is left.

use jiff::SignedDuration;
use proptest::prelude::*;
use rusqlite::Connection;

use super::*;
use crate::ledger::{Act, Deed, KeepPersons, Kind};
use crate::referral::CandidateKey;
use crate::store::{CountAct, ErasePerson, Erased, Import, LEDGER_FILE, Told};

const HANA: &str = "hana@mail.example";

fn key_of(address: &str) -> CandidateKey {
    keys(&company("kaede")).candidate(&Address::parse(address).expect("an address"))
}

fn ask(address: &str) -> ErasePerson {
    ErasePerson {
        company: company("kaede"),
        keys: vec![key_of(address)],
        actor: "hr".to_owned(),
        reason: "asked for it by letter".to_owned(),
        dry_run: false,
    }
}

fn erase<P: Place>(ledger: &Ledger<P>, address: &str) -> Erased {
    wait(ledger.store.erase(ask(address))).expect("an erasure")
}

/// Credits ever counted, those that wait, and slots.
fn counted<P: Place>(ledger: &Ledger<P>) -> (u64, i64, u32) {
    let balance = wait(ledger.store.balance(&company("kaede"))).expect("a balance");
    balance.first().map_or((0, 0, 0), |of| (of.pool.counted, of.pool.toward, of.pool.cycles))
}

/// A ledger in which Hana and ten others count.
fn with_hana<P: Place>() -> Ledger<P> {
    let mut ledger = Ledger::<P>::begin(&["kaede"], contract(1, 10, CountOn::Delivered));
    let hana = ledger.contact("kaede", HANA, 0, Proves::Delivered);
    ledger.post([hana]);
    ledger.post_persons("kaede", 0..10);
    ledger
}

pub fn an_erased_person_leaves_the_chain_whole_and_every_credit_as_it_was<P: Place>() {
    let mut ledger = with_hana::<P>();
    let (before, again) = (counted(&ledger), ledger.contact("kaede", HANA, 9, Proves::Delivered));
    ledger.post([again]);
    let erased = erase(&ledger, HANA);
    assert_eq!((erased.persons, erased.evidence, erased.kept_aside), (1, 2, 0));
    assert!(erased.marked_until.is_some());
    assert_eq!((counted(&ledger), ledger.faults()), (before, vec![]));
    let replayed = &wait(ledger.store.verify(None)).expect("a replay")[0];
    assert_eq!((replayed.entries, replayed.head), (erased.entry, erased.head), "the receipt names the newest entry");
    ledger.reopen();
    assert_eq!((counted(&ledger), ledger.faults()), (before, vec![]));
    let twice = erase(&ledger, HANA);
    assert_eq!((twice.entry, twice.persons), (0, 0), "there is nothing to erase any more");
}

pub fn whoever_was_erased_counts_no_second_time_in_the_window_and_does_behind_it<P: Place>() {
    for (day, added) in [(0, 0), (1, 0), (364, 0), (365, 1), (800, 1)] {
        let mut ledger = with_hana::<P>();
        let (replay, before) = (ledger.contact("kaede", HANA, 0, Proves::Delivered), counted(&ledger).0);
        erase(&ledger, HANA);
        let later = ledger.contact("kaede", HANA, day, Proves::Delivered);
        let bounce = ReferralEvent { proves: Proves::Bounced, ..replay.clone() };
        ledger.post([replay, later, bounce]);
        assert_eq!(counted(&ledger).0, before + added, "day {day}");
        assert_eq!(ledger.faults(), [""; 0]);
        assert_eq!(wait(ledger.store.parked()).expect("what is kept aside"), [], "a late bounce waits for nobody");
    }
}

#[test]
fn neither_key_nor_salt_nor_evidence_is_left_in_the_file() {
    let mut ledger = with_hana::<TempDir>();
    let (key, hana) = (key_of(HANA), ledger.contact("kaede", HANA, 3, Proves::Delivered));
    let (other_key, early) =
        (key_of("ren@mail.example"), ledger.contact("kaede", "ren@mail.example", 3, Proves::Bounced));
    ledger.post([hana.clone(), early.clone()]);
    let file = ledger.dir.path().join(LEDGER_FILE);
    let salt: [u8; 16] = Connection::open(&file)
        .and_then(|c| c.query_row("SELECT salt FROM persons WHERE key = ?1", [key.octets], |row| row.get(0)))
        .expect("her salt");
    let aside = other_key.to_text();
    let left = |needle: &[u8]| {
        ["ledger.db", "ledger.db-wal"].iter().any(|name| {
            let octets = std::fs::read(ledger.dir.path().join(name)).unwrap_or_default();
            memchr::memmem::find(&octets, needle).is_some()
        })
    };
    let (transaction, id) = (hana.transaction.clone(), hana.id());
    assert!(left(&key.octets) && left(&salt) && left(transaction.as_bytes()) && left(&id) && left(aside.as_bytes()));
    erase(&ledger, HANA);
    let aside_erased = erase(&ledger, "ren@mail.example");
    assert_eq!((aside_erased.persons, aside_erased.kept_aside), (0, 1));
    assert!(!left(&salt) && !left(transaction.as_bytes()) && !left(&id), "what was erased is in the file still");
    // The mark of Hana is her key; who was kept aside alone leaves none. It goes with the person window.
    assert!(left(&key.octets) && !left(aside.as_bytes()));
}

pub fn a_dry_run_and_a_reason_that_cannot_be_kept_erase_nobody<P: Place>() {
    let ledger = with_hana::<P>();
    let before = wait(ledger.store.verify(None)).expect("a replay");
    let told = wait(ledger.store.erase(ErasePerson { dry_run: true, ..ask(HANA) })).expect("an answer");
    assert_eq!((told.entry, told.persons, told.evidence), (0, 1, 1));
    for (reason, words) in [("for hana@mail.example", "must not hold a mail address"), (" ", "say why")] {
        let refused = wait(ledger.store.erase(ErasePerson { reason: reason.to_owned(), ..ask(HANA) }));
        assert!(refused.is_err_and(|e| e.to_string().contains(words)), "{reason}");
    }
    let nobody = ErasePerson { company: company("momiji"), ..ask(HANA) };
    assert!(wait(ledger.store.erase(nobody)).is_err_and(|e| e.to_string().contains("no company momiji")));
    assert_eq!(wait(ledger.store.verify(None)).expect("a replay"), before);
}

/// Tampering behind an erasure, and what `verify` says of it.
fn check_tampered(sql: &str, pattern: &str) {
    let ledger = with_hana::<TempDir>();
    erase(&ledger, HANA);
    let file = Connection::open(ledger.dir.path().join(LEDGER_FILE)).expect("the file");
    file.pragma_update(None, "foreign_keys", false).expect("a setting");
    file.execute_batch(sql).expect("the tampering");
    let faults = ledger.faults();
    assert!(faults.iter().any(|fault| fault.contains(pattern)), "{sql}: {faults:?}");
}

#[test]
fn a_person_who_is_gone_without_an_erasure_is_named() {
    let another = "DELETE FROM events WHERE person = 5; DELETE FROM persons WHERE id = 5";
    check_tampered(another, "2 persons of the chain have no state, and by the entries 1 were erased");
    check_tampered("DELETE FROM events WHERE person = 5", "the evidence for it is not there");
    check_tampered("UPDATE acts SET record = replace(record, ':1', ':2')", "the act it stands on is not kept");
    check_tampered("DELETE FROM acts", "1 persons of the chain have no state, and by the entries 0 were erased");
    check_tampered("UPDATE entries SET kind = 13 WHERE kind = 23", "its hash does not fit");
    check_tampered("DELETE FROM entries WHERE kind = 23", "missing");
    check_tampered("UPDATE entries SET act = NULL WHERE kind = 23", "its hash does not fit");
}

/// The clock at which the window of day 0 and the dispute days are over.
fn all_over() -> Timestamp {
    Timestamp::from_second(1_790_000_000)
        .and_then(|day| day.checked_add(SignedDuration::from_hours(400 * 24)))
        .expect("a time")
}

/// Erases those whose time is over, in as many steps as it takes; how many.
fn erase_over<P: Place>(ledger: &Ledger<P>, keep: KeepPersons) -> u64 {
    let (mut behind, mut erased) = (0, 0);
    loop {
        let step = wait(ledger.store.erase_over(keep, behind)).expect("a step");
        erased += step.persons;
        behind = step.next;
        if behind == 0 {
            return erased;
        }
    }
}

#[test]
fn persons_whose_window_and_dispute_days_are_over_go_by_themselves_and_balances_stay() {
    let mut ledger = with_hana::<TempDir>();
    let later = ledger.contact("kaede", "late@mail.example", 1, Proves::Delivered);
    ledger.post([later]);
    let before = counted(&ledger);
    assert_eq!(erase_over(&ledger, KeepPersons::default()), 0, "nobody's time is over yet");
    ledger.store = ledger.dir.open(all_over);
    assert_eq!(erase_over(&ledger, KeepPersons { days: Some(401), ..KeepPersons::default() }), 0);
    assert_eq!(erase_over(&ledger, KeepPersons::default()), 11, "all but the one of the next day");
    assert_eq!((counted(&ledger), ledger.faults()), (before, vec![]));
    assert_eq!(erase_over(&ledger, KeepPersons::default()), 0);
    let acts: String = Connection::open(ledger.dir.path().join(LEDGER_FILE))
        .and_then(|c| c.query_row("SELECT group_concat(record) FROM acts", [], |row| row.get(0)))
        .expect("the acts");
    assert_eq!(
        acts, r#"{"actor":"clock","reason":"ledger.keep_persons","deed":"erase","persons":11,"evidence":11}"#,
        "one entry for a batch"
    );
}

pub fn a_batch_is_small_and_the_next_one_goes_on_behind_it<P: Place>() {
    let mut ledger = Ledger::<P>::begin(&["kaede"], contract(1, 10, CountOn::Delivered));
    ledger.post_persons("kaede", 0..2_100);
    ledger.store = ledger.dir.open(all_over);
    let first = wait(ledger.store.erase_over(KeepPersons::default(), 0)).expect("a step");
    assert_eq!((first.persons, first.next), (2_000, 2_000));
    let second = wait(ledger.store.erase_over(KeepPersons::default(), first.next)).expect("a step");
    assert_eq!((second.persons, second.next), (100, 0));
    assert_eq!(ledger.faults(), [""; 0]);
}

#[test]
fn the_mark_of_an_erased_person_goes_when_nothing_can_arrive_late_any_more() {
    let mut ledger = with_hana::<TempDir>();
    erase(&ledger, HANA);
    let later = ledger.contact("kaede", "late@mail.example", 1, Proves::Delivered);
    ledger.post([later]);
    let marks = |ledger: &Ledger| wait(ledger.store.optouts_mark()).expect("a number").0;
    assert_eq!((erase_over(&ledger, KeepPersons::default()), marks(&ledger)), (0, 1));
    ledger.store = ledger.dir.open(all_over);
    assert_eq!((erase_over(&ledger, KeepPersons::default()), marks(&ledger)), (10, 0));
}

pub fn what_was_observed_stays_apart_verifies_and_carries_the_credit_only_where_it_counts<P: Place>() {
    for (count_observed, before, after) in [(false, 1, 0), (true, 1, 1)] {
        let terms = ContractVersion { count_observed, ..contract(1, 10, CountOn::Accepted) };
        let mut ledger = Ledger::<P>::begin(&["kaede"], terms);
        let observed = ledger.contact("kaede", HANA, 0, Proves::Observed);
        let accepted = ledger.contact("kaede", HANA, 1, Proves::Accepted);
        let bounced = ReferralEvent { proves: Proves::Bounced, ..accepted.clone() };
        ledger.post([observed.clone(), observed, accepted]);
        assert_eq!((counted(&ledger).1, ledger.faults()), (before, vec![]));
        ledger.post([bounced]);
        ledger.reopen();
        assert_eq!((counted(&ledger).1, ledger.faults()), (after, vec![]), "{count_observed}");
    }
}

/// Gives back the credit of an entry.
fn reverse<P: Place>(ledger: &Ledger<P>, entry: u64) -> Result<i64, String> {
    let act = Act { actor: "hr".to_owned(), reason: "by mistake".to_owned(), deed: Deed::Reverse { entry } };
    let wanted = CountAct { company: company("kaede"), series: None, act, dry_run: false };
    wait(ledger.store.act_on_count(wanted)).map(|done| done.pool.toward).map_err(|e| e.to_string())
}

pub fn what_was_told_of_an_erased_person_and_a_credit_given_back_before_or_behind_it_verify<P: Place>() {
    for reversed_before in [true, false] {
        let mut ledger = with_hana::<P>();
        let act = Act {
            actor: "hr".to_owned(),
            reason: "by the list".to_owned(),
            deed: Deed::Import { file: "00".to_owned() },
        };
        let at = Timestamp::from_second(1_790_500_000).expect("a time");
        let told = vec![Told { at, candidate: key_of(HANA), kind: Kind::Registered, series: "main".to_owned() }];
        let import = Import { company: company("kaede"), told, totals: vec![], act, dry_run: false };
        wait(ledger.store.import(import.clone())).expect("an import");
        let toward = counted(&ledger).1;
        if reversed_before {
            assert_eq!(reverse(&ledger, 3), Ok(toward - 1));
        }
        assert_eq!(erase(&ledger, HANA).evidence, 2);
        if !reversed_before {
            assert_eq!(reverse(&ledger, 3), Ok(toward - 1));
        }
        assert!(reverse(&ledger, 3).is_err(), "once");
        assert_eq!(wait(ledger.store.import(import)).expect("an import").unknown, 1);
        ledger.reopen();
        assert_eq!((counted(&ledger).1, ledger.faults()), (toward - 1, vec![]), "{reversed_before}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn whatever_is_erased_and_replayed_every_balance_stays_and_the_chain_verifies(
        contacts in proptest::collection::vec((0u8..6, 0i64..700, any::<bool>()), 1..30),
        gone in proptest::collection::vec(0u8..6, 1..4),
    ) {
        let mut ledger = Ledger::open(&["kaede"], contract(1, 3, CountOn::Delivered));
        let address = |n: u8| format!("candidate{n}@mail.example");
        let events: Vec<_> = contacts
            .iter()
            .map(|(n, day, delivered)| {
                let proves = if *delivered { Proves::Delivered } else { Proves::Accepted };
                ledger.contact("kaede", &address(*n), *day, proves)
            })
            .collect();
        ledger.post(events.clone());
        let before = counted(&ledger);
        for n in gone {
            erase(&ledger, &address(n));
            ledger.post(events.clone());
        }
        ledger.reopen();
        prop_assert_eq!(counted(&ledger), before);
        prop_assert_eq!(ledger.faults(), Vec::<String>::new());
    }
}

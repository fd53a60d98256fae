//! Posting: credits, grants, replays, parked rows, agreement, what is on disk.

use rusqlite::Connection;

use super::*;
use crate::ledger::{Notice, Pool};
use crate::store::LEDGER_FILE;

fn pool<P: Place>(ledger: &Ledger<P>, name: &str) -> Pool {
    wait(ledger.store.balance(&company(name))).expect("a balance").first().map(|b| b.pool).unwrap_or_default()
}

pub fn the_tenth_credit_grants_once_whatever_is_replayed_afterwards<P: Place>() {
    let mut ledger = Ledger::<P>::begin(&["kaede"], contract(1, 10, CountOn::Delivered));
    assert_eq!(ledger.post_persons("kaede", 0..9).grants, []);
    let tenth = ledger.post_persons("kaede", 9..10);
    assert_eq!(tenth.grants.iter().map(|g| (g.cycle, g.threshold, g.seq)).collect::<Vec<_>>(), [(1, 10, 31)]);
    assert_eq!(tenth.grants[0].cycle, 1);
    for _ in 0..3 {
        let again = ledger.post_persons("kaede", 0..10);
        assert_eq!((again.events, again.replays, again.grants.len()), (0, 10, 0));
        ledger.reopen();
    }
    assert_eq!(pool(&ledger, "kaede"), Pool { counted: 10, toward: 0, cycles: 1 });
    assert_eq!(ledger.faults(), [""; 0]);
}

pub fn companies_count_the_same_person_apart<P: Place>() {
    let mut ledger = Ledger::<P>::begin(&["kaede", "momiji"], contract(1, 10, CountOn::Delivered));
    ledger.post_persons("kaede", 0..3);
    ledger.post_persons("momiji", 0..2);
    assert_eq!((pool(&ledger, "kaede").counted, pool(&ledger, "momiji").counted), (3, 2));
    let names: Vec<_> = wait(ledger.store.companies()).expect("names").iter().map(ToString::to_string).collect();
    assert_eq!(names, ["kaede", "momiji"]);
}

pub fn a_notice_keeps_its_slots_and_is_due_until_it_is_taken_once<P: Place>() {
    let mut ledger = Ledger::<P>::begin(&["kaede", "momiji"], contract(1, 2, CountOn::Delivered));
    let due = |ledger: &Ledger<P>| wait(ledger.store.notices_due(10)).expect("notices");
    let ids = |ledger: &Ledger<P>| due(ledger).iter().map(Notice::id).collect::<Vec<_>>();
    let gather = |ledger: &Ledger<P>, name: &str| wait(ledger.store.gather_notice(company(name))).expect("a notice");
    ledger.post_persons("kaede", 0..5);
    ledger.post_persons("momiji", 0..2);
    assert_eq!(wait(ledger.store.companies_to_tell()).expect("names"), [company("kaede"), company("momiji")]);
    assert_eq!(due(&ledger), []);
    gather(&ledger, "kaede");
    ledger.post_persons("kaede", 5..12);
    ledger.reopen();
    assert_eq!(due(&ledger)[0].grants().map(|g| g.cycle).collect::<Vec<_>>(), [1, 2]);
    gather(&ledger, "kaede");
    gather(&ledger, "momiji");
    let named = ["notice:kaede:main:1-2-f71998fe", "notice:kaede:main:3-6-f7dd434d", "notice:momiji:main:1"];
    assert_eq!(ids(&ledger), named);
    assert_eq!(wait(ledger.store.notices_due(1)).expect("one")[0].last().cycle, 2);
    let all: Vec<_> = due(&ledger).iter().flat_map(|n| n.grants().cloned().collect::<Vec<_>>()).collect();
    assert_eq!(all[..6], wait(ledger.store.grants(&company("kaede"))).expect("grants"));
    let first = due(&ledger).remove(0);
    for _ in 0..2 {
        wait(ledger.store.mark_taken(first.clone())).expect("a mark");
    }
    assert_eq!(ids(&ledger), named[1..]);
    assert_eq!(wait(ledger.store.companies_to_tell()).expect("names"), []);
}

pub fn rows_without_agreed_terms_wait_whole_and_count_once_agreed<P: Place>() {
    let mut ledger = Ledger::<P>::begin(&[], contract(1, 10, CountOn::Delivered));
    for _ in 0..2 {
        assert_eq!(ledger.post_persons("kaede", 0..3).parked, 3);
    }
    let parked = wait(ledger.store.parked()).expect("parked rows");
    assert_eq!(parked.iter().map(|p| (p.reason.as_str(), p.events)).collect::<Vec<_>>(), [("contract_unknown", 3)]);
    let terms = ledger.contract.clone();
    assert_eq!(ledger.agree("kaede", &terms).expect("an agreement").events, 3);
    assert_eq!(wait(ledger.store.parked()).expect("parked rows"), []);
    assert_eq!(ledger.post_persons("kaede", 0..3).replays, 3);
    assert_eq!(pool(&ledger, "kaede").counted, 3);
}

pub fn a_row_made_with_an_unknown_key_is_not_posted<P: Place>() {
    let mut ledger = Ledger::<P>::begin(&["kaede"], contract(1, 10, CountOn::Delivered));
    let mut event = ledger.contact("kaede", "hana@mail.example", 0, Proves::Delivered);
    event.candidate.key_id = 2;
    assert_eq!(ledger.post([event]).parked, 1);
    assert_eq!(wait(ledger.store.parked()).expect("parked rows")[0].reason, "key_unknown");
}

pub fn used_terms_and_keys_cannot_be_changed_and_the_difference_is_named<P: Place>() {
    let ledger = Ledger::<P>::begin(&["kaede"], contract(1, 10, CountOn::Delivered));
    let other = ledger.agree("kaede", &contract(1, 9, CountOn::Delivered));
    let difference = "contract main 1 of kaede: threshold 10 in the ledger, threshold 9 in the file".to_owned();
    assert_eq!(other, Err(StoreError::Disagrees(vec![difference])));
    let quiet = ContractVersion { quiet_days: 5, ..contract(1, 10, CountOn::Delivered) };
    let difference = "contract main 1 of kaede: quiet_days 7 in the ledger, quiet_days 5 in the file".to_owned();
    assert_eq!(ledger.agree("kaede", &quiet), Err(StoreError::Disagrees(vec![difference])));
    let agreement = Agreement {
        company: company("kaede"),
        keys: vec![(1, "another".to_owned())],
        contracts: vec![],
        wordings: vec![],
        signatures: Vec::new(),
        operator_keys: Vec::new(),
    };
    assert!(matches!(wait(ledger.store.agree(agreement)), Err(StoreError::Disagrees(_))));
    assert!(ledger.agree("kaede", &contract(1, 10, CountOn::Delivered)).is_ok());
}

pub fn a_statement_opens_where_the_one_before_it_closed<P: Place>() {
    let mut ledger = Ledger::<P>::begin(&["kaede"], contract(1, 2, CountOn::Delivered));
    let start = ticking();
    ledger.post_persons("kaede", 0..3);
    let middle = ticking();
    ledger.post_persons("kaede", 3..6);
    let name = company("kaede");
    let first = wait(ledger.store.statement(&name, start, middle)).expect("a statement");
    let second = wait(ledger.store.statement(&name, middle, ticking())).expect("a statement");
    assert_eq!(first.pools["main"].closing, Pool { counted: 3, toward: 1, cycles: 1 });
    assert_eq!(second.pools["main"].opening, first.pools["main"].closing);
    assert_eq!(second.pools["main"].closing, pool(&ledger, "kaede"));
    assert_eq!(second.pools["main"].grants.iter().map(|g| g.0).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(second.head, wait(ledger.store.verify(Some(&name))).expect("a replay")[0].head);
    let nobody = wait(ledger.store.statement(&company("nobody"), start, middle));
    assert_eq!(nobody.err(), Some(StoreError::NoCompany(company("nobody"))));
}

#[test]
fn no_address_is_in_any_file_of_the_ledger() {
    let mut ledger = Ledger::open(&["kaede"], contract(1, 10, CountOn::Delivered));
    let mut event = ledger.contact("kaede", "hana.mori@mail.example", 0, Proves::Delivered);
    event.transaction = "t1".to_owned();
    let mut unknown = event.clone();
    (unknown.company, unknown.transaction) = (company("momiji"), "t2".to_owned());
    ledger.post([event, unknown]);
    for file in std::fs::read_dir(ledger.dir.path()).expect("the folder").flatten() {
        let octets = std::fs::read(file.path()).expect("a file");
        for word in ["hana", "mori", "mail.example"] {
            let found = octets.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word.as_bytes()));
            assert!(!found, "{word} in {:?}", file.path());
        }
    }
}

#[test]
fn a_file_of_a_newer_program_is_left_alone() {
    let ledger = Ledger::open(&["kaede"], contract(1, 10, CountOn::Delivered));
    let file = Connection::open(ledger.dir.path().join(LEDGER_FILE)).expect("the file");
    file.pragma_update(None, "user_version", 99).expect("a version");
    let opened = Store::open(ledger.dir.path()).map(|_| ());
    assert!(matches!(opened, Err(StoreError::Newer { found: 99, .. })), "{opened:?}");
}

#[test]
fn the_comparison_after_a_start_names_a_bent_balance() {
    let mut ledger = Ledger::open(&["kaede", "momiji"], contract(1, 10, CountOn::Delivered));
    ledger.post_persons("kaede", 0..3);
    ledger.post_persons("momiji", 0..3);
    let file = Connection::open(ledger.dir.path().join(LEDGER_FILE)).expect("the file");
    assert_eq!(crate::store::read::compare(&file), Ok(vec![]));
    file.execute("UPDATE pools SET toward = 9 WHERE company = 1", []).expect("a bent balance");
    assert_eq!(crate::store::read::compare(&file), Ok(vec!["kaede main".to_owned()]));
    file.execute("DELETE FROM pools WHERE company = 2", []).expect("a lost balance");
    assert_eq!(crate::store::read::compare(&file).map(|c| c.len()), Ok(2));
}

#[test]
fn a_commit_that_fails_leaves_nothing_and_the_same_rows_post_later() {
    let mut ledger = Ledger::open(&["kaede"], contract(1, 2, CountOn::Delivered));
    ledger.post_persons("kaede", 0..1);
    let before = pool(&ledger, "kaede");
    let file = Connection::open(ledger.dir.path().join(LEDGER_FILE)).expect("the file");
    // Notices are written last, so everything in front of them has to be taken back.
    file.execute_batch("ALTER TABLE notices RENAME TO away").expect("a broken ledger");
    let event = ledger.contact("kaede", "ren@mail.example", 0, Proves::Delivered);
    let row = OutboxRow { seq: 2, event };
    assert!(matches!(wait(ledger.store.post(vec![row.clone()])), Err(StoreError::Database(_))));
    assert_eq!(pool(&ledger, "kaede"), before);
    file.execute_batch("ALTER TABLE away RENAME TO notices").expect("a mended ledger");
    assert_eq!(wait(ledger.store.post(vec![row])).map(|p| (p.events, p.grants.len())), Ok((1, 1)));
    assert_eq!(ledger.faults(), [""; 0]);
}

pub fn many_askers_at_once_count_as_one_after_another<P: Place>() {
    let ledger = Ledger::<P>::begin(&["kaede"], contract(1, 10, CountOn::Delivered));
    // Everybody posts the same 20 persons, each in an order of his own.
    let events: Vec<_> =
        (0..20).map(|n| ledger.contact("kaede", &format!("c{n}@mail.example"), 0, Proves::Delivered)).collect();
    wait(async {
        let ask = |turn: usize| {
            let (store, mut events) = (ledger.store.clone(), events.clone());
            events.rotate_left(turn);
            let rows = events.into_iter().zip(1..).map(|(event, seq)| OutboxRow { seq, event }).collect();
            tokio::spawn(async move { store.post(rows).await })
        };
        let asked: Vec<_> = (0..20).map(ask).collect();
        let (mut new, mut grants) = (0, 0);
        for answer in asked {
            let posted = answer.await.expect("a task").expect("a post");
            (new, grants) = (new + posted.events, grants + posted.grants.len());
        }
        assert_eq!((new, grants), (20, 2));
    });
    assert_eq!(pool(&ledger, "kaede"), Pool { counted: 20, toward: 0, cycles: 2 });
    assert_eq!(ledger.faults(), [""; 0]);
}

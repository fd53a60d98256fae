//! Late bounces in the ledger: what they take back, in whatever order they come, and what the replay says of it.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::ledger::{Kind, LateBounce};

fn terms(threshold: u32, late_bounce: LateBounce) -> ContractVersion {
    ContractVersion { late_bounce, ..contract(1, threshold, CountOn::Delivered) }
}

fn contact<P: Place>(ledger: &Ledger<P>, person: u32, mail: i64) -> ReferralEvent {
    ledger.contact("kaede", &format!("candidate{person}@mail.example"), mail, Proves::Delivered)
}

/// The report that this mail came back.
fn bounce(of: &ReferralEvent) -> ReferralEvent {
    ReferralEvent { proves: Proves::Bounced, route: "return-path".to_owned(), at: of.at + DAY, ..of.clone() }
}

const DAY: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// Credits that wait, slots ever granted, and how many of them stand.
fn standing<P: Place>(ledger: &Ledger<P>) -> (i64, u32, usize) {
    let company = company("kaede");
    let pool = wait(ledger.store.balance(&company)).expect("a balance").first().map(|b| b.pool).unwrap_or_default();
    let whole = wait(ledger.store.statement(&company, Timestamp::MIN, Timestamp::MAX)).expect("a statement");
    let said = |kind| whole.pools.get("main").and_then(|pool| pool.entries.get(&kind)).copied().unwrap_or(0);
    let stand = said(Kind::Granted) - said(Kind::Voided);
    (pool.toward, pool.cycles, usize::try_from(stand).unwrap_or(0))
}

pub fn a_bounce_takes_its_credit_back_once<P: Place>() {
    let mut ledger = Ledger::<P>::begin(&["kaede"], terms(10, LateBounce::Absorb));
    let mail = contact(&ledger, 1, 0);
    ledger.post([mail.clone()]);
    assert_eq!(standing(&ledger), (1, 0, 0));
    assert_eq!(ledger.post([bounce(&mail)]).events, 1);
    assert_eq!(ledger.post([bounce(&mail), mail.clone()]).replays, 2);
    assert_eq!(standing(&ledger), (0, 0, 0));
    assert_eq!(ledger.faults(), Vec::<String>::new());
    // A later mail to the same person, which does arrive, is a new referral.
    ledger.post([contact(&ledger, 1, 3)]);
    assert_eq!(standing(&ledger), (1, 0, 0));
    assert_eq!(ledger.faults(), Vec::<String>::new());
}

pub fn a_bounce_that_comes_before_its_acceptance_waits_for_it<P: Place>() {
    let mut ledger = Ledger::<P>::begin(&["kaede"], terms(10, LateBounce::Absorb));
    let mail = contact(&ledger, 1, 0);
    assert_eq!(ledger.post([bounce(&mail)]).parked, 1);
    ledger.reopen();
    ledger.agree("kaede", &ledger.contract).expect("an agreement");
    assert_eq!(standing(&ledger), (0, 0, 0));
    ledger.post([contact(&ledger, 2, 0), mail.clone()]);
    assert_eq!(standing(&ledger), (1, 0, 0));
    assert_eq!(wait(ledger.store.parked()).expect("parked"), Vec::new());
    assert_eq!(ledger.post([bounce(&mail)]).replays, 1);
    assert_eq!(ledger.faults(), Vec::<String>::new());
}

pub fn under_absorb_the_slot_stays_and_the_next_one_comes_later<P: Place>() {
    let mut ledger = Ledger::<P>::begin(&["kaede"], terms(10, LateBounce::Absorb));
    ledger.post_persons("kaede", 0..10);
    ledger.post([bounce(&contact(&ledger, 3, 0))]);
    assert_eq!(standing(&ledger), (-1, 1, 1));
    ledger.post_persons("kaede", 10..20);
    assert_eq!(standing(&ledger), (9, 1, 1));
    ledger.post_persons("kaede", 20..21);
    assert_eq!(standing(&ledger), (0, 2, 2));
    assert_eq!(ledger.faults(), Vec::<String>::new());
}

pub fn under_clawback_a_slot_that_is_not_carried_any_more_is_voided_and_not_told_of<P: Place>() {
    let mut ledger = Ledger::<P>::begin(&["kaede"], terms(10, LateBounce::Clawback));
    ledger.post_persons("kaede", 0..10);
    assert_eq!(wait(ledger.store.companies_to_tell()).expect("names").len(), 1);
    ledger.post([bounce(&contact(&ledger, 3, 0))]);
    assert_eq!(standing(&ledger), (9, 1, 0));
    assert_eq!(wait(ledger.store.companies_to_tell()).expect("names").len(), 0);
    ledger.post_persons("kaede", 10..11);
    assert_eq!(standing(&ledger), (0, 2, 1));
    assert_eq!(ledger.faults(), Vec::<String>::new());
}

pub fn a_slot_voided_after_its_mail_was_gathered_is_not_told_of_and_those_beside_it_are_once<P: Place>() {
    let mut ledger = Ledger::<P>::begin(&["kaede"], terms(2, LateBounce::Clawback));
    let gathered = |ledger: &Ledger<P>| {
        wait(ledger.store.gather_notice(company("kaede"))).expect("a notice");
        let due = wait(ledger.store.notices_due(9)).expect("notices");
        due.iter().map(|notice| notice.grants().map(|grant| grant.cycle).collect()).collect::<Vec<Vec<u32>>>()
    };
    ledger.post_persons("kaede", 0..4);
    assert_eq!(gathered(&ledger), [vec![1, 2]]);
    ledger.post([bounce(&contact(&ledger, 3, 0))]);
    assert_eq!(wait(ledger.store.notices_due(9)).expect("notices"), []);
    assert_eq!(gathered(&ledger), [vec![1]]);
    let due = wait(ledger.store.notices_due(9)).expect("notices");
    wait(ledger.store.mark_taken(due[0].clone())).expect("a mark");
    // What HR was told of stays told; the entry and the statement say that it is voided.
    ledger.post([bounce(&contact(&ledger, 1, 0)), bounce(&contact(&ledger, 2, 0))]);
    assert_eq!((gathered(&ledger), standing(&ledger)), (Vec::new(), (1, 2, 0)));
    assert_eq!(ledger.faults(), Vec::<String>::new());
}

#[test]
fn a_void_that_is_undone_behind_our_back_is_found() {
    let mut ledger = Ledger::open(&["kaede"], terms(2, LateBounce::Clawback));
    ledger.post_persons("kaede", 0..2);
    ledger.post([bounce(&contact(&ledger, 1, 0))]);
    let file = rusqlite::Connection::open(ledger.dir.path().join(crate::store::LEDGER_FILE)).expect("the ledger");
    file.execute("UPDATE grants SET voided = NULL", []).expect("an update");
    assert_eq!(ledger.faults().len(), 1, "{:?}", ledger.faults());
    file.execute("UPDATE grants SET voided = 8", []).expect("an update");
    file.execute("UPDATE entries SET worth = 0 WHERE kind = 6", []).expect("an update");
    assert!(ledger.faults().len() >= 3, "{:?}", ledger.faults());
}

pub fn whatever_the_order_who_got_a_mail_counts_once_and_nobody_else_does<P: Place>() {
    proptest!(ProptestConfig::with_cases(40), |(
        mails in proptest::collection::btree_set((0u32..14, 0i64..3), 1..30),
        bounced in proptest::collection::vec(any::<bool>(), 30),
        (order, cuts) in (any::<u64>(), proptest::collection::vec(1usize..9, 1..9)),
        (threshold, clawback) in (1u32..5, any::<bool>()),
    )| {
        let late_bounce = if clawback { LateBounce::Clawback } else { LateBounce::Absorb };
        let mut ledger = Ledger::<P>::begin(&["kaede"], terms(threshold, late_bounce));
        let mut events = Vec::new();
        let mut arrived = BTreeSet::new();
        for ((person, mail), bounces) in mails.iter().zip(&bounced) {
            let contact = contact(&ledger, *person, *mail);
            events.extend(bounces.then(|| bounce(&contact)));
            events.push(contact);
            if !bounces {
                arrived.insert(*person);
            }
        }
        // Any order will do, as long as it is the same for the same seed.
        let mix = |seed: u64, octet: &u8| seed.wrapping_mul(31) ^ u64::from(*octet);
        events.sort_by_key(|event| event.id().iter().fold(order, mix));
        let (mut rest, mut cuts) = (events.as_slice(), cuts.iter().cycle());
        let (mut most, net) = (0, i64::try_from(arrived.len()).unwrap_or(0));
        while let Some(size) = cuts.next().filter(|_| !rest.is_empty()) {
            let (batch, behind) = rest.split_at((*size).min(rest.len()));
            rest = behind;
            ledger.post(batch.to_vec());
            let (toward, cycles, stand) = standing(&ledger);
            let price = i64::from(threshold);
            most = most.max((toward + i64::try_from(stand).unwrap_or(0) * price) / price);
            prop_assert!(toward < price && i64::from(cycles) >= most);
            prop_assert!(!clawback || toward >= 0);
        }
        prop_assert_eq!(ledger.post(events).events, 0);
        let (toward, _, stand) = standing(&ledger);
        prop_assert_eq!(toward + i64::try_from(stand).unwrap_or(0) * i64::from(threshold), net);
        prop_assert_eq!(ledger.faults(), Vec::<String>::new());
    });
}

//! The life of hire slots: acts of persons as entries, what the clock ends, and what `verify` makes of a changed act.

use rusqlite::Connection;

use super::*;
use crate::ledger::{Act, Deed, LateBounce, SlotStage};
use crate::store::{LEDGER_FILE, SlotAct};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// The clock of 40 days later.
fn forty_days_later() -> Timestamp {
    Timestamp::from_second(ticking().as_second() + 40 * DAY).expect("a time")
}

fn reserve(days: i64) -> Deed {
    let until = Timestamp::from_second(ticking().as_second() + days * DAY).expect("a time");
    Deed::Reserve { wish: "経理 1名".to_owned(), until }
}

fn act<P: Place>(ledger: &Ledger<P>, cycle: u32, deed: Deed) -> Result<SlotStage, String> {
    let act = Act { actor: "hanako".to_owned(), reason: "by telephone".to_owned(), deed };
    let wanted = SlotAct { company: company("kaede"), series: "main".to_owned(), cycle, act, dry_run: false };
    wait(ledger.store.act_on_slot(wanted)).map(|acted| acted.stage).map_err(|e| e.to_string())
}

/// A ledger with this many slots of two credits each.
fn with_slots<P: Place>(slots: u32, terms: ContractVersion) -> Ledger<P> {
    let mut ledger = Ledger::<P>::begin(&["kaede"], ContractVersion { threshold: 2, ..terms });
    ledger.post_persons("kaede", 0..slots * 2);
    ledger
}

fn terms() -> ContractVersion {
    contract(1, 2, CountOn::Delivered)
}

/// Stage and number of acts of each slot.
fn stages<P: Place>(ledger: &Ledger<P>) -> String {
    let slots = wait(ledger.store.slots(&company("kaede"))).expect("the slots");
    let shown = slots.iter().map(|slot| format!("{} {}", slot.stage.code(), slot.acts.len()));
    shown.collect::<Vec<_>>().join(", ")
}

pub fn a_slot_is_reserved_confirmed_introduced_and_redeemed_each_by_an_entry<P: Place>() {
    let mut ledger = with_slots::<P>(2, terms());
    for (deed, stage) in [
        (reserve(30), SlotStage::Reserved),
        (Deed::Confirm, SlotStage::Confirmed),
        (Deed::Introduce, SlotStage::Introduced),
        (Deed::Redeem { hire: None }, SlotStage::Redeemed),
    ] {
        assert_eq!(act(&ledger, 1, deed), Ok(stage));
    }
    assert_eq!(act(&ledger, 2, Deed::Void), Ok(SlotStage::Voided));
    assert_eq!(stages(&ledger), "redeemed 4, voided 1");
    ledger.reopen();
    assert_eq!(stages(&ledger), "redeemed 4, voided 1");
    assert_eq!(ledger.faults(), [""; 0]);
    let balance = wait(ledger.store.balance(&company("kaede"))).expect("a balance");
    assert_eq!((balance[0].pool.toward, balance[0].pool.cycles), (0, 2), "an act changes no credit");
}

pub fn what_does_not_follow_is_refused_with_words_and_writes_nothing<P: Place>() {
    let ledger = with_slots::<P>(1, terms());
    let before = wait(ledger.store.verify(None)).expect("a replay")[0].entries;
    let no_slot = act(&ledger, 9, Deed::Redeem { hire: None }).expect_err("no such slot");
    assert!(no_slot.contains("there is no slot 9 in the series main of kaede"), "{no_slot}");
    let order = act(&ledger, 1, Deed::Redeem { hire: None }).expect_err("not introduced");
    assert_eq!(order, "slot 1: the slot is granted: it cannot be redeemed");
    let past = act(&ledger, 1, reserve(-1)).expect_err("a deadline in the past");
    assert!(past.contains("must end after now"), "{past}");
    let named = Act { actor: "hanako".to_owned(), reason: "for taro@mail.example".to_owned(), deed: reserve(9) };
    let wanted = SlotAct { company: company("kaede"), series: "main".to_owned(), cycle: 1, act: named, dry_run: false };
    let named = wait(ledger.store.act_on_slot(wanted)).expect_err("an address").to_string();
    assert!(named.contains("must not hold a mail address"), "{named}");
    assert_eq!(wait(ledger.store.verify(None)).expect("a replay")[0].entries, before);
    assert_eq!(stages(&ledger), "granted 0");
}

pub fn a_slot_in_review_is_not_redeemed_yet<P: Place>() {
    let ledger = with_slots::<P>(1, ContractVersion { review_days: 366, ..terms() });
    for deed in [reserve(30), Deed::Confirm, Deed::Introduce] {
        act(&ledger, 1, deed).expect("a deed that follows");
    }
    let refused = act(&ledger, 1, Deed::Redeem { hire: None }).expect_err("in review");
    assert!(refused.contains("review_days"), "{refused}");
}

pub fn no_more_are_reserved_in_a_quarter_than_the_contract_says<P: Place>() {
    let ledger = with_slots::<P>(3, ContractVersion { reserve_max: Some(2), ..terms() });
    assert_eq!(act(&ledger, 1, reserve(30)), Ok(SlotStage::Reserved));
    assert_eq!(act(&ledger, 1, Deed::Release), Ok(SlotStage::Granted));
    assert_eq!(act(&ledger, 1, reserve(30)), Ok(SlotStage::Reserved), "the second of the quarter");
    let refused = act(&ledger, 2, reserve(30)).expect_err("a third one");
    assert!(refused.contains("2 slots may be reserved in a quarter"), "{refused}");
}

pub fn the_clock_ends_reservations_and_free_slots_that_are_over<P: Place>() {
    let mut ledger = with_slots::<P>(3, ContractVersion { slot_expiry_days: Some(140), ..terms() });
    act(&ledger, 1, reserve(30)).expect("a reservation");
    act(&ledger, 2, reserve(60)).expect("a longer one");
    wait(ledger.store.let_time_pass()).expect("nothing to do");
    assert_eq!(stages(&ledger), "reserved 1, reserved 1, granted 0");
    ledger.store = ledger.dir.open(forty_days_later);
    wait(ledger.store.let_time_pass()).expect("ended");
    wait(ledger.store.let_time_pass()).expect("and the one that was reserved expires behind its release");
    assert_eq!(stages(&ledger), "expired 3, reserved 1, expired 1");
    assert_eq!(ledger.faults(), [""; 0]);
}

pub fn a_deed_that_does_not_follow_behind_what_the_clock_does_writes_nothing_of_either<P: Place>() {
    let mut ledger = with_slots::<P>(1, terms());
    act(&ledger, 1, reserve(30)).expect("a reservation");
    let before = wait(ledger.store.verify(None)).expect("a replay");
    ledger.store = ledger.dir.open(forty_days_later);
    let refused = act(&ledger, 1, Deed::Confirm).expect_err("its deadline is over");
    assert_eq!(refused, "slot 1: the slot is granted: it cannot be confirmed");
    assert_eq!(wait(ledger.store.verify(None)).expect("a replay"), before);
    assert_eq!(stages(&ledger), "reserved 1");
    assert_eq!(act(&ledger, 1, reserve(90)), Ok(SlotStage::Reserved));
    assert_eq!((stages(&ledger), ledger.faults()), ("reserved 3".to_owned(), vec![]));
}

pub fn under_clawback_a_slot_in_use_stays<P: Place>() {
    let mut ledger = with_slots::<P>(2, ContractVersion { late_bounce: LateBounce::Clawback, ..terms() });
    act(&ledger, 2, reserve(30)).expect("a reservation");
    let delivered = ledger.contact("kaede", "candidate0@mail.example", 0, Proves::Delivered);
    ledger.post([ReferralEvent { proves: Proves::Bounced, ..delivered }]);
    assert_eq!(stages(&ledger), "voided 0, reserved 1");
    assert_eq!(ledger.faults(), [""; 0]);
}

#[test]
fn a_changed_act_is_named() {
    for (sql, pattern) in [
        ("UPDATE acts SET record = replace(record, 'telephone', 'letter')", "the act it stands on is not kept"),
        ("DELETE FROM acts", "the act it stands on is not kept"),
        ("UPDATE entries SET act = NULL WHERE kind = 9", "its hash does not fit"),
        ("UPDATE entries SET kind = 12 WHERE kind = 9", "its kind is not what the act does"),
        ("UPDATE grants SET stage = 5", "stored redeemed, replayed reserved"),
        ("DELETE FROM entries WHERE kind = 9", "missing"),
    ] {
        let ledger = with_slots::<TempDir>(1, terms());
        act(&ledger, 1, reserve(30)).expect("a reservation");
        let file = Connection::open(ledger.dir.path().join(LEDGER_FILE)).expect("the file");
        file.pragma_update(None, "foreign_keys", false).expect("a setting");
        file.execute_batch(sql).expect("the tampering");
        let faults = ledger.faults();
        assert!(faults.iter().any(|fault| fault.contains(pattern)), "{sql}: {faults:?}");
    }
}

pub fn a_dry_run_tells_what_would_be_and_writes_nothing<P: Place>() {
    let ledger = with_slots::<P>(1, terms());
    let act = Act { actor: "hanako".to_owned(), reason: "by telephone".to_owned(), deed: reserve(30) };
    let wanted = SlotAct { company: company("kaede"), series: "main".to_owned(), cycle: 1, act, dry_run: true };
    let acted = wait(ledger.store.act_on_slot(wanted)).expect("an answer");
    assert_eq!((acted.seq, acted.stage), (0, SlotStage::Reserved));
    assert_eq!(stages(&ledger), "granted 0");
}

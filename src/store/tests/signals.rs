//! Signals of fraud over a ledger: what is read for the rules, what a redemption is told, what clearing writes.

use rusqlite::Connection;

use super::*;
use crate::ledger::signals::SignalName;
use crate::ledger::{Act, Deed, SlotStage};
use crate::store::{LEDGER_FILE, SignalClear, SlotAct};

const DAY: i64 = 86_400;

/// The time of the tests' clock, some days later.
fn now(days: i64) -> Timestamp {
    Timestamp::from_second(ticking().as_second() + days * DAY).expect("a time")
}

/// A ledger whose slots cost this many credits and can be redeemed at once.
fn ledger(threshold: u32) -> Ledger {
    Ledger::open(&["kaede"], ContractVersion { review_days: 0, ..contract(1, threshold, CountOn::Delivered) })
}

/// Letters that differ with the number.
fn word(n: u32) -> String {
    format!("{n:03}").bytes().map(|b| char::from(b - b'0' + b'a')).collect::<String>() + "mori"
}

/// Contacts of now, each with its traits, of mails that offered the line to so many.
fn count(ledger: &mut Ledger, people: impl Iterator<Item = (String, u32)>) {
    let keys = keys(&company("kaede"));
    let of = |(address, offered): (String, u32)| {
        let event = ledger.contact("kaede", &address, 0, Proves::Delivered);
        let traits = keys.traits(&Address::parse(&address).expect("an address"), offered);
        ReferralEvent { traits: Some(traits), at: ticking(), ..event }
    };
    let events: Vec<ReferralEvent> = people.map(of).collect();
    ledger.post(events);
}

/// The open signals with how many people each is about and the slots it holds back.
fn seen(ledger: &Ledger) -> String {
    let all = (Timestamp::MIN, Timestamp::MAX);
    let seen = wait(ledger.store.signals(&company("kaede"), all, now(0))).expect("the signals");
    let shown = seen.signals.iter().map(|(signal, slots)| {
        let slots: Vec<String> = slots.iter().map(|(series, slot)| format!("{series} {slot}")).collect();
        format!("{} {}: {}", signal.name.code(), signal.people, slots.join(" "))
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn clear(ledger: &Ledger, name: SignalName, dry_run: bool) -> Result<u64, String> {
    let (actor, reason) = ("hanako".to_owned(), "ten applications seen".to_owned());
    let clear = SignalClear { company: company("kaede"), name, actor, reason, dry_run };
    wait(ledger.store.clear_signal(clear)).map_err(|e| e.to_string())
}

/// Brings a slot to its redemption.
fn redeem(ledger: &Ledger, cycle: u32, first: bool) -> Result<SlotStage, String> {
    let until = now(30);
    let before = [Deed::Reserve { wish: "経理".to_owned(), until }, Deed::Confirm, Deed::Introduce];
    let deeds = before.into_iter().filter(|_| first).chain([Deed::Redeem { hire: None }]);
    let mut stage = Ok(SlotStage::Granted);
    for deed in deeds {
        let act = Act { actor: "hanako".to_owned(), reason: "by telephone".to_owned(), deed };
        let wanted = SlotAct { company: company("kaede"), series: "main".to_owned(), cycle, act, dry_run: false };
        stage = wait(ledger.store.act_on_slot(wanted)).map(|acted| acted.stage).map_err(|e| e.to_string());
    }
    stage
}

#[test]
fn a_slot_under_a_signal_is_redeemed_once_somebody_has_cleared_it_and_others_at_once() {
    let mut ledger = ledger(10);
    count(&mut ledger, (0..10).map(|n| (format!("{}@gmail.com", word(n)), 1)));
    count(&mut ledger, (0..10).map(|n| (format!("{}@kaede.example", word(n)), 1)));
    assert_eq!(seen(&ledger), "one_domain 10: main 2");
    assert_eq!(redeem(&ledger, 1, true), Ok(SlotStage::Redeemed), "its credits are in order");
    let refused = redeem(&ledger, 2, true).expect_err("under review");
    assert!(
        refused.contains("slot 2") && refused.contains("one_domain") && refused.contains("signals clear"),
        "{refused}"
    );
    assert_eq!(
        clear(&ledger, SignalName::Volume, false),
        Err("kaede has no open signal volume: see career-relay signals --company kaede".to_owned())
    );
    assert_eq!(clear(&ledger, SignalName::OneDomain, true), Ok(0));
    assert!(redeem(&ledger, 2, false).is_err(), "a dry run clears nothing");
    assert!(clear(&ledger, SignalName::OneDomain, false).is_ok_and(|entry| entry > 60));
    assert_eq!(seen(&ledger), "");
    assert_eq!(redeem(&ledger, 2, false), Ok(SlotStage::Redeemed));
    assert_eq!(ledger.faults(), [""; 0]);
    let balance = wait(ledger.store.balance(&company("kaede"))).expect("a balance");
    assert_eq!((balance[0].pool.counted, balance[0].pool.cycles), (20, 2), "neither changes a credit");
}

#[test]
fn a_statement_tells_how_many_signals_are_open_at_its_end() {
    let mut ledger = ledger(10);
    count(&mut ledger, (0..10).map(|n| (format!("{}@kaede.example", word(n)), 1)));
    let open = |ledger: &Ledger, until| {
        let statement = wait(ledger.store.statement(&company("kaede"), Timestamp::MIN, until));
        statement.expect("a statement").open_signals
    };
    let then = now(0);
    assert_eq!(open(&ledger, then), 1);
    clear(&ledger, SignalName::OneDomain, false).expect("cleared");
    assert_eq!((open(&ledger, then), open(&ledger, now(1))), (1, 0), "what was printed stays");
}

#[test]
fn bulk_mails_tags_and_bounces_are_read_as_the_rules_want_them() {
    let mut ledger = ledger(10);
    count(&mut ledger, (0..4).map(|n| (format!("hana+{n}@mori.example"), 1)));
    assert_eq!(seen(&ledger), "mailbox_variants 4: ");
    count(&mut ledger, (0..6).map(|n| (format!("{}@gmail.com", word(n)), 1)));
    assert_eq!(seen(&ledger), "mailbox_variants 4: main 1");
    let mut ledger = self::ledger(10);
    let keys = keys(&company("kaede"));
    let bulk = |n: u32| {
        let address = format!("{}@gmail.com", word(n));
        let event = ledger.contact("kaede", &address, 0, Proves::Delivered);
        let traits = keys.traits(&Address::parse(&address).expect("an address"), 30);
        let (transaction, at) = ("bulk".to_owned(), now(-20));
        ReferralEvent { traits: Some(traits), transaction, recipient: n, at, ..event }
    };
    let events: Vec<ReferralEvent> = (0..12).map(bulk).collect();
    ledger.post(events.clone());
    assert_eq!(seen(&ledger), "invented_names 12: main 1", "12 of 30 were there");
    let bounced = |event: ReferralEvent| ReferralEvent { proves: Proves::Bounced, traits: None, ..event };
    ledger.post(events.into_iter().skip(2).map(bounced));
    assert!(seen(&ledger).contains("many_bounces 10"), "{}", seen(&ledger));
}

#[test]
fn credits_entered_late_are_seen_and_persons_of_before_traits_raise_nothing() {
    let mut ledger = ledger(10);
    let old = |n| ledger.contact("kaede", &format!("{}@kaede.example", word(n)), 0, Proves::Delivered);
    let events: Vec<ReferralEvent> = (0..10).map(old).collect();
    ledger.post(events);
    assert_eq!(seen(&ledger), "entered_late 10: main 1");
    clear(&ledger, SignalName::EnteredLate, false).expect("cleared");
    assert_eq!(seen(&ledger), "");
}

#[test]
fn registrations_of_the_fleet_are_the_measure_where_there_are_some() {
    let mut ledger = Ledger::open(&["kaede", "a", "b", "c"], contract(1, 100, CountOn::Delivered));
    for name in ["kaede", "a", "b", "c"] {
        ledger.post_persons(name, 0..70);
    }
    assert_eq!(seen(&ledger), "entered_late 70: ");
    let file = Connection::open(ledger.dir.path().join(LEDGER_FILE)).expect("the file");
    // Every second person of the others registered, by an entry of the kind for it.
    file.execute_batch(
        "INSERT INTO entries SELECT company, seq + 1000, 17, contract, person, event, 0, 0, at, posted, hash, NULL, NULL
         FROM entries WHERE kind = 3 AND seq % 2 = 0
         AND company <> (SELECT id FROM companies WHERE name = 'kaede')",
    )
    .expect("registrations");
    assert_eq!(seen(&ledger), "no_registrations 70: , entered_late 70: ");
    let other = wait(ledger.store.signals(&company("a"), (Timestamp::MIN, Timestamp::MAX), now(0))).expect("signals");
    assert!(other.signals.iter().all(|(signal, _)| signal.name != SignalName::NoRegistrations), "{other:?}");
}

#[test]
fn a_changed_clearing_is_named() {
    for (sql, pattern) in [
        ("UPDATE acts SET record = replace(record, 'ten', 'two')", "the act it stands on is not kept"),
        ("DELETE FROM acts", "the act it stands on is not kept"),
        ("UPDATE entries SET worth = 1 WHERE kind = 26", "worth 1 where the rules give 0"),
    ] {
        let mut ledger = ledger(10);
        count(&mut ledger, (0..10).map(|n| (format!("{}@kaede.example", word(n)), 1)));
        clear(&ledger, SignalName::OneDomain, false).expect("cleared");
        let file = Connection::open(ledger.dir.path().join(LEDGER_FILE)).expect("the file");
        file.execute_batch(sql).expect("the tampering");
        let faults = ledger.faults();
        assert!(faults.iter().any(|fault| fault.contains(pattern)), "{sql}: {faults:?}");
    }
}

//! What the operator tells, credits given back, and disputes: entries behind acts, once each, and what `verify` makes
//! of changed ones.

use rusqlite::Connection;

use super::*;
use crate::ledger::{Act, Contested, Deed, Kind, LateBounce, Pool};
use crate::referral::CandidateKey;
use crate::store::{CountAct, Entered, ErasePerson, Import, LEDGER_FILE, ReportedTo, Told, Total};

fn act(deed: Deed) -> Act {
    Act { actor: "hanako".to_owned(), reason: "by the list".to_owned(), deed }
}

fn candidate(n: u32) -> CandidateKey {
    let address = Address::parse(&format!("candidate{n}@mail.example")).expect("an address");
    keys(&company("kaede")).candidate(&address)
}

fn told(n: u32, kind: Kind, day: i64) -> Told {
    let at = Timestamp::from_second(1_790_000_000 + day * 86_400).expect("a time");
    Told { at, candidate: candidate(n), kind, series: "main".to_owned() }
}

fn import<P: Place>(ledger: &Ledger<P>, told: &[Told], totals: &[Total]) -> Entered {
    let act = act(Deed::Import { file: "00".to_owned() });
    let company = company("kaede");
    let wanted = Import { company, told: told.to_vec(), totals: totals.to_vec(), act, dry_run: false };
    wait(ledger.store.import(wanted)).expect("an import")
}

fn count<P: Place>(ledger: &Ledger<P>, deed: Deed) -> Result<(u64, i64), String> {
    let wanted = CountAct { company: company("kaede"), series: None, act: act(deed), dry_run: false };
    let done = wait(ledger.store.act_on_count(wanted)).map_err(|e| e.to_string())?;
    Ok((done.seq, done.pool.toward))
}

fn pool<P: Place>(ledger: &Ledger<P>) -> Pool {
    wait(ledger.store.balance(&company("kaede"))).expect("a balance")[0].pool
}

/// Registered, supported, re-employed and left from a day until another, and how far that was looked at.
fn outcomes<P: Place>(ledger: &Ledger<P>, (from, until): (i64, i64), to: ReportedTo) -> ([Option<u64>; 4], ReportedTo) {
    let day = |n: i64| Timestamp::from_second(1_790_000_000 + n * 86_400).expect("a time");
    let found = wait(ledger.store.outcomes(&company("kaede"), (day(from), day(until)), to)).expect("outcomes");
    let of = found.outcomes;
    ([of.registered, of.supported, of.reemployed, of.left], found.to)
}

/// The entries of a kind: number and worth.
fn entries<P: Place>(ledger: &Ledger<P>, kind: Kind) -> Vec<(u64, i64)> {
    let all = wait(ledger.store.entries(&company("kaede"), 0, u32::MAX)).expect("the entries");
    all.iter().filter(|(entry, _)| entry.new.kind == kind).map(|(entry, _)| (entry.seq, entry.new.worth)).collect()
}

/// A ledger in which these persons were referred on day 0.
fn referred<P: Place>(persons: u32, terms: ContractVersion) -> Ledger<P> {
    let mut ledger = Ledger::<P>::begin(&["kaede"], terms);
    ledger.post_persons("kaede", 0..persons);
    ledger
}

fn dispute(entries: &[u64]) -> Deed {
    let until = Timestamp::from_second(ticking().as_second() + 30 * 86_400).expect("a time");
    Deed::Dispute { about: Contested { entries: entries.to_vec(), ..Contested::default() }, until }
}

pub fn a_list_in_any_order_parts_and_number_of_times_comes_to_the_same<P: Place>() {
    let rows = [
        told(0, Kind::Registered, 5),
        told(1, Kind::Registered, 5),
        told(0, Kind::Supported, 7),
        told(0, Kind::Reemployed, 40),
        told(2, Kind::Left, 90),
        told(2, Kind::Registered, 4),
    ];
    let reversed: Vec<Told> = rows.iter().rev().cloned().collect();
    let mixed = [&reversed[..], &rows[..]].concat();
    let plays: [Vec<&[Told]>; 4] =
        [vec![&rows], vec![&reversed], vec![&mixed, &rows], vec![&reversed[..2], &rows[3..], &reversed, &rows[..1]]];
    for play in plays {
        let mut ledger = referred::<P>(3, contract(1, 2, CountOn::Registered));
        assert_eq!(pool(&ledger), Pool::default(), "no mail is a credit");
        for part in &play {
            import(&ledger, part, &[]);
        }
        ledger.reopen();
        assert_eq!(pool(&ledger), Pool { counted: 3, toward: 1, cycles: 1 });
        let of = |from, until| outcomes(&ledger, (from, until), ReportedTo::NOW).0;
        assert_eq!(of(0, 100), [Some(3), Some(1), Some(1), Some(0)]);
        assert_eq!(of(5, 40), [Some(2), Some(1), None, None]);
        assert_eq!(import(&ledger, &rows, &[]).known, 6);
        assert_eq!(ledger.faults(), [""; 0]);
    }
}

pub fn a_registration_makes_no_credit_where_mail_does_and_bounces_take_none_where_registrations_do<P: Place>() {
    let mut ledger = referred::<P>(2, contract(1, 5, CountOn::Delivered));
    assert_eq!(import(&ledger, &[told(0, Kind::Registered, 5)], &[]).credits, 0);
    assert_eq!(pool(&ledger).toward, 2);
    let back = ledger.contact("kaede", "candidate0@mail.example", 0, Proves::Delivered);
    ledger.post([ReferralEvent { proves: Proves::Bounced, ..back }]);
    assert_eq!(pool(&ledger).toward, 1, "what the operator tells carries no credit of a mail");
    assert_eq!(ledger.faults(), [""; 0]);

    let mut ledger = referred::<P>(2, contract(1, 5, CountOn::Registered));
    let back = ledger.contact("kaede", "candidate0@mail.example", 0, Proves::Delivered);
    ledger.post([ReferralEvent { proves: Proves::Bounced, ..back }]);
    assert_eq!(import(&ledger, &[told(0, Kind::Registered, 5), told(1, Kind::Registered, 5)], &[]).credits, 2);
    let back = ledger.contact("kaede", "candidate1@mail.example", 0, Proves::Delivered);
    ledger.post([ReferralEvent { proves: Proves::Bounced, ..back }]);
    assert_eq!(pool(&ledger).toward, 2);
    let again = ledger.contact("kaede", "candidate0@mail.example", 9, Proves::Delivered);
    ledger.post([again]);
    import(&ledger, &[told(0, Kind::Registered, 10), told(1, Kind::Registered, 11)], &[]);
    assert_eq!(pool(&ledger).toward, 2, "one person, one credit");
    assert_eq!(ledger.faults(), [""; 0]);
}

pub fn totals_are_kept_once_and_the_newest_holds<P: Place>() {
    let ledger = referred::<P>(1, contract(1, 5, CountOn::Delivered));
    let total = |people| Total { month: "2026-11".to_owned(), kind: Kind::Registered, people };
    assert_eq!(import(&ledger, &[], &[total(7)]).totals, 1);
    assert_eq!(import(&ledger, &[], &[total(7)]).totals, 0);
    assert_eq!(import(&ledger, &[], &[total(9)]).totals, 1);
    assert_eq!(wait(ledger.store.totals(&company("kaede"))).expect("totals"), [total(9)]);
    assert_eq!(ledger.faults(), [""; 0]);
}

pub fn what_was_reported_up_to_an_entry_and_a_total_stays_as_it_was<P: Place>() {
    let mut ledger = referred::<P>(4, contract(1, 5, CountOn::Delivered));
    // Day 0 is 21 September 2026 in Japan.
    let total = |month: &str, people| Total { month: month.to_owned(), kind: Kind::Supported, people };
    assert_eq!(outcomes(&ledger, (0, 90), ReportedTo::NOW).0, [None; 4]);
    let before = ReportedTo { entries: 0, totals: 0 };
    assert_eq!(outcomes(&ledger, (0, 90), before), ([None; 4], before));
    import(&ledger, &[told(0, Kind::Registered, 5), told(1, Kind::Registered, 6)], &[total("2026-10", 3)]);
    let (then, to) = outcomes(&ledger, (0, 90), ReportedTo::NOW);
    assert_eq!((then, to.totals), ([Some(2), Some(3), None, None], 1));
    import(&ledger, &[told(2, Kind::Registered, 7)], &[total("2026-10", 9), total("2026-09", 50)]);
    assert_eq!(outcomes(&ledger, (0, 90), ReportedTo::NOW).0, [Some(3), Some(9), None, None], "a whole month counts");
    assert_eq!(outcomes(&ledger, (0, 90), to), (then, to));
    // Neither who is forgotten nor who comes again changes what was reported.
    let erased = ErasePerson {
        company: company("kaede"),
        keys: vec![candidate(0)],
        actor: "hr".to_owned(),
        reason: "asked for it".to_owned(),
        dry_run: false,
    };
    wait(ledger.store.erase(erased)).expect("an erasure");
    ledger.reopen();
    let again = ledger.contact("kaede", "candidate1@mail.example", 380, Proves::Delivered);
    ledger.post([again]);
    assert_eq!(outcomes(&ledger, (0, 90), to), (then, to));
    assert_eq!(outcomes(&ledger, (0, 90), ReportedTo::NOW).0, [Some(3), Some(9), None, None]);
    assert_eq!(ledger.faults(), [""; 0]);
}

pub fn a_credit_is_given_back_once_and_the_person_counts_no_second_time_in_the_window<P: Place>() {
    let mut ledger = referred::<P>(3, contract(1, 5, CountOn::Delivered));
    let (first, _) = entries(&ledger, Kind::Delivered)[0];
    let (reversed, toward) = count(&ledger, Deed::Reverse { entry: first }).expect("given back");
    assert_eq!((toward, entries(&ledger, Kind::Reversed)), (2, vec![(reversed, -1)]));
    let again = count(&ledger, Deed::Reverse { entry: first }).expect_err("once");
    assert_eq!(again, format!("the credit of entry {first} was taken back before, by entry {reversed}"));
    let back = ledger.contact("kaede", "candidate0@mail.example", 0, Proves::Delivered);
    ledger.post([ReferralEvent { proves: Proves::Bounced, ..back }]);
    let contact = ledger.contact("kaede", "candidate0@mail.example", 9, Proves::Delivered);
    ledger.post([contact]);
    assert_eq!(pool(&ledger).toward, 2, "neither a bounce nor another mail of the window changes it");
    for (entry, why) in [(1, "entry 1 made no credit"), (99, "entry 99 made no credit"), (reversed, "made no credit")] {
        let refused = count(&ledger, Deed::Reverse { entry }).expect_err("no credit");
        assert!(refused.contains(why), "{refused}");
    }
    assert_eq!(ledger.faults(), [""; 0]);
}

pub fn a_credit_that_bounced_cannot_be_given_back_and_one_of_an_earlier_window_can<P: Place>() {
    let mut ledger = referred::<P>(2, contract(1, 5, CountOn::Delivered));
    let credits = entries(&ledger, Kind::Delivered);
    let later = ledger.contact("kaede", "candidate0@mail.example", 400, Proves::Delivered);
    ledger.post([later.clone()]);
    count(&ledger, Deed::Reverse { entry: credits[0].0 }).expect("the earlier one");
    ledger.post([ReferralEvent { proves: Proves::Bounced, ..later }]);
    assert_eq!(pool(&ledger).toward, 1, "the bounce speaks of the later one");
    let gone = entries(&ledger, Kind::Delivered)[2].0;
    let refused = count(&ledger, Deed::Reverse { entry: gone }).expect_err("it bounced");
    assert!(refused.contains("was taken back before"), "{refused}");
    assert_eq!(ledger.faults(), [""; 0]);
}

pub fn what_is_taken_voids_free_slots_under_clawback_and_delays_the_next_under_absorb<P: Place>() {
    for (late_bounce, toward, voided) in [(LateBounce::Absorb, -1, 0), (LateBounce::Clawback, 1, 1)] {
        let ledger = referred::<P>(4, ContractVersion { late_bounce, ..contract(1, 2, CountOn::Delivered) });
        let (first, _) = entries(&ledger, Kind::Delivered)[0];
        assert_eq!(count(&ledger, Deed::Reverse { entry: first }).map(|(_, toward)| toward), Ok(toward));
        assert_eq!(entries(&ledger, Kind::Voided).len(), voided);
        assert_eq!(ledger.faults(), [""; 0]);
    }
}

pub fn credits_are_adjusted_by_an_accepted_dispute_alone<P: Place>() {
    let ledger = referred::<P>(1, contract(1, 3, CountOn::Delivered));
    let (id, _) = count(&ledger, dispute(&[1])).expect("a dispute");
    let refused = count(&ledger, Deed::Adjust { dispute: id, credits: 2 }).expect_err("not accepted");
    assert!(refused.contains("it is open"), "{refused}");
    count(&ledger, Deed::Answer { dispute: id }).expect("an answer");
    count(&ledger, Deed::Accept { dispute: id }).expect("accepted");
    assert_eq!(count(&ledger, Deed::Adjust { dispute: id, credits: 7 }).map(|(_, toward)| toward), Ok(2));
    assert_eq!(pool(&ledger), Pool { counted: 1, toward: 2, cycles: 2 });
    let again = count(&ledger, Deed::Adjust { dispute: id, credits: 7 }).expect_err("once");
    assert!(again.contains("it is adjusted"), "{again}");
    let (other, _) = count(&ledger, dispute(&[1])).expect("a dispute");
    count(&ledger, Deed::Reject { dispute: other }).expect("rejected");
    let unknown = count(&ledger, Deed::Accept { dispute: 1 }).expect_err("no dispute");
    assert!(unknown.starts_with("there is no dispute 1"), "{unknown}");
    let nothing = count(&ledger, dispute(&[99])).expect_err("no such entry");
    assert!(nothing.starts_with("say what it is about"), "{nothing}");
    let rows = wait(ledger.store.disputes(&company("kaede"))).expect("disputes");
    let shown: Vec<_> = rows.iter().map(|row| (row.id, row.dispute.stage.code(), row.acts.len())).collect();
    assert_eq!(shown, [(id, "adjusted", 4), (other, "rejected", 2)]);
    assert_eq!(ledger.faults(), [""; 0]);
}

pub fn a_dry_run_of_an_import_tells_what_would_be_and_writes_nothing<P: Place>() {
    let ledger = referred::<P>(2, contract(1, 1, CountOn::Registered));
    let before = wait(ledger.store.verify(None)).expect("a replay");
    let act = act(Deed::Import { file: "00".to_owned() });
    let (company, rows) = (company("kaede"), vec![told(0, Kind::Registered, 5), told(9, Kind::Left, 5)]);
    let wanted = Import { company: company.clone(), told: rows, totals: vec![], act: act.clone(), dry_run: true };
    let entered = wait(ledger.store.import(wanted)).expect("an answer");
    assert_eq!((entered.credits, entered.grants.len(), entered.unknown), (1, 1, 1));
    let wanted = CountAct { company, series: None, act: Act { deed: dispute(&[1]), ..act }, dry_run: true };
    wait(ledger.store.act_on_count(wanted)).expect("an answer");
    assert_eq!(wait(ledger.store.verify(None)).expect("a replay"), before);
}

#[test]
fn a_changed_correction_is_named() {
    for (sql, pattern) in [
        ("UPDATE acts SET record = replace(record, 'list', 'fist')", "the act it stands on is not kept"),
        ("UPDATE entries SET worth = -2 WHERE kind = 15", "its hash does not fit"),
        ("UPDATE entries SET kind = 20 WHERE kind = 19", "its hash does not fit"),
        ("UPDATE entries SET kind = 16 WHERE kind = 15", "its kind is not what the act does"),
        ("DELETE FROM reversals", "is reversed by an entry, and not listed"),
        ("UPDATE reversals SET target = 1", "is reversed in its row or by an entry, and not in both"),
        ("UPDATE events SET proves = 'supported' WHERE proves = 'reemployed'", "its evidence is not the evidence"),
        ("DELETE FROM events WHERE proves = 'reemployed'", "the evidence for it is not there"),
        ("DELETE FROM entries WHERE kind = 21", "missing"),
    ] {
        let ledger = referred::<TempDir>(3, contract(1, 5, CountOn::Delivered));
        import(&ledger, &[told(0, Kind::Reemployed, 5)], &[]);
        count(&ledger, dispute(&[1])).expect("a dispute");
        let (first, _) = entries(&ledger, Kind::Delivered)[0];
        count(&ledger, Deed::Reverse { entry: first }).expect("given back");
        assert_eq!(ledger.faults(), [""; 0]);
        let file = Connection::open(ledger.dir.path().join(LEDGER_FILE)).expect("the file");
        file.pragma_update(None, "foreign_keys", false).expect("a setting");
        file.execute_batch(sql).expect("the tampering");
        let faults = ledger.faults();
        assert!(faults.iter().any(|fault| fault.contains(pattern)), "{sql}: {faults:?}");
    }
}

//! A person is one person under every key of the company, whichever mail came first and whichever key it came under.

use super::*;
use crate::ledger::Kind;
use crate::referral::CandidateKey;
use crate::store::{ErasePerson, LEDGER_FILE};

/// A ledger that has agreed to two keys of kaede.
fn ledger<P: Place>() -> Ledger<P> {
    let ledger = Ledger::<P>::begin(&["kaede"], contract(1, 10, CountOn::Delivered));
    let (company, second) = (company("kaede"), keys_by(2));
    let keys = vec![(2, second.fingerprint()), (1, keys(&company).fingerprint())];
    let agreement = Agreement {
        company,
        keys,
        contracts: vec![ledger.contract.clone()],
        wordings: vec![],
        signatures: vec![],
        operator_keys: Vec::new(),
    };
    wait(ledger.store.agree(agreement)).expect("an agreement");
    ledger
}

fn keys_by(id: u16) -> CompanyKeys {
    CompanyKeys::derive(&[9; 32], &company("kaede"), id)
}

fn hana_by(id: u16) -> CandidateKey {
    keys_by(id).candidate(&Address::parse("hana@mail.example").expect("an address"))
}

/// A mail to Hana on a day: before the rotation under key 1, behind it under key 2 with key 1 beside it.
fn mail<P: Place>(ledger: &Ledger<P>, key: u16, day: i64, proves: Proves) -> ReferralEvent {
    let mail = ledger.contact("kaede", "hana@mail.example", day, proves);
    let earlier = (1..key).rev().map(hana_by).collect();
    ReferralEvent { candidate: hana_by(key), earlier, ..mail }
}

/// Posts mails (key, day) and expects so many credits.
fn check<P: Place>(mails: &[(u16, i64)], counted: u64) {
    let mut ledger = ledger::<P>();
    for (key, day) in mails {
        let mail = mail(&ledger, *key, *day, Proves::Delivered);
        ledger.post([mail]);
    }
    let balances = wait(ledger.store.balance(&company("kaede"))).expect("a balance");
    assert_eq!(balances.first().map_or(0, |b| b.pool.counted), counted, "{mails:?}");
    assert_eq!(ledger.faults(), [""; 0], "{mails:?}");
}

pub fn one_person_under_two_keys_counts_once_in_the_window_and_again_after_it<P: Place>() {
    check::<P>(&[(1, 0), (2, 1)], 1);
    check::<P>(&[(2, 0), (1, 1)], 1);
    check::<P>(&[(1, 0), (2, 1), (1, 2), (2, 3)], 1);
    check::<P>(&[(2, 0), (1, 1), (2, 2)], 1);
    check::<P>(&[(1, 0), (2, 365)], 2);
    check::<P>(&[(2, 0), (1, 365), (2, 366)], 2);
}

pub fn the_same_mail_posted_again_adds_nothing_whatever_key_its_person_is_kept_under<P: Place>() {
    let mut ledger = ledger::<P>();
    let (first, second) = (mail(&ledger, 1, 0, Proves::Delivered), mail(&ledger, 2, 1, Proves::Delivered));
    ledger.post([first.clone(), second.clone()]);
    let again = ledger.post([second.clone(), first.clone()]);
    assert_eq!((again.events, again.replays), (0, 2));
    assert_eq!(wait(ledger.store.known(vec![first, second])), Ok(vec![true, true]));
}

pub fn a_bounce_finds_its_mail_by_the_key_of_the_mail_also_when_it_comes_first<P: Place>() {
    for early in [false, true] {
        let mut ledger = ledger::<P>();
        let (old, new) = (mail(&ledger, 1, 0, Proves::Accepted), mail(&ledger, 2, 1, Proves::Delivered));
        let day = jiff::SignedDuration::from_hours(24);
        let bounce = ReferralEvent { proves: Proves::Bounced, earlier: vec![], at: new.at + day, ..new.clone() };
        ledger.post([old]);
        ledger.post(if early { [bounce, new] } else { [new, bounce] });
        let balances = wait(ledger.store.balance(&company("kaede"))).expect("a balance");
        let pool = balances[0].pool;
        assert_eq!((pool.counted, pool.toward), (1, 0), "early: {early}");
        assert_eq!(wait(ledger.store.parked()), Ok(vec![]));
        assert_eq!(ledger.faults(), [""; 0]);
    }
}

pub fn a_trace_by_every_key_tells_the_whole_story_once<P: Place>() {
    use crate::store::Traced;

    let mut ledger = ledger::<P>();
    let mails = [mail(&ledger, 1, 0, Proves::Delivered), mail(&ledger, 2, 1, Proves::Delivered)];
    ledger.post(mails);
    let keys = [2, 1].map(|id| (company("kaede"), hana_by(id))).to_vec();
    let (stories, _) = wait(ledger.store.traced(Traced::Of(keys))).expect("a trace");
    let kinds: Vec<Kind> = stories.iter().flat_map(|s| s.entries.iter().map(|entry| entry.new.kind)).collect();
    assert_eq!(kinds, [Kind::Offered, Kind::Accepted, Kind::Delivered, Kind::Duplicate]);
}

pub fn another_key_under_a_known_number_is_refused_with_what_it_means<P: Place>() {
    let ledger = ledger::<P>();
    let keys = vec![(1, "0123456789abcdef".to_owned())];
    let agreement = Agreement {
        company: company("kaede"),
        keys,
        contracts: vec![],
        wordings: vec![],
        signatures: vec![],
        operator_keys: Vec::new(),
    };
    let refused = wait(ledger.store.agree(agreement)).err().map(|error| error.to_string()).unwrap_or_default();
    for words in ["key 1 of kaede", "everybody would count as new", "put the right key file back", "rotate --lost 1"] {
        assert!(refused.contains(words), "{words}\n{refused}");
    }
    let known = wait(ledger.store.candidate_keys()).expect("keys");
    assert_eq!(known.iter().map(|key| key.id).collect::<Vec<_>>(), [1, 2]);
    assert!(known.iter().all(|key| key.since.is_some()), "{known:?}");
}

/// Posts mails of these keys on day 0 and 1, and erases Hana by one of her keys. What comes on day 2 under `later`
/// adds nothing, and she is in no table but among the marks.
fn check_erased(before: &[u16], by: u16, later: u16) {
    let mut ledger = ledger::<TempDir>();
    for (day, key) in (0..).zip(before) {
        let mail = mail(&ledger, *key, day, Proves::Delivered);
        ledger.post([mail]);
    }
    let wanted = ErasePerson {
        company: company("kaede"),
        keys: vec![hana_by(by)],
        actor: "hr".to_owned(),
        reason: "asked for it by letter".to_owned(),
        dry_run: false,
    };
    let erased = wait(ledger.store.erase(wanted)).expect("an erasure");
    assert_eq!((erased.persons, erased.evidence), (1, before.len() as u64));
    let mail = mail(&ledger, later, 2, Proves::Delivered);
    assert_eq!(ledger.post([mail]).events, 0, "{before:?} {by} {later}");
    let rows: i64 = rusqlite::Connection::open(ledger.dir.path().join(LEDGER_FILE))
        .and_then(|c| {
            let sql = "SELECT (SELECT COUNT(*) FROM persons) + (SELECT COUNT(*) FROM person_aliases)";
            c.query_row(sql, [], |row| row.get(0))
        })
        .expect("a number");
    assert_eq!((rows, ledger.faults()), (0, vec![]));
}

#[test]
fn whoever_is_erased_by_one_key_goes_under_every_key_and_stays_gone_behind_a_rotation() {
    check_erased(&[1], 1, 1);
    check_erased(&[1], 1, 2);
    check_erased(&[1, 2], 2, 2);
    check_erased(&[2, 1], 1, 1);
}

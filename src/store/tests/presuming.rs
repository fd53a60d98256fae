//! Presumed deliveries: what counts when probes come back and mails do not.

use proptest::prelude::*;

use super::*;
use crate::ledger::LateBounce;
use crate::store::Proof;

const HOUR: i64 = 3600;

fn terms(threshold: u32, count_on: CountOn, late_bounce: LateBounce) -> ContractVersion {
    ContractVersion { late_bounce, ..contract(1, threshold, count_on) }
}

fn hour(hour: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + hour * HOUR).expect("a time")
}

/// The acceptance of a mail that left with a return path of ours.
fn accepted<P: Place>(ledger: &Ledger<P>, person: u8, at: i64) -> ReferralEvent {
    let mail = ledger.contact("kaede", &format!("c{person}@mail.example"), 0, Proves::AcceptedTagged);
    ReferralEvent { at: hour(at), transaction: format!("m{person}-{at}"), ..mail }
}

fn bounce(of: &ReferralEvent, at: i64) -> ReferralEvent {
    ReferralEvent { proves: Proves::Bounced, route: "return-path".to_owned(), at: hour(at), ..of.clone() }
}

fn proof(route: &str, at: i64) -> Proof {
    Proof { company: company("kaede"), route: route.to_owned(), probe: format!("p{route}{at}"), at: hour(at) }
}

impl<P: Place> Ledger<P> {
    fn prove(&self, at: i64) -> Posted {
        wait(self.store.prove(proof("next-hop", at))).expect("a proof")
    }

    /// Credits that wait, and slots ever granted.
    fn stands(&self) -> (i64, u32) {
        let pool = wait(self.store.balance(&company("kaede"))).expect("a balance").first().map(|b| b.pool);
        pool.map_or((0, 0), |pool| (pool.toward, pool.cycles))
    }
}

const DAY: i64 = 24;

pub fn a_quiet_week_on_a_proven_path_counts_once_whatever_is_replayed<P: Place>() {
    let mut ledger = Ledger::<P>::begin(&["kaede"], terms(2, CountOn::Delivered, LateBounce::Absorb));
    let mails = [accepted(&ledger, 1, DAY), accepted(&ledger, 1, 2 * DAY), accepted(&ledger, 2, DAY)];
    ledger.prove(0);
    ledger.post(mails.clone());
    ledger.prove(5 * DAY);
    assert_eq!(ledger.stands(), (0, 0));
    let posted = ledger.prove(8 * DAY);
    assert_eq!((posted.events, posted.grants.len(), ledger.stands()), (2, 1, (0, 1)));
    ledger.reopen();
    assert_eq!(ledger.prove(8 * DAY).replays, 1);
    assert_eq!(ledger.post(mails).events, 0);
    assert_eq!((ledger.prove(9 * DAY).events, ledger.stands()), (0, (0, 1)));
    assert_eq!(ledger.faults(), Vec::<String>::new());
}

/// Proofs at these days; a mail of day 1 by `proves` and `route`, and whether it counts in the end.
fn check<P: Place>(proofs: &[(&str, i64)], (proves, route): (Proves, &str), count_on: CountOn, counts: bool) {
    let mut ledger = Ledger::<P>::begin(&["kaede"], terms(10, count_on, LateBounce::Absorb));
    let mail = ReferralEvent { proves, route: route.to_owned(), ..accepted(&ledger, 1, DAY) };
    ledger.post([mail]);
    for (route, day) in proofs {
        wait(ledger.store.prove(proof(route, day * DAY))).expect("a proof");
    }
    assert_eq!(ledger.stands().0, i64::from(counts), "{proofs:?} {proves:?} {route} {count_on:?}");
    assert_eq!(ledger.faults(), Vec::<String>::new());
}

pub fn only_a_tagged_mail_counts_and_only_on_the_route_of_the_probe<P: Place>() {
    let proofs = [("next-hop", 0), ("next-hop", 4), ("next-hop", 8)];
    check::<P>(&proofs, (Proves::AcceptedTagged, "next-hop"), CountOn::Delivered, true);
    check::<P>(&proofs, (Proves::Accepted, "next-hop"), CountOn::Delivered, false);
    check::<P>(&proofs, (Proves::AcceptedTagged, "other"), CountOn::Delivered, false);
    check::<P>(&proofs, (Proves::AcceptedTagged, "next-hop"), CountOn::Registered, false);
    check::<P>(&proofs, (Proves::AcceptedTagged, "next-hop"), CountOn::Accepted, true);
    check::<P>(&[], (Proves::AcceptedTagged, "next-hop"), CountOn::Delivered, false);
    check::<P>(&[("next-hop", 0), ("next-hop", 8)], (Proves::AcceptedTagged, "next-hop"), CountOn::Delivered, false);
    check::<P>(&[("next-hop", 2), ("next-hop", 9)], (Proves::AcceptedTagged, "next-hop"), CountOn::Delivered, false);
}

pub fn a_bounce_in_the_quiet_days_keeps_the_credit_away_and_a_later_one_takes_it_back<P: Place>() {
    let mut ledger = Ledger::<P>::begin(&["kaede"], terms(2, CountOn::Delivered, LateBounce::Clawback));
    let (early, late, fine) = (accepted(&ledger, 1, 1), accepted(&ledger, 2, 1), accepted(&ledger, 3, 1));
    ledger.prove(0);
    ledger.post([early.clone(), late.clone(), fine, bounce(&early, 3 * DAY)]);
    ledger.prove(6 * DAY);
    ledger.prove(9 * DAY);
    assert_eq!(ledger.stands(), (0, 1));
    ledger.post([bounce(&late, 10 * DAY)]);
    assert_eq!(ledger.stands(), (1, 1));
    assert_eq!(wait(ledger.store.companies_to_tell()).expect("names").len(), 0);
    ledger.prove(12 * DAY);
    assert_eq!(ledger.stands(), (1, 1));
    assert_eq!(ledger.faults(), Vec::<String>::new());
}

pub fn another_mail_to_the_same_person_that_does_not_come_back_counts_in_its_turn<P: Place>() {
    for first_bounces_at in [2 * DAY, 10 * DAY] {
        let mut ledger = Ledger::<P>::begin(&["kaede"], terms(10, CountOn::Delivered, LateBounce::Absorb));
        let (first, second) = (accepted(&ledger, 1, 1), accepted(&ledger, 1, DAY));
        ledger.prove(0);
        ledger.post([first.clone(), second]);
        ledger.prove(6 * DAY);
        if first_bounces_at == 2 * DAY {
            ledger.post([bounce(&first, first_bounces_at)]);
        }
        ledger.prove(9 * DAY);
        assert_eq!(ledger.stands().0, 1);
        if first_bounces_at > 2 * DAY {
            ledger.post([bounce(&first, first_bounces_at)]);
            assert_eq!(ledger.stands().0, 0);
        }
        ledger.prove(11 * DAY);
        assert_eq!(ledger.stands().0, 1);
        assert_eq!(ledger.faults(), Vec::<String>::new());
    }
}

#[test]
fn a_presumption_that_no_proof_carries_is_found() {
    let mut ledger = Ledger::open(&["kaede"], terms(10, CountOn::Delivered, LateBounce::Absorb));
    ledger.prove(0);
    ledger.post([accepted(&ledger, 1, 1)]);
    ledger.prove(5 * DAY);
    ledger.prove(9 * DAY);
    assert_eq!(ledger.faults(), Vec::<String>::new());
    let file = rusqlite::Connection::open(ledger.dir.path().join(crate::store::LEDGER_FILE)).expect("the ledger");
    file.execute("DELETE FROM proofs WHERE probe LIKE 'pnext-hop120'", []).expect("a deletion");
    assert_eq!(ledger.faults().len(), 1, "{:?}", ledger.faults());
}

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Accept(u8),
    Bounce(usize),
    Prove,
}

/// The plainest account of one person: the mails of the newest referral, and the one that carries the credit.
#[derive(Clone, Debug, Default)]
struct Known {
    /// When it was accepted, and whether it has come back or carried the credit.
    mails: Vec<(usize, i64, bool)>,
    carrier: Option<usize>,
    over: bool,
}

#[derive(Default)]
struct Model {
    persons: std::collections::BTreeMap<u8, Known>,
    since: i64,
    proven: Option<i64>,
}

impl Model {
    fn accept(&mut self, person: u8, mail: usize, at: i64) {
        let known = self.persons.entry(person).or_default();
        if known.over {
            *known = Known::default();
        }
        known.mails.push((mail, at, false));
    }

    fn bounce(&mut self, person: u8, mail: usize) {
        let known = self.persons.entry(person).or_default();
        known.mails.iter_mut().filter(|(name, ..)| *name == mail).for_each(|(.., spent)| *spent = true);
        if known.carrier == Some(mail) {
            known.carrier = None;
        }
        known.over |= known.carrier.is_none();
    }

    fn prove(&mut self, at: i64) {
        if self.proven.is_none_or(|last| at - last > 7 * DAY) {
            self.since = at;
        }
        self.proven = Some(at);
        for known in self.persons.values_mut().filter(|known| known.carrier.is_none()) {
            let fits = |m: &&mut (usize, i64, bool)| !m.2 && m.1 >= self.since && at - m.1 >= 7 * DAY;
            if let Some((name, _, spent)) = known.mails.iter_mut().find(fits) {
                *spent = true;
                (known.carrier, known.over) = (Some(*name), false);
            }
        }
    }

    fn credits(&self) -> i64 {
        i64::try_from(self.persons.values().filter(|known| known.carrier.is_some()).count()).unwrap_or(0)
    }
}

fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
    let step = prop_oneof![
        3 => (0u8..6).prop_map(Step::Accept),
        2 => any::<usize>().prop_map(Step::Bounce),
        4 => Just(Step::Prove),
    ];
    proptest::collection::vec((1i64..90, step), 1..50)
}

pub fn the_ledger_equals_the_model_over_replays_and_restarts<P: Place>() {
    proptest!(ProptestConfig::with_cases(48), |(
        steps in steps(),
        repeats in proptest::collection::vec((any::<bool>(), any::<bool>()), 50),
        threshold in 1u32..4,
    )| {
        let mut ledger = Ledger::<P>::begin(&["kaede"], terms(threshold, CountOn::Delivered, LateBounce::Absorb));
        let (mut model, mut now, mut mails) = (Model::default(), 0, Vec::new());
        for ((gap, step), (again, reopen)) in steps.into_iter().zip(repeats) {
            now += gap;
            match step {
                Step::Accept(person) => {
                    let mail = accepted(&ledger, person, now);
                    model.accept(person, mails.len(), now);
                    mails.push((person, mail.clone()));
                    ledger.post([mail]);
                }
                Step::Bounce(of) if !mails.is_empty() => {
                    let (person, mail) = &mails[of % mails.len()];
                    let event = bounce(mail, now);
                    if ledger.post([event]).events == 1 {
                        model.bounce(*person, of % mails.len());
                    }
                }
                Step::Bounce(_) => {}
                Step::Prove => {
                    ledger.prove(now);
                    model.prove(now);
                }
            }
            if reopen {
                ledger.reopen();
            }
            if again {
                prop_assert_eq!(ledger.post(mails.iter().map(|(_, mail)| mail.clone())).events, 0);
                ledger.prove(now);
                model.prove(now);
                prop_assert_eq!((ledger.prove(now).events, ledger.prove(now).replays), (0, 1));
            }
            let (toward, _) = ledger.stands();
            let granted = wait(ledger.store.grants(&company("kaede"))).expect("grants").len();
            let net = toward + i64::try_from(granted).unwrap_or(0) * i64::from(threshold);
            prop_assert_eq!(net, model.credits());
        }
        prop_assert_eq!(ledger.faults(), Vec::<String>::new());
    });
}

//! The rules: from a person's state, a pool's balance and one event to the entries it makes. The only place with them.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::contract::{ContractVersion, CountOn};
use super::entry::{Kind, NewEntry};
use super::event::{Proves, ReferralEvent};

/// How far a referral has come.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Stage {
    /// An MTA had it, and nothing was heard of it in time; what follows is another referral.
    Lapsed,
    /// It was sent elsewhere, as an export or a copy tells.
    Observed,
    /// The next hop has taken the mail.
    Accepted,
    /// The candidate's own MX has taken it.
    Delivered,
    /// It came back after all; what follows is another referral.
    Bounced,
}

impl From<Proves> for Stage {
    fn from(proves: Proves) -> Self {
        match proves {
            // What the operator tells is posted by `hear` and proves no more of a mail than that it was taken.
            Proves::Accepted
            | Proves::AcceptedTagged
            | Proves::Registered
            | Proves::Supported
            | Proves::Reemployed
            | Proves::Left => Self::Accepted,
            Proves::Delivered | Proves::DeliveredHiding | Proves::Reported | Proves::Presumed => Self::Delivered,
            Proves::Bounced => Self::Bounced,
            Proves::Observed => Self::Observed,
            Proves::Lapsed => Self::Lapsed,
        }
    }
}

/// The newest referral of one person: derived, and the same as a replay of the entries gives.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Referral {
    /// The contract version pinned when it was offered; it rules all later evidence.
    pub contract: Arc<ContractVersion>,
    /// How far it has come.
    pub stage: Stage,
    /// When it was offered.
    pub offered: Timestamp,
    /// When it became a credit.
    pub counted: Option<Timestamp>,
}

impl Referral {
    /// Whether a contact at `at` belongs to this referral: until the person window behind the credit (behind the offer,
    /// as long as nothing is counted) is over, or it has bounced or lapsed. What arrives late from before it belongs to
    /// it too.
    pub fn covers(&self, at: Timestamp) -> bool {
        if matches!(self.stage, Stage::Bounced | Stage::Lapsed) {
            return false;
        }
        let window = SignedDuration::from_hours(i64::from(self.contract.person_window_days) * 24);
        self.counted.unwrap_or(self.offered).checked_add(window).map_or(true, |end| at < end)
    }
}

/// The balance of one contract series.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Pool {
    /// Credits ever counted, those that bounced later included.
    pub counted: u64,
    /// Credits that wait for the next slot: the sum of the worth of all entries.
    pub toward: i64,
    /// Slots ever granted, those voided later included, which is the number of the newest.
    pub cycles: u32,
}

/// A company's contract versions by series and number.
#[derive(Clone, Debug, Default)]
pub struct Contracts(HashMap<String, HashMap<u32, Arc<ContractVersion>>>);

impl Contracts {
    /// Adds a version.
    pub fn insert(&mut self, version: ContractVersion) {
        self.0.entry(version.series.clone()).or_default().insert(version.version, Arc::new(version));
    }

    /// Finds a version.
    pub fn find(&self, series: &str, version: u32) -> Option<&Arc<ContractVersion>> {
        self.0.get(series)?.get(&version)
    }
}

/// Why an event cannot be posted now. It is kept aside, whole, until this is settled.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unpostable {
    /// The store has no such contract version.
    #[error("contract version unknown")]
    ContractUnknown,
    /// The node that wrote the line had other terms under the same name.
    #[error("contract version has another content here")]
    ContractDiffers,
    /// The store has not agreed on the key that made the candidate key.
    #[error("candidate key made with an unknown key")]
    KeyUnknown,
    /// A bounce of a mail whose acceptance has not come here yet.
    #[error("bounce of a referral that is not known yet")]
    ReferralUnknown,
}

impl Unpostable {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::ContractUnknown => "contract_unknown",
            Self::ContractDiffers => "contract_differs",
            Self::KeyUnknown => "key_unknown",
            Self::ReferralUnknown => "referral_unknown",
        }
    }
}

/// The contract version that rules an event: the pinned one while the person's referral covers it, else the event's.
///
/// # Errors
/// [`Unpostable`] when the event's version is not known with the content the event pins.
pub fn ruling(
    person: Option<&Referral>,
    event: &ReferralEvent,
    contracts: &Contracts,
) -> Result<Arc<ContractVersion>, Unpostable> {
    if let Some(referral) = person.filter(|r| r.covers(event.at)) {
        return Ok(Arc::clone(&referral.contract));
    }
    let wanted = &event.contract;
    let version = contracts.find(&wanted.series, wanted.version).ok_or(Unpostable::ContractUnknown)?;
    if version.digest() == wanted.digest { Ok(Arc::clone(version)) } else { Err(Unpostable::ContractDiffers) }
}

/// What one event makes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Posting {
    /// The new entries, in order.
    pub entries: Vec<NewEntry>,
    /// The person's referral after them.
    pub referral: Referral,
    /// The pool of the ruling version's series after them.
    pub pool: Pool,
}

/// Posts an acceptance or a delivery that was never posted before. `contract` is what [`ruling`] found, `pool` that of
/// its series.
pub fn post(person: Option<Referral>, event: &ReferralEvent, contract: &Arc<ContractVersion>, pool: Pool) -> Posting {
    let covering = person.filter(|r| r.covers(event.at));
    let stage = Stage::from(event.proves);
    let known = covering.as_ref().map(|referral| referral.stage);
    let mut referral = covering.unwrap_or_else(|| Referral {
        contract: Arc::clone(contract),
        stage,
        offered: event.at,
        counted: None,
    });
    referral.stage = referral.stage.max(stage);
    let mut posting = Posting { entries: Vec::with_capacity(4), referral, pool };
    for kind in kinds(known, event.proves) {
        posting.add(kind, event.at);
    }
    posting
}

/// What a referral that has come to a stage, or a new one, is told by evidence.
fn kinds(known: Option<Stage>, proves: Proves) -> Vec<Kind> {
    let stage = Stage::from(proves);
    let last = match proves {
        Proves::DeliveredHiding => Kind::DeliveredHiding,
        Proves::Reported => Kind::Reported,
        _ if stage == Stage::Delivered => Kind::Delivered,
        _ if stage == Stage::Observed => Kind::Observed,
        _ if stage == Stage::Lapsed => Kind::Lapsed,
        _ => Kind::Accepted,
    };
    let is_delivery = last.is_delivery();
    match known {
        Some(known) if stage <= known => vec![Kind::Duplicate],
        Some(Stage::Observed) if is_delivery => vec![Kind::Accepted, last],
        Some(_) => vec![last],
        None if is_delivery => vec![Kind::Offered, Kind::Accepted, last],
        None => vec![Kind::Offered, last],
    }
}

impl Posting {
    /// Adds one stage, its credit if it is the stage that counts, and the grant if it is then due.
    pub(super) fn add(&mut self, kind: Kind, at: Timestamp) {
        let counts = counts(kind, &self.referral.contract) && self.referral.counted.is_none();
        self.entries.push(NewEntry { kind, worth: i64::from(counts), cycle: 0 });
        if counts {
            self.referral.counted = Some(at);
            self.pool.counted += 1;
            self.pool.toward += 1;
            grant(&mut self.pool, &self.referral.contract, &mut self.entries);
        }
    }
}

/// Grants while the credits reach the threshold: at the tenth, in the same step.
pub(super) fn grant(pool: &mut Pool, contract: &ContractVersion, entries: &mut Vec<NewEntry>) {
    let price = i64::from(contract.threshold.max(1));
    while pool.toward >= price {
        pool.toward -= price;
        pool.cycles += 1;
        entries.push(NewEntry { kind: Kind::Granted, worth: -price, cycle: pool.cycles });
    }
}

/// Begins counting anew: what waits for the next slot lapses. What is owed by bounces behind a grant stays owed.
pub fn restart(pool: &mut Pool) -> NewEntry {
    let worth = -pool.toward.max(0);
    pool.toward += worth;
    NewEntry { kind: Kind::Restarted, worth, cycle: 0 }
}

/// Whether an entry of this kind is the stage that makes a credit.
pub(super) fn counts(kind: Kind, contract: &ContractVersion) -> bool {
    match contract.count_on {
        _ if kind == Kind::Observed => contract.count_observed,
        CountOn::Accepted => kind == Kind::Accepted,
        CountOn::Delivered => kind.is_delivery() || kind == Kind::Presumed,
        CountOn::Registered => kind == Kind::Registered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::referral::{CandidateKey, CompanyId, LinkToken};
    use jiff::civil::date;

    fn contract(count_on: CountOn) -> Arc<ContractVersion> {
        Arc::new(ContractVersion { count_on, ..ContractVersion::new("main", 1, date(2026, 4, 1)) })
    }

    fn event(contract: &ContractVersion, proves: Proves, day: i64) -> ReferralEvent {
        ReferralEvent {
            company: CompanyId::parse("kaede").unwrap(),
            candidate: CandidateKey { key_id: 1, octets: [1; 32] },
            earlier: Vec::new(),
            token: LinkToken::parse(&format!("kaede-{}", "a".repeat(26))).unwrap(),
            contract: contract.reference(),
            proves,
            route: "smarthost".to_owned(),
            transaction: format!("t{day}"),
            recipient: 0,
            inserted: true,
            wording: None,
            traits: None,
            at: Timestamp::from_second(1_800_000_000 + day * 86_400).unwrap(),
        }
    }

    /// One letter per entry, upper case when it is a credit; the contacts are (proof, day).
    fn check(count_on: CountOn, contacts: &[(Proves, i64)], expected: &str) {
        check_under((*contract(count_on)).clone(), contacts, expected);
    }

    fn check_under(contract: ContractVersion, contacts: &[(Proves, i64)], expected: &str) {
        let contract = Arc::new(contract);
        let (mut person, mut pool, mut seen) = (None, Pool::default(), Vec::new());
        for (proves, day) in contacts {
            let posting = post(person, &event(&contract, *proves, *day), &contract, pool);
            let letter = |e: &NewEntry| {
                let code = &e.kind.code()[..3];
                if e.worth > 0 { code.to_uppercase() } else { code.to_owned() }
            };
            seen.push(posting.entries.iter().map(letter).collect::<Vec<_>>().join(" "));
            (person, pool) = (Some(posting.referral), posting.pool);
        }
        assert_eq!(seen.join(" | "), expected);
    }

    #[test]
    fn a_person_counts_once_within_the_window_and_again_after_it() {
        use Proves::Delivered as D;
        check(CountOn::Delivered, &[(D, 0)], "off acc DEL");
        check(CountOn::Delivered, &[(D, 0), (D, 0), (D, 364)], "off acc DEL | dup | dup");
        check(CountOn::Delivered, &[(D, 0), (D, 365)], "off acc DEL | off acc DEL");
        check(CountOn::Delivered, &[(D, 0), (D, 365), (D, 10)], "off acc DEL | off acc DEL | dup");
    }

    #[test]
    fn no_evidence_no_credit() {
        use Proves::{Accepted as A, Delivered as D};
        check(CountOn::Delivered, &[(A, 0), (A, 1)], "off acc | dup");
        check(CountOn::Delivered, &[(A, 0), (D, 1), (D, 2)], "off acc | DEL | dup");
        check(CountOn::Accepted, &[(A, 0), (D, 1)], "off ACC | del");
        check(CountOn::Registered, &[(D, 0)], "off acc del");
    }

    #[test]
    fn what_was_observed_alone_counts_only_where_the_contract_says_so_and_better_evidence_follows_it() {
        use Proves::{Accepted as A, Delivered as D, Observed as O};
        check(CountOn::Delivered, &[(O, 0), (O, 1)], "off obs | dup");
        check(CountOn::Delivered, &[(O, 0), (A, 1), (D, 2), (O, 3)], "off obs | acc | DEL | dup");
        check(CountOn::Delivered, &[(O, 0), (D, 1)], "off obs | acc DEL");
        check(CountOn::Accepted, &[(A, 0), (O, 1)], "off ACC | dup");
        let counted = |count_on| ContractVersion { count_observed: true, ..(*contract(count_on)).clone() };
        check_under(counted(CountOn::Delivered), &[(O, 0), (A, 1), (D, 2)], "off OBS | acc | del");
        check_under(counted(CountOn::Accepted), &[(O, 0), (O, 364), (O, 365)], "off OBS | dup | off OBS");
    }

    #[test]
    fn each_proof_of_delivery_counts_once_and_is_told_apart() {
        use Proves::{Accepted as A, Delivered as D, DeliveredHiding as H, Reported as R};
        check(CountOn::Delivered, &[(H, 0), (D, 1)], "off acc DEL | dup");
        check(CountOn::Delivered, &[(A, 0), (R, 1), (R, 2)], "off acc | REP | dup");
        check(CountOn::Accepted, &[(A, 0), (R, 1)], "off ACC | rep");
        let hiding = kinds(None, H);
        assert_eq!(hiding, [Kind::Offered, Kind::Accepted, Kind::DeliveredHiding]);
    }

    #[test]
    fn what_lapsed_counts_for_nothing_and_keeps_nobody_from_counting() {
        use Proves::{Accepted as A, Delivered as D, Lapsed as L};
        check(CountOn::Accepted, &[(L, 0), (L, 1), (A, 2)], "off lap | off lap | off ACC");
        check(CountOn::Delivered, &[(L, 0), (D, 0), (L, 1)], "off lap | off acc DEL | dup");
    }

    #[test]
    fn the_window_runs_from_the_credit_not_from_the_offer() {
        use Proves::{Accepted as A, Delivered as D};
        check(CountOn::Delivered, &[(A, 0), (D, 300), (D, 600), (D, 665)], "off acc | DEL | dup | off acc DEL");
    }

    #[test]
    fn the_tenth_credit_grants_in_the_same_step() {
        let contract = contract(CountOn::Delivered);
        let mut pool = Pool::default();
        for n in 1..=25u32 {
            let posting = post(None, &event(&contract, Proves::Delivered, 0), &contract, pool);
            let grants = posting.entries.iter().filter(|e| e.kind == Kind::Granted).count();
            assert_eq!(grants, usize::from(n % 10 == 0), "credit {n}");
            pool = posting.pool;
        }
        assert_eq!(pool, Pool { counted: 25, toward: 5, cycles: 2 });
    }

    #[test]
    fn a_lower_threshold_carries_what_waits() {
        let old = contract(CountOn::Delivered);
        let new = Arc::new(ContractVersion { version: 2, threshold: 3, ..(*old).clone() });
        let pool = Pool { counted: 9, toward: 9, cycles: 0 };
        let posting = post(None, &event(&new, Proves::Delivered, 0), &new, pool);
        assert_eq!(posting.pool, Pool { counted: 10, toward: 1, cycles: 3 });
    }

    #[test]
    fn a_restart_lets_lapse_what_waits_and_nothing_else() {
        for (toward, worth, after) in [(9, -9, 0), (0, 0, 0), (-2, 0, -2)] {
            let mut pool = Pool { counted: 29, toward, cycles: 2 };
            assert_eq!(restart(&mut pool), NewEntry { kind: Kind::Restarted, worth, cycle: 0 });
            assert_eq!(pool, Pool { counted: 29, toward: after, cycles: 2 });
        }
    }

    #[test]
    fn an_event_of_another_contract_content_is_not_posted() {
        let known = contract(CountOn::Delivered);
        let mut contracts = Contracts::default();
        contracts.insert((*known).clone());
        let mut event = event(&known, Proves::Delivered, 0);
        assert_eq!(ruling(None, &event, &contracts), Ok(known));
        event.contract.digest[0] ^= 1;
        assert_eq!(ruling(None, &event, &contracts), Err(Unpostable::ContractDiffers));
        event.contract.version = 9;
        assert_eq!(ruling(None, &event, &contracts), Err(Unpostable::ContractUnknown));
    }
}

//! `verify`: replays a company's chain by the rules and names every fault, by the entry's number where there is one.

mod clears;
mod corrections;
mod erased;
mod restarts;
mod slots;
mod told;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use super::act::{Act, ActDigest};
use super::bounce::bounce;
use super::chain::{Hash, genesis, link};
use super::contract::{ContractRef, ContractVersion, CountOn, LateBounce};
use super::entry::{Entry, Kind};
use super::presume::{presume, quiet_time};
use super::rules::{Contracts, Pool, Referral, Stage, counts};
use super::signature::PublicKey;
use super::statement::apply;
use crate::referral::CompanyId;
use crate::referral::wording::WordingDigest;

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// The entry it was found at, if at one.
    pub seq: Option<u64>,
    /// What it is, in words.
    pub what: String,
}

/// What entries name by digest, as it is kept beside them.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The contract versions.
    pub contracts: &'a Contracts,
    /// The words that are kept as they were.
    pub wordings: &'a HashSet<WordingDigest>,
    /// The acts that are kept as they were.
    pub acts: &'a HashMap<ActDigest, Act>,
    /// The keys that the operator has, or had.
    pub operator_keys: &'a [PublicKey],
}

/// The first entry of a piece of evidence, and whom it is about.
struct Told {
    seq: u64,
    person: Hash,
}

/// Commitments are hashes already: eight octets of them are spread as evenly as a second hash would spread them.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, octets: &[u8]) {
        self.0 = octets.first_chunk().map_or(0, |eight| u64::from_ne_bytes(*eight));
    }

    /// The length in front is the same for all.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

type ByHash<T> = HashMap<Hash, T, BuildHasherDefault<Spread>>;

/// The replay of one company's chain. Feed it every entry in order, then compare what is derived.
pub struct Audit<'a> {
    known: Known<'a>,
    company: CompanyId,
    head: Hash,
    seq: u64,
    posted: i64,
    persons: ByHash<Referral>,
    pools: BTreeMap<String, Pool>,
    grants: HashMap<(String, u32), slots::Kept>,
    due: Option<(u64, Kind)>,
    corrections: corrections::Corrections,
    events: ByHash<Told>,
    erased: erased::ErasedSoFar,
    restarted: HashSet<(String, u32)>,
    /// The version of the entry in front, where that pins what is known: most pin the same.
    pinned: Option<(ContractRef, Arc<ContractVersion>)>,
    faults: Vec<Fault>,
}

impl<'a> Audit<'a> {
    /// Starts in front of the first entry.
    pub fn new(company: &CompanyId, known: Known<'a>) -> Self {
        Self {
            known,
            company: company.clone(),
            head: genesis(company),
            seq: 0,
            posted: i64::MIN,
            persons: ByHash::default(),
            pools: BTreeMap::new(),
            grants: HashMap::new(),
            due: None,
            corrections: corrections::Corrections::new(known.acts.values()),
            events: ByHash::default(),
            erased: erased::ErasedSoFar::default(),
            restarted: HashSet::new(),
            pinned: None,
            faults: Vec::new(),
        }
    }

    /// Takes the next entry with its stored hash.
    pub fn entry(&mut self, entry: &Entry, stored: &Hash) {
        self.check_chain(entry, stored);
        let contract = self.check_contract(entry);
        if self.due.is_some_and(|(_, kind)| kind != entry.new.kind) {
            self.check_due_made();
        }
        if entry.act.is_some() && !entry.new.kind.may_stand_on_act() {
            self.fault(entry.seq, "an act behind what no act makes");
        }
        if entry.new.kind.is_personal() {
            if entry.person == [0; 32] || entry.event == [0; 32] {
                self.fault(entry.seq, "no person or no evidence behind it");
            }
            self.events.entry(entry.event).or_insert(Told { seq: entry.seq, person: entry.person });
        }
        if entry.wording.is_some_and(|wording| !self.known.wordings.contains(&wording)) {
            self.fault(entry.seq, "the words it names are not kept, or not as they were");
        }
        let (worth, due) = match contract {
            Some(contract) => self.replay(entry, &contract),
            None => (entry.new.worth, None),
        };
        if worth != entry.new.worth {
            self.fault(entry.seq, &format!("worth {} where the rules give {worth}", entry.new.worth));
        }
        self.due = due.map(|kind| (entry.seq, kind));
    }

    /// Takes an entry that cannot be read as one; the chain goes on behind it, and will not fit there either.
    pub fn unreadable(&mut self, seq: u64, what: &str) {
        self.fault(seq, &format!("unreadable: {what}"));
        self.seq = seq;
    }

    fn fault(&mut self, seq: u64, what: &str) {
        self.faults.push(Fault { seq: Some(seq), what: what.to_owned() });
    }

    fn check_chain(&mut self, entry: &Entry, stored: &Hash) {
        let expected = self.seq + 1;
        if entry.seq != expected {
            let what = format!("missing: the next entry is {}", entry.seq);
            self.fault(expected, &what);
        }
        if link(&self.head, entry) != *stored {
            self.fault(entry.seq, "its hash does not fit: it, its hash or what stood in front was changed");
        }
        let posted = entry.posted.as_microsecond();
        if posted < self.posted {
            self.fault(entry.seq, "posted before the entry in front of it");
        }
        (self.seq, self.head, self.posted) = (entry.seq, *stored, posted);
    }

    fn check_contract(&mut self, entry: &Entry) -> Option<Arc<ContractVersion>> {
        let pinned = &entry.contract;
        if let Some((_, version)) = self.pinned.as_ref().filter(|(before, _)| before == pinned) {
            return Some(Arc::clone(version));
        }
        let found = self.known.contracts.find(&pinned.series, pinned.version).cloned();
        match &found {
            None => self.fault(entry.seq, "its contract version is not there"),
            Some(version) if version.digest() != pinned.digest => {
                self.fault(entry.seq, "its contract version has another content than it pins");
            }
            Some(version) => self.pinned = Some((pinned.clone(), Arc::clone(version))),
        }
        found
    }

    fn check_due_made(&mut self) {
        match self.due.take() {
            Some((seq, Kind::Voided)) => self.fault(seq, "a slot was to be voided behind it and is not"),
            Some((seq, _)) => self.fault(seq, "a grant was due behind it and is not there"),
            None => {}
        }
    }

    /// Applies the entry to the derived states: the worth the rules give it, and what is due behind it.
    fn replay(&mut self, entry: &Entry, contract: &Arc<ContractVersion>) -> (i64, Option<Kind>) {
        self.check_restart(entry, contract);
        let price = i64::from(contract.threshold.max(1));
        let worth = match entry.new.kind {
            kind if kind.is_of_slot() => self.replay_slot(entry, contract),
            Kind::Erased => self.replay_erasure(entry),
            Kind::Cleared => self.replay_clear(entry),
            Kind::Restarted => self.replay_restart(entry),
            Kind::Bounced => self.replay_bounce(entry, contract),
            Kind::Presumed => self.replay_presumption(entry, contract),
            kind if kind.is_of_operator() => self.replay_told(entry, contract),
            Kind::Reversed | Kind::Adjusted | Kind::Disputed => self.replay_correction(entry),
            _ => self.replay_stage(entry, contract),
        };
        self.corrections.note(entry);
        let toward = self.apply(entry);
        let due = match entry.new.kind {
            _ if entry.new.worth == 0 => None,
            Kind::Adjusted if entry.new.worth > 0 => (toward >= price).then_some(Kind::Granted),
            Kind::Bounced | Kind::Voided | Kind::Reversed | Kind::Adjusted => {
                let voids = contract.late_bounce == LateBounce::Clawback && toward < 0;
                (voids && self.newest_slot(&entry.contract.series).is_some()).then_some(Kind::Voided)
            }
            _ => (toward >= price).then_some(Kind::Granted),
        };
        (worth, due)
    }

    /// Applies the entry to the balance of its series: what waits for the next slot then.
    fn apply(&mut self, entry: &Entry) -> i64 {
        let series = &entry.contract.series;
        let pool = match self.pools.get_mut(series) {
            Some(pool) => pool,
            None => self.pools.entry(series.clone()).or_default(),
        };
        apply(pool, entry);
        pool.toward
    }

    /// Whether other mail carries the credit of a bounced one is known by the evidence alone, not by the chain: a
    /// bounce takes back one credit or none.
    fn replay_bounce(&mut self, entry: &Entry, contract: &Arc<ContractVersion>) -> i64 {
        let reversed = self.corrections.is_reversed(&entry.person);
        let Some(referral) = self.persons.get_mut(&entry.person) else {
            self.fault(entry.seq, "bounced, and nothing was offered before");
            return 0;
        };
        let falls = !reversed && contract.count_on != CountOn::Registered;
        let least = -i64::from(referral.counted.is_some() && falls);
        let worth = entry.new.worth.clamp(least, 0);
        bounce(referral, worth);
        if referral.contract != *contract {
            self.fault(entry.seq, "ruled by another contract version than its referral pinned");
        }
        worth
    }

    /// Which mail it speaks of, and that the return path was proven, is known by the evidence alone.
    fn replay_presumption(&mut self, entry: &Entry, contract: &Arc<ContractVersion>) -> i64 {
        let Some(referral) = self.persons.get_mut(&entry.person) else {
            self.fault(entry.seq, "presumed, and nothing was offered before");
            return 0;
        };
        let (offered, pinned) = (referral.offered, Arc::clone(&referral.contract));
        let presumed = presume(referral.clone(), entry.at, Pool::default());
        let credit = presumed.as_ref().map(|posting| posting.referral.counted != referral.counted);
        if let Some(posting) = presumed {
            *referral = posting.referral;
        }
        if credit.is_none() {
            self.fault(entry.seq, "presumed what is known to be delivered");
        }
        if entry.at.duration_since(offered) < quiet_time(&pinned) {
            self.fault(entry.seq, "presumed before its quiet days were over");
        }
        if pinned != *contract {
            self.fault(entry.seq, "ruled by another contract version than its referral pinned");
        }
        i64::from(credit.unwrap_or(false))
    }

    fn replay_stage(&mut self, entry: &Entry, contract: &Arc<ContractVersion>) -> i64 {
        let known = self.persons.get(&entry.person).filter(|r| r.covers(entry.at)).cloned();
        let fits = match (entry.new.kind, &known) {
            (Kind::Offered, None) | (Kind::Duplicate, Some(_)) => true,
            (Kind::Accepted, Some(r)) => {
                r.stage == Stage::Observed || r.stage == Stage::Accepted && r.counted.is_none()
            }
            (Kind::Observed, Some(r)) => r.stage == Stage::Accepted && r.counted.is_none(),
            (kind, Some(r)) if kind.is_delivery() => r.stage == Stage::Accepted,
            (Kind::Lapsed, Some(r)) => r.stage == Stage::Accepted && r.counted.is_none(),
            _ => false,
        };
        if !fits {
            self.fault(entry.seq, "its kind does not follow from the person's referral");
        }
        let fresh =
            || Referral { contract: Arc::clone(contract), stage: Stage::Accepted, offered: entry.at, counted: None };
        let mut referral = if entry.new.kind == Kind::Offered { fresh() } else { known.unwrap_or_else(fresh) };
        if referral.contract != *contract {
            self.fault(entry.seq, "ruled by another contract version than its referral pinned");
        }
        match entry.new.kind {
            kind if kind.is_delivery() => referral.stage = Stage::Delivered,
            Kind::Lapsed => referral.stage = Stage::Lapsed,
            Kind::Accepted => referral.stage = Stage::Accepted,
            Kind::Observed => referral.stage = Stage::Observed,
            _ => {}
        }
        let credit = counts(entry.new.kind, contract) && referral.counted.is_none();
        if credit {
            referral.counted = Some(entry.at);
        }
        self.persons.insert(entry.person, referral);
        i64::from(credit)
    }

    /// Ends the chain: the head and number the store keeps must be those of the last entry.
    pub fn finish(&mut self, seq: u64, head: &Hash) {
        self.check_due_made();
        if seq > self.seq {
            let what = format!("missing: the chain goes on to {seq}");
            self.fault(self.seq + 1, &what);
        } else if seq < self.seq {
            self.fault(self.seq, &format!("the head is at {seq} only"));
        } else if *head != self.head {
            self.fault(seq, "the head is not the hash of the last entry");
        }
    }

    /// Compares the stored balance of a series with the replay.
    pub fn compare_pool(&mut self, series: &str, stored: Pool) {
        let replayed = self.pools.remove(series).unwrap_or_default();
        if stored != replayed {
            self.derived(format!("balance of {series}: stored {stored:?}, replayed {replayed:?}"));
        }
    }

    /// Compares the stored state of a person, known by commitment, with the replay.
    pub fn compare_person(&mut self, commitment: &Hash, stored: &Referral) {
        let same = self.persons.remove(commitment).is_some_and(|replayed| replayed == *stored);
        if !same {
            self.derived("the stored state of a person differs from the replay".to_owned());
        }
    }

    /// Compares a stored piece of evidence, known by commitment, with the entry it made first.
    pub fn compare_event(&mut self, commitment: &Hash, seq: u64) {
        if self.events.remove(commitment).is_none_or(|told| told.seq != seq) {
            self.fault(seq, "its evidence is not the evidence kept for it");
        }
    }

    /// Notes an entry that counts a mail as delivered though no proof carries that.
    pub fn unproven(&mut self, seq: u64) {
        self.fault(seq, "presumed without a proven return path, or without a mail that has not come back");
    }

    fn derived(&mut self, what: String) {
        self.faults.push(Fault { seq: None, what });
    }

    /// Every fault, in the order found; what the store should have had and had not comes last.
    pub fn faults(mut self) -> Vec<Fault> {
        let empty = Pool::default();
        let pools: Vec<String> = self.pools.iter().filter(|(_, p)| **p != empty).map(|(s, _)| s.clone()).collect();
        for series in pools {
            self.derived(format!("no balance is kept for {series}"));
        }
        self.compare_erased();
        self.name_unkept_reversals();
        let mut grants: Vec<_> = self.grants.drain().map(|(name, _)| name).collect();
        grants.sort();
        for (series, cycle) in grants {
            self.derived(format!("slot {cycle} of {series} is granted by an entry and not listed"));
        }
        self.faults
    }
}

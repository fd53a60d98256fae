//! What a company and the operator see: balances, grants, and the statement of a period.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use jiff::Timestamp;

use super::chain::{Hash, checksum};
use super::checkpoint::LedgerName;
use super::contract::{ContractRef, ContractVersion};
use super::entry::{Entry, Kind};
use super::rules::Pool;
use super::signature::PublicKey;
use super::waiting::Waiting;
use crate::referral::CompanyId;

/// One hire slot earned.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Grant {
    /// Whose it is.
    pub company: CompanyId,
    /// The contract series that paid for it.
    pub series: String,
    /// Its number in the series, from 1.
    pub cycle: u32,
    /// The entry that grants it.
    pub seq: u64,
    /// What it cost, in credits.
    pub threshold: u32,
    /// When the credit that made it due was counted.
    pub at: Timestamp,
}

/// What one mail to HR tells of: slots of one series, in the order of their numbers. There is at least one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notice {
    /// The first of the slots.
    pub first: Grant,
    /// Those behind it.
    pub others: Vec<Grant>,
}

impl Notice {
    /// Its unique name: that of all its slots. Behind a ledger that came back from a copy slots are gathered anew, and
    /// one that was told of before may then stand in one notice with others that were not: that is another notice.
    pub fn id(&self) -> String {
        let Grant { company, series, cycle, .. } = &self.first;
        if self.others.is_empty() {
            return format!("notice:{company}:{series}:{cycle}");
        }
        let all: Vec<String> = self.grants().map(|grant| grant.cycle.to_string()).collect();
        let digest = checksum(&all.join(" "));
        format!("notice:{company}:{series}:{cycle}-{}-{}", self.last().cycle, digest.get(..8).unwrap_or_default())
    }

    /// All its slots.
    pub fn grants(&self) -> impl Iterator<Item = &Grant> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The newest of its slots.
    pub fn last(&self) -> &Grant {
        self.others.last().unwrap_or(&self.first)
    }
}

/// Where one contract series of a company stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Balance {
    /// The contract series.
    pub series: String,
    /// Credits and slots.
    pub pool: Pool,
    /// Credits for the next slot, by the newest version in use.
    pub threshold: u32,
}

/// One contract series in a statement.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PoolStatement {
    /// The balance before the period.
    pub opening: Pool,
    /// The balance after it.
    pub closing: Pool,
    /// Credits of the period, or of an earlier one, that bounced in it.
    pub taken_back: u64,
    /// Credits of the period that stand on a presumed delivery.
    pub presumed: u64,
    /// Credits added (or, below 0, taken) by corrections of the period.
    pub corrected: i64,
    /// Credits that waited and have lapsed, because counting began anew with another threshold.
    pub lapsed: u64,
    /// Whether registrations make credits here.
    pub registrations_count: bool,
    /// Entries of the period by kind.
    pub entries: BTreeMap<Kind, u64>,
    /// Slots used, by number: those of the period, those signed in it, and those without a signature at its end.
    pub redemptions: BTreeMap<u32, Redemption>,
    /// Slots granted in the period: number, price in credits, time of the credit.
    pub grants: Vec<(u32, i64, Timestamp)>,
    /// Credits for the next slot, by the newest version in use at the end.
    pub threshold: u32,
    /// That version.
    pub version: u32,
}

/// Whose signature stands under something, and since when the ledger knows it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SignedBy {
    /// The key.
    pub key: PublicKey,
    /// Since when.
    pub at: Timestamp,
}

/// A contract version that rules entries of a statement.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ContractState {
    /// The digest of its terms.
    pub digest: Hash,
    /// The operator's signatures under it when the period ended; none: it is not agreed by both sides.
    pub signed: Vec<SignedBy>,
}

impl ContractState {
    /// The digest in hexadecimal.
    pub fn digest_text(&self) -> String {
        HEXLOWER.encode(&self.digest)
    }
}

/// The use of a hire slot.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Redemption {
    /// The entry that says so.
    pub entry: u64,
    /// When.
    pub at: Timestamp,
    /// Whether that was in the period.
    pub is_new: bool,
    /// The operator's signatures under it; none: it is not agreed by both sides.
    pub signed: Vec<SignedEntry>,
}

/// A signature that is an entry of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SignedEntry {
    /// The entry.
    pub entry: u64,
    /// When it was entered.
    pub at: Timestamp,
    /// Whose it is, as the act behind the entry says; nothing where that is not kept.
    pub key: Option<PublicKey>,
}

/// What the operator told of fewer persons than this is not shown: with so few, it could be told who they are.
pub const FEW: u64 = 5;

impl PoolStatement {
    /// Slots that were used in the period and that the operator has signed for.
    pub fn redeemed_signed(&self) -> u64 {
        let signed = |of: &&Redemption| of.is_new && !of.signed.is_empty();
        self.redemptions.values().filter(signed).count() as u64
    }

    /// A slot that was used, or signed for. What was signed before the period is not told of again.
    fn note_use(&mut self, entry: &Entry, is_new: bool) {
        let (slot, at) = (entry.new.cycle, entry.at);
        match entry.new.kind {
            Kind::Redeemed => {
                self.redemptions.insert(slot, Redemption { entry: entry.seq, at, is_new, signed: Vec::new() });
            }
            Kind::Signed if is_new => {
                if let Some(of) = self.redemptions.get_mut(&slot) {
                    of.signed.push(SignedEntry { entry: entry.seq, at, key: None });
                }
            }
            Kind::Signed => drop(self.redemptions.remove(&slot)),
            _ => {}
        }
    }

    /// The entries of a kind, as both sides are shown them; nothing where they speak of so few persons that it could be
    /// told who they are. A registration that makes a credit is shown: what is counted can be checked.
    pub fn shown(&self, kind: Kind) -> Option<u64> {
        let count = self.entries.get(&kind).copied().unwrap_or(0);
        let checked = kind == Kind::Registered && self.registrations_count;
        let hidden = kind.is_of_operator() && !checked && (1..FEW).contains(&count);
        (!hidden).then_some(count)
    }

    /// [`Self::shown`] as text.
    pub fn shown_text(&self, kind: Kind) -> String {
        self.shown(kind).map_or_else(|| format!("<{FEW}"), |count| count.to_string())
    }
}

/// The statement of one company for a period, by time of posting.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Statement {
    /// The company.
    pub company: CompanyId,
    /// The first instant of the period.
    pub from: Timestamp,
    /// The first instant behind it.
    pub until: Timestamp,
    /// The contract series that had an entry until its end.
    pub pools: BTreeMap<String, PoolStatement>,
    /// Rejections of the period that came signed by DKIM and therefore got no line. No part of the chain.
    pub held_back: u64,
    /// People of the period who got the line and are not counted, whatever became of their mail. No part of the chain.
    pub excluded: u64,
    /// Signals of fraud in the entries until its end that nobody had cleared then. No part of the chain, nor of what
    /// the checksum is of: persons who were erased since are not seen any more.
    pub open_signals: u64,
    /// The number of the last entry of the period or before it; 0 when there is none.
    pub seq: u64,
    /// The chain's head there.
    pub head: Hash,
    waiting: Waiting,
    /// Of which ledger it is.
    pub ledger: Option<LedgerName>,
    /// The contract versions that rule its entries and those before, by series and number.
    pub contracts: BTreeMap<String, BTreeMap<u32, ContractState>>,
}

impl Statement {
    /// An empty statement; `genesis` is the head of a chain without entries.
    pub fn new(company: CompanyId, from: Timestamp, until: Timestamp, genesis: Hash) -> Self {
        Self {
            company,
            from,
            until,
            pools: BTreeMap::new(),
            held_back: 0,
            excluded: 0,
            open_signals: 0,
            seq: 0,
            head: genesis,
            waiting: Waiting::default(),
            ledger: None,
            contracts: BTreeMap::new(),
        }
    }

    /// The chain's head in hexadecimal, as it is printed.
    pub fn head_text(&self) -> String {
        HEXLOWER.encode(&self.head)
    }

    /// Referrals of a series that wait at the end of the period: accepted, and no credit yet.
    pub fn waiting(&self, series: &str) -> u64 {
        self.waiting.count(series, self.until)
    }

    /// Takes the next entry of the chain with its hash and its contract version; what lies behind the period is not
    /// taken.
    pub fn add(&mut self, entry: &Entry, hash: &Hash, version: &ContractVersion) {
        if entry.posted >= self.until {
            return;
        }
        let pool = self.pools.entry(entry.contract.series.clone()).or_default();
        apply(&mut pool.closing, entry);
        // Evidence of a referral of before speaks of an older version.
        if version.version >= pool.version {
            (pool.version, pool.threshold) = (version.version, version.threshold);
        }
        pool.note_use(entry, entry.posted >= self.from);
        if entry.posted < self.from {
            pool.opening = pool.closing;
        } else {
            *pool.entries.entry(entry.new.kind).or_default() += 1;
            if entry.new.kind.is_correction() {
                pool.corrected += entry.new.worth;
            }
            if entry.new.kind == Kind::Restarted {
                pool.lapsed += entry.new.worth.unsigned_abs();
            }
            pool.registrations_count |= entry.new.kind == Kind::Registered && entry.new.worth > 0;
            pool.taken_back += u64::from(entry.new.kind == Kind::Bounced && entry.new.worth < 0);
            pool.presumed += u64::from(entry.new.kind == Kind::Presumed && entry.new.worth > 0);
            if entry.new.kind == Kind::Granted {
                pool.grants.push((entry.new.cycle, -entry.new.worth, entry.at));
            }
        }
        self.waiting.take(entry, version);
        self.note_contract(entry);
        (self.seq, self.head) = (entry.seq, *hash);
    }

    fn note_contract(&mut self, entry: &Entry) {
        let ContractRef { series, version, digest } = &entry.contract;
        if self.contracts.get(series).is_none_or(|versions| !versions.contains_key(version)) {
            let state = ContractState { digest: *digest, signed: Vec::new() };
            self.contracts.entry(series.clone()).or_default().insert(*version, state);
        }
    }
}

/// What an entry does to the balance of its series.
pub(super) fn apply(pool: &mut Pool, entry: &Entry) {
    pool.toward += entry.new.worth;
    if entry.new.kind == Kind::Granted {
        pool.cycles = pool.cycles.max(entry.new.cycle);
    } else if entry.new.worth > 0 && entry.new.kind.is_personal() {
        pool.counted += 1;
    }
}

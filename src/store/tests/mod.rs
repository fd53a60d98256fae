//! Behaviour of the store: what tests of it share.
//!
//! What every store must do stands in generic functions, which `conformance` lists and runs on each store there is.

mod bouncing;
mod conformance;
mod copying;
mod damage;
mod erasing;
mod model;
mod operator;
mod posting;
mod presuming;
mod pumping;
mod redeeming;
mod reference;
mod rotating;
mod signals;
mod slots;
mod tampering;
mod thresholds;
mod users;
mod witnessing;

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use jiff::civil::date;
use tempfile::TempDir;

use super::{Agreement, Clock, Ledger as _, Posted, Store, StoreError};
use crate::ledger::{ContractVersion, CountOn, Proves, ReferralEvent};
use crate::mail::address::Address;
use crate::referral::wording::{Language, Wording};
use crate::referral::{CompanyId, CompanyKeys};
use crate::spool::OutboxRow;

/// Runs a test's waiting part.
pub(super) fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

/// Rises by a second with every look, so that the order of postings shows in their times.
pub(super) fn ticking() -> Timestamp {
    static SECONDS: AtomicI64 = AtomicI64::new(1_800_000_000);
    Timestamp::from_second(SECONDS.fetch_add(1, Ordering::Relaxed)).expect("a time")
}

pub(super) fn company(name: &str) -> CompanyId {
    CompanyId::parse(name).expect("a company id")
}

pub(super) fn contract(version: u32, threshold: u32, count_on: CountOn) -> ContractVersion {
    ContractVersion { threshold, count_on, ..ContractVersion::new("main", version, date(2026, 4, 1)) }
}

pub(super) fn keys(company: &CompanyId) -> CompanyKeys {
    CompanyKeys::derive(&[9; 32], company, 1)
}

/// Where a store lies: made empty, and opened as often as a test likes. What was opened before may still be there, as
/// that of a process that was killed and has not let go.
pub(super) trait Place: Sized {
    type Store: super::Ledger;

    fn make() -> Self;

    fn open(&self, clock: Clock) -> Self::Store;
}

impl Place for TempDir {
    type Store = Store;

    fn make() -> Self {
        Self::new().expect("a folder")
    }

    fn open(&self, clock: Clock) -> Store {
        Store::open_with(self.path(), clock).expect("a store")
    }
}

/// A ledger in a place of its own, with companies agreed on `contract`.
pub(super) struct Ledger<P: Place = TempDir> {
    pub dir: P,
    pub store: P::Store,
    pub contract: ContractVersion,
    rows: u64,
}

impl Ledger {
    /// On disk, for what only this store does.
    pub fn open(companies: &[&str], contract: ContractVersion) -> Self {
        Self::begin(companies, contract)
    }
}

impl<P: Place> Ledger<P> {
    pub fn begin(companies: &[&str], contract: ContractVersion) -> Self {
        Self::begin_at(ticking, companies, contract)
    }

    /// With a clock of its own.
    pub fn begin_at(clock: Clock, companies: &[&str], contract: ContractVersion) -> Self {
        let dir = P::make();
        let store = dir.open(clock);
        let ledger = Self { dir, store, contract, rows: 0 };
        for name in companies {
            ledger.agree(name, &ledger.contract).expect("an agreement");
        }
        ledger
    }

    pub fn agree(&self, name: &str, contract: &ContractVersion) -> Result<Posted, StoreError> {
        let company = company(name);
        let keys = vec![(1, keys(&company).fingerprint())];
        wait(self.store.agree(Agreement {
            company,
            keys,
            contracts: vec![contract.clone()],
            wordings: vec![],
            signatures: vec![],
            operator_keys: Vec::new(),
        }))
    }

    /// Makes words known.
    pub fn agree_words(&self, name: &str, words: &[&Wording]) {
        let (company, keys) = (company(name), Vec::new());
        let wordings = words.iter().map(|wording| wording.record(Language::Ja)).collect();
        wait(self.store.agree(Agreement {
            company,
            keys,
            contracts: vec![],
            wordings,
            signatures: vec![],
            operator_keys: Vec::new(),
        }))
        .expect("an agreement");
    }

    /// Closes the store and opens it again.
    pub fn reopen(&mut self) {
        self.store = self.dir.open(ticking);
    }

    /// A contact on a day, with evidence of its own.
    pub fn contact(&self, name: &str, candidate: &str, day: i64, proves: Proves) -> ReferralEvent {
        let (company, address) = (company(name), Address::parse(candidate).expect("an address"));
        let keys = keys(&company);
        let candidate = keys.candidate(&address);
        ReferralEvent {
            token: keys.token(&self.contract.series, &candidate),
            company,
            candidate,
            earlier: Vec::new(),
            contract: self.contract.reference(),
            proves,
            route: "next-hop".to_owned(),
            transaction: format!("{name}-{address}-{day}-{}", proves.code()),
            recipient: 0,
            inserted: true,
            wording: None,
            traits: None,
            at: Timestamp::from_second(1_790_000_000 + day * 86_400).expect("a time"),
        }
    }

    pub fn post(&mut self, events: impl IntoIterator<Item = ReferralEvent>) -> Posted {
        let rows = events.into_iter().map(|event| {
            self.rows += 1;
            OutboxRow { seq: self.rows, event }
        });
        let rows = rows.collect();
        wait(self.store.post(rows)).expect("a post")
    }

    /// Delivered contacts of `count` persons.
    pub fn post_persons(&mut self, name: &str, numbers: std::ops::Range<u32>) -> Posted {
        let of = |n: u32| self.contact(name, &format!("candidate{n}@mail.example"), 0, Proves::Delivered);
        let events: Vec<_> = numbers.map(of).collect();
        self.post(events)
    }

    /// Every fault as `company seq: words`.
    pub fn faults(&self) -> Vec<String> {
        let mut named = Vec::new();
        for found in wait(self.store.verify(None)).expect("a replay") {
            for fault in found.faults {
                let at = fault.seq.map_or("-".to_owned(), |seq| seq.to_string());
                named.push(format!("{} {at}: {}", found.company, fault.what));
            }
        }
        named
    }
}

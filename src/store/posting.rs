//! Posts events: finds the person, asks the rules, writes entries, states, balances, grants and notices.

mod acts;
mod bounce;
mod clears;
mod corrections;
mod entries;
mod erase;
mod pending;
mod people;
mod presume;
mod restarts;
mod told;

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

pub use acts::{Acted, SlotAct, act, let_time_pass};
pub use clears::clear_signal;
pub use corrections::{Corrected, CountAct, act_on_count};
use entries::Behind;
pub use erase::{over as erase_over, person as erase_person};
use people::Person;
pub(in crate::store) use people::find_known;
pub(in crate::store) use presume::proofs;
pub use presume::{Proof, prove};
pub use told::{Entered, Import, Told, Total, import};

use pending::Pending;

use super::error::StoreError;
use super::rows::{self, CompanyRow, KnownContracts, signed};
use crate::ledger::chain::{Salt, commit_event, commit_person};
use crate::ledger::{
    ActDigest, ContractRef, ContractVersion, EventId, Evidence, Grant, Pool, Posting, Proves, ReferralEvent,
    Unpostable, post as rules_post, ruling,
};
use crate::referral::{CandidateKey, CompanyId};
use crate::spool::OutboxRow;

/// What a commit added.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Posted {
    /// The last outbox row the store has; rows up to it need not be sent again.
    pub up_to_seq: u64,
    /// Slots granted.
    pub grants: Vec<Grant>,
    /// Events that made entries.
    pub events: u64,
    /// Events that were there already, or about a person who was erased, and added nothing.
    pub replays: u64,
    /// Events kept aside, because no agreed contract or key rules them.
    pub parked: u64,
}

/// Posts outbox rows and notes how far the outbox was read.
pub fn post(connection: &Connection, rows: &[OutboxRow], now: Timestamp) -> Result<Posted, StoreError> {
    // Companies in id order, so that two writers of one ledger can never wait for each other in a circle.
    let mut by_company: BTreeMap<&CompanyId, Vec<&ReferralEvent>> = BTreeMap::new();
    for row in rows {
        by_company.entry(&row.event.company).or_default().push(&row.event);
    }
    let mut posted = Posted::default();
    for (company, events) in by_company {
        post_events(connection, company, events.into_iter(), now, &mut posted)?;
    }
    posted.up_to_seq = note_progress(connection, rows)?;
    Ok(posted)
}

/// Posts events of one company.
pub fn post_events<'e>(
    connection: &Connection,
    company: &CompanyId,
    events: impl Iterator<Item = &'e ReferralEvent>,
    now: Timestamp,
    posted: &mut Posted,
) -> Result<(), StoreError> {
    let mut ledger = match rows::company(connection, company)? {
        Some(row) => Some(OpenLedger::open(connection, company, row, now)?),
        None => None,
    };
    for event in events {
        let outcome = match &mut ledger {
            Some(ledger) => ledger.post(event)?,
            None => Err(Unpostable::ContractUnknown),
        };
        match outcome {
            Ok(true) => posted.events += 1,
            Ok(false) => posted.replays += 1,
            Err(reason) => {
                park(connection, event, reason, now)?;
                posted.parked += 1;
            }
        }
    }
    if let Some(ledger) = ledger {
        posted.grants.extend(ledger.close()?);
    }
    Ok(())
}

fn park(connection: &Connection, event: &ReferralEvent, why: Unpostable, now: Timestamp) -> Result<(), StoreError> {
    let json = serde_json::to_string(event).map_err(|e| StoreError::Database(e.to_string()))?;
    let sql = "INSERT OR IGNORE INTO parked (id, company, event, reason, parked) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut statement = connection.prepare_cached(sql)?;
    statement.execute(params![event.id(), event.company.as_str(), json, why.code(), now.as_microsecond()])?;
    Ok(())
}

/// The highest row posted is noted with its event, so that a spool that began anew is told from one that went on.
fn note_progress(connection: &Connection, rows: &[OutboxRow]) -> Result<u64, StoreError> {
    if let Some(last) = rows.iter().max_by_key(|row| row.seq) {
        let sql = "INSERT INTO progress (id, seq, event) VALUES (1, ?1, ?2)
                   ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, event = excluded.event";
        connection.prepare_cached(sql)?.execute(params![signed(last.seq), last.event.id()])?;
        return Ok(last.seq);
    }
    progress(connection)
}

/// The last outbox row posted, 0 for none.
pub fn progress(connection: &Connection) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached("SELECT seq FROM progress")?;
    rows::number(statement.query_row([], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// One company's ledger while a batch is posted: what changes with every entry is written once, at the end.
struct OpenLedger<'c> {
    connection: &'c Connection,
    company: &'c CompanyId,
    row: CompanyRow,
    /// The number of the newest entry when it was opened.
    seq_before: u64,
    known: KnownContracts,
    keys: HashSet<u16>,
    pools: BTreeMap<String, (Pool, i64)>,
    grants: Vec<Grant>,
    posted: Timestamp,
    /// Whether bounces wait for the acceptance of their mail.
    early_bounces: bool,
    /// Whether anybody is known under several keys.
    has_aliases: bool,
    /// Whether marks of erased persons are there.
    has_marks: bool,
    pending: Pending,
}

/// Evidence about a person who is known.
struct About<'e> {
    person: i64,
    salt: Salt,
    candidate: CandidateKey,
    evidence: Evidence<'e>,
    at: Timestamp,
    /// The act by which it was told.
    act: Option<ActDigest>,
}

impl<'c> OpenLedger<'c> {
    fn open(
        connection: &'c Connection,
        company: &'c CompanyId,
        row: CompanyRow,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let known = rows::contracts(connection, row.id)?;
        let has_aliases = people::has_aliases(connection, row.id)?;
        let mut statement = connection.prepare_cached("SELECT key_id FROM company_keys WHERE company = ?1")?;
        let keys = statement.query_map([row.id], |r| r.get(0))?.collect::<Result<_, _>>()?;
        // A clock that went back posts at the time of the newest entry, so that a sealed period stays sealed.
        let posted = rows::time(row.posted.max(now.as_microsecond()))?;
        Ok(Self {
            connection,
            company,
            seq_before: row.seq,
            row,
            known,
            keys,
            pools: BTreeMap::new(),
            grants: Vec::new(),
            posted,
            early_bounces: bounce::waits(connection, company)?,
            has_aliases,
            has_marks: erase::has_marks(connection, company)?,
            pending: Pending::default(),
        })
    }

    /// Posts one event: whether it made entries, or why it cannot be posted.
    fn post(&mut self, event: &ReferralEvent) -> Result<Result<bool, Unpostable>, StoreError> {
        if !self.keys.contains(&event.candidate.key_id) {
            return Ok(Err(Unpostable::KeyUnknown));
        }
        let person = self.find_person(event)?;
        // Whatever key the evidence came under, it is kept under the one by which the person is known.
        let (as_it_came, event) = (event, &*Self::under_known_key(event, person.as_ref()));
        let id = event.id();
        if let Some(person) = &person {
            let mut statement = self.connection.prepare_cached("SELECT 1 FROM events WHERE person = ?1 AND id = ?2")?;
            if statement.exists(params![person.id, id])? {
                return Ok(Ok(false));
            }
        }
        let at = rows::time(event.at.as_microsecond())?;
        let event = if at == event.at { event } else { &ReferralEvent { at, ..event.clone() } };
        // Whoever is known again since is known by what came behind that window.
        if self.is_of_erased(as_it_came, event.at)? {
            return Ok(Ok(false));
        }
        if event.proves == Proves::Bounced {
            return self.post_bounce(event, person);
        }
        let contract = match ruling(person.as_ref().map(|p| &p.referral), event, &self.known.contracts) {
            Ok(contract) => contract,
            Err(reason) => return Ok(Err(reason)),
        };
        self.write((event, as_it_came), &id, person, &contract)?;
        if self.early_bounces
            && let Some(bounce) = bounce::take_early(self.connection, as_it_came)?
        {
            return Ok(self.post(&bounce)?.map(|_| true));
        }
        Ok(Ok(true))
    }

    fn write(
        &mut self,
        (event, as_it_came): (&ReferralEvent, &ReferralEvent),
        id: &EventId,
        person: Option<Person>,
        contract: &Arc<ContractVersion>,
    ) -> Result<(), StoreError> {
        let row = self.known.rows.get(&(contract.series.clone(), contract.version)).copied();
        let contract_row = row.ok_or_else(|| StoreError::Damaged("a ruling contract".to_owned()))?;
        self.begin_anew(contract, contract_row, event.at)?;
        let pool = self.pool(&contract.series, contract_row)?;
        let known = person.as_ref().map(|p| (p.id, p.salt));
        let posting = rules_post(person.map(|p| p.referral), event, contract, pool);
        self.pools.insert(contract.series.clone(), (posting.pool, contract_row));
        let salt = known.map_or_else(|| self.pending.salt(), |(_, salt)| salt);
        let person_row = match known {
            Some((row, _)) => self.update_person(row, &posting.referral, contract_row)?,
            None => self.insert_person(event, &salt, &posting.referral, contract_row)?,
        };
        self.note_other_keys((event, as_it_came), person_row)?;
        self.insert_event(&event.evidence(), id, person_row, event.traits.map(|traits| traits.offered))?;
        let behind = Behind {
            contract: self.pinned(contract_row)?,
            contract_row,
            person: commit_person(&salt, &event.candidate),
            event: commit_event(&salt, id, &event.evidence()),
            wording: event.wording,
            act: None,
            at: event.at,
        };
        self.append(&posting.entries, &behind)
    }

    /// The row of the version that rules a known person, and the balance of its series.
    fn open_pool(&mut self, contract: &ContractVersion) -> Result<(i64, Pool), StoreError> {
        let row = self.known.rows.get(&(contract.series.clone(), contract.version)).copied();
        let row = row.ok_or_else(|| StoreError::Damaged("a person's contract".to_owned()))?;
        Ok((row, self.pool(&contract.series, row)?))
    }

    /// Writes what the rules made of evidence about a known person.
    fn record(&mut self, posting: &Posting, contract_row: i64, about: &About<'_>) -> Result<(), StoreError> {
        let About { person, salt, candidate, evidence, at, act } = about;
        let id = evidence.id(self.company, candidate);
        self.pools.insert(posting.referral.contract.series.clone(), (posting.pool, contract_row));
        self.update_person(*person, &posting.referral, contract_row)?;
        self.insert_event(evidence, &id, *person, None)?;
        let behind = Behind {
            contract: self.pinned(contract_row)?,
            contract_row,
            person: commit_person(salt, candidate),
            event: commit_event(salt, &id, evidence),
            wording: None,
            act: None,
            at: *at,
        };
        // What the first entry leads to stands on the rules alone.
        let (first, others) = posting.entries.split_at(posting.entries.len().min(1));
        self.append(first, &Behind { act: *act, ..behind.clone() })?;
        self.append(others, &behind)
    }

    fn pinned(&self, contract_row: i64) -> Result<ContractRef, StoreError> {
        let found = self.known.by_row.get(&contract_row).map(|(pinned, _)| pinned.clone());
        found.ok_or_else(|| StoreError::Damaged("a ruling contract".to_owned()))
    }

    fn pool(&mut self, series: &str, contract_row: i64) -> Result<Pool, StoreError> {
        if let Some((pool, _)) = self.pools.get(series) {
            return Ok(*pool);
        }
        let sql = "SELECT counted, toward, cycles FROM pools WHERE company = ?1 AND series = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut found = statement.query(params![self.row.id, series])?;
        let pool = found.next()?.map(|row| rows::pool(row, 0)).transpose()?.unwrap_or_default();
        self.pools.insert(series.to_owned(), (pool, contract_row));
        Ok(pool)
    }

    fn insert_event(
        &self,
        evidence: &Evidence<'_>,
        id: &EventId,
        person: i64,
        offered: Option<u32>,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO events (person, id, seq, series, transaction_id, recipient, route, proves, inserted,
                 offered) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                person,
                id,
                signed(self.row.seq + 1),
                evidence.series,
                evidence.transaction,
                evidence.recipient,
                evidence.route,
                evidence.proves.code(),
                evidence.inserted,
                offered,
            ])?;
        Ok(())
    }

    /// Writes the entries that are on their way. Whoever reads entries by SQL calls it before.
    fn write_pending(&mut self) -> Result<(), StoreError> {
        self.pending.write(self.connection, self.row.id)
    }

    /// Writes what is on its way, head and balances, and gives the grants made.
    fn close(mut self) -> Result<Vec<Grant>, StoreError> {
        self.write_pending()?;
        if self.row.seq == self.seq_before {
            return Ok(self.grants);
        }
        self.connection
            .prepare_cached("UPDATE companies SET seq = ?2, head = ?3, posted = ?4 WHERE id = ?1")?
            .execute(params![self.row.id, signed(self.row.seq), self.row.head, self.posted.as_microsecond()])?;
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO pools (company, series, counted, toward, cycles, contract) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (company, series) DO UPDATE SET counted = excluded.counted, toward = excluded.toward,
             cycles = excluded.cycles, contract = excluded.contract",
        )?;
        for (series, (pool, contract)) in &self.pools {
            let counted = signed(pool.counted);
            statement.execute(params![self.row.id, series, counted, pool.toward, pool.cycles, contract])?;
        }
        Ok(self.grants)
    }
}

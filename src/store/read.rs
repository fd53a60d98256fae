//! What readers ask: balances, statements, grants, and the replay that proves them.

use std::sync::mpsc::sync_channel;

use rusqlite::{Connection, OptionalExtension, Row};

use super::error::StoreError;
use super::presumed;
use super::redemptions;
use super::rows::{self, CompanyRow, ENTRY_COLUMNS, KnownContracts};
use super::slots;
use super::trust;
use super::wordings;
use crate::ledger::chain::{Hash, Salt, commit_event, commit_person};
use crate::ledger::{Audit, Balance, Entry, EventId, Evidence, Fault, Grant, Known, Pool, Proves, Referral};
use crate::referral::{CandidateKey, CompanyId};

/// The replay of one company's chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CompanyFaults {
    /// The company.
    pub company: CompanyId,
    /// How many entries it has.
    pub entries: u64,
    /// The head of its chain.
    pub head: Hash,
    /// What is wrong; empty when nothing is.
    pub faults: Vec<Fault>,
}

/// Events kept aside.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Parked {
    /// Whose they are.
    pub company: String,
    /// The stable code of why.
    pub reason: String,
    /// How many.
    pub events: u64,
}

/// How far the outbox was posted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Progress {
    /// The last row, 0 for none.
    pub seq: u64,
    /// The id of the event in it.
    pub event: Option<EventId>,
}

pub fn companies(connection: &Connection) -> Result<Vec<CompanyId>, StoreError> {
    let mut statement = connection.prepare("SELECT name FROM companies ORDER BY name")?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?;
    names.map(|name| company_id(&name?)).collect()
}

pub fn company_id(name: &str) -> Result<CompanyId, StoreError> {
    CompanyId::parse(name).map_err(|e| StoreError::Damaged(format!("company {name:?}: {e}")))
}

pub fn require(connection: &Connection, company: &CompanyId) -> Result<CompanyRow, StoreError> {
    rows::company(connection, company)?.ok_or_else(|| StoreError::NoCompany(company.clone()))
}

pub fn balance(connection: &Connection, company: &CompanyId) -> Result<Vec<Balance>, StoreError> {
    let row = require(connection, company)?;
    let mut statement = connection.prepare_cached(
        "SELECT p.series, p.counted, p.toward, p.cycles, c.threshold FROM pools p JOIN contracts c ON c.id = p.contract
         WHERE p.company = ?1 ORDER BY p.series",
    )?;
    let mut found = statement.query([row.id])?;
    let mut balances = Vec::new();
    while let Some(row) = found.next()? {
        balances.push(Balance { series: row.get(0)?, pool: rows::pool(row, 1)?, threshold: row.get(4)? });
    }
    Ok(balances)
}

/// What [`grant`] reads.
pub const GRANT_COLUMNS: &str = "c.name, g.series, g.cycle, g.seq, g.threshold, g.at";

pub fn grants(connection: &Connection, company: &CompanyId) -> Result<Vec<Grant>, StoreError> {
    let row = require(connection, company)?;
    let sql = format!(
        "SELECT {GRANT_COLUMNS} FROM grants g JOIN companies c ON c.id = g.company
         WHERE g.company = ?1 ORDER BY g.series, g.cycle"
    );
    collect_grants(connection, &sql, row.id)
}

fn collect_grants(connection: &Connection, sql: &str, parameter: i64) -> Result<Vec<Grant>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query([parameter])?;
    let mut grants = Vec::new();
    while let Some(row) = found.next()? {
        grants.push(grant(row)?);
    }
    Ok(grants)
}

/// A grant from a row of [`GRANT_COLUMNS`].
pub fn grant(row: &Row<'_>) -> Result<Grant, StoreError> {
    Ok(Grant {
        company: company_id(&row.get::<_, String>(0)?)?,
        series: row.get(1)?,
        cycle: row.get(2)?,
        seq: rows::number(row.get(3)?)?,
        threshold: row.get(4)?,
        at: rows::time(row.get(5)?)?,
    })
}

pub fn parked(connection: &Connection) -> Result<Vec<Parked>, StoreError> {
    let sql = "SELECT company, reason, COUNT(*) FROM parked GROUP BY company, reason ORDER BY company, reason";
    let mut statement = connection.prepare(sql)?;
    let mut found = statement.query([])?;
    let mut parked = Vec::new();
    while let Some(row) = found.next()? {
        parked.push(Parked { company: row.get(0)?, reason: row.get(1)?, events: rows::number(row.get(2)?)? });
    }
    Ok(parked)
}

pub fn progress(connection: &Connection) -> Result<Progress, StoreError> {
    let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get(1)?));
    let found = connection.query_row("SELECT seq, event FROM progress", [], read).optional()?;
    let Some((seq, event)) = found else { return Ok(Progress::default()) };
    Ok(Progress { seq: rows::number(seq)?, event: Some(event) })
}

/// Compares the stored balances with the sums over the entries, and names every series that differs.
pub fn compare(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare(
        "WITH sums AS (
             SELECT e.company, c.series, SUM(e.worth > 0 AND e.kind NOT IN (7, 16)) AS counted,
                    SUM(e.worth) AS toward, MAX(e.cycle) AS cycles
             FROM entries e JOIN contracts c ON c.id = e.contract GROUP BY e.company, c.series)
         SELECT n.name, COALESCE(s.series, p.series)
         FROM sums s FULL JOIN pools p ON p.company = s.company AND p.series = s.series
         JOIN companies n ON n.id = COALESCE(s.company, p.company)
         WHERE s.counted IS NOT p.counted OR s.toward IS NOT p.toward OR s.cycles IS NOT p.cycles
         ORDER BY 1, 2",
    )?;
    let name = |row: &Row<'_>| Ok(format!("{} {}", row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    Ok(statement.query_map([], name)?.collect::<Result<_, _>>()?)
}

pub fn verify(connection: &Connection, only: Option<&CompanyId>) -> Result<Vec<CompanyFaults>, StoreError> {
    let companies = match only {
        Some(company) => vec![company.clone()],
        None => companies(connection)?,
    };
    companies.iter().map(|company| verify_company(connection, company)).collect()
}

fn verify_company(connection: &Connection, company: &CompanyId) -> Result<CompanyFaults, StoreError> {
    let row = require(connection, company)?;
    let known = rows::contracts(connection, row.id)?;
    let wordings = wordings::whole(connection, row.id)?;
    let acts = slots::whole(connection, row.id)?;
    let operator_keys = redemptions::operator_keys(connection, row.id, true)?;
    let by_digest =
        Known { contracts: &known.contracts, wordings: &wordings, acts: &acts, operator_keys: &operator_keys };
    let mut audit = replay(connection, &row, &known, Audit::new(company, by_digest))?;
    audit.finish(row.seq, &row.head);
    compare_pools(connection, &row, &mut audit)?;
    if compare_kept(connection, company, (&row, &known), &mut audit)? {
        presumed::compare(connection, &row, &known, &mut audit)?;
    }
    compare_grants(connection, &row, &mut audit)?;
    compare_reversals(connection, &row, &mut audit)?;
    let mut faults = audit.faults();
    faults.extend(trust::signature_faults(connection, (company, &row), &known)?);
    Ok(CompanyFaults { company: company.clone(), entries: row.seq, head: row.head, faults })
}

fn compare_reversals(connection: &Connection, row: &CompanyRow, audit: &mut Audit<'_>) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached("SELECT target, seq FROM reversals WHERE company = ?1")?;
    let mut found = statement.query([row.id])?;
    while let Some(row) = found.next()? {
        audit.compare_reversal(rows::number(row.get(0)?)?, rows::number(row.get(1)?)?);
    }
    Ok(())
}

fn compare_grants(connection: &Connection, row: &CompanyRow, audit: &mut Audit<'_>) -> Result<(), StoreError> {
    let sql = "SELECT series, cycle, voided, stage FROM grants WHERE company = ?1 ORDER BY series, cycle";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query([row.id])?;
    while let Some(row) = found.next()? {
        let voided: Option<i64> = row.get(2)?;
        let (voided, stage) = (voided.map(rows::number).transpose()?, slots::stage(row.get(3)?)?);
        audit.compare_grant(&row.get::<_, String>(0)?, row.get(1)?, stage, voided);
    }
    Ok(())
}

/// Entries that are read while those in front of them are replayed, and how many such heaps may wait.
const HEAP: usize = 2048;
const HEAPS_MAX: usize = 4;

/// Replays every entry in order. One thread reads and another one hashes and judges: on two cores a long chain takes
/// little more than half the time.
fn replay<'a>(
    connection: &Connection,
    row: &CompanyRow,
    known: &KnownContracts,
    mut audit: Audit<'a>,
) -> Result<Audit<'a>, StoreError> {
    let sql = format!("SELECT {ENTRY_COLUMNS} FROM entries WHERE company = ?1 ORDER BY seq");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut entries = statement.query([row.id])?;
    std::thread::scope(|scope| {
        let (send, heaps) = sync_channel::<Vec<Result<(Entry, Hash), (u64, String)>>>(HEAPS_MAX);
        let judging = move || {
            for read in heaps.into_iter().flatten() {
                match read {
                    Ok((entry, hash)) => audit.entry(&entry, &hash),
                    Err((seq, why)) => audit.unreadable(seq, &why),
                }
            }
            audit
        };
        let judge = std::thread::Builder::new().name("ledger-replay".to_owned()).spawn_scoped(scope, judging);
        let judge = judge.map_err(|e| StoreError::Database(e.to_string()))?;
        let mut heap = Vec::with_capacity(HEAP);
        while let Some(row) = entries.next()? {
            heap.push(match rows::entry(row, known) {
                Ok((entry, hash, _)) => Ok((entry, hash)),
                Err(error) => Err((rows::number(row.get(0)?)?, error.to_string())),
            });
            if heap.len() == HEAP && send.send(std::mem::replace(&mut heap, Vec::with_capacity(HEAP))).is_err() {
                break;
            }
        }
        // Who judges takes all there is: if nobody listens, it has ended before its time, and says so below.
        let _ = send.send(heap);
        drop(send);
        judge.join().map_err(|_| StoreError::Closed)
    })
}

fn compare_pools(connection: &Connection, row: &CompanyRow, audit: &mut Audit<'_>) -> Result<(), StoreError> {
    let sql = "SELECT series, counted, toward, cycles FROM pools WHERE company = ?1 ORDER BY series";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query([row.id])?;
    while let Some(row) = found.next()? {
        let pool: Pool = rows::pool(row, 1)?;
        audit.compare_pool(&row.get::<_, String>(0)?, pool);
    }
    Ok(())
}

/// Reads persons with their evidence, each row once: whether any of it is a presumption.
fn compare_kept(
    connection: &Connection,
    company: &CompanyId,
    (row, known): (&CompanyRow, &KnownContracts),
    audit: &mut Audit<'_>,
) -> Result<bool, StoreError> {
    // Most of the table is read in its order; the few persons of a small company among many are looked up.
    let all: i64 = connection.query_row("SELECT SUM(seq) FROM companies", [], |row| row.get(0))?;
    let way = if row.seq >= rows::number(all)? / 4 { "NOT INDEXED" } else { "" };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT p.id, p.key_id, p.key, p.salt, p.contract, p.stage, p.offered, p.counted, e.id, e.seq, e.series,
         e.transaction_id, e.recipient, e.route, e.proves, e.inserted
         FROM persons p {way} LEFT JOIN events e ON e.person = p.id WHERE p.company = ?1"
    ))?;
    let mut found = statement.query([row.id])?;
    let (mut last, mut is_presumed) = (None, false);
    while let Some(row) = found.next()? {
        let key = CandidateKey { key_id: row.get(1)?, octets: row.get(2)? };
        let (id, salt): (i64, Salt) = (row.get(0)?, row.get(3)?);
        if last != Some(id) {
            last = Some(id);
            audit.compare_person(&commit_person(&salt, &key), &read_referral(row, known)?);
        }
        if let Some(event) = row.get::<_, Option<EventId>>(8)? {
            let evidence = read_evidence(row)?;
            is_presumed |= evidence.proves == Proves::Presumed;
            let fits = evidence.id(company, &key) == event;
            let kept = if fits { commit_event(&salt, &event, &evidence) } else { [0; 32] };
            audit.compare_event(&kept, rows::number(row.get(9)?)?);
        }
    }
    Ok(is_presumed)
}

fn read_referral(row: &Row<'_>, known: &KnownContracts) -> Result<Referral, StoreError> {
    let contract = known.by_row.get(&row.get(4)?).map(|(_, version)| std::sync::Arc::clone(version));
    let counted: Option<i64> = row.get(7)?;
    Ok(Referral {
        contract: contract.ok_or_else(|| StoreError::Damaged("a person's contract".to_owned()))?,
        stage: rows::stage(row.get(5)?)?,
        offered: rows::time(row.get(6)?)?,
        counted: counted.map(rows::time).transpose()?,
    })
}

fn read_evidence<'r>(row: &'r Row<'_>) -> Result<Evidence<'r>, StoreError> {
    let text = |at: usize| row.get_ref(at)?.as_str().map_err(|e| StoreError::Damaged(e.to_string()));
    Ok(Evidence {
        series: text(10)?,
        transaction: text(11)?,
        recipient: row.get(12)?,
        route: text(13)?,
        proves: Proves::parse(text(14)?).ok_or_else(|| StoreError::Damaged("proves".to_owned()))?,
        inserted: row.get(15)?,
    })
}

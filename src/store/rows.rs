//! Rows to values and back: the only place that knows how a value of the ledger lies in a column.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;
use crate::ledger::chain::Hash;
use crate::ledger::{
    AtNewThreshold, ContractRef, ContractVersion, Contracts, CountOn, Entry, Kind, LateBounce, NewEntry, Pool, Stage,
};
use crate::referral::CompanyId;

/// A company's row.
pub struct CompanyRow {
    pub id: i64,
    pub seq: u64,
    pub head: Hash,
    pub posted: i64,
}

/// Finds a company.
pub fn company(connection: &Connection, name: &CompanyId) -> Result<Option<CompanyRow>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT id, seq, head, posted FROM companies WHERE name = ?1")?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let found = statement.query_row([name.as_str()], read).optional()?;
    found.map(|(id, seq, head, posted)| Ok(CompanyRow { id, seq: number(seq)?, head, posted })).transpose()
}

/// Contract versions of a company, by row and by name.
#[derive(Default)]
pub struct KnownContracts {
    pub contracts: Contracts,
    pub by_row: HashMap<i64, (ContractRef, Arc<ContractVersion>)>,
    pub rows: BTreeMap<(String, u32), i64>,
}

/// Reads a company's contract versions.
pub fn contracts(connection: &Connection, company: i64) -> Result<KnownContracts, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, series, version, digest, from_day, threshold, count_on, person_window_days, late_bounce,
         quiet_days, slot_expiry_days, review_days, reserve_max, count_observed, restarts
         FROM contracts WHERE company = ?1",
    )?;
    let mut rows = statement.query([company])?;
    let mut known = KnownContracts::default();
    while let Some(row) = rows.next()? {
        let (id, digest) = (row.get::<_, i64>(0)?, row.get(3)?);
        let version = contract(row)?;
        let pinned = ContractRef { series: version.series.clone(), version: version.version, digest };
        known.rows.insert((version.series.clone(), version.version), id);
        known.contracts.insert(version.clone());
        known.by_row.insert(id, (pinned, Arc::new(version)));
    }
    Ok(known)
}

fn contract(row: &Row<'_>) -> Result<ContractVersion, StoreError> {
    let text = |at: usize| row.get_ref(at)?.as_str().map_err(|e| StoreError::Damaged(e.to_string()));
    let code = |what: &str| StoreError::Damaged(format!("contract: {what}"));
    Ok(ContractVersion {
        series: text(1)?.to_owned(),
        version: row.get(2)?,
        from: text(4)?.parse().map_err(|_| code("from"))?,
        threshold: row.get(5)?,
        count_on: CountOn::parse(text(6)?).ok_or_else(|| code("count_on"))?,
        person_window_days: row.get(7)?,
        late_bounce: LateBounce::parse(text(8)?).ok_or_else(|| code("late_bounce"))?,
        quiet_days: row.get(9)?,
        slot_expiry_days: row.get(10)?,
        review_days: row.get(11)?,
        reserve_max: row.get(12)?,
        count_observed: row.get(13)?,
        at_new_threshold: if row.get(14)? { AtNewThreshold::Restart } else { AtNewThreshold::Carry },
    })
}

/// Adds a contract version.
pub fn insert_contract(connection: &Connection, company: i64, version: &ContractVersion) -> Result<(), StoreError> {
    connection.prepare_cached(
        "INSERT INTO contracts (company, series, version, digest, from_day, threshold, count_on, person_window_days,
         late_bounce, quiet_days, slot_expiry_days, review_days, reserve_max, count_observed, restarts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?.execute(params![
        company,
        version.series,
        version.version,
        version.digest(),
        version.from.to_string(),
        version.threshold,
        version.count_on.code(),
        version.person_window_days,
        version.late_bounce.code(),
        version.quiet_days,
        version.slot_expiry_days,
        version.review_days,
        version.reserve_max,
        version.count_observed,
        version.at_new_threshold == AtNewThreshold::Restart,
    ])?;
    Ok(())
}

/// Reads a pool from three columns that start at `at`.
pub fn pool(row: &Row<'_>, at: usize) -> Result<Pool, StoreError> {
    Ok(Pool { counted: number(row.get(at)?)?, toward: row.get(at + 1)?, cycles: row.get(at + 2)? })
}

/// The columns [`entry`] reads.
pub const ENTRY_COLUMNS: &str = "seq, kind, contract, person, event, worth, cycle, at, posted, hash, wording, act";

/// Reads an entry, its hash, and the contract version that rules it.
pub fn entry<'c>(row: &Row<'_>, known: &'c KnownContracts) -> Result<(Entry, Hash, &'c ContractVersion), StoreError> {
    let seq = number(row.get(0)?)?;
    let damaged = |what: &str| StoreError::Damaged(format!("entry {seq}: {what}"));
    let kind = Kind::from_number(row.get(1)?).ok_or_else(|| damaged("kind"))?;
    let (pinned, version) = known.by_row.get(&row.get(2)?).ok_or_else(|| damaged("contract"))?;
    let hash_or_none = |at: usize| row.get::<_, Option<Hash>>(at).map(Option::unwrap_or_default);
    let entry = Entry {
        seq,
        new: NewEntry { kind, worth: row.get(5)?, cycle: row.get(6)? },
        contract: pinned.clone(),
        person: hash_or_none(3)?,
        event: hash_or_none(4)?,
        wording: row.get(10)?,
        act: row.get(11)?,
        at: time(row.get(7)?)?,
        posted: time(row.get(8)?)?,
    };
    Ok((entry, row.get(9)?, version))
}

/// A time from its microseconds.
pub fn time(microseconds: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(microseconds).map_err(|e| StoreError::Damaged(e.to_string()))
}

/// A number that is never negative.
pub fn number(stored: i64) -> Result<u64, StoreError> {
    u64::try_from(stored).map_err(|_| StoreError::Damaged("a negative number".to_owned()))
}

/// The other way round. `SQLite` has no larger numbers, and no ledger gets there.
pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A stage as it is stored.
pub fn stage_number(stage: Stage) -> i64 {
    match stage {
        Stage::Accepted => 1,
        Stage::Delivered => 2,
        Stage::Bounced => 3,
        Stage::Observed => 4,
        Stage::Lapsed => 5,
    }
}

/// Reads a stored stage.
pub fn stage(number: i64) -> Result<Stage, StoreError> {
    match number {
        1 => Ok(Stage::Accepted),
        2 => Ok(Stage::Delivered),
        3 => Ok(Stage::Bounced),
        4 => Ok(Stage::Observed),
        5 => Ok(Stage::Lapsed),
        _ => Err(StoreError::Damaged("stage".to_owned())),
    }
}

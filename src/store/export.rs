//! What leaves the ledger as it is: entries one by one, and a statement up to an entry that was the last one once.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::error::StoreError;
use super::held_back::{self, Told};
use super::read::require;
use super::rows::{self, ENTRY_COLUMNS, signed};
use super::{Store, redemptions, signals, trust};
use crate::ledger::chain::{Hash, genesis};
use crate::ledger::{Entry, Statement};
use crate::referral::CompanyId;

impl Store {
    /// The entries of a company behind number `after`, with their hashes, in order; not more than `limit`.
    ///
    /// # Errors
    /// When the company is unknown or the file cannot be read.
    pub async fn entries(&self, company: &CompanyId, after: u64, limit: u32) -> Result<Vec<(Entry, Hash)>, StoreError> {
        let company = company.clone();
        self.read(move |c| entries(c, &company, after, limit)).await
    }

    /// [`Store::statement`] as it was when entry `seq_max` was the last.
    ///
    /// # Errors
    /// As there.
    pub async fn statement_to(
        &self,
        company: &CompanyId,
        period: (Timestamp, Timestamp),
        seq_max: u64,
    ) -> Result<Statement, StoreError> {
        let company = company.clone();
        self.read(move |c| statement(c, &company, period, seq_max)).await
    }
}

fn entries(
    connection: &Connection,
    company: &CompanyId,
    after: u64,
    limit: u32,
) -> Result<Vec<(Entry, Hash)>, StoreError> {
    let row = require(connection, company)?;
    let known = rows::contracts(connection, row.id)?;
    let sql = format!("SELECT {ENTRY_COLUMNS} FROM entries WHERE company = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(params![row.id, signed(after), limit])?;
    let mut entries = Vec::new();
    while let Some(row) = found.next()? {
        let (entry, hash, _) = rows::entry(row, &known)?;
        entries.push((entry, hash));
    }
    Ok(entries)
}

pub(super) fn statement(
    connection: &Connection,
    company: &CompanyId,
    (from, until): (Timestamp, Timestamp),
    seq_max: u64,
) -> Result<Statement, StoreError> {
    let row = require(connection, company)?;
    let known = rows::contracts(connection, row.id)?;
    let mut result = Statement::new(company.clone(), from, until, genesis(company));
    let sql =
        format!("SELECT {ENTRY_COLUMNS} FROM entries WHERE company = ?1 AND posted < ?2 AND seq <= ?3 ORDER BY seq");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut entries = statement.query(params![row.id, until.as_microsecond(), signed(seq_max)])?;
    while let Some(row) = entries.next()? {
        let (entry, hash, version) = rows::entry(row, &known)?;
        result.add(&entry, &hash, version);
    }
    result.held_back = held_back::count(connection, Told::HeldBack, &row, (from, until))?;
    result.excluded = held_back::count(connection, Told::Excluded, &row, (from, until))?;
    result.open_signals = signals::count_open(connection, &row, company, until)?;
    redemptions::complete(connection, &row, &mut result)?;
    trust::complete(connection, &row, &known, &mut result)?;
    Ok(result)
}

//! How many rejections came signed by DKIM and got no line, and how many people got it and are not counted, by company
//! and hour. Statements tell of them; no rule asks.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::error::StoreError;
use super::rows::{CompanyRow, number};
use crate::watch::HeldBack;

/// What is written down of an hour.
#[derive(Clone, Copy)]
pub enum Told {
    HeldBack,
    Excluded,
}

impl Told {
    fn table(self) -> &'static str {
        match self {
            Self::HeldBack => "held_back",
            Self::Excluded => "uncounted",
        }
    }
}

/// Adds to what is written down. Of a company the ledger does not know nothing is told, so nothing is kept.
pub fn note(connection: &Connection, what: Told, held_back: &[HeldBack]) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "INSERT INTO {0} (company, hour, mails) SELECT id, ?2, ?3 FROM companies WHERE name = ?1
         ON CONFLICT (company, hour) DO UPDATE SET mails = mails + ?3",
        what.table()
    ))?;
    for HeldBack { company, hour, mails } in held_back {
        statement.execute(params![company.as_str(), hour, i64::try_from(*mails).unwrap_or(i64::MAX)])?;
    }
    Ok(())
}

/// How many in the hours that begin in a period.
pub fn count(
    connection: &Connection,
    what: Told,
    of: &CompanyRow,
    (from, until): (Timestamp, Timestamp),
) -> Result<u64, StoreError> {
    let table = what.table();
    let sql = format!("SELECT ifnull(sum(mails), 0) FROM {table} WHERE company = ?1 AND hour >= ?2 AND hour < ?3");
    let values = params![of.id, from.as_microsecond(), until.as_microsecond()];
    number(connection.prepare_cached(&sql)?.query_row(values, |row| row.get(0))?)
}

//! How many rejections came signed by DKIM and got no line, by company and hour. Statements tell of them; no rule asks.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::error::StoreError;
use super::rows::{CompanyRow, number};
use crate::watch::HeldBack;

/// Adds to what is written down. Of a company the ledger does not know nothing is told, so nothing is kept.
pub fn note(connection: &Connection, held_back: &[HeldBack]) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO held_back (company, hour, mails) SELECT id, ?2, ?3 FROM companies WHERE name = ?1
         ON CONFLICT (company, hour) DO UPDATE SET mails = mails + excluded.mails",
    )?;
    for HeldBack { company, hour, mails } in held_back {
        statement.execute(params![company.as_str(), hour, i64::try_from(*mails).unwrap_or(i64::MAX)])?;
    }
    Ok(())
}

/// How many in the hours that begin in a period.
pub fn count(connection: &Connection, of: &CompanyRow, from: Timestamp, until: Timestamp) -> Result<u64, StoreError> {
    let sql = "SELECT ifnull(sum(mails), 0) FROM held_back WHERE company = ?1 AND hour >= ?2 AND hour < ?3";
    let values = params![of.id, from.as_microsecond(), until.as_microsecond()];
    number(connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))?)
}

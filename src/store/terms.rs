//! What shaped the line of each company: a dated row with its actor whenever it has changed.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use super::rows;
use super::switches::OffRow;
use crate::pipeline::{LineTerms, Mode};
use crate::referral::CompanyId;

/// The terms of a company as they are put in force.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TermsChange {
    /// The company.
    pub company: CompanyId,
    /// What shapes its line from now on.
    pub terms: LineTerms,
    /// Who put it in force, as the audit shows him.
    pub actor: String,
}

/// Adds a row, unless the newest says the same.
pub fn note(connection: &Connection, change: &TermsChange, now: Timestamp) -> Result<(), StoreError> {
    let terms = serde_json::to_string(&change.terms).map_err(|e| StoreError::Database(e.to_string()))?;
    let newest = newest(connection, &change.company, Timestamp::MAX)?;
    if newest.as_deref() == Some(&terms) {
        return Ok(());
    }
    let sql = "INSERT INTO line_terms (at, actor, company, terms) VALUES (?1, ?2, ?3, ?4)";
    let values = params![now.as_microsecond(), change.actor, change.company.as_str(), terms];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// The terms of a company at a time; `None` before its first row.
pub fn at(connection: &Connection, company: &CompanyId, then: Timestamp) -> Result<Option<LineTerms>, StoreError> {
    let damaged = |e: serde_json::Error| StoreError::Damaged(format!("terms of the line of {company}: {e}"));
    newest(connection, company, then)?.map(|text| serde_json::from_str(&text).map_err(damaged)).transpose()
}

/// Since when a company's contract is suspended without a gap, and who put that in force; `None` when it is not.
pub fn suspended(connection: &Connection, company: &CompanyId) -> Result<Option<OffRow>, StoreError> {
    let sql = "SELECT at, actor, terms FROM line_terms WHERE company = ?1 ORDER BY seq DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query([company.as_str()])?;
    let mut since = None;
    while let Some(row) = found.next()? {
        let text = row.get_ref(2)?.as_str().map_err(|e| StoreError::Damaged(e.to_string()))?;
        let mode = serde_json::from_str::<LineTerms>(text).map(|terms| terms.mode);
        if mode.map_err(|e| StoreError::Damaged(e.to_string()))? != Mode::Suspended {
            break;
        }
        let actor = format!("suspended = true in its file; {}", row.get::<_, String>(1)?);
        since = Some(OffRow { company: Some(company.clone()), at: rows::time(row.get(0)?)?, actor });
    }
    Ok(since)
}

fn newest(connection: &Connection, company: &CompanyId, then: Timestamp) -> Result<Option<String>, StoreError> {
    let sql = "SELECT terms FROM line_terms WHERE company = ?1 AND at <= ?2 ORDER BY seq DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![company.as_str(), then.as_microsecond()], |row| row.get(0)).optional()?)
}

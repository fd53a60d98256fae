//! Who wants no line: every act with its time, its actor and its source, and what holds now or held then.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::error::StoreError;
use super::rows;
use crate::referral::{CandidateKey, CompanyId, OptOut, OptOutSource};

/// Persons put on a list or taken off it; all of them or none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OptOutChange {
    /// Who.
    pub persons: Vec<OptOut>,
    /// Whether they are put there; else taken off.
    pub add: bool,
    /// Who asked for it.
    pub source: OptOutSource,
    /// Who entered it, as the audit shows him.
    pub actor: String,
}

/// One person on a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OptOutRow {
    /// Who, and for which company.
    pub person: OptOut,
    /// Since when.
    pub at: Timestamp,
    /// Who asked for it.
    pub source: OptOutSource,
    /// Who entered it.
    pub actor: String,
}

/// Writes a change down. A company the ledger does not know is a slip of the keyboard.
pub fn change(connection: &Connection, change: &OptOutChange, now: Timestamp) -> Result<(), StoreError> {
    let mut companies: Vec<&CompanyId> = change.persons.iter().filter_map(|p| p.company.as_ref()).collect();
    companies.dedup();
    for id in companies {
        if rows::company(connection, id)?.is_none() {
            return Err(StoreError::NoCompany(id.clone()));
        }
    }
    let act = if change.add { "add" } else { "remove" };
    let (at, source) = (now.as_microsecond(), change.source.code());
    let mut statement = connection.prepare_cached(
        "INSERT INTO optouts (at, actor, act, source, company, key_id, key) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for OptOut { company, key } in &change.persons {
        let company = company.as_ref().map(CompanyId::as_str);
        statement.execute(params![at, change.actor, act, source, company, key.key_id, key.octets])?;
    }
    Ok(())
}

/// Who was on a list at a time, or is now; oldest first.
pub fn optouts(connection: &Connection, then: Option<Timestamp>) -> Result<Vec<OptOutRow>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT company, key_id, key, at, source, actor FROM optouts WHERE act = 'add' \
         AND (until IS NULL OR until > ?2) AND seq IN \
         (SELECT max(seq) FROM optouts WHERE at <= ?1 GROUP BY key, key_id, company) ORDER BY seq",
    )?;
    let asked = then.map_or(i64::MAX, Timestamp::as_microsecond);
    let now = then.unwrap_or_else(crate::sys::clock::now).as_microsecond();
    let mut found = statement.query([asked, now])?;
    let mut optouts = Vec::new();
    while let Some(row) = found.next()? {
        let id: Option<String> = row.get(0)?;
        let parse = |id: String| CompanyId::parse(&id).map_err(|e| StoreError::Damaged(format!("company {id:?}: {e}")));
        let source: String = row.get(4)?;
        let damaged = || StoreError::Damaged(format!("source of an opt-out {source:?}"));
        optouts.push(OptOutRow {
            person: OptOut {
                company: id.map(parse).transpose()?,
                key: CandidateKey { key_id: row.get(1)?, octets: row.get(2)? },
            },
            at: rows::time(row.get(3)?)?,
            source: OptOutSource::parse(&source).ok_or_else(damaged)?,
            actor: row.get(5)?,
        });
    }
    Ok(optouts)
}

/// What tells that rows were added: how many there are, and the number of the newest.
pub fn mark(connection: &Connection) -> Result<(i64, i64), StoreError> {
    let mut statement = connection.prepare_cached("SELECT COUNT(*), COALESCE(MAX(seq), 0) FROM optouts")?;
    Ok(statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

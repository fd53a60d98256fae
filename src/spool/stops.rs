//! Next hops that refused edited mails of a company: kept here, so that a restart edits none for them either.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::database::{Fault, execute, nanoseconds, timestamp};
use crate::referral::CompanyId;

/// A company and a next hop for which no mail is edited until an admin resumes it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EditStop {
    /// The company.
    pub company: CompanyId,
    /// The next hop.
    pub next_hop: String,
    /// Since when.
    pub at: Timestamp,
}

/// Writes a stop down.
pub(super) fn stop(connection: &Connection, stop: &EditStop) -> Result<(), Fault> {
    let sql = "INSERT OR REPLACE INTO edit_stops (company, next_hop, at) VALUES (?1, ?2, ?3)";
    execute(connection, sql, params![stop.company.as_str(), stop.next_hop, nanoseconds(stop.at)])?;
    Ok(())
}

/// Forgets the stops of a company, or of all, at a next hop, or at all.
pub(super) fn resume(
    connection: &Connection,
    company: Option<&CompanyId>,
    next_hop: Option<&str>,
) -> Result<(), Fault> {
    let sql = "DELETE FROM edit_stops WHERE (?1 IS NULL OR company = ?1) AND (?2 IS NULL OR next_hop = ?2)";
    execute(connection, sql, params![company.map(CompanyId::as_str), next_hop])?;
    Ok(())
}

/// All there are.
pub(super) fn list(connection: &Connection) -> rusqlite::Result<Vec<EditStop>> {
    let mut statement =
        connection.prepare("SELECT company, next_hop, at FROM edit_stops ORDER BY company, next_hop")?;
    let stop = |row: &Row<'_>| {
        let company: String = row.get(0)?;
        let (next_hop, at) = (row.get(1)?, timestamp(row.get(2)?));
        Ok(CompanyId::parse(&company).ok().map(|company| EditStop { company, next_hop, at }))
    };
    statement.query_map([], stop)?.filter_map(Result::transpose).collect()
}

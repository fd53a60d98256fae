//! Probes of return paths: mails of ours that have to come back. Neither where they went nor what they said is here.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Row, params};

use super::database::{Fault, execute, nanoseconds, timestamp};
use crate::referral::CompanyId;

/// For how long they are remembered, so that a ledger from a backup hears of them again.
const KEPT: SignedDuration = SignedDuration::from_hours(60 * 24);

/// A probe that went out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SentProbe {
    /// Our message id of it.
    pub id: String,
    /// Whose return path it tries.
    pub company: CompanyId,
    /// The route by which it went.
    pub route: String,
    /// When.
    pub sent_at: Timestamp,
    /// When it came back; nothing while it has not.
    pub back_at: Option<Timestamp>,
}

pub(super) fn keep(connection: &Connection, probe: &SentProbe) -> Result<(), Fault> {
    let sql = "INSERT INTO probes (id, company, route, sent_at, back_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    let back_at = probe.back_at.map(nanoseconds);
    let values = params![probe.id, probe.company.as_str(), probe.route, nanoseconds(probe.sent_at), back_at];
    execute(connection, sql, values)?;
    Ok(())
}

/// Whoever knows a tag can write to it again and again: only the first time proves anything.
pub(super) fn note_back(connection: &Connection, id: &str, at: Timestamp) -> Result<(), Fault> {
    let sql = "UPDATE probes SET back_at = ?2 WHERE id = ?1 AND back_at IS NULL";
    execute(connection, sql, params![id, nanoseconds(at)])?;
    Ok(())
}

pub(super) fn forget(connection: &Connection, now: Timestamp) -> Result<(), Fault> {
    let before = now.checked_sub(KEPT).unwrap_or(Timestamp::MIN);
    execute(connection, "DELETE FROM probes WHERE sent_at < ?1", [nanoseconds(before)])?;
    Ok(())
}

pub(super) fn list(connection: &Connection) -> rusqlite::Result<Vec<SentProbe>> {
    let sql = "SELECT id, company, route, sent_at, back_at FROM probes ORDER BY sent_at, id";
    let mut statement = connection.prepare_cached(sql)?;
    let read = |row: &Row<'_>| {
        let company: String = row.get(1)?;
        let (id, route, sent_at) = (row.get(0)?, row.get(2)?, timestamp(row.get(3)?));
        let back_at = row.get::<_, Option<i64>>(4)?.map(timestamp);
        Ok(CompanyId::parse(&company).ok().map(|company| SentProbe { id, company, route, sent_at, back_at }))
    };
    statement.query_map([], read)?.filter_map(Result::transpose).collect()
}

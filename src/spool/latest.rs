//! The mails accepted last before a start: a crash may have kept the answer from their clients.

use rusqlite::Connection;

use super::types::EntryId;

/// How long before the newest mail others were accepted that are told of, in milliseconds: an answer leaves at once
/// behind its commit, so what was not heard is seconds old.
const WITHIN_MS: u64 = 60_000;
/// Ids looked at in each table. More mails than that are never between a commit and an answer.
const IDS_MAX: u32 = 10_000;

/// Their ids. Each is on disk for good: a start has committed something of its own before it asks.
pub(super) fn latest(connection: &Connection) -> rusqlite::Result<Vec<EntryId>> {
    // Our ids begin with the time in hex digits; those of reports and notices begin with letters behind f. What is
    // damaged had better come again.
    let entries = "SELECT id FROM entries WHERE id < 'g' AND parked = 0 ORDER BY id DESC LIMIT ?1";
    let mut found = ids(connection, entries)?;
    let outbox = "SELECT transaction_id FROM outbox WHERE seq > (SELECT max(seq) FROM outbox) - ?1";
    found.extend(ids(connection, outbox)?);
    let newest = found.iter().filter_map(taken_at).max().unwrap_or(0);
    found.retain(|id| taken_at(id).is_some_and(|at| at.saturating_add(WITHIN_MS) >= newest));
    Ok(found)
}

fn ids(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<EntryId>> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([IDS_MAX])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.extend(EntryId::parse(row.get_ref(0)?.as_str()?));
    }
    Ok(found)
}

/// When the mail of this id came, in milliseconds since 1970.
fn taken_at(id: &EntryId) -> Option<u64> {
    u64::from_str_radix(id.as_str().get(..12)?, 16).ok()
}

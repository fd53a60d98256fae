//! What is kept of mails that left with a return path of ours, until nothing of them is taken back any more.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::database::{Fault, execute, nanoseconds};
use crate::sys::clock;

/// What finds the sender and the referral of a mail that comes back. The spool cannot read it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Returnable {
    /// The name of the mail in its tag.
    pub id: [u8; 12],
    /// When it is forgotten.
    pub expires: Timestamp,
    /// Sealed; it opens with the tag alone.
    pub sealed: Vec<u8>,
}

/// Each that comes sends away some of those whose time is over, so that they never pile up.
pub(super) fn keep(connection: &Connection, new: &Returnable) -> Result<(), Fault> {
    let sql = "INSERT INTO return_paths (id, expires, sealed) VALUES (?1, ?2, ?3) \
               ON CONFLICT (id) DO UPDATE SET expires = excluded.expires, sealed = excluded.sealed";
    execute(connection, sql, params![&new.id[..], nanoseconds(new.expires), new.sealed])?;
    let sql = "DELETE FROM return_paths WHERE id IN (SELECT id FROM return_paths WHERE expires < ?1 LIMIT 16)";
    execute(connection, sql, [nanoseconds(clock::now())])?;
    Ok(())
}

/// What is kept of a mail that left with a return path of ours, and is not over.
pub(super) fn find(connection: &Connection, id: &[u8], now: Timestamp) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut statement = connection.prepare_cached("SELECT sealed FROM return_paths WHERE id = ?1 AND expires >= ?2")?;
    statement.query_row(params![id, nanoseconds(now)], |row| row.get(0)).optional()
}

/// Sends away all whose time is over.
pub(super) fn forget(connection: &Connection, now: Timestamp) -> Result<(), Fault> {
    execute(connection, "DELETE FROM return_paths WHERE expires < ?1", [nanoseconds(now)])?;
    Ok(())
}

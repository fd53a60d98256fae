//! What the writer does with the database between commits: a short log, and no more pages than needed.

use std::time::Duration;

use rusqlite::Connection;

use super::database::{Fault, LOCK_WAIT, pragma};

/// A log longer than this is written back into the file. Less than the reserve, for the file may grow by as much.
pub(super) const LOG_OCTETS_MAX: u64 = 4 * 1024 * 1024;
/// A log longer than this is written back while the disk is full, so that there is always room to settle what is here.
pub(super) const LOG_OCTETS_MAX_WHEN_FULL: u64 = 64 * 1024;
/// Pages given back at a time, so that nobody who comes meanwhile waits long.
const PAGES_GIVEN_BACK: u32 = 2048;
/// How long readers are waited for when the log is emptied.
const READERS_WAIT: Duration = Duration::from_millis(20);

/// Writes the log back into the file when it is longer than `octets_max`. Gives the length at which to look again: more
/// than that when a reader is in the way.
pub(super) fn shorten_log(connection: &Connection, octets_max: u64) -> Result<u64, Fault> {
    let log = connection.path().map(|path| format!("{path}-wal"));
    let octets = log.and_then(|path| std::fs::metadata(path).ok()).map_or(0, |m| m.len());
    if octets <= octets_max {
        return Ok(octets_max);
    }
    Ok(if empty_log(connection)? { LOG_OCTETS_MAX } else { octets + LOG_OCTETS_MAX })
}

/// Frees pages and empties the log; `false` when a reader was in the way, or more pages are left, and it has to be done
/// again.
pub(super) fn clean(connection: &Connection) -> Result<bool, Fault> {
    let mut give_back = connection.prepare_cached(&format!("PRAGMA incremental_vacuum({PAGES_GIVEN_BACK})"))?;
    let mut pages = give_back.query([])?;
    while pages.next()?.is_some() {}
    drop(pages);
    Ok(empty_log(connection)? && pragma(connection, "freelist_count")? == 0)
}

/// Writes the log back and cuts it to nothing; `false` when a reader was in the way.
fn empty_log(connection: &Connection) -> Result<bool, Fault> {
    connection.busy_timeout(READERS_WAIT)?;
    let mut statement = connection.prepare_cached("PRAGMA wal_checkpoint(TRUNCATE)")?;
    let busy = statement.query_row([], |row| row.get::<_, i64>(0));
    connection.busy_timeout(LOCK_WAIT)?;
    Ok(busy? == 0)
}

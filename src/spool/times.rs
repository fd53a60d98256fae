//! Times in the spool across runs: waits and ages outlast a clock that was set, in either direction and by any amount.
//!
//! While a process runs it counts by a steady clock. A start goes on from the last time noted: what has passed since by
//! the wall clock counts when it is believable, and the stored times are moved when it is not. So mail is neither
//! returned at once because the clock stands a year ahead, nor left for a year because it stood there.

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use super::database::{Fault, execute, nanoseconds};

/// Of the time in which no process ran, this much at most counts. Behind a longer rest, too, mail is tried before it is
/// given up.
const REST_COUNTED_MAX: SignedDuration = SignedDuration::from_hours(24);
/// A clock that is behind by less than this is no clock that was set back.
const BEHIND_MAX: SignedDuration = SignedDuration::from_secs(10);
/// Nobody is that far off, a hundred years in nanoseconds: such times become now, so that no sum leaves the numbers of
/// SQLite.
const FAR: i64 = 3_155_760_000_000_000_000;

/// The last time noted, by the row of the clock or by the entry that came last. Entries are numbered as they come.
pub(super) const LAST_SEEN: &str = "SELECT max(at) FROM (SELECT at FROM clock UNION ALL \
    SELECT * FROM (SELECT kept_since FROM entries ORDER BY entry DESC LIMIT 1)) \
    WHERE EXISTS (SELECT 1 FROM entries)";

/// Notes what the steady clock says.
pub(super) fn note_time(connection: &Connection, at: Timestamp) -> Result<(), Fault> {
    let sql = "INSERT INTO clock (only, at) VALUES (0, ?1) ON CONFLICT DO UPDATE SET at = excluded.at";
    execute(connection, sql, [nanoseconds(at)]).map(|_| ())
}

/// Moves the times of waiting mail so that the steady clock, which begins as the wall clock, goes on from them. Returns
/// how far.
pub(super) fn go_on(connection: &Connection, now: Timestamp) -> rusqlite::Result<SignedDuration> {
    // While nothing is kept nothing is noted, and nothing has to be moved.
    let seen: Option<i64> = connection.query_row(LAST_SEEN, [], |row| row.get(0))?;
    let moved = seen.map_or(SignedDuration::ZERO, |seen| unbelievable(nanoseconds(now).saturating_sub(seen)));
    let by = i64::try_from(moved.as_nanos()).unwrap_or(i64::MAX);
    let commit = connection.unchecked_transaction()?;
    if by != 0 {
        for (table, column) in [("entries", "kept_since"), ("recipients", "next_at")] {
            let (moved, by) = if by.unsigned_abs() > FAR.unsigned_abs() {
                ("?1".to_owned(), nanoseconds(now))
            } else {
                (format!("min({column}, {}) + ?1", i64::MAX - FAR), by)
            };
            commit.execute(&format!("UPDATE {table} SET {column} = {moved}"), [by])?;
        }
    }
    commit.execute("DELETE FROM clock", [])?;
    commit.execute("INSERT INTO clock (only, at) VALUES (0, ?1)", [nanoseconds(now)])?;
    commit.commit()?;
    Ok(moved)
}

/// The part of a rest, in nanoseconds, that cannot have been one.
fn unbelievable(rest: i64) -> SignedDuration {
    let rest = SignedDuration::from_nanos(rest);
    match rest {
        _ if rest < -BEHIND_MAX => rest,
        _ if rest > REST_COUNTED_MAX => rest - REST_COUNTED_MAX,
        _ => SignedDuration::ZERO,
    }
}

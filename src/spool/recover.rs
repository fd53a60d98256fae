//! Opening after an end of whatever kind: marks are resolved, orphans removed, damage is parked and named.

use std::collections::HashSet;
use std::path::Path;

use rusqlite::{Connection, Row};

use super::bodies::Bodies;
use super::content::{Content, Run};
use super::database::unreadable;
use super::error::SpoolError;
use super::stops;
use super::times;
use super::types::{EntryId, Recovered};
use crate::sys::clock;

/// Octets of nobody that are overwritten before the spool opens; the writer does the rest.
const SWEPT_AT_ONCE: u64 = 1024 * 1024;

/// What a row says of its files.
struct Claim {
    key: i64,
    run: Run,
    /// The file of an original that has one: its name and how long it is.
    file: Option<(EntryId, u64)>,
    is_parked: bool,
}

/// Brings rows and files into agreement; to be called once, before the writer starts. It looks at where each entry lies
/// and reads none of them: content is proven when it is loaded.
pub(super) fn recover(
    connection: &Connection,
    bodies: &Bodies,
    path: &Path,
) -> Result<(Recovered, Content), SpoolError> {
    let mut claims = read_claims(connection).map_err(unreadable)?;
    let length = std::fs::metadata(path).map_or(0, |m| m.len());
    let damaged = find_damaged(&mut claims, bodies, length);
    let files: HashSet<&EntryId> = claims.iter().filter_map(|c| Some(&c.file.as_ref()?.0)).collect();
    let orphans = bodies.remove_orphans(|id| files.contains(id)).map_err(unreadable)?;
    let within = |run: &Run| run.at.saturating_add(run.octets) <= length;
    let used = claims.iter().map(|c| c.run).filter(within).collect();
    let mut content = Content::open(path, used).map_err(unreadable)?;
    content.sweep(SWEPT_AT_ONCE).map_err(unreadable)?;
    let parked = names_of(connection, &damaged).map_err(unreadable)?;
    for id in &parked {
        bodies.park(id).map_err(unreadable)?;
    }
    let maybe_doubled = mend_rows(connection, &damaged).map_err(unreadable)?;
    let clock_moved = times::go_on(connection, clock::steady()).map_err(unreadable)?;
    let possible_doubles = read_doubles(connection).map_err(unreadable)?;
    let edit_stops = stops::list(connection).map_err(unreadable)?;
    Ok((Recovered { maybe_doubled, possible_doubles, orphans, parked, clock_moved, edit_stops }, content))
}

fn read_claims(connection: &Connection) -> rusqlite::Result<Vec<Claim>> {
    let mut statement = connection.prepare("SELECT entry, at, octets, file_octets, parked, id FROM entries")?;
    let claim = |row: &Row<'_>| {
        let number = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
        let run = Run { at: number(1)?, octets: number(2)? };
        let file = match row.get::<_, Option<i64>>(3)? {
            Some(octets) => EntryId::parse(row.get_ref(5)?.as_str()?).ok().map(|id| (id, octets.cast_unsigned())),
            None => None,
        };
        Ok(Claim { key: row.get(0)?, run, file, is_parked: row.get(4)? })
    };
    statement.query_map([], claim)?.collect()
}

fn names_of(connection: &Connection, keys: &[i64]) -> rusqlite::Result<Vec<EntryId>> {
    let mut statement = connection.prepare("SELECT id FROM entries WHERE entry = ?1")?;
    let mut names = Vec::with_capacity(keys.len());
    for key in keys {
        names.extend(EntryId::parse(&statement.query_row([key], |row| row.get::<_, String>(0))?).ok());
    }
    names.sort();
    Ok(names)
}

fn read_doubles(connection: &Connection) -> rusqlite::Result<Vec<EntryId>> {
    let mut statement = connection.prepare(DOUBLES)?;
    let id = |row: &Row<'_>| Ok(EntryId::parse(row.get_ref(0)?.as_str()?).ok());
    statement.query_map([], id)?.filter_map(Result::transpose).collect()
}

/// Keys of entries not parked yet whose content lies outside the file or in that of another, or whose own file is not
/// as long as it was. Anything subtler is found by the checksum when the entry is loaded.
fn find_damaged(claims: &mut [Claim], bodies: &Bodies, length: u64) -> Vec<i64> {
    claims.sort_by_key(|c| c.run.at);
    let end = |c: &Claim| c.run.at.saturating_add(c.run.octets);
    let overlapping = claims.windows(2).filter(|pair| end(&pair[0]) > pair[1].run.at).flatten();
    let lost = |c: &&Claim| c.file.as_ref().is_some_and(|(id, octets)| bodies.octets(id) != Some(*octets));
    let damaged = overlapping.chain(claims.iter().filter(|c| end(c) > length || lost(c)));
    let mut damaged: Vec<i64> = damaged.filter(|c| !c.is_parked).map(|c| c.key).collect();
    damaged.sort_unstable();
    damaged.dedup();
    damaged
}

/// The names of entries of which somebody may get his mail twice.
pub(super) const DOUBLES: &str =
    "SELECT id FROM entries WHERE entry IN (SELECT entry FROM recipients WHERE maybe_doubled = 1)";

/// A recipient marked as sending, or in doubt, may have its mail already: it is due, and said to be so.
pub(super) const RESOLVE_MARKS: &str = "UPDATE recipients SET state = 0, maybe_doubled = 1 WHERE state IN (1, 2)";

fn mend_rows(connection: &Connection, damaged: &[i64]) -> rusqlite::Result<u64> {
    let commit = connection.unchecked_transaction()?;
    for key in damaged {
        commit.execute("UPDATE recipients SET state = 3 WHERE entry = ?1", [key])?;
        commit.execute("UPDATE entries SET parked = 1 WHERE entry = ?1", [key])?;
        commit.execute("DELETE FROM holds WHERE entry = ?1", [key])?;
    }
    let marked = commit.execute(RESOLVE_MARKS, [])?;
    commit.commit()?;
    Ok(marked as u64)
}

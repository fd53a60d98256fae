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

/// What a row says of its files.
struct Claim {
    id: EntryId,
    run: Run,
    file_octets: Option<i64>,
    is_parked: bool,
}

/// Brings rows and files into agreement; to be called once, before the writer starts.
pub(super) fn recover(
    connection: &Connection,
    bodies: &Bodies,
    path: &Path,
) -> Result<(Recovered, Content), SpoolError> {
    let mut claims = read_claims(connection).map_err(unreadable)?;
    let length = std::fs::metadata(path).map_or(0, |m| m.len());
    let damaged = find_damaged(&mut claims, bodies, length);
    let files: HashSet<&EntryId> = claims.iter().filter(|c| c.file_octets.is_some()).map(|c| &c.id).collect();
    let orphans = bodies.remove_orphans(|id| files.contains(id)).map_err(unreadable)?;
    let within = |run: &Run| run.at.saturating_add(run.octets) <= length;
    let used = claims.iter().map(|c| c.run).filter(within).collect();
    let content = Content::open(path, used).map_err(unreadable)?;
    for id in &damaged {
        bodies.park(id).map_err(unreadable)?;
    }
    let maybe_doubled = mend_rows(connection, &damaged).map_err(unreadable)?;
    let clock_moved = times::go_on(connection, clock::steady()).map_err(unreadable)?;
    let possible_doubles = read_doubles(connection).map_err(unreadable)?;
    let edit_stops = stops::list(connection).map_err(unreadable)?;
    let parked = damaged;
    Ok((Recovered { maybe_doubled, possible_doubles, orphans, parked, clock_moved, edit_stops }, content))
}

fn read_claims(connection: &Connection) -> rusqlite::Result<Vec<Claim>> {
    let mut statement = connection.prepare("SELECT id, at, octets, file_octets, parked FROM entries")?;
    let claim = |row: &Row<'_>| {
        let number = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
        let run = Run { at: number(1)?, octets: number(2)? };
        let id = EntryId::parse(row.get_ref(0)?.as_str()?).ok();
        let (file_octets, is_parked) = (row.get(3)?, row.get(4)?);
        Ok(id.map(|id| Claim { id, run, file_octets, is_parked }))
    };
    statement.query_map([], claim)?.filter_map(Result::transpose).collect()
}

fn read_doubles(connection: &Connection) -> rusqlite::Result<Vec<EntryId>> {
    let sql = "SELECT id FROM entries WHERE entry IN (SELECT entry FROM recipients WHERE maybe_doubled = 1)";
    let mut statement = connection.prepare(sql)?;
    let id = |row: &Row<'_>| Ok(EntryId::parse(row.get_ref(0)?.as_str()?).ok());
    statement.query_map([], id)?.filter_map(Result::transpose).collect()
}

/// Entries not parked yet whose content lies outside the file or in that of another, or whose own file is not as long
/// as it was. Anything subtler is found by the checksum when the entry is loaded.
fn find_damaged(claims: &mut [Claim], bodies: &Bodies, length: u64) -> Vec<EntryId> {
    claims.sort_by_key(|c| c.run.at);
    let end = |c: &Claim| c.run.at.saturating_add(c.run.octets);
    let mut damaged: Vec<EntryId> = Vec::new();
    for pair in claims.windows(2) {
        if end(&pair[0]) > pair[1].run.at {
            damaged.extend(pair.iter().map(|c| c.id.clone()));
        }
    }
    let lost = |c: &&Claim| c.file_octets.is_some_and(|o| bodies.octets(&c.id) != Some(o.cast_unsigned()));
    damaged.extend(claims.iter().filter(|c| end(c) > length || lost(c)).map(|c| c.id.clone()));
    damaged.retain(|id| claims.iter().any(|c| c.id == *id && !c.is_parked));
    damaged.sort();
    damaged.dedup();
    damaged
}

/// A recipient marked as sending, or in doubt, may have its mail already: it is due, and said to be so.
fn mend_rows(connection: &Connection, damaged: &[EntryId]) -> rusqlite::Result<u64> {
    let commit = connection.unchecked_transaction()?;
    for id in damaged {
        let sql = "UPDATE recipients SET state = 3 WHERE entry = (SELECT entry FROM entries WHERE id = ?1)";
        commit.execute(sql, [id.as_str()])?;
        commit.execute("UPDATE entries SET parked = 1 WHERE id = ?1", [id.as_str()])?;
        commit.execute("DELETE FROM holds WHERE entry = (SELECT entry FROM entries WHERE id = ?1)", [id.as_str()])?;
    }
    let marked = commit.execute("UPDATE recipients SET state = 0, maybe_doubled = 1 WHERE state IN (1, 2)", [])?;
    commit.commit()?;
    Ok(marked as u64)
}

//! Opening after an end of whatever kind: marks are resolved, orphans removed, damage is parked and named.

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;

use super::bodies::Bodies;
use super::database::unreadable;
use super::error::SpoolError;
use super::types::{EntryId, Recovered};

/// Brings rows and files into agreement; to be called once, before the writer starts.
pub(super) fn recover(connection: &Connection, bodies: &Bodies) -> Result<Recovered, SpoolError> {
    let files = entries_with_files(connection).map_err(unreadable)?;
    let orphans = bodies.remove_orphans(|id| files.contains_key(id)).map_err(unreadable)?;
    let already = parked(connection).map_err(unreadable)?;
    let mut newly = Vec::new();
    for (id, octets) in files {
        if !already.contains(&id) && bodies.octets(&id) != Some(octets) {
            bodies.park(&id).map_err(unreadable)?;
            newly.push(id);
        }
    }
    newly.sort();
    let maybe_doubled = mend_rows(connection, &newly).map_err(unreadable)?;
    Ok(Recovered { maybe_doubled, orphans, parked: newly })
}

fn entries_with_files(connection: &Connection) -> rusqlite::Result<HashMap<EntryId, u64>> {
    let mut statement = connection.prepare("SELECT id, octets FROM entries WHERE original IS NULL")?;
    let mut rows = statement.query([])?;
    let mut found = HashMap::new();
    while let Some(row) = rows.next()? {
        if let Ok(id) = EntryId::parse(row.get_ref(0)?.as_str()?) {
            found.insert(id, row.get::<_, i64>(1)?.cast_unsigned());
        }
    }
    Ok(found)
}

fn parked(connection: &Connection) -> rusqlite::Result<HashSet<EntryId>> {
    let sql = "SELECT DISTINCT id FROM entries JOIN recipients USING (entry) WHERE state = 3";
    let mut statement = connection.prepare(sql)?;
    let ids = statement.query_map([], |row| row.get::<_, String>(0))?;
    Ok(ids.collect::<Result<Vec<_>, _>>()?.iter().filter_map(|id| EntryId::parse(id).ok()).collect())
}

/// A recipient marked as sending, or in doubt, may have its mail already: it is due, and said to be so.
fn mend_rows(connection: &Connection, damaged: &[EntryId]) -> rusqlite::Result<u64> {
    let commit = connection.unchecked_transaction()?;
    for id in damaged {
        let sql = "UPDATE recipients SET state = 3 WHERE entry = (SELECT entry FROM entries WHERE id = ?1)";
        commit.execute(sql, [id.as_str()])?;
    }
    let marked = commit.execute("UPDATE recipients SET state = 0, maybe_doubled = 1 WHERE state IN (1, 2)", [])?;
    commit.commit()?;
    Ok(marked as u64)
}

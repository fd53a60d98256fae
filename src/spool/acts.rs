//! What an admin does with mail in custody, and the row that says who it was, in one commit.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::apply::{Effects, find};
use super::database::{Fault, execute, nanoseconds, timestamp};
use super::listing::{Act, ActKind};
use super::recipient_state::RecipientState;
use super::settle::{end_if_empty, remove};
use super::types::EntryId;
use crate::sys::clock;

/// How much longer than posted referrals these rows are kept: a year.
const KEPT_NANOSECONDS: i64 = 365 * 86_400 * 1_000_000_000;

/// Does it, and writes it down. A recipient that is not there, or in a state that does not allow it, spoils the batch.
pub(super) fn act(connection: &Connection, act: &Act, effects: &mut Effects) -> Result<(), Fault> {
    if act.what == ActKind::Recover {
        return note(connection, act);
    }
    let entry = find(connection, &act.entry)?;
    for number in &act.recipients {
        let sql = "SELECT state FROM recipients WHERE entry = ?1 AND number = ?2";
        let state = connection.prepare_cached(sql)?.query_row(params![entry, number], |row| row.get(0)).optional()?;
        if !state.is_some_and(|state| act.what.fits(state_of(state))) {
            let (id, what) = (&act.entry, act.what.code());
            return Err(Fault::Conflict(format!("recipient {number} of entry {id} is in no state for {what}")));
        }
    }
    match act.what {
        ActKind::Retry => make_due(connection, (entry, act), 0, effects)?,
        ActKind::Release => {
            make_due(connection, (entry, act), 3, effects)?;
            // The damage is to the entry and not to one of its recipients.
            let sql = "UPDATE entries SET parked = EXISTS (SELECT 1 FROM recipients \
                       WHERE recipients.entry = entries.entry AND state = 3) WHERE entry = ?1";
            execute(connection, sql, [entry])?;
            effects.unparked.push(act.entry.clone());
        }
        ActKind::Bounce | ActKind::Drop => {
            for number in &act.recipients {
                remove(connection, entry, *number)?;
            }
            end_if_empty(connection, entry, &act.entry, effects)?;
        }
        ActKind::Export | ActKind::Recover => {}
    }
    note(connection, act)
}

/// A stored state.
pub(super) fn state_of(stored: i64) -> RecipientState {
    usize::try_from(stored).ok().and_then(|at| RecipientState::ALL.get(at)).copied().unwrap_or(RecipientState::Parked)
}

fn make_due(
    connection: &Connection,
    (entry, act): (i64, &Act),
    state: i64,
    effects: &mut Effects,
) -> Result<(), Fault> {
    let sql = "UPDATE recipients SET state = 0, next_at = ?3 WHERE entry = ?1 AND number = ?2 AND state = ?4 \
               RETURNING route";
    // Its time is the wall's, and waits go by the steady clock.
    let due = act.at.min(clock::steady());
    let mut destinations = BTreeSet::new();
    for number in &act.recipients {
        let mut statement = connection.prepare_cached(sql)?;
        let values = params![entry, number, nanoseconds(due), state];
        destinations.extend(statement.query_row(values, |row| row.get::<_, String>(0)).optional()?);
    }
    effects.waiting.extend(destinations.into_iter().map(|destination| (destination, due)));
    Ok(())
}

fn note(connection: &Connection, act: &Act) -> Result<(), Fault> {
    let numbers: Vec<String> = act.recipients.iter().map(u32::to_string).collect();
    let sql = "INSERT INTO acts (at, actor, what, id, recipients) VALUES (?1, ?2, ?3, ?4, ?5)";
    let values = params![nanoseconds(act.at), act.actor, act.what.code(), act.entry.as_str(), numbers.join(" ")];
    execute(connection, sql, values)?;
    Ok(())
}

/// Removes what is older than a year before this time.
pub(super) fn forget(connection: &Connection, posted_before: i64) -> Result<(), Fault> {
    let before = posted_before.saturating_sub(KEPT_NANOSECONDS);
    execute(connection, "DELETE FROM acts WHERE at < ?1", [before])?;
    Ok(())
}

/// What was done with these entries, oldest first.
pub(super) fn of(connection: &Connection, ids: &[EntryId]) -> rusqlite::Result<Vec<Act>> {
    let sql = "SELECT at, actor, what, recipients FROM acts WHERE id = ?1 ORDER BY act";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = Vec::new();
    for id in ids {
        let mut rows = statement.query([id.as_str()])?;
        while let Some(row) = rows.next()? {
            let (code, numbers): (String, String) = (row.get(2)?, row.get(3)?);
            let Some(what) = ActKind::ALL.into_iter().find(|what| what.code() == code) else { continue };
            let recipients = numbers.split(' ').filter_map(|number| number.parse().ok()).collect();
            let (at, actor) = (timestamp(row.get(0)?), row.get(1)?);
            found.push(Act { what, actor, at, entry: id.clone(), recipients });
        }
    }
    Ok(found)
}

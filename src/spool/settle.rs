//! What became of recipients: credit, retry or departure, and the end of an entry with its last recipient.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::apply::{Effects, find};
use super::content::Run;
use super::database::{Fault, execute, nanoseconds};
use super::reply::without_addresses;
use super::types::{Credit, EntryId, Outcome, Settlement};

/// Settles recipients of one entry. One that is not there (any more) spoils the batch, so nothing counts twice.
pub(super) fn settle(
    connection: &Connection,
    id: &EntryId,
    settlements: &[Settlement],
    effects: &mut Effects,
) -> Result<(), Fault> {
    let entry = find(connection, id)?;
    let mut departed = false;
    for Settlement { recipient, outcome } in settlements {
        let changed = match outcome {
            Outcome::Deferred { next_at, reply } | Outcome::Doubtful { next_at, reply } => {
                let may_double = matches!(outcome, Outcome::Doubtful { .. });
                let destination = retry(connection, (entry, *recipient), (*next_at, reply), may_double)?;
                let found = usize::from(destination.is_some());
                effects.waiting.extend(destination.map(|destination| (destination, *next_at)));
                found
            }
            Outcome::Accepted { credit } => {
                credit.iter().try_for_each(|credit| give_credit(connection, entry, *recipient, credit))?;
                departed = true;
                remove(connection, entry, *recipient)?
            }
            Outcome::Refused => {
                departed = true;
                remove(connection, entry, *recipient)?
            }
        };
        if changed == 0 {
            return Err(Fault::Conflict(format!("entry {id} has no recipient {recipient}")));
        }
    }
    if departed {
        end_if_empty(connection, entry, id, effects)?;
    }
    Ok(())
}

/// Puts a recipient off and tells its destination. An attempt that was marked as sending is counted already.
fn retry(
    connection: &Connection,
    (entry, number): (i64, u32),
    (next_at, reply): (Timestamp, &str),
    may_double: bool,
) -> Result<Option<String>, Fault> {
    let sql = "UPDATE recipients SET attempts = attempts + (state = 0), state = 0, next_at = ?3, last_reply = ?4, \
               maybe_doubled = maybe_doubled OR ?5 WHERE entry = ?1 AND number = ?2 RETURNING route";
    let values = params![entry, number, nanoseconds(next_at), without_addresses(reply), may_double];
    let mut statement = connection.prepare_cached(sql)?;
    let destinations = statement.query_map(values, |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    Ok(destinations.into_iter().next())
}

/// Turns the recipient's offer, if it has one, into an outbox row.
fn give_credit(connection: &Connection, entry: i64, number: u32, credit: &Credit) -> Result<(), Fault> {
    let sql = "INSERT INTO outbox (seq, company, key_id, candidate, token, series, version, digest, inserted, \
               recipient, proves, route, transaction_id, at, wording, earlier, traits) \
               SELECT (SELECT seq FROM next_in_outbox), company, key_id, candidate, token, series, version, digest, \
               inserted, recipient, ?3, ?4, (SELECT id FROM entries WHERE entry = ?1), ?5, wording, earlier, traits \
               FROM offers WHERE entry = ?1 AND recipient = ?2";
    let proves = super::apply::proves_number(credit.proves);
    execute(connection, sql, params![entry, number, proves, credit.route, nanoseconds(credit.at)])?;
    Ok(())
}

pub(super) fn remove(connection: &Connection, entry: i64, number: u32) -> Result<usize, Fault> {
    execute(connection, "DELETE FROM recipients WHERE entry = ?1 AND number = ?2", params![entry, number])
}

/// With the last recipient the entry goes, and with it its content. What a parked row says of its content is not
/// believed: the next start overwrites what no row covers.
pub(super) fn end_if_empty(
    connection: &Connection,
    entry: i64,
    id: &EntryId,
    effects: &mut Effects,
) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM entries WHERE entry = ?1 AND NOT EXISTS (SELECT 1 FROM recipients WHERE entry = ?1) \
         RETURNING at, octets, file_octets IS NOT NULL, parked",
    )?;
    let mut rows = statement.query([entry])?;
    while let Some(row) = rows.next()? {
        let run = Run { at: row.get::<_, i64>(0)?.cast_unsigned(), octets: row.get::<_, i64>(1)?.cast_unsigned() };
        let (has_file, is_parked): (bool, bool) = (row.get(2)?, row.get(3)?);
        effects.released.extend((!is_parked).then_some(run));
        effects.gone.extend(has_file.then(|| id.clone()));
    }
    Ok(())
}

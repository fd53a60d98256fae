//! Reading: what is due, entries with all it takes to send them, the outbox, the summary. Never on the runtime.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::apply::proves_number;
use super::codec;
use super::database::{nanoseconds, open_reader, stored, timestamp, unreadable};
use super::error::SpoolError;
use super::types::{Due, DueEntry, EntryId, OutboxRow, Summary};
use crate::ledger::{ContractRef, Proves, ReferralEvent};
use crate::referral::{CandidateKey, CompanyId, LinkToken, Traits};

/// Connections kept for the next reader.
const IDLE_MAX: usize = 4;

/// The destinations with waiting mail and the earliest time of each: one step of the index for each destination,
/// however many mails wait for it.
const DESTINATIONS: &str = "WITH RECURSIVE routes (route) AS ( \
    SELECT min(route) FROM recipients INDEXED BY recipients_due WHERE state = 0 \
    UNION ALL \
    SELECT (SELECT min(route) FROM recipients INDEXED BY recipients_due WHERE state = 0 AND route > routes.route) \
    FROM routes WHERE route IS NOT NULL) \
    SELECT route, (SELECT min(next_at) FROM recipients INDEXED BY recipients_due \
                   WHERE state = 0 AND recipients.route = routes.route) \
    FROM routes WHERE route IS NOT NULL";

/// Read-only connections, each used by one reader at a time.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::new(Vec::new()) }
    }

    /// Runs `read` on a blocking thread.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&Connection) -> Result<T, SpoolError> + Send + 'static,
    ) -> Result<T, SpoolError> {
        let readers = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || readers.read_here(read)).await;
        done.unwrap_or_else(|error| Err(unreadable(error)))
    }

    fn read_here<T>(&self, read: impl FnOnce(&Connection) -> Result<T, SpoolError>) -> Result<T, SpoolError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = idle.map_or_else(|| open_reader(&self.path), Ok).map_err(unreadable)?;
        let found = read(&connection)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(connection);
        }
        Ok(found)
    }
}

/// Every destination with waiting mail, and when the first of it is due.
pub(super) fn destinations(connection: &Connection) -> rusqlite::Result<Vec<(String, Timestamp)>> {
    let mut statement = connection.prepare_cached(DESTINATIONS)?;
    let found = statement.query_map([], |row| Ok((row.get(0)?, timestamp(row.get(1)?))))?;
    found.collect()
}

/// What is due at `now` for one destination, at most `entries_max` entries. Streams along the index and stops behind
/// the last one wanted.
pub(super) fn due_for(
    connection: &Connection,
    destination: String,
    now: Timestamp,
    entries_max: usize,
) -> rusqlite::Result<Due> {
    let mut statement = connection.prepare_cached(
        "SELECT recipients.entry, entries.id, number, next_at, kept_since, octets + ifnull(file_octets, 0) \
         FROM recipients INDEXED BY recipients_due JOIN entries USING (entry) \
         WHERE state = 0 AND route = ?1 AND next_at <= ?2 ORDER BY next_at, recipients.entry, number",
    )?;
    let mut rows = statement.query(params![destination, nanoseconds(now)])?;
    let mut entries: Vec<DueEntry> = Vec::new();
    let mut places: HashMap<i64, usize> = HashMap::new();
    let mut next = None;
    while let Some(row) = rows.next()? {
        let (entry, number) = (row.get(0)?, row.get(2)?);
        if let Some(place) = places.get(&entry) {
            entries[*place].recipients.push(number);
        } else if entries.len() == entries_max {
            next = Some(timestamp(row.get(3)?));
            break;
        } else if let Ok(id) = EntryId::parse(row.get_ref(1)?.as_str()?) {
            places.insert(entry, entries.len());
            let (since, kept_since) = (timestamp(row.get(3)?), timestamp(row.get(4)?));
            let octets = row.get::<_, i64>(5)?.cast_unsigned();
            entries.push(DueEntry { id, recipients: vec![number], since, kept_since, octets });
        }
    }
    drop(rows);
    let next = next.map_or_else(|| next_for(connection, &destination, now), |at| Ok(Some(at)))?;
    Ok(Due { destination, entries, next })
}

/// Entries kept since before this time, the oldest first, at most `limit`; with `untold` those alone whose senders do
/// not know that they are late, and that are not held: one that is let go waits like others. Live rows are numbered in
/// the order in which they came, so that this ends at the first that is not late.
pub(super) fn late(
    connection: &Connection,
    kept_before: Timestamp,
    untold: bool,
    limit: usize,
) -> rusqlite::Result<Vec<EntryId>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, kept_since FROM entries WHERE parked = 0 AND (?1 = 0 OR told_late = 0 \
         AND NOT EXISTS (SELECT 1 FROM holds WHERE holds.entry = entries.entry)) ORDER BY entry",
    )?;
    let mut rows = statement.query([untold])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        if found.len() >= limit || timestamp(row.get(1)?) > kept_before {
            break;
        }
        found.extend(EntryId::parse(row.get_ref(0)?.as_str()?).ok());
    }
    Ok(found)
}

/// When something more is due for a destination, behind `now`.
fn next_for(connection: &Connection, destination: &str, now: Timestamp) -> rusqlite::Result<Option<Timestamp>> {
    let mut statement = connection.prepare_cached(
        "SELECT min(next_at) FROM recipients INDEXED BY recipients_due WHERE state = 0 AND route = ?1 AND next_at > ?2",
    )?;
    let first: Option<i64> = statement.query_row(params![destination, nanoseconds(now)], |row| row.get(0))?;
    Ok(first.map(timestamp))
}

/// Counts everything once; what is due is so at `now`.
pub(super) fn summary(connection: &Connection, now: Timestamp) -> rusqlite::Result<Summary> {
    let sql = "SELECT count(*), min(received_at) FROM entries";
    let (entries, oldest): (i64, Option<i64>) = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let sql = "SELECT count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 1), \
               count(*) FILTER (WHERE state = 2), count(*) FILTER (WHERE state = 3), \
               count(*) FILTER (WHERE maybe_doubled), count(*) FILTER (WHERE state = 0 AND next_at <= ?1), \
               (SELECT count(*) FROM outbox WHERE seq > (SELECT ifnull(max(up_to_seq), 0) FROM postings)), \
               (SELECT count(*) FROM holds) \
               FROM recipients";
    connection.query_row(sql, [nanoseconds(now)], |row| {
        let count = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
        Ok(Summary {
            entries: entries.cast_unsigned(),
            waiting: count(0)?,
            due: count(5)?,
            sending: count(1)?,
            in_doubt: count(2)?,
            parked: count(3)?,
            maybe_doubled: count(4)?,
            unposted: count(6)?,
            held: count(7)?,
            oldest_received_at: oldest.map(timestamp),
        })
    })
}

/// The last sequence number the store is known to have; 0 before the first.
pub(super) fn posted_seq(connection: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT ifnull(max(up_to_seq), 0) FROM postings";
    connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::cast_unsigned)
}

/// Outbox rows behind `seq`, posted or not, in their order.
pub(super) fn outbox_after(connection: &Connection, seq: u64, limit: usize) -> Result<Vec<OutboxRow>, SpoolError> {
    let sql = format!("SELECT {EVENT_COLUMNS} FROM outbox WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql).map_err(unreadable)?;
    let mut rows = statement.query([stored(seq), stored(limit as u64)]).map_err(unreadable)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(unreadable)? {
        let seq: i64 = row.get(0).map_err(unreadable)?;
        let damaged = || SpoolError::Read(format!("outbox row {seq} is damaged"));
        found.push(OutboxRow { seq: seq.cast_unsigned(), event: event(row).ok_or_else(damaged)? });
    }
    Ok(found)
}

/// The columns of the outbox that [`event`] reads.
pub(super) const EVENT_COLUMNS: &str = "seq, company, key_id, candidate, token, series, version, digest, inserted, \
     recipient, proves, route, transaction_id, at, wording, earlier, traits";

/// Reads a referral from a row.
pub(super) fn event(row: &Row<'_>) -> Option<ReferralEvent> {
    let text = |column| row.get_ref(column).ok()?.as_str().ok();
    Some(ReferralEvent {
        company: CompanyId::parse(text(1)?).ok()?,
        candidate: CandidateKey { key_id: row.get(2).ok()?, octets: row.get(3).ok()? },
        token: LinkToken::parse(text(4)?).ok()?,
        contract: ContractRef { series: row.get(5).ok()?, version: row.get(6).ok()?, digest: row.get(7).ok()? },
        inserted: row.get(8).ok()?,
        recipient: row.get(9).ok()?,
        proves: proves(row.get(10).ok()?)?,
        route: row.get(11).ok()?,
        transaction: row.get(12).ok()?,
        at: timestamp(row.get(13).ok()?),
        wording: row.get(14).ok()?,
        earlier: codec::take_keys(row.get(15).ok()?)?,
        traits: row.get::<_, Option<String>>(16).ok()?.and_then(|text| Traits::parse(&text)),
    })
}

/// The way back from what an outbox row stores.
fn proves(number: i64) -> Option<Proves> {
    Proves::ALL.into_iter().find(|p| proves_number(*p) == number)
}

//! Loading an entry: every value is parsed again, and the content proven by its checksum, before it may be sent.

use std::collections::HashMap;
use std::fs::File;
use std::io;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row};

use super::acts::state_of;
use super::bodies::Bodies;
use super::codec::{Decoded, Original, decode};
use super::content::{self, Run, checksum};
use super::database::{timestamp, unreadable};
use super::error::SpoolError;
use super::types::{Entry, EntryCopy, EntryId, Recipient};
use crate::mail::address::Address;
use crate::mail::envelope::{Dsn, Envelope, RecipientDsn};
use crate::referral::CompanyId;

/// Where the content of entries lies.
pub(super) struct Files<'a> {
    pub(super) content: &'a File,
    pub(super) bodies: &'a Bodies,
}

/// Why an entry cannot be loaded.
enum Fault {
    /// It is not as it was stored, unless it went meanwhile.
    Damaged,
    Unreadable(SpoolError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unreadable(unreadable(error))
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => Self::Damaged,
            _ => Self::Unreadable(unreadable(error)),
        }
    }
}

/// Loads an entry; `None` when all its recipients are settled meanwhile.
pub(super) fn load(connection: &Connection, files: &Files<'_>, id: &EntryId) -> Result<Option<Entry>, SpoolError> {
    match read_entry(connection, files, id) {
        Ok(entry) => Ok(entry),
        Err(Fault::Unreadable(error)) => Err(error),
        // The writer overwrites content once its row is gone, so what looks damaged may only be late.
        Err(Fault::Damaged) if !is_there(connection, id).map_err(unreadable)? => Ok(None),
        Err(Fault::Damaged) => Err(SpoolError::Damaged(id.clone())),
    }
}

fn read_entry(connection: &Connection, files: &Files<'_>, id: &EntryId) -> Result<Option<Entry>, Fault> {
    let snapshot = connection.unchecked_transaction()?;
    let Some(head) = read_head(&snapshot, id)? else { return Ok(None) };
    let recipients = read_recipients(&snapshot, head.key)?;
    drop(snapshot);
    let octets = content::read(files.content, head.run)?;
    if checksum(&octets) != head.checksum {
        return Err(Fault::Damaged);
    }
    let decoded = decode(octets, head.file_octets.is_some()).ok_or(Fault::Damaged)?;
    let Decoded { sender, body, smtputf8, require_tls, dsn, trace, copies, addresses, original } = decoded;
    let original = read_original(original, files.bodies, &head, id)?;
    let dsn = dsn.map(|dsn| Box::new(of_those_left(*dsn, &addresses, &recipients)));
    let (recipients, addresses) = join(recipients, addresses, &copies)?;
    if !copies.iter().flat_map(|copy| copy.edits.iter()).all(|edit| edit.at <= original.len()) {
        return Err(Fault::Damaged);
    }
    let envelope = Envelope { sender, recipients: addresses, body, smtputf8, require_tls, dsn };
    let company = head.company.map(|c| CompanyId::parse(&c)).transpose().map_err(|_| Fault::Damaged)?;
    let (received_at, kept_since) = (timestamp(head.received_at), timestamp(head.kept_since));
    Ok(Some(Entry { id: id.clone(), company, received_at, kept_since, envelope, recipients, trace, original, copies }))
}

struct Head {
    key: i64,
    received_at: i64,
    kept_since: i64,
    run: Run,
    checksum: i64,
    file_octets: Option<i64>,
    company: Option<String>,
}

fn read_head(connection: &Connection, id: &EntryId) -> rusqlite::Result<Option<Head>> {
    let sql =
        "SELECT entry, received_at, at, octets, checksum, file_octets, company, kept_since FROM entries WHERE id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let head = |row: &Row<'_>| {
        let number = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
        let run = Run { at: number(2)?, octets: number(3)? };
        let (checksum, file_octets, company) = (row.get(4)?, row.get(5)?, row.get(6)?);
        let (key, received_at, kept_since) = (row.get(0)?, row.get(1)?, row.get(7)?);
        Ok(Head { key, received_at, kept_since, run, checksum, file_octets, company })
    };
    statement.query_row([id.as_str()], head).optional()
}

fn read_recipients(connection: &Connection, key: i64) -> rusqlite::Result<Vec<Recipient>> {
    let sql = format!("SELECT {RECIPIENT_COLUMNS} FROM recipients WHERE entry = ?1 ORDER BY number");
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_map([key], recipient)?.collect()
}

/// The columns [`recipient`] reads.
pub(super) const RECIPIENT_COLUMNS: &str = "number, copy, route, state, attempts, next_at, last_reply, maybe_doubled, \
     EXISTS (SELECT 1 FROM offers WHERE offers.entry = recipients.entry AND recipient = number)";

/// Reads a recipient from the first columns of a row.
pub(super) fn recipient(row: &Row<'_>) -> rusqlite::Result<Recipient> {
    let state = state_of(row.get(3)?);
    Ok(Recipient {
        number: row.get(0)?,
        copy: row.get(1)?,
        route: row.get(2)?,
        state,
        attempts: row.get(4)?,
        next_at: timestamp(row.get(5)?),
        last_reply: row.get(6)?,
        maybe_doubled: row.get(7)?,
        has_offer: row.get(8)?,
    })
}

/// Gives each recipient that is left its address. One without an address, or with an unknown copy, is damage.
fn join(
    recipients: Vec<Recipient>,
    addresses: Vec<(u32, Address)>,
    copies: &[EntryCopy],
) -> Result<(Vec<Recipient>, Vec<Address>), Fault> {
    let mut addresses: HashMap<u32, Address> = addresses.into_iter().collect();
    let mut joined = (Vec::with_capacity(recipients.len()), Vec::with_capacity(recipients.len()));
    for recipient in recipients {
        let address = addresses.remove(&recipient.number).filter(|_| copies.len() > recipient.copy as usize);
        joined.1.push(address.ok_or(Fault::Damaged)?);
        joined.0.push(recipient);
    }
    Ok(joined)
}

/// What was asked of reports, in the order of the recipients that are left.
fn of_those_left(mut dsn: Dsn, addresses: &[(u32, Address)], left: &[Recipient]) -> Dsn {
    let numbers = addresses.iter().map(|(number, _)| *number);
    let mut asked: HashMap<u32, RecipientDsn> = numbers.zip(dsn.recipients).collect();
    dsn.recipients = left.iter().map(|r| asked.remove(&r.number).unwrap_or_default()).collect();
    dsn
}

fn read_original(original: Original, bodies: &Bodies, head: &Head, id: &EntryId) -> Result<Bytes, Fault> {
    let file_checksum = match original {
        Original::Here(octets) => return Ok(octets),
        Original::InFile(checksum) => checksum,
    };
    let octets = bodies.read(id)?;
    let octets_known = head.file_octets.is_some_and(|known| known.cast_unsigned() == octets.len() as u64);
    if octets_known && checksum(&octets) == file_checksum { Ok(octets) } else { Err(Fault::Damaged) }
}

fn is_there(connection: &Connection, id: &EntryId) -> rusqlite::Result<bool> {
    connection.query_row("SELECT EXISTS (SELECT 1 FROM entries WHERE id = ?1)", [id.as_str()], |row| row.get(0))
}

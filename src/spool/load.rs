//! Loading an entry: every value is parsed again, and the original proven by its checksum, before it may be sent.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row};

use super::bodies::{Bodies, checksum};
use super::database::{timestamp, unreadable};
use super::error::SpoolError;
use super::types::{Entry, EntryId, Recipient, RecipientState};
use crate::mail::address::Address;
use crate::mail::edit::{Edit, Edits};
use crate::mail::envelope::{Body, Envelope};

/// Loads an entry; `None` when all its recipients are settled meanwhile.
pub(super) fn load(connection: &Connection, bodies: &Bodies, id: &EntryId) -> Result<Option<Entry>, SpoolError> {
    let snapshot = connection.unchecked_transaction().map_err(unreadable)?;
    let Some((key, head)) = read_head(&snapshot, id)? else { return Ok(None) };
    let recipients = read_recipients(&snapshot, key, id)?;
    let copies = read_copies(&snapshot, key, &head, id)?;
    drop(snapshot);
    let Some(original) = read_original(connection, bodies, &head, id)? else { return Ok(None) };
    let in_range = |r: &(Recipient, Address)| (r.0.copy as usize) < copies.len();
    let edits_fit = copies.iter().flat_map(Edits::iter).all(|e| e.at <= original.len());
    if !recipients.iter().all(in_range) || !edits_fit {
        return Err(SpoolError::Damaged(id.clone()));
    }
    let (recipients, addresses) = recipients.into_iter().unzip();
    let body = if head.eight_bit { Body::EightBitMime } else { Body::SevenBit };
    let envelope = Envelope { sender: head.sender, recipients: addresses, body, smtputf8: head.smtputf8 };
    let received_at = timestamp(head.received_at);
    Ok(Some(Entry { id: id.clone(), received_at, envelope, recipients, trace: head.trace, original, copies }))
}

struct Head {
    received_at: i64,
    sender: Option<Address>,
    eight_bit: bool,
    smtputf8: bool,
    trace: Bytes,
    copies: usize,
    octets: u64,
    checksum: i64,
    original: Option<Bytes>,
}

fn read_head(connection: &Connection, id: &EntryId) -> Result<Option<(i64, Head)>, SpoolError> {
    let sql = "SELECT entry, received_at, sender, eight_bit, smtputf8, trace, copies, octets, checksum, original \
               FROM entries WHERE id = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(unreadable)?;
    let found = statement.query_row([id.as_str()], |row| Ok((row.get(0)?, head(row).ok().flatten()))).optional();
    match found.map_err(unreadable)? {
        None => Ok(None),
        Some((key, Some(head))) => Ok(Some((key, head))),
        Some((_, None)) => Err(SpoolError::Damaged(id.clone())),
    }
}

/// `None` for a sender that does not parse any more.
fn head(row: &Row<'_>) -> rusqlite::Result<Option<Head>> {
    let sender = row.get_ref(2)?.as_str_or_null()?.map(Address::parse).transpose();
    let Ok(sender) = sender else { return Ok(None) };
    Ok(Some(Head {
        received_at: row.get(1)?,
        sender,
        eight_bit: row.get(3)?,
        smtputf8: row.get(4)?,
        trace: Bytes::from(row.get::<_, Vec<u8>>(5)?),
        copies: row.get::<_, u16>(6)?.into(),
        octets: row.get::<_, i64>(7)?.cast_unsigned(),
        checksum: row.get(8)?,
        original: row.get::<_, Option<Vec<u8>>>(9)?.map(Bytes::from),
    }))
}

fn read_recipients(connection: &Connection, key: i64, id: &EntryId) -> Result<Vec<(Recipient, Address)>, SpoolError> {
    let sql = "SELECT number, address, copy, route, state, attempts, next_at, last_reply, maybe_doubled, \
               EXISTS (SELECT 1 FROM offers WHERE offers.entry = recipients.entry AND recipient = number) \
               FROM recipients WHERE entry = ?1 ORDER BY number";
    let mut statement = connection.prepare_cached(sql).map_err(unreadable)?;
    let mut rows = statement.query([key]).map_err(unreadable)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(unreadable)? {
        let read = recipient(row).ok().flatten();
        found.push(read.ok_or_else(|| SpoolError::Damaged(id.clone()))?);
    }
    Ok(found)
}

fn recipient(row: &Row<'_>) -> rusqlite::Result<Option<(Recipient, Address)>> {
    let Ok(address) = Address::parse(row.get_ref(1)?.as_str()?) else { return Ok(None) };
    let state = match row.get(4)? {
        0 => RecipientState::Waiting,
        1 => RecipientState::Sending,
        2 => RecipientState::InDoubt,
        _ => RecipientState::Parked,
    };
    let recipient = Recipient {
        number: row.get(0)?,
        copy: row.get(2)?,
        route: row.get(3)?,
        state,
        attempts: row.get(5)?,
        next_at: timestamp(row.get(6)?),
        last_reply: row.get(7)?,
        maybe_doubled: row.get(8)?,
        has_offer: row.get(9)?,
    };
    Ok(Some((recipient, address)))
}

/// Edits of unknown copies mean damage: to leave them out could send a mail without the line it is credited for.
fn read_copies(connection: &Connection, key: i64, head: &Head, id: &EntryId) -> Result<Vec<Edits>, SpoolError> {
    let sql = "SELECT copy, at, octets FROM edits WHERE entry = ?1 ORDER BY copy, place";
    let mut statement = connection.prepare_cached(sql).map_err(unreadable)?;
    let mut rows = statement.query([key]).map_err(unreadable)?;
    let mut copies: Vec<Vec<Edit>> = vec![Vec::new(); head.copies];
    while let Some(row) = rows.next().map_err(unreadable)? {
        let (copy, edit) = edit(row).map_err(|_| SpoolError::Damaged(id.clone()))?;
        copies.get_mut(copy).ok_or_else(|| SpoolError::Damaged(id.clone()))?.push(edit);
    }
    Ok(copies.into_iter().map(Edits::new).collect())
}

fn edit(row: &Row<'_>) -> rusqlite::Result<(usize, Edit)> {
    // An offset out of range is told apart when it is held against the original.
    let at = usize::try_from(row.get::<_, i64>(1)?).unwrap_or(usize::MAX);
    Ok((row.get::<_, u16>(0)?.into(), Edit { at, insert: row.get::<_, Vec<u8>>(2)?.into() }))
}

/// `None` when the entry went while its file was being read.
fn read_original(
    connection: &Connection,
    bodies: &Bodies,
    head: &Head,
    id: &EntryId,
) -> Result<Option<Bytes>, SpoolError> {
    let read = head.original.clone().map_or_else(|| bodies.read(id), Ok);
    let sound = |o: &Bytes| o.len() as u64 == head.octets && checksum(o) == head.checksum;
    match read {
        Ok(original) if sound(&original) => Ok(Some(original)),
        _ if !is_there(connection, id)? => Ok(None),
        Ok(_) => Err(SpoolError::Damaged(id.clone())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(SpoolError::Damaged(id.clone())),
        Err(error) => Err(unreadable(error)),
    }
}

fn is_there(connection: &Connection, id: &EntryId) -> Result<bool, SpoolError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM entries WHERE id = ?1)";
    connection.query_row(sql, [id.as_str()], |row| row.get(0)).map_err(unreadable)
}

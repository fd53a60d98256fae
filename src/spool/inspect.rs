//! Reading for admins: which recipients are in custody and why, what waits where, what of a person is in the outbox.
//!
//! Every answer is a part of bounded size, so that no reader holds the database for long, however much is in it.

use std::fs::File;

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::acts::state_of;
use super::codec::decode;
use super::content::{self, Run, checksum};
use super::database::{nanoseconds, stored, timestamp, unreadable};
use super::error::SpoolError;
use super::listing::{Listed, Listing, OutboxStory, Page, Referrals, Standing, Wanted};
use super::load::{RECIPIENT_COLUMNS, recipient};
use super::read::{EVENT_COLUMNS, event, posted_seq};
use super::recipient_state::RecipientState;
use super::types::{EntryId, OutboxRow};
use crate::mail::address::Address;
use crate::referral::{CompanyId, canonical};

/// Entries looked at for one part of a list, when their addresses have to be read.
const READ_MAX: usize = 2_000;

/// A part of the list of what is wanted.
pub(super) fn list(
    connection: &Connection,
    content: &File,
    wanted: &Wanted,
    page: Page,
) -> Result<Listing, SpoolError> {
    let (sql, values) = query(wanted, page.after);
    let mut statement = connection.prepare(&sql).map_err(unreadable)?;
    let mut rows = statement.query(params_from_iter(values)).map_err(unreadable)?;
    let mut part = Part { wanted, page, content, listing: Listing::default(), looked_at: 0, open: None };
    while let Some(row) = rows.next().map_err(unreadable)? {
        if part.take(row).map_err(unreadable)?.is_break() {
            break;
        }
    }
    part.close();
    Ok(part.listing)
}

/// A part of a list while it is read.
struct Part<'a> {
    wanted: &'a Wanted,
    page: Page,
    content: &'a File,
    listing: Listing,
    /// Entries whose content was read.
    looked_at: usize,
    /// The entry whose recipients are being read, with its key and where its content lies.
    open: Option<(i64, Listed, Place)>,
}

struct Place {
    run: Run,
    checksum: i64,
    is_in_file: bool,
}

impl Part<'_> {
    /// Takes a recipient; breaks when there are enough.
    fn take(&mut self, row: &Row<'_>) -> rusqlite::Result<std::ops::ControlFlow<()>> {
        let key: i64 = row.get(9)?;
        if self.open.as_ref().is_none_or(|(open, ..)| *open != key) {
            let before = self.open.as_ref().map_or(self.page.after, |(open, ..)| *open);
            self.close();
            if self.listing.entries.len() >= self.page.entries_max || self.looked_at >= READ_MAX {
                self.listing.next = Some(before);
                return Ok(std::ops::ControlFlow::Break(()));
            }
            let Ok(id) = EntryId::parse(row.get_ref(10)?.as_str()?) else {
                return Ok(std::ops::ControlFlow::Continue(()));
            };
            self.open = Some((key, listed(id, row)?, place(row)?));
        }
        if let Some((_, listed, _)) = &mut self.open {
            listed.recipients.push(recipient(row)?);
        }
        Ok(std::ops::ControlFlow::Continue(()))
    }

    /// All recipients of the open entry were read: its addresses are what is left to look at.
    fn close(&mut self) {
        let Some((_, mut listed, place)) = self.open.take() else { return };
        if self.page.addresses || self.wanted.to.is_some() {
            self.looked_at += 1;
            if let Some(addresses) = addresses(self.content, &place) {
                join(&mut listed, &addresses, self.wanted.to.as_ref());
            } else {
                self.listing.unreadable += 1;
                // Of whom nobody knows whether he is meant is not listed.
                listed.recipients.retain(|_| self.wanted.to.is_none());
            }
        }
        if !listed.recipients.is_empty() {
            self.listing.entries.push(listed);
        }
    }
}

/// Gives the recipients their addresses, and leaves those of another mailbox out.
fn join(listed: &mut Listed, addresses: &[(u32, Address)], to: Option<&Address>) {
    let to = to.map(canonical);
    let of = |number: u32| addresses.iter().find(|(n, _)| *n == number).map(|(_, address)| address.clone());
    let is_wanted = |address: &Address| to.as_ref().is_none_or(|to| canonical(address) == *to);
    let all = std::mem::take(&mut listed.recipients).into_iter();
    let known = all.filter_map(|r| of(r.number).filter(is_wanted).map(|address| (r, address)));
    (listed.recipients, listed.addresses) = known.unzip();
}

fn addresses(file: &File, place: &Place) -> Option<Vec<(u32, Address)>> {
    let octets = content::read(file, place.run).ok().filter(|octets| checksum(octets) == place.checksum)?;
    decode(octets, place.is_in_file).map(|decoded| decoded.addresses)
}

fn listed(id: EntryId, row: &Row<'_>) -> rusqlite::Result<Listed> {
    let octets = row.get::<_, Option<i64>>(16)?.map_or_else(|| row.get(14), Ok)?;
    Ok(Listed {
        id,
        company: row.get::<_, Option<String>>(11)?.and_then(|name| CompanyId::parse(&name).ok()),
        received_at: timestamp(row.get(12)?),
        octets: octets.cast_unsigned(),
        recipients: Vec::new(),
        addresses: Vec::new(),
    })
}

fn place(row: &Row<'_>) -> rusqlite::Result<Place> {
    let number = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
    let run = Run { at: number(13)?, octets: number(14)? };
    Ok(Place { run, checksum: row.get(15)?, is_in_file: row.get::<_, Option<i64>>(16)?.is_some() })
}

/// The statement for what is wanted, behind the entry `after`, and what is bound in it.
fn query(wanted: &Wanted, after: i64) -> (String, Vec<Value>) {
    let mut values: Vec<Value> = vec![after.into()];
    let mut conditions = vec!["entries.entry > ?1".to_owned()];
    let mut add = |condition: &str, value: Value| {
        values.push(value);
        conditions.push(condition.replace("?0", &format!("?{}", values.len())));
    };
    if let Some(prefix) = &wanted.id_prefix {
        add("substr(id, 1, length(?0)) = ?0", prefix.clone().into());
    }
    if let Some(destination) = &wanted.destination {
        let is_it = "(route = ?0 OR substr(route, 1, length(?0) + 1) = ?0 || '/' \
                     OR (instr(route, '/') > 0 AND substr(route, instr(route, '/') + 1) = ?0))";
        add(is_it, destination.clone().into());
    }
    if let Some(company) = &wanted.company {
        add("company = ?0", company.as_str().to_owned().into());
    }
    if let Some(at) = RecipientState::ALL.iter().position(|state| Some(*state) == wanted.state) {
        add("state = ?0", stored(at as u64).into());
    }
    if let Some(until) = wanted.received_until {
        add("received_at <= ?0", nanoseconds(until).into());
    }
    if let Some(from) = wanted.received_from {
        add("received_at >= ?0", nanoseconds(from).into());
    }
    if wanted.maybe_doubled {
        add("maybe_doubled = ?0", 1.into());
    }
    let mut add_any = |column: &str, any: Vec<Value>| {
        if !any.is_empty() {
            let places: Vec<String> = any
                .into_iter()
                .map(|value| {
                    values.push(value);
                    format!("?{}", values.len())
                })
                .collect();
            conditions.push(format!("{column} IN ({})", places.join(", ")));
        }
    };
    add_any("id", wanted.ids.iter().map(|id| id.as_str().to_owned().into()).collect());
    add_any("number", wanted.numbers.iter().map(|number| i64::from(*number).into()).collect());
    let sql = format!(
        "SELECT {RECIPIENT_COLUMNS}, entries.entry, id, company, received_at, at, octets, checksum, file_octets \
         FROM entries JOIN recipients USING (entry) WHERE {} ORDER BY entries.entry, number",
        conditions.join(" AND ")
    );
    (sql, values)
}

/// What waits for each destination, those first for which the oldest mail waits. Entries are numbered as they come, so
/// the lowest number is the oldest mail.
pub(super) fn standings(connection: &Connection) -> rusqlite::Result<Vec<Standing>> {
    let mut statement = connection.prepare_cached(
        "WITH sums AS (SELECT route, state, count(*) AS n, min(entry) AS first, \
         min(CASE WHEN state = 0 THEN next_at END) AS next_at FROM recipients GROUP BY route, state) \
         SELECT route, state, n, received_at, sums.next_at, \
         (SELECT last_reply FROM recipients WHERE entry = first AND route = sums.route LIMIT 1) \
         FROM sums LEFT JOIN entries ON entry = first ORDER BY route, first",
    )?;
    let mut rows = statement.query([])?;
    let mut all: Vec<Standing> = Vec::new();
    while let Some(row) = rows.next()? {
        let destination: String = row.get(0)?;
        if all.last().is_none_or(|last| last.destination != destination) {
            all.push(Standing { destination, ..Standing::default() });
        }
        let Some(standing) = all.last_mut() else { continue };
        let state = state_of(row.get(1)?);
        let at = RecipientState::ALL.iter().position(|one| *one == state).unwrap_or_default();
        standing.recipients[at] += row.get::<_, i64>(2)?.cast_unsigned();
        let received_at = row.get::<_, Option<i64>>(3)?.map(timestamp);
        standing.oldest_received_at = earlier(standing.oldest_received_at, received_at);
        standing.next_at = earlier(standing.next_at, row.get::<_, Option<i64>>(4)?.map(timestamp));
        if standing.last_reply.is_none() {
            standing.last_reply = row.get(5)?;
        }
    }
    all.sort_by_key(|standing| standing.oldest_received_at);
    Ok(all)
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// The referrals in the outbox that are wanted, in their order.
pub(super) fn referrals(connection: &Connection, wanted: &Referrals) -> Result<Vec<OutboxStory>, SpoolError> {
    let posted_up_to = posted_seq(connection).map_err(unreadable)?;
    let mut found = Vec::new();
    let mut read = |condition: &str, values: &[&dyn rusqlite::ToSql]| -> Result<(), SpoolError> {
        let sql = format!("SELECT {EVENT_COLUMNS} FROM outbox WHERE {condition} ORDER BY seq");
        let mut statement = connection.prepare_cached(&sql).map_err(unreadable)?;
        let mut rows = statement.query(values).map_err(unreadable)?;
        while let Some(row) = rows.next().map_err(unreadable)? {
            let seq = row.get::<_, i64>(0).map_err(unreadable)?.cast_unsigned();
            let damaged = || SpoolError::Read(format!("outbox row {seq} is damaged"));
            let row = OutboxRow { seq, event: event(row).ok_or_else(damaged)? };
            found.push(OutboxStory { row, posted: seq <= posted_up_to });
        }
        Ok(())
    };
    match wanted {
        Referrals::Of(candidates) => {
            for (company, key) in candidates {
                read(
                    "company = ?1 AND key_id = ?2 AND candidate = ?3",
                    &[&company.as_str(), &key.key_id, &&key.octets[..]],
                )?;
            }
        }
        Referrals::In(transaction) => read("transaction_id = ?1", &[transaction])?,
    }
    found.sort_by_key(|story| story.row.seq);
    Ok(found)
}

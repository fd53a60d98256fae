//! Each write as statements, inside the commit that the writer has begun.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::acts;
use super::bodies::Placed;
use super::codec;
use super::content::{Content, Run};
use super::database::{Fault, execute, nanoseconds, stored};
use super::holds::{self, HoldClock};
use super::probes;
use super::returns;
use super::settle::settle;
use super::stops;
use super::times::note_time;
use super::types::{EntryId, NewEntry, NewRecipient, NewState, Offer, Write};
use crate::ledger::{Proves, ReferralEvent};
use crate::referral::{CandidateKey, CompanyId};
use crate::sys::clock;

/// What has to follow once the batch is committed.
#[derive(Default)]
pub(super) struct Effects {
    /// Content whose row is gone.
    pub(super) released: Vec<Run>,
    /// Entries that are gone, or were not needed, with a file to be overwritten.
    pub(super) gone: Vec<EntryId>,
    /// Entries that were parked, their files to be moved aside.
    pub(super) parked: Vec<EntryId>,
    /// Entries that are parked no more, their files to be moved back.
    pub(super) unparked: Vec<EntryId>,
    /// Whether the database has pages to give back.
    pub(super) has_pruned: bool,
    /// Destinations for which something waits now, and from when on.
    pub(super) waiting: Vec<(String, Timestamp)>,
}

/// What a batch is applied to.
pub(super) struct Target<'a> {
    pub(super) connection: &'a Connection,
    pub(super) content: &'a mut Content,
    /// Runs written since the commit was begun, to be released if it comes to nothing.
    pub(super) written: &'a mut Vec<Run>,
    pub(super) hold_clock: &'a HoldClock,
}

/// Applies a batch. `placed` has one for each store.
pub(super) fn apply(target: &mut Target<'_>, writes: &[Write], placed: &[Placed]) -> Result<Effects, Fault> {
    let connection = target.connection;
    let mut effects = Effects::default();
    let mut placed = placed.iter();
    for write in writes {
        match write {
            Write::Store(entry) => {
                let placed = placed.next().ok_or_else(|| Fault::Broken("an original was not placed".to_owned()))?;
                store(target, entry, placed, &mut effects)?;
            }
            Write::Sending { entry, recipients } => mark_sending(connection, entry, recipients)?,
            Write::Settle { entry, settlements } => settle(connection, entry, settlements, &mut effects)?,
            Write::Park { entry } => park(connection, entry, &mut effects)?,
            Write::ToldLate { entry } => {
                let entry = find(connection, entry)?;
                execute(connection, "UPDATE entries SET told_late = 1 WHERE entry = ?1", [entry])?;
            }
            Write::Clock { at } => note_time(connection, *at)?,
            Write::Act(act) => acts::act(connection, act, &mut effects)?,
            Write::Release(release) => holds::release(connection, release, &mut effects)?,
            Write::KeepHoldClock { at } => target.hold_clock.keep(connection, *at)?,
            Write::StopEditing(stop) => stops::stop(connection, stop)?,
            Write::ResumeEditing { company, next_hop } => {
                stops::resume(connection, company.as_ref(), next_hop.as_deref())?;
            }
            Write::Outbox(event) => add_to_outbox(connection, event)?,
            Write::Returnable(returnable) => returns::keep(connection, returnable)?,
            Write::Probe(probe) => probes::keep(connection, probe)?,
            Write::ProbeBack { id, at } => probes::note_back(connection, id, *at)?,
            Write::Forget { at } => {
                returns::forget(connection, *at)?;
                probes::forget(connection, *at)?;
                effects.has_pruned = true;
            }
            Write::ForgetReferrals { company, candidate } => {
                forget_referrals(connection, company, candidate)?;
                effects.has_pruned = true;
            }
            Write::Posted { up_to_seq, at } => note_posted(connection, stored(*up_to_seq), nanoseconds(*at))?,
            Write::Prune { posted_before } => {
                prune(connection, nanoseconds(*posted_before))?;
                effects.has_pruned = true;
            }
        }
    }
    Ok(effects)
}

/// The key of an entry, which has to be there.
pub(super) fn find(connection: &Connection, id: &EntryId) -> Result<i64, Fault> {
    let mut statement = connection.prepare_cached("SELECT entry FROM entries WHERE id = ?1")?;
    let found = statement.query_row([id.as_str()], |row| row.get(0)).optional()?;
    found.ok_or_else(|| Fault::Conflict(format!("no entry {id}")))
}

fn store(target: &mut Target<'_>, new: &NewEntry, placed: &Placed, effects: &mut Effects) -> Result<(), Fault> {
    let connection = target.connection;
    if let Some(name) = &new.once
        && execute(connection, "INSERT OR IGNORE INTO once (name) VALUES (?1)", [name])? == 0
    {
        effects.gone.extend(placed.body.is_some().then(|| new.id.clone()));
        return Ok(());
    }
    check_numbers(new)?;
    new.hold.iter().try_for_each(|hold| holds::check(connection, new, hold))?;
    let run = target.content.write(&placed.content)?;
    target.written.push(run);
    let sql = "INSERT INTO entries (id, received_at, at, octets, checksum, file_octets, company, kept_since) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let values = params![
        new.id.as_str(),
        nanoseconds(new.received_at),
        stored(run.at),
        stored(run.octets),
        placed.checksum,
        placed.body.is_some().then(|| stored(new.original.len() as u64)),
        new.company.as_ref().map(CompanyId::as_str),
        nanoseconds(clock::steady())
    ];
    execute(connection, sql, values)?;
    let entry = connection.last_insert_rowid();
    for recipient in &new.recipients {
        store_recipient(connection, entry, new, recipient)?;
        if let (NewState::Waiting { next_at }, None) = (recipient.state, &new.hold) {
            effects.waiting.push((recipient.route.clone(), next_at));
        }
    }
    new.hold.iter().try_for_each(|hold| holds::hold(connection, entry, hold, target.hold_clock))?;
    new.copies.iter().flat_map(|copy| &copy.offers).try_for_each(|offer| store_offer(connection, entry, offer))
}

/// What the tables cannot check.
fn check_numbers(new: &NewEntry) -> Result<(), Fault> {
    let at = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let known = |r: &NewRecipient| at(r.number) < new.envelope.recipients.len() && at(r.copy) < new.copies.len();
    let edits_fit = u16::try_from(new.copies.len()).is_ok()
        && new.copies.iter().all(|c| c.edits.iter().all(|e| e.at <= new.original.len()));
    match (new.recipients.is_empty(), new.recipients.iter().all(known), edits_fit) {
        (false, true, true) => Ok(()),
        (true, ..) => Err(Fault::Conflict(format!("entry {} has no recipient", new.id))),
        (_, false, _) => Err(Fault::Conflict(format!("entry {} names a recipient or copy it has not", new.id))),
        (.., false) => {
            Err(Fault::Conflict(format!("entry {} has too many copies, or an edit outside its original", new.id)))
        }
    }
}

fn store_recipient(connection: &Connection, entry: i64, new: &NewEntry, recipient: &NewRecipient) -> Result<(), Fault> {
    let (state, next_at) = match recipient.state {
        NewState::Waiting { next_at } => (if new.hold.is_some() { 4 } else { 0 }, next_at),
        NewState::InDoubt => (2, new.received_at),
    };
    let sql = "INSERT INTO recipients (entry, number, copy, route, state, attempts, next_at, last_reply) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let reply = recipient.last_reply.as_deref().map(super::reply::without_addresses);
    let values = params![
        entry,
        recipient.number,
        recipient.copy,
        recipient.route,
        state,
        recipient.attempts,
        nanoseconds(next_at),
        reply
    ];
    execute(connection, sql, values)?;
    Ok(())
}

fn store_offer(connection: &Connection, entry: i64, offer: &Offer) -> Result<(), Fault> {
    let sql = "INSERT INTO offers (entry, recipient, company, key_id, candidate, token, series, version, digest, \
               inserted, wording, earlier, traits) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    let values = params![
        entry,
        offer.recipient,
        offer.company.as_str(),
        offer.candidate.key_id,
        &offer.candidate.octets[..],
        offer.token.as_str(),
        offer.contract.series,
        offer.contract.version,
        &offer.contract.digest[..],
        offer.inserted,
        offer.wording,
        codec::put_keys(&offer.earlier),
        offer.traits.map(|traits| traits.to_text())
    ];
    execute(connection, sql, values)?;
    Ok(())
}

/// Only a waiting recipient can be sent to, so that no two attempts run at once.
fn mark_sending(connection: &Connection, id: &EntryId, recipients: &[u32]) -> Result<(), Fault> {
    let entry = find(connection, id)?;
    for number in recipients {
        let sql = "UPDATE recipients SET state = 1, attempts = attempts + 1 \
                   WHERE entry = ?1 AND number = ?2 AND state = 0";
        if execute(connection, sql, params![entry, number])? == 0 {
            return Err(Fault::Conflict(format!("recipient {number} of entry {id} does not wait")));
        }
    }
    Ok(())
}

fn park(connection: &Connection, id: &EntryId, effects: &mut Effects) -> Result<(), Fault> {
    let entry = find(connection, id)?;
    execute(connection, "UPDATE recipients SET state = 3 WHERE entry = ?1", [entry])?;
    execute(connection, "UPDATE entries SET parked = 1 WHERE entry = ?1", [entry])?;
    execute(connection, "DELETE FROM holds WHERE entry = ?1", [entry])?;
    effects.parked.push(id.clone());
    Ok(())
}

fn add_to_outbox(connection: &Connection, event: &ReferralEvent) -> Result<(), Fault> {
    let sql = "INSERT INTO outbox (seq, company, key_id, candidate, token, series, version, digest, inserted, \
               recipient, proves, route, transaction_id, at, wording, earlier, traits) VALUES \
               ((SELECT seq FROM next_in_outbox), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, \
               ?16)";
    let values = params![
        event.company.as_str(),
        event.candidate.key_id,
        &event.candidate.octets[..],
        event.token.as_str(),
        event.contract.series,
        event.contract.version,
        &event.contract.digest[..],
        event.inserted,
        event.recipient,
        proves_number(event.proves),
        event.route,
        event.transaction,
        nanoseconds(event.at),
        event.wording,
        codec::put_keys(&event.earlier),
        event.traits.map(|traits| traits.to_text())
    ];
    execute(connection, sql, values)?;
    Ok(())
}

/// What an outbox row proves, as it is stored.
pub(super) fn proves_number(proves: Proves) -> i64 {
    match proves {
        Proves::Accepted => 0,
        Proves::Delivered => 1,
        Proves::Bounced => 2,
        Proves::AcceptedTagged => 3,
        Proves::Presumed => 4,
        // Never told by a mail path, and so in no outbox.
        Proves::Registered => 17,
        Proves::Supported => 18,
        Proves::Reemployed => 19,
        Proves::Left => 20,
        Proves::Observed => 24,
    }
}

/// A number never given out means that the store knows another spool: to believe it would lose the rows to come.
fn note_posted(connection: &Connection, up_to_seq: i64, at: i64) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached("SELECT seq - 1 FROM next_in_outbox")?;
    let last: i64 = statement.query_row([], |row| row.get(0))?;
    if up_to_seq > last {
        return Err(Fault::Conflict(format!("posted up to {up_to_seq}, but the last outbox row is {last}")));
    }
    let sql = "INSERT INTO postings (up_to_seq, at) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    execute(connection, sql, params![up_to_seq, at])?;
    Ok(())
}

/// A row that was not posted stays: its number would be given again, and the pump would pass over the row that gets it.
fn forget_referrals(connection: &Connection, company: &CompanyId, candidate: &CandidateKey) -> Result<(), Fault> {
    let sql = "DELETE FROM outbox WHERE company = ?1 AND key_id = ?2 AND candidate = ?3 \
               AND seq <= (SELECT max(up_to_seq) FROM postings)";
    execute(connection, sql, params![company.as_str(), candidate.key_id, &candidate.octets[..]])?;
    Ok(())
}

/// Removes what was posted early enough. The newest posting stays: it says what the store has.
fn prune(connection: &Connection, posted_before: i64) -> Result<(), Fault> {
    let sql = "DELETE FROM outbox WHERE seq <= (SELECT max(up_to_seq) FROM postings WHERE at < ?1)";
    execute(connection, sql, [posted_before])?;
    let sql = "DELETE FROM postings WHERE at < ?1 AND up_to_seq < (SELECT max(up_to_seq) FROM postings)";
    execute(connection, sql, [posted_before])?;
    returns::forget(connection, clock::now())?;
    acts::forget(connection, posted_before)?;
    holds::forget_ends(connection, posted_before)
}

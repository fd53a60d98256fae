//! Mail that is late: its sender is told so, once; and at last it is given up, also where its next hop is never asked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;

use super::Inner;
use super::bounce::{self, About, End, Reported};
use super::outcome::UNANSWERED;
use super::worker::Busy;
use crate::proto::smtp::client::Recipient as Addressee;
use crate::proto::smtp::reply::Reply;
use crate::spool::{Entry, EntryId, RecipientState, SpoolError, Write};
use crate::sys::clock::Now;

/// The longest pause between two looks.
const EVERY_MAX: Duration = Duration::from_mins(1);
/// The shortest one.
const EVERY_MIN: Duration = Duration::from_secs(1);
/// Mails whose senders are told in one look.
const TOLD_MAX: usize = 256;
/// Mails looked at in one look to give them up.
const OLD_MAX: usize = 1024;

/// Looks for late mail until delivery stops.
pub(super) async fn run(inner: Arc<Inner>) {
    let retry = &inner.settings.retry;
    let shortest = retry.give_up_after.min(retry.delay_warning_after.max(EVERY_MIN));
    let every = (shortest / 4).clamp(EVERY_MIN, EVERY_MAX);
    loop {
        sleep(every).await;
        if inner.stopping() {
            return;
        }
        match look(&inner).await {
            // Who has closed or failed the spool has said so.
            Ok(()) | Err(SpoolError::Closed | SpoolError::Failed(_)) => {}
            Err(error) => tracing::error!(%error, "cannot look for mail that is late"),
        }
    }
}

async fn look(inner: &Arc<Inner>) -> Result<(), SpoolError> {
    let now = Now::read();
    if inner.spool.late(now.steady, false, 1).await?.is_empty() {
        return Ok(());
    }
    inner.spool.commit(vec![Write::Clock { at: now.steady }]).await?;
    let after = inner.settings.retry.delay_warning_after;
    if !after.is_zero() {
        for id in inner.spool.late(before(now, after), true, TOLD_MAX).await? {
            tell(inner, &id, now).await?;
        }
    }
    for id in inner.spool.late(before(now, inner.settings.retry.give_up_after), false, OLD_MAX).await? {
        give_up(inner, &id, now).await?;
    }
    Ok(())
}

fn before(now: Now, duration: Duration) -> Timestamp {
    let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    now.steady.checked_sub(duration).unwrap_or(Timestamp::MIN)
}

/// Tells the sender of a mail that it still waits, and notes so in the same commit.
async fn tell(inner: &Inner, id: &EntryId, now: Now) -> Result<(), SpoolError> {
    let Some(entry) = load(inner, id).await? else { return Ok(()) };
    let mut writes = vec![Write::ToldLate { entry: id.clone() }];
    let replies: Vec<Reply> = entry.recipients.iter().map(|r| last_word(r.last_reply.as_deref())).collect();
    let reported = delayed(inner, &entry, &replies, now);
    if !reported.is_empty() {
        let (envelope, original, received_at) = (&entry.envelope, &entry.original[..], entry.received_at);
        let about = About { envelope, original, received_at, next_hop: None };
        writes.extend(bounce::entry(&inner.settings, &about, &reported, now).map(Write::Store));
    }
    let is_told = writes.len() > 1;
    match inner.spool.commit(writes).await {
        Ok(()) if is_told => {
            tracing::info!(%id, recipients = reported.len(), "a sender is told that a mail is late");
            inner.wake();
            Ok(())
        }
        // It has come to its end meanwhile.
        Ok(()) | Err(SpoolError::Conflict(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The recipients who still wait, and whose sender wants to know.
fn delayed<'a>(inner: &Inner, entry: &'a Entry, replies: &'a [Reply], now: Now) -> Vec<Reported<'a>> {
    let kept_for = now.steady.duration_since(entry.kept_since).unsigned_abs();
    let Some(left) = inner.settings.retry.give_up_after.checked_sub(kept_for) else { return Vec::new() };
    let left = SignedDuration::try_from(left).unwrap_or(SignedDuration::MAX);
    let until = now.wall.checked_add(left).unwrap_or(Timestamp::MAX);
    let waits = |state| matches!(state, RecipientState::Waiting | RecipientState::Sending);
    let recipients = entry.recipients.iter().zip(replies).enumerate().filter(|(_, (r, _))| waits(r.state));
    recipients
        .filter_map(|(place, (_, reply))| {
            let recipient = Addressee::of(&entry.envelope, place)?;
            Some(Reported { recipient, reply, by_next_hop: false, end: End::Delayed(until) })
        })
        .filter(Reported::is_to_be_told)
        .collect()
}

/// What was heard last about a recipient.
fn last_word(kept: Option<&str>) -> Reply {
    let read = |kept: &str| Reply::read(format!("{kept}\r\n").as_bytes()).ok().flatten().map(|(reply, _)| reply);
    kept.and_then(read).unwrap_or_else(|| Reply::new(451, UNANSWERED, "The next hop does not answer"))
}

/// Begins a last attempt at a mail whose time is over and whose next hop does not answer. There is a queue in front of
/// such a next hop, and mail that was asked for there once waits behind all that came meanwhile.
async fn give_up(inner: &Arc<Inner>, id: &EntryId, now: Now) -> Result<(), SpoolError> {
    let Some(entry) = load(inner, id).await? else { return Ok(()) };
    let mut due: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for recipient in entry.recipients.iter().filter(|r| r.state == RecipientState::Waiting && r.next_at <= now.steady) {
        due.entry(&recipient.route).or_default().push(recipient.number);
    }
    let octets = entry.original.len() as u64;
    for (destination, recipients) in due {
        let destination: Arc<str> = destination.into();
        let Some(hop) = inner.hop_of(&destination).ok().filter(|hop| hop.is_failing()) else { continue };
        let is_begun = inner.active.entries().contains(&(id.clone(), Arc::clone(&destination)));
        if is_begun || inner.active.is_full(true) || hop.rate.take().is_err() {
            continue;
        }
        let (busy, id) = (Busy::begin(inner, (id, octets), &destination, Some(&hop)), id.clone());
        inner.tasks.spawn(async move { busy.send_to(&id, &recipients).await });
    }
    Ok(())
}

/// The entry; nothing when it has come to its end, or has been parked.
async fn load(inner: &Inner, id: &EntryId) -> Result<Option<Entry>, SpoolError> {
    match inner.spool.load(id).await {
        Err(SpoolError::Damaged(_)) => Ok(None),
        loaded => loaded,
    }
}

//! Reports: who is told that a mail was not delivered, is late, or has arrived, and in which entry of the spool that
//! goes out.

use std::fmt::Write as _;

use bytes::Bytes;
use jiff::Timestamp;

use super::settings::Settings;
use crate::mail::address::Address;
use crate::mail::dsn::{self, Action, Fate, Report};
use crate::mail::envelope::{Body, Envelope, RecipientDsn, Ret};
use crate::proto::smtp::client::Recipient;
use crate::proto::smtp::reply::Reply;
use crate::spool::{EntryFault, EntryId, NewCopy, NewEntry, NewRecipient, NewState};
use crate::sys::clock::Now;
use crate::sys::random;

/// A recipient of whom there is something to report.
#[derive(Clone, Debug)]
pub(super) struct Reported<'a> {
    pub(super) recipient: Recipient<'a>,
    pub(super) reply: &'a Reply,
    pub(super) by_next_hop: bool,
    pub(super) end: End,
}

/// What there is to report.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// The reply is the reason that it will never arrive.
    Refused,
    /// It was given up after trying for long, so that the reply is not the reason.
    Expired,
    /// It has not arrived yet, and is tried until then.
    Delayed(Timestamp),
    /// It was accepted, and the next hop reports no success.
    Accepted(Action),
}

impl End {
    pub(super) fn is_loss(self) -> bool {
        matches!(self, Self::Refused | Self::Expired)
    }

    fn action(self) -> Action {
        match self {
            Self::Refused | Self::Expired => Action::Failed,
            Self::Delayed(_) => Action::Delayed,
            Self::Accepted(action) => action,
        }
    }
}

/// The mail a report is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    pub(super) envelope: &'a Envelope,
    pub(super) original: &'a [u8],
    pub(super) received_at: Timestamp,
    /// The next hop's host.
    pub(super) next_hop: Option<&'a str>,
}

impl Reported<'_> {
    /// Whether the sender wants to be told (RFC 3461 4.1).
    pub(super) fn is_to_be_told(&self) -> bool {
        match (self.end, self.recipient.dsn) {
            (End::Refused | End::Expired, dsn) => dsn.is_none_or(RecipientDsn::wants_failure),
            (End::Delayed(_), dsn) => dsn.is_none_or(RecipientDsn::wants_delay),
            (End::Accepted(_), dsn) => dsn.is_some_and(RecipientDsn::wants_success),
        }
    }
}

/// The entry of the report, or nothing when the mail has the null sender: a report is never answered by a report.
pub(super) fn entry(settings: &Settings, about: &About<'_>, reported: &[Reported<'_>], now: Now) -> Option<NewEntry> {
    let sender = about.envelope.sender.as_ref()?;
    let asked = about.envelope.dsn.as_deref();
    let id = new_id().ok()?;
    let statuses: Vec<String> = reported.iter().map(status).collect();
    let words: Vec<String> = reported.iter().map(|one| one.reply.to_string()).collect();
    let fates: Vec<Fate<'_>> = reported
        .iter()
        .zip(statuses.iter().zip(&words))
        .map(|(one, (status, diagnostic))| Fate {
            recipient: one.recipient.address,
            action: one.end.action(),
            orcpt: one.recipient.dsn.and_then(|dsn| dsn.orcpt.as_deref()),
            status,
            diagnostic,
            smtp: one.by_next_hop,
            remote_mta: about.next_hop.filter(|_| one.by_next_hop),
            last_attempt: (!matches!(one.end, End::Delayed(_))).then_some(now.wall),
            retried_until: if let End::Delayed(until) = one.end { Some(until) } else { None },
        })
        .collect();
    let written = dsn::write(&Report {
        to: sender,
        reporting_mta: &settings.hostname,
        unique: id.as_str(),
        now: now.wall,
        arrived: about.received_at,
        fates: &fates,
        original: about.original,
        header_only: about.envelope.require_tls || asked.is_some_and(|dsn| dsn.ret == Some(Ret::Headers)),
        smtputf8: about.envelope.smtputf8,
        envid: asked.and_then(|dsn| dsn.envid.as_deref()),
    });
    let mut entry = entry_of(settings, id, sender, written, now);
    // The report tells of the mail, and is to be protected like it where that can be had (RFC 8689 5).
    entry.envelope.require_tls = about.envelope.require_tls;
    Some(entry)
}

fn entry_of(settings: &Settings, id: EntryId, to: &Address, written: dsn::Written, now: Now) -> NewEntry {
    let envelope = Envelope {
        sender: None,
        recipients: vec![to.clone()],
        body: if written.eight_bit { Body::EightBitMime } else { Body::SevenBit },
        smtputf8: written.smtputf8,
        ..Envelope::default()
    };
    let recipient = NewRecipient {
        number: 0,
        copy: 0,
        route: settings.destination(to),
        state: NewState::Waiting { next_at: now.steady },
        attempts: 0,
        last_reply: None,
    };
    NewEntry {
        id,
        once: None,
        company: None,
        received_at: now.wall,
        envelope,
        trace: Bytes::new(),
        original: written.octets.into(),
        copies: vec![NewCopy::default()],
        recipients: vec![recipient],
        hold: None,
    }
}

/// The status of RFC 3463: the next hop's own, else what its code says; for mail given up, that its time is over.
fn status(one: &Reported<'_>) -> String {
    if one.end == End::Expired {
        return "4.4.7".to_owned();
    }
    one.reply.enhanced.map_or_else(|| format!("{}.0.0", one.reply.code / 100), |e| e.to_string())
}

fn new_id() -> Result<EntryId, EntryFault> {
    let mut id = String::from("dsn-");
    for octet in random::octets::<12>() {
        // Writing to a string cannot fail.
        let _ = write!(id, "{octet:02x}");
    }
    EntryId::parse(&id)
}

//! Bounces: who is told that a mail was not delivered, and in which entry of the spool the report goes out.

use std::fmt::Write as _;

use bytes::Bytes;
use jiff::Timestamp;

use super::settings::Settings;
use crate::mail::address::Address;
use crate::mail::dsn::{self, Failure, Report};
use crate::mail::envelope::{Body, Envelope, RecipientDsn, Ret};
use crate::proto::smtp::client::Recipient;
use crate::proto::smtp::reply::Reply;
use crate::spool::{EntryFault, EntryId, NewCopy, NewEntry, NewRecipient, NewState};
use crate::sys::random;

/// A recipient to be reported.
#[derive(Clone, Debug)]
pub(super) struct Lost<'a> {
    pub(super) recipient: Recipient<'a>,
    pub(super) reply: &'a Reply,
    pub(super) by_next_hop: bool,
    /// Whether it was given up after trying for long, so that the reply is not the reason.
    pub(super) expired: bool,
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

impl Lost<'_> {
    /// Whether the sender wants to be told (RFC 3461 4.1).
    pub(super) fn is_to_be_told(&self) -> bool {
        self.recipient.dsn.is_none_or(RecipientDsn::wants_failure)
    }
}

/// The entry of the report, or nothing when the mail has the null sender: a report is never answered by a report.
pub(super) fn entry(settings: &Settings, about: &About<'_>, lost: &[Lost<'_>], now: Timestamp) -> Option<NewEntry> {
    let sender = about.envelope.sender.as_ref()?;
    let asked = about.envelope.dsn.as_deref();
    let id = new_id().ok()?;
    let statuses: Vec<String> = lost.iter().map(status).collect();
    let words: Vec<String> = lost.iter().map(|l| l.reply.to_string()).collect();
    let failures: Vec<Failure<'_>> = lost
        .iter()
        .zip(statuses.iter().zip(&words))
        .map(|(lost, (status, diagnostic))| Failure {
            recipient: lost.recipient.address,
            orcpt: lost.recipient.dsn.and_then(|dsn| dsn.orcpt.as_deref()),
            status,
            diagnostic,
            smtp: lost.by_next_hop,
            remote_mta: about.next_hop.filter(|_| lost.by_next_hop),
            last_attempt: now,
        })
        .collect();
    let written = dsn::write(&Report {
        to: sender,
        reporting_mta: &settings.hostname,
        unique: id.as_str(),
        now,
        arrived: about.received_at,
        failures: &failures,
        original: about.original,
        header_only: about.envelope.require_tls || asked.is_some_and(|dsn| dsn.ret == Some(Ret::Headers)),
        envid: asked.and_then(|dsn| dsn.envid.as_deref()),
    });
    let mut entry = entry_of(settings, id, sender, written, now);
    // The report tells of the mail, and is to be protected like it where that can be had (RFC 8689 5).
    entry.envelope.require_tls = about.envelope.require_tls;
    Some(entry)
}

fn entry_of(settings: &Settings, id: EntryId, to: &Address, written: dsn::Written, now: Timestamp) -> NewEntry {
    let envelope = Envelope {
        sender: None,
        recipients: vec![to.clone()],
        body: if written.eight_bit { Body::EightBitMime } else { Body::SevenBit },
        smtputf8: to.needs_smtputf8(),
        ..Envelope::default()
    };
    let recipient = NewRecipient {
        number: 0,
        copy: 0,
        route: settings.destination(to),
        state: NewState::Waiting { next_at: now },
        attempts: 0,
        last_reply: None,
    };
    NewEntry {
        id,
        once: None,
        company: None,
        received_at: now,
        envelope,
        trace: Bytes::new(),
        original: written.octets.into(),
        copies: vec![NewCopy::default()],
        recipients: vec![recipient],
        hold: None,
    }
}

/// The status of RFC 3463: the next hop's own, else what its code says; for mail given up, that its time is over.
fn status(lost: &Lost<'_>) -> String {
    if lost.expired {
        return "4.4.7".to_owned();
    }
    lost.reply.enhanced.map_or_else(|| format!("{}.0.0", lost.reply.code / 100), |e| e.to_string())
}

fn new_id() -> Result<EntryId, EntryFault> {
    let mut id = String::from("dsn-");
    for octet in random::octets::<12>() {
        // Writing to a string cannot fail.
        let _ = write!(id, "{octet:02x}");
    }
    EntryId::parse(&id)
}

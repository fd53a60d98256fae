//! An open connection to a next hop: what was agreed on it, how much it has been used, and its place.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::candidate::{Candidate, Manner};
use super::greeting::greet;
use super::wire::Wire;
pub(super) use super::wire::{Broken, Fault, Patience};
use crate::config::EightBit;
use crate::proto::smtp::client::{Capabilities, Phase, Terms};
use crate::proto::smtp::reply::Reply;
use crate::sys::tls::{ClientTls, Protection};
use crate::watch::Held;

/// Who connects, and how long it may take.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    /// Our name in EHLO.
    pub(super) hostname: &'a str,
    pub(super) tls: &'a ClientTls,
    pub(super) patience: &'a Patience,
}

/// Whom a mail was given to.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    /// The candidate's host.
    pub(super) host: Arc<str>,
    pub(super) protection: Protection,
}

/// The place of a connection among those its next hop may have; given back when it is dropped.
pub(super) struct Place {
    pub(super) _permit: OwnedSemaphorePermit,
    pub(super) _held: Held,
}

/// An open connection to a next hop that has taken our EHLO or HELO.
pub(super) struct Connection {
    wire: Wire,
    pub(super) peer: Peer,
    pub(super) offered: Capabilities,
    pub(super) terms: Terms,
    /// Whether an earlier transaction is still open there.
    pub(super) reset_first: bool,
    /// Transactions made so far.
    pub(super) used: u32,
    pub(super) idle_since: Instant,
    _place: Place,
}

impl Connection {
    /// Connects, takes the greeting, says who we are, and protects the connection as far as the candidate needs it.
    pub(super) async fn open(
        candidate: &Candidate,
        manner: &Manner,
        place: Place,
        caller: Caller<'_>,
    ) -> Result<Self, Broken> {
        let greeted = greet(candidate, manner, &caller).await?;
        Ok(Self {
            wire: greeted.wire,
            peer: Peer { host: Arc::clone(&candidate.host), protection: greeted.protection },
            offered: greeted.offered,
            terms: Terms {
                dialect: manner.dialect,
                chunking: manner.chunking,
                verified: greeted.protection == Protection::Verified,
                eight_bit_barred: manner.eight_bit == EightBit::Refuse,
            },
            reset_first: false,
            used: 0,
            idle_since: Instant::now(),
            _place: place,
        })
    }

    /// The most recipients of one transaction (RFC 9422).
    pub(super) fn recipients_max(&self) -> usize {
        self.offered.recipients_max.unwrap_or(usize::MAX)
    }

    /// Writes all of `octets`.
    pub(super) async fn write(&mut self, phase: Phase, octets: &[u8], patience: &Patience) -> Result<(), Broken> {
        self.wire.write(phase, octets, patience).await
    }

    /// Writes all pieces, as they are, in as few writes as they allow. When this fails, the last octet was not written.
    pub(super) async fn write_pieces<'a>(
        &mut self,
        pieces: impl Iterator<Item = &'a [u8]>,
        patience: &Patience,
    ) -> Result<(), Broken> {
        self.wire.write_pieces(pieces, patience).await
    }

    /// Reads the next reply; more may stand behind it.
    pub(super) async fn read_reply(&mut self, phase: Phase, patience: &Patience) -> Result<Reply, Broken> {
        self.wire.read_reply(phase, patience).await
    }

    /// Fails when the next hop has said more than it was asked.
    pub(super) fn expect_silence(&self, phase: Phase) -> Result<(), Broken> {
        self.wire.expect_silence(phase)
    }

    /// Whether an idle connection is still open and silent, as far as can be told without asking.
    pub(super) fn is_fresh(&mut self, idle_for: Duration) -> bool {
        self.wire.is_silent() && self.idle_since.elapsed() < idle_for
    }

    /// Says goodbye without waiting for an answer, and closes.
    pub(super) fn quit(self) {
        self.wire.quit();
    }
}

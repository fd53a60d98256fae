//! The client's side of one mail transaction: what to send next, and whose reply comes next.
//!
//! Replies are matched to commands by order alone (RFC 2920 3.2), so the bookkeeping is here, in one place, without a
//! socket. Nothing is ever sent behind the final dot before it is answered: a reply that is not understood there could
//! otherwise be taken for a later one, and a mail that was lost for one that was delivered. With BDAT the last octet of
//! the message is what the dot is, and its answer is called the dot's here.

mod capabilities;
mod command;
mod dialogue;
pub mod login;

use std::sync::Arc;

use super::reply::Reply;
use crate::mail::address::Address;
use crate::mail::envelope::{Body, Envelope, RecipientDsn, Ret};

pub use self::capabilities::{Capabilities, Extension};
pub use self::dialogue::Dialogue;

/// SMTP or its sister for mail stores.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Dialect {
    /// RFC 5321.
    #[default]
    Smtp,
    /// RFC 2033: behind the dot every recipient has an answer of its own.
    Lmtp,
}

impl Dialect {
    /// The verb that says who we are and asks what is offered.
    pub const fn hello(self) -> &'static str {
        match self {
            Self::Smtp => "EHLO",
            Self::Lmtp => "LHLO",
        }
    }
}

/// One transaction to be made.
#[derive(Clone, Debug, Default)]
pub struct Plan<'a> {
    /// The return path; `None` is the null sender.
    pub sender: Option<&'a Address>,
    /// The recipients, in the order of the answers.
    pub recipients: Vec<Recipient<'a>>,
    /// Octets of the message as it leaves, dots not doubled (RFC 1870 5).
    pub octets: usize,
    /// Whether some are over 127; looked at only where [`Plan::asks_what_octets`].
    pub what_octets: Octets,
    /// The BODY parameter it came with.
    pub body: Body,
    /// Whether it came with SMTPUTF8.
    pub smtputf8: bool,
    /// Whether it came with REQUIRETLS (RFC 8689).
    pub require_tls: bool,
    /// How much of the message a report brings back (RFC 3461 4.3).
    pub ret: Option<Ret>,
    /// The ENVID as it was written (RFC 3461 4.4).
    pub envid: Option<&'a str>,
    /// Whether the connection still has an old transaction open, which RSET ends.
    pub reset_first: bool,
    /// The ways of this connection.
    pub terms: Terms,
}

impl<'a> Plan<'a> {
    /// What the envelope says, for these of its recipients. The message and the connection are still to be told.
    pub fn of(envelope: &'a Envelope, recipients: Vec<Recipient<'a>>) -> Self {
        Self {
            sender: envelope.sender.as_ref(),
            recipients,
            body: envelope.body,
            smtputf8: envelope.smtputf8,
            require_tls: envelope.require_tls,
            ret: envelope.dsn.as_ref().and_then(|dsn| dsn.ret),
            envid: envelope.dsn.as_ref().and_then(|dsn| dsn.envid.as_deref()),
            ..Self::default()
        }
    }

    /// Whether it matters here what octets the message has.
    pub fn asks_what_octets(&self, offered: &Capabilities) -> bool {
        self.terms.eight_bit_barred && !offered.offers(Extension::EightBitMime)
    }
}

/// One recipient of a transaction.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'a> {
    /// Who.
    pub address: &'a Address,
    /// What was asked of reports about it.
    pub dsn: Option<&'a RecipientDsn>,
}

impl<'a> Recipient<'a> {
    /// The recipient of this number.
    pub fn of(envelope: &'a Envelope, number: usize) -> Option<Self> {
        let dsn = envelope.dsn.as_ref().and_then(|dsn| dsn.recipients.get(number));
        Some(Self { address: envelope.recipients.get(number)?, dsn })
    }
}

/// What octets a message has, whatever its BODY parameter says.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Octets {
    /// None over 127: no server has trouble with it.
    #[default]
    Seven,
    /// Some over 127.
    Eight,
}

/// The ways of one connection, beside what was offered on it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Terms {
    /// SMTP or LMTP.
    pub dialect: Dialect,
    /// Whether BDAT is used where it is offered (RFC 3030).
    pub chunking: bool,
    /// Whether we know whom we speak to under TLS.
    pub verified: bool,
    /// Whether an 8-bit message is refused where 8BITMIME is not offered (RFC 6152 3), and not sent as it is.
    pub eight_bit_barred: bool,
}

/// The part of the dialogue a reply belongs to; each has a deadline of its own (RFC 5321 4.5.3.2).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Phase {
    /// The connection being made.
    Connect,
    /// STARTTLS, and the handshake of TLS.
    Tls,
    /// The 220 of the next hop.
    Greeting,
    /// EHLO, HELO or LHLO.
    Hello,
    /// AUTH.
    Auth,
    /// RSET.
    Reset,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA.
    Data,
    /// The message itself.
    Content,
    /// The final dot, or the last octet of a BDAT LAST.
    Dot,
}

/// How far a recipient came, by SMTP's own classes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Class {
    /// 2xx to the final dot.
    Accepted,
    /// 4xx, or no usable answer: try again.
    Deferred,
    /// 5xx: never.
    Refused,
}

/// The answer for one recipient.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// What it means.
    pub class: Class,
    /// Which command it answered.
    pub phase: Phase,
    /// The reply; its text is foreign, and may hold addresses.
    pub reply: Arc<Reply>,
    /// Whether the next hop said it; else we did, without asking it.
    pub said_by_next_hop: bool,
}

/// What to do after a reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// Write what can be written, then read on.
    More,
    /// The next hop waits for the message: write it in the [`Framing`] asked for, then call
    /// [`Dialogue::content_sent`].
    Content,
    /// Every recipient has an answer.
    Over,
}

/// How the message goes out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Framing {
    /// Behind DATA: dots doubled, the final dot at its end.
    Dots,
    /// As one BDAT LAST: as it is, its octets counted.
    Chunk,
}

/// A reply that no rule of SMTP allows where it stood. The attempt has failed, and the connection is of no more use.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("reply {code} is none for {phase:?}")]
pub struct Misplaced {
    /// The code of the reply.
    pub code: u16,
    /// The command it stood for.
    pub phase: Phase,
}

/// What the connection may be used for after the transaction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum After {
    /// The next MAIL can follow at once.
    Clean,
    /// A RSET has to come first.
    Reset,
    /// Nothing: it is to be closed.
    Close,
}

#[cfg(test)]
mod tests;

//! Lines of an MTA's log: what they say of one recipient of one mail. Pure: octets and the time in, facts out.
//!
//! A log holds much that strangers write: subjects, names at HELO, addresses, the words of other servers. Believed is
//! only what the MTA itself writes at its own place: the program in front, the queue id at the beginning, each field
//! behind the one before it. A line that does not read so from its first octet on says nothing.

mod exim;
pub mod export;
mod fields;
mod postfix;
mod sendmail;
mod stamp;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::config::MtaFormat as Format;
use crate::mail::address::Address;
use stamp::Stamp;

/// The longest line that is looked at, in octets.
pub const LINE_OCTETS_MAX: usize = 64 * 1024;

/// How a log is to be read.
#[derive(Clone, Debug)]
pub struct Manner {
    /// Whose words.
    pub format: Format,
    /// The name in front of the program's, `postfix` in `postfix/smtp[123]:`; for others the program itself.
    pub program: String,
    /// The zone of times that tell none.
    pub zone: TimeZone,
}

/// What a line says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fact {
    /// When, as the line says.
    pub at: Timestamp,
    /// The name of the mail in the MTA's queue.
    pub queue_id: String,
    /// What of it.
    pub what: What,
}

/// What became of a mail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum What {
    /// A delivery was tried.
    Tried(Box<Tried>),
    /// The MTA gives up whatever recipients are left.
    Expired,
    /// It goes on as this mail; the name it had before.
    Was(String),
}

/// A delivery to one recipient, or to several at once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tried {
    /// To whom, with the address the mail had been sent to where the MTA has turned it into another.
    pub to: Vec<Address>,
    /// Where.
    pub relay: Relay,
    /// What came of it.
    pub status: Status,
    /// In the words of the next hop or of the MTA. Theirs alone: nothing in it is believed but, of a next hop that is
    /// known to hand the mail back, the name it has given it.
    pub reply: String,
}

/// Where a mail was taken to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Relay {
    /// Nowhere, to a program, or into the bin: that proves nothing.
    Nowhere,
    /// Into a mailbox of this machine.
    Mailbox,
    /// To another server.
    Host {
        /// Its name as the MTA found it, in lower case without the last dot.
        name: String,
        /// Its address, and the port where that is told.
        at: Option<(IpAddr, Option<u16>)>,
    },
}

/// What came of a try.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// It was taken.
    Sent,
    /// It is tried again.
    Deferred,
    /// It was given up.
    Bounced,
}

impl Fact {
    /// Reads a line; nothing when it says nothing of the kind, or not at the places where the MTA writes. `now` tells
    /// the year where the line does not.
    pub fn read(line: &str, manner: &Manner, now: Timestamp) -> Option<Self> {
        if line.len() > LINE_OCTETS_MAX || line.contains(char::is_control) {
            return None;
        }
        if manner.format == Format::Exim
            && let Some(fact) = exim::read(line, None, manner)
        {
            return Some(fact);
        }
        let (at, behind) = stamp::read(line, &manner.zone, now)?;
        let (program, message) = fields::program(behind)?;
        Self::of(program, message, at, manner)
    }

    /// Reads what a program has said, where something else tells program and time.
    pub fn of(program: &str, message: &str, at: Timestamp, manner: &Manner) -> Option<Self> {
        if message.len() > LINE_OCTETS_MAX || message.contains(char::is_control) {
            return None;
        }
        match manner.format {
            Format::Postfix => postfix::read(program, message, at, manner),
            Format::Sendmail => sendmail::read(program, message, at, manner),
            Format::Exim => (program == manner.program).then(|| exim::read(message, Some(at), manner))?,
        }
    }
}

/// The name that a server has given a mail it took, as it says itself: `queued as B`, `id=B`, `(B Message accepted`.
pub fn named_by(reply: &str) -> Option<&str> {
    let behind = |mark: &str| {
        let rest = &reply[reply.rfind(mark)? + mark.len()..];
        rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).next()
    };
    let accepted = || {
        let before = reply.split_once(" Message accepted for delivery")?.0;
        Some(before.rsplit([' ', '(']).next().unwrap_or(before))
    };
    let id = behind("queued as ").or_else(|| behind(" id=")).or_else(accepted)?;
    fields::is_queue_id(id).then_some(id)
}

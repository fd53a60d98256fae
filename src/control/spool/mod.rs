//! What admins ask of the mail in custody and do to it, in the form that goes over the socket and into `--json`.
//!
//! A running server and a command that holds the data folder answer through the same functions. Whatever is changed,
//! and whoever reads a mail, is written down in the commit that does it.

mod answer;
mod change;
mod export;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(super) use answer::mail_line;
pub use answer::{Hand, answer_spool};
pub use change::{Changed, Outcome};
pub use export::{EXPORT_OCTETS_MAX, Piece};

use super::Request;
use crate::mail::address::Address;
use crate::referral::CompanyId;
use crate::spool::{Act, ActKind, EntryId, RecipientState, Wanted};

/// What can be asked.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum SpoolRequest {
    /// A part of the list of what is wanted.
    List {
        /// What is wanted.
        which: Which,
        /// Where the last part ended; 0 for the first.
        after: i64,
        /// Whether addresses are told.
        addresses: bool,
    },
    /// All of one mail but its text.
    Show {
        /// Its id.
        id: String,
    },
    /// Does something to a part of what is wanted.
    Change {
        /// What is done.
        act: ActKind,
        /// To whom.
        which: Which,
        /// Where the last part ended; 0 for the first.
        after: i64,
        /// Whether it is only told what would be done.
        dry_run: bool,
    },
    /// A piece of the octets of a mail.
    Export {
        /// Its id.
        id: String,
        /// The octets as they would leave for this recipient; those that came when absent.
        leaving: Option<u32>,
        /// Where the piece begins. Whoever begins at 0 is written down.
        from: u64,
    },
}

impl From<SpoolRequest> for Request {
    fn from(what: SpoolRequest) -> Self {
        Self::Spool { what }
    }
}

/// Which recipients in custody are meant: those for which all that is given holds.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Which {
    /// Ids of mails; any when empty.
    pub ids: Vec<String>,
    /// How the id begins.
    pub id_prefix: Option<String>,
    /// A route, `route/domain`, or a domain.
    pub destination: Option<String>,
    /// The company.
    pub company: Option<CompanyId>,
    /// The code of a state.
    pub state: Option<String>,
    /// The mail came then or before, RFC 3339.
    pub received_until: Option<String>,
    /// The mail came then or later, RFC 3339.
    pub received_from: Option<String>,
    /// Only those who may get their mail twice.
    pub maybe_doubled: bool,
    /// Their address, in any spelling that leads to the mailbox.
    pub to: Option<Unlogged>,
}

/// An address on its way to be compared, that no debug output shows.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Unlogged(pub String);

impl fmt::Debug for Unlogged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<rcpt>")
    }
}

impl Unlogged {
    /// The address.
    ///
    /// # Errors
    /// A sentence for the admin, which does not repeat it.
    pub fn address(&self) -> Result<Address, String> {
        Address::parse(self.0.trim()).map_err(|why| format!("no address is there to look for: {why}"))
    }
}

impl Which {
    /// What the spool is asked for.
    ///
    /// # Errors
    /// A sentence for the admin about the first thing that cannot be.
    pub fn wanted(&self) -> Result<Wanted, String> {
        let time = |text: &Option<String>| -> Result<Option<Timestamp>, String> {
            text.as_deref().map(str::parse).transpose().map_err(|e| format!("not a time: {e}"))
        };
        let state = |code: &String| RecipientState::parse(code).ok_or_else(|| format!("there is no state {code}"));
        Ok(Wanted {
            ids: self.ids.iter().map(|id| entry_id(id)).collect::<Result<_, _>>()?,
            id_prefix: self.id_prefix.clone(),
            destination: self.destination.clone(),
            company: self.company.clone(),
            state: self.state.as_ref().map(state).transpose()?,
            received_until: time(&self.received_until)?,
            received_from: time(&self.received_from)?,
            maybe_doubled: self.maybe_doubled,
            to: self.to.as_ref().map(Unlogged::address).transpose()?,
            numbers: Vec::new(),
        })
    }
}

/// An id that somebody typed.
fn entry_id(text: &str) -> Result<EntryId, String> {
    EntryId::parse(text).map_err(|why| format!("{text:?} is no id of a mail: {why}"))
}

/// A part of a list.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct MailList {
    /// The mails, those that came first in front.
    pub mails: Vec<MailLine>,
    /// Mails whose addresses were asked for and cannot be read.
    pub unreadable: u64,
    /// Where to go on; absent behind the last one.
    pub next: Option<i64>,
}

/// A mail in custody, with those of its recipients that are meant.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct MailLine {
    /// Our id of it.
    pub id: String,
    /// Whose mail it is.
    pub company: Option<String>,
    /// When it came, RFC 3339.
    pub received_at: String,
    /// Octets it takes.
    pub octets: u64,
    /// The recipients.
    pub recipients: Vec<RecipientLine>,
}

/// A recipient in custody.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RecipientLine {
    /// Its number in the envelope, from 0.
    pub number: u32,
    /// Its route, and behind a `/` its domain where that has servers of its own.
    pub destination: String,
    /// The code of its state.
    pub state: String,
    /// Attempts begun so far.
    pub attempts: u32,
    /// When it is tried next, RFC 3339; for other states than `waiting` when it last was due.
    pub next_at: String,
    /// The last reply, or our words for why there is none; without addresses.
    pub last_reply: Option<String>,
    /// Whether an earlier attempt may have reached it.
    pub maybe_doubled: bool,
    /// Whether a referral hangs on it.
    pub referral: bool,
    /// Its address, where it was asked for and can be read.
    pub address: Option<String>,
}

/// All of one mail but its text.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct MailStory {
    /// The mail with all recipients that are left.
    #[serde(flatten)]
    pub mail: MailLine,
    /// Whether it can be read as it was written; without that it can only be dropped.
    pub readable: bool,
    /// Its sender; empty for a report, absent when it cannot be read.
    pub sender: Option<String>,
    /// Octets that are put into each of its copies.
    pub inserted_octets: Vec<u64>,
    /// What admins did with it, oldest first.
    pub acts: Vec<ActLine>,
}

/// Something an admin did.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ActLine {
    /// When, RFC 3339.
    pub at: String,
    /// Who.
    pub actor: String,
    /// `retry`, `release`, `bounce`, `drop` or `export`.
    pub act: String,
    /// The mail.
    pub id: String,
    /// To which of its recipients.
    pub recipients: Vec<u32>,
}

impl From<&Act> for ActLine {
    fn from(act: &Act) -> Self {
        Self {
            at: act.at.to_string(),
            actor: act.actor.clone(),
            act: act.what.code().to_owned(),
            id: act.entry.to_string(),
            recipients: act.recipients.clone(),
        }
    }
}

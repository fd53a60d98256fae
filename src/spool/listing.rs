//! What an admin may ask of the spool and do to it, as values.

use jiff::Timestamp;

use super::recipient_state::RecipientState;
use super::types::{EntryId, OutboxRow, Recipient};
use crate::mail::address::Address;
use crate::referral::{CandidateKey, CompanyId};

/// Which recipients in custody are wanted: those for which all that is given holds.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Of these entries; of any when empty.
    pub ids: Vec<EntryId>,
    /// Of entries whose id begins so.
    pub id_prefix: Option<String>,
    /// For this destination, for any of this route, or for any of this domain.
    pub destination: Option<String>,
    /// Of mails of this company.
    pub company: Option<CompanyId>,
    /// In this state.
    pub state: Option<RecipientState>,
    /// Of mails that came at this time or before.
    pub received_until: Option<Timestamp>,
    /// Of mails that came at this time or later.
    pub received_from: Option<Timestamp>,
    /// Who may get their mail twice, and nobody else.
    pub maybe_doubled: bool,
    /// Whose address leads to the same mailbox as this one.
    pub to: Option<Address>,
    /// With these numbers; all when empty.
    pub numbers: Vec<u32>,
}

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Where the last part ended, as in [`Listing::next`]; 0 for the first.
    pub after: i64,
    /// Entries at most.
    pub entries_max: usize,
    /// Whether the addresses are read too.
    pub addresses: bool,
}

/// A part of a list, the mails that came first in front.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The entries with the recipients that are wanted.
    pub entries: Vec<Listed>,
    /// Entries whose addresses were asked for and cannot be read.
    pub unreadable: u64,
    /// Where to go on; `None` behind the last one.
    pub next: Option<i64>,
}

/// An entry as it stands in the database, with those of its recipients that are wanted.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its id.
    pub id: EntryId,
    /// Whose mail it is.
    pub company: Option<CompanyId>,
    /// When the client's mail was complete.
    pub received_at: Timestamp,
    /// Octets it takes, addresses and edits included where the original has no file of its own.
    pub octets: u64,
    /// The recipients.
    pub recipients: Vec<Recipient>,
    /// Their addresses, when they were asked for and can be read.
    pub addresses: Vec<Address>,
}

/// What waits for one destination.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Standing {
    /// The destination.
    pub destination: String,
    /// Recipients by state, as [`RecipientState::ALL`] has them.
    pub recipients: [u64; RecipientState::ALL.len()],
    /// When the oldest mail came.
    pub oldest_received_at: Option<Timestamp>,
    /// The earliest next attempt.
    pub next_at: Option<Timestamp>,
    /// The last reply to its oldest mail, without addresses.
    pub last_reply: Option<String>,
}

/// What an admin does with mail in custody.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActKind {
    /// Makes waiting recipients due.
    Retry,
    /// Lets a parked entry go on.
    Release,
    /// Gives recipients up; the sender is told by a report in the same batch.
    Bounce,
    /// Removes recipients, and nobody is told.
    Drop,
    /// Has read the mail. Changes nothing.
    Export,
    /// Has entered the referral of a mail from the log; the mail itself need not be there any more.
    Recover,
}

impl ActKind {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Retry, Self::Release, Self::Bounce, Self::Drop, Self::Export, Self::Recover];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Release => "release",
            Self::Bounce => "bounce",
            Self::Drop => "drop",
            Self::Export => "export",
            Self::Recover => "recover",
        }
    }

    /// Whether it can be done to a recipient in this state.
    pub fn fits(self, state: RecipientState) -> bool {
        match self {
            Self::Retry => state == RecipientState::Waiting,
            Self::Release => state == RecipientState::Parked,
            Self::Bounce | Self::Drop => matches!(state, RecipientState::Waiting | RecipientState::Parked),
            Self::Export | Self::Recover => true,
        }
    }
}

/// Something an admin does, written down in the commit that does it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Act {
    /// What.
    pub what: ActKind,
    /// Who asked for it, such as `root (uid 0)`.
    pub actor: String,
    /// When.
    pub at: Timestamp,
    /// To which entry.
    pub entry: EntryId,
    /// To which of its recipients.
    pub recipients: Vec<u32>,
}

/// Whose referrals in the outbox are wanted.
#[derive(Clone, Debug)]
pub enum Referrals {
    /// Those of these candidates.
    Of(Vec<(CompanyId, CandidateKey)>),
    /// Those of this mail.
    In(String),
}

/// A referral in the outbox, and whether the store has it.
#[derive(Clone, Debug)]
pub struct OutboxStory {
    /// The row.
    pub row: OutboxRow,
    /// Whether the store has confirmed it.
    pub posted: bool,
}

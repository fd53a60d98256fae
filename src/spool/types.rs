//! What goes into the spool and comes out of it.

use std::fmt;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::holds::{NewHold, Release};
use super::listing::Act;
use super::probes::SentProbe;
use super::recipient_state::RecipientState;
use super::returns::Returnable;
use super::stops::EditStop;
use crate::ledger::{ContractRef, Proves, ReferralEvent};
use crate::mail::address::Address;
use crate::mail::edit::Edits;
use crate::mail::envelope::Envelope;
use crate::referral::wording::WordingDigest;
use crate::referral::{CandidateKey, CompanyId, LinkToken, Traits};

/// The name of an entry: our message id, unique per SMTP transaction, safe as a file name. It holds no address.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct EntryId(Box<str>);

impl EntryId {
    /// Longest id, in octets.
    pub const OCTETS_MAX: usize = 64;

    /// Takes 1 to 64 of `A-Z a-z 0-9 - _`.
    ///
    /// # Errors
    /// [`EntryFault`] for anything else.
    pub fn parse(text: &str) -> Result<Self, EntryFault> {
        let fine = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        let short = (1..=Self::OCTETS_MAX).contains(&text.len());
        (short && text.bytes().all(fine)).then(|| Self(text.into())).ok_or(EntryFault)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no [`EntryId`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("an entry id is 1 to 64 letters, digits, - or _")]
pub struct EntryFault;

/// One change. The writes of a batch are committed together or not at all, in their order.
#[derive(Clone, Debug)]
pub enum Write {
    /// Takes a mail into custody.
    Store(NewEntry),
    /// Marks, before the dot, that these recipients (numbers as in [`NewRecipient::number`]) are being sent to.
    Sending {
        /// The entry.
        entry: EntryId,
        /// Which of its recipients.
        recipients: Vec<u32>,
    },
    /// Says what became of recipients. With the last one the entry goes, address and body overwritten.
    Settle {
        /// The entry.
        entry: EntryId,
        /// One for each recipient that has an answer.
        settlements: Vec<Settlement>,
    },
    /// Puts an entry aside that cannot be sent: it is not due any more until an admin has looked.
    Park {
        /// The entry.
        entry: EntryId,
    },
    /// Notes that the senders of an entry know that it is late: they are told once.
    ToldLate {
        /// The entry, which has to be there.
        entry: EntryId,
    },
    /// Notes the time while mail is kept, so that the next start can tell how long nobody was there.
    Clock {
        /// By the steady clock.
        at: Timestamp,
    },
    /// What an admin does with an entry, and who it was. The recipients have to be in a state that allows it.
    Act(Act),
    /// Lets a held mail go.
    Release(Release),
    /// Writes down how long the server has run, so that holds keep their time over a restart.
    KeepHoldClock {
        /// The time now.
        at: Timestamp,
    },
    /// A next hop has refused too many edited mails of a company.
    StopEditing(EditStop),
    /// Mails are edited again for such next hops.
    ResumeEditing {
        /// Whose; all companies' when absent.
        company: Option<CompanyId>,
        /// Which; all when absent.
        next_hop: Option<String>,
    },
    /// A referral accepted in hand-through.
    Outbox(ReferralEvent),
    /// What is kept of a mail that left with a return path of ours; an older one of its name is replaced.
    Returnable(Returnable),
    /// A probe of a return path goes out.
    Probe(SentProbe),
    /// A probe came back. The first time is kept.
    ProbeBack {
        /// Our message id of it.
        id: String,
        /// When.
        at: Timestamp,
    },
    /// Forgets what is kept of return paths and probes, as far as its time is over.
    Forget {
        /// The time now.
        at: Timestamp,
    },
    /// The store has every outbox row up to and including this one.
    Posted {
        /// The last sequence number the store has.
        up_to_seq: u64,
        /// When it confirmed.
        at: Timestamp,
    },
    /// Removes the posted outbox rows about an erased person.
    ForgetReferrals {
        /// Whose they are.
        company: CompanyId,
        /// The person.
        candidate: CandidateKey,
    },
    /// Removes outbox rows posted before this time. Rows not yet posted stay.
    Prune {
        /// Rows posted earlier go.
        posted_before: Timestamp,
    },
}

/// A mail to take into custody: original and edits, never the edited copy.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// Our message id.
    pub id: EntryId,
    /// A unique name, such as `notice:acme:2026:1`: once taken, every later store with it changes nothing.
    pub once: Option<String>,
    /// Whose mail it is, so that a next hop that refuses its edited mails can be told from others.
    pub company: Option<CompanyId>,
    /// When the client's mail was complete.
    pub received_at: Timestamp,
    /// The envelope. Only the recipients named in `recipients` are kept.
    pub envelope: Envelope,
    /// Our `Received` line, to go in front.
    pub trace: Bytes,
    /// The octets as they came.
    pub original: Bytes,
    /// The copies; at least one, and an untouched one has no edits.
    pub copies: Vec<NewCopy>,
    /// The recipients that still need the mail. Those who have it already are left out.
    pub recipients: Vec<NewRecipient>,
    /// What holds the mail back: then none of its recipients is due before it is released.
    pub hold: Option<NewHold>,
}

/// One copy of a mail: what to insert, and what to credit when it is accepted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NewCopy {
    /// The insertions.
    pub edits: Edits,
    /// At most one per recipient.
    pub offers: Vec<Offer>,
    /// The sender it leaves with when its edits do; absent: the envelope's.
    pub return_path: Option<Address>,
}

/// What turns into a [`ReferralEvent`] when the recipient's next hop says 250.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Offer {
    /// Number of the recipient, an index into [`Envelope::recipients`] as received.
    pub recipient: u32,
    /// Who refers.
    pub company: CompanyId,
    /// Who is referred.
    pub candidate: CandidateKey,
    /// The same under keys that were rotated out.
    pub earlier: Vec<CandidateKey>,
    /// The token of the link in this copy.
    pub token: LinkToken,
    /// The contract version pinned.
    pub contract: ContractRef,
    /// False when the company's own link already stood there.
    pub inserted: bool,
    /// The words that were put in, if any.
    pub wording: Option<WordingDigest>,
    /// What signals of fraud look at.
    pub traits: Option<Traits>,
}

/// A recipient to take into custody.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewRecipient {
    /// Index into [`Envelope::recipients`] as received; it stays the recipient's number.
    pub number: u32,
    /// Index into [`NewEntry::copies`].
    pub copy: u32,
    /// Its destination: the name of its route, and behind a `/` its domain where that has servers of its own. What is
    /// due is found by it.
    pub route: String,
    /// Whether it waits or is in doubt.
    pub state: NewState,
    /// Attempts made so far.
    pub attempts: u32,
    /// The last reply, if there was one; addresses in it are replaced before it is kept.
    pub last_reply: Option<String>,
}

/// How a recipient comes into custody.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NewState {
    /// To be tried at this time.
    Waiting {
        /// Not before.
        next_at: Timestamp,
    },
    /// The dot was sent and a connection still waits for the answer: not due until settled, or until a restart.
    InDoubt,
}

/// What became of one recipient.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settlement {
    /// The recipient's number.
    pub recipient: u32,
    /// What became of it.
    pub outcome: Outcome,
}

/// The outcomes of an attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The next hop has it. The recipient goes; with a credit, its offer becomes an outbox row in the same commit.
    Accepted {
        /// `None` when the original went out instead of the copy (`edit_refused`): nothing is counted.
        credit: Option<Credit>,
    },
    /// To be tried again; certainly not accepted.
    Deferred {
        /// Not before.
        next_at: Timestamp,
        /// The reply or our own words; addresses in it are replaced before it is kept.
        reply: String,
    },
    /// To be tried again though the next hop may have it: the connection was lost behind the dot.
    Doubtful {
        /// Not before.
        next_at: Timestamp,
        /// What was seen.
        reply: String,
    },
    /// Refused for good; the recipient goes. The caller stores the DSN in the same batch.
    Refused,
}

/// What acceptance is worth.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Credit {
    /// What the route's 250 proves.
    pub proves: Proves,
    /// The route it went by.
    pub route: String,
    /// When the 250 came.
    pub at: Timestamp,
}

/// A mail in custody, with everything needed to send it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Our message id.
    pub id: EntryId,
    /// Whose mail it is, as in [`NewEntry::company`].
    pub company: Option<CompanyId>,
    /// When the client's mail was complete, by the wall clock.
    pub received_at: Timestamp,
    /// Since when we have it, by the steady clock: its age is counted from here.
    pub kept_since: Timestamp,
    /// The envelope with the recipients that are left, parallel to `recipients`.
    pub envelope: Envelope,
    /// The recipients that are left, in the order of their numbers.
    pub recipients: Vec<Recipient>,
    /// Our `Received` line.
    pub trace: Bytes,
    /// The octets as they came.
    pub original: Bytes,
    /// The copies, by [`Recipient::copy`].
    pub copies: Vec<EntryCopy>,
}

/// A copy of a mail in custody.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EntryCopy {
    /// The insertions.
    pub edits: Edits,
    /// The sender it leaves with when they do; absent: the envelope's.
    pub return_path: Option<Address>,
}

/// A recipient in custody.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recipient {
    /// Its number, as in [`NewRecipient::number`].
    pub number: u32,
    /// Index into [`Entry::copies`].
    pub copy: u32,
    /// Where it goes.
    pub route: String,
    /// What is going on with it.
    pub state: RecipientState,
    /// Attempts begun so far.
    pub attempts: u32,
    /// When to try again; for the other states, when it last was due.
    pub next_at: Timestamp,
    /// The last reply, without addresses.
    pub last_reply: Option<String>,
    /// Whether an earlier attempt may have reached the next hop.
    pub maybe_doubled: bool,
    /// Whether a referral hangs on its acceptance.
    pub has_offer: bool,
}

/// What is due for one destination.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Due {
    /// The destination, as in [`NewRecipient::route`].
    pub destination: String,
    /// Its entries, those waiting longest first.
    pub entries: Vec<DueEntry>,
    /// When the first that is not among them is due: in the past when there were more than asked for.
    pub next: Option<Timestamp>,
}

/// An entry with the recipients that are due for one destination.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DueEntry {
    /// The entry.
    pub id: EntryId,
    /// Numbers of the recipients that are due.
    pub recipients: Vec<u32>,
    /// Since when the first of them is.
    pub since: Timestamp,
    /// Since when we have it, by the steady clock.
    pub kept_since: Timestamp,
    /// What it takes in memory once it is loaded.
    pub octets: u64,
}

/// An outbox row.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxRow {
    /// Rises by commit order, never used twice.
    pub seq: u64,
    /// The referral.
    pub event: ReferralEvent,
}

/// What is in the spool.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Summary {
    /// Mails in custody, parked ones included.
    pub entries: u64,
    /// Recipients that wait for their time.
    pub waiting: u64,
    /// Of them, those whose time has come.
    pub due: u64,
    /// Recipients being sent to.
    pub sending: u64,
    /// Recipients in doubt.
    pub in_doubt: u64,
    /// Recipients of damaged entries.
    pub parked: u64,
    /// Mails held for a word of HR.
    pub held: u64,
    /// Recipients that may get their mail twice.
    pub maybe_doubled: u64,
    /// When the oldest mail came.
    pub oldest_received_at: Option<Timestamp>,
    /// Outbox rows the store does not have yet.
    pub unposted: u64,
}

/// What opening the spool found and mended.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Recovered {
    /// Recipients that were being sent to, or in doubt, when the last run ended: they are due, and may be doubled.
    pub maybe_doubled: u64,
    /// Every entry with a recipient that may have it already, those from earlier runs included.
    pub possible_doubles: Vec<EntryId>,
    /// Body files without an entry, overwritten and removed.
    pub orphans: u64,
    /// Entries found damaged and parked.
    pub parked: Vec<EntryId>,
    /// How far the times of waiting mail were moved, because the clock was set back or far ahead since the last run.
    pub clock_moved: SignedDuration,
    /// Next hops for which no mail of a company is edited.
    pub edit_stops: Vec<EditStop>,
}

/// Limits of the spool; the defaults are those of `config/career-relay.toml`.
#[derive(Clone, Copy, Debug)]
pub struct SpoolOptions {
    /// Originals up to this many octets lie in the row, bigger ones in a file.
    pub inline_octets_max: usize,
    /// Disk space kept back, in octets, so that rows in flight land on a full disk.
    pub reserve_octets: u64,
    /// With less free space than this, in octets, no new mail is taken.
    pub free_octets_min: u64,
    /// Biggest `spool.db`, in octets, the reserve included; `None` leaves it to the disk.
    pub database_octets_max: Option<u64>,
    /// Batches that may wait for the writer; more wait at the door.
    pub batches_waiting_max: usize,
}

impl Default for SpoolOptions {
    fn default() -> Self {
        Self {
            inline_octets_max: 64 * 1024,
            reserve_octets: 8 * 1024 * 1024,
            free_octets_min: 64 * 1024 * 1024,
            database_octets_max: None,
            batches_waiting_max: 1024,
        }
    }
}

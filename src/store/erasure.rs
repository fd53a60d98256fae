//! Erasing persons: one who asks for it, and those whose time is over.

use jiff::Timestamp;
use rusqlite::Connection;

use super::Store;
use super::error::StoreError;
use super::posting;
use super::writer::Command;
use crate::ledger::KeepPersons;
use crate::ledger::chain::Hash;
use crate::referral::{CandidateKey, CompanyId};

/// Persons looked at in one commit, so that no mail waits long for its referral to be posted.
const PERSONS_LOOKED_AT: i64 = 2_000;

/// A person who is to be forgotten.
#[derive(Clone, Debug)]
pub struct ErasePerson {
    /// By which company.
    pub company: CompanyId,
    /// Under each of the company's keys.
    pub keys: Vec<CandidateKey>,
    /// Who does it.
    pub actor: String,
    /// Why, in a line.
    pub reason: String,
    /// Whether it is only told what would go.
    pub dry_run: bool,
}

/// Whom to erase.
#[derive(Clone, Debug)]
pub enum Erasure {
    /// A person.
    Person(Box<ErasePerson>),
    /// Those among the next rows behind this one whose time is over.
    Over {
        /// How long they are kept.
        keep: KeepPersons,
        /// The row; 0 to begin.
        behind: i64,
    },
}

/// What was erased.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Erased {
    /// The entry that says so, the last when there are several; 0 when nothing was written.
    pub entry: u64,
    /// When it was posted.
    pub at: Option<Timestamp>,
    /// The head of the chain behind it; zeros when many companies may be meant.
    pub head: Hash,
    /// Rows of persons: one, or one for each key the person was counted under.
    pub persons: u64,
    /// Pieces of evidence about them.
    pub evidence: u64,
    /// Referrals that were kept aside.
    pub kept_aside: u64,
    /// Until when a mark keeps the person from counting again; nothing when the window is over.
    pub marked_until: Option<Timestamp>,
    /// Where to go on looking for those whose time is over; 0 when all were looked at.
    pub next: i64,
}

impl Store {
    /// Erases a person: key, salt and evidence go, the chain stays whole, an entry says so in the same commit.
    ///
    /// # Errors
    /// When the company is unknown, the reason cannot be kept, or nothing was committed.
    pub async fn erase(&self, person: ErasePerson) -> Result<Erased, StoreError> {
        self.ask(|reply| Command::Erase(Erasure::Person(Box::new(person)), reply)).await
    }

    /// Looks at some persons behind a row, and erases those whose time is over.
    ///
    /// # Errors
    /// When nothing was committed.
    pub async fn erase_over(&self, keep: KeepPersons, behind: i64) -> Result<Erased, StoreError> {
        self.ask(|reply| Command::Erase(Erasure::Over { keep, behind }, reply)).await
    }
}

/// Erases whom it is asked to.
pub fn erase(connection: &Connection, erasure: &Erasure, now: Timestamp) -> Result<Erased, StoreError> {
    match erasure {
        Erasure::Person(person) => posting::erase_person(connection, person, now),
        Erasure::Over { keep, behind } => posting::erase_over(connection, *keep, (*behind, PERSONS_LOOKED_AT), now),
    }
}

/// Takes what was erased out of the write-ahead log as well. A reader that looks on keeps it there until the next time;
/// so does a full disk, and neither is a fault of the erasure.
pub fn wipe_log(connection: &Connection) {
    let wiped = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    if !matches!(wiped, Ok(0)) {
        tracing::debug!("the ledger's write-ahead log is emptied of what was erased at the next checkpoint");
    }
}

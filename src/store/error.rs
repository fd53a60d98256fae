//! What can go wrong with the store, told apart by what a caller has to do about it.

use rusqlite::ErrorCode;

use crate::ledger::redemption::SignatureFault;
use crate::ledger::{ActFault, DisputeFault, SlotFault};
use crate::pipeline::{Role, UserName};
use crate::referral::CompanyId;

/// Why nothing was committed, or nothing could be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StoreError {
    /// The file was written by a newer program; it is left as it is.
    #[error("ledger.db has schema {found}, this program knows {known}")]
    Newer {
        /// The schema version in the file.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// The store knows these keys or contract versions with another content.
    #[error("not as agreed before: {}", .0.join("; "))]
    Disagrees(Vec<String>),
    /// No such company.
    #[error("the ledger has no company {0}")]
    NoCompany(CompanyId),
    /// There is such a user already.
    #[error("there is a user {0} already")]
    UserKnown(UserName),
    /// No such user.
    #[error("there is no user {0}")]
    NoUser(UserName),
    /// Users of this role are there for all companies.
    #[error("a user with the role {} is not bound to a company", .0.code())]
    Unbound(Role),
    /// No such slot.
    #[error("there is no slot {cycle} in the series {series} of {company}: see career-relay slot list")]
    NoSlot {
        /// Whose it would be.
        company: CompanyId,
        /// The contract series.
        series: String,
        /// Its number.
        cycle: u32,
    },
    /// The act cannot be kept as it is.
    #[error("{0}")]
    BadAct(ActFault),
    /// The deed does not follow.
    #[error("slot {0}: {1}")]
    SlotRefused(u32, SlotFault),
    /// The contract lets no more be reserved now.
    #[error("{0} slots may be reserved in a quarter of the year by the contract (reserve_max), and so many are")]
    ReservedMax(u32),
    /// The signature under the use of a slot does not hold.
    #[error("slot {0}: {1}")]
    NotSigned(u32, SignatureFault),
    /// No credit that could be given back.
    #[error("entry {0} made no credit: only an entry with a worth of 1 can be reversed; see referral show")]
    NoCredit(u64),
    /// The credit was taken back before.
    #[error("the credit of entry {0} was taken back before, by entry {1}")]
    CreditGone(u64, u64),
    /// No such dispute.
    #[error("there is no dispute {0}: see career-relay dispute list")]
    NoDispute(u64),
    /// What is to be done to a dispute does not follow.
    #[error("{}{}", dispute_name(*.0), .1)]
    DisputeRefused(u64, DisputeFault),
    /// The company has several contract series, or none of this name.
    #[error("say which contract series is meant (--series): {}", .0.join(", "))]
    WhichSeries(Vec<String>),
    /// The slot stands on credits that somebody has to look at first.
    #[error(
        "slot {cycle} stands on credits under review: {}. See `career-relay signals --company {company}`; when \
         somebody has looked and all is in order, `career-relay signals clear NAME --company {company} --reason …` \
         lets it be redeemed",
        .names.join(", ")
    )]
    InReview {
        /// Whose it is.
        company: CompanyId,
        /// Its number.
        cycle: u32,
        /// The codes of the open signals.
        names: Vec<&'static str>,
    },
    /// Nothing to clear.
    #[error("{company} has no open signal {name}: see career-relay signals --company {company}")]
    NoSignal {
        /// Whose it would be.
        company: CompanyId,
        /// Its code.
        name: &'static str,
    },
    /// A row cannot be read as what it should be: `verify` says more.
    #[error("damaged row: {0}")]
    Damaged(String),
    /// The database says that its file is no longer what it wrote. It is left as it is.
    #[error(
        "ledger.db is damaged ({0}); it is left as it is, and referrals wait in the outbox: stop the server and bring \
         a copy back with `ledger restore`"
    )]
    Corrupt(String),
    /// The database failed; the same call may be made again.
    #[error("ledger.db: {0}")]
    Database(String),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether the command itself is at fault: it wrote nothing, and what waits with it is committed all the same.
    pub(super) fn is_of_command(&self) -> bool {
        matches!(
            self,
            Self::Disagrees(_)
                | Self::NoCompany(_)
                | Self::UserKnown(_)
                | Self::NoUser(_)
                | Self::Unbound(_)
                | Self::NoSlot { .. }
                | Self::BadAct(_)
                | Self::SlotRefused(..)
                | Self::ReservedMax(_)
                | Self::NotSigned(..)
                | Self::NoCredit(_)
                | Self::CreditGone(..)
                | Self::NoDispute(_)
                | Self::DisputeRefused(..)
                | Self::WhichSeries(_)
                | Self::InReview { .. }
                | Self::NoSignal { .. }
        )
    }
}

/// One that is not opened yet has no name.
fn dispute_name(id: u64) -> String {
    if id == 0 { String::new() } else { format!("dispute {id}: ") }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(error.to_string()),
            _ => Self::Database(error.to_string()),
        }
    }
}

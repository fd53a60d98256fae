//! What can go wrong with the store, told apart by what a caller has to do about it.

use rusqlite::ErrorCode;

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
            Self::Disagrees(_) | Self::NoCompany(_) | Self::UserKnown(_) | Self::NoUser(_) | Self::Unbound(_)
        )
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(error.to_string()),
            _ => Self::Database(error.to_string()),
        }
    }
}

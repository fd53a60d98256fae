//! What can go wrong with the spool, told apart by what a caller has to do about it.

use super::types::EntryId;

/// Why nothing of a batch was committed, or nothing could be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SpoolError {
    /// The disk is full, or has less room than the floor allows for new mail: answer 4xx, try again later.
    #[error("no space for the spool")]
    NoSpace,
    /// A write or a sync failed; the spool takes nothing any more until the process has started anew.
    #[error("the spool has failed: {0}")]
    Failed(String),
    /// The spool was closed before the batch was taken.
    #[error("the spool is closed")]
    Closed,
    /// Another process holds `spool.db`: try again later.
    #[error("another process holds the spool")]
    Busy,
    /// The batch contradicts what is there: an entry stored twice, or one settled that is not there.
    #[error("the batch contradicts the spool: {0}")]
    Conflict(String),
    /// The entry cannot be read back as it was written; it has been parked, and is not offered any more.
    #[error("entry {0} is damaged and was parked")]
    Damaged(EntryId),
    /// The file was written by a newer program.
    #[error("spool.db has schema {found}, this program knows {known}")]
    Newer {
        /// The schema version in the file.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// Reading or opening failed.
    #[error("cannot read the spool: {0}")]
    Read(String),
}

//! Evidence of what became of mail that others have: from reports at our own return paths, from the logs of MTAs that
//! have mail from the milter, and from delivery reports handed in.
//!
//! Evidence is never guessed. Which mail a report at a return path is about is said by the tag it came to; which one a
//! line of a log is about, by the queue id in its place and the recipient together.

mod follow;
mod handed_in;
mod judge;
pub mod log;
mod reports;
mod tail;

pub use follow::{Around, Confirm, IsHim};
pub use handed_in::{HandedIn, Matched, take};
pub use reports::{evidence, evidence_of};

//! Evidence of what became of mail that was accepted: so far from reports at our own return paths.
//!
//! Evidence is never guessed. Which mail a report is about is said by the tag it came to, and by nothing in the report.

mod reports;

pub use reports::evidence;

//! Asking the pipeline so that nothing of ours can stop a mail: a panic, an overload or a wrong answer is `untouched`.

use crate::pipeline::{INTERNAL_ERROR, Outcome};
use crate::sys::turns::{NoResult, Turns};

/// Decides on mails.
#[derive(Default)]
pub(super) struct Judge(Turns);

/// Reasons of ours for leaving a mail untouched.
const OVERLOADED: &str = "overloaded";
pub(super) const OUTBOX_UNAVAILABLE: &str = "outbox_unavailable";
/// A mail of a company for which `career-relay off` was said.
pub(super) const SWITCHED_OFF: &str = "switched_off";
pub(super) const EDITING_STOPPED: &str = "editing_stopped";
/// A doubtful mail that passes because as many are held as may be.
pub(super) const HOLD_FULL: &str = "hold_full";
/// A doubtful mail that passes because the spool could not take it.
pub(super) const HOLD_UNAVAILABLE: &str = "hold_unavailable";

impl Judge {
    /// What `process` says of a message of so many octets, or why it could not say anything.
    pub(super) async fn ask<F>(&self, octets: usize, process: F) -> Result<Outcome, &'static str>
    where
        F: FnOnce() -> Outcome + Send + 'static,
    {
        self.0.take(octets, process).await.map_err(|why| match why {
            NoResult::Panicked => INTERNAL_ERROR,
            NoResult::Overloaded => OVERLOADED,
        })
    }
}

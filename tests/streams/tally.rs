//! How many streams ended in which way, kept on disk so that a long run can be stopped and resumed.

use std::fmt;
use std::path::Path;

use crate::record;
use crate::reference::End;

/// The counts of a run. A difference ends it, so there is none to count.
#[derive(Default)]
pub struct Tally {
    pub streams: u64,
    pub messages: u64,
    pub refused: u64,
    pub open: u64,
}

impl Tally {
    /// The counts noted in this file, or none yet.
    pub fn resume(state: &Path) -> Self {
        let [streams, messages, refused, open] = record::resume(state);
        Self { streams, messages, refused, open }
    }

    pub fn count(&mut self, end: &End) {
        match end {
            End::Message { .. } => self.messages += 1,
            End::Refused(_) => self.refused += 1,
            End::Open => self.open += 1,
        }
    }

    pub fn note(&self, state: &Path) {
        let Self { streams, messages, refused, open } = self;
        record::note(state, &[streams, messages, refused, open]);
    }

    /// Replaces the last result of this run in the table of long runs.
    pub fn report(&self, table: &Path) {
        record::report(table, "make long-streams", &format!("{self}, differences 0"));
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { streams, messages, refused, open } = self;
        write!(f, "streams {streams}, messages {messages}, refused {refused}, without end {open}")
    }
}

//! How many mails ended in which way, kept on disk so that a long run can be stopped and resumed.

use std::fmt;
use std::path::Path;

use crate::record;

/// The counts of a run. A mail that is neither the same nor a splice ends it, so there is none to count.
#[derive(Default)]
pub struct Tally {
    pub cases: u32,
    pub spliced: u32,
    pub untouched: u32,
    pub referred: u32,
}

/// What became of one mail.
#[derive(Clone, Copy)]
pub struct Seen {
    /// Whether a line could be put behind the line that was chosen.
    pub spliced: bool,
    /// Whether the whole pipeline called it a rejection and gave it the line.
    pub referred: bool,
}

impl Tally {
    /// The counts noted in this file, or none yet.
    pub fn resume(state: &Path) -> Self {
        let [cases, spliced, untouched, referred] = record::resume(state);
        Self { cases, spliced, untouched, referred }
    }

    pub fn count(&mut self, seen: Seen) {
        self.spliced += u32::from(seen.spliced);
        self.untouched += u32::from(!seen.spliced);
        self.referred += u32::from(seen.referred);
    }

    pub fn note(&self, state: &Path) {
        let Self { cases, spliced, untouched, referred } = self;
        record::note(state, &[cases, spliced, untouched, referred]);
    }

    /// Replaces the last result of this run in the table of long runs.
    pub fn report(&self, table: &Path) {
        record::report(table, "make long-splice", &format!("{self}, neither 0"));
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cases, spliced, untouched, referred } = self;
        write!(f, "mails {cases}: spliced {spliced}, untouched {untouched}; referred by the whole pipeline {referred}")
    }
}

//! How many mails ended in which way, kept on disk so that a long run can be stopped and resumed.

use std::fmt;
use std::fs;
use std::path::Path;

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
        let text = fs::read_to_string(state).unwrap_or_default();
        let mut numbers = text.split_whitespace().map(|n| n.parse().expect("a state file of this run"));
        let mut next = || numbers.next().unwrap_or(0);
        Self { cases: next(), spliced: next(), untouched: next(), referred: next() }
    }

    pub fn count(&mut self, seen: Seen) {
        self.spliced += u32::from(seen.spliced);
        self.untouched += u32::from(!seen.spliced);
        self.referred += u32::from(seen.referred);
    }

    pub fn note(&self, state: &Path) {
        let Self { cases, spliced, untouched, referred } = self;
        let new = state.with_extension("new");
        fs::write(&new, format!("{cases} {spliced} {untouched} {referred}\n")).expect("a state file can be written");
        fs::rename(&new, state).expect("a state file can be renamed");
    }

    /// Replaces the last result of this run in the table of long runs.
    pub fn report(&self, table: &Path) {
        let name = "| `make long-splice` |";
        let today = jiff::Timestamp::now().strftime("%Y-%m-%d");
        let text = fs::read_to_string(table).expect("the table of long runs");
        let mut rows: Vec<&str> = text.lines().filter(|row| !row.starts_with(name)).collect();
        let row = format!("{name} {today} | {self}, neither 0 |");
        rows.push(&row);
        fs::write(table, rows.join("\n") + "\n").expect("the table of long runs");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cases, spliced, untouched, referred } = self;
        write!(f, "mails {cases}: spliced {spliced}, untouched {untouched}; referred by the whole pipeline {referred}")
    }
}

//! How many streams ended in which way, kept on disk so that a long run can be stopped and resumed.

use std::fmt;
use std::fs;
use std::path::Path;

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
        let text = fs::read_to_string(state).unwrap_or_default();
        let mut numbers = text.split_whitespace().map(|n| n.parse().expect("a state file of this run"));
        let mut next = || numbers.next().unwrap_or(0);
        Self { streams: next(), messages: next(), refused: next(), open: next() }
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
        let new = state.with_extension("new");
        fs::write(&new, format!("{streams} {messages} {refused} {open}\n")).expect("a state file can be written");
        fs::rename(&new, state).expect("a state file can be renamed");
    }

    /// Replaces the last result of this run in the table of long runs.
    pub fn report(&self, table: &Path) {
        let name = "| `make long-streams` |";
        let today = jiff::Timestamp::now().strftime("%Y-%m-%d");
        let text = fs::read_to_string(table).expect("the table of long runs");
        let mut rows: Vec<&str> = text.lines().filter(|row| !row.starts_with(name)).collect();
        let row = format!("{name} {today} | {self}, differences 0 |");
        rows.push(&row);
        fs::write(table, rows.join("\n") + "\n").expect("the table of long runs");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { streams, messages, refused, open } = self;
        write!(f, "streams {streams}, messages {messages}, refused {refused}, without end {open}")
    }
}

//! The counts of a long run on disk: it can be stopped and goes on, and its result is a row of a table.

use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::str::FromStr;

/// The counts noted in this file, or none yet.
pub fn resume<T: FromStr + Default + Copy, const N: usize>(state: &Path) -> [T; N] {
    let text = fs::read_to_string(state).unwrap_or_default();
    let mut counts = [T::default(); N];
    for (count, noted) in counts.iter_mut().zip(text.split_whitespace()) {
        *count = noted.parse().ok().expect("a state file of this run");
    }
    counts
}

/// Notes the counts.
pub fn note<T: Display>(state: &Path, counts: &[T]) {
    let counts: Vec<String> = counts.iter().map(ToString::to_string).collect();
    let new = state.with_extension("new");
    fs::write(&new, counts.join(" ") + "\n").expect("a state file can be written");
    fs::rename(&new, state).expect("a state file can be renamed");
}

/// Replaces the last result of a run in the table of long runs.
pub fn report(table: &Path, command: &str, result: &str) {
    let name = format!("| `{command}` |");
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d");
    let text = fs::read_to_string(table).expect("the table of long runs");
    let mut rows: Vec<&str> = text.lines().filter(|row| !row.starts_with(&name)).collect();
    let row = format!("{name} {today} | {result} |");
    rows.push(&row);
    fs::write(table, rows.join("\n") + "\n").expect("the table of long runs");
}

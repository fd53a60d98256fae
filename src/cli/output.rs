//! Tables for people, JSON for programs, and the exit codes of both.

use std::io::{self, Write};
use std::process::ExitCode;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use jiff::{SignedDuration, Timestamp};

/// How a command ended, beside what it printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// All is well: exit code 0.
    Well,
    /// Something is wrong, and was said: exit code 1.
    Wrong,
}

impl From<End> for ExitCode {
    fn from(end: End) -> Self {
        match end {
            End::Well => Self::SUCCESS,
            End::Wrong => Self::FAILURE,
        }
    }
}

/// What is said with `()` is well.
impl From<()> for End {
    fn from((): ()) -> Self {
        Self::Well
    }
}

/// What a command came to: how it ended, or a sentence for the admin. The inner error is that of the output.
pub type Done<T = End> = Result<io::Result<T>, String>;

/// Says what was not to be done.
///
/// # Errors
/// When the reader of the output is gone.
pub fn conclude<T: Into<End>>(done: Done<T>, out: &mut dyn Write) -> io::Result<End> {
    match done {
        Ok(written) => written.map(Into::into),
        Err(why) => writeln!(out, "{why}").map(|()| End::Wrong),
    }
}

/// A table without frames, which `grep` and `awk` read as well as people do.
pub fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.to_vec());
    rows.into_iter().for_each(|row| {
        table.add_row(row);
    });
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    table
}

/// Sets a table's columns of numbers to the right.
pub fn align_right(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// Writes a table, without blanks at the ends of its lines.
///
/// # Errors
/// When the reader is gone.
pub fn print_table(out: &mut dyn Write, table: &Table) -> io::Result<()> {
    table.to_string().lines().try_for_each(|line| writeln!(out, "{}", line.trim_end()))
}

/// Writes JSON, indented, with a line end.
///
/// # Errors
/// When the reader is gone.
pub fn print_json(out: &mut dyn Write, value: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// A span of time at a glance: `12s`, `34m`, `5h`, `6d`.
pub fn span(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// How long ago a time in RFC 3339 was; the text itself when it is none.
pub fn since(at: &str, now: Timestamp) -> String {
    at.parse().map_or_else(|_| at.to_owned(), |at: Timestamp| span(now.duration_since(at)))
}

/// How long it is until a time in RFC 3339; `due` when it has come.
pub fn until(at: &str, now: Timestamp) -> String {
    let until =
        |at: Timestamp| if at <= now { "due".to_owned() } else { format!("in {}", span(at.duration_since(now))) };
    at.parse().map_or_else(|_| at.to_owned(), until)
}

/// A count with its noun.
pub fn counted(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

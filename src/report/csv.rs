//! A statement as CSV that spreadsheets open as it is: UTF-8 with BOM, CRLF, and no cell that runs as a formula.

use std::fmt::Write;

use super::labels::Labels;
use super::rows::{rows, statement_checksum};
use crate::ledger::Statement;

/// The statement as CSV: series, item code, label, value, time; the checksum in the last row. It is not of the open
/// signals in front of it, which go when a person is erased.
pub fn csv(statement: &Statement, labels: &Labels) -> String {
    let mut out = String::from("\u{feff}");
    csv_row(&mut out, &["series", "item", "label", "value", "at"]);
    for row in rows(statement, labels) {
        csv_row(&mut out, &[&row.series, &row.item, row.label, &row.value, &row.at]);
    }
    csv_row(&mut out, &["", "open_signals", labels.open_signals, &statement.open_signals.to_string(), ""]);
    csv_row(&mut out, &["", "checksum", labels.checksum, &statement_checksum(statement), ""]);
    out
}

/// Adds a row: each cell quoted where it must be, and none that runs as a formula.
pub fn csv_row(out: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    // Writing to a text cannot fail.
    let _ = write!(out, "{}\r\n", cells.join(","));
}

/// Quotes a cell where it must be. What a spreadsheet would take for a formula gets an apostrophe in front, except a
/// plain number.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<i64>().is_err();
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_runs_and_no_cell_breaks_out() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("-kaede", "'-kaede"),
            ("-3", "-3"),
            ("a,b", "\"a,b\""),
            ("@x\"y\r\n", "\"'@x\"\"y\r\n\""),
            ("枠", "枠"),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }
}

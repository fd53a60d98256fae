//! A report as a sheet: what spreadsheet programs open as it is.

use super::rows::{COLUMNS, Row, rows};
use super::words::Words;
use super::{Contribution, Key};
use crate::report::csv_row;

/// The sheet, with the labels of a language.
pub fn csv(report: &Contribution, language: &str) -> String {
    let words = Words::of(language);
    let mut out = String::from("\u{feff}");
    put(&mut out, "item", "label", COLUMNS);
    for row in rows(report) {
        put(&mut out, &row.item, label(words, &row), row.cells.each_ref().map(String::as_str));
    }
    put(&mut out, "checksum", words.checksum, [&report.checksum(), "", "", "", "", ""]);
    out
}

fn put(out: &mut String, item: &str, label: &str, cells: [&str; 6]) {
    let [value, state, n, unit, source, proof] = cells;
    csv_row(out, &[item, label, value, state, n, unit, source, proof]);
}

/// What a row is called.
pub(super) fn label(words: &Words, row: &Row) -> &'static str {
    Key::parse(&row.item).map_or_else(|| words.fact(&row.item), |key| words.key(key))
}

/// The cells of a sheet, row by row, without what was put in front of formulas; nothing when quotes do not fit.
pub(super) fn cells(text: &str) -> Option<Vec<Vec<String>>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quoted) {
            ('"', true) if chars.peek() == Some(&'"') => cell.extend(chars.next()),
            ('"', true) => quoted = false,
            ('"', false) if cell.is_empty() => quoted = true,
            (',', false) => row.push(plain(&std::mem::take(&mut cell))),
            ('\r', false) if chars.peek() == Some(&'\n') => {}
            ('\n', false) => {
                row.push(plain(&std::mem::take(&mut cell)));
                rows.push(std::mem::take(&mut row));
            }
            (c, _) => cell.push(c),
        }
    }
    if !row.is_empty() || !cell.is_empty() {
        row.push(plain(&cell));
        rows.push(row);
    }
    (!quoted).then_some(rows)
}

fn plain(cell: &str) -> String {
    let guarded = cell.strip_prefix('\'').filter(|rest| rest.starts_with(['=', '+', '-', '@', '\t', '\r']));
    guarded.unwrap_or(cell).to_owned()
}

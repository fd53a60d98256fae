//! A statement as CSV that spreadsheets open as it is: UTF-8 with BOM, CRLF, and no cell that runs as a formula.

use std::fmt::Write;

use super::labels::Labels;
use crate::ledger::{Kind, Pool, PoolStatement, Statement};

/// The statement as CSV: series, item code, label, value, time.
pub fn csv(statement: &Statement, labels: &Labels) -> String {
    let mut out = String::from("\u{feff}");
    row(&mut out, ["series", "item", "label", "value", "at"]);
    row(&mut out, ["", "company", labels.title, statement.company.as_str(), ""]);
    row(&mut out, ["", "from", labels.period, "", &statement.from.to_string()]);
    row(&mut out, ["", "until", labels.period, "", &statement.until.to_string()]);
    for (series, pool) in &statement.pools {
        pool_rows(&mut out, series, pool, labels);
    }
    row(&mut out, ["", "held_back_by_signature", labels.held_back, &statement.held_back.to_string(), ""]);
    row(&mut out, ["", "open_signals", labels.open_signals, &statement.open_signals.to_string(), ""]);
    row(&mut out, ["", "entries", labels.chain, &statement.seq.to_string(), ""]);
    row(&mut out, ["", "head", labels.chain, &statement.head_text(), ""]);
    out
}

fn pool_rows(out: &mut String, series: &str, pool: &PoolStatement, labels: &Labels) {
    row(out, [series, "threshold", labels.toward, &pool.threshold.to_string(), ""]);
    balance_rows(out, series, "opening", (labels.opening, &pool.opening));
    for kind in Kind::ALL {
        let count = pool.entries.get(&kind).copied().unwrap_or(0);
        row(out, [series, kind.code(), labels.kind(kind), &count.to_string(), ""]);
    }
    for (slot, _, at) in &pool.grants {
        row(out, [series, "slot", labels.slot, &slot.to_string(), &at.to_string()]);
    }
    let counted = pool.closing.counted.saturating_sub(pool.opening.counted);
    row(out, [series, "counted", labels.counted, &counted.to_string(), ""]);
    row(out, [series, "taken_back", labels.taken_back, &pool.taken_back.to_string(), ""]);
    balance_rows(out, series, "closing", (labels.closing, &pool.closing));
}

fn balance_rows(out: &mut String, series: &str, item: &str, (label, pool): (&str, &Pool)) {
    for (part, value) in [("toward", pool.toward.to_string()), ("slots", pool.cycles.to_string())] {
        row(out, [series, &format!("{item}_{part}"), label, &value, ""]);
    }
}

fn row(out: &mut String, cells: [&str; 5]) {
    csv_row(out, &cells);
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

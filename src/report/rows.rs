//! A statement as rows of plain text: what its forms are written from, and what its checksum is of.

use super::labels::Labels;
use crate::ledger::{Kind, Pool, PoolStatement, Statement, checksum};

/// The first line of the record, which says what the rest is.
const RECORD: &str = "career-relay statement 1";

/// One thing a statement says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Row {
    /// The contract series; empty for what is of none.
    pub(super) series: String,
    /// The stable code of what it is.
    pub(super) item: String,
    /// What it is called.
    pub(super) label: &'static str,
    /// The value.
    pub(super) value: String,
    /// When it happened, RFC 3339; empty where it did not at one time.
    pub(super) at: String,
}

/// The checksum that stands in every form of a statement: SHA-256 of the record, in hexadecimal.
pub fn statement_checksum(statement: &Statement) -> String {
    let line = |row: &Row| format!("{}\t{}\t{}\t{}\n", row.series, row.item, row.value, row.at);
    let lines: String = rows(statement, &Labels::en()).iter().map(line).collect();
    checksum(&format!("{RECORD}\n{lines}"))
}

/// Everything a statement says, in order, with the labels of a language.
pub(super) fn rows(statement: &Statement, labels: &Labels) -> Vec<Row> {
    let mut rows = vec![
        row("", "company", labels.title, &statement.company),
        timed("", "from", labels.period, (String::new(), statement.from.to_string())),
        timed("", "until", labels.period, (String::new(), statement.until.to_string())),
    ];
    for (series, pool) in &statement.pools {
        rows.extend(pool_rows((series, statement.waiting(series)), pool, labels));
    }
    rows.extend(contract_rows(statement, labels));
    rows.push(row("", "excluded", labels.excluded, &statement.excluded));
    rows.push(row("", "held_back_by_signature", labels.held_back, &statement.held_back));
    rows.push(row("", "entries", labels.chain, &statement.seq));
    rows.push(row("", "head", labels.chain, &statement.head_text()));
    rows
}

/// `contract_N` is `signed` or `unsigned`; each signature has a row with its key and since when it is known.
fn contract_rows(statement: &Statement, labels: &Labels) -> Vec<Row> {
    let mut rows = Vec::new();
    for (series, versions) in &statement.contracts {
        for (version, state) in versions {
            let item = format!("contract_{version}");
            let signed = if state.signed.is_empty() { "unsigned" } else { "signed" };
            rows.push(row(series, &item, labels.contract, &signed));
            for by in &state.signed {
                let item = format!("{item}_signed_by");
                rows.push(timed(series, &item, labels.signed, (by.key.to_string(), by.at.to_string())));
            }
        }
    }
    rows
}

fn pool_rows((series, waiting): (&str, u64), pool: &PoolStatement, labels: &Labels) -> Vec<Row> {
    let mut rows = vec![row(series, "threshold", labels.toward, &pool.threshold)];
    rows.extend(balance_rows(series, "opening", labels.opening, &pool.opening));
    for kind in Kind::ALL {
        rows.push(row(series, kind.code(), labels.kind(kind), &pool.shown_text(kind)));
    }
    for (slot, price, at) in &pool.grants {
        rows.push(timed(series, "slot", labels.slot, (slot.to_string(), at.to_string())));
        rows.push(row(series, "slot_credits", labels.slot_credits, price));
    }
    rows.extend(redemption_rows(series, pool, labels));
    rows.push(row(series, "counted", labels.counted, &pool.closing.counted.saturating_sub(pool.opening.counted)));
    rows.push(row(series, "counted_presumed", labels.counted_presumed, &pool.presumed));
    rows.push(row(series, "taken_back", labels.taken_back, &pool.taken_back));
    rows.push(row(series, "corrected", labels.corrected, &pool.corrected));
    rows.push(row(series, "credits_lapsed", labels.lapsed, &pool.lapsed));
    rows.extend(balance_rows(series, "closing", labels.closing, &pool.closing));
    rows.push(row(series, "waiting", labels.waiting, &waiting));
    rows
}

/// `redeemed_N` is `signed` or `unsigned` for slot N, with the time of its use; each signature has a row with its key.
fn redemption_rows(series: &str, pool: &PoolStatement, labels: &Labels) -> Vec<Row> {
    let mut rows = Vec::new();
    for (slot, of) in &pool.redemptions {
        let item = format!("redeemed_{slot}");
        let signed = if of.signed.is_empty() { "unsigned" } else { "signed" };
        rows.push(timed(series, &item, labels.redeemed, (signed.to_owned(), of.at.to_string())));
        for by in &of.signed {
            let key = by.key.map_or_else(String::new, |key| key.to_string());
            rows.push(timed(series, &format!("{item}_signed_by"), labels.signed, (key, by.at.to_string())));
        }
    }
    rows
}

fn balance_rows(series: &str, item: &str, label: &'static str, pool: &Pool) -> [Row; 3] {
    let part = |part: &str, value: String| row(series, &format!("{item}_{part}"), label, &value);
    [
        part("counted", pool.counted.to_string()),
        part("toward", pool.toward.to_string()),
        part("slots", pool.cycles.to_string()),
    ]
}

fn row(series: &str, item: &str, label: &'static str, value: &impl ToString) -> Row {
    timed(series, item, label, (value.to_string(), String::new()))
}

fn timed(series: &str, item: &str, label: &'static str, (value, at): (String, String)) -> Row {
    Row { series: series.to_owned(), item: item.to_owned(), label, value, at }
}

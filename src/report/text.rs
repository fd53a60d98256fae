//! A statement as a text table for a terminal or a plain mail.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::labels::Labels;
use super::rows::statement_checksum;
use crate::ledger::statement::SignedEntry;
use crate::ledger::{Kind, Pool, PoolStatement, Statement};

/// Columns the labels take on a screen.
const LABEL_COLUMNS: usize = 38;

/// The statement as text; times are shown in `zone`.
pub fn text(statement: &Statement, labels: &Labels, zone: &TimeZone) -> String {
    let mut out = String::new();
    line(&mut out, "", labels.title, statement.company.as_str());
    let (from, until) = (minute(statement.from, zone), minute(statement.until, zone));
    line(&mut out, "", labels.period, &format!("{from} .. {until}"));
    if statement.pools.is_empty() {
        line(&mut out, "", labels.nothing, "");
    }
    for (series, pool) in &statement.pools {
        out.push('\n');
        line(&mut out, "", labels.series, series);
        pool_lines(&mut out, pool, labels, zone);
        line(&mut out, "  ", labels.waiting, &statement.waiting(series).to_string());
    }
    if !statement.contracts.is_empty() {
        out.push('\n');
        contract_lines(&mut out, statement, labels, zone);
    }
    if statement.excluded > 0 {
        line(&mut out, "", labels.excluded, &statement.excluded.to_string());
    }
    if statement.held_back > 0 {
        out.push('\n');
        line(&mut out, "", labels.held_back, &statement.held_back.to_string());
        line(&mut out, "  ", labels.held_back_remedy, "");
    }
    if statement.open_signals > 0 {
        out.push('\n');
        line(&mut out, "", labels.open_signals, &statement.open_signals.to_string());
    }
    out.push('\n');
    let head = format!("{} {}", statement.seq, statement.head_text());
    line(&mut out, "", labels.chain, &head);
    line(&mut out, "", labels.checksum, &statement_checksum(statement));
    out
}

fn contract_lines(out: &mut String, statement: &Statement, labels: &Labels, zone: &TimeZone) {
    for (series, versions) in &statement.contracts {
        for (version, state) in versions {
            let label = format!("{} {series} {version}", labels.contract);
            if state.signed.is_empty() {
                line(out, "", &label, labels.unsigned);
            }
            for by in &state.signed {
                line(out, "", &label, &format!("{} ({}, {})", labels.signed, by.key.id(), minute(by.at, zone)));
            }
        }
    }
}

fn pool_lines(out: &mut String, pool: &PoolStatement, labels: &Labels, zone: &TimeZone) {
    balance_lines(out, labels.opening, &pool.opening, pool.threshold, labels);
    for kind in Kind::ALL {
        line(out, "  ", labels.kind(kind), &pool.shown_text(kind));
    }
    for (cycle, price, at) in &pool.grants {
        let label = format!("{} {cycle}", labels.slot);
        line(out, "    ", &label, &format!("{} (-{price})", minute(*at, zone)));
    }
    for (slot, of) in &pool.redemptions {
        let (label, at) = (format!("{} {slot}", labels.redeemed), minute(of.at, zone));
        line(out, "    ", &label, &format!("{at} {}", said(&of.signed, labels)));
    }
    let counted = pool.closing.counted.saturating_sub(pool.opening.counted);
    line(out, "  ", labels.counted, &counted.to_string());
    if pool.presumed > 0 {
        line(out, "    ", labels.counted_presumed, &pool.presumed.to_string());
    }
    if pool.taken_back > 0 {
        line(out, "  ", labels.taken_back, &pool.taken_back.to_string());
    }
    if pool.corrected != 0 {
        line(out, "  ", labels.corrected, &pool.corrected.to_string());
    }
    if pool.lapsed > 0 {
        line(out, "  ", labels.lapsed, &pool.lapsed.to_string());
    }
    balance_lines(out, labels.closing, &pool.closing, pool.threshold, labels);
}

/// Whether the use of a slot is agreed, and by whose keys.
pub(super) fn said(signed: &[SignedEntry], labels: &Labels) -> String {
    let keys: Vec<String> = signed.iter().filter_map(|by| Some(by.key?.id())).collect();
    match (signed.is_empty(), keys.is_empty()) {
        (true, _) => labels.unsigned.to_owned(),
        (false, true) => labels.signed.to_owned(),
        (false, false) => format!("{} ({})", labels.signed, keys.join(", ")),
    }
}

fn balance_lines(out: &mut String, name: &str, pool: &Pool, threshold: u32, labels: &Labels) {
    line(out, "  ", name, "");
    line(out, "    ", labels.toward, &format!("{} / {threshold}", pool.toward));
    line(out, "    ", labels.slots, &pool.cycles.to_string());
}

/// One line: the value begins at the same column of a screen, whatever the label's script.
pub(super) fn line(out: &mut String, indent: &str, label: &str, value: &str) {
    let used = indent.len() + columns(label);
    let gap = if value.is_empty() { 0 } else { LABEL_COLUMNS.saturating_sub(used).max(1) };
    // Writing to a text cannot fail.
    let _ = writeln!(out, "{indent}{label}{:gap$}{value}", "");
}

/// Columns on a screen: the scripts of Japanese take two for each character.
fn columns(text: &str) -> usize {
    let wide = |c: char| matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{d7a3}' | '\u{ff01}'..='\u{ff60}');
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

fn minute(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

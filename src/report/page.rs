//! A statement as a page that prints on A4.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::labels::Labels;
use super::markup::{escape, grouped};
use super::paper::{Cell, Grid, paper};
use super::rows::statement_checksum;
use super::text::said;
use crate::ledger::{Kind, PoolStatement, Statement};

/// The page, with times in `zone`.
pub fn page(statement: &Statement, labels: &Labels, zone: &TimeZone) -> String {
    let (from, until) = (minute(statement.from, zone), minute(statement.until, zone));
    let company = escape(statement.company.as_str());
    let mut body = format!(
        "<header>\n<h1>{}</h1>\n<p class=\"who\">{company}</p>\n<p>{}: {from} – {until}</p>\n</header>\n",
        labels.title, labels.period
    );
    if statement.pools.is_empty() {
        let _ = writeln!(body, "<p>{}</p>", labels.nothing);
    }
    for (series, pool) in &statement.pools {
        let _ = writeln!(body, "<section>\n<h2>{}: {}</h2>", labels.series, escape(series));
        body.push_str(&credits(pool, statement.waiting(series), labels));
        body.push_str(&slots(pool, labels, zone));
        body.push_str(&entries(pool, labels));
        body.push_str("</section>\n");
    }
    body.push_str(&agreed(statement, labels, zone));
    let _ = write!(
        body,
        "<section>\n<h2>{}</h2>\n<p>{}: {}</p>\n<p>{}: {}</p>\n<p class=\"faint\">{}</p>\n\
         <p>{}: {}</p>\n</section>\n\
         <section>\n<h2>{}</h2>\n<dl class=\"head\">\n<dt>{}</dt>\n<dd>{}<br><code>{}</code></dd>\n<dt>{}</dt>\n\
         <dd><code id=\"checksum\">{}</code></dd>\n</dl>\n</section>\n",
        labels.beside,
        labels.excluded,
        grouped(statement.excluded),
        labels.held_back,
        grouped(statement.held_back),
        labels.held_back_remedy,
        labels.open_signals,
        grouped(statement.open_signals),
        labels.proof,
        labels.chain,
        statement.seq,
        statement.head_text(),
        labels.checksum,
        statement_checksum(statement),
    );
    paper(labels.language, &format!("{} – {}", labels.title, statement.company), &body)
}

/// The contract versions and the uses of slots, and whether the operator has signed each.
fn agreed(statement: &Statement, labels: &Labels, zone: &TimeZone) -> String {
    let mut lines = Vec::new();
    for (series, versions) in &statement.contracts {
        for (version, state) in versions {
            let keys: Vec<String> = state.signed.iter().map(|by| by.key.id()).collect();
            let said = if keys.is_empty() {
                labels.unsigned.to_owned()
            } else {
                format!("{} ({})", labels.signed, keys.join(", "))
            };
            lines.push(format!("{} {} {version}: {said}", labels.contract, escape(series)));
        }
    }
    for (series, pool) in &statement.pools {
        for (slot, of) in &pool.redemptions {
            let (at, said) = (minute(of.at, zone), said(&of.signed, labels));
            lines.push(format!("{} {} {slot} ({at}): {said}", labels.redeemed, escape(series)));
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    let items = lines.join("</p>\n<p>");
    format!("<section>\n<h2>{}</h2>\n<p>{items}</p>\n</section>\n", labels.agreed)
}

/// From what was there before to what is there after; what only may become a credit stands below it.
fn credits(pool: &PoolStatement, waiting: u64, labels: &Labels) -> String {
    let mut grid = Grid::new(labels.credits_caption, &[Cell::Text(labels.item), Cell::Number(labels.value)]);
    let counted = pool.closing.counted.saturating_sub(pool.opening.counted);
    let spent: i64 = pool.grants.iter().map(|(_, price, _)| *price).sum();
    let moved = pool.closing.toward - pool.opening.toward - signed(counted) + signed(pool.taken_back) + spent;
    let voided = moved - pool.corrected + signed(pool.lapsed);
    let of = |toward: i64| format!("{toward} / {}", pool.threshold);
    let mut row = |class: &str, label: &str, value: &str| grid.row(class, label, &[Cell::Number(value)]);
    row("sum", &format!("{}: {}", labels.opening, labels.toward), &of(pool.opening.toward));
    row("", labels.counted, &with_sign('+', counted));
    row("sub", labels.counted_presumed, &grouped(pool.presumed));
    row("", labels.taken_back, &with_sign('−', pool.taken_back));
    row("", labels.spent, &with_sign('−', spent.unsigned_abs()));
    if voided != 0 {
        row("", labels.given_back, &format!("+{voided}"));
    }
    if pool.corrected != 0 {
        let sign = if pool.corrected > 0 { '+' } else { '−' };
        row("", labels.corrected, &with_sign(sign, pool.corrected.unsigned_abs()));
    }
    if pool.lapsed > 0 {
        row("", labels.lapsed, &with_sign('−', pool.lapsed));
    }
    row("sum", &format!("{}: {}", labels.closing, labels.toward), &of(pool.closing.toward));
    row("", labels.waiting, &grouped(waiting));
    grid.finish()
}

/// What came and went; nothing is neither.
fn with_sign(sign: char, number: u64) -> String {
    if number == 0 { "0".to_owned() } else { format!("{sign}{}", grouped(number)) }
}

fn slots(pool: &PoolStatement, labels: &Labels, zone: &TimeZone) -> String {
    let heads = [Cell::Text(labels.slot), Cell::Text(labels.granted_at), Cell::Number(labels.slot_credits)];
    let mut grid = Grid::new(labels.slots_caption, &heads);
    for (slot, price, at) in &pool.grants {
        let (number, at, price) = (format!("{} {slot}", labels.slot), minute(*at, zone), price.to_string());
        grid.row("", &number, &[Cell::Text(&at), Cell::Number(&price)]);
    }
    let (opening, closing) = (pool.opening.cycles.to_string(), pool.closing.cycles.to_string());
    grid.row("", &format!("{}: {}", labels.opening, labels.slots), &[Cell::Text(""), Cell::Number(&opening)]);
    grid.row("sum", &format!("{}: {}", labels.closing, labels.slots), &[Cell::Text(""), Cell::Number(&closing)]);
    grid.finish()
}

fn entries(pool: &PoolStatement, labels: &Labels) -> String {
    let mut grid = Grid::new(labels.entries_caption, &[Cell::Text(labels.item), Cell::Number(labels.value)]);
    for kind in Kind::ALL {
        let count = pool.entries.get(&kind).copied().unwrap_or(0);
        grid.row("", labels.kind(kind), &[Cell::Number(&grouped(count))]);
    }
    grid.finish()
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn minute(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

//! The parts of a report's page that show figures.

use std::fmt::Write;

use super::figure::{Key, Source, Unit, Value};
use super::words::Words;
use super::{Contribution, Figure};
use crate::report::markup::{escape, grouped};
use crate::report::paper::{Cell, Grid};

/// What the head of the company asks first.
const HEADLINE: [Key; 4] = [Key::Offered, Key::Supported, Key::Reemployed, Key::CostRelieved];
/// The stages, each within the one before it; how the mail is proven to have arrived is set in.
const FUNNEL: [(Key, &str); 9] = [
    (Key::Offered, "sum"),
    (Key::Accepted, "sub"),
    (Key::Delivered, "sub"),
    (Key::Presumed, "sub"),
    (Key::Observed, "sub"),
    (Key::Registered, ""),
    (Key::Supported, ""),
    (Key::Reemployed, ""),
    (Key::Left, "sub"),
];

/// What is shown of a value.
pub(super) fn shown(value: Value, unit: Unit, words: &Words) -> String {
    match value {
        Value::Shown(number) => words.counted(&grouped(number), unit),
        Value::Withheld => words.withheld.to_owned(),
        Value::NotReported => words.not_reported.to_owned(),
    }
}

/// The n behind a figure, and what it is of; nothing where there is none.
fn basis(figure: &Figure, words: &Words) -> String {
    let Some(number) = figure.n.number().map(grouped) else { return String::new() };
    match (figure.key.unit(), words.is_japanese()) {
        (Unit::Yen, true) => format!("n = 採用枠 {number}<br>"),
        (Unit::Yen, false) => format!("n = {number} slots<br>"),
        _ => format!("n = {number}<br>"),
    }
}

fn cell(value: Value, text: &str) -> Cell<'_> {
    if value.number().is_some() { Cell::Number(text) } else { Cell::None(text) }
}

pub(super) fn headline(report: &Contribution, words: &Words) -> String {
    let mut out = "<dl class=\"figures\">\n".to_owned();
    for key in HEADLINE {
        let Some(figure) = report.figure(key) else { continue };
        let class = if figure.value.number().is_some() { "" } else { " class=\"none\"" };
        // Writing to a text cannot fail.
        let _ = writeln!(
            out,
            "<div class=\"figure\"><dt>{}</dt><dd{class}>{}</dd><dd>{}{}</dd></div>",
            escape(words.key(key)),
            escape(&shown(figure.value, key.unit(), words)),
            basis(figure, words),
            escape(words.said_by(key.source())),
        );
    }
    out.push_str("</dl>\n");
    out
}

pub(super) fn funnel(report: &Contribution, words: &Words) -> String {
    let heads = [
        Cell::Text(words.item),
        Cell::Number(words.value),
        Cell::Number("n"),
        Cell::Number(words.of_offered),
        Cell::Share(None),
        Cell::Source(words.source),
    ];
    let mut grid = Grid::new(&caption(words.funnel_caption, report, words), &heads);
    let offered = report.value(Key::Offered).number().filter(|offered| *offered > 0);
    for (key, class) in FUNNEL {
        let Some(figure) = report.figure(key) else { continue };
        let percent = offered.zip(figure.value.number()).map(|(of, n)| (n * 100 + of / 2) / of);
        let said = percent.map_or_else(|| "–".to_owned(), |percent| format!("{percent}%"));
        let (value, n) = (shown(figure.value, key.unit(), words), n_of(figure));
        let source = words.said_by(key.source());
        let cells = [
            cell(figure.value, &value),
            cell(figure.n, &n),
            Cell::Number(&said),
            Cell::Share(percent),
            Cell::Source(source),
        ];
        grid.row(class, words.key(key), &cells);
    }
    grid.finish()
}

/// Rows without shares.
fn list(report: &Contribution, words: &Words, about: &str, keys: &[Key]) -> String {
    let heads = [Cell::Text(words.item), Cell::Number(words.value), Cell::Number("n"), Cell::Source(words.source)];
    let mut grid = Grid::new(&caption(about, report, words), &heads);
    for key in keys {
        let Some(figure) = report.figure(*key) else { continue };
        let (value, n) = (shown(figure.value, key.unit(), words), n_of(figure));
        let class = if *key == Key::MedianDays { "sum" } else { "" };
        let cells = [cell(figure.value, &value), cell(figure.n, &n), Cell::Source(words.said_by(key.source()))];
        grid.row(class, words.key(*key), &cells);
    }
    grid.finish()
}

fn n_of(figure: &Figure) -> String {
    figure.n.number().map_or_else(|| "–".to_owned(), grouped)
}

/// What a table is about, and of which period.
fn caption(about: &str, report: &Contribution, words: &Words) -> String {
    let (from, to) = (report.period.from, report.period.to);
    if words.is_japanese() { format!("{about}（{from}〜{to}）") } else { format!("{about}, {from} to {to}") }
}

pub(super) fn times(report: &Contribution, words: &Words) -> String {
    let keys: Vec<Key> = Key::TIMES.into_iter().chain([Key::MedianDays]).collect();
    list(report, words, words.times_caption, &keys)
}

pub(super) fn beside(report: &Contribution, words: &Words) -> String {
    list(report, words, words.beside_caption, &[Key::Duplicate, Key::Bounced])
}

/// The slots, and what those that were used are worth.
pub(super) fn slots(report: &Contribution, words: &Words) -> String {
    let keys = [Key::Granted, Key::Voided, Key::Reserved, Key::Redeemed, Key::RedeemedSigned];
    let grid = list(report, words, words.slots_caption, &keys);
    let reference = &report.stated.reference;
    let source = if words.is_japanese() { &reference.source_ja } else { &reference.source_en };
    let cost = shown(report.value(Key::CostRelieved), Unit::Yen, words);
    let yen = words.counted(&grouped(reference.yen), Unit::Yen);
    let made = match report.value(Key::Redeemed) {
        Value::Shown(slots) => {
            format!("{} × {yen} = {cost}", words.counted(&grouped(slots), Unit::Slots))
        }
        Value::Withheld | Value::NotReported => cost,
    };
    format!(
        "{grid}<div class=\"keep\">\n<h3>{}</h3>\n<p>{}</p>\n<p class=\"faint\">{}<br>\n\
         {}: {yen} ({}): {}<br>\n{}: {}</p>\n</div>\n",
        words.cost,
        escape(&made),
        words.formula,
        words.reference,
        escape(&reference.year),
        escape(source),
        words.source,
        words.said_by(Source::Stated),
    )
}

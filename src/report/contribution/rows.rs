//! All that is published as rows of plain text: what every form is written from and read back into, and what the
//! checksum is of.

use jiff::civil::Date;

use super::figure::{Figure, Key, Value};
use super::{Audience, Contribution, Head, Period, Reference, Stated, ToldTo};

/// The first line of the record, which says what the rest is.
const RECORD: &str = "career-relay contribution 1";

/// The facts beside the figures, in their order; those of [`TOLD`] stand there together or not at all.
pub(super) const FACTS: [&str; 21] = [
    "program",
    "company",
    "name_ja",
    "name_en",
    "purpose",
    "from",
    "to",
    "zone",
    "fiscal_year",
    "complete",
    "audience",
    "small_cell",
    "entries",
    "head",
    "told_entries",
    "told_head",
    "told_totals",
    "reference_yen",
    "reference_year",
    "reference_source_ja",
    "reference_source_en",
];
/// Those that are numbers.
pub(super) const NUMBERS: [&str; 6] =
    ["fiscal_year", "small_cell", "entries", "told_entries", "told_totals", "reference_yen"];
/// How far what the operator had reported was looked at.
const TOLD: [&str; 3] = ["told_entries", "told_head", "told_totals"];
/// The columns of a row behind its item.
pub(super) const COLUMNS: [&str; 6] = ["value", "state", "n", "unit", "source", "proof"];
/// Every report's days are those of Japan.
const ZONE: &str = "+09:00";

/// A fact, or a figure.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Row {
    /// What it is.
    pub(super) item: String,
    /// [`COLUMNS`]; a fact has its value alone.
    pub(super) cells: [String; 6],
}

impl Row {
    pub(super) fn fact(item: &str, value: String) -> Self {
        let mut cells = <[String; 6]>::default();
        cells[0] = value;
        Self { item: item.to_owned(), cells }
    }

    pub(super) fn is_fact(&self) -> bool {
        FACTS.contains(&self.item.as_str())
    }

    /// As the record has it, and what is said of it when it differs.
    pub(super) fn line(&self) -> String {
        let written = |text: &str| text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n");
        let cells: &[String] = if self.is_fact() { &self.cells[..1] } else { &self.cells };
        let all = std::iter::once(self.item.as_str()).chain(cells.iter().map(String::as_str));
        all.map(written).collect::<Vec<_>>().join("\t")
    }

    /// The other way round.
    pub(super) fn of_line(line: &str) -> Self {
        let read = |text: &str| {
            let (mut out, mut chars) = (String::new(), text.chars());
            while let Some(c) = chars.next() {
                out.push(match (c, c == '\\') {
                    (_, true) => match chars.next() {
                        Some('t') => '\t',
                        Some('n') => '\n',
                        Some(other) => other,
                        None => '\\',
                    },
                    (c, false) => c,
                });
            }
            out
        };
        let mut parts = line.split('\t').map(read);
        let item = parts.next().unwrap_or_default();
        let mut cells = <[String; 6]>::default();
        cells.iter_mut().zip(parts).for_each(|(cell, text)| *cell = text);
        Self { item, cells }
    }
}

/// The record of rows.
pub(super) fn record(rows: &[Row]) -> String {
    rows.iter().fold(format!("{RECORD}\n"), |text, row| text + &row.line() + "\n")
}

/// The rows of a record; nothing when it is none of ours.
pub(super) fn of_record(record: &str) -> Option<Vec<Row>> {
    let lines = record.strip_prefix(RECORD)?.strip_prefix('\n')?;
    Some(lines.lines().map(Row::of_line).collect())
}

/// Everything that is published.
pub(super) fn rows(report: &Contribution) -> Vec<Row> {
    let Contribution { stated, period, head, told, .. } = report;
    let reference = &stated.reference;
    let of_told = |of: fn(&ToldTo) -> String| told.as_ref().map(of).unwrap_or_default();
    let value = |item: &str| match item {
        "program" => report.program.clone(),
        "company" => stated.company.clone(),
        "name_ja" => stated.name_ja.clone(),
        "name_en" => stated.name_en.clone(),
        "purpose" => stated.purpose.clone(),
        "from" => period.from.to_string(),
        "to" => period.to.to_string(),
        "zone" => ZONE.to_owned(),
        "fiscal_year" => period.fiscal_year.map(|year| year.to_string()).unwrap_or_default(),
        "complete" => if report.complete { "yes" } else { "no" }.to_owned(),
        "audience" => report.audience.code().to_owned(),
        "small_cell" => report.audience.least().to_string(),
        "entries" => head.entries.to_string(),
        "head" => head.hash.clone(),
        "told_entries" => of_told(|told| told.head.entries.to_string()),
        "told_head" => of_told(|told| told.head.hash.clone()),
        "told_totals" => of_told(|told| told.totals.to_string()),
        "reference_yen" => reference.yen.to_string(),
        "reference_year" => reference.year.clone(),
        "reference_source_ja" => reference.source_ja.clone(),
        _ => reference.source_en.clone(),
    };
    let items = FACTS.iter().filter(|item| told.is_some() || !TOLD.contains(item));
    let facts = items.map(|item| Row::fact(item, value(item)));
    facts.chain(report.figures.iter().map(figure_row)).collect()
}

fn figure_row(figure: &Figure) -> Row {
    let number = |value: Value| value.number().map(|number| number.to_string()).unwrap_or_default();
    let (key, source) = (figure.key, figure.key.source());
    let cells = [
        number(figure.value),
        figure.value.state().to_owned(),
        number(figure.n),
        key.unit().code().to_owned(),
        source.code().to_owned(),
        source.proof().to_owned(),
    ];
    Row { item: key.code().to_owned(), cells }
}

/// The report that rows are of; what is wrong with them, in words, when they are of none.
pub(super) fn of_rows(rows: &[Row]) -> Result<Contribution, String> {
    let fact = |item: &str| {
        let found = rows.iter().find(|row| row.item == item).map(|row| row.cells[0].clone());
        found.ok_or_else(|| format!("{item} is missing"))
    };
    let day = |item: &str| fact(item)?.parse::<Date>().map_err(|_| format!("{item} is no day"));
    let number = |item: &str| fact(item)?.parse::<u64>().map_err(|_| format!("{item} is no number"));
    let year = fact("fiscal_year")?;
    let year = if year.is_empty() { None } else { Some(year.parse().map_err(|_| "fiscal_year is no year")?) };
    let audience = fact("audience")?;
    let told = if rows.iter().any(|row| TOLD.contains(&row.item.as_str())) {
        let head = Head { entries: number("told_entries")?, hash: fact("told_head")? };
        Some(ToldTo { head, totals: number("told_totals")? })
    } else {
        None
    };
    Ok(Contribution {
        stated: Stated {
            company: fact("company")?,
            name_ja: fact("name_ja")?,
            name_en: fact("name_en")?,
            purpose: fact("purpose")?,
            reference: Reference {
                yen: number("reference_yen")?,
                year: fact("reference_year")?,
                source_ja: fact("reference_source_ja")?,
                source_en: fact("reference_source_en")?,
            },
        },
        period: Period { from: day("from")?, to: day("to")?, fiscal_year: year },
        complete: fact("complete")? == "yes",
        audience: Audience::parse(&audience).ok_or_else(|| format!("audience {audience} is none of ours"))?,
        head: Head { entries: number("entries")?, hash: fact("head")? },
        told,
        program: fact("program")?,
        figures: rows.iter().filter(|row| !row.is_fact()).map(figure_of).collect::<Result<_, _>>()?,
    })
}

fn figure_of(row: &Row) -> Result<Figure, String> {
    let item = &row.item;
    let key = Key::parse(item).ok_or_else(|| format!("{item} is no figure of a report"))?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("{item}: {text:?} is no number"));
    let [value, state, n, ..] = &row.cells;
    let hidden = match state.as_str() {
        "shown" => None,
        "withheld" => Some(Value::Withheld),
        "not_reported" => Some(Value::NotReported),
        other => return Err(format!("{item}: the state {other:?} is none")),
    };
    let value = match hidden {
        None => Value::Shown(number(value)?),
        Some(hidden) if value.is_empty() => hidden,
        Some(_) => return Err(format!("{item}: {state}, and {value} stands there")),
    };
    let n = match (n.is_empty(), value) {
        (false, _) => Value::Shown(number(n)?),
        (true, Value::NotReported) => Value::NotReported,
        (true, _) => Value::Withheld,
    };
    Ok(Figure { key, value, n })
}

//! Reads a published report back, of whatever form, and tells whether its figures are those its checksum is of.

use serde_json::Value;

use super::csv::{cells, label};
use super::figure::Key;
use super::rows::{COLUMNS, Row, of_record, of_rows, record, rows};
use super::words::Words;
use super::{Contribution, page};
use crate::ledger::checksum;
use crate::report::markup::unescape;

/// Differences that are told one by one; more of a page come down to one cause.
const DIFFERENCES_MAX: usize = 12;

/// A published report.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checked {
    /// The report as it was read; nothing when its rows make none.
    pub report: Option<Contribution>,
    /// The checksum of what was read.
    pub checksum: String,
    /// What differs, in sentences; empty when nothing does.
    pub differences: Vec<String>,
}

/// Why a file is no published report.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}: name a report as `career-relay report` wrote it with --html, --csv or --json")]
pub struct Unreadable(String);

/// What was found in a file.
struct Found {
    rows: Vec<Row>,
    checksum: String,
    differences: Vec<String>,
}

/// Reads a report and recomputes its checksum.
///
/// # Errors
/// When the text is no report in one of the three forms.
pub fn check(text: &str) -> Result<Checked, Unreadable> {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let is_page = start.starts_with("<!doctype html>");
    let found = if is_page {
        read_page(text)
    } else if start.starts_with('{') {
        read_json(text)
    } else {
        read_sheet(text)
    };
    let Found { rows: found, checksum: stated, mut differences } = found.map_err(Unreadable)?;
    let computed = checksum(&record(&found));
    if computed != stated {
        differences.insert(0, format!("checksum: the report says {stated}, its figures give {computed}"));
    }
    let report = match of_rows(&found) {
        Ok(report) => {
            differences.extend(inner(&report, &found));
            if is_page {
                differences.extend(shown(&report, text));
            }
            Some(report)
        }
        Err(why) => {
            differences.push(why);
            None
        }
    };
    Ok(Checked { report, checksum: computed, differences })
}

/// What the rows say twice has to agree: names, units and sources of the figures, the cost and what it is made of.
fn inner(report: &Contribution, found: &[Row]) -> Vec<String> {
    let made = rows(report);
    let differs = |(found, made): (&Row, &Row)| {
        (found != made).then(|| format!("the row {:?} should be {:?}", found.line(), made.line()))
    };
    let mut differences: Vec<String> = found.iter().zip(&made).filter_map(differs).collect();
    let expected = Key::ALL.into_iter().filter(|key| *key != Key::Observed || report.figure(*key).is_some());
    if !expected.eq(report.figures.iter().map(|figure| figure.key)) {
        differences.push("figures are missing, doubled or in another order".to_owned());
    }
    let of_itself = report.figures.iter().filter(|figure| ![Key::MedianDays, Key::CostRelieved].contains(&figure.key));
    for figure in of_itself.filter(|figure| figure.n != figure.value) {
        let (key, value, n) = (figure.key.code(), figure.value.say(), figure.n.say());
        differences.push(format!("{key}: its value is {value}, its n {n}"));
    }
    let number = |key: Key| report.figure(key).and_then(|figure| figure.value.number());
    let cost = number(Key::Redeemed).map(|slots| slots.saturating_mul(report.stated.reference.yen));
    if number(Key::CostRelieved) != cost {
        differences.push("cost_relieved is not the slots used times the reference".to_owned());
    }
    differences
}

/// What a page shows has to be what its record says: line by line against the page that the record makes.
fn shown(report: &Contribution, text: &str) -> Vec<String> {
    let language = if text.contains("<html lang=\"ja\">") { "ja" } else { "en" };
    let made = page(report, language);
    let words = |line: &str| {
        let pieces = line.split('<').enumerate();
        let texts = pieces.map(|(at, piece)| if at == 0 { piece } else { piece.split_once('>').map_or("", |p| p.1) });
        unescape(&texts.filter(|text| !text.trim().is_empty()).collect::<Vec<_>>().join(" "))
    };
    let (there, here): (Vec<&str>, Vec<&str>) = (text.lines().collect(), made.lines().collect());
    let mut differences = Vec::new();
    for (at, (there, here)) in (1..).zip(there.iter().zip(&here)).filter(|(_, (there, here))| there != here) {
        let (says, gives) = (words(there), words(here));
        let what = if says == gives {
            "its markup was changed".to_owned()
        } else {
            format!("it says {says:?}, its record gives {gives:?}")
        };
        differences.push(format!("line {at} of the page: {what}"));
    }
    if there.len() != here.len() {
        differences.push(format!("the page has {} lines, its record makes {}", there.len(), here.len()));
    }
    if !differences.is_empty() && report.program != env!("CARGO_PKG_VERSION") {
        return vec![format!(
            "the page was laid out by version {} of the program, which may show it otherwise: verify it there",
            report.program
        )];
    }
    let more = differences.len().saturating_sub(DIFFERENCES_MAX);
    differences.truncate(DIFFERENCES_MAX);
    differences.extend((more > 0).then(|| format!("{more} more lines of the page differ")));
    differences
}

fn between<'t>(text: &'t str, before: &str, behind: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(behind).map(|(found, _)| found)
}

fn read_page(text: &str) -> Result<Found, String> {
    let record = between(text, "<pre id=\"record\">", "</pre>").ok_or("the page has no record")?;
    let checksum = between(text, "<code id=\"checksum\">", "</code>").ok_or("the page has no checksum")?;
    let rows =
        of_record(&unescape(&record.replace("\r\n", "\n"))).ok_or("its record is not of a contribution report")?;
    Ok(Found { rows, checksum: checksum.to_owned(), differences: Vec::new() })
}

fn read_json(text: &str) -> Result<Found, String> {
    match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(Value::Object(object)) => {
            super::json::rows_of(object).map(|(rows, checksum)| Found { rows, checksum, differences: Vec::new() })
        }
        Ok(_) => Err("it is no JSON object".to_owned()),
        Err(why) => Err(format!("it is no JSON: {why}")),
    }
}

fn read_sheet(text: &str) -> Result<Found, String> {
    let mut sheet = cells(text).ok_or("it is no sheet: a quote is not closed")?.into_iter();
    let head = sheet.next().unwrap_or_default();
    if head.first().map(String::as_str) != Some("item") || !head.iter().skip(2).eq(COLUMNS.iter()) {
        return Err("it is no report".to_owned());
    }
    let (mut found, mut checksum) = (Vec::new(), String::new());
    let mut differences = Vec::new();
    for row in sheet {
        let mut cells = row.into_iter();
        let (item, said) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
        let mut values = <[String; 6]>::default();
        for value in &mut values {
            *value = cells.next().unwrap_or_default();
        }
        if item == "checksum" {
            checksum.clone_from(&values[0]);
            continue;
        }
        let row = Row { item, cells: values };
        let labels = ["ja", "en"].map(|language| label(Words::of(language), &row));
        if !labels.contains(&said.as_str()) {
            differences.push(format!("{}: it is labelled {said:?}", row.item));
        }
        found.push(row);
    }
    Ok(Found { rows: found, checksum, differences })
}

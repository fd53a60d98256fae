//! The scan as CSV that spreadsheets open as it is: UTF-8 with BOM, CRLF, and no cell that runs as a formula.

use super::report::Report;
use super::words::Words;
use crate::report::csv_row;

/// The report as CSV: section, item, label, value.
pub(super) fn csv(report: &Report, words: &Words) -> String {
    let mut out = String::from("\u{feff}");
    let mut row = |section: &str, item: &str, label: &str, value: &str| {
        csv_row(&mut out, &[section, item, label, value]);
    };
    row("section", "item", "label", "value");
    row("period", "from", words.period, report.from.as_deref().unwrap_or_default());
    row("period", "until", words.period, report.until.as_deref().unwrap_or_default());
    for (item, label, value) in [
        ("mails", words.mails, report.mails),
        ("others", words.others, report.others),
        ("unreadable", words.unreadable, report.unreadable),
        ("rejections", words.rejections, report.rejections),
        ("people", words.people, report.people as u64),
        ("given", words.given, report.given),
        ("people_given", words.given, report.people_given as u64),
        ("doubtful", words.doubtful, report.doubtful),
        ("slots_now", words.slots_now, report.now.slots),
        ("slots_remedied", words.slots_remedied, report.remedied.slots),
    ] {
        row("figures", item, label, &value.to_string());
    }
    for month in &report.by_month {
        for (item, label, value) in
            [("rejections", words.rejections, month.rejections), ("given", words.given, month.given)]
        {
            row(&format!("month {}", month.month), item, label, &value.to_string());
        }
    }
    for template in &report.templates {
        row("template", &template.id, &template.states, &template.mails.to_string());
    }
    for held in &report.held_back {
        row("held_back", held.reason, held.remedy.why_in(words.in_japanese), &held.mails.to_string());
    }
    for domain in &report.agencies {
        row("agency", domain, words.agencies, "");
    }
    for named in &report.unreadable_named {
        row("unreadable", &named.name, &named.why, "");
    }
    out
}

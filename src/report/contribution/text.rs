//! A report at a glance, for a terminal.

use std::fmt::Write;

use super::Contribution;
use super::parts::shown;
use super::words::Words;
use crate::report::text::line;

/// The report as text.
pub fn text(report: &Contribution, language: &str) -> String {
    let words = Words::of(language);
    let name = if words.is_japanese() { &report.stated.name_ja } else { &report.stated.name_en };
    let mut out = String::new();
    line(&mut out, "", words.title, name);
    line(&mut out, "", words.period, &words.days(report.period));
    line(&mut out, "", words.fact("audience"), words.audience(report.audience));
    if !report.complete {
        line(&mut out, "", words.incomplete, "");
    }
    out.push('\n');
    for figure in &report.figures {
        let (key, source) = (figure.key, words.said_by(figure.key.source()));
        let value = shown(figure.value, key.unit(), words);
        line(&mut out, "  ", words.key(key), &format!("{value}  [{source}]"));
    }
    // Writing to a text cannot fail.
    let _ = writeln!(out, "\n{}: {} {}", words.entries, report.head.entries, report.head.hash);
    let _ = writeln!(out, "{}: {}", words.checksum, report.checksum());
    out
}

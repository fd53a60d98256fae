//! A report as a page that prints on A4.

use super::Contribution;
use super::method::notes;
use super::parts::{beside, funnel, headline, slots, times};
use super::words::Words;
use crate::report::markup::escape;
use crate::report::paper::paper;

/// The page, in Japanese or English.
pub fn page(report: &Contribution, language: &str) -> String {
    let words = Words::of(language);
    let sections = [
        header(report, words),
        section(words.headline, &headline(report, words)),
        section(words.funnel, &funnel(report, words)),
        section(words.times, &times(report, words)),
        section(words.slots, &slots(report, words)),
        section(words.beside, &beside(report, words)),
        section(words.method, &method(report, words)),
        section(words.head, &proof(report, words)),
        format!("<footer>career-relay {}</footer>\n", escape(&report.program)),
    ];
    let (name, _) = names(report, words);
    paper(words.language, &format!("{} – {name}", words.title), &sections.concat())
}

/// The company's name in the language of the page, and in the other one.
fn names<'r>(report: &'r Contribution, words: &Words) -> (&'r str, &'r str) {
    let stated = &report.stated;
    if words.is_japanese() { (&stated.name_ja, &stated.name_en) } else { (&stated.name_en, &stated.name_ja) }
}

fn section(title: &str, inner: &str) -> String {
    format!("<section>\n<h2>{title}</h2>\n{inner}</section>\n")
}

fn header(report: &Contribution, words: &Words) -> String {
    let (name, other) = names(report, words);
    let other_language = if words.is_japanese() { "en" } else { "ja" };
    let incomplete = if report.complete { String::new() } else { format!("<li>{}</li>\n", words.incomplete) };
    // Without the company's file there is none.
    let purpose = match report.stated.purpose.as_str() {
        "" => String::new(),
        said => {
            let is_japanese = said.chars().any(|c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}'));
            let language = if is_japanese { "ja" } else { "en" };
            let quote = format!("<blockquote lang=\"{language}\">{}</blockquote>\n", escape(said));
            section(words.purpose, &quote)
        }
    };
    format!(
        "<header>\n<h1>{}</h1>\n<p class=\"who\">{}<small lang=\"{other_language}\">{}</small></p>\n\
         <p>{}: {}</p>\n<ul class=\"tags\">\n<li>{}</li>\n<li>{}</li>\n{incomplete}</ul>\n</header>\n{purpose}",
        words.title,
        escape(name),
        escape(other),
        words.period,
        words.days(report.period),
        words.own_indicator,
        words.audience(report.audience),
    )
}

fn method(report: &Contribution, words: &Words) -> String {
    let item = |note: &String| format!("<li>{}</li>\n", escape(note));
    let notes: String = notes(report, words).iter().map(item).collect();
    format!("<ol class=\"method\">\n{notes}</ol>\n")
}

fn proof(report: &Contribution, words: &Words) -> String {
    let told = report.told.as_ref().map_or_else(String::new, |told| {
        let (hash, totals) = (escape(&told.head.hash), told.totals);
        format!(
            "<dt>{}</dt>\n<dd>{} {}, {} {totals}<br><code>{hash}</code></dd>\n",
            words.told, words.entry, told.head.entries, words.totals
        )
    });
    format!(
        "<dl class=\"head\">\n<dt>{}</dt>\n<dd>{} {}<br><code>{}</code></dd>\n{told}<dt>{}</dt>\n\
         <dd><code id=\"checksum\">{}</code></dd>\n</dl>\n\
         <details>\n<summary>{}</summary>\n<pre id=\"record\">{}</pre>\n</details>\n",
        words.entries,
        words.entry,
        report.head.entries,
        escape(&report.head.hash),
        words.checksum,
        report.checksum(),
        words.record,
        escape(&report.record()),
    )
}

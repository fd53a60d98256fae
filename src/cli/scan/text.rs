//! The scan as a table for a terminal.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

use super::report::{Report, Slots};
use super::words::Words;
use crate::cli::output::{align_right, print_table, table};

/// Characters of a sentence that are shown.
const SENTENCE_CHARS_MAX: usize = 60;
/// Unreadable mails that are named on the terminal.
const NAMED_MAX: usize = 20;
/// Columns of the labels.
const LABEL_COLUMNS: usize = 34;

/// Prints the report.
///
/// # Errors
/// When the reader of the output is gone.
pub(super) fn print(report: &Report, words: &Words, out: &mut dyn Write) -> io::Result<()> {
    for named in report.unreadable_named.iter().take(NAMED_MAX) {
        writeln!(out, "{}: {}", visible(&named.name), named.why)?;
    }
    if report.unreadable > NAMED_MAX as u64 {
        writeln!(out, "… {} {}", report.unreadable - NAMED_MAX as u64, words.more)?;
    }
    writeln!(out, "{}\n", words.title)?;
    figures(report, words, out)?;
    if report.rejections == 0 {
        return writeln!(out, "\n{}", words.no_rejection);
    }
    templates(report, words, out)?;
    held_back(report, words, out)?;
    if !report.agencies.is_empty() {
        writeln!(out, "\n{}\n  {}\n  {}", words.agencies, report.agencies.join(", "), words.agencies_remedy)?;
    }
    if report.domains.len() > 1 {
        let domains: Vec<&str> = report.domains.keys().take(10).map(String::as_str).collect();
        writeln!(out, "\n{}\n  {}", words.several_domains, domains.join(", "))?;
    }
    if report.cut { writeln!(out, "\n{}", words.cut) } else { Ok(()) }
}

fn figures(report: &Report, words: &Words, out: &mut dyn Write) -> io::Result<()> {
    let mut line = |label: &str, value: String| {
        let gap = LABEL_COLUMNS.saturating_sub(label.width());
        writeln!(out, "  {label}{} {value}", " ".repeat(gap))
    };
    if let (Some(from), Some(until)) = (&report.from, &report.until) {
        line(words.period, format!("{from} - {until} ({} {})", report.months, words.months))?;
    }
    line(words.mails, report.mails.to_string())?;
    for (label, count) in [(words.others, report.others), (words.unreadable, report.unreadable)] {
        if count > 0 {
            line(label, count.to_string())?;
        }
    }
    line(words.rejections, report.rejections.to_string())?;
    line(words.people, report.people.to_string())?;
    line(words.given, report.given.to_string())?;
    line(words.slots, format!("{}  ({}: {})", report.now.slots, words.slots_now, terms(report, words, &report.now)))?;
    if report.remedied.slots > report.now.slots {
        line("", format!("{}  ({})", report.remedied.slots, words.slots_remedied))?;
    }
    Ok(())
}

/// The contract in a few words.
pub(super) fn terms(report: &Report, words: &Words, slots: &Slots) -> String {
    let [count, each, days] = words.terms;
    let gap = if words.in_japanese { "" } else { " " };
    format!("{}{gap}{count}{gap}{}{each}{gap}{}{gap}{days}", slots.counted, report.threshold, report.person_window_days)
}

fn templates(report: &Report, words: &Words, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{}", words.templates)?;
    let rows = report.templates.iter().map(|row| {
        let last = row.last.clone().unwrap_or_default();
        let states = shortened(&visible(&row.states), SENTENCE_CHARS_MAX);
        vec![format!("  {}%", row.percent), row.mails.to_string(), last, states, row.id.clone()]
    });
    let others = (report.of_other_templates > 0).then(|| {
        let empty = String::new;
        let states = words.other_templates.to_owned();
        vec![empty(), report.of_other_templates.to_string(), empty(), states, empty()]
    });
    let [share, mails, last, states, id] = words.template_head;
    let header = format!("  {share}");
    let mut table = table(&[&header, mails, last, states, id], rows.chain(others));
    align_right(&mut table, &[0, 1]);
    print_table(out, &table)
}

fn held_back(report: &Report, words: &Words, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{}", words.held_back)?;
    if report.held_back.is_empty() {
        return writeln!(out, "  {}", words.nothing_held_back);
    }
    for row in &report.held_back {
        let (why, what) = (row.remedy.why_in(words.in_japanese), row.remedy.what_in(words.in_japanese));
        writeln!(out, "  {:>5}  {why} ({})\n         → {what}", row.mails, row.reason)?;
    }
    Ok(())
}

/// At most so many characters.
pub(super) fn shortened(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The text without what would steer a terminal.
fn visible(text: &str) -> String {
    let steers = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

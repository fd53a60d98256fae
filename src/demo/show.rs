//! Prints the demo's day: each mail with its verdict, the line in its place, the ledger, the mail to HR, the folder.

use std::fmt::Write as _;
use std::path::Path;

use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

use super::judge::{Judged, JudgedMail};
use crate::mail::message::Message;
use crate::mail::view::View;
use crate::pipeline::Outcome;

/// A bar on standard error; it shows nothing where there is no terminal.
pub fn progress(mails: usize) -> ProgressBar {
    let bar = ProgressBar::new(mails as u64);
    if let Ok(style) = ProgressStyle::with_template("sending a day of HR mail {wide_bar} {pos}/{len}") {
        bar.set_style(style);
    }
    bar
}

/// The whole report.
pub fn day(day: &Judged, folder: &Path) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}\n", lines_in_place(day));
    let _ = writeln!(out, "{}\n", table(day));
    let account = day.account;
    let _ = writeln!(
        out,
        "Ledger of 株式会社サクラ商事: {} people referred, {} hire slot granted, {} of 10 toward the next.\n",
        account.credits, account.slots, account.toward_next
    );
    for mail in &day.to_hr {
        let _ = writeln!(out, "Mail to HR:\n{}\n", indented(&text_of(&mail.octets)));
    }
    let _ = writeln!(out, "Mails as sent and as caught: {0}/sent, {0}/caught", folder.display());
    let _ =
        writeln!(out, "The statement: career-relay ledger statement --config {}/career-relay.toml", folder.display());
    match day.faults.as_slice() {
        [] => out.push_str("Every expectation held."),
        faults => {
            let _ = write!(out, "{} expectations did NOT hold:\n  {}", faults.len(), faults.join("\n  "));
        }
    }
    out
}

fn table(day: &Judged) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    if table.width().is_none() {
        // No terminal to ask for its width.
        table.set_width(140);
    }
    table.set_header(["mail", "what it is", "form", "verdict", "why", "octets"]);
    for mail in &day.mails {
        table.add_row(row(mail));
    }
    table
}

fn row(judged: &JudgedMail) -> [String; 6] {
    let mail = &judged.sent.mail;
    let form = format!("{} {} {:?}", mail.form.charset, mail.form.transfer, mail.form.shape);
    let (verdict, why, octets) = match &judged.sent.outcome {
        Outcome::Referred(referred) => {
            let added: usize = referred.copies.iter().map(|c| c.edits.octets_added()).sum();
            let rules: Vec<&str> = referred.evidence.iter().map(|e| e.text.as_str()).collect();
            ("line".to_owned(), rules.join(" · "), format!("+{added}, rest proven untouched"))
        }
        Outcome::Untouched(untouched) => {
            let seen = if untouched.rejection_seen { "rejection, no line" } else { "no line" };
            (seen.to_owned(), untouched.reason.to_owned(), "proven untouched".to_owned())
        }
    };
    [mail.name.to_owned(), mail.title.to_owned(), form, verdict, why, octets]
}

/// For each mail with a line: the line and its neighbours, as the candidate reads them.
fn lines_in_place(day: &Judged) -> String {
    let mut out = String::new();
    for judged in &day.mails {
        let Some(copy) = judged.copies.first().filter(|c| **c != judged.sent.received.message) else { continue };
        let _ = writeln!(out, "── {} ({})", judged.sent.mail.name, judged.sent.mail.title);
        let _ = writeln!(out, "{}", indented(&neighbourhood(&text_of(copy))));
    }
    out
}

/// The newest visible text, line by line.
fn text_of(octets: &[u8]) -> String {
    let message = Message::read(octets);
    let view = View::read(&message);
    let lines = |part: &crate::mail::view::TextPart| {
        (0..part.lines.len()).map(|i| part.line(i).to_owned()).collect::<Vec<_>>().join("\n")
    };
    let text = view.primary().map(lines).unwrap_or_default();
    if message.subject().is_empty() { text } else { format!("Subject: {}\n\n{text}", message.subject()) }
}

/// Two lines with text before the link's line, and two after.
fn neighbourhood(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    let Some(link) = lines.iter().position(|l| l.contains("careerrelay.jp/r/")) else { return String::new() };
    let from = link.saturating_sub(3);
    lines[from..lines.len().min(link + 3)].join("\n")
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |text, line| text + "   │ " + line + "\n")
}

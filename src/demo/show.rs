//! Prints the demo's day: what was sent, what became of each mail and why, the ledger, the mail to HR, the verdict.

use std::collections::HashMap;
use std::path::Path;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

use super::judge::{Judged, JudgedMail};
use super::page::{Ink, Page};
use crate::classify::{Evidence, Question};
use crate::cli::reason::meaning;
use crate::inject::Inserted;
use crate::mail::message::Message;
use crate::mail::view::View;
use crate::pipeline::{Outcome, Referred, Untouched};

/// Words shown of the evidence for one question.
const WORDS_MAX: usize = 3;
/// Lines with text shown around the line.
const NEIGHBOURS: usize = 2;

/// A bar on standard error; it shows nothing where there is no terminal.
pub fn progress(mails: usize) -> ProgressBar {
    let bar = ProgressBar::new(mails as u64);
    if let Ok(style) = ProgressStyle::with_template("sending a day of HR mail {wide_bar} {pos}/{len}") {
        bar.set_style(style);
    }
    bar
}

/// The whole report: the story of the day first, the table and the verdict last.
pub fn day(day: &Judged, folder: &Path, page: Page) -> String {
    let mut out = opening(day, page);
    let mut links: HashMap<String, &'static str> = HashMap::new();
    for judged in &day.mails {
        out += &story(judged, &mut links, page);
        out.push('\n');
    }
    out += &ledger(day, page);
    for mail in &day.to_hr {
        out += &page.heading("The mail to HR about the hire slot");
        out.push('\n');
        text_of(&mail.octets).lines().for_each(|line| out += &page.hang("  │ ", "  │ ", line));
        out.push('\n');
    }
    out += &page.heading("The day in one table");
    out.push('\n');
    for line in table(day, page).to_string().lines() {
        out += line.trim_end();
        out.push('\n');
    }
    out.push('\n');
    out += &places(folder, page);
    out + &verdict(day, page)
}

fn opening(day: &Judged, page: Page) -> String {
    let text = format!(
        "HR of 株式会社サクラ商事 sends {} mails through the gateway; a mail catcher plays the candidates' mail server. \
         A rejection to its candidate gets one line with a link. Every other mail must come out as it went in.",
        day.mails.len()
    );
    format!("{}\n{}\n", page.heading("A day of HR mail"), page.hang("", "", &text))
}

/// One mail: what it was, what became of it and why, the line in its place, and the proof.
fn story(judged: &JudgedMail, links: &mut HashMap<String, &'static str>, page: Page) -> String {
    let mail = &judged.sent.mail;
    let mut out = page.heading(&format!("{} · {}", mail.name, mail.title)) + "\n";
    let (form, shape) = (mail.form, mail.form.shape.in_words());
    let to = if mail.envelope.is_empty() { mail.to.to_owned() } else { mail.envelope.join(", ") + " (BCC)" };
    let cc = mail.cc.map(|cc| format!(", Cc {cc}")).unwrap_or_default();
    out += &page.hang("  to     ", "         ", &format!("{to}{cc}"));
    out += &page.hang("  form   ", "         ", &format!("{shape}, {}, {}", form.charset, form.transfer));
    match &judged.sent.outcome {
        Outcome::Referred(referred) => {
            out += &reasons("it is a rejection to its candidate", &written(judged, &referred.evidence), page);
            out += &in_place(judged, page);
            out += &other_links(judged, referred, links, page);
        }
        Outcome::Untouched(untouched) => out += &why_not(judged, untouched, page),
        Outcome::Held(held) => out += &why_not(judged, &held.clone().pass(None), page),
    }
    out + &proof(judged, page)
}

fn why_not(judged: &JudgedMail, untouched: &Untouched, page: Page) -> String {
    let meaning = meaning(untouched.reason).unwrap_or_default();
    let seen = if untouched.rejection_seen { "a rejection, and still " } else { "" };
    let mut against = written(judged, &untouched.evidence);
    against.retain(|(question, _)| *question == Question::Veto);
    reasons(&format!("{seen}no line, reason {}: {meaning}", untouched.reason), &against, page)
}

/// The words of the evidence that stand in the mail as they are: the classifier reads one spelling for many.
fn written(judged: &JudgedMail, evidence: &[Evidence]) -> Vec<(Question, String)> {
    let text = text_of(&judged.sent.received.message);
    let verbatim = evidence.iter().filter(|e| text.contains(&*e.text));
    verbatim.map(|e| (e.question, e.text.to_string())).collect()
}

/// Why, with the words it stands on.
fn reasons(what: &str, evidence: &[(Question, String)], page: Page) -> String {
    let mut out = page.hang("  why    ", "         ", what);
    let named = [
        (Question::Recruiting, "recruiting mail"),
        (Question::Applicant, "to who applied"),
        (Question::Negative, "a result: no"),
        (Question::Veto, "speaks against"),
    ];
    for (question, name) in named {
        let mut words: Vec<&str> = Vec::new();
        for word in evidence.iter().filter(|(of, _)| *of == question).map(|(_, text)| text.as_str()) {
            if !words.contains(&word) && words.len() < WORDS_MAX {
                words.push(word);
            }
        }
        if !words.is_empty() {
            out += &page.hang(&format!("         {name:<16} "), &" ".repeat(26), &words.join(" · "));
        }
    }
    out
}

/// The line and its neighbours, as the first candidate reads them.
fn in_place(judged: &JudgedMail, page: Page) -> String {
    let Some(copy) = judged.copies.first() else { return String::new() };
    let (sent, caught) = (body_of(&judged.sent.received.message), body_of(copy));
    let same = |a: &&String, b: &&String| a == b;
    let above = sent.iter().zip(&caught).take_while(|(a, b)| same(a, b)).count();
    let left = sent.len().min(caught.len()) - above;
    let below = sent.iter().rev().zip(caught.iter().rev()).take(left).take_while(|(a, b)| same(a, b)).count();
    let (from, until) = (above.saturating_sub(NEIGHBOURS), caught.len() - below);
    let mut out = String::new();
    for (i, line) in caught.iter().enumerate().take(until + NEIGHBOURS).skip(from) {
        if (above..until).contains(&i) {
            for line in page.hang("  line + │ ", "       + │ ", line).lines() {
                let line = if i > above { line.replacen("line", "    ", 1) } else { line.to_owned() };
                out += &page.ink(Ink::Green, &line);
                out.push('\n');
            }
        } else {
            out += &page.hang("         │ ", "         │ ", line);
        }
    }
    out
}

/// What is to be said of links beside the one that was shown: those of a bulk's others, and one that was given before.
fn other_links(
    judged: &JudgedMail,
    referred: &Referred,
    links: &mut HashMap<String, &'static str>,
    page: Page,
) -> String {
    let mut out = String::new();
    let tokens: Vec<String> =
        referred.copies.iter().flat_map(|c| &c.offers).map(|o| o.token.as_str().to_owned()).collect();
    if let [_, others @ ..] = tokens.as_slice()
        && !others.is_empty()
    {
        let text =
            format!("{} copies, each with the link of its reader; the others: …/{}", tokens.len(), others.join(", …/"));
        out += &page.hang("         ", "         ", &text);
    }
    for token in tokens {
        match links.get(&token) {
            Some(before) => {
                let text = format!("the same link as in {before}: the same person, who counts once");
                out += &page.hang("         ", "         ", &text);
            }
            None => drop(links.insert(token, judged.sent.mail.name)),
        }
    }
    out
}

/// The octets: how many went in, how many were put in and where, and that the rest is the same.
fn proof(judged: &JudgedMail, page: Page) -> String {
    let sent = judged.sent.received.message.len();
    let text = match &judged.sent.outcome {
        _ if !judged.proven => return page.hang("  proof  ", "         ", &page.ink(Ink::Red, "CHANGED, see below")),
        Outcome::Untouched(_) | Outcome::Held(_) => format!("all {sent} octets came out as they went in"),
        Outcome::Referred(referred) => {
            let place = |i: &Inserted| {
                let part = if i.path == "0" { String::new() } else { format!("part {}, ", i.path) };
                format!("{} put in at octet {} ({part}{})", i.octets, i.offset, i.charset)
            };
            let places: Vec<String> = referred.inserted.iter().map(place).collect();
            let added: usize = referred.inserted.iter().map(|i| i.octets).sum();
            let each = if referred.copies.len() > 1 { "each copy: " } else { "" };
            let (out, places) = (sent + added, places.join(", "));
            format!("{each}{sent} octets went in, {out} came out: {places}; the rest is the same to the octet")
        }
    };
    page.hang("  proof  ", "         ", &text)
}

fn ledger(day: &Judged, page: Page) -> String {
    let account = day.account;
    let lines = day.mails.iter().map(JudgedMail::lines).sum::<usize>();
    let slots = if account.slots == 1 { "hire slot" } else { "hire slots" };
    format!(
        "{}\n{}{}{}\n",
        page.heading("The ledger of 株式会社サクラ商事"),
        page.hang(
            &format!("{:>5}  ", account.credits),
            "       ",
            &format!("people referred, by {lines} delivered lines: who got two counts once, colleagues never")
        ),
        page.hang(
            &format!("{:>5}  ", account.slots),
            "       ",
            &format!("{slots} granted, one for each {} people, whether or not anybody is hired", account.threshold)
        ),
        page.hang(
            &format!("{:>5}  ", account.toward_next),
            "       ",
            &format!("of {} toward the next", account.threshold)
        ),
    )
}

fn table(day: &Judged, page: Page) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(page.columns).unwrap_or(u16::MAX));
    table.set_header(["", "mail", "line", "why", "untouched", "added"]);
    for mail in &day.mails {
        table.add_row(row(mail));
    }
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    for right in [4, 5] {
        table.column_mut(right).into_iter().for_each(|column| {
            column.set_cell_alignment(CellAlignment::Right);
        });
    }
    table
}

fn row(judged: &JudgedMail) -> [String; 6] {
    let (line, why, added) = match &judged.sent.outcome {
        Outcome::Referred(referred) => {
            let added: usize = referred.copies.iter().map(|c| c.edits.octets_added()).sum();
            let line = if referred.copies.len() == 1 { "yes".to_owned() } else { referred.copies.len().to_string() };
            (line, "rejection", format!("+{added}"))
        }
        Outcome::Untouched(untouched) => ("-".to_owned(), untouched.reason, "0".to_owned()),
        Outcome::Held(held) => ("-".to_owned(), held.reason, "0".to_owned()),
    };
    let mail = &judged.sent.mail;
    let octets = judged.sent.received.message.len().to_string();
    let untouched = if judged.proven { octets } else { "CHANGED".to_owned() };
    let number = mail.name.split('-').next().unwrap_or_default();
    [number.to_owned(), mail.title.to_owned(), line, why.to_owned(), untouched, added]
}

/// Where the files lie, and what to ask of them.
fn places(folder: &Path, page: Page) -> String {
    let folder = folder.display();
    let program = std::env::args().next().unwrap_or_else(|| "career-relay".to_owned());
    format!(
        "{}\n  as sent    {folder}/sent\n  as caught  {folder}/caught\n  \
         statement  {program} ledger statement --company sakura --data {folder}/data\n  \
         replay     {program} ledger verify --data {folder}/data\n  \
         one mail   {program} explain {folder}/sent/15-offer.eml\n\n",
        page.heading("Where it all lies, and what to ask of it"),
    )
}

fn verdict(day: &Judged, page: Page) -> String {
    let lines = day.mails.iter().filter(|m| m.lines() > 0).count();
    let (mails, untouched) = (day.mails.len(), day.mails.len() - lines);
    match day.faults.as_slice() {
        [] => {
            let text = format!("Every expectation held: {mails} mails, {lines} with the line, {untouched} untouched.");
            page.ink(Ink::Green, &text)
        }
        faults => {
            let text = format!("NOT every expectation held; {} did not:", faults.len());
            format!("{}\n  {}", page.ink(Ink::Red, &text), faults.join("\n  "))
        }
    }
}

/// The lines with text that a person reads, without the subject.
fn body_of(octets: &[u8]) -> Vec<String> {
    let message = Message::read(octets);
    let view = View::read(&message);
    let Some(part) = view.primary() else { return Vec::new() };
    let lines = (0..part.lines.len()).map(|i| part.line(i).trim_end().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

/// Subject and newest visible text.
fn text_of(octets: &[u8]) -> String {
    let message = Message::read(octets);
    let view = View::read(&message);
    let part = view.primary();
    let lines = part.into_iter().flat_map(|part| (0..part.lines.len()).map(|i| part.line(i)));
    std::iter::once(format!("Subject: {}\n", message.subject()).as_str()).chain(lines).collect::<Vec<_>>().join("\n")
}

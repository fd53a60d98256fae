//! The figures of docs/classifier.md: how the test half is answered, and what each part of the classifier adds to it.
//!
//! `make classifier-table` writes them anew. Of the test half nothing but figures is shown: who sees it tunes to it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::corpus::Sort;
use super::*;
use crate::classify::judge;
use crate::classify::template::{Stand, Template, Templates};

const BEGIN: &str = "<!-- figures: made by `make classifier-table` -->\n";
const END: &str = "<!-- figures: end -->\n";
/// Most mails among a hundred ambiguous ones that may be taken for rejections.
const AMBIGUOUS_PERCENT_MAX: u32 = 3;

/// A part of the classifier that can be switched off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Part {
    Rules,
    Model,
    Structure,
}

/// How one mail was answered.
struct Answered {
    language: String,
    sort: Sort,
    found: bool,
}

/// How many of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Share {
    of: u32,
    found: u32,
}

impl Share {
    fn of<'a>(answered: impl Iterator<Item = &'a Answered>) -> Self {
        answered
            .fold(Self::default(), |share, mail| Self { of: share.of + 1, found: share.found + u32::from(mail.found) })
    }

    /// Wilson's interval in which the share lies with 95 %, in percent.
    fn interval(self) -> (f64, f64) {
        const Z: f64 = 1.96;
        let (n, p) = (f64::from(self.of), f64::from(self.found) / f64::from(self.of));
        let middle = p + Z * Z / (2.0 * n);
        let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        let at = |x: f64| (100.0 * x / (1.0 + Z * Z / n)).clamp(0.0, 100.0);
        (at(middle - half), at(middle + half))
    }

    fn show(self) -> String {
        if self.of == 0 {
            return "-".to_owned();
        }
        let (low, high) = self.interval();
        format!("{:.1} % ({low:.1}–{high:.1})", 100.0 * f64::from(self.found) / f64::from(self.of))
    }
}

/// Whether the mail is taken for a rejection, with a part switched off.
fn is_found(note: &Note, off: Option<Part>, untaught: &Rules) -> bool {
    match off {
        None => answer(&verdict(note, &RULES)).0 == "rejection",
        Some(Part::Model) => answer(&verdict(note, untaught)).0 == "rejection",
        Some(Part::Structure) => with_mail(note, |mail| matches!(decide_on_text(mail, &RULES), Verdict::Rejection(_))),
        Some(Part::Rules) => {
            with_mail(note, |mail| candidates_of(mail).is_ok() && judge::is_likely_alone(mail.view, &RULES))
        }
    }
}

fn with_mail<T>(note: &Note, then: impl FnOnce(&Mail<'_>) -> T) -> T {
    let (raw, envelope, audience) = (note.raw(), note.envelope(), audience());
    let message = Message::read(&raw);
    let view = View::read(&message);
    then(&Mail { envelope: &envelope, message: &message, view: &view, audience: &audience })
}

/// The same where HR has approved a template of every rejection in which a result can be seen.
fn answer_with_templates(notes: &[Note], whole: &[Answered]) -> Vec<Answered> {
    let template = |note: &Note| {
        let (_, fingerprint) = with_mail(note, |mail| fingerprint_of(mail.view, &RULES))?;
        Some(Template { id: fingerprint.id(), stand: Stand::Rejection, fingerprint })
    };
    let approved: Templates = notes.iter().filter(|note| note.is_rejection()).filter_map(template).collect();
    let is_of_one = |note: &Note| {
        with_mail(note, |mail| matches!(decide_by_templates(mail, &approved, 1, &RULES), ByTemplate::Rejection(..)))
    };
    let answered = |(note, alone): (&Note, &Answered)| Answered {
        language: alone.language.clone(),
        sort: alone.sort,
        found: alone.found || is_of_one(note),
    };
    notes.iter().zip(whole).map(answered).collect()
}

fn answer_all(notes: &[Note], off: Option<Part>) -> Vec<Answered> {
    let untaught = crossed::untaught();
    let answered = |note: &Note| Answered {
        language: note.language().to_owned(),
        sort: note.sort(),
        found: is_found(note, off, &untaught),
    };
    notes.iter().map(answered).collect()
}

/// The languages of the mails, Japanese and English first.
fn languages(answered: &[Answered]) -> Vec<&str> {
    let all: BTreeSet<&str> = answered.iter().map(|mail| mail.language.as_str()).collect();
    let first = ["ja", "en"];
    let (known, rest): (Vec<&str>, Vec<&str>) = all.into_iter().partition(|language| first.contains(language));
    known.into_iter().rev().chain(rest).collect()
}

/// One row for each language and kind that has mails: `| ja | hard | mails | taken | share |`.
fn by_kind(answered: &[Answered]) -> String {
    let mut table =
        "| language | kind | mails | taken for a rejection | share (95 %) |\n|---|---|--:|--:|--:|\n".to_owned();
    let mut row = |name: &str, sort: Sort, share: Share| {
        if share.of > 0 {
            let Share { of, found } = share;
            let _ = writeln!(table, "| {name} | {} | {of} | {found} | {} |", sort.name(), share.show());
        }
    };
    for language in languages(answered) {
        for sort in Sort::ALL {
            let is_of = |mail: &&Answered| mail.language == language && mail.sort == sort;
            row(language, sort, Share::of(answered.iter().filter(is_of)));
        }
    }
    for sort in Sort::ALL {
        let is_of = |mail: &&Answered| mail.sort == sort;
        let is_rare = |mail: &&Answered| !["ja", "en"].contains(&mail.language.as_str());
        row("all but ja, en", sort, Share::of(answered.iter().filter(is_of).filter(is_rare)));
        row("all", sort, Share::of(answered.iter().filter(is_of)));
    }
    table
}

/// One row for each language: of what is taken how much is right, of what is right how much is taken, of all how much
/// is left alone.
fn by_language(answered: &[Answered]) -> String {
    let mut table =
        "| language | mails | precision (95 %) | recall (95 %) | abstention (95 %) |\n|---|--:|--:|--:|--:|\n"
            .to_owned();
    let names = languages(answered).into_iter().map(Some).chain([None]);
    for language in names {
        let all = || answered.iter().filter(|mail| language.is_none_or(|language| mail.language == language));
        let rejections = || all().filter(|mail| mail.sort.is_rejection());
        let taken = Share::of(all()).found;
        let recall = Share::of(rejections());
        let precision = Share { of: taken, found: recall.found };
        let left = Share { of: Share::of(all()).of, found: Share::of(all()).of - taken };
        let (name, all) = (language.unwrap_or("all"), left.of);
        let _ = writeln!(table, "| {name} | {all} | {} | {} | {} |", precision.show(), recall.show(), left.show());
    }
    table
}

/// One row for each part that is switched off or comes in addition.
fn ablation(notes: &[Note], whole: &[Answered]) -> String {
    let kinds: Vec<&str> = Sort::ALL.iter().map(|sort| sort.name()).collect();
    let mut table = format!("| what decides | {} |\n|---{}|\n", kinds.join(" | "), "|--:".repeat(kinds.len()));
    let mut row = |name: &str, answered: &[Answered]| {
        let _ = write!(table, "| {name} |");
        for sort in Sort::ALL {
            let Share { of, found } = Share::of(answered.iter().filter(|mail| mail.sort == sort));
            let _ = write!(table, " {found} of {of} |");
        }
        table.push('\n');
    };
    row("rules, model and structure", whole);
    row("and a template of every rejection, approved by HR", &answer_with_templates(notes, whole));
    row("without the model", &answer_all(notes, Some(Part::Model)));
    row("the model alone, where the rules do not decide", &answer_all(notes, Some(Part::Rules)));
    row("without structure: recipients and header unseen", &answer_all(notes, Some(Part::Structure)));
    table
}

fn document() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/classifier.md")
}

/// What stands before the figures, the figures, and what stands behind.
fn split(document: &str) -> (&str, &str, &str) {
    let (before, rest) = document.split_once(BEGIN).expect("a place for the figures");
    let (figures, behind) = rest.split_once(END).expect("an end of the figures");
    (before, figures, behind)
}

fn figures(notes: &[Note], answered: &[Answered]) -> String {
    let (kinds, languages) = (by_kind(answered), by_language(answered));
    format!(
        "\n{kinds}\n{languages}\nTaken for a rejection, with one part switched off or added:\n\n{}\n",
        ablation(notes, answered)
    )
}

/// A row of the first table, read back.
struct Row {
    language: String,
    kind: String,
    mails: u32,
    /// How many of a hundred are taken for rejections, and the lower end of the interval of that.
    percent: f64,
    low: f64,
}

impl Row {
    fn read(row: &str) -> Option<Self> {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, language, kind, mails, found, share, _] = cells[..] else { return None };
        let (mails, found) = (mails.parse().ok()?, found.parse::<u32>().ok()?);
        let low = share.split_once('(')?.1.split('–').next()?.parse().ok()?;
        let percent = 100.0 * f64::from(found) / f64::from(mails);
        Some(Self { language: language.to_owned(), kind: kind.to_owned(), mails, percent, low })
    }

    fn counts(rows: &[Self]) -> Vec<String> {
        rows.iter().map(|row| format!("{} {}: {}", row.language, row.kind, row.mails)).collect()
    }
}

fn rows(table: &str) -> Vec<Row> {
    table.lines().filter_map(Row::read).collect()
}

#[test]
fn the_test_half_is_answered_as_the_document_says() {
    let notes = Note::read_all("held");
    let answered = answer_all(&notes, None);
    let text = fs::read_to_string(document()).expect("docs/classifier.md");
    let (before, written, behind) = split(&text);
    if std::env::var_os("CLASSIFIER_TABLE").is_some() {
        let made = figures(&notes, &answered);
        fs::write(document(), [before, BEGIN, &made, END, behind].concat()).expect("docs/classifier.md");
        println!("{made}");
    } else {
        let (written, today) = (rows(written), rows(&by_kind(&answered)));
        let stale = "the test half has changed: make classifier-table";
        assert_eq!(Row::counts(&written), Row::counts(&today), "{stale}");
        for (row, today) in written.iter().zip(&today).filter(|(row, _)| ["ordinary", "hard"].contains(&&*row.kind)) {
            let (Row { language, kind, low, .. }, found) = (row, today.percent);
            // A few mails fewer than the document says may be chance; below its interval something was broken.
            assert!(found >= *low, "{language} {kind}: {found:.1} % are found, and were over {low} %");
        }
    }
    // Such a mail must be looked at, and its family then leaves this half: so its name is told.
    let taken = notes.iter().zip(&answered).filter(|(_, mail)| mail.found);
    let wrong: Vec<&str> = taken
        .filter(|(_, mail)| matches!(mail.sort, Sort::Other | Sort::Agency))
        .map(|(note, _)| note.name.as_str())
        .collect();
    assert!(wrong.is_empty(), "taken for rejections, and are none: {wrong:?}");
    let ambiguous = Share::of(answered.iter().filter(|mail| mail.sort == Sort::Ambiguous));
    assert!(ambiguous.found * 100 <= ambiguous.of * AMBIGUOUS_PERCENT_MAX, "{ambiguous:?}");
}

#[test]
fn the_interval_is_wilsons() {
    let check = |found, of, low: f64, high: f64| {
        let share = Share { of, found };
        let near = |a: f64, b: f64| (a - b).abs() < 0.05;
        let (a, b) = share.interval();
        assert!(near(a, low) && near(b, high), "{found} of {of}: {a}–{b}");
    };
    // Wilson's score interval as tables of it give it.
    check(0, 100, 0.0, 3.7);
    check(50, 100, 40.4, 59.6);
    check(97, 100, 91.5, 99.0);
    check(10, 10, 72.2, 100.0);
}

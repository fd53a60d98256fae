//! A preview for programs: one object per file, on a line of its own.

use std::io::{self, Write};

use serde::Serialize;

use super::Shown;

#[derive(Serialize)]
struct Mail<'a> {
    file: String,
    /// `rejection`, or the code of why nothing is put in.
    code: &'a str,
    /// The same as a sentence.
    text: &'a str,
    octets_inserted: usize,
    /// The digest of the words that are put in, if they count.
    words: Option<&'a str>,
    subject: &'a str,
    parts: Vec<Part<'a>>,
}

#[derive(Serialize)]
struct Part<'a> {
    path: &'a str,
    media: &'static str,
    charset: &'static str,
    transfer: &'static str,
    changed: bool,
    lines: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    text: &'a str,
    inserted: bool,
}

/// Prints the object of one mail.
pub(super) fn print(shown: &Shown<'_>, out: &mut dyn Write) -> io::Result<()> {
    let comparison = shown.comparison();
    let parts = comparison.parts.iter().map(|part| Part {
        path: &part.path,
        media: part.media(),
        charset: part.charset,
        transfer: part.transfer,
        changed: part.is_changed(),
        lines: part.lines.iter().map(|line| Line { text: &line.text, inserted: line.inserted }).collect(),
    });
    let mail = Mail {
        file: shown.file.display().to_string(),
        code: shown.said.code,
        text: &shown.said.text,
        octets_inserted: shown.wire.len() - shown.mail.wire.len(),
        words: shown.said.words.as_deref(),
        subject: &comparison.subject,
        parts: parts.collect(),
    };
    serde_json::to_writer(&mut *out, &mail)?;
    writeln!(out)
}

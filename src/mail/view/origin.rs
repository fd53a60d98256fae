//! The way back from the visible text to its octets: through white space and character references, charset and transfer
//! encoding. Told for the few runs that are asked for, by reading their lines once more.

use std::ops::Range;

use super::{Line, TextKind, TextPart, View};
use crate::mail::html::{self, Run, Traced};
use crate::mail::message::{Message, Transfer, without_line_end};

/// A run of the visible text of one part.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Span {
    /// Index into [`View::parts`].
    pub text_part: usize,
    /// Where it stands in the part's text: octets of UTF-8, lines following one another without line ends.
    pub text: Range<usize>,
}

impl View {
    /// The line of a part as a span.
    pub fn span_of_line(&self, text_part: usize, line: usize) -> Option<Span> {
        let text = self.parts.get(text_part)?.lines.get(line)?.text.clone();
        Some(Span { text_part, text })
    }

    /// What the span says. `None` when it is none of this view.
    pub fn text_of(&self, span: &Span) -> Option<&str> {
        self.parts.get(span.text_part)?.text.get(span.text.clone())
    }

    /// The octets of the raw message that the span is from, in order: whole groups of four in base64, whole escapes in
    /// quoted-printable. Between them stand tags, comments, hidden text and line ends.
    pub fn raw_of(&self, message: &Message<'_>, span: &Span) -> Option<Vec<Range<usize>>> {
        let part = self.parts.get(span.text_part)?;
        let octets = part.octets_of(span.text.clone())?;
        let raw: Option<Vec<Range<usize>>> = octets.into_iter().map(|o| part.raw_of_octets(message.raw(), o)).collect();
        raw.map(|ranges| ranges.into_iter().fold(Vec::new(), with))
    }
}

impl TextPart {
    /// The octets of the decoded body that a run of the visible text is from, in order. `None` when it does not begin
    /// and end between characters.
    pub fn octets_of(&self, text: Range<usize>) -> Option<Vec<Range<usize>>> {
        self.text.get(text.clone())?;
        let first = self.lines.partition_point(|l| l.text.end <= text.start);
        let mut found = Vec::new();
        for line in self.lines[first..].iter().take_while(|l| l.text.start < text.end) {
            for (run, end) in self.runs_of(line) {
                found = self.octets_in(line, &run, end, &text)?.into_iter().fold(found, with);
            }
        }
        Some(found)
    }

    /// The octets of the characters of one run that the text takes in; the run's text ends at `end`.
    fn octets_in(&self, line: &Line, run: &Run, end: usize, text: &Range<usize>) -> Option<Vec<Range<usize>>> {
        let Traced { text: said, glyphs } = match self.kind {
            TextKind::Plain => self.trace_plain(run)?,
            TextKind::Html => {
                let after_space = run.text <= line.text.start || self.text[..run.text].ends_with(' ');
                html::trace(&self.decoded.octets, run, self.charset, after_space)?
            }
        };
        let shown = self.text.get(run.text..end)?;
        if said != shown && said.strip_suffix(' ') != Some(shown) {
            return None;
        }
        let ends = glyphs.iter().skip(1).map(|(at, _)| *at).chain([said.len()]);
        let taken = glyphs
            .iter()
            .zip(ends)
            .filter(|((at, _), behind)| text.start < run.text + behind && run.text + at < text.end.min(end));
        Some(taken.map(|((_, octets), _)| octets.clone()).collect())
    }

    fn trace_plain(&self, run: &Run) -> Option<Traced> {
        let mut traced = Traced::default();
        for (c, octets) in self.charset.decode_steps(self.decoded.octets.get(run.octets.clone())?)? {
            let start = run.octets.start;
            traced.glyphs.push((traced.text.len(), start + octets.start..start + octets.end));
            traced.text.push(c);
        }
        Some(traced)
    }

    /// The runs of a line, each with the end of its text.
    fn runs_of(&self, line: &Line) -> Vec<(Run, usize)> {
        if self.kind == TextKind::Plain {
            let octets = line.octets.start..line.octets.end;
            let length = without_line_end(&self.decoded.octets[octets]).len();
            // A byte order mark stands in front of the first line's text.
            let text = if line.octets.start == 0 { 0 } else { line.text.start };
            return vec![(Run { text, octets: line.octets.start..line.octets.start + length }, line.text.end)];
        }
        let first = self.runs.partition_point(|run| run.text < line.text.start);
        let runs = self.runs[first..].iter().take_while(|run| run.text < line.text.end);
        let next = self.runs.get(first + 1..).unwrap_or_default().iter().map(|run| run.text).chain([usize::MAX]);
        runs.zip(next).map(|(run, next)| (run.clone(), next.min(line.text.end))).collect()
    }

    fn raw_of_octets(&self, raw: &[u8], octets: Range<usize>) -> Option<Range<usize>> {
        let start = self.decoded.spot(octets.start)?.raw;
        let Some(last) = octets.end.checked_sub(1).filter(|last| *last >= octets.start) else {
            return Some(start..start);
        };
        let last = self.decoded.spot(last)?.raw;
        let length = match self.decoded.transfer {
            Transfer::Base64 => 4,
            Transfer::QuotedPrintable if raw.get(last) == Some(&b'=') => 3,
            _ => 1,
        };
        Some(start..last + length)
    }
}

/// The ranges with one more, joined to the last where it follows or overlaps it.
fn with(mut ranges: Vec<Range<usize>>, next: Range<usize>) -> Vec<Range<usize>> {
    match ranges.last_mut() {
        Some(last) if next.start <= last.end => last.end = last.end.max(next.end),
        _ => ranges.push(next),
    }
    ranges
}

//! What was found, as spans of the view: the way back from the folded text, told for those who ask.

use super::fold::fold;
use super::verdict::{Evidence, Place};
use crate::mail::view::{LineKind, Span, TextPart, View};

/// Words that were matched stand on so many lines at most.
const LINES_MAX: usize = 8;

impl Place {
    /// The last line of what states the result.
    pub fn result(&self, view: &View) -> Option<Span> {
        view.span_of_line(self.text_part, self.result_line)
    }

    /// The first line of the wishes behind it, when they begin a line.
    pub fn wishes(&self, view: &View) -> Option<Span> {
        view.span_of_line(self.text_part, self.closing_line?)
    }
}

impl Evidence {
    /// The words as they stand in the view. `None` for those of the subject, and where the view is of another mail.
    pub fn span(&self, view: &View) -> Option<Span> {
        let (part, first) = (view.parts.get(self.text_part)?, self.line?);
        let text = Window::of(part, first).range_of(&self.text)?;
        Some(Span { text_part: self.text_part, text })
    }
}

/// Some lines of a part, with each place between two of their characters.
struct Window<'a> {
    part: &'a TextPart,
    lines: Vec<usize>,
    /// Line and octet in it, in order.
    cuts: Vec<(usize, usize)>,
}

impl<'a> Window<'a> {
    fn of(part: &'a TextPart, first: usize) -> Self {
        let newest = |i: &usize| part.lines.get(*i).is_some_and(|l| matches!(l.kind, LineKind::Text | LineKind::Blank));
        let lines: Vec<usize> = (first..part.lines.len()).filter(newest).take(LINES_MAX).collect();
        let cuts_of = |line: &usize| {
            let text = part.line(*line);
            let ends = text.char_indices().map(|(at, _)| at).chain(std::iter::once(text.len()));
            ends.map(|at| (*line, at)).collect::<Vec<_>>()
        };
        let cuts = lines.iter().flat_map(cuts_of).collect();
        Self { part, lines, cuts }
    }

    /// How much of the folded text stands fast by what is in front of a cut: a reading in brackets that is cut in its
    /// midst is text, and is left out when it is whole.
    fn folded_until(&self, cut: (usize, usize), all: &str) -> usize {
        let until = |line: &usize| {
            let text = self.part.line(*line);
            (*line, if *line == cut.0 { text.get(..cut.1).unwrap_or(text) } else { text })
        };
        let folded = fold(self.lines.iter().filter(|line| **line <= cut.0).map(until)).text;
        folded.bytes().zip(all.bytes()).take_while(|(a, b)| a == b).count()
    }

    /// Where words stand that begin on the first line, as octets of the part's text.
    fn range_of(&self, words: &str) -> Option<std::ops::Range<usize>> {
        let all = fold(self.lines.iter().map(|line| (*line, self.part.line(*line))));
        let first = self.lines.first()?;
        let mut found = memchr::memmem::find_iter(all.text.as_bytes(), words);
        let start = found.find(|at| all.line_at(*at) == Some(*first))?;
        let reaches = |cut: &(usize, usize)| self.folded_until(*cut, &all.text);
        let begun = self.cuts.partition_point(|cut| reaches(cut) <= start).checked_sub(1)?;
        let ended = self.cuts.partition_point(|cut| reaches(cut) < start + words.len());
        // A mark that only changes the last character belongs to it.
        let marks = |cut: &&(usize, usize)| {
            let mark = self.part.line(cut.0).get(..cut.1).and_then(|text| text.chars().next_back());
            mark.is_some_and(|c| matches!(c, '\u{300}'..='\u{36f}' | '\u{3099}' | '\u{309a}' | '\u{ff9e}' | '\u{ff9f}'))
        };
        let ended = ended + self.cuts.get(ended + 1..)?.iter().take_while(marks).count();
        let offset = |at: usize| {
            let (line, octet) = *self.cuts.get(at)?;
            Some(self.part.lines.get(line)?.text.start + octet)
        };
        Some(offset(begun)?..offset(ended)?)
    }
}

/// Whether a span says these words in some spelling, for tests of those who show it.
#[cfg(test)]
pub(super) fn says(view: &View, span: &Span, words: &str) -> bool {
    let squeezed = |text: &str| super::fold::fold_phrase(text).replace([' ', '\n'], "");
    view.text_of(span).is_some_and(|text| squeezed(text).contains(&squeezed(words)))
}

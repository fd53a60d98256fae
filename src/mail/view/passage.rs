//! The newest message in blocks: greeting, body, result, wishes, signature, quotation. Where the result and the wishes
//! stand is for the reader of the words to say; where their paragraphs end is told here, alike for text and HTML.

use std::ops::Range;

use super::{LineKind, TextKind, TextPart};
use crate::mail::html;

/// A run of lines longer than this without a blank one is no paragraph that anyone wrote.
const PARAGRAPH_LINES_MAX: usize = 200;
/// Names and addresses of a sender at the end of a letter: at most so many lines, each so wide.
const NAME_LINES_MAX: usize = 8;
const NAME_COLUMNS_MAX: usize = 50;
/// A 記書き is no longer.
const LIST_LINES_MAX: usize = 40;
/// The addressee is named among the first lines that are not blank.
const GREETING_LINES_MAX: usize = 6;
/// Longest line that greets or names an addressee.
const GREETING_COLUMNS_MAX: usize = 60;

/// Some lines of a part that belong together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Passage {
    /// What they are.
    pub kind: PassageKind,
    /// Indexes into [`TextPart::lines`].
    pub lines: Range<usize>,
}

/// What a passage is to the letter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PassageKind {
    /// The addressee's name.
    Greeting,
    /// Anything else that the author says.
    Body,
    /// The paragraph that states the result, to its end.
    Result,
    /// The closing wishes.
    Wishes,
    /// Names and addresses of the sender.
    Signature,
    /// Reply or forward history.
    Quotation,
}

impl TextPart {
    /// The part in passages, from the top, without a gap: `result` is the line that states the result, `wishes` the
    /// first line of the closing wishes. `None` when `result` is no line of the author's own, or its paragraph has no
    /// end.
    pub fn passages(&self, result: usize, wishes: Option<usize>) -> Option<Vec<Passage>> {
        let letter = Letter::of(self, result, wishes)?;
        let last = letter.result_end()?;
        let greeting = letter.greeting_end();
        let first = self.paragraph_begin(result).max(greeting);
        let mut passages = Passages::default();
        passages.push_until(PassageKind::Greeting, greeting);
        passages.push_until(PassageKind::Body, first);
        passages.push_until(PassageKind::Result, last + 1);
        if letter.limit < letter.end {
            passages.push_until(PassageKind::Body, letter.limit);
            let wishes_end = (letter.limit..letter.end).find(|i| !self.is_text(*i) || self.starts_paragraph(*i));
            passages.push_until(PassageKind::Wishes, wishes_end.map_or(letter.end, |i| (i + 1).min(letter.end)));
        }
        passages.push_until(PassageKind::Body, letter.name_begin(letter.end));
        passages.push_until(PassageKind::Signature, letter.end);
        for (i, line) in self.lines.iter().enumerate().skip(letter.end) {
            let kind = match line.kind {
                LineKind::Quotation => PassageKind::Quotation,
                LineKind::Signature => PassageKind::Signature,
                LineKind::Text | LineKind::Blank => PassageKind::Body,
            };
            passages.push_until(kind, i + 1);
        }
        Some(passages.found)
    }

    /// Whether a new paragraph begins between the lines `i` and `i + 1` without a blank line.
    pub fn starts_paragraph(&self, i: usize) -> bool {
        let (Some(line), Some(next)) = (self.lines.get(i), self.lines.get(i + 1)) else { return true };
        match self.kind {
            // Letters in the Japanese manner begin a paragraph with a wide blank instead of an empty line.
            TextKind::Plain => self.line(i + 1).starts_with('\u{3000}') && self.ends_sentence(i),
            TextKind::Html => {
                let gap = line.octets.end..next.octets.start.max(line.octets.end);
                let block = line.place.as_ref().and_then(|p| p.block);
                html::starts_paragraph(&self.decoded.octets, &self.blocks, gap, block)
            }
        }
    }

    /// The first line of the paragraph that the line stands in.
    pub fn paragraph_begin(&self, line: usize) -> usize {
        let begins = |i: &usize| !self.is_text(i - 1) || self.starts_paragraph(i - 1);
        let line = line.min(self.lines.len());
        let first = line.saturating_sub(PARAGRAPH_LINES_MAX);
        (first + 1..=line).rev().find(begins).unwrap_or(first)
    }

    /// Whether the two lines, one above the other, stand in one paragraph.
    pub fn are_one_paragraph(&self, above: usize, below: usize) -> bool {
        (above..below).all(|i| self.is_text(i + 1) && !self.starts_paragraph(i))
    }

    /// Whether a sentence ends with line `i`. Flowed lines go on behind a blank at their end (RFC 3676 4.1).
    fn ends_sentence(&self, i: usize) -> bool {
        let line = self.line(i);
        ends_sentence(if self.flowed { line } else { line.trim_end() })
    }

    fn is_text(&self, i: usize) -> bool {
        self.lines.get(i).is_some_and(|l| l.kind == LineKind::Text)
    }
}

/// Passages that follow one another.
#[derive(Default)]
struct Passages {
    found: Vec<Passage>,
}

impl Passages {
    /// Adds a passage from where the last one ended. One of the same kind goes on.
    fn push_until(&mut self, kind: PassageKind, until: usize) {
        let from = self.found.last().map_or(0, |p| p.lines.end);
        match self.found.last_mut() {
            _ if until <= from => {}
            Some(last) if last.kind == kind => last.lines.end = until,
            _ => self.found.push(Passage { kind, lines: from..until }),
        }
    }
}

/// A part whose result is known, with the lines its passages turn on.
struct Letter<'a> {
    part: &'a TextPart,
    result: usize,
    /// The first line that stays behind whatever belongs to the result: wishes, signature, history, or the end.
    limit: usize,
    /// The first line of the signature or the history.
    end: usize,
}

impl<'a> Letter<'a> {
    fn of(part: &'a TextPart, result: usize, wishes: Option<usize>) -> Option<Self> {
        part.lines.get(result).filter(|l| l.kind == LineKind::Text)?;
        let ends = |kind: LineKind| matches!(kind, LineKind::Quotation | LineKind::Signature);
        let end = part.lines[result..].iter().position(|l| ends(l.kind)).map_or(part.lines.len(), |n| result + n);
        let limit = wishes.filter(|wishes| *wishes > result).map_or(end, |wishes| wishes.min(end));
        Some(Self { part, result, limit, end })
    }

    /// The last line of the paragraph of the result. Where the wishes or the sender's name begin inside that very
    /// paragraph, it ends in front of them only if a sentence does; else the paragraph stays whole.
    fn result_end(&self) -> Option<usize> {
        let part = self.part;
        let name = self.name_begin(self.limit);
        let mut last = self.result;
        while part.is_text(last + 1)
            && !part.starts_paragraph(last)
            && (last + 1 != self.limit && last + 1 != name || !part.ends_sentence(last))
        {
            last += 1;
            if last - self.result > PARAGRAPH_LINES_MAX {
                return None;
            }
        }
        Some(self.list_end(last))
    }

    /// Where the lines begin that name the sender at the end of a text, behind the result and in front of `until`.
    fn name_begin(&self, until: usize) -> usize {
        let part = self.part;
        let own = part.lines.iter().take(until).rposition(|l| l.kind == LineKind::Text).map_or(0, |i| i + 1);
        let names = |i: &usize| {
            let line = part.line(*i).trim();
            part.lines[*i].kind == LineKind::Text
                && columns(line) <= NAME_COLUMNS_MAX
                && !ends_sentence(line)
                && !line.ends_with(['、', ',', '，'])
        };
        let count = (self.result + 1..own).rev().take_while(names).count();
        if count <= NAME_LINES_MAX { own - count } else { own }
    }

    /// Behind the 以上 that ends a 記書き, when that comes next or the result stands in it; alone it ends the letter.
    fn list_end(&self, last: usize) -> usize {
        let part = self.part;
        let is = |i: usize, word: &str| part.line(i).split_whitespace().eq([word]);
        let next = (last + 1..self.limit).find(|i| part.lines[*i].kind != LineKind::Blank);
        let ends = |next: &usize| is(*next, "以上") && (0..=last).any(|i| is(i, "記"));
        let begun = |next: usize| (next..self.limit).take(LIST_LINES_MAX).find(|i| is(next, "記") && is(*i, "以上"));
        next.filter(ends).or_else(|| next.and_then(begun)).unwrap_or(last)
    }

    /// Behind the line that names the addressee, among the first ones and in front of the result.
    fn greeting_end(&self) -> usize {
        let own = (0..self.result).filter(|i| self.part.is_text(*i)).take(GREETING_LINES_MAX);
        own.filter(|i| is_greeting(self.part.line(*i).trim())).last().map_or(0, |i| i + 1)
    }
}

fn is_greeting(line: &str) -> bool {
    const ENDS: [&str; 6] = ["様", "さま", "殿", "さん", "御中", "各位"];
    const BEGINNINGS: [&str; 4] = ["Dear ", "Hi ", "Hello ", "Hello,"];
    let name = line.trim_end_matches(['、', ',', '，', '：', ':']);
    columns(line) <= GREETING_COLUMNS_MAX
        && (ENDS.iter().any(|end| name.ends_with(end)) || BEGINNINGS.iter().any(|begins| line.starts_with(begins)))
}

/// Whether the line ends where a sentence does.
pub(crate) fn ends_sentence(line: &str) -> bool {
    line.ends_with(['。', '．', '.', '!', '！', '」', '）', ')', '♪', '｡'])
}

/// Columns on a fixed-pitch screen: two for what East Asian fonts draw wide.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(char_columns).sum()
}

/// The columns of one character.
pub(crate) fn char_columns(c: char) -> usize {
    match c {
        '\u{0}'..='\u{2ff}' | '\u{ff61}'..='\u{ff9f}' => 1,
        _ => 2,
    }
}

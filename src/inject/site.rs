//! Where in a text part the line goes, in terms of its visible lines: behind the paragraph of the result.

use crate::mail::view::{LineKind, TextPart};

use super::Target;
use super::wrap::columns;

/// A run of lines longer than this without a blank one is no paragraph that anyone wrote.
const PARAGRAPH_LINES_MAX: usize = 200;

/// Names and addresses of a sender at the end of a letter: at most so many lines, each so wide.
const NAME_LINES_MAX: usize = 8;
const NAME_COLUMNS_MAX: usize = 50;

/// The lines a placement turns on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Bounds {
    /// The result.
    pub result: usize,
    /// The first line that must stay behind the inserted one: closing wishes, signature, history, or the end.
    pub limit: usize,
}

impl Bounds {
    /// `None` when the target is no line of the author's own.
    pub(super) fn of(part: &TextPart, target: &Target) -> Option<Self> {
        let result = target.result_line;
        part.lines.get(result).filter(|l| l.kind == LineKind::Text)?;
        let ends = |l: LineKind| matches!(l, LineKind::Quotation | LineKind::Signature);
        let end = part.lines[result..].iter().position(|l| ends(l.kind)).map_or(part.lines.len(), |n| result + n);
        let limit = target.closing_line.filter(|c| *c > result).map_or(end, |c| c.min(end));
        Some(Self { result, limit })
    }
}

/// The last line of the paragraph of the result. `breaks(i)` tells whether a paragraph ends between `i` and `i + 1`.
///
/// Where the closing begins inside that very paragraph, the line goes in front of it only if a sentence ends there;
/// else the paragraph stays whole. `None` when there is no end of it in sight.
pub(super) fn paragraph_end(part: &TextPart, bounds: Bounds, breaks: impl Fn(usize) -> bool) -> Option<usize> {
    let is_text = |i: usize| part.lines.get(i).is_some_and(|l| l.kind == LineKind::Text);
    let name = begin_of_name(part, bounds);
    let mut last = bounds.result;
    while is_text(last + 1)
        && !breaks(last)
        && (last + 1 != bounds.limit && last + 1 != name || !ends_sentence(part.line(last)))
    {
        last += 1;
        if last - bounds.result > PARAGRAPH_LINES_MAX {
            return None;
        }
    }
    Some(behind_list_end(part, bounds, last))
}

/// Where the lines begin that name the sender at the end of a text without a closing, right below the result.
fn begin_of_name(part: &TextPart, bounds: Bounds) -> usize {
    let own = part.lines.iter().take(bounds.limit).rposition(|l| l.kind == LineKind::Text).map_or(0, |i| i + 1);
    let names = |i: &usize| {
        let line = part.line(*i).trim();
        part.lines[*i].kind == LineKind::Text
            && columns(line) <= NAME_COLUMNS_MAX
            && !ends_sentence(line)
            && !line.ends_with(['、', ',', '，'])
    };
    let count = (bounds.result + 1..own).rev().take_while(names).count();
    if count <= NAME_LINES_MAX { own - count } else { own }
}

/// Behind the 以上 that ends a 記書き, when that comes next.
fn behind_list_end(part: &TextPart, bounds: Bounds, last: usize) -> usize {
    let next = (last + 1..bounds.limit).find(|i| part.lines[*i].kind != LineKind::Blank);
    next.filter(|i| part.line(*i).trim() == "以上").unwrap_or(last)
}

/// Whether the line ends where a sentence does; a flowed line with a blank at its end goes on.
pub(super) fn ends_sentence(line: &str) -> bool {
    line.trim_end_matches(['\r', '\n']).ends_with(['。', '．', '.', '!', '！', '」', '）', ')', '♪'])
}

//! Where in a text part the line goes, in terms of its visible lines: behind the paragraph of the result.

use crate::mail::view::{LineKind, TextPart};

use super::Target;

/// A run of lines longer than this without a blank one is no paragraph that anyone wrote.
const PARAGRAPH_LINES_MAX: usize = 200;

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
    let mut last = bounds.result;
    while is_text(last + 1) && !breaks(last) && (last + 1 != bounds.limit || !ends_sentence(part.line(last))) {
        last += 1;
        if last - bounds.result > PARAGRAPH_LINES_MAX {
            return None;
        }
    }
    Some(last)
}

/// Whether the line ends where a sentence does; a flowed line with a blank at its end goes on.
pub(super) fn ends_sentence(line: &str) -> bool {
    line.trim_end_matches(['\r', '\n']).ends_with(['。', '．', '.', '!', '！', '」', '）', ')', '♪'])
}

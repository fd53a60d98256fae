//! The visible lines of an HTML part, with the places between tags where a line can be put. Markup is never rewritten.

mod element;
mod lines;
mod paragraph;
mod sheet;
mod style;
#[cfg(test)]
mod tests;
mod text;
mod tokens;

use std::ops::Range;

use super::charset::Charset;

pub(crate) use paragraph::{has_blank, is_spaced, starts_paragraph};
pub(crate) use sheet::has_sheet;
pub(crate) use text::trace;

/// A block element: a paragraph, a table cell, a list item, a `div`. Offsets count octets of the decoded body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Block {
    /// The element's name in lower case.
    pub name: &'static str,
    /// The start tag.
    pub start_tag: Range<usize>,
    /// The end tag; `None` when it is left out or missing.
    pub end_tag: Option<Range<usize>>,
    /// The inline style as written, if any.
    pub style: Option<String>,
    /// What its styles say of the room around it.
    pub margins: Margins,
    /// The block around it, as an index into [`super::view::TextPart::blocks`].
    pub parent: Option<usize>,
}

/// Whether an element has room above and below it that a reader sees; `None` where no style says.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Margins {
    /// Above.
    pub above: Option<bool>,
    /// Below.
    pub below: Option<bool>,
}

impl Margins {
    pub(crate) fn then(self, later: Self) -> Self {
        Self { above: later.above.or(self.above), below: later.below.or(self.below) }
    }
}

/// Where a line stands between the tags, and where text may be put beside it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a property of its own")]
pub struct Place {
    /// The innermost block element around the line, as an index into [`super::view::TextPart::blocks`].
    pub block: Option<usize>,
    /// Whether it is in a `td` or `th`.
    pub in_table_cell: bool,
    /// Whether it is in an `li`, `dt` or `dd`.
    pub in_list: bool,
    /// Whether it is in a `blockquote`.
    pub in_quote: bool,
    /// Whether a style sheet shows it on some screens and hides it on others.
    pub on_some_screens: bool,
    /// Behind the `<br>` in front of this line: `text<br>` put here becomes a line of its own before it. In
    /// preformatted text a line end does for a `<br>`, here and below.
    pub behind_break_before: Option<usize>,
    /// Behind the `<br>` that ends this line: `text<br>` put here becomes a line of its own after it.
    pub behind_break_after: Option<usize>,
    /// When the line is the first of its block: behind the start tag. `text<br>` put here stands before the line.
    pub at_block_start: Option<usize>,
    /// When the line is the last of its block: before the end tag. `<br>text` put here stands after the line.
    pub at_block_end: Option<usize>,
    /// When the line is the first of its block, and a block may stand beside that one: before its start tag.
    pub before_block: Option<usize>,
    /// When the line is the last of its block, and a block may stand beside that one: behind its end tag.
    pub after_block: Option<usize>,
}

/// Why the markup of a part is not read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HtmlFault {
    /// The parser cannot tell what readers make of it.
    #[error("ambiguous markup")]
    Ambiguous,
    /// Elements nested deeper than is read.
    #[error("nested too deep")]
    TooDeep,
    /// Some octets of its text are illegal in its charset.
    #[error("illegal octets")]
    Undecodable,
}

impl HtmlFault {
    /// The stable name.
    pub fn code(self) -> &'static str {
        match self {
            Self::Ambiguous => "html_ambiguous",
            Self::TooDeep => "html_too_deep",
            Self::Undecodable => "charset_illegal_octets",
        }
    }
}

/// The visible text of a part.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) text: String,
    pub(crate) lines: Vec<PageLine>,
    /// Where the text came from, in order.
    pub(crate) runs: Vec<Run>,
    pub(crate) blocks: Vec<Block>,
    /// Where links lead, with the line their text begins on.
    pub(crate) links: Vec<(usize, String)>,
    /// The first line of reply or forward history, by the markup.
    pub(crate) history_from: Option<usize>,
}

/// Text between two tags: where it begins in the page's text, and its octets.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) text: usize,
    pub(crate) octets: Range<usize>,
}

/// The text of a run with its characters, each with where it begins there and the octets of the body that it is from.
#[derive(Debug, Default)]
pub(crate) struct Traced {
    pub(crate) text: String,
    pub(crate) glyphs: Vec<(usize, Range<usize>)>,
}

/// One visible or blank line.
#[derive(Debug)]
pub(crate) struct PageLine {
    pub(crate) text: Range<usize>,
    pub(crate) octets: Range<usize>,
    pub(crate) place: Place,
    /// Whether it stands in an element that mail programs put signatures in.
    pub(crate) in_signature: bool,
}

/// Reads a decoded body.
pub(crate) fn read(body: &[u8], charset: Charset) -> Result<Page, HtmlFault> {
    let tokens = tokens::read(body, charset)?;
    lines::read(body, charset, tokens)
}

//! The visible lines of an HTML part, with the places between tags where a line can be put. Markup is never rewritten.

mod element;
mod lines;
mod style;
#[cfg(test)]
mod tests;
mod text;
mod tokens;

use std::ops::Range;

use super::charset::Charset;

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
    /// The block around it, as an index into [`super::view::TextPart::blocks`].
    pub parent: Option<usize>,
}

/// Where a line stands between the tags, and where text may be put beside it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Place {
    /// The innermost block element around the line, as an index into [`super::view::TextPart::blocks`].
    pub block: Option<usize>,
    /// Whether it is in a `td` or `th`.
    pub in_table_cell: bool,
    /// Whether it is in an `li`, `dt` or `dd`.
    pub in_list: bool,
    /// Whether it is in a `blockquote`.
    pub in_quote: bool,
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
    pub(crate) blocks: Vec<Block>,
    /// Where links lead, with the line their text begins on.
    pub(crate) links: Vec<(usize, String)>,
    /// The first line of reply or forward history, by the markup.
    pub(crate) history_from: Option<usize>,
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

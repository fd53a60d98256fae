//! The newest visible text of a message, built once for deciding and for editing: lines, passages, and the way back to
//! the octets.

mod origin;
mod passage;
mod plain;
mod quotation;
mod signature;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::charset::{Charset, CharsetFault};
use super::html::{self, Block, HtmlFault, Place, Run};
use super::message::{Message, Part};
use super::transfer::{self, Decoded, TransferFault};

pub use origin::Span;
pub use passage::{Passage, PassageKind};
pub(crate) use passage::{char_columns, columns, ends_sentence};

/// Text parts with more decoded octets than this are not read.
pub const TEXT_OCTETS_MAX: usize = 1024 * 1024;
/// More inline text parts than this are not read.
pub const TEXT_PARTS_MAX: usize = 16;

/// The inline text parts of a message.
#[derive(Debug)]
pub struct View {
    /// The parts that could be read, in document order.
    pub parts: Vec<TextPart>,
    /// The parts that are inline text and could not be read.
    pub unread: Vec<Unread>,
    /// The Subject, decoded and unfolded.
    pub subject: String,
}

/// An inline text part that could not be read: nothing is known of what it says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unread {
    /// Index into [`Message::parts`].
    pub part: usize,
    /// Why.
    pub fault: ViewFault,
}

/// Why a text part could not be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ViewFault {
    /// Its transfer encoding is unknown or broken.
    Transfer(TransferFault),
    /// Its charset is unknown.
    Charset(CharsetFault),
    /// Some of its octets are illegal in its charset.
    Undecodable,
    /// Its markup is not read.
    Html(HtmlFault),
    /// It is longer than is read, or one of too many.
    TooLarge,
}

impl ViewFault {
    /// The stable name.
    pub fn code(self) -> &'static str {
        match self {
            Self::Transfer(fault) => fault.code(),
            Self::Charset(fault) => fault.code(),
            Self::Undecodable => "charset_illegal_octets",
            Self::Html(fault) => fault.code(),
            Self::TooLarge => "text_too_large",
        }
    }
}

/// One inline text part as lines.
#[derive(Debug)]
pub struct TextPart {
    /// Index into [`Message::parts`].
    pub part: usize,
    /// Plain text or HTML.
    pub kind: TextKind,
    /// What its octets are.
    pub charset: Charset,
    /// What a reader sees, from the top.
    pub lines: Vec<Line>,
    /// HTML: the block elements, in document order of their start tags. Plain: none.
    pub blocks: Vec<Block>,
    /// HTML: where the visible links lead, by line. Plain: none.
    pub links: Vec<Link>,
    /// The decoded body, with the way back to the raw message.
    pub decoded: Decoded,
    text: String,
    /// Whether its lines flow (RFC 3676).
    flowed: bool,
    /// HTML: where the text came from, between tags. Plain: none.
    runs: Vec<Run>,
}

/// The media of a text part.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TextKind {
    /// `text/plain`.
    Plain,
    /// `text/html`.
    Html,
}

/// The target of a link in HTML.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Link {
    /// The line its text begins on; the number of lines when nothing visible follows.
    pub line: usize,
    /// The `href`, entities decoded.
    pub url: String,
}

/// One visible line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line {
    /// Where its text stands in the part's, as [`Span::text`] counts.
    pub text: Range<usize>,
    /// Offsets into the decoded body. Plain: with its line end. HTML: from the first to behind the last visible octet.
    pub octets: Range<usize>,
    /// What it is to the newest message.
    pub kind: LineKind,
    /// HTML: where it stands between tags. Plain: `None`.
    pub place: Option<Place>,
}

/// What a line is to the newest message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LineKind {
    /// The author's own words.
    Text,
    /// Nothing visible.
    Blank,
    /// Reply or forward history: everything from its first mark on.
    Quotation,
    /// The signature block.
    Signature,
}

impl View {
    /// Reads the inline text parts of a message. Attached messages and attachments are not looked into.
    pub fn read(message: &Message<'_>) -> Self {
        let mut view = Self { parts: Vec::new(), unread: Vec::new(), subject: message.subject().to_owned() };
        for (part, _) in message.parts().iter().enumerate().filter(|(_, p)| p.is_inline_text()) {
            let too_many = view.parts.len() + view.unread.len() >= TEXT_PARTS_MAX;
            match if too_many { Err(ViewFault::TooLarge) } else { TextPart::read(message, part) } {
                Ok(text) => view.parts.push(text),
                Err(fault) => view.unread.push(Unread { part, fault }),
            }
        }
        view
    }

    /// The text a person reads: the plain text, unless it is a stub beside a longer HTML text.
    pub fn primary(&self) -> Option<&TextPart> {
        match (self.longest(TextKind::Plain), self.longest(TextKind::Html)) {
            (Some(plain), Some(html)) if is_stub(plain, html) => Some(html),
            (plain, html) => plain.or(html),
        }
    }

    /// The part of that kind with the most to read.
    fn longest(&self, kind: TextKind) -> Option<&TextPart> {
        let mut parts = self.parts.iter().filter(|p| p.kind == kind);
        let first = parts.next()?;
        // Mostly there is but one, and nothing to count.
        Some(parts.fold(first, |longest, p| if p.visible_chars() >= longest.visible_chars() { p } else { longest }))
    }
}

/// Visible characters from which on a plain part is no stub, whatever stands beside it.
const STUB_CHARS_MAX: usize = 300;

/// A plain part of few characters that only says that there is an HTML part of many, or nothing.
fn is_stub(plain: &TextPart, html: &TextPart) -> bool {
    let few = plain.visible_chars_up_to(STUB_CHARS_MAX);
    if few >= STUB_CHARS_MAX {
        return false;
    }
    let many = html.visible_chars_up_to(2 * STUB_CHARS_MAX);
    let speaks_of_html = || plain.lines_of(LineKind::Text).any(|l| l.contains("HTML"));
    few == 0 && many > 0 || few < 40 && many > 2 * few || many > few && speaks_of_html()
}

impl TextPart {
    /// The text of a line, without its line end.
    pub fn line(&self, index: usize) -> &str {
        self.lines.get(index).and_then(|l| self.text.get(l.text.clone())).unwrap_or_default()
    }

    /// The lines of one kind, from the top.
    pub fn lines_of(&self, kind: LineKind) -> impl Iterator<Item = &str> {
        (0..self.lines.len()).filter(move |i| self.lines[*i].kind == kind).map(|i| self.line(i))
    }

    fn visible_chars(&self) -> usize {
        self.visible_chars_up_to(usize::MAX)
    }

    /// Counts until it has counted `enough`, to the end of that line.
    fn visible_chars_up_to(&self, enough: usize) -> usize {
        let visible = |line: &str| {
            if line.is_ascii() {
                return line.bytes().filter(|b| !matches!(b, b'\t'..=b'\r' | b' ')).count();
            }
            line.chars().filter(|c| !c.is_whitespace()).count()
        };
        let mut chars = 0;
        for line in self.lines_of(LineKind::Text) {
            chars += visible(line);
            if chars >= enough {
                break;
            }
        }
        chars
    }

    fn read(message: &Message<'_>, index: usize) -> Result<Self, ViewFault> {
        let part: &Part = message.parts().get(index).ok_or(ViewFault::TooLarge)?;
        if part.body.len() > 2 * TEXT_OCTETS_MAX {
            return Err(ViewFault::TooLarge);
        }
        let decoded = transfer::decode(part, message.raw()).map_err(ViewFault::Transfer)?;
        if decoded.octets.len() > TEXT_OCTETS_MAX {
            return Err(ViewFault::TooLarge);
        }
        // Readers in C end a text at a NUL that was hidden in its encoding.
        if decoded.transfer.hides_octets() && memchr::memchr(0, &decoded.octets).is_some() {
            return Err(ViewFault::Undecodable);
        }
        let charset = Charset::from_label(part.charset.as_deref(), &decoded.octets).map_err(ViewFault::Charset)?;
        let kind = if part.media == "text/html" { TextKind::Html } else { TextKind::Plain };
        let mut text = Self {
            part: index,
            kind,
            charset,
            lines: Vec::new(),
            blocks: Vec::new(),
            links: Vec::new(),
            decoded,
            text: String::new(),
            flowed: kind == TextKind::Plain && part.format_flowed,
            runs: Vec::new(),
        };
        let history_from = match kind {
            TextKind::Html => text.read_html()?,
            TextKind::Plain => text.read_plain()?,
        };
        text.mark(history_from);
        Ok(text)
    }

    fn read_plain(&mut self) -> Result<Option<usize>, ViewFault> {
        (self.lines, self.text) = plain::read(&self.decoded.octets, self.charset).ok_or(ViewFault::Undecodable)?;
        Ok(None)
    }

    fn read_html(&mut self) -> Result<Option<usize>, ViewFault> {
        let page = html::read(&self.decoded.octets, self.charset).map_err(|fault| match fault {
            HtmlFault::Undecodable => ViewFault::Undecodable,
            fault => ViewFault::Html(fault),
        })?;
        let kind = |in_signature| if in_signature { LineKind::Signature } else { LineKind::Text };
        let line = |l: html::PageLine| Line {
            text: l.text,
            octets: l.octets,
            kind: kind(l.in_signature),
            place: Some(l.place),
        };
        self.lines = page.lines.into_iter().map(line).collect();
        self.links = page.links.into_iter().map(|(line, url)| Link { line, url }).collect();
        (self.text, self.blocks, self.runs) = (page.text, page.blocks, page.runs);
        Ok(page.history_from)
    }

    /// Tells the kinds of lines apart, once the history that the markup shows is known.
    fn mark(&mut self, history_from: Option<usize>) {
        let texts: Vec<&str> = self.lines.iter().map(|l| &self.text[l.text.clone()]).collect();
        let by_text = quotation::begins(&texts);
        let history = history_from.into_iter().chain(by_text).min().unwrap_or(texts.len()).min(texts.len());
        let signature = signature::begins(&texts[..history]).unwrap_or(history);
        let blank: Vec<bool> = texts.iter().map(|t| t.trim().is_empty()).collect();
        for (i, line) in self.lines.iter_mut().enumerate() {
            line.kind = match line.kind {
                _ if i >= history => LineKind::Quotation,
                _ if i >= signature => LineKind::Signature,
                LineKind::Signature => LineKind::Signature,
                _ if blank[i] => LineKind::Blank,
                kind => kind,
            };
        }
    }
}

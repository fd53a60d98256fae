//! The line in plain text: a paragraph of its own, in the mail's own width and line ends (RFC 3676 where flowed).

use crate::mail::charset::Charset;
use crate::mail::message::Part;
use crate::mail::view::{LineKind, TextPart, columns};

use super::Turn;
use super::encode::line_end;
use super::result_end;
use super::wrap::wrap;

/// Mails with longer lines than this leave wrapping to the reader.
const WRAPPED_COLUMNS_MAX: usize = 100;
/// No narrower than this, however short the mail's lines are.
const COLUMNS_MIN: usize = 40;
/// Width in ISO-2022-JP where the mail gives none: RFC 1468 asks for short lines.
const JIS_COLUMNS: usize = 76;

/// A place for a paragraph between two lines of plain text.
#[derive(Debug)]
pub(super) struct PlainSite {
    /// Offset into the decoded body.
    pub at: usize,
    /// Whether a line end stands in front of the place. At the end of a text it may be missing.
    after_line_end: bool,
    /// Whether the line behind the place needs a blank line between.
    blank_behind: bool,
    eol: &'static [u8],
    columns_max: Option<usize>,
    flowed: bool,
}

/// Finds the place behind the paragraph of the result.
pub(super) fn site(part: &TextPart, mime: &Part, turn: &Turn) -> Option<PlainSite> {
    let last = result_end(part, turn)?;
    let line = &part.lines[last];
    let octets = &part.decoded.octets;
    let eol = eol_of(octets.get(line.octets.clone())?).or_else(|| eol_of(octets));
    let next = part.lines.get(last + 1);
    Some(PlainSite {
        at: line.octets.end,
        after_line_end: octets[..line.octets.end].ends_with(b"\n"),
        blank_behind: next.is_some_and(|l| l.kind != LineKind::Blank && !l.octets.is_empty()),
        eol: eol.unwrap_or(b"\r\n"),
        columns_max: columns_max(part),
        flowed: mime.format_flowed,
    })
}

/// The first line end of a text.
fn eol_of(octets: &[u8]) -> Option<&'static [u8]> {
    let at = memchr::memchr(b'\n', octets)?;
    Some(if at > 0 && line_end(&octets[at - 1..]) == 2 { b"\r\n" } else { b"\n" })
}

/// The width the author's lines were wrapped at, if they were.
pub(super) fn columns_max(part: &TextPart) -> Option<usize> {
    let own = part.lines.iter().enumerate().filter(|(_, l)| l.kind == LineKind::Text);
    let widest = own.map(|(i, _)| columns(part.line(i).trim_end())).max().unwrap_or_default();
    if widest <= WRAPPED_COLUMNS_MAX {
        return Some(widest.max(COLUMNS_MIN));
    }
    (!part.charset.is_ascii_compatible()).then_some(JIS_COLUMNS)
}

impl PlainSite {
    /// The paragraph with `pad` blanks in it that nobody sees; `None` when the charset cannot write the lead text.
    pub(super) fn compose(&self, charset: &Charset, lead: &str, url: &str, pad: usize) -> Option<Vec<u8>> {
        let leads = self.columns_max.map_or_else(|| vec![lead], |width| wrap(lead, width));
        let mut out = Vec::with_capacity(lead.len() * 2 + url.len() + 16);
        let breaks = if self.after_line_end { 1 } else { 2 };
        (0..breaks).for_each(|_| out.extend_from_slice(self.eol));
        for (i, text) in leads.iter().enumerate() {
            let stuffing = self.flowed && (pad > 0 && i == 0 || needs_stuffing(text));
            if stuffing {
                out.push(b' ');
            }
            out.extend_from_slice(&charset.encode(text)?);
            if !self.flowed && i + 1 == leads.len() {
                out.extend(std::iter::repeat_n(b' ', pad));
            }
            // Words without a link are a paragraph of themselves.
            if !url.is_empty() || i + 1 < leads.len() || self.after_line_end {
                out.extend_from_slice(self.eol);
            }
        }
        if url.is_empty() {
            (0..usize::from(self.after_line_end && self.blank_behind)).for_each(|_| out.extend_from_slice(self.eol));
            return (!self.flowed || pad < 2).then_some(out);
        }
        if self.flowed && pad > 1 {
            out.push(b' ');
        }
        out.extend_from_slice(url.as_bytes());
        let breaks = if self.after_line_end { 1 + usize::from(self.blank_behind) } else { 0 };
        (0..breaks).for_each(|_| out.extend_from_slice(self.eol));
        Some(out)
    }
}

/// Space-stuffing (RFC 3676 4.4): what a flowed line may not begin with.
fn needs_stuffing(line: &str) -> bool {
    line.starts_with([' ', '>']) || line.starts_with("From ")
}

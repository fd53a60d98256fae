//! Text between tags as a reader sees it: decoded, entities resolved, white space collapsed.

use std::ops::Range;

use mail_parser::decoders::html::add_html_token;

use super::{Run, Traced};
use crate::mail::charset::Charset;

/// Longest entity that is looked for, in octets.
const ENTITY_OCTETS_MAX: usize = 34;

/// A run of text octets.
pub(super) struct Gap<'a> {
    pub(super) octets: &'a [u8],
    /// Whether nothing of the line stands before it.
    pub(super) is_start: bool,
}

/// A run of text with and without the white space around it.
pub(super) struct Trimmed {
    pub(super) outer: Range<usize>,
    pub(super) inner: Range<usize>,
}

/// Finds the visible octets of a run.
pub(super) fn trim(body: &[u8], octets: Range<usize>) -> Trimmed {
    let text = &body[octets.clone()];
    let lead = text.len() - text.trim_ascii_start().len();
    let start = octets.start + lead;
    Trimmed { inner: start..start + text[lead..].trim_ascii_end().len(), outer: octets }
}

/// Adds the run to the text. Gives whether its octets are legal.
pub(super) fn push(gap: &Gap<'_>, charset: Charset, text: &mut String) -> bool {
    let Some(decoded) = charset.decode_line(gap.octets) else { return false };
    let mut after_space = gap.is_start || text.ends_with(' ');
    let mut rest = &*decoded;
    loop {
        let plain = rest.bytes().position(|b| !is_of_plain(b)).unwrap_or(rest.len());
        if plain > 0 {
            text.push_str(&rest[..plain]);
            rest = &rest[plain..];
            after_space = false;
        }
        let Some(c) = rest.chars().next() else { break };
        if c == '&' {
            rest = push_entity(rest, text);
            after_space = false;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        let is_space = matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{c}');
        if is_space && !after_space {
            text.push(' ');
        } else if !is_space && !is_invisible(c) {
            text.push(c);
        }
        after_space = is_space || (after_space && is_invisible(c));
    }
    true
}

/// Reads a run once more, character by character, as [`push`] adds it: `after_space` when the text in front of it ends
/// with a blank, or it begins a line.
pub(crate) fn trace(body: &[u8], run: &Run, charset: Charset, mut after_space: bool) -> Option<Traced> {
    let steps = charset.decode_steps(body.get(run.octets.clone())?)?;
    let decoded: String = steps.iter().map(|(c, _)| *c).collect();
    let mut traced = Traced::default();
    let (mut at, mut behind) = (0, 0);
    // The glyph of a character reference ends with the last character of it.
    let mut referred = false;
    for (c, octets) in steps {
        let octets = run.octets.start + octets.start..run.octets.start + octets.end;
        let here = at;
        at += c.len_utf8();
        if here < behind {
            if let Some((_, glyph)) = traced.glyphs.last_mut().filter(|_| referred) {
                glyph.end = octets.end;
            }
            continue;
        }
        let before = traced.text.len();
        let is_space = matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{c}');
        if c == '&' {
            behind = decoded.len() - push_entity(decoded.get(here..)?, &mut traced.text).len();
        } else if is_space && !after_space {
            traced.text.push(' ');
        } else if !is_space && !is_invisible(c) {
            traced.text.push(c);
        }
        after_space = is_space || c != '&' && after_space && is_invisible(c);
        referred = traced.text.len() > before;
        if referred {
            traced.glyphs.push((before, octets));
        }
    }
    Some(traced)
}

/// Whether the octet is one of text that is taken as it stands: ASCII but for spaces and ampersands, and characters
/// from U+3000 to U+9FFF, none of which is invisible. Their other octets follow none but their first.
fn is_of_plain(octet: u8) -> bool {
    octet.is_ascii_graphic() && octet != b'&' || matches!(octet, 0x80..=0xbf | 0xe3..=0xe9)
}

/// Takes the collapsed space off the end of a line that starts at `from`.
pub(super) fn trim_end(text: &mut String, from: usize) {
    if text.len() > from && text.ends_with(' ') {
        text.pop();
    }
}

/// Resolves the entities of an attribute value.
pub(super) fn unescape(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('&') {
        text.push_str(&rest[..at]);
        rest = push_entity(&rest[at..], &mut text);
    }
    text.push_str(rest);
    text
}

/// Adds what the text's first character, an ampersand, begins. Gives the rest.
fn push_entity<'a>(rest: &'a str, text: &mut String) -> &'a str {
    let end = rest.bytes().take(ENTITY_OCTETS_MAX).skip(1).position(|b| !b.is_ascii_alphanumeric() && b != b'#');
    let entity = end.map(|n| n + 1).filter(|n| rest.as_bytes()[*n] == b';' && *n > 1);
    let Some(entity) = entity.map(|n| &rest[..=n]) else {
        text.push('&');
        return &rest[1..];
    };
    let before = text.len();
    add_html_token(text, entity.as_bytes(), false);
    let hides = text[before..].chars().any(is_invisible);
    if hides {
        text.truncate(before);
    }
    &rest[entity.len()..]
}

/// Characters that take no room; preview texts are padded with them, and words split by them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\0' | '\u{ad}' | '\u{34f}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

//! Plain text as lines, each decoded by itself so that its octets are known.

use memchr::memchr;

use super::{Line, LineKind};
use crate::mail::charset::Charset;
use crate::mail::message::without_line_end;

/// The lines of a decoded body. `None` when any of them is illegal in the charset.
pub(super) fn read(body: &[u8], charset: Charset) -> Option<(Vec<Line>, String)> {
    let mut text = String::with_capacity(body.len() + body.len() / 2);
    let mut lines = Vec::with_capacity(body.len() / 40 + 1);
    let mut at = 0;
    while at < body.len() {
        let next = memchr(b'\n', &body[at..]).map_or(body.len(), |n| at + n + 1);
        let start = text.len();
        if !charset.decode_line_into(without_line_end(&body[at..next]), &mut text) {
            return None;
        }
        // A byte order mark is no text.
        let start = if at == 0 && text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { start };
        lines.push(Line { text: start..text.len(), octets: at..next, kind: LineKind::Text, place: None });
        at = next;
    }
    Some((lines, text))
}

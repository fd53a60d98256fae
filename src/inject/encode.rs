//! From inserted octets to raw octets: each transfer encoding as a pure insertion, so that nothing is written anew.

use crate::mail::edit::Edit;

/// Longest line of a message, in octets without its end (RFC 5322 2.1.1).
pub(super) const LINE_OCTETS_MAX: usize = 998;
/// Longest encoded line, in characters (RFC 2045 6.7 and 6.8).
pub(super) const ENCODED_CHARS_MAX: usize = 76;

/// A place between two octets of the raw message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gap<'a> {
    /// The raw message up to the end of the part's body.
    pub raw: &'a [u8],
    /// Where the part's body begins in `raw`.
    pub body: usize,
    /// The place, at most `raw.len()`.
    pub at: usize,
    /// The line end of the raw part.
    pub eol: &'static str,
}

impl Gap<'_> {
    /// Octets before the place on its physical line.
    fn column(&self) -> usize {
        self.at - memchr::memrchr(b'\n', &self.raw[self.body..self.at]).map_or(self.body, |n| self.body + n + 1)
    }

    /// Octets behind the place on its physical line, without the line end.
    fn tail(&self) -> usize {
        let rest = &self.raw[self.at..];
        let line = &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())];
        line.len() - usize::from(line.last() == Some(&b'\r'))
    }

    fn edit(self, insert: Vec<u8>) -> Edit {
        Edit { at: self.at, insert: insert.into() }
    }
}

/// 7bit, 8bit and binary: the octets as they are, unless a line would grow over what mail may carry.
pub(super) fn identity(gap: Gap<'_>, insert: &[u8]) -> Option<Edit> {
    let (column, tail) = (gap.column(), gap.tail());
    let last = memchr::memchr_iter(b'\n', insert).count();
    let length = |(i, line): (usize, &[u8])| {
        let outside = if i == 0 { column } else { 0 } + if i == last { tail } else { 0 };
        line.strip_suffix(b"\r").unwrap_or(line).len() + outside
    };
    let longest = insert.split(|b| *b == b'\n').enumerate().map(length).max();
    longest.is_some_and(|n| n <= LINE_OCTETS_MAX.max(column + tail)).then(|| gap.edit(insert.to_vec()))
}

/// Quoted-printable (RFC 2045 6.7). `char_octets` gives the octets of the character a slice begins with; they stay on
/// one physical line, because there are readers that decode line by line.
pub(super) fn quoted_printable(gap: Gap<'_>, insert: &[u8], char_octets: impl Fn(&[u8]) -> usize) -> Option<Edit> {
    let mut out = Vec::with_capacity(insert.len() * 3);
    let mut column = gap.column();
    let blank_before = gap.raw[gap.body..gap.at].last().is_some_and(|b| matches!(b, b' ' | b'\t'));
    if column > 0 && (blank_before || line_end(insert) == 0) {
        if column + 1 > ENCODED_CHARS_MAX {
            return None;
        }
        soft_break(&mut out, &mut column, gap.eol);
    }
    let mut rest = insert;
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix(gap.eol.as_bytes()) {
            out.extend_from_slice(gap.eol.as_bytes());
            (column, rest) = (0, behind);
            continue;
        }
        let (unit, behind) = rest.split_at(char_octets(rest).clamp(1, rest.len()));
        let bare = is_literal(unit[0], behind) && unit.len() == 1;
        let chars = if bare { 1 } else { 3 * unit.len() };
        // One character of each line is kept for the `=` of a soft break.
        let whole = chars.max(link_chars(rest));
        if column + whole >= ENCODED_CHARS_MAX && column > 0 {
            soft_break(&mut out, &mut column, gap.eol);
        }
        if bare {
            out.push(unit[0]);
        } else {
            out.extend(unit.iter().flat_map(|b| escaped(*b)));
        }
        column += chars;
        rest = behind;
    }
    let ends_line = gap.at == gap.raw.len() || line_end(&gap.raw[gap.at..]) > 0;
    if column > 0 && !ends_line {
        soft_break(&mut out, &mut column, gap.eol);
    }
    Some(gap.edit(out))
}

/// Encoded characters of the link that the octets begin with, when a line can hold it; else 0.
fn link_chars(octets: &[u8]) -> usize {
    if !octets.starts_with(b"https://") {
        return 0;
    }
    let link = octets.iter().take_while(|b| b.is_ascii_graphic() && !b"\"<>".contains(b));
    let chars = link.map(|b| if *b == b'=' { 3 } else { 1 }).sum();
    if chars < ENCODED_CHARS_MAX { chars } else { 0 }
}

fn soft_break(out: &mut Vec<u8>, column: &mut usize, eol: &str) {
    out.push(b'=');
    out.extend_from_slice(eol.as_bytes());
    *column = 0;
}

/// Octets of the line end that `octets` begins with, 0 for none.
pub(super) fn line_end(octets: &[u8]) -> usize {
    match octets {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        _ => 0,
    }
}

/// Whether an octet may stand for itself; blanks only where no line end follows.
fn is_literal(octet: u8, behind: &[u8]) -> bool {
    match octet {
        b' ' => !behind.is_empty() && line_end(behind) == 0,
        b'=' => false,
        b => b.is_ascii_graphic(),
    }
}

fn escaped(octet: u8) -> [u8; 3] {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    [b'=', HEX[usize::from(octet >> 4)], HEX[usize::from(octet & 15)]]
}

/// Base64 (RFC 2045 6.8) by insertion alone. `gap.at` stands at the first character of the group of four that holds
/// the place, and `before` are the up to two octets of that group in front of it.
///
/// The inserted octets must be a multiple of three. The group that is cut keeps its characters: its first ones stay in
/// front, and its others fit behind if the last inserted octet has the same low bits as the last octet of `before`.
pub(super) fn base64(gap: Gap<'_>, before: &[u8], insert: &[u8], line_chars: usize) -> Option<Edit> {
    if !insert.len().is_multiple_of(3) || before.len() > 2 {
        return None;
    }
    let low_bits = [0u8, 0b11, 0b1111][before.len()];
    if before.last().map(|b| b & low_bits) != insert.last().map(|b| b & low_bits) && !before.is_empty() {
        return None;
    }
    let gap = Gap { at: skip_chars(gap, before.len())?, ..gap };
    let text = data_encoding::BASE64_NOPAD.encode(&[before, insert].concat());
    let from = before.len();
    let chars = text.as_bytes().get(from..from + insert.len() / 3 * 4)?;
    Some(gap.edit(lay_out(gap, chars, from, line_chars)))
}

/// The offset behind the next `count` characters of the base64 alphabet.
fn skip_chars(gap: Gap<'_>, count: usize) -> Option<usize> {
    let mut at = gap.at;
    for _ in 0..count {
        at += gap.raw[at..].iter().position(|b| !b.is_ascii_whitespace())? + 1;
    }
    Some(at)
}

/// Breaks the characters into lines as long as the part's own; `cut` are the characters of the cut group in front.
fn lay_out(gap: Gap<'_>, mut chars: &[u8], cut: usize, line_chars: usize) -> Vec<u8> {
    let line = if (4..=LINE_OCTETS_MAX).contains(&line_chars) { line_chars } else { ENCODED_CHARS_MAX };
    let behind = &gap.raw[gap.at..gap.at + gap.tail()];
    let (mut column, tail) = (gap.column(), behind.trim_ascii_end().len());
    let mut out = Vec::with_capacity(chars.len() + chars.len() / 16 + 8);
    loop {
        let (now, later) = chars.split_at(line.saturating_sub(column).min(chars.len()));
        out.extend_from_slice(now);
        (column, chars) = (column + now.len(), later);
        if chars.is_empty() {
            break;
        }
        out.extend_from_slice(gap.eol.as_bytes());
        column = 0;
    }
    if tail > 0 && column + tail > line {
        // The break goes in front of the cut group, so that every line holds whole groups.
        let back = if column > cut && out.len() > cut { cut } else { 0 };
        let at = out.len() - back;
        out.splice(at..at, gap.eol.bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64;

    fn gap(raw: &[u8], at: usize) -> Gap<'_> {
        Gap { raw, body: 0, at, eol: "\r\n" }
    }

    fn applied(raw: &[u8], edit: Option<Edit>) -> Option<Vec<u8>> {
        edit.map(|e| [&raw[..e.at], &e.insert, &raw[e.at..]].concat())
    }

    /// A decoder of its own: what a strict reader makes of quoted-printable.
    fn unquote(raw: &[u8]) -> Vec<u8> {
        let (mut out, mut i) = (Vec::new(), 0);
        while i < raw.len() {
            match &raw[i..] {
                [b'=', b'\r', b'\n', ..] => i += 3,
                [b'=', h, l, ..] => {
                    let hex = |b: &u8| u8::try_from(char::from(*b).to_digit(16).unwrap_or(0)).unwrap_or(0);
                    out.push(hex(h) << 4 | hex(l));
                    i += 3;
                }
                _ => {
                    out.push(raw[i]);
                    i += 1;
                }
            }
        }
        out
    }

    fn utf8_octets(octets: &[u8]) -> usize {
        match octets[0] {
            0xf0.. => 4,
            0xe0.. => 3,
            0xc0.. => 2,
            _ => 1,
        }
    }

    fn wrapped(text: &str, chars: usize) -> Vec<u8> {
        text.as_bytes().chunks(chars).map(|l| [l, b"\r\n"].concat()).collect::<Vec<_>>().concat()
    }

    fn check_base64(old: &[u8], at: usize, insert: &[u8], chars: usize) {
        let raw = wrapped(&BASE64.encode(old), chars);
        let raw = raw.strip_suffix(b"\r\n").unwrap_or(&raw);
        let group = at / 3 * 4;
        let start = group + group / chars * 2;
        let start = start.min(raw.len());
        let edit = base64(gap(raw, start), &old[at / 3 * 3..at], insert, chars);
        let new = applied(raw, edit).unwrap_or_else(|| panic!("no edit at {at}"));
        let flat: Vec<u8> = new.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
        let expected = [&old[..at], insert, &old[at..]].concat();
        assert_eq!(BASE64.decode(&flat).ok(), Some(expected), "at {at}");
        for line in new.split(|b| *b == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            assert!(line.len() <= chars && !line.is_empty() && line.len() % 4 == 0, "line of {} at {at}", line.len());
        }
    }

    #[test]
    fn base64_takes_an_insert_in_every_phase_and_keeps_its_line_length() {
        let old = "結果\r\nは\r\n次の\r\n\r\nとおりです\r\n".repeat(7).into_bytes();
        for chars in [64, 72, 76] {
            for at in (1..=old.len()).filter(|at| old[at - 1] == b'\n') {
                for insert in ["\r\n\n", "一行目です\r\n\r\nhttps://careerrelay.jp/r/x \r\n"] {
                    let pad = " ".repeat((3 - insert.len() % 3) % 3);
                    check_base64(&old, at, format!("{pad}{insert}").as_bytes(), chars);
                }
            }
        }
    }

    #[test]
    fn base64_gives_up_where_only_rewriting_would_do() {
        let raw = BASE64.encode(b"ab\ncd");
        assert_eq!(base64(gap(raw.as_bytes(), 0), b"a", b"xyz", 76), None, "low bits differ");
        assert_eq!(base64(gap(raw.as_bytes(), 0), b"", b"xy", 76), None, "not a multiple of three");
    }

    #[test]
    fn quoted_printable_breaks_softly_and_escapes_what_it_must() {
        let raw = b"<p>one</p><p>two</p>\r\n";
        let insert = "<p>日本語の長い行をここに入れるとどこかで折れます = \r\nhttps://careerrelay.jp/r/x</p>";
        let new = applied(raw, quoted_printable(gap(raw, 10), insert.as_bytes(), utf8_octets)).unwrap_or_default();
        assert_eq!(unquote(&new), format!("<p>one</p>{insert}<p>two</p>\r\n").into_bytes());
        for line in new.split(|b| *b == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            assert!(line.len() <= ENCODED_CHARS_MAX && !line.ends_with(b" "));
            assert!(std::str::from_utf8(&unquote(line.strip_suffix(b"=").unwrap_or(line))).is_ok(), "cut character");
        }
    }

    #[test]
    fn quoted_printable_needs_no_soft_break_at_line_starts() {
        let raw = b"one\r\n\r\ntwo\r\n";
        let new = applied(raw, quoted_printable(gap(raw, 5), b"\r\nline\r\n", utf8_octets));
        assert_eq!(new.as_deref(), Some(b"one\r\n\r\nline\r\n\r\ntwo\r\n".as_slice()));
        let new = applied(b"one ", quoted_printable(gap(b"one ", 4), b"\r\nline", utf8_octets));
        assert_eq!(new.as_deref(), Some(b"one =\r\n\r\nline".as_slice()));
    }

    #[test]
    fn no_line_grows_over_998_octets_that_was_shorter() {
        let raw = "x".repeat(990).into_bytes();
        assert_eq!(identity(gap(&raw, 500), b"123456789"), None);
        assert!(identity(gap(&raw, 500), b"\r\n123456789\r\n").is_some());
        let long = "x".repeat(2000).into_bytes();
        assert!(identity(gap(&long, 1000), b"\r\nline\r\n").is_some());
    }

    proptest::proptest! {
        #[test]
        fn any_octets_survive_quoted_printable(insert in proptest::collection::vec(0u8.., 1..200), at in 0usize..30) {
            let raw = b"A line of text.\r\nAnother one.\r\n";
            let Some(edit) = quoted_printable(gap(raw, at), &insert, utf8_octets) else { return Ok(()) };
            let new = applied(raw, Some(edit)).unwrap_or_default();
            assert_eq!(unquote(&new), [&raw[..at], &insert, &raw[at..]].concat());
        }
    }
}

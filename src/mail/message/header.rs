//! Header fields by their octets: where each name and value stands, and what is wrong with the lines (RFC 5322 2.2).

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;

use super::fault::Fault;

/// One field. Offsets count octets of the raw message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Field {
    pub(super) name: Range<usize>,
    /// From behind the colon to the end of the last continuation line, its line end included.
    pub(super) value: Range<usize>,
}

/// A header as it was found.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) fields: Vec<Field>,
    /// Without the blank line behind it.
    pub(super) octets: Range<usize>,
    /// Behind the blank line.
    pub(super) body_start: usize,
    pub(super) faults: Vec<Fault>,
}

/// Fields of an ordinary header: room for so many is made at once.
const FIELDS_USUAL: usize = 16;

/// Reads the header that starts at `start`, at most to `limit`. `ends` knows the lines that cannot belong to it.
pub(super) fn scan(raw: &[u8], start: usize, limit: usize, ends: impl Fn(&[u8]) -> bool) -> Header {
    let mut header = Header {
        fields: Vec::with_capacity(FIELDS_USUAL),
        octets: start..start,
        body_start: start,
        faults: Vec::new(),
    };
    let limit = limit.min(raw.len());
    let mut at = start;
    while at < limit {
        let next = memchr(b'\n', &raw[at..limit]).map_or(limit, |n| at + n + 1);
        let line = without_line_end(&raw[at..next]);
        if line.is_empty() {
            (header.octets.end, header.body_start) = (at, next);
            return header;
        }
        if line.starts_with(b"--") && ends(line) {
            break;
        }
        take_line(&mut header, line, at..next);
        at = next;
    }
    header.faults.push(if at >= limit && limit < raw.len() {
        Fault::HeaderTooLarge
    } else {
        Fault::HeaderUnterminated
    });
    (header.octets.end, header.body_start) = (at, at);
    header
}

fn take_line(header: &mut Header, line: &[u8], octets: Range<usize>) {
    if line[0] == b' ' || line[0] == b'\t' {
        match header.fields.last_mut() {
            // A line of blanks only is the end of the header for some readers and a continuation for others.
            Some(field) if !line.trim_ascii().is_empty() => field.value.end = octets.end,
            _ => header.faults.push(Fault::HeaderMalformed),
        }
        return;
    }
    let colon = memchr(b':', line).unwrap_or(0);
    if colon == 0 || !line[..colon].iter().all(|b| matches!(b, 33..=126)) {
        return header.faults.push(Fault::HeaderMalformed);
    }
    let name = octets.start..octets.start + colon;
    header.fields.push(Field { value: name.end + 1..octets.end, name });
}

/// The line without its CRLF or LF.
pub(crate) fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The value on one line, without the blanks around it; what is not UTF-8 is replaced.
pub(super) fn unfold(value: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(value.trim_ascii());
    if memchr(b'\n', text.as_bytes()).is_none() {
        return text;
    }
    let mut line = String::with_capacity(text.len());
    text.split('\n').for_each(|l| line.push_str(l.strip_suffix('\r').unwrap_or(l)));
    Cow::Owned(line)
}

/// mail-parser wants the line end that ends a field; the last field of a cut header may lack it.
pub(super) fn with_line_end(value: &[u8]) -> Cow<'_, [u8]> {
    if value.ends_with(b"\n") { Cow::Borrowed(value) } else { Cow::Owned([value, b"\n"].concat()) }
}

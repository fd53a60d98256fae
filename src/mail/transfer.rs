//! Transfer encodings (RFC 2045 6): a body decoded to octets, with the way back to the raw message.

use memchr::{memchr, memrchr};

use super::message::{Part, Transfer, without_line_end};

/// A decoded body that remembers where its octets came from.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The decoded octets.
    pub octets: Vec<u8>,
    /// How they were encoded.
    pub transfer: Transfer,
    map: Map,
}

/// Where in the raw message an octet of a decoded body stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Spot {
    /// Raw offset of the octet; for base64 of the first character of the quantum (group of four) that holds it.
    pub raw: usize,
    /// Base64: which octet of its quantum it is (0, 1, 2). Otherwise 0.
    pub phase: usize,
    /// How many raw octets stand before `raw` on its physical line.
    pub column: usize,
    /// Quoted-printable: whether the physical line began behind a soft line break. Otherwise false.
    pub after_soft_break: bool,
}

/// How the lines of a base64 body are laid out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Layout {
    /// Characters on a full line (the first line's length; 76 when the body has but one).
    pub line_chars: usize,
    /// Whether lines end in CRLF (else in LF).
    pub crlf: bool,
}

/// Why a body cannot be decoded for certain. Nothing of it is guessed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TransferFault {
    /// An encoding that is not known here.
    #[error("unknown transfer encoding")]
    Unknown,
    /// Base64 with characters outside its alphabet, or after its end.
    #[error("stray character in base64")]
    Base64Stray,
    /// Base64 that does not end on a whole quantum, or whose last bits are not zero.
    #[error("truncated base64")]
    Base64Truncated,
    /// Quoted-printable with an illegal `=`, a raw 8-bit octet, or a soft line break at its end.
    #[error("illegal quoted-printable")]
    QuotedPrintable,
}

impl TransferFault {
    /// The stable name.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unknown => "transfer_unknown",
            Self::Base64Stray => "malformed_base64",
            Self::Base64Truncated => "truncated_base64",
            Self::QuotedPrintable => "malformed_quoted_printable",
        }
    }
}

/// The way back: where physical lines begin.
#[derive(Clone, Debug)]
enum Map {
    /// Octets stand for themselves from this raw offset on.
    Identity(usize),
    Base64 {
        lines: Vec<CharLine>,
        end: usize,
        crlf: bool,
    },
    Quoted {
        lines: Vec<QuotedLine>,
        body: Box<[u8]>,
        start: usize,
    },
}

/// A line of base64 that holds characters.
#[derive(Clone, Copy, Debug)]
struct CharLine {
    /// How many characters stand on the lines before.
    chars_before: usize,
    raw: usize,
}

/// A physical line of quoted-printable.
#[derive(Clone, Copy, Debug)]
struct QuotedLine {
    decoded: usize,
    raw: usize,
    after_soft_break: bool,
}

/// Decodes the body of a part of the message `raw`.
///
/// # Errors
/// What of it is not decodable for certain.
pub fn decode(part: &Part, raw: &[u8]) -> Result<Decoded, TransferFault> {
    let body = raw.get(part.body.clone()).unwrap_or_default();
    let start = part.body.start;
    let (octets, map) = match part.transfer {
        Transfer::SevenBit | Transfer::EightBit | Transfer::Binary => (body.to_vec(), Map::Identity(start)),
        Transfer::Base64 => decode_base64(body, start)?,
        Transfer::QuotedPrintable => decode_quoted(body, start)?,
        Transfer::Unknown => return Err(TransferFault::Unknown),
    };
    Ok(Decoded { octets, transfer: part.transfer, map })
}

impl Decoded {
    /// Where the octet at `offset` came from. At the end of the body it is the place behind the last octet: for base64
    /// with padding that is the last quantum, with a phase that is not 0. `None` behind the end.
    pub fn spot(&self, offset: usize) -> Option<Spot> {
        if offset > self.octets.len() {
            return None;
        }
        Some(match &self.map {
            Map::Identity(start) => self.identity_spot(*start, offset),
            Map::Base64 { lines, end, .. } => base64_spot(lines, *end, offset),
            Map::Quoted { lines, body, start } => quoted_spot(lines, body, *start, offset),
        })
    }

    /// The raw offset of the octet at `offset`, when it does not stand inside a base64 quantum.
    pub fn raw_offset(&self, offset: usize) -> Option<usize> {
        self.spot(offset).filter(|s| s.phase == 0).map(|s| s.raw)
    }

    /// How the lines of a base64 body are laid out; `None` for other encodings.
    pub fn layout(&self) -> Option<Layout> {
        let Map::Base64 { lines, crlf, .. } = &self.map else { return None };
        let line_chars = lines.get(1).map_or(76, |second| second.chars_before);
        Some(Layout { line_chars, crlf: *crlf })
    }

    fn identity_spot(&self, start: usize, offset: usize) -> Spot {
        let line_start = memrchr(b'\n', &self.octets[..offset]).map_or(0, |n| n + 1);
        Spot { raw: start + offset, phase: 0, column: offset - line_start, after_soft_break: false }
    }
}

const STRAY: u8 = 0xff;

/// The value of each base64 character (RFC 4648 4).
const VALUES: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut values = [STRAY; 256];
    let mut i = 0;
    while i < 64 {
        // The cast cannot cut: i is below 64.
        #[allow(clippy::cast_possible_truncation)]
        {
            values[alphabet[i] as usize] = i as u8;
        }
        i += 1;
    }
    values
};

fn decode_base64(body: &[u8], start: usize) -> Result<(Vec<u8>, Map), TransferFault> {
    let mut octets = Vec::with_capacity(body.len() / 4 * 3 + 3);
    let mut lines = Vec::with_capacity(body.len() / 76 + 1);
    let mut chars = Chars::default();
    let (mut at, mut end, mut crlf) = (0, start, true);
    while at < body.len() {
        let next = memchr(b'\n', &body[at..]).map_or(body.len(), |n| at + n + 1);
        // Blanks at the end of a line are nobody's (RFC 2045 6.8).
        let line = without_blanks(without_line_end(&body[at..next]));
        if !line.is_empty() {
            crlf &= next == body.len() || body[..next].ends_with(b"\r\n");
            lines.push(CharLine { chars_before: chars.count, raw: start + at });
            chars.take_line(line, &mut octets)?;
            end = start + at + line.len();
        }
        at = next;
    }
    chars.finish(&mut octets)?;
    Ok((octets, Map::Base64 { lines, end, crlf }))
}

fn without_blanks(line: &[u8]) -> &[u8] {
    let blanks = line.iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
    &line[..line.len() - blanks]
}

/// The characters of a base64 body as they run over its lines.
#[derive(Default)]
struct Chars {
    count: usize,
    /// The bits of the quantum begun, and how many characters they are.
    bits: u32,
    pending: u8,
    padding: u8,
}

impl Chars {
    fn take_line(&mut self, line: &[u8], octets: &mut Vec<u8>) -> Result<(), TransferFault> {
        self.count += line.len();
        let mut rest = line;
        if self.pending == 0 && self.padding == 0 {
            rest = &line[take_quanta(line, octets)..];
        }
        rest.iter().try_for_each(|b| self.take(*b, octets))
    }

    fn take(&mut self, char: u8, octets: &mut Vec<u8>) -> Result<(), TransferFault> {
        if char == b'=' && self.pending >= 2 && self.pending + self.padding < 4 {
            self.padding += 1;
            return Ok(());
        }
        let value = VALUES[usize::from(char)];
        if value == STRAY || self.padding > 0 {
            return Err(TransferFault::Base64Stray);
        }
        self.bits = self.bits << 6 | u32::from(value);
        self.pending += 1;
        if self.pending == 4 {
            octets.extend_from_slice(&self.bits.to_be_bytes()[1..]);
            (self.bits, self.pending) = (0, 0);
        }
        Ok(())
    }

    /// Writes the octets of a padded last quantum (RFC 4648 3.5: its spare bits are zero).
    fn finish(&self, octets: &mut Vec<u8>) -> Result<(), TransferFault> {
        let bits = self.bits << (6 * u32::from(self.padding));
        let [_, first, second, third] = bits.to_be_bytes();
        match (self.pending, self.padding) {
            (0, 0) => {}
            (2, 2) if second == 0 && third == 0 => octets.push(first),
            (3, 1) if third == 0 => octets.extend_from_slice(&[first, second]),
            _ => return Err(TransferFault::Base64Truncated),
        }
        Ok(())
    }
}

/// Decodes the whole quanta a line begins with, without one that may be padded. Gives how many characters they are: 0
/// when one of those is none of base64.
fn take_quanta(line: &[u8], octets: &mut Vec<u8>) -> usize {
    let (mut quanta, _) = line.as_chunks::<4>();
    if let ([.., b'='], [before @ .., _]) = (line, quanta) {
        quanta = before;
    }
    let from = octets.len();
    octets.resize(from + quanta.len() * 3, 0);
    let mut all = 0;
    for (quantum, three) in quanta.iter().zip(octets[from..].as_chunks_mut::<3>().0) {
        let value = |at: usize| VALUES[usize::from(quantum[at])];
        let (a, b, c, d) = (value(0), value(1), value(2), value(3));
        *three = [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d];
        all |= a | b | c | d;
    }
    // A stray character has the high bits that no value has.
    if all & 0xc0 == 0 {
        return quanta.len() * 4;
    }
    octets.truncate(from);
    0
}

fn base64_spot(lines: &[CharLine], end: usize, offset: usize) -> Spot {
    let char = offset / 3 * 4;
    let after = lines.partition_point(|l| l.chars_before <= char);
    let Some(line) = lines[..after].last() else {
        return Spot { raw: end, phase: 0, column: 0, after_soft_break: false };
    };
    // Behind the last character this stays on the last line, in front of its line end.
    let column = char - line.chars_before;
    Spot { raw: line.raw + column, phase: offset % 3, column, after_soft_break: false }
}

fn decode_quoted(body: &[u8], start: usize) -> Result<(Vec<u8>, Map), TransferFault> {
    let mut octets = Vec::with_capacity(body.len());
    let mut lines = Vec::with_capacity(body.len() / 76 + 1);
    let (mut at, mut after_soft_break) = (0, false);
    while at < body.len() {
        let next = memchr(b'\n', &body[at..]).map_or(body.len(), |n| at + n + 1);
        let line = without_line_end(&body[at..next]);
        lines.push(QuotedLine { decoded: octets.len(), raw: start + at, after_soft_break });
        after_soft_break = decode_quoted_line(line, &mut octets)?;
        if !after_soft_break {
            octets.extend_from_slice(&body[at + line.len()..next]);
        }
        at = next;
    }
    if after_soft_break {
        return Err(TransferFault::QuotedPrintable);
    }
    Ok((octets, Map::Quoted { lines, body: body.into(), start }))
}

/// Decodes one physical line without its line end. Gives whether it ends in a soft line break.
fn decode_quoted_line(line: &[u8], octets: &mut Vec<u8>) -> Result<bool, TransferFault> {
    let mut rest = line;
    while let Some(at) = memchr(b'=', rest) {
        push_literal(&rest[..at], octets)?;
        let (high, low) = match &rest[at + 1..] {
            [] => return Ok(true),
            [high, low, ..] => (hex(*high), hex(*low)),
            _ => (None, None),
        };
        let (Some(high), Some(low)) = (high, low) else { return Err(TransferFault::QuotedPrintable) };
        octets.push(high << 4 | low);
        rest = &rest[at + 3..];
    }
    push_literal(rest, octets).map(|()| false)
}

fn push_literal(run: &[u8], octets: &mut Vec<u8>) -> Result<(), TransferFault> {
    if !run.is_ascii() {
        return Err(TransferFault::QuotedPrintable);
    }
    octets.extend_from_slice(run);
    Ok(())
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn quoted_spot(lines: &[QuotedLine], body: &[u8], start: usize, offset: usize) -> Spot {
    let after = lines.partition_point(|l| l.decoded <= offset);
    let Some(line) = lines[..after].last() else {
        return Spot { raw: start, phase: 0, column: 0, after_soft_break: false };
    };
    let mut raw = line.raw;
    for _ in line.decoded..offset {
        raw += if body.get(raw - start) == Some(&b'=') { 3 } else { 1 };
    }
    // Behind the line end of the last line begins a line that holds nothing.
    if offset > line.decoded && body[..raw - start].ends_with(b"\n") {
        return Spot { raw, phase: 0, column: 0, after_soft_break: false };
    }
    Spot { raw, phase: 0, column: raw - line.raw, after_soft_break: line.after_soft_break }
}

#[cfg(test)]
mod tests;

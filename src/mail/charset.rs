//! Charsets of mail: which one a part is in, decoding without guesses, encoding without substitutes.
//!
//! Everything here answers `None` rather than put in a replacement character: text that cannot be read for certain is
//! not decided on, and text that cannot be written for certain is not inserted.

use std::borrow::Cow;

use encoding_rs::{
    BIG5, DecoderResult, EUC_JP, EUC_KR, EncoderResult, Encoding, GB18030, GBK, ISO_2022_JP, SHIFT_JIS, UTF_8,
    WINDOWS_1252,
};
use memchr::{memmem, memrchr};

mod repertoire;

use repertoire::Repertoire;

mod steps;

const ESCAPE: u8 = 0x1b;

/// The charset of one text part.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Charset {
    encoding: &'static Encoding,
    repertoire: Repertoire,
}

/// Why the charset of a part is not known.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CharsetFault {
    /// The label is not one that is read here (UTF-7, UTF-16, unknown names).
    #[error("unsupported charset")]
    Unsupported,
    /// No label, and the octets are neither ASCII, UTF-8 nor ISO-2022-JP.
    #[error("charset not given")]
    Unlabelled,
}

impl CharsetFault {
    /// The stable name.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unsupported => "charset_unsupported",
            Self::Unlabelled => "charset_missing",
        }
    }
}

/// Names in use in mail that the WHATWG list does not have.
const ALIASES: [(&str, &Encoding); 28] = [
    ("cp932", SHIFT_JIS),
    ("ms_kanji_cp932", SHIFT_JIS),
    ("windows-932", SHIFT_JIS),
    ("sjis-win", SHIFT_JIS),
    ("shift_jis-2004", SHIFT_JIS),
    ("eucjp-ms", EUC_JP),
    ("eucjp-win", EUC_JP),
    ("cp51932", EUC_JP),
    ("iso-2022-jp-ms", ISO_2022_JP),
    ("cp50220", ISO_2022_JP),
    ("cp50221", ISO_2022_JP),
    ("cp50222", ISO_2022_JP),
    // Where these use a set of their own, the escape to it is illegal here, and the text is not read.
    ("iso-2022-jp-1", ISO_2022_JP),
    ("iso-2022-jp-2", ISO_2022_JP),
    ("csiso2022jp2", ISO_2022_JP),
    ("iso-2022-jp-3", ISO_2022_JP),
    ("iso-2022-jp-2004", ISO_2022_JP),
    ("cp936", GBK),
    ("ms936", GBK),
    ("windows-936", GBK),
    ("euc-cn", GBK),
    ("cp949", EUC_KR),
    ("ms949", EUC_KR),
    ("uhc", EUC_KR),
    ("cp950", BIG5),
    ("ms950", BIG5),
    ("utf8mb4", UTF_8),
    ("cp1252", WINDOWS_1252),
];

impl Charset {
    /// The charset a label names for a (transfer-decoded) body.
    ///
    /// Without a label, and under `us-ascii`, JIS escapes make it ISO-2022-JP, as Outlook sends it, and valid UTF-8 is
    /// read as UTF-8; under `us-ascii` only ASCII may then be written.
    ///
    /// # Errors
    /// Why the charset is not known.
    pub fn from_label(label: Option<&str>, body: &[u8]) -> Result<Self, CharsetFault> {
        let label = label.map(|l| l.trim().to_ascii_lowercase()).unwrap_or_default();
        if matches!(label.as_str(), "" | "us-ascii" | "ascii" | "ansi_x3.4-1968" | "iso646-us") {
            return Self::sniff(!label.is_empty(), body);
        }
        let known = ALIASES.iter().find(|(name, _)| *name == label).map(|(_, encoding)| *encoding);
        let encoding = known.or_else(|| Encoding::for_label_no_replacement(label.as_bytes()));
        let encoding = encoding.filter(|e| e.is_ascii_compatible() || *e == ISO_2022_JP);
        let encoding = encoding.filter(|e| e.name() != "x-user-defined").ok_or(CharsetFault::Unsupported)?;
        let repertoire = Repertoire::of(&label, encoding);
        Ok(Self { encoding, repertoire })
    }

    fn sniff(labelled: bool, body: &[u8]) -> Result<Self, CharsetFault> {
        if body.is_ascii() && has_jis_escape(body) {
            return Ok(Self { encoding: ISO_2022_JP, repertoire: Repertoire::Jis });
        }
        match str::from_utf8(body) {
            Ok(text) if labelled || text.is_ascii() => Ok(Self { encoding: UTF_8, repertoire: Repertoire::Ascii }),
            Ok(_) => Ok(Self { encoding: UTF_8, repertoire: Repertoire::Full }),
            Err(_) => Err(CharsetFault::Unlabelled),
        }
    }

    /// The name of the encoding, as the WHATWG writes it; `us-ascii` where nothing else may be written.
    pub fn name(&self) -> &'static str {
        if self.repertoire == Repertoire::Ascii { "us-ascii" } else { self.encoding.name() }
    }

    /// Whether every octet below 0x80 that is no trail octet stands for the ASCII character: false for ISO-2022-JP.
    pub fn is_ascii_compatible(&self) -> bool {
        self.encoding != ISO_2022_JP
    }

    /// One line, or another run that begins and ends in the initial state, as text. `None` when any octet is illegal,
    /// or when an ISO-2022-JP run ends in a set of two-octet characters or of kana.
    pub fn decode_line<'a>(&self, octets: &'a [u8]) -> Option<Cow<'a, str>> {
        if self.encoding == UTF_8 {
            return str::from_utf8(octets).ok().map(Cow::Borrowed);
        }
        if self.encoding == ISO_2022_JP && !ends_line(octets) {
            return None;
        }
        self.encoding.decode_without_bom_handling_and_without_replacement(octets)
    }

    /// Adds the line to `text`, as [`Charset::decode_line`] reads it. Gives whether it could.
    pub(crate) fn decode_line_into(&self, octets: &[u8], text: &mut String) -> bool {
        if self.encoding == UTF_8 || (self.is_ascii_compatible() && octets.is_ascii()) {
            return str::from_utf8(octets).map(|t| text.push_str(t)).is_ok();
        }
        if self.encoding == ISO_2022_JP && !ends_line(octets) {
            return false;
        }
        let mut decoder = self.encoding.new_decoder_without_bom_handling();
        let Some(room) = decoder.max_utf8_buffer_length_without_replacement(octets.len()) else { return false };
        text.reserve(room);
        let (result, _) = decoder.decode_to_string_without_replacement(octets, text, true);
        matches!(result, DecoderResult::InputEmpty)
    }

    /// The text in this charset. `None` when any character cannot be written, or would not be read back as itself.
    /// ISO-2022-JP stays within ASCII and JIS X 0208, and begins and ends in ASCII state (RFC 1468).
    pub fn encode(&self, text: &str) -> Option<Vec<u8>> {
        if text.contains('\u{1b}') {
            return None;
        }
        let octets = encode_exactly(self.encoding, text)?;
        let back = self.encoding.decode_without_bom_handling_and_without_replacement(&octets)?;
        (back == text && self.repertoire.has(&octets)).then_some(octets)
    }

    /// How many octets the character has that a slice of this charset begins with; 1 in ISO-2022-JP, where it is the
    /// escape in front that tells.
    pub(crate) fn char_octets(&self, octets: &[u8]) -> usize {
        let Some(lead) = octets.first().copied() else { return 0 };
        match self.encoding {
            _ if lead < 0x80 => 1,
            e if e == UTF_8 => match lead {
                0xf0.. => 4,
                0xe0.. => 3,
                0xc0.. => 2,
                _ => 1,
            },
            e if e == SHIFT_JIS => 1 + usize::from(matches!(lead, 0x81..=0x9f | 0xe0..=0xfc)),
            e if e == EUC_JP => match lead {
                0x8f => 3,
                0x8e | 0xa1..=0xfe => 2,
                _ => 1,
            },
            e if e == GBK || e == GB18030 => match octets {
                [0x81..=0xfe, b'0'..=b'9', ..] => 4,
                [0x81..=0xfe, ..] => 2,
                _ => 1,
            },
            e if e == BIG5 || e == EUC_KR => 1 + usize::from(matches!(lead, 0x81..=0xfe)),
            _ => 1,
        }
    }

    /// The encoding by which markup of this charset can be scanned, once two-octet runs are masked in ISO-2022-JP.
    pub(crate) fn markup_encoding(&self) -> &'static Encoding {
        if self.encoding == ISO_2022_JP { WINDOWS_1252 } else { self.encoding }
    }
}

fn encode_exactly(encoding: &'static Encoding, text: &str) -> Option<Vec<u8>> {
    let mut encoder = encoding.new_encoder();
    let room = encoder.max_buffer_length_from_utf8_without_replacement(text.len())?;
    let mut octets = Vec::with_capacity(room);
    match encoder.encode_from_utf8_to_vec_without_replacement(text, &mut octets, true) {
        (EncoderResult::InputEmpty, _) => Some(octets),
        _ => None,
    }
}

/// Whether an escape of ISO-2022-JP into a two-octet set stands in the body.
fn has_jis_escape(body: &[u8]) -> bool {
    memmem::find(body, b"\x1b$B").is_some() || memmem::find(body, b"\x1b$@").is_some()
}

/// Whether the last escape, if any, went back to ASCII.
pub(crate) fn ends_in_ascii(octets: &[u8]) -> bool {
    memrchr(ESCAPE, octets).is_none_or(|at| octets[at + 1..].starts_with(b"(B"))
}

/// Whether the last escape went to the Roman set of JIS X 0201, in which a line may end as well (RFC 1468).
pub(crate) fn ends_in_roman(octets: &[u8]) -> bool {
    memrchr(ESCAPE, octets).is_some_and(|at| octets[at + 1..].starts_with(b"(J"))
}

/// Whether a line may end so.
fn ends_line(octets: &[u8]) -> bool {
    ends_in_ascii(octets) || ends_in_roman(octets)
}

#[cfg(test)]
mod tests;

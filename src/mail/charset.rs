//! Charsets of mail: which one a part is in, decoding without guesses, encoding without substitutes.
//!
//! Everything here answers `None` rather than put in a replacement character: text that cannot be read for certain is
//! not decided on, and text that cannot be written for certain is not inserted.

use std::borrow::Cow;

use encoding_rs::{DecoderResult, EUC_JP, EncoderResult, Encoding, ISO_2022_JP, SHIFT_JIS, UTF_8, WINDOWS_1252};
use memchr::{memchr, memmem, memrchr};

mod steps;

const ESCAPE: u8 = 0x1b;

/// The charset of one text part.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Charset {
    encoding: &'static Encoding,
    repertoire: Repertoire,
}

/// Which characters may be written: a label often promises less than its decoder can read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Repertoire {
    /// US-ASCII.
    Ascii,
    /// ISO-8859-1: no C1 control, nothing of windows-1252.
    Latin1,
    /// ASCII and JIS X 0208 (rows 1 to 8, 16 to 84), as RFC 1468 has it.
    Jis,
    /// Whatever the encoder can write and read back.
    Full,
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
const ALIASES: [(&str, &Encoding); 14] = [
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
        let repertoire = match label.as_str() {
            _ if encoding == ISO_2022_JP => Repertoire::Jis,
            "windows-1252" | "cp1252" | "x-cp1252" => Repertoire::Full,
            _ if encoding == WINDOWS_1252 => Repertoire::Latin1,
            _ => Repertoire::Full,
        };
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
    /// or when an ISO-2022-JP run does not end in ASCII.
    pub fn decode_line<'a>(&self, octets: &'a [u8]) -> Option<Cow<'a, str>> {
        if self.encoding == UTF_8 {
            return str::from_utf8(octets).ok().map(Cow::Borrowed);
        }
        if self.encoding == ISO_2022_JP && !ends_in_ascii(octets) {
            return None;
        }
        self.encoding.decode_without_bom_handling_and_without_replacement(octets)
    }

    /// Adds the line to `text`, as [`Charset::decode_line`] reads it. Gives whether it could.
    pub(crate) fn decode_line_into(&self, octets: &[u8], text: &mut String) -> bool {
        if self.encoding == UTF_8 || (self.is_ascii_compatible() && octets.is_ascii()) {
            return str::from_utf8(octets).map(|t| text.push_str(t)).is_ok();
        }
        if self.encoding == ISO_2022_JP && !ends_in_ascii(octets) {
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
        let allowed = match self.repertoire {
            Repertoire::Ascii => text.is_ascii(),
            Repertoire::Latin1 => text.chars().all(|c| matches!(c, '\0'..='\u{7f}' | '\u{a0}'..='\u{ff}')),
            Repertoire::Jis | Repertoire::Full => !text.contains('\u{1b}'),
        };
        if !allowed {
            return None;
        }
        let octets = encode_exactly(self.encoding, text)?;
        let back = self.encoding.decode_without_bom_handling_and_without_replacement(&octets)?;
        let fine = back == text && (self.repertoire != Repertoire::Jis || is_rfc1468(&octets));
        fine.then_some(octets)
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

/// Whether the octets keep to ASCII and JIS X 0208 and end in ASCII.
fn is_rfc1468(octets: &[u8]) -> bool {
    let mut rest = octets;
    while let Some(at) = memchr(ESCAPE, rest) {
        let Some(run) = rest[at + 1..].strip_prefix(b"$B") else { return false };
        let Some(end) = memchr(ESCAPE, run) else { return false };
        let rows_fit = run[..end].chunks(2).all(|pair| matches!(pair[0], 0x21..=0x28 | 0x30..=0x74));
        let Some(after) = run[end + 1..].strip_prefix(b"(B").filter(|_| rows_fit) else { return false };
        rest = after;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charset(label: &str) -> Charset {
        Charset::from_label(Some(label), b"").unwrap_or_else(|e| panic!("{label}: {e}"))
    }

    #[test]
    fn labels_of_japanese_mail_are_known() {
        for (label, name) in [
            ("cp932", "Shift_JIS"),
            ("MS932", "Shift_JIS"),
            ("x-sjis", "Shift_JIS"),
            ("Windows-31J", "Shift_JIS"),
            ("eucJP-ms", "EUC-JP"),
            ("cp51932", "EUC-JP"),
            ("ISO-2022-JP-MS", "ISO-2022-JP"),
            ("cp50221", "ISO-2022-JP"),
            (" utf-8 ", "UTF-8"),
            ("us-ascii", "us-ascii"),
        ] {
            assert_eq!(charset(label).name(), name, "{label}");
        }
    }

    #[test]
    fn charsets_that_cannot_be_spliced_are_unsupported() {
        for label in
            ["utf-7", "utf-16", "UTF-16LE", "iso-2022-kr", "hz-gb-2312", "unknown-8bit", "x-user-defined", "bogus"]
        {
            assert_eq!(Charset::from_label(Some(label), b""), Err(CharsetFault::Unsupported), "{label}");
        }
    }

    #[test]
    fn a_missing_label_is_told_from_the_octets() {
        let name = |body: &[u8]| Charset::from_label(None, body).map(|c| c.name());
        assert_eq!(name(b"plain"), Ok("us-ascii"));
        assert_eq!(name("残念".as_bytes()), Ok("UTF-8"));
        assert_eq!(name(b"\x1b$B;DG0\x1b(B"), Ok("ISO-2022-JP"));
        assert_eq!(name(b"\x8ec\x94O"), Err(CharsetFault::Unlabelled));
        let labelled = Charset::from_label(Some("us-ascii"), b"\x1b$B;DG0\x1b(B").map(|c| c.name());
        assert_eq!(labelled, Ok("ISO-2022-JP"));
    }

    #[test]
    fn illegal_octets_are_not_replaced() {
        assert_eq!(charset("utf-8").decode_line(b"\xe6\xae"), None);
        assert_eq!(charset("shift_jis").decode_line(b"\x81"), None);
        assert_eq!(charset("iso-2022-jp").decode_line(b"\x1b$B;DG0"), None, "the line ends in two-octet state");
        assert_eq!(charset("iso-2022-jp").decode_line(b"\x1b$B;DG0\x1b(B").as_deref(), Some("残念"));
        assert_eq!(charset("cp932").decode_line(b"\x87\x40\xfb\xfc").as_deref(), Some("①髙"));
    }

    #[test]
    fn decoding_into_a_text_agrees_with_decoding_a_line() {
        for (label, octets) in [
            ("iso-2022-jp", &b"\x1b$B;DG0\x1b(B ok"[..]),
            ("iso-2022-jp", b"\x1b$B;DG0"),
            ("iso-2022-jp", b"shift \x0e out"),
            ("euc-jp", b"\xbb\xc4\xc7\xb0"),
            ("shift_jis", b"\x81"),
            ("utf-8", b"\xff"),
            ("iso-8859-1", b"caf\xe9"),
        ] {
            let mut text = String::new();
            let fine = charset(label).decode_line_into(octets, &mut text);
            assert_eq!(fine.then_some(text.as_str()), charset(label).decode_line(octets).as_deref(), "{label}");
        }
    }

    #[test]
    fn what_cannot_be_written_and_read_back_is_not_encoded() {
        let lines = [
            ("■ キャリアリレー：", true),
            ("▶", false),
            ("〜", false),
            ("①", false),
            ("ｱ", false),
            ("¥", false),
            ("髙", false),
        ];
        for (text, fits) in lines {
            assert_eq!(charset("iso-2022-jp").encode(text).is_some(), fits, "{text}");
        }
        assert!(charset("utf-8").encode("▶").is_some());
        assert!(charset("shift_jis").encode("①").is_some());
        assert!(charset("shift_jis").encode("▶").is_none());
        assert!(charset("us-ascii").encode("é").is_none());
        assert!(charset("iso-8859-1").encode("é").is_some());
        assert!(charset("iso-8859-1").encode("—").is_none());
        assert!(charset("windows-1252").encode("—").is_some());
    }

    #[test]
    fn jis_text_returns_to_ascii_at_every_line_end() {
        let octets = charset("iso-2022-jp").encode("残念\r\nですが").unwrap_or_default();
        assert_eq!(octets, b"\x1b$B;DG0\x1b(B\r\n\x1b$B$G$9$,\x1b(B");
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_encoded_is_read_back(text in "\\PC{0,40}", label in 0usize..6) {
            let label = ["utf-8", "iso-2022-jp", "shift_jis", "euc-jp", "windows-1252", "gb18030"][label];
            if let Some(octets) = charset(label).encode(&text) {
                let back = charset(label).decode_line(&octets);
                assert_eq!(back.as_deref(), Some(text.as_str()));
            }
        }

        #[test]
        fn no_octets_panic(octets in proptest::collection::vec(0u8.., 0..80), label in "[a-z0-9-]{0,12}") {
            if let Ok(charset) = Charset::from_label(Some(&label), &octets) {
                let _ = charset.decode_line(&octets);
            }
            let _ = Charset::from_label(None, &octets).map(|c| c.decode_line(&octets).map(Cow::into_owned));
        }
    }
}

//! Which characters may be written under a label: it often promises less than its decoder can read.
//!
//! Browsers read `shift_jis` as Windows-31J and `gb2312` as GBK; readers by the letter do not. What is written keeps to
//! what the label's own standard has, so that both read the same.

use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GBK, ISO_2022_JP, SHIFT_JIS};
use memchr::memchr;

/// What may be written, told by the octets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Repertoire {
    /// US-ASCII.
    Ascii,
    /// ISO-8859 and TIS-620: nothing that the Windows code pages have in place of the C1 controls.
    NoControls,
    /// ASCII and JIS X 0208 (rows 1 to 8, 16 to 84) behind escapes, as RFC 1468 has it.
    Jis,
    /// The same rows, and the kana of JIS X 0201, as `Shift_JIS` has them.
    ShiftJis,
    /// The same, as EUC-JP has them.
    EucJp,
    /// Pairs of a set of 94 by 94 (GB 2312, KS X 1001): none of the extensions GBK and UHC.
    Pairs,
    /// Big5 without the extensions of ETEN and Microsoft.
    Big5,
    /// Whatever the encoder can write and read back.
    Full,
}

impl Repertoire {
    /// What a label in lower case promises.
    pub(super) fn of(label: &str, encoding: &'static Encoding) -> Self {
        const WIDE: [&str; 19] = [
            "cp932",
            "ms_kanji_cp932",
            "ms932",
            "windows-932",
            "windows-31j",
            "sjis-win",
            "eucjp-ms",
            "eucjp-win",
            "cp51932",
            "gbk",
            "x-gbk",
            "cp936",
            "ms936",
            "windows-936",
            "windows-949",
            "cp949",
            "ms949",
            "uhc",
            "windows-874",
        ];
        let is_code_page = ["windows-1", "cp1", "x-cp1"].iter().any(|page| label.starts_with(page));
        match encoding {
            e if e == ISO_2022_JP => Self::Jis,
            e if e == BIG5 => Self::Big5,
            _ if is_code_page || WIDE.contains(&label) => Self::Full,
            e if e == SHIFT_JIS => Self::ShiftJis,
            e if e == EUC_JP => Self::EucJp,
            e if e == GBK || e == EUC_KR => Self::Pairs,
            e if e.is_single_byte() && e.name().starts_with("windows") => Self::NoControls,
            _ => Self::Full,
        }
    }

    /// Whether octets of the charset keep to it.
    pub(super) fn has(self, octets: &[u8]) -> bool {
        match self {
            Self::Full => true,
            Self::Ascii => octets.is_ascii(),
            Self::NoControls => !octets.iter().any(|b| matches!(b, 0x80..=0x9f)),
            Self::Jis => is_rfc1468(octets),
            Self::ShiftJis => pairs_fit(octets, |lead, _| match lead {
                0xa1..=0xdf => Some(1),
                0x81..=0x84 | 0x88..=0x9f | 0xe0..=0xea => Some(2),
                _ => None,
            }),
            Self::EucJp => pairs_fit(octets, |lead, _| match lead {
                0x8e | 0xa1..=0xa8 | 0xb0..=0xf4 => Some(2),
                _ => None,
            }),
            Self::Pairs => pairs_fit(octets, |lead, trail| (lead >= 0xa1 && trail >= 0xa1).then_some(2)),
            Self::Big5 => pairs_fit(octets, |lead, trail| match (lead, trail) {
                (0xa3, 0xc0..) | (0xc6, 0xa1..) | (0xf9, 0xd6..) => None,
                (0xa1..=0xc6 | 0xc9..=0xf9, _) => Some(2),
                _ => None,
            }),
        }
    }
}

/// Whether every character outside ASCII is one that `fits` gives the length of, by its first two octets.
fn pairs_fit(octets: &[u8], fits: impl Fn(u8, u8) -> Option<usize>) -> bool {
    let mut rest = octets;
    while let Some(at) = rest.iter().position(|b| !b.is_ascii()) {
        let trail = rest.get(at + 1).copied().unwrap_or_default();
        let Some(after) = fits(rest[at], trail).and_then(|n| rest.get(at + n..)) else { return false };
        rest = after;
    }
    true
}

/// Whether the octets keep to ASCII and JIS X 0208 and end in ASCII.
fn is_rfc1468(octets: &[u8]) -> bool {
    let mut rest = octets;
    while let Some(at) = memchr(super::ESCAPE, rest) {
        let Some(run) = rest[at + 1..].strip_prefix(b"$B") else { return false };
        let Some(end) = memchr(super::ESCAPE, run) else { return false };
        let rows_fit = run[..end].chunks(2).all(|pair| matches!(pair[0], 0x21..=0x28 | 0x30..=0x74));
        let Some(after) = run[end + 1..].strip_prefix(b"(B").filter(|_| rows_fit) else { return false };
        rest = after;
    }
    true
}

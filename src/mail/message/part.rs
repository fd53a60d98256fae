//! One MIME part: where it lies in the raw message, and what its header says about it (RFC 2045, 2046, 2183).

use std::ops::Range;

/// A node of the MIME tree. All offsets count octets of the raw message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Part {
    /// Index of the multipart around it in [`super::Message::parts`]; `None` for the root.
    pub parent: Option<usize>,
    /// Its place: `0` for the root, then `1`, `1.2` (the second part of the first part).
    pub path: String,
    /// The header fields, without the blank line behind them.
    pub header: Range<usize>,
    /// The body as transferred, without the line end in front of the next delimiter.
    pub body: Range<usize>,
    /// Type and subtype in lower case, such as `text/plain`.
    pub media: String,
    /// The charset parameter as it was written.
    pub charset: Option<String>,
    /// Whether `format=flowed` (RFC 3676) was declared.
    pub format_flowed: bool,
    /// Whether `delsp=yes` (RFC 3676) was declared.
    pub delsp: bool,
    /// How the body is encoded.
    pub transfer: Transfer,
    /// Whether it is no text to read in line: `Content-Disposition: attachment`, or a file name.
    pub attachment: bool,
    /// The file name of Content-Disposition, else the `name` of Content-Type.
    pub file_name: Option<String>,
    /// The parameters of Content-Type: names in lower case, values decoded (RFC 2231).
    pub parameters: Vec<(String, String)>,
}

impl Part {
    /// A parameter of Content-Type by its lower-case name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether it is a container of parts.
    pub fn is_multipart(&self) -> bool {
        self.media.starts_with("multipart/")
    }

    /// Whether it is text that a mail reader shows in line.
    pub fn is_inline_text(&self) -> bool {
        !self.attachment && matches!(self.media.as_str(), "text/plain" | "text/html")
    }
}

/// The Content-Transfer-Encoding of a part (RFC 2045 6).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transfer {
    /// `7bit`, or none given.
    SevenBit,
    /// `8bit`.
    EightBit,
    /// `binary`.
    Binary,
    /// `base64`.
    Base64,
    /// `quoted-printable`.
    QuotedPrintable,
    /// Anything else: never decoded, never edited.
    Unknown,
}

impl Transfer {
    /// Reads the value of the field, comments not allowed.
    pub fn parse(value: &str) -> Self {
        const NAMES: [(&str, Transfer); 5] = [
            ("7bit", Transfer::SevenBit),
            ("8bit", Transfer::EightBit),
            ("binary", Transfer::Binary),
            ("base64", Transfer::Base64),
            ("quoted-printable", Transfer::QuotedPrintable),
        ];
        let known = NAMES.iter().find(|(name, _)| value.trim().eq_ignore_ascii_case(name));
        known.map_or(Self::Unknown, |(_, transfer)| *transfer)
    }

    /// The name as RFC 2045 writes it; `unknown` for anything else.
    pub fn name(self) -> &'static str {
        match self {
            Self::SevenBit => "7bit",
            Self::EightBit => "8bit",
            Self::Binary => "binary",
            Self::Base64 => "base64",
            Self::QuotedPrintable => "quoted-printable",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the octets of a body do not show in the message as they are.
    pub fn hides_octets(self) -> bool {
        matches!(self, Self::Base64 | Self::QuotedPrintable)
    }
}

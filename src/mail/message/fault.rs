//! What can be wrong with the shape of a message. A message with any fault is never edited: readers differ on it.

/// A fault of shape. None of them stops the reading; each stops every edit.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Fault {
    /// A NUL octet anywhere.
    Nul,
    /// A CR without LF, or a LF without CR, anywhere (RFC 5322 2.3).
    BareLineEnd,
    /// A line in a header that is neither a field nor its continuation.
    HeaderMalformed,
    /// A header without the blank line behind it, or a delimiter inside it.
    HeaderUnterminated,
    /// More header octets than are read.
    HeaderTooLarge,
    /// A field that may stand once stands twice in one header (RFC 5322 3.6, RFC 2045).
    FieldRepeated,
    /// A Content-Type that is not `type/subtype` with parameters.
    ContentTypeMalformed,
    /// A MIME-Version other than 1.0.
    MimeVersion,
    /// A multipart that is encoded (RFC 2045 6.4).
    MultipartEncoded,
    /// A multipart without boundary, or with one that RFC 2046 5.1.1 does not allow.
    BoundaryIllegal,
    /// A boundary that is the beginning of another open one, or the same.
    BoundaryCollision,
    /// A line that begins like a delimiter and goes on as something else, or a delimiter in the middle of a line.
    DelimiterLike,
    /// A delimiter of a multipart that was closed before.
    DelimiterAfterClose,
    /// A multipart without its closing delimiter.
    Unclosed,
    /// A multipart without any part.
    Empty,
    /// Multiparts nested deeper than is read.
    TooDeep,
    /// More parts than are read.
    TooManyParts,
}

impl Fault {
    /// The stable name, for logs, reports and tests.
    pub fn code(self) -> &'static str {
        match self {
            Self::Nul => "malformed_nul",
            Self::BareLineEnd => "malformed_bare_line_end",
            Self::HeaderMalformed => "malformed_header",
            Self::HeaderUnterminated => "malformed_header_unterminated",
            Self::HeaderTooLarge => "header_too_large",
            Self::FieldRepeated => "malformed_field_repeated",
            Self::ContentTypeMalformed => "malformed_content_type",
            Self::MimeVersion => "malformed_mime_version",
            Self::MultipartEncoded => "malformed_multipart_encoded",
            Self::BoundaryIllegal => "malformed_boundary",
            Self::BoundaryCollision => "malformed_boundary_collision",
            Self::DelimiterLike => "malformed_delimiter_like",
            Self::DelimiterAfterClose => "malformed_delimiter_after_close",
            Self::Unclosed => "malformed_unclosed",
            Self::Empty => "malformed_empty_multipart",
            Self::TooDeep => "too_deep",
            Self::TooManyParts => "too_many_parts",
        }
    }
}

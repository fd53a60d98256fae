//! What the header of one part says about its body. Values are parsed by mail-parser; what is allowed is decided here.

use std::ops::Range;

use mail_parser::{ContentType, HeaderValue, parsers::MessageStream};
use memchr::memmem;

use super::fault::Fault;
use super::header::{Field, unfold, with_line_end};
use super::part::{Part, Transfer};

/// More parameters than this make a Content-Type malformed.
const PARAMETERS_MAX: usize = 64;
/// A longer value is malformed. It bounds the merging of continuations, which costs their number squared.
const VALUE_OCTETS_MAX: usize = 8 * 1024;
/// Longest boundary (RFC 2046 5.1.1).
const BOUNDARY_OCTETS_MAX: usize = 70;

/// The fields that may stand once in a header and decide how it is read or shown.
const SINGLE: [&str; 10] = [
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
    "mime-version",
    "from",
    "to",
    "cc",
    "bcc",
    "subject",
    "message-id",
];

pub(super) struct Head {
    /// The part, with its place left empty.
    pub(super) part: Part,
    /// For a multipart that can be read: its boundary as octets of the raw message.
    pub(super) boundary: Option<Range<usize>>,
    pub(super) faults: Vec<Fault>,
}

/// Reads the fields of one header. In a digest the default type is `message/rfc822` (RFC 2046 5.1.5).
pub(super) fn read(raw: &[u8], fields: &[Field], in_digest: bool) -> Head {
    let mut head = Head { part: empty_part(in_digest), boundary: None, faults: Vec::new() };
    let mut seen = 0u16;
    for field in fields {
        let Some(index) = SINGLE.iter().position(|n| n.as_bytes().eq_ignore_ascii_case(&raw[field.name.clone()]))
        else {
            continue;
        };
        if seen & (1 << index) != 0 {
            head.faults.push(Fault::FieldRepeated);
            continue;
        }
        seen |= 1 << index;
        head.field(index, raw, field.value.clone());
    }
    head.check_multipart();
    head
}

impl Head {
    fn field(&mut self, index: usize, raw: &[u8], value: Range<usize>) {
        match SINGLE[index] {
            "content-type" => self.content_type(raw, value),
            "content-transfer-encoding" => self.part.transfer = Transfer::parse(&unfold(&raw[value])),
            "content-disposition" => self.disposition(&raw[value]),
            "mime-version" if unfold(&raw[value.clone()]) != "1.0" => self.mime_version(&raw[value]),
            _ => {}
        }
    }

    fn content_type(&mut self, raw: &[u8], value: Range<usize>) {
        let text = with_line_end(&raw[value.clone()]);
        let parsed = parse_parameters(&text);
        let Some((media, parameters)) = parsed.and_then(|p| media_of(&p).map(|m| (m, parameters_of(&p)))) else {
            "application/octet-stream".clone_into(&mut self.part.media);
            return self.faults.push(Fault::ContentTypeMalformed);
        };
        let mut names: Vec<&str> = parameters.iter().map(|(n, _)| n.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|w| w[0] == w[1]) || names.len() > PARAMETERS_MAX {
            self.faults.push(Fault::ContentTypeMalformed);
        }
        let part = &mut self.part;
        (part.media, part.parameters) = (media, parameters);
        part.charset = part.parameter("charset").map(str::to_owned);
        part.format_flowed = part.parameter("format").is_some_and(|v| v.eq_ignore_ascii_case("flowed"));
        part.delsp = part.parameter("delsp").is_some_and(|v| v.eq_ignore_ascii_case("yes"));
        if let Some(name) = part.parameter("name").map(str::to_owned) {
            part.attachment = true;
            part.file_name.get_or_insert(name);
        }
        if part.is_multipart() {
            self.boundary = boundary_of(&self.part, raw, value);
        }
    }

    fn disposition(&mut self, value: &[u8]) {
        let text = with_line_end(value);
        let Some(parsed) = parse_parameters(&text) else {
            self.part.attachment = true;
            return;
        };
        // What is neither inline nor known is to be treated as an attachment (RFC 2183 2.8).
        self.part.attachment |= !parsed.c_type.eq_ignore_ascii_case("inline");
        let named = parameters_of(&parsed).into_iter().find(|(name, _)| name == "filename");
        if let Some((_, name)) = named {
            self.part.attachment = true;
            self.part.file_name = Some(name);
        }
    }

    /// `1.0` with comments around it is still 1.0 (RFC 2045 4).
    fn mime_version(&mut self, value: &[u8]) {
        let mut depth = 0usize;
        let outside = |c: &char| {
            depth = match c {
                '(' => depth + 1,
                ')' => depth.saturating_sub(1),
                _ => depth,
            };
            depth == 0 && *c != ')' && !c.is_ascii_whitespace()
        };
        if unfold(value).chars().filter(outside).collect::<String>() != "1.0" {
            self.faults.push(Fault::MimeVersion);
        }
    }

    fn check_multipart(&mut self) {
        if !self.part.is_multipart() {
            return;
        }
        if !matches!(self.part.transfer, Transfer::SevenBit | Transfer::EightBit | Transfer::Binary) {
            self.faults.push(Fault::MultipartEncoded);
        }
        if self.boundary.is_none() {
            self.faults.push(Fault::BoundaryIllegal);
        }
    }
}

fn empty_part(in_digest: bool) -> Part {
    Part {
        parent: None,
        path: String::new(),
        header: 0..0,
        body: 0..0,
        media: if in_digest { "message/rfc822" } else { "text/plain" }.to_owned(),
        charset: None,
        format_flowed: false,
        delsp: false,
        transfer: Transfer::SevenBit,
        attachment: false,
        file_name: None,
        parameters: Vec::new(),
    }
}

/// A value with parameters, as of Content-Type and Content-Disposition.
fn parse_parameters(value: &[u8]) -> Option<ContentType<'_>> {
    if value.len() > VALUE_OCTETS_MAX {
        return None;
    }
    match MessageStream::new(value).parse_content_type() {
        HeaderValue::ContentType(parsed) => Some(parsed),
        _ => None,
    }
}

fn parameters_of(parsed: &ContentType<'_>) -> Vec<(String, String)> {
    let attributes = parsed.attributes.iter().flatten();
    attributes.map(|a| (a.name.to_ascii_lowercase(), a.value.to_string())).collect()
}

fn media_of(parsed: &ContentType<'_>) -> Option<String> {
    let subtype = parsed.c_subtype.as_deref()?;
    let is_token =
        |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b));
    (is_token(&parsed.c_type) && is_token(subtype)).then(|| {
        let mut media = [&*parsed.c_type, "/", subtype].concat();
        media.make_ascii_lowercase();
        media
    })
}

/// The boundary, if it is a legal one that stands in the header letter for letter (no escapes, no pieces).
fn boundary_of(part: &Part, raw: &[u8], value: Range<usize>) -> Option<Range<usize>> {
    let boundary = part.parameter("boundary")?;
    let legal = (1..=BOUNDARY_OCTETS_MAX).contains(&boundary.len())
        && boundary.bytes().all(|b| matches!(b, b' '..=b'~'))
        && !boundary.ends_with(' ');
    let at = memmem::rfind(&raw[value.clone()], boundary.as_bytes()).filter(|_| legal)?;
    let start = value.start + at;
    Some(start..start + boundary.len())
}

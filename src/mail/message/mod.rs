//! A message read by offsets: its header fields, its MIME tree, and every fault of shape. Nothing is decoded or copied.

mod fault;
mod head;
mod header;
mod part;
mod scan;
mod sweep;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use mail_parser::{HeaderValue, parsers::MessageStream};

use super::address::Address;
use header::{Field, with_line_end};

pub(crate) use header::without_line_end;

pub use fault::Fault;
pub use part::{Part, Transfer};
pub use scan::{DEPTH_MAX, HEADER_OCTETS_MAX, PARTS_MAX};

/// A message as it came, with what was found in it.
#[derive(Debug)]
pub struct Message<'a> {
    raw: &'a [u8],
    parts: Vec<Part>,
    faults: Vec<Fault>,
    fields: Vec<Field>,
    /// The value of each field, unfolded.
    values: Vec<Cow<'a, str>>,
    subject: String,
    people: People,
}

/// The mailboxes of the originator and recipient fields.
#[derive(Debug, Default)]
struct People {
    from: Vec<Address>,
    to_and_cc: Vec<Address>,
    bcc: Vec<Address>,
    unparsed_recipients: usize,
}

/// The MIME tree alone, with every fault of shape: what a reader needs that knows what the fields say.
#[derive(Debug)]
pub struct Tree {
    /// As [`Message::parts`].
    pub parts: Vec<Part>,
    /// As [`Message::faults`].
    pub faults: Vec<Fault>,
}

impl Tree {
    /// Reads the tree of a message, as [`Message::read`] does.
    pub fn read(raw: &[u8]) -> Self {
        let shape = scan::read(raw);
        Self { parts: shape.parts, faults: shape.faults }
    }
}

impl<'a> Message<'a> {
    /// Reads a whole message (RFC 5322, RFC 2045). Takes any octets, in linear time; what is wrong becomes a [`Fault`].
    pub fn read(raw: &'a [u8]) -> Self {
        let shape = scan::read(raw);
        let values = shape.fields.iter().map(|f| header::unfold(&raw[f.value.clone()])).collect();
        let subject = first(raw, &shape.fields, "subject").map_or_else(String::new, parse_text);
        let people = read_people(raw, &shape.fields);
        Self { raw, parts: shape.parts, faults: shape.faults, fields: shape.fields, values, subject, people }
    }

    /// The octets that were read.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The MIME tree in document order; the root is the first. Attached messages are leaves.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Everything wrong with the shape, each kind once. Any of them forbids every edit.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The Subject, decoded (RFC 2047) and unfolded.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The first mailbox of From.
    pub fn from(&self) -> Option<&Address> {
        self.people.from.first()
    }

    /// The recipients anyone can see. Mailboxes that are no addresses are left out.
    pub fn to_and_cc(&self) -> &[Address] {
        &self.people.to_and_cc
    }

    /// The mailboxes of Bcc, where a client left that field in.
    pub fn bcc(&self) -> &[Address] {
        &self.people.bcc
    }

    /// How many mailboxes of To and Cc are no addresses.
    pub fn unparsed_recipients(&self) -> usize {
        self.people.unparsed_recipients
    }

    /// The first field of that name (in any case): unfolded, trimmed, not RFC 2047 decoded, octets not UTF-8 replaced.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).next()
    }

    /// Every field of that name, from the top.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = move |f: &Field| self.raw[f.name.clone()].eq_ignore_ascii_case(name.as_bytes());
        self.fields.iter().zip(&self.values).filter(move |(f, _)| named(f)).map(|(_, value)| &**value)
    }

    /// The octets of the top-level header, without the blank line behind it.
    pub fn header_octets(&self) -> Range<usize> {
        self.parts.first().map_or(0..0, |root| root.header.clone())
    }
}

fn first<'a>(raw: &'a [u8], fields: &[Field], name: &str) -> Option<&'a [u8]> {
    let field = fields.iter().find(|f| raw[f.name.clone()].eq_ignore_ascii_case(name.as_bytes()))?;
    Some(&raw[field.value.clone()])
}

/// The decoded text of an unstructured field.
fn parse_text(value: &[u8]) -> String {
    let value = with_known_labels(value);
    match MessageStream::new(&with_line_end(&value)).parse_unstructured() {
        HeaderValue::Text(text) => text.into_owned(),
        _ => String::new(),
    }
}

/// Encoded words (RFC 2047) whose label mail-parser does not know, under the label it knows.
fn with_known_labels(value: &[u8]) -> Cow<'_, [u8]> {
    const LABELS: [(&[u8], &[u8]); 4] = [
        (b"=?cp932?", b"=?shift_jis?"),
        (b"=?eucjp-ms?", b"=?euc-jp?"),
        (b"=?iso-2022-jp-ms?", b"=?iso-2022-jp?"),
        (b"=?cp50221?", b"=?iso-2022-jp?"),
    ];
    let known = |at: usize| {
        let rest = &value[at..];
        LABELS.iter().find(|(l, _)| rest.get(..l.len()).is_some_and(|r| r.eq_ignore_ascii_case(l)))
    };
    let mut renamed = Vec::new();
    let mut from = 0;
    for at in memchr::memmem::find_iter(value, b"=?") {
        if let Some((label, name)) = known(at) {
            renamed.extend_from_slice(&value[from..at]);
            renamed.extend_from_slice(name);
            from = at + label.len();
        }
    }
    if from == 0 {
        return Cow::Borrowed(value);
    }
    renamed.extend_from_slice(&value[from..]);
    Cow::Owned(renamed)
}

fn read_people(raw: &[u8], fields: &[Field]) -> People {
    let mut people = People::default();
    for field in fields {
        let name = &raw[field.name.clone()];
        let value = &raw[field.value.clone()];
        if name.eq_ignore_ascii_case(b"from") {
            push_mailboxes(value, &mut people.from);
        } else if name.eq_ignore_ascii_case(b"to") || name.eq_ignore_ascii_case(b"cc") {
            people.unparsed_recipients += push_mailboxes(value, &mut people.to_and_cc);
        } else if name.eq_ignore_ascii_case(b"bcc") {
            push_mailboxes(value, &mut people.bcc);
        }
    }
    people
}

/// Adds the mailboxes of an address list (RFC 5322 3.4), those in groups included. Gives how many are no addresses.
fn push_mailboxes(value: &[u8], into: &mut Vec<Address>) -> usize {
    let value = with_line_end(value);
    let HeaderValue::Address(list) = MessageStream::new(&value).parse_address() else { return 0 };
    let before = into.len();
    let mut count = 0;
    for mailbox in list.iter() {
        count += 1;
        into.extend(mailbox.address().and_then(|text| Address::parse(text.trim()).ok()));
    }
    count - (into.len() - before)
}

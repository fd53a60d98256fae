//! A mail as an MTA tells it, put together again in one piece.
//!
//! The MTA keeps the mail; this is our picture of it. Offsets into the picture are turned back into what an MTA
//! understands by [`super::Changes`], which needs to know where each field came from.

use std::ops::Range;

use bytes::Bytes;

use super::Macros;
use super::command::Peer;

/// Why the picture of a mail is none, and the mail has to be left alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flaw {
    /// It is larger than we take.
    TooLarge,
    /// It was not told in the order a mail has.
    OutOfOrder,
    /// A field of its header is none.
    Header,
    /// There was no memory for it.
    NoRoom,
}

impl Flaw {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "milter_mail_too_large",
            Self::OutOfOrder => "milter_out_of_order",
            Self::Header => "milter_header_unreadable",
            Self::NoRoom => "overloaded",
        }
    }
}

/// A header field in the picture of a mail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Field {
    /// All of it, its line end included.
    pub whole: Range<usize>,
    /// Octets of its name.
    pub name_octets: usize,
    /// Its number among all fields the MTA told, from 0.
    pub number: usize,
}

/// A mail as it was told, as far as it was.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    /// Where the MTA's client is.
    pub peer: Peer,
    /// What the MTA told beside the mail.
    pub macros: Macros,
    /// The words of MAIL.
    pub mail: Vec<Bytes>,
    /// The path of each RCPT.
    pub rcpts: Vec<Bytes>,
    /// Header and body in one piece.
    pub octets: Vec<u8>,
    /// The fields of its header.
    pub fields: Vec<Field>,
    /// Where the body begins, once the header is complete.
    pub body_at: Option<usize>,
    /// Why it is to be left alone.
    pub flaw: Option<Flaw>,
    /// Octets of header and body that were told, kept or not.
    pub octets_told: usize,
}

impl Gathered {
    /// Gives the mail up: it is left alone, whatever it says, and nothing more of it is kept.
    pub fn give_up(&mut self, flaw: Flaw) {
        self.flaw.get_or_insert(flaw);
        (self.octets, self.fields) = (Vec::new(), Vec::new());
    }

    /// Takes a field. `leading` says that its value begins behind the colon; else a blank stood there, as a rule.
    pub(super) fn take_field(&mut self, (name, value): (&[u8], &[u8]), leading: bool, octets_max: usize) {
        self.octets_told += name.len() + value.len() + 3;
        if self.flaw.is_some() || self.body_at.is_some() {
            return self.give_up(Flaw::OutOfOrder);
        }
        if !is_name(name) || !is_folded(value) {
            return self.give_up(Flaw::Header);
        }
        let start = self.octets.len();
        self.octets.extend_from_slice(name);
        self.octets.extend_from_slice(if leading { b":" } else { b": " });
        put_lines(&mut self.octets, value);
        self.octets.extend_from_slice(b"\r\n");
        let whole = start..self.octets.len();
        self.fields.push(Field { whole, name_octets: name.len(), number: self.fields.len() });
        if self.octets.len() > octets_max {
            self.give_up(Flaw::TooLarge);
        }
    }

    /// The header is complete.
    pub(super) fn end_header(&mut self) {
        if self.flaw.is_some() || self.body_at.is_some() {
            return self.give_up(Flaw::OutOfOrder);
        }
        self.octets.extend_from_slice(b"\r\n");
        self.body_at = Some(self.octets.len());
    }

    /// Takes a part of the body.
    pub(super) fn take_body(&mut self, part: &[u8], octets_max: usize) {
        self.octets_told += part.len();
        if self.flaw.is_some() {
            return;
        }
        if self.body_at.is_none() {
            return self.give_up(Flaw::OutOfOrder);
        }
        if self.octets.len() + part.len() > octets_max {
            return self.give_up(Flaw::TooLarge);
        }
        self.octets.extend_from_slice(part);
    }

    /// The picture, to be looked at as a message. `None` for a mail that is to be left alone.
    pub fn into_snapshot(self) -> Option<Snapshot> {
        let body_at = self.body_at.filter(|_| self.flaw.is_none())?;
        Some(Snapshot { message: self.octets.into(), fields: self.fields, body_at, cut: Vec::new() })
    }
}

/// A whole mail with the places of its parts.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Header and body.
    pub message: Bytes,
    /// Its fields in their order; their numbers count those that were cut as well.
    pub fields: Vec<Field>,
    /// Where the body begins.
    pub body_at: usize,
    /// What was cut: the name of each field, and which one of that name it is, from 1.
    pub cut: Vec<(Box<str>, u32)>,
}

impl Snapshot {
    /// The name of a field.
    pub fn name(&self, field: &Field) -> &[u8] {
        &self.message[field.whole.start..field.whole.start + field.name_octets]
    }

    /// Which one of its name a field is, from 1, as both MTAs count: in any case, and their own Received not at all.
    pub fn occurrence(&self, field: &Field) -> u32 {
        let name = self.name(field);
        let earlier = self.fields.iter().take_while(|f| f.number < field.number);
        let cut = self.cut.iter().filter(|(cut, _)| cut.as_bytes().eq_ignore_ascii_case(name)).count();
        let same = earlier.filter(|f| self.name(f).eq_ignore_ascii_case(name)).count();
        u32::try_from(same + cut).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// The mail without the fields that stand at these places: all of their names go, or none.
    #[must_use]
    pub fn without(&self, places: &[Range<usize>]) -> Self {
        let (gone, left): (Vec<&Field>, Vec<&Field>) = self.fields.iter().partition(|f| places.contains(&f.whole));
        let name = |f: &Field| String::from_utf8_lossy(self.name(f)).into_owned().into_boxed_str();
        let cut = gone.iter().map(|f| (name(f), self.occurrence(f))).collect();
        let mut message = Vec::with_capacity(self.message.len());
        let mut fields = Vec::with_capacity(left.len());
        for field in left {
            let start = message.len();
            message.extend_from_slice(&self.message[field.whole.clone()]);
            fields.push(Field { whole: start..message.len(), ..field.clone() });
        }
        let head_end = self.fields.last().map_or(0, |f| f.whole.end);
        let body_at = message.len() + (self.body_at - head_end);
        message.extend_from_slice(&self.message[head_end..]);
        Self { message: message.into(), fields, body_at, cut }
    }
}

/// A field's name (RFC 5322 3.6.8).
pub(super) fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|b| matches!(b, 33..=126) && *b != b':')
}

/// Whether each further line of a value begins with a blank, so that it is no field of its own and ends no header.
pub(super) fn is_folded(value: &[u8]) -> bool {
    let blank = |at: usize| value.get(at).is_some_and(|b| matches!(b, b' ' | b'\t'));
    memchr::memchr_iter(b'\n', value).all(|at| blank(at + 1))
}

/// Lines with CRLF between them, whichever line end stood there.
fn put_lines(out: &mut Vec<u8>, value: &[u8]) {
    let mut from = 0;
    for at in memchr::memchr_iter(b'\n', value) {
        let end = if at > from && value[at - 1] == b'\r' { at - 1 } else { at };
        out.extend_from_slice(&value[from..end]);
        out.extend_from_slice(b"\r\n");
        from = at + 1;
    }
    out.extend_from_slice(&value[from..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gather(fields: &[(&str, &str)], body: &str, leading: bool) -> Gathered {
        let mut mail = Gathered::default();
        for (name, value) in fields {
            mail.take_field((name.as_bytes(), value.as_bytes()), leading, 1000);
        }
        mail.end_header();
        mail.take_body(body.as_bytes(), 1000);
        mail
    }

    fn message(mail: Gathered) -> Option<String> {
        mail.into_snapshot().map(|s| String::from_utf8_lossy(&s.message).into_owned())
    }

    #[test]
    fn a_mail_is_put_together_as_its_mta_holds_it() {
        let folded = [("Subject", " a\n\tb\r\n c"), ("X", "d")];
        let whole = message(gather(&folded, "body\r\n", true));
        assert_eq!(whole.as_deref(), Some("Subject: a\r\n\tb\r\n c\r\nX:d\r\n\r\nbody\r\n"));
        let older = message(gather(&[("Subject", "a"), ("X", "\tb")], "", false));
        assert_eq!(older.as_deref(), Some("Subject: a\r\nX: \tb\r\n\r\n"));
    }

    #[test]
    fn what_cannot_be_put_together_soundly_is_given_up() {
        let flaw = |mail: Gathered| mail.flaw;
        assert_eq!(flaw(gather(&[("Sub ject", " a")], "", true)), Some(Flaw::Header));
        assert_eq!(flaw(gather(&[("", " a")], "", true)), Some(Flaw::Header));
        assert_eq!(flaw(gather(&[("A", " a\nB: c")], "", true)), Some(Flaw::Header));
        assert_eq!(flaw(gather(&[("A", " a\n")], "", true)), Some(Flaw::Header));
        assert_eq!(flaw(gather(&[("A", " a")], &"x".repeat(1000), true)), Some(Flaw::TooLarge));
        let mut early = Gathered::default();
        early.take_body(b"x", 1000);
        assert_eq!((early.flaw, message(early)), (Some(Flaw::OutOfOrder), None));
    }

    #[test]
    fn fields_are_cut_with_all_that_is_counted_kept() {
        let fields = [("A", " 1"), ("X-Route", " s"), ("a", " 2"), ("x-route", " t"), ("A", " 3")];
        let snapshot = gather(&fields, "body", true).into_snapshot().expect("a mail");
        let places = [snapshot.fields[1].whole.clone(), snapshot.fields[3].whole.clone()];
        let left = snapshot.without(&places);
        assert_eq!(&left.message[..], b"A: 1\r\na: 2\r\nA: 3\r\n\r\nbody");
        assert_eq!(&left.message[left.body_at..], b"body");
        assert_eq!(left.cut, [("X-Route".into(), 1), ("x-route".into(), 2)]);
        assert_eq!(
            left.fields.iter().map(|f| (f.number, left.occurrence(f))).collect::<Vec<_>>(),
            [(0, 1), (2, 2), (4, 3)]
        );
        let whole = snapshot.without(&[]);
        assert_eq!((whole.message, whole.body_at), (snapshot.message, snapshot.body_at));
    }
}

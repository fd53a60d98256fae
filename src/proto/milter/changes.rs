//! From insertions into the picture of a mail to what an MTA is told to change.
//!
//! All of it is computed from one picture and told at once. Both MTAs count a place to insert at among all fields,
//! their own Received line in front included; which field of a name is changed they count without it. So the place
//! behind that line, in front of all we were told, is 1. Insertions come first: they move no count of another name's
//! fields. The last of a name is taken out first, since Postfix no longer counts what is gone and Sendmail does.

use bytes::Bytes;

use super::gathered::{Field, Snapshot, is_folded, is_name};
use super::packet;
use super::terms::{Actions, Steps, Terms};
use crate::mail::edit::{Edit, Edits};

/// The most octets of a body in one packet: what every MTA takes.
const CHUNK_OCTETS_MAX: usize = 65_535;
/// Fields in front of those we are told: the MTA's own Received line.
const FIELDS_BEFORE: usize = 1;

/// One change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    /// Puts a field in front of the one of this number among all.
    Insert {
        /// The place.
        at: u32,
        /// The field's name.
        name: Box<[u8]>,
        /// What stands behind the colon.
        value: Box<[u8]>,
    },
    /// Gives a field another value; an empty one takes it out.
    Set {
        /// Which one of its name, from 1.
        occurrence: u32,
        /// The field's name.
        name: Box<[u8]>,
        /// What stands behind the colon.
        value: Box<[u8]>,
    },
    /// Replaces the body.
    Body(Bytes),
}

/// Why insertions cannot be told to an MTA.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unfit {
    /// One of them stands where no change of a field or of the body can put it.
    #[error("an insertion at octet {0} of the mail, where no MTA could put it")]
    Place(usize),
    /// What is to be put in front of a field is no field.
    #[error("an insertion that is no header field")]
    NoField,
    /// The changes would not make what was meant.
    #[error("the changes would not make the mail that was meant")]
    Unproven,
    /// The MTA does not allow us such a change.
    #[error("the MTA allows no such change")]
    Forbidden,
}

/// What an MTA is told to change, in the order in which it is told.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Changes(Vec<Change>);

impl Changes {
    /// The changes that make the edited mail of the picture, and take out what was cut of it; proven.
    ///
    /// # Errors
    /// [`Unfit`]; then the mail has to stay as it is.
    pub fn of(snapshot: &Snapshot, edits: &Edits) -> Result<Self, Unfit> {
        let head_end = snapshot.fields.last().map_or(0, |f| f.whole.end);
        let (in_head, in_body): (Vec<&Edit>, Vec<&Edit>) = edits.iter().partition(|e| e.at < snapshot.body_at);
        let (mut inserts, mut sets) = (Vec::new(), Vec::new());
        let mut of_field: Vec<(&Field, Vec<&Edit>)> = Vec::new();
        for edit in in_head {
            let next = snapshot.fields.iter().find(|f| f.whole.start == edit.at);
            if next.is_some() || edit.at == head_end {
                insert_fields(&mut inserts, number_at(snapshot, next), &edit.insert)?;
                continue;
            }
            let inside = |f: &&Field| edit.at > f.whole.start + f.name_octets && edit.at <= f.whole.end - 2;
            let field = snapshot.fields.iter().find(inside).ok_or(Unfit::Place(edit.at))?;
            match of_field.last_mut().filter(|(f, _)| f.number == field.number) {
                Some((_, edits)) => edits.push(edit),
                None => of_field.push((field, vec![edit])),
            }
        }
        for (field, edits) in of_field {
            sets.push(set_field(snapshot, field, &edits)?);
        }
        let taken_out = snapshot.cut.iter().rev().map(|(name, occurrence)| Change::Set {
            occurrence: *occurrence,
            name: name.as_bytes().into(),
            value: Box::default(),
        });
        let body = (!in_body.is_empty()).then(|| Change::Body(body_of(snapshot, &in_body)));
        let changes = Self(inserts.into_iter().chain(sets).chain(taken_out).chain(body).collect());
        if changes.make(snapshot) == Some(edits.apply(&snapshot.message)) { Ok(changes) } else { Err(Unfit::Unproven) }
    }

    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The changes in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Change> {
        self.0.iter()
    }

    /// Writes the changes, the body last, and that the mail may go on: one reply, to be sent in one piece.
    ///
    /// # Errors
    /// [`Unfit::Forbidden`] when the MTA has not allowed one of them.
    pub fn reply(&self, terms: &Terms) -> Result<Vec<u8>, Unfit> {
        let leading = terms.steps.has(Steps::LEADING_SPACE);
        let mut out = Vec::new();
        for change in &self.0 {
            let (action, kind) = match change {
                Change::Insert { .. } => (Actions::ADD_HEADERS, b'i'),
                Change::Set { .. } => (Actions::CHANGE_HEADERS, b'm'),
                Change::Body(_) => (Actions::CHANGE_BODY, b'b'),
            };
            if !terms.actions.has(action) {
                return Err(Unfit::Forbidden);
            }
            match change {
                Change::Insert { at: number, name, value } | Change::Set { occurrence: number, name, value } => {
                    let value = told(value, leading);
                    packet::put(&mut out, kind, &[&number.to_be_bytes(), name, b"\0", &value, b"\0"]);
                }
                Change::Body(body) => {
                    body.chunks(CHUNK_OCTETS_MAX).for_each(|chunk| packet::put(&mut out, kind, &[chunk]));
                }
            }
        }
        packet::put(&mut out, b'c', &[]);
        Ok(out)
    }

    fn sets(&self) -> impl Iterator<Item = (u32, &[u8], &[u8])> {
        self.0.iter().filter_map(|change| match change {
            Change::Set { occurrence, name, value } => Some((*occurrence, &**name, &**value)),
            Change::Insert { .. } | Change::Body(_) => None,
        })
    }

    /// The mail that an MTA makes of the changes, its own field left out.
    fn make(&self, snapshot: &Snapshot) -> Option<Vec<u8>> {
        // What was cut keeps its place, empty, for places count it.
        let mut fields: Vec<Vec<u8>> = vec![Vec::new(); FIELDS_BEFORE + snapshot.fields.len() + snapshot.cut.len()];
        for field in &snapshot.fields {
            *fields.get_mut(FIELDS_BEFORE + field.number)? = snapshot.message[field.whole.clone()].to_vec();
        }
        let whole = |name: &[u8], value: &[u8]| [name, b":", value, b"\r\n"].concat();
        for (occurrence, name, value) in self.sets().filter(|(_, _, value)| !value.is_empty()) {
            let is_meant =
                |f: &&Field| snapshot.name(f).eq_ignore_ascii_case(name) && snapshot.occurrence(f) == occurrence;
            let field = snapshot.fields.iter().find(is_meant)?;
            fields[FIELDS_BEFORE + field.number] = whole(name, value);
        }
        let mut body = &snapshot.message[snapshot.body_at..];
        for change in &self.0 {
            match change {
                Change::Insert { at, name, value } => {
                    let at = usize::try_from(*at).ok().filter(|at| (FIELDS_BEFORE..=fields.len()).contains(at))?;
                    // Which of its name a field is could not be told any more.
                    if self.sets().any(|(_, set, _)| set.eq_ignore_ascii_case(name)) {
                        return None;
                    }
                    fields.insert(at, whole(name, value));
                }
                Change::Set { .. } => {}
                Change::Body(new) => body = new,
            }
        }
        let head_end = snapshot.fields.last().map_or(0, |f| f.whole.end);
        Some([&fields.concat(), &snapshot.message[head_end..snapshot.body_at], body].concat())
    }
}

/// Where among all fields the MTA has, what we are told and what was cut of it included, something goes in front of
/// this one, or behind all of them.
fn number_at(snapshot: &Snapshot, next: Option<&Field>) -> usize {
    FIELDS_BEFORE + next.map_or(snapshot.fields.len() + snapshot.cut.len(), |field| field.number)
}

/// Each field of `octets`, to be put at `place` one behind the other.
fn insert_fields(inserts: &mut Vec<Change>, place: usize, octets: &[u8]) -> Result<(), Unfit> {
    let mut rest = octets;
    while !rest.is_empty() {
        let ends = |at: &usize| !matches!(rest.get(at + 1), Some(b' ' | b'\t'));
        let end = memchr::memchr_iter(b'\n', rest).find(ends).ok_or(Unfit::NoField)?;
        let field = rest[..end].strip_suffix(b"\r").ok_or(Unfit::NoField)?;
        let colon = memchr::memchr(b':', field).ok_or(Unfit::NoField)?;
        let (name, value) = (&field[..colon], &field[colon + 1..]);
        if !is_name(name) || value.is_empty() {
            return Err(Unfit::NoField);
        }
        // Those put in before this one stand in front of it now.
        let at = u32::try_from(place + inserts.len()).map_err(|_| Unfit::NoField)?;
        inserts.push(Change::Insert { at, name: name.into(), value: value.into() });
        rest = &rest[end + 1..];
    }
    Ok(())
}

fn set_field(snapshot: &Snapshot, field: &Field, edits: &[&Edit]) -> Result<Change, Unfit> {
    let value_at = field.whole.start + field.name_octets + 1;
    let value = spliced(&snapshot.message[value_at..field.whole.end - 2], value_at, edits);
    if !is_folded(&value) {
        return Err(Unfit::NoField);
    }
    let name = snapshot.name(field).into();
    Ok(Change::Set { occurrence: snapshot.occurrence(field), name, value: value.into() })
}

fn body_of(snapshot: &Snapshot, edits: &[&Edit]) -> Bytes {
    spliced(&snapshot.message[snapshot.body_at..], snapshot.body_at, edits).into()
}

/// A stretch of the mail, which begins at `from`, with the insertions into it.
fn spliced(stretch: &[u8], from: usize, edits: &[&Edit]) -> Vec<u8> {
    let moved = |e: &&Edit| Edit { at: e.at - from, insert: e.insert.clone() };
    Edits::new(edits.iter().map(moved).collect()).apply(stretch)
}

/// A value as it is told: lines end in LF, and the blank behind the colon is the MTA's where it has not asked for it.
fn told(value: &[u8], leading: bool) -> Vec<u8> {
    let value = if leading { value } else { value.strip_prefix(b" ").unwrap_or(value) };
    let mut lines = Vec::with_capacity(value.len());
    for (at, octet) in value.iter().enumerate() {
        if *octet != b'\r' || value.get(at + 1) != Some(&b'\n') {
            lines.push(*octet);
        }
    }
    lines
}

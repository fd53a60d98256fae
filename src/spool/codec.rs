//! The content of an entry as octets: every field with its length in front, read back without trust.

use bytes::Bytes;

use super::types::{EntryCopy, NewCopy, NewEntry};
use crate::mail::address::Address;
use crate::mail::edit::{Edit, Edits};
use crate::mail::envelope::{Body, Dsn, Envelope, RecipientDsn, Ret};
use crate::referral::CandidateKey;

/// Octets of a candidate's key with its number.
const KEY_OCTETS: usize = 2 + 32;

/// What the octets say.
pub(super) struct Decoded {
    pub(super) sender: Option<Address>,
    pub(super) body: Body,
    pub(super) smtputf8: bool,
    pub(super) require_tls: bool,
    pub(super) dsn: Option<Box<Dsn>>,
    pub(super) trace: Bytes,
    pub(super) copies: Vec<EntryCopy>,
    /// Numbers and addresses of the recipients in custody.
    pub(super) addresses: Vec<(u32, Address)>,
    pub(super) original: Original,
}

/// Where the original is.
pub(super) enum Original {
    Here(Bytes),
    /// In a file of its own, with this checksum.
    InFile(i64),
}

/// Writes what [`decode`] reads. `file_checksum` is given when the original has a file of its own.
pub(super) fn encode(new: &NewEntry, file_checksum: Option<i64>) -> Vec<u8> {
    let mut out = Vec::with_capacity(new.original.len() + new.trace.len() + 512);
    let Envelope { sender, recipients, body, smtputf8, require_tls, dsn } = &new.envelope;
    put(&mut out, sender.as_ref().map_or("", Address::as_str).as_bytes());
    out.push(u8::from(*body == Body::EightBitMime));
    out.push(u8::from(*smtputf8));
    out.push(u8::from(*require_tls));
    put_dsn(&mut out, dsn.as_deref(), new);
    put(&mut out, &new.trace);
    put_number(&mut out, new.copies.len() as u64);
    for NewCopy { edits, return_path, .. } in &new.copies {
        put_text(&mut out, return_path.as_ref().map(Address::as_str));
        put_number(&mut out, edits.iter().count() as u64);
        for edit in edits.iter() {
            put_number(&mut out, edit.at as u64);
            put(&mut out, &edit.insert);
        }
    }
    put_number(&mut out, new.recipients.len() as u64);
    for recipient in &new.recipients {
        put_number(&mut out, recipient.number.into());
        let address = recipients.get(recipient.number as usize);
        put(&mut out, address.map_or("", Address::as_str).as_bytes());
    }
    match file_checksum {
        Some(checksum) => put(&mut out, &checksum.to_le_bytes()),
        None => put(&mut out, &new.original),
    }
    out
}

/// Reads an entry's content; `None` when it is not what [`encode`] writes.
pub(super) fn decode(octets: Vec<u8>, is_in_file: bool) -> Option<Decoded> {
    let mut left = Bytes::from(octets);
    let sender = take(&mut left)?;
    let sender = if sender.is_empty() { None } else { Some(address(&sender)?) };
    let body = if take_flag(&mut left)? { Body::EightBitMime } else { Body::SevenBit };
    let smtputf8 = take_flag(&mut left)?;
    let require_tls = take_flag(&mut left)?;
    let dsn = if take_flag(&mut left)? { Some(Box::new(take_dsn(&mut left)?)) } else { None };
    let trace = take(&mut left)?;
    let copies = (0..take_number(&mut left)?).map(|_| copy(&mut left)).collect::<Option<_>>()?;
    let addresses = (0..take_number(&mut left)?).map(|_| numbered(&mut left)).collect::<Option<_>>()?;
    let last = take(&mut left)?;
    let original =
        if is_in_file { Original::InFile(i64::from_le_bytes(last[..].try_into().ok()?)) } else { Original::Here(last) };
    left.is_empty().then_some(Decoded { sender, body, smtputf8, require_tls, dsn, trace, copies, addresses, original })
}

/// A candidate's keys: the number of each, and its hash. None at all is nothing.
pub(super) fn put_keys(keys: &[CandidateKey]) -> Option<Vec<u8>> {
    let octets = |key: &CandidateKey| [&key.key_id.to_be_bytes()[..], &key.octets].concat();
    (!keys.is_empty()).then(|| keys.iter().flat_map(octets).collect())
}

/// The way back; `None` when they are not what [`put_keys`] writes.
pub(super) fn take_keys(octets: Option<Vec<u8>>) -> Option<Vec<CandidateKey>> {
    let octets = octets.unwrap_or_default();
    let (keys, rest) = octets.as_chunks::<KEY_OCTETS>();
    let key = |[high, low, hash @ ..]: &[u8; KEY_OCTETS]| CandidateKey {
        key_id: u16::from_be_bytes([*high, *low]),
        octets: *hash,
    };
    rest.is_empty().then(|| keys.iter().map(key).collect())
}

/// What was asked of reports, for the recipients in custody alone.
fn put_dsn(out: &mut Vec<u8>, dsn: Option<&Dsn>, new: &NewEntry) {
    out.push(u8::from(dsn.is_some()));
    let Some(dsn) = dsn else { return };
    out.push(match dsn.ret {
        None => 0,
        Some(Ret::Full) => 1,
        Some(Ret::Headers) => 2,
    });
    put_text(out, dsn.envid.as_deref());
    put_number(out, new.recipients.len() as u64);
    for recipient in &new.recipients {
        let RecipientDsn { notify, orcpt } = new.envelope.dsn_of(recipient.number as usize);
        put_text(out, notify.as_deref());
        put_text(out, orcpt.as_deref());
    }
}

fn take_dsn(left: &mut Bytes) -> Option<Dsn> {
    let ret = match left.split_to_checked(1)?[0] {
        0 => None,
        1 => Some(Ret::Full),
        2 => Some(Ret::Headers),
        _ => return None,
    };
    let envid = unless_empty(take_text(left)?);
    let value = |left: &mut Bytes| take_text(left).map(unless_empty);
    let recipient = |left: &mut Bytes| Some(RecipientDsn { notify: value(left)?, orcpt: value(left)? });
    let recipients = (0..take_number(left)?).map(|_| recipient(left)).collect::<Option<_>>()?;
    Some(Dsn { ret, envid, recipients })
}

/// A parameter's value is never empty, so an empty text is none.
fn put_text(out: &mut Vec<u8>, text: Option<&str>) {
    put(out, text.unwrap_or_default().as_bytes());
}

fn take_text(left: &mut Bytes) -> Option<Box<str>> {
    Some(std::str::from_utf8(&take(left)?).ok()?.into())
}

fn unless_empty(text: Box<str>) -> Option<Box<str>> {
    (!text.is_empty()).then_some(text)
}

fn put_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put(out: &mut Vec<u8>, octets: &[u8]) {
    put_number(out, octets.len() as u64);
    out.extend_from_slice(octets);
}

fn take_number(left: &mut Bytes) -> Option<u64> {
    let octets = left.split_to_checked(8)?;
    Some(u64::from_le_bytes(octets[..].try_into().ok()?))
}

fn take_flag(left: &mut Bytes) -> Option<bool> {
    match left.split_to_checked(1)?[0] {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn take(left: &mut Bytes) -> Option<Bytes> {
    let octets = usize::try_from(take_number(left)?).ok()?;
    left.split_to_checked(octets)
}

fn address(octets: &Bytes) -> Option<Address> {
    Address::parse(std::str::from_utf8(octets).ok()?).ok()
}

fn copy(left: &mut Bytes) -> Option<EntryCopy> {
    let path = unless_empty(take_text(left)?);
    let return_path = path.map(|text| Address::parse(&text)).transpose().ok()?;
    Some(EntryCopy { edits: edits(left)?, return_path })
}

fn edits(left: &mut Bytes) -> Option<Edits> {
    let edit = |left: &mut Bytes| {
        let at = usize::try_from(take_number(left)?).ok()?;
        Some(Edit { at, insert: take(left)?[..].into() })
    };
    (0..take_number(left)?).map(|_| edit(left)).collect::<Option<_>>().map(Edits::new)
}

fn numbered(left: &mut Bytes) -> Option<(u32, Address)> {
    let number = u32::try_from(take_number(left)?).ok()?;
    Some((number, address(&take(left)?)?))
}

/// Splitting that says no instead of panicking.
trait SplitChecked: Sized {
    fn split_to_checked(&mut self, octets: usize) -> Option<Self>;
}

impl SplitChecked for Bytes {
    fn split_to_checked(&mut self, octets: usize) -> Option<Self> {
        (octets <= self.len()).then(|| self.split_to(octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_octets_are_read_without_a_panic(octets in proptest::collection::vec(0u8..3, 0..200), file: bool) {
            decode(octets, file);
        }
    }
}

//! The hash chain of one company: each entry's hash covers the one in front and the entry's canonical record.
//!
//! Persons and their evidence stand in the record only as salted commitments. Key and salt live in a side table, so
//! erasing a person leaves every hash as it was.

use ring::digest;

use super::entry::Entry;
use super::event::{EventId, Evidence};
use crate::referral::{CandidateKey, CompanyId};

/// A SHA-256 hash.
pub type Hash = [u8; 32];
/// The random salt of a person's commitments, kept beside the person's key.
pub type Salt = [u8; 16];

/// What stands in front of a company's first entry.
pub fn genesis(company: &CompanyId) -> Hash {
    hash(&[b"career-relay chain v1", company.as_str().as_bytes()])
}

/// The hash of an entry behind the entry of hash `previous`. An entry that names no words and no act has
/// the record it had before entries could name any; one that stands on an act names no words.
pub fn link(previous: &Hash, entry: &Entry) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(previous);
    context.update(match (entry.act, entry.wording) {
        (Some(_), _) => b"entry v3",
        (None, Some(_)) => b"entry v2",
        (None, None) => b"entry v1",
    });
    context.update(&entry.seq.to_be_bytes());
    context.update(&[entry.new.kind.number()]);
    context.update(&entry.new.worth.to_be_bytes());
    context.update(&entry.new.cycle.to_be_bytes());
    context.update(&(entry.contract.series.len() as u64).to_be_bytes());
    context.update(entry.contract.series.as_bytes());
    context.update(&entry.contract.version.to_be_bytes());
    context.update(&entry.contract.digest);
    context.update(&entry.person);
    context.update(&entry.event);
    context.update(&entry.at.as_microsecond().to_be_bytes());
    context.update(&entry.posted.as_microsecond().to_be_bytes());
    if let Some(wording) = &entry.wording {
        context.update(wording);
    }
    if let Some(act) = &entry.act {
        context.update(act);
    }
    finish(context)
}

/// The commitment to a person: says nothing without the salt.
pub fn commit_person(salt: &Salt, candidate: &CandidateKey) -> Hash {
    hash(&[b"person v1", salt, &candidate.key_id.to_be_bytes(), &candidate.octets])
}

/// The commitment to a piece of evidence: its id, what it proves, by which route, and whether the line was put in.
pub fn commit_event(salt: &Salt, id: &EventId, evidence: &Evidence<'_>) -> Hash {
    let inserted = [u8::from(evidence.inserted)];
    hash(&[b"event v1", salt, id, evidence.proves.code().as_bytes(), evidence.route.as_bytes(), &inserted])
}

/// The checksum of a record that people are shown: SHA-256 in hexadecimal.
pub fn checksum(record: &str) -> String {
    data_encoding::HEXLOWER.encode(digest::digest(&digest::SHA256, record.as_bytes()).as_ref())
}

fn hash(fields: &[&[u8]]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    for field in fields {
        context.update(&(field.len() as u64).to_be_bytes());
        context.update(field);
    }
    finish(context)
}

fn finish(context: digest::Context) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{ContractVersion, Kind, NewEntry};
    use jiff::Timestamp;
    use jiff::civil::date;

    fn entry() -> Entry {
        Entry {
            seq: 1,
            new: NewEntry { kind: Kind::Delivered, worth: 1, cycle: 0 },
            contract: ContractVersion::new("main", 1, date(2026, 4, 1)).reference(),
            person: [1; 32],
            event: [2; 32],
            wording: Some([4; 32]),
            act: None,
            at: Timestamp::UNIX_EPOCH,
            posted: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn every_value_of_an_entry_is_in_its_hash() {
        type Change = fn(&mut Entry);
        let changes: [Change; 14] = [
            |e| e.seq = 2,
            |e| e.new.kind = Kind::Accepted,
            |e| e.new.worth = 0,
            |e| e.new.cycle = 1,
            |e| e.contract.series.push('x'),
            |e| e.contract.version = 2,
            |e| e.contract.digest[31] ^= 1,
            |e| e.person[0] ^= 1,
            |e| e.event[0] ^= 1,
            |e| e.wording = None,
            |e| e.wording = Some([5; 32]),
            |e| e.act = Some([6; 32]),
            |e| e.at = Timestamp::from_microsecond(1).unwrap(),
            |e| e.posted = Timestamp::from_microsecond(1).unwrap(),
        ];
        let (start, base) = (genesis(&CompanyId::parse("kaede").unwrap()), entry());
        for (number, change) in changes.iter().enumerate() {
            let mut other = base.clone();
            change(&mut other);
            assert_ne!(link(&start, &base), link(&start, &other), "change {number}");
        }
        assert_ne!(link(&start, &base), link(&genesis(&CompanyId::parse("momiji").unwrap()), &base));
    }

    #[test]
    fn an_entry_without_words_keeps_the_hash_of_the_first_record() {
        let old = Entry { wording: None, ..entry() };
        let hash = link(&genesis(&CompanyId::parse("kaede").unwrap()), &old);
        assert_eq!(
            data_encoding::HEXLOWER.encode(&hash),
            "fcc1784992a9ccf45916cd0f155cb973b4ac5608602851f3d620d16d98482b54"
        );
    }

    #[test]
    fn a_commitment_depends_on_its_salt() {
        let key = CandidateKey { key_id: 1, octets: [3; 32] };
        assert_ne!(commit_person(&[0; 16], &key), commit_person(&[1; 16], &key));
    }
}

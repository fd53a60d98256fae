//! The use of a hire slot as both sides sign it: a canonical record of the entry that says so, and the check of the
//! operator's signature under it. Unsigned it counts too, and is called so.

use data_encoding::HEXLOWER;

use super::act::{Act, Deed};
use super::chain::Hash;
use super::entry::Entry;
use super::signature::{PublicKey, Signature};
use crate::referral::CompanyId;

/// The first line of the record.
pub const RECORD: &str = "career-relay redemption agreed v1";

/// What the operator signs: whose slot was used, by which entry, and what the hire is known by. The entry's hash covers
/// the act behind it and all entries in front, so a signature is also a word on the count that paid for the slot.
pub fn redemption_record(company: &CompanyId, (entry, hash): (&Entry, &Hash), act: &Act) -> String {
    let hire = match &act.deed {
        Deed::Redeem { hire: Some(hire) } => hire.as_str(),
        _ => "-",
    };
    let (pinned, digest) = (&entry.contract, HEXLOWER.encode(&entry.contract.digest));
    format!(
        "{RECORD}\ncompany {company}\nseries {}\nslot {}\ncontract {} {digest}\nhire {hire}\nentry {}\nat {}\nact {}\n\
         hash {}\n",
        pinned.series,
        entry.new.cycle,
        pinned.version,
        entry.seq,
        entry.at,
        entry.act.map_or_else(|| "-".to_owned(), |act| HEXLOWER.encode(&act)),
        HEXLOWER.encode(hash),
    )
}

/// Why a signature is not taken for one of a redemption.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SignatureFault {
    /// Its text is none.
    #[error("not a signature, or one that is cut short: copy the 88 characters that `slot sign` prints")]
    Unreadable,
    /// It speaks of another entry.
    #[error("the signature speaks of another entry than the one by which the slot was used")]
    OtherEntry,
    /// Whoever made it, it was not this key over this record.
    #[error(
        "the signature does not hold: it is of another slot, company or entry, or was changed, or another key than the \
         operator's has made it (`slot record` prints what is to be signed)"
    )]
    Forged,
    /// The operator is not known to have that key.
    #[error("the key is none of the operator's: add it to operator_keys in the company's file, and reload")]
    UnknownKey,
    /// There is no key to check it by.
    #[error("no key of the operator is known: add operator_keys to the company's file, and reload")]
    NoKey,
    /// The same key has signed it before.
    #[error("this key has signed the use of the slot before")]
    Again,
}

/// The key among the operator's that has made a signature under a record.
///
/// # Errors
/// [`SignatureFault`] when none has.
pub fn signer(record: &str, signature: &str, keys: &[PublicKey]) -> Result<PublicKey, SignatureFault> {
    let signature = Signature::parse(signature).ok_or(SignatureFault::Unreadable)?;
    if keys.is_empty() {
        return Err(SignatureFault::NoKey);
    }
    let found = keys.iter().copied().find(|key| key.has_signed(record, &signature));
    found.ok_or(SignatureFault::Forged)
}

/// Whether an act holds that enters a signature under the use of a slot: that entry's number and record, and the keys
/// of the operator. The key that made it.
///
/// # Errors
/// [`SignatureFault`] when it does not.
pub fn check_sign(deed: &Deed, (entry, record): (u64, &str), keys: &[PublicKey]) -> Result<PublicKey, SignatureFault> {
    let Deed::Sign { entry: of, key, signature } = deed else { return Err(SignatureFault::Unreadable) };
    if *of != entry {
        return Err(SignatureFault::OtherEntry);
    }
    let key = PublicKey::parse(key).ok_or(SignatureFault::Unreadable)?;
    if !keys.contains(&key) {
        return Err(SignatureFault::UnknownKey);
    }
    signer(record, signature, &[key])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{ContractVersion, Kind, NewEntry};
    use jiff::Timestamp;
    use ring::signature::{Ed25519KeyPair, KeyPair};

    fn key(seed: u8) -> (Ed25519KeyPair, PublicKey) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a key");
        let public = pair.public_key().as_ref().try_into().expect("32 octets");
        (pair, PublicKey::new(public))
    }

    fn sign(seed: u8, record: &str) -> String {
        let octets = key(seed).0.sign(record.as_bytes()).as_ref().try_into().expect("64 octets");
        Signature::new(octets).to_string()
    }

    fn record_with(company: &str, hire: Option<&str>, change: impl Fn(&mut Entry)) -> String {
        let mut entry = Entry {
            seq: 57,
            new: NewEntry { kind: Kind::Redeemed, worth: 0, cycle: 3 },
            contract: ContractVersion::new("main", 1, jiff::civil::Date::constant(2026, 4, 1)).reference(),
            person: [0; 32],
            event: [0; 32],
            wording: None,
            act: Some([7; 32]),
            at: Timestamp::UNIX_EPOCH,
            posted: Timestamp::UNIX_EPOCH,
        };
        change(&mut entry);
        let deed = Deed::Redeem { hire: hire.map(str::to_owned) };
        let act = Act { actor: "root".to_owned(), reason: "x".to_owned(), deed };
        redemption_record(&CompanyId::parse(company).expect("an id"), (&entry, &[9; 32]), &act)
    }

    #[test]
    fn the_record_names_company_slot_entry_and_hire_and_each_changes_it() {
        let record = record_with("kaede", Some("CR-17"), |_| {});
        for line in ["company kaede", "series main", "slot 3", "hire CR-17", "entry 57", "at 1970-01-01T00:00:00Z"] {
            assert!(record.lines().any(|other| other == line), "{line}: {record}");
        }
        let others = [
            record_with("momiji", Some("CR-17"), |_| {}),
            record_with("kaede", None, |_| {}),
            record_with("kaede", Some("CR-17"), |entry| entry.new.cycle = 4),
            record_with("kaede", Some("CR-17"), |entry| entry.seq = 58),
            record_with("kaede", Some("CR-17"), |entry| entry.contract.series.push('x')),
            record_with("kaede", Some("CR-17"), |entry| entry.act = None),
        ];
        for other in others {
            assert_ne!(record, other);
        }
    }

    /// Who signed which record, and which keys the operator has; the fault, or nothing.
    fn check(seed: u8, of: &str, keys: &[u8], expected: Option<SignatureFault>) {
        let record = record_with("kaede", None, |_| {});
        let keys: Vec<PublicKey> = keys.iter().map(|seed| key(*seed).1).collect();
        let found = signer(&record, &sign(seed, of), &keys);
        assert_eq!(found.err(), expected, "{seed} over {of:?}");
    }

    #[test]
    fn the_operators_key_over_this_very_record_alone_signs_it() {
        let record = record_with("kaede", None, |_| {});
        check(1, &record, &[1], None);
        check(2, &record, &[1, 2], None);
        check(1, &record_with("momiji", None, |_| {}), &[1], Some(SignatureFault::Forged));
        check(1, &record_with("kaede", Some("CR-17"), |_| {}), &[1], Some(SignatureFault::Forged));
        check(3, &record, &[1, 2], Some(SignatureFault::Forged));
        check(1, &record, &[], Some(SignatureFault::NoKey));
        assert_eq!(signer(&record, "AAAA", &[key(1).1]), Err(SignatureFault::Unreadable));
    }

    #[test]
    fn an_act_holds_for_its_entry_and_a_key_of_the_operator_alone() {
        let record = record_with("kaede", None, |_| {});
        let deed = |entry, seed: u8| Deed::Sign { entry, key: key(seed).1.to_string(), signature: sign(seed, &record) };
        let keys = [key(1).1];
        assert_eq!(check_sign(&deed(57, 1), (57, &record), &keys), Ok(keys[0]));
        assert_eq!(check_sign(&deed(56, 1), (57, &record), &keys), Err(SignatureFault::OtherEntry));
        assert_eq!(check_sign(&deed(57, 2), (57, &record), &keys), Err(SignatureFault::UnknownKey));
        let mixed = Deed::Sign { entry: 57, key: keys[0].to_string(), signature: sign(2, &record) };
        assert_eq!(check_sign(&mixed, (57, &record), &keys), Err(SignatureFault::Forged));
    }
}

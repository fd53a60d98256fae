//! Return paths of our own: tags in the envelope sender that nobody else can make, and what is sealed behind them.
//!
//! A tag is `cr-` and 36 characters of base32: the day it was made, a keyed hash of the mail it is for, and a keyed
//! check over both. The check tells a tag of ours from a guess without a look at any disk. What is kept about the mail
//! is sealed under a key that only the whole tag gives back.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use jiff::Timestamp;
use ring::{aead, hmac};

use super::key::CandidateKey;

/// How a local part with a tag begins.
const PREFIX: &str = "cr-";
const DAY_OCTETS: usize = 2;
/// Octets of the keyed hash that name the mail.
pub const ID_OCTETS: usize = 12;
const CHECK_OCTETS: usize = 8;
const TAG_OCTETS: usize = DAY_OCTETS + ID_OCTETS + CHECK_OCTETS;
const DAY_SECONDS: i64 = 86_400;

/// The name of a mail in its tag.
pub type ReturnId = [u8; ID_OCTETS];

/// A tag as it stands in front of the `@`.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Tag([u8; TAG_OCTETS]);

impl Tag {
    /// Reads a local part; mail systems may have changed the case of its letters.
    pub fn parse(local: &str) -> Option<Self> {
        let (prefix, text) = local.split_at_checked(PREFIX.len())?;
        let octets = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).ok()?;
        prefix.eq_ignore_ascii_case(PREFIX).then_some(Self(octets.try_into().ok()?))
    }

    /// The local part: 39 characters, all of them in lower case.
    pub fn local_part(&self) -> String {
        format!("{PREFIX}{}", BASE32_NOPAD.encode(&self.0).to_ascii_lowercase())
    }

    /// The mail it names.
    pub fn id(&self) -> ReturnId {
        let mut id = ReturnId::default();
        id.copy_from_slice(&self.0[DAY_OCTETS..DAY_OCTETS + ID_OCTETS]);
        id
    }

    /// Whole days between the day it was made and `now`; negative for a day to come.
    pub fn days_old(&self, now: Timestamp) -> i64 {
        i64::from(day_of(now)) - i64::from(u16::from_be_bytes([self.0[0], self.0[1]]))
    }
}

/// A tag opens what is sealed behind it, so no log shows it.
impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag(..)")
    }
}

/// The mail a tag is for.
#[derive(Clone, Copy, Debug)]
pub struct Tagged<'a> {
    /// The contract series of its referral.
    pub series: &'a str,
    /// The candidate.
    pub candidate: &'a CandidateKey,
    /// Our message id.
    pub transaction: &'a str,
    /// The recipient's number in the envelope.
    pub recipient: u32,
}

/// One company's keys for return paths.
#[derive(Clone)]
pub struct ReturnKeys {
    company: Box<str>,
    id: hmac::Key,
    check: hmac::Key,
    seal: hmac::Key,
}

impl ReturnKeys {
    /// From three keys that were derived for nothing else.
    pub(super) fn new(company: &str, [id, check, seal]: [[u8; 32]; 3]) -> Self {
        let key = |octets: [u8; 32]| hmac::Key::new(hmac::HMAC_SHA256, &octets);
        Self { company: company.into(), id: key(id), check: key(check), seal: key(seal) }
    }

    /// The tag of a mail: the same whenever it is asked for on one day.
    pub fn tag(&self, of: Tagged<'_>, now: Timestamp) -> Tag {
        let recipient = of.recipient.to_be_bytes();
        let fields: [&[u8]; 4] = [of.series.as_bytes(), &of.candidate.octets, of.transaction.as_bytes(), &recipient];
        let mut context = hmac::Context::with_key(&self.id);
        for field in fields {
            context.update(&(field.len() as u64).to_be_bytes());
            context.update(field);
        }
        let mut tag = [0; TAG_OCTETS];
        tag[..DAY_OCTETS].copy_from_slice(&day_of(now).to_be_bytes());
        tag[DAY_OCTETS..DAY_OCTETS + ID_OCTETS].copy_from_slice(&context.sign().as_ref()[..ID_OCTETS]);
        let check = self.check(&tag);
        tag[DAY_OCTETS + ID_OCTETS..].copy_from_slice(&check);
        Tag(tag)
    }

    /// Whether the tag was made with these keys. The time it takes says nothing of how much of it was right.
    pub fn made(&self, tag: &Tag) -> bool {
        let (check, found) = (self.check(&tag.0), &tag.0[DAY_OCTETS + ID_OCTETS..]);
        check.iter().zip(found).fold(0, |differ, (one, other)| differ | (one ^ other)) == 0
    }

    fn check(&self, tag: &[u8; TAG_OCTETS]) -> [u8; CHECK_OCTETS] {
        let mut check = [0; CHECK_OCTETS];
        check.copy_from_slice(&hmac::sign(&self.check, &tag[..DAY_OCTETS + ID_OCTETS]).as_ref()[..CHECK_OCTETS]);
        check
    }

    /// Seals what belongs to the tag. A tag seals one content in its life, so its key needs no number of its own.
    pub fn seal(&self, tag: &Tag, content: &[u8]) -> Option<Vec<u8>> {
        let mut sealed = content.to_vec();
        let key = self.sealing_key(tag)?;
        key.seal_in_place_append_tag(nonce(), self.belongs(), &mut sealed).ok()?;
        Some(sealed)
    }

    /// What was sealed; `None` for another tag's, or for what was changed.
    pub fn open(&self, tag: &Tag, sealed: &[u8]) -> Option<Vec<u8>> {
        let mut octets = sealed.to_vec();
        let content = self.sealing_key(tag)?.open_in_place(nonce(), self.belongs(), &mut octets).ok()?;
        Some(content.to_vec())
    }

    fn sealing_key(&self, tag: &Tag) -> Option<aead::LessSafeKey> {
        let key = hmac::sign(&self.seal, &tag.0);
        aead::UnboundKey::new(&aead::CHACHA20_POLY1305, key.as_ref()).ok().map(aead::LessSafeKey::new)
    }

    fn belongs(&self) -> aead::Aad<&[u8]> {
        aead::Aad::from(self.company.as_bytes())
    }
}

fn nonce() -> aead::Nonce {
    aead::Nonce::assume_unique_for_key([0; aead::NONCE_LEN])
}

/// Days since 1970; they last until 2149.
fn day_of(now: Timestamp) -> u16 {
    u16::try_from(now.as_second().div_euclid(DAY_SECONDS).max(0)).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::referral::{CompanyId, CompanyKeys};

    fn keys(company: &str) -> ReturnKeys {
        let company = CompanyId::parse(company).unwrap_or_else(|e| panic!("{e}"));
        CompanyKeys::derive(&[7; 32], &company, 1).returns().clone()
    }

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(day * DAY_SECONDS + 5).unwrap_or_default()
    }

    fn tag(transaction: &str, recipient: u32, day: i64) -> Tag {
        let candidate = CandidateKey { key_id: 1, octets: [3; 32] };
        keys("kaede").tag(Tagged { series: "main", candidate: &candidate, transaction, recipient }, at(day))
    }

    #[test]
    fn a_tag_is_short_the_same_on_every_retry_and_another_for_every_mail() {
        let one = tag("t1", 0, 20_000);
        assert_eq!(one, tag("t1", 0, 20_000));
        assert!(one != tag("t2", 0, 20_000) && one != tag("t1", 1, 20_000) && one != tag("t1", 0, 20_001));
        let local = one.local_part();
        assert!(local.len() <= 64 && local == local.to_lowercase(), "{local}");
        assert_eq!((Tag::parse(&local), Tag::parse(&local.to_uppercase())), (Some(one), Some(one)));
    }

    #[test]
    fn only_its_own_company_knows_a_tag_and_no_changed_one() {
        let tag = tag("t1", 0, 20_000);
        assert!(keys("kaede").made(&tag) && !keys("momiji").made(&tag));
        for bit in 0..TAG_OCTETS * 8 {
            let mut other = tag;
            other.0[bit / 8] ^= 1 << (bit % 8);
            assert!(!keys("kaede").made(&other), "bit {bit}");
        }
        assert_eq!((tag.days_old(at(20_014)), tag.days_old(at(19_999))), (14, -1));
    }

    #[test]
    fn what_is_sealed_opens_with_its_tag_alone() {
        let (keys, one) = (keys("kaede"), tag("t1", 0, 20_000));
        let sealed = keys.seal(&one, b"saiyo@kaede.example").unwrap_or_default();
        assert!(memchr::memmem::find(&sealed, b"kaede").is_none());
        assert_eq!(keys.open(&one, &sealed).as_deref(), Some(&b"saiyo@kaede.example"[..]));
        assert_eq!(keys.open(&tag("t2", 0, 20_000), &sealed), None);
        assert_eq!(super::tests::keys("momiji").open(&one, &sealed), None);
        let mut changed = sealed.clone();
        changed[0] ^= 1;
        assert_eq!(keys.open(&one, &changed), None);
    }

    proptest::proptest! {
        #[test]
        fn no_other_local_part_is_a_tag_of_ours(local in "(cr-)?[a-z2-7A-Z=+.]{0,60}") {
            proptest::prop_assert!(Tag::parse(&local).is_none_or(|tag| !keys("kaede").made(&tag)));
        }
    }
}

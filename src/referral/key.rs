//! Candidate keys: a candidate is known by a keyed hash of the canonical address, under keys of each company's own.

use std::fmt;

use data_encoding::HEXLOWER;
use ring::{hkdf, hmac};
use serde::{Deserialize, Serialize};

use super::canonical::canonical;
use super::company::CompanyId;
use super::return_path::{ReturnKeys, Tag};
use super::token::{LinkToken, company_code};
use super::traits::{Mark, Traits, parts};
use crate::mail::address::Address;

/// The salt of the key derivation: names the product and the version of the scheme.
const DERIVATION_SALT: &[u8] = b"career-relay keys v1";

/// A candidate as a company's ledger knows him: HMAC-SHA256 of the canonical address under the company's key.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CandidateKey {
    /// Which of the company's keys made it.
    pub key_id: u16,
    /// The keyed hash.
    pub octets: [u8; 32],
}

impl CandidateKey {
    /// Hexadecimal form `key_id.hash`, as `trace` and `referral find` show it.
    pub fn to_text(&self) -> String {
        format!("{}.{}", self.key_id, HEXLOWER.encode(&self.octets))
    }

    /// Reads what [`Self::to_text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, hash) = text.split_once('.')?;
        let octets = HEXLOWER.decode(hash.as_bytes()).ok()?.try_into().ok()?;
        Some(Self { key_id: id.parse().ok()?, octets })
    }
}

impl fmt::Debug for CandidateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CandidateKey({})", self.to_text())
    }
}

impl Serialize for CandidateKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de> Deserialize<'de> for CandidateKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a candidate key"))
    }
}

/// What the keys of a company under one key id are made of. Its `Debug` form shows nothing of it.
#[derive(Clone, Eq, PartialEq)]
pub struct KeyOctets([[u8; 32]; PURPOSES.len()]);

/// What a key is for, in the order of [`KeyOctets`]. It never changes.
const PURPOSES: [&[u8]; 6] = [b"candidate", b"token", b"return id", b"return check", b"return seal", b"fingerprint"];

impl KeyOctets {
    /// How many there are.
    pub const LENGTH: usize = 32 * PURPOSES.len();

    /// Derives them by HKDF-SHA256 (RFC 5869) from the root key, the company's id and the key id.
    pub fn derive(root: &[u8; 32], company: &CompanyId, key_id: u16) -> Self {
        Self(PURPOSES.map(|purpose| expand(root, purpose, company.as_str(), key_id)))
    }

    /// From what [`Self::to_octets`] gave; `None` for another length.
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        let (keys, rest) = octets.as_chunks::<32>();
        if rest.is_empty() { keys.try_into().ok().map(Self) } else { None }
    }

    /// All of them behind each other.
    pub fn to_octets(&self) -> Vec<u8> {
        self.0.concat()
    }
}

impl fmt::Debug for KeyOctets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyOctets(..)")
    }
}

/// The keys of one company under one key id, derived once and kept in the policy. With them go those that were rotated
/// out, so that a person who was counted under one of them is known again.
#[derive(Clone)]
pub struct CompanyKeys {
    company: CompanyId,
    code: String,
    key_id: u16,
    candidate: hmac::Key,
    token: hmac::Key,
    traits: hmac::Key,
    returns: ReturnKeys,
    fingerprint: String,
    earlier: Vec<CompanyKeys>,
}

impl CompanyKeys {
    /// The keys that derive from a root key.
    pub fn derive(root: &[u8; 32], company: &CompanyId, key_id: u16) -> Self {
        Self::of(company, key_id, &KeyOctets::derive(root, company, key_id))
    }

    /// The keys that are made of these octets.
    pub fn of(company: &CompanyId, key_id: u16, octets: &KeyOctets) -> Self {
        let [candidate, token, return_id, return_check, return_seal, fingerprint] = octets.0;
        // Made from that of candidates, so that keys which were exported before there were traits have it too.
        let traits = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &candidate), b"traits");
        Self {
            company: company.clone(),
            code: company_code(company),
            key_id,
            candidate: hmac::Key::new(hmac::HMAC_SHA256, &candidate),
            token: hmac::Key::new(hmac::HMAC_SHA256, &token),
            traits: hmac::Key::new(hmac::HMAC_SHA256, traits.as_ref()),
            returns: ReturnKeys::new(company.as_str(), [return_id, return_check, return_seal]),
            fingerprint: HEXLOWER.encode(&fingerprint[..8]),
            earlier: Vec::new(),
        }
    }

    /// The same keys, with those that were in use before, newest first.
    #[must_use]
    pub fn with_earlier(self, earlier: Vec<CompanyKeys>) -> Self {
        Self { earlier, ..self }
    }

    /// These keys, and behind them those that were rotated out, newest first.
    pub fn all(&self) -> impl Iterator<Item = &CompanyKeys> {
        std::iter::once(self).chain(&self.earlier)
    }

    /// The company the keys belong to.
    pub fn company(&self) -> &CompanyId {
        &self.company
    }

    /// The number of this key in the company's rotation.
    pub fn key_id(&self) -> u16 {
        self.key_id
    }

    /// The key of the candidate behind an address, the same for every spelling that reaches the same mailbox.
    pub fn candidate(&self, address: &Address) -> CandidateKey {
        CandidateKey { key_id: self.key_id, octets: keyed_hash(&self.candidate, address) }
    }

    /// The keys of the candidate under the keys that were rotated out, newest first: the ledger may know him by one.
    pub fn earlier_candidates(&self, address: &Address) -> Vec<CandidateKey> {
        self.earlier.iter().map(|keys| keys.candidate(address)).collect()
    }

    /// What signals of fraud look at in a mail that offers the line to so many candidates. Most addresses at providers
    /// take no hash for it, and none takes more than three. A mailbox is hashed as a candidate is, so that the plain
    /// spelling of it is known beside those with tags.
    pub fn traits(&self, address: &Address, offered: u32) -> Traits {
        let parts = parts(address);
        let of = |kind: &str, text: String| cut(&self.traits, format!("{kind} {text}").as_bytes());
        Traits {
            class: parts.class,
            domain: parts.domain.map(|domain| of("domain", domain)),
            mailbox: parts.mailbox.map(|mailbox| cut(&self.candidate, mailbox.as_bytes())),
            shape: parts.shape.map(|shape| of("shape", shape)),
            offered,
        }
    }

    /// The token of the referral link: the same on every retry and node, unguessable, without personal data.
    pub fn token(&self, contract_series: &str, candidate: &CandidateKey) -> LinkToken {
        let mut context = hmac::Context::with_key(&self.token);
        for field in [self.company.as_str().as_bytes(), contract_series.as_bytes(), &candidate.octets] {
            context.update(&(field.len() as u64).to_be_bytes());
            context.update(field);
        }
        LinkToken::from_tag(&self.code, context.sign().as_ref())
    }

    /// The keys of the company's return path.
    pub fn returns(&self) -> &ReturnKeys {
        &self.returns
    }

    /// The keys, also ones that were rotated out, that made a tag of the return path.
    pub fn makers_of(&self, tag: &Tag) -> Option<&ReturnKeys> {
        self.all().map(Self::returns).find(|keys| keys.made(tag))
    }

    /// Sixteen hexadecimal characters that tell two keys apart and reveal neither.
    pub fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }
}

impl fmt::Debug for CompanyKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CompanyKeys({} {} {})", self.company, self.key_id, self.fingerprint)
    }
}

/// The key by which somebody is known on a list of opt-outs.
#[derive(Clone)]
pub struct OptOutKey {
    key_id: u16,
    key: hmac::Key,
}

impl OptOutKey {
    /// The company's key of candidates, or one for the list that holds for all companies, which belongs to none.
    pub fn derive(root: &[u8; 32], company: Option<&CompanyId>, key_id: u16) -> Self {
        match company {
            Some(company) => Self::of(key_id, &KeyOctets::derive(root, company, key_id)),
            None => Self::new(key_id, &expand(root, b"opt-out of all", "", key_id)),
        }
    }

    /// The company's key of candidates among these.
    pub fn of(key_id: u16, octets: &KeyOctets) -> Self {
        Self::new(key_id, &octets.0[0])
    }

    fn new(key_id: u16, key: &[u8; 32]) -> Self {
        Self { key_id, key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }

    /// The person behind an address, the same for every spelling that reaches the same mailbox.
    pub fn candidate(&self, address: &Address) -> CandidateKey {
        CandidateKey { key_id: self.key_id, octets: keyed_hash(&self.key, address) }
    }
}

/// HMAC-SHA256 of the canonical address.
fn keyed_hash(key: &hmac::Key, address: &Address) -> [u8; 32] {
    let tag = hmac::sign(key, canonical(address).as_bytes());
    let mut octets = [0; 32];
    octets.copy_from_slice(tag.as_ref());
    octets
}

/// HMAC-SHA256, cut to a mark.
fn cut(key: &hmac::Key, text: &[u8]) -> Mark {
    let mut mark = [0; 16];
    mark.copy_from_slice(&hmac::sign(key, text).as_ref()[..16]);
    mark
}

fn expand(root: &[u8; 32], purpose: &[u8], company: &str, key_id: u16) -> [u8; 32] {
    let id = company.as_bytes();
    let info: [&[u8]; 5] = [purpose, b"\0", &(id.len() as u64).to_be_bytes(), id, &key_id.to_be_bytes()];
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, DERIVATION_SALT).extract(root);
    let mut key = [0; 32];
    // `fill` fails for a wrong length alone, and both lengths are the 32 octets of SHA-256.
    let filled = extracted.expand(&info, hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut key));
    debug_assert!(filled.is_ok());
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(company: &str, key_id: u16) -> CompanyKeys {
        CompanyKeys::derive(&[7; 32], &CompanyId::parse(company).unwrap(), key_id)
    }

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn one_mailbox_has_one_key_per_company_and_key_id() {
        let one = keys("kaede", 1);
        let key = one.candidate(&address("Hana.Mori@example.jp"));
        assert_eq!(key, one.candidate(&address("hana.mori@EXAMPLE.jp")));
        assert_ne!(key, one.candidate(&address("hana.moro@example.jp")));
        assert_ne!(key.octets, keys("kaede", 2).candidate(&address("hana.mori@example.jp")).octets);
        assert_ne!(key.octets, keys("kaede-2", 1).candidate(&address("hana.mori@example.jp")).octets);
        assert_ne!(one.fingerprint(), keys("kaede", 2).fingerprint());
    }

    #[test]
    fn traits_tell_one_owner_and_one_mailbox_and_another_company_sees_others() {
        let (one, other) = (keys("kaede", 1), keys("momiji", 1));
        let of = |text: &str| one.traits(&address(text), 1);
        assert_eq!(of("a@x.kaede.example").domain, of("b@y.kaede.example").domain);
        assert_ne!(of("a@kaede.example").domain, of("a@momiji.example").domain);
        assert_ne!(of("a@kaede.example").domain, other.traits(&address("a@kaede.example"), 1).domain);
        assert_eq!(of("ha.na+1@kaede.example").mailbox, of("hana+2@kaede.example").mailbox);
        let plain = one.candidate(&address("hana@kaede.example")).octets;
        assert_eq!(of("hana+2@kaede.example").mailbox.as_ref().map(|mark| &mark[..]), Some(&plain[..16]));
        assert_eq!(of("hana1@gmail.com").shape, of("hana22@gmail.com").shape);
    }

    #[test]
    fn a_key_survives_its_text_form() {
        let key = keys("kaede", 300).candidate(&address("hana@example.jp"));
        assert_eq!(CandidateKey::parse(&key.to_text()), Some(key));
        assert_eq!(CandidateKey::parse("1.abcd"), None);
        assert_eq!(CandidateKey::parse("x"), None);
    }

    #[test]
    fn the_derivation_never_changes() {
        // Recomputed by a second implementation (Python's hmac): another value here orphans every ledger that exists.
        let keys = keys("kaede", 1);
        let key = keys.candidate(&address("hana@example.jp"));
        assert_eq!(keys.fingerprint(), "e00aadc8a38a50d0");
        assert_eq!(keys.token("main", &key).as_str(), "kaede-fh44dan24llfs4z2ya7y3asoim");
    }

    #[test]
    fn keys_made_of_their_octets_are_the_same_keys() {
        let company = CompanyId::parse("kaede").unwrap();
        let octets = KeyOctets::derive(&[7; 32], &company, 1);
        let read = KeyOctets::from_octets(&octets.to_octets()).unwrap();
        let (derived, made) = (keys("kaede", 1), CompanyKeys::of(&company, 1, &read));
        let hana = address("hana@example.jp");
        assert_eq!(derived.candidate(&hana), made.candidate(&hana));
        assert_eq!((derived.fingerprint(), read.to_octets().len()), (made.fingerprint(), KeyOctets::LENGTH));
        assert_eq!(OptOutKey::of(1, &read).candidate(&hana), derived.candidate(&hana));
        assert_eq!(KeyOctets::from_octets(&[0; KeyOctets::LENGTH - 1]), None);
        assert_eq!(format!("{octets:?}"), "KeyOctets(..)");
    }

    #[test]
    fn keys_that_were_rotated_out_still_name_the_candidate() {
        let now = keys("kaede", 3).with_earlier(vec![keys("kaede", 2), keys("kaede", 1)]);
        let hana = address("hana@example.jp");
        let earlier: Vec<u16> = now.earlier_candidates(&hana).iter().map(|key| key.key_id).collect();
        assert_eq!((now.candidate(&hana).key_id, earlier), (3, vec![2, 1]));
        assert_eq!(now.earlier_candidates(&hana)[1], keys("kaede", 1).candidate(&hana));
    }

    #[test]
    fn a_token_is_the_same_on_every_retry_and_another_for_every_person_and_series() {
        let (one, again) = (keys("kaede", 1), keys("kaede", 1));
        let (hana, ren) = (one.candidate(&address("hana@example.jp")), one.candidate(&address("ren@example.jp")));
        assert_eq!(one.token("main", &hana), again.token("main", &hana));
        assert_ne!(one.token("main", &hana), one.token("main", &ren));
        assert_ne!(one.token("main", &hana), one.token("graduates", &hana));
    }
}

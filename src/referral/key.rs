//! Candidate keys: a candidate is known by a keyed hash of the canonical address, under keys of each company's own.

use std::fmt;

use data_encoding::HEXLOWER;
use ring::{hkdf, hmac};
use serde::{Deserialize, Serialize};

use super::canonical::canonical;
use super::company::CompanyId;
use super::return_path::ReturnKeys;
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

/// The keys of one company under one key id, derived once and kept in the policy.
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
}

impl CompanyKeys {
    /// Derives the keys by HKDF-SHA256 (RFC 5869) from the root key, the company's id and the key id.
    pub fn derive(root: &[u8; 32], company: &CompanyId, key_id: u16) -> Self {
        let derived = |purpose| expand(root, purpose, company.as_str(), key_id);
        let fingerprint = HEXLOWER.encode(&derived(b"fingerprint")[..8]);
        Self {
            company: company.clone(),
            code: company_code(company),
            key_id,
            candidate: hmac::Key::new(hmac::HMAC_SHA256, &derived(b"candidate")),
            token: hmac::Key::new(hmac::HMAC_SHA256, &derived(b"token")),
            traits: hmac::Key::new(hmac::HMAC_SHA256, &derived(b"traits")),
            returns: ReturnKeys::new(
                company.as_str(),
                [derived(b"return id"), derived(b"return check"), derived(b"return seal")],
            ),
            fingerprint,
        }
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
        let key = match company {
            Some(company) => expand(root, b"candidate", company.as_str(), key_id),
            None => expand(root, b"opt-out of all", "", key_id),
        };
        Self { key_id, key: hmac::Key::new(hmac::HMAC_SHA256, &key) }
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
    fn a_token_is_the_same_on_every_retry_and_another_for_every_person_and_series() {
        let (one, again) = (keys("kaede", 1), keys("kaede", 1));
        let (hana, ren) = (one.candidate(&address("hana@example.jp")), one.candidate(&address("ren@example.jp")));
        assert_eq!(one.token("main", &hana), again.token("main", &hana));
        assert_ne!(one.token("main", &hana), one.token("main", &ren));
        assert_ne!(one.token("main", &hana), one.token("graduates", &hana));
    }
}

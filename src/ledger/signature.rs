//! Signatures that the other side can check: Ed25519 over canonical records, and contract versions agreed by one.

use std::fmt;

use data_encoding::{BASE64, HEXLOWER};
use ring::{digest, signature};

use super::contract::ContractVersion;
use crate::referral::CompanyId;

/// In front of a public key's text.
const ED25519: &str = "ed25519:";

/// The public half of an Ed25519 key (RFC 8032).
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// The key of these octets.
    pub fn new(octets: [u8; 32]) -> Self {
        Self(octets)
    }

    /// Reads `ed25519:` and 44 characters of base64.
    pub fn parse(text: &str) -> Option<Self> {
        BASE64.decode(text.strip_prefix(ED25519)?.as_bytes()).ok()?.try_into().ok().map(Self)
    }

    /// The octets.
    pub fn octets(&self) -> &[u8; 32] {
        &self.0
    }

    /// Sixteen hexadecimal characters of its SHA-256, to tell keys apart at a glance.
    pub fn id(&self) -> String {
        HEXLOWER.encode(&digest::digest(&digest::SHA256, &self.0).as_ref()[..8])
    }

    /// Whether the signature is this key's, over this very record.
    pub fn has_signed(&self, record: &str, signature: &Signature) -> bool {
        let key = signature::UnparsedPublicKey::new(&signature::ED25519, &self.0);
        key.verify(record.as_bytes(), &signature.0).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ED25519}{}", BASE64.encode(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A signature.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Signature([u8; 64]);

impl Signature {
    /// The signature of these octets.
    pub fn new(octets: [u8; 64]) -> Self {
        Self(octets)
    }

    /// Reads 88 characters of base64.
    pub fn parse(text: &str) -> Option<Self> {
        BASE64.decode(text.as_bytes()).ok()?.try_into().ok().map(Self)
    }

    /// The octets.
    pub fn octets(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(&self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The operator's signature under a contract version, which has been checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ContractSignature {
    /// The contract series.
    pub series: String,
    /// The version in it.
    pub version: u32,
    /// The digest of the terms that were signed.
    pub digest: [u8; 32],
    /// Whose it is.
    pub by: PublicKey,
    /// The signature over [`signed_record`].
    pub signature: Signature,
}

/// What the operator signs: the version's canonical record, and for which company. The record alone would hold for
/// every company with the same terms.
pub fn signed_record(company: &CompanyId, version: &ContractVersion) -> String {
    format!("career-relay contract agreed v1\ncompany {company}\n{}", version.record())
}

impl ContractSignature {
    /// The signature of the first of `keys` that has signed these terms for this company.
    pub fn check(
        (company, version): (&CompanyId, &ContractVersion),
        keys: &[PublicKey],
        signature: Signature,
    ) -> Option<Self> {
        let record = signed_record(company, version);
        let by = keys.iter().copied().find(|key| key.has_signed(&record, &signature))?;
        let (series, digest) = (version.series.clone(), version.digest());
        Some(Self { series, version: version.version, digest, by, signature })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_signatures_survive_their_text_and_nothing_else_is_read() {
        let (key, signature) = (PublicKey::new([7; 32]), Signature::new([9; 64]));
        assert_eq!(PublicKey::parse(&key.to_string()), Some(key));
        assert_eq!(Signature::parse(&signature.to_string()), Some(signature));
        assert_eq!((key.to_string().len(), key.id().len(), signature.to_string().len()), (52, 16, 88));
        for text in ["", "ed25519:", "ed25519:AAAA", &signature.to_string(), &key.to_string()[8..]] {
            assert_eq!(PublicKey::parse(text), None, "{text}");
        }
        assert_eq!(Signature::parse(&key.to_string()), None);
    }

    #[test]
    fn the_record_names_the_company_and_every_term() {
        let company = |id| CompanyId::parse(id).unwrap();
        let terms = ContractVersion::new("main", 1, jiff::civil::Date::constant(2026, 4, 1));
        let record = signed_record(&company("kaede"), &terms);
        assert!(record.ends_with(&terms.record()) && record.contains("\ncompany kaede\n"), "{record}");
        assert_ne!(record, signed_record(&company("momiji"), &terms));
    }
}

//! DKIM (RFC 6376, RFC 8463) over the mail as it leaves: one more insertion, in front of all its fields.
//!
//! relaxed/relaxed, no `l=`, and every field that readers look at named once more than it stands there, so that none
//! can be added behind us. A mail of which a verifier might read the header otherwise than we do is not signed at all.

mod fields;
mod outcome;
mod record;
mod signer;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use mail_auth::common::crypto::{Algorithm, DkimKey, Ed25519Key, RsaKey, Sha256, SigningKey as Signs};
use mail_auth::common::headers::{HeaderWriter, Writable};
use mail_auth::dkim::DkimSigner;

use crate::sys::signing_key::{KeyKind, SigningKey};

pub use outcome::sign_outcome;
pub use record::{Published, Record, RecordFault, record_name, record_text, zone_line};
pub use signer::Signer;

/// Why a mail is not signed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SignFault {
    /// There is no key for the domain.
    #[error("there is no key for the domain")]
    NoKey,
    /// Verifiers may read the header in more than one way.
    #[error("the header can be read in more than one way")]
    Ambiguous,
    /// No turn in time.
    #[error("too many mails are being signed")]
    Overloaded,
    /// The library refuses.
    #[error("the signature cannot be made: {0}")]
    Library(String),
}

/// A key with the name it is published under: `selector._domainkey.domain`.
pub struct NamedKey {
    domain: String,
    selector: String,
    source: Arc<SigningKey>,
    key: Arc<DkimKey>,
}

impl NamedKey {
    /// Takes a key into use.
    ///
    /// # Errors
    /// When the library does not take what was read as a key before.
    pub fn new(domain: &str, selector: &str, source: Arc<SigningKey>) -> Result<Self, SignFault> {
        let refused = |error: mail_auth::Error| SignFault::Library(error.to_string());
        let key = match source.kind() {
            KeyKind::Rsa => DkimKey::Rsa(RsaKey::from_key_der(source.private()).map_err(refused)?),
            KeyKind::Ed25519 => {
                let key = Ed25519Key::from_pkcs8_maybe_unchecked_der(source.private_octets());
                DkimKey::Ed25519(key.map_err(refused)?)
            }
        };
        Ok(Self { domain: domain.to_owned(), selector: selector.to_owned(), source, key: Arc::new(key) })
    }

    /// The domain it signs for.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Its name below the domain.
    pub fn selector(&self) -> &str {
        &self.selector
    }

    /// The key itself.
    pub fn source(&self) -> &SigningKey {
        &self.source
    }

    /// The signature of a whole mail as a field with its line end, to stand in front of everything that is signed.
    ///
    /// # Errors
    /// [`SignFault::Ambiguous`], or what the library says.
    pub fn field(&self, mail: &[u8]) -> Result<String, SignFault> {
        let names = fields::signed(mail).ok_or(SignFault::Ambiguous)?;
        let mail = &fields::without_blank_end(mail);
        let signer = DkimSigner::from_key(Shared(Arc::clone(&self.key)));
        let signer = signer.domain(&*self.domain).selector(&*self.selector).headers(names);
        let signature = signer.sign(mail).map_err(|e| SignFault::Library(e.to_string()))?;
        Ok(signature.to_header())
    }
}

/// A key that many mails sign with; the library wants one of its own for each list of fields.
struct Shared(Arc<DkimKey>);

impl Signs for Shared {
    type Hasher = Sha256;

    fn sign(&self, input: impl Writable) -> mail_auth::Result<Vec<u8>> {
        self.0.sign(input)
    }

    fn algorithm(&self) -> Algorithm {
        self.0.algorithm()
    }
}

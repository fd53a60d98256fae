//! Private keys that sign: made, read from PEM, and shown by their public half alone.
//!
//! RSA from 2048 to 4096 bits and Ed25519. ring reads each key and checks its numbers against each other, also those
//! of a key we have just made, so a key that would sign wrongly is never written down.

use std::convert::Infallible;
use std::fmt;

use crypto_bigint::{BoxedUint, NonZero, Resize};
use crypto_primes::{Flavor, random_prime};
use data_encoding::BASE64;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair, RsaKeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::random;

/// The exponent of every RSA key we make (RFC 8017 recommends it; nobody publishes another).
const RSA_EXPONENT: u32 = 65_537;
/// The DER of `rsaEncryption` with its NULL (RFC 3279 2.3.1).
const RSA_ENCRYPTION: &[u8] = &[0x30, 13, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 0x05, 0];

/// What a key signs with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyKind {
    /// RSA, PKCS #1 v1.5.
    Rsa,
    /// Ed25519 (RFC 8032).
    Ed25519,
}

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SigningKeyFault {
    /// No private key in PEM.
    #[error("it holds no private key in PEM that is not encrypted (PKCS #8 or PKCS #1)")]
    NoKey,
    /// Neither RSA nor Ed25519, or too short, or damaged.
    #[error("its key is neither RSA of 2048 to 4096 bits nor Ed25519, or it is damaged")]
    Unusable,
}

/// A private key. Its `Debug` form shows nothing of it.
pub struct SigningKey {
    kind: KeyKind,
    bits: usize,
    private: PrivateKeyDer<'static>,
    public: Vec<u8>,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?}, {} bits)", self.kind, self.bits)
    }
}

/// Two keys with one public half are one key.
impl PartialEq for SigningKey {
    fn eq(&self, other: &Self) -> bool {
        self.public == other.public
    }
}

impl SigningKey {
    /// The first private key of a PEM text.
    ///
    /// # Errors
    /// [`SigningKeyFault`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, SigningKeyFault> {
        Self::read(PrivateKeyDer::from_pem_slice(pem).map_err(|_| SigningKeyFault::NoKey)?)
    }

    fn read(private: PrivateKeyDer<'static>) -> Result<Self, SigningKeyFault> {
        let rsa = match &private {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            _ => return Err(SigningKeyFault::Unusable),
        };
        if let Ok(rsa) = rsa {
            let (bits, public) = (rsa.public().modulus_len() * 8, rsa_public_info(rsa.public_key().as_ref()));
            return Ok(Self { kind: KeyKind::Rsa, bits, private, public });
        }
        let PrivateKeyDer::Pkcs8(der) = &private else { return Err(SigningKeyFault::Unusable) };
        // Keys that OpenSSL writes hold no public half to check against.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der());
        let public = pair.map_err(|_| SigningKeyFault::Unusable)?.public_key().as_ref().to_vec();
        Ok(Self { kind: KeyKind::Ed25519, bits: 256, private, public })
    }

    /// Makes a key, and its PEM text (PKCS #8). RSA has `rsa_bits` bits, 2048 to 4096, and takes a second or two.
    ///
    /// # Errors
    /// When ring does not take what was made, as for a number of bits out of bounds.
    pub fn make(kind: KeyKind, rsa_bits: u32) -> Result<(Self, String), SigningKeyFault> {
        let der = match kind {
            KeyKind::Rsa if (2048..=4096).contains(&rsa_bits) && rsa_bits.is_multiple_of(128) => make_rsa(rsa_bits),
            KeyKind::Rsa => return Err(SigningKeyFault::Unusable),
            KeyKind::Ed25519 => {
                let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
                made.map_err(|_| SigningKeyFault::Unusable)?.as_ref().to_vec()
            }
        };
        let text = pem(&der);
        Ok((Self::read(PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der)))?, text))
    }

    /// What it signs with.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Its strength as the kind counts it: the bits of an RSA modulus, 256 for Ed25519.
    pub fn bits(&self) -> usize {
        self.bits
    }

    /// The public half as it is published: for RSA a `SubjectPublicKeyInfo` (RFC 5280), for Ed25519 its 32 octets.
    pub fn public_octets(&self) -> &[u8] {
        &self.public
    }

    /// The private half, for whoever signs with it.
    pub fn private(&self) -> PrivateKeyDer<'_> {
        match &self.private {
            PrivateKeyDer::Pkcs1(der) => PrivateKeyDer::Pkcs1(der.secret_pkcs1_der().into()),
            PrivateKeyDer::Pkcs8(der) => PrivateKeyDer::Pkcs8(der.secret_pkcs8_der().into()),
            other => other.clone_key(),
        }
    }

    /// The private half as octets, whatever its form.
    pub fn private_octets(&self) -> &[u8] {
        self.private.secret_der()
    }
}

/// An RSA key as PKCS #8 (RFC 5958) around PKCS #1 (RFC 8017 A.1.2).
fn make_rsa(bits: u32) -> Vec<u8> {
    loop {
        if let Some(numbers) = draw_rsa(bits) {
            let numbers: Vec<u8> = numbers.iter().flat_map(|n| integer(n)).collect();
            let key = tagged(0x30, &[&[0x02, 1, 0][..], &numbers].concat());
            return tagged(0x30, &[&[0x02, 1, 0][..], RSA_ENCRYPTION, &tagged(0x04, &key)].concat());
        }
    }
}

/// n, e, d, p, q, d mod (p-1), d mod (q-1), 1/q mod p; nothing when the primes drawn do not fit each other.
fn draw_rsa(bits: u32) -> Option<[Vec<u8>; 8]> {
    let prime = || random_prime::<BoxedUint, _>(&mut Entropy, Flavor::Any, bits / 2).resize(bits);
    let (one_prime, other) = (prime(), prime());
    // FIPS 186-5 A.1.3: far enough from each other; p is the larger one, as PKCS #1 has it.
    let (p, q) = if one_prime > other { (one_prime, other) } else { (other, one_prime) };
    let one = BoxedUint::one_with_precision(bits);
    let exponent = BoxedUint::from(RSA_EXPONENT).resize(bits);
    let modulus = p.wrapping_mul(&q);
    if modulus.bits() != bits || p.wrapping_sub(&q).bits() < bits / 2 - 99 {
        return None;
    }
    let (p_less, q_less) = (p.wrapping_sub(&one), q.wrapping_sub(&one));
    let both = p_less.wrapping_mul(&q_less);
    let inverse = |of: &BoxedUint, modulus: &BoxedUint| {
        let modulus = NonZero::new(modulus.clone()).into_option()?;
        of.invert_mod(&modulus).into_option()
    };
    let private = inverse(&exponent, &both)?;
    let (d_p, d_q) = (inverse(&exponent, &p_less)?, inverse(&exponent, &q_less)?);
    let q_inverse = inverse(&q, &p)?;
    Some([modulus, exponent, private, p, q, d_p, d_q, q_inverse].map(|number| number.to_be_bytes().to_vec()))
}

/// The operating system's entropy, as those who draw primes ask for it.
struct Entropy;

impl crypto_bigint::rand_core::TryRng for Entropy {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_be_bytes(random::octets()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_be_bytes(random::octets()))
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), Infallible> {
        let filled = SystemRandom::new().fill(octets);
        assert!(filled.is_ok(), "the operating system gives no entropy");
        Ok(())
    }
}

impl crypto_bigint::rand_core::TryCryptoRng for Entropy {}

/// A `SubjectPublicKeyInfo` around an `RSAPublicKey`.
fn rsa_public_info(key: &[u8]) -> Vec<u8> {
    let bits = tagged(0x03, &[&[0][..], key].concat());
    tagged(0x30, &[RSA_ENCRYPTION, &bits].concat())
}

/// A DER INTEGER that is not negative.
fn integer(octets: &[u8]) -> Vec<u8> {
    let zeros = octets.iter().take_while(|b| **b == 0).count().min(octets.len().saturating_sub(1));
    let number = &octets[zeros..];
    let sign: &[u8] = if number.first().is_some_and(|b| *b >= 0x80) { &[0] } else { &[] };
    tagged(0x02, &[sign, number].concat())
}

/// A DER value with its tag and length (X.690 8.1).
fn tagged(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len().to_be_bytes();
    let used = &length[length.iter().take_while(|b| **b == 0).count()..];
    let mut out = vec![tag];
    match u8::try_from(value.len()) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            // At most eight octets of length.
            out.push(0x80 | u8::try_from(used.len()).unwrap_or(8));
            out.extend_from_slice(used);
        }
    }
    out.extend_from_slice(value);
    out
}

fn pem(der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_we_make_is_read_back_as_the_same_key() {
        for (kind, bits) in [(KeyKind::Ed25519, 256), (KeyKind::Rsa, 2048)] {
            let (made, pem) = SigningKey::make(kind, 2048).unwrap_or_else(|e| panic!("{kind:?}: {e}"));
            let read = SigningKey::from_pem(pem.as_bytes()).unwrap_or_else(|e| panic!("{kind:?}: {e}"));
            assert_eq!((read.kind(), read.bits()), (kind, bits));
            assert!(read == made && format!("{read:?}").len() < 40, "{read:?}");
            let (other, _) = SigningKey::make(kind, 2048).unwrap_or_else(|e| panic!("{kind:?}: {e}"));
            assert!(other != made);
        }
    }

    #[test]
    fn what_is_no_key_and_what_is_too_weak_is_told_apart() {
        assert_eq!(SigningKey::from_pem(b"hello").err(), Some(SigningKeyFault::NoKey));
        let empty = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
        assert_eq!(SigningKey::from_pem(empty.as_bytes()).err(), Some(SigningKeyFault::Unusable));
        for bits in [1024, 2047, 8192] {
            assert_eq!(SigningKey::make(KeyKind::Rsa, bits).err(), Some(SigningKeyFault::Unusable), "{bits}");
        }
    }

    #[test]
    fn numbers_are_written_as_der_has_them() {
        assert_eq!(integer(&[0, 0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(integer(&[0, 0]), [2, 1, 0]);
        assert_eq!(tagged(4, &[7; 0x7f])[..2], [4, 0x7f]);
        assert_eq!(tagged(4, &[7; 0x80])[..3], [4, 0x81, 0x80]);
        assert_eq!(tagged(4, &[7; 300])[..4], [4, 0x82, 1, 44]);
    }
}

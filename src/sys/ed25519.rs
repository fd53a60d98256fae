//! Signing with Ed25519 (RFC 8032): whoever can verify a signature needs the public half alone, and no module of ours.

use ring::signature::Ed25519KeyPair;

use super::signing_key::{KeyKind, SigningKey};
use crate::ledger::signature::{PublicKey, Signature};

/// The public half of a key; `None` for a key of another kind.
pub fn public_key(key: &SigningKey) -> Option<PublicKey> {
    let octets = key.public_octets().try_into().ok()?;
    (key.kind() == KeyKind::Ed25519).then(|| PublicKey::new(octets))
}

/// Signs a record; `None` with a key of another kind.
pub fn sign(key: &SigningKey, record: &str) -> Option<Signature> {
    // The same reading as when the key was opened: keys that OpenSSL writes hold no public half.
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.private_octets()).ok()?;
    let signature = pair.sign(record.as_bytes());
    signature.as_ref().try_into().ok().filter(|_| key.kind() == KeyKind::Ed25519).map(Signature::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_record_and_its_key_alone() {
        let make = |kind| SigningKey::make(kind, 2048).unwrap_or_else(|e| panic!("{e}")).0;
        let (ours, theirs) = (make(KeyKind::Ed25519), make(KeyKind::Ed25519));
        let signature = sign(&ours, "a record\n").unwrap_or_else(|| panic!("no signature"));
        let holds = |key: &SigningKey, record| public_key(key).is_some_and(|key| key.has_signed(record, &signature));
        assert!(holds(&ours, "a record\n"));
        assert!(!holds(&ours, "a recorD\n") && !holds(&theirs, "a record\n"));
        assert_eq!(public_key(&make(KeyKind::Rsa)), None);
    }
}

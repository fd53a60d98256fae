//! Passwords: hashed by argon2id, checked in a time that tells nothing about who exists, drawn at random on request.

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};

use super::random;
use crate::pipeline::PasswordHash;

/// Fewest characters of a password.
pub const CHARACTERS_MIN: usize = 12;
/// Most octets of a password.
pub const OCTETS_MAX: usize = 256;

/// The work of one hash: 19 MiB of memory, two passes, one lane (the least that OWASP asks of argon2id).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What is checked in place of a user who does not exist. Nobody knows a password to it: none was hashed for it.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Y2FyZWVyLXJlbGF5LTAwMA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Letters and digits that are not taken for one another. There are 32, so that five bits choose one evenly.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Groups of five letters, 25 bits each, in a password drawn at random.
const GROUPS: usize = 5;

/// Why a text is not taken as a password.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PasswordFault {
    /// Too easily guessed.
    #[error("the password is too short: take at least {CHARACTERS_MIN} characters, or let --generate draw one")]
    Short,
    /// Too long for what carries it.
    #[error("the password is too long: {OCTETS_MAX} octets at most")]
    Long,
    /// A line end or another control character, which clients cannot be given.
    #[error("the password holds a control character: take letters, digits, signs and blanks")]
    Control,
    /// It could not be hashed.
    #[error("the password could not be hashed: {0}")]
    Hash(argon2::password_hash::Error),
}

/// Hashes a password as it stands, octet for octet: clients send octets, and what they do to letters that can be
/// written in two ways (NFC, NFD, NFKC) differs, so none is done here.
///
/// # Errors
/// [`PasswordFault`] for a text that is no good as a password.
pub fn hash(password: &[u8]) -> Result<PasswordHash, PasswordFault> {
    if password.len() > OCTETS_MAX {
        return Err(PasswordFault::Long);
    }
    if password.iter().any(u8::is_ascii_control) {
        return Err(PasswordFault::Control);
    }
    if String::from_utf8_lossy(password).chars().count() < CHARACTERS_MIN {
        return Err(PasswordFault::Short);
    }
    let made = argon2().hash_password_with_salt(password, &random::octets::<16>()).map_err(PasswordFault::Hash)?;
    Ok(PasswordHash::new(&made.to_string()))
}

/// Whether this is the password that was hashed. Without a hash the answer is no, after the same work: the time tells
/// nobody whether there is such a user. It takes some 20 ms and 19 MiB: the caller bounds how many run at a time.
pub fn verify(password: &[u8], hash: Option<&PasswordHash>) -> bool {
    let is_of = |phc: &str| {
        let password = password.get(..OCTETS_MAX).unwrap_or(password);
        phc::PasswordHash::new(phc).is_ok_and(|hash| argon2().verify_password(password, &hash).is_ok())
    };
    let same = is_of(hash.map_or(NOBODY, PasswordHash::as_phc));
    same && hash.is_some() && password.len() <= OCTETS_MAX
}

/// Whether a text is a hash by argon2id with at least the work that [`hash`] puts in.
pub fn is_sound(hash: &PasswordHash) -> bool {
    phc::PasswordHash::new(hash.as_phc()).is_ok_and(|parsed| {
        let params = Params::try_from(&parsed);
        let enough = params.is_ok_and(|p| p.m_cost() >= MEMORY_KIB && p.t_cost() >= PASSES && p.m_cost() <= 1 << 20);
        parsed.algorithm == Algorithm::Argon2id.ident() && enough && parsed.hash.is_some() && parsed.salt.is_some()
    })
}

/// A password that nobody can guess (125 bits), in five groups of five letters and digits.
pub fn generate() -> String {
    let drawn = random::octets::<{ GROUPS * 5 }>();
    let groups = drawn.chunks(5).map(|group| {
        let letter = |octet: &u8| char::from(LETTERS[usize::from(octet % 32)]);
        group.iter().map(letter).collect::<String>()
    });
    groups.collect::<Vec<_>>().join("-")
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or(Params::DEFAULT);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_its_hash_and_no_other_is() {
        let made = hash(b"plum blossom 7").unwrap_or_else(|e| panic!("{e}"));
        assert!(made.as_phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", made.as_phc());
        assert!(verify(b"plum blossom 7", Some(&made)) && is_sound(&made));
        for wrong in [&b"plum blossom 8"[..], b"plum blossom 7 ", b"Plum blossom 7", b""] {
            assert!(!verify(wrong, Some(&made)));
        }
        assert_ne!(hash(b"plum blossom 7").ok(), Some(made));
    }

    #[test]
    fn nobody_has_no_password_and_is_asked_as_long_as_somebody() {
        assert!(is_sound(&PasswordHash::new(NOBODY)), "the stand-in must cost what a true hash costs");
        assert!(!verify(b"plum blossom 7", None) && !verify(b"", None));
        let damaged = PasswordHash::new("$argon2id$damaged");
        assert!(!verify(b"plum blossom 7", Some(&damaged)));
    }

    #[test]
    fn octets_are_taken_as_they_are() {
        // é as one character and as two: clients send what was typed, and both are passwords of their own.
        let (one, two) = ("caf\u{e9} au lait".as_bytes(), "cafe\u{301} au lait".as_bytes());
        let made = hash(one).unwrap_or_else(|e| panic!("{e}"));
        assert!(verify(one, Some(&made)) && !verify(two, Some(&made)));
        let latin = hash(b"caf\xe9 au lait!").unwrap_or_else(|e| panic!("{e}"));
        assert!(verify(b"caf\xe9 au lait!", Some(&latin)));
    }

    #[test]
    fn what_is_no_good_as_a_password_is_refused() {
        assert_eq!(hash(b"eleven char"), Err(PasswordFault::Short));
        assert_eq!(hash("あいうえおかきくけこさ".as_bytes()), Err(PasswordFault::Short));
        assert!(hash("あいうえおかきくけこさし".as_bytes()).is_ok());
        assert_eq!(hash(&[b'x'; OCTETS_MAX + 1]), Err(PasswordFault::Long));
        assert_eq!(hash(b"twelve chars\n"), Err(PasswordFault::Control));
        let longest = hash(&[b'x'; OCTETS_MAX]).unwrap_or_else(|e| panic!("{e}"));
        assert!(verify(&[b'x'; OCTETS_MAX], Some(&longest)) && !verify(&[b'x'; OCTETS_MAX + 1], Some(&longest)));
    }

    #[test]
    fn a_weak_or_foreign_hash_is_not_sound() {
        let weak = NOBODY.replace("m=19456", "m=8");
        let other = NOBODY.replace("argon2id", "argon2i");
        let endless = NOBODY.replace("m=19456", "m=4000000000");
        for phc in
            [&weak, &other, &endless, "plum blossom 7", "", "$argon2id$v=19$m=19456,t=2,p=1$Y2FyZWVyLXJlbGF5LTAwMA"]
        {
            assert!(!is_sound(&PasswordHash::new(phc)), "{phc}");
        }
    }

    #[test]
    fn a_drawn_password_is_good_and_never_the_same() {
        let (one, two) = (generate(), generate());
        assert_ne!(one, two);
        assert_eq!(one.len(), 29);
        assert!(hash(one.as_bytes()).is_ok());
    }
}

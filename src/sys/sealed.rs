//! Secrets sealed with a passphrase: argon2id makes the key of it, ChaCha20-Poly1305 seals, as a text to be mailed.

use argon2::{Algorithm, Argon2, Params, Version};
use data_encoding::BASE64;
use ring::aead;

use super::random;

/// Fewest characters of a passphrase: what is sealed may be tried against at leisure.
pub const CHARACTERS_MIN: usize = 16;

/// The work of one try: 64 MiB of memory, three passes. It is part of the form: other numbers are another form.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;

const FORM: &str = "argon2id m=65536 t=3 p=1, chacha20poly1305, v1";
const BEGIN: &str = "-----BEGIN CAREER-RELAY SEALED-----";
const END: &str = "-----END CAREER-RELAY SEALED-----";
/// Characters of base64 in a line.
const LINE_CHARS: usize = 64;

/// Why there is nothing to be had.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SealFault {
    /// Too easily guessed.
    #[error("the passphrase is too short: take at least {CHARACTERS_MIN} characters, such as five words")]
    Short,
    /// Another text.
    #[error("it holds nothing that career-relay has sealed, or is cut off")]
    Form,
    /// Another passphrase, or changed.
    #[error("the passphrase is another one, or the file was changed")]
    Passphrase,
    /// The key could not be made of the passphrase.
    #[error("the key could not be made of the passphrase: is there memory for it (64 MiB)?")]
    Work,
}

/// Seals a content. Its label stays readable, and cannot be changed unseen.
///
/// # Errors
/// [`SealFault::Short`], [`SealFault::Work`].
pub fn seal(passphrase: &[u8], label: &str, content: &[u8]) -> Result<String, SealFault> {
    if String::from_utf8_lossy(passphrase).chars().count() < CHARACTERS_MIN {
        return Err(SealFault::Short);
    }
    let salt = random::octets::<16>();
    let mut sealed = content.to_vec();
    let key = key(passphrase, &salt)?;
    key.seal_in_place_append_tag(nonce(), about(label).as_aad(), &mut sealed).map_err(|_| SealFault::Work)?;
    let text = BASE64.encode(&sealed);
    let lines: Vec<&str> =
        text.as_bytes().chunks(LINE_CHARS).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
    let salt = BASE64.encode(&salt);
    Ok(format!("{BEGIN}\nof {label}\nby {FORM}\nsalt {salt}\n{}\n{END}\n", lines.join("\n")))
}

/// The label and the content of what [`seal`] made. What stands around it is passed over.
///
/// # Errors
/// [`SealFault`].
pub fn open(passphrase: &[u8], text: &str) -> Result<(String, Vec<u8>), SealFault> {
    let mut lines = text.lines().map(str::trim).skip_while(|line| *line != BEGIN).skip(1);
    let mut after = |word: &str| lines.next().and_then(|line| line.strip_prefix(word)).ok_or(SealFault::Form);
    let (label, form, salt) = (after("of ")?, after("by ")?, after("salt ")?);
    let (mut sealed, mut is_whole) = (String::new(), false);
    for line in lines {
        is_whole = line == END;
        if is_whole {
            break;
        }
        sealed.push_str(line);
    }
    if form != FORM || !is_whole {
        return Err(SealFault::Form);
    }
    let decode = |text: &str| BASE64.decode(text.as_bytes()).map_err(|_| SealFault::Form);
    let (salt, mut sealed) = (decode(salt)?.try_into().map_err(|_| SealFault::Form)?, decode(&sealed)?);
    let opened = key(passphrase, &salt)?.open_in_place(nonce(), about(label).as_aad(), &mut sealed);
    let content = opened.map_err(|_| SealFault::Passphrase)?.to_vec();
    Ok((label.to_owned(), content))
}

fn key(passphrase: &[u8], salt: &[u8; 16]) -> Result<aead::LessSafeKey, SealFault> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).map_err(|_| SealFault::Work)?;
    let mut key = [0; 32];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(passphrase, salt, &mut key).map_err(|_| SealFault::Work)?;
    aead::UnboundKey::new(&aead::CHACHA20_POLY1305, &key).map(aead::LessSafeKey::new).map_err(|_| SealFault::Work)
}

/// Each key is of a salt of its own and seals once, so it needs no number of its own.
fn nonce() -> aead::Nonce {
    aead::Nonce::assume_unique_for_key([0; aead::NONCE_LEN])
}

fn about(label: &str) -> Label {
    Label(format!("{FORM}\n{label}"))
}

struct Label(String);

impl Label {
    fn as_aad(&self) -> aead::Aad<&[u8]> {
        aead::Aad::from(self.0.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_passphrase_alone_and_unchanged() {
        let words = b"five words that nobody guesses";
        let text = seal(words, "company kaede", &[7; 200]).unwrap_or_else(|e| panic!("{e}"));
        assert!(text.contains("company kaede") && text.lines().all(|line| line.len() <= 72), "{text}");
        let opened = open(words, &format!("Here it is:\r\n{}", text.replace('\n', "\r\n")));
        assert_eq!(opened, Ok(("company kaede".to_owned(), vec![7; 200])));
        assert_eq!(open(b"five words that nobody guesset", &text), Err(SealFault::Passphrase));
        assert_eq!(open(words, &text.replace("kaede", "kaedo")), Err(SealFault::Passphrase));
        let end = text.find(END).unwrap_or(0);
        for cut in [0, 40, end - 40, end] {
            assert_eq!(open(words, &text[..cut]), Err(SealFault::Form), "{cut}");
        }
        assert_eq!(seal(b"too short", "x", b"x"), Err(SealFault::Short));
    }
}

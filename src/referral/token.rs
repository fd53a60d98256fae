//! Link tokens: what stands behind `/r/` in a referral link. They name the company and no person.

use std::fmt;

use data_encoding::{BASE32_NOPAD, Encoding};
use ring::digest;
use serde::{Deserialize, Serialize};

use super::company::CompanyId;

/// Longest token, so that `https://careerrelay.jp/r/` and the token have at most 72 octets together.
pub const TOKEN_OCTETS_MAX: usize = 47;
/// Octets of the keyed hash in a token: 128 bits.
const TAG_OCTETS: usize = 16;
/// Characters these give in base32 without padding.
const TAG_CHARS: usize = 26;
/// Longest company code: what the token, its tag and the hyphen leave.
const CODE_CHARS_MAX: usize = TOKEN_OCTETS_MAX - TAG_CHARS - 1;

/// The token of one referral link: company code, hyphen, 26 characters of lower-case base32.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LinkToken(Box<str>);

impl LinkToken {
    /// Builds the token from the code and the first 128 bits of a keyed hash.
    pub(super) fn from_tag(code: &str, tag: &[u8]) -> Self {
        Self(format!("{code}-{}", lower_base32(&tag[..TAG_OCTETS])).into())
    }

    /// Parses a token as it stands in a link.
    ///
    /// # Errors
    /// [`LinkTokenFault`] when it cannot be one of ours.
    pub fn parse(text: &str) -> Result<Self, LinkTokenFault> {
        let (code, tag) = text.rsplit_once('-').ok_or(LinkTokenFault)?;
        let code_fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        let tag_fine = |b: u8| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b);
        let fine = (1..=CODE_CHARS_MAX).contains(&code.len())
            && code.bytes().all(code_fine)
            && tag.len() == TAG_CHARS
            && tag.bytes().all(tag_fine);
        fine.then(|| Self(text.into())).ok_or(LinkTokenFault)
    }

    /// The token as it stands in the link.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for LinkToken {
    type Error = LinkTokenFault;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<LinkToken> for String {
    fn from(token: LinkToken) -> Self {
        token.0.into()
    }
}

/// The text is not a link token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a link token")]
pub struct LinkTokenFault;

/// The company's part of its links: its id, or for a long id a head of it and a hash behind `_`, which no id holds.
pub fn company_code(company: &CompanyId) -> String {
    let id = company.as_str();
    if id.len() <= CODE_CHARS_MAX {
        return id.to_owned();
    }
    let hash = digest::digest(&digest::SHA256, id.as_bytes());
    format!("{}_{}", &id[..CODE_CHARS_MAX - 9], lower_base32(&hash.as_ref()[..5]))
}

fn lower_base32(octets: &[u8]) -> String {
    let encoding: Encoding = BASE32_NOPAD;
    encoding.encode(octets).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(company: &str) -> LinkToken {
        LinkToken::from_tag(&company_code(&CompanyId::parse(company).unwrap()), &[0xa5; 32])
    }

    #[test]
    fn every_companys_link_fits_in_72_octets_and_reads_back() {
        for company in ["a", "kaede-seiki", &"a".repeat(20), &"a".repeat(21), &"-".repeat(32)] {
            let token = token(company);
            let url = format!("https://careerrelay.jp/r/{token}");
            assert!(url.len() <= 72, "{url}");
            assert_eq!(LinkToken::parse(token.as_str()), Ok(token));
        }
    }

    #[test]
    fn long_ids_with_one_beginning_keep_codes_of_their_own() {
        let long = "a".repeat(31);
        assert_ne!(token(&format!("{long}b")), token(&format!("{long}c")));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let tag = "a".repeat(26);
        for text in [String::new(), tag.clone(), format!("-{tag}"), format!("K-{tag}"), format!("k-{}8", &tag[1..])] {
            assert_eq!(LinkToken::parse(&text), Err(LinkTokenFault), "{text:?}");
        }
        assert_eq!(LinkToken::parse(&format!("{}-{tag}", "k".repeat(21))), Err(LinkTokenFault));
    }
}

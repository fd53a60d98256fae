//! The id of a company (a tenant): short, lower case, safe in file names, URLs and log lines.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest company id, in octets.
pub const COMPANY_ID_OCTETS_MAX: usize = 32;

/// A company's id: one to 32 characters of `a-z`, `0-9` and `-`. Cheap to clone.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CompanyId(Arc<str>);

impl CompanyId {
    /// Parses an id; nothing is normalised, so one company has one spelling.
    ///
    /// # Errors
    /// [`CompanyIdFault`] when it is empty, too long, or has another character.
    pub fn parse(text: &str) -> Result<Self, CompanyIdFault> {
        let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let length = (1..=COMPANY_ID_OCTETS_MAX).contains(&text.len());
        (length && text.bytes().all(fine)).then(|| Self(text.into())).ok_or(CompanyIdFault)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CompanyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for CompanyId {
    type Error = CompanyIdFault;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<CompanyId> for String {
    fn from(id: CompanyId) -> Self {
        id.0.as_ref().to_owned()
    }
}

/// The text is not a company id.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a company id is 1 to 32 characters of a-z, 0-9 and -")]
pub struct CompanyIdFault;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        for text in ["a", "kaede-seiki", "7", &"a".repeat(32)] {
            assert_eq!(CompanyId::parse(text).map(|id| id.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "Kaede", "a b", "a/b", "楓", "a_b", &"a".repeat(33)] {
            assert_eq!(CompanyId::parse(text), Err(CompanyIdFault), "{text:?}");
        }
    }
}

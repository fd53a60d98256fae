//! A text that is compared and never shown.

use subtle::ConstantTimeEq;

/// A text that no log and no error shows.
#[derive(Clone)]
pub struct Secret(Box<str>);

impl Secret {
    /// Keeps a text to itself.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that has to say it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether these octets are the text; the time it takes tells nothing but their number.
    pub fn is(&self, octets: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(octets).into()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.0.as_bytes())
    }
}

impl Eq for Secret {}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_text_and_never_printed() {
        let secret = Secret::new("plum blossom");
        assert!(secret.is(b"plum blossom") && !secret.is(b"plum blosson") && !secret.is(b"plum") && !secret.is(b""));
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}

//! Acts of persons upon the count: who did what, and why. The digest of its record stands in the entry, so that neither
//! can be changed behind the other's back.

use jiff::Timestamp;
use ring::digest;
use serde::{Deserialize, Serialize};

use super::event::rfc3339;

/// SHA-256 of an act's record, as an entry names it.
pub type ActDigest = [u8; 32];

/// Octets of a reason or a wish, at most.
pub const WORDS_OCTETS_MAX: usize = 500;

/// What somebody did to the count.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Act {
    /// Who: an account, a user, or `clock` for what a term of the contract did by itself.
    pub actor: String,
    /// Why, in a line.
    pub reason: String,
    /// What.
    #[serde(flatten)]
    pub deed: Deed,
}

/// What can be done.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "deed", rename_all = "snake_case")]
pub enum Deed {
    /// The company asks for the use of a hire slot.
    Reserve {
        /// For what, in its own words.
        wish: String,
        /// The slot is free again at this time if nobody has been introduced.
        #[serde(with = "rfc3339")]
        until: Timestamp,
    },
    /// The operator takes the wish on.
    Confirm,
    /// The operator has introduced a person.
    Introduce,
    /// The slot was used.
    Redeem,
    /// It is free again.
    Release,
    /// Its time is over.
    Expire,
    /// It is taken back.
    Void,
    /// What a signal of fraud stands on was looked at, and is in order.
    Clear {
        /// The code of the signal.
        signal: String,
        /// The newest entry that was looked at.
        up_to: u64,
    },
}

impl Deed {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Reserve { .. } => "reserve",
            Self::Confirm => "confirm",
            Self::Introduce => "introduce",
            Self::Redeem => "redeem",
            Self::Release => "release",
            Self::Expire => "expire",
            Self::Void => "void",
            Self::Clear { .. } => "clear",
        }
    }
}

/// Why the words of an act cannot be kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ActFault {
    /// No reason, or no wish.
    #[error("say why in a few words (--reason), and what the slot is for (--wish)")]
    NoWords,
    /// A reason or a wish is kept for ever, and printed.
    #[error("reason and wish: one line of at most {WORDS_OCTETS_MAX} octets")]
    TooLong,
    /// No address may stand in the ledger.
    #[error("reason and wish are kept for ever: they must not hold a mail address (@)")]
    Address,
}

impl Act {
    /// Whether it can be kept.
    ///
    /// # Errors
    /// [`ActFault`] when its words cannot.
    pub fn check(&self) -> Result<(), ActFault> {
        let wish = if let Deed::Reserve { wish, .. } = &self.deed { Some(wish) } else { None };
        for words in [Some(&self.reason), Some(&self.actor), wish].into_iter().flatten() {
            if words.trim().is_empty() {
                return Err(ActFault::NoWords);
            }
            if words.len() > WORDS_OCTETS_MAX || words.chars().any(char::is_control) {
                return Err(ActFault::TooLong);
            }
            if words.contains(['@', '＠']) {
                return Err(ActFault::Address);
            }
        }
        Ok(())
    }

    /// The canonical record: JSON with its fields in a fixed order.
    ///
    /// # Errors
    /// Never with acts that [`Self::check`] takes; the error is that of the JSON writer.
    pub fn record(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(record: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(record)
    }

    /// The digest of a record.
    pub fn digest(record: &str) -> ActDigest {
        let mut octets = [0; 32];
        octets.copy_from_slice(digest::digest(&digest::SHA256, record.as_bytes()).as_ref());
        octets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn act(reason: &str) -> Act {
        Act { actor: "root".to_owned(), reason: reason.to_owned(), deed: Deed::Redeem }
    }

    #[test]
    fn a_record_is_read_back_and_its_digest_changes_with_every_word() {
        let until = Timestamp::from_second(1_800_000_000).unwrap_or_default();
        let reserve = Deed::Reserve { wish: "経理 1名".to_owned(), until };
        let deeds = [reserve, Deed::Confirm, Deed::Introduce, Deed::Redeem, Deed::Release, Deed::Expire, Deed::Void];
        let clear = |signal: &str, up_to| Deed::Clear { signal: signal.to_owned(), up_to };
        let cleared = [clear("volume", 1), clear("volume", 2), clear("one_domain", 2)];
        let mut seen = std::collections::HashSet::new();
        for deed in deeds.into_iter().chain(cleared) {
            let act = Act { deed, ..act("agreed by telephone") };
            let record = act.record().expect("a record");
            assert_eq!(Act::read(&record).expect("an act"), act);
            assert!(seen.insert(Act::digest(&record)), "{record}");
        }
        let (one, other) = (act("a").record().expect("a record"), act("b").record().expect("a record"));
        assert_ne!(Act::digest(&one), Act::digest(&other));
    }

    #[test]
    fn words_that_are_kept_for_ever_hold_no_address_and_no_second_line() {
        for (reason, expected) in [
            ("hired on 1 May", Ok(())),
            (" ", Err(ActFault::NoWords)),
            ("for taro@mail.example", Err(ActFault::Address)),
            ("for taro＠mail.example", Err(ActFault::Address)),
            ("two\nlines", Err(ActFault::TooLong)),
        ] {
            assert_eq!(act(reason).check(), expected, "{reason:?}");
        }
        assert_eq!(act(&"x".repeat(501)).check(), Err(ActFault::TooLong));
    }
}

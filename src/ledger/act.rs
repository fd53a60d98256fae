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
    Redeem {
        /// What the two sides know the hire by, such as the number of its file; no name of a person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hire: Option<String>,
    },
    /// It is free again.
    Release,
    /// Its time is over.
    Expire,
    /// It is taken back.
    Void,
    /// Persons are forgotten: keys, salts and evidence; never which.
    Erase {
        /// How many.
        persons: u32,
        /// How many pieces of evidence went with them.
        evidence: u32,
    },
    /// What the operator tells of persons is entered.
    Import {
        /// SHA-256 of the file, in hexadecimal.
        file: String,
    },
    /// The company gives a credit back.
    Reverse {
        /// The entry that made it.
        entry: u64,
    },
    /// Something of the count is contested; the entry's number is the dispute's.
    Dispute {
        /// What it is about.
        #[serde(flatten)]
        about: Contested,
        /// An answer is expected until then.
        #[serde(with = "rfc3339")]
        until: Timestamp,
    },
    /// The other side says something to it.
    Answer {
        /// The dispute.
        dispute: u64,
    },
    /// It is right.
    Accept {
        /// The dispute.
        dispute: u64,
    },
    /// It is not.
    Reject {
        /// The dispute.
        dispute: u64,
    },
    /// Credits are added or taken by an accepted dispute, once.
    Adjust {
        /// The dispute.
        dispute: u64,
        /// How many are added; below 0 how many are taken.
        credits: i64,
    },
    /// What a signal of fraud stands on was looked at, and is in order.
    Clear {
        /// The code of the signal.
        signal: String,
        /// The newest entry that was looked at.
        up_to: u64,
    },
    /// The operator's signature under the use of a slot is entered.
    Sign {
        /// The entry that says it was used.
        entry: u64,
        /// Whose signature it is, `ed25519:` and base64.
        key: String,
        /// The signature, in base64.
        signature: String,
    },
}

/// What a dispute is about: entries, or a figure that differs.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Contested {
    /// Numbers of entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<u64>,
    /// The month of the figure, such as `2026-11`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month: Option<String>,
    /// The kind of entry that is counted otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Theirs less ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<i64>,
}

impl Deed {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Reserve { .. } => "reserve",
            Self::Confirm => "confirm",
            Self::Introduce => "introduce",
            Self::Redeem { .. } => "redeem",
            Self::Release => "release",
            Self::Expire => "expire",
            Self::Void => "void",
            Self::Erase { .. } => "erase",
            Self::Import { .. } => "import",
            Self::Reverse { .. } => "reverse",
            Self::Dispute { .. } => "dispute",
            Self::Answer { .. } => "answer",
            Self::Accept { .. } => "accept",
            Self::Reject { .. } => "reject",
            Self::Adjust { .. } => "adjust",
            Self::Clear { .. } => "clear",
            Self::Sign { .. } => "sign",
        }
    }
}

/// Why the words of an act cannot be kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ActFault {
    /// No reason, or no wish.
    #[error("say why in a few words (--reason), and what the slot is for (--wish) or the hire is known by (--hire)")]
    NoWords,
    /// A reason or a wish is kept for ever, and printed.
    #[error("reason, wish and hire: one line of at most {WORDS_OCTETS_MAX} octets")]
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
        let (wish, stage) = match &self.deed {
            Deed::Reserve { wish, .. } => (Some(wish), None),
            Deed::Redeem { hire } => (hire.as_ref(), None),
            Deed::Dispute { about, .. } => (about.month.as_ref(), about.stage.as_ref()),
            _ => (None, None),
        };
        for words in [Some(&self.reason), Some(&self.actor), wish, stage].into_iter().flatten() {
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
        sha256(record.as_bytes())
    }
}

/// SHA-256 of octets, such as those of a file that is entered.
pub fn sha256(octets: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(digest::digest(&digest::SHA256, octets).as_ref());
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn act(reason: &str) -> Act {
        Act { actor: "root".to_owned(), reason: reason.to_owned(), deed: Deed::Redeem { hire: None } }
    }

    #[test]
    fn a_record_is_read_back_and_its_digest_changes_with_every_word() {
        let until = Timestamp::from_second(1_800_000_000).unwrap_or_default();
        let reserve = Deed::Reserve { wish: "経理 1名".to_owned(), until };
        let about = Contested { entries: vec![3, 7], ..Contested::default() };
        let figure = Contested { month: Some("2026-11".to_owned()), difference: Some(-2), ..Contested::default() };
        let dispute = |about| Deed::Dispute { about, until };
        let (of, file) = (9, "aa".to_owned());
        let corrections = [
            Deed::Import { file },
            Deed::Reverse { entry: of },
            dispute(about),
            dispute(figure),
            Deed::Answer { dispute: of },
            Deed::Accept { dispute: of },
            Deed::Reject { dispute: of },
            Deed::Adjust { dispute: of, credits: -2 },
        ];
        let redeem = |hire: Option<&str>| Deed::Redeem { hire: hire.map(str::to_owned) };
        let sign = |entry| Deed::Sign { entry, key: "ed25519:A".to_owned(), signature: "A".to_owned() };
        let used = [redeem(None), redeem(Some("CR-17")), sign(8), sign(9)];
        let deeds = [reserve, Deed::Confirm, Deed::Introduce, Deed::Release, Deed::Expire, Deed::Void];
        let clear = |signal: &str, up_to| Deed::Clear { signal: signal.to_owned(), up_to };
        let cleared = [clear("volume", 1), clear("volume", 2), clear("one_domain", 2)];
        let erase = [Deed::Erase { persons: 1, evidence: 2 }, Deed::Erase { persons: 2, evidence: 1 }];
        let deeds = deeds.into_iter().chain(corrections).chain(erase).chain(cleared).chain(used);
        let mut seen = std::collections::HashSet::new();
        for deed in deeds {
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

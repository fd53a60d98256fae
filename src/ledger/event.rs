//! What happened, as the mail path tells the ledger: no address, no text, only keys, codes and times.

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use ring::digest;
use serde::{Deserialize, Serialize};

use super::contract::ContractRef;
use super::entry::Kind;
use crate::referral::wording::WordingDigest;
use crate::referral::{CandidateKey, CompanyId, LinkToken, Traits};

/// What the next hop's 250 proves on a route.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proves {
    /// A smarthost has taken it.
    #[default]
    Accepted,
    /// The candidate's own MX has taken it.
    Delivered,
    /// A report at our own return path says that it was not delivered after all; never what a route's 250 proves.
    Bounced,
    /// A smarthost has taken it with a return path of ours: if it comes back, we see it.
    AcceptedTagged,
    /// It was taken so, and nothing has come back on a proven return path; never what a route's 250 proves.
    Presumed,
    /// The operator tells that the person has registered; so too the next three.
    Registered,
    /// He had an adviser.
    Supported,
    /// He has begun to work.
    Reemployed,
    /// He has left that work.
    Left,
    /// It never passed here: an export or a copy tells that it was sent; never what a route's 250 proves.
    Observed,
}

impl Proves {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Accepted,
        Self::Delivered,
        Self::Bounced,
        Self::AcceptedTagged,
        Self::Presumed,
        Self::Registered,
        Self::Supported,
        Self::Reemployed,
        Self::Left,
        Self::Observed,
    ];
    /// What the operator tells.
    pub const TOLD: [Self; 4] = [Self::Registered, Self::Supported, Self::Reemployed, Self::Left];

    /// What it proves of a mail that left with a return path of ours.
    #[must_use]
    pub fn tagged(self) -> Self {
        if self == Self::Accepted { Self::AcceptedTagged } else { self }
    }

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::AcceptedTagged => "accepted_tagged",
            Self::Presumed => "presumed",
            Self::Observed => "observed",
            Self::Registered => "registered",
            Self::Supported => "supported",
            Self::Reemployed => "reemployed",
            Self::Left => "left",
        }
    }

    /// The kind of entry that says what the operator tells; nothing for what a mail proves.
    pub fn told(self) -> Option<Kind> {
        match self {
            Self::Registered => Some(Kind::Registered),
            Self::Supported => Some(Kind::Supported),
            Self::Reemployed => Some(Kind::Reemployed),
            Self::Left => Some(Kind::Left),
            Self::Accepted
            | Self::Delivered
            | Self::Bounced
            | Self::AcceptedTagged
            | Self::Presumed
            | Self::Observed => None,
        }
    }

    /// Reads a code.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.code() == text)
    }
}

/// Evidence about a rejection mail with the line to one candidate: the next hop's 250, or that it came back.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ReferralEvent {
    /// The company that sent it.
    pub company: CompanyId,
    /// The candidate.
    pub candidate: CandidateKey,
    /// The same candidate under keys that were rotated out, newest first; of a report nothing, for the evidence it
    /// speaks of has said it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<CandidateKey>,
    /// The token of the link in the line.
    pub token: LinkToken,
    /// The contract version in force when the line was written.
    pub contract: ContractRef,
    /// What it proves.
    pub proves: Proves,
    /// The route's name.
    pub route: String,
    /// Our message id, unique per SMTP transaction.
    pub transaction: String,
    /// The recipient's number in the envelope, from 0.
    pub recipient: u32,
    /// Whether the line was put in; `false` when the company's link was there already.
    pub inserted: bool,
    /// The words that were put in; nothing where none were, and of a report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wording: Option<WordingDigest>,
    /// What signals of fraud look at; kept beside the person and nowhere in the chain. Nothing in rows of before, and
    /// of a report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traits: Option<Traits>,
    /// When the 250, or the report, came.
    #[serde(with = "rfc3339")]
    pub at: Timestamp,
}

/// The id of a piece of evidence: the same for every replay of it, another for every other.
pub type EventId = [u8; 32];

/// What a referral event rests on, as it is kept beside the ledger for as long as the person is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Evidence<'a> {
    /// The contract series the line was written under.
    pub series: &'a str,
    /// Our message id.
    pub transaction: &'a str,
    /// The recipient's number in the envelope.
    pub recipient: u32,
    /// What the 250 proves.
    pub proves: Proves,
    /// The route's name.
    pub route: &'a str,
    /// Whether the line was put in.
    pub inserted: bool,
}

impl Evidence<'_> {
    /// SHA-256 over company, contract series, kind, candidate key and evidence id, each with its length in front.
    pub fn id(&self, company: &CompanyId, candidate: &CandidateKey) -> EventId {
        let recipient = self.recipient.to_be_bytes();
        let kind: &[u8] = match self.proves {
            Proves::Bounced => b"bounce",
            Proves::Presumed => b"presumption",
            Proves::Observed => b"observation",
            Proves::Accepted | Proves::Delivered | Proves::AcceptedTagged => b"referral",
            Proves::Registered | Proves::Supported | Proves::Reemployed | Proves::Left => self.proves.code().as_bytes(),
        };
        let fields: [&[u8]; 6] = [
            company.as_str().as_bytes(),
            self.series.as_bytes(),
            kind,
            &candidate.octets,
            self.transaction.as_bytes(),
            &recipient,
        ];
        let mut context = digest::Context::new(&digest::SHA256);
        for field in fields {
            context.update(&(field.len() as u64).to_be_bytes());
            context.update(field);
        }
        let mut id = [0; 32];
        id.copy_from_slice(context.finish().as_ref());
        id
    }
}

impl ReferralEvent {
    /// What it rests on.
    pub fn evidence(&self) -> Evidence<'_> {
        Evidence {
            series: &self.contract.series,
            transaction: &self.transaction,
            recipient: self.recipient,
            proves: self.proves,
            route: &self.route,
            inserted: self.inserted,
        }
    }

    /// The id of its evidence: [`Evidence::id`].
    pub fn id(&self) -> EventId {
        self.evidence().id(&self.company, &self.candidate)
    }
}

/// The name of a piece of evidence that has none of ours, from what it is known by elsewhere: the same for the same.
pub fn name_of_elsewhere(known_by: &str) -> String {
    let digest = digest::digest(&digest::SHA256, known_by.as_bytes());
    HEXLOWER.encode(&digest.as_ref()[..16])
}

/// A time as RFC 3339 text, to the nanosecond.
pub(super) mod rfc3339 {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(at)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

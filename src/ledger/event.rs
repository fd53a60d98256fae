//! What happened, as the mail path tells the ledger: no address, no text, only keys, codes and times.

use jiff::Timestamp;
use ring::digest;
use serde::{Deserialize, Serialize};

use super::contract::ContractRef;
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
}

impl Proves {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Accepted, Self::Delivered, Self::Bounced, Self::AcceptedTagged, Self::Presumed];

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
            Proves::Accepted | Proves::Delivered | Proves::AcceptedTagged => b"referral",
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

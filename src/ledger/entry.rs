//! Entries: the only thing a ledger is made of. Everything else is derived from them.

use jiff::Timestamp;

use super::act::ActDigest;
use super::contract::ContractRef;
use crate::referral::wording::WordingDigest;

/// What an entry says. The numbers are stored and hashed: they never change.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Kind {
    /// A rejection mail with the line was handed on for a candidate.
    Offered = 1,
    /// The next hop has taken it.
    Accepted = 2,
    /// The candidate's own MX has taken it.
    Delivered = 3,
    /// A further contact of the same person: the line was given, worth nothing.
    Duplicate = 4,
    /// A hire slot.
    Granted = 5,
    /// A mail that was accepted came back after all.
    Bounced = 6,
    /// A hire slot taken back, because the credits for it came back (contracts with clawback).
    Voided = 7,
    /// The mail counts as delivered: it was taken, and nothing has come back on a proven return path.
    Presumed = 8,
    /// The company asks for the use of a slot.
    Reserved = 9,
    /// The operator has taken the wish on.
    Confirmed = 10,
    /// The operator has introduced a person for it.
    Introduced = 11,
    /// The slot was used.
    Redeemed = 12,
    /// It is free again.
    Released = 13,
    /// Its time is over.
    Expired = 14,
    /// A credit that the company gives back: the mirror of the entry it names.
    Reversed = 15,
    /// Credits added or taken by an accepted dispute.
    Adjusted = 16,
    /// The person has registered with Career Relay, as the operator tells.
    Registered = 17,
    /// The person had an adviser.
    Supported = 18,
    /// The person has begun to work.
    Reemployed = 19,
    /// The person has left that work.
    Left = 20,
    /// A dispute is opened, answered, accepted or rejected.
    Disputed = 21,
    /// Counting begins anew with a contract version of another threshold; what waited has lapsed.
    Restarted = 22,
    /// Persons were forgotten: their keys, salts and evidence are not kept any more.
    Erased = 23,
    /// A mail with the company's link was sent elsewhere, as an export or a copy tells: a lower class of evidence.
    Observed = 24,
    /// Somebody has looked at a signal of fraud, and what it stands on is in order.
    Cleared = 26,
    /// The candidate's own MX has taken it, one that is known to hide what it refuses.
    DeliveredHiding = 30,
    /// A report of success says that it was delivered.
    Reported = 31,
    /// An MTA had it, and nothing was heard of it in time.
    Lapsed = 33,
    /// The operator has signed that a hire slot was used.
    Signed = 27,
}

impl Kind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 29] = [
        Self::Offered,
        Self::Accepted,
        Self::Delivered,
        Self::Duplicate,
        Self::Granted,
        Self::Bounced,
        Self::Voided,
        Self::Presumed,
        Self::Reserved,
        Self::Confirmed,
        Self::Introduced,
        Self::Redeemed,
        Self::Released,
        Self::Expired,
        Self::Reversed,
        Self::Adjusted,
        Self::Registered,
        Self::Supported,
        Self::Reemployed,
        Self::Left,
        Self::Disputed,
        Self::Erased,
        Self::Observed,
        Self::Cleared,
        Self::DeliveredHiding,
        Self::Reported,
        Self::Lapsed,
        Self::Signed,
        Self::Restarted,
    ];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Duplicate => "duplicate",
            Self::Granted => "granted",
            Self::Bounced => "bounced",
            Self::Voided => "voided",
            Self::Presumed => "presumed",
            Self::Reserved => "reserved",
            Self::Confirmed => "confirmed",
            Self::Introduced => "introduced",
            Self::Redeemed => "redeemed",
            Self::Released => "released",
            Self::Expired => "expired",
            Self::Reversed => "reversed",
            Self::Adjusted => "adjusted",
            Self::Registered => "registered",
            Self::Supported => "supported",
            Self::Reemployed => "reemployed",
            Self::Left => "left",
            Self::Disputed => "disputed",
            Self::Erased => "erased",
            Self::Observed => "observed",
            Self::Cleared => "cleared",
            Self::DeliveredHiding => "delivered_hiding",
            Self::Reported => "reported",
            Self::Lapsed => "lapsed",
            Self::Signed => "signed",
            Self::Restarted => "restarted",
        }
    }

    /// Whether the entry says that the mail came to the candidate's own servers, by evidence.
    pub fn is_delivery(self) -> bool {
        matches!(self, Self::Delivered | Self::DeliveredHiding | Self::Reported)
    }

    /// The stored number.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Reads a stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.number() == number)
    }

    /// Whether the entry is about a person.
    pub fn is_personal(self) -> bool {
        !self.is_of_slot()
            && !matches!(self, Self::Adjusted | Self::Disputed | Self::Restarted | Self::Erased | Self::Cleared)
    }

    /// Whether the entry says what became of a person, as the operator tells.
    pub fn is_of_operator(self) -> bool {
        matches!(self, Self::Registered | Self::Supported | Self::Reemployed | Self::Left)
    }

    /// Whether the entry corrects the credits by an act of persons.
    pub fn is_correction(self) -> bool {
        matches!(self, Self::Reversed | Self::Adjusted)
    }

    /// Whether an act may stand behind an entry of this kind.
    pub fn may_stand_on_act(self) -> bool {
        !self.is_personal() || self.is_of_operator() || self == Self::Reversed
    }

    /// Whether the entry is about a hire slot.
    pub fn is_of_slot(self) -> bool {
        matches!(
            self,
            Self::Granted
                | Self::Voided
                | Self::Reserved
                | Self::Confirmed
                | Self::Introduced
                | Self::Redeemed
                | Self::Released
                | Self::Expired
                | Self::Signed
        )
    }
}

/// What the rules decide; the store gives it its place in the chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewEntry {
    /// What it says.
    pub kind: Kind,
    /// What it adds to the credits that wait for the next slot: 1 for a credit, minus the threshold for a grant, -1 for
    /// a credit that bounced, the price of a slot that is voided.
    pub worth: i64,
    /// The number in its series, from 1, of the slot it is about; 0 for every other kind.
    pub cycle: u32,
}

/// One entry in its place, as stored and hashed. Times are whole microseconds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Its number in the company's chain, from 1, without gaps.
    pub seq: u64,
    /// What the rules decided.
    pub new: NewEntry,
    /// The contract version that rules it.
    pub contract: ContractRef,
    /// The salted commitment to the person; zeros when no person is concerned.
    pub person: [u8; 32],
    /// The salted commitment to the evidence; zeros when no person is concerned.
    pub event: [u8; 32],
    /// The words that were put into the mail it stands on; nothing where none were, and in entries of before they were
    /// pinned.
    pub wording: Option<WordingDigest>,
    /// What somebody did and why, of an entry that stands on an act.
    pub act: Option<ActDigest>,
    /// When it happened.
    pub at: Timestamp,
    /// When it was posted; never before the entry in front of it. Statements go by this time, so a sealed month stays.
    pub posted: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_keep_their_numbers() {
        let numbers: Vec<u8> = (1..=21).chain([23, 24, 26, 30, 31, 33, 27, 22]).collect();
        assert_eq!(Kind::ALL.map(Kind::number).as_slice(), numbers);
        assert_eq!(Kind::from_number(3), Some(Kind::Delivered));
        assert_eq!(Kind::from_number(0), None);
    }
}

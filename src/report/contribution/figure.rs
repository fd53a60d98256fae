//! The figures of a report: what there is to be said, where each comes from, and what may be shown of it.

use super::{Audience, Reference};
use crate::ledger::{Kind, PoolStatement, Statement};

/// What a figure is of. The order is that of every form and of the record.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Key {
    /// People a rejection mail with the line was handed on for.
    Offered,
    /// Of them, those whose mail the next hop took.
    Accepted,
    /// Those whose own mail server took it.
    Delivered,
    /// Those whose mail has not come back on a proven return path.
    Presumed,
    /// Those known by evidence of mail that never passed here.
    Observed,
    /// Further mails to the same people.
    Duplicate,
    /// Mails that came back after all.
    Bounced,
    /// People who registered.
    Registered,
    /// People an advisor has talked with.
    Supported,
    /// People who began to work.
    Reemployed,
    /// Of them, those who left within six months other than by dismissal.
    Left,
    /// People who began to work less than 15 days after the referral.
    Days15,
    /// From 15 days to a month.
    Month1,
    /// From one to three months.
    Months3,
    /// From three to six months.
    Months6,
    /// From six to twelve months.
    Months12,
    /// The median of these days.
    MedianDays,
    /// Hire slots granted.
    Granted,
    /// Hire slots taken back.
    Voided,
    /// Hire slots that are reserved.
    Reserved,
    /// Hire slots that were used.
    Redeemed,
    /// Of them, those under whose use the operator has signed.
    RedeemedSigned,
    /// Yen: the slots used, times the reference.
    CostRelieved,
}

impl Key {
    /// Every key, in order.
    pub const ALL: [Self; 23] = [
        Self::Offered,
        Self::Accepted,
        Self::Delivered,
        Self::Presumed,
        Self::Observed,
        Self::Duplicate,
        Self::Bounced,
        Self::Registered,
        Self::Supported,
        Self::Reemployed,
        Self::Left,
        Self::Days15,
        Self::Month1,
        Self::Months3,
        Self::Months6,
        Self::Months12,
        Self::MedianDays,
        Self::Granted,
        Self::Voided,
        Self::Reserved,
        Self::Redeemed,
        Self::RedeemedSigned,
        Self::CostRelieved,
    ];
    /// The official buckets of the time to re-employment, those of 雇用動向調査.
    pub const TIMES: [Self; 5] = [Self::Days15, Self::Month1, Self::Months3, Self::Months6, Self::Months12];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Presumed => "presumed",
            Self::Observed => "observed",
            Self::Duplicate => "duplicate",
            Self::Bounced => "bounced",
            Self::Registered => "registered",
            Self::Supported => "supported",
            Self::Reemployed => "reemployed",
            Self::Left => "left_within_6_months",
            Self::Days15 => "under_15_days",
            Self::Month1 => "from_15_days_to_1_month",
            Self::Months3 => "from_1_to_3_months",
            Self::Months6 => "from_3_to_6_months",
            Self::Months12 => "from_6_to_12_months",
            Self::MedianDays => "median_days",
            Self::Granted => "slots_granted",
            Self::Voided => "slots_voided",
            Self::Reserved => "slots_reserved",
            Self::Redeemed => "slots_redeemed",
            Self::RedeemedSigned => "slots_redeemed_signed",
            Self::CostRelieved => "cost_relieved",
        }
    }

    /// Reads a code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.code() == code)
    }

    /// What is counted.
    pub fn unit(self) -> Unit {
        match self {
            Self::Duplicate | Self::Bounced => Unit::Mails,
            Self::MedianDays => Unit::Days,
            Self::Granted | Self::Voided | Self::Reserved | Self::Redeemed | Self::RedeemedSigned => Unit::Slots,
            Self::CostRelieved => Unit::Yen,
            _ => Unit::People,
        }
    }

    /// Who says so.
    pub fn source(self) -> Source {
        match self {
            Self::Offered | Self::Accepted | Self::Duplicate => Source::Measured(Proof::Accepted),
            Self::Delivered => Source::Measured(Proof::Delivered),
            Self::Presumed => Source::Measured(Proof::Presumed),
            Self::Observed => Source::Measured(Proof::Observed),
            Self::Bounced => Source::Measured(Proof::Returned),
            Self::Granted | Self::Voided | Self::Reserved | Self::Redeemed | Self::RedeemedSigned => {
                Source::Measured(Proof::Entry)
            }
            Self::CostRelieved => Source::Stated,
            _ => Source::Reported,
        }
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unit {
    /// People.
    People,
    /// Mails.
    Mails,
    /// Days.
    Days,
    /// Hire slots.
    Slots,
    /// Yen.
    Yen,
}

impl Unit {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Mails => "mails",
            Self::Days => "days",
            Self::Slots => "slots",
            Self::Yen => "yen",
        }
    }
}

/// Who says so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// We do, and prove it so.
    Measured(Proof),
    /// The operator of Career Relay does.
    Reported,
    /// The company does; of the cost, by its reference.
    Stated,
}

impl Source {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Measured(_) => "measured",
            Self::Reported => "reported",
            Self::Stated => "stated",
        }
    }

    /// The stable code of the proof; empty when we have none.
    pub fn proof(self) -> &'static str {
        match self {
            Self::Measured(proof) => proof.code(),
            Self::Reported | Self::Stated => "",
        }
    }
}

/// How something measured is proven.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Proof {
    /// The next hop has taken the mail.
    Accepted,
    /// The candidate's own mail server has.
    Delivered,
    /// It was taken, and has not come back on a return path that probes prove.
    Presumed,
    /// A list or a copy of mail that did not pass here.
    Observed,
    /// It came back to our return path.
    Returned,
    /// An entry of the ledger, by the rules of the contract.
    Entry,
}

impl Proof {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Presumed => "presumed",
            Self::Observed => "observed",
            Self::Returned => "returned",
            Self::Entry => "entry",
        }
    }
}

/// What is shown of a number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Value {
    /// The number.
    Shown(u64),
    /// Nothing: it is small, or would give a small one away.
    Withheld,
    /// Nothing: nobody has said it.
    NotReported,
}

impl Value {
    /// The stable code.
    pub fn state(self) -> &'static str {
        match self {
            Self::Shown(_) => "shown",
            Self::Withheld => "withheld",
            Self::NotReported => "not_reported",
        }
    }

    /// The number, if there is one to be seen.
    pub fn number(self) -> Option<u64> {
        match self {
            Self::Shown(number) => Some(number),
            Self::Withheld | Self::NotReported => None,
        }
    }

    /// The number, or why there is none.
    pub(super) fn say(self) -> String {
        self.number().map_or_else(|| self.state().replace('_', " "), |number| number.to_string())
    }
}

impl From<Option<u64>> for Value {
    fn from(number: Option<u64>) -> Self {
        number.map_or(Self::NotReported, Self::Shown)
    }
}

/// One figure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Figure {
    /// What it is of.
    pub key: Key,
    /// What is shown.
    pub value: Value,
    /// How many people, mails or slots it stands on.
    pub n: Value,
}

/// What the ledger knows of a period.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Measured {
    /// Entries of each kind, by the order of [`Kind`]'s numbers, and of all contract series.
    pub offered: u64,
    /// The same for acceptances.
    pub accepted: u64,
    /// The same for deliveries.
    pub delivered: u64,
    /// The same for presumed deliveries.
    pub presumed: u64,
    /// The same for further mails to the same people.
    pub duplicate: u64,
    /// The same for mails that came back.
    pub bounced: u64,
    /// The same for hire slots.
    pub granted: u64,
    /// The same for hire slots taken back.
    pub voided: u64,
    /// The same for reservations of hire slots.
    pub reserved: u64,
    /// The same for hire slots used.
    pub redeemed: u64,
    /// Of these, the hire slots under whose use the operator has signed.
    pub redeemed_signed: u64,
    /// People known by evidence of mail that did not pass here, where that is taken.
    pub observed: Option<u64>,
}

impl From<&Statement> for Measured {
    fn from(statement: &Statement) -> Self {
        let count = |kind: Kind| -> u64 { statement.pools.values().filter_map(|pool| pool.entries.get(&kind)).sum() };
        Self {
            // Nobody has taken what lapsed.
            offered: count(Kind::Offered).saturating_sub(count(Kind::Lapsed)),
            accepted: count(Kind::Accepted),
            // Statements tell these apart; here each says that the person's own servers have it.
            delivered: [Kind::Delivered, Kind::DeliveredHiding, Kind::Reported].map(count).iter().sum(),
            presumed: count(Kind::Presumed),
            duplicate: count(Kind::Duplicate),
            bounced: count(Kind::Bounced),
            granted: count(Kind::Granted),
            voided: count(Kind::Voided),
            reserved: count(Kind::Reserved),
            redeemed: count(Kind::Redeemed),
            redeemed_signed: statement.pools.values().map(PoolStatement::redeemed_signed).sum(),
            observed: Some(count(Kind::Observed)).filter(|people| *people > 0),
        }
    }
}

/// What the operator says became of people. What it did not say is nothing here.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Reported {
    /// People who registered.
    pub registered: Option<u64>,
    /// Of them, people an advisor has talked with.
    pub supported: Option<u64>,
    /// Of them, people who began to work.
    pub reemployed: Option<u64>,
    /// Of them, people who left within six months other than by dismissal.
    pub left: Option<u64>,
    /// How long it took.
    pub times: Option<Times>,
}

/// The time from the referral to the first day at work.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Times {
    /// People in each of the official buckets.
    pub buckets: [u64; 5],
    /// People whom it took longer than these.
    pub longer: u64,
    /// The median in days, of them all.
    pub median_days: Option<u64>,
}

impl Times {
    /// People whose time is known.
    pub fn people(&self) -> u64 {
        self.buckets.iter().sum::<u64>() + self.longer
    }
}

/// All that a report is made from.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Input {
    /// By the ledger.
    pub measured: Measured,
    /// By the operator.
    pub reported: Reported,
}

impl Input {
    /// What is known for a key, before small numbers are taken out.
    pub(super) fn known(&self, key: Key, reference: &Reference) -> Option<u64> {
        let Self { measured, reported } = self;
        let bucket = |at: usize| reported.times.and_then(|times| times.buckets.get(at).copied());
        match key {
            Key::Offered => Some(measured.offered),
            Key::Accepted => Some(measured.accepted),
            Key::Delivered => Some(measured.delivered),
            Key::Presumed => Some(measured.presumed),
            Key::Observed => measured.observed,
            Key::Duplicate => Some(measured.duplicate),
            Key::Bounced => Some(measured.bounced),
            Key::Registered => reported.registered,
            Key::Supported => reported.supported,
            Key::Reemployed => reported.reemployed,
            Key::Left => reported.left,
            Key::Days15 => bucket(0),
            Key::Month1 => bucket(1),
            Key::Months3 => bucket(2),
            Key::Months6 => bucket(3),
            Key::Months12 => bucket(4),
            Key::MedianDays => reported.times.and_then(|times| times.median_days),
            Key::Granted => Some(measured.granted),
            Key::Voided => Some(measured.voided),
            Key::Reserved => Some(measured.reserved),
            Key::Redeemed => Some(measured.redeemed),
            Key::RedeemedSigned => Some(measured.redeemed_signed),
            Key::CostRelieved => Some(measured.redeemed.saturating_mul(reference.yen)),
        }
    }

    /// The figures as this audience may see them. Evidence of mail that did not pass here is left out where none is
    /// taken: nobody owes it.
    pub fn figures(&self, audience: Audience, reference: &Reference) -> Vec<Figure> {
        let keys = Key::ALL.into_iter().filter(|key| *key != Key::Observed || self.measured.observed.is_some());
        let mut figures: Vec<Figure> = keys
            .map(|key| {
                let value = Value::from(self.known(key, reference));
                let n = match key {
                    Key::MedianDays => self.reported.times.map(|times| times.people()).into(),
                    Key::CostRelieved => Some(self.measured.redeemed).into(),
                    _ => value,
                };
                Figure { key, value, n }
            })
            .collect();
        audience.withhold(&mut figures);
        figures
    }
}

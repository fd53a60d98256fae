//! Signals of fraud, pure: what in a company's credits hardly an honest history shows. Each has a name, the entries it
//! stands on, and words for both sides. A signal changes no mail, no count and no grant: it keeps a slot that stands on
//! such credits from being redeemed until somebody has looked and said so by an act.

pub mod bounds;
mod crowd;
mod name;
mod rules;
mod slots;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use name::{SignalName, Weight, Words};
pub use slots::{Funded, fund};

use crate::referral::{Mark, Traits};

/// One credit, as far as its person is still known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Credit {
    /// The entry that made it.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// When it was posted.
    pub posted: Timestamp,
    /// The mail it stands on, by a number of its own.
    pub mail: usize,
    /// The mailbox, the same for its spellings with tags and dots.
    pub mailbox: Mark,
    /// What is known of the address; nothing for credits of before.
    pub traits: Option<Traits>,
    /// Whether the mail came back.
    pub bounced: bool,
    /// Whether the same person was counted long before.
    pub again: bool,
    /// Whether the person had been taken off the list of those who want no line, not long before.
    pub opted_out: bool,
}

/// A mail to many candidates.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BulkMail {
    /// Its number, as in [`Credit::mail`].
    pub mail: usize,
    /// To how many it offered the line.
    pub offered: u32,
    /// How many of them the next hop took.
    pub taken: u32,
    /// When the first was.
    pub at: Timestamp,
}

/// Persons referred, and those who registered.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Registered {
    /// Companies with any registration.
    pub companies: u64,
    /// Persons referred.
    pub referred: u64,
    /// Registrations.
    pub registered: u64,
}

/// All that the rules look at, of one company.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct History {
    /// Its credits, in the order of their entries.
    pub credits: Vec<Credit>,
    /// Its mails to many.
    pub bulk: Vec<BulkMail>,
    /// When somebody had a person erased, and not the clock; in the order of the entries.
    pub erased: Vec<Timestamp>,
    /// Its persons who had time to register, and those who did.
    pub own: Registered,
    /// The same of all other companies.
    pub fleet: Registered,
    /// Up to which entry each signal was looked at and cleared.
    pub cleared: BTreeMap<SignalName, u64>,
    /// The time of the look.
    pub now: Timestamp,
}

/// What was seen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signal {
    /// Which rule saw it.
    pub name: SignalName,
    /// How many people it is about.
    pub people: u64,
    /// Of how many.
    pub of: u64,
    /// The credits it stands on, in order.
    pub entries: Vec<u64>,
    /// When the first and the last of them happened.
    pub between: (Timestamp, Timestamp),
}

impl History {
    /// Every open signal, in the order of the names.
    pub fn signals(&self) -> Vec<Signal> {
        SignalName::ALL.into_iter().filter_map(|name| rules::look(self, name)).collect()
    }

    /// Credits that were not cleared of this signal, in the order of their entries.
    fn uncleared(&self, name: SignalName) -> Vec<&Credit> {
        let up_to = self.cleared.get(&name).copied().unwrap_or(0);
        self.credits.iter().filter(|credit| credit.seq > up_to).collect()
    }
}

impl Signal {
    /// A signal that stands on these credits; none without any.
    fn on(name: SignalName, credits: &[&Credit], of: usize) -> Option<Self> {
        let mut entries: Vec<u64> = credits.iter().map(|credit| credit.seq).collect();
        entries.sort_unstable();
        entries.dedup();
        let first = credits.iter().map(|credit| credit.at).min()?;
        let last = credits.iter().map(|credit| credit.at).max()?;
        let people = entries.len() as u64;
        Some(Self { name, people, of: (of as u64).max(people), entries, between: (first, last) })
    }

    /// The signal as far as it stands on credits from `from` until before `until`; none when it does not.
    #[must_use]
    pub fn within(self, credits: &[Credit], (from, until): (Timestamp, Timestamp)) -> Option<Self> {
        let is_in =
            |credit: &&Credit| (from..until).contains(&credit.at) && self.entries.binary_search(&credit.seq).is_ok();
        let left: Vec<&Credit> = credits.iter().filter(is_in).collect();
        let of = usize::try_from(self.of).unwrap_or(usize::MAX);
        Self::on(self.name, &left, of)
    }
}

//! The reference: what a ledger comes to, by the plainest means, without entries, chains or a disk. What the rules say
//! is said here a second time, on purpose.

use std::collections::BTreeSet;

use crate::ledger::{AtNewThreshold, ContractVersion, CountOn, LateBounce, Pool};

/// An hour's number; the only time there is here.
pub(super) type Hour = i64;

/// A mail with the line, as it is known wherever it is spoken of.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Mail {
    pub number: usize,
    pub company: &'static str,
    pub person: u8,
    pub at: Hour,
    /// Whether its 250 proved delivery; else it was accepted with a return path of ours.
    pub delivered: bool,
    /// Whether the node that sent it had the key of after the rotation.
    pub rotated: bool,
    /// Which of the contract versions was in force.
    pub terms: usize,
}

/// What is told of a mail.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Said {
    Taken(Mail),
    CameBack(Mail),
}

/// The newest referral of a person, with the mails of it: whether each came back, or was presumed.
#[derive(Clone, Default)]
struct Known {
    terms: usize,
    offered: Hour,
    counted: Option<Hour>,
    is_delivered: bool,
    is_over: bool,
    mails: Vec<(Mail, bool, bool)>,
}

/// A company's account.
#[derive(Clone, Default)]
pub(super) struct Account {
    pub pool: Pool,
    /// The slots that stand: number and price.
    pub slots: Vec<(u32, i64)>,
    /// In the order in which they were met.
    persons: Vec<(u8, Known)>,
    /// The contract versions with which counting began anew.
    restarted: BTreeSet<usize>,
    /// How many of the contract versions it has agreed to.
    pub versions: usize,
    posted: BTreeSet<Said>,
    pub parked: Vec<Said>,
    /// The first of the proofs without a gap, and the last.
    proven: Option<(Hour, Hour)>,
}

const DAY: Hour = 24;

impl Account {
    pub fn agree(&mut self, versions: usize, terms: &[ContractVersion]) {
        self.versions = self.versions.max(versions);
        for said in std::mem::take(&mut self.parked) {
            self.hear(said, terms);
        }
    }

    pub fn hear(&mut self, said: Said, terms: &[ContractVersion]) {
        let known = match said {
            _ if self.posted.contains(&said) => return,
            Said::Taken(mail) => self.take(mail, terms),
            Said::CameBack(mail) => self.posted.contains(&Said::Taken(mail)) && self.take_back(mail, terms),
        };
        if !known {
            if !self.parked.contains(&said) {
                self.parked.push(said);
            }
            return;
        }
        self.posted.insert(said);
        if let Said::Taken(mail) = said
            && let Some(at) = self.parked.iter().position(|parked| *parked == Said::CameBack(mail))
        {
            let bounce = self.parked.remove(at);
            self.hear(bounce, terms);
        }
    }

    fn take(&mut self, mail: Mail, terms: &[ContractVersion]) -> bool {
        let at = self.persons.iter().position(|(person, _)| *person == mail.person);
        let before = at.map(|at| self.persons[at].1.clone());
        let covers = |k: &Known| !k.is_over && mail.at < k.counted.unwrap_or(k.offered) + 365 * DAY;
        let covered = before.filter(covers);
        if covered.is_none() && mail.terms >= self.versions {
            return false;
        }
        let is_new = covered.is_none();
        let mut known = covered.unwrap_or(Known { terms: mail.terms, offered: mail.at, ..Known::default() });
        if is_new && terms[mail.terms].at_new_threshold == AtNewThreshold::Restart && self.restarted.insert(mail.terms)
        {
            self.pool.toward = self.pool.toward.min(0);
        }
        known.mails.push((mail, false, false));
        let counts = match terms[known.terms].count_on {
            CountOn::Accepted => is_new,
            CountOn::Delivered => mail.delivered,
            CountOn::Registered => false,
        };
        known.is_delivered |= mail.delivered;
        self.credit(&mut known, counts, mail.at, terms);
        match at {
            Some(at) => self.persons[at].1 = known,
            None => self.persons.push((mail.person, known)),
        }
        true
    }

    fn credit(&mut self, known: &mut Known, counts: bool, at: Hour, terms: &[ContractVersion]) {
        if counts && known.counted.is_none() {
            let price = i64::from(terms[known.terms].threshold);
            (known.counted, self.pool.counted, self.pool.toward) =
                (Some(at), self.pool.counted + 1, self.pool.toward + 1);
            while self.pool.toward >= price {
                (self.pool.toward, self.pool.cycles) = (self.pool.toward - price, self.pool.cycles + 1);
                self.slots.push((self.pool.cycles, price));
            }
        }
    }

    fn take_back(&mut self, mail: Mail, terms: &[ContractVersion]) -> bool {
        let Some((_, known)) = self.persons.iter_mut().find(|(person, _)| *person == mail.person) else { return false };
        let terms = &terms[known.terms];
        let carries = |(of, back, presumed): &(Mail, bool, bool)| {
            !back && *of != mail && (of.delivered || *presumed || terms.count_on == CountOn::Accepted)
        };
        let stands = known.counted.is_some() && known.mails.iter().any(carries);
        known.mails.iter_mut().filter(|(of, ..)| *of == mail).for_each(|(_, back, _)| *back = true);
        if !stands {
            self.pool.toward -= i64::from(known.counted.is_some());
            let clawed = terms.late_bounce == LateBounce::Clawback && known.counted.is_some();
            (known.counted, known.is_over, known.is_delivered) = (None, true, false);
            while clawed && self.pool.toward < 0 {
                let Some((_, price)) = self.slots.pop() else { break };
                self.pool.toward += price;
            }
        }
        true
    }

    /// A probe came back.
    pub fn prove(&mut self, at: Hour, terms: &[ContractVersion]) {
        let since = self.proven.filter(|(_, last)| at - last <= 7 * DAY).map_or(at, |(since, _)| since);
        self.proven = Some((since, at));
        let waits = |(mail, back, presumed): &(Mail, bool, bool)| {
            !mail.delivered && !back && !presumed && mail.at >= since && at - mail.at >= 7 * DAY
        };
        for person in 0..self.persons.len() {
            let mut known = self.persons[person].1.clone();
            let Some(found) = known.mails.iter().position(waits).filter(|_| !known.is_delivered) else { continue };
            known.mails[found].2 = true;
            (known.is_delivered, known.is_over) = (true, false);
            let counts = terms[known.terms].count_on == CountOn::Delivered;
            self.credit(&mut known, counts, at, terms);
            self.persons[person].1 = known;
        }
    }
}

//! The reference: what a ledger comes to, by the plainest means, without entries, chains or a disk. What the rules say
//! is said here a second time, on purpose.

use std::collections::BTreeSet;

use crate::ledger::{AtNewThreshold, ContractVersion, CountOn, LateBounce, Pool, SlotStage};

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
    /// The number of the credit that it made.
    credit: usize,
    is_delivered: bool,
    is_over: bool,
    mails: Vec<(Mail, bool, bool)>,
}

/// What became of a credit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Credit {
    /// It counts, by these terms.
    Stands(usize),
    GivenBack,
    Bounced,
}

/// What is done to a slot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum SlotDeed {
    /// Until that hour.
    Reserve(Hour),
    Confirm,
    Introduce,
    Redeem,
    Release,
    Void,
}

/// A hire slot; its number is its place, from 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Slot {
    pub stage: SlotStage,
    pub deadline: Option<Hour>,
    price: i64,
    granted: Hour,
    terms: usize,
}

/// What is done to a dispute.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum DisputeDeed {
    Answer,
    Accept,
    Reject,
    /// Credits are added, or taken.
    Adjust(i64),
}

/// A dispute: the entry it is named by, and how far it has come.
#[derive(Clone, Copy)]
pub(super) struct Contested {
    pub id: u64,
    terms: usize,
    last: Option<DisputeDeed>,
}

/// A company's account.
#[derive(Clone, Default)]
pub(super) struct Account {
    pub pool: Pool,
    /// Every slot there ever was.
    pub slots: Vec<Slot>,
    pub disputes: Vec<Contested>,
    /// In the order in which they were made.
    credits: Vec<Credit>,
    /// Until when each erased person counts no more.
    erased: Vec<(u8, Hour)>,
    /// The version by which something was counted last.
    used: Option<usize>,
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
        let (Said::Taken(mail) | Said::CameBack(mail)) = said;
        let at = mail.at + Hour::from(said == Said::CameBack(mail));
        let is_gone = self.erased.iter().any(|(person, until)| *person == mail.person && at < *until);
        let known = match said {
            _ if self.posted.contains(&said) || is_gone => return,
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
        self.used = Some(known.terms);
        self.credit(&mut known, counts, mail.at, terms);
        match at {
            Some(at) => self.persons[at].1 = known,
            None => self.persons.push((mail.person, known)),
        }
        true
    }

    fn credit(&mut self, known: &mut Known, counts: bool, at: Hour, terms: &[ContractVersion]) {
        if counts && known.counted.is_none() {
            (known.counted, known.credit, self.pool.counted) = (Some(at), self.credits.len(), self.pool.counted + 1);
            self.credits.push(Credit::Stands(known.terms));
            self.correct(1, (known.terms, at), terms);
        }
    }

    /// Adds credits, or takes them, and what that makes of slots.
    fn correct(&mut self, credits: i64, (of, at): (usize, Hour), terms: &[ContractVersion]) {
        let price = i64::from(terms[of].threshold);
        (self.used, self.pool.toward) = (Some(of), self.pool.toward + credits);
        while credits > 0 && self.pool.toward >= price {
            (self.pool.toward, self.pool.cycles) = (self.pool.toward - price, self.pool.cycles + 1);
            let stage = SlotStage::Granted;
            self.slots.push(Slot { stage, deadline: None, price, granted: at, terms: of });
        }
        let claws = credits < 0 && terms[of].late_bounce == LateBounce::Clawback;
        let free = self.slots.iter_mut().rev().filter(|slot| claws && slot.stage == SlotStage::Granted);
        for slot in free {
            if self.pool.toward < 0 {
                (slot.stage, self.pool.toward) = (SlotStage::Voided, self.pool.toward + slot.price);
            }
        }
    }

    fn take_back(&mut self, mail: Mail, terms: &[ContractVersion]) -> bool {
        let Some(at) = self.persons.iter().position(|(person, _)| *person == mail.person) else { return false };
        let mut known = self.persons[at].1.clone();
        let counts_on = terms[known.terms].count_on;
        let carries = |(of, back, presumed): &(Mail, bool, bool)| {
            !back && *of != mail && (of.delivered || *presumed || counts_on == CountOn::Accepted)
        };
        let given_back = known.counted.is_some() && self.credits[known.credit] == Credit::GivenBack;
        let stands = known.counted.is_some() && (given_back || known.mails.iter().any(carries));
        known.mails.iter_mut().filter(|(of, ..)| *of == mail).for_each(|(_, back, _)| *back = true);
        self.used = Some(known.terms);
        if !stands {
            if known.counted.is_some() {
                self.credits[known.credit] = Credit::Bounced;
                self.correct(-1, (known.terms, mail.at), terms);
            }
            (known.counted, known.is_over, known.is_delivered) = (None, true, false);
        }
        self.persons[at].1 = known;
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
            self.used = Some(known.terms);
            self.credit(&mut known, counts, at, terms);
            self.persons[person].1 = known;
        }
    }

    /// Somebody is forgotten: whether anybody was known.
    pub fn erase(&mut self, person: u8) -> bool {
        let of = |said: &Said| matches!(said, Said::Taken(mail) | Said::CameBack(mail) if mail.person == person);
        self.parked.retain(|said| !of(said));
        let Some(at) = self.persons.iter().position(|(known, _)| *known == person) else { return false };
        let (_, known) = self.persons.remove(at);
        let begins = known.counted.map_or(known.offered, |counted| counted.max(known.offered));
        self.erased.push((person, begins + 365 * DAY));
        self.posted.retain(|said| !of(said));
        true
    }

    /// Gives a credit back, by its number: whether that could be.
    pub fn give_back(&mut self, credit: usize, at: Hour, terms: &[ContractVersion]) -> bool {
        let Credit::Stands(of) = self.credits[credit] else { return false };
        self.credits[credit] = Credit::GivenBack;
        self.correct(-1, (of, at), terms);
        true
    }

    pub fn let_time_pass(&mut self, now: Hour, terms: &[ContractVersion]) {
        self.slots = self.slots.iter().map(|slot| let_pass(*slot, now, terms)).collect();
    }

    /// Does a deed to a slot: whether it follows.
    pub fn act(&mut self, slot: usize, deed: SlotDeed, now: Hour, terms: &[ContractVersion]) -> bool {
        use SlotStage as S;
        let mut of = let_pass(self.slots[slot], now, terms);
        let reviewed = of.granted + Hour::from(terms[of.terms].review_days) * DAY <= now;
        (of.stage, of.deadline) = match (of.stage, deed) {
            (S::Granted, SlotDeed::Reserve(until)) if until > now => (S::Reserved, Some(until)),
            (S::Reserved, SlotDeed::Confirm) => (S::Confirmed, of.deadline),
            (S::Confirmed, SlotDeed::Introduce) => (S::Introduced, of.deadline),
            (S::Introduced, SlotDeed::Redeem) if reviewed => (S::Redeemed, None),
            (S::Reserved | S::Confirmed | S::Introduced, SlotDeed::Release) => (S::Granted, None),
            (S::Granted | S::Reserved | S::Confirmed, SlotDeed::Void) => (S::Voided, None),
            _ => return false,
        };
        self.slots[slot] = of;
        true
    }

    /// Opens a dispute by the entry of this number.
    pub fn contest(&mut self, id: u64) {
        let terms = self.used.unwrap_or(self.versions.saturating_sub(1));
        self.used = Some(terms);
        self.disputes.push(Contested { id, terms, last: None });
    }

    /// Does something to a dispute, by its place: whether it follows.
    pub fn settle(&mut self, place: usize, deed: DisputeDeed, at: Hour, terms: &[ContractVersion]) -> bool {
        let Contested { terms: of, last, .. } = self.disputes[place];
        let follows = match (last, deed) {
            (Some(DisputeDeed::Accept), DisputeDeed::Adjust(credits)) => credits != 0,
            (_, DisputeDeed::Adjust(_)) => false,
            (last, _) => matches!(last, None | Some(DisputeDeed::Answer)),
        };
        if follows {
            self.disputes[place].last = Some(deed);
            let credits = if let DisputeDeed::Adjust(credits) = deed { credits } else { 0 };
            self.correct(credits, (of, at), terms);
        }
        follows
    }
}

/// What the clock does to a slot.
fn let_pass(mut slot: Slot, now: Hour, terms: &[ContractVersion]) -> Slot {
    let days = terms[slot.terms].slot_expiry_days;
    let is_over = days.is_some_and(|days| slot.granted + Hour::from(days) * DAY <= now);
    match slot.stage {
        SlotStage::Granted if is_over => slot.stage = SlotStage::Expired,
        SlotStage::Reserved | SlotStage::Confirmed if slot.deadline.is_some_and(|end| end <= now) => {
            (slot.stage, slot.deadline) = (SlotStage::Granted, None);
        }
        _ => {}
    }
    slot
}

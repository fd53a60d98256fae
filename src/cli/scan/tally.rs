//! What a scan adds up: months, rejections, people, templates, and what would be held back. No address, no content.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::{self, TimeZone};

use crate::classify::template::{Clusters, Specimen, TemplateId};
use crate::classify::{Rules, fingerprint_of};
use crate::ledger::ContractVersion;
use crate::mail::view::View;

/// Unreadable mails that are named.
pub(super) const NAMED_MAX: usize = 100;
/// Templates told apart.
const TEMPLATES_MAX: usize = 200;
/// Months told apart: more are those of broken dates.
const MONTHS_MAX: usize = 600;
/// Sender domains told apart.
const DOMAINS_MAX: usize = 100;
/// Rejections whose person and day are remembered, 24 octets each.
const SIGHTINGS_MAX: usize = 4_000_000;
/// Mailboxes of which it is remembered whom their mails were about.
const MAILBOXES_MAX: usize = 200_000;
/// People a mailbox gets rejections about, from which on it is an agency's.
pub(super) const PEOPLE_OF_AGENCY_MIN: usize = 3;

/// What became of a rejection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fate {
    /// It would get the line.
    Given,
    /// It is one, and something keeps the line out.
    HeldBack(&'static str),
    /// It may be one; HR would be asked.
    Doubtful,
}

/// One rejection, as far as it is remembered.
pub(super) struct Rejection<'a> {
    pub(super) fate: Fate,
    /// Who was told, each as a number that this run alone knows.
    pub(super) people: Vec<u64>,
    /// The domain of the first of them, and the mailbox as such a number.
    pub(super) mailbox: Option<(u64, String)>,
    pub(super) at: Option<Timestamp>,
    pub(super) view: &'a View,
}

/// One month.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Month {
    pub(super) mails: u64,
    pub(super) rejections: u64,
    pub(super) given: u64,
}

/// A template as it was met.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    /// What states its result, names left out.
    pub(super) excerpt: String,
    /// A mail of it.
    pub(super) example: String,
}

#[derive(Clone, Copy)]
struct Sighting {
    person: u64,
    day: i32,
    given: bool,
}

/// Everything that is added up.
pub(super) struct Tally {
    pub(super) mails: u64,
    pub(super) others: u64,
    pub(super) rejections: u64,
    pub(super) given: u64,
    pub(super) doubtful: u64,
    pub(super) held_back: BTreeMap<&'static str, u64>,
    pub(super) reasons: BTreeMap<&'static str, u64>,
    pub(super) months: BTreeMap<(i16, i8), Month>,
    pub(super) domains: BTreeMap<String, u64>,
    pub(super) unreadable: Vec<(String, String)>,
    pub(super) unreadable_count: u64,
    pub(super) clusters: Clusters,
    pub(super) shown: HashMap<TemplateId, Shown>,
    sightings: Vec<Sighting>,
    mailboxes: HashMap<u64, (String, HashSet<u64>)>,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            mails: 0,
            others: 0,
            rejections: 0,
            given: 0,
            doubtful: 0,
            held_back: BTreeMap::new(),
            reasons: BTreeMap::new(),
            months: BTreeMap::new(),
            domains: BTreeMap::new(),
            unreadable: Vec::new(),
            unreadable_count: 0,
            clusters: Clusters::new(TEMPLATES_MAX),
            shown: HashMap::new(),
            sightings: Vec::new(),
            mailboxes: HashMap::new(),
        }
    }

    pub(super) fn add_unreadable(&mut self, name: String, why: String) {
        self.unreadable_count += 1;
        if self.unreadable.len() < NAMED_MAX {
            self.unreadable.push((name, why));
        }
    }

    /// A mail of the company, whatever it says.
    pub(super) fn add_mail(&mut self, domain: &str, at: Option<Timestamp>) {
        self.mails += 1;
        if self.domains.contains_key(domain) || self.domains.len() < DOMAINS_MAX {
            *self.domains.entry(domain.to_owned()).or_default() += 1;
        }
        if let Some(month) = at.and_then(|at| self.month(at)) {
            month.mails += 1;
        }
    }

    fn month(&mut self, at: Timestamp) -> Option<&mut Month> {
        let day = in_japan(at);
        let key = (day.year(), day.month());
        let room = self.months.contains_key(&key) || self.months.len() < MONTHS_MAX;
        room.then(|| self.months.entry(key).or_default())
    }

    pub(super) fn add_rejection(&mut self, rejection: Rejection<'_>, example: (&Path, Option<usize>), rules: &Rules) {
        let Rejection { fate, people, mailbox, at, view } = rejection;
        if fate == Fate::Doubtful {
            self.doubtful += 1;
            return;
        }
        let given = fate == Fate::Given;
        self.rejections += 1;
        self.given += u64::from(given);
        if let Fate::HeldBack(code) = fate {
            *self.held_back.entry(code).or_default() += 1;
        }
        if let Some(month) = at.and_then(|at| self.month(at)) {
            month.rejections += 1;
            month.given += u64::from(given);
        }
        let day = at.map_or(0, |at| i32::try_from(at.as_second() / 86_400).unwrap_or(0));
        let room = SIGHTINGS_MAX.saturating_sub(self.sightings.len());
        self.sightings.extend(people.into_iter().take(room).map(|person| Sighting { person, day, given }));
        let Some((specimen, print)) = fingerprint_of(view, rules) else { return };
        self.note_mailbox(mailbox, &specimen);
        let shown = Shown { excerpt: specimen.excerpt(), example: name_of(example) };
        let (id, is_new) = self.clusters.add(specimen, print, at);
        if is_new {
            self.shown.insert(id, shown);
            let clusters = &self.clusters;
            self.shown.retain(|id, _| clusters.holds(*id));
        }
    }

    fn note_mailbox(&mut self, mailbox: Option<(u64, String)>, specimen: &Specimen) {
        let (Some((mailbox, domain)), Some(about)) = (mailbox, specimen.about()) else { return };
        if !self.mailboxes.contains_key(&mailbox) && self.mailboxes.len() >= MAILBOXES_MAX {
            return;
        }
        let (_, people) = self.mailboxes.entry(mailbox).or_insert_with(|| (domain, HashSet::new()));
        if people.len() < PEOPLE_OF_AGENCY_MIN {
            people.insert(about);
        }
    }

    /// Domains with a mailbox that gets rejections about several people: most likely agencies.
    pub(super) fn agencies(&self) -> Vec<String> {
        let several = self.mailboxes.values().filter(|(_, people)| people.len() >= PEOPLE_OF_AGENCY_MIN);
        let mut domains: Vec<String> = several.map(|(domain, _)| domain.clone()).collect();
        domains.sort();
        domains.dedup();
        domains
    }

    /// Distinct people among all rejections, and among those that would get the line.
    pub(super) fn people(&self) -> (usize, usize) {
        let distinct = |given: bool| {
            let people = self.sightings.iter().filter(|s| s.given || !given).map(|s| s.person);
            people.collect::<HashSet<u64>>().len()
        };
        (distinct(false), distinct(true))
    }

    /// Whether more rejections came than people could be told apart in.
    pub(super) fn is_cut(&self) -> bool {
        self.sightings.len() >= SIGHTINGS_MAX
    }

    /// People who would count under a contract: each once within its window. With `given`, of the mails with the line.
    pub(super) fn counted(&self, contract: &ContractVersion, given: bool) -> u64 {
        let mut sightings: Vec<Sighting> = self.sightings.iter().copied().filter(|s| s.given || !given).collect();
        sightings.sort_unstable_by_key(|s| (s.person, s.day));
        let window = i32::try_from(contract.person_window_days).unwrap_or(i32::MAX);
        let (mut counted, mut last): (u64, Option<(u64, i32)>) = (0, None);
        for Sighting { person, day, .. } in sightings {
            if last.is_none_or(|(known, from)| known != person || day - from >= window) {
                counted += 1;
                last = Some((person, day));
            }
        }
        counted
    }
}

/// The day in Japan.
pub(super) fn in_japan(at: Timestamp) -> jiff::civil::Date {
    at.to_zoned(TimeZone::fixed(tz::offset(9))).date()
}

/// A mail's name: its file, and its number where that holds several.
pub(super) fn name_of((path, number): (&Path, Option<usize>)) -> String {
    number.map_or_else(|| path.display().to_string(), |number| format!("{} #{number}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(sightings: &[(u64, i32)]) -> u64 {
        let mut tally = Tally::new();
        tally.sightings =
            sightings.iter().map(|(person, day)| Sighting { person: *person, day: *day, given: true }).collect();
        tally.counted(&ContractVersion::new("standard", 1, jiff::civil::date(2026, 1, 1)), true)
    }

    #[test]
    fn a_person_counts_once_within_the_window_in_whatever_order_his_mails_lie() {
        assert_eq!(counted(&[(1, 10), (2, 10), (1, 5)]), 2);
        assert_eq!(counted(&[(1, 370), (1, 5)]), 2);
        assert_eq!(counted(&[(1, 369), (1, 5), (1, 200)]), 1);
        assert_eq!(counted(&[]), 0);
    }
}

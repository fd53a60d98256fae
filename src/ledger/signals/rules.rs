//! The rules, one for each name. The bounds they go by stand in `bounds`.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::bounds::{self, Crowd};
use super::crowd::{Found, crowds};
use super::{Credit, History, Signal, SignalName};
use crate::referral::{DomainClass, Mark};

/// What a rule sees in a history; nothing in an honest one.
pub(super) fn look(history: &History, name: SignalName) -> Option<Signal> {
    let credits = history.uncleared(name);
    let found = match name {
        SignalName::OneDomain => among(&credits, bounds::ONE_DOMAIN, owner),
        SignalName::UnlistedDomains => among(&credits, bounds::UNLISTED, |credit| is_private(credit).then_some(())),
        SignalName::NumberedNames => among(&credits, bounds::NUMBERED, |credit| credit.traits?.shape),
        SignalName::MailboxVariants => variants(&credits),
        SignalName::DisposableDomains => among(&credits, bounds::DISPOSABLE, |credit| {
            credit.traits.is_some_and(|traits| traits.class == DomainClass::Disposable).then_some(())
        }),
        SignalName::InventedNames => invented(history, &credits),
        SignalName::ManyBounces => among(&credits, bounds::BOUNCED, |credit| credit.bounced.then_some(())),
        SignalName::Volume => volume(history, &credits),
        SignalName::NoRegistrations => no_registrations(history, &credits),
        SignalName::CountedAfterOptout => {
            among(&credits, bounds::AFTER_OPTOUT, |credit| credit.opted_out.then_some(()))
        }
        SignalName::ManyErasures => many_erasures(history, &credits),
        SignalName::EnteredLate => crowds(&credits, bounds::LATE, |c| c.posted, |credit| is_late(credit).then_some(())),
        SignalName::SamePeopleAgain => among(&credits, bounds::AGAIN, |credit| credit.again.then_some(())),
    };
    Signal::on(name, &found.credits, found.of)
}

fn among<'a, K: Eq + std::hash::Hash>(
    credits: &[&'a Credit],
    bound: Crowd,
    kind: impl Fn(&Credit) -> Option<K>,
) -> Found<'a> {
    crowds(credits, bound, |credit| credit.at, kind)
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(days * 24)
}

fn is_private(credit: &Credit) -> bool {
    credit.traits.is_some_and(|traits| traits.class == DomainClass::Private)
}

/// The owner of a domain that no list knows.
fn owner(credit: &Credit) -> Option<Mark> {
    credit.traits.filter(|traits| traits.class == DomainClass::Private)?.domain
}

fn is_late(credit: &Credit) -> bool {
    credit.posted.duration_since(credit.at) >= days(bounds::LATE_DAYS)
}

/// One mailbox with several spellings, or several mailboxes with two: each spelling was counted as a person.
fn variants<'a>(credits: &[&'a Credit]) -> Found<'a> {
    let mut by_mailbox: HashMap<Mark, usize> = HashMap::new();
    for credit in credits.iter().filter(|credit| !credit.again) {
        *by_mailbox.entry(credit.mailbox).or_default() += 1;
    }
    let spellings = |credit: &Credit| if credit.again { 0 } else { by_mailbox[&credit.mailbox] };
    let one = Crowd { people: bounds::VARIANTS_OF_ONE, percent: 0, ..bounds::VARIANTS };
    let mut found = among(credits, one, |credit| (spellings(credit) >= one.people).then_some(credit.mailbox));
    let pairs = Crowd { people: bounds::VARIANTS.people * 2, ..bounds::VARIANTS };
    let several = among(credits, pairs, |credit| (spellings(credit) >= 2).then_some(()));
    found.credits.extend(several.credits);
    found.of = found.of.max(several.of);
    found
}

/// A mail to many names of one owner, or to many names of whom hardly half are there.
fn invented<'a>(history: &History, credits: &[&'a Credit]) -> Found<'a> {
    let (people, percent) = bounds::NAMES_OF_ONE_MAIL;
    let (guessed, present) = bounds::GUESSED_NAMES;
    let guessed: Vec<usize> = history
        .bulk
        .iter()
        .filter(|mail| mail.offered >= guessed && u64::from(mail.taken) * 100 <= u64::from(mail.offered * present))
        .filter(|mail| history.now.duration_since(mail.at) >= days(bounds::GUESSED_AFTER_DAYS))
        .map(|mail| mail.mail)
        .collect();
    let mut of_one: HashMap<(usize, Mark), usize> = HashMap::new();
    for credit in credits {
        if let Some(owner) = owner(credit) {
            *of_one.entry((credit.mail, owner)).or_default() += 1;
        }
    }
    let is_of_one = |credit: &Credit| {
        let offered = credit.traits.map_or(0, |traits| traits.offered as usize);
        let names = owner(credit).and_then(|owner| of_one.get(&(credit.mail, owner))).copied().unwrap_or(0);
        names >= people && names * 100 >= offered * percent
    };
    let is_found = |credit: &&&Credit| guessed.contains(&credit.mail) || is_of_one(credit);
    let found: Vec<&Credit> = credits.iter().filter(is_found).copied().collect();
    Found { of: found.len(), credits: found }
}

/// A month that is a multiple of the busiest one of the year before it, with addresses of another kind.
fn volume<'a>(history: &'a History, uncleared: &[&'a Credit]) -> Found<'a> {
    let bound = bounds::VOLUME;
    let mut all: Vec<&Credit> = history.credits.iter().collect();
    all.sort_by_key(|credit| (credit.at, credit.seq));
    // In front of each place: how many of those with traits were private, and how many had traits.
    let mut sums = vec![(0usize, 0usize)];
    for credit in &all {
        let (private, known) = sums[sums.len() - 1];
        sums.push((private + usize::from(is_private(credit)), known + usize::from(credit.traits.is_some())));
    }
    let share = |from: usize, to: usize| {
        let (private, known) = (sums[to].0 - sums[from].0, sums[to].1 - sums[from].1);
        (private * 100).checked_div(known).unwrap_or(0)
    };
    let (month, year) = (starts(&all, 30), starts(&all, 395));
    // Places of busy months in front of the one that is looked at, the busiest first.
    let (mut busiest, mut next): (VecDeque<usize>, usize) = (VecDeque::new(), 0);
    let size = |place: usize| place + 1 - month[place];
    let mut found = Found::default();
    for place in 0..all.len() {
        while next < month[place] {
            while busiest.back().is_some_and(|other| size(*other) <= size(next)) {
                busiest.pop_back();
            }
            busiest.push_back(next);
            next += 1;
        }
        while busiest.front().is_some_and(|other| *other < year[place]) {
            busiest.pop_front();
        }
        let Some(busiest) = busiest.front().map(|other| size(*other)) else { continue };
        let (start, people) = (month[place], size(place));
        let lasts = all[start].at.duration_since(all[year[place]].at) >= days(bound.history_days);
        let burst = people >= bound.people && people >= busiest * bound.times;
        let changed = share(start, place + 1) >= bound.percent_now && share(year[place], start) <= bound.percent_before;
        if lasts && burst && changed {
            found.credits.extend(all[start..=place].iter().filter(|credit| is_private(credit)));
            found.of = found.of.max(people);
        }
    }
    let least = uncleared.first().map_or(u64::MAX, |credit| credit.seq);
    found.credits.retain(|credit| credit.seq >= least);
    found
}

/// For each place in a list by time, the first place that is less than so many days older.
fn starts(all: &[&Credit], length: i64) -> Vec<usize> {
    let mut start = 0;
    let of = |credit: &&Credit| {
        while credit.at.duration_since(all[start].at) >= days(length) {
            start += 1;
        }
        start
    };
    all.iter().map(of).collect()
}

/// Of people who had time to register hardly one did, where the fleet's did.
fn no_registrations<'a>(history: &History, credits: &[&'a Credit]) -> Found<'a> {
    let (own, fleet) = (history.own, history.fleet);
    let is_rate = fleet.companies >= bounds::FLEET.0 && fleet.registered >= bounds::FLEET.1 && fleet.referred > 0;
    let awaited = if is_rate { own.referred.saturating_mul(fleet.registered) / fleet.referred } else { 0 };
    let none = awaited >= bounds::AWAITED_FOR_NONE && own.registered == 0;
    let few = awaited >= bounds::AWAITED_FOR_FEW && own.registered * 10 < awaited;
    if !none && !few {
        return Found::default();
    }
    let had_time = |credit: &&&Credit| history.now.duration_since(credit.at) >= days(bounds::REGISTERS_WITHIN_DAYS);
    let credits: Vec<&Credit> = credits.iter().filter(had_time).copied().collect();
    Found { of: credits.len(), credits }
}

/// Many persons erased by somebody: what was counted in the same stretch of days, and posted from the first of them on.
fn many_erasures<'a>(history: &History, credits: &[&'a Credit]) -> Found<'a> {
    let bound = bounds::ERASED;
    let mut found = Found::default();
    for first in &history.erased {
        let end = first.checked_add(days(bound.days)).unwrap_or(Timestamp::MAX);
        let begin = end.checked_sub(days(bound.days * 2)).unwrap_or(Timestamp::MIN);
        let erased = history.erased.iter().filter(|at| (*first..end).contains(*at)).count();
        let counted = credits.iter().filter(|credit| (begin..end).contains(&credit.posted)).count();
        if erased >= bound.people && erased * 100 >= counted * bound.percent {
            found.credits.extend(credits.iter().filter(|credit| (*first..end).contains(&credit.posted)));
            found.of = found.of.max(counted);
        }
    }
    found
}

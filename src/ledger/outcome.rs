//! What became of people behind their referrals, in totals: how many came to each stage in a period, and how long they
//! took to new work.
//!
//! It stands on the entries alone, by the commitments to persons, so that whoever has the entries counts the same, also
//! when persons were erased since; and on the totals of months that name nobody. Small numbers are not taken out here.

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};

use super::chain::Hash;
use super::entry::Kind;

/// Japan has had no other offset since 1951.
const JAPAN: Offset = Offset::constant(9);
/// Who leaves within so many months of his first day has not stayed, as agencies have to say it in Japan.
const STAYED_MONTHS: i32 = 6;
/// The official spans from referral to new work: under 15 days, to a month, to 3, to 6 and to 12 months, and longer.
/// The upper ends in days; a month has 30.
pub const SPAN_DAYS: [i64; 5] = [15, 30, 90, 180, 360];

/// What was told of one referral: the first time of each stage.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Outcome {
    offered: Timestamp,
    registered: Option<Timestamp>,
    supported: Option<Timestamp>,
    reemployed: Option<Timestamp>,
    left: Option<Timestamp>,
}

impl Outcome {
    fn at(&self, kind: Kind) -> Option<Timestamp> {
        match kind {
            Kind::Registered => self.registered,
            Kind::Supported => self.supported,
            Kind::Reemployed => self.reemployed,
            Kind::Left => self.left,
            _ => None,
        }
    }

    /// Whole days from the referral to the first day at work. A list that knows days alone says midnight, which may
    /// lie in front of the mail.
    fn days_to_work(&self) -> Option<i64> {
        Some((self.reemployed?.duration_since(self.offered).as_hours() / 24).max(0))
    }

    /// Whether he has left the work soon; not where his first day is not known.
    fn left_soon(&self) -> bool {
        let soon = |began: Timestamp| began.to_zoned(TimeZone::fixed(JAPAN)).checked_add(STAYED_MONTHS.months());
        let ends = self.reemployed.and_then(|began| soon(began).ok());
        self.left.zip(ends).is_some_and(|(left, ends)| left < ends.timestamp())
    }
}

/// Persons by their commitments, with what was told of each of their referrals.
#[derive(Clone, Debug, Default)]
pub struct People(HashMap<Hash, Vec<Outcome>>);

impl People {
    /// Takes the next entry of the chain about a person. Kinds that are neither an offer nor told by the operator say
    /// nothing here.
    pub fn take(&mut self, person: Hash, kind: Kind, at: Timestamp) {
        let referrals = self.0.entry(person).or_default();
        if kind == Kind::Offered {
            referrals.push(Outcome { offered: at, ..Outcome::default() });
            return;
        }
        let Some(newest) = referrals.last_mut() else { return };
        let told = match kind {
            Kind::Registered => &mut newest.registered,
            Kind::Supported => &mut newest.supported,
            Kind::Reemployed => &mut newest.reemployed,
            Kind::Left => &mut newest.left,
            _ => return,
        };
        *told = Some(told.map_or(at, |known| known.min(at)));
    }

    /// The referral by which each person came to a stage in a period; a person is there once.
    fn in_period(&self, kind: Kind, (from, until): (Timestamp, Timestamp)) -> Vec<&Outcome> {
        let within = |outcome: &&Outcome| outcome.at(kind).is_some_and(|at| (from..until).contains(&at));
        self.0.values().filter_map(|referrals| referrals.iter().find(within)).collect()
    }
}

/// What the operator reported of a month where he named nobody.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MonthTotal {
    /// The first instant of the month in Japan, and the first one behind it.
    pub span: (Timestamp, Timestamp),
    /// The stage.
    pub kind: Kind,
    /// How many came to it.
    pub people: u64,
}

/// The instants of a month such as `2026-11` in Japan; nothing when there is no such month.
pub fn month_span(text: &str) -> Option<(Timestamp, Timestamp)> {
    let day: Date = format!("{text}-01").parse().ok()?;
    let start = |day: Date| day.to_zoned(TimeZone::fixed(JAPAN)).ok().map(|zoned| zoned.timestamp());
    Some((start(day)?, start(day.checked_add(1.month()).ok()?)?))
}

/// What became of the people of a company in a period. A stage of which the operator has said nothing is nothing, and
/// never 0.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Outcomes {
    /// Who registered in it.
    pub registered: Option<u64>,
    /// Who first had an adviser in it.
    pub supported: Option<u64>,
    /// Who began to work in it.
    pub reemployed: Option<u64>,
    /// Who left such work in it, less than six months after the first day.
    pub left: Option<u64>,
    /// Those named who began to work, by the time from the referral: the spans of [`SPAN_DAYS`], the last one is
    /// longer; nothing when nobody was named.
    pub spans: Option<[u64; 6]>,
    /// The middle of these times in days, the earlier one of two.
    pub median_days: Option<u64>,
}

/// Counts who came to each stage from `from` until before `until`. A total counts where its whole month is in the
/// period, and the operator has named nobody for that month and stage.
pub fn outcomes(people: &People, totals: &[MonthTotal], period: (Timestamp, Timestamp)) -> Outcomes {
    let count = |kind: Kind| {
        let named = people.in_period(kind, period);
        let counts = |total: &&MonthTotal| {
            let whole = total.span.0 >= period.0 && total.span.1 <= period.1;
            whole && total.kind == kind && people.in_period(kind, total.span).is_empty()
        };
        let months: Vec<u64> = totals.iter().filter(counts).map(|total| total.people).collect();
        let of_named = named.iter().filter(|outcome| kind != Kind::Left || outcome.left_soon()).count() as u64;
        let told = !named.is_empty() || !months.is_empty();
        told.then(|| months.iter().fold(of_named, |sum, people| sum.saturating_add(*people)))
    };
    let began = people.in_period(Kind::Reemployed, period);
    let mut days: Vec<i64> = began.iter().filter_map(|outcome| outcome.days_to_work()).collect();
    days.sort_unstable();
    let mut spans = [0_u64; 6];
    for day in &days {
        spans[SPAN_DAYS.iter().position(|end| day < end).unwrap_or(SPAN_DAYS.len())] += 1;
    }
    Outcomes {
        registered: count(Kind::Registered),
        supported: count(Kind::Supported),
        reemployed: count(Kind::Reemployed),
        left: count(Kind::Left),
        spans: (!days.is_empty()).then_some(spans),
        median_days: days.get(days.len().saturating_sub(1) / 2).map(|day| day.unsigned_abs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A time so many days behind 1 April 2026 in Japan.
    fn day(n: i64) -> Timestamp {
        Timestamp::from_second(1_774_969_200 + n * 86_400).unwrap_or_default()
    }

    /// People by words `person:kind:day`, in the order of the chain.
    fn people(words: &str) -> People {
        let mut people = People::default();
        for word in words.split_whitespace() {
            let parts: Vec<&str> = word.split(':').collect();
            let [person, kind, at] = parts[..] else { panic!("{word}") };
            let kind = match kind {
                "off" => Kind::Offered,
                "reg" => Kind::Registered,
                "sup" => Kind::Supported,
                "emp" => Kind::Reemployed,
                "left" => Kind::Left,
                _ => Kind::Bounced,
            };
            people.take([person.parse().unwrap_or_default(); 32], kind, day(at.parse().unwrap_or_default()));
        }
        people
    }

    fn totals(words: &str) -> Vec<MonthTotal> {
        let total = |word: &str| {
            let parts: Vec<&str> = word.split(':').collect();
            let [month, kind, people] = parts[..] else { panic!("{word}") };
            let kind = if kind == "reg" { Kind::Registered } else { Kind::Reemployed };
            let span = month_span(month).unwrap_or_else(|| panic!("{word}"));
            MonthTotal { span, kind, people: people.parse().unwrap_or_default() }
        };
        words.split_whitespace().map(total).collect()
    }

    /// Entries and totals; registered, supported, re-employed and left from day `from` until day `until`.
    fn check(entries: &str, reported: &str, (from, until): (i64, i64), expected: &str) {
        let found = outcomes(&people(entries), &totals(reported), (day(from), day(until)));
        let stages = [found.registered, found.supported, found.reemployed, found.left];
        let shown = stages.map(|stage| stage.map_or("-".to_owned(), |people| people.to_string()));
        assert_eq!(shown.join(" "), expected, "{entries} {reported}");
    }

    #[test]
    fn a_stage_counts_people_once_in_the_period_in_which_it_first_came() {
        let story = "1:off:0 2:off:0 1:reg:5 2:reg:6 1:reg:40 1:sup:9 1:bounce:9";
        check(story, "", (0, 365), "2 1 - -");
        check(story, "", (6, 365), "1 1 - -");
        check(story, "", (7, 365), "- 1 - -");
        // A list that comes in another order says the same.
        check("1:off:0 1:reg:40 1:reg:5", "", (6, 365), "- - - -");
        // A referral behind the window is a new one; the person is there once.
        check("1:off:0 1:reg:5 1:off:400 1:reg:405", "", (0, 400), "1 - - -");
        check("1:off:0 1:reg:5 1:off:400 1:reg:405", "", (400, 800), "1 - - -");
        check("1:off:0 1:reg:5 1:off:10 1:reg:15", "", (0, 400), "1 - - -");
    }

    #[test]
    fn what_nobody_told_is_nothing_and_a_told_0_is_0() {
        check("1:off:0", "", (0, 365), "- - - -");
        check("1:off:0", "2026-04:reg:0", (0, 365), "0 - - -");
        // Who left later than six months is known to have stayed; of whom no first day is known, nothing.
        check("1:off:0 1:emp:10 1:left:192", "", (0, 365), "- - 1 1");
        check("1:off:0 1:emp:10 1:left:193", "", (0, 365), "- - 1 0");
        check("1:off:0 1:left:100", "", (0, 365), "- - - 0");
    }

    #[test]
    fn totals_count_in_whole_months_of_which_nobody_is_named() {
        let named = "1:off:0 2:off:0 1:reg:5 2:reg:6";
        check(named, "2026-04:reg:50 2026-05:reg:7 2026-05:emp:3", (0, 365), "9 - 3 -");
        check(named, "2026-05:reg:7", (0, 60), "2 - - -");
        check(named, "2026-05:reg:7", (0, 61), "9 - - -");
        check("", "2026-04:reg:50 2026-05:reg:7", (0, 61), "57 - - -");
        check("", "2026-04:reg:50", (1, 365), "- - - -");
    }

    /// People referred on day 0 who began to work on these days; the spans, and the middle.
    fn check_times(days: &[i64], spans: Option<[u64; 6]>, median: Option<u64>) {
        let mut people = People::default();
        for (n, at) in days.iter().enumerate() {
            let person = [u8::try_from(n).unwrap_or_default(); 32];
            people.take(person, Kind::Offered, day(0));
            people.take(person, Kind::Reemployed, day(*at));
        }
        let found = outcomes(&people, &[], (day(0), day(1000)));
        assert_eq!((found.spans, found.median_days), (spans, median), "{days:?}");
    }

    #[test]
    fn times_to_new_work_fall_into_the_official_spans() {
        check_times(&[0, 14], Some([2, 0, 0, 0, 0, 0]), Some(0));
        check_times(&[15, 29], Some([0, 2, 0, 0, 0, 0]), Some(15));
        check_times(&[30, 89, 90], Some([0, 0, 2, 1, 0, 0]), Some(89));
        check_times(&[179, 180, 359, 360], Some([0, 0, 0, 1, 2, 1]), Some(180));
        check_times(&[], None, None);
    }
}

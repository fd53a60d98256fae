//! What became of people behind their referrals, in totals: how many by stage, and how long they took to new work.
//!
//! Figures of few people are not shown: with so few, it could be told who they are.

use jiff::Timestamp;

/// What the operator has told of one person: the first time of each.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Outcome {
    /// When the referral was offered.
    pub offered: Timestamp,
    /// When the person registered.
    pub registered: Option<Timestamp>,
    /// When he first had an adviser.
    pub supported: Option<Timestamp>,
    /// When he began to work.
    pub reemployed: Option<Timestamp>,
    /// When he left that work.
    pub left: Option<Timestamp>,
}

/// A figure as it may be shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shown {
    /// So many.
    Count(u64),
    /// Some, and fewer than may be shown; or as many as would tell such a figure beside it.
    Few,
}

impl Shown {
    /// The figure, if it may be shown.
    pub fn count(self) -> Option<u64> {
        match self {
            Self::Count(count) => Some(count),
            Self::Few => None,
        }
    }
}

/// The official spans from referral to new work: under 15 days, to a month, to 3, to 6 and to 12 months, and longer.
/// The upper ends in days; a month has 30.
pub const SPAN_DAYS: [i64; 5] = [15, 30, 90, 180, 360];

/// What became of the people of a company in a period.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outcomes {
    /// Who registered in it.
    pub registered: Shown,
    /// Who first had an adviser in it.
    pub supported: Shown,
    /// Who began to work in it.
    pub reemployed: Shown,
    /// Who left such work in it.
    pub left: Shown,
    /// Those who began to work, by the time from the referral: the spans of [`SPAN_DAYS`], the last one is longer.
    pub spans: [Shown; 6],
    /// The middle of these times in days; nothing of so few that no figure is shown of them.
    pub median_days: Option<i64>,
}

/// Counts who came to each stage from `from` until before `until`; figures below `few` are not shown, and beside one of
/// those the next one that would tell it by the total is not either.
pub fn outcomes(people: &[Outcome], (from, until): (Timestamp, Timestamp), few: u64) -> Outcomes {
    let within = |at: Option<Timestamp>| at.filter(|at| (from..until).contains(at));
    let count = |of: fn(&Outcome) -> Option<Timestamp>| {
        let found = people.iter().filter(|person| within(of(person)).is_some()).count() as u64;
        show(found, few)
    };
    let began = people.iter().filter_map(|person| Some((person.offered, within(person.reemployed)?)));
    // A list that knows days alone says midnight, which may lie in front of the mail.
    let mut days: Vec<i64> =
        began.map(|(offered, began)| (began.duration_since(offered).as_hours() / 24).max(0)).collect();
    days.sort_unstable();
    let mut spans = [0_u64; 6];
    for day in &days {
        spans[SPAN_DAYS.iter().position(|end| day < end).unwrap_or(SPAN_DAYS.len())] += 1;
    }
    let median = days.get(days.len().saturating_sub(1) / 2).copied();
    Outcomes {
        registered: count(|person| person.registered),
        supported: count(|person| person.supported),
        reemployed: count(|person| person.reemployed),
        left: count(|person| person.left),
        spans: show_parts(spans, few),
        median_days: median.filter(|_| days.len() as u64 >= few),
    }
}

fn show(count: u64, few: u64) -> Shown {
    if (1..few).contains(&count) { Shown::Few } else { Shown::Count(count) }
}

/// Parts of a total that is shown. Where what is hidden is one part alone, the total less the others tells it: then the
/// smallest of the others that has people is hidden too, or where there is none, an empty one.
fn show_parts<const N: usize>(parts: [u64; N], few: u64) -> [Shown; N] {
    let mut shown = parts.map(|count| show(count, few));
    if shown.iter().filter(|part| **part == Shown::Few).count() == 1 {
        let open = (0..N).filter(|at| shown[*at] != Shown::Few);
        if let Some(at) = open.min_by_key(|at| (parts[*at] == 0, parts[*at])) {
            shown[at] = Shown::Few;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + n * 86_400).unwrap_or_default()
    }

    /// People referred on day 0 who began to work on these days; the spans, and the middle.
    fn check(days: &[i64], spans: &str, median: Option<i64>) {
        let person = |n: &i64| Outcome { offered: day(0), reemployed: Some(day(*n)), ..Outcome::default() };
        let people: Vec<Outcome> = days.iter().map(person).collect();
        let found = outcomes(&people, (day(0), day(1000)), 5);
        let text = |part: &Shown| part.count().map_or("few".to_owned(), |count| count.to_string());
        assert_eq!(found.spans.iter().map(text).collect::<Vec<_>>().join(" "), spans, "{days:?}");
        assert_eq!(found.median_days, median, "{days:?}");
    }

    #[test]
    fn times_to_new_work_fall_into_the_official_spans() {
        let five = |n: i64| [n; 5];
        check(&[five(0), five(14)].concat(), "10 0 0 0 0 0", Some(0));
        check(&[five(15), five(29)].concat(), "0 10 0 0 0 0", Some(15));
        check(&[five(30), five(89), five(90)].concat(), "0 0 10 5 0 0", Some(89));
        check(&[five(179), five(180), five(360)].concat(), "0 0 0 5 5 5", Some(180));
        check(&[], "0 0 0 0 0 0", None);
    }

    #[test]
    fn figures_of_few_people_are_hidden_and_no_other_figure_tells_them() {
        check(&[1, 2, 3, 4], "few few 0 0 0 0", None);
        check(&[1, 20, 20, 20, 20, 20, 20, 100, 100, 100, 100, 100], "few 6 0 few 0 0", Some(20));
        check(&[1, 20, 100, 200, 400], "few few 0 few few few", Some(100));
    }

    #[test]
    fn a_stage_counts_in_the_period_in_which_it_came() {
        let person = |n: i64| Outcome { offered: day(0), registered: Some(day(n)), ..Outcome::default() };
        let people: Vec<Outcome> = (0..20).map(person).collect();
        let of = |from, until| outcomes(&people, (day(from), day(until)), 5).registered;
        assert_eq!(of(0, 20), Shown::Count(20));
        assert_eq!(of(15, 40), Shown::Count(5));
        assert_eq!(of(16, 40), Shown::Few);
        assert_eq!(of(20, 40), Shown::Count(0));
    }
}

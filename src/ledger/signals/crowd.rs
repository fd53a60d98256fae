//! Finding crowds: people of one kind who are too many of all in a stretch of days.

use std::collections::HashMap;
use std::hash::Hash;

use jiff::{SignedDuration, Timestamp};

use super::Credit;
use super::bounds::Crowd;

/// A crowd: its credits, and how many there were in all at its largest.
#[derive(Debug, Default)]
pub(super) struct Found<'a> {
    pub credits: Vec<&'a Credit>,
    pub of: usize,
}

/// Every stretch in which people of one kind reach the bound; `kind` gives nothing for people of none. `time` says when
/// a credit is looked at.
pub(super) fn crowds<'a, K: Eq + Hash>(
    credits: &[&'a Credit],
    bound: Crowd,
    time: impl Fn(&Credit) -> Timestamp,
    kind: impl Fn(&Credit) -> Option<K>,
) -> Found<'a> {
    let mut all: Vec<(Timestamp, &Credit)> = credits.iter().map(|credit| (time(credit), *credit)).collect();
    all.sort_by_key(|(at, credit)| (*at, credit.seq));
    let mut kinds: HashMap<K, Vec<usize>> = HashMap::new();
    for (place, (_, credit)) in all.iter().enumerate() {
        if let Some(kind) = kind(credit) {
            kinds.entry(kind).or_default().push(place);
        }
    }
    let starts = starts(&all, bound.days);
    let mut found = Found::default();
    for members in kinds.values().filter(|members| members.len() >= bound.people) {
        let mut taken = 0;
        for last in 0..members.len() {
            let start = starts[members[last]];
            let first = members.partition_point(|place| *place < start);
            let (people, in_all) = (last + 1 - first, members[last] + 1 - start);
            if people >= bound.people && people * 100 >= in_all * bound.percent {
                found.credits.extend(members[first.max(taken)..=last].iter().map(|place| all[*place].1));
                taken = last + 1;
                found.of = found.of.max(in_all);
            }
        }
    }
    found
}

/// For each place in a list by time, the first place that is less than so many days older.
fn starts(all: &[(Timestamp, &Credit)], days: i64) -> Vec<usize> {
    let stretch = SignedDuration::from_hours(days * 24);
    let mut start = 0;
    let of = |(at, _): &(Timestamp, &Credit)| {
        while at.duration_since(all[start].0) >= stretch {
            start += 1;
        }
        start
    };
    all.iter().map(of).collect()
}

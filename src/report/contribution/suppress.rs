//! Small numbers: which figures an audience may not see, so that neither they nor what they add up to tell of a few
//! people.
//!
//! No count of people from 1 to k - 1 is shown. What became of people is a chain, each stage within the one before it;
//! there no difference of two shown stages may be that small either. The times to re-employment are parts of a whole:
//! what is not shown of them is together 0 or at least k.

use super::figure::{Figure, Key, Unit, Value};

/// Who a report is for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Audience {
    /// The company's own people.
    #[default]
    Inside,
    /// Those it shares the report with.
    Shared,
    /// Everybody.
    Public,
}

/// Each stage is within the one before it.
const CHAIN: [Key; 5] = [Key::Offered, Key::Registered, Key::Supported, Key::Reemployed, Key::Left];

impl Audience {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Inside, Self::Shared, Self::Public];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Shared => "shared",
            Self::Public => "public",
        }
    }

    /// Reads a code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|audience| audience.code() == code)
    }

    /// The smallest number of people above 0 that may be shown.
    pub fn least(self) -> u64 {
        match self {
            Self::Inside => 5,
            Self::Shared => 10,
            Self::Public => 20,
        }
    }

    /// Takes out what this audience may not see.
    pub(super) fn withhold(self, figures: &mut [Figure]) {
        let is_small = |number: u64| (1..self.least()).contains(&number);
        let total = number_of(figures, Key::Reemployed);
        for figure in figures.iter_mut() {
            let counts = matches!(figure.key.unit(), Unit::People | Unit::Mails);
            if counts && figure.value.number().is_some_and(is_small) {
                hide(figure);
            }
        }
        let mut above: Option<u64> = None;
        for key in CHAIN {
            let Some(figure) = figures.iter_mut().find(|figure| figure.key == key) else { continue };
            let Some(number) = figure.value.number() else { continue };
            if above.is_some_and(|above| is_small(above.abs_diff(number))) {
                hide(figure);
            } else {
                above = Some(number);
            }
        }
        self.withhold_times(figures, total);
    }

    /// `total` is the number of people who began to work, as far as it was reported.
    fn withhold_times(self, figures: &mut [Figure], total: Option<u64>) {
        let is_small = |number: u64| (1..self.least()).contains(&number);
        let Some(n) = number_of_n(figures, Key::MedianDays) else { return };
        let total_is_shown = number_of(figures, Key::Reemployed).is_some() || total.is_none();
        loop {
            let shown = Key::TIMES.iter().filter_map(|key| number_of(figures, *key)).sum::<u64>();
            let hidden = total.unwrap_or(n).max(n) - shown;
            if shown == 0 || (total_is_shown && !is_small(hidden)) {
                break;
            }
            let parts = figures.iter_mut().filter(|figure| Key::TIMES.contains(&figure.key));
            let least = parts.filter(|figure| figure.value.number().is_some_and(|number| number > 0));
            if let Some(figure) = least.min_by_key(|figure| figure.value.number()) {
                hide(figure);
            }
        }
        let Some(median) = figures.iter_mut().find(|figure| figure.key == Key::MedianDays) else { return };
        if !total_is_shown || is_small(n) {
            if median.value != Value::NotReported {
                median.value = Value::Withheld;
            }
            median.n = Value::Withheld;
        } else if total.is_some_and(|total| is_small(total.abs_diff(n))) {
            median.n = Value::Withheld;
        }
    }
}

fn number_of(figures: &[Figure], key: Key) -> Option<u64> {
    figures.iter().find(|figure| figure.key == key)?.value.number()
}

fn number_of_n(figures: &[Figure], key: Key) -> Option<u64> {
    figures.iter().find(|figure| figure.key == key)?.n.number()
}

fn hide(figure: &mut Figure) {
    (figure.value, figure.n) = (Value::Withheld, Value::Withheld);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::contribution::{Input, Measured, Reference, Reported, Times};
    use proptest::prelude::*;

    fn input(offered: u64, chain: [Option<u64>; 4], spans: Option<[u64; 6]>) -> Input {
        let [registered, supported, reemployed, left] = chain;
        let times = spans.map(|[buckets @ .., longer]| Times { buckets, longer, median_days: Some(40) });
        Input {
            measured: Measured { offered, accepted: offered, ..Measured::default() },
            reported: Reported { registered, supported, reemployed, left, times },
        }
    }

    /// What is shown inside of the chain, of the times, and of the median with its n: a number,
    /// `.` where it is withheld, `-` where it was not reported.
    fn check(input: &Input, expected: &str) {
        let figures = input.figures(Audience::Inside, &Reference::default());
        let shown = |value: Value| match value {
            Value::Shown(number) => number.to_string(),
            Value::Withheld => ".".to_owned(),
            Value::NotReported => "-".to_owned(),
        };
        let of = |keys: &[Key]| {
            let values = keys.iter().filter_map(|key| figures.iter().find(|figure| figure.key == *key));
            values.map(|figure| shown(figure.value)).collect::<Vec<_>>().join(" ")
        };
        let median = figures.iter().find(|figure| figure.key == Key::MedianDays).expect("a median");
        let text = format!("{} | {} | {} {}", of(&CHAIN), of(&Key::TIMES), shown(median.value), shown(median.n));
        assert_eq!(text, expected, "{input:?}");
    }

    #[test]
    fn what_is_small_or_gives_something_small_away_is_not_shown() {
        let some = |chain: [u64; 4]| chain.map(Some);
        check(&input(40, [None; 4], None), "40 - - - - | - - - - - | - -");
        check(&input(40, some([30, 20, 10, 5]), None), "40 30 20 10 5 | - - - - - | - -");
        check(&input(4, some([0, 0, 0, 0]), None), ". 0 0 0 0 | - - - - - | - -");
        // Two of forty did not register; 18 - 15 would tell of three.
        check(&input(40, some([38, 20, 15, 1]), None), "40 . 20 15 . | - - - - - | - -");
        check(&input(40, some([18, 18, 15, 9]), None), "40 18 18 . 9 | - - - - - | - -");
        check(&input(40, some([30, 20, 15, 0]), Some([5, 5, 5, 0, 0, 0])), "40 30 20 15 0 | 5 5 5 0 0 | 40 15");
        // One small part would be the whole less the others.
        check(&input(40, some([30, 20, 15, 0]), Some([2, 6, 7, 0, 0, 0])), "40 30 20 15 0 | . . 7 0 0 | 40 15");
        // Two small parts that are small together.
        check(&input(40, some([30, 20, 15, 0]), Some([2, 2, 11, 0, 0, 0])), "40 30 20 15 0 | . . . 0 0 | 40 15");
        // Three whom it took longer.
        check(&input(40, some([30, 20, 15, 0]), Some([6, 6, 0, 0, 0, 0])), "40 30 20 15 0 | . 6 0 0 0 | 40 .");
        check(&input(40, some([30, 20, 4, 0]), Some([4, 0, 0, 0, 0, 0])), "40 30 20 . 0 | . 0 0 0 0 | . .");
        check(&input(40, some([30, 20, 17, 0]), Some([9, 8, 0, 0, 0, 0])), "40 30 20 . 0 | . . 0 0 0 | . .");
        // Three whom it took longer than the last bucket, of whom the time is known; then six.
        check(&input(40, some([30, 20, 15, 0]), Some([6, 6, 0, 0, 0, 3])), "40 30 20 15 0 | . 6 0 0 0 | 40 15");
        check(&input(40, some([30, 20, 15, 0]), Some([9, 0, 0, 0, 0, 6])), "40 30 20 15 0 | 9 0 0 0 0 | 40 15");
    }

    proptest! {
        #[test]
        fn no_figure_sum_or_difference_tells_of_a_few(
            offered in 0u64..60, down in [0u64..12, 0..12, 0..12, 0..12],
            spans in proptest::array::uniform6(0u64..14), at in 0usize..3,
        ) {
            let registered = offered.saturating_sub(down[0]);
            let supported = registered.saturating_sub(down[1]);
            let reemployed = supported.saturating_sub(down[2]);
            let chain = [registered, supported, reemployed, reemployed.saturating_sub(down[3])];
            let mut left = reemployed;
            let spans = spans.map(|people| { let people = people.min(left); left -= people; people });
            let audience = Audience::ALL[at];
            let figures = input(offered, chain.map(Some), Some(spans)).figures(audience, &Reference::default());
            let small = |number: u64| (1..audience.least()).contains(&number);
            let shown: Vec<u64> = CHAIN.iter().filter_map(|key| number_of(&figures, *key)).collect();
            for (at, above) in shown.iter().enumerate() {
                prop_assert!(!small(*above) && shown[at..].iter().all(|below| !small(above - below)), "{shown:?}");
            }
            let times: Vec<u64> = Key::TIMES.iter().filter_map(|key| number_of(&figures, *key)).collect();
            prop_assert!(times.iter().all(|people| !small(*people)), "{times:?}");
            let shown = times.iter().sum::<u64>();
            if let Some(total) = number_of(&figures, Key::Reemployed) {
                prop_assert!(shown == 0 || !small(total - shown));
            } else {
                prop_assert_eq!(shown, 0);
            }
        }
    }
}

//! Which steps of which phrases the patterns of the automaton are, in little room: there are more than ten thousand.

/// The steps of each pattern, one list behind the other.
#[derive(Debug)]
pub(super) struct Uses {
    steps: Box<[Step]>,
    /// Where the steps of each pattern end.
    ends: Box<[u32]>,
}

impl Uses {
    /// The steps of each pattern, in their order.
    pub fn new(uses: &[Vec<Step>]) -> Self {
        let ends = uses.iter().scan(0u32, |end, steps| {
            *end = end.saturating_add(u32::try_from(steps.len()).unwrap_or(u32::MAX));
            Some(*end)
        });
        Self { ends: ends.collect(), steps: uses.iter().flatten().copied().collect() }
    }

    /// The steps that a pattern is.
    pub fn of(&self, pattern: usize) -> &[Step] {
        let end = |pattern: usize| self.ends.get(pattern).map_or(0, |end| *end as usize);
        let start = pattern.checked_sub(1).map_or(0, end);
        self.steps.get(start..end(pattern)).unwrap_or_default()
    }
}

/// A pattern as a step of a phrase.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Step {
    phrase: u32,
    number: u16,
    /// Whether its last word may go on: it is a stem.
    pub open: bool,
}

impl Step {
    /// The step of this number of a phrase; `None` for more than can be told.
    pub fn new(phrase: usize, number: usize, open: bool) -> Option<Self> {
        Some(Self { phrase: u32::try_from(phrase).ok()?, number: u16::try_from(number).ok()?, open })
    }

    /// The index of its phrase.
    pub fn phrase(self) -> usize {
        self.phrase as usize
    }

    /// Its number in the phrase, from nought.
    pub fn number(self) -> usize {
        usize::from(self.number)
    }

    /// Whether both are the same step of the same phrase.
    pub fn is_same_as(self, other: Self) -> bool {
        (self.phrase, self.number) == (other.phrase, other.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pattern_has_its_own_steps_in_their_order() {
        let step = |phrase, number| Step::new(phrase, number, false).expect("a step");
        let lists = [vec![step(0, 1), step(0, 0)], vec![], vec![step(7, 0)]];
        let uses = Uses::new(&lists);
        for (pattern, list) in lists.iter().enumerate() {
            assert_eq!(uses.of(pattern), &list[..], "pattern {pattern}");
        }
        assert_eq!(uses.of(3), &[]);
    }
}

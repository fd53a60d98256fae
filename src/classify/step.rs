//! A step of a phrase, in little room: the patterns of the rules are more than twenty thousand of them.

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

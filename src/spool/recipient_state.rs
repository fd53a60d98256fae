//! The states of a recipient in custody, as they are stored and told.

/// The states of a recipient in custody.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum RecipientState {
    /// Waits for its time.
    Waiting,
    /// Between the durable mark and its settlement.
    Sending,
    /// Behind the dot, the answer still awaited.
    InDoubt,
    /// Its entry is damaged; an admin has to look.
    Parked,
    /// Its entry waits for a word of HR, or for its time to be over.
    Held,
}

impl RecipientState {
    /// All of them, as they are stored.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Sending, Self::InDoubt, Self::Parked, Self::Held];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::InDoubt => "in_doubt",
            Self::Parked => "parked",
            Self::Held => "held",
        }
    }

    /// Reads a code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

//! The wall clock, which people read and may set, and a steady one, which nobody can.

use std::sync::OnceLock;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// The time now.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// The time by a clock that is never set: what the wall clock said when this process first asked, and what has passed
/// since. Waits and ages of mail are counted by it, so that setting the wall clock returns no mail and leaves none
/// lying.
pub fn steady() -> Timestamp {
    static BEGAN: OnceLock<(Timestamp, Instant)> = OnceLock::new();
    let (at, began) = BEGAN.get_or_init(|| (Timestamp::now(), Instant::now()));
    let passed = SignedDuration::try_from(began.elapsed()).unwrap_or(SignedDuration::MAX);
    at.checked_add(passed).unwrap_or(Timestamp::MAX)
}

/// The time by both clocks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Now {
    /// For what people read.
    pub wall: Timestamp,
    /// For waits and ages.
    pub steady: Timestamp,
}

impl Now {
    /// What they say.
    pub fn read() -> Self {
        Self { wall: now(), steady: steady() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steady_clock_begins_with_the_wall_clock_and_only_goes_on() {
        let Now { wall, steady: first } = Now::read();
        assert!(wall.duration_since(first).abs() < SignedDuration::from_mins(10));
        let times: Vec<Timestamp> = (0..1000).map(|_| steady()).collect();
        assert!(times.is_sorted() && times[0] >= first);
    }
}

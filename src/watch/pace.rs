//! Mails a second, over the last second and the last minute, from the counters as they stood at each second.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// Seconds looked back over.
const SECONDS: usize = 60;

/// Mails a second.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Rates {
    /// Answered to clients, over the last second.
    pub in_1s: f64,
    /// The same over the last minute, or since the start.
    pub in_1m: f64,
    /// Taken by next hops, over the last second.
    pub out_1s: f64,
    /// The same over the last minute, or since the start.
    pub out_1m: f64,
}

/// The totals of mails in and out as they stood at the last seconds, the newest behind.
#[derive(Default)]
pub(super) struct Pace(Mutex<VecDeque<(u64, u64)>>);

impl Pace {
    /// Notes the totals of a second.
    pub(super) fn tick(&self, totals: (u64, u64)) {
        let mut seconds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seconds.len() > SECONDS {
            seconds.pop_front();
        }
        seconds.push_back(totals);
    }

    pub(super) fn rates(&self) -> Rates {
        let seconds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = |back: usize| {
            let back = back.min(seconds.len().saturating_sub(1));
            let (Some(now), Some(then)) = (seconds.back(), seconds.iter().rev().nth(back)) else { return (0.0, 0.0) };
            let each = |now: u64, then: u64| {
                // Below 2^32 in a minute, an f64 is exact.
                let mails = u32::try_from(now.saturating_sub(then)).unwrap_or(u32::MAX);
                f64::from(mails) / f64::from(u32::try_from(back.max(1)).unwrap_or(1))
            };
            (each(now.0, then.0), each(now.1, then.1))
        };
        let (second, minute) = (over(1), over(SECONDS));
        Rates { in_1s: second.0, in_1m: minute.0, out_1s: second.1, out_1m: minute.1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_over_what_there_is_up_to_a_minute() {
        let pace = Pace::default();
        assert_eq!(pace.rates(), Rates::default());
        pace.tick((10, 0));
        assert_eq!(pace.rates(), Rates::default());
        pace.tick((16, 3));
        pace.tick((20, 3));
        let expected = Rates { in_1s: 4.0, in_1m: 5.0, out_1s: 0.0, out_1m: 1.5 };
        assert_eq!(pace.rates(), expected);
        (0..200).for_each(|n| pace.tick((1000 + n * 2, 50)));
        assert_eq!(pace.rates(), Rates { in_1s: 2.0, in_1m: 2.0, out_1s: 0.0, out_1m: 0.0 });
    }
}

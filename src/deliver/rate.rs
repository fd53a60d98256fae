//! How many mails a minute a destination is sent.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_mins(1);

/// How much of a minute's mails may go at once when none has gone for a while: a tenth, and at least one.
const BURST: u32 = 10;

/// A measure kept by the time at which the mails taken so far would have gone one by one.
#[derive(Debug)]
pub(super) struct Rate {
    /// From one mail to the next; nothing where there is no limit.
    pace: Option<Duration>,
    /// How far ahead of its pace it may be.
    ahead_max: Duration,
    paid_until: Mutex<Option<Instant>>,
}

impl Rate {
    pub(super) fn new(per_minute: Option<u32>) -> Self {
        let per_minute = per_minute.map(|n| n.max(1));
        let pace = per_minute.map(|n| MINUTE / n);
        let burst = per_minute.map_or(1, |n| (n / BURST).max(1));
        Self { pace, ahead_max: pace.unwrap_or_default() * (burst - 1), paid_until: Mutex::new(None) }
    }

    /// Takes leave for one mail, or tells how long there is none.
    pub(super) fn take(&self) -> Result<(), Duration> {
        let Some(pace) = self.pace else { return Ok(()) };
        let mut paid_until = self.lock();
        let now = Instant::now();
        let from = paid_until.map_or(now, |at| at.max(now));
        let ahead = from.duration_since(now);
        let too_far = ahead.saturating_sub(self.ahead_max);
        if !too_far.is_zero() {
            return Err(too_far);
        }
        *paid_until = Some(from + pace);
        Ok(())
    }

    /// Gives leave back that was not used.
    pub(super) fn give_back(&self) {
        let Some(pace) = self.pace else { return };
        let mut paid_until = self.lock();
        *paid_until = paid_until.and_then(|at| at.checked_sub(pace));
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.paid_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_minute_holds_its_mails_and_a_tenth_of_them_at_once() {
        let rate = Rate::new(Some(60));
        let at_once = (0..100).filter(|_| rate.take().is_ok()).count();
        assert_eq!(at_once, 6);
        assert_eq!(rate.take(), Err(Duration::from_secs(1)));
        let mut sent = 0;
        for _ in 0..60 {
            tokio::time::advance(Duration::from_secs(1)).await;
            sent += (0..100).filter(|_| rate.take().is_ok()).count();
        }
        assert_eq!(sent, 60);
    }

    #[tokio::test(start_paused = true)]
    async fn few_mails_a_minute_go_one_by_one_and_what_is_given_back_can_be_taken_again() {
        let rate = Rate::new(Some(2));
        assert_eq!((rate.take(), rate.take()), (Ok(()), Err(Duration::from_secs(30))));
        rate.give_back();
        assert_eq!((rate.take(), rate.take()), (Ok(()), Err(Duration::from_secs(30))));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_measure_nobody_waits() {
        let rate = Rate::new(None);
        assert!((0..1000).all(|_| rate.take().is_ok()));
    }
}

//! Whether a next hop answers, and how long it is left alone when it does not.

use std::time::Duration;

use tokio::time::Instant;

use crate::proto::smtp::reply::Reply;

/// How long a next hop is left alone after its first failure; each further one doubles it, up to `down_for`. Most
/// failures are a restart, and mail should not lie for half a minute behind one.
pub(super) const DOWN_AT_FIRST: Duration = Duration::from_millis(250);

#[derive(Debug, Default)]
pub(super) struct Health {
    /// Set by a failure: nobody tries before.
    pub(super) down_until: Option<Instant>,
    /// Failures since it last answered; those that came of one moment count once.
    pub(super) failures: u32,
    /// Whether somebody tries whether it is back.
    pub(super) probed: bool,
    /// What came of the last try.
    pub(super) why: Option<Reply>,
}

impl Health {
    /// Leaves it alone for a while, the longer the more often it failed.
    pub(super) fn leave_alone(&mut self, down_for: Duration) {
        let is_known = !self.probed && self.down_until.is_some_and(|until| Instant::now() < until);
        if is_known {
            return;
        }
        self.down_until = Some(Instant::now() + wait_after(self.failures, down_for));
        self.failures = self.failures.saturating_add(1);
        self.probed = false;
    }
}

fn wait_after(failures_before: u32, down_for: Duration) -> Duration {
    DOWN_AT_FIRST.saturating_mul(2_u32.saturating_pow(failures_before)).min(down_for)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_next_hop_is_left_alone_the_longer_the_more_often_it_failed() {
        let millis = |failures| wait_after(failures, Duration::from_secs(30)).as_millis();
        assert_eq!([0, 1, 2, 6, 7, u32::MAX].map(millis), [250, 500, 1_000, 16_000, 30_000, 30_000]);
        assert_eq!(wait_after(9, Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn failures_of_one_moment_count_once_and_a_failed_probe_counts() {
        let (mut health, down_for) = (Health::default(), Duration::from_secs(30));
        (0..64).for_each(|_| health.leave_alone(down_for));
        assert_eq!(health.failures, 1);
        health.probed = true;
        (0..64).for_each(|_| health.leave_alone(down_for));
        assert_eq!((health.failures, health.probed), (2, false));
    }
}

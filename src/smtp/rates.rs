//! How often something may happen for each of many keys, in a table that cannot grow without bound.
//!
//! Each key has a bucket of tokens that fills evenly. What is kept of it is one number: when it will be full (the
//! "theoretical arrival time" of GCRA). A bucket that is full is the same as none, so forgetting it loses nothing.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How often something may happen for one key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Rate {
    /// Times in one go, from a full bucket; never 0.
    pub(super) burst: u32,
    /// The time in which an empty bucket becomes full.
    pub(super) within: Duration,
}

impl Rate {
    /// So many a minute; `None` for 0, which stands for no limit.
    pub(super) fn per_minute(times: u32) -> Option<Self> {
        (times > 0).then_some(Self { burst: times, within: Duration::from_mins(1) })
    }

    fn of_one(self) -> Duration {
        self.within / self.burst.max(1)
    }

    /// Whether a bucket that is full at `full_at` holds a token now.
    fn has_token(self, full_at: Duration, now: Duration) -> bool {
        full_at.saturating_sub(now) + self.of_one() <= self.within
    }

    /// When it will be full after a token is taken now.
    fn taken(self, full_at: Duration, now: Duration) -> Duration {
        full_at.max(now) + self.of_one()
    }
}

/// The buckets of all keys. Times are counted from any one moment that all callers share.
pub(super) struct Rates<K> {
    rate: Rate,
    keys_max: usize,
    full_at: Mutex<Buckets<K>>,
}

struct Buckets<K> {
    of: HashMap<K, Duration>,
    /// The one bucket of all keys that find no place in the table.
    others: Duration,
}

impl<K: Eq + Hash> Rates<K> {
    /// Full buckets for everybody; at most `keys_max` keys are told apart at one time.
    pub(super) fn new(rate: Rate, keys_max: usize) -> Self {
        Self { rate, keys_max, full_at: Mutex::new(Buckets { of: HashMap::new(), others: Duration::ZERO }) }
    }

    /// Takes a token for `key`; `false`, and nothing taken, when there is none.
    pub(super) fn take(&self, key: K, now: Duration) -> bool {
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.make_place(&key, now, self.keys_max);
        let full_at = buckets.of(&key, self.keys_max);
        let has = self.rate.has_token(full_at, now);
        if has {
            buckets.set(key, self.rate.taken(full_at, now), self.keys_max);
        }
        has
    }

    /// Whether there is a token for `key`; none is taken.
    pub(super) fn has(&self, key: &K, now: Duration) -> bool {
        let buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        self.rate.has_token(buckets.of(key, self.keys_max), now)
    }
}

impl<K: Eq + Hash> Buckets<K> {
    fn has_place(&self, key: &K, keys_max: usize) -> bool {
        self.of.len() < keys_max || self.of.contains_key(key)
    }

    fn make_place(&mut self, key: &K, now: Duration, keys_max: usize) {
        if !self.has_place(key, keys_max) {
            self.of.retain(|_, full_at| *full_at > now);
        }
    }

    fn of(&self, key: &K, keys_max: usize) -> Duration {
        let of_new = if self.has_place(key, keys_max) { Duration::ZERO } else { self.others };
        self.of.get(key).copied().unwrap_or(of_new)
    }

    fn set(&mut self, key: K, full_at: Duration, keys_max: usize) {
        if self.has_place(&key, keys_max) {
            self.of.insert(key, full_at);
        } else {
            self.others = full_at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_full_bucket_is_a_burst_and_then_it_fills_evenly() {
        let rates = Rates::new(Rate { burst: 6, within: 60 * SECOND }, 10);
        let start = 1000 * SECOND;
        let taken = |at: Duration, times: usize| (0..times).filter(|_| rates.take("a", at)).count();
        assert_eq!(taken(start, 10), 6);
        assert_eq!(taken(start + 9 * SECOND, 1), 0);
        assert_eq!(taken(start + 10 * SECOND, 2), 1);
        assert_eq!(taken(start + 45 * SECOND, 10), 3);
        assert_eq!(taken(start + 3600 * SECOND, 10), 6);
        assert!(rates.take("b", start));
    }

    #[test]
    fn looking_takes_nothing() {
        let rates = Rates::new(Rate { burst: 1, within: SECOND }, 10);
        assert!(rates.has(&"a", SECOND) && rates.has(&"a", SECOND) && rates.take("a", SECOND));
        assert!(!rates.has(&"a", SECOND) && rates.has(&"b", SECOND) && rates.has(&"a", 2 * SECOND));
    }

    #[test]
    fn no_limit_is_written_as_zero() {
        assert_eq!(Rate::per_minute(0), None);
        assert_eq!(Rate::per_minute(3), Some(Rate { burst: 3, within: 60 * SECOND }));
    }

    #[test]
    fn the_table_keeps_its_bound_and_forgets_only_full_buckets() {
        let rates = Rates::new(Rate { burst: 2, within: 10 * SECOND }, 2);
        assert!(rates.take(1, SECOND) && rates.take(2, SECOND));
        // Those who find no place share one bucket.
        assert!(rates.take(3, SECOND) && rates.take(4, SECOND) && !rates.take(5, SECOND));
        assert!(rates.take(1, SECOND) && !rates.take(1, SECOND));
        assert_eq!(rates.full_at.lock().expect("no panic").of.len(), 2);
        // After a while 2 is forgotten, and its place is free.
        assert!(rates.take(5, 7 * SECOND) && rates.take(5, 7 * SECOND) && !rates.take(5, 7 * SECOND));
        assert!(rates.full_at.lock().expect("no panic").of.contains_key(&1));
    }

    proptest::proptest! {
        #[test]
        fn never_more_than_the_burst_and_what_filled_since(
            burst in 1u32..20, seconds in 1u64..600, waits in proptest::collection::vec(0u64..60_000, 1..100),
        ) {
            let within = Duration::from_secs(seconds);
            let rates = Rates::new(Rate { burst, within }, 4);
            let (mut now, mut taken) = (Duration::ZERO, 0u32);
            for wait in waits {
                now += Duration::from_millis(wait);
                taken += u32::from(rates.take(0, now));
                let filled = now.as_secs_f64() / within.as_secs_f64() * f64::from(burst);
                proptest::prop_assert!(f64::from(taken) <= f64::from(burst) + filled + 1e-6);
            }
        }
    }
}

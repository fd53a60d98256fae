//! What the running server says about itself: counters, health, and one event per message; never an address.

pub mod counters;
pub mod event;

use std::sync::Arc;

pub use counters::{Counter, Gauge, Snapshot};
pub use event::{Attempt, Custody, MessageEvent};

use counters::Counters;

/// The one place events and counts go; cheap to clone, free of locks on the way of a message.
#[derive(Clone, Default)]
pub struct Watch(Arc<Counters>);

impl Watch {
    /// A watch with every counter at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a message and writes its event.
    pub fn message(&self, message: &MessageEvent) {
        self.0.message(message);
        message.write();
    }

    /// Counts one delivery attempt of a mail in custody and writes its event.
    pub fn attempt(&self, attempt: &Attempt) {
        self.0.add(attempt.counter(), 1);
        attempt.write();
    }

    /// Adds one to a counter.
    pub fn count(&self, counter: Counter) {
        self.0.add(counter, 1);
    }

    /// Adds `n` to a counter.
    pub fn add(&self, counter: Counter, n: u64) {
        self.0.add(counter, n);
    }

    /// Sets a gauge to its present value.
    pub fn set(&self, gauge: Gauge, value: u64) {
        self.0.set(gauge, value);
    }

    /// Adds one to a gauge until the value it returns is dropped.
    pub fn hold(&self, gauge: Gauge) -> Held {
        self.0.raise(gauge);
        Held { watch: self.clone(), gauge }
    }

    /// All counters and gauges as they are now.
    pub fn snapshot(&self) -> Snapshot {
        self.0.snapshot()
    }
}

/// One unit of a gauge, given back when dropped.
pub struct Held {
    watch: Watch,
    gauge: Gauge,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.watch.0.lower(self.gauge);
    }
}

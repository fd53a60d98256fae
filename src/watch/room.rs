//! Memory for messages on their way in: one budget for all connections of a door.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Gauge, Watch};

/// The octets that all messages together may take.
pub struct Room {
    octets_max: usize,
    taken: AtomicUsize,
    watch: Watch,
    gauge: Gauge,
}

impl Room {
    /// So many octets; `gauge` shows how many of them are taken.
    pub fn new(octets_max: usize, watch: Watch, gauge: Gauge) -> Arc<Self> {
        Arc::new(Self { octets_max, taken: AtomicUsize::new(0), watch, gauge })
    }
}

/// One message's part of the room, given back when dropped.
pub struct Share {
    room: Arc<Room>,
    octets: usize,
}

impl Share {
    /// A share of nothing yet.
    pub fn new(room: &Arc<Room>) -> Self {
        Self { room: Arc::clone(room), octets: 0 }
    }

    /// Grows to so many octets in all; `false`, and no change, when they are not there.
    pub fn grow_to(&mut self, octets: usize) -> bool {
        let more = octets.saturating_sub(self.octets);
        let fits = |taken: usize| taken.checked_add(more).filter(|t| *t <= self.room.octets_max);
        let grown = self.room.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits);
        if grown.is_ok() {
            self.octets += more;
            self.show();
        }
        grown.is_ok()
    }

    /// Gives everything back.
    pub fn release(&mut self) {
        if self.octets == 0 {
            return;
        }
        self.room.taken.fetch_sub(std::mem::take(&mut self.octets), Ordering::Relaxed);
        self.show();
    }

    fn show(&self) {
        self.room.watch.set(self.room.gauge, self.room.taken.load(Ordering::Relaxed) as u64);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_never_exceed_the_room_and_come_back() {
        let watch = Watch::new();
        let room = Room::new(100, watch.clone(), Gauge::MessageOctetsHeld);
        let (mut a, mut b) = (Share::new(&room), Share::new(&room));
        assert!(a.grow_to(60) && !b.grow_to(41) && b.grow_to(40));
        assert!(a.grow_to(50) && !a.grow_to(61) && !a.grow_to(usize::MAX));
        assert_eq!(watch.snapshot().gauges["message_octets_held"], 100);
        drop(b);
        assert!(a.grow_to(100));
        a.release();
        assert_eq!(watch.snapshot().gauges["message_octets_held"], 0);
    }
}

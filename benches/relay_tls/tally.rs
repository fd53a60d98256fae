//! What became of each mail of one run: when it was offered, accepted and delivered, and whether it came twice.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// One run's mails, by number; times are microseconds since its start, 0 where it has not happened.
pub struct Tally {
    /// The id of the first mail: ids are never used twice, so that a late mail of an earlier run is known for one.
    first: usize,
    started: Instant,
    offered: Vec<AtomicU64>,
    accepted: Vec<AtomicU64>,
    delivered: Vec<AtomicU64>,
    next: AtomicUsize,
    /// Mails that came again.
    pub doubled: AtomicUsize,
    /// Replies that were not what a mail needs.
    pub refused: AtomicUsize,
    /// Mails of somebody else: notices of the peer, late ones of an earlier run.
    pub strange: AtomicUsize,
    /// Handshakes that took up an earlier session.
    pub resumed: AtomicUsize,
    progress: AtomicUsize,
}

impl Tally {
    /// For `mails` mails from this id on.
    pub fn new(first: usize, mails: usize) -> Self {
        let zeros = || (0..mails).map(|_| AtomicU64::new(0)).collect();
        Self {
            first,
            started: Instant::now(),
            offered: zeros(),
            accepted: zeros(),
            delivered: zeros(),
            next: AtomicUsize::new(0),
            doubled: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            strange: AtomicUsize::new(0),
            resumed: AtomicUsize::new(0),
            progress: AtomicUsize::new(0),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
    }

    /// The id of the next mail to send.
    pub fn take(&self) -> Option<usize> {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        (n < self.offered.len()).then_some(self.first + n)
    }

    /// The mail's first command goes out.
    pub fn offer(&self, id: usize) {
        self.offered[id - self.first].store(self.now(), Ordering::Relaxed);
    }

    /// Its 250 came.
    pub fn accept(&self, id: usize) {
        self.accepted[id - self.first].store(self.now(), Ordering::Relaxed);
        self.progress.fetch_add(1, Ordering::Relaxed);
    }

    /// Its final dot came out at the sink.
    pub fn deliver(&self, id: Option<usize>) {
        let cell = id.and_then(|id| self.delivered.get(id.checked_sub(self.first)?));
        let Some(cell) = cell else {
            self.strange.fetch_add(1, Ordering::Relaxed);
            return;
        };
        if cell.compare_exchange(0, self.now(), Ordering::Relaxed, Ordering::Relaxed).is_err() {
            self.doubled.fetch_add(1, Ordering::Relaxed);
        }
        self.progress.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until what was accepted has come out, or nothing moves for 20 s.
    pub fn settle(&self) {
        let (mut seen, mut since) = (0, Instant::now());
        while count(&self.delivered) < count(&self.accepted) && since.elapsed() < Duration::from_secs(20) {
            let progress = self.progress.load(Ordering::Relaxed);
            if progress != seen {
                (seen, since) = (progress, Instant::now());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        // A doubled mail would still come.
        std::thread::sleep(Duration::from_millis(100));
    }

    /// Waits until all have come out, and says when the last one did; nothing when nothing moves for 20 s.
    #[allow(dead_code, reason = "another bench has this file too and waits so")]
    pub fn last_of_all(&self) -> Option<Instant> {
        let (mut seen, mut since) = (0, Instant::now());
        while count(&self.delivered) < self.delivered.len() {
            let progress = self.progress.load(Ordering::Relaxed);
            if progress != seen {
                (seen, since) = (progress, Instant::now());
            }
            if since.elapsed() >= Duration::from_secs(20) {
                return None;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let last = self.delivered.iter().map(|t| t.load(Ordering::Relaxed)).max()?;
        self.started.checked_add(Duration::from_micros(last))
    }

    /// The figures of the run.
    pub fn figures(&self) -> Figures {
        let end = self.delivered.iter().map(|t| t.load(Ordering::Relaxed)).max().unwrap_or(0);
        let mut waits: Vec<u64> = self
            .offered
            .iter()
            .zip(&self.delivered)
            .map(|(from, to)| (from.load(Ordering::Relaxed), to.load(Ordering::Relaxed)))
            .filter(|(_, to)| *to > 0)
            .map(|(from, to)| to.saturating_sub(from))
            .collect();
        waits.sort_unstable();
        let part = |per_mille: usize| waits.get(waits.len() * per_mille / 1000).copied().unwrap_or(0);
        Figures {
            mails: self.offered.len(),
            delivered: waits.len(),
            lost: count(&self.accepted).saturating_sub(waits.len()),
            doubled: self.doubled.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            resumed: self.resumed.load(Ordering::Relaxed),
            lasted: Duration::from_micros(end),
            half: Duration::from_micros(part(500)),
            most: Duration::from_micros(part(990)),
        }
    }
}

fn count(times: &[AtomicU64]) -> usize {
    times.iter().filter(|t| t.load(Ordering::Relaxed) > 0).count()
}

/// What a run gave.
pub struct Figures {
    pub mails: usize,
    pub delivered: usize,
    pub lost: usize,
    pub doubled: usize,
    pub refused: usize,
    pub resumed: usize,
    /// From the start until the last mail came out.
    pub lasted: Duration,
    /// From MAIL to the sink: the median.
    pub half: Duration,
    /// The 99th percentile of that.
    pub most: Duration,
}

impl Figures {
    /// Mails a second that came out.
    pub fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a number of mails")]
        let mails = self.delivered as f64;
        mails / self.lasted.as_secs_f64().max(1e-6)
    }
}

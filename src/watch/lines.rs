//! Lines on their way to the log: a bounded buffer and a thread of its own, so that nobody waits for a reader.
//!
//! Many lines share a write: the thread lets them gather for a moment, and is woken once for all of them.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// How long lines gather before they are written.
const GATHER: Duration = Duration::from_millis(10);
/// How long the end of the log is waited for when its reader takes nothing.
const END_WAIT: Duration = Duration::from_secs(1);

/// Where lines are put. Clones are the same one.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    lines_max: usize,
    dropped: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    octets: Vec<u8>,
    lines: usize,
    /// No more lines will come.
    closed: bool,
    /// The thread has written all of them.
    ended: bool,
}

/// Keeps the thread; dropping it writes what still waits.
pub(super) struct Thread(Lines);

/// Starts the thread that writes to `out`. At most `lines_max` lines wait; further ones are dropped and counted.
pub(super) fn start(out: impl Write + Send + 'static, lines_max: usize) -> io::Result<(Lines, Thread)> {
    let lines = Lines(Arc::new(Shared {
        waiting: Mutex::default(),
        changed: Condvar::new(),
        lines_max,
        dropped: AtomicU64::new(0),
    }));
    let written = lines.clone();
    thread::Builder::new().name("log".to_owned()).spawn(move || written.write_to(out))?;
    Ok((lines.clone(), Thread(lines)))
}

impl Lines {
    /// Lines that found no room.
    pub(super) fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    fn push(&self, line: &[u8]) {
        let mut waiting = self.lock();
        if waiting.lines >= self.0.lines_max {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let is_first = waiting.lines == 0;
        waiting.octets.extend_from_slice(line);
        waiting.lines += 1;
        drop(waiting);
        if is_first {
            self.0.changed.notify_all();
        }
    }

    fn write_to(&self, mut out: impl Write) {
        let mut octets = Vec::new();
        while self.take(&mut octets) {
            // A log that nobody takes is no reason to stop.
            let _ = out.write_all(&octets).and_then(|()| out.flush());
            octets.clear();
        }
        self.lock().ended = true;
        self.0.changed.notify_all();
    }

    /// Takes the lines that wait, once there are some and a moment has passed; `false` when none will come.
    fn take(&self, octets: &mut Vec<u8>) -> bool {
        let changed = &self.0.changed;
        let idle = |w: &mut Waiting| w.lines == 0 && !w.closed;
        let waiting = changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        let gathered = changed.wait_timeout_while(waiting, GATHER, |w| !w.closed);
        let (mut waiting, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(octets, &mut waiting.octets);
        std::mem::take(&mut waiting.lines) > 0
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        let lines = &self.0;
        let mut waiting = lines.lock();
        waiting.closed = true;
        lines.0.changed.notify_all();
        // Whoever reads the log and hangs does not keep us from ending.
        drop(lines.0.changed.wait_timeout_while(waiting, END_WAIT, |w| !w.ended));
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

/// One line, which the formatter writes in one piece.
pub(super) struct Line<'a>(&'a Lines);

impl Write for Line<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.push(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

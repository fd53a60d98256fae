//! The log on standard error: a bounded queue and a thread of its own, so that no mail ever waits for a reader.

use std::io;
use std::panic;

use tracing::Level;

use super::Watch;
use super::lines::{self, Thread};

/// How events are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LogOptions {
    /// One JSON object a line; else a line for people.
    pub json: bool,
    /// The least important level written.
    pub level: Level,
    /// Lines that may wait; further ones are dropped and counted.
    pub queue_lines_max: usize,
}

/// Keeps the log's thread; dropping it writes what still waits.
pub struct LogGuard {
    _thread: Thread,
}

/// Why the log cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum LogFault {
    /// Another one is.
    #[error("the log is running already")]
    Running,
    /// There is no thread for it.
    #[error("no thread for the log: {0}")]
    Thread(#[from] io::Error),
}

/// Starts the log of this process on standard error.
///
/// # Errors
/// [`LogFault`], always on the second call.
pub fn start_log(options: LogOptions, watch: &Watch) -> Result<LogGuard, LogFault> {
    let (lines, thread) = lines::start(io::stderr(), options.queue_lines_max)?;
    let log = tracing_subscriber::fmt().with_max_level(options.level).with_ansi(false).with_writer(lines.clone());
    let started = if options.json {
        tracing::subscriber::set_global_default(log.json().flatten_event(true).with_current_span(false).finish())
    } else {
        tracing::subscriber::set_global_default(log.compact().finish())
    };
    started.map_err(|_| LogFault::Running)?;
    // Only the first start gets here, so there is nothing to lose.
    let _ = watch.0.log_lines.set(lines);
    Ok(LogGuard { _thread: thread })
}

/// Makes a panic tell where it happened and nothing else: its message can hold octets of a mail.
pub fn silence_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(target: "panic", place, "a fault of ours: the mail concerned goes out as it came");
    }));
}

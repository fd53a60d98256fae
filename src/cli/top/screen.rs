//! The terminal as a page that is written anew each second, and given back as it was however the command ends.

use std::io::{self, IsTerminal, Read, Write};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{MissedTickBehavior, interval};

use super::labels::Labels;
use super::page::{cut, lines};
use crate::control::Status;
use crate::sys::clock;
use crate::sys::terminal::{Quiet, size};

/// Between two views.
const EVERY: Duration = Duration::from_secs(1);
/// What is taken for the size of a terminal that does not say.
const SIZE: (usize, usize) = (80, 24);

/// A page of its own, without a cursor; and back to what was there before.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";
const HOME: &str = "\x1b[H";
const REST_OF_LINE: &str = "\x1b[K";
const REST_OF_PAGE: &str = "\x1b[J";
const REVERSE: &str = "\x1b[7m";
const PLAIN: &str = "\x1b[m";

const CTRL_C: u8 = 3;

/// Gives the terminal back when it is dropped.
struct Screen<'a>(&'a mut dyn Write);

impl<'a> Screen<'a> {
    fn enter(out: &'a mut dyn Write) -> io::Result<Self> {
        write!(out, "{ENTER}")?;
        out.flush()?;
        Ok(Self(out))
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing given back.
        let _ = write!(self.0, "{LEAVE}").and_then(|()| self.0.flush());
    }
}

/// Shows what `ask` tells, each second, until somebody ends it.
pub(super) fn show(
    out: &mut dyn Write,
    labels: &Labels,
    first: Status,
    ask: impl Fn() -> Result<Status, String>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut ends = Ends::listen()?;
        // Before the page, so that it is given back behind it.
        let _quiet = if io::stdin().is_terminal() { Some(Quiet::take(io::stdin())?) } else { None };
        let screen = Screen::enter(out)?;
        let mut resized = signal(SignalKind::window_change())?;
        let mut second = interval(EVERY);
        second.set_missed_tick_behavior(MissedTickBehavior::Skip);
        second.tick().await;
        let mut told = Ok(first);
        loop {
            draw(screen.0, &frame(&told, labels, size(io::stdout()).unwrap_or(SIZE)))?;
            tokio::select! {
                () = ends.ended() => return Ok(()),
                _ = resized.recv() => {}
                _ = second.tick() => told = ask(),
            }
        }
    })
}

/// The lines of a view that fit into `(columns, rows)`: the last one tells the keys.
fn frame(told: &Result<Status, String>, labels: &Labels, (columns, rows): (usize, usize)) -> Vec<String> {
    let (columns, rows) = if columns == 0 || rows == 0 { SIZE } else { (columns, rows) };
    let all = match told {
        Ok(status) => lines(status, labels, clock::now()),
        Err(why) => vec![labels.no_server.to_owned(), why.clone()],
    };
    let room = rows.saturating_sub(1).max(1);
    let hidden = all.len().saturating_sub(room);
    let keys = if hidden > 0 { format!("{}  (+{hidden})", labels.keys) } else { labels.keys.to_owned() };
    let mut shown: Vec<String> = all.iter().take(room).map(|line| cut(line, columns)).collect();
    shown.resize(room, String::new());
    if rows > 1 {
        shown.push(cut(&keys, columns));
    }
    shown
}

fn draw(out: &mut dyn Write, lines: &[String]) -> io::Result<()> {
    let mut page = String::from(HOME);
    for (place, line) in lines.iter().enumerate() {
        let (before, behind) = if place == 0 { (REVERSE, PLAIN) } else { ("", "") };
        let end = if place + 1 == lines.len() { "" } else { "\r\n" };
        page.push_str(&[before, line, behind, REST_OF_LINE, end].concat());
    }
    page.push_str(REST_OF_PAGE);
    out.write_all(page.as_bytes())?;
    out.flush()
}

/// Everything that ends the view.
struct Ends {
    keys: UnboundedReceiver<u8>,
    signals: [Signal; 3],
}

impl Ends {
    fn listen() -> io::Result<Self> {
        let (struck, keys) = unbounded_channel();
        // It waits for a key until the process ends: nothing else can end a read from a terminal.
        std::thread::spawn(move || {
            let mut key = [0];
            while io::stdin().read(&mut key).is_ok_and(|n| n == 1) && struck.send(key[0]).is_ok() {}
        });
        let signals =
            [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?];
        Ok(Self { keys, signals })
    }

    /// Without a keyboard signals alone end it.
    async fn ended(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.signals;
        loop {
            tokio::select! {
                Some(key) = self.keys.recv() => if matches!(key, b'q' | b'Q' | CTRL_C) { return },
                _ = interrupt.recv() => return,
                _ = terminate.recv() => return,
                _ = hangup.recv() => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_never_has_more_lines_than_the_terminal_nor_longer_ones() {
        let told = Err("x".repeat(300));
        for (size, lines) in [((80, 24), 24), ((10, 3), 3), ((1, 1), 1), ((0, 0), 24)] {
            let frame = frame(&told, Labels::of("ja"), size);
            let columns = if size.0 == 0 { 80 } else { size.0 };
            assert_eq!(frame.len(), lines, "{size:?}");
            assert!(frame.iter().all(|line| super::super::page::width(line) <= columns), "{frame:?}");
        }
    }

    #[test]
    fn the_terminal_is_given_back_whatever_happens() {
        let mut out = Vec::new();
        drop(Screen::enter(&mut out));
        assert_eq!(String::from_utf8_lossy(&out), format!("{ENTER}{LEAVE}"));
    }
}

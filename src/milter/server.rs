//! The accept loops: let MTAs in up to the limit, and end what is under way when the server stops.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinError, JoinSet};

use super::Milter;
use super::connection::converse;
use super::entrance::{Door, Made};
use super::wire::Wire;
use crate::watch::{Counter, Gauge};

/// Pause after a failed accept: with no file descriptor left the next one would fail at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A socket the runtime listens on.
enum Listener {
    Inet(TcpListener),
    Unix(UnixListener, #[allow(dead_code)] Option<Made>),
}

impl Listener {
    fn of(door: Door) -> io::Result<Self> {
        match door {
            Door::Inet(socket) => {
                socket.set_nonblocking(true)?;
                TcpListener::from_std(socket).map(Self::Inet)
            }
            Door::Unix(socket, made) => {
                socket.set_nonblocking(true)?;
                Ok(Self::Unix(UnixListener::from_std(socket)?, made))
            }
        }
    }

    async fn accept(&self) -> io::Result<Wire> {
        match self {
            Self::Inet(listener) => listener.accept().await.map(|(stream, _)| Wire::Inet(stream)),
            Self::Unix(listener, _) => listener.accept().await.map(|(stream, _)| Wire::Unix(stream)),
        }
    }
}

/// Serves MTAs at all doors until `stop` turns true (or its sender is gone). Then nobody new is let in, and mails that
/// are being told are answered for, within the limit.
///
/// # Errors
/// When a socket cannot be handed to the runtime.
pub async fn serve(doors: Vec<Door>, milter: Arc<Milter>, stop: watch::Receiver<bool>) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(milter.settings.connections_max));
    let mut loops = JoinSet::new();
    for door in doors {
        let accepting = accept_all(Listener::of(door)?, Arc::clone(&places), Arc::clone(&milter), stop.clone());
        loops.spawn(accepting);
    }
    while loops.join_next().await.is_some() {}
    Ok(())
}

async fn accept_all(listener: Listener, places: Arc<Semaphore>, milter: Arc<Milter>, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let stop_of_each = stop.clone();
    loop {
        tokio::select! {
            biased;
            () = stopping(&mut stop) => break,
            ended = connections.join_next(), if !connections.is_empty() => note_end(ended),
            accepted = listener.accept() => match accepted {
                Ok(wire) => let_in(&mut connections, wire, (&places, &milter), &stop_of_each),
                Err(error) => {
                    tracing::warn!(target: "milter", %error, "accepting a connection failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let all_ended = async {
        while let Some(ended) = connections.join_next().await {
            note_end(Some(ended));
        }
    };
    if tokio::time::timeout(Duration::from_secs(milter.stop_seconds_max), all_ended).await.is_err() {
        tracing::warn!(target: "milter", connections = connections.len(), "cut off at the stop");
        connections.shutdown().await;
    }
}

/// Ends when the server is to stop, or nobody is left who could say so.
pub(super) async fn stopping(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stopping| *stopping).await;
}

fn let_in(
    connections: &mut JoinSet<()>,
    wire: Wire,
    (places, milter): (&Arc<Semaphore>, &Arc<Milter>),
    stop: &watch::Receiver<bool>,
) {
    let watch = &milter.services.watch;
    // An MTA that is turned away goes on without us.
    let Ok(place) = Arc::clone(places).try_acquire_owned() else { return watch.count(Counter::MilterRefused) };
    watch.count(Counter::MilterConnections);
    let held = watch.hold(Gauge::MilterSessions);
    let (milter, stop) = (Arc::clone(milter), stop.clone());
    connections.spawn(async move {
        converse(&wire, &milter, stop).await;
        drop((held, place));
    });
}

fn note_end(ended: Option<Result<(), JoinError>>) {
    if let Some(Err(error)) = ended {
        tracing::error!(target: "milter", panicked = error.is_panic(), "a connection ended by an error of ours");
    }
}

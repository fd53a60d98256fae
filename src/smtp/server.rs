//! The accept loop: lets clients in, turns them away at the limits, and ends what is under way when the server stops.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connection::{Connection, Shared};
use super::guests::Guests;
use super::room::Room;
use super::{Custody, Door};
use crate::pipeline::Client;
use crate::proto::smtp::reply::Reply;
use crate::watch::{Counter, Gauge};

/// Pause after a failed accept: with no file descriptor left the next one would fail at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves clients on all listeners until `stop` turns true (or its sender is gone).
///
/// Then nobody new is let in, messages under way are finished, everybody else gets 421 4.3.2, and whoever has not
/// finished within the limit is cut off. The listeners may be bound by anybody, a socket unit for one.
///
/// # Errors
/// When a listener cannot be handed to the runtime.
pub async fn serve<C: Custody>(
    listeners: Vec<std::net::TcpListener>,
    door: Door,
    custody: Arc<C>,
    stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let guests = Guests::new(door.limits.connections_max, door.limits.connections_per_client_max);
    let room = Room::new(door.limits.in_flight_octets_max, door.watch.clone());
    let shared = Arc::new(Shared { door, custody, room, guests });
    let mut loops = JoinSet::new();
    for listener in listeners {
        listener.set_nonblocking(true)?;
        loops.spawn(accept_all(TcpListener::from_std(listener)?, Arc::clone(&shared), stop.clone()));
    }
    while loops.join_next().await.is_some() {}
    Ok(())
}

async fn accept_all<C: Custody>(listener: TcpListener, shared: Arc<Shared<C>>, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let stop_of_guests = stop.clone();
    loop {
        tokio::select! {
            biased;
            () = stopping(&mut stop) => break,
            ended = connections.join_next(), if !connections.is_empty() => note_end(ended),
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => admit(&mut connections, &shared, (stream, from), &stop_of_guests),
                Err(error) => {
                    tracing::warn!(target: "smtp", %error, "accepting a connection failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let most = Duration::from_secs(shared.door.limits.stop_seconds_max);
    let all_ended = async {
        while let Some(ended) = connections.join_next().await {
            note_end(Some(ended));
        }
    };
    if tokio::time::timeout(most, all_ended).await.is_err() {
        tracing::warn!(target: "smtp", connections = connections.len(), "cut off at the stop");
        connections.shutdown().await;
    }
}

/// Ends when the server is to stop, or nobody is left who could say so.
pub(super) async fn stopping(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stopping| *stopping).await;
}

fn admit<C: Custody>(
    connections: &mut JoinSet<()>,
    shared: &Arc<Shared<C>>,
    (stream, from): (TcpStream, SocketAddr),
    stop: &watch::Receiver<bool>,
) {
    let watch = &shared.door.watch;
    let ip: IpAddr = from.ip().to_canonical();
    let client = Client::at(ip);
    let admission = shared.custody.admit(&client);
    let Some(guest) = shared.guests.admit(ip, admission.may_relay) else {
        watch.count(Counter::ConnectionsRefused);
        turn_away(&stream);
        return;
    };
    watch.count(Counter::ConnectionsAccepted);
    let held = watch.hold(Gauge::Sessions);
    let connection = Connection::new(stream, (client, admission), Arc::clone(shared), stop.clone());
    connections.spawn(async move {
        connection.converse().await;
        drop((guest, held));
    });
}

/// Says 421 without waiting: a fresh socket has room for a line, and if not, the close says as much.
fn turn_away(stream: &TcpStream) {
    let mut line = Vec::new();
    Reply::new(421, (4, 7, 0), "Too many connections, come again").write_to(&mut line);
    let _ = stream.try_write(&line);
}

fn note_end(ended: Option<Result<(), tokio::task::JoinError>>) {
    if let Some(Err(error)) = ended {
        tracing::error!(target: "smtp", panicked = error.is_panic(), "a connection ended by an error of ours");
    }
}

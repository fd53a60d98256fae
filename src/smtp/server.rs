//! The accept loops: let clients in, turn them away at the limits, and end what is under way when the server stops.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::arrival::{self, Way};
use super::entrance::Entrance;
use super::shared::Shared;
use super::{Custody, Door};
use crate::sys::files;
use crate::sys::tls::ServerTls;
use crate::watch::Gauge;

/// Pause after a failed accept: with no file descriptor left the next one would fail at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Open files that are not clients' sockets: the spool, the ledger, the log, connections to next hops.
const OTHER_FILES: u64 = 256;

/// Serves clients at all entrances until `stop` turns true (or its sender is gone).
///
/// Then nobody new is let in, messages under way are finished, everybody else gets 421 4.3.2, and whoever has not
/// finished within the limit is cut off.
///
/// # Errors
/// When a socket cannot be handed to the runtime.
pub async fn serve<C: Custody>(
    entrances: Vec<Entrance>,
    door: Door,
    custody: Arc<C>,
    stop: watch::Receiver<bool>,
) -> io::Result<()> {
    warn_of_few_files(&door);
    let mut followers = JoinSet::new();
    followers.extend(door.tls.clone().map(ServerTls::follow_files));
    let shared = Arc::new(Shared::new(door, custody));
    let mut loops = JoinSet::new();
    for Entrance { socket, listener } in entrances {
        socket.set_nonblocking(true)?;
        let way = Arc::new(Way::new(listener, &shared));
        loops.spawn(accept_all(TcpListener::from_std(socket)?, way, Arc::clone(&shared), stop.clone()));
    }
    while loops.join_next().await.is_some() {}
    Ok(())
}

/// Takes all the open files this process may have, and says so when the clients do not fit.
fn warn_of_few_files(door: &Door) {
    let (files, clients) = (files::raise_open_files(), door.settings.limits.connections_max);
    if files < clients as u64 + OTHER_FILES {
        tracing::warn!(
            target: "smtp",
            files,
            "limits.connections_max is {clients}, and this process may have {files} files open: raise LimitNOFILE of \
             the unit (or `ulimit -Hn`), or lower connections_max"
        );
    }
}

async fn accept_all<C: Custody>(
    listener: TcpListener,
    way: Arc<Way>,
    shared: Arc<Shared<C>>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let stop_of_guests = stop.clone();
    loop {
        tokio::select! {
            biased;
            () = stopping(&mut stop) => break,
            ended = connections.join_next(), if !connections.is_empty() => note_end(ended),
            accepted = listener.accept() => match accepted {
                Ok(accepted) => let_in(&mut connections, (&way, &shared), accepted, &stop_of_guests),
                Err(error) => {
                    tracing::warn!(target: "smtp", %error, "accepting a connection failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let most = Duration::from_secs(shared.limits.stop_seconds_max);
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

fn let_in<C: Custody>(
    connections: &mut JoinSet<()>,
    (way, shared): (&Arc<Way>, &Arc<Shared<C>>),
    (socket, from): (TcpStream, SocketAddr),
    stop: &watch::Receiver<bool>,
) {
    let Some(knock) = arrival::knock(way, shared, (socket, from)) else { return };
    let held = shared.door.watch.hold(Gauge::Sessions);
    let (way, shared, stop) = (Arc::clone(way), Arc::clone(shared), stop.clone());
    connections.spawn(async move {
        if let Some(connection) = arrival::enter(knock, &way, shared, stop).await {
            connection.converse().await;
        }
        drop(held);
    });
}

fn note_end(ended: Option<Result<(), tokio::task::JoinError>>) {
    if let Some(Err(error)) = ended {
        tracing::error!(target: "smtp", panicked = error.is_panic(), "a connection ended by an error of ours");
    }
}

//! Sockets that a socket unit hands over, and which door each of them is.

use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;

use listenfd::ListenFd;

use crate::config::{MilterListener, Settings};
use crate::milter::Door;

/// Sockets that were bound by somebody else.
#[derive(Debug, Default)]
pub struct Handed {
    /// Those at an address.
    pub tcp: Vec<TcpListener>,
    /// Those in the file system.
    pub unix: Vec<UnixListener>,
}

impl Handed {
    /// What the environment says is handed to this process.
    pub(super) fn from_environment() -> io::Result<Self> {
        let (mut from, mut handed) = (ListenFd::from_env(), Self::default());
        for index in 0..from.len() {
            // What is no socket of the file system stays where it is, and is tried as one with an address.
            match from.take_unix_listener(index) {
                Ok(socket) => handed.unix.extend(socket),
                Err(_) => handed.tcp.extend(from.take_tcp_listener(index)?),
            }
        }
        Ok(handed)
    }

    /// The sockets for SMTP, and the milter's: those in the file system, and those with a port of its settings.
    pub(super) fn sort(self, settings: &Settings) -> (Vec<TcpListener>, Vec<Door>) {
        let is_milters = |socket: &TcpListener| {
            let port = socket.local_addr().map_or(0, |bound| bound.port());
            let same = |l: &MilterListener| matches!(l, MilterListener::Inet(address) if address.port() == port);
            settings.milter.listen.iter().any(same)
        };
        let (milters, smtp): (Vec<TcpListener>, Vec<TcpListener>) = self.tcp.into_iter().partition(is_milters);
        let inet = milters.into_iter().map(Door::Inet);
        (smtp, inet.chain(self.unix.into_iter().map(|socket| Door::Unix(socket, None))).collect())
    }
}

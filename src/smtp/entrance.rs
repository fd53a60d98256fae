//! The sockets that clients come through, each with the settings of its listener.

use std::io;
use std::net::{SocketAddr, TcpListener};

use crate::config::{Listener, TlsSettings};
use crate::sys::net;
use crate::sys::tls::{ServerTls, TlsFault};

/// A socket to accept clients from, and what is asked of them.
#[derive(Debug)]
pub struct Entrance {
    /// The socket; bound by anybody, a socket unit for one.
    pub socket: TcpListener,
    /// What is asked of those who come through it.
    pub listener: Listener,
}

impl Entrance {
    /// Listens where the settings say.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(listener: &Listener) -> io::Result<Self> {
        Ok(Self { socket: net::listen(listener.address)?, listener: listener.clone() })
    }
}

/// The settings for a socket that somebody else has bound: those of the listener with its address, else of the first
/// one with its port. `None` when no listener has that port.
pub fn listener_for(listeners: &[Listener], bound: SocketAddr) -> Option<&Listener> {
    let same = listeners.iter().find(|l| l.address == bound);
    same.or_else(|| listeners.iter().find(|l| l.address.port() == bound.port()))
}

/// TLS by the settings; `None` when they name no certificate.
///
/// # Errors
/// The first thing in the files that cannot be used, with what to do about it.
pub fn open_tls(settings: &TlsSettings) -> Result<Option<ServerTls>, TlsFault> {
    settings.files().map(ServerTls::open).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_handed_over_finds_its_listener_by_address_or_else_by_port() {
        let at = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let listeners: Vec<Listener> =
            ["0.0.0.0:25", "[::]:25", "127.0.0.1:2525"].iter().map(|a| Listener::at(at(a))).collect();
        let check = |bound: &str, found: Option<&str>| {
            assert_eq!(listener_for(&listeners, at(bound)).map(|l| l.address), found.map(at), "{bound}");
        };
        check("[::]:25", Some("[::]:25"));
        check("192.0.2.1:25", Some("0.0.0.0:25"));
        check("[::1]:2525", Some("127.0.0.1:2525"));
        check("0.0.0.0:465", None);
    }
}

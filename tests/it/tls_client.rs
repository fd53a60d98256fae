//! Clients under TLS: from the first octet or behind STARTTLS, with and without a certificate of their own.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::certificates::{Authority, Issued};

/// The name in the gateway's certificate.
pub const HOST: &str = "gw.sakura.example";

/// A client's end of a TLS connection.
pub type TlsStream = StreamOwned<ClientConnection, TcpStream>;

/// Makes the handshake on a connection, as a client that trusts `authority` alone.
///
/// # Errors
/// What either side had against it.
pub fn shake(mut socket: TcpStream, authority: &Authority, shown: Option<&Issued>) -> io::Result<TlsStream> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    let builder = builder.with_root_certificates(authority.roots());
    let config = match shown {
        None => builder.with_no_client_auth(),
        Some(issued) => builder.with_client_auth_cert(issued.chain(), issued.private_key()).expect("a certificate"),
    };
    let name = ServerName::try_from(HOST).expect("a name");
    let mut connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    while connection.is_handshaking() {
        connection.complete_io(&mut socket)?;
    }
    Ok(StreamOwned::new(connection, socket))
}

/// Connects, with a bound on what a test waits.
pub fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).expect("the gateway answers");
    socket.set_nodelay(true).expect("an option");
    socket.set_read_timeout(Some(Duration::from_mins(1))).expect("an option");
    socket
}

/// Says these lines in clear, STARTTLS among them, and makes the handshake behind the 220 to it.
///
/// # Errors
/// As [`shake`].
pub fn start_tls(
    address: SocketAddr,
    said: &str,
    authority: &Authority,
    shown: Option<&Issued>,
) -> io::Result<TlsStream> {
    let mut socket = connect(address);
    socket.write_all(said.as_bytes())?;
    let (mut heard, mut octet) = (Vec::new(), [0]);
    while !heard.ends_with(b"220 2.0.0 Go ahead\r\n") {
        socket.read_exact(&mut octet)?;
        heard.push(octet[0]);
    }
    shake(socket, authority, shown)
}

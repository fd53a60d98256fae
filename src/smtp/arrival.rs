//! From an accepted socket to a client whose words are listened to: for whom it speaks, whether there is a place for
//! it, and TLS where it begins with the first octet.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use super::connection::Connection;
use super::guests::Guest;
use super::shared::Shared;
use super::{Admission, Custody};
use crate::config::{DoorTls, Listener};
use crate::pipeline::Client;
use crate::proto::proxy::{self, Proxied, ProxyFault};
use crate::proto::smtp::reply::Reply;
use crate::proto::smtp::session::{Availability, Terms};
use crate::sys::tls::Stream;
use crate::watch::Counter;

/// A balancer says at once for whom it speaks.
const PROXY_HEADER_FOR: Duration = Duration::from_secs(5);
/// A handshake is two round trips; a client that needs longer does not mean it.
pub(super) const HANDSHAKE_FOR: Duration = Duration::from_secs(30);

/// One entrance and its terms.
pub(super) struct Way {
    listener: Listener,
    /// Whether TLS begins with the first octet.
    implicit: bool,
    /// Those without users, and those with.
    terms: [Arc<Terms>; 2],
}

impl Way {
    pub(super) fn new<C: Custody>(listener: Listener, shared: &Shared<C>) -> Self {
        let tls = shared.door.tls.is_some();
        let has = |offered, required| match (offered, required) {
            // What is required and cannot be had shuts the door, and does not open it to everybody.
            (_, true) => Availability::Required,
            (true, false) => Availability::Offered,
            (false, false) => Availability::Absent,
        };
        let terms = |users| {
            Arc::new(Terms {
                host: Arc::clone(&shared.door.host),
                limits: Arc::clone(&shared.limits),
                starttls: has(tls && listener.tls == DoorTls::StartTls, listener.tls_required),
                auth: has(users, listener.auth_required),
                asks: shared.has_rates(),
                bare_lf: shared.door.settings.bare_lf,
            })
        };
        Self { terms: [terms(false), terms(true)], implicit: tls && listener.tls == DoorTls::Implicit, listener }
    }

    pub(super) fn terms(&self, users: bool) -> Arc<Terms> {
        Arc::clone(&self.terms[usize::from(users)])
    }
}

/// A socket there is a place for.
pub(super) struct Knock {
    socket: TcpStream,
    ip: IpAddr,
    guest: Guest,
    /// Absent as long as a balancer has not said for whom it speaks.
    admission: Option<Admission>,
}

/// Finds a place for a socket, without waiting for anything.
pub(super) fn knock<C: Custody>(
    way: &Way,
    shared: &Shared<C>,
    (socket, from): (TcpStream, SocketAddr),
) -> Option<Knock> {
    let ip = from.ip().to_canonical();
    let knock = if way.listener.proxy_from.is_empty() {
        let admission = shared.custody.admit(&Client::at(ip));
        shared.guests.admit(ip, admission.may_relay).map(|guest| (guest, Some(admission)))
    } else {
        let balancer = way.listener.proxy_from.iter().any(|n| n.contains(&ip));
        if balancer { shared.guests.let_in().map(|guest| (guest, None)) } else { None }
    };
    let Some((guest, admission)) = knock else {
        turn_away(way, shared, &socket);
        return None;
    };
    shared.door.watch.count(Counter::ConnectionsAccepted);
    Some(Knock { socket, ip, guest, admission })
}

/// Says 421 without waiting: a fresh socket has room for a line, and if not, the close says as much. Where TLS has to
/// come first, only the close.
fn turn_away<C: Custody>(way: &Way, shared: &Shared<C>, socket: &TcpStream) {
    shared.door.watch.count(Counter::ConnectionsRefused);
    if !way.implicit {
        let mut line = Vec::new();
        Reply::new(421, (4, 7, 0), "Too many connections, come again").write_to(&mut line);
        let _ = socket.try_write(&line);
    }
}

/// Hears from a balancer for whom it speaks, and finds a place for that client.
async fn hear_balancer<C: Custody>(knock: Knock, way: &Way, shared: &Shared<C>) -> Option<Knock> {
    let Knock { mut socket, ip, mut guest, .. } = knock;
    let ip = match timeout(PROXY_HEADER_FOR, read_proxy_header(&mut socket)).await {
        Ok(Ok(Proxied::For { client, .. })) => client.ip(),
        Ok(Ok(Proxied::Local)) => ip,
        // Nobody's address: no right hangs on it.
        Ok(Ok(Proxied::Unknown)) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Ok(Err(_)) | Err(_) => {
            shared.door.watch.count(Counter::ConnectionsRefused);
            return None;
        }
    };
    let admission = shared.custody.admit(&Client::at(ip));
    if !guest.introduce(ip, admission.may_relay) {
        turn_away(way, shared, &socket);
        return None;
    }
    Some(Knock { socket, ip, guest, admission: Some(admission) })
}

/// Reads the header, and never an octet further than its end: what follows may be a handshake.
async fn read_proxy_header(socket: &mut TcpStream) -> io::Result<Proxied> {
    let broken = |_: ProxyFault| io::Error::from(io::ErrorKind::InvalidData);
    let mut head = [0; 16];
    socket.read_exact(&mut head).await?;
    if let Some((proxied, _)) = proxy::read(&head).map_err(broken)? {
        return Ok(proxied);
    }
    // The last two octets of the head are the length of what follows; it has just been found to be within bounds.
    let mut rest = vec![0; usize::from(u16::from_be_bytes([head[14], head[15]]))];
    socket.read_exact(&mut rest).await?;
    match proxy::read(&[&head[..], &rest].concat()).map_err(broken)? {
        Some((proxied, _)) => Ok(proxied),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// The client behind the socket; none when it is turned away after all.
pub(super) async fn enter<C: Custody>(
    knock: Knock,
    way: &Way,
    shared: Arc<Shared<C>>,
    stop: watch::Receiver<bool>,
) -> Option<Connection<C>> {
    // Without it each short reply would wait for the client's delayed acknowledgement.
    let _ = knock.socket.set_nodelay(true);
    let Knock { socket, ip, guest, admission } =
        if knock.admission.is_some() { knock } else { Box::pin(hear_balancer(knock, way, &shared)).await? };
    let admission = admission.unwrap_or_default();
    let client = Client { shared: admission.shared, ..Client::at(ip) };
    let terms = way.terms(shared.custody.has_users());
    let connection = Connection::new((Stream::Plain(socket), client), (terms, admission, guest), shared, stop);
    if way.implicit { Box::pin(connection.secure()).await.ok() } else { Some(connection) }
}

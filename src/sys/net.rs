//! Sockets to listen on.

use std::io;
use std::net::{SocketAddr, TcpListener};

use rustix::net::{self, AddressFamily, SocketFlags, SocketType, ipproto, sockopt};

/// Connections that wait to be accepted. The kernel takes no more than `net.core.somaxconn`, 4096 by default.
const BACKLOG: i32 = 4096;

/// Listens on an address. An IPv6 address takes IPv6 clients alone, so that `0.0.0.0` can stand beside `[::]`.
///
/// # Errors
/// What the system says: the address is taken, is not this machine's, or its port needs a right we do not have.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, Some(ipproto::TCP))?;
    // Without it a restart fails for as long as old connections linger.
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    net::bind(&socket, &address)?;
    net::listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr, TcpStream};

    use super::*;

    #[test]
    fn the_same_port_is_listened_on_for_ipv4_and_ipv6_apart() {
        let six = listen((Ipv6Addr::UNSPECIFIED, 0).into()).expect("a port");
        let port = six.local_addr().expect("an address").port();
        let four = listen((Ipv4Addr::UNSPECIFIED, port).into()).expect("the same port");
        for (listener, ip) in [(six, Ipv6Addr::LOCALHOST.into()), (four, std::net::IpAddr::from(Ipv4Addr::LOCALHOST))] {
            let client = TcpStream::connect((ip, port)).expect("a connection");
            let (_, from) = listener.accept().expect("a client");
            assert_eq!(from, client.local_addr().expect("an address"));
        }
    }

    #[test]
    fn an_address_that_is_taken_is_an_error() {
        let first = listen((Ipv4Addr::LOCALHOST, 0).into()).expect("a port");
        let address = first.local_addr().expect("an address");
        assert_eq!(listen(address).map_err(|e| e.kind()).err(), Some(io::ErrorKind::AddrInUse));
    }
}

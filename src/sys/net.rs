//! Sockets to listen on, and what their connections hold.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

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

/// Listens at a place in the file system, in place of a socket that a dead server left there.
///
/// # Errors
/// What the system says: somebody listens there, something else lies there, or we may not write there. A socket whose
/// mode or owner cannot be set is removed again.
pub fn listen_at(path: &Path, mode: u32, (user, group): (Option<u32>, Option<u32>)) -> io::Result<UnixListener> {
    if fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket()) {
        if UnixStream::connect(path).is_ok() {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    // Before anybody is accepted: until then a connection is nobody's.
    let owned = fs::set_permissions(path, fs::Permissions::from_mode(mode)).and_then(|()| match (user, group) {
        (None, None) => Ok(()),
        (user, group) => chown(path, user, group),
    });
    if let Err(error) = owned {
        let _ = fs::remove_file(path);
        return Err(error);
    }
    Ok(listener)
}

/// Asks that a connection takes so many octets at once, and says how many it does: what is written up to that many is
/// the kernel's in one call, and leaves also if this process ends.
///
/// The kernel grants no more than `net.core.wmem_max`, and doubles what it grants, for its own keeping.
pub fn hold_whole(socket: &impl AsFd, octets: usize) -> usize {
    let _ = sockopt::set_socket_send_buffer_size(socket, octets);
    sockopt::socket_send_buffer_size(socket).map_or(0, |granted| granted / 2)
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
    fn a_socket_in_the_file_system_takes_the_place_of_a_dead_one_and_of_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("milter.sock");
        let first = listen_at(&path, 0o620, (None, None)).expect("a socket");
        let mode = fs::metadata(&path).expect("a socket").permissions().mode() & 0o777;
        assert_eq!(mode, 0o620);
        assert_eq!(listen_at(&path, 0o600, (None, None)).map_err(|e| e.kind()).err(), Some(io::ErrorKind::AddrInUse));
        drop(first);
        drop(listen_at(&path, 0o600, (None, None)).expect("the place of the dead one"));
        fs::remove_file(&path).expect("a socket");
        fs::write(&path, "a file").expect("a file");
        assert!(listen_at(&path, 0o600, (None, None)).is_err());
        assert_eq!(fs::read(&path).expect("the file"), b"a file");
    }

    #[test]
    fn what_a_connection_says_it_holds_is_taken_at_once() {
        use std::io::Write;
        let listener = listen((Ipv4Addr::LOCALHOST, 0).into()).expect("a port");
        let client = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
        let (mut server, _) = listener.accept().expect("a client");
        let (mut one, two) = UnixStream::pair().expect("a pair");
        server.set_nonblocking(true).expect("a socket");
        one.set_nonblocking(true).expect("a socket");
        for octets in [1 << 12, 1 << 17, 1 << 30] {
            let (inet, unix) = (hold_whole(&server, octets), hold_whole(&one, octets));
            assert!(inet > 0 && unix > 0);
        }
        let (inet, unix) = (hold_whole(&server, 1 << 30), hold_whole(&one, 1 << 30));
        assert_eq!(server.write(&vec![b'x'; inet]).ok(), Some(inet));
        assert_eq!(one.write(&vec![b'x'; unix]).ok(), Some(unix));
        drop((client, two));
    }

    #[test]
    fn an_address_that_is_taken_is_an_error() {
        let first = listen((Ipv4Addr::LOCALHOST, 0).into()).expect("a port");
        let address = first.local_addr().expect("an address");
        assert_eq!(listen(address).map_err(|e| e.kind()).err(), Some(io::ErrorKind::AddrInUse));
    }
}

//! Whether an address is one of this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

/// Whether octets sent to the address stay on this machine: the system would send them from that very address. Nothing
/// is sent to find out.
pub fn is_own(ip: IpAddr) -> bool {
    if ip.is_loopback() {
        return true;
    }
    let any: IpAddr = if ip.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let from = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect((ip, 25))?;
        socket.local_addr()
    });
    from.is_ok_and(|from| from.ip() == ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_ours_and_an_address_for_documentation_is_not() {
        assert!(is_own(IpAddr::from([127, 0, 0, 1])) && is_own(IpAddr::from([127, 3, 2, 1])));
        assert!(!is_own(IpAddr::from([192, 0, 2, 1])));
    }
}

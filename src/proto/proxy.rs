//! The PROXY protocol, version 2: in front of everything a balancer says for whom the connection is.
//!
//! Only what the specification (haproxy's `proxy-protocol.txt`, 2.2) allows in front of a TCP connection is read.
//! Version 1 is not: it is a line of text that a client could have written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What every header of version 2 starts with.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Octets in front of the addresses: signature, version and command, family, length.
const FIXED_OCTETS: usize = 16;
/// Longest header taken, in octets: addresses and more extensions than any balancer sends.
pub const HEADER_OCTETS_MAX: usize = 4096;

/// For whom a connection is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Proxied {
    /// The balancer itself looks whether we are there.
    Local,
    /// A client of whom the balancer tells nothing. It has no address, so no right can hang on one.
    Unknown,
    /// A client.
    For {
        /// Where it connects from; never an IPv4 address in IPv6 form.
        client: SocketAddr,
        /// Where it connected to.
        destination: SocketAddr,
    },
}

/// Why octets are no header.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ProxyFault {
    /// Something else stands in front.
    #[error("no PROXY header of version 2")]
    Signature,
    /// A version, command or family the specification does not have, or one that is not TCP.
    #[error("a PROXY header of an unknown kind")]
    Kind,
    /// Addresses cut off, extensions that do not add up, or more octets than [`HEADER_OCTETS_MAX`].
    #[error("a PROXY header of a wrong length")]
    Length,
}

/// Reads the header in front of `octets`; `None` when its end is not there yet. Returns it and how many octets it took.
///
/// Call it with what has come so far until it says something; of what stands behind nothing is looked at.
///
/// # Errors
/// [`ProxyFault`]: the connection has to end without a word, since nobody knows what is on the other side.
pub fn read(octets: &[u8]) -> Result<Option<(Proxied, usize)>, ProxyFault> {
    let begun = octets.len().min(SIGNATURE.len());
    if octets[..begun] != SIGNATURE[..begun] {
        return Err(ProxyFault::Signature);
    }
    let [_, _, _, _, _, _, _, _, _, _, _, _, command, family, high, low, ..] = *octets else { return Ok(None) };
    let whole = FIXED_OCTETS + usize::from(u16::from_be_bytes([high, low]));
    if whole > HEADER_OCTETS_MAX {
        return Err(ProxyFault::Length);
    }
    let local = match command {
        0x20 => true,
        0x21 => false,
        _ => return Err(ProxyFault::Kind),
    };
    let Some(rest) = octets.get(FIXED_OCTETS..whole) else { return Ok(None) };
    let proxied = match family {
        // Whatever the balancer says of its own connection is of no interest.
        _ if local => Proxied::Local,
        0x00 => Proxied::Unknown,
        0x11 => read_addresses::<4>(rest, |octets| Ipv4Addr::from(octets).into())?,
        0x21 => read_addresses::<16>(rest, |octets| Ipv6Addr::from(octets).to_canonical())?,
        _ => return Err(ProxyFault::Kind),
    };
    Ok(Some((proxied, whole)))
}

/// Two addresses, two ports, and extensions.
fn read_addresses<const N: usize>(rest: &[u8], ip: impl Fn([u8; N]) -> IpAddr) -> Result<Proxied, ProxyFault> {
    let (client, rest) = rest.split_first_chunk::<N>().ok_or(ProxyFault::Length)?;
    let (destination, rest) = rest.split_first_chunk::<N>().ok_or(ProxyFault::Length)?;
    let (ports, extensions) = rest.split_first_chunk::<4>().ok_or(ProxyFault::Length)?;
    check_extensions(extensions)?;
    let [a, b, c, d] = *ports;
    Ok(Proxied::For {
        client: SocketAddr::new(ip(*client), u16::from_be_bytes([a, b])),
        destination: SocketAddr::new(ip(*destination), u16::from_be_bytes([c, d])),
    })
}

/// Extensions tell nothing that we believe, but a header in which they do not add up is damaged.
fn check_extensions(mut rest: &[u8]) -> Result<(), ProxyFault> {
    while let [_, high, low, behind @ ..] = rest {
        let octets = usize::from(u16::from_be_bytes([*high, *low]));
        rest = behind.get(octets..).ok_or(ProxyFault::Length)?;
    }
    if rest.is_empty() { Ok(()) } else { Err(ProxyFault::Length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).expect("a short rest").to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    const V4: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 2, 0x30, 0x39, 0, 25];

    /// Reads a header with something behind it; it must be waited for at every octet before its end.
    fn check(header: &[u8], proxied: Proxied) {
        for octets in 0..header.len() {
            assert_eq!(read(&header[..octets]), Ok(None), "{octets} of {header:?}");
        }
        let followed = [header, b"EHLO pc\r\n"].concat();
        assert_eq!(read(&followed), Ok(Some((proxied, header.len()))));
    }

    fn proxied(client: &str, destination: &str) -> Proxied {
        let address = |text: &str| text.parse().expect("an address");
        Proxied::For { client: address(client), destination: address(destination) }
    }

    #[test]
    fn addresses_of_both_families_are_read() {
        check(&header(0x21, 0x11, &V4), proxied("192.0.2.1:12345", "198.51.100.2:25"));
        let ip = |text: &str| text.parse::<Ipv6Addr>().expect("an address").octets();
        let v6 = [&ip("2001:db8::1")[..], &ip("2001:db8::2"), &[0x30, 0x39, 0, 25]].concat();
        check(&header(0x21, 0x21, &v6), proxied("[2001:db8::1]:12345", "[2001:db8::2]:25"));
        let mapped = [&ip("::ffff:192.0.2.1")[..], &ip("::ffff:198.51.100.2"), &[0x30, 0x39, 0, 25]].concat();
        check(&header(0x21, 0x21, &mapped), proxied("192.0.2.1:12345", "198.51.100.2:25"));
    }

    #[test]
    fn extensions_are_passed_over() {
        let extensions = [4, 0, 3, 1, 2, 3, 0xe0, 0, 0];
        check(&header(0x21, 0x11, &[&V4[..], &extensions].concat()), proxied("192.0.2.1:12345", "198.51.100.2:25"));
    }

    #[test]
    fn the_balancer_itself_and_clients_it_tells_nothing_of_have_no_address() {
        check(&header(0x20, 0x00, b""), Proxied::Local);
        check(&header(0x20, 0x11, &V4), Proxied::Local);
        check(&header(0x21, 0x00, b""), Proxied::Unknown);
        check(&header(0x21, 0x00, b"anything"), Proxied::Unknown);
    }

    #[test]
    fn whatever_is_not_of_the_specification_is_refused() {
        let refused = |octets: &[u8], fault| assert_eq!(read(octets), Err(fault), "{octets:?}");
        refused(b"EHLO pc\r\n", ProxyFault::Signature);
        refused(b"PROXY TCP4 192.0.2.1 198.51.100.2 12345 25\r\n", ProxyFault::Signature);
        refused(b"\r\n\r\n\0\r\nQUIT\r", ProxyFault::Signature);
        refused(&header(0x11, 0x11, &V4), ProxyFault::Kind);
        refused(&header(0x22, 0x11, &V4), ProxyFault::Kind);
        for family in [0x01, 0x10, 0x12, 0x22, 0x31, 0x32, 0x41, 0xff] {
            refused(&header(0x21, family, &[0; 216]), ProxyFault::Kind);
        }
        refused(&header(0x21, 0x11, &V4[..11]), ProxyFault::Length);
        refused(&header(0x21, 0x21, &V4), ProxyFault::Length);
        refused(&header(0x21, 0x11, &[&V4[..], &[4]].concat()), ProxyFault::Length);
        refused(&header(0x21, 0x11, &[&V4[..], &[4, 0, 2, 1]].concat()), ProxyFault::Length);
    }

    #[test]
    fn a_header_without_end_is_refused_before_it_is_waited_for() {
        let long = header(0x21, 0x11, &vec![0; HEADER_OCTETS_MAX - FIXED_OCTETS + 1]);
        assert_eq!(read(&long[..FIXED_OCTETS]), Err(ProxyFault::Length));
        let longest = [&V4[..], &[4, 0x0f, 0xe1], &vec![0; HEADER_OCTETS_MAX - FIXED_OCTETS - 15]].concat();
        check(&header(0x21, 0x11, &longest), proxied("192.0.2.1:12345", "198.51.100.2:25"));
    }

    proptest::proptest! {
        #[test]
        fn any_octets_behind_the_signature_are_read_without_harm(rest in proptest::collection::vec(0u8.., 0..80)) {
            let octets = [&SIGNATURE[..], &rest].concat();
            if let Ok(Some((_, taken))) = read(&octets) {
                assert!(taken <= octets.len());
            }
        }
    }
}

//! Commands of an MTA: what each packet says.

use std::net::IpAddr;

use bytes::Bytes;

use super::packet::Packet;

/// Where the MTA's client is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Peer {
    /// At this address.
    At(IpAddr),
    /// On the MTA's own machine, or nobody knows where.
    #[default]
    Unknown,
}

/// One command.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Command {
    /// The MTA's offer of terms.
    Offer(Bytes),
    /// Macros for the command named by the octet.
    Macros(u8, Bytes),
    /// A client has connected to the MTA.
    Connect(Peer),
    /// It said HELO; the name tells us nothing.
    Helo,
    /// MAIL: the path and its parameters.
    Mail(Vec<Bytes>),
    /// RCPT: the path and its parameters.
    Rcpt(Vec<Bytes>),
    /// DATA.
    Data,
    /// A header field: name and value.
    Header(Bytes, Bytes),
    /// The header is complete.
    EndOfHeader,
    /// Part of the body.
    Body(Bytes),
    /// The message is complete; what stands here is the rest of its body.
    End(Bytes),
    /// An SMTP command nobody knows.
    Unknown,
    /// The mail that was being told is none.
    Abort,
    /// The MTA's client has gone, and so does the MTA.
    Quit,
    /// The MTA's client has gone; the next one's mails are told over the same connection.
    QuitAndReuse,
}

/// Why a packet is no command.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CommandFault {
    /// Nothing the protocol knows.
    #[error("a packet of kind {0:#04x}")]
    Kind(u8),
    /// What stands in it is not what belongs there.
    #[error("a packet of kind {:?} that holds something else", *.0 as char)]
    Data(u8),
}

impl Command {
    /// Reads a packet.
    ///
    /// # Errors
    /// [`CommandFault`]; what comes behind it may be read all the same, but what it meant is lost.
    pub fn read(packet: Packet) -> Result<Self, CommandFault> {
        let Packet { kind, data } = packet;
        let wrong = CommandFault::Data(kind);
        Ok(match kind {
            b'O' => Self::Offer(data),
            b'D' => Self::Macros(*data.first().ok_or(wrong)?, data.slice(1..)),
            b'C' => Self::Connect(read_peer(&data).ok_or(wrong)?),
            b'H' => Self::Helo,
            b'M' => Self::Mail(words(&data).filter(|w| !w.is_empty()).ok_or(wrong)?),
            b'R' => Self::Rcpt(words(&data).filter(|w| !w.is_empty()).ok_or(wrong)?),
            b'T' => Self::Data,
            b'L' => {
                let words = words(&data).ok_or(wrong)?;
                let [name, value] = <[Bytes; 2]>::try_from(words).map_err(|_| wrong)?;
                Self::Header(name, value)
            }
            b'N' => Self::EndOfHeader,
            b'B' => Self::Body(data),
            b'E' => Self::End(data),
            b'U' => Self::Unknown,
            b'A' => Self::Abort,
            b'Q' => Self::Quit,
            b'K' => Self::QuitAndReuse,
            other => return Err(CommandFault::Kind(other)),
        })
    }
}

/// Texts that each end in a NUL.
fn words(data: &Bytes) -> Option<Vec<Bytes>> {
    let mut rest = data.clone();
    let mut words = Vec::new();
    while !rest.is_empty() {
        let end = memchr::memchr(0, &rest)?;
        words.push(rest.split_to(end));
        let _ = rest.split_to(1);
    }
    Some(words)
}

/// The client's name, the family of its address, its port and the address as text.
fn read_peer(data: &Bytes) -> Option<Peer> {
    let name_end = memchr::memchr(0, data)?;
    let (family, rest) = data[name_end + 1..].split_first()?;
    let address = match family {
        b'4' | b'6' => rest.get(2..)?,
        _ => return Some(Peer::Unknown),
    };
    let text = std::str::from_utf8(address.strip_suffix(b"\0").unwrap_or(address)).ok()?;
    Some(read_address(text).map_or(Peer::Unknown, Peer::At))
}

/// An address as MTAs write them: Sendmail puts `IPv6:` in front of those.
pub(super) fn read_address(text: &str) -> Option<IpAddr> {
    let bare = text.get(..5).filter(|p| p.eq_ignore_ascii_case("ipv6:")).map_or(text, |_| &text[5..]);
    bare.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: u8, data: &'static [u8]) -> Result<Command, CommandFault> {
        Command::read(Packet { kind, data: Bytes::from_static(data) })
    }

    #[test]
    fn a_client_is_where_the_mta_says_it_is() {
        let check = |data: &'static [u8], ip: Option<&str>| {
            let peer = ip.map_or(Peer::Unknown, |ip| Peer::At(ip.parse().expect("an address")));
            assert_eq!(read(b'C', data), Ok(Command::Connect(peer)));
        };
        check(b"mail.example\x004\x04\xd2192.0.2.7\0", Some("192.0.2.7"));
        check(b"[192.0.2.7]\x004\x04\xd2192.0.2.7", Some("192.0.2.7"));
        check(b"mail.example\x006\0\0IPv6:2001:db8::7\0", Some("2001:db8::7"));
        check(b"mail.example\x006\0\0::ffff:192.0.2.7\0", Some("192.0.2.7"));
        check(b"localhost\0L\0\0/tmp/socket\0", None);
        check(b"unknown\0U", None);
        check(b"mail.example\x004\x04\xd2somewhere\0", None);
        assert_eq!(read(b'C', b"mail.example"), Err(CommandFault::Data(b'C')));
        assert_eq!(read(b'C', b"mail.example\x004\x04"), Err(CommandFault::Data(b'C')));
    }

    #[test]
    fn a_packet_that_does_not_hold_what_belongs_there_is_no_command() {
        assert_eq!(
            read(b'M', b"<a@sakura.example>\0SIZE=7\0").map(|c| matches!(c, Command::Mail(w) if w.len() == 2)),
            Ok(true)
        );
        assert_eq!(read(b'M', b"<a@sakura.example>"), Err(CommandFault::Data(b'M')));
        assert_eq!(read(b'R', b""), Err(CommandFault::Data(b'R')));
        assert_eq!(read(b'L', b"Subject\0"), Err(CommandFault::Data(b'L')));
        assert_eq!(read(b'L', b"Subject\0a\0b\0"), Err(CommandFault::Data(b'L')));
        assert_eq!(read(b'D', b""), Err(CommandFault::Data(b'D')));
        assert_eq!(read(b'z', b""), Err(CommandFault::Kind(b'z')));
    }
}

//! Trace information (RFC 5321 4.4): the Received field we put in front, and counting those that are there.

use std::fmt::Write;
use std::net::IpAddr;

use jiff::Timestamp;

/// What our Received field says. No mailbox is ever in it.
#[derive(Clone, Copy, Debug)]
pub struct Trace<'a> {
    /// The client's own name, already made harmless by [`super::command`].
    pub helo: &'a str,
    /// The client's address.
    pub client: IpAddr,
    /// Our host name.
    pub host: &'a str,
    /// `SMTP`, `ESMTP` or `UTF8SMTP` (RFC 3848, RFC 6531).
    pub protocol: &'a str,
    /// Our id of the transaction.
    pub id: &'a str,
    /// When the final dot came.
    pub at: Timestamp,
}

impl Trace<'_> {
    /// The whole field, folded, with its final CRLF.
    pub fn line(&self) -> String {
        let Self { helo, host, protocol, id, .. } = self;
        let (tag, client) = match self.client.to_canonical() {
            ip @ IpAddr::V4(_) => ("", ip),
            ip @ IpAddr::V6(_) => ("IPv6:", ip),
        };
        let at = self.at.strftime("%a, %d %b %Y %H:%M:%S +0000");
        let mut line = String::with_capacity(helo.len() + host.len() + id.len() + 160);
        // Writing to a string cannot fail.
        let _ = write!(
            line,
            "Received: from {helo} ([{tag}{client}])\r\n\tby {host} with {protocol} id {id};\r\n\t{at}\r\n"
        );
        line
    }
}

/// How many Received fields stand in the header of a message; each is one hop.
pub fn count_hops(message: &[u8]) -> usize {
    let mut hops = 0;
    let mut from = 0;
    while let Some(end) = memchr::memchr(b'\n', &message[from..]) {
        let line = &message[from..from + end];
        if line.is_empty() || line == b"\r" {
            break;
        }
        let name = line.split(|b| *b == b':').next().unwrap_or_default();
        hops += usize::from(name.trim_ascii_end().eq_ignore_ascii_case(b"Received") && name.len() < line.len());
        from += end + 1;
    }
    hops
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_names_client_host_protocol_id_and_time() {
        let at = Timestamp::UNIX_EPOCH;
        let client = IpAddr::from([192, 0, 2, 1]);
        let trace = Trace { helo: "pc", client, host: "relay.example", protocol: "ESMTP", id: "k3x", at };
        let expected = "Received: from pc ([192.0.2.1])\r\n\tby relay.example with ESMTP id k3x;\r\n\t\
                        Thu, 01 Jan 1970 00:00:00 +0000\r\n";
        assert_eq!(trace.line(), expected);
        let client = IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]);
        assert!(Trace { client, ..trace }.line().contains("([IPv6:2001:db8::1])"));
        assert_eq!(count_hops(trace.line().as_bytes()), 1);
    }

    #[test]
    fn hops_are_counted_in_the_header_alone() {
        let check = |text: &str, hops| assert_eq!(count_hops(text.as_bytes()), hops, "{text:?}");
        check("Received: a\r\n\tReceived: folded\r\nreceived : b\r\nX-Received: c\r\n\r\nReceived: d\r\n", 2);
        check("Received\r\nSubject: x\r\n", 0);
        check("", 0);
        check("\r\nReceived: body\r\n", 0);
    }
}

//! What the formats share: the program in front, queue ids, addresses and named values, each read from where it begins.

use std::net::IpAddr;

use super::Relay;
use crate::mail::address::Address;

/// `postfix/smtp[123]: message` as program and message.
pub(super) fn program(text: &str) -> Option<(&str, &str)> {
    let (tag, message) = text.split_once(": ")?;
    let (program, pid) = tag.strip_suffix(']')?.split_once('[')?;
    let is_number = !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit());
    (is_number && is_program(program)).then_some((program, message))
}

fn is_program(name: &str) -> bool {
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_' | b'.');
    !name.is_empty() && name.bytes().all(fine)
}

/// Whether a text can be the name of a mail: long and short ones of Postfix, those of Sendmail and Exim.
pub(super) fn is_queue_id(text: &str) -> bool {
    (5..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// `ID: rest`.
pub(super) fn queue_id(message: &str) -> Option<(&str, &str)> {
    let (id, rest) = message.split_once(": ")?;
    is_queue_id(id).then_some((id, rest))
}

/// An address in brackets that begins the text, and what follows its bracket. The brackets may hold one more in quotes:
/// the address ends where it is one.
pub(super) fn bracketed(text: &str) -> Option<(Address, &str)> {
    let inner = text.strip_prefix('<')?;
    inner.match_indices('>').take(16).find_map(|(end, _)| {
        let address = Address::parse(&inner[..end]).ok()?;
        Some((address, &inner[end + 1..]))
    })
}

/// `name=value, rest`: the value ends at the first comma with a blank, which nothing the MTA writes there has in it.
pub(super) fn named(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = text.split_once('=')?;
    (!name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')).then_some(())?;
    let (value, rest) = rest.split_once(", ")?;
    Some((name, value, rest))
}

/// `mx.example[192.0.2.1]:25`, or with a blank in front of the bracket.
pub(super) fn host(text: &str) -> Option<Relay> {
    let (name, rest) = text.split_once('[')?;
    let (ip, port) = rest.split_once(']')?;
    let ip = ip.strip_prefix("IPv6:").unwrap_or(ip).parse::<IpAddr>().ok();
    let port = port.strip_prefix(':').and_then(|p| p.parse().ok());
    host_name(name.trim_end()).map(|name| Relay::Host { name, at: ip.map(|ip| (ip, port)) })
}

/// A host's name in lower case without the last dot.
pub(super) fn host_name(name: &str) -> Option<String> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':');
    (!name.is_empty() && name.bytes().all(fine)).then(|| name.to_ascii_lowercase())
}

//! The forms a value may take: durations, sizes, networks, addresses, names; each with bounds and a remedy.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use ipnet::IpNet;
use toml::de::DeValue;

use super::doors::Stamp;
use super::finding::Wrong;
use super::routes::{DomainPattern, HostPort, NextHop};
use crate::classify::Listed;
use crate::mail::address::{Address, Domain};

type Read<T> = Result<T, Wrong>;

const SECOND: u64 = 1;
const UNITS_OF_TIME: &[(&str, u64)] = &[("d", 86_400), ("h", 3600), ("m", 60), ("s", SECOND)];
const UNITS_OF_SIZE: &[(&str, u64)] = &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// A text without controls, of at least one and at most `chars_max` characters.
pub(super) fn text(chars_max: usize) -> impl Fn(&DeValue) -> Read<String> {
    move |value| {
        let text = quoted(value, "\"…\"")?;
        let fits = (1..=chars_max).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        let remedy = || format!("write 1 to {chars_max} characters on one line");
        fits.then(|| text.to_owned()).ok_or_else(|| Wrong::new("empty, too long, or with control characters", remedy()))
    }
}

/// A short name of ASCII letters, digits, `-`, `_` and `.`, as events and the ledger can show it.
pub(super) fn name(value: &DeValue) -> Read<String> {
    let text = quoted(value, "\"default\"")?;
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let fits = (1..=32).contains(&text.len()) && text.bytes().all(fine);
    fits.then(|| text.to_owned())
        .ok_or_else(|| Wrong::new(format!("{text:?} is not a name"), "write 1 to 32 of a-z A-Z 0-9 - _ ."))
}

/// The text between the quotes; `example` shows the form when there are none.
pub(super) fn quoted<'v>(value: &'v DeValue, example: &str) -> Read<&'v str> {
    let found = || format!("{} where a text is needed", value.type_str());
    value.as_str().ok_or_else(|| Wrong::new(found(), format!("write it in quotes, such as {example}")))
}

/// The value as it was written, as far as it is one number or text.
fn shown(value: &DeValue) -> String {
    let text = value.as_str().map(|t| format!("{t:?}"));
    text.or_else(|| value.as_integer().map(ToString::to_string)).unwrap_or_else(|| value.type_str().to_owned())
}

/// `true` or `false`.
pub(super) fn switch(value: &DeValue) -> Read<bool> {
    value.as_bool().ok_or_else(|| Wrong::new("neither true nor false", "write true or false, without quotes"))
}

/// A whole number within bounds.
pub(super) fn count<T>(bounds: RangeInclusive<T>) -> impl Fn(&DeValue) -> Read<T>
where
    T: Copy + Ord + std::fmt::Display + TryFrom<u64>,
{
    move |value| {
        let digits = value.as_integer().map(|i| u64::from_str_radix(i.as_str(), i.radix()));
        let number = digits.and_then(Result::ok).and_then(|n| T::try_from(n).ok());
        let remedy = || format!("write a whole number from {} to {}", bounds.start(), bounds.end());
        let what = || format!("{} is out of bounds, or no whole number", shown(value));
        number.filter(|n| bounds.contains(n)).ok_or_else(|| Wrong::new(what(), remedy()))
    }
}

/// A duration such as `"5s"` within bounds, given in seconds.
pub(super) fn duration(bounds: RangeInclusive<u64>) -> impl Fn(&DeValue) -> Read<Duration> {
    move |value| {
        let found = measure(quoted(value, "\"5m\"")?, UNITS_OF_TIME);
        let remedy = || {
            let show = |n: u64| render(n, UNITS_OF_TIME);
            format!(
                "write {} to {}, such as \"30s\", \"5m\", \"4h\" or \"7d\"",
                show(*bounds.start()),
                show(*bounds.end())
            )
        };
        let wrong = || Wrong::new(format!("{} is no duration within bounds", shown(value)), remedy());
        found.filter(|n| bounds.contains(n)).map(Duration::from_secs).ok_or_else(wrong)
    }
}

/// A number of whole days such as `"365d"` within bounds.
pub(super) fn days(bounds: RangeInclusive<u32>) -> impl Fn(&DeValue) -> Read<u32> {
    move |value| {
        let seconds = measure(quoted(value, "\"365d\"")?, UNITS_OF_TIME);
        let days = seconds.filter(|s| s.is_multiple_of(86_400)).and_then(|s| u32::try_from(s / 86_400).ok());
        let remedy = || format!("write {}d to {}d, such as \"365d\"", bounds.start(), bounds.end());
        let what = || format!("{} is no number of whole days within bounds", shown(value));
        days.filter(|n| bounds.contains(n)).ok_or_else(|| Wrong::new(what(), remedy()))
    }
}

/// A size such as `"50MiB"` within bounds, in octets.
pub(super) fn octets(bounds: RangeInclusive<u64>) -> impl Fn(&DeValue) -> Read<u64> {
    move |value| {
        let found = measure(quoted(value, "\"50MiB\"")?, UNITS_OF_SIZE);
        let show = |n: u64| render(n, UNITS_OF_SIZE);
        let remedy =
            || format!("write {} to {}, with B, KiB, MiB or GiB behind it", show(*bounds.start()), show(*bounds.end()));
        let what = || format!("{} is no size within bounds", shown(value));
        found.filter(|n| bounds.contains(n)).ok_or_else(|| Wrong::new(what(), remedy()))
    }
}

fn measure(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, worth) = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()))?;
    number.parse::<u64>().ok()?.checked_mul(*worth)
}

fn render(n: u64, units: &[(&str, u64)]) -> String {
    let fitting = units.iter().find(|(_, worth)| n >= *worth && n.is_multiple_of(*worth));
    fitting.map_or_else(|| n.to_string(), |(name, worth)| format!("{}{name}", n / worth))
}

/// One of a few words.
pub(super) fn one_of<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(&DeValue) -> Read<T> {
    move |value| {
        let text = quoted(value, words.first().map_or("", |w| w.0))?;
        let known = || words.iter().map(|(word, _)| format!("{word:?}")).collect::<Vec<_>>().join(", ");
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        found.ok_or_else(|| Wrong::new(format!("{text:?} is not known here"), format!("write one of {}", known())))
    }
}

/// A mailbox.
pub(super) fn address(value: &DeValue) -> Read<Address> {
    let text = quoted(value, "\"hr@company.example\"")?;
    Address::parse(text)
        .ok()
        .filter(|a| a.domain().is_some())
        .ok_or_else(|| Wrong::new(format!("{text:?} is not a mail address"), "write local@domain"))
}

/// A domain name.
pub(super) fn domain(value: &DeValue) -> Read<Domain> {
    let text = quoted(value, "\"company.example\"")?;
    let named = Domain::parse(text).ok().filter(|d| !d.as_str().starts_with('['));
    named.ok_or_else(|| Wrong::new(format!("{text:?} is not a domain"), "write the bare name, without @, * or blanks"))
}

/// A mailbox, or all of a domain.
pub(super) fn listed(value: &DeValue) -> Read<Listed> {
    let text = quoted(value, "\"agency.example\"")?;
    if text.contains('@') { address(value).map(Listed::Address) } else { domain(value).map(Listed::Domain) }
}

/// A mailbox in a list where a whole domain would take in too many.
pub(super) fn listed_address(value: &DeValue) -> Read<Listed> {
    let text = quoted(value, "\"career@university.example\"")?;
    if !text.contains('@') && Domain::parse(text).is_ok() {
        let remedy = "name the office's addresses; students are candidates and share its domain";
        return Err(Wrong::new(format!("{text:?} is a whole domain"), remedy));
    }
    address(value).map(Listed::Address)
}

/// `*`, a domain, or `*.` and a domain.
pub(super) fn domain_pattern(value: &DeValue) -> Read<DomainPattern> {
    let text = quoted(value, "\"*\"")?;
    let wrong = |_| Wrong::new(format!("{text:?} is no pattern"), "write *, company.example or *.company.example");
    match text.strip_prefix("*.") {
        _ if text == "*" => Ok(DomainPattern::Any),
        Some(below) => Domain::parse(below).map(DomainPattern::Below).map_err(wrong),
        None => Domain::parse(text).map(DomainPattern::Exactly).map_err(wrong),
    }
}

/// A network in CIDR form, or a single address.
pub(super) fn network(value: &DeValue) -> Read<IpNet> {
    let text = quoted(value, "\"192.0.2.0/24\"")?;
    let single = || text.parse().ok().map(|ip: std::net::IpAddr| IpNet::from(ip));
    let net = text.parse().ok().or_else(single);
    let wrong = || Wrong::new(format!("{text:?} is not a network"), "write an address with its prefix: 192.0.2.0/24");
    let net: IpNet = net.ok_or_else(wrong)?;
    if net != net.trunc() {
        let remedy = format!(
            "write {} for the network, or {}/{} for the one host",
            net.trunc(),
            net.addr(),
            net.max_prefix_len()
        );
        return Err(Wrong::new(format!("{text:?} has host bits set"), remedy));
    }
    Ok(net)
}

/// A network whose hosts are trusted; the whole internet is not one.
pub(super) fn client_network(value: &DeValue) -> Read<IpNet> {
    let net = network(value)?;
    let shortest = if net.addr().is_ipv4() { 8 } else { 16 };
    if net.prefix_len() < shortest {
        let remedy = "name the networks of your own hosts; anything wider is an open relay";
        return Err(Wrong::new(format!("{net} is far too wide to trust"), remedy));
    }
    Ok(net)
}

/// An address and port to listen on.
pub(super) fn socket(value: &DeValue) -> Read<SocketAddr> {
    let text = quoted(value, "\"127.0.0.1:2525\"")?;
    text.parse().map_err(|_| {
        Wrong::new(format!("{text:?} is not an address with a port"), "write 127.0.0.1:2525 or [::1]:2525")
    })
}

/// A host, or an address, and a port that is not 0.
fn host_port(text: &str) -> Option<HostPort> {
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return (socket.port() > 0).then(|| HostPort { host: socket.ip().to_string(), port: socket.port() });
    }
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|p| *p > 0)?;
    let host = Domain::parse(host).ok().filter(|d| !d.as_str().starts_with('['))?;
    Some(HostPort { host: host.as_str().to_owned(), port })
}

/// Who takes mail: a host with a port, the same by LMTP, or the recipients' own servers.
pub(super) fn next_hop(value: &DeValue) -> Read<NextHop> {
    let text = quoted(value, "\"smarthost.example:25\"")?;
    let found = match text.split_once(':') {
        None if text == "mx" => Some(NextHop::Mx { port: 25 }),
        Some(("mx", port)) => port.parse().ok().filter(|p| *p > 0).map(|port| NextHop::Mx { port }),
        Some(("lmtp", at)) => host_port(at).map(NextHop::Lmtp),
        _ => host_port(text).map(NextHop::Host),
    };
    let remedy = "write host:25, 192.0.2.1:25 or [2001:db8::1]:25, lmtp:host:24, or mx";
    found.ok_or_else(|| Wrong::new(format!("{text:?} is not a host with a port"), remedy))
}

/// An address to ask for names, with or without a port.
pub(super) fn name_server(value: &DeValue) -> Read<SocketAddr> {
    let text = quoted(value, "\"192.0.2.53\"")?;
    let bare = || text.parse().ok().map(|ip: std::net::IpAddr| SocketAddr::from((ip, 53)));
    let wrong =
        || Wrong::new(format!("{text:?} is no address"), "write 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53");
    text.parse().ok().or_else(bare).ok_or_else(wrong)
}

/// The name of a header field that only we and the admin write.
pub(super) fn header_name(value: &DeValue) -> Read<String> {
    own_header(quoted(value, "\"X-Career-Relay-Route\"")?)
}

fn own_header(text: &str) -> Read<String> {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let own = text.get(..2).is_some_and(|x| x.eq_ignore_ascii_case("x-"));
    let fits = own && (3..=64).contains(&text.len()) && text.bytes().all(fine);
    let remedy = "begin it with X-, then a-z A-Z 0-9 and -, 64 characters at most";
    fits.then(|| text.to_owned()).ok_or_else(|| Wrong::new(format!("{text:?} is no name for a header of ours"), remedy))
}

/// The name of a field that somebody else writes into a mail.
pub(super) fn foreign_header(value: &DeValue) -> Read<String> {
    let text = quoted(value, "\"X-OriginatorOrg\"")?;
    let fine = |b: u8| b.is_ascii_graphic() && b != b':';
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(fine);
    fits.then(|| text.to_owned())
        .ok_or_else(|| Wrong::new(format!("{text:?} is no name of a header"), "write it without the colon"))
}

/// A whole header field, `X-Name: value`.
pub(super) fn stamp(value: &DeValue) -> Read<Stamp> {
    let text = quoted(value, "\"X-Career-Relay: passed\"")?;
    let wrong =
        || Wrong::new(format!("{text:?} is no header field"), "write X-Name: value, of 200 ASCII characters at most");
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    let (name, value) = (own_header(name)?, value.trim());
    let fits = (1..=200).contains(&value.len()) && value.bytes().all(|b| matches!(b, b' '..=b'~'));
    fits.then(|| Stamp { name, value: value.to_owned() }).ok_or_else(wrong)
}

/// A name in a certificate, or the print of one.
pub(super) fn certificate_name(value: &DeValue) -> Read<String> {
    let text = quoted(value, "\"ats.company.example\"")?.to_ascii_lowercase();
    let is_print = |hex: &str| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit());
    let is_name =
        |name: &str| Domain::parse(name.strip_prefix("*.").unwrap_or(name)).is_ok_and(|d| !d.as_str().starts_with('['));
    let fits = text.strip_prefix("sha256:").map_or_else(|| is_name(&text), is_print);
    let remedy =
        "write a DNS name it bears, such as ats.company.example, or sha256: and the 64 hex digits of its print";
    fits.then(|| text.clone()).ok_or_else(|| Wrong::new(format!("{text:?} is no name in a certificate"), remedy))
}

/// A host name that a certificate must bear.
pub(super) fn certificate_host(value: &DeValue) -> Read<String> {
    domain(value).map(|d| d.as_str().to_owned())
}

/// The name of a user, as it was given to `career-relay user add`.
pub(super) fn user(value: &DeValue) -> Read<String> {
    let text = quoted(value, "\"ats\"")?.to_ascii_lowercase();
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"._@+-".contains(&b);
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(fine);
    let wrong = || Wrong::new(format!("{text:?} is no user's name"), "write 1 to 64 of a-z, 0-9 and . _ @ + -");
    fits.then(|| text.clone()).ok_or_else(wrong)
}

/// A day: a bare date, or the same in quotes.
pub(super) fn date(value: &DeValue) -> Read<jiff::civil::Date> {
    let text = value.as_datetime().map(ToString::to_string).or_else(|| value.as_str().map(str::to_owned));
    let parsed = text.as_deref().filter(|t| t.len() == 10).and_then(|t| t.parse().ok());
    parsed.ok_or_else(|| Wrong::new("not a date", "write it as 2026-04-01"))
}

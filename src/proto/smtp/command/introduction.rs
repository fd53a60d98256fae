//! XCLIENT: for whom a proxy speaks, as Postfix describes it in its `XCLIENT_README`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{CommandFault, Hello};
use crate::proto::smtp::xtext;

/// Longest value of NAME, HELO and LOGIN, in octets.
const NAME_OCTETS_MAX: usize = 255;

/// What one XCLIENT tells. An attribute that it does not name stays as it was.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Introduction {
    /// NAME: the client's host name.
    pub name: Option<Told<Box<str>>>,
    /// ADDR: the client's address. Rights that hang on an address hang on this one from now on.
    pub address: Option<Told<IpAddr>>,
    /// PORT: the client's port.
    pub port: Option<Told<u16>>,
    /// PROTO: whether the client said EHLO.
    pub extended: Option<bool>,
    /// HELO: what the client called itself, made harmless.
    pub hello: Option<Told<Box<str>>>,
    /// LOGIN: the user the client authenticated as.
    pub login: Option<Told<Box<str>>>,
    /// DESTADDR: the address the client connected to.
    pub destination: Option<Told<IpAddr>>,
    /// DESTPORT: the port the client connected to.
    pub destination_port: Option<Told<u16>>,
}

/// What an attribute says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Told<T> {
    /// This.
    Value(T),
    /// `[UNAVAILABLE]`: there is none.
    Unavailable,
    /// `[TEMPUNAVAIL]`: it could not be found out just now.
    TempUnavailable,
}

impl<T> Told<T> {
    /// The value, when there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Unavailable | Self::TempUnavailable => None,
        }
    }
}

impl Introduction {
    /// Attributes as EHLO names them.
    pub const KEYWORD: &str = "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT";

    /// Reads the attributes behind XCLIENT.
    ///
    /// # Errors
    /// [`CommandFault::Arguments`] for anything that is not in the grammar, or comes twice.
    pub(super) fn read(arguments: &[u8]) -> Result<Self, CommandFault> {
        let text = std::str::from_utf8(arguments).map_err(|_| CommandFault::Arguments)?;
        let mut told = Self::default();
        let mut attributes = text.split(' ').filter(|a| !a.is_empty()).peekable();
        attributes.peek().ok_or(CommandFault::Arguments)?;
        for attribute in attributes {
            told.take(attribute).ok_or(CommandFault::Arguments)?;
        }
        Ok(told)
    }

    /// The greeting this amounts to, when the client's own name is known.
    pub fn greeting(&self) -> Option<Hello> {
        let name = self.hello.as_ref()?.value()?;
        Some(Hello { name: name.clone(), extended: self.extended == Some(true) })
    }

    fn take(&mut self, attribute: &str) -> Option<()> {
        let (name, value) = attribute.split_once('=')?;
        let value = xtext::decode(value).and_then(|octets| String::from_utf8(octets).ok())?;
        match name.to_ascii_uppercase().as_str() {
            "NAME" => once(&mut self.name, read(&value, harmless)?),
            "ADDR" => once(&mut self.address, read(&value, read_ip)?),
            "PORT" => once(&mut self.port, read(&value, read_port)?),
            "PROTO" if value.eq_ignore_ascii_case("SMTP") => once(&mut self.extended, false),
            "PROTO" if value.eq_ignore_ascii_case("ESMTP") => once(&mut self.extended, true),
            "HELO" => once(&mut self.hello, read(&value, harmless)?),
            "LOGIN" => once(&mut self.login, read(&value, read_user)?),
            "DESTADDR" => once(&mut self.destination, read(&value, read_ip)?),
            "DESTPORT" => once(&mut self.destination_port, read(&value, read_port)?),
            _ => None,
        }
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

fn read<T>(value: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<Told<T>> {
    match value {
        value if value.eq_ignore_ascii_case("[UNAVAILABLE]") => Some(Told::Unavailable),
        value if value.eq_ignore_ascii_case("[TEMPUNAVAIL]") => Some(Told::TempUnavailable),
        value => parse(value).map(Told::Value),
    }
}

fn harmless(value: &str) -> Option<Box<str>> {
    (1..=NAME_OCTETS_MAX).contains(&value.len()).then(|| Hello::new(value, false).name)
}

fn read_user(value: &str) -> Option<Box<str>> {
    let fits = (1..=NAME_OCTETS_MAX).contains(&value.len()) && !value.contains(char::is_control);
    fits.then(|| value.into())
}

fn read_ip(value: &str) -> Option<IpAddr> {
    let ip = match value.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("IPV6:") => value[5..].parse::<Ipv6Addr>().ok()?.into(),
        _ => value.parse::<Ipv4Addr>().ok()?.into(),
    };
    Some(IpAddr::to_canonical(&ip))
}

fn read_port(value: &str) -> Option<u16> {
    let plain = (1..=5).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit());
    value.parse().ok().filter(|_| plain)
}

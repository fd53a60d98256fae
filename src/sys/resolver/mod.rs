//! Looking names up in the DNS: mail servers, addresses, texts and TLSA records, each with the faults told apart.
//!
//! Whoever needs a name asks [`Resolve`]; the real name servers are behind [`NameServers`], and tests put their own
//! answers there. Private and loopback addresses are answers like any other: where mail goes is the admin's business.

mod name_servers;

use std::fmt::Debug;
use std::net::IpAddr;
use std::pin::Pin;

use super::tls::Tlsa;

pub use self::name_servers::NameServers;

/// What was found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Answer<T> {
    /// The records, in no order that means anything; never empty.
    pub records: Vec<T>,
    /// Whether a name server we believe in that says every step to them is signed (RFC 4035 3.2.3).
    pub secure: bool,
    /// The name that has them, where aliases have led: in lower case without the last dot.
    pub name: String,
}

/// Why nothing was found.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LookupFault {
    /// The name does not exist.
    #[error("no such name")]
    NoSuchName,
    /// The name exists and has no such record.
    #[error("no such record")]
    NoRecords,
    /// It cannot be told now: no answer, or a name server that failed.
    #[error("the name servers give no answer: {0}")]
    Temporary(String),
}

/// One MX record (RFC 5321 5.1).
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Mx {
    /// Lower ones come first.
    pub preference: u16,
    /// The server's name in lower case without the last dot; empty for the null MX (RFC 7505).
    pub host: String,
}

/// A lookup under way.
pub type Lookup<'a, T> = Pin<Box<dyn Future<Output = Result<Answer<T>, LookupFault>> + Send + 'a>>;

/// Somebody who knows names. Names are host names in A-label form, with or without the last dot.
pub trait Resolve: Debug + Send + Sync {
    /// The MX records of a domain.
    fn mx<'a>(&'a self, domain: &'a str) -> Lookup<'a, Mx>;

    /// The addresses of a host, those of IPv4 first. Where one family cannot be told the other is the answer.
    fn addresses<'a>(&'a self, host: &'a str) -> Lookup<'a, IpAddr>;

    /// The TXT records of a name, the pieces of each joined.
    fn txt<'a>(&'a self, name: &'a str) -> Lookup<'a, Vec<u8>>;

    /// The TLSA records of a name such as `_25._tcp.mx.example`.
    fn tlsa<'a>(&'a self, name: &'a str) -> Lookup<'a, Tlsa>;
}

/// Stands for name servers where there are none: every name is unknown for now.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Nobody {
    fn answer<T: Send + 'static>() -> Lookup<'static, T> {
        Box::pin(async { Err(LookupFault::Temporary("no name server can be asked".to_owned())) })
    }
}

impl Resolve for Nobody {
    fn mx<'a>(&'a self, _domain: &'a str) -> Lookup<'a, Mx> {
        Self::answer()
    }

    fn addresses<'a>(&'a self, _host: &'a str) -> Lookup<'a, IpAddr> {
        Self::answer()
    }

    fn txt<'a>(&'a self, _name: &'a str) -> Lookup<'a, Vec<u8>> {
        Self::answer()
    }

    fn tlsa<'a>(&'a self, _name: &'a str) -> Lookup<'a, Tlsa> {
        Self::answer()
    }
}

/// The answer of two address families as one.
fn joined(
    v4: Result<Answer<IpAddr>, LookupFault>,
    v6: Result<Answer<IpAddr>, LookupFault>,
) -> Result<Answer<IpAddr>, LookupFault> {
    use LookupFault::{NoRecords, Temporary};
    match (v4, v6) {
        (Ok(mut v4), Ok(v6)) => {
            v4.records.extend(v6.records);
            v4.secure &= v6.secure;
            Ok(v4)
        }
        (Ok(answer), Err(_)) | (Err(_), Ok(answer)) => Ok(answer),
        (Err(fault @ Temporary(_)), _) | (_, Err(fault @ Temporary(_))) => Err(fault),
        (Err(NoRecords), _) | (_, Err(NoRecords)) => Err(NoRecords),
        (Err(fault), Err(_)) => Err(fault),
    }
}

#[cfg(test)]
mod tests;

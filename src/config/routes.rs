//! Where mail goes: routes, next hops, and how each of them is spoken to.

use std::path::PathBuf;

use crate::ledger::Proves;
use crate::mail::address::Domain;
use crate::pipeline::Secret;

/// Which recipients a route serves.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum DomainPattern {
    /// `*`: every domain.
    Any,
    /// `example.jp`: this domain alone.
    Exactly(Domain),
    /// `*.example.jp`: everything below it, not the domain itself.
    Below(Domain),
}

impl DomainPattern {
    /// Whether the pattern covers `domain`, and how closely: an exact name above a wildcard, a longer wildcard above a
    /// shorter one, `*` last.
    pub fn closeness(&self, domain: &Domain) -> Option<usize> {
        match self {
            Self::Any => Some(0),
            Self::Exactly(d) => (d == domain).then_some(usize::MAX),
            Self::Below(d) => (d != domain && domain.is_within(d)).then(|| d.as_str().len()),
        }
    }
}

impl std::fmt::Display for DomainPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Exactly(domain) => write!(f, "{domain}"),
            Self::Below(domain) => write!(f, "*.{domain}"),
        }
    }
}

/// A host and port.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct HostPort {
    /// A host name or an IP address (IPv6 without brackets).
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl std::fmt::Display for HostPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            return write!(f, "[{}]:{}", self.host, self.port);
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Who takes mail from us.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum NextHop {
    /// A smarthost, by SMTP.
    Host(HostPort),
    /// A mail store, by LMTP (RFC 2033).
    Lmtp(HostPort),
    /// The recipient domain's own servers, found by MX lookup (RFC 5321 5.1), at this port.
    Mx {
        /// 25 everywhere on the net.
        port: u16,
    },
}

impl std::fmt::Display for NextHop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host(at) => at.fmt(f),
            Self::Lmtp(at) => write!(f, "lmtp:{at}"),
            Self::Mx { port: 25 } => f.write_str("mx"),
            Self::Mx { port } => write!(f, "mx:{port}"),
        }
    }
}

/// Where mail for some domains goes, and what the next hop's 250 proves.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Route {
    /// The name it has in events and in the ledger.
    pub name: String,
    /// The recipients it serves.
    pub domains: Vec<DomainPattern>,
    /// Who takes the mail.
    pub next_hop: NextHop,
    /// What an accepted mail proves (design §4).
    pub proves: Proves,
    /// How the connection is protected.
    pub tls: HopTls,
    /// Who we are there.
    pub login: Option<Login>,
    /// What becomes of an 8-bit mail where 8BITMIME is not offered.
    pub eight_bit: EightBit,
    /// Whether BDAT is used where it is offered (RFC 3030).
    pub chunking: bool,
    /// Whether mail to address literals such as `user@[192.0.2.1]` is sent there; only for `next_hop = "mx"`.
    pub literals: bool,
    /// Connections at one time to each destination; absent: `deliver.connections_max`.
    pub connections_max: Option<usize>,
    /// Mails a minute to each destination; absent: as many as it takes.
    pub rate_per_minute: Option<u32>,
}

impl Default for Route {
    fn default() -> Self {
        Self {
            name: "default".to_owned(),
            domains: vec![DomainPattern::Any],
            next_hop: NextHop::Host(HostPort { host: "127.0.0.1".to_owned(), port: 25 }),
            proves: Proves::Accepted,
            tls: HopTls::default(),
            login: None,
            eight_bit: EightBit::default(),
            chunking: true,
            literals: false,
            connections_max: None,
            rate_per_minute: None,
        }
    }
}

/// How connections to a next hop are protected.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HopTls {
    /// Whether, and how far it is believed.
    pub mode: TlsMode,
    /// Whether TLS begins with the first octet (port 465) and not by STARTTLS.
    pub implicit: bool,
    /// The names one of which the certificate must bear; empty: the next hop's own.
    pub names: Vec<String>,
    /// Who signs its certificate, as PEM; absent: the authorities this machine trusts.
    pub ca_file: Option<PathBuf>,
}

/// Whether a connection is protected, and how far that is believed.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum TlsMode {
    /// Never.
    None,
    /// Where it is offered, whoever it is; in clear where it is not (RFC 7435).
    #[default]
    Opportunistic,
    /// Always, whoever it is.
    Required,
    /// Always, and the certificate must be good and bear the name.
    Verified,
}

impl TlsMode {
    /// The word for it in the settings.
    pub fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Opportunistic => "opportunistic",
            Self::Required => "required",
            Self::Verified => "verified",
        }
    }
}

/// A name and a password for AUTH (RFC 4954); used over TLS alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// What becomes of an 8-bit mail where 8BITMIME is not offered. It is altered in neither case.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum EightBit {
    /// It is sent as it is.
    #[default]
    Send,
    /// It is refused for good (RFC 6152 3).
    Refuse,
}

//! What makes a next hop's certificate good: nothing, a name under trusted authorities, or TLSA records.

use std::path::PathBuf;
use std::sync::Arc;

/// Which certificates are taken.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Trust {
    /// Any at all: what is said is hidden from listeners, not from whoever sits in between (RFC 7435).
    Anyone,
    /// A good one that bears one of the names.
    Names {
        /// Who may have signed it.
        roots: Roots,
        /// Host names as they stand in a route or an MX record; a wildcard of the certificate covers one label.
        names: Arc<[String]>,
    },
    /// One that a record speaks for (RFC 7672).
    Dane {
        /// The records of the host and port, already proven by DNSSEC.
        records: Arc<[Tlsa]>,
        /// The names of which a certificate below a record of usage 2 has to bear one.
        names: Arc<[String]>,
    },
}

/// Who may have signed a certificate.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub enum Roots {
    /// The authorities this machine trusts.
    #[default]
    System,
    /// The authorities in a PEM file.
    File(PathBuf),
}

/// One TLSA record (RFC 6698 2.1).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Tlsa {
    /// 2: an authority; 3: the server's own certificate. SMTP uses no other (RFC 7672 3.1).
    pub usage: u8,
    /// 0: the whole certificate; 1: its public key.
    pub selector: u8,
    /// 0: as it is; 1: its SHA-256; 2: its SHA-512.
    pub matching: u8,
    /// What is compared.
    pub data: Box<[u8]>,
}

impl Tlsa {
    /// Whether SMTP can do anything with it; a record that is not usable is as if it were not there (RFC 7672 3.1).
    pub fn is_usable(&self) -> bool {
        let length = match self.matching {
            0 => !self.data.is_empty(),
            1 => self.data.len() == 32,
            2 => self.data.len() == 64,
            _ => false,
        };
        matches!(self.usage, 2 | 3) && matches!(self.selector, 0 | 1) && length
    }
}

/// How what was said on a connection was protected.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Protection {
    /// Not at all.
    #[default]
    Clear,
    /// By TLS with whoever was there.
    Tls,
    /// By TLS with a server whose certificate was good.
    Verified,
}

impl Protection {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Tls => "tls",
            Self::Verified => "verified",
        }
    }
}

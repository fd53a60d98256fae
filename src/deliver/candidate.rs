//! One server that may take a mail, and the manner in which the servers of a route are spoken to.
//!
//! A route names its server itself or lets MX records name several. Whoever finds them says of each where it is and
//! how the connection has to be protected; speaking to it is the same for all.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::config::{EightBit, Login, NextHop, Route, TlsMode};
use crate::sys::tls::{Roots, Tlsa, Trust};

pub(super) use crate::proto::smtp::client::Dialect;

/// One server to be tried.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// Its name, or its address where a route has no name for it: for SNI, for reports, for the admin.
    pub(super) host: Arc<str>,
    /// Its addresses in the order in which they are tried.
    pub(super) addresses: Arc<[SocketAddr]>,
    /// How a connection to it has to be protected.
    pub(super) tls: TlsNeed,
}

/// How a connection has to be protected.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum TlsNeed {
    /// Not at all: STARTTLS is not said.
    None,
    /// Where it is offered, whoever it is; in clear where it is not, and where it fails (RFC 7435).
    Opportunistic,
    /// Always, whoever it is.
    Required,
    /// Always, by a good certificate that bears one of these names: a route's own demand, or MTA-STS (RFC 8461).
    Verified(Arc<[String]>),
    /// Always, by a certificate these records speak for (RFC 7672); the names are for records of usage 2. Where no
    /// record is usable it is encrypted and not believed.
    Dane { records: Arc<[Tlsa]>, names: Arc<[String]> },
}

impl TlsNeed {
    /// What a route asks of the server `host`.
    pub(super) fn of(route: &Route, host: &str) -> Self {
        match route.tls.mode {
            TlsMode::None => Self::None,
            // A password is said under TLS alone, so there is no way back to clear.
            TlsMode::Opportunistic if route.login.is_some() || route.tls.implicit => Self::Required,
            TlsMode::Opportunistic => Self::Opportunistic,
            TlsMode::Required => Self::Required,
            TlsMode::Verified if route.tls.names.is_empty() => Self::Verified(Arc::from([host.to_owned()])),
            TlsMode::Verified => Self::Verified(route.tls.names.as_slice().into()),
        }
    }

    /// Why nothing may be sent in clear, in words for the admin; nothing where it may.
    pub(super) fn strict_because(&self) -> Option<&'static str> {
        match self {
            Self::None | Self::Opportunistic => None,
            Self::Required => Some("the route says tls = \"required\", or has a user to log in"),
            Self::Verified(_) => Some("the route says tls = \"verified\", or the domain's MTA-STS policy is enforced"),
            Self::Dane { .. } => Some("its domain has TLSA records"),
        }
    }

    /// Which certificates satisfy it; nothing where TLS is not wanted.
    pub(super) fn trust(&self, roots: &Roots) -> Option<Trust> {
        Some(match self {
            Self::None => return None,
            Self::Opportunistic | Self::Required => Trust::Anyone,
            Self::Verified(names) => Trust::Names { roots: roots.clone(), names: Arc::clone(names) },
            Self::Dane { records, .. } if !records.iter().any(Tlsa::is_usable) => Trust::Anyone,
            Self::Dane { records, names } => Trust::Dane { records: Arc::clone(records), names: Arc::clone(names) },
        })
    }
}

/// How the servers of a route are spoken to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Manner {
    pub(super) dialect: Dialect,
    /// Whether TLS begins with the first octet and not by STARTTLS.
    pub(super) implicit_tls: bool,
    /// Whose signatures make a certificate good, where one has to be.
    pub(super) roots: Roots,
    pub(super) login: Option<Login>,
    pub(super) eight_bit: EightBit,
    /// Whether BDAT is used where it is offered.
    pub(super) chunking: bool,
}

impl Manner {
    /// What the route says.
    pub(super) fn of(route: &Route) -> Self {
        let dialect = if matches!(route.next_hop, NextHop::Lmtp(_)) { Dialect::Lmtp } else { Dialect::Smtp };
        Self {
            dialect,
            implicit_tls: route.tls.implicit && route.tls.mode != TlsMode::None,
            roots: route.tls.ca_file.clone().map_or(Roots::System, Roots::File),
            login: route.login.clone(),
            eight_bit: route.eight_bit,
            chunking: route.chunking,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HopTls;
    use crate::pipeline::Secret;

    fn route(mode: TlsMode) -> Route {
        Route { tls: HopTls { mode, ..HopTls::default() }, ..Route::default() }
    }

    #[test]
    fn a_route_that_names_no_certificate_wants_the_name_of_its_host() {
        let mut route = route(TlsMode::Verified);
        assert_eq!(TlsNeed::of(&route, "mx.example"), TlsNeed::Verified(Arc::from(["mx.example".to_owned()])));
        route.tls.names = vec!["other.example".to_owned()];
        assert_eq!(TlsNeed::of(&route, "mx.example"), TlsNeed::Verified(Arc::from(["other.example".to_owned()])));
    }

    #[test]
    fn a_login_leaves_no_way_back_to_clear() {
        let mut route = route(TlsMode::Opportunistic);
        assert_eq!(TlsNeed::of(&route, "mx.example").strict_because(), None);
        route.login = Some(Login { user: "relay".to_owned(), password: Secret::new("x") });
        assert_eq!(TlsNeed::of(&route, "mx.example"), TlsNeed::Required);
    }

    #[test]
    fn records_nobody_can_use_ask_for_tls_and_for_nobody_in_particular() {
        let record = |usage| Tlsa { usage, selector: 1, matching: 1, data: vec![7; 32].into() };
        let need = |usage| TlsNeed::Dane { records: Arc::from([record(usage)]), names: Arc::from([]) };
        assert_eq!(need(1).trust(&Roots::System), Some(Trust::Anyone));
        assert!(matches!(need(3).trust(&Roots::System), Some(Trust::Dane { .. })));
        assert!(need(1).strict_because().is_some());
    }
}

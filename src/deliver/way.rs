//! What a route says of all its destinations, and the servers of each of them.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::Instant;

use super::candidate::{Candidate, Manner, TlsNeed};
use super::connection::Fault;
use super::hop::lock;
use super::mx::{self, NoServer, Server, Us};
use super::surroundings::Surroundings;
use crate::config::{DeliverSettings, HostPort, Route};
use crate::mail::address::Domain;
use crate::proto::smtp::reply::Reply;
use crate::sys::tls::ClientTls;

/// How long the addresses of a name are believed. The system's resolver does not tell how long they are good for.
const ADDRESSES_FOR: Duration = Duration::from_mins(1);
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;

/// One route as its destinations need it.
pub(super) struct Way {
    pub(super) route: Route,
    pub(super) manner: Manner,
    pub(super) settings: DeliverSettings,
    pub(super) us: Arc<Us>,
    pub(super) around: Arc<Surroundings>,
    pub(super) tls: ClientTls,
}

impl Way {
    pub(super) fn new(
        route: &Route,
        settings: DeliverSettings,
        us: Arc<Us>,
        around: Arc<Surroundings>,
        tls: ClientTls,
    ) -> Self {
        let connections_max = route.connections_max.unwrap_or(settings.connections_max).max(1);
        let settings = DeliverSettings { connections_max, ..settings };
        Self { route: route.clone(), manner: Manner::of(route), settings, us, around, tls }
    }
}

/// Where mail goes: a server that is named, or those of a domain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Target {
    Host(HostPort),
    Domain { domain: Domain, port: u16 },
}

impl Target {
    /// For events and the edit guard.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Host(at) => at.to_string(),
            Self::Domain { domain, .. } => domain.to_string(),
        }
    }

    /// For reports, when no server has been spoken to.
    pub(super) fn host(&self) -> &str {
        match self {
            Self::Host(at) => &at.host,
            Self::Domain { domain, .. } => domain.as_str(),
        }
    }
}

/// The addresses of a named host, and since when they are known.
pub(super) type KnownAddresses = Mutex<Option<(Instant, Arc<[SocketAddr]>)>>;

/// The servers to be tried, or the reply for mail that can never get there.
pub(super) type Found = Result<Vec<Candidate>, Arc<Reply>>;

impl Way {
    /// The servers of a target in the order in which they are tried, each with one address.
    pub(super) async fn candidates(&self, target: &Target, known: &KnownAddresses) -> Result<Found, Fault> {
        match target {
            Target::Host(at) => {
                let addresses = look_up(at, known).await?;
                Ok(Ok(self.each(&at.host.as_str().into(), addresses.iter().copied()).collect()))
            }
            Target::Domain { domain, port } => match self.servers(domain.as_str(), *port).await {
                Ok(servers) => {
                    let each = |s: &Server| {
                        let at = s.addresses.iter().map(|ip| SocketAddr::new(*ip, *port)).collect::<Vec<_>>();
                        self.each(&s.host, at.into_iter()).collect::<Vec<_>>()
                    };
                    Ok(Ok(servers.iter().flat_map(each).collect()))
                }
                Err(NoServer::Refused(reply)) => Ok(Err(Arc::new(reply))),
                Err(NoServer::Later(why)) => Err(Fault::Names(why)),
            },
        }
    }

    async fn servers(&self, domain: &str, port: u16) -> Result<Vec<Server>, NoServer> {
        let Some(ip) = mx::literal(domain) else {
            return mx::servers(&self.around.names, &self.us, domain, port).await;
        };
        if !self.route.literals {
            let text = "Mail is not sent to addresses that name a host by its number";
            return Err(mx::refused(550, (5, 1, 3), text));
        }
        Ok(vec![Server { host: ip.to_string().into(), addresses: vec![ip], secure: false }])
    }

    fn each(&self, host: &Arc<str>, addresses: impl Iterator<Item = SocketAddr>) -> impl Iterator<Item = Candidate> {
        let tls = TlsNeed::of(&self.route, host);
        let host = Arc::clone(host);
        addresses.map(move |at| Candidate { host: Arc::clone(&host), addresses: Arc::from([at]), tls: tls.clone() })
    }
}

/// The addresses of a named host, from the system: its hosts file and search list count here.
async fn look_up(at: &HostPort, known: &KnownAddresses) -> Result<Arc<[SocketAddr]>, Fault> {
    if let Ok(ip) = at.host.parse::<IpAddr>() {
        return Ok(Arc::from([SocketAddr::new(ip, at.port)]));
    }
    if let Some((since, addresses)) = &*lock(known)
        && since.elapsed() < ADDRESSES_FOR
    {
        return Ok(Arc::clone(addresses));
    }
    let found = lookup_host((at.host.as_str(), at.port)).await?;
    let found: Arc<[SocketAddr]> = found.take(ADDRESSES_MAX).collect();
    if found.is_empty() {
        return Err(Fault::NoAddress);
    }
    *lock(known) = Some((Instant::now(), Arc::clone(&found)));
    Ok(found)
}

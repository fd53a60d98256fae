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
use super::settings::Settings;
use super::sts::{Mode, Policies, Policy};
use super::surroundings::{Revived, Surroundings};
use crate::config::{DeliverSettings, HostPort, Route, TlsMode};
use crate::mail::address::Domain;
use crate::proto::smtp::reply::Reply;
use crate::sys::tls::ClientTls;
use crate::watch::Counter;

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
    pub(super) policies: Policies,
    pub(super) revived: Arc<Revived>,
    pub(super) tls: ClientTls,
}

/// What all routes have in common.
#[derive(Clone)]
pub(super) struct Common {
    pub(super) settings: DeliverSettings,
    pub(super) us: Arc<Us>,
    pub(super) around: Arc<Surroundings>,
    pub(super) policies: Policies,
    pub(super) revived: Arc<Revived>,
    pub(super) tls: ClientTls,
}

impl Common {
    pub(super) fn new(settings: &Settings, around: &Arc<Surroundings>) -> Self {
        let us = Arc::new(Us { hostname: settings.hostname.clone(), listening: around.listening.clone() });
        let (names, web) = (Arc::clone(&around.names), Arc::clone(&around.web));
        let policies = Policies::new(names, web, around.policies.clone());
        Self {
            settings: settings.deliver,
            us,
            around: Arc::clone(around),
            policies,
            revived: Arc::default(),
            tls: around.tls.clone(),
        }
    }
}

impl Way {
    pub(super) fn new(route: &Route, common: Common) -> Self {
        let Common { settings, us, around, policies, revived, tls } = common;
        let connections_max = route.connections_max.unwrap_or(settings.connections_max).max(1);
        let settings = DeliverSettings { connections_max, ..settings };
        Self { route: route.clone(), manner: Manner::of(route), settings, us, around, policies, revived, tls }
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
                let tls = TlsNeed::of(&self.route, &at.host);
                Ok(Ok(each(&at.host.as_str().into(), addresses.iter().copied(), &tls)))
            }
            Target::Domain { domain, port } => {
                let (servers, policy) = (self.servers(domain.as_str(), *port), self.policy(domain.as_str()));
                match tokio::join!(servers, policy) {
                    (Ok(servers), policy) => Ok(Ok(self.protected(domain, *port, &servers, policy.as_deref())?)),
                    (Err(NoServer::Refused(reply)), _) => Ok(Err(Arc::new(reply))),
                    (Err(NoServer::Later(why)), _) => Err(Fault::Names(why)),
                }
            }
        }
    }

    /// The MTA-STS policy of a domain, where the route speaks TLS at all.
    async fn policy(&self, domain: &str) -> Option<Arc<Policy>> {
        if self.route.tls.mode == TlsMode::None || mx::literal(domain).is_some() {
            return None;
        }
        self.policies.of(domain).await
    }

    /// The servers as they may be spoken to under the domain's policy (RFC 8461 5.1).
    fn protected(
        &self,
        domain: &Domain,
        port: u16,
        servers: &[Server],
        policy: Option<&Policy>,
    ) -> Result<Vec<Candidate>, Fault> {
        let mut candidates = Vec::new();
        for Server { host, addresses, .. } in servers {
            let fits = policy.is_none_or(|policy| policy.covers(host));
            let tls = match policy.map(|policy| policy.mode) {
                Some(Mode::Enforce) if fits => TlsNeed::Verified(Arc::from([host.to_string()])),
                Some(Mode::Enforce) => continue,
                Some(Mode::Testing) if !fits => {
                    self.around.watch.count(Counter::StsMismatches);
                    tracing::info!(domain = domain.as_str(), host = &**host, "sts_mismatch");
                    TlsNeed::of(&self.route, host)
                }
                _ => TlsNeed::of(&self.route, host),
            };
            let at = addresses.iter().map(|ip| SocketAddr::new(*ip, port));
            candidates.extend(each(host, at, &tls));
        }
        if candidates.is_empty() { Err(Fault::Policy) } else { Ok(candidates) }
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
}

/// A candidate for each address.
fn each(host: &Arc<str>, addresses: impl Iterator<Item = SocketAddr>, tls: &TlsNeed) -> Vec<Candidate> {
    let one = |at| Candidate { host: Arc::clone(host), addresses: Arc::from([at]), tls: tls.clone() };
    addresses.map(one).collect()
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

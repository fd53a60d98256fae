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
use crate::sys::resolver::LookupFault;
use crate::sys::tls::{ClientTls, Tlsa};
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
                    (Ok(servers), policy) => {
                        let candidates = self.protected(domain, *port, &servers, policy.as_deref()).await?;
                        Ok(Ok(candidates))
                    }
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

    /// The servers as they may be spoken to: under their TLSA records where they have any (RFC 7672), else under the
    /// domain's policy (RFC 8461 5.1).
    async fn protected(
        &self,
        domain: &Domain,
        port: u16,
        servers: &[Server],
        policy: Option<&Policy>,
    ) -> Result<Vec<Candidate>, Fault> {
        let mut candidates = Vec::new();
        let mut fault = Fault::Policy;
        let is_enforced = policy.is_some_and(|policy| policy.mode == Mode::Enforce);
        for server in servers {
            let at = server.addresses.iter().map(|ip| SocketAddr::new(*ip, port));
            match self.dane((domain, port), server, is_enforced).await {
                Ok(Some((host, need))) => candidates.extend(each(&host, at, &need)),
                Ok(None) => {
                    let need = self.under(policy, domain, &server.host);
                    candidates.extend(need.into_iter().flat_map(|need| each(&server.host, at.clone(), &need)));
                }
                // Whether it has records is not known: in doubt it is not spoken to (RFC 7672 2.1.3).
                Err(why) => fault = Fault::Names(why),
            }
        }
        if candidates.is_empty() { Err(fault) } else { Ok(candidates) }
    }

    /// What the TLSA records of a server ask, with the name it is called by then; nothing where no signature leads to
    /// any, or where none of them can be used and the domain's policy asks for more than that there is TLS at all. An
    /// error when it cannot be told.
    async fn dane(
        &self,
        (domain, port): (&Domain, u16),
        server: &Server,
        is_enforced: bool,
    ) -> Result<Option<(Arc<str>, TlsNeed)>, String> {
        // A route that wants a certificate the admin trusts, or no TLS at all, is asked for nothing else.
        if !server.secure || matches!(self.route.tls.mode, TlsMode::None | TlsMode::Verified) {
            return Ok(None);
        }
        let mut hosts = vec![server.name.as_str(), &*server.host];
        hosts.dedup();
        for host in hosts {
            match self.around.names.tlsa(&format!("_{port}._tcp.{host}")).await {
                Ok(answer) if answer.secure && (!is_enforced || answer.records.iter().any(Tlsa::is_usable)) => {
                    let names = [host, &*server.host, domain.as_str()].map(str::to_owned);
                    let need = TlsNeed::Dane { records: answer.records.into(), names: Arc::from(names) };
                    return Ok(Some((host.into(), need)));
                }
                Ok(_) | Err(LookupFault::NoSuchName | LookupFault::NoRecords) => {}
                Err(LookupFault::Temporary(why)) => return Err(why),
            }
        }
        Ok(None)
    }

    /// What a policy asks of a server; nothing when it must not be spoken to.
    fn under(&self, policy: Option<&Policy>, domain: &Domain, host: &str) -> Option<TlsNeed> {
        let fits = policy.is_none_or(|policy| policy.covers(host));
        match policy.map(|policy| policy.mode) {
            Some(Mode::Enforce) => fits.then(|| TlsNeed::Verified(Arc::from([host.to_owned()]))),
            Some(Mode::Testing) if !fits => {
                self.around.watch.count(Counter::StsMismatches);
                tracing::info!(domain = domain.as_str(), host, "sts_mismatch");
                Some(TlsNeed::of(&self.route, host))
            }
            _ => Some(TlsNeed::of(&self.route, host)),
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
        Ok(vec![Server { host: ip.to_string().into(), name: ip.to_string(), addresses: vec![ip], secure: false }])
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

//! What delivery finds around it: names, counters, and where this machine itself takes mail.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use super::guard::Off;
use crate::config::DnsSettings;
use crate::referral::OptOuts;
use crate::sys::https::{Fetch, Https};
use crate::sys::resolver::{NameServers, Nobody, Resolve};
use crate::sys::tls::ClientTls;
use crate::watch::Watch;

/// What delivery is given by the rest of the house.
#[derive(Clone)]
pub struct Surroundings {
    /// Counters and events.
    pub watch: Watch,
    /// Who knows the names of mail servers.
    pub names: Arc<dyn Resolve>,
    /// TLS towards next hops.
    pub tls: ClientTls,
    /// Who fetches the policies of domains (MTA-STS).
    pub web: Arc<dyn Fetch>,
    /// The file that remembers them; without one they are forgotten at the end.
    pub policies: Option<PathBuf>,
    /// Where we listen: a domain whose mail server is there leads back to us.
    pub listening: Vec<SocketAddr>,
    /// For whom nothing is inserted.
    pub off: Off,
    /// Who wants no line; absent when nobody knows.
    pub optouts: Option<Arc<OptOuts>>,
}

/// Says that some next hop answers again.
#[derive(Debug, Default)]
pub(super) struct Revived {
    any: AtomicBool,
    /// Calls the worker.
    pub(super) work: Notify,
}

impl Surroundings {
    /// Those of a process that listens nowhere, with the name servers of this machine.
    pub fn new(watch: Watch) -> Self {
        Self::with(watch, &DnsSettings::default(), Vec::new())
    }

    /// Those of a process that listens at these addresses, with the name servers of the settings.
    pub fn with(watch: Watch, dns: &DnsSettings, listening: Vec<SocketAddr>) -> Self {
        let names = names(dns);
        let tls = ClientTls::new();
        let web = Arc::new(Https::new(Arc::clone(&names), tls.clone()));
        let (off, optouts) = (Off::default(), Some(Arc::default()));
        Self { watch, names, tls, web, policies: None, listening, off, optouts }
    }
}

impl Revived {
    /// Says so, and calls the worker.
    pub(super) fn tell(&self) {
        self.any.store(true, Ordering::Release);
        self.work.notify_one();
    }

    /// Whether a next hop has begun to answer since the last call.
    pub(super) fn take(&self) -> bool {
        self.any.swap(false, Ordering::AcqRel)
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("names", &self.names).finish_non_exhaustive()
    }
}

/// The name servers of the settings. Without any that can be used every name is unknown for now, and mail waits.
fn names(settings: &DnsSettings) -> Arc<dyn Resolve> {
    match NameServers::new(&settings.servers, settings.dnssec) {
        Ok(servers) => Arc::new(servers),
        Err(fault) => {
            tracing::error!(%fault, "no name server can be asked: set dns.servers, or mend /etc/resolv.conf");
            Arc::new(Nobody)
        }
    }
}

//! What delivery finds around it: names, counters, and where this machine itself takes mail.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use crate::config::DnsSettings;
use crate::sys::resolver::{NameServers, Nobody, Resolve};
use crate::watch::Watch;

/// What delivery is given by the rest of the house.
#[derive(Clone)]
pub struct Surroundings {
    /// Counters and events.
    pub watch: Watch,
    /// Who knows the names of mail servers.
    pub names: Arc<dyn Resolve>,
    /// Where we listen: a domain whose mail server is there leads back to us.
    pub listening: Vec<SocketAddr>,
    /// Called when a next hop answers that did not.
    pub(super) revived: Arc<Revived>,
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
        Self { watch, names: names(&DnsSettings::default()), listening: Vec::new(), revived: Arc::default() }
    }

    /// The same with the name servers of the settings.
    #[must_use]
    pub fn with_names(self, settings: &DnsSettings) -> Self {
        Self { names: names(settings), ..self }
    }

    pub(super) fn revived(&self) {
        self.revived.any.store(true, Ordering::Release);
        self.revived.work.notify_one();
    }

    /// Whether a next hop has begun to answer since the last call.
    pub(super) fn take_revived(&self) -> bool {
        self.revived.any.swap(false, Ordering::AcqRel)
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

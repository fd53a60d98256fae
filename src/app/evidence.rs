//! Evidence from the logs of MTAs: who reads it, and who tells a candidate by his address.

use std::sync::Arc;

use tokio::sync::Notify;

use super::gateway::StartFault;
use crate::config::Settings;
use crate::confirm::{Around, Confirm, IsHim};
use crate::policy::PolicyHandle;
use crate::spool::Spool;
use crate::sys::resolver::{NameServers, Nobody, Resolve};

/// Begins to read the logs of the settings. Without any, what is pending still lapses.
pub(super) async fn follow(
    settings: &Settings,
    (spool, policy): (&Spool, &PolicyHandle),
    told: Arc<Notify>,
) -> Result<Confirm, StartFault> {
    let names: Arc<dyn Resolve> = match NameServers::new(&settings.dns.servers, settings.dns.dnssec) {
        Ok(servers) => Arc::new(servers),
        // Delivery has told the admin; a proof that needs a name waits, and is then that of a smarthost.
        Err(_) => Arc::new(Nobody),
    };
    let around = Around { spool: spool.clone(), names, is_him: is_him(policy), told };
    let started = Confirm::start(&settings.confirm, around).await;
    started.map_err(|error| StartFault::Spool(settings.data_dir.clone(), error))
}

/// Tells a candidate by the keys of the company in force, those that were rotated out among them.
pub(super) fn is_him(policy: &PolicyHandle) -> IsHim {
    let policy = policy.clone();
    Arc::new(move |company, candidate, address| {
        let policy = policy.current();
        policy.company(company).is_some_and(|of| of.keys.all().any(|keys| keys.candidate(address) == *candidate))
    })
}

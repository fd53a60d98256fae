//! The milter of a gateway, made of what the gateway has.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use tokio::sync::watch as signal;
use tokio::task::JoinHandle;

use super::gateway::StartFault;
use super::handed::Handed;
use super::parts::listen;
use crate::config::Settings;
use crate::deliver::Deliver;
use crate::milter::{self, Door, Measure, Milter, Services};
use crate::referral::CompanyId;
use crate::smtp::{Entrance, custody};

/// The doors for SMTP, the milter's, and the addresses of the former.
type Doors = (Vec<Entrance>, Vec<Door>, Vec<SocketAddr>);

/// All doors: those handed over, else those that the settings name.
pub(super) fn open_doors(settings: &Settings, handed: Handed) -> Result<Doors, StartFault> {
    let (smtp, milters): (Vec<TcpListener>, Vec<Door>) = handed.sort(settings);
    let milters = if milters.is_empty() { Door::open_all(&settings.milter)? } else { milters };
    let entrances = listen(settings, smtp)?;
    let addresses = entrances.iter().filter_map(|e| e.socket.local_addr().ok()).collect();
    Ok((entrances, milters, addresses))
}

/// Serves MTAs with what also the relay works with, beside the relay's own door.
pub(super) fn beside(
    relay: impl Future<Output = io::Result<()>> + Send + 'static,
    doors: Vec<Door>,
    (settings, services): (&Settings, &custody::Services),
    stop: signal::Receiver<bool>,
) -> JoinHandle<()> {
    let limits = &settings.smtp.limits;
    let measure = Measure {
        message_octets_max: limits.message_octets_max,
        recipients_max: limits.recipients_max,
        in_flight_octets_max: limits.in_flight_octets_max,
        stop_seconds_max: limits.stop_seconds_max,
    };
    let services = Services {
        policy: services.policy.clone(),
        spool: services.spool.clone(),
        signer: services.signer.clone(),
        watch: services.watch.clone(),
        is_off: is_off(services.deliver.clone()),
    };
    let milter = Arc::new(Milter::new(services, settings.milter.clone(), measure));
    tokio::spawn(async move {
        let (relay, milter) = tokio::join!(relay, milter::serve(doors, milter, stop));
        for error in [relay.err(), milter.err()].into_iter().flatten() {
            tracing::error!(%error, "a door does not open");
        }
    })
}

/// What an admin has switched off holds for both doors; what a next hop of the relay refused does not.
fn is_off(deliver: Deliver) -> Arc<dyn Fn(&CompanyId) -> bool + Send + Sync> {
    Arc::new(move |company| deliver.why_not_edit(company, &[]).is_some())
}

//! What all connections share.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::guests::{Guests, network_of};
use super::input::Buffers;
use super::rates::{Rate, Rates};
use super::{Custody, Door};
use crate::mail::address::{Address, Domain};
use crate::pipeline::Client;
use crate::proto::smtp::limits::Limits;
use crate::proto::smtp::session::{CameBack, Role};
use crate::referral::CompanyId;
use crate::watch::{Counter, Gauge, Room};

/// Failed logins from one network, after which no more are looked at for a while. A network that is listed as a relay's
/// needs no login, and one behind which many users sit has ten mistakes of theirs in ten minutes.
const FAILED_LOGINS: Rate = Rate { burst: 10, within: Duration::from_mins(10) };
/// Return paths asked for from one network that were none, after which no more are looked at for a while. A mail system
/// with many reports for mails of long ago has fifty of them in ten minutes.
const GUESSES: Rate = Rate { burst: 50, within: Duration::from_mins(10) };
/// Clients told apart at one time, in each of the tables.
const CLIENTS_MAX: usize = 20_000;

/// Who is held to a rate.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Who {
    User(Box<str>),
    Network(IpAddr),
}

impl Who {
    fn of(client: &Client) -> Self {
        client.user.as_ref().map_or(Self::Network(network_of(client.ip)), |user| Self::User(user.as_str().into()))
    }
}

/// What all connections share.
pub(super) struct Shared<C> {
    pub(super) door: Door,
    pub(super) limits: Arc<Limits>,
    pub(super) custody: Arc<C>,
    pub(super) room: Arc<Room>,
    pub(super) guests: Arc<Guests>,
    pub(super) buffers: Buffers,
    failed_logins: Rates<IpAddr>,
    guesses: Rates<IpAddr>,
    by_client: Option<Rates<Who>>,
    by_company: Option<Rates<CompanyId>>,
    began: Instant,
}

impl<C: Custody> Shared<C> {
    pub(super) fn new(door: Door, custody: Arc<C>) -> Self {
        let limits = Arc::new(door.settings.limits.clone());
        Self {
            room: Room::new(limits.in_flight_octets_max, door.watch.clone(), Gauge::MessageOctetsHeld),
            guests: Guests::new(limits.connections_max, limits.connections_per_client_max),
            buffers: Buffers::new(limits.login_octets_max()),
            failed_logins: Rates::new(FAILED_LOGINS, CLIENTS_MAX),
            guesses: Rates::new(GUESSES, CLIENTS_MAX),
            by_client: Rate::per_minute(limits.messages_per_client_per_minute).map(|r| Rates::new(r, CLIENTS_MAX)),
            by_company: Rate::per_minute(limits.messages_per_company_per_minute).map(|r| Rates::new(r, CLIENTS_MAX)),
            began: Instant::now(),
            door,
            limits,
            custody,
        }
    }

    /// The one clock of all rates.
    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Whether this client may speak for others.
    pub(super) fn role(&self, client: &Client) -> Role {
        let listed = self.door.settings.xclient_from.iter().any(|n| n.contains(&client.ip));
        if listed { Role::Proxy } else { Role::Client }
    }

    /// Whether a login from there is looked at.
    pub(super) fn may_log_in(&self, client: &Client) -> bool {
        let may = self.failed_logins.has(&network_of(client.ip), self.now());
        if !may {
            self.door.watch.count(Counter::LoginsBlocked);
        }
        may
    }

    /// A login from there was nobody's.
    pub(super) fn note_failed_login(&self, client: &Client) {
        self.door.watch.count(Counter::LoginsFailed);
        self.failed_logins.take(network_of(client.ip), self.now());
    }

    /// Whether mail for this recipient came back; whoever guesses is not listened to for a while.
    pub(super) async fn came_back(&self, client: &Client, recipient: &Address) -> CameBack {
        let from = network_of(client.ip);
        let may_ask = self.guesses.has(&from, self.now());
        match self.custody.came_back(recipient).await {
            CameBack::No => CameBack::No,
            _ if !may_ask => CameBack::NotNow,
            CameBack::Unknown => {
                self.guesses.take(from, self.now());
                self.door.watch.count(Counter::ReturnPathsUnknown);
                CameBack::Unknown
            }
            known => known,
        }
    }

    /// Whether any rate is to be kept.
    pub(super) fn has_rates(&self) -> bool {
        self.by_client.is_some() || self.by_company.is_some()
    }

    /// Whether this client may begin a message from this domain now. It counts for its rates; a message of a client
    /// that others share counts only once it is taken, or anybody there could use up what is a company's.
    pub(super) fn may_begin(&self, client: &Client, sender: Option<&Domain>) -> bool {
        let now = self.now();
        let may = if client.shared {
            self.by_client.as_ref().is_none_or(|rates| rates.has(&Who::of(client), now))
                && self.of_company(sender, |rates, company| rates.has(&company, now))
        } else {
            self.by_client.as_ref().is_none_or(|rates| rates.take(Who::of(client), now))
                && self.of_company(sender, |rates, company| rates.take(company, now))
        };
        if !may {
            self.door.watch.count(Counter::RateLimited);
        }
        may
    }

    /// A message of this client, from this domain, was taken.
    pub(super) fn note_taken(&self, client: &Client, sender: Option<&Domain>) {
        if client.shared {
            let now = self.now();
            if let Some(rates) = &self.by_client {
                rates.take(Who::of(client), now);
            }
            self.of_company(sender, |rates, company| rates.take(company, now));
        }
    }

    /// What the sender's company is answered; who belongs to none is held to no rate.
    fn of_company(&self, sender: Option<&Domain>, ask: impl Fn(&Rates<CompanyId>, CompanyId) -> bool) -> bool {
        let Some(rates) = &self.by_company else { return true };
        sender.and_then(|domain| self.custody.company_of(domain)).is_none_or(|company| ask(rates, company))
    }
}

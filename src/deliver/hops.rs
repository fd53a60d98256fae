//! The next hops by destination: a route's own server, or for each domain of a route by MX lookup one that is made when
//! it is needed and forgotten when it has been idle for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::Inner;
use super::hop::{Hop, lock};
use super::outcome::{Job, NotTried};
use super::settings::Settings;
use super::sts::Policies;
use super::surroundings::{Revived, Surroundings};
use super::way::{Common, Target, Way};
use crate::config::{CustodyMode, NextHop, Route};
use crate::mail::address::{Address, Domain};

/// Domains of one route that are spoken to, or known not to answer, at one time. Mail for others waits in the spool.
const DOMAINS_MAX: usize = 10_000;
/// A domain that nobody has asked for so long is forgotten. What is known of it by then is worth nothing.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(2);

/// The place of a recipient's route, and the recipient's domain where that has servers of its own.
pub(super) type WayOf<'a> = (usize, Option<&'a Domain>);

/// Between the route and the domain in a destination's name; it stands in no route's name.
const SEPARATOR: char = '/';

/// All next hops.
pub(super) struct Hops {
    of_routes: Vec<OfRoute>,
    policies: Policies,
    pub(super) revived: Arc<Revived>,
}

/// The next hops of one route; two routes that differ in nothing but whom they serve share theirs.
#[derive(Clone)]
enum OfRoute {
    One(Arc<Hop>),
    Domains(Arc<Domains>),
}

/// Why there is no next hop.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NoHop {
    /// No route serves the recipient.
    NoRoute,
    /// So many are in use that there is no room for another one.
    NoRoom,
}

/// The next hops of a route by MX lookup, and when each was last asked for.
struct Domains {
    way: Arc<Way>,
    port: u16,
    live: Mutex<HashMap<Domain, (Arc<Hop>, Instant)>>,
}

impl Hops {
    pub(super) fn new(settings: &Settings, around: &Arc<Surroundings>) -> Self {
        let common = Common::new(settings, around);
        let mut all: Vec<OfRoute> = Vec::new();
        for (place, route) in settings.routes.iter().enumerate() {
            let same = settings.routes[..place].iter().position(|other| is_same_way(route, other));
            let of_route = same
                .and_then(|same| all.get(same))
                .cloned()
                .unwrap_or_else(|| OfRoute::new(&route.next_hop, Arc::new(Way::new(route, common.clone()))));
            all.push(of_route);
        }
        Self { of_routes: all, policies: common.policies, revived: common.revived }
    }

    /// The next hop for mail to a domain by the route at this place.
    pub(super) fn find(&self, route: usize, domain: Option<&Domain>) -> Result<Arc<Hop>, NoHop> {
        match (self.of_routes.get(route), domain) {
            (Some(OfRoute::One(hop)), _) => Ok(Arc::clone(hop)),
            (Some(OfRoute::Domains(domains)), Some(domain)) => domains.find(domain).ok_or(NoHop::NoRoom),
            _ => Err(NoHop::NoRoute),
        }
    }

    /// Closes connections nobody has used for a while, and forgets domains nobody has asked for.
    pub(super) fn close_stale(&self) {
        self.each(Hop::close_stale);
        for of_route in &self.of_routes {
            if let OfRoute::Domains(domains) = of_route {
                domains.forget_idle(&mut lock(&domains.live));
            }
        }
    }

    /// Writes what was learnt of domains to its file, if anything was.
    pub(super) async fn save(&self) {
        let policies = self.policies.clone();
        // Its one error is a panic, which is told where it happens.
        let _ = tokio::task::spawn_blocking(move || policies.save()).await;
    }

    /// Closes all idle connections, and keeps none from now on.
    pub(super) fn close(&self) {
        self.each(Hop::close);
    }

    fn each(&self, act: impl Fn(&Hop)) {
        for of_route in &self.of_routes {
            match of_route {
                OfRoute::One(hop) => act(hop),
                OfRoute::Domains(domains) => lock(&domains.live).values().for_each(|(hop, _)| act(hop)),
            }
        }
    }
}

impl OfRoute {
    fn new(next_hop: &NextHop, way: Arc<Way>) -> Self {
        match next_hop {
            NextHop::Host(at) | NextHop::Lmtp(at) => Self::One(Arc::new(Hop::new(Target::Host(at.clone()), way))),
            NextHop::Mx { port } => Self::Domains(Arc::new(Domains { way, port: *port, live: Mutex::default() })),
        }
    }
}

impl Domains {
    fn find(&self, domain: &Domain) -> Option<Arc<Hop>> {
        let mut live = lock(&self.live);
        if let Some((hop, asked_for)) = live.get_mut(domain) {
            *asked_for = Instant::now();
            return Some(Arc::clone(hop));
        }
        if live.len() >= DOMAINS_MAX {
            self.forget_idle(&mut live);
        }
        if live.len() >= DOMAINS_MAX {
            return None;
        }
        let target = Target::Domain { domain: domain.clone(), port: self.port };
        let hop = Arc::new(Hop::new(target, Arc::clone(&self.way)));
        live.insert(domain.clone(), (Arc::clone(&hop), Instant::now()));
        Some(hop)
    }

    fn forget_idle(&self, live: &mut HashMap<Domain, (Arc<Hop>, Instant)>) {
        // Where there is no room, whoever is idle now makes it.
        let after =
            if live.len() >= DOMAINS_MAX { Duration::ZERO } else { FORGOTTEN_AFTER.max(self.way.settings.down_for) };
        live.retain(|_, (hop, asked_for)| asked_for.elapsed() < after || !hop.is_idle());
    }
}

/// Whether mail by either route may go over the same connections.
fn is_same_way(one: &Route, other: &Route) -> bool {
    let same = Route { name: other.name.clone(), domains: other.domains.clone(), proves: other.proves, ..one.clone() };
    same == *other
}

impl Inner {
    /// The one next hop of a job that may be handed through, with its route, or why the job goes to the spool.
    pub(super) fn one_next_hop(&self, job: &Job) -> Result<(&Route, Arc<Hop>), NotTried> {
        if self.settings.custody.mode == CustodyMode::Spool {
            return Err(NotTried::CustodyFirst);
        }
        if self.stopping() {
            return Err(NotTried::Stopping);
        }
        let mut found: Option<WayOf<'_>> = None;
        for number in &job.copy.recipients {
            let address = job.envelope.recipients.get(*number).ok_or(NotTried::NoRoute)?;
            let way = self.settings.way_of(address).ok_or(NotTried::NoRoute)?;
            if found.is_some_and(|other| other != way) {
                return Err(NotTried::SeveralNextHops);
            }
            found = Some(way);
        }
        let (place, domain) = found.ok_or(NotTried::NoRoute)?;
        let hop = self.hops.find(place, domain)?;
        if hop.is_down() {
            return Err(NotTried::NextHopDown);
        }
        if hop.is_behind() {
            return Err(NotTried::Backlog);
        }
        Ok((&self.settings.routes[place], hop))
    }

    /// The next hop of a recipient.
    pub(super) fn hop_for(&self, recipient: &Address) -> Result<Arc<Hop>, NoHop> {
        let (place, domain) = self.settings.way_of(recipient).ok_or(NoHop::NoRoute)?;
        self.hops.find(place, domain)
    }

    /// The next hop of a destination.
    pub(super) fn hop_of(&self, destination: &str) -> Result<Arc<Hop>, NoHop> {
        let (place, domain) = self.settings.read_destination(destination).ok_or(NoHop::NoRoute)?;
        self.hops.find(place, domain.as_ref())
    }
}

impl From<NoHop> for NotTried {
    fn from(none: NoHop) -> Self {
        match none {
            NoHop::NoRoute => Self::NoRoute,
            NoHop::NoRoom => Self::NextHopFull,
        }
    }
}

impl Settings {
    /// The place of a recipient's route, and the recipient's domain where that has servers of its own.
    pub(super) fn way_of<'a>(&self, recipient: &'a Address) -> Option<WayOf<'a>> {
        let place = self.route_place(recipient)?;
        let by_domain = matches!(self.routes[place].next_hop, NextHop::Mx { .. });
        Some((place, recipient.domain().filter(|_| by_domain)))
    }

    /// The name under which the spool keeps mail for a recipient: its route's, with the domain where that has servers
    /// of its own. Empty when no route serves it.
    pub(super) fn destination(&self, recipient: &Address) -> String {
        match self.way_of(recipient) {
            Some((place, Some(domain))) => format!("{}{SEPARATOR}{domain}", self.routes[place].name),
            Some((place, None)) => self.routes[place].name.clone(),
            None => String::new(),
        }
    }

    /// The route and the domain of a destination, as far as the routes still know it.
    pub(super) fn read_destination(&self, destination: &str) -> Option<(usize, Option<Domain>)> {
        let (name, domain) = match destination.split_once(SEPARATOR) {
            Some((name, domain)) => (name, Some(Domain::parse(domain).ok()?)),
            None => (destination, None),
        };
        Some((self.routes.iter().position(|route| route.name == name)?, domain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DomainPattern, HopTls, HostPort, TlsMode};
    use crate::deliver::tests::{address, settings_for};
    use crate::ledger::Proves;
    use crate::watch::Watch;

    fn domain(text: &str) -> Domain {
        Domain::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    fn to_host(name: &str, change: impl FnOnce(&mut Route)) -> Route {
        let next_hop = NextHop::Host(HostPort { host: "192.0.2.1".to_owned(), port: 25 });
        let mut route = Route { name: name.to_owned(), next_hop, ..Route::default() };
        change(&mut route);
        route
    }

    fn mx() -> Route {
        Route { name: "net".to_owned(), next_hop: NextHop::Mx { port: 25 }, ..Route::default() }
    }

    fn hops(routes: Vec<Route>) -> Hops {
        Hops::new(&settings_for(routes), &Arc::new(Surroundings::new(Watch::new())))
    }

    #[test]
    fn a_destination_is_read_back_as_it_was_named() {
        let partner =
            Route { domains: vec![DomainPattern::Exactly(domain("partner.example"))], ..to_host("p", |_| ()) };
        let settings = settings_for(vec![mx(), partner]);
        for (to, name, read) in [
            ("a@Candidate.Example", "net/candidate.example", Some((0, Some(domain("candidate.example"))))),
            ("a@[192.0.2.1]", "net/[192.0.2.1]", Some((0, Some(domain("[192.0.2.1]"))))),
            ("a@partner.example", "p", Some((1, None))),
            ("postmaster", "net", Some((0, None))),
        ] {
            let destination = settings.destination(&address(to));
            assert_eq!(destination, name);
            assert_eq!(settings.read_destination(&destination), read);
        }
        assert_eq!(settings.read_destination("gone/x.example"), None);
    }

    #[test]
    fn routes_share_connections_only_when_they_are_spoken_to_alike() {
        let tls = HopTls { mode: TlsMode::Required, ..HopTls::default() };
        let hops = hops(vec![
            to_host("a", |_| ()),
            to_host("b", |r| r.proves = Proves::Delivered),
            to_host("c", |r| r.tls = tls),
            to_host("d", |r| r.rate_per_minute = Some(60)),
        ]);
        let find = |route| hops.find(route, None).unwrap_or_else(|e| panic!("{e:?}"));
        assert!(Arc::ptr_eq(&find(0), &find(1)));
        assert!(!Arc::ptr_eq(&find(0), &find(2)) && !Arc::ptr_eq(&find(0), &find(3)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_domain_has_one_next_hop_until_nobody_asked_for_it_for_a_while() {
        let hops = hops(vec![mx()]);
        let find = |name: &str| hops.find(0, Some(&domain(name))).unwrap_or_else(|e| panic!("{e:?}"));
        let (first, other) = (Arc::downgrade(&find("a.example")), find("b.example"));
        tokio::time::advance(Duration::from_secs(90)).await;
        hops.close_stale();
        assert!(first.upgrade().is_some_and(|first| Arc::ptr_eq(&first, &find("a.example"))));
        tokio::time::advance(Duration::from_secs(121)).await;
        hops.close_stale();
        assert!(first.upgrade().is_none());
        assert!(Arc::ptr_eq(&other, &find("b.example")), "one that is in use is kept");
        assert_eq!(hops.find(0, None).err(), Some(NoHop::NoRoute));
    }

    #[test]
    fn where_there_is_no_room_the_idle_make_it_and_else_mail_waits() {
        let hops = hops(vec![mx()]);
        let find = |n: usize| hops.find(0, Some(&domain(&format!("d{n}.example"))));
        let held: Vec<_> = (0..DOMAINS_MAX).map(find).collect();
        assert_eq!(find(DOMAINS_MAX).err(), Some(NoHop::NoRoom));
        drop(held);
        assert!(find(DOMAINS_MAX).is_ok());
    }
}

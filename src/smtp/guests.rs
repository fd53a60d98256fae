//! Who is inside: connections at one time, altogether, from strangers, and from one client.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts connections against their two limits.
pub(super) struct Guests {
    all_max: usize,
    per_client_max: usize,
    inside: Mutex<Inside>,
}

/// One part in so many of all places is open to strangers: those who knock at every door must not keep out the mail.
const STRANGERS_PART: usize = 2;

#[derive(Default)]
struct Inside {
    all: usize,
    strangers: usize,
    by_client: HashMap<IpAddr, usize>,
}

/// One connection that was let in; it counts until it is dropped.
pub(super) struct Guest {
    guests: Arc<Guests>,
    /// The client it counts for, once that is known.
    client: Option<IpAddr>,
    stranger: bool,
}

impl Guests {
    pub(super) fn new(all_max: usize, per_client_max: usize) -> Arc<Self> {
        Arc::new(Self { all_max, per_client_max, inside: Mutex::default() })
    }

    /// Lets a client in, unless the house is full, full of strangers and he is one, or he has his share already.
    pub(super) fn admit(self: &Arc<Self>, ip: IpAddr, may_relay: bool) -> Option<Guest> {
        let mut guest = self.let_in()?;
        guest.introduce(ip, may_relay).then_some(guest)
    }

    /// Lets in somebody who has not yet said for whom he speaks, unless the house is full.
    pub(super) fn let_in(self: &Arc<Self>) -> Option<Guest> {
        let mut inside = self.lock();
        let fits = inside.all < self.all_max;
        inside.all += usize::from(fits);
        fits.then(|| Guest { guests: Arc::clone(self), client: None, stranger: false })
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    /// Counts him for a client; `false` when the house is full of strangers and he is one, or he has his share already.
    pub(super) fn introduce(&mut self, ip: IpAddr, may_relay: bool) -> bool {
        let (stranger, client) = (!may_relay, network_of(ip));
        let mut inside = self.guests.lock();
        let of_client = inside.by_client.get(&client).copied().unwrap_or(0);
        let full_for_him = stranger && inside.strangers >= self.guests.all_max.div_ceil(STRANGERS_PART);
        let fits = self.client.is_none() && !full_for_him && of_client < self.guests.per_client_max;
        if fits {
            inside.strangers += usize::from(stranger);
            inside.by_client.insert(client, of_client + 1);
            (self.client, self.stranger) = (Some(client), stranger);
        }
        fits
    }

    /// He has shown that he may relay: from now on he takes no stranger's place.
    pub(super) fn befriend(&mut self) {
        if std::mem::take(&mut self.stranger) {
            self.guests.lock().strangers -= 1;
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut inside = self.guests.lock();
        inside.all -= 1;
        inside.strangers -= usize::from(self.stranger);
        let Some(client) = self.client else { return };
        match inside.by_client.get_mut(&client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                inside.by_client.remove(&client);
            }
        }
    }
}

/// The address, or for IPv6 its /64: one machine commonly has that many addresses.
pub(super) fn network_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_has_his_share_and_the_house_has_its_limit() {
        let guests = Guests::new(3, 2);
        let ip = |last: u8| IpAddr::from([192, 0, 2, last]);
        let first = guests.admit(ip(1), true);
        let second = guests.admit(ip(1), true);
        assert!(first.is_some() && second.is_some() && guests.admit(ip(1), true).is_none());
        let third = guests.admit(ip(2), true);
        assert!(third.is_some() && guests.admit(ip(3), true).is_none());
        drop(first);
        assert!(guests.admit(ip(3), true).is_some_and(|_| guests.admit(ip(1), true).is_none()));
        drop((second, third));
        let inside = guests.inside.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(inside.all == 0 && inside.strangers == 0 && inside.by_client.is_empty());
    }

    #[test]
    fn strangers_never_take_the_places_of_those_who_may_relay() {
        let guests = Guests::new(4, 4);
        let ip = IpAddr::from([192, 0, 2, 1]);
        let strangers = [guests.admit(ip, false), guests.admit(ip, false)];
        assert!(strangers.iter().all(Option::is_some) && guests.admit(ip, false).is_none());
        let friends = [guests.admit(ip, true), guests.admit(ip, true)];
        assert!(friends.iter().all(Option::is_some));
        drop((strangers, friends));
        assert_eq!(guests.inside.lock().unwrap_or_else(PoisonError::into_inner).strangers, 0);
    }

    #[test]
    fn who_proves_himself_gives_a_strangers_place_back_once() {
        let guests = Guests::new(2, 4);
        let ip = IpAddr::from([192, 0, 2, 1]);
        let mut first = guests.admit(ip, false);
        assert!(guests.admit(ip, false).is_none());
        (0..2).for_each(|_| first.iter_mut().for_each(Guest::befriend));
        let second = guests.admit(ip, false);
        assert!(second.is_some() && guests.let_in().is_none());
        drop((first, second));
        let inside = guests.lock();
        assert!(inside.all == 0 && inside.strangers == 0 && inside.by_client.is_empty());
    }

    #[test]
    fn who_speaks_for_another_counts_for_that_one() {
        let guests = Guests::new(3, 1);
        let ip = IpAddr::from([192, 0, 2, 1]);
        let mut balancer = [guests.let_in(), guests.let_in(), guests.let_in()];
        assert!(guests.let_in().is_none());
        let mut introduce = |n: usize| balancer[n].as_mut().is_some_and(|guest| guest.introduce(ip, true));
        assert!(introduce(0) && !introduce(1) && !introduce(0));
        drop(balancer);
        assert_eq!(guests.lock().all, 0);
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_client() {
        let ip = |text: &str| network_of(text.parse().unwrap_or(IpAddr::from([0, 0, 0, 0])));
        assert_eq!(ip("2001:db8::1"), ip("2001:db8::ffff:2"));
        assert_ne!(ip("2001:db8:0:1::1"), ip("2001:db8::1"));
        assert_eq!(ip("::ffff:192.0.2.1"), ip("192.0.2.1"));
    }
}

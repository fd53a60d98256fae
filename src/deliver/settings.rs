//! What delivery is told: who we are, where mail goes, how long everything may take.

use std::time::Duration;

use crate::config::{CustodySettings, DeliverSettings, DomainPattern, RetrySettings, Route};
use crate::mail::address::Address;
use crate::proto::smtp::client::Phase;

/// The settings of delivery, fixed while it runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Our host name, said in EHLO and in reports.
    pub hostname: String,
    /// Where mail goes.
    pub routes: Vec<Route>,
    /// Hand-through or spool first.
    pub custody: CustodySettings,
    /// Connections and deadlines.
    pub deliver: DeliverSettings,
    /// Trying again, and giving up.
    pub retry: RetrySettings,
}

impl Settings {
    /// The route of a recipient: the one whose pattern fits most closely, the first of equals.
    pub fn route(&self, recipient: &Address) -> Option<&Route> {
        self.route_place(recipient).map(|place| &self.routes[place])
    }

    /// The place of that route among the routes.
    pub(super) fn route_place(&self, recipient: &Address) -> Option<usize> {
        let closeness = |route: &Route| {
            let fits = route.domains.iter().filter_map(|pattern| match recipient.domain() {
                Some(domain) => pattern.closeness(domain),
                // The bare postmaster belongs to no domain and goes where everything else goes.
                None => (*pattern == DomainPattern::Any).then_some(0),
            });
            fits.max()
        };
        let mut best: Option<(usize, usize)> = None;
        for (place, route) in self.routes.iter().enumerate() {
            if let Some(close) = closeness(route).filter(|c| best.is_none_or(|(b, _)| *c > b)) {
                best = Some((close, place));
            }
        }
        best.map(|(_, place)| place)
    }

    /// The table of deadlines.
    pub fn deadlines(&self) -> Deadlines {
        Deadlines {
            connect: self.deliver.connect_timeout,
            command: self.deliver.command_timeout,
            block: self.deliver.data_timeout,
            dot: self.custody.in_doubt_for,
        }
    }

    /// The wait before the next attempt, when `attempts` have failed.
    pub fn wait_after(&self, attempts: u32) -> Duration {
        let nth = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        let waits = &self.retry.waits;
        waits.get(nth).or(waits.last()).copied().unwrap_or(WAIT_WITHOUT_SCHEDULE)
    }
}

/// Used when the schedule is empty.
const WAIT_WITHOUT_SCHEDULE: Duration = Duration::from_mins(10);

/// Longest waits for a next hop (RFC 5321 4.5.3.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Deadlines {
    /// The TCP connection, names looked up included.
    pub connect: Duration,
    /// The greeting and the answer to each command.
    pub command: Duration,
    /// One block of the message to leave.
    pub block: Duration,
    /// The answer to the final dot.
    pub dot: Duration,
}

impl Deadlines {
    /// The deadline of a phase.
    pub fn of(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Connect => self.connect,
            Phase::Tls
            | Phase::Greeting
            | Phase::Hello
            | Phase::Auth
            | Phase::Reset
            | Phase::Mail
            | Phase::Rcpt
            | Phase::Data => self.command,
            Phase::Content => self.block,
            Phase::Dot => self.dot,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::address::Domain;

    fn settings(routes: &[(&str, DomainPattern)]) -> Settings {
        let route = |(name, pattern): &(&str, DomainPattern)| Route {
            name: (*name).to_owned(),
            domains: vec![pattern.clone()],
            ..Route::default()
        };
        Settings {
            hostname: "relay.sakura.example".to_owned(),
            routes: routes.iter().map(route).collect(),
            custody: CustodySettings::default(),
            deliver: DeliverSettings::default(),
            retry: RetrySettings { waits: vec![Duration::from_secs(1), Duration::from_secs(2)], ..Default::default() },
        }
    }

    fn domain(text: &str) -> Domain {
        Domain::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn the_closest_pattern_decides_and_the_first_of_equals() {
        let settings = settings(&[
            ("any", DomainPattern::Any),
            ("below", DomainPattern::Below(domain("sakura.example"))),
            ("exactly", DomainPattern::Exactly(domain("hr.sakura.example"))),
            ("second", DomainPattern::Any),
        ]);
        let route = |to: &str| settings.destination(&Address::parse(to).unwrap_or_else(|e| panic!("{to}: {e}")));
        assert_eq!(route("a@hr.sakura.example"), "exactly");
        assert_eq!(route("a@mx.sakura.example"), "below");
        assert_eq!(route("a@sakura.example"), "any");
        assert_eq!(route("postmaster"), "any");
    }

    #[test]
    fn without_a_fitting_pattern_there_is_no_route() {
        let settings = settings(&[("exactly", DomainPattern::Exactly(domain("x.example")))]);
        assert!(Address::parse("a@y.example").is_ok_and(|a| settings.route(&a).is_none()));
        assert!(Address::parse("postmaster").is_ok_and(|a| settings.destination(&a).is_empty()));
    }

    #[test]
    fn the_last_wait_of_the_schedule_repeats() {
        let settings = settings(&[]);
        let waits: Vec<u64> = (0..5).map(|n| settings.wait_after(n).as_secs()).collect();
        assert_eq!(waits, [1, 1, 2, 2, 2]);
    }
}

//! When a client has to have sent something: an octet, a whole command, a whole message, and enough of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::proto::smtp::limits::Limits;

/// How long a message may come as slowly as it likes, before its octets are measured.
const GRACE: Duration = Duration::from_secs(30);

/// What is being waited for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Awaited {
    /// How far the message is.
    pub(super) content: Content,
    /// A part of the command has come.
    pub(super) begun: bool,
}

/// How far the message of a transaction is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Content {
    /// There is no transaction.
    #[default]
    Absent,
    /// A transaction is open: a message that has begun goes on.
    Open,
    /// A part of it is here, so that it has begun, though its next chunk has not.
    Here,
    /// Its octets are what comes next; else those of a command do.
    Coming,
}

/// The clocks of one connection.
pub(super) struct Deadlines {
    limits: Arc<Limits>,
    connection_end: Instant,
    /// When the command that is coming in has begun.
    command: Option<Instant>,
    /// When the message has begun, and the octets of it so far.
    message: Option<(Instant, u64)>,
}

impl Deadlines {
    pub(super) fn new(limits: Arc<Limits>, now: Instant) -> Self {
        let connection_end = now + Duration::from_secs(limits.connection_seconds_max);
        Self { limits, connection_end, command: None, message: None }
    }

    /// How long the client may take to read what we say.
    pub(super) fn idle(&self) -> Duration {
        Duration::from_secs(self.limits.idle_seconds_max)
    }

    /// So many octets were used up. A command that is whole gives the next one its own time.
    pub(super) fn note(&mut self, octets: usize) {
        if octets > 0 {
            self.command = None;
        }
        if let Some((_, so_far)) = &mut self.message {
            *so_far = so_far.saturating_add(octets as u64);
        }
    }

    /// Until when the next octet has to come.
    pub(super) fn until(&mut self, awaited: Awaited, now: Instant) -> Instant {
        self.message = match (self.message, awaited.content) {
            (_, Content::Absent) => None,
            (None, Content::Here | Content::Coming) => Some((now, 0)),
            (begun, _) => begun,
        };
        let is_command = awaited.begun && awaited.content != Content::Coming;
        self.command = if is_command { self.command.or(Some(now)) } else { None };
        let command = self.command.map(|began| began + Duration::from_secs(self.limits.command_seconds_max));
        let message = self.message.map(|(began, octets)| began + self.time_for(octets));
        [Some(self.connection_end), command, message].into_iter().flatten().fold(now + self.idle(), Instant::min)
    }

    /// The time a message may have taken when so many octets of it are here.
    fn time_for(&self, octets: u64) -> Duration {
        let most = Duration::from_secs(self.limits.data_seconds_max);
        match self.limits.data_octets_per_second_min {
            0 => most,
            rate => most.min(GRACE + Duration::from_millis(octets.saturating_mul(1000) / rate)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: Awaited = Awaited { content: Content::Absent, begun: true };
    const DATA: Awaited = Awaited { content: Content::Coming, begun: false };
    const BETWEEN_CHUNKS: Awaited = Awaited { content: Content::Open, begun: false };

    fn limits() -> Limits {
        Limits {
            idle_seconds_max: 100,
            command_seconds_max: 50,
            data_seconds_max: 1000,
            connection_seconds_max: 5000,
            data_octets_per_second_min: 10,
            ..Limits::default()
        }
    }

    /// Waits as told at the seconds told, after so many octets used up; shows the deadlines in seconds from the start.
    fn check(limits: Limits, steps: &[(u64, usize, Awaited, u64)]) {
        let start = Instant::now();
        let mut deadlines = Deadlines::new(Arc::new(limits), start);
        for (at, octets, awaited, until) in steps {
            deadlines.note(*octets);
            let now = start + Duration::from_secs(*at);
            assert_eq!((deadlines.until(*awaited, now) - start).as_secs(), *until, "at {at}: {awaited:?}");
        }
    }

    #[test]
    fn an_idle_client_has_its_time_and_the_connection_an_end() {
        let idle = Awaited::default();
        check(limits(), &[(0, 0, idle, 100), (90, 10, idle, 190), (4950, 10, idle, 5000)]);
    }

    #[test]
    fn a_command_that_drips_has_to_be_whole_in_time() {
        check(limits(), &[(0, 0, COMMAND, 50), (40, 0, COMMAND, 50), (45, 9, COMMAND, 95), (60, 9, COMMAND, 110)]);
    }

    #[test]
    fn a_message_has_thirty_seconds_and_then_its_rate() {
        check(limits(), &[(0, 0, DATA, 30), (20, 50, DATA, 35), (34, 200, DATA, 55), (50, 10_000, DATA, 150)]);
        check(limits(), &[(0, 0, DATA, 30), (10, 1_000_000, DATA, 110), (950, 0, DATA, 1000)]);
        check(Limits { data_octets_per_second_min: 0, ..limits() }, &[(0, 0, DATA, 100), (90, 1, DATA, 190)]);
    }

    #[test]
    fn chunks_of_one_message_are_measured_together_and_the_next_message_anew() {
        let begun = Awaited { begun: true, ..BETWEEN_CHUNKS };
        check(
            limits(),
            &[
                (0, 0, BETWEEN_CHUNKS, 100),
                (10, 0, DATA, 40),
                (30, 100, BETWEEN_CHUNKS, 50),
                (45, 0, begun, 50),
                (46, 10, DATA, 51),
                (50, 10, Awaited::default(), 150),
                (60, 10, DATA, 90),
            ],
        );
        // A first chunk that came whole, with its command, begins the message as well.
        let content = Awaited { content: Content::Here, ..BETWEEN_CHUNKS };
        check(limits(), &[(0, 0, BETWEEN_CHUNKS, 100), (10, 100, content, 40), (30, 50, content, 45)]);
    }
}

//! What the running server says about itself: counters, health, and one event per message; never an address.

mod counters;
mod event;
mod follow;
mod held_back;
mod lines;
mod log;
mod next_hop;
mod note;
mod pace;
mod recovery;
mod room;
mod seen;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

pub use counters::{Counter, Gauge, Snapshot};
pub use event::{Attempt, AttemptOutcome, Custody, HoldEnd, HoldEvent, MessageEvent};
pub use follow::{Made, Step, TEST_FIELD};
pub use held_back::HeldBack;
pub use log::{LogFault, LogGuard, LogOptions, silence_panics, start_log};
pub use next_hop::NextHopState;
pub use note::{Answered, Note, unproven};
pub use pace::Rates;
pub use recovery::{read_line, read_recovery};
pub use room::{Room, Share};
pub use seen::{LikelyAgency, SeenMails};

use crate::ledger::ReferralEvent;
use crate::pipeline::{Sighting, Unsigned};
use counters::Counters;
use follow::TestMails;
use lines::Lines;
use pace::Pace;

/// The one place events and counts go; cheap to clone, and nothing on the way of a message waits for a reader.
#[derive(Clone, Default)]
pub struct Watch(Arc<Inner>);

#[derive(Default)]
struct Inner {
    counters: Counters,
    tests: TestMails,
    pace: Pace,
    seen: seen::Seen,
    log_lines: OnceLock<Lines>,
}

impl Watch {
    /// A watch with every counter at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a message and writes its event.
    pub fn message(&self, message: &MessageEvent) {
        self.0.counters.message(message);
        message.write();
    }

    /// Counts what came of signing a mail, if one was to be signed, and writes why it was not.
    pub fn signed(&self, made: Option<&Result<(), Unsigned>>) {
        match made {
            None => {}
            Some(Ok(())) => self.count(Counter::SignaturesMade),
            Some(Err(Unsigned { domain, came_signed, fault })) => {
                self.count(Counter::SignaturesFailed);
                let domain = domain.as_str();
                tracing::warn!(target: "sign", domain, %fault, came_signed, "a mail is not signed");
            }
        }
    }

    /// Counts one delivery attempt of a mail in custody and writes its event.
    pub fn attempt(&self, attempt: &Attempt) {
        self.0.counters.add(attempt.counter(), 1);
        attempt.write();
    }

    /// Counts a held mail that is let go and writes its event.
    pub fn hold_ended(&self, event: &HoldEvent) {
        self.0.counters.add(event.end.counter(), 1);
        event.write();
    }

    /// Adds one to a counter.
    pub fn count(&self, counter: Counter) {
        self.0.counters.add(counter, 1);
    }

    /// Adds `n` to a counter.
    pub fn add(&self, counter: Counter, n: u64) {
        self.0.counters.add(counter, n);
    }

    /// Sets a gauge to its present value.
    pub fn set(&self, gauge: Gauge, value: u64) {
        self.0.counters.set(gauge, value);
    }

    /// Adds one to a gauge until the value it returns is dropped.
    pub fn hold(&self, gauge: Gauge) -> Held {
        self.0.counters.raise(gauge);
        Held { watch: self.clone(), gauge }
    }

    /// All counters and gauges as they are now.
    pub fn snapshot(&self) -> Snapshot {
        let dropped = self.0.log_lines.get().map_or(0, Lines::dropped);
        let mut snapshot = self.0.counters.snapshot();
        snapshot.gauges.insert("log_lines_dropped".to_owned(), dropped);
        snapshot
    }

    /// Takes how many got the line and are not counted, by company and hour, as far as nobody has.
    pub fn take_excluded(&self) -> Vec<HeldBack> {
        self.0.counters.excluded.take()
    }

    /// Puts back those that could not be written down.
    pub fn put_back_excluded(&self, taken: Vec<HeldBack>) {
        self.0.counters.excluded.put_back(taken);
    }

    /// Takes the rejections that a DKIM signature kept from getting the line and that nobody has taken yet.
    pub fn take_held_back(&self) -> Vec<HeldBack> {
        self.0.counters.held_back.take()
    }

    /// Puts back what was taken and could not be written down.
    pub fn put_back_held_back(&self, taken: Vec<HeldBack>) {
        self.0.counters.held_back.put_back(taken);
    }

    /// Notes which template a rejection is of; how many mails of it there were within a short time, when HR has
    /// approved one that is nearly it.
    pub fn see(&self, sighting: Sighting, at: Timestamp) -> Option<u32> {
        self.0.seen.note(sighting, at)
    }

    /// Takes the templates that were seen, and the domains that look like agencies, which nobody has taken yet.
    pub fn take_seen(&self) -> (Vec<SeenMails>, Vec<LikelyAgency>) {
        self.0.seen.take()
    }

    /// Puts back what was taken and could not be written down.
    pub fn put_back_seen(&self, taken: Vec<SeenMails>) {
        self.0.seen.put_back(taken);
    }

    /// Notes where the counters stand; to be called once a second, for [`Self::rates`].
    pub fn tick(&self) {
        let sum = |counters: &[Counter]| counters.iter().map(|c| self.0.counters.total(*c)).sum();
        let out = [Counter::HandedThrough, Counter::AttemptsAccepted];
        self.0.pace.tick((sum(&[Counter::Messages]), sum(&out)));
    }

    /// Mails a second, as far as somebody calls [`Self::tick`].
    pub fn rates(&self) -> Rates {
        self.0.pace.rates()
    }

    /// Draws the token of a test mail to come.
    pub fn announce_test(&self) -> String {
        self.0.tests.announce()
    }

    /// Whether a mail may be a test mail that was announced. Cheap: every mail asks.
    pub fn is_expecting_test(&self) -> bool {
        self.0.tests.is_expecting()
    }

    /// Takes the token that the mail `id` bears; whether it was announced and not used before.
    pub fn begin_test(&self, token: &str, id: &str) -> bool {
        self.0.tests.begin(token, id)
    }

    /// Whether the mail `id` is a test mail. Cheap while there is none.
    pub fn follows(&self, id: &str) -> bool {
        self.0.tests.is_followed(id)
    }

    /// Notes a step on the way of a test mail; `step` is made for no other mail.
    pub fn step(&self, id: &str, step: impl FnOnce() -> Step) {
        if self.0.tests.is_followed(id) {
            self.0.tests.note(id, step());
        }
    }

    /// The id and the steps of the test mail of this token; `None` for a token that was never drawn, or long ago.
    pub fn test_story(&self, token: &str) -> Option<(Option<String>, Vec<Made>)> {
        self.0.tests.story(token)
    }

    /// Writes a referral whose outbox row the disk refused to the log, so that it can be entered by hand (design §3.4).
    ///
    /// This is the one line that waits for its reader: there is no other copy of it. It holds no address.
    ///
    /// # Errors
    /// When the log takes no line either.
    pub fn recovery(&self, event: &ReferralEvent) -> io::Result<()> {
        self.count(Counter::Recoveries);
        recovery::write(&mut io::stderr().lock(), event)
    }
}

/// One unit of a gauge, given back when dropped.
pub struct Held {
    watch: Watch,
    gauge: Gauge,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.watch.0.counters.lower(self.gauge);
    }
}

//! Counters and gauges: atomic, named, read as one snapshot.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use super::event::{Custody, MessageEvent};
use super::held_back::Tally;
use crate::sys::clock;

/// The outcomes of rejection mails that a DKIM signature they came with kept from getting the line.
const HELD_BACK: [&str; 2] = ["dkim_signed", "dkim_not_signed"];

macro_rules! names {
    ($(#[$of:meta])* $enum:ident { $($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+ }) => {
        $(#[$of])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum $enum { $($(#[doc = $doc])+ $variant,)+ }

        impl $enum {
            /// Every one of them, in the order they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable name in snapshots.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

names! {
    /// What only ever grows.
    Counter {
        /// Connections taken.
        ConnectionsAccepted = "connections_accepted",
        /// Connections turned away at a limit.
        ConnectionsRefused = "connections_refused",
        /// Clients that were told 550 5.7.1.
        RelayDenied = "relay_denied",
        /// Recipients at a return path of ours that were none: guesses, and reports for mails of long ago.
        ReturnPathsUnknown = "return_paths_unknown",
        /// Mails of shared clients that bore no company's mark.
        UnmarkedRefused = "unmarked_refused",
        /// Commands or data that broke the protocol.
        ProtocolFaults = "protocol_faults",
        /// TLS handshakes that came to nothing.
        TlsFailures = "tls_failures",
        /// Logins that were somebody's.
        Logins = "logins",
        /// Logins that were nobody's.
        LoginsFailed = "logins_failed",
        /// Logins not looked at, for too many from there had failed.
        LoginsBlocked = "logins_blocked",
        /// Mails put off because their client or their company sends too many.
        RateLimited = "rate_limited",
        /// Sessions that ran into a deadline.
        SessionTimeouts = "session_timeouts",
        /// Messages answered, whatever the answer.
        Messages = "messages",
        /// Their octets.
        Octets = "octets",
        /// Their recipients.
        Recipients = "recipients",
        /// Messages given the line.
        Referred = "referred",
        /// Referrals offered with them.
        Offers = "offers",
        /// Messages recognised as a rejection, whether or not they were given the line.
        RejectionsSeen = "rejections_seen",
        /// Messages the next hop had before the client's 250.
        HandedThrough = "handed_through",
        /// Messages taken into custody.
        Spooled = "spooled",
        /// Messages whose last dot was not answered in time.
        InDoubt = "in_doubt",
        /// Messages refused for good because the next hop did.
        Refused = "refused",
        /// Messages we asked the client to send again.
        Deferred = "deferred",
        /// Microseconds spent deciding and editing.
        DecideMicros = "decide_micros",
        /// Mails with the line that were signed.
        SignaturesMade = "signatures_made",
        /// Mails with the line, or meant to get it, that could not be signed.
        SignaturesFailed = "signatures_failed",
        /// Edited mails a next hop refused, and whose original it was offered.
        EditsRefused = "edits_refused",
        /// Doubtful mails held for a word of HR.
        Held = "held",
        /// Held mails that went out with the line.
        HoldsWithLine = "holds_with_line",
        /// Held mails that went out as they came because somebody said so.
        HoldsWithoutLine = "holds_without_line",
        /// Held mails that went out as they came because their time was over.
        HoldsExpired = "holds_expired",
        /// Doubtful mails that passed because no more could be held.
        HoldsFull = "holds_full",
        /// Errors of ours that left a mail untouched.
        FailedOpen = "failed_open",
        /// Mails that a client sent again because a crash had kept our answer from it: not sent twice.
        Repeats = "repeats",
        /// Spool attempts that were accepted.
        AttemptsAccepted = "attempts_accepted",
        /// Spool attempts that will be repeated.
        AttemptsDeferred = "attempts_deferred",
        /// Spool attempts that ended in a bounce.
        AttemptsBounced = "attempts_bounced",
        /// Mails that may have arrived twice.
        PossibleDoubles = "possible_doubles",
        /// Mail servers that are not among those their domain's policy names, where that is in its testing mode.
        StsMismatches = "sts_mismatches",
        /// Outbox rows that reached the log because the disk failed.
        Recoveries = "recoveries",
        /// Connections of MTAs to the milter.
        MilterConnections = "milter_connections",
        /// Connections of MTAs that were turned away at a limit.
        MilterRefused = "milter_refused",
        /// Connections of MTAs that broke the protocol.
        MilterFaults = "milter_faults",
        /// Connections of MTAs that said nothing for too long.
        MilterTimeouts = "milter_timeouts",
        /// Mails that an MTA began to tell and took back.
        MilterAborted = "milter_aborted",
        /// Mails of which no more than the header was asked for.
        MilterLeftEarly = "milter_left_early",
        /// Mails that an MTA was told to change.
        MilterEdited = "milter_edited",
        /// Mails left as they are because their changes did not fit into one write.
        MilterTooLarge = "milter_too_large",
        /// Mails left as they are because there was no answer in time.
        MilterLate = "milter_late",
        /// Replies with changes that the system did not take in one piece.
        MilterSplit = "milter_split",
        /// Doubtful mails that passed because a milter cannot hold them.
        MilterDoubtful = "milter_doubtful",
    }
}

names! {
    /// What rises and falls.
    Gauge {
        /// Sessions open now.
        Sessions = "sessions",
        /// Of them, those under TLS.
        SessionsTls = "sessions_tls",
        /// Of them, those that are logged in.
        SessionsLoggedIn = "sessions_logged_in",
        /// Mails in custody.
        SpoolEntries = "spool_entries",
        /// Outbox rows not yet posted.
        OutboxWaiting = "outbox_waiting",
        /// Connections open to next hops.
        NextHopConnections = "next_hop_connections",
        /// Octets of messages in memory.
        MessageOctetsHeld = "message_octets_held",
        /// Connections of MTAs open now.
        MilterSessions = "milter_sessions",
        /// Octets of messages that MTAs are telling.
        MilterOctetsHeld = "milter_octets_held",
    }
}

/// All counters and gauges at one moment.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Snapshot {
    /// What only ever grows, by name.
    pub counters: BTreeMap<String, u64>,
    /// What rises and falls, by name.
    pub gauges: BTreeMap<String, u64>,
    /// Messages by outcome code.
    pub outcomes: BTreeMap<String, u64>,
    /// Rejection mails by company that a DKIM signature they came with kept from getting the line.
    #[serde(default)]
    pub held_back_by_signature: BTreeMap<String, u64>,
    /// People by company who got the line and are not counted: mailboxes of a duty, thrown away, named by the company.
    #[serde(default)]
    pub excluded: BTreeMap<String, u64>,
}

pub(super) struct Counters {
    totals: [AtomicU64; Counter::ALL.len()],
    gauges: [AtomicU64; Gauge::ALL.len()],
    outcomes: RwLock<BTreeMap<&'static str, Arc<AtomicU64>>>,
    pub(super) held_back: Tally,
    pub(super) excluded: Tally,
}

impl Default for Counters {
    fn default() -> Self {
        let zero = |_| AtomicU64::new(0);
        Self {
            totals: std::array::from_fn(zero),
            gauges: std::array::from_fn(zero),
            outcomes: RwLock::default(),
            held_back: Tally::default(),
            excluded: Tally::default(),
        }
    }
}

impl Counters {
    pub(super) fn message(&self, message: &MessageEvent) {
        self.add(Counter::Messages, 1);
        self.add(Counter::Octets, message.octets as u64);
        self.add(Counter::Recipients, message.recipients as u64);
        self.add(Counter::DecideMicros, message.decide_micros);
        self.add(Counter::Offers, message.offers as u64);
        if message.inserted_octets > 0 {
            self.add(Counter::Referred, 1);
        }
        if message.verdict == "rejection" {
            self.add(Counter::RejectionsSeen, 1);
            if let Some(company) = &message.company {
                (0..message.excluded).for_each(|_| self.excluded.count(company, clock::now()));
            }
            if let Some(company) = message.company.as_ref().filter(|_| HELD_BACK.contains(&message.outcome)) {
                self.held_back.count(company, clock::now());
            }
        }
        for counter in by_custody(message.custody) {
            self.add(*counter, 1);
        }
        self.count_outcome(message.outcome);
    }

    pub(super) fn add(&self, counter: Counter, n: u64) {
        self.totals[counter as usize].fetch_add(n, Ordering::Relaxed);
    }

    pub(super) fn total(&self, counter: Counter) -> u64 {
        self.totals[counter as usize].load(Ordering::Relaxed)
    }

    pub(super) fn set(&self, gauge: Gauge, value: u64) {
        self.gauges[gauge as usize].store(value, Ordering::Relaxed);
    }

    pub(super) fn raise(&self, gauge: Gauge) {
        self.gauges[gauge as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn lower(&self, gauge: Gauge) {
        self.gauges[gauge as usize].fetch_sub(1, Ordering::Relaxed);
    }

    /// The codes are few and soon all known, so the write lock is taken once per code.
    fn count_outcome(&self, code: &'static str) {
        let known = self.outcomes.read().unwrap_or_else(PoisonError::into_inner).get(code).cloned();
        let cell = known.unwrap_or_else(|| {
            self.outcomes.write().unwrap_or_else(PoisonError::into_inner).entry(code).or_default().clone()
        });
        cell.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let read = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        let outcomes = self.outcomes.read().unwrap_or_else(PoisonError::into_inner);
        Snapshot {
            counters: Counter::ALL.iter().map(|c| (c.name().to_owned(), read(&self.totals[*c as usize]))).collect(),
            gauges: Gauge::ALL.iter().map(|g| (g.name().to_owned(), read(&self.gauges[*g as usize]))).collect(),
            outcomes: outcomes.iter().map(|(code, cell)| ((*code).to_owned(), read(cell))).collect(),
            held_back_by_signature: self.held_back.all(),
            excluded: self.excluded.all(),
        }
    }
}

fn by_custody(custody: Custody) -> &'static [Counter] {
    match custody {
        Custody::HandedThrough => &[Counter::HandedThrough],
        Custody::Spooled => &[Counter::Spooled],
        Custody::Split => &[Counter::HandedThrough, Counter::Spooled],
        Custody::InDoubt => &[Counter::InDoubt, Counter::Spooled],
        Custody::Refused => &[Counter::Refused],
        Custody::Deferred => &[Counter::Deferred],
        Custody::Held => &[Counter::Held, Counter::Spooled],
        Custody::Mta => &[],
    }
}

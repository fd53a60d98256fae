//! The event of one message and of one delivery attempt: codes, counts and durations, and nothing a person wrote.
//!
//! There is no field for an address, a subject or a next hop's text, so none can be logged by mistake; codes that come
//! as text are checked for the alphabet of a code before they are written.

use std::sync::Arc;

use crate::referral::CompanyId;

use super::Counter;

/// Who was responsible for the mail when the client heard our answer (design §3.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Custody {
    /// The next hop had it: no copy with us.
    HandedThrough,
    /// It was synced to the spool before the answer.
    Spooled,
    /// Part of the recipients was handed through, part spooled.
    Split,
    /// Our dot was sent and not answered in time: spooled, and still waiting on that connection.
    InDoubt,
    /// The next hop refused it for every recipient, and so did we.
    Refused,
    /// We asked the client to come again (4xx).
    Deferred,
    /// It was synced to the spool and waits there for a word of HR.
    Held,
    /// The MTA whose milter we are.
    Mta,
}

impl Custody {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::HandedThrough => "handed_through",
            Self::Spooled => "spooled",
            Self::Split => "split",
            Self::InDoubt => "in_doubt",
            Self::Refused => "refused",
            Self::Deferred => "deferred",
            Self::Held => "held",
            Self::Mta => "mta",
        }
    }
}

/// What became of one message, written once, when the client has its answer.
#[derive(Clone, Debug)]
pub struct MessageEvent {
    /// Our id of the transaction.
    pub id: String,
    /// The company, when the sender belongs to one.
    pub company: Option<CompanyId>,
    /// `referred`, or the stable code of why the mail was left untouched.
    pub outcome: &'static str,
    /// `rejection`, `abstain`, or `none` when nothing was asked.
    pub verdict: &'static str,
    /// Ids of the rules the verdict stands on.
    pub evidence: Vec<Arc<str>>,
    /// Recipients of the envelope.
    pub recipients: usize,
    /// Octets of the message as it came.
    pub octets: usize,
    /// Octets inserted, over all parts.
    pub inserted_octets: usize,
    /// Referrals offered with it.
    pub offers: usize,
    /// Recipients that got the line and are not counted.
    pub excluded: usize,
    /// Microseconds spent deciding and editing.
    pub decide_micros: u64,
    /// Microseconds from the client's dot to our answer.
    pub answer_micros: u64,
    /// Who was responsible at the answer.
    pub custody: Custody,
    /// The next hop's basic reply codes, one per recipient it answered for.
    pub replies: Vec<u16>,
    /// How the connection to the next hop was protected: `clear`, `tls`, or `verified` when its certificate was good;
    /// absent when it was not asked.
    pub protection: Option<&'static str>,
    /// What the MTA calls the message, where an MTA keeps it.
    pub queue_id: Option<String>,
}

/// How one attempt at a mail in custody ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AttemptOutcome {
    /// The next hop took it.
    Accepted,
    /// Later again.
    Deferred,
    /// Refused for good, or given up: the sender is told.
    Bounced,
    /// The connection was lost after our dot: it may arrive twice.
    PossiblyDoubled,
}

impl AttemptOutcome {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Deferred => "deferred",
            Self::Bounced => "bounced",
            Self::PossiblyDoubled => "possibly_doubled",
        }
    }
}

/// One attempt to deliver a mail in custody.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Our id of the transaction.
    pub id: String,
    /// The route's name.
    pub route: String,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Recipients it ended so for.
    pub recipients: usize,
    /// The next hop's basic reply code, if it gave one.
    pub reply: Option<u16>,
    /// Which attempt it was, from 1.
    pub number: u32,
    /// Microseconds it took.
    pub micros: u64,
    /// `clear`, `tls`, or `verified` when the next hop's certificate was good; absent when it was not asked.
    pub protection: Option<&'static str>,
}

impl Attempt {
    pub(super) fn counter(&self) -> Counter {
        match self.outcome {
            AttemptOutcome::Accepted => Counter::AttemptsAccepted,
            AttemptOutcome::Deferred => Counter::AttemptsDeferred,
            AttemptOutcome::Bounced => Counter::AttemptsBounced,
            AttemptOutcome::PossiblyDoubled => Counter::PossibleDoubles,
        }
    }

    pub(super) fn write(&self) {
        tracing::info!(
            target: "attempt",
            id = code(&self.id),
            route = code(&self.route),
            outcome = self.outcome.code(),
            recipients = self.recipients,
            reply = self.reply,
            number = self.number,
            micros = self.micros,
            protection = self.protection,
        );
    }
}

impl MessageEvent {
    pub(super) fn write(&self) {
        tracing::info!(
            target: "message",
            id = code(&self.id),
            company = self.company.as_ref().map(tracing::field::display),
            outcome = self.outcome,
            verdict = self.verdict,
            evidence = join(self.evidence.iter().map(|e| code(e))),
            recipients = self.recipients,
            octets = self.octets,
            inserted_octets = self.inserted_octets,
            offers = self.offers,
            excluded = self.excluded,
            decide_micros = self.decide_micros,
            answer_micros = self.answer_micros,
            custody = self.custody.code(),
            replies = join(self.replies.iter().map(u16::to_string)),
            protection = self.protection,
            queue_id = self.queue_id.as_deref().map(code),
        );
    }
}

/// How the hold of a mail ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HoldEnd {
    /// Somebody said that it is a rejection: it goes out with the line.
    WithLine,
    /// Somebody said that it is none, or nothing may be inserted any more: it goes out as it came.
    WithoutLine,
    /// Its time was over: it goes out as it came.
    Expired,
}

impl HoldEnd {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::WithLine => "with_line",
            Self::WithoutLine => "without_line",
            Self::Expired => "expired",
        }
    }

    pub(super) fn counter(self) -> Counter {
        match self {
            Self::WithLine => Counter::HoldsWithLine,
            Self::WithoutLine => Counter::HoldsWithoutLine,
            Self::Expired => Counter::HoldsExpired,
        }
    }
}

/// A held mail that is let go.
#[derive(Clone, Debug)]
pub struct HoldEvent {
    /// Our id of the transaction.
    pub id: String,
    /// Whose mail it is.
    pub company: Option<CompanyId>,
    /// The code of the doubt.
    pub reason: String,
    /// How the hold ended.
    pub end: HoldEnd,
}

impl HoldEvent {
    pub(super) fn write(&self) {
        tracing::info!(
            target: "hold",
            id = code(&self.id),
            company = self.company.as_ref().map(tracing::field::display),
            reason = code(&self.reason),
            end = self.end.code(),
        );
    }
}

fn join<T: AsRef<str>>(parts: impl Iterator<Item = T>) -> String {
    let mut joined = String::with_capacity(128);
    for part in parts {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(part.as_ref());
    }
    joined
}

/// `text` when it can only be a code; a mark of its own when it could be something a person wrote.
fn code(text: &str) -> &str {
    let is_code = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':' | b'/');
    if text.len() <= 128 && text.bytes().all(is_code) { text } else { "not_a_code" }
}

//! What becomes of a mail that an MTA has told, and what is written down before it hears of it.

mod outcome;
mod pending;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::time::timeout_at;

use super::Milter;
use crate::mail::edit::Edits;
use crate::mail::envelope::Envelope;
use crate::pipeline::{self, Client, INTERNAL_ERROR, Mark, Outcome, Policy, Received, Untouched};
use crate::proto::milter::{Changes, Gathered, Macros, Peer, Snapshot, Unfit, read_envelope};
use crate::spool::EntryId;
use crate::sys::{clock, random};
use crate::watch::{Counter, Note, unproven};

pub(super) use pending::Pending;

/// There was no answer in time.
const LATE: &str = "milter_late";
/// The envelope is none that we can read.
const ENVELOPE: &str = "milter_envelope_unreadable";
/// The changes do not fit into one write.
const TOO_LARGE: &str = "milter_reply_too_large";
/// The MTA allows no such change.
const NOT_ALLOWED: &str = "milter_change_not_allowed";
/// The MTA has not said what it calls the mail, so that nobody could hear what became of it.
const NO_QUEUE_ID: &str = "milter_no_queue_id";
const OUTBOX_UNAVAILABLE: &str = "outbox_unavailable";

/// What is to be told of a mail once it is answered.
pub(super) struct Told {
    pub(super) id: EntryId,
    pub(super) queue_id: Option<String>,
    pub(super) note: Note,
}

/// What is to be said of a mail.
pub(super) struct Decided {
    /// The reply with the changes; absent when it stays as it is.
    pub(super) reply: Option<Vec<u8>>,
    pub(super) told: Told,
    /// What was written down, in case the reply cannot be sent.
    pub(super) pending: Option<Pending>,
}

/// Makes a reply of changes, and how many octets it may have.
pub(super) type Reply<'a> = (&'a (dyn Fn(&Changes) -> Result<Vec<u8>, Unfit> + Sync), usize);

/// A mail with all that deciding takes.
struct Case {
    id: EntryId,
    at: Timestamp,
    queue_id: Option<String>,
    policy: Arc<Policy>,
    received: Arc<Received>,
    snapshot: Snapshot,
}

/// What was found, and the changes that make it so.
struct Found {
    outcome: Outcome,
    reply: Option<Vec<u8>>,
}

impl Found {
    fn untouched(outcome: Outcome) -> Self {
        Self { outcome, reply: None }
    }
}

impl Milter {
    /// What is to be told of a mail whose header shows that it is no company's: then its body is not asked for.
    pub(super) async fn leave_early(&self, mail: &Gathered) -> Option<Told> {
        if mail.flaw.is_some() {
            return None;
        }
        let policy = self.services.policy.current();
        let envelope = read_envelope(&mail.mail, &mail.rcpts).ok()?;
        let client = client(mail.peer, &mail.macros, &policy);
        let Mark { company, cut } = policy.routing_mark(&client, &mail.octets);
        if !cut.is_empty() {
            return None;
        }
        let client = Client { routed_for: company, ..client };
        let received = Received { client, envelope, message: mail.octets.clone().into() };
        let octets = received.message.len();
        let envelope = received.envelope.clone();
        let asked = self.turns.take(octets, move || pipeline::no_company(&received, &policy)).await;
        let reason = asked.ok().flatten()?;
        let note = Note::new(&untouched(reason), &envelope, octets, std::time::Duration::ZERO);
        Some(Told { id: new_id(clock::now()), queue_id: queue_id(&mail.macros), note })
    }

    /// What becomes of a mail. Whatever it is, there is an answer within the time the settings give.
    pub(super) async fn decide(&self, mail: Gathered, reply: Reply<'_>, began: Instant) -> Decided {
        let (octets, queue_id) = (mail.octets_told, queue_id(&mail.macros));
        let at = clock::now();
        let id = new_id(at);
        let case = match self.case((id.clone(), at), queue_id.clone(), mail) {
            Ok(case) => case,
            Err(reason) => return self.leave(id, queue_id, reason, octets),
        };
        let until = tokio::time::Instant::from_std(began + self.settings.answer_within);
        let found = timeout_at(until, self.find(&case, reply)).await.unwrap_or_else(|_| {
            self.services.watch.count(Counter::MilterLate);
            Found::untouched(untouched(LATE))
        });
        let took = began.elapsed();
        let (found, pending) = self.write_down(&case, found, until).await;
        // What must not leave does not, whatever else is decided.
        let reply = found.reply.or_else(|| self.without_mark(&case, reply));
        if let Some(sketch) = unproven(&found.outcome, &case.received.message) {
            tracing::warn!(target: "unproven", id = id.as_str(), sketch, "an edit was not proven; please report it");
        }
        let note = Note::new(&found.outcome, &case.received.envelope, octets, took);
        Decided { reply, told: Told { id, queue_id, note }, pending }
    }

    /// A mail that nothing is asked about.
    fn leave(&self, id: EntryId, queue_id: Option<String>, reason: &'static str, octets: usize) -> Decided {
        self.services.watch.count(Counter::FailedOpen);
        let note = Note::new(&untouched(reason), &Envelope::default(), octets, std::time::Duration::ZERO);
        Decided { reply: None, told: Told { id, queue_id, note }, pending: None }
    }

    fn case(
        &self,
        (id, at): (EntryId, Timestamp),
        queue_id: Option<String>,
        mail: Gathered,
    ) -> Result<Case, &'static str> {
        if let Some(flaw) = mail.flaw {
            return Err(flaw.code());
        }
        let policy = self.services.policy.current();
        let envelope = read_envelope(&mail.mail, &mail.rcpts).map_err(|_| ENVELOPE)?;
        let client = client(mail.peer, &mail.macros, &policy);
        let snapshot = mail.into_snapshot().ok_or(INTERNAL_ERROR)?;
        let Mark { company, cut } = policy.routing_mark(&client, &snapshot.message);
        let snapshot = if cut.is_empty() { snapshot } else { snapshot.without(&cut) };
        let client = Client { routed_for: company, ..client };
        let message: Bytes = snapshot.message.clone();
        let received = Arc::new(Received { client, envelope, message });
        Ok(Case { id, at, queue_id, policy, received, snapshot })
    }

    /// What the pipeline says, and the reply that makes it so.
    async fn find(&self, case: &Case, reply: Reply<'_>) -> Found {
        let outcome = self.ask(case).await;
        let Outcome::Referred(referred) = &outcome else { return Found::untouched(outcome) };
        let [copy] = &referred.copies[..] else { return Found::untouched(instead(outcome, INTERNAL_ERROR)) };
        match self.reply(case, &copy.edits, reply) {
            Ok(reply) => Found { outcome, reply },
            Err(reason) => Found::untouched(instead(outcome, reason)),
        }
    }

    /// The reply for these edits; none where there is nothing to change.
    fn reply(
        &self,
        case: &Case,
        edits: &Edits,
        (reply, octets_max): Reply<'_>,
    ) -> Result<Option<Vec<u8>>, &'static str> {
        let changes = Changes::of(&case.snapshot, edits).map_err(|why| {
            tracing::error!(target: "milter", id = case.id.as_str(), %why, "a mail cannot be changed so");
            INTERNAL_ERROR
        })?;
        if changes.is_empty() {
            return Ok(None);
        }
        let octets = reply(&changes).map_err(|_| NOT_ALLOWED)?;
        if octets.len() > octets_max {
            self.services.watch.count(Counter::MilterTooLarge);
            return Err(TOO_LARGE);
        }
        Ok(Some(octets))
    }

    /// The reply that takes the company's routing mark out of a mail that stays as it is else.
    fn without_mark(&self, case: &Case, reply: Reply<'_>) -> Option<Vec<u8>> {
        self.reply(case, &Edits::default(), reply).ok().flatten()
    }
}

/// The client of the MTA, as far as the MTA tells who it is: it has checked what we cannot.
fn client(peer: Peer, macros: &Macros, policy: &Policy) -> Client {
    let ip = match peer {
        Peer::At(ip) => Some(ip),
        Peer::Unknown => macros.client_address().and_then(|text| text.parse().ok()),
    };
    // Nobody's address: no right hangs on it.
    let ip = ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let client = Client { user: macros.user().map(str::to_owned), ..Client::at(ip) };
    Client { shared: policy.is_shared(&client), ..client }
}

/// The MTA's name of the mail, if it is one that can stand in a log.
fn queue_id(macros: &Macros) -> Option<String> {
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let id = macros.queue_id().filter(|id| id.len() <= 64 && id.bytes().all(fine));
    id.map(str::to_owned)
}

/// An id that rises with the time; no two are the same.
fn new_id(at: Timestamp) -> EntryId {
    EntryId::numbered(at, u64::from_be_bytes(random::octets()))
}

fn untouched(reason: &'static str) -> Outcome {
    Outcome::Untouched(Untouched { company: None, reason, rejection_seen: false, evidence: Vec::new() })
}

/// A mail that was to get the line and stays as it is.
fn instead(outcome: Outcome, reason: &'static str) -> Outcome {
    match outcome {
        Outcome::Referred(referred) => {
            let (company, evidence) = (Some(referred.company), referred.evidence);
            Outcome::Untouched(Untouched { company, reason, rejection_seen: true, evidence })
        }
        Outcome::Held(held) => Outcome::Untouched(held.pass(Some(reason))),
        untouched @ Outcome::Untouched(_) => untouched,
    }
}

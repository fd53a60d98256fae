//! Return paths of our own at the door: tags for what leaves with a line, and what comes back to them.
//!
//! A tag of ours is the one recipient that strangers may name. Whatever comes to it, report or not, goes on to the
//! sender the mail had before, with every octet it came with; a bounce is evidence beside.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Arrived;
use super::custody::{Mail, Relay};
use super::repeats::new_id;
use crate::deliver::Job;
use crate::mail::address::Address;
use crate::mail::dsn::read::{Reading, Verdict};
use crate::mail::envelope::Envelope;
use crate::pipeline::{self, Behind, Copy, Held, Outcome, Policy, Probe, Received, Returned, Untouched};
use crate::proto::smtp::reply::Reply;
use crate::proto::smtp::session::CameBack;
use crate::referral::CompanyId;
use crate::spool::{EntryId, Returnable, Write};
use crate::sys::clock;
use crate::watch::Note;

/// The largest mail that is taken back: a report with a whole mail in it, and not a store for strangers.
const OCTETS_MAX: usize = 10 * 1024 * 1024;

/// Gives the copies with the line their return paths; those of a held mail have them should it leave with the line. An
/// error of ours leaves them as they are.
pub(super) fn tag(
    outcome: &mut Outcome,
    received: &Received,
    policy: &Policy,
    (id, at): (&EntryId, Timestamp),
) -> Vec<Write> {
    let (Outcome::Referred(referred) | Outcome::Held(Held { referred, .. })) = outcome else { return Vec::new() };
    let tagged = catch_unwind(AssertUnwindSafe(|| pipeline::tag_copies(referred, received, policy, (id.as_str(), at))));
    let Ok(Some((copies, rows))) = tagged else { return Vec::new() };
    referred.copies = copies;
    let returnable = |row: pipeline::ReturnRow| Returnable { id: row.id, expires: row.expires, sealed: row.sealed };
    rows.into_iter().map(returnable).map(Write::Returnable).collect()
}

/// What a mail says, and what is to be written down of it.
type Read = Option<(Reading, Option<Write>)>;

/// What came back.
enum Came {
    Mail(Box<Found>),
    Probe(Probe, Box<Read>),
}

/// A mail that came back, and whose it was.
struct Found {
    company: CompanyId,
    sender: Address,
    returned: Returned,
    /// Whether a report that names these recipients names the candidate.
    names: Option<bool>,
    reading: Option<Reading>,
    bounce: Option<Write>,
}

impl Relay {
    /// What a recipient is to the return paths of ours.
    pub(super) async fn look_up(&self, recipient: &Address) -> CameBack {
        let (policy, now) = (self.services.policy.current(), clock::now());
        if !recipient.domain().is_some_and(|domain| policy.is_return_domain(domain)) {
            return CameBack::No;
        }
        let Some(path) = policy.came_back(recipient, now) else { return CameBack::Unknown };
        match self.services.spool.returnable(path.id(), now).await {
            Ok(Some(_)) => CameBack::Ours,
            // It may have left a moment ago, and what belongs to it is being written.
            Ok(None) if path.is_fresh(now) => CameBack::NotNow,
            Ok(None) => CameBack::Unknown,
            Err(error) => {
                tracing::error!(target: "smtp", %error, "a return path could not be looked up");
                CameBack::NotNow
            }
        }
    }

    /// Hands on what came back, and keeps what it proves.
    pub(super) async fn take_back(&self, arrived: Arrived, began: Instant) -> Reply {
        if arrived.transaction.message.len() > OCTETS_MAX {
            return Reply::new(552, (5, 3, 4), "Too large for a report");
        }
        let not_now = || Reply::new(450, (4, 2, 1), "Not now, try again");
        let (id, found) = match (new_id(arrived.at, None), self.find(&arrived).await) {
            (Some(id), Some(Came::Mail(found))) => (id, *found),
            (_, Some(Came::Probe(probe, reading))) => return self.note_probe(&probe, *reading).await,
            _ => return not_now(),
        };
        let mail = self.as_mail(id, arrived, found);
        let [job] = &mail.jobs[..] else { return not_now() };
        let answer = self.hand_through(&mail, job).await;
        self.tell(mail, answer, began)
    }

    /// Opens what belongs to the tag, and reads the mail in its light. `None` when it went meanwhile.
    async fn find(&self, arrived: &Arrived) -> Option<Came> {
        let policy = self.services.policy.current();
        let path = policy.came_back(arrived.transaction.envelope.recipients.first()?, arrived.at)?;
        let sealed = self.services.spool.returnable(path.id(), arrived.at).await.ok()??;
        let behind = path.open(&sealed)?;
        let message = &arrived.transaction.message;
        // What strangers send is read here: an error of ours in it must not cost the mail.
        let read = || (self.services.evidence)(&behind, message, arrived.at);
        let read = catch_unwind(AssertUnwindSafe(read)).ok().flatten();
        let returned = match behind {
            Behind::Mail(returned) => *returned,
            Behind::Probe(probe) => return Some(Came::Probe(probe, Box::new(read))),
        };
        let (sender, company) = (returned.sender()?, path.company().clone());
        let (reading, bounce) = read.map_or((None, None), |(reading, bounce)| (Some(reading), bounce));
        let keys = policy.company(&company).map(|of| &of.keys);
        let names =
            reading.as_ref().filter(|reading| !reading.recipients.is_empty()).zip(keys).map(|(reading, keys)| {
                let is_named = |named| keys.all().any(|keys| keys.candidate(named) == returned.bounce.candidate);
                reading.recipients.iter().any(is_named)
            });
        Some(Came::Mail(Box::new(Found { company, sender, returned, names, reading, bounce })))
    }

    /// A probe was nobody's mail, so nobody gets what comes back of it.
    async fn note_probe(&self, probe: &Probe, read: Read) -> Reply {
        let verdict = read.as_ref().map_or(Verdict::NotAReport, |(reading, _)| reading.verdict);
        let (company, route, verdict) = (probe.company.as_str(), &*probe.route, verdict.code());
        tracing::info!(target: "smtp", of = probe.id, company, route, verdict, "probe_came_back");
        if let Some((_, Some(write))) = read {
            if let Err(error) = self.services.spool.commit(vec![write]).await {
                tracing::error!(target: "smtp", %error, "that a probe came back cannot be written down");
                return Reply::new(450, (4, 3, 1), "Not now, try again");
            }
            self.services.probed.notify_one();
        }
        Reply::new(250, (2, 0, 0), "Read")
    }

    /// From the null sender, so that nothing is ever reported about it.
    fn as_mail(&self, id: EntryId, arrived: Arrived, found: Found) -> Mail {
        let Arrived { client, transaction, at } = arrived;
        let trace = self.trace(&id, client.ip, &transaction, at);
        let (envelope, original) = (transaction.envelope, transaction.message);
        let verdict = found.reading.as_ref().map_or(Verdict::NotAReport, |reading| reading.verdict);
        tracing::info!(
            target: "smtp",
            id = id.as_str(),
            company = found.company.as_str(),
            of = found.returned.bounce.transaction,
            verdict = verdict.code(),
            form = found.reading.as_ref().map(|reading| reading.form),
            names_candidate = found.names,
            "came_back"
        );
        let outcome = Outcome::Untouched(Untouched {
            company: Some(found.company.clone()),
            reason: reason(verdict),
            rejection_seen: false,
            evidence: Vec::new(),
        });
        let envelope = Envelope { sender: None, recipients: vec![found.sender], dsn: None, ..envelope };
        let note = Note::new(&outcome, &envelope, original.len(), Duration::ZERO);
        let copy = Copy { recipients: vec![0], ..Copy::default() };
        let (company, envelope) = (Some(found.company), Arc::new(envelope));
        let jobs = vec![Job { id: id.clone(), company, envelope, original, trace, copy }];
        Mail { id, received_at: at, jobs, note, with_it: found.bounce.into_iter().collect(), came_back: true }
    }
}

/// The code of what came back, for its event.
fn reason(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Failed => "came_back_failed",
        Verdict::Delayed => "came_back_delayed",
        Verdict::Delivered => "came_back_delivered",
        Verdict::AutoReply => "came_back_auto_reply",
        Verdict::Complaint => "came_back_complaint",
        Verdict::NotAReport => "came_back",
    }
}

//! What a client hears after its dot, and what is on our disk by then (design §3.3 and §3.4).
//!
//! The order is: decide, offer to the next hop, commit what is still ours, answer. 250 is said only when each recipient
//! is with the next hop or synced in the spool; when both failed for one of them, the client is asked to come again.

mod hold;
mod templates;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::answer::{self, Answer, after_commit, after_failure};
use super::decide::{self, Judge};
use super::logins::{self, Logins};
use super::repeats::{self, Repeats};
use super::{Admission, Arrived, Custody, Login, returns, standing, test_mail};
use crate::deliver::{Deliver, HandThrough, Job, NoEdit};
use crate::ledger::ReferralEvent;
use crate::mail::address::{Address, Domain};
use crate::mail::dsn::read::Reading;
use crate::mail::envelope::Envelope;
use crate::pipeline::{
    self, Admission as Right, Behind, Client, Copy, Held, Outcome, Policy, Received, Referred, Secret, Untouched,
};
use crate::policy::PolicyHandle;
use crate::proto::smtp::reply::Reply;
use crate::proto::smtp::session::{CameBack, Transaction};
use crate::proto::smtp::trace::Trace;
use crate::referral::CompanyId;
use crate::sign::{Signer, sign_outcome};
use crate::spool::{EntryId, Spool, SpoolError, Write};
use crate::sys::clock;
use crate::watch::{Answered, Counter, Note, Step, Watch, unproven};

/// What the relay works with.
#[derive(Clone)]
pub struct Services {
    /// Our host name, for trace lines.
    pub host: Arc<str>,
    /// The policy in force.
    pub policy: PolicyHandle,
    /// The way to next hops.
    pub deliver: Deliver,
    /// Custody and outbox.
    pub spool: Spool,
    /// The keys that sign mails with the line.
    pub signer: Signer,
    /// A field put in front of every mail beside the trace, with its line end; empty for none.
    pub stamp: Box<str>,
    /// Where messages are counted.
    pub watch: Watch,
    /// What a mail that came back says.
    pub evidence: ReadReport,
    /// Rung when a probe came back.
    pub probed: Arc<Notify>,
}

/// Reads a mail that came back for what its tag leads to: its verdict, and what is to be written down if it bounced.
pub type ReadReport = fn(&Behind, &[u8], Timestamp) -> Option<(Reading, Option<Write>)>;

/// What decides on a message: [`pipeline::process`], unless a test says otherwise.
type Process = fn(&Received, &Policy, Timestamp) -> Outcome;

/// The custody of a relay.
pub struct Relay {
    pub(super) services: Services,
    judge: Judge,
    logins: Logins,
    repeats: Repeats,
    process: Process,
}

/// A message that was decided on.
struct Decided {
    id: EntryId,
    received_at: Timestamp,
    trace: Bytes,
    envelope: Arc<Envelope>,
    message: Bytes,
    took: Duration,
    /// What finds the copies with the line again when they come back.
    with_it: Vec<Write>,
}

impl Decided {
    /// The mail that comes of it.
    fn mail(&self, outcome: Outcome) -> Mail {
        // What leaves as it came has no tag.
        let untouched = matches!(outcome, Outcome::Untouched(_));
        let with_it = if untouched { Vec::new() } else { self.with_it.clone() };
        let note = Note::new(&outcome, &self.envelope, self.message.len(), self.took);
        let (company, copies) = copies(outcome, self.envelope.recipients.len());
        let job = |copy| Job {
            id: self.id.clone(),
            company: company.clone(),
            envelope: Arc::clone(&self.envelope),
            original: self.message.clone(),
            trace: self.trace.clone(),
            copy,
        };
        let jobs = copies.into_iter().map(job).collect();
        Mail { id: self.id.clone(), received_at: self.received_at, jobs, note, with_it, came_back: false }
    }
}

/// The same as one job for each copy.
pub(super) struct Mail {
    pub(super) id: EntryId,
    pub(super) received_at: Timestamp,
    pub(super) jobs: Vec<Job>,
    pub(super) note: Note,
    /// What is committed with it: what finds its copies again when they come back, or what one that came back proves.
    pub(super) with_it: Vec<Write>,
    /// Whether it is one that came back.
    pub(super) came_back: bool,
}

impl Custody for Relay {
    fn admit(&self, client: &Client) -> Admission {
        let policy = self.services.policy.current();
        Admission { may_relay: policy.admission(client) != Right::Refused, shared: policy.is_shared(client) }
    }

    async fn authenticate(&self, user: String, password: Secret) -> Login {
        self.logins.authenticate(&self.services.policy.users(), &user, password).await
    }

    fn has_users(&self) -> bool {
        self.services.policy.users().iter().any(logins::may_send)
    }

    fn company_of(&self, sender: &Domain) -> Option<CompanyId> {
        self.services.policy.current().company_of_domain(sender).map(|of| of.company.id.clone())
    }

    fn has_return_paths(&self) -> bool {
        self.services.policy.current().has_return_paths()
    }

    async fn came_back(&self, recipient: &Address) -> CameBack {
        self.look_up(recipient).await
    }

    async fn take(&self, arrived: Arrived) -> Reply {
        let began = Instant::now();
        if arrived.transaction.came_back {
            return self.take_back(arrived, began).await;
        }
        let policy = self.services.policy.current();
        let arrived = match self.admit_mail(arrived, &policy) {
            Ok(arrived) => arrived,
            Err(reply) => return reply,
        };
        let imprint = repeats::imprint(&arrived.transaction.envelope, &arrived.transaction.message);
        if let Some(before) = self.repeats.take(imprint, arrived.at) {
            self.services.watch.count(Counter::Repeats);
            tracing::info!(target: "smtp", id = before.as_str(), "a mail came again that was accepted before");
            return answer::accepted(&before);
        }
        let Some(id) = repeats::new_id(arrived.at, imprint) else {
            return Reply::new(451, (4, 3, 0), "No id for the mail, try again");
        };
        let (mail, answer) = match self.decide(id, arrived, policy).await {
            (decided, Outcome::Held(held)) => self.hold(&decided, held).await,
            (decided, outcome) => {
                let mail = decided.mail(outcome);
                let answer = self.send(&mail).await;
                (mail, answer)
            }
        };
        self.tell(mail, answer, began)
    }
}

impl Relay {
    /// Notes what became of a mail, and says it.
    pub(super) fn tell(&self, mail: Mail, answer: Answer, began: Instant) -> Reply {
        let reply = answer.reply.clone();
        let Answer { custody, replies, protection, edit_refused, .. } = answer;
        let answer = Answered { custody, replies, protection, edit_refused, queue_id: None };
        self.services.watch.step(mail.id.as_str(), || Step::Answered { custody: custody.code().to_owned() });
        self.services.watch.message(&mail.note.event(mail.id.as_str(), answer, began.elapsed()));
        reply
    }

    /// The custody that uses these services.
    pub fn new(services: Services) -> Self {
        let repeats = Repeats::new(services.spool.latest(), clock::now());
        Self { services, judge: Judge::default(), logins: Logins::new(), repeats, process: pipeline::process }
    }

    /// The mail as it goes on, if its client may hand it in.
    fn admit_mail(&self, arrived: Arrived, policy: &Policy) -> Result<Arrived, Reply> {
        let Arrived { client, transaction, at } = arrived;
        let Transaction { message, .. } = &transaction;
        match standing::check(client, message.clone(), policy, &self.services.policy.users()) {
            Ok((client, message)) => Ok(Arrived { client, transaction: Transaction { message, ..transaction }, at }),
            Err(refusal) => {
                self.services.watch.count(refusal.counter());
                tracing::info!(target: "smtp", ?refusal, "a mail was not taken");
                Err(refusal.reply())
            }
        }
    }

    async fn decide(&self, id: EntryId, arrived: Arrived, policy: Arc<Policy>) -> (Decided, Outcome) {
        let Arrived { client, transaction, at } = arrived;
        let trace = self.trace(&id, client.ip, &transaction, at);
        let Transaction { envelope, message, .. } = transaction;
        let received = Arc::new(Received { client, envelope, message });
        let began = Instant::now();
        let tagging = policy.has_return_paths().then(|| Arc::clone(&policy));
        let mut outcome = match test_mail::recognise(&received, &id, &self.services.watch) {
            Some(shown) => {
                let would = self.ask(&Arc::new(shown), policy, (at, false)).await;
                test_mail::leave(would, &id, &self.services.watch)
            }
            None => self.ask(&received, policy, (at, true)).await,
        };
        let with_it = tagging.map_or_else(Vec::new, |policy| returns::tag(&mut outcome, &received, &policy, (&id, at)));
        let took = began.elapsed();
        if let Some(sketch) = unproven(&outcome, &received.message) {
            tracing::warn!(target: "unproven", id = id.as_str(), sketch, "an edit was not proven; please report it");
        }
        let Received { envelope, message, .. } = Arc::unwrap_or_clone(received);
        (Decided { id, received_at: at, trace, envelope: Arc::new(envelope), message, took, with_it }, outcome)
    }

    /// Offers a mail of one copy to the next hop while the client waits; one of several goes to the spool first.
    async fn send(&self, mail: &Mail) -> Answer {
        match &mail.jobs[..] {
            [job] => self.hand_through(mail, job).await,
            _ => self.store(mail).await,
        }
    }

    /// What is to become of a mail. A rejection that is none (`counts` is false) tells nothing of templates.
    async fn ask(&self, received: &Arc<Received>, policy: Arc<Policy>, (now, counts): (Timestamp, bool)) -> Outcome {
        let Services { spool, watch, .. } = &self.services;
        // Without an outbox a referral could be written and not counted: then no line is written at all.
        let asked = if spool.is_writable() {
            let (received, process, policy) = (Arc::clone(received), self.process, Arc::clone(&policy));
            let octets = received.message.len();
            self.judge.ask(octets, move || pipeline::check(process(&received, &policy, now), &received)).await
        } else {
            Err(decide::OUTBOX_UNAVAILABLE)
        };
        let asked = if counts { self.watch_templates(asked, (received, &policy), now).await } else { asked };
        let outcome = asked.unwrap_or_else(|reason| {
            watch.count(Counter::FailedOpen);
            Outcome::Untouched(Untouched { company: None, reason, rejection_seen: false, evidence: Vec::new() })
        });
        let wanted = self.unless_unwanted(outcome, received);
        let (outcome, made) = sign_outcome(wanted, received, &self.services.signer).await;
        watch.signed(made.as_ref());
        outcome
    }

    /// Leaves a mail as it came when the line is switched off, or when a next hop of its has refused edited mails of
    /// the company (design §3.3).
    fn unless_unwanted(&self, outcome: Outcome, received: &Received) -> Outcome {
        let (Outcome::Referred(referred) | Outcome::Held(Held { referred, .. })) = &outcome else { return outcome };
        let why = self.services.deliver.why_not_edit(&referred.company, &received.envelope.recipients);
        let Some(why) = why else { return outcome };
        let reason = match why {
            NoEdit::SwitchedOff => decide::SWITCHED_OFF,
            NoEdit::Refused => decide::EDITING_STOPPED,
        };
        match outcome {
            Outcome::Held(held) => Outcome::Untouched(held.pass(Some(reason))),
            Outcome::Referred(Referred { company, evidence, .. }) => {
                Outcome::Untouched(Untouched { company: Some(company), reason, rejection_seen: true, evidence })
            }
            untouched @ Outcome::Untouched(_) => untouched,
        }
    }

    pub(super) fn trace(&self, id: &EntryId, client: IpAddr, transaction: &Transaction, at: Timestamp) -> Bytes {
        let (host, helo, protocol) = (&*self.services.host, &*transaction.hello.name, transaction.protocol());
        let trace = Trace { helo, client, host, protocol, id: id.as_str(), at }.line();
        (trace + &self.services.stamp).into()
    }

    /// Offers the mail to the next hop while the client waits; keeps what it did not take.
    pub(super) async fn hand_through(&self, mail: &Mail, job: &Job) -> Answer {
        let Services { deliver, .. } = &self.services;
        let handed = deliver.hand_through(job).await;
        test_mail::note_handed(&handed, &mail.id, &self.services.watch);
        let mut writes = deliver.writes_after(job, &handed, mail.received_at);
        // Refused for all, nothing has left that could come back.
        if !writes.is_empty() || mail.came_back {
            writes.extend_from_slice(&mail.with_it);
        }
        let stored = writes.iter().any(|w| matches!(w, Write::Store(_)));
        match self.commit(writes).await {
            Ok(()) => {
                if stored {
                    deliver.wake();
                }
                let answer = after_commit(&handed, &mail.id);
                if let HandThrough::InDoubt(doubt) = handed {
                    deliver.settle_later(doubt, mail.id.clone());
                }
                answer
            }
            Err((error, uncounted)) => {
                self.recover(&uncounted);
                after_failure(&handed, stored, &error, &mail.id)
            }
        }
    }

    /// Takes the mail into custody before anybody is offered it.
    async fn store(&self, mail: &Mail) -> Answer {
        let Services { deliver, .. } = &self.services;
        let mut writes: Vec<Write> = deliver.write_to_store(&mail.jobs, mail.received_at).into_iter().collect();
        writes.extend_from_slice(&mail.with_it);
        match self.commit(writes).await {
            Ok(()) => {
                deliver.wake();
                Answer::stored(&mail.id)
            }
            Err((error, _)) => Answer::deferred(&error),
        }
    }

    /// Commits; on failure also gives back the referrals that did not reach the outbox.
    async fn commit(&self, writes: Vec<Write>) -> Result<(), (SpoolError, Vec<ReferralEvent>)> {
        if writes.is_empty() {
            return Ok(());
        }
        let referral = |write: &Write| match write {
            Write::Outbox(event) => Some(event.clone()),
            _ => None,
        };
        let referrals: Vec<ReferralEvent> = writes.iter().filter_map(referral).collect();
        self.services.spool.commit(writes).await.map_err(|error| (error, referrals))
    }

    /// The mails are with the next hop and cannot be called back: their referrals go to the log, from where they can be
    /// entered. They hold keys and codes, and no address.
    fn recover(&self, uncounted: &[ReferralEvent]) {
        for event in uncounted {
            if let Err(error) = self.services.watch.recovery(event) {
                tracing::error!(%error, transaction = event.transaction, "a referral reached neither outbox nor log");
            }
        }
    }
}

/// One copy for all when the mail leaves as it came, and else those that were decided on.
fn copies(outcome: Outcome, recipients: usize) -> (Option<CompanyId>, Vec<Copy>) {
    match outcome {
        Outcome::Untouched(untouched) => {
            (untouched.company, vec![Copy { recipients: (0..recipients).collect(), ..Copy::default() }])
        }
        Outcome::Referred(referred) | Outcome::Held(Held { referred, .. }) => (Some(referred.company), referred.copies),
    }
}

#[cfg(test)]
mod tests;

//! What is sent and what becomes of it, in the words of the rest of the house.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::connection::Broken;
use super::doubt::InDoubt;
use super::transaction::Made;
use crate::ledger::{Proves, ReferralEvent};
use crate::mail::dsn::Action;
use crate::mail::envelope::Envelope;
use crate::pipeline::Copy;
use crate::proto::smtp::client::{Answer, Class};
use crate::proto::smtp::reply::Reply;
use crate::referral::CompanyId;
use crate::spool::{EntryId, without_addresses};
use crate::sys::tls::Protection;

/// One copy of a mail, to be sent while its client waits.
#[derive(Clone, Debug)]
pub struct Job {
    /// Our message id.
    pub id: EntryId,
    /// The company whose mail it is; without one it carries no offers.
    pub company: Option<CompanyId>,
    /// The envelope as received.
    pub envelope: Arc<Envelope>,
    /// The octets as they came.
    pub original: Bytes,
    /// Our `Received` line, to go in front.
    pub trace: Bytes,
    /// Who gets this copy, what is inserted, and what is credited.
    pub copy: Copy,
}

/// What became of a job that was offered to the next hop at once.
#[derive(Debug)]
pub enum HandThrough {
    /// Every recipient has an outcome.
    Settled(Settled),
    /// Nobody has it, and nobody refused it: it goes to the spool.
    Spool(NotTried),
    /// The dot was sent and not answered in time: to the spool as in doubt, then [`super::Deliver::settle_later`].
    InDoubt(InDoubt),
}

/// The outcomes of one attempt.
#[derive(Clone, Debug)]
pub struct Settled {
    /// One for each recipient of the copy, in its order.
    pub outcomes: Vec<RecipientOutcome>,
    /// What the route's 250 proves.
    pub proves: Proves,
    /// The route's name.
    pub route: String,
    /// The next hop's host.
    pub next_hop: String,
    /// How the connection to it was protected, if there was one.
    pub protection: Option<Protection>,
}

impl Settled {
    /// Whether the original went out because the edited mail was refused or editing is stopped.
    pub fn edit_refused(&self) -> bool {
        self.outcomes.iter().any(|o| matches!(o, RecipientOutcome::Accepted { uncounted: true, .. }))
    }
}

/// Why a job was not offered, or given up before its dot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NotTried {
    /// `custody = "spool"`.
    CustodyFirst,
    /// Its recipients have several next hops.
    SeveralNextHops,
    /// No route serves a recipient.
    NoRoute,
    /// The next hop has failed a moment ago, or just now.
    NextHopDown,
    /// The next hop has as many connections as it may.
    NextHopFull,
    /// It has more recipients than the next hop takes in one transaction.
    TooManyRecipients,
    /// Much mail in the spool is due for the same next hop, and goes first.
    Backlog,
    /// As many mails as the route lets through in a minute have gone there.
    Slowed,
    /// The client has waited long enough, and the dot was not sent.
    TooSlow,
    /// We are stopping.
    Stopping,
}

impl NotTried {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::CustodyFirst => "custody_first",
            Self::SeveralNextHops => "several_next_hops",
            Self::NoRoute => "no_route",
            Self::NextHopDown => "next_hop_down",
            Self::NextHopFull => "next_hop_full",
            Self::TooManyRecipients => "too_many_recipients",
            Self::Backlog => "backlog",
            Self::Slowed => "slowed",
            Self::TooSlow => "too_slow",
            Self::Stopping => "stopping",
        }
    }
}

/// What became of one recipient. In every reply each address is replaced by `<rcpt>`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RecipientOutcome {
    /// The next hop has taken responsibility.
    Accepted {
        /// Its answer to the dot.
        reply: Arc<Reply>,
        /// Whether it took the original in place of the edited mail, so that nothing is counted.
        uncounted: bool,
        /// What a report of ours would say of it. None is ours to make where the next hop offers DSN: it was told what
        /// the sender asked for (RFC 3461 5.2).
        report: Option<Action>,
    },
    /// To be tried again.
    Deferred {
        /// The last reply, or our words for what happened.
        reply: Arc<Reply>,
        /// Whether the next hop said it, not we.
        by_next_hop: bool,
        /// Whether the connection was lost behind the dot, so that the next hop may have the mail.
        maybe_doubled: bool,
    },
    /// Refused for good.
    Refused {
        /// The last reply, or our words for what happened.
        reply: Arc<Reply>,
        /// Whether the next hop said it, not we.
        by_next_hop: bool,
    },
}

impl RecipientOutcome {
    /// Whether the next hop has it.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted { .. })
    }

    /// Whether it is refused for good.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    /// The last words about it.
    pub fn reply(&self) -> &Reply {
        match self {
            Self::Accepted { reply, .. } | Self::Deferred { reply, .. } | Self::Refused { reply, .. } => reply,
        }
    }

    /// Whether the words are the next hop's.
    pub(super) fn is_said_by_next_hop(&self) -> bool {
        match self {
            Self::Accepted { .. } => true,
            Self::Refused { by_next_hop, .. } | Self::Deferred { by_next_hop, .. } => *by_next_hop,
        }
    }

    /// What an answer of this transaction means; `uncounted` says that the original was sent in place of the edited
    /// mail.
    pub(super) fn of(answer: &Answer, made: &Made, uncounted: bool) -> Self {
        let reply = scrubbed(&answer.reply);
        match answer.class {
            Class::Accepted => Self::Accepted { reply, uncounted, report: made.success_report },
            Class::Deferred => Self::Deferred { reply, by_next_hop: answer.said_by_next_hop, maybe_doubled: false },
            Class::Refused => Self::Refused { reply, by_next_hop: answer.said_by_next_hop },
        }
    }

    /// The outcomes of a transaction that has ended; recipients without an answer are deferred.
    pub(super) fn all_of(made: &Made, uncounted: bool) -> Vec<Self> {
        let unanswered = || Self::deferred_by_us(lost(made), made.dot_sent);
        made.answers().map(|a| a.map_or_else(unanswered, |a| Self::of(a, made, uncounted))).collect()
    }

    /// A deferral in our own words.
    pub(super) fn deferred_by_us(reply: Reply, maybe_doubled: bool) -> Self {
        Self::Deferred { reply: Arc::new(reply), by_next_hop: false, maybe_doubled }
    }

    /// A refusal in our own words.
    pub(super) fn refused_by_us(reply: Reply) -> Self {
        Self::Refused { reply: Arc::new(reply), by_next_hop: false }
    }
}

/// The reply with its addresses replaced; usually it has none, and is shared as it is.
fn scrubbed(reply: &Arc<Reply>) -> Arc<Reply> {
    if !reply.text.contains(['@', '%']) {
        return Arc::clone(reply);
    }
    let text = without_addresses(&reply.text);
    Arc::new(Reply { code: reply.code, enhanced: reply.enhanced, text: text.into() })
}

/// The status of a next hop that does not answer (RFC 3463 3.5).
pub(super) const UNANSWERED: (u8, u16, u16) = (4, 4, 1);

/// Our words for a connection that was lost (RFC 3463 3.5).
fn lost(made: &Made) -> Reply {
    let status = (4, 4, 2);
    let reply = Reply::new(451, status, "The connection ended early");
    made.broken.as_ref().map_or(reply, |broken| reply_for(broken, status))
}

/// Our reply for a fault; with this status when it has none of its own.
pub(super) fn reply_for(broken: &Broken, status: (u8, u16, u16)) -> Reply {
    Reply::new(451, broken.fault.status().unwrap_or(status), "").with_text(words(broken))
}

/// Our words for a fault, with no address in them.
pub(super) fn words(broken: &Broken) -> String {
    without_addresses(&format!("{} ({:?})", broken.fault, broken.phase))
}

/// What the next hop's 250 proves, and by which route it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct By<'a> {
    pub(super) proves: Proves,
    pub(super) route: &'a str,
}

/// The referral events of a job: one for each recipient with an offer whose mail with the line was accepted. The
/// outcomes are in the order of the copy's recipients.
pub(super) fn referral_events<'a>(
    job: &Job,
    outcomes: impl Iterator<Item = Option<&'a RecipientOutcome>>,
    by: By<'_>,
    at: Timestamp,
) -> Vec<ReferralEvent> {
    let Some(company) = &job.company else { return Vec::new() };
    let counts = |o: Option<&RecipientOutcome>| matches!(o, Some(RecipientOutcome::Accepted { uncounted: false, .. }));
    let counting: Vec<usize> =
        job.copy.recipients.iter().zip(outcomes).filter(|(_, o)| counts(*o)).map(|(number, _)| *number).collect();
    let offers = job.copy.offers.iter().filter(|o| counting.contains(&o.recipient));
    let proves = if job.copy.return_path.is_some() { by.proves.tagged() } else { by.proves };
    offers
        .map(|offer| ReferralEvent {
            company: company.clone(),
            candidate: offer.candidate,
            earlier: offer.earlier.clone(),
            token: offer.token.clone(),
            contract: offer.contract.clone(),
            proves,
            route: by.route.to_owned(),
            transaction: job.id.as_str().to_owned(),
            recipient: u32::try_from(offer.recipient).unwrap_or(u32::MAX),
            inserted: offer.inserted,
            wording: offer.wording,
            traits: offer.traits,
            at,
        })
        .collect()
}

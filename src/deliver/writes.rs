//! What delivery tells the spool: mail to be kept, outcomes, bounces. Values only; the caller commits them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::bounce::{self, About, End, Reported};
use super::outcome::{By, HandThrough, Job, RecipientOutcome, Settled, referral_events};
use super::settings::Settings;
use crate::ledger::Proves;
use crate::proto::smtp::client::Recipient;
use crate::spool::{Credit, EntryId, NewCopy, NewEntry, NewRecipient, NewState, Offer, Outcome, Settlement, Write};
use crate::sys::clock::Now;

/// A mail of which some recipients have an outcome.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mail<'a> {
    pub(super) id: &'a EntryId,
    pub(super) about: About<'a>,
    /// Since when we have it, by the steady clock.
    pub(super) kept_since: Timestamp,
    pub(super) route: &'a str,
    pub(super) proves: Proves,
}

/// One recipient of it.
#[derive(Clone, Debug)]
pub(super) struct Told<'a> {
    pub(super) number: u32,
    pub(super) recipient: Recipient<'a>,
    /// Attempts made, this one included.
    pub(super) attempts: u32,
    pub(super) outcome: RecipientOutcome,
    /// Whether the next hop could not be asked at all.
    pub(super) unasked: bool,
}

/// The writes and what they amount to, for the counters.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) writes: Vec<Write>,
    pub(super) accepted: u64,
    pub(super) deferred: u64,
    pub(super) refused: u64,
    pub(super) maybe_doubled: u64,
    /// Refusals nobody is told of, because the mail was a report itself.
    pub(super) double_bounces: u64,
    /// The code of the next hop's last reply, if it gave one.
    pub(super) reply: Option<u16>,
}

/// Settles recipients in custody: what is to be tried again and when, and the report for those that are lost.
pub(super) fn settle(settings: &Settings, mail: &Mail<'_>, told: &[Told<'_>], now: Now) -> Written {
    let mut written = Written::default();
    let mut settlements = Vec::with_capacity(told.len());
    let mut reported = Vec::new();
    let expired = settings.is_expired(mail.kept_since, now.steady);
    for one in told {
        if one.outcome.is_said_by_next_hop() {
            written.reply = Some(one.outcome.reply().code);
        }
        reported.extend(to_report(&one.outcome, one.recipient, expired));
        let outcome = match &one.outcome {
            RecipientOutcome::Accepted { uncounted, .. } => {
                written.accepted += 1;
                let credit = Credit { proves: mail.proves, route: mail.route.to_owned(), at: now.wall };
                Outcome::Accepted { credit: (!uncounted).then_some(credit) }
            }
            RecipientOutcome::Deferred { reply, maybe_doubled, .. } if !expired => {
                written.deferred += 1;
                written.maybe_doubled += u64::from(*maybe_doubled);
                let next_at = next_at(settings, mail.kept_since, one, now.steady);
                let reply = reply.to_string();
                if *maybe_doubled { Outcome::Doubtful { next_at, reply } } else { Outcome::Deferred { next_at, reply } }
            }
            RecipientOutcome::Deferred { .. } | RecipientOutcome::Refused { .. } => Outcome::Refused,
        };
        settlements.push(Settlement { recipient: one.number, outcome });
    }
    written.writes.push(Write::Settle { entry: mail.id.clone(), settlements });
    written.report(settings, &mail.about, &reported, now);
    written
}

/// What a sender may want to hear of an outcome. A deferral is told of when the time of the mail is over.
fn to_report<'a>(outcome: &'a RecipientOutcome, recipient: Recipient<'a>, expired: bool) -> Option<Reported<'a>> {
    let end = match outcome {
        RecipientOutcome::Accepted { report, .. } => End::Accepted((*report)?),
        RecipientOutcome::Deferred { .. } if expired => End::Expired,
        RecipientOutcome::Deferred { .. } => return None,
        RecipientOutcome::Refused { .. } => End::Refused,
    };
    Some(Reported { recipient, reply: outcome.reply(), by_next_hop: outcome.is_said_by_next_hop(), end })
}

impl Written {
    /// Stores the reports: one for all that is lost, one for all that has arrived.
    fn report(&mut self, settings: &Settings, about: &About<'_>, reported: &[Reported<'_>], now: Now) {
        self.refused += reported.iter().filter(|one| one.end.is_loss()).count() as u64;
        for losses in [true, false] {
            let is_told = |one: &&Reported<'_>| one.end.is_loss() == losses && one.is_to_be_told();
            let told: Vec<Reported<'_>> = reported.iter().filter(is_told).cloned().collect();
            if told.is_empty() {
                continue;
            }
            match bounce::entry(settings, about, &told, now) {
                Some(entry) => self.writes.push(Write::Store(entry)),
                None if losses => self.double_bounces += told.len() as u64,
                None => {}
            }
        }
    }
}

impl Settings {
    /// Whether the time of a mail is over; both by the steady clock.
    pub(super) fn is_expired(&self, kept_since: Timestamp, now: Timestamp) -> bool {
        now.duration_since(kept_since) >= signed(self.retry.give_up_after)
    }
}

/// Longest wait for a next hop that does not answer at all: asking it costs little, and mail should not lie long after
/// it is back.
const UNASKED_WAIT_MAX: Duration = Duration::from_mins(15);

fn next_at(settings: &Settings, kept_since: Timestamp, one: &Told<'_>, now: Timestamp) -> Timestamp {
    let scheduled = settings.wait_after(one.attempts);
    let wait = if one.unasked {
        let age = now.duration_since(kept_since).unsigned_abs();
        (age / 4).clamp(scheduled.min(UNASKED_WAIT_MAX), UNASKED_WAIT_MAX)
    } else {
        scheduled
    };
    now.checked_add(signed(wait)).unwrap_or(Timestamp::MAX)
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// Takes a mail into custody before it is offered to anybody. Each job is one copy of it. It is due at once, which is
/// `now` by the steady clock.
pub(super) fn store(settings: &Settings, jobs: &[Job], received_at: Timestamp, now: Timestamp) -> Option<NewEntry> {
    let (first, _) = jobs.split_first()?;
    let mut entry = empty_entry(first, received_at);
    for (copy, job) in (0u32..).zip(jobs) {
        entry.copies.push(new_copy(job));
        for number in &job.copy.recipients {
            let waiting = NewState::Waiting { next_at: now };
            entry.recipients.extend(new_recipient(settings, job, *number, waiting).map(|r| NewRecipient { copy, ..r }));
        }
    }
    Some(entry)
}

/// What a job leaves to be committed before its client hears 250: referrals, mail that is still ours, bounces. When all
/// recipients were refused there is nothing, for the client is told so itself.
pub(super) fn after_hand_through(
    settings: &Settings,
    job: &Job,
    handed: &HandThrough,
    received_at: Timestamp,
    now: Now,
) -> Written {
    match handed {
        HandThrough::Spool(_) => {
            let entry = store(settings, std::slice::from_ref(job), received_at, now.steady);
            Written { writes: entry.into_iter().map(Write::Store).collect(), ..Written::default() }
        }
        HandThrough::Settled(settled) => after_settled(settings, job, settled, received_at, now),
        HandThrough::InDoubt(doubt) => {
            let so_far = doubt.so_far();
            let mut written = keep_rest(settings, job, &so_far, doubt.next_hop(), (received_at, now));
            // Some may have the edited mail while the original, which others are to have, is in doubt.
            let events = referral_events(job, so_far.iter().map(Option::as_ref), doubt.by(), now.wall);
            written.writes.extend(events.into_iter().map(Write::Outbox));
            written
        }
    }
}

fn after_settled(settings: &Settings, job: &Job, settled: &Settled, received_at: Timestamp, now: Now) -> Written {
    if settled.outcomes.iter().all(RecipientOutcome::is_refused) {
        return Written::default();
    }
    let outcomes: Vec<_> = settled.outcomes.iter().cloned().map(Some).collect();
    let mut written = keep_rest(settings, job, &outcomes, &settled.next_hop, (received_at, now));
    let by = By { proves: settled.proves, route: &settled.route };
    let events = referral_events(job, settled.outcomes.iter().map(Some), by, now.wall);
    written.writes.extend(events.into_iter().map(Write::Outbox));
    written
}

/// Keeps whom the next hop has not accepted: the deferred and those in doubt (`None`), and the bounces of the refused.
fn keep_rest(
    settings: &Settings,
    job: &Job,
    outcomes: &[Option<RecipientOutcome>],
    next_hop: &str,
    (received_at, now): (Timestamp, Now),
) -> Written {
    let mut written = Written::default();
    let mut entry = empty_entry(job, received_at);
    let (mut reported, mut doubtful) = (Vec::new(), Vec::new());
    for (number, outcome) in job.copy.recipients.iter().zip(outcomes) {
        let later = now.steady.checked_add(signed(settings.wait_after(1))).unwrap_or(Timestamp::MAX);
        let (state, reply) = match outcome {
            Some(known @ (RecipientOutcome::Accepted { .. } | RecipientOutcome::Refused { .. })) => {
                let recipient = Recipient::of(&job.envelope, *number);
                reported.extend(recipient.and_then(|recipient| to_report(known, recipient, false)));
                continue;
            }
            Some(RecipientOutcome::Deferred { reply, maybe_doubled: false, .. }) => {
                (NewState::Waiting { next_at: later }, Some(reply.to_string()))
            }
            Some(RecipientOutcome::Deferred { reply, maybe_doubled: true, .. }) => {
                let outcome = Outcome::Doubtful { next_at: later, reply: reply.to_string() };
                doubtful.push(Settlement { recipient: number32(*number), outcome });
                (NewState::InDoubt, Some(reply.to_string()))
            }
            None => (NewState::InDoubt, None),
        };
        let recipient = new_recipient(settings, job, *number, state);
        entry.recipients.extend(recipient.map(|r| NewRecipient { attempts: 1, last_reply: reply, ..r }));
    }
    written.deferred = entry.recipients.len() as u64;
    written.maybe_doubled = doubtful.len() as u64;
    if !entry.recipients.is_empty() {
        entry.copies.push(new_copy(job));
        written.writes.push(Write::Store(entry));
    }
    if !doubtful.is_empty() {
        written.writes.push(Write::Settle { entry: job.id.clone(), settlements: doubtful });
    }
    let envelope = &job.envelope;
    let about = About { envelope, original: &job.original, received_at, next_hop: Some(next_hop) };
    written.report(settings, &about, &reported, now);
    written
}

fn empty_entry(job: &Job, received_at: Timestamp) -> NewEntry {
    NewEntry {
        id: job.id.clone(),
        once: None,
        company: job.company.clone(),
        received_at,
        envelope: (*job.envelope).clone(),
        trace: job.trace.clone(),
        original: job.original.clone(),
        copies: Vec::new(),
        recipients: Vec::new(),
        hold: None,
    }
}

fn new_copy(job: &Job) -> NewCopy {
    let offers = job.company.iter().flat_map(|company| {
        job.copy.offers.iter().map(|offer| Offer {
            recipient: number32(offer.recipient),
            company: company.clone(),
            candidate: offer.candidate,
            earlier: offer.earlier.clone(),
            token: offer.token.clone(),
            contract: offer.contract.clone(),
            inserted: offer.inserted,
            wording: offer.wording,
            traits: offer.traits,
        })
    });
    let return_path = job.copy.return_path.as_deref().cloned();
    NewCopy { edits: job.copy.edits.clone(), offers: offers.collect(), return_path }
}

fn new_recipient(settings: &Settings, job: &Job, number: usize, state: NewState) -> Option<NewRecipient> {
    let address = job.envelope.recipients.get(number)?;
    let route = settings.destination(address);
    Some(NewRecipient { number: number32(number), copy: 0, route, state, attempts: 0, last_reply: None })
}

/// Envelopes are bounded far below this type's end.
pub(super) fn number32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{CustodySettings, DeliverSettings, RetrySettings};
    use crate::mail::address::Address;
    use crate::proto::smtp::reply::Reply;

    fn settings() -> Settings {
        Settings {
            hostname: "relay.sakura.example".to_owned(),
            routes: Vec::new(),
            custody: CustodySettings::default(),
            deliver: DeliverSettings::default(),
            retry: RetrySettings { waits: vec![Duration::from_mins(1), Duration::from_hours(4)], ..Default::default() },
        }
    }

    /// Minutes until the next attempt of a mail of this age.
    fn wait(age_minutes: i64, attempts: u32, unasked: bool) -> i64 {
        let recipient = Address::parse("a@x.example").unwrap_or_else(|e| panic!("{e}"));
        let outcome = RecipientOutcome::deferred_by_us(Reply::new(451, (4, 4, 1), "x"), false);
        let recipient = Recipient { address: &recipient, dsn: None };
        let told = Told { number: 0, recipient, attempts, outcome, unasked };
        let received_at = Timestamp::UNIX_EPOCH;
        let now = received_at + SignedDuration::from_mins(age_minutes);
        next_at(&settings(), received_at, &told, now).duration_since(now).as_mins()
    }

    #[test]
    fn what_the_next_hop_deferred_waits_by_the_schedule() {
        assert_eq!((wait(0, 1, false), wait(1, 2, false), wait(500, 9, false)), (1, 240, 240));
    }

    #[test]
    fn what_a_silent_next_hop_was_not_asked_waits_by_its_age_and_never_long() {
        assert_eq!((wait(0, 1, true), wait(20, 1, true), wait(5000, 1, true)), (1, 5, 15));
        assert_eq!(wait(20, 2, true), 15);
    }

    #[test]
    fn mail_expires_when_its_time_is_over_and_not_before() {
        let at = |hours: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours);
        assert!(!settings().is_expired(at(0), at(119)));
        assert!(settings().is_expired(at(0), at(120)));
    }
}

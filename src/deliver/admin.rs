//! What admins ask of delivery: the reports for mail they give up, and a look at destinations at once.

use super::Deliver;
use super::bounce::About;
use super::outcome::RecipientOutcome;
use super::settings::Settings;
use super::writes::{self, Mail, Told};
use crate::ledger::Proves;
use crate::proto::smtp::client::Recipient;
use crate::proto::smtp::reply::Reply;
use crate::spool::{Entry, Write};
use crate::sys::clock::Now;

/// Stores the reports that the sender is to get when these recipients (by number) are given up by an admin. Nothing for
/// a mail that is a report itself, and for recipients whose sender wants none (RFC 3461 4.1).
pub fn reports_of(settings: &Settings, entry: &Entry, numbers: &[u32], now: Now) -> Vec<Write> {
    let mut told = Vec::with_capacity(numbers.len());
    for (place, recipient) in entry.recipients.iter().enumerate().filter(|(_, r)| numbers.contains(&r.number)) {
        let Some(addressee) = Recipient::of(&entry.envelope, place) else { continue };
        let last = recipient.last_reply.as_ref().map_or(String::new(), |reply| format!("; last answer: {reply}"));
        let text = format!("Given up by the administrator of the mail gateway{last}").into();
        let reply = Reply { text, ..Reply::new(554, (5, 0, 0), "") };
        told.push(Told {
            number: recipient.number,
            recipient: addressee,
            attempts: recipient.attempts,
            outcome: RecipientOutcome::refused_by_us(reply),
            unasked: true,
        });
    }
    let about =
        About { envelope: &entry.envelope, original: &entry.original, received_at: entry.received_at, next_hop: None };
    let kept_since = entry.kept_since;
    let mail = Mail { id: &entry.id, about, kept_since, route: "", proves: Proves::Accepted };
    let written = writes::settle(settings, &mail, &told, now);
    // What becomes of the recipients is not an outcome of an attempt: the admin's act says it.
    written.writes.into_iter().filter(|write| matches!(write, Write::Store(_))).collect()
}

impl Deliver {
    /// [`reports_of`] with the settings in use.
    pub fn reports_of(&self, entry: &Entry, numbers: &[u32], now: Now) -> Vec<Write> {
        reports_of(&self.0.settings, entry, numbers, now)
    }

    /// Looks at these destinations at once, also at those that are left alone because they do not answer.
    pub fn try_now(&self, destinations: &[String]) {
        let inner = &self.0;
        for destination in destinations {
            if let Ok(hop) = inner.hop_of(destination) {
                hop.ask_again();
            }
            inner.active.ask_for(destination);
        }
        inner.wake();
    }
}

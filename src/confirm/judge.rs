//! What a fact proves of a referral: who has taken the mail, and whether that is the candidate's own server.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::log::{Relay, Status, Tried, named_by};
use crate::config::{MtaLog, NamedHost};
use crate::ledger::Proves;
use crate::mail::address::Address;
use crate::referral::carrier::hides_refusals;
use crate::spool::{Fate, Intended};
use crate::sys::resolver::{LookupFault, Resolve};

/// How far in front of a mail a line about it may stand, by a clock that was set in between.
const BEFORE: SignedDuration = SignedDuration::from_hours(24);
/// How long behind a mail its name is still its name: longer than any MTA tries, far shorter than names come again.
const BEHIND: SignedDuration = SignedDuration::from_hours(40 * 24);
/// Lines may be a little older than what was noted of their mail.
const SLACK: SignedDuration = SignedDuration::from_hours(1);

/// What is known of servers.
#[derive(Clone, Debug)]
pub struct Servers {
    /// Those that are the recipients' own, as the admin says.
    pub mx: Vec<NamedHost>,
    /// The MTAs whose logs are read.
    pub logs: Arc<[MtaLog]>,
    /// Who is asked for the others.
    pub names: Arc<dyn Resolve>,
}

/// What a delivery came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Judged {
    /// This became of the recipient.
    Fate(Fate),
    /// The mail was handed on to an MTA whose log is read, and has this name there.
    HandedOn(String, String),
    /// It proves nothing.
    Nothing,
    /// The DNS gives no answer now.
    Later,
}

impl Servers {
    /// Judges a delivery to a recipient.
    pub async fn judge(&self, tried: &Tried, of_mta: &str, to: &Address) -> Judged {
        match (tried.status, &tried.relay) {
            (Status::Deferred, _) => Judged::Fate(Fate::Deferred),
            (Status::Bounced, _) => Judged::Fate(Fate::Refused),
            (Status::Sent, Relay::Nowhere) => Judged::Nothing,
            (Status::Sent, Relay::Mailbox) => Judged::Fate(Fate::Taken(Proves::Delivered)),
            (Status::Sent, Relay::Host { name, at }) => {
                let delivered = Judged::Fate(Fate::Taken(Proves::Delivered.hiding(hides_refusals(to))));
                if self.mx.iter().any(|host| host.is(name, *at)) {
                    return delivered;
                }
                if let Some(mta) = self.handed_back(of_mta, name, *at) {
                    let handed = |id: &str| Judged::HandedOn(mta.to_owned(), id.to_owned());
                    return named_by(&tried.reply).map_or(Judged::Nothing, handed);
                }
                match self.is_mx(name, to).await {
                    Ok(true) => delivered,
                    Ok(false) => Judged::Fate(Fate::Taken(Proves::Accepted)),
                    Err(()) => Judged::Later,
                }
            }
        }
    }

    /// The MTA to which a mail goes there, if its log is read.
    fn handed_back<'s>(&'s self, of_mta: &'s str, name: &str, at: Option<(IpAddr, Option<u16>)>) -> Option<&'s str> {
        let log = self.logs.iter().find(|log| log.reached_at.iter().any(|host| host.is(name, at)));
        let loopback = || at.is_some_and(|(ip, _)| ip.is_loopback()).then_some(of_mta);
        log.map(|log| &*log.mta).or_else(loopback)
    }

    /// Whether a server is one of the recipient's domain.
    async fn is_mx(&self, name: &str, to: &Address) -> Result<bool, ()> {
        let Some(domain) = to.domain() else { return Ok(false) };
        match self.names.mx(domain.as_str()).await {
            Ok(answer) => Ok(answer.records.iter().any(|mx| mx.host == name)),
            // RFC 5321 5.1: the domain is its own mail server.
            Err(LookupFault::NoRecords) => Ok(name == domain.as_str()),
            Err(LookupFault::NoSuchName) => Ok(false),
            Err(LookupFault::Temporary(_)) => Err(()),
        }
    }
}

/// The mail that a name meant at a time: names come again, in a year or in a second. Of several it is the last that was
/// there by then.
pub fn meant(intended: &[Intended], at: Timestamp) -> Option<&str> {
    let in_time =
        |of: &&Intended| at >= of.at.saturating_sub(BEFORE).unwrap_or(of.at) && at.duration_since(of.at) <= BEHIND;
    let there = |of: &&Intended| of.at.duration_since(at) <= SLACK;
    let (there, later): (Vec<&Intended>, Vec<&Intended>) = intended.iter().filter(in_time).partition(there);
    let last = there.into_iter().max_by_key(|of| of.at);
    last.or_else(|| later.into_iter().min_by_key(|of| of.at)).map(|of| &*of.transaction)
}

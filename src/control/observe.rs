//! Evidence of mail that never passed here, in the form that goes over the socket. Addresses go in, and never come out.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Caller;
use super::recover::in_outbox;
use super::spool::Unlogged;
use crate::ledger::ReferralEvent;
use crate::pipeline::{InForce, Observation, observe};
use crate::referral::{CompanyId, OptOuts};
use crate::spool::{EntryId, Spool, Write};
use crate::store::Store;
use crate::sys::clock;

/// Mails of one request, so that they fit into one commit and one line of the socket.
pub const MAILS_MAX: usize = 10_000;

/// Mails that were sent elsewhere.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ObserveRequest {
    /// Whose they are.
    pub company: CompanyId,
    /// Each of them.
    pub mails: Vec<ObservedMail>,
    /// Whether it is only told what would be entered.
    pub dry_run: bool,
}

/// One mail to one person.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ObservedMail {
    /// To whom; it is turned into a key and kept nowhere.
    pub address: Unlogged,
    /// When it was sent, RFC 3339.
    pub at: String,
    /// What it is known by: 1 to 64 letters, digits, - and _.
    pub name: String,
}

/// What became of the mails.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Observed {
    /// Entered now, or to be entered by a dry run.
    pub entered: u64,
    /// Known already, or told twice.
    pub known: u64,
    /// Not entered, by the code of why.
    pub excluded: BTreeMap<String, u64>,
    /// Whether the contract in force counts such mail.
    pub counts: bool,
}

/// Enters those that neither the outbox nor the ledger has. The pump posts them from there as it does every referral.
///
/// # Errors
/// A sentence for the admin, in which no address stands; nothing is entered then.
pub async fn take(
    (spool, store): (&Spool, &Store),
    caller: Caller,
    (of, optouts): (&InForce, Option<&OptOuts>),
    request: &ObserveRequest,
) -> Result<Observed, String> {
    if request.mails.len() > MAILS_MAX {
        return Err(format!("more than {MAILS_MAX} mails at once: enter them in parts"));
    }
    let now = clock::now();
    let counts = of.company.contract_at(now).is_some_and(|contract| contract.count_observed);
    let mut observed = Observed { counts, ..Observed::default() };
    let mut events = Vec::new();
    for (number, mail) in request.mails.iter().enumerate() {
        match event(of, optouts, mail, now).map_err(|why| format!("mail {}: {why}", number + 1))? {
            Ok(event) => events.push(event),
            Err(code) => *observed.excluded.entry(code.to_owned()).or_default() += 1,
        }
    }
    let fresh = fresh((spool, store), events, &mut observed).await?;
    observed.entered = fresh.len() as u64;
    if !request.dry_run && !fresh.is_empty() {
        let writes = fresh.into_iter().map(Write::Outbox).collect();
        spool.commit(writes).await.map_err(|e| format!("nothing was entered: {e}"))?;
        let (uid, company) = (caller.uid, request.company.as_str());
        tracing::info!(target: "audit", uid, act = "evidence", company, referrals = observed.entered);
    }
    Ok(observed)
}

/// Those that neither the outbox nor the ledger has, each once.
async fn fresh(
    (spool, store): (&Spool, &Store),
    events: Vec<ReferralEvent>,
    observed: &mut Observed,
) -> Result<Vec<ReferralEvent>, String> {
    let mut known: HashSet<_> = in_outbox(spool, &events).await?;
    let posted = store.known(events.clone()).await.map_err(|e| e.to_string())?;
    known.extend(events.iter().zip(posted).filter(|(_, posted)| *posted).map(|(event, _)| event.id()));
    let all = events.len();
    let fresh: Vec<ReferralEvent> = events.into_iter().filter(|event| known.insert(event.id())).collect();
    observed.known = (all - fresh.len()) as u64;
    Ok(fresh)
}

fn event(
    of: &InForce,
    optouts: Option<&OptOuts>,
    mail: &ObservedMail,
    now: Timestamp,
) -> Result<Result<ReferralEvent, &'static str>, String> {
    let address = mail.address.address()?;
    let at: Timestamp = mail.at.parse().map_err(|_| "its time is none".to_owned())?;
    EntryId::parse(&mail.name).map_err(|why| why.to_string())?;
    Ok(observe(of, optouts, Observation { address: &address, at, name: &mail.name }, now))
}

//! Entering referrals that a broken disk left in the log alone, each once, all in one commit.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::Caller;
use crate::ledger::{EventId, ReferralEvent};
use crate::spool::{Act, ActKind, EntryId, Spool, Write};
use crate::store::Store;
use crate::sys::clock;

/// Referrals of one request, so that they fit into one commit and one line of the socket.
pub const REFERRALS_MAX: usize = 10_000;
/// Rows of the outbox read at a time.
const ROWS: usize = 2_000;

/// What became of the referrals, in their order.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Entered {
    /// For each whether it is new: entered now, or to be entered by a dry run. The others were known.
    pub new: Vec<bool>,
}

/// Enters those that neither the outbox nor the ledger has. The pump posts them from there as it does every other one.
///
/// # Errors
/// A sentence for the admin; nothing is entered then.
pub async fn recover(
    (spool, store): (&Spool, &Store),
    caller: Caller,
    events: &[ReferralEvent],
    dry_run: bool,
) -> Result<Entered, String> {
    if events.len() > REFERRALS_MAX {
        return Err(format!("more than {REFERRALS_MAX} referrals at once: enter the log in parts"));
    }
    let mut known = in_outbox(spool, events).await?;
    for (event, known_there) in events.iter().zip(store.known(events.to_vec()).await.map_err(|e| e.to_string())?) {
        if known_there {
            known.insert(event.id());
        }
    }
    // One that stands there twice is new once.
    let new: Vec<bool> = events.iter().map(|event| known.insert(event.id())).collect();
    let fresh = || events.iter().zip(&new).filter(|(_, new)| **new).map(|(event, _)| event);
    if dry_run || fresh().next().is_none() {
        return Ok(Entered { new });
    }
    let mut writes = Vec::new();
    for event in fresh() {
        let entry = EntryId::parse(&event.transaction).map_err(|why| format!("{}: {why}", event.transaction))?;
        let (what, actor, at) = (ActKind::Recover, caller.describe(), clock::now());
        writes.push(Write::Outbox(event.clone()));
        writes.push(Write::Act(Act { what, actor, at, entry, recipients: vec![event.recipient] }));
    }
    spool.commit(writes).await.map_err(|e| format!("nothing was entered: {e}"))?;
    tracing::info!(target: "audit", uid = caller.uid, act = "recover", referrals = fresh().count());
    Ok(Entered { new })
}

/// Those of the referrals that are in the outbox.
pub(super) async fn in_outbox(spool: &Spool, events: &[ReferralEvent]) -> Result<HashSet<EventId>, String> {
    let wanted: HashSet<EventId> = events.iter().map(ReferralEvent::id).collect();
    let (mut found, mut after) = (HashSet::new(), 0);
    loop {
        let rows = spool.outbox_after(after, ROWS).await.map_err(|e| e.to_string())?;
        let Some(last) = rows.last() else { return Ok(found) };
        after = last.seq;
        found.extend(rows.iter().map(|row| row.event.id()).filter(|id| wanted.contains(id)));
    }
}

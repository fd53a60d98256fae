//! Stopping the line and resuming it, in the form that goes over the socket and into `--json`.

use serde::{Deserialize, Serialize};

use super::Caller;
use crate::referral::CompanyId;
use crate::spool::{EditStop, Spool, Write};
use crate::store::{OffRow, Store, StoreError, Switch, SwitchAct};

/// What was asked for, and what holds now.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Switched {
    /// For whom nothing is inserted.
    pub off: Vec<OffLine>,
    /// Held mails that were let go as they came, because nothing is inserted into them any more.
    pub let_go: u64,
}

/// For whom nothing is inserted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OffLine {
    /// The company; null for all of them.
    pub company: Option<String>,
    /// Since when, RFC 3339.
    pub since: String,
    /// Who asked for it.
    pub actor: String,
}

/// A next hop for which no mail of a company is edited, because it refused too many that were.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct StopLine {
    /// The company.
    pub company: String,
    /// The next hop.
    pub next_hop: String,
    /// Since when, RFC 3339.
    pub since: String,
}

impl From<&OffRow> for OffLine {
    fn from(row: &OffRow) -> Self {
        let company = row.company.as_ref().map(ToString::to_string);
        Self { company, since: row.at.to_string(), actor: row.actor.clone() }
    }
}

impl From<&EditStop> for StopLine {
    fn from(stop: &EditStop) -> Self {
        Self { company: stop.company.to_string(), next_hop: stop.next_hop.clone(), since: stop.at.to_string() }
    }
}

/// Writes down that the line is stopped, or not any more; what holds from now on.
///
/// # Errors
/// A sentence for the admin; then nothing was written.
pub async fn switch(
    store: &Store,
    caller: Caller,
    (company, off): (Option<&CompanyId>, bool),
) -> Result<Vec<OffRow>, String> {
    let act = if off { SwitchAct::Off } else { SwitchAct::On };
    store.switch(Switch { company: company.cloned(), actor: caller.describe(), act }).await.map_err(say)?;
    store.switched_off().await.map_err(say)
}

/// Lets mails be edited again for next hops that had refused edited ones. Those that there were.
///
/// # Errors
/// A sentence for the admin, also when there were none.
pub async fn resume(
    store: &Store,
    spool: &Spool,
    caller: Caller,
    (company, next_hop): (Option<&CompanyId>, Option<&str>),
) -> Result<Vec<EditStop>, String> {
    let fits = |stop: &EditStop| {
        company.is_none_or(|company| *company == stop.company) && next_hop.is_none_or(|hop| hop == stop.next_hop)
    };
    let stops = spool.edit_stops().await.map_err(|e| e.to_string())?;
    let stops: Vec<EditStop> = stops.into_iter().filter(fits).collect();
    if stops.is_empty() {
        return Err("no next hop is stopped there: `status` names those that are".to_owned());
    }
    let act = SwitchAct::Resume { next_hop: next_hop.map(str::to_owned) };
    store.switch(Switch { company: company.cloned(), actor: caller.describe(), act }).await.map_err(say)?;
    let (company, next_hop) = (company.cloned(), next_hop.map(str::to_owned));
    spool.commit(vec![Write::ResumeEditing { company, next_hop }]).await.map_err(|e| e.to_string())?;
    Ok(stops)
}

fn say(error: StoreError) -> String {
    match error {
        StoreError::NoCompany(company) => {
            format!("there is no company {company}: `ledger balance` names those there are")
        }
        other => other.to_string(),
    }
}

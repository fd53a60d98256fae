//! How a running server is, as it says itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::confirm::PendingStatus;
use super::switch::{OffLine, StopLine};
use crate::spool::{RecipientState, Standing, Summary};
use crate::watch::{NextHopState, Rates, Snapshot};

/// How a running server is.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Status {
    /// Its version.
    pub version: String,
    /// Its process id.
    pub process: u32,
    /// Since when it runs, RFC 3339.
    pub started_at: String,
    /// Whether referrals are written: the outbox is writable and the ledger knows our keys and contracts.
    pub edits: bool,
    /// For whom nothing is inserted, because somebody said so.
    #[serde(default)]
    pub off: Vec<OffLine>,
    /// The next hops for which mails of a company are not edited, because they refused such.
    #[serde(default)]
    pub edits_stopped: Vec<StopLine>,
    /// What it holds.
    pub spool: SpoolStatus,
    /// How referrals in mails of MTAs stand.
    #[serde(default)]
    pub pending: PendingStatus,
    /// What it has counted since it started.
    pub watch: Snapshot,
    /// Mails a second.
    #[serde(default)]
    pub rates: Rates,
    /// How the next hops are, by name; where there are very many, those in trouble or in use.
    #[serde(default)]
    pub next_hops: Vec<NextHopState>,
    /// How many there are.
    #[serde(default)]
    pub next_hops_known: usize,
}

/// What the spool holds.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct SpoolStatus {
    /// Mails in custody.
    pub entries: u64,
    /// Recipients waiting for their next attempt.
    pub waiting: u64,
    /// Of them, those whose next attempt is due.
    #[serde(default)]
    pub due: u64,
    /// Recipients being sent to.
    #[serde(default)]
    pub sending: u64,
    /// Recipients whose next hop has not answered our last dot.
    pub in_doubt: u64,
    /// Entries set aside because they cannot be read.
    pub parked: u64,
    /// Mails held for a word of HR.
    #[serde(default)]
    pub held: u64,
    /// Recipients who may have got a mail twice.
    pub maybe_doubled: u64,
    /// When the oldest mail in custody came, RFC 3339.
    pub oldest_received_at: Option<String>,
    /// Outbox rows not yet posted to the ledger.
    pub unposted: u64,
    /// What waits for each destination, those first for which the oldest mail waits; where there are very many, these.
    #[serde(default)]
    pub destinations: Vec<DestinationState>,
    /// How many destinations there are.
    #[serde(default)]
    pub destinations_known: usize,
}

/// What waits for one destination.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct DestinationState {
    /// Its route, and behind a `/` its domain where that has servers of its own.
    pub destination: String,
    /// Recipients by the code of their state; those states alone in which there are any.
    pub recipients: BTreeMap<String, u64>,
    /// When the oldest mail came, RFC 3339.
    pub oldest_received_at: Option<String>,
    /// The earliest next attempt, RFC 3339.
    pub next_at: Option<String>,
    /// The last reply to the oldest mail, without addresses.
    pub last_reply: Option<String>,
}

impl From<&Standing> for DestinationState {
    fn from(standing: &Standing) -> Self {
        let by_state = RecipientState::ALL.iter().zip(standing.recipients);
        Self {
            destination: standing.destination.clone(),
            recipients: by_state.filter(|(_, n)| *n > 0).map(|(state, n)| (state.code().to_owned(), n)).collect(),
            oldest_received_at: standing.oldest_received_at.map(|at| at.to_string()),
            next_at: standing.next_at.map(|at| at.to_string()),
            last_reply: standing.last_reply.clone(),
        }
    }
}

impl From<&Summary> for SpoolStatus {
    fn from(summary: &Summary) -> Self {
        Self {
            entries: summary.entries,
            waiting: summary.waiting,
            due: summary.due,
            sending: summary.sending,
            in_doubt: summary.in_doubt,
            parked: summary.parked,
            held: summary.held,
            maybe_doubled: summary.maybe_doubled,
            oldest_received_at: summary.oldest_received_at.map(|at| at.to_string()),
            unposted: summary.unposted,
            destinations: Vec::new(),
            destinations_known: 0,
        }
    }
}

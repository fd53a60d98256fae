//! Delivery reports handed in, and how referrals in mails of MTAs stand.

use serde::{Deserialize, Serialize};

use crate::spool::{Intended, IntentState, IntentsStanding, Spool};

/// Referrals listed at one time.
const LISTED_MAX: usize = 200;

/// What a report says, read where it was handed in.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ReportRequest {
    /// The code of what it says of the mail, as [`crate::mail::dsn::read::Verdict::code`] gives it.
    pub verdict: String,
    /// The address it came to, where that is known: a return path of ours tells whose it is.
    pub to: Option<String>,
    /// The ENVID of the mail it is about.
    pub envelope: Option<String>,
    /// Its names in queues.
    pub queue_ids: Vec<String>,
    /// The recipients it names.
    pub recipients: Vec<String>,
    /// The status it gives.
    pub status: String,
}

/// What a report was taken for.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ReportTaken {
    /// What it says: a code.
    pub verdict: String,
    /// By what it was known as being about a mail of ours: `return_path`, `names`, or nothing.
    pub known_by: Option<String>,
    /// Our message id of that mail.
    pub transaction: Option<String>,
    /// The numbers of the candidates it speaks of.
    pub recipients: Vec<u32>,
}

/// How referrals in mails of MTAs stand.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct PendingStatus {
    /// Of which nothing is known.
    pub pending: u64,
    /// When the oldest of them was given to its MTA, RFC 3339.
    pub oldest_pending_at: Option<String>,
    /// That a smarthost has.
    pub accepted: u64,
    /// That came to the candidate's own servers.
    pub delivered: u64,
    /// That were not delivered.
    pub bounced: u64,
    /// Of which nothing was heard in time.
    pub lapsed: u64,
}

impl From<&IntentsStanding> for PendingStatus {
    fn from(standing: &IntentsStanding) -> Self {
        let [pending, accepted, delivered, bounced, lapsed] = standing.counts;
        let oldest_pending_at = standing.oldest_pending.map(|at| at.to_string());
        Self { pending, oldest_pending_at, accepted, delivered, bounced, lapsed }
    }
}

/// One referral in a mail of an MTA.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PendingLine {
    /// Our message id of the mail.
    pub transaction: String,
    /// The MTA.
    pub mta: String,
    /// Its name there.
    pub queue_id: String,
    /// The company.
    pub company: String,
    /// The recipient's number in its envelope.
    pub recipient: u32,
    /// When it was given to the MTA, RFC 3339.
    pub at: String,
    /// A code: `pending`, `accepted`, `delivered`, `bounced`, `lapsed`.
    pub state: String,
    /// How often the MTA has put it off.
    pub deferrals: u32,
    /// What the next hop said last, without addresses.
    pub last_reply: Option<String>,
}

impl From<&Intended> for PendingLine {
    fn from(of: &Intended) -> Self {
        Self {
            transaction: of.transaction.clone(),
            mta: of.named.0.clone(),
            queue_id: of.named.1.clone(),
            company: of.company.to_string(),
            recipient: of.recipient,
            at: of.at.to_string(),
            state: of.state.code().to_owned(),
            deferrals: of.deferrals,
            last_reply: of.last_reply.clone(),
        }
    }
}

/// The referrals in a state, the oldest first.
///
/// # Errors
/// A sentence for the admin.
pub async fn list(spool: &Spool, state: &str) -> Result<Vec<PendingLine>, String> {
    let known = IntentState::ALL.into_iter().find(|known| known.code() == state);
    let state = known.ok_or_else(|| format!("no such state: {state}"))?;
    let found = spool.intents_in(state, LISTED_MAX).await.map_err(|e| e.to_string())?;
    Ok(found.iter().map(PendingLine::from).collect())
}

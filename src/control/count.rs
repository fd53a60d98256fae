//! Credits given back, and disputes, in the form that goes over the socket and into `--json`.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::operator::token_of;
use super::slot::{ActLine, act_line, end_of};
use super::{Caller, Request};
use crate::ledger::{Act, Contested, Deed};
use crate::referral::{CandidateKey, CompanyId, CompanyKeys, LinkToken};
use crate::store::{CountAct, DisputeRow, Store, Traced};

/// What is to be done to the count.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "deed", rename_all = "snake_case", deny_unknown_fields)]
pub enum CountDeed {
    /// The company gives a credit back: the number of its entry, or the token of the referral.
    Reverse {
        /// Which.
        target: String,
    },
    /// Something is contested.
    Dispute {
        /// What it is about.
        about: Contested,
        /// The last day for an answer, in Japan.
        until: String,
        /// The contract series; the only one there is when absent.
        series: Option<String>,
    },
    /// The other side says something to it.
    Answer {
        /// The dispute.
        dispute: u64,
    },
    /// It is right.
    Accept {
        /// The dispute.
        dispute: u64,
    },
    /// It is not.
    Reject {
        /// The dispute.
        dispute: u64,
    },
    /// Credits are added, or below 0 taken.
    Adjust {
        /// The accepted dispute.
        dispute: u64,
        /// How many.
        credits: i64,
    },
}

/// Something to be done to the count.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CountRequest {
    /// Whose count.
    pub company: CompanyId,
    /// What.
    pub what: CountDeed,
    /// Why, in a line.
    pub reason: String,
    /// Who wanted it, if it is not the one who asks.
    pub by: Option<String>,
    /// Whether it is only told what would be.
    pub dry_run: bool,
}

/// What such an act made.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CountChanged {
    /// The entry, or the one it would be. Of a dispute that is opened: its number.
    pub entry: u64,
    /// Whether it was written.
    pub written: bool,
    /// Credits that wait for the next slot behind it.
    pub toward: i64,
    /// Numbers of the slots it grants.
    pub granted: Vec<u32>,
    /// Numbers of the slots it voids.
    pub voided: Vec<u32>,
}

/// One dispute.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct DisputeLine {
    /// Whose count.
    pub company: String,
    /// Its number: that of the entry that opened it.
    pub dispute: u64,
    /// The contract series it is about.
    pub series: String,
    /// How far it has come: open, answered, accepted, rejected, adjusted.
    pub stage: String,
    /// Until when an answer is expected, RFC 3339.
    pub until: String,
    /// Whether that is over and nobody has answered.
    pub overdue: bool,
    /// What it is about.
    pub about: Contested,
    /// Every step, oldest first.
    pub steps: Vec<ActLine>,
}

/// The one who acts, and who entered it if that is another.
pub(super) fn actor(caller: Caller, by: Option<&str>) -> String {
    match by {
        Some(by) => format!("{by}, entered by {}", caller.describe()),
        None => caller.describe(),
    }
}

/// Answers what is asked about disputes and corrections; `None` when the request is another. `keys` are those of the
/// company of the request.
pub async fn answer_count(
    store: &Store,
    caller: Caller,
    keys: &[CompanyKeys],
    request: &Request,
) -> Option<Result<Value, String>> {
    match request {
        Request::Count { what } => Some(act(store, caller, keys, what).await.and_then(|done| to_value(&done))),
        Request::Disputes { company } => Some(list(store, company.as_ref()).await.and_then(|lines| to_value(&lines))),
        _ => None,
    }
}

async fn act(
    store: &Store,
    caller: Caller,
    keys: &[CompanyKeys],
    wanted: &CountRequest,
) -> Result<CountChanged, String> {
    let mut series = None;
    let deed = match &wanted.what {
        CountDeed::Reverse { target } => Deed::Reverse { entry: credit(store, keys, &wanted.company, target).await? },
        CountDeed::Dispute { about, until, series: of } => {
            series.clone_from(of);
            Deed::Dispute { about: about.clone(), until: end_of(until)? }
        }
        CountDeed::Answer { dispute } => Deed::Answer { dispute: *dispute },
        CountDeed::Accept { dispute } => Deed::Accept { dispute: *dispute },
        CountDeed::Reject { dispute } => Deed::Reject { dispute: *dispute },
        CountDeed::Adjust { dispute, credits } => Deed::Adjust { dispute: *dispute, credits: *credits },
    };
    let act = Act { actor: actor(caller, wanted.by.as_deref()), reason: wanted.reason.clone(), deed };
    let asked = CountAct { company: wanted.company.clone(), series, act, dry_run: wanted.dry_run };
    let done = store.act_on_count(asked).await.map_err(|e| e.to_string())?;
    Ok(CountChanged {
        entry: done.seq,
        written: !wanted.dry_run,
        toward: done.pool.toward,
        granted: done.grants.iter().map(|grant| grant.cycle).collect(),
        voided: done.voided,
    })
}

/// The entry of a credit by its number, or by the token of its referral.
async fn credit(store: &Store, keys: &[CompanyKeys], company: &CompanyId, target: &str) -> Result<u64, String> {
    if let Ok(entry) = target.parse() {
        return Ok(entry);
    }
    let candidate = person(store, keys, company, target).await?;
    let traced = Traced::Of(vec![(company.clone(), candidate)]);
    let (stories, _) = store.traced(traced).await.map_err(|e| e.to_string())?;
    let entries = stories.iter().flat_map(|story| &story.entries);
    let credits = entries.filter(|entry| entry.new.worth > 0 && entry.new.kind.is_personal());
    let newest = credits.map(|entry| entry.seq).max();
    newest.ok_or_else(|| format!("the referral {target} has made no credit"))
}

/// The person a token stands for.
pub(super) async fn person(
    store: &Store,
    keys: &[CompanyKeys],
    company: &CompanyId,
    token: &str,
) -> Result<CandidateKey, String> {
    let token = LinkToken::parse(token)
        .map_err(|_| format!("{token:?} is neither the number of an entry nor the token of a link"))?;
    let wanted = HashSet::from([token.clone()]);
    let found = store.find_tokens(company, wanted, token_of(keys)).await.map_err(|e| e.to_string())?;
    let known = found.get(&token).map(|(candidate, _)| *candidate);
    known.ok_or_else(|| format!("no referral of {company} has the token {token}"))
}

async fn list(store: &Store, company: Option<&CompanyId>) -> Result<Vec<DisputeLine>, String> {
    let companies = match company {
        Some(company) => vec![company.clone()],
        None => store.companies().await.map_err(|e| e.to_string())?,
    };
    let (mut lines, now) = (Vec::new(), crate::sys::clock::now());
    for company in companies {
        let disputes = store.disputes(&company).await.map_err(|e| e.to_string())?;
        lines.extend(disputes.iter().map(|row| line(&company, row, now)));
    }
    Ok(lines)
}

fn line(company: &CompanyId, row: &DisputeRow, now: Timestamp) -> DisputeLine {
    let about = row.acts.first().map(|(_, _, act)| &act.deed);
    let about = if let Some(Deed::Dispute { about, .. }) = about { about.clone() } else { Contested::default() };
    DisputeLine {
        company: company.to_string(),
        dispute: row.id,
        series: row.series.clone(),
        stage: row.dispute.stage.code().to_owned(),
        until: row.dispute.until.to_string(),
        overdue: row.dispute.is_overdue(now),
        about,
        steps: row.acts.iter().map(act_line).collect(),
    }
}

fn to_value(answer: &impl Serialize) -> Result<Value, String> {
    serde_json::to_value(answer).map_err(|e| e.to_string())
}

//! Reconciliation: what the ledger has of a month, what the operator says of it, and the difference, by stage.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::operator::{ROWS_MAX, ToldRow, TotalRow, token_of};
use super::{Month, Request};
use crate::ledger::{Kind, Proves};
use crate::referral::{CompanyId, CompanyKeys, LinkToken};
use crate::store::Store;

/// The figure of credits, which is no stage.
pub const COUNTED: &str = "counted";

/// What the operator says of a month.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ReconcileRequest {
    /// Whose referrals.
    pub company: CompanyId,
    /// The month.
    pub month: Month,
    /// What is told of persons; of other months too.
    pub rows: Vec<ToldRow>,
    /// What is told in totals.
    pub totals: Vec<TotalRow>,
}

/// One figure on both sides.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ReconcileLine {
    /// `registered`, `supported`, `reemployed`, `left`, or `counted`.
    pub stage: String,
    /// How many the ledger has.
    pub ours: u64,
    /// How many the operator has; null where the file says nothing of it.
    pub theirs: Option<u64>,
    /// Theirs less ours; null where the file says nothing.
    pub difference: Option<i64>,
    /// Tokens that the ledger alone has.
    pub only_ours: Vec<String>,
    /// Tokens that the operator alone has.
    pub only_theirs: Vec<String>,
}

/// A month on both sides.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Reconciled {
    /// Whose.
    pub company: String,
    /// The month.
    pub month: String,
    /// The figures.
    pub lines: Vec<ReconcileLine>,
    /// Tokens of the file that no referral of the company has.
    pub unknown: Vec<String>,
}

impl Reconciled {
    /// Whether both sides say the same, as far as both say something.
    pub fn agrees(&self) -> bool {
        let same = |line: &ReconcileLine| {
            line.difference.unwrap_or(0) == 0 && line.only_ours.is_empty() && line.only_theirs.is_empty()
        };
        self.unknown.is_empty() && self.lines.iter().all(same)
    }
}

/// Answers a reconciliation; `None` when the request is another. `keys` are those of the company.
pub async fn answer_reconcile(store: &Store, keys: &[CompanyKeys], request: &Request) -> Option<Result<Value, String>> {
    let Request::Reconcile { what } = request else { return None };
    let done = reconcile(store, keys, what).await;
    Some(done.and_then(|done| serde_json::to_value(done).map_err(|e| e.to_string())))
}

type Tokens = BTreeMap<&'static str, BTreeSet<LinkToken>>;

async fn reconcile(store: &Store, keys: &[CompanyKeys], wanted: &ReconcileRequest) -> Result<Reconciled, String> {
    if wanted.rows.len() > ROWS_MAX {
        return Err(format!("over {ROWS_MAX} rows: give the operator's list of that month alone"));
    }
    let (from, until) = wanted.month.span().map_err(|fault| fault.to_string())?;
    let tokens = token_of(keys);
    let mut ours = Tokens::new();
    for told in store.told(&wanted.company, from, until).await.map_err(|e| e.to_string())? {
        let token = tokens(&told.candidate, &told.series);
        ours.entry(told.kind.code()).or_default().extend(token);
    }
    let mut theirs = Tokens::new();
    for row in &wanted.rows {
        let at = row.at.parse::<jiff::Timestamp>().map_err(|_| format!("{:?} is no time", row.at))?;
        if let Some(kind) = super::operator::told_kind(&row.event).filter(|_| (from..until).contains(&at)) {
            theirs.entry(kind.code()).or_default().insert(row.token.clone());
        }
    }
    let named: HashSet<LinkToken> = theirs.values().flatten().cloned().collect();
    let known = store.find_tokens(&wanted.company, named.clone(), tokens).await.map_err(|e| e.to_string())?;
    let mut unknown: Vec<String> = named.iter().filter(|token| !known.contains_key(*token)).map(show).collect();
    unknown.sort();
    let month = wanted.month.to_string();
    let stored = store.totals(&wanted.company).await.map_err(|e| e.to_string())?;
    let mut lines = Vec::new();
    for kind in Proves::TOLD.into_iter().filter_map(Proves::told) {
        let total = |of: Kind| stored.iter().find(|t| t.month == month && t.kind == of).map(|t| t.people);
        let reported = reported(wanted, kind.code());
        lines.push(compare(kind, (&ours, total(kind)), (&theirs, reported, !wanted.rows.is_empty())));
    }
    lines.push(credits(store, wanted, (from, until)).await?);
    Ok(Reconciled { company: wanted.company.to_string(), month, lines, unknown })
}

/// The total the file says of the month.
fn reported(wanted: &ReconcileRequest, event: &str) -> Option<u64> {
    let row = wanted.totals.iter().rev().find(|row| row.month == wanted.month && row.event == event);
    row.map(|row| row.people)
}

fn compare(
    kind: Kind,
    (ours, stored): (&Tokens, Option<u64>),
    (theirs, reported, is_list): (&Tokens, Option<u64>, bool),
) -> ReconcileLine {
    let (none, stage) = (BTreeSet::new(), kind.code());
    let (here, there) = (ours.get(stage).unwrap_or(&none), theirs.get(stage).unwrap_or(&none));
    let ours = if here.is_empty() { stored.unwrap_or(0) } else { here.len() as u64 };
    let line = line(stage, ours, if is_list { Some(there.len() as u64) } else { reported });
    let only = |one: &BTreeSet<LinkToken>, other| one.difference(other).map(show).collect();
    let (only_ours, only_theirs) = if is_list { (only(here, there), only(there, here)) } else { Default::default() };
    ReconcileLine { only_ours, only_theirs, ..line }
}

fn show(token: &LinkToken) -> String {
    token.as_str().to_owned()
}

fn line(stage: &str, ours: u64, theirs: Option<u64>) -> ReconcileLine {
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let difference = theirs.map(|theirs| signed(theirs) - signed(ours));
    ReconcileLine { stage: stage.to_owned(), ours, theirs, difference, ..ReconcileLine::default() }
}

/// What was counted in the month, less what fell and was corrected, as the statement has it.
async fn credits(
    store: &Store,
    wanted: &ReconcileRequest,
    (from, until): (jiff::Timestamp, jiff::Timestamp),
) -> Result<ReconcileLine, String> {
    let statement = store.statement(&wanted.company, from, until).await.map_err(|e| e.to_string())?;
    let net = |pool: &crate::ledger::PoolStatement| {
        let counted = i64::try_from(pool.closing.counted - pool.opening.counted).unwrap_or(i64::MAX);
        counted - i64::try_from(pool.taken_back).unwrap_or(0) + pool.corrected
    };
    let net: i64 = statement.pools.values().map(net).sum();
    Ok(line(COUNTED, u64::try_from(net).unwrap_or(0), reported(wanted, COUNTED)))
}

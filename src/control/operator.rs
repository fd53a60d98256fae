//! The operator's lists and totals, in the form that goes over the socket and into `--json`. Persons are named by the
//! tokens of their links, and by nothing else.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Caller, Month};
use crate::ledger::{Act, Deed, Kind, Proves};
use crate::referral::{CandidateKey, CompanyId, CompanyKeys, LinkToken, OptOut};
use crate::store::{Import, Store, TokenOf, Told, Total};

/// Rows of one request.
pub const ROWS_MAX: usize = 50_000;
/// What a list may tell beside the stages: the person wants no line.
pub const OPTED_OUT: &str = "opted_out";

/// Something told of one person.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ToldRow {
    /// The token of the link.
    pub token: LinkToken,
    /// `registered`, `supported`, `reemployed`, `left` or `opted_out`.
    pub event: String,
    /// When, RFC 3339.
    pub at: String,
}

/// How many people came to a stage in a month.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TotalRow {
    /// The month.
    pub month: Month,
    /// `registered`, `supported`, `reemployed` or `left`; in a reconciliation also `counted`.
    pub event: String,
    /// How many.
    pub people: u64,
}

/// A file, or a part of it, that is to be entered.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ImportRequest {
    /// Whose referrals.
    pub company: CompanyId,
    /// What is told of persons.
    pub rows: Vec<ToldRow>,
    /// What is told of months.
    pub totals: Vec<TotalRow>,
    /// SHA-256 of the file, in hexadecimal.
    pub file: String,
    /// Why, in a line.
    pub reason: String,
    /// Who wanted it, if it is not the one who asks.
    pub by: Option<String>,
    /// Whether it is only told what would be.
    pub dry_run: bool,
    /// Whether the others are entered where some rows cannot be.
    pub skip_bad: bool,
}

/// A row that cannot be entered.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct BadRow {
    /// Its number in the request, from 0.
    pub row: usize,
    /// Why.
    pub why: String,
}

/// What an import came to.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Imported {
    /// New entries about persons, by what they say.
    pub entries: BTreeMap<String, u64>,
    /// Rows that were known already.
    pub known: u64,
    /// Credits made.
    pub credits: u64,
    /// Numbers of the slots granted.
    pub slots: Vec<u32>,
    /// New totals.
    pub totals: u64,
    /// Persons put on the list of those who want no line.
    pub opted_out: u64,
    /// Rows that cannot be entered.
    pub bad: Vec<BadRow>,
    /// Whether it was entered; else nothing was changed.
    pub written: bool,
}

/// A request whose persons are found.
pub struct Resolved {
    /// What the store is asked to enter.
    pub import: Import,
    /// Who wants no line.
    pub optouts: Vec<OptOut>,
    /// Rows that cannot be entered.
    pub bad: Vec<BadRow>,
}

/// How tokens are made again with these keys.
pub fn token_of(keys: &[CompanyKeys]) -> TokenOf {
    let keys = keys.to_vec();
    Arc::new(move |candidate: &CandidateKey, series: &str| {
        let made_with = keys.iter().find(|of| of.key_id() == candidate.key_id)?;
        Some(made_with.token(series, candidate))
    })
}

/// The kind of entry that says what a list calls so.
pub fn told_kind(event: &str) -> Option<Kind> {
    Proves::parse(event).and_then(Proves::told)
}

/// Finds the persons of a request by the company's keys.
///
/// # Errors
/// A sentence for the admin.
pub async fn resolve(
    store: &Store,
    caller: Caller,
    keys: &[CompanyKeys],
    request: &ImportRequest,
) -> Result<Resolved, String> {
    if request.rows.len() > ROWS_MAX || request.totals.len() > ROWS_MAX {
        return Err(format!("over {ROWS_MAX} rows in one request: send them in several"));
    }
    let wanted: HashSet<LinkToken> = request.rows.iter().map(|row| row.token.clone()).collect();
    let found = store.find_tokens(&request.company, wanted, token_of(keys)).await.map_err(|e| e.to_string())?;
    let (mut told, mut optouts, mut bad) = (Vec::new(), Vec::new(), Vec::new());
    for (number, row) in request.rows.iter().enumerate() {
        match place(&request.company, row, &found) {
            Ok(Placed::Told(one)) => told.push(one),
            Ok(Placed::OptOut(one)) => optouts.push(one),
            Err(why) => bad.push(BadRow { row: number, why }),
        }
    }
    let mut totals = Vec::new();
    for (number, row) in request.totals.iter().enumerate() {
        if let Some(kind) = told_kind(&row.event) {
            totals.push(Total { month: row.month.to_string(), kind, people: row.people });
        } else {
            let why = format!("{} is no figure that is entered", row.event);
            bad.push(BadRow { row: request.rows.len() + number, why });
        }
    }
    optouts.sort_unstable();
    optouts.dedup();
    let actor = super::count::actor(caller, request.by.as_deref());
    let act = Act { actor, reason: request.reason.clone(), deed: Deed::Import { file: request.file.clone() } };
    act.check().map_err(|fault| fault.to_string())?;
    let import = Import { company: request.company.clone(), told, totals, act, dry_run: request.dry_run };
    Ok(Resolved { import, optouts, bad })
}

enum Placed {
    Told(Told),
    OptOut(OptOut),
}

fn place(
    company: &CompanyId,
    row: &ToldRow,
    found: &HashMap<LinkToken, (CandidateKey, String)>,
) -> Result<Placed, String> {
    let known = found.get(&row.token);
    let (candidate, series) = known.ok_or_else(|| format!("no referral of {company} has the token {}", row.token))?;
    if row.event == OPTED_OUT {
        return Ok(Placed::OptOut(OptOut { company: Some(company.clone()), key: *candidate }));
    }
    let kind = told_kind(&row.event).ok_or_else(|| format!("{:?} is nothing a list tells", row.event))?;
    let at = row.at.parse().map_err(|_| format!("{:?} is no time", row.at))?;
    Ok(Placed::Told(Told { at, candidate: *candidate, kind, series: series.clone() }))
}

impl Resolved {
    /// Whether anything of it may be entered.
    pub fn may_enter(&self, request: &ImportRequest) -> bool {
        self.bad.is_empty() || request.skip_bad
    }
}

/// Enters what was found, if it may be; `opted_out` are those who were put on the list, or would be.
///
/// # Errors
/// A sentence for the admin; then nothing was entered.
pub async fn enter(
    store: &Store,
    request: &ImportRequest,
    resolved: Resolved,
    opted_out: usize,
) -> Result<Imported, String> {
    if !resolved.may_enter(request) {
        return Ok(Imported { bad: resolved.bad, ..Imported::default() });
    }
    let entered = store.import(resolved.import).await.map_err(|e| e.to_string())?;
    Ok(Imported {
        entries: entered.entries.iter().map(|(kind, count)| (kind.code().to_owned(), *count)).collect(),
        known: entered.known + entered.unknown,
        credits: entered.credits,
        slots: entered.grants.iter().map(|grant| grant.cycle).collect(),
        totals: entered.totals,
        opted_out: opted_out as u64,
        bad: resolved.bad,
        written: !request.dry_run,
    })
}

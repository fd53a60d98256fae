//! What the ledger answers to an admin, in the form that goes over the socket and into `--json`.
//!
//! A running server and a command that opens the store itself answer through the same function, so that both say the
//! same.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Month, Request};
use crate::ledger::{Pool, Statement};
use crate::referral::CompanyId;
use crate::store::{Store, StoreError};

/// Credits and slots, and what could not be counted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Balances {
    /// One line for each company and contract series.
    pub balances: Vec<SeriesBalance>,
    /// Referrals kept aside, because no agreed contract or key rules them.
    pub parked: Vec<ParkedCount>,
}

/// Where one contract series of a company stands.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SeriesBalance {
    /// The company.
    pub company: String,
    /// The contract series.
    pub series: String,
    /// People ever counted.
    pub counted: u64,
    /// Of them, how many count toward the next slot.
    pub toward: i64,
    /// How many the next slot takes.
    pub threshold: u32,
    /// Slots ever granted.
    pub slots: u32,
}

/// Referrals kept aside.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ParkedCount {
    /// The company.
    pub company: String,
    /// The stable code of why.
    pub reason: String,
    /// How many.
    pub events: u64,
}

/// What a month changed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct MonthStatement {
    /// The company.
    pub company: String,
    /// The month, `2026-11`, in Japan.
    pub month: String,
    /// One for each contract series.
    pub series: Vec<SeriesStatement>,
    /// The number of the last entry until the month's end.
    pub seq: u64,
    /// The chain's head there, in hexadecimal.
    pub head: String,
}

/// One contract series of a statement.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SeriesStatement {
    /// The contract series.
    pub series: String,
    /// People counted before the month, and at its end.
    pub counted: (u64, u64),
    /// Credits toward the next slot before the month, and at its end.
    pub toward: (i64, i64),
    /// Slots granted before the month, and at its end.
    pub slots: (u32, u32),
    /// How many credits the next slot takes.
    pub threshold: u32,
    /// The month's entries by kind.
    pub entries: BTreeMap<String, u64>,
    /// The month's slots.
    pub grants: Vec<GrantLine>,
}

/// One slot of a statement.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct GrantLine {
    /// Its number in the series, from 1.
    pub number: u32,
    /// What it cost, in credits.
    pub credits: i64,
    /// When its last credit was counted, RFC 3339.
    pub at: String,
}

/// The replay of one company's entries.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Verified {
    /// The company.
    pub company: String,
    /// How many entries were replayed.
    pub entries: u64,
    /// The head of its chain, in hexadecimal.
    pub head: String,
    /// What is wrong; empty when nothing is.
    pub faults: Vec<String>,
}

/// Answers a ledger request; `None` when the request is not the ledger's.
pub async fn answer_ledger(store: &Store, request: &Request) -> Option<Result<Value, String>> {
    let answer = match request {
        Request::Balance { company } => to_value(balances(store, company.as_ref()).await),
        Request::Statement { company, month } => match month.span() {
            Ok((from, until)) => {
                let read = store.statement(company, from, until).await;
                to_value(read.map(|s| month_statement(&s, *month)))
            }
            Err(why) => Err(why.to_string()),
        },
        Request::Verify { company } => to_value(verify(store, company.as_ref()).await),
        Request::Status | Request::Counters | Request::Stop => return None,
    };
    Some(answer)
}

fn to_value(answer: Result<impl Serialize, StoreError>) -> Result<Value, String> {
    let answer = answer.map_err(|e| e.to_string())?;
    serde_json::to_value(answer).map_err(|e| e.to_string())
}

async fn balances(store: &Store, only: Option<&CompanyId>) -> Result<Balances, StoreError> {
    let companies = match only {
        Some(company) => vec![company.clone()],
        None => store.companies().await?,
    };
    let mut balances = Vec::new();
    for company in &companies {
        balances.extend(store.balance(company).await?.into_iter().map(|b| SeriesBalance {
            company: company.to_string(),
            series: b.series,
            counted: b.pool.counted,
            toward: b.pool.toward,
            threshold: b.threshold,
            slots: b.pool.cycles,
        }));
    }
    let parked = store.parked().await?.into_iter();
    let parked = parked.filter(|p| only.is_none_or(|company| company.as_str() == p.company));
    let count = |p: crate::store::Parked| ParkedCount { company: p.company, reason: p.reason, events: p.events };
    Ok(Balances { balances, parked: parked.map(count).collect() })
}

fn month_statement(statement: &Statement, month: Month) -> MonthStatement {
    let both = |opening: Pool, closing: Pool| {
        ((opening.counted, closing.counted), (opening.toward, closing.toward), (opening.cycles, closing.cycles))
    };
    let series = statement.pools.iter().map(|(series, pool)| {
        let (counted, toward, slots) = both(pool.opening, pool.closing);
        let entries = pool.entries.iter().map(|(kind, n)| (kind.code().to_owned(), *n)).collect();
        let line = |(number, credits, at): &(u32, i64, jiff::Timestamp)| GrantLine {
            number: *number,
            credits: *credits,
            at: at.to_string(),
        };
        let grants = pool.grants.iter().map(line).collect();
        SeriesStatement { series: series.clone(), counted, toward, slots, threshold: pool.threshold, entries, grants }
    });
    MonthStatement {
        company: statement.company.to_string(),
        month: month.to_string(),
        series: series.collect(),
        seq: statement.seq,
        head: HEXLOWER.encode(&statement.head),
    }
}

async fn verify(store: &Store, only: Option<&CompanyId>) -> Result<Vec<Verified>, StoreError> {
    let replayed = store.verify(only).await?.into_iter();
    Ok(replayed
        .map(|company| Verified {
            company: company.company.to_string(),
            entries: company.entries,
            head: HEXLOWER.encode(&company.head),
            faults: company.faults.iter().map(describe).collect(),
        })
        .collect())
}

fn describe(fault: &crate::ledger::Fault) -> String {
    match fault.seq {
        Some(seq) => format!("entry {seq}: {}", fault.what),
        None => fault.what.clone(),
    }
}

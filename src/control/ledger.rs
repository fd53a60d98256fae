//! What the ledger answers to an admin, in the form that goes over the socket and into `--json`.
//!
//! A running server and a command that opens the store itself answer through the same function, so that both say the
//! same.

use data_encoding::HEXLOWER;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Request;
use super::month::JAPAN;
use super::report::answer_report;
use super::trust;
use crate::ledger::Statement;
use crate::referral::CompanyId;
use crate::referral::wording::words_in_record;
use crate::report::{self, Labels};
use crate::store::{Store, StoreError, WordingRow};

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

/// How a statement is wanted.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StatementForm {
    /// A table for people.
    Text,
    /// A sheet for spreadsheet programs.
    Csv,
    /// An object for programs.
    Json,
    /// A page that prints.
    Html,
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

/// Digits of a digest that people are shown: enough to tell one company's words apart.
pub const DIGITS_SHOWN: usize = 12;

/// Words that mails of a company may have been given.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct WordsLine {
    /// The company.
    pub company: String,
    /// What entries name them by: SHA-256 of the record, in hexadecimal.
    pub digest: String,
    /// The language.
    pub language: String,
    /// The words in front of the link, as far as a mail's charset can write them.
    pub words: String,
    /// Since when the ledger knows them, RFC 3339.
    pub since: String,
    /// The entries that name them.
    pub entries: u64,
    /// When the first and the last mail with them was taken, RFC 3339; null when none was.
    pub used: Option<(String, String)>,
    /// What the digest is of: all the words such a mail may have been given.
    pub record: String,
}

/// Answers a ledger request; `None` when the request is not the ledger's.
pub async fn answer_ledger(store: &Store, request: &Request) -> Option<Result<Value, String>> {
    let answer = match request {
        Request::Balance { company } => to_value(balances(store, company.as_ref()).await),
        Request::Statement { company, month, form, language } => match month.span() {
            Ok((from, until)) => {
                let labels = Labels::of(language);
                store.statement(company, from, until).await.map(|s| write_statement(&s, *form, &labels)).map_err(say)
            }
            Err(why) => Err(why.to_string()),
        },
        Request::Words { company } => to_value(words(store, company.as_ref()).await),
        Request::Verify { company } => to_value(verify(store, company.as_ref()).await),
        other => match answer_report(store, other).await {
            Some(answer) => return Some(answer),
            None => return trust::answer_trust(store, other).await,
        },
    };
    Some(answer)
}

pub(super) fn to_value(answer: Result<impl Serialize, StoreError>) -> Result<Value, String> {
    serde_json::to_value(answer.map_err(say)?).map_err(|e| e.to_string())
}

fn say(error: StoreError) -> String {
    match error {
        StoreError::NoCompany(company) => format!("nobody has been counted for {company}: the ledger does not know it"),
        other => other.to_string(),
    }
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

async fn words(store: &Store, only: Option<&CompanyId>) -> Result<Vec<WordsLine>, StoreError> {
    let companies = match only {
        Some(company) => vec![company.clone()],
        None => store.companies().await?,
    };
    let mut lines = Vec::new();
    for company in &companies {
        lines.extend(store.wordings(company).await?.into_iter().map(words_line));
    }
    Ok(lines)
}

fn words_line(row: WordingRow) -> WordsLine {
    let (language, words) = words_in_record(&row.record).unwrap_or_default();
    WordsLine {
        company: row.company.to_string(),
        digest: HEXLOWER.encode(&row.digest),
        language: language.to_owned(),
        words: words.to_owned(),
        since: row.since.to_string(),
        entries: row.entries,
        used: row.used.map(|(first, last)| (first.to_string(), last.to_string())),
        record: row.record,
    }
}

fn write_statement(statement: &Statement, form: StatementForm, labels: &Labels) -> Value {
    match form {
        StatementForm::Text => report::text(statement, labels, &TimeZone::fixed(JAPAN)).into(),
        StatementForm::Csv => report::csv(statement, labels).into(),
        StatementForm::Json => report::json(statement),
        StatementForm::Html => report::page(statement, labels, &TimeZone::fixed(JAPAN)).into(),
    }
}

pub(super) async fn verify(store: &Store, only: Option<&CompanyId>) -> Result<Vec<Verified>, StoreError> {
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

pub(super) fn describe(fault: &crate::ledger::Fault) -> String {
    match fault.seq {
        Some(seq) => format!("entry {seq}: {}", fault.what),
        None => fault.what.clone(),
    }
}

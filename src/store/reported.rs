//! What the operator has reported of a company, read as it stood at some entry: what became of people in a period.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::Store;
use super::error::StoreError;
use super::operator::kind;
use super::posting::Total;
use super::read::require;
use super::rows::{self, signed};
use crate::ledger::Kind;
use crate::ledger::chain::{Hash, genesis};
use crate::ledger::outcome::{MonthTotal, Outcomes, People, month_span, outcomes};
use crate::referral::CompanyId;

/// How far what the operator has reported is looked at: both are only ever added to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReportedTo {
    /// The number of the last entry.
    pub entries: u64,
    /// How many of the company's totals.
    pub totals: u64,
}

impl ReportedTo {
    /// All there is.
    pub const NOW: Self = Self { entries: u64::MAX, totals: u64::MAX };
}

/// What the operator has reported.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReportedOutcomes {
    /// Of the people of the period.
    pub outcomes: Outcomes,
    /// What was there to be looked at.
    pub to: ReportedTo,
    /// The hash of that entry.
    pub head: Hash,
}

impl Store {
    /// What became of the people of a company in a period, as the operator had reported it up to an entry and a total.
    ///
    /// # Errors
    /// When the company is unknown or the file cannot be read.
    pub async fn outcomes(
        &self,
        company: &CompanyId,
        period: (Timestamp, Timestamp),
        to: ReportedTo,
    ) -> Result<ReportedOutcomes, StoreError> {
        let company = company.clone();
        self.read(move |c| reported(c, &company, period, to)).await
    }

    /// The totals the operator has reported, the newest of each month and stage.
    ///
    /// # Errors
    /// When the company is unknown or the file cannot be read.
    pub async fn totals(&self, company: &CompanyId) -> Result<Vec<Total>, StoreError> {
        let company = company.clone();
        self.read(move |c| totals(c, require(c, &company)?.id, u64::MAX).map(|(totals, _)| totals)).await
    }
}

fn reported(
    connection: &Connection,
    company: &CompanyId,
    period: (Timestamp, Timestamp),
    to: ReportedTo,
) -> Result<ReportedOutcomes, StoreError> {
    let row = require(connection, company)?;
    let entries = to.entries.min(row.seq);
    let people = people(connection, row.id, entries)?;
    let (totals, looked_at) = totals(connection, row.id, to.totals)?;
    let of_month = |total: Total| {
        let span = month_span(&total.month);
        let span = span.ok_or_else(|| StoreError::Damaged(format!("a total is of the month {:?}", total.month)))?;
        Ok(MonthTotal { span, kind: total.kind, people: total.people })
    };
    let totals: Vec<MonthTotal> = totals.into_iter().map(of_month).collect::<Result<_, StoreError>>()?;
    let sql = "SELECT hash FROM entries WHERE company = ?1 AND seq = ?2";
    let head = connection.prepare_cached(sql)?.query_row(params![row.id, signed(entries)], |row| row.get(0));
    let head = head.optional()?.unwrap_or_else(|| genesis(company));
    let to = ReportedTo { entries, totals: looked_at };
    Ok(ReportedOutcomes { outcomes: outcomes(&people, &totals, period), to, head })
}

/// Those of whom the operator has told something. Few of those who were offered a way on are: only their offers are
/// kept while the chain is read.
fn people(connection: &Connection, company: i64, seq_max: u64) -> Result<People, StoreError> {
    let told = "SELECT DISTINCT person FROM entries WHERE company = ?1 AND seq <= ?2 AND kind BETWEEN 17 AND 20";
    let mut statement = connection.prepare_cached(told)?;
    let persons = statement.query_map(params![company, signed(seq_max)], |row| row.get(0))?;
    let persons: HashSet<Hash> = persons.collect::<Result<_, _>>()?;
    let mut people = People::default();
    if persons.is_empty() {
        return Ok(people);
    }
    let sql = "SELECT person, kind, at FROM entries
               WHERE company = ?1 AND seq <= ?2 AND (kind = 1 OR kind BETWEEN 17 AND 20) ORDER BY seq";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query(params![company, signed(seq_max)])?;
    while let Some(row) = found.next()? {
        let person: Hash = row.get(0)?;
        if persons.contains(&person) {
            let kind = Kind::from_number(row.get(1)?).ok_or_else(|| StoreError::Damaged("a kind".to_owned()))?;
            people.take(person, kind, rows::time(row.get(2)?)?);
        }
    }
    Ok(people)
}

/// The newest total of each month and stage among the first so many, and how many those are.
fn totals(connection: &Connection, company: i64, rows_max: u64) -> Result<(Vec<Total>, u64), StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT month, stage, people FROM operator_totals WHERE company = ?1 ORDER BY seq LIMIT ?2")?;
    let mut found = statement.query(params![company, signed(rows_max)])?;
    let (mut newest, mut looked_at) = (BTreeMap::new(), 0);
    while let Some(row) = found.next()? {
        let kind = kind(&row.get::<_, String>(1)?)?;
        newest.insert((row.get::<_, String>(0)?, kind), rows::number(row.get(2)?)?);
        looked_at += 1;
    }
    let total = |((month, kind), people)| Total { month, kind, people };
    Ok((newest.into_iter().map(total).collect(), looked_at))
}

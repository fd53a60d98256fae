//! What is known of referrals by their link tokens, and what the operator has told. Tokens are kept nowhere: whoever
//! has the company's keys makes them again from the persons there are.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::error::StoreError;
use super::posting::{Entered, Import, Told};
use super::read::require;
use super::rows;
use super::writer::Command;
use super::{Store, StoreError as Fault};
use crate::ledger::chain::commit_person;
use crate::ledger::{Kind, Proves, Stage};
use crate::referral::{CandidateKey, CompanyId, LinkToken};

/// Makes the link token of a person in a contract series; nothing where the key is not there.
pub type TokenOf = Arc<dyn Fn(&CandidateKey, &str) -> Option<LinkToken> + Send + Sync>;

/// The newest referral of one person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReferralRow {
    /// Who.
    pub candidate: CandidateKey,
    /// The contract series and version that rule it.
    pub contract: (String, u32),
    /// How far the mail has come.
    pub stage: Stage,
    /// When it was offered.
    pub offered: Timestamp,
    /// When it became a credit.
    pub counted: Option<Timestamp>,
    /// The entry by which the company gave the credit back.
    pub reversed: Option<u64>,
}

impl Store {
    /// Enters what a file of the operator tells; all of it or nothing, and what is known already adds nothing.
    ///
    /// # Errors
    /// When nothing was committed.
    pub async fn import(&self, import: Import) -> Result<Entered, Fault> {
        self.ask(|reply| Command::Import(Box::new(import), reply)).await
    }

    /// Of these tokens those a person has: who, and the contract series of the link.
    ///
    /// # Errors
    /// When the company is unknown or the file cannot be read.
    pub async fn find_tokens(
        &self,
        company: &CompanyId,
        wanted: HashSet<LinkToken>,
        token_of: TokenOf,
    ) -> Result<HashMap<LinkToken, (CandidateKey, String)>, Fault> {
        let company = company.clone();
        self.read(move |c| find_tokens(c, &company, &wanted, &token_of)).await
    }

    /// The newest referrals of a company's persons, those offered last in front; not more than `limit`.
    ///
    /// # Errors
    /// When the company is unknown or the file cannot be read.
    pub async fn referrals(&self, company: &CompanyId, limit: u32) -> Result<Vec<ReferralRow>, Fault> {
        let company = company.clone();
        self.read(move |c| referrals(c, &company, (limit, None))).await
    }

    /// The newest referral of one person.
    ///
    /// # Errors
    /// When the company is unknown or the file cannot be read.
    pub async fn referral_of(&self, company: &CompanyId, person: CandidateKey) -> Result<Option<ReferralRow>, Fault> {
        let company = company.clone();
        let rows = self.read(move |c| referrals(c, &company, (1, Some(&person)))).await?;
        Ok(rows.into_iter().next())
    }

    /// What the operator has told of persons for a time, by that time.
    ///
    /// # Errors
    /// When the company is unknown or the file cannot be read.
    pub async fn told(&self, company: &CompanyId, from: Timestamp, until: Timestamp) -> Result<Vec<Told>, Fault> {
        let company = company.clone();
        self.read(move |c| told(c, &company, from, until)).await
    }
}

fn find_tokens(
    connection: &Connection,
    company: &CompanyId,
    wanted: &HashSet<LinkToken>,
    token_of: &TokenOf,
) -> Result<HashMap<LinkToken, (CandidateKey, String)>, StoreError> {
    let mut found = HashMap::new();
    if wanted.is_empty() {
        return Ok(found);
    }
    let row = require(connection, company)?;
    let sql = "SELECT p.key_id, p.key, e.series FROM persons p JOIN events e ON e.person = p.id WHERE p.company = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([row.id])?;
    let mut last: Option<(CandidateKey, String)> = None;
    while let Some(row) = rows.next()? {
        let candidate = CandidateKey { key_id: row.get(0)?, octets: row.get(1)? };
        let series = row.get_ref(2)?.as_str().map_err(|e| StoreError::Damaged(e.to_string()))?;
        if last.as_ref().is_some_and(|(key, of)| *key == candidate && of == series) {
            continue;
        }
        if let Some(token) = token_of(&candidate, series).filter(|token| wanted.contains(token)) {
            found.insert(token, (candidate, series.to_owned()));
        }
        last = Some((candidate, series.to_owned()));
    }
    Ok(found)
}

fn referrals(
    connection: &Connection,
    company: &CompanyId,
    (limit, only): (u32, Option<&CandidateKey>),
) -> Result<Vec<ReferralRow>, StoreError> {
    let of = require(connection, company)?;
    let which = if only.is_some() { "p.key = ?3" } else { "?3 IS NULL" };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT p.key_id, p.key, c.series, c.version, p.stage, p.offered, p.counted, p.salt FROM persons p
         JOIN contracts c ON c.id = p.contract WHERE p.company = ?1 AND {which}
         ORDER BY p.offered DESC, p.id DESC LIMIT ?2"
    ))?;
    let mut reversal = connection
        .prepare_cached("SELECT MAX(seq) FROM reversals WHERE company = ?1 AND person = ?2 AND target >= ?3")?;
    let mut offered_by = connection.prepare_cached(
        "SELECT MAX(o.seq) FROM persons p JOIN events o ON o.person = p.id
         JOIN entries n ON n.company = p.company AND n.seq = o.seq
         WHERE p.company = ?1 AND p.key = ?2 AND n.kind = 1",
    )?;
    let mut found = statement.query(params![of.id, limit, only.map(|key| key.octets)])?;
    let mut referrals = Vec::new();
    while let Some(row) = found.next()? {
        let counted: Option<i64> = row.get(6)?;
        let candidate = CandidateKey { key_id: row.get(0)?, octets: row.get(1)? };
        let offer: Option<i64> = offered_by.query_row(params![of.id, candidate.octets], |row| row.get(0))?;
        let person = commit_person(&row.get(7)?, &candidate);
        let reversed: Option<i64> = reversal.query_row(params![of.id, person, offer], |row| row.get(0))?;
        referrals.push(ReferralRow {
            candidate,
            contract: (row.get(2)?, row.get(3)?),
            stage: rows::stage(row.get(4)?)?,
            offered: rows::time(row.get(5)?)?,
            counted: counted.map(rows::time).transpose()?,
            reversed: reversed.map(rows::number).transpose()?,
        });
    }
    Ok(referrals)
}

/// The kind of entry that a stored code of the operator's is.
pub(super) fn kind(code: &str) -> Result<Kind, StoreError> {
    let told = Proves::parse(code).and_then(Proves::told);
    told.ok_or_else(|| StoreError::Damaged(format!("the operator tells {code:?}")))
}

fn told(
    connection: &Connection,
    company: &CompanyId,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<Told>, StoreError> {
    let row = require(connection, company)?;
    let mut statement = connection.prepare_cached(
        "SELECT p.key_id, p.key, e.series, e.proves, n.at FROM persons p JOIN events e ON e.person = p.id
         JOIN entries n ON n.company = p.company AND n.seq = e.seq
         WHERE p.company = ?1 AND e.route = 'operator' AND n.kind BETWEEN 17 AND 20 AND n.at >= ?2 AND n.at < ?3
         ORDER BY n.at, n.seq",
    )?;
    let mut found = statement.query(params![row.id, from.as_microsecond(), until.as_microsecond()])?;
    let mut told = Vec::new();
    while let Some(row) = found.next()? {
        told.push(Told {
            at: rows::time(row.get(4)?)?,
            candidate: CandidateKey { key_id: row.get(0)?, octets: row.get(1)? },
            kind: kind(&row.get::<_, String>(3)?)?,
            series: row.get(2)?,
        });
    }
    Ok(told)
}

//! The words that mails were given: what an entry names by digest, in full.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::error::StoreError;
use super::rows::{self, number, time};
use crate::referral::CompanyId;
use crate::referral::wording::{WordingDigest, digest_of_record};

/// Words that mails of a company may have been given.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WordingRow {
    /// The company.
    pub company: CompanyId,
    /// What entries name them by.
    pub digest: WordingDigest,
    /// Since when the ledger knows them.
    pub since: Timestamp,
    /// The record.
    pub record: String,
    /// The entries that name them.
    pub entries: u64,
    /// When the first and the last mail with them was taken, if any was.
    pub used: Option<(Timestamp, Timestamp)>,
}

/// Adds the records that are new.
pub fn note(connection: &Connection, company: i64, records: &[String], now: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT OR IGNORE INTO wordings (company, digest, at, record) VALUES (?1, ?2, ?3, ?4)";
    let mut statement = connection.prepare_cached(sql)?;
    for record in records {
        statement.execute(params![company, digest_of_record(record), now.as_microsecond(), record])?;
    }
    Ok(())
}

/// The words of a company whose record is still the one of their digest.
pub fn whole(connection: &Connection, company: i64) -> Result<HashSet<WordingDigest>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT digest, record FROM wordings WHERE company = ?1")?;
    let mut found = statement.query([company])?;
    let mut whole = HashSet::new();
    while let Some(row) = found.next()? {
        let (digest, record): (WordingDigest, String) = (row.get(0)?, row.get(1)?);
        if digest_of_record(&record) == digest {
            whole.insert(digest);
        }
    }
    Ok(whole)
}

/// All words of a company, those that came last in front. A replay of its entries counts how often each was used.
pub fn wordings(connection: &Connection, company: &CompanyId) -> Result<Vec<WordingRow>, StoreError> {
    let of = rows::company(connection, company)?.ok_or_else(|| StoreError::NoCompany(company.clone()))?;
    let mut statement = connection.prepare_cached(
        "SELECT w.digest, w.at, w.record, COALESCE(e.count, 0), e.first, e.last FROM wordings w
         LEFT JOIN (SELECT wording, COUNT(*) AS count, MIN(at) AS first, MAX(at) AS last FROM entries
                    WHERE company = ?1 AND wording IS NOT NULL GROUP BY wording) e ON e.wording = w.digest
         WHERE w.company = ?1 ORDER BY w.at DESC, w.record",
    )?;
    let mut found = statement.query([of.id])?;
    let mut wordings = Vec::new();
    while let Some(row) = found.next()? {
        let used: (Option<i64>, Option<i64>) = (row.get(4)?, row.get(5)?);
        let used = used.0.zip(used.1).map(|(first, last)| Ok::<_, StoreError>((time(first)?, time(last)?)));
        wordings.push(WordingRow {
            company: company.clone(),
            digest: row.get(0)?,
            since: time(row.get(1)?)?,
            record: row.get(2)?,
            entries: number(row.get(3)?)?,
            used: used.transpose()?,
        });
    }
    Ok(wordings)
}

//! Agrees with a node on a company's keys and contract versions, which are immutable from then on.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use super::posting::{Posted, post_events};
use super::{redemptions, rows, trust, wordings};
use crate::ledger::chain::genesis;
use crate::ledger::signature::{ContractSignature, PublicKey};
use crate::ledger::{ContractVersion, ReferralEvent};
use crate::referral::CompanyId;

/// What a node has in its configuration for one company.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Agreement {
    /// The company.
    pub company: CompanyId,
    /// Its keys: key id and fingerprint.
    pub keys: Vec<(u16, String)>,
    /// Its contract versions.
    pub contracts: Vec<ContractVersion>,
    /// The records of the words its mails may be given.
    pub wordings: Vec<String>,
    /// The operator's signatures under those versions, checked.
    pub signatures: Vec<ContractSignature>,
    /// The operator's public keys, by which he signs that slots were used.
    pub operator_keys: Vec<PublicKey>,
}

/// Compares first, and writes only when nothing differs; then posts what was parked.
pub fn agree(connection: &Connection, agreement: &Agreement, now: Timestamp) -> Result<Posted, StoreError> {
    let known = rows::company(connection, &agreement.company)?;
    let mut differences: Vec<String> = agreement.contracts.iter().flat_map(ContractVersion::faults).collect();
    if let Some(row) = &known {
        compare_keys(connection, row.id, agreement, &mut differences)?;
        compare_contracts(connection, row.id, agreement, &mut differences)?;
    }
    if !differences.is_empty() {
        return Err(StoreError::Disagrees(differences));
    }
    let company = match known {
        Some(row) => row.id,
        None => insert_company(connection, &agreement.company)?,
    };
    write_terms(connection, company, agreement, now)?;
    wordings::note(connection, company, &agreement.wordings, now)?;
    post_parked(connection, &agreement.company, now)
}

fn compare_keys(
    connection: &Connection,
    company: i64,
    agreement: &Agreement,
    differences: &mut Vec<String>,
) -> Result<(), StoreError> {
    let sql = "SELECT fingerprint FROM company_keys WHERE company = ?1 AND key_id = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    for (key_id, fingerprint) in &agreement.keys {
        let stored: Option<String> = statement.query_row(params![company, key_id], |row| row.get(0)).optional()?;
        if let Some(stored) = stored.filter(|s| s != fingerprint) {
            differences.push(format!(
                "key {key_id} of {}: the ledger knows {stored}, and this node has {fingerprint}, under which everybody \
                 would count as new; put the right key file back, or, if it is gone for good, go on by \
                 `career-relay keys rotate --lost {key_id}`",
                agreement.company
            ));
        }
    }
    Ok(())
}

fn compare_contracts(
    connection: &Connection,
    company: i64,
    agreement: &Agreement,
    differences: &mut Vec<String>,
) -> Result<(), StoreError> {
    let known = rows::contracts(connection, company)?;
    for version in &agreement.contracts {
        let Some(stored) = known.contracts.find(&version.series, version.version) else { continue };
        let name = format!("contract {} {} of {}", version.series, version.version, agreement.company);
        for (old, new) in stored.differences(version) {
            differences.push(format!("{name}: {old} in the ledger, {new} in the file"));
        }
    }
    Ok(())
}

fn insert_company(connection: &Connection, company: &CompanyId) -> Result<i64, StoreError> {
    let sql = "INSERT INTO companies (name, seq, head, posted) VALUES (?1, 0, ?2, 0)";
    connection.prepare_cached(sql)?.execute(params![company.as_str(), genesis(company)])?;
    Ok(connection.last_insert_rowid())
}

fn write_terms(connection: &Connection, company: i64, agreement: &Agreement, now: Timestamp) -> Result<(), StoreError> {
    let known = rows::contracts(connection, company)?;
    for version in &agreement.contracts {
        if known.contracts.find(&version.series, version.version).is_none() {
            rows::insert_contract(connection, company, version)?;
        }
    }
    trust::note_signatures(connection, company, &agreement.signatures, now)?;
    redemptions::note_operator_keys(connection, company, &agreement.operator_keys, now)?;
    let sql = "INSERT OR IGNORE INTO company_keys (company, key_id, fingerprint, since) VALUES (?1, ?2, ?3, ?4)";
    let mut statement = connection.prepare_cached(sql)?;
    for (key_id, fingerprint) in &agreement.keys {
        statement.execute(params![company, key_id, fingerprint, now.as_microsecond()])?;
    }
    Ok(())
}

/// Takes the parked events of the company out, oldest first, and posts them; what still cannot be is parked again.
fn post_parked(connection: &Connection, company: &CompanyId, now: Timestamp) -> Result<Posted, StoreError> {
    let sql = "DELETE FROM parked WHERE company = ?1 RETURNING rowid, event";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([company.as_str()])?;
    let mut events: Vec<(i64, ReferralEvent)> = Vec::new();
    while let Some(row) = rows.next()? {
        let text = row.get_ref(1)?.as_str().map_err(|e| StoreError::Damaged(e.to_string()))?;
        let event = serde_json::from_str(text).map_err(|e| StoreError::Damaged(format!("parked event: {e}")))?;
        events.push((row.get(0)?, event));
    }
    drop(rows);
    events.sort_by_key(|(row, _)| *row);
    let mut posted = Posted::default();
    if !events.is_empty() {
        post_events(connection, company, events.iter().map(|(_, event)| event), now, &mut posted)?;
    }
    posted.up_to_seq = super::posting::progress(connection)?;
    Ok(posted)
}

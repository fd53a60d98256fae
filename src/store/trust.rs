//! What both sides hold on to: the ledger's name, who signs for it, its heads, and which terms are agreed by signature.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Store;
use super::error::StoreError;
use super::read::{companies, require};
use super::rows::{self, CompanyRow, KnownContracts};
use super::writer::Command;
use crate::ledger::chain::Hash;
use crate::ledger::checkpoint::{Head, LedgerName};
use crate::ledger::signature::{ContractSignature, PublicKey, Signature};
use crate::ledger::statement::SignedBy;
use crate::ledger::witness::{Witness, compare};
use crate::ledger::{ContractVersion, Fault, Statement};
use crate::referral::CompanyId;

/// The ledger's name, and where all its chains end at one moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Heads {
    /// The name.
    pub ledger: LedgerName,
    /// When the newest entry of all was posted.
    pub posted: Timestamp,
    /// The heads.
    pub heads: BTreeMap<CompanyId, Head>,
}

/// A contract version as the ledger knows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ContractRow {
    /// Whose it is.
    pub company: CompanyId,
    /// The terms.
    pub terms: ContractVersion,
    /// The digest that entries pin.
    pub digest: Hash,
    /// Who has signed the terms, and since when the ledger knows it.
    pub signed: Vec<SignedBy>,
    /// How many entries it rules.
    pub entries: u64,
}

/// A key under which a company's candidates are, or were, known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyRow {
    /// Whose it is.
    pub company: CompanyId,
    /// Its number.
    pub id: u16,
    /// What tells it apart and reveals nothing of it.
    pub fingerprint: String,
    /// Since when the ledger knows it; `None` of before that was written down.
    pub since: Option<Timestamp>,
    /// How many persons are kept under it.
    pub persons: u64,
}

impl Store {
    /// Notes a key that signs for this ledger.
    ///
    /// # Errors
    /// When it was not committed.
    pub async fn note_signing_key(&self, key: PublicKey) -> Result<(), StoreError> {
        self.ask(|reply| Command::SigningKey(key, reply)).await
    }

    /// The keys that sign, or signed, for this ledger, and since when; oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn signing_keys(&self) -> Result<Vec<SignedBy>, StoreError> {
        self.read(signing_keys).await
    }

    /// Where all chains end now.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn heads(&self) -> Result<Heads, StoreError> {
        self.read(heads).await
    }

    /// Holds the chains against what others have seen of them, one company or all that are seen.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn witnessed(&self, witnesses: Vec<Witness>) -> Result<Vec<(CompanyId, Vec<Fault>)>, StoreError> {
        self.read(move |c| witnessed(c, &witnesses)).await
    }

    /// The contract versions of one company, or of all.
    ///
    /// # Errors
    /// When the company is unknown or the file cannot be read.
    pub async fn contract_versions(&self, only: Option<&CompanyId>) -> Result<Vec<ContractRow>, StoreError> {
        let only = only.cloned();
        self.read(move |c| contract_versions(c, only.as_ref())).await
    }

    /// The keys under which candidates are known, by company and number.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn candidate_keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        self.read(candidate_keys).await
    }
}

pub fn note_signing_key(connection: &Connection, key: &PublicKey, now: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT OR IGNORE INTO signing_keys (public, since) VALUES (?1, ?2)";
    connection.prepare_cached(sql)?.execute(params![key.octets(), now.as_microsecond()])?;
    Ok(())
}

fn signing_keys(connection: &Connection) -> Result<Vec<SignedBy>, StoreError> {
    let mut statement = connection.prepare("SELECT public, since FROM signing_keys ORDER BY since, public")?;
    let mut found = statement.query([])?;
    let mut keys = Vec::new();
    while let Some(row) = found.next()? {
        keys.push(signed_by(row, 0)?);
    }
    Ok(keys)
}

fn signed_by(row: &Row<'_>, at: usize) -> Result<SignedBy, StoreError> {
    Ok(SignedBy { key: PublicKey::new(row.get(at)?), at: rows::time(row.get(at + 1)?)? })
}

/// The ledger's name.
pub fn name(connection: &Connection) -> Result<LedgerName, StoreError> {
    let found = connection.query_row("SELECT name FROM ledger_name", [], |row| row.get(0)).optional()?;
    found.map(LedgerName).ok_or_else(|| StoreError::Damaged("the ledger's name is not there".to_owned()))
}

fn heads(connection: &Connection) -> Result<Heads, StoreError> {
    let ledger = name(connection)?;
    let (mut posted, mut heads) = (0, BTreeMap::new());
    for company in companies(connection)? {
        let row = require(connection, &company)?;
        posted = row.posted.max(posted);
        heads.insert(company, Head { seq: row.seq, hash: row.head });
    }
    Ok(Heads { ledger, posted: rows::time(posted)?, heads })
}

fn witnessed(connection: &Connection, witnesses: &[Witness]) -> Result<Vec<(CompanyId, Vec<Fault>)>, StoreError> {
    let mut companies: Vec<&CompanyId> = witnesses.iter().map(|witness| &witness.company).collect();
    companies.sort();
    companies.dedup();
    let sql = "SELECT hash FROM entries WHERE company = ?1 AND seq = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = Vec::new();
    for company in companies {
        let row = rows::company(connection, company)?;
        let mut hashes: HashMap<u64, Hash> = HashMap::new();
        for Witness { head, .. } in witnesses.iter().filter(|witness| witness.company == *company) {
            let values = params![row.as_ref().map(|row| row.id), rows::signed(head.seq)];
            // A hash of another length is none; the replay names it.
            let hash = statement.query_row(values, |row| Ok(row.get::<_, Hash>(0).ok())).optional()?.flatten();
            hashes.extend(hash.map(|hash| (head.seq, hash)));
        }
        let newest = row.as_ref().map(|row| newest(connection, row)).transpose()?;
        found.push((company.clone(), compare(company, newest, |seq| hashes.get(&seq).copied(), witnesses)));
    }
    Ok(found)
}

/// The last entry that is there, whatever the company's row says.
fn newest(connection: &Connection, row: &CompanyRow) -> Result<u64, StoreError> {
    let sql = "SELECT ifnull(max(seq), 0) FROM entries WHERE company = ?1";
    rows::number(connection.prepare_cached(sql)?.query_row([row.id], |row| row.get(0))?)
}

/// Notes signatures under contract versions that are known; one that is known already stays.
pub fn note_signatures(
    connection: &Connection,
    company: i64,
    signatures: &[ContractSignature],
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT OR IGNORE INTO contract_signatures (contract, public, signature, at)
               SELECT id, ?5, ?6, ?7 FROM contracts
               WHERE company = ?1 AND series = ?2 AND version = ?3 AND digest = ?4";
    let mut statement = connection.prepare_cached(sql)?;
    for of in signatures {
        let (public, signature) = (of.by.octets(), of.signature.octets());
        let at = now.as_microsecond();
        statement.execute(params![company, of.series, of.version, of.digest, public, signature, at])?;
    }
    Ok(())
}

/// Who has signed each contract version before a time, by its row.
fn signatures(
    connection: &Connection,
    company: i64,
    until: Timestamp,
) -> Result<HashMap<i64, Vec<SignedBy>>, StoreError> {
    let sql = "SELECT s.contract, s.public, s.at FROM contract_signatures s JOIN contracts c ON c.id = s.contract
               WHERE c.company = ?1 AND s.at < ?2 ORDER BY s.at, s.public";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query(params![company, until.as_microsecond()])?;
    let mut signed: HashMap<i64, Vec<SignedBy>> = HashMap::new();
    while let Some(row) = found.next()? {
        signed.entry(row.get(0)?).or_default().push(signed_by(row, 1)?);
    }
    Ok(signed)
}

/// Says in a statement which of its contract versions were agreed by signature when its period ended, and of which
/// ledger it is.
pub fn complete(
    connection: &Connection,
    row: &CompanyRow,
    known: &KnownContracts,
    statement: &mut Statement,
) -> Result<(), StoreError> {
    statement.ledger = Some(name(connection)?);
    let signed = signatures(connection, row.id, statement.until)?;
    for ((series, version), contract_row) in &known.rows {
        let state = statement.contracts.get_mut(series).and_then(|versions| versions.get_mut(version));
        if let Some((state, by)) = state.zip(signed.get(contract_row)) {
            state.signed.clone_from(by);
        }
    }
    Ok(())
}

/// Names every signature that does not hold for the terms beside it.
pub fn signature_faults(
    connection: &Connection,
    (company, row): (&CompanyId, &CompanyRow),
    known: &KnownContracts,
) -> Result<Vec<Fault>, StoreError> {
    let sql = "SELECT s.contract, s.public, s.signature FROM contract_signatures s
               JOIN contracts c ON c.id = s.contract WHERE c.company = ?1 ORDER BY s.contract, s.public";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query([row.id])?;
    let mut faults = Vec::new();
    while let Some(row) = found.next()? {
        let Some((_, terms)) = known.by_row.get(&row.get(0)?) else { continue };
        let by = row.get(1).ok().map(PublicKey::new).zip(row.get(2).ok().map(Signature::new));
        let holds = by.and_then(|(key, signature)| ContractSignature::check((company, terms), &[key], signature));
        if holds.is_none() {
            let what = format!("a signature under contract {} {} does not hold for it", terms.series, terms.version);
            faults.push(Fault { seq: None, what });
        }
    }
    Ok(faults)
}

fn contract_versions(connection: &Connection, only: Option<&CompanyId>) -> Result<Vec<ContractRow>, StoreError> {
    let companies = only.map_or_else(|| companies(connection), |company| Ok(vec![company.clone()]))?;
    let sql = "SELECT contract, COUNT(*) FROM entries WHERE company = ?1 GROUP BY contract";
    let mut statement = connection.prepare_cached(sql)?;
    let mut versions = Vec::new();
    for company in companies {
        let row = require(connection, &company)?;
        let known = rows::contracts(connection, row.id)?;
        let mut signed = signatures(connection, row.id, Timestamp::MAX)?;
        let counts = statement.query_map([row.id], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
        let counts: HashMap<i64, i64> = counts.collect::<Result<_, _>>()?;
        for id in known.rows.values() {
            let Some((pinned, terms)) = known.by_row.get(id) else { continue };
            versions.push(ContractRow {
                company: company.clone(),
                terms: ContractVersion::clone(terms),
                digest: pinned.digest,
                signed: signed.remove(id).unwrap_or_default(),
                entries: rows::number(counts.get(id).copied().unwrap_or(0))?,
            });
        }
    }
    Ok(versions)
}

fn candidate_keys(connection: &Connection) -> Result<Vec<KeyRow>, StoreError> {
    let sql = "SELECT c.name, k.key_id, k.fingerprint, k.since,
               (SELECT COUNT(*) FROM persons p WHERE p.company = k.company AND p.key_id = k.key_id)
               FROM company_keys k JOIN companies c ON c.id = k.company ORDER BY c.name, k.key_id";
    let mut statement = connection.prepare(sql)?;
    let mut found = statement.query([])?;
    let mut keys = Vec::new();
    while let Some(row) = found.next()? {
        let since: i64 = row.get(3)?;
        keys.push(KeyRow {
            company: super::read::company_id(&row.get::<_, String>(0)?)?,
            id: row.get(1)?,
            fingerprint: row.get(2)?,
            since: (since > 0).then(|| rows::time(since)).transpose()?,
            persons: rows::number(row.get(4)?)?,
        });
    }
    Ok(keys)
}

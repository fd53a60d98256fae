//! The use of hire slots as the operator signs it: his keys, what is to be signed, and who has.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::error::StoreError;
use super::read::require;
use super::rows::{self, CompanyRow, ENTRY_COLUMNS, KnownContracts};
use super::{Store, StoreError as Fault};
use crate::ledger::redemption::{SignatureFault, check_sign, redemption_record};
use crate::ledger::signature::PublicKey;
use crate::ledger::statement::{SignedEntry, Statement};
use crate::ledger::{Act, Deed, Kind};
use crate::referral::CompanyId;

/// The use of a slot, and what is signed of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RedemptionRow {
    /// The entry that says so.
    pub entry: u64,
    /// What the operator signs.
    pub record: String,
    /// Who has, oldest first.
    pub signed: Vec<SignedEntry>,
    /// The keys that the operator has now.
    pub keys: Vec<PublicKey>,
}

impl Store {
    /// The use of a slot; nothing where it was not used yet.
    ///
    /// # Errors
    /// When the company is unknown or the file cannot be read.
    pub async fn redemption(&self, company: &CompanyId, slot: (String, u32)) -> Result<Option<RedemptionRow>, Fault> {
        let company = company.clone();
        self.read(move |c| {
            let row = require(c, &company)?;
            let known = rows::contracts(c, row.id)?;
            find(c, (&row, &company), &known, (&slot.0, slot.1))
        })
        .await
    }
}

/// Notes the keys that a company's file names now.
pub fn note_operator_keys(
    connection: &Connection,
    company: i64,
    keys: &[PublicKey],
    now: Timestamp,
) -> Result<(), StoreError> {
    let at = now.as_microsecond();
    let sql = "UPDATE operator_keys SET gone = ?2 WHERE company = ?1 AND gone IS NULL";
    connection.prepare_cached(sql)?.execute(params![company, at])?;
    let sql = "INSERT INTO operator_keys (company, public, since) VALUES (?1, ?2, ?3)
               ON CONFLICT (company, public) DO UPDATE SET gone = NULL";
    let mut statement = connection.prepare_cached(sql)?;
    for key in keys {
        statement.execute(params![company, key.octets(), at])?;
    }
    Ok(())
}

/// The keys that the operator has, or ever had.
pub fn operator_keys(connection: &Connection, company: i64, ever: bool) -> Result<Vec<PublicKey>, StoreError> {
    let sql = "SELECT public FROM operator_keys WHERE company = ?1 AND (?2 OR gone IS NULL) ORDER BY since, public";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query(params![company, ever])?;
    let mut keys = Vec::new();
    while let Some(row) = found.next()? {
        // A key of another length is none, and whatever it signed is named.
        keys.extend(row.get(0).ok().map(PublicKey::new));
    }
    Ok(keys)
}

/// The use of a slot.
pub fn find(
    connection: &Connection,
    (row, company): (&CompanyRow, &CompanyId),
    known: &KnownContracts,
    (series, cycle): (&str, u32),
) -> Result<Option<RedemptionRow>, StoreError> {
    let sql = format!(
        "SELECT {ENTRY_COLUMNS}, (SELECT record FROM acts a WHERE a.company = e.company AND a.seq = e.seq)
         FROM entries e WHERE company = ?1 AND seq IN (SELECT seq FROM acts WHERE company = ?1)
         AND kind IN (?2, ?3) AND cycle = ?4 ORDER BY seq"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let kinds = (Kind::Redeemed.number(), Kind::Signed.number());
    let mut entries = statement.query(params![row.id, kinds.0, kinds.1, cycle])?;
    let mut found: Option<RedemptionRow> = None;
    while let Some(row) = entries.next()? {
        let (entry, hash, _) = rows::entry(row, known)?;
        if entry.contract.series != series {
            continue;
        }
        let act = read_act(row.get::<_, Option<String>>(12)?, entry.seq)?;
        match &mut found {
            None => {
                let record = redemption_record(company, (&entry, &hash), &act);
                found = Some(RedemptionRow { entry: entry.seq, record, signed: Vec::new(), keys: Vec::new() });
            }
            Some(of) => of.signed.push(SignedEntry { entry: entry.seq, at: entry.at, key: key_of(&act) }),
        }
    }
    if let Some(of) = &mut found {
        of.keys = operator_keys(connection, row.id, false)?;
    }
    Ok(found)
}

fn read_act(record: Option<String>, seq: u64) -> Result<Act, StoreError> {
    let damaged = |why: String| StoreError::Damaged(format!("act of entry {seq}: {why}"));
    let record = record.ok_or_else(|| damaged("it is not there".to_owned()))?;
    Act::read(&record).map_err(|e| damaged(e.to_string()))
}

fn key_of(act: &Act) -> Option<PublicKey> {
    if let Deed::Sign { key, .. } = &act.deed { PublicKey::parse(key) } else { None }
}

/// Whether the operator's signature that a deed enters holds for the use of the slot.
pub fn check(of: Option<&RedemptionRow>, deed: &Deed) -> Result<(), SignatureFault> {
    let (seq, record, keys) = of.map_or((0, "", &[][..]), |of| (of.entry, of.record.as_str(), &of.keys[..]));
    let key = check_sign(deed, (seq, record), keys)?;
    let before = of.is_some_and(|of| of.signed.iter().any(|signed| signed.key == Some(key)));
    if before { Err(SignatureFault::Again) } else { Ok(()) }
}

/// Says in a statement whose the signatures under the slots are that were used.
pub fn complete(connection: &Connection, row: &CompanyRow, statement: &mut Statement) -> Result<(), StoreError> {
    let sql = "SELECT record FROM acts WHERE company = ?1 AND seq = ?2";
    let mut acts = connection.prepare_cached(sql)?;
    let used = statement.pools.values_mut().flat_map(|pool| pool.redemptions.values_mut());
    for signed in used.flat_map(|of| &mut of.signed) {
        let mut found = acts.query(params![row.id, rows::signed(signed.entry)])?;
        let record = found.next()?.map(|row| row.get::<_, String>(0)).transpose()?;
        signed.key = record.and_then(|record| key_of(&Act::read(&record).ok()?));
    }
    Ok(())
}

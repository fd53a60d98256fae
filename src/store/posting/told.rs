//! Posting what the operator tells: of persons, each once by its content, and of months, as totals.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::corrections::tentatively;
use super::{About, OpenLedger};
use crate::ledger::{Act, ActDigest, Deed, Evidence, Grant, Kind, Proves, hear};
use crate::referral::{CandidateKey, CompanyId};
use crate::store::error::StoreError;
use crate::store::read::require;
use crate::store::rows;

/// The route of what no mail path has told.
const OPERATOR: &str = "operator";

/// What the operator tells of one person.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Told {
    /// When it happened.
    pub at: Timestamp,
    /// Of whom.
    pub candidate: CandidateKey,
    /// What.
    pub kind: Kind,
    /// The contract series of the link by which he is named.
    pub series: String,
}

/// How many people came to a stage in a month.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Total {
    /// The month, such as `2026-11`.
    pub month: String,
    /// The stage.
    pub kind: Kind,
    /// How many.
    pub people: u64,
}

/// What one file of the operator tells of one company.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Import {
    /// Whose referrals.
    pub company: CompanyId,
    /// Of persons.
    pub told: Vec<Told>,
    /// Of months.
    pub totals: Vec<Total>,
    /// The import: who, why, and the digest of the file.
    pub act: Act,
    /// Whether it is only told what would be.
    pub dry_run: bool,
}

/// What an import added.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Entered {
    /// New entries about persons, by kind.
    pub entries: BTreeMap<Kind, u64>,
    /// What was known already.
    pub known: u64,
    /// What was told of persons who are erased meanwhile.
    pub unknown: u64,
    /// Credits made.
    pub credits: u64,
    /// New totals.
    pub totals: u64,
    /// Slots granted.
    pub grants: Vec<Grant>,
}

/// Enters what a file tells: all of it in one commit. What was entered before adds nothing.
pub fn import(connection: &Connection, wanted: &Import, now: Timestamp) -> Result<Entered, StoreError> {
    wanted.act.check().map_err(StoreError::BadAct)?;
    let row = require(connection, &wanted.company)?;
    tentatively(connection, wanted.dry_run, || {
        let mut entered = Entered::default();
        for total in &wanted.totals {
            entered.totals += u64::from(enter_total(connection, row.id, (total, &wanted.act), now)?);
        }
        entered.known += wanted.totals.len() as u64 - entered.totals;
        let mut ledger = OpenLedger::open(connection, &wanted.company, row, now)?;
        // By the time of what happened, so that one list gives the same however its rows are mixed.
        let mut told: Vec<&Told> = wanted.told.iter().collect();
        told.sort_unstable();
        told.dedup();
        entered.known += (wanted.told.len() - told.len()) as u64;
        let mut act = None;
        for told in told {
            ledger.hear(told, (&wanted.act, &mut act), &mut entered)?;
        }
        entered.grants = ledger.close()?;
        Ok(entered)
    })
}

/// Enters a total, if the newest of its month and stage is another.
fn enter_total(
    connection: &Connection,
    company: i64,
    (total, act): (&Total, &Act),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "SELECT people FROM operator_totals WHERE company = ?1 AND month = ?2 AND stage = ?3
               ORDER BY seq DESC LIMIT 1";
    let values = params![company, total.month, total.kind.code()];
    let known: Option<i64> = connection.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()?;
    let people = rows::signed(total.people);
    if known == Some(people) {
        return Ok(false);
    }
    let file = if let Deed::Import { file } = &act.deed { file.as_str() } else { "" };
    let sql = "INSERT INTO operator_totals (company, at, actor, file, month, stage, people)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let values = params![company, now.as_microsecond(), act.actor, file, total.month, total.kind.code(), people];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(true)
}

impl OpenLedger<'_> {
    /// Posts what is told of one person. The act is kept behind the first entry that stands on it.
    fn hear(
        &mut self,
        told: &Told,
        (act, kept): (&Act, &mut Option<ActDigest>),
        entered: &mut Entered,
    ) -> Result<(), StoreError> {
        let Told { at, candidate, kind, series } = told;
        let told_by = |proves: &Proves| proves.told() == Some(*kind);
        let proves = Proves::TOLD.into_iter().find(told_by);
        let proves = proves.ok_or_else(|| StoreError::Damaged(format!("the operator tells {}", kind.code())))?;
        let Some(person) = self.find_by_key(candidate)? else {
            entered.unknown += 1;
            return Ok(());
        };
        let at = rows::time(at.as_microsecond())?;
        let transaction = format!("{OPERATOR} {at}");
        let evidence =
            Evidence { series, transaction: &transaction, recipient: 0, proves, route: OPERATOR, inserted: false };
        let id = evidence.id(self.company, candidate);
        let mut statement = self.connection.prepare_cached("SELECT 1 FROM events WHERE person = ?1 AND id = ?2")?;
        if statement.exists(params![person.id, id])? {
            entered.known += 1;
            return Ok(());
        }
        let digest = match *kept {
            Some(digest) => digest,
            None => *kept.insert(self.keep_act(act)?),
        };
        let (contract_row, pool) = self.open_pool(&Arc::clone(&person.referral.contract))?;
        let posting = hear(person.referral, *kind, at, pool);
        let candidate = *candidate;
        let about = About { person: person.id, salt: person.salt, candidate, evidence, at, act: Some(digest) };
        self.record(&posting, contract_row, &about)?;
        *entered.entries.entry(*kind).or_default() += 1;
        entered.credits += u64::from(posting.entries.first().is_some_and(|entry| entry.worth > 0));
        Ok(())
    }
}

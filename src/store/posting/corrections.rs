//! Posting corrections and disputes: reads what they are about, asks the rules, writes the entry with its act.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::OpenLedger;
use super::entries::Behind;
use crate::ledger::chain::Hash;
use crate::ledger::{Act, ActDigest, Correction, Deed, Dispute, Grant, Kind, LateBounce, NewEntry, Pool, correct};
use crate::referral::CompanyId;
use crate::store::disputes;
use crate::store::error::StoreError;
use crate::store::read::require;
use crate::store::rows::{self, signed};

/// Who corrects what, or does what to a dispute.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CountAct {
    /// Whose count.
    pub company: CompanyId,
    /// The contract series of a dispute that is opened; the only one when absent.
    pub series: Option<String>,
    /// What is done, by whom, and why.
    pub act: Act,
    /// Whether it is only told what would be.
    pub dry_run: bool,
}

/// What such an act made.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Corrected {
    /// The entry, or the one it would be.
    pub seq: u64,
    /// What waits for the next slot behind it, and slots granted ever.
    pub pool: Pool,
    /// Slots it grants.
    pub grants: Vec<Grant>,
    /// Numbers of the slots it voids.
    pub voided: Vec<u32>,
}

/// Does such an act.
pub fn act_on_count(connection: &Connection, wanted: &CountAct, now: Timestamp) -> Result<Corrected, StoreError> {
    wanted.act.check().map_err(StoreError::BadAct)?;
    let row = require(connection, &wanted.company)?;
    tentatively(connection, wanted.dry_run, || {
        let mut ledger = OpenLedger::open(connection, &wanted.company, row, now)?;
        let mut corrected = match &wanted.act.deed {
            Deed::Reverse { entry } => ledger.reverse(*entry, &wanted.act)?,
            _ => ledger.act_on_dispute(wanted)?,
        };
        corrected.grants = ledger.close()?;
        Ok(corrected)
    })
}

/// Runs a command so that nothing of it stays when it fails, or is only told what would be.
pub(super) fn tentatively<T>(
    connection: &Connection,
    dry_run: bool,
    run: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.execute_batch("SAVEPOINT tentative")?;
    let done = run();
    let undo = if dry_run || done.is_err() { "ROLLBACK TO tentative; " } else { "" };
    connection.execute_batch(&format!("{undo}RELEASE tentative"))?;
    done
}

/// An entry that is to be given back.
struct Credit {
    contract_row: i64,
    person: Hash,
    event: Hash,
    worth: i64,
}

impl OpenLedger<'_> {
    fn reverse(&mut self, target: u64, act: &Act) -> Result<Corrected, StoreError> {
        self.write_pending()?;
        let credit = self.credit(target)?.ok_or(StoreError::NoCredit(target))?;
        let sql = "SELECT seq FROM reversals WHERE company = ?1 AND target = ?2";
        let values = params![self.row.id, signed(target)];
        let known: Option<i64> = self.connection.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()?;
        if let Some(seq) = known {
            return Err(StoreError::CreditGone(target, rows::number(seq)?));
        }
        if let Some(seq) = self.bounced_since(target, &credit)? {
            return Err(StoreError::CreditGone(target, seq));
        }
        let seq = self.row.seq + 1;
        let behind = self.behind(credit.contract_row, (credit.person, credit.event))?;
        let corrected = self.correct((Kind::Reversed, -credit.worth), &behind, act)?;
        let sql = "INSERT INTO reversals (company, target, seq, person) VALUES (?1, ?2, ?3, ?4)";
        let values = params![self.row.id, signed(target), signed(seq), credit.person];
        self.connection.prepare_cached(sql)?.execute(values)?;
        Ok(corrected)
    }

    fn credit(&self, seq: u64) -> Result<Option<Credit>, StoreError> {
        let sql = "SELECT contract, person, event, worth FROM entries
                   WHERE company = ?1 AND seq = ?2 AND worth > 0 AND person IS NOT NULL";
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Credit { contract_row: row.get(0)?, person: row.get(1)?, event: row.get(2)?, worth: row.get(3)? })
        };
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row(params![self.row.id, signed(seq)], read).optional()?)
    }

    /// The bounce that took the credit back. Read from the entries alone, so that it is known of erased persons too.
    fn bounced_since(&self, target: u64, credit: &Credit) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT seq, kind FROM entries WHERE company = ?1 AND seq > ?2 AND person = ?3
                   AND (kind = 1 OR kind = 6 AND worth < 0) ORDER BY seq LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, u8>(1)?));
        let next = statement.query_row(params![self.row.id, signed(target), credit.person], read).optional()?;
        let bounced = next.filter(|(_, kind)| *kind == Kind::Bounced.number());
        bounced.map(|(seq, _)| rows::number(seq)).transpose()
    }

    /// Whether the credit of a person's newest referral was given back.
    pub(super) fn is_reversed(&self, commitment: &Hash, person: i64) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM reversals WHERE company = ?1 AND person = ?2
                   AND target >= (SELECT MAX(o.seq) FROM events o JOIN entries n ON n.company = ?1 AND n.seq = o.seq
                                  WHERE o.person = ?3 AND n.kind = 1)";
        Ok(self.connection.prepare_cached(sql)?.exists(params![self.row.id, commitment, person])?)
    }

    fn act_on_dispute(&mut self, wanted: &CountAct) -> Result<Corrected, StoreError> {
        self.write_pending()?;
        let deed = &wanted.act.deed;
        if matches!(deed, Deed::Dispute { .. }) {
            Dispute::open(deed, self.posted, self.row.seq).map_err(|fault| StoreError::DisputeRefused(0, fault))?;
            let contract_row = self.series_contract(wanted.series.as_deref())?;
            let behind = self.behind(contract_row, ([0; 32], [0; 32]))?;
            return self.correct((Kind::Disputed, 0), &behind, &wanted.act);
        }
        let (id, worth) = match deed {
            Deed::Answer { dispute } | Deed::Accept { dispute } | Deed::Reject { dispute } => (*dispute, 0),
            Deed::Adjust { dispute, credits } => (*dispute, *credits),
            _ => return Err(StoreError::NoDispute(0)),
        };
        let mut known = disputes::disputes(self.connection, self.row.id)?;
        let found = known.iter_mut().find(|row| row.id == id).ok_or(StoreError::NoDispute(id))?;
        let kind = found.dispute.step(deed).map_err(|fault| StoreError::DisputeRefused(id, fault))?;
        let behind = self.behind(found.contract_row, ([0; 32], [0; 32]))?;
        self.correct((kind, worth), &behind, &wanted.act)
    }

    /// The contract version a series was used with last; that of the only series when none is named.
    fn series_contract(&self, wanted: Option<&str>) -> Result<i64, StoreError> {
        let series = if let Some(series) = wanted {
            series.to_owned()
        } else {
            let mut all: Vec<&str> = self.known.rows.keys().map(|(series, _)| series.as_str()).collect();
            all.dedup();
            match all[..] {
                [one] => one.to_owned(),
                _ => return Err(StoreError::WhichSeries(all.iter().map(ToString::to_string).collect())),
            }
        };
        let sql = "SELECT contract FROM pools WHERE company = ?1 AND series = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let used = statement.query_row(params![self.row.id, series], |row| row.get(0)).optional()?;
        let newest = || self.known.rows.iter().rev().find(|((of, _), _)| *of == series).map(|(_, row)| *row);
        let unknown = || StoreError::WhichSeries(self.known.rows.keys().map(|(series, _)| series.clone()).collect());
        used.or_else(newest).ok_or_else(unknown)
    }

    fn behind(&self, contract_row: i64, (person, event): (Hash, Hash)) -> Result<Behind, StoreError> {
        let contract = self.pinned(contract_row)?;
        Ok(Behind { contract, contract_row, person, event, wording: None, act: None, at: self.posted })
    }

    /// Writes a correction with its act, and what it makes of slots without.
    fn correct(&mut self, what: (Kind, i64), behind: &Behind, act: &Act) -> Result<Corrected, StoreError> {
        let contract = self.known.by_row.get(&behind.contract_row).map(|(_, version)| std::sync::Arc::clone(version));
        let contract = contract.ok_or_else(|| StoreError::Damaged("a ruling contract".to_owned()))?;
        let pool = self.pool(&contract.series, behind.contract_row)?;
        let claws = what.1 < 0 && contract.late_bounce == LateBounce::Clawback;
        let free = if claws { self.slots(&contract.series)? } else { Vec::new() };
        let Correction { entries, pool } = correct(what, &contract, pool, &free);
        self.pools.insert(contract.series.clone(), (pool, behind.contract_row));
        let (first, others) = entries.split_at(1);
        let digest = self.keep_act(act)?;
        self.append(first, &Behind { act: Some(digest), ..behind.clone() })?;
        let seq = self.row.seq;
        self.append(others, behind)?;
        let voids = |entry: &&NewEntry| entry.kind == Kind::Voided;
        let voided = others.iter().filter(voids).map(|entry| entry.cycle).collect();
        Ok(Corrected { seq, pool, grants: Vec::new(), voided })
    }

    /// Keeps an act behind the next entry.
    pub(super) fn keep_act(&self, act: &Act) -> Result<ActDigest, StoreError> {
        let record = act.record().map_err(|e| StoreError::Database(e.to_string()))?;
        let digest = Act::digest(&record);
        let sql = "INSERT INTO acts (company, seq, digest, record) VALUES (?1, ?2, ?3, ?4)";
        let values = params![self.row.id, signed(self.row.seq + 1), digest, record];
        self.connection.prepare_cached(sql)?.execute(values)?;
        Ok(digest)
    }
}

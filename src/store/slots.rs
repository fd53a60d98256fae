//! Hire slots as they stand, and the acts that brought them there.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::error::StoreError;
use super::posting::{self, Acted, SlotAct};
use super::read::require;
use super::rows;
use super::writer::Command;
use super::{Store, StoreError as Fault};
use crate::ledger::{Act, ActDigest, SlotStage};
use crate::referral::CompanyId;

/// One slot, and what was done to it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SlotRow {
    /// The contract series that paid for it.
    pub series: String,
    /// Its number in the series, from 1.
    pub cycle: u32,
    /// What it cost, in credits.
    pub threshold: u32,
    /// When the credit that made it due was counted.
    pub granted: Timestamp,
    /// How far it has come.
    pub stage: SlotStage,
    /// Until when it is reserved.
    pub deadline: Option<Timestamp>,
    /// Days from the grant before which it cannot be redeemed, by its contract version.
    pub review_days: u32,
    /// Days from the grant after which it is over while nobody uses it, by its contract version.
    pub expiry_days: Option<u32>,
    /// What was done to it, oldest first: the entry, when, and the act.
    pub acts: Vec<(u64, Timestamp, Act)>,
}

impl Store {
    /// Does an act upon a slot: the entry, the act it stands on, and the slot's state in one commit.
    ///
    /// # Errors
    /// When there is no such slot, the deed does not follow, or nothing was committed.
    pub async fn act_on_slot(&self, act: SlotAct) -> Result<Acted, Fault> {
        self.ask(|reply| Command::Act(Box::new(act), reply)).await
    }

    /// Lets the clock do what the contracts say: ends reservations and free slots whose time is over.
    ///
    /// # Errors
    /// When nothing was committed.
    pub async fn let_time_pass(&self) -> Result<(), Fault> {
        self.ask(Command::LetTimePass).await
    }

    /// Every slot of a company with its acts, oldest first within its series.
    ///
    /// # Errors
    /// When the company is unknown or the file cannot be read.
    pub async fn slots(&self, company: &CompanyId) -> Result<Vec<SlotRow>, Fault> {
        let company = company.clone();
        self.read(move |c| slots(c, &company)).await
    }
}

pub fn let_time_pass(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    posting::let_time_pass(connection, now).map(|_| ())
}

fn slots(connection: &Connection, company: &CompanyId) -> Result<Vec<SlotRow>, StoreError> {
    let row = require(connection, company)?;
    let mut acts = acts_by_slot(connection, row.id)?;
    let mut statement = connection.prepare_cached(
        "SELECT g.series, g.cycle, g.threshold, g.at, g.stage, g.deadline, c.review_days, c.slot_expiry_days
         FROM grants g JOIN entries e ON e.company = g.company AND e.seq = g.seq JOIN contracts c ON c.id = e.contract
         WHERE g.company = ?1 ORDER BY g.series, g.cycle",
    )?;
    let mut found = statement.query([row.id])?;
    let mut slots = Vec::new();
    while let Some(row) = found.next()? {
        let (series, cycle): (String, u32) = (row.get(0)?, row.get(1)?);
        let deadline: Option<i64> = row.get(5)?;
        slots.push(SlotRow {
            acts: acts.remove(&(series.clone(), cycle)).unwrap_or_default(),
            series,
            cycle,
            threshold: row.get(2)?,
            granted: rows::time(row.get(3)?)?,
            stage: stage(row.get(4)?)?,
            deadline: deadline.map(rows::time).transpose()?,
            review_days: row.get(6)?,
            expiry_days: row.get(7)?,
        });
    }
    Ok(slots)
}

type Acts = Vec<(u64, Timestamp, Act)>;

fn acts_by_slot(connection: &Connection, company: i64) -> Result<HashMap<(String, u32), Acts>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT c.series, e.cycle, a.seq, e.at, a.record FROM acts a
         JOIN entries e ON e.company = a.company AND e.seq = a.seq JOIN contracts c ON c.id = e.contract
         WHERE a.company = ?1 AND e.cycle > 0 ORDER BY a.seq",
    )?;
    let mut found = statement.query([company])?;
    let mut acts: HashMap<(String, u32), Acts> = HashMap::new();
    while let Some(row) = found.next()? {
        let seq = rows::number(row.get(2)?)?;
        let record = row.get_ref(4)?.as_str().map_err(|e| StoreError::Damaged(e.to_string()))?;
        let act = Act::read(record).map_err(|e| StoreError::Damaged(format!("act of entry {seq}: {e}")))?;
        acts.entry((row.get(0)?, row.get(1)?)).or_default().push((seq, rows::time(row.get(3)?)?, act));
    }
    Ok(acts)
}

/// The acts that are kept as their digest says; one that was changed is left out, and its entry will say so.
pub fn whole(connection: &Connection, company: i64) -> Result<HashMap<ActDigest, Act>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT digest, record FROM acts WHERE company = ?1")?;
    let mut found = statement.query(params![company])?;
    let mut acts = HashMap::new();
    while let Some(row) = found.next()? {
        let digest: ActDigest = row.get(0)?;
        let record = row.get_ref(1)?.as_str().map_err(|e| StoreError::Damaged(e.to_string()))?;
        if Act::digest(record) == digest
            && let Ok(act) = Act::read(record)
        {
            acts.insert(digest, act);
        }
    }
    Ok(acts)
}

/// A stage from its number.
pub fn stage(number: u8) -> Result<SlotStage, StoreError> {
    SlotStage::from_number(number).ok_or_else(|| StoreError::Damaged("a slot's stage".to_owned()))
}

//! Disputes as they stand, and every step that brought them there.

use jiff::Timestamp;
use rusqlite::Connection;

use super::error::StoreError;
use super::posting::{Corrected, CountAct};
use super::read::require;
use super::rows;
use super::writer::Command;
use super::{Store, StoreError as Fault};
use crate::ledger::{Act, Deed, Dispute};
use crate::referral::CompanyId;

/// One dispute.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DisputeRow {
    /// The number of the entry that opened it.
    pub id: u64,
    /// The contract series it is about.
    pub series: String,
    /// How far it has come, and until when an answer is expected.
    pub dispute: Dispute,
    /// Every step, oldest first: the entry, when, and the act; the first one opened it.
    pub acts: Vec<(u64, Timestamp, Act)>,
    pub(super) contract_row: i64,
}

impl Store {
    /// Gives a credit back, or does something to a dispute: entry and act in one commit.
    ///
    /// # Errors
    /// When it does not follow, or nothing was committed.
    pub async fn act_on_count(&self, act: CountAct) -> Result<Corrected, Fault> {
        self.ask(|reply| Command::Count(Box::new(act), reply)).await
    }

    /// The disputes of a company, oldest first.
    ///
    /// # Errors
    /// When the company is unknown or the file cannot be read.
    pub async fn disputes(&self, company: &CompanyId) -> Result<Vec<DisputeRow>, Fault> {
        let company = company.clone();
        self.read(move |c| disputes(c, require(c, &company)?.id)).await
    }
}

/// The disputes of a company by its row. What cannot be replayed is left out; `verify` names it.
pub fn disputes(connection: &Connection, company: i64) -> Result<Vec<DisputeRow>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT a.seq, e.at, a.record, e.contract, c.series FROM acts a
         JOIN entries e ON e.company = a.company AND e.seq = a.seq JOIN contracts c ON c.id = e.contract
         WHERE a.company = ?1 AND e.kind IN (16, 21) ORDER BY a.seq",
    )?;
    let mut found = statement.query([company])?;
    let mut disputes: Vec<DisputeRow> = Vec::new();
    while let Some(row) = found.next()? {
        let (seq, at) = (rows::number(row.get(0)?)?, rows::time(row.get(1)?)?);
        let record = row.get_ref(2)?.as_str().map_err(|e| StoreError::Damaged(e.to_string()))?;
        let act = Act::read(record).map_err(|e| StoreError::Damaged(format!("act of entry {seq}: {e}")))?;
        match &act.deed {
            Deed::Dispute { .. } => {
                let Ok(dispute) = Dispute::open(&act.deed, at, seq - 1) else { continue };
                let (contract_row, series) = (row.get(3)?, row.get(4)?);
                disputes.push(DisputeRow { id: seq, series, dispute, acts: vec![(seq, at, act)], contract_row });
            }
            Deed::Answer { dispute }
            | Deed::Accept { dispute }
            | Deed::Reject { dispute }
            | Deed::Adjust { dispute, .. } => {
                let known = disputes.iter_mut().find(|known| known.id == *dispute);
                if let Some(known) = known
                    && known.dispute.step(&act.deed).is_ok()
                {
                    known.acts.push((seq, at, act));
                }
            }
            _ => {}
        }
    }
    Ok(disputes)
}

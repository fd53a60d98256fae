//! Posting that a signal of fraud was cleared: an entry that stands on the act, and changes no credit.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::OpenLedger;
use super::entries::Behind;
use crate::ledger::{Act, Deed, Kind, NewEntry};
use crate::store::error::StoreError;
use crate::store::rows::{self, signed};
use crate::store::signals::{self, SignalClear};

/// Clears a signal that is open, up to the newest entry: the number of the entry that says so.
pub fn clear_signal(connection: &Connection, wanted: &SignalClear, now: Timestamp) -> Result<u64, StoreError> {
    let SignalClear { company, name, actor, reason, dry_run } = wanted;
    let row = rows::company(connection, company)?.ok_or_else(|| StoreError::NoCompany(company.clone()))?;
    let deed = Deed::Clear { signal: name.code().to_owned(), up_to: row.seq };
    let act = Act { actor: actor.clone(), reason: reason.clone(), deed };
    act.check().map_err(StoreError::BadAct)?;
    if !signals::is_open(connection, &row, (company, *name), now)? {
        return Err(StoreError::NoSignal { company: company.clone(), name: name.code() });
    }
    if *dry_run {
        return Ok(0);
    }
    let mut ledger = OpenLedger::open(connection, company, row, now)?;
    let seq = ledger.write_clear(&act)?;
    ledger.close()?;
    Ok(seq)
}

impl OpenLedger<'_> {
    /// It is pinned to the contract version of the newest entry: a signal is of no series.
    fn write_clear(&mut self, act: &Act) -> Result<u64, StoreError> {
        let sql = "SELECT contract FROM entries WHERE company = ?1 ORDER BY seq DESC LIMIT 1";
        let contract_row = self.connection.prepare_cached(sql)?.query_row([self.row.id], |row| row.get(0))?;
        let record = act.record().map_err(|e| StoreError::Database(e.to_string()))?;
        let digest = Act::digest(&record);
        let behind = Behind {
            contract: self.pinned(contract_row)?,
            contract_row,
            person: [0; 32],
            event: [0; 32],
            wording: None,
            act: Some(digest),
            at: self.posted,
        };
        self.append(&[NewEntry { kind: Kind::Cleared, worth: 0, cycle: 0 }], &behind)?;
        let sql = "INSERT INTO acts (company, seq, digest, record) VALUES (?1, ?2, ?3, ?4)";
        self.connection.prepare_cached(sql)?.execute(params![self.row.id, signed(self.row.seq), digest, record])?;
        Ok(self.row.seq)
    }
}

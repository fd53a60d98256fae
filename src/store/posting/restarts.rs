//! Counting that begins anew with a contract version of another threshold: an entry in front of its first referral.

use jiff::Timestamp;
use rusqlite::params;

use super::OpenLedger;
use super::entries::Behind;
use crate::ledger::{AtNewThreshold, ContractVersion, restart};
use crate::store::error::StoreError;

impl OpenLedger<'_> {
    /// Lets lapse what waits, if this version says so and nothing stands under it yet.
    pub(super) fn begin_anew(
        &mut self,
        contract: &ContractVersion,
        contract_row: i64,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        if contract.at_new_threshold == AtNewThreshold::Carry || self.has_begun(contract_row)? {
            return Ok(());
        }
        let mut pool = self.pool(&contract.series, contract_row)?;
        let entry = restart(&mut pool);
        self.pools.insert(contract.series.clone(), (pool, contract_row));
        let pinned = self.pinned(contract_row)?;
        let (person, event) = ([0; 32], [0; 32]);
        let behind = Behind { contract: pinned, contract_row, person, event, wording: None, act: None, at };
        self.append(&[entry], &behind)
    }

    fn has_begun(&mut self, contract_row: i64) -> Result<bool, StoreError> {
        self.write_pending()?;
        // Of kind `restarted`, written out for the index of those few.
        let sql =
            "SELECT 1 FROM entries INDEXED BY entries_restarted WHERE company = ?1 AND contract = ?2 AND kind = 22";
        Ok(self.connection.prepare_cached(sql)?.exists(params![self.row.id, contract_row])?)
    }
}

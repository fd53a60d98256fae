//! Writes entries to the end of a company's chain, with the slots they grant.

use jiff::Timestamp;
use rusqlite::params;

use super::OpenLedger;
use crate::ledger::chain::{Hash, link};
use crate::ledger::{ActDigest, ContractRef, Entry, Grant, Kind, NewEntry};
use crate::referral::wording::WordingDigest;
use crate::store::error::StoreError;
use crate::store::rows::signed;

/// What stands behind the entries of one event or act.
#[derive(Clone)]
pub(super) struct Behind {
    pub contract: ContractRef,
    pub contract_row: i64,
    pub person: Hash,
    pub event: Hash,
    pub wording: Option<WordingDigest>,
    pub act: Option<ActDigest>,
    pub at: Timestamp,
}

impl OpenLedger<'_> {
    /// Adds entries to the end of the chain, and what is derived from those about slots.
    pub(super) fn append(&mut self, entries: &[NewEntry], behind: &Behind) -> Result<(), StoreError> {
        for new in entries {
            let personal = new.kind.is_personal();
            let entry = Entry {
                seq: self.row.seq + 1,
                new: new.clone(),
                contract: behind.contract.clone(),
                person: if personal { behind.person } else { [0; 32] },
                event: if personal { behind.event } else { [0; 32] },
                wording: behind.wording.filter(|_| personal),
                act: behind.act,
                at: behind.at,
                posted: self.posted,
            };
            let hash = link(&self.row.head, &entry);
            (self.row.seq, self.row.head) = (entry.seq, hash);
            match new.kind {
                Kind::Granted => self.grant(new, &entry)?,
                Kind::Voided => self.void(&entry)?,
                _ => {}
            }
            self.pending.add(self.connection, self.row.id, (entry, behind.contract_row, hash))?;
        }
        Ok(())
    }

    fn grant(&mut self, new: &NewEntry, entry: &Entry) -> Result<(), StoreError> {
        let grant = Grant {
            company: self.company.clone(),
            series: entry.contract.series.clone(),
            cycle: new.cycle,
            seq: entry.seq,
            threshold: u32::try_from(-new.worth).unwrap_or(u32::MAX),
            at: entry.at,
        };
        self.connection
            .prepare_cached(
                "INSERT INTO grants (company, series, cycle, seq, threshold, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                self.row.id,
                grant.series,
                grant.cycle,
                signed(grant.seq),
                grant.threshold,
                grant.at.as_microsecond(),
            ])?;
        self.connection
            .prepare_cached("INSERT INTO notices (company, series, cycle) VALUES (?1, ?2, ?3)")?
            .execute(params![self.row.id, grant.series, grant.cycle])?;
        self.grants.push(grant);
        Ok(())
    }
}

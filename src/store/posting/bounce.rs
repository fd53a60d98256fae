//! Posting late bounces: finds the evidence they take back, and keeps those that come before it.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::{About, OpenLedger, Person};
use crate::ledger::chain::commit_person;
use crate::ledger::{
    Beside, ContractVersion, Entry, Evidence, LateBounce, Proves, ReferralEvent, Unpostable, take_back,
};
use crate::referral::CompanyId;
use crate::store::error::StoreError;
use crate::store::rows::signed;

/// Whether bounces of this company wait for the acceptance of their mail.
pub(super) fn waits(connection: &Connection, company: &CompanyId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM parked WHERE company = ?1 AND reason = ?2 LIMIT 1";
    let code = Unpostable::ReferralUnknown.code();
    Ok(connection.prepare_cached(sql)?.exists(params![company.as_str(), code])?)
}

/// Takes the bounce out that has waited for this acceptance.
pub(super) fn take_early(connection: &Connection, event: &ReferralEvent) -> Result<Option<ReferralEvent>, StoreError> {
    let evidence = Evidence { proves: Proves::Bounced, ..event.evidence() };
    let id = evidence.id(&event.company, &event.candidate);
    let mut statement = connection.prepare_cached("DELETE FROM parked WHERE id = ?1 RETURNING event")?;
    let json: Option<String> = statement.query_row([id], |row| row.get(0)).optional()?;
    let read =
        |text: String| serde_json::from_str(&text).map_err(|e| StoreError::Damaged(format!("parked event: {e}")));
    json.map(read).transpose()
}

impl OpenLedger<'_> {
    /// Posts a bounce, or says that the mail it speaks of is not known yet.
    pub(super) fn post_bounce(
        &mut self,
        event: &ReferralEvent,
        person: Option<Person>,
    ) -> Result<Result<bool, Unpostable>, StoreError> {
        self.write_pending()?;
        let known = match person {
            Some(person) if self.has_evidence(event, person.id)? => Some(person),
            _ => None,
        };
        let Some(Person { id: person, salt, referral, .. }) = known else {
            self.early_bounces = true;
            return Ok(Err(Unpostable::ReferralUnknown));
        };
        let contract = Arc::clone(&referral.contract);
        let (contract_row, pool) = self.open_pool(&contract)?;
        let slots =
            if contract.late_bounce == LateBounce::Clawback { self.slots(&contract.series)? } else { Vec::new() };
        let credit_stands = self.credit_stands(event, person, &contract)?;
        let reversed = self.is_reversed(&commit_person(&salt, &event.candidate), person)?;
        let posting = take_back(referral, pool, Beside { credit_stands, reversed, free_slots: &slots });
        let (evidence, candidate) = (event.evidence(), event.candidate);
        self.record(&posting, contract_row, &About { person, salt, candidate, evidence, at: event.at, act: None })?;
        Ok(Ok(true))
    }

    fn has_evidence(&self, event: &ReferralEvent, person: i64) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM events WHERE person = ?1 AND transaction_id = ?2 AND recipient = ?3
                   AND proves NOT IN ('bounced', 'lapsed')";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.exists(params![person, event.transaction, event.recipient])?)
    }

    /// Whether other evidence of the person's newest referral makes the credit by itself: evidence posted since that
    /// was offered, which has not bounced.
    fn credit_stands(
        &self,
        event: &ReferralEvent,
        person: i64,
        contract: &ContractVersion,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM events e WHERE e.person = ?1
                   AND (e.proves IN ('delivered', 'delivered_hiding', 'reported', 'presumed')
                        OR ?6 AND e.proves = 'observed'
                        OR ?4 = 'accepted' AND e.proves IN ('accepted', 'accepted_tagged'))
                   AND NOT (e.transaction_id = ?2 AND e.recipient = ?3)
                   AND e.seq >= (SELECT MAX(o.seq) FROM events o
                                 JOIN entries n ON n.company = ?5 AND n.seq = o.seq
                                 WHERE o.person = ?1 AND n.kind = 1)
                   AND NOT EXISTS (SELECT 1 FROM events b WHERE b.person = ?1 AND b.proves = 'bounced'
                                   AND b.transaction_id = e.transaction_id AND b.recipient = e.recipient)";
        let mut statement = self.connection.prepare_cached(sql)?;
        let (count_on, observed) = (contract.count_on.code(), contract.count_observed);
        let values = params![person, event.transaction, event.recipient, count_on, self.row.id, observed];
        Ok(statement.exists(values)?)
    }

    /// The free slots of a series: neither voided nor over nor in use.
    pub(super) fn slots(&self, series: &str) -> Result<Vec<(u32, i64)>, StoreError> {
        let sql = "SELECT cycle, threshold FROM grants WHERE company = ?1 AND series = ?2 AND stage = 1 ORDER BY cycle";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_map(params![self.row.id, series], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// Notes which entry voided a slot. While no courier has the mail it is in, none tells of it: those that stand in
    /// one mail with it are gathered anew, for a mail has the name of its first slot.
    pub(super) fn void(&mut self, entry: &Entry) -> Result<(), StoreError> {
        let sql = "UPDATE grants SET voided = ?4, stage = 7, deadline = NULL
                   WHERE company = ?1 AND series = ?2 AND cycle = ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.execute(params![self.row.id, entry.contract.series, entry.new.cycle, signed(entry.seq)])?;
        let (series, cycle) = (&entry.contract.series, entry.new.cycle);
        let sql = "UPDATE notices SET mail = NULL WHERE company = ?1 AND series = ?2 AND taken IS NULL
                   AND mail = (SELECT mail FROM notices WHERE company = ?1 AND series = ?2 AND cycle = ?3)";
        self.connection.prepare_cached(sql)?.execute(params![self.row.id, series, cycle])?;
        let sql = "DELETE FROM notices WHERE company = ?1 AND series = ?2 AND cycle = ?3 AND mail IS NULL";
        self.connection.prepare_cached(sql)?.execute(params![self.row.id, series, cycle])?;
        self.grants.retain(|grant| grant.series != *series || grant.cycle != cycle);
        Ok(())
    }
}

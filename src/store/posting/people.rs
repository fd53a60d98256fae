//! The persons of a ledger: found by any key they were ever known by, and kept under the first.
//!
//! A company's key may be rotated. A person who was counted under the old one comes with the new key and with the old
//! one beside it; either finds the row, and the row's own key stays what its entries commit to.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::OpenLedger;
use crate::ledger::chain::Salt;
use crate::ledger::{Referral, ReferralEvent};
use crate::referral::CandidateKey;
use crate::store::error::StoreError;
use crate::store::rows;

/// A person's row.
pub(super) struct Person {
    pub(super) id: i64,
    pub(super) salt: Salt,
    pub(super) referral: Referral,
    /// The key it is kept under.
    key: CandidateKey,
}

/// Whether anybody of the company is known under several keys.
pub(super) fn has_aliases(connection: &Connection, company: i64) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM person_aliases WHERE company = ?1 LIMIT 1";
    Ok(connection.prepare_cached(sql)?.exists([company])?)
}

/// The row of the person of this event and the key it is kept under, by whichever of its keys it is known.
pub(in crate::store) fn find_known(
    connection: &Connection,
    company: i64,
    event: &ReferralEvent,
) -> Result<Option<(i64, CandidateKey)>, StoreError> {
    let by_key = "SELECT id, key_id, key FROM persons WHERE company = ?1 AND key = ?2";
    let by_alias = "SELECT p.id, p.key_id, p.key FROM person_aliases a JOIN persons p ON p.id = a.person
                    WHERE a.company = ?1 AND a.key = ?2";
    for key in std::iter::once(&event.candidate).chain(&event.earlier) {
        for sql in [by_key, by_alias] {
            let mut statement = connection.prepare_cached(sql)?;
            let read =
                |row: &rusqlite::Row<'_>| Ok((row.get(0)?, CandidateKey { key_id: row.get(1)?, octets: row.get(2)? }));
            let found = statement.query_row(params![company, key.octets], read).optional()?;
            if found.is_some() {
                return Ok(found);
            }
        }
    }
    Ok(None)
}

impl OpenLedger<'_> {
    pub(super) fn find_person(&self, event: &ReferralEvent) -> Result<Option<Person>, StoreError> {
        let mut key = event.candidate;
        if self.has_aliases || !event.earlier.is_empty() {
            match find_known(self.connection, self.row.id, event)? {
                Some((_, kept)) => key = kept,
                None => return Ok(None),
            }
        }
        self.find_by_key(&key)
    }

    /// The person who is kept under this key.
    pub(super) fn find_by_key(&self, key: &CandidateKey) -> Result<Option<Person>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, salt, contract, stage, offered, counted, key_id FROM persons WHERE company = ?1 AND key = ?2",
        )?;
        let mut found = statement.query(params![self.row.id, key.octets])?;
        let Some(row) = found.next()? else { return Ok(None) };
        let contract = self.known.by_row.get(&row.get(2)?).map(|(_, version)| Arc::clone(version));
        let counted: Option<i64> = row.get(5)?;
        let referral = Referral {
            contract: contract.ok_or_else(|| StoreError::Damaged("a person's contract".to_owned()))?,
            stage: rows::stage(row.get(3)?)?,
            offered: rows::time(row.get(4)?)?,
            counted: counted.map(rows::time).transpose()?,
        };
        let key = CandidateKey { key_id: row.get(6)?, ..*key };
        Ok(Some(Person { id: row.get(0)?, salt: row.get(1)?, referral, key }))
    }

    /// The event under the key by which its person is known.
    pub(super) fn under_known_key<'e>(event: &'e ReferralEvent, person: Option<&Person>) -> Cow<'e, ReferralEvent> {
        match person {
            Some(person) if person.key != event.candidate => {
                Cow::Owned(ReferralEvent { candidate: person.key, ..event.clone() })
            }
            _ => Cow::Borrowed(event),
        }
    }

    /// Notes the keys of an event beside the one the person is kept under: evidence may yet come under each of them.
    pub(super) fn note_other_keys(
        &mut self,
        (event, as_it_came): (&ReferralEvent, &ReferralEvent),
        person: i64,
    ) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO person_aliases (company, key, key_id, person) VALUES (?1, ?2, ?3, ?4)";
        for key in std::iter::once(&as_it_came.candidate).chain(&as_it_came.earlier) {
            if *key != event.candidate {
                let mut statement = self.connection.prepare_cached(sql)?;
                statement.execute(params![self.row.id, key.octets, key.key_id, person])?;
                self.has_aliases = true;
            }
        }
        Ok(())
    }

    pub(super) fn insert_person(
        &self,
        event: &ReferralEvent,
        salt: &Salt,
        referral: &Referral,
        contract_row: i64,
    ) -> Result<i64, StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO persons (company, key, key_id, salt, contract, stage, offered, counted, class, domain,
                 mailbox, shape) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute(params![
                self.row.id,
                event.candidate.octets,
                event.candidate.key_id,
                salt,
                contract_row,
                rows::stage_number(referral.stage),
                referral.offered.as_microsecond(),
                referral.counted.map(Timestamp::as_microsecond),
                event.traits.map(|traits| traits.class.number()),
                event.traits.and_then(|traits| traits.domain),
                event.traits.and_then(|traits| traits.mailbox),
                event.traits.and_then(|traits| traits.shape),
            ])?;
        Ok(self.connection.last_insert_rowid())
    }

    pub(super) fn update_person(&self, row: i64, referral: &Referral, contract_row: i64) -> Result<i64, StoreError> {
        let sql = "UPDATE persons SET contract = ?2, stage = ?3, offered = ?4, counted = ?5 WHERE id = ?1";
        self.connection.prepare_cached(sql)?.execute(params![
            row,
            contract_row,
            rows::stage_number(referral.stage),
            referral.offered.as_microsecond(),
            referral.counted.map(Timestamp::as_microsecond),
        ])?;
        Ok(row)
    }
}

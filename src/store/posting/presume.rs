//! Posting proofs of return paths, and what they let count as delivered.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::{About, OpenLedger, Posted};
use crate::ledger::{Evidence, Proves, Referral, is_presumed, presume, proven_since};
use crate::referral::{CandidateKey, CompanyId};
use crate::store::error::StoreError;
use crate::store::read::require;
use crate::store::rows;

/// A probe of a return path that came back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proof {
    /// Whose return path it is.
    pub company: CompanyId,
    /// The route by which the probe had gone: it proves no other.
    pub route: String,
    /// Our id of its mail. One probe proves once.
    pub probe: String,
    /// When it came back.
    pub at: Timestamp,
}

/// A mail that may count as delivered.
struct Waiting {
    person: i64,
    salt: [u8; 16],
    candidate: CandidateKey,
    referral: Referral,
    series: String,
    transaction: String,
    recipient: u32,
    inserted: bool,
    accepted: Timestamp,
}

/// Notes the proof, and posts what it lets count as delivered. A proof that is there already adds nothing.
pub fn prove(connection: &Connection, proof: &Proof, now: Timestamp) -> Result<Posted, StoreError> {
    let row = require(connection, &proof.company)?;
    let at = rows::time(proof.at.as_microsecond())?;
    let mut posted = Posted { up_to_seq: super::progress(connection)?, ..Posted::default() };
    let sql = "INSERT OR IGNORE INTO proofs (company, route, at, probe) VALUES (?1, ?2, ?3, ?4)";
    let mut statement = connection.prepare_cached(sql)?;
    if statement.execute(params![row.id, proof.route, at.as_microsecond(), proof.probe])? == 0 {
        posted.replays = 1;
        return Ok(posted);
    }
    let Some(since) = proven_since(proofs(connection, row.id, &proof.route, at)?) else { return Ok(posted) };
    let mut ledger = OpenLedger::open(connection, &proof.company, row, now)?;
    let mut last = None;
    for waiting in ledger.waiting(&proof.route, since, at)? {
        let quiet = is_presumed(waiting.accepted, &waiting.referral.contract, (since, at));
        if quiet && last != Some(waiting.person) {
            last = Some(waiting.person);
            posted.events += u64::from(ledger.presume(waiting, &proof.route, at)?);
        }
    }
    posted.grants = ledger.close()?;
    Ok(posted)
}

/// When probes of a route came back, up to `at`, newest first.
pub(in crate::store) fn proofs(
    connection: &Connection,
    company: i64,
    route: &str,
    at: Timestamp,
) -> Result<Vec<Timestamp>, StoreError> {
    let sql = "SELECT at FROM proofs WHERE company = ?1 AND route = ?2 AND at <= ?3 ORDER BY at DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map(params![company, route, at.as_microsecond()], |row| row.get(0))?;
    found.map(|time| rows::time(time?)).collect()
}

impl OpenLedger<'_> {
    /// Mails of the newest referrals of persons who are not known to have one delivered: tagged, accepted on this route
    /// in the time given, and not come back. Those of one person stand together, oldest first.
    fn waiting(&mut self, route: &str, since: Timestamp, until: Timestamp) -> Result<Vec<Waiting>, StoreError> {
        self.write_pending()?;
        let sql = "SELECT p.id, p.salt, p.key_id, p.key, p.contract, p.stage, p.offered, p.counted, e.series,
                   e.transaction_id, e.recipient, e.inserted, n.at
                   FROM persons p INDEXED BY persons_undelivered JOIN events e ON e.person = p.id
                   JOIN entries n ON n.company = p.company AND n.seq = e.seq
                   WHERE p.company = ?1 AND p.stage <> 2 AND e.proves = 'accepted_tagged' AND e.route = ?2
                   AND n.at BETWEEN ?3 AND ?4
                   AND e.seq >= (SELECT MAX(o.seq) FROM events o JOIN entries f ON f.company = ?1 AND f.seq = o.seq
                                 WHERE o.person = p.id AND f.kind = 1)
                   AND NOT EXISTS (SELECT 1 FROM events b WHERE b.person = p.id
                                   AND b.proves IN ('bounced', 'presumed')
                                   AND b.transaction_id = e.transaction_id AND b.recipient = e.recipient)
                   ORDER BY p.id, e.seq";
        let mut statement = self.connection.prepare_cached(sql)?;
        let values = params![self.row.id, route, since.as_microsecond(), until.as_microsecond()];
        let mut found = statement.query(values)?;
        let mut waiting = Vec::new();
        while let Some(row) = found.next()? {
            waiting.push(self.read_waiting(row)?);
        }
        Ok(waiting)
    }

    fn read_waiting(&self, row: &Row<'_>) -> Result<Waiting, StoreError> {
        let contract = self.known.by_row.get(&row.get(4)?).map(|(_, version)| Arc::clone(version));
        let counted: Option<i64> = row.get(7)?;
        Ok(Waiting {
            person: row.get(0)?,
            salt: row.get(1)?,
            candidate: CandidateKey { key_id: row.get(2)?, octets: row.get(3)? },
            referral: Referral {
                contract: contract.ok_or_else(|| StoreError::Damaged("a person's contract".to_owned()))?,
                stage: rows::stage(row.get(5)?)?,
                offered: rows::time(row.get(6)?)?,
                counted: counted.map(rows::time).transpose()?,
            },
            series: row.get(8)?,
            transaction: row.get(9)?,
            recipient: row.get(10)?,
            inserted: row.get(11)?,
            accepted: rows::time(row.get(12)?)?,
        })
    }

    /// Posts that a mail counts as delivered; whether it made an entry.
    fn presume(&mut self, waiting: Waiting, route: &str, at: Timestamp) -> Result<bool, StoreError> {
        let Waiting { person, salt, candidate, referral, inserted, recipient, .. } = waiting;
        let (contract_row, pool) = self.open_pool(&Arc::clone(&referral.contract))?;
        let Some(posting) = presume(referral, at, pool) else { return Ok(false) };
        let (series, transaction) = (&*waiting.series, &*waiting.transaction);
        let evidence = Evidence { series, transaction, recipient, proves: Proves::Presumed, route, inserted };
        self.record(&posting, contract_row, &About { person, salt, candidate, evidence, at, act: None })?;
        Ok(true)
    }
}

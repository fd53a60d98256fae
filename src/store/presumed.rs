//! What readers ask about presumed deliveries: which return paths are proven, and whether a proof carries each entry.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use jiff::Timestamp;
use rusqlite::Connection;

use super::error::StoreError;
use super::posting::proofs;
use super::read::require;
use super::rows::{self, CompanyRow, KnownContracts};
use crate::ledger::presume::PROOF_HOLDS;
use crate::ledger::{Audit, is_presumed, proven_since};
use crate::referral::CompanyId;

/// How a company's return path stands on one route.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proven {
    /// The route.
    pub route: String,
    /// Since when it is, or was, proven without a gap.
    pub since: Timestamp,
    /// When the last probe came back.
    pub last: Timestamp,
    /// How long it is proven.
    pub until: Timestamp,
}

/// The routes on which a probe of the company ever came back.
pub fn proven(connection: &Connection, company: &CompanyId) -> Result<Vec<Proven>, StoreError> {
    let row = require(connection, company)?;
    let sql = "SELECT DISTINCT route FROM proofs WHERE company = ?1 ORDER BY route";
    let mut statement = connection.prepare_cached(sql)?;
    let routes = statement.query_map([row.id], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    let mut found = Vec::with_capacity(routes.len());
    for route in routes {
        let times = proofs(connection, row.id, &route, Timestamp::MAX)?;
        let Some((last, since)) = times.first().copied().zip(proven_since(times)) else { continue };
        let until = last.checked_add(PROOF_HOLDS).unwrap_or(Timestamp::MAX);
        found.push(Proven { route, since, last, until });
    }
    Ok(found)
}

/// Names each entry that counts a mail as delivered, and that no proof and no accepted mail carries.
pub fn compare(
    connection: &Connection,
    row: &CompanyRow,
    known: &KnownContracts,
    audit: &mut Audit<'_>,
) -> Result<(), StoreError> {
    let sql = "SELECT n.seq, n.at, n.contract, e.route,
               (SELECT a.at FROM events o JOIN entries a ON a.company = ?1 AND a.seq = o.seq
                WHERE o.person = e.person AND o.proves = 'accepted_tagged' AND o.transaction_id = e.transaction_id
                AND o.recipient = e.recipient AND o.route = e.route)
               FROM persons p JOIN events e ON e.person = p.id JOIN entries n ON n.company = ?1 AND n.seq = e.seq
               WHERE p.company = ?1 AND e.proves = 'presumed'";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query([row.id])?;
    // All that one proof has carried have the same time.
    let mut known_since: HashMap<(String, Timestamp), Option<Timestamp>> = HashMap::new();
    while let Some(entry) = found.next()? {
        let (seq, at) = (rows::number(entry.get(0)?)?, rows::time(entry.get(1)?)?);
        let contract = known.by_row.get(&entry.get(2)?).map(|(_, version)| version);
        let route: String = entry.get(3)?;
        let accepted = entry.get::<_, Option<i64>>(4)?.map(rows::time).transpose()?;
        let since = match known_since.entry((route, at)) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(unknown) => {
                let times = proofs(connection, row.id, &unknown.key().0, at)?;
                let proven = times.first() == Some(&at);
                *unknown.insert(proven_since(times).filter(|_| proven))
            }
        };
        let carried = accepted.zip(since).zip(contract);
        if !carried.is_some_and(|((accepted, since), contract)| is_presumed(accepted, contract, (since, at))) {
            audit.unproven(seq);
        }
    }
    Ok(())
}

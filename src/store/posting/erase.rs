//! Posting erasures: key, salt and evidence of persons go, one entry for each contract version says how many, and in
//! the person window a mark is left that keeps them from counting again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::OpenLedger;
use super::entries::Behind;
use crate::ledger::{Act, Deed, KeepPersons, Kind, NewEntry, Referral, ReferralEvent, window_ends};
use crate::referral::{CandidateKey, CompanyId, OptOutSource};
use crate::store::erasure::{ErasePerson, Erased};
use crate::store::error::StoreError;
use crate::store::read::require;
use crate::store::rows;

/// The actor of what retention does by itself.
const CLOCK: &str = "clock";
/// Its reason: the key of the configuration that says so.
const KEEP_PERSONS: &str = "ledger.keep_persons";

/// The person who is kept under a key, or known under it beside another: before a rotation, or after it.
const BY_ANY_KEY: &str = "p.company = ?1 AND (p.key = ?2 OR p.id IN (SELECT a.person FROM person_aliases a
                          WHERE a.company = ?1 AND a.key = ?2))";

/// A person's row that is to go.
struct Going {
    row: i64,
    contract_row: i64,
    evidence: u32,
    referral: Referral,
}

/// Erases the person behind some keys.
pub fn person(connection: &Connection, wanted: &ErasePerson, now: Timestamp) -> Result<Erased, StoreError> {
    let act = |persons, evidence| Act {
        actor: wanted.actor.clone(),
        reason: wanted.reason.clone(),
        deed: Deed::Erase { persons, evidence },
    };
    act(0, 0).check().map_err(StoreError::BadAct)?;
    let row = require(connection, &wanted.company)?;
    let mut ledger = OpenLedger::open(connection, &wanted.company, row, now)?;
    let mut going = Vec::new();
    for key in &wanted.keys {
        going.extend(ledger.going(BY_ANY_KEY, params![ledger.row.id, key.octets])?);
    }
    let mut rows = BTreeSet::new();
    going.retain(|person| rows.insert(person.row));
    let kept_aside = kept_aside(connection, wanted)?;
    let ends = going.iter().map(|p| window_ends(&p.referral)).max();
    let marked_until = ends.filter(|ends| *ends > ledger.posted);
    let mut erased = Erased { kept_aside: kept_aside.len() as u64, marked_until, ..Erased::default() };
    ledger.erase(&going, (&mut erased, wanted.dry_run), act)?;
    if !wanted.dry_run {
        for row in kept_aside {
            connection.prepare_cached("DELETE FROM parked WHERE rowid = ?1")?.execute([row])?;
        }
        if let Some(until) = ends {
            mark(connection, (&wanted.company, &wanted.actor), &wanted.keys, (now, until))?;
        }
    }
    erased.head = ledger.row.head;
    ledger.close()?;
    Ok(erased)
}

/// Looks at the next persons behind a row, and erases those whose time is over; also marks whose time is.
pub fn over(
    connection: &Connection,
    keep: KeepPersons,
    (from, rows_max): (i64, i64),
    now: Timestamp,
) -> Result<Erased, StoreError> {
    let mut erased = Erased::default();
    let sql = "SELECT MAX(id), COUNT(*) FROM (SELECT id FROM persons WHERE id > ?1 ORDER BY id LIMIT ?2)";
    let (last, count): (Option<i64>, i64) =
        connection.prepare_cached(sql)?.query_row([from, rows_max], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some(last) = last else {
        forget_marks(connection, keep, now)?;
        return Ok(erased);
    };
    erased.next = if count == rows_max { last } else { 0 };
    if erased.next == 0 {
        forget_marks(connection, keep, now)?;
    }
    let sql = "SELECT DISTINCT n.name FROM persons p JOIN companies n ON n.id = p.company
               WHERE p.id > ?1 AND p.id <= ?2 ORDER BY n.name";
    let mut statement = connection.prepare_cached(sql)?;
    let names = statement.query_map([from, last], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    for name in names {
        let company = CompanyId::parse(&name).map_err(|e| StoreError::Damaged(format!("company: {e}")))?;
        let row = require(connection, &company)?;
        let mut ledger = OpenLedger::open(connection, &company, row, now)?;
        let condition = "p.company = ?1 AND p.id > ?2 AND p.id <= ?3";
        let mut going = ledger.going(condition, params![ledger.row.id, from, last])?;
        going.retain(|person| keep.ends(&person.referral) <= now);
        let act = |persons, evidence| Act {
            actor: CLOCK.to_owned(),
            reason: KEEP_PERSONS.to_owned(),
            deed: Deed::Erase { persons, evidence },
        };
        ledger.erase(&going, (&mut erased, false), act)?;
        ledger.close()?;
    }
    Ok(erased)
}

/// Whether events of a company may be about persons who were erased.
pub(super) fn has_marks(connection: &Connection, company: &CompanyId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM optouts WHERE company = ?1 AND source = 'erased' LIMIT 1";
    Ok(connection.prepare_cached(sql)?.exists([company.as_str()])?)
}

impl OpenLedger<'_> {
    /// Whether the event is about a person who was erased, and lies in the window of what was counted of him then.
    /// The mark may be under a key that was rotated out since: the event has that one beside it.
    pub(super) fn is_of_erased(&self, event: &ReferralEvent, at: Timestamp) -> Result<bool, StoreError> {
        if !self.has_marks {
            return Ok(false);
        }
        let sql = "SELECT 1 FROM optouts WHERE company = ?1 AND key = ?2 AND source = 'erased' AND until > ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        for key in std::iter::once(&event.candidate).chain(&event.earlier) {
            if statement.exists(params![self.company.as_str(), key.octets, at.as_microsecond()])? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn going(&self, condition: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<Going>, StoreError> {
        let sql = format!(
            "SELECT p.id, p.contract, p.stage, p.offered, p.counted,
             (SELECT COUNT(*) FROM events e WHERE e.person = p.id) FROM persons p WHERE {condition} ORDER BY p.id"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut found = statement.query(values)?;
        let mut going = Vec::new();
        while let Some(row) = found.next()? {
            let contract_row = row.get(1)?;
            let contract = self.known.by_row.get(&contract_row).map(|(_, version)| Arc::clone(version));
            let counted: Option<i64> = row.get(4)?;
            let referral = Referral {
                contract: contract.ok_or_else(|| StoreError::Damaged("a person's contract".to_owned()))?,
                stage: rows::stage(row.get(2)?)?,
                offered: rows::time(row.get(3)?)?,
                counted: counted.map(rows::time).transpose()?,
            };
            going.push(Going { row: row.get(0)?, contract_row, evidence: row.get(5)?, referral });
        }
        Ok(going)
    }

    /// Takes the rows out, and writes an entry for each contract version that ruled them.
    fn erase(
        &mut self,
        going: &[Going],
        (erased, dry_run): (&mut Erased, bool),
        act: impl Fn(u32, u32) -> Act,
    ) -> Result<(), StoreError> {
        let mut by_contract: BTreeMap<i64, (u32, u32)> = BTreeMap::new();
        for person in going {
            let (persons, evidence) = by_contract.entry(person.contract_row).or_default();
            (*persons, *evidence) = (*persons + 1, *evidence + person.evidence);
        }
        for (contract_row, (persons, evidence)) in by_contract {
            erased.persons += u64::from(persons);
            erased.evidence += u64::from(evidence);
            if !dry_run {
                self.write_erasure(contract_row, &act(persons, evidence))?;
                (erased.entry, erased.at) = (self.row.seq, Some(self.posted));
            }
        }
        for person in going.iter().filter(|_| !dry_run) {
            self.connection.prepare_cached("DELETE FROM events WHERE person = ?1")?.execute([person.row])?;
            self.connection.prepare_cached("DELETE FROM person_aliases WHERE person = ?1")?.execute([person.row])?;
            self.connection.prepare_cached("DELETE FROM persons WHERE id = ?1")?.execute([person.row])?;
        }
        Ok(())
    }

    fn write_erasure(&mut self, contract_row: i64, act: &Act) -> Result<(), StoreError> {
        let digest = self.keep_act(act)?;
        let behind = Behind {
            contract: self.pinned(contract_row)?,
            contract_row,
            person: [0; 32],
            event: [0; 32],
            wording: None,
            act: Some(digest),
            at: self.posted,
        };
        self.append(&[NewEntry { kind: Kind::Erased, worth: 0, cycle: 0 }], &behind)
    }
}

/// The rows of what is kept aside about the person.
fn kept_aside(connection: &Connection, wanted: &ErasePerson) -> Result<Vec<i64>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT rowid, event FROM parked WHERE company = ?1")?;
    let mut found = statement.query([wanted.company.as_str()])?;
    let mut of_person = Vec::new();
    while let Some(row) = found.next()? {
        let event: Option<ReferralEvent> = serde_json::from_str(&row.get::<_, String>(1)?).ok();
        if event.is_some_and(|event| wanted.keys.iter().any(|key| key.octets == event.candidate.octets)) {
            of_person.push(row.get(0)?);
        }
    }
    Ok(of_person)
}

/// Puts the person on the company's list of opt-outs until the window is over. One that is over already is marked too:
/// what was posted in it may be replayed.
fn mark(
    connection: &Connection,
    (company, actor): (&CompanyId, &str),
    keys: &[CandidateKey],
    (now, until): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    let sql = "INSERT INTO optouts (at, actor, act, source, company, key_id, key, until)
               VALUES (?1, ?2, 'add', ?3, ?4, ?5, ?6, ?7)";
    let (now, until, source) = (now.as_microsecond(), until.as_microsecond(), OptOutSource::Erased.code());
    for key in keys {
        let values = params![now, actor, source, company.as_str(), key.key_id, key.octets, until];
        connection.prepare_cached(sql)?.execute(values)?;
    }
    Ok(())
}

/// Marks that nothing can arrive late for any more go, too.
fn forget_marks(connection: &Connection, keep: KeepPersons, now: Timestamp) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached("SELECT seq, until FROM optouts WHERE source = 'erased'")?;
    let marks = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?)))?;
    for (seq, until) in marks.collect::<Result<Vec<_>, _>>()? {
        let until = until.map(rows::time).transpose()?;
        if until.is_none_or(|until| keep.mark_ends(until) <= now) {
            connection.prepare_cached("DELETE FROM optouts WHERE seq = ?1")?.execute([seq])?;
        }
    }
    Ok(())
}

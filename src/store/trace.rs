//! What the ledger knows of single persons and mails, for admins who have an address or an id in hand.

use rusqlite::{Connection, Row, params};

use super::error::StoreError;
use super::posting::find_known;
use super::rows::{self, CompanyRow, ENTRY_COLUMNS};
use crate::ledger::chain::{Salt, commit_event};
use crate::ledger::{Entry, EventId, Evidence, Kind, Proves, ReferralEvent};
use crate::referral::{CandidateKey, CompanyId};

/// Entries that one event makes at most: those about the person, and the slots they grant.
const ENTRIES_MAX: i64 = 16;

/// Which events are wanted.
#[derive(Clone, Debug)]
pub enum Traced {
    /// Those of these candidates.
    Of(Vec<(CompanyId, CandidateKey)>),
    /// Those of the mail with this id.
    In(String),
}

/// One event of a person, with the entries it made.
#[derive(Clone, Debug)]
pub struct EventStory {
    /// The company.
    pub company: CompanyId,
    /// Who.
    pub candidate: CandidateKey,
    /// Our id of the mail.
    pub transaction: String,
    /// The recipient's number in the envelope.
    pub recipient: u32,
    /// The route it went by.
    pub route: String,
    /// What the route's 250 proves.
    pub proves: Proves,
    /// Whether the line was put in.
    pub inserted: bool,
    /// The entries.
    pub entries: Vec<Entry>,
}

/// An event kept aside because no agreed contract or key rules it.
#[derive(Clone, Debug)]
pub struct ParkedStory {
    /// The event.
    pub event: ReferralEvent,
    /// The stable code of why.
    pub reason: String,
}

/// For each event whether the ledger has it, posted or kept aside.
pub fn known(connection: &Connection, events: &[ReferralEvent]) -> Result<Vec<bool>, StoreError> {
    let mut posted = connection.prepare_cached("SELECT 1 FROM events WHERE person = ?1 AND id = ?2")?;
    let mut parked = connection.prepare_cached("SELECT 1 FROM parked WHERE id = ?1")?;
    let mut is_known = |event: &ReferralEvent| {
        let company = rows::company(connection, &event.company)?;
        let person = company.map(|of| find_known(connection, of.id, event)).transpose()?.flatten();
        let is_posted = match person {
            Some((row, key)) => posted.exists(params![row, event.evidence().id(&event.company, &key)])?,
            None => false,
        };
        Ok(is_posted || parked.exists([event.id()])?)
    };
    events.iter().map(&mut is_known).collect()
}

/// The events that are wanted, by company and in their order.
pub fn events(connection: &Connection, wanted: &Traced) -> Result<Vec<EventStory>, StoreError> {
    const COLUMNS: &str = "c.name, p.key_id, p.key, p.salt, e.id, e.seq, e.series, e.transaction_id, e.recipient, \
                           e.route, e.proves, e.inserted";
    let from = "FROM companies c JOIN persons p ON p.company = c.id JOIN events e ON e.person = p.id";
    let mut found = Vec::new();
    let mut read = |condition: &str, values: &[&dyn rusqlite::ToSql]| -> Result<(), StoreError> {
        let sql = format!("SELECT {COLUMNS} {from} WHERE {condition} ORDER BY c.name, e.seq");
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query(values)?;
        while let Some(row) = rows.next()? {
            found.push(story(connection, row)?);
        }
        Ok(())
    };
    match wanted {
        Traced::Of(candidates) => {
            for (company, key) in candidates {
                read("c.name = ?1 AND p.key = ?2", &[&company.as_str(), &key.octets])?;
            }
        }
        Traced::In(transaction) => read("e.transaction_id = ?1", &[transaction])?,
    }
    Ok(found)
}

fn story(connection: &Connection, row: &Row<'_>) -> Result<EventStory, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("an event's {what}"));
    let company = CompanyId::parse(row.get_ref(0)?.as_str().map_err(|_| damaged("company"))?);
    let company = company.map_err(|_| damaged("company"))?;
    let candidate = CandidateKey { key_id: row.get(1)?, octets: row.get(2)? };
    let (series, transaction, route): (String, String, String) = (row.get(6)?, row.get(7)?, row.get(9)?);
    let proves = Proves::parse(&row.get::<_, String>(10)?).ok_or_else(|| damaged("proof"))?;
    let (recipient, inserted) = (row.get(8)?, row.get(11)?);
    let evidence = Evidence { series: &series, transaction: &transaction, recipient, proves, route: &route, inserted };
    let commitment = commit_event(&row.get::<_, Salt>(3)?, &row.get::<_, EventId>(4)?, &evidence);
    let of = rows::company(connection, &company)?.ok_or_else(|| damaged("company"))?;
    let entries = entries(connection, &of, row.get(5)?, &commitment)?;
    Ok(EventStory { company, candidate, transaction, recipient, route, proves, inserted, entries })
}

/// The entries from `seq` on that stand on this event, and the grants right behind them.
fn entries(connection: &Connection, of: &CompanyRow, seq: i64, event: &[u8; 32]) -> Result<Vec<Entry>, StoreError> {
    let known = rows::contracts(connection, of.id)?;
    let sql = format!("SELECT {ENTRY_COLUMNS} FROM entries WHERE company = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![of.id, seq, ENTRIES_MAX])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (entry, ..) = rows::entry(row, &known)?;
        if entry.event != *event && entry.new.kind != Kind::Granted {
            break;
        }
        found.push(entry);
    }
    Ok(found)
}

/// The events kept aside that are wanted.
pub fn parked(connection: &Connection, wanted: &Traced) -> Result<Vec<ParkedStory>, StoreError> {
    let mut statement = connection.prepare("SELECT event, reason FROM parked ORDER BY parked")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let event: Option<ReferralEvent> = serde_json::from_str(&row.get::<_, String>(0)?).ok();
        let is_wanted = |event: &ReferralEvent| match wanted {
            Traced::Of(all) => all.iter().any(|(c, k)| *c == event.company && k.octets == event.candidate.octets),
            Traced::In(transaction) => event.transaction == *transaction,
        };
        if let Some(event) = event.filter(is_wanted) {
            found.push(ParkedStory { event, reason: row.get(1)? });
        }
    }
    Ok(found)
}

//! Signals of fraud: what the rules look at, read from the entries and from what is kept beside persons; what they see,
//! and what somebody has cleared.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Row, params};

use super::error::StoreError;
use super::read::require;
use super::rows::{self, CompanyRow, ENTRY_COLUMNS};
use super::writer::Command;
use super::{Store, StoreError as Fault};
use crate::ledger::signals::{
    BulkMail, Credit, Funded, History, Registered, Signal, SignalName, bounds::HORIZON_DAYS, bounds::OPTOUT_DAYS, fund,
};
use crate::ledger::{Act, Deed};
use crate::referral::{CompanyId, DomainClass, Mark, Traits};

/// The kinds of entries about registrations and erasures, as they are stored.
const REGISTERED: u8 = 17;
const ERASED: u8 = 23;
/// Who erases persons whose time is over.
const CLOCK: &str = "clock";
/// The kind of entries about cleared signals.
const CLEARED: u8 = 26;

/// Somebody has looked at a signal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignalClear {
    /// Whose.
    pub company: CompanyId,
    /// Which.
    pub name: SignalName,
    /// Who.
    pub actor: String,
    /// Why it is in order.
    pub reason: String,
    /// Whether it is only told what would be.
    pub dry_run: bool,
}

/// The open signals of a company, and what was cleared before.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Seen {
    /// The signals, each with the slots that stand on its credits: contract series and number.
    pub signals: Vec<(Signal, Vec<(String, u32)>)>,
    /// The acts that cleared signals, oldest first: entry, time, act.
    pub cleared: Vec<(u64, Timestamp, Act)>,
}

impl Store {
    /// The open signals of a company at a time, as far as they stand on credits of the period.
    ///
    /// # Errors
    /// When the company is unknown or the file cannot be read.
    pub async fn signals(
        &self,
        company: &CompanyId,
        period: (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Result<Seen, Fault> {
        let company = company.clone();
        self.read(move |c| seen(c, &company, period, now)).await
    }

    /// Writes down that somebody has looked at a signal: the entry, 0 when it is only told that it could be.
    ///
    /// # Errors
    /// When the signal is not open, or nothing was committed.
    pub async fn clear_signal(&self, clear: SignalClear) -> Result<u64, Fault> {
        self.ask(|reply| Command::ClearSignal(Box::new(clear), reply)).await
    }
}

fn seen(
    connection: &Connection,
    company: &CompanyId,
    (from, until): (Timestamp, Timestamp),
    now: Timestamp,
) -> Result<Seen, StoreError> {
    let row = require(connection, company)?;
    let beginning = beginning(connection, &row, now)?;
    let since = if from == Timestamp::MIN { beginning } else { beginning.min(back(from)) };
    let history = history(connection, (&row, company), (since, Timestamp::MAX), now)?;
    let signals = history.signals().into_iter();
    let signals: Vec<Signal> = signals.filter_map(|signal| signal.within(&history.credits, (from, until))).collect();
    let funded = if signals.is_empty() { Funded::new() } else { funded(connection, &row)? };
    let slots = |signal: &Signal| {
        let stands = |credits: &Vec<u64>| credits.iter().any(|seq| signal.entries.binary_search(seq).is_ok());
        let mut slots: Vec<_> = funded.iter().filter(|(_, of)| stands(of)).map(|(slot, _)| slot.clone()).collect();
        slots.sort();
        slots
    };
    let signals = signals.into_iter().map(|signal| (signal.clone(), slots(&signal))).collect();
    Ok(Seen { signals, cleared: clears(connection, row.id, Timestamp::MAX)? })
}

/// The signals that a slot's credits are under.
pub fn of_slot(
    connection: &Connection,
    (row, company): (&CompanyRow, &CompanyId),
    slot: (&str, u32),
    now: Timestamp,
) -> Result<Vec<SignalName>, StoreError> {
    let mut funded = funded(connection, row)?;
    let Some(credits) = funded.remove(&(slot.0.to_owned(), slot.1)) else { return Ok(Vec::new()) };
    let since = beginning(connection, row, now)?;
    let history = history(connection, (row, company), (since, Timestamp::MAX), now)?;
    let is_under = |signal: &Signal| credits.iter().any(|seq| signal.entries.binary_search(seq).is_ok());
    Ok(history.signals().iter().filter(|signal| is_under(signal)).map(|signal| signal.name).collect())
}

/// How many signals were open in what was posted before a time.
pub fn count_open(
    connection: &Connection,
    row: &CompanyRow,
    company: &CompanyId,
    until: Timestamp,
) -> Result<u64, StoreError> {
    // A month that is not over yet is looked at as of its newest entry: nobody has had time that is still to come.
    let now = until.min(rows::time(row.posted)?);
    Ok(history(connection, (row, company), (back(now), until), now)?.signals().len() as u64)
}

/// Whether a signal is open.
pub fn is_open(
    connection: &Connection,
    row: &CompanyRow,
    (company, name): (&CompanyId, SignalName),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let since = beginning(connection, row, now)?;
    let history = history(connection, (row, company), (since, Timestamp::MAX), now)?;
    Ok(history.signals().iter().any(|signal| signal.name == name))
}

/// From when on credits are looked at: some days back, and as many days before the oldest slot that is neither used nor
/// over, so that what holds it back can be seen and cleared however old it is.
fn beginning(connection: &Connection, row: &CompanyRow, now: Timestamp) -> Result<Timestamp, StoreError> {
    let sql = "SELECT MIN(at) FROM grants WHERE company = ?1 AND stage BETWEEN 1 AND 4";
    let oldest: Option<i64> = connection.prepare_cached(sql)?.query_row([row.id], |row| row.get(0))?;
    let oldest = oldest.map(rows::time).transpose()?;
    Ok(back(oldest.map_or(now, |oldest| oldest.min(now))))
}

fn back(from: Timestamp) -> Timestamp {
    from.checked_sub(SignedDuration::from_hours(HORIZON_DAYS * 24)).unwrap_or(Timestamp::MIN)
}

fn funded(connection: &Connection, row: &CompanyRow) -> Result<Funded, StoreError> {
    let known = rows::contracts(connection, row.id)?;
    let sql = format!("SELECT {ENTRY_COLUMNS} FROM entries WHERE company = ?1 AND worth <> 0 ORDER BY seq");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query([row.id])?;
    let mut entries = Vec::new();
    while let Some(row) = found.next()? {
        entries.push(rows::entry(row, &known)?.0);
    }
    Ok(fund(entries.iter()))
}

/// What the rules look at: credits from `since`, posted before `until`.
fn history(
    connection: &Connection,
    (row, company): (&CompanyRow, &CompanyId),
    (since, until): (Timestamp, Timestamp),
    now: Timestamp,
) -> Result<History, StoreError> {
    let mut mails = HashMap::new();
    let span = (since.as_microsecond(), until.as_microsecond());
    let credits = credits(connection, (row.id, company), span, &mut mails)?;
    let mut cleared = BTreeMap::new();
    for (_, _, act) in clears(connection, row.id, until)? {
        if let Deed::Clear { signal, up_to } = &act.deed
            && let Some(name) = SignalName::parse(signal)
        {
            cleared.insert(name, *up_to);
        }
    }
    let (own, fleet) = registered(connection, row.id, span.0)?;
    let had_time = SignedDuration::from_hours(crate::ledger::signals::bounds::REGISTERS_WITHIN_DAYS * 24);
    let referred = credits
        .iter()
        .filter(|(counts_by_itself, credit)| !counts_by_itself && now.duration_since(credit.at) >= had_time);
    let own = Registered { referred: referred.count() as u64, registered: own, companies: 1 };
    Ok(History {
        credits: credits.into_iter().map(|(_, credit)| credit).collect(),
        bulk: bulk(connection, row.id, span, &mut mails)?,
        erased: erased(connection, row.id, span.1)?,
        own,
        fleet,
        cleared,
        now,
    })
}

/// Each credit that the company has not given back, with whether a registration made it.
fn credits(
    connection: &Connection,
    (row, company): (i64, &CompanyId),
    (since, until): (i64, i64),
    mails: &mut HashMap<String, usize>,
) -> Result<Vec<(bool, Credit)>, StoreError> {
    // An event's first entry is known by its number; those behind it of the same evidence are its own too. What a
    // person was offered ten months before belongs to another referral.
    let mut statement = connection.prepare_cached(
        "SELECT x.seq, x.at, x.posted, x.kind, e.transaction_id, p.key, p.class, p.domain, p.mailbox, p.shape,
         COALESCE(e.offered, (SELECT o.offered FROM events o WHERE o.person = p.id
                  AND o.transaction_id = e.transaction_id AND o.offered IS NOT NULL), 1),
         EXISTS (SELECT 1 FROM events b WHERE b.person = p.id AND b.proves = 'bounced'
                 AND b.transaction_id = e.transaction_id AND b.recipient = e.recipient),
         EXISTS (SELECT 1 FROM events o JOIN entries n ON n.company = p.company AND n.seq = o.seq
                 WHERE o.person = p.id AND n.kind = 1 AND o.seq < e.seq AND n.at < x.at - 300 * 86400000000),
         EXISTS (SELECT 1 FROM optouts a JOIN optouts r ON r.key = a.key AND r.key_id = a.key_id
                 AND r.company = a.company AND r.seq > a.seq AND r.act = 'remove'
                 WHERE a.key = p.key AND a.key_id = p.key_id AND a.company = ?4 AND a.act = 'add'
                 AND a.at >= x.at - ?5 AND r.at <= x.at)
         FROM persons p JOIN events e ON e.person = p.id
         JOIN entries f ON f.company = p.company AND f.seq = e.seq
         JOIN entries x ON x.company = p.company AND x.seq BETWEEN e.seq AND e.seq + 2 AND x.event = f.event
         WHERE p.company = ?1 AND x.worth > 0 AND x.at >= ?2 AND x.posted < ?3
         AND NOT EXISTS (SELECT 1 FROM reversals r JOIN entries g ON g.company = r.company AND g.seq = r.seq
                         WHERE r.company = p.company AND r.target = x.seq AND g.posted < ?3) ORDER BY x.seq",
    )?;
    let window = OPTOUT_DAYS * 86_400_000_000;
    let mut found = statement.query(params![row, since, until, company.as_str(), window])?;
    let mut credits = Vec::new();
    while let Some(row) = found.next()? {
        let next = mails.len();
        let mail = *mails.entry(row.get(4)?).or_insert(next);
        credits.push((row.get::<_, u8>(3)? == REGISTERED, credit(row, mail)?));
    }
    Ok(credits)
}

fn credit(row: &Row<'_>, mail: usize) -> Result<Credit, StoreError> {
    let key: [u8; 32] = row.get(5)?;
    let mut plain: Mark = [0; 16];
    plain.copy_from_slice(&key[..16]);
    let class: Option<u8> = row.get(6)?;
    let mailbox: Option<Mark> = row.get(8)?;
    let traits = match class.and_then(DomainClass::from_number) {
        None => None,
        Some(class) => Some(Traits { class, domain: row.get(7)?, mailbox, shape: row.get(9)?, offered: row.get(10)? }),
    };
    Ok(Credit {
        seq: rows::number(row.get(0)?)?,
        at: rows::time(row.get(1)?)?,
        posted: rows::time(row.get(2)?)?,
        mail,
        mailbox: mailbox.unwrap_or(plain),
        traits,
        bounced: row.get(11)?,
        again: row.get(12)?,
        opted_out: row.get(13)?,
    })
}

fn bulk(
    connection: &Connection,
    company: i64,
    (since, until): (i64, i64),
    mails: &mut HashMap<String, usize>,
) -> Result<Vec<BulkMail>, StoreError> {
    let least = crate::ledger::signals::bounds::GUESSED_NAMES.0;
    let mut statement = connection.prepare_cached(
        "SELECT e.transaction_id, MAX(e.offered), COUNT(DISTINCT e.recipient), MIN(f.at)
         FROM persons p JOIN events e ON e.person = p.id JOIN entries f ON f.company = p.company AND f.seq = e.seq
         WHERE p.company = ?1 AND e.offered >= ?2 AND f.at >= ?3 AND f.posted < ?4 GROUP BY e.transaction_id",
    )?;
    let mut found = statement.query(params![company, least, since, until])?;
    let mut bulk = Vec::new();
    while let Some(row) = found.next()? {
        let next = mails.len();
        let mail = *mails.entry(row.get(0)?).or_insert(next);
        bulk.push(BulkMail { mail, offered: row.get(1)?, taken: row.get(2)?, at: rows::time(row.get(3)?)? });
    }
    Ok(bulk)
}

/// When somebody, and not the clock, had persons erased: once for each of them.
fn erased(connection: &Connection, company: i64, until: i64) -> Result<Vec<Timestamp>, StoreError> {
    let sql = "SELECT e.at, a.record FROM acts a JOIN entries e ON e.company = a.company AND e.seq = a.seq
               WHERE a.company = ?1 AND e.kind = ?2 AND e.posted < ?3 ORDER BY a.seq";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query(params![company, ERASED, until])?;
    let mut erased = Vec::new();
    while let Some(row) = found.next()? {
        let record = row.get_ref(1)?.as_str().map_err(|e| StoreError::Damaged(e.to_string()))?;
        let act = Act::read(record).map_err(|e| StoreError::Damaged(e.to_string()))?;
        if let Deed::Erase { persons, .. } = act.deed
            && act.actor != CLOCK
        {
            let at = rows::time(row.get(0)?)?;
            erased.extend((0..persons).map(|_| at));
        }
    }
    Ok(erased)
}

/// The company's registrations since a time, and persons and registrations of all other companies whose credits are
/// made by mails.
fn registered(connection: &Connection, company: i64, since: i64) -> Result<(u64, Registered), StoreError> {
    let sql =
        "SELECT COUNT(*) FROM entries INDEXED BY entries_registered WHERE company = ?1 AND kind = 17 AND at >= ?2";
    let own: i64 = connection.prepare_cached(sql)?.query_row(params![company, since], |row| row.get(0))?;
    let mut statement = connection.prepare_cached(
        "SELECT SUM(p.counted), (SELECT COUNT(*) FROM entries e INDEXED BY entries_registered
                                 WHERE e.company = p.company AND e.kind = 17)
         FROM pools p WHERE p.company <> ?1 GROUP BY p.company",
    )?;
    let mut found = statement.query([company])?;
    let mut fleet = Registered::default();
    while let Some(row) = found.next()? {
        let (referred, registered) = (rows::number(row.get(0)?)?, rows::number(row.get(1)?)?);
        if registered < referred {
            fleet.companies += u64::from(registered > 0);
            fleet.referred += referred;
            fleet.registered += registered;
        }
    }
    Ok((rows::number(own)?, fleet))
}

/// The acts that cleared signals, as they are kept.
fn clears(connection: &Connection, company: i64, until: Timestamp) -> Result<Vec<(u64, Timestamp, Act)>, StoreError> {
    let sql = "SELECT a.seq, e.at, a.record FROM acts a JOIN entries e ON e.company = a.company AND e.seq = a.seq
               WHERE a.company = ?1 AND e.kind = ?2 AND e.posted < ?3 ORDER BY a.seq";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query(params![company, CLEARED, until.as_microsecond()])?;
    let mut acts = Vec::new();
    while let Some(row) = found.next()? {
        let seq = rows::number(row.get(0)?)?;
        let record = row.get_ref(2)?.as_str().map_err(|e| StoreError::Damaged(e.to_string()))?;
        let act = Act::read(record).map_err(|e| StoreError::Damaged(format!("act of entry {seq}: {e}")))?;
        acts.push((seq, rows::time(row.get(1)?)?, act));
    }
    Ok(acts)
}

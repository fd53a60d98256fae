//! Templates: what HR has said of each, with time and actor; which ones were seen, and domains that look like agencies.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::error::StoreError;
use super::writer::Command;
use super::{Store, rows};
use crate::classify::template::{Fingerprint, Stand, TemplateId};
use crate::referral::CompanyId;

/// Seen templates kept of each company; those with the fewest mails go first.
const SEEN_MAX: u32 = 200;
/// Domains that look like agencies kept of each company.
const AGENCIES_MAX: u32 = 100;

/// What is said of a template from now on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TemplateChange {
    /// Whose template it is.
    pub company: CompanyId,
    /// Which.
    pub id: TemplateId,
    /// What tells its mails.
    pub fingerprint: Fingerprint,
    /// What HR says; nothing any more when absent.
    pub stand: Option<Stand>,
    /// What people call it.
    pub name: Option<String>,
    /// Where it was met: `teach`, `seen`, `hold` or `scan`.
    pub source: String,
    /// Who said so, as the audit shows him.
    pub actor: String,
}

/// What holds of a template.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TemplateRow {
    /// What was said, by whom.
    pub change: TemplateChange,
    /// Since when.
    pub at: Timestamp,
}

/// A template that was seen in rejections.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SeenTemplate {
    /// Whose.
    pub company: CompanyId,
    /// Which.
    pub id: TemplateId,
    /// What tells its mails.
    pub fingerprint: Fingerprint,
    /// When the first mail came.
    pub first: Timestamp,
    /// When the last one came.
    pub last: Timestamp,
    /// How many there were.
    pub mails: u64,
}

/// A domain with a mailbox that got rejections about several people.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct SeenAgency {
    /// Whose rejections.
    pub company: CompanyId,
    /// The domain.
    pub domain: String,
    /// When that was noticed first.
    pub first: Timestamp,
    /// When it was noticed last.
    pub last: Timestamp,
}

impl Store {
    /// Writes down what HR says of templates; all of it or nothing.
    ///
    /// # Errors
    /// When it cannot be: a company the ledger does not know, a failed commit.
    pub async fn change_templates(&self, changes: Vec<TemplateChange>) -> Result<(), StoreError> {
        self.ask(|reply| Command::Templates(changes, reply)).await
    }

    /// What holds of each template HR has said something of.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn templates(&self) -> Result<Vec<TemplateRow>, StoreError> {
        self.read(templates).await
    }

    /// Everything that was ever said of one template, oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn template_history(&self, company: &CompanyId, id: TemplateId) -> Result<Vec<TemplateRow>, StoreError> {
        let company = company.clone();
        self.read(move |c| history(c, &company, id)).await
    }

    /// Adds to what was seen of templates and agencies.
    ///
    /// # Errors
    /// When it was not committed.
    pub async fn note_seen(&self, seen: Vec<SeenTemplate>, agencies: Vec<SeenAgency>) -> Result<(), StoreError> {
        self.ask(|reply| Command::Seen(seen, agencies, reply)).await
    }

    /// The templates and the domains that look like agencies which were seen in rejections.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn seen(&self) -> Result<(Vec<SeenTemplate>, Vec<SeenAgency>), StoreError> {
        self.read(seen).await
    }
}

/// Writes changes down. A company the ledger does not know is a slip of the keyboard.
pub fn change(connection: &Connection, changes: &[TemplateChange], now: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO templates (at, actor, act, source, company, id, name, fingerprint) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    for TemplateChange { company, id, fingerprint, stand, name, source, actor } in changes {
        if rows::company(connection, company)?.is_none() {
            return Err(StoreError::NoCompany(company.clone()));
        }
        let (act, id) = (stand.map_or("remove", Stand::code), id.to_string());
        let octets = fingerprint.to_octets();
        let values = params![now.as_microsecond(), actor, act, source, company.as_str(), id, name, octets];
        connection.prepare_cached(sql)?.execute(values)?;
    }
    Ok(())
}

/// What holds of each template HR has said something of, oldest first.
pub fn templates(connection: &Connection) -> Result<Vec<TemplateRow>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT company, id, fingerprint, act, name, source, actor, at FROM templates WHERE act <> 'remove' AND seq IN \
         (SELECT max(seq) FROM templates GROUP BY company, id) ORDER BY seq",
    )?;
    let mut found = statement.query([])?;
    let mut templates = Vec::new();
    while let Some(row) = found.next()? {
        templates.push(template(row)?);
    }
    Ok(templates)
}

/// Everything that was ever said of one template, oldest first.
pub fn history(connection: &Connection, company: &CompanyId, id: TemplateId) -> Result<Vec<TemplateRow>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT company, id, fingerprint, act, name, source, actor, at FROM templates WHERE company = ?1 AND id = ?2 \
         ORDER BY seq",
    )?;
    let mut found = statement.query(params![company.as_str(), id.to_string()])?;
    let mut templates = Vec::new();
    while let Some(row) = found.next()? {
        templates.push(template(row)?);
    }
    Ok(templates)
}

fn template(row: &Row<'_>) -> Result<TemplateRow, StoreError> {
    let (company, id, fingerprint) = key(row)?;
    let act: String = row.get(3)?;
    let change = TemplateChange {
        company,
        id,
        fingerprint,
        stand: Stand::parse(&act),
        name: row.get(4)?,
        source: row.get(5)?,
        actor: row.get(6)?,
    };
    Ok(TemplateRow { change, at: rows::time(row.get(7)?)? })
}

fn key(row: &Row<'_>) -> Result<(CompanyId, TemplateId, Fingerprint), StoreError> {
    let (company, id, octets): (String, String, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let damaged = |what: String| StoreError::Damaged(format!("template {id:?} of {company:?}: {what}"));
    let print = Fingerprint::from_octets(&octets).map_err(|e| damaged(e.to_string()))?;
    let parsed = TemplateId::parse(&id).ok_or_else(|| damaged("its id".to_owned()))?;
    Ok((CompanyId::parse(&company).map_err(|e| damaged(e.to_string()))?, parsed, print))
}

/// Adds what was seen to what is written down, and drops what is too much.
pub fn note_seen(connection: &Connection, seen: &[SeenTemplate], agencies: &[SeenAgency]) -> Result<(), StoreError> {
    let sql = "INSERT INTO seen_templates (company, id, first, last, mails, fingerprint) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (company, id) DO UPDATE SET mails = mails + excluded.mails, \
               first = min(first, excluded.first), last = max(last, excluded.last), fingerprint = excluded.fingerprint";
    let mut statement = connection.prepare_cached(sql)?;
    for SeenTemplate { company, id, fingerprint, first, last, mails } in seen {
        let (first, last) = (first.as_microsecond(), last.as_microsecond());
        let mails = i64::try_from(*mails).unwrap_or(i64::MAX);
        statement.execute(params![company.as_str(), id.to_string(), first, last, mails, fingerprint.to_octets()])?;
    }
    let sql = "INSERT INTO seen_agencies (company, domain, first, last) VALUES (?1, ?2, ?3, ?4) \
               ON CONFLICT (company, domain) DO UPDATE SET last = max(last, excluded.last)";
    let mut statement = connection.prepare_cached(sql)?;
    for SeenAgency { company, domain, first, last } in agencies {
        statement.execute(params![company.as_str(), domain, first.as_microsecond(), last.as_microsecond()])?;
    }
    let mut companies: Vec<&str> = seen.iter().map(|s| s.company.as_str()).collect();
    companies.extend(agencies.iter().map(|a| a.company.as_str()));
    companies.sort_unstable();
    companies.dedup();
    for company in companies {
        let sql = "DELETE FROM seen_templates WHERE company = ?1 AND id IN (SELECT id FROM seen_templates \
                   WHERE company = ?1 ORDER BY mails DESC, last DESC LIMIT -1 OFFSET ?2)";
        connection.prepare_cached(sql)?.execute(params![company, SEEN_MAX])?;
        let sql = "DELETE FROM seen_agencies WHERE company = ?1 AND domain IN (SELECT domain FROM seen_agencies \
                   WHERE company = ?1 ORDER BY last DESC LIMIT -1 OFFSET ?2)";
        connection.prepare_cached(sql)?.execute(params![company, AGENCIES_MAX])?;
    }
    Ok(())
}

/// The templates that were seen, those with the most mails first, and the domains that look like agencies.
pub fn seen(connection: &Connection) -> Result<(Vec<SeenTemplate>, Vec<SeenAgency>), StoreError> {
    let sql =
        "SELECT company, id, fingerprint, first, last, mails FROM seen_templates ORDER BY company, mails DESC, id";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query([])?;
    let mut templates = Vec::new();
    while let Some(row) = found.next()? {
        let (company, id, fingerprint) = key(row)?;
        let (first, last) = (rows::time(row.get(3)?)?, rows::time(row.get(4)?)?);
        templates.push(SeenTemplate { company, id, fingerprint, first, last, mails: rows::number(row.get(5)?)? });
    }
    let mut statement =
        connection.prepare_cached("SELECT company, domain, first, last FROM seen_agencies ORDER BY company, domain")?;
    let mut found = statement.query([])?;
    let mut agencies = Vec::new();
    while let Some(row) = found.next()? {
        let company: String = row.get(0)?;
        let company =
            CompanyId::parse(&company).map_err(|e| StoreError::Damaged(format!("company {company:?}: {e}")))?;
        let (first, last) = (rows::time(row.get(2)?)?, rows::time(row.get(3)?)?);
        agencies.push(SeenAgency { company, domain: row.get(1)?, first, last });
    }
    Ok((templates, agencies))
}

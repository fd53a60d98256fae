//! Which slots HR is told of in which mail, and which of these mails a courier has taken.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::error::StoreError;
use super::read::{self, company_id};
use crate::ledger::{Grant, Notice};
use crate::referral::CompanyId;

/// Companies with slots that are in no mail yet.
pub fn companies_to_tell(connection: &Connection) -> Result<Vec<CompanyId>, StoreError> {
    let sql = "SELECT DISTINCT c.name FROM notices n JOIN companies c ON c.id = n.company WHERE n.mail IS NULL
               ORDER BY c.name";
    let mut statement = connection.prepare_cached(sql)?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    names.iter().map(|name| company_id(name)).collect()
}

/// Notices no courier has taken, each whole.
pub fn due(connection: &Connection, limit: usize) -> Result<Vec<Notice>, StoreError> {
    let sql = format!(
        "WITH due AS (
             SELECT DISTINCT company, series, mail FROM notices WHERE taken IS NULL AND mail IS NOT NULL LIMIT ?1)
         SELECT {}, n.mail FROM due JOIN notices n USING (company, series, mail)
         JOIN grants g USING (company, series, cycle) JOIN companies c ON c.id = n.company
         ORDER BY c.name, n.series, n.cycle",
        read::GRANT_COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query([i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut notices: Vec<Notice> = Vec::new();
    while let Some(row) = found.next()? {
        let (grant, mail) = (read::grant(row)?, row.get::<_, u32>(6)?);
        match notices.last_mut() {
            Some(notice) if grant.cycle != mail => notice.others.push(grant),
            _ => notices.push(Notice { first: grant, others: Vec::new() }),
        }
    }
    Ok(notices)
}

/// Puts the slots of a company that are in no mail yet into one for each series. What is in a mail stays there.
pub fn gather(connection: &Connection, company: &CompanyId) -> Result<(), StoreError> {
    let sql = "SELECT n.company, n.series, MIN(n.cycle) FROM notices n JOIN companies c ON c.id = n.company
               WHERE n.mail IS NULL AND c.name = ?1 GROUP BY n.company, n.series";
    let mut statement = connection.prepare_cached(sql)?;
    let first = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let firsts: Vec<(i64, String, u32)> = statement.query_map([company.as_str()], first)?.collect::<Result<_, _>>()?;
    for (company, series, cycle) in firsts {
        let sql = "UPDATE notices SET mail = ?3 WHERE mail IS NULL AND company = ?1 AND series = ?2";
        connection.prepare_cached(sql)?.execute(params![company, series, cycle])?;
    }
    Ok(())
}

/// Marks a notice as taken; a second time changes nothing.
pub fn mark_taken(connection: &Connection, notice: &Notice, now: Timestamp) -> Result<(), StoreError> {
    let Grant { company, series, cycle, .. } = &notice.first;
    let sql = "UPDATE notices SET taken = ?4 WHERE taken IS NULL AND series = ?2 AND mail = ?3
               AND company = (SELECT id FROM companies WHERE name = ?1)";
    connection.prepare_cached(sql)?.execute(params![company.as_str(), series, cycle, now.as_microsecond()])?;
    Ok(())
}

//! Who stopped and resumed the line, for one company or all: every act with its time and actor, and what holds now.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::error::StoreError;
use super::rows;
use crate::referral::CompanyId;

/// An act, and who asked for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Switch {
    /// For whom; all companies when absent.
    pub company: Option<CompanyId>,
    /// Who asked for it, as the audit shows him.
    pub actor: String,
    /// What is to be.
    pub act: SwitchAct,
}

/// What can be asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SwitchAct {
    /// Nothing is inserted any more.
    Off,
    /// It is again; for all companies those that are off on their own stay so.
    On,
    /// Mails are edited again for this next hop, or for all, after it had refused edited mails.
    Resume {
        /// The next hop; all when absent.
        next_hop: Option<String>,
    },
}

impl SwitchAct {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
            Self::Resume { .. } => "resume",
        }
    }
}

/// For whom nothing is inserted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OffRow {
    /// The company; all of them when absent.
    pub company: Option<CompanyId>,
    /// Since when.
    pub at: Timestamp,
    /// Who asked for it.
    pub actor: String,
}

/// Writes an act down. A company the ledger does not know is a slip of the keyboard: nothing would be stopped by it.
pub fn switch(connection: &Connection, switch: &Switch, now: Timestamp) -> Result<(), StoreError> {
    if let Some(id) = &switch.company
        && rows::company(connection, id)?.is_none()
    {
        return Err(StoreError::NoCompany(id.clone()));
    }
    let next_hop = match &switch.act {
        SwitchAct::Resume { next_hop } => next_hop.as_deref(),
        SwitchAct::Off | SwitchAct::On => None,
    };
    let company = switch.company.as_ref().map(CompanyId::as_str);
    let sql = "INSERT INTO switches (at, actor, act, company, next_hop) VALUES (?1, ?2, ?3, ?4, ?5)";
    let values = params![now.as_microsecond(), switch.actor, switch.act.code(), company, next_hop];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// For whom nothing was inserted at a time: all companies first, if they are off, then each that is off on its own.
pub fn off(connection: &Connection, then: Timestamp) -> Result<Vec<OffRow>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT company, at, actor FROM switches WHERE act = 'off' AND seq IN \
         (SELECT max(seq) FROM switches WHERE act IN ('off', 'on') AND at <= ?1 GROUP BY company) ORDER BY company",
    )?;
    let mut found = statement.query([then.as_microsecond()])?;
    let mut off = Vec::new();
    while let Some(row) = found.next()? {
        let id: Option<String> = row.get(0)?;
        let parse = |id: String| CompanyId::parse(&id).map_err(|e| StoreError::Damaged(format!("company {id:?}: {e}")));
        off.push(OffRow { company: id.map(parse).transpose()?, at: rows::time(row.get(1)?)?, actor: row.get(2)? });
    }
    Ok(off)
}

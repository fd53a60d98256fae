//! Users: who there is now, and every change with its time and its actor.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;
use super::rows;
use crate::pipeline::{PasswordHash, Role, User, UserAct, UserName, Users};
use crate::referral::CompanyId;

/// A change of one user, and who asked for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UserChange {
    /// The user.
    pub name: UserName,
    /// Who asked for it, as the audit shows him.
    pub actor: String,
    /// What is to be.
    pub act: UserAct,
}

/// One change of a user, as it was written down.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UserRow {
    /// The user.
    pub name: UserName,
    /// When.
    pub at: Timestamp,
    /// Who asked for it.
    pub actor: String,
    /// The code of what was done: `add`, `password`, `remove`.
    pub act: String,
    /// His role from then on; of a removed user, until then.
    pub role: Role,
    /// The company he is bound to.
    pub company: Option<CompanyId>,
}

const USER_COLUMNS: &str = "name, role, company, password, added, changed";

pub fn users(connection: &Connection) -> Result<Users, StoreError> {
    let mut statement = connection.prepare_cached(&format!("SELECT {USER_COLUMNS} FROM users"))?;
    let mut found = statement.query([])?;
    let mut users = Vec::new();
    while let Some(row) = found.next()? {
        users.push(user(row)?);
    }
    Ok(users.into_iter().collect())
}

/// Every change of one user, or of all, oldest first.
pub fn changes(connection: &Connection, only: Option<&UserName>) -> Result<Vec<UserRow>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT name, at, actor, act, role, company FROM user_changes WHERE ?1 IS NULL OR name = ?1 ORDER BY seq",
    )?;
    let mut found = statement.query([only.map(UserName::as_str)])?;
    let mut changes = Vec::new();
    while let Some(row) = found.next()? {
        let (at, actor, act) = (rows::time(row.get(1)?)?, row.get(2)?, row.get(3)?);
        changes.push(UserRow { name: name(row, 0)?, at, actor, act, role: role(row, 4)?, company: company(row, 5)? });
    }
    Ok(changes)
}

/// Changes a user, and writes down that it was done. Nothing is written when it cannot be.
pub fn set(connection: &Connection, change: &UserChange, now: Timestamp) -> Result<(), StoreError> {
    let known = find(connection, &change.name)?;
    let no_user = || StoreError::NoUser(change.name.clone());
    let (role, company) = match (&change.act, known) {
        (UserAct::Add { .. }, Some(_)) => return Err(StoreError::UserKnown(change.name.clone())),
        (UserAct::Add { role, company, .. }, None) => {
            require_company(connection, *role, company.as_ref())?;
            (*role, company.clone())
        }
        (_, known) => known.map(|user| (user.role, user.company)).ok_or_else(no_user)?,
    };
    let (name, at) = (change.name.as_str(), now.as_microsecond());
    let company = company.as_ref().map(CompanyId::as_str);
    connection
        .prepare_cached(
            "INSERT INTO user_changes (name, at, actor, act, role, company) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![name, at, change.actor, change.act.code(), role.code(), company])?;
    match &change.act {
        UserAct::Add { password, .. } => {
            let sql = format!("INSERT INTO users ({USER_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?5)");
            let values = params![name, role.code(), company, password.as_phc(), at];
            connection.prepare_cached(&sql)?.execute(values)?;
        }
        UserAct::Password { password } => {
            let sql = "UPDATE users SET password = ?2, changed = ?3 WHERE name = ?1";
            connection.prepare_cached(sql)?.execute(params![name, password.as_phc(), at])?;
        }
        UserAct::Remove => {
            connection.prepare_cached("DELETE FROM users WHERE name = ?1")?.execute([name])?;
        }
    }
    Ok(())
}

fn require_company(connection: &Connection, role: Role, company: Option<&CompanyId>) -> Result<(), StoreError> {
    match company {
        Some(_) if !role.takes_company() => Err(StoreError::Unbound(role)),
        Some(id) if rows::company(connection, id)?.is_none() => Err(StoreError::NoCompany(id.clone())),
        _ => Ok(()),
    }
}

fn find(connection: &Connection, name: &UserName) -> Result<Option<User>, StoreError> {
    let sql = format!("SELECT {USER_COLUMNS} FROM users WHERE name = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_row([name.as_str()], |row| Ok(user(row))).optional()?.transpose()
}

fn user(row: &Row<'_>) -> Result<User, StoreError> {
    let password = row.get_ref(3)?.as_str().map_err(|e| StoreError::Damaged(e.to_string()))?;
    Ok(User {
        name: name(row, 0)?,
        role: role(row, 1)?,
        company: company(row, 2)?,
        password: PasswordHash::new(password),
        added: rows::time(row.get(4)?)?,
        changed: rows::time(row.get(5)?)?,
    })
}

fn name(row: &Row<'_>, at: usize) -> Result<UserName, StoreError> {
    let text: String = row.get(at)?;
    UserName::parse(&text).map_err(|e| StoreError::Damaged(format!("user {text:?}: {e}")))
}

fn role(row: &Row<'_>, at: usize) -> Result<Role, StoreError> {
    let code: String = row.get(at)?;
    Role::parse(&code).ok_or_else(|| StoreError::Damaged(format!("a user's role {code:?}")))
}

fn company(row: &Row<'_>, at: usize) -> Result<Option<CompanyId>, StoreError> {
    let id: Option<String> = row.get(at)?;
    let parse = |id: String| CompanyId::parse(&id).map_err(|e| StoreError::Damaged(format!("company {id:?}: {e}")));
    id.map(parse).transpose()
}

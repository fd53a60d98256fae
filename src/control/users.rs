//! What is answered about users, and what is done to them, in the form that goes over the socket and into `--json`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Caller, Request};
use crate::pipeline::{User, UserAct, UserName};
use crate::store::{Store, StoreError, UserChange, UserRow};
use crate::sys::password;

/// One user as he is now.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct UserLine {
    /// His name.
    pub name: String,
    /// The code of his role.
    pub role: String,
    /// The company he is bound to.
    pub company: Option<String>,
    /// Since when there is this user, RFC 3339.
    pub added_at: String,
    /// When anything about him was changed last, RFC 3339.
    pub changed_at: String,
}

/// One user with every change there ever was of his name.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct UserStory {
    /// As he is now; absent once he is removed.
    pub user: Option<UserLine>,
    /// What was done, oldest first.
    pub changes: Vec<ChangeLine>,
}

/// One change of a user.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ChangeLine {
    /// When, RFC 3339.
    pub at: String,
    /// Who asked for it.
    pub actor: String,
    /// `add`, `password` or `remove`.
    pub act: String,
    /// The code of his role at that time.
    pub role: String,
    /// The company he was bound to.
    pub company: Option<String>,
}

/// Answers a request about users; `None` when it is about something else.
pub async fn answer_users(store: &Store, caller: Caller, request: &Request) -> Option<Result<Value, String>> {
    match request {
        Request::Users => Some(users(store).await),
        Request::User { name } => Some(story(store, name).await),
        Request::SetUser { name, change } => Some(set(store, caller, name, change).await),
        _ => None,
    }
}

async fn users(store: &Store) -> Result<Value, String> {
    let users = store.users().await.map_err(say)?;
    to_value(users.iter().map(line).collect::<Vec<_>>())
}

async fn story(store: &Store, name: &UserName) -> Result<Value, String> {
    let users = store.users().await.map_err(say)?;
    let changes = store.user_changes(Some(name)).await.map_err(say)?;
    if changes.is_empty() {
        return Err(say(StoreError::NoUser(name.clone())));
    }
    let changes = changes.into_iter().map(change_line).collect();
    to_value(UserStory { user: users.find(name.as_str()).map(line), changes })
}

async fn set(store: &Store, caller: Caller, name: &UserName, change: &UserAct) -> Result<Value, String> {
    if let UserAct::Add { password, .. } | UserAct::Password { password } = change
        && !password::is_sound(password)
    {
        return Err("the password was hashed with less than is asked for: use the command of this version".to_owned());
    }
    let change = UserChange { name: name.clone(), actor: caller.describe(), act: change.clone() };
    store.set_user(change).await.map_err(say)?;
    let users = store.users().await.map_err(say)?;
    to_value(users.find(name.as_str()).map(line))
}

fn line(user: &User) -> UserLine {
    UserLine {
        name: user.name.to_string(),
        role: user.role.code().to_owned(),
        company: user.company.as_ref().map(ToString::to_string),
        added_at: user.added.to_string(),
        changed_at: user.changed.to_string(),
    }
}

fn change_line(row: UserRow) -> ChangeLine {
    ChangeLine {
        at: row.at.to_string(),
        actor: row.actor,
        act: row.act,
        role: row.role.code().to_owned(),
        company: row.company.map(|company| company.to_string()),
    }
}

fn to_value(answer: impl Serialize) -> Result<Value, String> {
    serde_json::to_value(answer).map_err(|e| e.to_string())
}

fn say(error: StoreError) -> String {
    match error {
        StoreError::NoCompany(company) => {
            format!(
                "the ledger does not know the company {company}: it learns of it when the server starts with its file"
            )
        }
        StoreError::UserKnown(name) => {
            format!("there is a user {name} already; `user password` gives another password")
        }
        StoreError::NoUser(name) => format!("there is no user {name}; `user list` names those there are"),
        other => other.to_string(),
    }
}

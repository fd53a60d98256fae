//! Users of the gateway: those who may send mail through it, and those who may look at it and run it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::referral::CompanyId;

/// Longest name of a user, in octets.
const NAME_OCTETS_MAX: usize = 64;

/// The name of a user: 1 to 64 of `a-z`, `0-9` and `._@+-`. Capital letters mean the small ones.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserName(Arc<str>);

/// The text is not a user's name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a user's name is 1 to 64 characters of a-z, 0-9 and . _ - @ +, and begins with a letter or a digit")]
pub struct UserNameFault;

impl UserName {
    /// Parses a name.
    ///
    /// # Errors
    /// [`UserNameFault`] when it is empty, too long, has another character, or could be taken for an option.
    pub fn parse(text: &str) -> Result<Self, UserNameFault> {
        let fine = |b: u8| b.is_ascii_alphanumeric() || b"._@+-".contains(&b);
        let length = (1..=NAME_OCTETS_MAX).contains(&text.len());
        let begins = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        (length && begins && text.bytes().all(fine))
            .then(|| Self(text.to_ascii_lowercase().into()))
            .ok_or(UserNameFault)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for UserName {
    type Error = UserNameFault;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<UserName> for String {
    fn from(name: UserName) -> Self {
        name.0.as_ref().to_owned()
    }
}

/// What a user may do. A user has one role: who both sends mail and looks at pages has two names.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May send mail through us.
    Relay,
    /// Runs the installation.
    Admin,
    /// Runs Career Relay over all companies.
    Operator,
    /// Sees and approves what is a company's.
    Hr,
    /// Sees it.
    Viewer,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Relay, Self::Admin, Self::Operator, Self::Hr, Self::Viewer];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Hr => "hr",
            Self::Viewer => "viewer",
        }
    }

    /// The role of a code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == code)
    }

    /// Whether a user of this role may be bound to a company; the others are there for all of them.
    pub fn takes_company(self) -> bool {
        matches!(self, Self::Relay | Self::Hr | Self::Viewer)
    }
}

/// The hash of a password as a PHC string. No log and no error shows it.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct PasswordHash(Box<str>);

impl PasswordHash {
    /// Keeps a PHC string; `sys::password` makes and reads them.
    pub fn new(phc: &str) -> Self {
        Self(phc.into())
    }

    /// The PHC string.
    pub fn as_phc(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// One user as he is now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// His name.
    pub name: UserName,
    /// What he may do.
    pub role: Role,
    /// The company he is bound to. A `relay` user proves that company and no other; one who is bound to none may relay,
    /// and proves a company only where its `proved_by.users` names him.
    pub company: Option<CompanyId>,
    /// The hash of his password.
    pub password: PasswordHash,
    /// Since when there is this user.
    pub added: Timestamp,
    /// When anything about him was changed last.
    pub changed: Timestamp,
}

/// What can be done to a user.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum UserAct {
    /// There shall be this user.
    Add {
        /// What he may do.
        role: Role,
        /// The company he is bound to.
        company: Option<CompanyId>,
        /// The hash of his password.
        password: PasswordHash,
    },
    /// He shall have another password.
    Password {
        /// Its hash.
        password: PasswordHash,
    },
    /// He shall be a user no more.
    Remove,
}

impl UserAct {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Add { .. } => "add",
            Self::Password { .. } => "password",
            Self::Remove => "remove",
        }
    }
}

/// All users of one moment, by name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Users(BTreeMap<UserName, User>);

impl Users {
    /// The user of this name, in whatever letters a client writes it.
    pub fn find(&self, name: &str) -> Option<&User> {
        UserName::parse(name).ok().and_then(|name| self.0.get(&name))
    }

    /// Every user, by name.
    pub fn iter(&self) -> impl Iterator<Item = &User> {
        self.0.values()
    }
}

impl FromIterator<User> for Users {
    fn from_iter<I: IntoIterator<Item = User>>(users: I) -> Self {
        Self(users.into_iter().map(|user| (user.name.clone(), user)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_spelling_whatever_a_client_writes() {
        for (text, name) in [("ats", "ats"), ("Hr@Sakura.Example", "hr@sakura.example"), ("7-a_b.c+d", "7-a_b.c+d")] {
            assert_eq!(UserName::parse(text).map(|n| n.to_string()), Ok(name.to_owned()));
        }
        for text in ["", "-x", "@x", "a b", "a\0b", "花子", "a:b", &"a".repeat(65)] {
            assert_eq!(UserName::parse(text), Err(UserNameFault), "{text:?}");
        }
    }

    #[test]
    fn a_user_is_found_in_any_letters_and_his_hash_is_not_shown() {
        let name = UserName::parse("ats").unwrap_or_else(|e| panic!("{e}"));
        let (password, at) = (PasswordHash::new("$argon2id$secret"), Timestamp::UNIX_EPOCH);
        let user = User { name, role: Role::Relay, company: None, password, added: at, changed: at };
        let users: Users = [user].into_iter().collect();
        assert!(users.find("ATS").is_some() && users.find("at").is_none() && users.find("a\0ts").is_none());
        assert!(!format!("{users:?}").contains("argon2id"));
    }

    #[test]
    fn every_role_has_a_code_of_its_own() {
        assert_eq!(Role::ALL.map(|role| Role::parse(role.code())), Role::ALL.map(Some));
        assert_eq!(Role::parse("root"), None);
    }
}

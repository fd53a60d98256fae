//! Who logs in: passwords against the users in force, hashed beside the runtime, a few at a time.
//!
//! Hashing is slow by intent. A password that was right is known again by its print, so that an ATS that logs in for
//! each mail costs one hash and not a thousand; whatever is done to its user makes it unknown at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::Login;
use crate::pipeline::{PasswordHash, Role, Secret, User, Users};
use crate::sys::password;
use crate::sys::print::{Print, Printer};

/// Hashes at one time; each takes 19 MiB and a processor for some 20 ms.
const HASHES_MAX: usize = 2;
/// How long a login may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// Passwords known again at one time.
const KNOWN_MAX: usize = 1024;

/// Checks passwords, and knows again those that were right.
pub(super) struct Logins {
    turns: Arc<Semaphore>,
    patience: Duration,
    printer: Printer,
    /// By name and password: the hash that the password was found right for.
    known: Mutex<HashMap<Print, PasswordHash>>,
}

impl Logins {
    pub(super) fn new() -> Self {
        let turns = Arc::new(Semaphore::new(HASHES_MAX));
        Self { turns, patience: PATIENCE, printer: Printer::new(), known: Mutex::default() }
    }

    /// Whose credentials these are. Nobody learns from the time it takes whether there is such a user: only whoever has
    /// the right password is answered sooner.
    pub(super) async fn authenticate(&self, users: &Users, name: &str, password: Secret) -> Login {
        let user = users.find(name).filter(|user| may_send(user));
        let print = self.printer.print(name.as_bytes(), password.reveal().as_bytes());
        if let Some(user) = user.filter(|user| self.is_known(&print, &user.password)) {
            return Login::As(user.name.to_string());
        }
        let Ok(Ok(turn)) = timeout(self.patience, Arc::clone(&self.turns).acquire_owned()).await else {
            return Login::NotNow;
        };
        let hash = user.map(|user| user.password.clone());
        let verify = move || {
            // The turn lasts as long as the work, also when the client has gone meanwhile.
            let _turn = turn;
            password::verify(password.reveal().as_bytes(), hash.as_ref())
        };
        match (tokio::task::spawn_blocking(verify).await, user) {
            (Ok(true), Some(user)) => {
                self.learn(print, user.password.clone());
                Login::As(user.name.to_string())
            }
            (Ok(_), _) => Login::Wrong,
            (Err(_), _) => Login::NotNow,
        }
    }

    fn is_known(&self, print: &Print, hash: &PasswordHash) -> bool {
        self.known().get(print).is_some_and(|known| known == hash)
    }

    fn learn(&self, print: Print, hash: PasswordHash) {
        let mut known = self.known();
        if known.len() >= KNOWN_MAX {
            // Each can be learnt anew for the price of a hash.
            known.clear();
        }
        known.insert(print, hash);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Print, PasswordHash>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether he may log in here: those who look at pages have no business at the door for mail.
pub(super) fn may_send(user: &User) -> bool {
    user.role == Role::Relay
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::pipeline::UserName;

    const PASSWORD: &str = "plum blossom 7";

    fn user(name: &str, role: Role, password: &str) -> User {
        let name = UserName::parse(name).expect("a name");
        let password = password::hash(password.as_bytes()).expect("a hash");
        let (added, changed) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
        User { name, role, company: None, password, added, changed }
    }

    fn users(users: &[User]) -> Users {
        users.iter().cloned().collect()
    }

    async fn ask(logins: &Logins, users: &Users, name: &str, password: &str) -> Login {
        logins.authenticate(users, name, Secret::new(password)).await
    }

    #[tokio::test]
    async fn the_right_password_of_a_relay_user_is_his_and_nothing_else_is_anybodys() {
        let logins = Logins::new();
        let users = users(&[user("ats", Role::Relay, PASSWORD), user("hanako", Role::Admin, PASSWORD)]);
        assert_eq!(ask(&logins, &users, "ATS", PASSWORD).await, Login::As("ats".to_owned()));
        assert_eq!(ask(&logins, &users, "ats", "plum blossom 8").await, Login::Wrong);
        assert_eq!(ask(&logins, &users, "hanako", PASSWORD).await, Login::Wrong);
        assert_eq!(ask(&logins, &users, "nobody", PASSWORD).await, Login::Wrong);
        assert_eq!(ask(&logins, &users, "", "").await, Login::Wrong);
    }

    #[tokio::test]
    async fn a_password_is_known_again_without_a_hash_until_its_user_changes() {
        let logins = Logins { patience: Duration::ZERO, ..Logins::new() };
        let before = users(&[user("ats", Role::Relay, PASSWORD)]);
        assert!(matches!(ask(&logins, &before, "ats", PASSWORD).await, Login::As(_)));
        let none_left = Arc::clone(&logins.turns).acquire_many_owned(2).await.expect("both turns");
        assert!(matches!(ask(&logins, &before, "ats", PASSWORD).await, Login::As(_)));
        assert_eq!(ask(&logins, &before, "ats", "plum blossom 8").await, Login::NotNow);
        // The same password under another salt, as after a change: it has to be looked at anew.
        let after = users(&[user("ats", Role::Relay, PASSWORD)]);
        assert_eq!(ask(&logins, &after, "ats", PASSWORD).await, Login::NotNow);
        assert_eq!(ask(&logins, &users(&[]), "ats", PASSWORD).await, Login::NotNow);
        drop(none_left);
        assert_eq!(ask(&logins, &users(&[]), "ats", PASSWORD).await, Login::Wrong);
    }

    #[test]
    fn no_more_is_known_than_has_its_place() {
        let logins = Logins::new();
        let hash = PasswordHash::new("x");
        for n in 0..u32::try_from(KNOWN_MAX).unwrap_or(0) + 10 {
            logins.learn(logins.printer.print(&n.to_be_bytes(), b""), hash.clone());
        }
        assert!(logins.known().len() <= KNOWN_MAX);
    }
}

//! Users: who there is, what is written down of every change, and what is not.

use rusqlite::Connection;

use super::*;
use crate::pipeline::{PasswordHash, Role, UserAct, UserName};
use crate::store::{LEDGER_FILE, UserChange};

fn ledger() -> Ledger {
    Ledger::open(&["kaede"], contract(1, 10, CountOn::Delivered))
}

fn name(text: &str) -> UserName {
    UserName::parse(text).expect("a name")
}

fn add(role: Role, to: Option<&str>) -> UserAct {
    UserAct::Add { role, company: to.map(company), password: PasswordHash::new("$argon2id$first") }
}

fn set(ledger: &Ledger, user: &str, act: UserAct) -> Result<(), StoreError> {
    wait(ledger.store.set_user(UserChange { name: name(user), actor: "taro (uid 1000)".to_owned(), act }))
}

fn names(ledger: &Ledger) -> Vec<String> {
    wait(ledger.store.users()).expect("users").iter().map(|u| u.name.to_string()).collect()
}

/// What was done to whom, oldest first.
fn acts(ledger: &Ledger) -> Vec<(String, String)> {
    let changes = wait(ledger.store.user_changes(None)).expect("changes");
    changes.into_iter().map(|row| (row.name.to_string(), row.act)).collect()
}

#[test]
fn a_user_is_there_until_he_is_removed_and_every_change_is_written_down() {
    let mut ledger = ledger();
    set(&ledger, "ats", add(Role::Relay, Some("kaede"))).expect("a user");
    set(&ledger, "jiro", add(Role::Viewer, None)).expect("a user");
    set(&ledger, "ats", UserAct::Password { password: PasswordHash::new("$argon2id$second") }).expect("a password");
    set(&ledger, "jiro", UserAct::Remove).expect("a removal");
    ledger.reopen();
    assert_eq!(names(&ledger), ["ats"]);
    let users = wait(ledger.store.users()).expect("users");
    let ats = users.find("ATS").expect("a user");
    assert_eq!((ats.role, ats.company.clone()), (Role::Relay, Some(company("kaede"))));
    assert_eq!(ats.password, PasswordHash::new("$argon2id$second"));
    assert!(ats.changed > ats.added);
    let expected = [("ats", "add"), ("jiro", "add"), ("ats", "password"), ("jiro", "remove")];
    assert_eq!(acts(&ledger), expected.map(|(user, act)| (user.to_owned(), act.to_owned())));
    let of_jiro = wait(ledger.store.user_changes(Some(&name("jiro")))).expect("changes");
    assert_eq!(of_jiro.iter().map(|row| row.role).collect::<Vec<_>>(), [Role::Viewer, Role::Viewer]);
    assert!(of_jiro.iter().all(|row| row.actor == "taro (uid 1000)") && of_jiro[0].at < of_jiro[1].at);
    // A name that is free again may be given again.
    set(&ledger, "jiro", add(Role::Hr, Some("kaede"))).expect("a user");
    assert_eq!(names(&ledger), ["ats", "jiro"]);
}

#[test]
fn what_cannot_be_is_refused_and_writes_nothing() {
    let ledger = ledger();
    set(&ledger, "ats", add(Role::Relay, None)).expect("a user");
    let refused = [
        ("ats", add(Role::Relay, None), StoreError::UserKnown(name("ats"))),
        ("jiro", UserAct::Remove, StoreError::NoUser(name("jiro"))),
        ("jiro", UserAct::Password { password: PasswordHash::new("x") }, StoreError::NoUser(name("jiro"))),
        ("jiro", add(Role::Relay, Some("momiji")), StoreError::NoCompany(company("momiji"))),
        ("jiro", add(Role::Admin, Some("kaede")), StoreError::Unbound(Role::Admin)),
    ];
    for (user, act, why) in refused {
        assert_eq!(set(&ledger, user, act), Err(why));
    }
    assert_eq!(acts(&ledger).len(), 1);
}

#[test]
fn of_two_who_add_the_same_name_at_once_one_does() {
    let ledger = ledger();
    let results = wait(async {
        let ask = |n: u32| {
            let actor = format!("uid {n}");
            let store = ledger.store.clone();
            let change = UserChange { name: name("ats"), actor, act: add(Role::Relay, None) };
            tokio::spawn(async move { store.set_user(change).await })
        };
        let asked: Vec<_> = (0..20).map(ask).collect();
        let mut results = Vec::new();
        for answer in asked {
            results.push(answer.await.expect("a task"));
        }
        results
    });
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 1);
    assert!(results.iter().filter_map(|r| r.as_ref().err()).all(|e| *e == StoreError::UserKnown(name("ats"))));
    assert_eq!(acts(&ledger).len(), 1);
}

#[test]
fn no_hash_outlives_its_password_in_the_rows() {
    let ledger = ledger();
    set(&ledger, "ats", add(Role::Relay, None)).expect("a user");
    set(&ledger, "ats", UserAct::Password { password: PasswordHash::new("$argon2id$second") }).expect("a password");
    let file = Connection::open(ledger.dir.path().join(LEDGER_FILE)).expect("the file");
    let hashes = |file: &Connection| -> Vec<String> {
        let mut statement = file.prepare("SELECT password FROM users").expect("a query");
        statement.query_map([], |row| row.get(0)).expect("rows").map(|hash| hash.expect("a hash")).collect()
    };
    assert_eq!(hashes(&file), ["$argon2id$second"]);
    set(&ledger, "ats", UserAct::Remove).expect("a removal");
    assert_eq!(hashes(&file), [""; 0]);
}

#[test]
fn a_ledger_from_before_there_were_users_keeps_all_it_has() {
    let dir = TempDir::new().expect("a folder");
    let file = Connection::open(dir.path().join(LEDGER_FILE)).expect("a file");
    file.execute_batch(include_str!("../../../migrations/sqlite/001_ledger.sql")).expect("the first schema");
    file.execute_batch(
        "INSERT INTO companies VALUES (1, 'kaede', 0, zeroblob(32), 0);
         INSERT INTO parked VALUES (x'01', 'momiji', '{}', 'no_contract', 7);
         PRAGMA user_version = 1;",
    )
    .expect("old rows");
    drop(file);
    let ledger = Ledger { store: Store::open(dir.path()).expect("a store"), dir, ..self::ledger() };
    assert_eq!(wait(ledger.store.companies()), Ok(vec![company("kaede")]));
    assert_eq!(wait(ledger.store.parked()).map(|p| p.len()), Ok(1));
    set(&ledger, "ats", add(Role::Relay, Some("kaede"))).expect("a user");
    assert_eq!(names(&ledger), ["ats"]);
}

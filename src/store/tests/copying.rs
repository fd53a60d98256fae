//! Copies of the ledger: whole, proven, private, and refused where they are not what they should be.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::*;
use crate::store::LEDGER_FILE;
use crate::store::backup::{Coming, CopyFault, back_up, take_in};

fn ledger() -> Ledger {
    let mut ledger = Ledger::open(&["kaede", "momiji"], contract(1, 10, CountOn::Delivered));
    ledger.post_persons("kaede", 0..11);
    ledger.post_persons("momiji", 0..3);
    ledger
}

fn copied(ledger: &Ledger) -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("copy.db");
    back_up(ledger.dir.path(), &file).expect("a copy");
    (folder, file)
}

fn names(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).expect("the folder").flatten();
    let mut names: Vec<String> = files.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn taken(dir: &Path, file: &Path) -> Result<Coming, CopyFault> {
    take_in(dir, (file, &mut File::open(file).expect("the copy")))
}

fn counted(store: &Store) -> u64 {
    wait(store.balance(&company("kaede"))).expect("a balance").first().map_or(0, |b| b.pool.counted)
}

#[test]
fn a_copy_made_while_others_post_is_one_moment_and_verifies() {
    let ledger = ledger();
    let events: Vec<_> =
        (100..400).map(|n| ledger.contact("kaede", &format!("c{n}@mail.example"), 0, Proves::Delivered)).collect();
    let store = ledger.store.clone();
    let posting = std::thread::spawn(move || {
        for (event, seq) in events.into_iter().zip(1..) {
            wait(store.post(vec![OutboxRow { seq, event }])).expect("a post");
        }
    });
    let folder = TempDir::new().expect("a folder");
    let mut before = 0;
    for turn in 0..5 {
        let file = folder.path().join(format!("{turn}.db"));
        let contents = back_up(ledger.dir.path(), &file).expect("a copy");
        assert!(contents.entries() >= before && contents.newest.is_some());
        before = contents.entries();
        assert_eq!(fs::metadata(&file).expect("the copy").permissions().mode() & 0o777, 0o600);
    }
    posting.join().expect("all posted");
    assert_eq!(names(folder.path()), ["0.db", "1.db", "2.db", "3.db", "4.db"], "and nothing beside them");
    assert_eq!(ledger.faults(), [""; 0]);
}

#[test]
fn a_copy_that_is_brought_back_goes_on_where_it_ended_and_the_present_one_is_kept() {
    let mut ledger = ledger();
    let (_folder, file) = copied(&ledger);
    ledger.post_persons("kaede", 11..30);
    let Ledger { dir, store, .. } = ledger;
    drop(store);
    let coming = taken(dir.path(), &file).expect("a copy that verifies");
    assert_eq!(coming.contents.entries(), 11 * 3 + 1 + 9);
    let aside = coming.put_in_place(Timestamp::UNIX_EPOCH).expect("a place").expect("the one that was there");
    assert_eq!(aside, dir.path().join("ledger-until-19700101T000000Z.db"));
    let store = Store::open_with(dir.path(), ticking).expect("a store");
    assert_eq!(counted(&store), 11);
    let mut ledger = Ledger { dir, store, ..self::ledger() };
    // What the outbox has is posted again: what the copy knows adds nothing.
    assert_eq!(ledger.post_persons("kaede", 0..30).events, 19);
    assert_eq!((counted(&ledger.store), ledger.faults()), (30, Vec::new()));
    let old = TempDir::new().expect("a folder");
    for suffix in ["", "-wal"] {
        let from = PathBuf::from(format!("{}{suffix}", aside.display()));
        if from.exists() {
            fs::copy(from, old.path().join(format!("{LEDGER_FILE}{suffix}"))).expect("a copy");
        }
    }
    assert_eq!(counted(&Store::open(old.path()).expect("the old store")), 30);
}

/// Spoils a copy, and checks what is said of it; the ledger and its folder stay as they were.
fn check(spoil: impl Fn(&Path), said: &str) {
    let ledger = ledger();
    let (_folder, file) = copied(&ledger);
    spoil(&file);
    let before = names(ledger.dir.path());
    let fault = taken(ledger.dir.path(), &file).expect_err("a copy that is not taken").to_string();
    assert!(fault.contains(said) && fault.contains("copy.db"), "{fault}");
    assert_eq!(names(ledger.dir.path()), before);
    assert_eq!(counted(&ledger.store), 11);
}

fn sql(text: &str) -> impl Fn(&Path) {
    move |file| Connection::open(file).and_then(|c| c.execute_batch(text)).expect("the tampering")
}

#[test]
fn what_is_not_a_sound_copy_is_refused_with_what_is_wrong_and_changes_nothing() {
    check(|file| fs::write(file, b"").expect("a file"), "is no copy of a ledger");
    check(|file| fs::write(file, "a letter, and not a ledger at all").expect("a file"), "is no copy of a ledger");
    check(sql("PRAGMA user_version = 99"), "has schema 99, this program knows");
    check(sql("UPDATE entries SET worth = 5 WHERE seq = 12"), "kaede entry 12: its hash does not fit");
    check(sql("UPDATE pools SET toward = 9 WHERE company = 1"), "balance of main");
    check(sql("DELETE FROM entries WHERE company = 2 AND seq = 9"), "momiji entry 9: missing");
    let cut = |file: &Path| {
        let half = fs::metadata(file).expect("the copy").len() / 2;
        File::options().write(true).open(file).and_then(|f| f.set_len(half)).expect("a cut");
    };
    check(cut, "is damaged");
    check(|file| fs::write(format!("{}-wal", file.display()), b"pages").expect("a file"), "is not whole");
}

#[test]
fn a_foreign_database_is_not_taken_for_a_ledger() {
    let ledger = ledger();
    let file = ledger.dir.path().join("other.db");
    Connection::open(&file)
        .and_then(|c| c.execute_batch("CREATE TABLE a (b); PRAGMA user_version = 11"))
        .expect("a file");
    let fault = taken(ledger.dir.path(), &file).expect_err("no ledger").to_string();
    assert!(fault.contains("other.db is no copy of a ledger"), "{fault}");
}

#[test]
fn a_ledger_that_does_not_verify_is_not_copied_and_a_name_in_use_is_left_alone() {
    let ledger = ledger();
    let (folder, file) = copied(&ledger);
    assert!(matches!(back_up(ledger.dir.path(), &file), Err(CopyFault::Taken(_))));
    let db = Connection::open(ledger.dir.path().join(LEDGER_FILE)).expect("the file");
    db.execute_batch("UPDATE entries SET worth = 5 WHERE seq = 12").expect("the tampering");
    let fault = back_up(ledger.dir.path(), &folder.path().join("new.db")).expect_err("no copy").to_string();
    assert!(fault.contains("ledger.db is damaged: kaede entry 12"), "{fault}");
    let nowhere = back_up(ledger.dir.path(), &folder.path().join("nowhere/new.db"));
    assert!(matches!(nowhere, Err(CopyFault::Disk { .. })), "{nowhere:?}");
    assert_eq!(names(folder.path()), ["copy.db"]);
}

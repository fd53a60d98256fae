//! A file that is not as it was written: named, never repaired silently. And a clock that goes back.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::store::backup::unsound;
use crate::store::{LEDGER_FILE, schema};

const PAGE: u64 = 4096;

/// A ledger in one whole file, closed.
fn written() -> (TempDir, PathBuf) {
    let mut ledger = Ledger::open(&["kaede"], contract(1, 10, CountOn::Delivered));
    ledger.post_persons("kaede", 0..60);
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join(LEDGER_FILE);
    crate::store::backup::back_up(ledger.dir.path(), &file).expect("a copy");
    (folder, file)
}

/// All that is said of a file by opening it, replaying it, and asking the database; empty when nothing is.
fn said_of(dir: &Path) -> String {
    let opened = Store::open_with(dir, ticking).and_then(|store| {
        let found = wait(store.verify(None))?;
        let faults = found.into_iter().flat_map(|company| company.faults).map(|fault| fault.what);
        let unsound = schema::open_reader(&dir.join(LEDGER_FILE)).and_then(|c| unsound(&c, "integrity_check"))?;
        Ok(faults.chain(unsound).collect::<Vec<_>>().join("\n"))
    });
    opened.unwrap_or_else(|error| error.to_string())
}

#[test]
fn a_file_that_was_cut_is_named_and_left_as_it_is() {
    let (folder, file) = written();
    assert_eq!(said_of(folder.path()), "");
    let whole = fs::read(&file).expect("the file");
    for octets in [whole.len() / 2, whole.len() - 4096, 5000, 100] {
        fs::write(&file, &whole[..octets]).expect("a cut file");
        let said = said_of(folder.path());
        assert!(said.contains("is damaged") && said.contains("ledger restore"), "{octets}: {said}");
        assert_eq!(fs::read(&file).expect("the file"), whole[..octets], "{octets}");
    }
    // A page of which a part is there is read as if the rest were empty: the replay finds it.
    fs::write(&file, &whole[..whole.len() - 1]).expect("a cut file");
    assert_ne!(said_of(folder.path()), "");
}

#[test]
fn a_page_that_was_lost_is_named_whichever_it_is() {
    let (folder, file) = written();
    let whole = fs::read(&file).expect("the file");
    for page in 0..whole.len() as u64 / PAGE {
        fs::write(&file, &whole).expect("the whole file");
        let mut spoilt = File::options().write(true).open(&file).expect("the file");
        spoilt.seek(SeekFrom::Start(page * PAGE)).expect("a page");
        spoilt.write_all(&[0; 4096]).expect("an empty page");
        drop(spoilt);
        assert_ne!(said_of(folder.path()), "", "page {page}");
    }
}

#[test]
fn an_octet_that_was_changed_in_an_entry_is_named() {
    let (folder, file) = written();
    let connection = rusqlite::Connection::open(&file).expect("the file");
    let sql = "SELECT hash FROM entries WHERE seq = 40";
    let hash: Vec<u8> = connection.query_row(sql, [], |row| row.get(0)).expect("an entry");
    drop(connection);
    let mut octets = fs::read(&file).expect("the file");
    let at = memchr::memmem::find(&octets, &hash).expect("its hash");
    octets[at] ^= 1;
    fs::write(&file, octets).expect("the changed file");
    assert!(said_of(folder.path()).contains("its hash does not fit"));
}

static SECONDS: AtomicI64 = AtomicI64::new(1_800_000_000);

fn jumping() -> Timestamp {
    Timestamp::from_second(SECONDS.load(Ordering::Relaxed)).expect("a time")
}

#[test]
fn a_clock_that_goes_back_changes_no_statement_that_was_printed() {
    let mut ledger = Ledger::open(&["kaede"], contract(1, 10, CountOn::Delivered));
    ledger.store = ledger.dir.open(jumping);
    let of = |ledger: &Ledger, until: i64| {
        let until = Timestamp::from_second(until).expect("a time");
        wait(ledger.store.statement(&company("kaede"), Timestamp::MIN, until)).expect("a statement")
    };
    ledger.post_persons("kaede", 0..5);
    let sealed = of(&ledger, 1_800_000_001);
    for second in [1_700_000_000, 1_800_000_000 - 1, 0] {
        SECONDS.store(second, Ordering::Relaxed);
        let first = ledger.contact("kaede", &format!("late{second}@mail.example"), 0, Proves::Delivered);
        ledger.post([first]);
        assert_eq!(of(&ledger, 1_800_000_000).seq, 0, "nothing is posted before what was");
    }
    assert_eq!(of(&ledger, 1_800_000_001).seq, sealed.seq + 9);
    SECONDS.store(1_800_000_010, Ordering::Relaxed);
    ledger.post_persons("kaede", 5..6);
    assert_eq!((of(&ledger, 1_800_000_001).seq, ledger.faults()), (sealed.seq + 9, Vec::new()));
}

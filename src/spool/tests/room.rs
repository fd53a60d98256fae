//! A full disk, a low one, a broken one: what still lands, what is refused, and who is told.

use std::time::{Duration, Instant};

use super::*;

/// A cap on the file that leaves room for some rows, and a reserve for some more.
fn small() -> SpoolOptions {
    SpoolOptions { database_octets_max: Some(192 * 1024), ..options() }
}

/// Adds outbox rows until the reserve is given up; gives their number.
async fn fill(spool: &Spool) -> u64 {
    let mut rows = 0;
    while spool.is_writable() {
        let batch = (0..20).map(|n| Write::Outbox(event("fill", n))).collect();
        spool.commit(batch).await.unwrap();
        rows += 20;
        assert!(rows < 10_000, "the cap is never reached");
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_in_flight_land_on_the_reserve_while_new_mail_is_refused() {
    let folder = folder();
    let spool = Spool::open(folder.path(), small()).unwrap();
    spool.commit(vec![Write::Store(mail("a", 2, 100))]).await.unwrap();
    assert!(spool.is_writable() && folder.path().join("spool.reserve").exists());
    let rows = fill(&spool).await;
    assert!(!folder.path().join("spool.reserve").exists(), "the reserve is given up");
    assert_eq!(spool.commit(vec![Write::Store(mail("b", 1, 100))]).await, Err(SpoolError::NoSpace));
    let notice = mail("dsn", 1, 100);
    spool.commit(vec![settle("a", &[(0, accepted()), (1, Outcome::Refused)]), Write::Store(notice)]).await.unwrap();
    assert_eq!(spool.outbox_after(rows, 9).await.unwrap().len(), 1, "the credit in flight has landed");
    assert!(spool.load(&id("dsn")).await.unwrap().is_some(), "and the DSN that goes with it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_spool_loses_nothing_and_writes_again_when_there_is_room() {
    let folder = folder();
    let spool = Spool::open(folder.path(), small()).unwrap();
    let mut rows = fill(&spool).await;
    let refused = loop {
        match spool.commit(vec![Write::Outbox(event("more", 0))]).await {
            Ok(()) => rows += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, SpoolError::NoSpace);
    assert_eq!(spool.outbox_after(0, 100_000).await.unwrap().len() as u64, rows, "what was answered is there");
    spool.close().await;
    drop(spool);

    let spool = Spool::open(folder.path(), SpoolOptions { database_octets_max: None, ..small() }).unwrap();
    assert!(spool.is_writable());
    spool.commit(vec![Write::Outbox(event("later", 0))]).await.unwrap();
    assert_eq!(spool.outbox_after(rows, 9).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn room_made_by_pruning_makes_the_spool_writable_again() {
    let folder = folder();
    let spool = Spool::open(folder.path(), small()).unwrap();
    let rows = fill(&spool).await;
    let posted = Write::Posted { up_to_seq: rows, at: minute(1) };
    spool.commit(vec![posted, Write::Prune { posted_before: minute(2) }]).await.unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while !spool.is_writable() {
        assert!(Instant::now() < until, "the reserve was not made again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(folder.path().join("spool.reserve").exists());
    spool.commit(vec![Write::Store(mail("a", 1, 100))]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn below_the_floor_only_new_mail_is_refused() {
    let folder = folder();
    let before = open(folder.path());
    before.commit(vec![Write::Store(mail("a", 1, 100))]).await.unwrap();
    before.close().await;
    let spool = Spool::open(folder.path(), SpoolOptions { free_octets_min: u64::MAX, ..options() }).unwrap();
    for octets in [100, 5000] {
        assert_eq!(spool.commit(vec![Write::Store(mail("b", 1, octets))]).await, Err(SpoolError::NoSpace));
    }
    let mut doubtful = mail("c", 1, 100);
    doubtful.recipients[0].state = NewState::InDoubt;
    spool.commit(vec![Write::Store(doubtful)]).await.unwrap();
    spool.commit(vec![Write::Outbox(event("x", 0)), Write::Store(mail("d", 1, 100))]).await.unwrap();
    spool.commit(vec![settle("a", &[(0, accepted())])]).await.unwrap();
    assert!(spool.is_writable(), "rows land, so mail may be edited");
    spool.close().await;
    assert!(!folder.path().join("spool/b").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_ends_the_spool_for_good_and_says_so() {
    let folder = folder();
    let spool = open(folder.path());
    spool.commit(vec![Write::Outbox(event("a", 0))]).await.unwrap();
    spool.close().await;
    drop(spool);
    spoil_page_of("outbox", &folder.path().join("spool.db"));

    let spool = open(folder.path());
    let watcher = tokio::spawn({
        let spool = spool.clone();
        async move { spool.failed().await }
    });
    let failed = spool.commit(vec![Write::Outbox(event("b", 0))]).await;
    assert!(matches!(failed, Err(SpoolError::Failed(_))), "{failed:?}");
    assert!(!spool.is_writable());
    assert_eq!(failed, Err(SpoolError::Failed(watcher.await.unwrap())));
    let big = spool.commit(vec![Write::Store(mail("big", 1, 5000))]).await;
    assert_eq!(big, failed, "nothing is tried again, and no file is written");
    assert!(!folder.path().join("spool/big").exists());
}

/// Overwrites the first page of a table with rubbish.
fn spoil_page_of(table: &str, path: &Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let page: usize = connection.query_row(sql, [table], |row| row.get::<_, u32>(0)).unwrap() as usize;
    drop(connection);
    let mut octets = std::fs::read(path).unwrap();
    octets[(page - 1) * 4096..page * 4096].fill(0xff);
    std::fs::write(path, octets).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_spool_takes_nothing() {
    let folder = folder();
    let spool = open(folder.path());
    spool.close().await;
    assert_eq!(spool.commit(vec![Write::Outbox(event("a", 0))]).await, Err(SpoolError::Closed));
}

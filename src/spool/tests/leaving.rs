//! No address and no body outlives its mail: file, log and folder are searched for the words themselves.

use std::time::{Duration, Instant};

use super::*;

/// Waits until no file below the folder holds the words; gives those that still do after five seconds.
async fn left_of(folder: &Path, words: &str) -> Vec<String> {
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        let found = files_with(folder, words);
        if found.is_empty() || Instant::now() > until {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_settled_mail_is_left_while_the_spool_stays_open() {
    for octets in [100, 900, 5000, 200_000] {
        let folder = folder();
        let spool = Spool::open(folder.path(), SpoolOptions { inline_octets_max: 6000, ..options() }).unwrap();
        spool.commit(vec![Write::Store(mail("a", 3, octets))]).await.unwrap();
        for words in ["secret words of a", "hanako.a.1"] {
            assert_ne!(files_with(folder.path(), words), [""; 0], "the search can find what is there");
        }
        spool.commit(vec![sending("a", &[0, 1])]).await.unwrap();
        spool.commit(vec![settle("a", &[(0, accepted()), (1, accepted())])]).await.unwrap();
        spool.commit(vec![settle("a", &[(2, Outcome::Refused)])]).await.unwrap();
        for words in ["secret words", "hanako", "jinji@", "kekka"] {
            assert_eq!(left_of(folder.path(), words).await, [""; 0], "{words:?} of {octets} octets");
        }
        assert_eq!(spool.outbox_after(0, 9).await.unwrap().len(), 1);
        spool.close().await;
        assert_eq!(std::fs::read_dir(folder.path().join("spool")).unwrap().count(), 1, "the folder for damage alone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mails_that_stay_keep_nothing_of_those_that_left() {
    let folder = folder();
    let spool = Spool::open(folder.path(), SpoolOptions { inline_octets_max: 6000, ..options() }).unwrap();
    let name = |n: usize| format!("m{n:03}");
    let stores = |from: usize| (from..from + 100).map(|n| Write::Store(mail(&name(n), 2, 60 + 37 * (n % 97))));
    spool.commit(stores(0).collect()).await.unwrap();
    spool.commit(stores(100).collect()).await.unwrap();
    let leaving = |n: &usize| n % 10 != 3;
    let outcomes = [(0, accepted()), (1, Outcome::Refused)];
    // 73 and 200 have no divisor in common: every mail once, in an order of its own.
    for n in (0..200).map(|n| n * 73 % 200).filter(leaving) {
        spool.commit(vec![settle(&name(n), &outcomes)]).await.unwrap();
    }
    for n in (0..200).filter(leaving) {
        assert_eq!(left_of(folder.path(), &format!("words of {}", name(n))).await, [""; 0], "body of {n}");
        assert_eq!(left_of(folder.path(), &format!("hanako.{}.", name(n))).await, [""; 0], "address of {n}");
    }
    for n in (0..200).filter(|n| !leaving(n)) {
        assert!(spool.load(&id(&name(n))).await.unwrap().is_some(), "{n} stays");
        spool.commit(vec![settle(&name(n), &outcomes)]).await.unwrap();
    }
    assert_eq!(left_of(folder.path(), "secret words").await, [""; 0]);
    assert_eq!(left_of(folder.path(), "hanako").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_are_for_us_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let spool = open(folder.path());
    spool.commit(vec![Write::Store(mail("a", 1, 5000))]).await.unwrap();
    for file in ["spool.db", "spool.db-wal", "spool.db-shm", "spool.content", "spool.reserve", "spool/a"] {
        let mode = std::fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    assert_eq!(std::fs::metadata(folder.path().join("spool")).unwrap().permissions().mode() & 0o777, 0o700);
}

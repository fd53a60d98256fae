//! Starting again: after a power cut, with marks left behind, with orphans, with damage, with a file of the future.

use super::super::database::nanoseconds;
use super::*;
use crate::sys::clock;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_survives_a_power_cut() {
    let folder = folder();
    let spool = open(folder.path());
    spool.commit(vec![Write::Store(mail("small", 2, 100)), Write::Store(mail("big", 1, 5000))]).await.unwrap();
    spool.commit(vec![Write::Outbox(event("direct", 1))]).await.unwrap();
    spool.commit(vec![settle("small", &[(0, accepted())])]).await.unwrap();
    let image = crash_image(folder.path());
    let again = open(image.path());
    assert_eq!(again.recovered(), &Recovered::default());
    for name in ["small", "big"] {
        let (before, after) = (spool.load(&id(name)).await.unwrap(), again.load(&id(name)).await.unwrap());
        assert_eq!(format!("{before:?}"), format!("{after:?}"));
    }
    assert_eq!(again.outbox_after(0, 9).await, spool.outbox_after(0, 9).await);
    again.commit(vec![Write::Outbox(event("later", 1))]).await.unwrap();
    assert_eq!(again.outbox_after(2, 9).await.unwrap()[0].seq, 3, "no number is used twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_go_on_behind_pruned_rows() {
    let folder = folder();
    for seq in 1..4 {
        let spool = open(folder.path());
        let posted = Write::Posted { up_to_seq: seq, at: minute(1) };
        spool.commit(vec![Write::Outbox(event("a", 0)), posted]).await.unwrap();
        spool.commit(vec![Write::Prune { posted_before: minute(2) }]).await.unwrap();
        assert_eq!((spool.outbox_after(0, 9).await.unwrap().len(), spool.posted_seq().await.unwrap()), (0, seq));
        spool.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recipients_marked_as_sending_or_in_doubt_are_due_and_may_be_doubled() {
    let folder = folder();
    let spool = open(folder.path());
    let mut doubtful = mail("doubt", 1, 100);
    doubtful.recipients[0].state = NewState::InDoubt;
    spool.commit(vec![Write::Store(doubtful), Write::Store(mail("a", 2, 100)), sending("a", &[1])]).await.unwrap();
    let summary = spool.summary().await.unwrap();
    assert_eq!((summary.waiting, summary.sending, summary.in_doubt, summary.maybe_doubled), (1, 1, 1, 0));
    spool.close().await;
    let spool = open(folder.path());
    assert_eq!(spool.recovered().maybe_doubled, 2);
    assert_eq!(spool.recovered().possible_doubles, [id("doubt"), id("a")]);
    let summary = spool.summary().await.unwrap();
    assert_eq!((summary.waiting, summary.sending, summary.in_doubt, summary.maybe_doubled), (3, 0, 0, 2));
    let due = due(&spool, minute(1), 9).await;
    assert_eq!(
        due[0].entries.iter().map(|e| (e.id.as_str(), e.recipients.len())).collect::<Vec<_>>(),
        [("doubt", 1), ("a", 2)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn originals_and_content_without_a_row_are_overwritten_at_the_start() {
    let folder = folder();
    open(folder.path()).commit(vec![Write::Store(mail("a", 1, 5000))]).await.unwrap();
    std::fs::write(folder.path().join("spool/orphan"), "secret words of nobody").unwrap();
    std::fs::write(folder.path().join("spool/gone.3"), "secret words of nobody").unwrap();
    std::fs::write(folder.path().join("spool/notes.txt"), "an admin's").unwrap();
    let content = folder.path().join("spool.content");
    let longer = [std::fs::read(&content).unwrap(), b"secret words of nobody".to_vec()].concat();
    std::fs::write(&content, longer).unwrap();
    let spool = open(folder.path());
    assert_eq!(spool.recovered(), &Recovered { orphans: 2, ..Recovered::default() });
    assert_eq!(files_with(folder.path(), "nobody"), [""; 0]);
    assert!(folder.path().join("spool/notes.txt").exists(), "what is not ours stays");
    assert!(spool.load(&id("a")).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn much_content_without_a_row_is_overwritten_behind_the_start_and_before_anything_is_written_there() {
    let folder = folder();
    open(folder.path()).commit(vec![Write::Store(mail("a", 1, 500))]).await.unwrap();
    let content = folder.path().join("spool.content");
    let length = std::fs::metadata(&content).unwrap().len();
    let leftover = b"secret words of nobody ".repeat(400_000);
    std::fs::write(&content, [std::fs::read(&content).unwrap(), leftover].concat()).unwrap();
    let spool = open(folder.path());
    for n in 0..20 {
        spool.commit(vec![Write::Store(mail(&format!("b{n}"), 1, 500))]).await.unwrap();
        assert!(spool.load(&id(&format!("b{n}"))).await.unwrap().is_some());
        spool.commit(vec![settle(&format!("b{n}"), &[(0, Outcome::Refused)])]).await.unwrap();
    }
    spool.close().await;
    assert_eq!(files_with(folder.path(), "nobody"), [""; 0]);
    assert_eq!(std::fs::metadata(&content).unwrap().len(), length.next_multiple_of(4096));
    assert!(open(folder.path()).load(&id("a")).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shortened_original_is_parked_at_the_start_and_never_sent() {
    let folder = folder();
    let both = vec![Write::Store(mail("bad", 1, 5000)), Write::Store(mail("good", 1, 5000))];
    open(folder.path()).commit(both).await.unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(folder.path().join("spool/bad")).unwrap();
    file.set_len(4999).unwrap();
    let spool = open(folder.path());
    assert_eq!(spool.recovered().parked, [id("bad")]);
    assert_eq!(spool.summary().await.unwrap().parked, 1);
    assert!(folder.path().join("spool/corrupt/bad").exists());
    let due = due(&spool, minute(9), 9).await;
    assert_eq!(due[0].entries.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["good"]);
    assert_eq!(spool.load(&id("bad")).await.unwrap_err(), SpoolError::Damaged(id("bad")));
    spool.close().await;
    assert_eq!(open(folder.path()).recovered(), &Recovered::default(), "parked is told once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_octet_is_found_before_it_is_sent() {
    for (octets, file) in [(100, "spool.content"), (5000, "spool/bad"), (5000, "spool.content")] {
        let folder = folder();
        let spool = open(folder.path());
        spool.commit(vec![Write::Store(mail("bad", 1, octets))]).await.unwrap();
        let path = folder.path().join(file);
        let mut content = std::fs::read(&path).unwrap();
        content[40] ^= 1;
        std::fs::write(&path, content).unwrap();
        assert_eq!(spool.load(&id("bad")).await.unwrap_err(), SpoolError::Damaged(id("bad")));
        assert_eq!(due(&spool, minute(9), 9).await, []);
        assert_eq!(spool.summary().await.unwrap().parked, 1);
        spool.commit(vec![settle("bad", &[(0, Outcome::Refused)])]).await.unwrap();
        assert_eq!(spool.summary().await.unwrap(), Summary::default(), "a parked mail can be given up");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_content_file_parks_its_mails_and_loses_no_credit() {
    let folder = folder();
    open(folder.path()).commit(vec![Write::Store(mail("a", 1, 100)), Write::Outbox(event("b", 0))]).await.unwrap();
    std::fs::remove_file(folder.path().join("spool.content")).unwrap();
    let spool = open(folder.path());
    assert_eq!(spool.recovered().parked, [id("a")]);
    assert_eq!(spool.outbox_after(0, 9).await.unwrap().len(), 1);
}

/// Opens a spool whose last run ended with one waiting mail, when the steady clock of that run was so far ahead of
/// ours; gives how old the mail is now, how long it still waits, and how far its times were moved, in hours.
async fn reopened(ahead: SignedDuration) -> (i64, i64, i64) {
    let folder = folder();
    let spool = open(folder.path());
    spool.commit(vec![Write::Store(mail("a", 1, 100))]).await.unwrap();
    spool.close().await;
    let noted = clock::steady() + ahead;
    let at = |hours: i64| nanoseconds(noted + SignedDuration::from_hours(hours));
    let database = rusqlite::Connection::open(folder.path().join("spool.db")).unwrap();
    // Taken two hours before the end, and put off for four hours one hour before it.
    database.execute("UPDATE entries SET kept_since = ?1", [at(-2)]).unwrap();
    database.execute("UPDATE recipients SET next_at = ?1", [at(3)]).unwrap();
    database.execute("UPDATE clock SET at = ?1", [at(0)]).unwrap();
    drop(database);
    let spool = open(folder.path());
    let entry = spool.load(&id("a")).await.unwrap().unwrap();
    let hours = |duration: SignedDuration| (duration.as_secs() + 1800).div_euclid(3600);
    let now = clock::steady();
    let (age, left) = (now.duration_since(entry.kept_since), entry.recipients[0].next_at.duration_since(now));
    (hours(age), hours(left), hours(spool.recovered().clock_moved))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_set_by_a_year_between_two_runs_neither_ages_mail_nor_makes_it_wait() {
    let (hour, year) = (SignedDuration::from_hours(1), SignedDuration::from_hours(365 * 24));
    let check = async |ahead, expected| assert_eq!(reopened(ahead).await, expected, "{ahead:?}");
    check(SignedDuration::ZERO, (2, 3, 0)).await;
    // Nobody was there for five hours, or for a day: that counts.
    check(-5 * hour, (7, -2, 0)).await;
    check(-24 * hour, (26, -21, 0)).await;
    // More cannot be told from a clock that was set ahead: a day of it counts.
    check(-year, (26, -21, 364 * 24)).await;
    // Set back, it goes on from where it was.
    check(hour, (2, 3, -1)).await;
    check(year, (2, 3, -365 * 24)).await;
    // So far off that no sum of it is to be trusted.
    check(200 * year, (0, 0, -200 * 365 * 24)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn late_mail_is_told_of_oldest_first_until_its_sender_knows() {
    let folder = folder();
    let spool = open(folder.path());
    let before = clock::steady();
    let all = ["a", "b", "c"].map(|name| Write::Store(mail(name, 1, 100)));
    spool.commit(all.to_vec()).await.unwrap();
    let late = async |at, untold, limit| spool.late(at, untold, limit).await.unwrap();
    assert_eq!(late(before, false, 9).await, []);
    let now = clock::steady();
    assert_eq!(late(now, true, 2).await, [id("a"), id("b")]);
    spool.commit(vec![Write::ToldLate { entry: id("a") }]).await.unwrap();
    spool.commit(vec![Write::Park { entry: id("c") }]).await.unwrap();
    assert_eq!(late(now, true, 9).await, [id("b")]);
    assert_eq!(late(now, false, 9).await, [id("a"), id("b")]);
    let gone = spool.commit(vec![Write::ToldLate { entry: id("d") }]).await;
    assert!(matches!(gone, Err(SpoolError::Conflict(_))), "{gone:?}");
}

#[tokio::test]
async fn a_spool_of_before_is_brought_up_to_date_with_all_that_is_in_it() {
    let columns = |name: &str| format!("ALTER TABLE offers DROP COLUMN {name}; ALTER TABLE outbox DROP COLUMN {name};");
    // Candidates had one key, and nothing was known of their mails.
    check_older(&format!("{}{} PRAGMA user_version = 1", columns("earlier"), columns("traits"))).await;
    check_older(&format!("{} PRAGMA user_version = 2", columns("traits"))).await;
}

async fn check_older(older: &str) {
    let folder = folder();
    let spool = open(folder.path());
    let write = Write::Outbox(event("a", 1));
    spool.commit(vec![write, Write::Store(mail("b", 1, 100))]).await.unwrap();
    spool.close().await;
    let file = rusqlite::Connection::open(folder.path().join("spool.db")).unwrap();
    file.execute_batch(older).unwrap();
    drop(file);
    let spool = open(folder.path());
    let rows = spool.outbox_after(0, 9).await.unwrap();
    assert_eq!(
        rows.iter().map(|row| &row.event).collect::<Vec<_>>(),
        [&ReferralEvent { traits: None, ..event("a", 1) }]
    );
    assert_eq!(spool.summary().await.unwrap().entries, 1);
    let write = Write::Outbox(event("c", 0));
    spool.commit(vec![write]).await.unwrap();
    assert_eq!(spool.outbox_after(1, 9).await.unwrap()[0].event.earlier.len(), 1);
}

#[test]
fn a_newer_or_foreign_file_is_refused_and_left_alone() {
    let spoil = |sql: &str| {
        let folder = folder();
        drop(open(folder.path()));
        let path = folder.path().join("spool.db");
        rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let before = std::fs::read(&path).unwrap();
        let refused = Spool::open(folder.path(), options()).err();
        assert!(std::fs::read(&path).unwrap() == before, "nothing is written to it");
        refused
    };
    assert_eq!(spoil("PRAGMA user_version = 4"), Some(SpoolError::Newer { found: 4, known: 3 }));
    assert!(matches!(spoil("PRAGMA application_id = 1"), Some(SpoolError::Read(_))));
    let folder = folder();
    std::fs::write(folder.path().join("spool.db"), "not a database at all, but long enough to look at").unwrap();
    assert!(matches!(Spool::open(folder.path(), options()).err(), Some(SpoolError::Read(_))));
}

//! Held mails: not due before they are let go, in the form that was chosen, counted only with the line.

use std::time::Duration;

use super::*;

const LONG: Duration = Duration::from_hours(4);

/// [`mail`] held for so long, with a second copy to go out as it came.
fn held(entry: &str, hold_for: Duration) -> NewEntry {
    let mut new = mail(entry, 2, 100);
    new.copies.push(NewCopy::default());
    let evidence = vec!["ja.negative.a".to_owned(), "ja.recruiting.b".to_owned()];
    new.hold = Some(NewHold { reason: "no_applicant".to_owned(), evidence, hold_for, plain_copy: 1, holds_max: 3 });
    new
}

async fn store(spool: &Spool, new: NewEntry) -> Result<(), SpoolError> {
    spool.commit(vec![Write::Store(new)]).await
}

async fn release(spool: &Spool, entry: &str, with_line: bool) -> Result<(), SpoolError> {
    let release = Release { entry: id(entry), with_line, actor: Some("uid 0".to_owned()), at: minute(5) };
    spool.commit(vec![Write::Release(release)]).await
}

/// Sends the whole mail; the referrals that come of it.
async fn deliver(spool: &Spool, entry: &str) -> usize {
    spool.commit(vec![sending(entry, &[0, 1])]).await.unwrap();
    spool.commit(vec![settle(entry, &[(0, accepted()), (1, accepted())])]).await.unwrap();
    spool.outbox_after(0, 10).await.unwrap().len()
}

/// Lets a held mail go in one form; the octets it carries then, and the referrals it comes to.
async fn check(with_line: bool) -> (u64, usize) {
    let folder = folder();
    let spool = open(folder.path());
    store(&spool, held("m", LONG)).await.unwrap();
    assert!(due(&spool, minute(9), 9).await.is_empty());
    assert!(spool.commit(vec![sending("m", &[0])]).await.is_err());
    assert_eq!((spool.summary().await.unwrap().held, spool.summary().await.unwrap().waiting), (1, 0));
    release(&spool, "m", with_line).await.unwrap();
    assert_eq!(spool.take_touched().keys().collect::<Vec<_>>(), ["mx"]);
    assert_eq!(due(&spool, minute(9), 9).await[0].entries[0].recipients, [0, 1]);
    let entry = spool.load(&id("m")).await.unwrap().unwrap();
    let copies: Vec<u32> = entry.recipients.iter().map(|r| r.copy).collect();
    assert!(copies.iter().all(|copy| *copy == copies[0]), "{copies:?}");
    let octets = entry.copies[copies[0] as usize].edits.octets_added() as u64;
    let referrals = deliver(&spool, "m").await;
    assert_eq!(spool.summary().await.unwrap().entries, 0);
    (octets, referrals)
}

#[tokio::test]
async fn a_held_mail_goes_out_in_the_form_that_is_chosen_and_counts_only_with_the_line() {
    assert_eq!(check(true).await, (4, 1));
    assert_eq!(check(false).await, (0, 0));
}

#[tokio::test]
async fn a_mail_is_let_go_once_and_it_is_known_by_whom() {
    let folder = folder();
    let spool = open(folder.path());
    store(&spool, held("m", LONG)).await.unwrap();
    store(&spool, mail("plain", 1, 100)).await.unwrap();
    for entry in ["nobody", "plain"] {
        assert!(matches!(release(&spool, entry, true).await, Err(SpoolError::Conflict(_))));
    }
    release(&spool, "m", false).await.unwrap();
    assert!(matches!(release(&spool, "m", true).await, Err(SpoolError::Conflict(_))));
    let ended = spool.ended_holds(9).await.unwrap();
    let told: Vec<_> = ended.iter().map(|e| (e.id.as_str(), e.with_line, e.actor.as_deref())).collect();
    assert_eq!(told, [("m", false, Some("uid 0"))]);
    assert_eq!(deliver(&spool, "m").await, 0);
}

#[tokio::test]
async fn holds_their_time_and_their_words_are_there_after_a_power_cut() {
    let first = folder();
    let spool = open(first.path());
    store(&spool, held("short", Duration::ZERO)).await.unwrap();
    store(&spool, held("long", LONG)).await.unwrap();
    let image = crash_image(first.path());
    let spool = open(image.path());
    let holds = spool.holds().await.unwrap();
    assert_eq!(holds.iter().map(|h| h.id.as_str()).collect::<Vec<_>>(), ["short", "long"]);
    assert_eq!((holds[0].left, holds[0].reason.as_str()), (Duration::ZERO, "no_applicant"));
    assert_eq!(holds[1].evidence, ["ja.negative.a", "ja.recruiting.b"]);
    assert!(holds[1].left > Duration::ZERO && holds[1].left <= LONG, "{:?}", holds[1].left);
    let due = spool.holds_due(9).await.unwrap();
    assert_eq!(due.over, [id("short")]);
    assert!(due.next_in.is_some_and(|next| next <= LONG), "{due:?}");
}

#[tokio::test]
async fn no_more_are_held_than_may_be_and_none_without_a_form_to_pass() {
    let folder = folder();
    let spool = open(folder.path());
    for entry in ["a", "b", "c"] {
        store(&spool, held(entry, LONG)).await.unwrap();
    }
    assert!(matches!(store(&spool, held("d", LONG)).await, Err(SpoolError::Conflict(_))));
    release(&spool, "a", false).await.unwrap();
    store(&spool, held("d", LONG)).await.unwrap();
    let mut without = held("e", LONG);
    without.hold.as_mut().unwrap().plain_copy = 0;
    assert!(matches!(store(&spool, without).await, Err(SpoolError::Conflict(_))));
}

#[tokio::test]
async fn a_damaged_mail_is_held_no_more() {
    let folder = folder();
    let spool = open(folder.path());
    store(&spool, held("m", Duration::ZERO)).await.unwrap();
    spool.commit(vec![Write::Park { entry: id("m") }]).await.unwrap();
    assert_eq!(spool.holds_due(9).await.unwrap(), HoldsDue::default());
    assert_eq!(spool.summary().await.unwrap().parked, 2);
}

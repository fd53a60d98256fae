//! Referrals in mails of an MTA: what each piece of evidence leads to, and that none counts twice.

use super::*;
use crate::spool::{Fate, Finding, Intent, IntentState, IntentWrite, LogPosition};

fn intent(transaction: &str, queue_id: &str, at: i64) -> Intent {
    Intent {
        mta: "mail".to_owned(),
        queue_id: queue_id.to_owned(),
        transaction: transaction.to_owned(),
        route: "mail".to_owned(),
        at: minute(at),
        tagged: false,
        offers: vec![offer(0), offer(2)],
    }
}

fn found(transaction: &str, fate: Fate) -> Write {
    Write::Intent(IntentWrite::Found(Finding {
        transaction: transaction.to_owned(),
        recipient: 0,
        fate,
        at: minute(9),
        reply: "250 2.0.0 <hanako@sakura.example> Ok".to_owned(),
    }))
}

fn lapse(before: i64) -> Write {
    Write::Intent(IntentWrite::Lapse { before: minute(before), at: minute(99) })
}

/// What the ledger is told after these writes, each said twice, and how the referral stands then.
async fn check(writes: &[Write], told: &[Proves], state: IntentState) {
    let folder = folder();
    let spool = open(folder.path());
    spool.intend(intent("t1", "4XyZ", 0)).await.unwrap();
    for write in writes {
        spool.commit(vec![write.clone(), write.clone()]).await.unwrap();
    }
    let rows = spool.outbox_after(0, 99).await.unwrap();
    let of_first: Vec<Proves> = rows.iter().filter(|r| r.event.recipient == 0).map(|r| r.event.proves).collect();
    assert_eq!(of_first, told, "{writes:?}");
    assert_eq!(spool.intended_as("t1").await.unwrap()[0].state, state, "{writes:?}");
}

#[tokio::test]
async fn evidence_is_told_once_and_leads_on_but_never_back() {
    use IntentState::{Accepted, Bounced, Delivered, Lapsed, Pending};
    let taken = |proves| found("t1", Fate::Taken(proves));
    let (accepted, delivered) = (taken(Proves::Accepted), taken(Proves::Delivered));
    let (deferred, refused) = (found("t1", Fate::Deferred), found("t1", Fate::Refused));
    let returned = found("t1", Fate::Returned);
    check(&[], &[], Pending).await;
    check(std::slice::from_ref(&deferred), &[], Pending).await;
    check(&[deferred.clone(), delivered.clone()], &[Proves::Delivered], Delivered).await;
    check(&[accepted.clone(), delivered.clone()], &[Proves::Accepted], Accepted).await;
    check(&[refused.clone(), delivered.clone()], &[], Bounced).await;
    check(&[delivered.clone(), refused.clone()], &[Proves::Delivered], Delivered).await;
    check(&[delivered.clone(), returned.clone()], &[Proves::Delivered, Proves::Bounced], Bounced).await;
    check(&[returned.clone(), accepted.clone()], &[], Bounced).await;
    check(&[taken(Proves::AcceptedTagged)], &[Proves::AcceptedTagged], Accepted).await;
    check(&[lapse(0), delivered.clone()], &[Proves::Delivered], Delivered).await;
    check(&[lapse(1), deferred], &[Proves::Lapsed], Lapsed).await;
    check(&[lapse(1), delivered], &[Proves::Lapsed, Proves::Delivered], Delivered).await;
    let reported = taken(Proves::Reported);
    check(
        &[accepted.clone(), reported.clone(), returned],
        &[Proves::Accepted, Proves::Reported, Proves::Bounced],
        Bounced,
    )
    .await;
    check(&[reported, accepted], &[Proves::Reported], Delivered).await;
    check(&[taken(Proves::DeliveredHiding)], &[Proves::DeliveredHiding], Delivered).await;
}

#[tokio::test]
async fn a_referral_is_found_by_every_name_of_its_mail_and_tells_all_that_was_pinned() {
    let folder = folder();
    let spool = open(folder.path());
    spool.intend(intent("t1", "A1", 0)).await.unwrap();
    spool.intend(intent("t2", "A1", 500_000)).await.unwrap();
    let also = IntentWrite::AlsoNamed {
        transaction: "t1".to_owned(),
        mta: "mail".to_owned(),
        queue_id: "B2".to_owned(),
        at: minute(1),
    };
    spool.commit(vec![Write::Intent(also)]).await.unwrap();
    let names = async |mta: &str, id: &str| {
        let found = spool.intended_under(vec![(mta.to_owned(), id.to_owned())]).await.unwrap();
        found.into_iter().map(|i| format!("{} {}", i.transaction, i.recipient)).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(names("mail", "A1").await, "t1 0, t1 2, t2 0, t2 2");
    assert_eq!(names("mail", "B2").await, "t1 0, t1 2");
    assert_eq!(names("other", "A1").await, "");
    spool.commit(vec![found("t1", Fate::Taken(Proves::Delivered))]).await.unwrap();
    let expected = ReferralEvent { route: "mail".to_owned(), ..event("t1", 0) };
    assert_eq!(spool.outbox_after(0, 9).await.unwrap()[0].event, expected);
    let reply = spool.intended_as("t1").await.unwrap()[0].last_reply.clone();
    assert_eq!(reply.as_deref(), Some("250 2.0.0 <rcpt> Ok"));
}

#[tokio::test]
async fn what_is_pending_outlives_the_process_and_a_mail_tried_twice_is_one() {
    let folder = folder();
    let spool = open(folder.path());
    for _ in 0..2 {
        spool.intend(intent("t1", "A1", 3)).await.unwrap();
    }
    let position = LogPosition { log: "mail".to_owned(), file: u64::MAX, offset: 77, mark: 1 << 63, at: minute(4) };
    spool.commit(vec![Write::Intent(IntentWrite::Read(position.clone()))]).await.unwrap();
    let image = crash_image(folder.path());
    let again = open(image.path());
    let standing = again.intents_standing().await.unwrap();
    assert_eq!((standing.counts, standing.oldest_pending), ([2, 0, 0, 0, 0], Some(minute(3))));
    assert_eq!(again.log_positions().await.unwrap(), [position]);
    assert_eq!(again.intents_in(IntentState::Pending, 1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_over_is_forgotten_and_an_erased_person_at_once() {
    let folder = folder();
    let spool = open(folder.path());
    spool.intend(intent("t1", "A1", 0)).await.unwrap();
    spool.commit(vec![found("t1", Fate::Refused)]).await.unwrap();
    let days = |n: i64| minute(n * 24 * 60);
    let counts = async || spool.intents_standing().await.unwrap().counts;
    spool.commit(vec![Write::Forget { at: days(44) }]).await.unwrap();
    assert_eq!(counts().await, [1, 0, 0, 1, 0]);
    // Nothing that is pending is forgotten.
    spool.commit(vec![Write::Forget { at: days(46) }]).await.unwrap();
    assert_eq!(counts().await, [1, 0, 0, 0, 0]);
    let company = CompanyId::parse("kaede").unwrap();
    spool.commit(vec![Write::ForgetReferrals { company, candidate: candidate(2) }]).await.unwrap();
    assert_eq!(counts().await, [0; 5]);
}

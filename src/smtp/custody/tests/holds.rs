//! Doubtful mails: the client hears 250 and the next hop nothing, until somebody says what it is or the time is over.

use super::*;
use crate::pipeline::Held;
use crate::spool::{Release, Write};

fn doubtful(hold_for: Duration, received: &Received) -> Outcome {
    let copies = vec![copy((0..received.envelope.recipients.len()).collect(), 0)];
    let company = CompanyId::parse("sakura").expect("an id");
    let referred = Referred { company, copies, evidence: Vec::new(), inserted: Vec::new(), signing: None };
    Outcome::Held(Held { reason: "no_applicant", hold_for, referred })
}

fn for_long(received: &Received, _: &Policy, _: Timestamp) -> Outcome {
    doubtful(Duration::from_hours(4), received)
}

fn for_no_time(received: &Received, _: &Policy, _: Timestamp) -> Outcome {
    doubtful(Duration::ZERO, received)
}

/// Its next hop is asked for nothing but what is let go.
#[tokio::test]
async fn a_doubtful_mail_is_synced_and_held_and_passes_by_its_form_without_a_line_when_its_time_is_over() {
    let house = House::new(for_long).await;
    assert!(house.send(&["a", "b"]).await.starts_with("250 2.0.0 Accepted as "));
    let summary = house.summary().await;
    assert_eq!((summary.held, summary.waiting, house.spool.commits() > 0), (1, 0, true));
    assert_eq!((house.counted("held"), house.counted("spooled"), house.counted("offers")), (1, 1, 0));
    let mut house = House::new(for_no_time).await;
    assert!(house.send(&["a", "b"]).await.starts_with("250"));
    let (recipients, message) = house.hop.delivered().await;
    assert_eq!(recipients, ["a", "b"]);
    assert!(message.ends_with(&format!("\r\n{MESSAGE}")), "{message}");
    assert!(house.deliver.drain(Duration::from_secs(10)).await);
    assert_eq!((house.summary().await.entries, house.outbox().await.len()), (0, 0));
}

#[tokio::test]
async fn one_that_is_let_go_with_the_line_carries_it_and_counts() {
    let mut house = House::new(for_long).await;
    assert!(house.send(&["a", "b"]).await.starts_with("250"));
    let hold = house.spool.holds().await.expect("holds").remove(0);
    let release = Release { entry: hold.id, with_line: true, actor: None, at: crate::sys::clock::now() };
    house.spool.commit(vec![Write::Release(release)]).await.expect("a commit");
    house.deliver.wake();
    let (recipients, message) = house.hop.delivered().await;
    assert!(recipients == ["a", "b"] && message.contains("line for 0\r\n"), "{message}");
    assert!(house.deliver.drain(Duration::from_secs(10)).await);
    assert_eq!((house.summary().await.entries, house.outbox().await), (0, vec![0]));
}

#[tokio::test]
async fn what_cannot_be_held_leaves_at_once_as_it_came() {
    let mut house = House::with(for_long, SpoolOptions::default(), |s| s.custody.holds_max = 1).await;
    assert!(house.send(&["a"]).await.starts_with("250"));
    assert!(house.send(&["b"]).await.starts_with("250"));
    let (recipients, message) = house.hop.delivered().await;
    assert!(recipients == ["b"] && message.ends_with(MESSAGE), "{message}");
    assert_eq!((house.counted("hold_full"), house.counted("holds_full"), house.summary().await.held), (1, 1, 1));
    house.spool.close().await;
    assert!(house.send(&["c"]).await.starts_with("250"));
    assert_eq!(house.hop.delivered().await.0, ["c"]);
    assert_eq!(house.counted("hold_unavailable"), 1);
}

#[tokio::test]
async fn a_mail_whose_next_hop_takes_no_line_is_not_held() {
    let mut house = House::with(for_long, SpoolOptions::default(), |s| s.deliver.edit_refusals_max = 1).await;
    house.relay.process = one_copy;
    house.send(&["edit"]).await;
    assert_eq!(house.hop.delivered().await.0, ["edit"]);
    house.relay.process = for_long;
    house.send(&["a"]).await;
    assert!(house.hop.delivered().await.1.ends_with(MESSAGE));
    assert_eq!((house.counted("editing_stopped"), house.summary().await.held), (1, 0));
}

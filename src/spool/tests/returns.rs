//! What is kept of return paths and probes, and how it goes when its time is over and nothing else happens.

use super::*;
use crate::spool::{Returnable, SentProbe};
use crate::sys::clock;

fn later(days: i64) -> Timestamp {
    clock::now() + SignedDuration::from_hours(24 * days)
}

#[tokio::test]
async fn what_is_over_is_forgotten_without_anything_new() {
    let folder = folder();
    let spool = open(folder.path());
    let row = |id: u8, days| Write::Returnable(Returnable { id: [id; 12], expires: later(days), sealed: vec![id] });
    spool.commit(vec![row(1, 10), row(2, 30)]).await.unwrap();
    let kept = async |id| spool.returnable([id; 12], later(0)).await.unwrap().is_some();
    spool.commit(vec![Write::Forget { at: later(9) }]).await.unwrap();
    assert!(kept(1).await && kept(2).await);
    spool.commit(vec![Write::Forget { at: later(11) }]).await.unwrap();
    assert!(!kept(1).await && kept(2).await);
}

#[tokio::test]
async fn a_probe_is_remembered_for_two_months_and_comes_back_once() {
    let folder = folder();
    let spool = open(folder.path());
    let probe = |id: &str, days: i64| SentProbe {
        id: id.to_owned(),
        company: CompanyId::parse("kaede").unwrap(),
        route: "out".to_owned(),
        sent_at: minute(days * 24 * 60),
        back_at: None,
    };
    spool.commit(vec![Write::Probe(probe("p1", 0)), Write::Probe(probe("p2", 1))]).await.unwrap();
    for at in [minute(5), minute(9)] {
        spool.commit(vec![Write::ProbeBack { id: "p1".to_owned(), at }]).await.unwrap();
    }
    spool.commit(vec![Write::ProbeBack { id: "p9".to_owned(), at: minute(1) }]).await.unwrap();
    let first = SentProbe { back_at: Some(minute(5)), ..probe("p1", 0) };
    drop(spool);
    let spool = open(folder.path());
    assert_eq!(spool.probes().await.unwrap(), [first, probe("p2", 1)]);
    spool.commit(vec![Write::Forget { at: minute(60 * 24 * 60 + 1) }]).await.unwrap();
    assert_eq!(spool.probes().await.unwrap(), [probe("p2", 1)]);
}

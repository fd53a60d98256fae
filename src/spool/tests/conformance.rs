//! Each operation: what it changes, what it refuses, and that refusal spoils nothing else.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_comes_back_as_it_was_stored() {
    for octets in [100, 5000] {
        let folder = folder();
        let spool = open(folder.path());
        let mut new = mail("a", 2, octets);
        new.recipients[1].last_reply = Some("450 <hanako@sakura.example> busy".to_owned());
        new.recipients[1].attempts = 2;
        spool.commit(vec![Write::Store(new.clone())]).await.unwrap();
        let entry = spool.load(&id("a")).await.unwrap().unwrap();
        assert_eq!((entry.envelope, entry.original, entry.trace), (new.envelope, new.original, new.trace));
        assert_eq!(
            (entry.received_at, entry.copies),
            (minute(0), vec![EntryCopy { edits: new.copies[0].edits.clone(), return_path: None }])
        );
        assert_eq!(entry.company, new.company);
        assert_eq!(entry.recipients[1].last_reply.as_deref(), Some("450 <rcpt> busy"));
        assert_eq!((entry.recipients[1].attempts, entry.recipients[1].number), (2, 1));
        assert_eq!(entry.recipients.iter().map(|r| r.has_offer).collect::<Vec<_>>(), [true, false]);
        assert_eq!(folder.path().join("spool/a").exists(), octets == 5000, "only a big original lies in a file");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_recipients_in_custody_are_kept() {
    let folder = folder();
    let spool = open(folder.path());
    let mut new = mail("a", 3, 100);
    new.recipients.remove(1);
    spool.commit(vec![Write::Store(new)]).await.unwrap();
    let entry = spool.load(&id("a")).await.unwrap().unwrap();
    assert_eq!(entry.recipients.iter().map(|r| r.number).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(entry.envelope.recipients, [address("a", 0), address("a", 2)]);
    assert_eq!(files_with(folder.path(), "hanako.a.1"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_of_reports_stays_with_its_recipient() {
    let folder = folder();
    let spool = open(folder.path());
    let asked = |n: u32| RecipientDsn { notify: Some(format!("NEVER{n}").into()), orcpt: None };
    let mut new = mail("a", 3, 100);
    let recipients = (0..3).map(asked).collect();
    let dsn = Dsn { ret: Some(Ret::Headers), envid: Some("QQ+2B1".into()), recipients };
    (new.envelope.dsn, new.envelope.require_tls) = (Some(Box::new(dsn.clone())), true);
    new.recipients.remove(1);
    spool.commit(vec![Write::Store(new)]).await.unwrap();
    spool.commit(vec![sending("a", &[0]), settle("a", &[(0, accepted())])]).await.unwrap();
    let entry = spool.load(&id("a")).await.unwrap().unwrap();
    assert_eq!(entry.envelope.dsn, Some(Box::new(Dsn { recipients: vec![asked(2)], ..dsn })));
    assert!(entry.envelope.require_tls);
}

#[tokio::test(flavor = "multi_thread")]
async fn acceptance_credits_its_offer_once_in_the_same_commit() {
    let folder = folder();
    let spool = open(folder.path());
    spool.commit(vec![Write::Store(mail("a", 2, 100))]).await.unwrap();
    spool.commit(vec![sending("a", &[0, 1])]).await.unwrap();
    spool.commit(vec![settle("a", &[(0, accepted())])]).await.unwrap();
    let rows = spool.outbox_after(0, 10).await.unwrap();
    assert_eq!(rows, [OutboxRow { seq: 1, event: event("a", 0) }]);

    let again = spool.commit(vec![settle("a", &[(0, accepted())])]).await;
    assert!(matches!(again, Err(SpoolError::Conflict(_))), "{again:?}");
    spool.commit(vec![settle("a", &[(1, accepted())])]).await.unwrap();
    assert_eq!(spool.outbox_after(0, 10).await.unwrap().len(), 1, "recipient 1 has no offer");
    assert!(spool.load(&id("a")).await.unwrap().is_none());
    assert_eq!(spool.summary().await.unwrap(), Summary { unposted: 1, ..Summary::default() });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_original_sent_instead_of_the_copy_is_not_credited() {
    let folder = folder();
    let spool = open(folder.path());
    let uncounted = Outcome::Accepted { credit: None };
    let batch = vec![Write::Store(mail("a", 1, 100)), sending("a", &[0]), settle("a", &[(0, uncounted)])];
    spool.commit(batch).await.unwrap();
    assert_eq!(spool.outbox_after(0, 10).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_count_once_and_doubt_is_remembered() {
    let folder = folder();
    let spool = open(folder.path());
    let reply = || "451 <hanako@sakura.example> later".to_owned();
    let deferred = Outcome::Deferred { next_at: minute(5), reply: reply() };
    let doubtful = Outcome::Doubtful { next_at: minute(6), reply: reply() };
    spool.commit(vec![Write::Store(mail("a", 3, 100)), sending("a", &[0, 1])]).await.unwrap();
    spool.commit(vec![settle("a", &[(0, deferred.clone()), (1, doubtful), (2, deferred)])]).await.unwrap();
    let entry = spool.load(&id("a")).await.unwrap().unwrap();
    let seen: Vec<_> = entry.recipients.iter().map(|r| (r.attempts, r.next_at, r.maybe_doubled, r.state)).collect();
    let waiting = RecipientState::Waiting;
    assert_eq!(
        seen,
        [(1, minute(5), false, waiting), (1, minute(6), true, waiting), (1, minute(5), false, waiting)],
        "an attempt counts once, marked before the dot or not"
    );
    assert!(entry.recipients.iter().all(|r| r.last_reply.as_deref() == Some("451 <rcpt> later")));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_recipient_is_sent_to_twice_at_once() {
    let folder = folder();
    let spool = open(folder.path());
    spool.commit(vec![Write::Store(mail("a", 1, 100)), sending("a", &[0])]).await.unwrap();
    for batch in [vec![sending("a", &[0])], vec![sending("a", &[1])], vec![sending("b", &[0])]] {
        let refused = spool.commit(batch).await;
        assert!(matches!(refused, Err(SpoolError::Conflict(_))), "{refused:?}");
    }
    assert_eq!(due(&spool, minute(9), 10).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_all_or_nothing_and_spoils_no_other() {
    let folder = folder();
    let spool = open(folder.path());
    spool.commit(vec![Write::Store(mail("old", 1, 5000))]).await.unwrap();
    let spoilt = vec![Write::Store(mail("a", 1, 5000)), Write::Outbox(event("a", 0)), sending("none", &[0])];
    let (one, two, three) = tokio::join!(
        spool.commit(vec![Write::Store(mail("b", 1, 5000))]),
        spool.commit(spoilt),
        spool.commit(vec![Write::Store(mail("old", 1, 100))]),
    );
    assert_eq!(one, Ok(()));
    assert!(matches!(two, Err(SpoolError::Conflict(_))), "{two:?}");
    assert!(matches!(three, Err(SpoolError::Conflict(_))), "{three:?}");
    assert_eq!(spool.outbox_after(0, 10).await.unwrap(), []);
    spool.close().await;
    assert!(!folder.path().join("spool/a").exists(), "the original of a refused batch is removed");
    let spool = open(folder.path());
    assert_eq!(spool.recovered(), &Recovered::default());
    assert!(spool.load(&id("old")).await.unwrap().is_some() && spool.load(&id("b")).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_can_be_taken_once() {
    let folder = folder();
    let spool = open(folder.path());
    let notice = |entry: &str| {
        let once = Some("notice:kaede:2026:1".to_owned());
        Write::Store(NewEntry { once, ..mail(entry, 1, 5000) })
    };
    spool.commit(vec![notice("a")]).await.unwrap();
    spool.commit(vec![settle("a", &[(0, accepted())])]).await.unwrap();
    spool.commit(vec![notice("b")]).await.unwrap();
    assert!(spool.load(&id("b")).await.unwrap().is_none());
    spool.close().await;
    assert!(!folder.path().join("spool/b").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_contradicts_itself_is_refused() {
    let folder = folder();
    let spool = open(folder.path());
    let contradictions: [fn(&mut NewEntry); 5] = [
        |e| e.recipients.clear(),
        |e| e.recipients[0].number = 9,
        |e| e.recipients[0].copy = 1,
        |e| e.recipients[1].number = 0,
        |e| e.copies[0].edits = Edits::new(vec![Edit { at: 101, insert: b"x".to_vec().into() }]),
    ];
    for contradict in contradictions {
        let mut new = mail("a", 2, 100);
        contradict(&mut new);
        let refused = spool.commit(vec![Write::Store(new)]).await;
        assert!(matches!(refused, Err(SpoolError::Conflict(_))), "{refused:?}");
    }
    assert_eq!(spool.summary().await.unwrap(), Summary::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_share_a_sync() {
    let folder = folder();
    let spool = open(folder.path());
    let callers: Vec<_> = (0..20)
        .map(|caller| {
            let spool = spool.clone();
            tokio::spawn(async move {
                for n in 0..20 {
                    spool.commit(vec![Write::Outbox(event(&format!("{caller}-{n}"), 0))]).await.unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let rows = spool.outbox_after(0, 1000).await.unwrap();
    assert_eq!(rows.iter().map(|r| r.seq).collect::<Vec<_>>(), (1..=400).collect::<Vec<_>>());
    assert!(spool.commits() < 200, "{} syncs for 400 batches of 20 callers", spool.commits());
}

#[tokio::test(flavor = "multi_thread")]
async fn posted_rows_stay_until_they_are_pruned_and_unposted_ones_for_ever() {
    let folder = folder();
    let spool = open(folder.path());
    for n in 0..6 {
        spool.commit(vec![Write::Outbox(event("a", n))]).await.unwrap();
    }
    let posted = |up_to_seq, at| vec![Write::Posted { up_to_seq, at: minute(at) }];
    spool.commit(posted(2, 10)).await.unwrap();
    spool.commit(posted(4, 20)).await.unwrap();
    assert_eq!((spool.posted_seq().await.unwrap(), spool.summary().await.unwrap().unposted), (4, 2));
    assert_eq!(spool.outbox_after(0, 10).await.unwrap().len(), 6, "a store that fell back can have them again");
    let seqs = async || spool.outbox_after(0, 10).await.unwrap().iter().map(|r| r.seq).collect::<Vec<_>>();
    spool.commit(vec![Write::Prune { posted_before: minute(20) }]).await.unwrap();
    assert_eq!(seqs().await, [3, 4, 5, 6]);
    spool.commit(vec![Write::Prune { posted_before: minute(99) }]).await.unwrap();
    assert_eq!(seqs().await, [5, 6]);
    assert_eq!(spool.posted_seq().await.unwrap(), 4);
    let unknown = spool.commit(posted(7, 30)).await;
    assert!(matches!(unknown, Err(SpoolError::Conflict(_))), "a row never written cannot be posted: {unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_comes_by_route_and_a_full_route_hides_no_other() {
    let folder = folder();
    let spool = open(folder.path());
    let on = |entry: &str, route: &str, at: i64| {
        let mut new = mail(entry, 1, 100);
        new.recipients[0].route = route.to_owned();
        new.recipients[0].state = NewState::Waiting { next_at: minute(at) };
        Write::Store(new)
    };
    let dead = (0..500).map(|n| on(&format!("dead{n}"), "dead.example", 1));
    spool.commit(dead.chain([on("later", "b.example", 8), on("now", "c.example", 3)]).collect()).await.unwrap();
    let found = due(&spool, minute(3), 2).await;
    let seen: Vec<_> = found.iter().map(|d| (d.destination.as_str(), d.entries.len(), d.next)).collect();
    assert_eq!(seen, [("dead.example", 2, Some(minute(1))), ("c.example", 1, None)]);
    assert_eq!(next_due(&spool).await, Some(minute(1)));
    let gone: Vec<_> = (0..500).map(|n| settle(&format!("dead{n}"), &[(0, Outcome::Refused)])).collect();
    spool.commit(gone).await.unwrap();
    spool.commit(vec![settle("now", &[(0, accepted())])]).await.unwrap();
    assert_eq!(next_due(&spool).await, Some(minute(8)));
    assert_eq!(due(&spool, minute(7), 2).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_or_put_off_is_told_once_by_its_destination() {
    let folder = folder();
    let spool = open(folder.path());
    let mut other = mail("b", 1, 100);
    other.recipients[0].route = "mx/kaede.example".to_owned();
    other.recipients[0].state = NewState::Waiting { next_at: minute(4) };
    spool.commit(vec![Write::Store(mail("a", 2, 100)), Write::Store(other)]).await.unwrap();
    let told = |spool: &Spool| {
        let mut touched: Vec<_> = spool.take_touched().into_iter().collect();
        touched.sort();
        touched
    };
    assert_eq!(told(&spool), [("mx".to_owned(), minute(1)), ("mx/kaede.example".to_owned(), minute(4))]);
    let later = Outcome::Deferred { next_at: minute(7), reply: "450 later".to_owned() };
    let sooner = Outcome::Doubtful { next_at: minute(6), reply: "lost".to_owned() };
    spool.commit(vec![sending("a", &[0]), settle("a", &[(0, later), (1, sooner)])]).await.unwrap();
    assert_eq!(told(&spool), [("mx".to_owned(), minute(6))]);
    let spoilt = Outcome::Deferred { next_at: minute(2), reply: String::new() };
    assert!(spool.commit(vec![settle("a", &[(0, spoilt.clone()), (9, spoilt)])]).await.is_err());
    spool.commit(vec![settle("a", &[(0, Outcome::Refused), (1, accepted())])]).await.unwrap();
    assert_eq!(told(&spool), []);
    assert_eq!(next_due(&spool).await, Some(minute(4)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_free_again_as_soon_as_its_mail_is_gone_or_refused() {
    let folder = folder();
    let spool = open(folder.path());
    for _ in 0..20 {
        let spoilt = vec![Write::Store(mail("a", 1, 50_000)), sending("none", &[0])];
        assert!(matches!(spool.commit(spoilt).await, Err(SpoolError::Conflict(_))));
        assert_eq!(spool.commit(vec![Write::Store(mail("a", 1, 50_000))]).await, Ok(()));
        assert_eq!(spool.load(&id("a")).await.unwrap().unwrap().original, mail("a", 1, 50_000).original);
        assert_eq!(spool.commit(vec![settle("a", &[(0, accepted())])]).await, Ok(()));
    }
}

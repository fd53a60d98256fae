//! What admins see of the spool and do to it.

use super::*;

fn page(after: i64, entries_max: usize) -> Page {
    Page { after, entries_max, addresses: false }
}

async fn ids(spool: &Spool, wanted: Wanted) -> Vec<String> {
    let listing = spool.list(wanted, page(0, 100)).await.unwrap();
    assert_eq!(listing.next, None);
    listing.entries.iter().map(|entry| entry.id.to_string()).collect()
}

fn act(what: ActKind, entry: &str, recipients: &[u32]) -> Write {
    let (actor, at) = ("taro (uid 1000)".to_owned(), minute(30));
    Write::Act(Act { what, actor, at, entry: id(entry), recipients: recipients.to_vec() })
}

/// A mail to two recipients, for these destinations.
fn mail_for(entry: &str, destinations: [&str; 2]) -> Write {
    let mut mail = mail(entry, 2, 100);
    for (recipient, destination) in mail.recipients.iter_mut().zip(destinations) {
        recipient.route = destination.to_owned();
    }
    Write::Store(mail)
}

#[tokio::test]
async fn recipients_are_listed_by_destination_in_each_of_its_forms() {
    let folder = folder();
    let spool = open(folder.path());
    let mails = [mail_for("e1", ["mx/a.example", "mx/b.example"]), mail_for("e2", ["smarthost", "mx/b.example"])];
    spool.commit(mails.to_vec()).await.unwrap();
    for (destination, found) in [
        ("mx/a.example", &["e1"][..]),
        ("a.example", &["e1"]),
        ("mx", &["e1", "e2"]),
        ("smarthost", &["e2"]),
        ("m", &[]),
        ("example", &[]),
    ] {
        let wanted = Wanted { destination: Some(destination.to_owned()), ..Wanted::default() };
        assert_eq!(ids(&spool, wanted.clone()).await, found, "{destination}");
    }
    let wanted = Wanted { destination: Some("b.example".to_owned()), ..Wanted::default() };
    let listing = spool.list(wanted, page(0, 100)).await.unwrap();
    let numbers: Vec<Vec<u32>> =
        listing.entries.iter().map(|e| e.recipients.iter().map(|r| r.number).collect()).collect();
    assert_eq!(numbers, [[1], [1]], "the other recipients are not meant");
}

#[tokio::test]
async fn a_long_list_comes_in_parts_that_miss_none_and_repeat_none() {
    let folder = folder();
    let spool = open(folder.path());
    let all: Vec<String> = (0..23).map(|n| format!("e{n:02}")).collect();
    spool.commit(all.iter().map(|id| Write::Store(mail(id, 2, 100))).collect()).await.unwrap();
    for entries_max in [1, 4, 22, 23, 24] {
        let (mut found, mut after) = (Vec::new(), Some(0));
        while let Some(at) = after {
            let listing = spool.list(Wanted::default(), page(at, entries_max)).await.unwrap();
            assert!(listing.entries.len() <= entries_max && listing.entries.iter().all(|e| e.recipients.len() == 2));
            found.extend(listing.entries.iter().map(|e| e.id.to_string()));
            after = listing.next;
        }
        assert_eq!(found, all, "{entries_max} at a time");
    }
}

#[tokio::test]
async fn an_address_finds_its_own_recipients_and_damage_is_counted() {
    let folder = folder();
    let spool = open(folder.path());
    spool.commit(vec![Write::Store(mail("e1", 3, 100)), Write::Store(mail("e2", 3, 100))]).await.unwrap();
    let to = Address::parse("HANAKO.e2.1@Sakura.example").unwrap();
    let wanted = Wanted { to: Some(to), ..Wanted::default() };
    let listing = spool.list(wanted.clone(), page(0, 10)).await.unwrap();
    assert_eq!((listing.entries.len(), listing.unreadable), (1, 0));
    assert_eq!(listing.entries[0].addresses, [address("e2", 1)]);
    assert_eq!(listing.entries[0].recipients[0].number, 1);
    let content = folder.path().join("spool.content");
    let mut octets = std::fs::read(&content).unwrap();
    octets[100] ^= 1;
    std::fs::write(&content, octets).unwrap();
    let listing = spool.list(wanted, page(0, 10)).await.unwrap();
    assert_eq!((listing.entries.len(), listing.unreadable), (1, 1));
    assert!(matches!(spool.examine(&id("e1")).await, Err(SpoolError::Damaged(_))));
    assert_eq!(spool.summary().await.unwrap().parked, 0, "to look changes nothing");
}

#[tokio::test]
async fn an_act_in_a_state_that_does_not_allow_it_changes_nothing() {
    let folder = folder();
    let spool = open(folder.path());
    spool.commit(vec![Write::Store(mail("e1", 2, 100)), Write::Store(mail("e2", 1, 100))]).await.unwrap();
    spool.commit(vec![Write::Sending { entry: id("e1"), recipients: vec![1] }]).await.unwrap();
    spool.commit(vec![Write::Park { entry: id("e2") }]).await.unwrap();
    for refused in [
        act(ActKind::Retry, "e1", &[0, 1]),
        act(ActKind::Drop, "e1", &[1]),
        act(ActKind::Bounce, "e1", &[0, 1]),
        act(ActKind::Release, "e1", &[0]),
        act(ActKind::Retry, "e2", &[0]),
        act(ActKind::Drop, "e1", &[7]),
        act(ActKind::Drop, "e9", &[0]),
    ] {
        let outcome = spool.commit(vec![refused.clone()]).await;
        assert!(matches!(outcome, Err(SpoolError::Conflict(_))), "{refused:?}: {outcome:?}");
    }
    let summary = spool.summary().await.unwrap();
    assert_eq!((summary.entries, summary.waiting, summary.sending, summary.parked), (2, 1, 1, 1));
    assert_eq!(spool.acts(vec![id("e1"), id("e2")]).await.unwrap(), []);
}

#[tokio::test]
async fn acts_are_done_and_written_down_together_and_kept_for_a_year() {
    let folder = folder();
    let spool = open(folder.path());
    spool.commit(vec![Write::Store(mail("e1", 2, 5_000)), Write::Store(mail("e2", 1, 5_000))]).await.unwrap();
    spool.commit(vec![Write::Park { entry: id("e2") }]).await.unwrap();
    spool.take_touched();
    let acts = [act(ActKind::Retry, "e1", &[0, 1]), act(ActKind::Release, "e2", &[0])];
    spool.commit(acts.to_vec()).await.unwrap();
    assert_eq!(spool.take_touched().get("mx"), Some(&minute(30)));
    assert!(due(&spool, minute(29), 9).await.is_empty(), "due from the time of the act");
    assert_eq!(due(&spool, minute(30), 9).await[0].entries.len(), 2);
    assert!(spool.load(&id("e2")).await.unwrap().is_some(), "its original was moved back");
    spool.commit(vec![act(ActKind::Drop, "e1", &[0]), act(ActKind::Drop, "e1", &[1])]).await.unwrap();
    spool.commit(vec![act(ActKind::Recover, "e7", &[0])]).await.unwrap();
    let done = spool.acts(vec![id("e1"), id("e2"), id("e7")]).await.unwrap();
    let told: Vec<(&str, &str, &[u32])> =
        done.iter().map(|a| (a.entry.as_str(), a.what.code(), &a.recipients[..])).collect();
    assert_eq!(
        told,
        [
            ("e1", "retry", &[0, 1][..]),
            ("e1", "drop", &[0]),
            ("e1", "drop", &[1]),
            ("e2", "release", &[0]),
            ("e7", "recover", &[0]),
        ]
    );
    assert_eq!((done[0].actor.as_str(), done[0].at), ("taro (uid 1000)", minute(30)));
    let year = 365 * 24 * 60;
    for (at, left) in [(minute(30 + year), 1), (minute(31 + year), 0)] {
        spool.commit(vec![Write::Prune { posted_before: at }]).await.unwrap();
        assert_eq!(spool.acts(vec![id("e7")]).await.unwrap().len(), left);
    }
}

#[tokio::test]
async fn what_waits_is_told_for_each_destination_by_state() {
    let folder = folder();
    let spool = open(folder.path());
    assert_eq!(spool.standings().await.unwrap(), []);
    let mut late = mail("e2", 1, 100);
    (late.received_at, late.recipients[0].last_reply) = (minute(5), Some("450 busy, a@b.example".to_owned()));
    late.recipients[0].route = "late".to_owned();
    spool.commit(vec![mail_for("e1", ["mx/a.example", "mx/a.example"]), Write::Store(late)]).await.unwrap();
    spool.commit(vec![Write::Sending { entry: id("e1"), recipients: vec![1] }]).await.unwrap();
    let standings = spool.standings().await.unwrap();
    let names: Vec<&str> = standings.iter().map(|s| s.destination.as_str()).collect();
    assert_eq!(names, ["mx/a.example", "late"], "the oldest mail first");
    assert_eq!((standings[0].recipients, standings[1].recipients), ([1, 1, 0, 0, 0], [1, 0, 0, 0, 0]));
    assert_eq!((standings[1].oldest_received_at, standings[1].next_at), (Some(minute(5)), Some(minute(1))));
    assert_eq!(standings[1].last_reply.as_deref(), Some("450 busy, <rcpt>"));
}

//! Mail in custody: the worker, doubt, retries, bounces, and what hand-through leaves behind.

use super::*;
use crate::spool::NewState;

/// Takes a job into custody as if nothing could be handed through.
pub(super) async fn store(world: &World, job: &Job) {
    let write = world.deliver.write_to_store(std::slice::from_ref(job), clock::now()).expect("a write");
    world.spool.commit(vec![write]).await.expect("a commit");
    world.deliver.wake();
}

async fn stored(script: &[(Stage, Act)], job: &Job) -> World {
    let world = World::new(script).await;
    store(&world, job).await;
    world.wait_until_empty().await;
    world
}

/// The recipient and the text of the report that was sent.
fn report(world: &World) -> (bool, String) {
    let messages = world.hop.messages();
    let text = String::from_utf8_lossy(messages.last().map_or(&[], |m| m)).into_owned();
    (world.hop.commands().contains("MAIL FROM:<>"), text)
}

#[tokio::test]
async fn mail_in_custody_is_sent_and_its_referral_counted() {
    let world = stored(&[], &referral("mail-1")).await;
    assert_eq!(world.hop.messages(), [[TRACE, MESSAGE, b"..line\r\n.\r\n"].concat()]);
    assert_eq!(world.outbox().await, ["mail-1 0 Delivered"]);
    assert_eq!(world.deliver.counted().accepted, 1);
    assert_eq!(world.watch.snapshot().counters["attempts_accepted"], 1);
    assert_eq!(world.watch.snapshot().gauges["next_hop_connections"], 1);
}

#[tokio::test]
async fn every_way_to_fail_for_now_is_tried_again_until_it_is_taken() {
    let ways = [
        (Stage::Mail, Act::Reply("451 later"), false),
        (Stage::Rcpt, Act::Reply("450 grey"), false),
        (Stage::Data, Act::Drop, false),
        (Stage::Dot, Act::Reply("451 later"), false),
        (Stage::Dot, Act::Drop, true),
        (Stage::Dot, Act::Raw(b"rubbish\r\n"), true),
    ];
    for (stage, act, doubled) in ways {
        let world = stored(&[(stage, act.clone())], &referral("mail-1")).await;
        assert_eq!(world.outbox().await, ["mail-1 0 Delivered"], "{stage:?} {act:?}");
        assert_eq!(world.deliver.counted().deferred, 1, "{stage:?} {act:?}");
        assert_eq!(world.deliver.counted().maybe_doubled, u64::from(doubled), "{stage:?} {act:?}");
    }
}

#[tokio::test]
async fn a_dead_next_hop_costs_an_attempt_and_nothing_is_lost() {
    let world = World::with(&[(Stage::Greet, Act::Drop)], |s| s.deliver.down_for = Duration::ZERO).await;
    store(&world, &referral("mail-1")).await;
    world.wait_until_empty().await;
    assert_eq!(world.hop.connections(), 2);
    assert_eq!(world.outbox().await, ["mail-1 0 Delivered"]);
}

#[tokio::test]
async fn a_refusal_is_reported_to_the_sender_from_the_null_sender() {
    let world = stored(&[(Stage::Rcpt, Act::Reply("550 5.1.1 <a@x.example> nobody"))], &job(&["a@x.example"])).await;
    let (null_sender, text) = report(&world);
    assert!(null_sender, "{}", world.hop.commands());
    assert!(world.hop.commands().contains("RCPT TO:<hr@sakura.example>"));
    for line in [
        "Final-Recipient: rfc822; a@x.example\r\n",
        "Status: 5.1.1\r\n",
        "Diagnostic-Code: smtp; 550 5.1.1 <rcpt> nobody\r\n",
        "Remote-MTA: dns; 127.0.0.1\r\n",
        "Reporting-MTA: dns; relay.sakura.example\r\n",
    ] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
    assert!(world.outbox().await.is_empty());
}

#[tokio::test]
async fn a_report_that_is_refused_is_dropped_and_counted() {
    let no = Act::Reply("550 5.1.1 nobody");
    let world = stored(&[(Stage::Rcpt, no.clone()), (Stage::Rcpt, no)], &job(&["a@x.example"])).await;
    assert_eq!(world.deliver.counted().double_bounces, 1);
    assert!(world.hop.messages().is_empty());
}

#[tokio::test]
async fn mail_that_is_too_old_is_given_up_and_reported() {
    let world =
        World::with(&[(Stage::Mail, Act::Reply("451 not now"))], |s| s.retry.give_up_after = Duration::ZERO).await;
    store(&world, &job(&["a@x.example"])).await;
    world.wait_until_empty().await;
    let (_, text) = report(&world);
    assert!(text.contains("Status: 4.4.7\r\n") && text.contains("451 not now\r\n"), "{text}");
}

/// What a start would find on the disk as it is now.
fn crashed(world: &World) -> (Spool, tempfile::TempDir) {
    let image = tempfile::tempdir().expect("a folder");
    // The database before its log, and both before the next hop goes on.
    for file in ["spool.db", "spool.db-wal", "spool.content"] {
        std::fs::copy(world.folder.path().join(file), image.path().join(file)).expect("a file of the spool");
    }
    (Spool::open(image.path(), SpoolOptions::default()).expect("the spool as it was"), image)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_next_hop_may_have_is_marked_on_the_disk_before_it_hears_of_it_at_every_attempt() {
    let late = |text| Act::Late(STALL_FOR, text);
    let script = [(Stage::Mail, late("451 later")), (Stage::Dot, Act::Drop), (Stage::Mail, late("250 ok"))];
    let world = World::new(&script).await;
    store(&world, &referral("mail-1")).await;
    for attempts in 1..=3 {
        world.hop.wait_for_commands("MAIL", attempts).await;
        let (spool, _image) = crashed(&world);
        assert_eq!(spool.recovered().maybe_doubled, 1, "attempt {attempts}");
        let entry = spool.load(&EntryId::parse("mail-1").expect("an id")).await.expect("a spool").expect("the mail");
        assert_eq!((entry.recipients[0].attempts as usize, entry.recipients[0].maybe_doubled), (attempts, true));
    }
    world.wait_until_empty().await;
    assert_eq!(crashed(&world).0.recovered().maybe_doubled, 0);
}

#[tokio::test]
async fn copies_of_a_split_mail_go_out_each_to_its_own() {
    let world = World::new(&[]).await;
    let mut copies = [job(&["a@x.example", "b@x.example"]), job(&["a@x.example", "b@x.example"])];
    for (i, copy) in copies.iter_mut().enumerate() {
        copy.copy.recipients = vec![i];
        copy.copy.edits = Edits::new(vec![Edit { at: 14, insert: format!("for {i}\r\n").into_bytes().into() }]);
    }
    let write = world.deliver.write_to_store(&copies, clock::now()).expect("a write");
    world.spool.commit(vec![write]).await.expect("a commit");
    world.deliver.wake();
    world.wait_until_empty().await;
    let messages = world.hop.messages();
    assert_eq!(messages.len(), 2);
    for (i, name) in ["a", "b"].iter().enumerate() {
        let line = format!("\r\nfor {i}\r\n");
        assert!(messages.iter().any(|m| memchr::memmem::find(m, line.as_bytes()).is_some()));
        assert_eq!(world.hop.commands().matches(&format!("RCPT TO:<{name}@x.example>")).count(), 1);
    }
}

#[tokio::test]
async fn of_a_mixed_answer_the_deferred_are_kept_and_the_refused_reported_and_nobody_gets_it_twice() {
    let script = [
        (Stage::Rcpt, Act::Reply("250 ok")),
        (Stage::Rcpt, Act::Reply("450 grey")),
        (Stage::Rcpt, Act::Reply("550 5.1.1 nobody")),
    ];
    let world = World::new(&script).await;
    let handed = world.serve(&job(&["a@x.example", "b@x.example", "c@x.example"])).await;
    assert_eq!(told(&handed), "accepted 250 taken, deferred 450 grey, refused 550 5.1.1 nobody");
    world.wait_until_empty().await;
    let commands = world.hop.commands();
    assert_eq!(commands.matches("RCPT TO:<a@x.example>").count(), 1, "{commands}");
    assert_eq!(commands.matches("RCPT TO:<b@x.example>").count(), 2, "{commands}");
    assert_eq!(commands.matches("RCPT TO:<c@x.example>").count(), 1, "{commands}");
    assert_eq!(commands.matches("RCPT TO:<hr@sakura.example>").count(), 1, "{commands}");
}

#[tokio::test]
async fn a_connection_lost_behind_the_dot_is_a_possible_double() {
    let world = World::new(&[(Stage::Dot, Act::Drop)]).await;
    let handed = world.serve(&referral("mail-1")).await;
    assert!(told(&handed).starts_with("doubtful"));
    assert_eq!(world.deliver.counted().maybe_doubled, 1);
    world.wait_until_empty().await;
    assert_eq!(world.hop.messages().len(), 2);
    assert_eq!(world.outbox().await, ["mail-1 0 Delivered"]);
}

/// Hands a referral through to a next hop that answers the dot late, and waits until that has settled the spool.
async fn doubt(late: Act) -> World {
    let world = World::with(&[(Stage::Dot, late)], |s| s.custody.hand_through_for = STALL_FOR).await;
    let job = referral("mail-1");
    let HandThrough::InDoubt(doubt) = world.serve(&job).await else { panic!("no doubt") };
    let summary = world.spool.summary().await.expect("a summary");
    assert_eq!((summary.in_doubt, summary.waiting), (1, 0));
    world.deliver.settle_later(doubt, job.id.clone());
    world.wait_until_empty().await;
    world
}

const LATER: Duration = Duration::from_millis(900);

#[tokio::test]
async fn a_late_yes_settles_the_doubt_without_a_second_copy() {
    let world = doubt(Act::Late(LATER, "250 taken")).await;
    assert_eq!(world.hop.messages().len(), 1);
    assert_eq!(world.outbox().await, ["mail-1 0 Delivered"]);
    assert_eq!(world.deliver.counted().maybe_doubled, 0);
}

#[tokio::test]
async fn a_late_no_for_now_is_tried_again() {
    let world = doubt(Act::Late(LATER, "451 later")).await;
    assert_eq!(world.hop.messages().len(), 1);
    assert_eq!(world.deliver.counted().maybe_doubled, 0);
}

#[tokio::test]
async fn an_edited_mail_refused_late_goes_out_as_it_came_and_is_not_counted() {
    let world = doubt(Act::Late(LATER, "554 spam")).await;
    assert_eq!(world.hop.messages(), [wire(MESSAGE)]);
    assert!(world.outbox().await.is_empty());
    assert_eq!((world.deliver.counted().refused, world.deliver.counted().edits_refused), (0, 1));
}

#[tokio::test]
async fn edits_refused_in_custody_stop_editing_there_and_in_hand_through() {
    let spam = (Stage::Dot, Act::Reply("554 spam"));
    let taken = (Stage::Dot, Act::Reply("250 taken"));
    let world = World::new(&[spam.clone(), taken.clone(), spam.clone(), taken.clone(), spam, taken]).await;
    let company = CompanyId::parse("sakura").expect("a company");
    for n in 1..=4 {
        store(&world, &referral(&format!("mail-{n}"))).await;
        world.wait_until_empty().await;
        let why = world.deliver.why_not_edit(&company, &[address("taro@x.example")]);
        assert_eq!(why, (n >= 3).then_some(NoEdit::Refused));
    }
    world.serve(&referral("mail-5")).await;
    assert_eq!(world.hop.messages(), vec![wire(MESSAGE); 5]);
    assert!(world.outbox().await.is_empty());
    assert_eq!(world.deliver.counted().edits_refused, 3);
}

#[tokio::test]
async fn a_connection_that_drops_in_doubt_leads_to_a_retry_listed_as_a_double() {
    let world = World::with(&[(Stage::Dot, Act::Stall)], |s| {
        s.custody.hand_through_for = STALL_FOR;
        s.custody.in_doubt_for = 2 * STALL_FOR;
    });
    let world = world.await;
    let job = job(&["a@x.example"]);
    let HandThrough::InDoubt(doubt) = world.serve(&job).await else { panic!("no doubt") };
    world.deliver.settle_later(doubt, job.id.clone());
    world.wait_until_empty().await;
    assert_eq!(world.deliver.counted().maybe_doubled, 1);
    assert_eq!(world.hop.messages(), vec![wire(MESSAGE); 2]);
}

#[tokio::test]
async fn a_late_refusal_is_reported() {
    let late = Act::Late(LATER, "554 5.6.0 spam");
    let world = World::with(&[(Stage::Dot, late)], |s| s.custody.hand_through_for = STALL_FOR).await;
    let job = job(&["a@x.example"]);
    let HandThrough::InDoubt(doubt) = world.serve(&job).await else { panic!("no doubt") };
    world.deliver.settle_later(doubt, job.id.clone());
    world.wait_until_empty().await;
    assert!(report(&world).1.contains("Diagnostic-Code: smtp; 554 5.6.0 spam\r\n"));
}

#[tokio::test]
async fn a_stop_waits_for_what_has_begun_and_leaves_the_rest() {
    let late = Act::Late(STALL_FOR, "250 taken");
    let world = World::new(&[(Stage::Dot, late)]).await;
    store(&world, &referral("mail-1")).await;
    world.hop.wait_for_command("DATA").await;
    assert!(world.deliver.drain(PATIENCE).await);
    assert_eq!(world.outbox().await, ["mail-1 0 Delivered"]);
    store(&world, &job(&["a@x.example"])).await;
    assert_eq!(world.spool.summary().await.expect("a summary").waiting, 1);
}

/// A next hop for which six mails of the spool are under way at a time, slow with the first of seven that are due for
/// so long.
async fn with_seven_due_for(seconds: i64) -> World {
    let late = Act::Late(STALL_FOR, "250 taken");
    let world = World::with(&[(Stage::Dot, late)], |s| s.deliver.connections_max = 2).await;
    let next_at = clock::now() - jiff::SignedDuration::from_secs(seconds);
    let write = |n: u32| {
        let mut job = job(&["a@x.example"]);
        job.id = EntryId::parse(&format!("mail-{n}")).expect("an id");
        let write = world.deliver.write_to_store(&[job], clock::now());
        let Some(Write::Store(mut entry)) = write else { panic!("{write:?}") };
        entry.recipients[0].state = NewState::Waiting { next_at };
        Write::Store(entry)
    };
    world.spool.commit((1..=7).map(write).collect()).await.expect("a commit");
    world.deliver.wake();
    world.hop.wait_for_command("DATA").await;
    world
}

#[tokio::test]
async fn mail_that_waits_for_long_for_a_busy_next_hop_is_a_backlog_and_goes_first() {
    let world = with_seven_due_for(60).await;
    assert_eq!(world.hand_through().await, "spool backlog");
    world.wait_until_empty().await;
    world.hop.wait_for_messages(7).await;
    // The worker sees that nothing is left a moment after the last mail has gone.
    while world.hand_through().await == "spool backlog" {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.hop.messages().len(), 8);
}

#[tokio::test]
async fn a_few_mails_that_wait_send_no_other_into_the_spool() {
    let late = Act::Late(STALL_FOR, "250 taken");
    let world = World::with(&[(Stage::Dot, late)], |s| s.deliver.connections_max = 2).await;
    for n in 1..=3 {
        let mut job = job(&["a@x.example"]);
        job.id = EntryId::parse(&format!("mail-{n}")).expect("an id");
        store(&world, &job).await;
    }
    world.hop.wait_for_command("DATA").await;
    assert_eq!(world.hand_through().await, "accepted 250 taken, accepted 250 taken");
    world.wait_until_empty().await;
    assert_eq!(world.hop.messages().len(), 4);
}

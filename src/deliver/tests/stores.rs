//! LMTP: a mail store answers for each recipient, and each outcome is exact.

use super::*;

async fn world(script: &[(Stage, Act)]) -> World {
    world_within(script, PATIENCE).await
}

async fn world_within(script: &[(Stage, Act)], patience: Duration) -> World {
    World::with(script, |settings| {
        settings.custody.hand_through_for = patience;
        if let Target::Host(at) = &settings.routes[0].next_hop {
            settings.routes[0].next_hop = Target::Lmtp(at.clone());
        }
    })
    .await
}

#[tokio::test]
async fn a_store_hears_lhlo_and_answers_for_each_recipient_in_order() {
    let world = world(&[(Stage::Dot, Act::Reply("250 a has it")), (Stage::Dot, Act::Reply("452 4.2.2 full"))]).await;
    assert_eq!(world.hand_through().await, "accepted 250 a has it, deferred 452 4.2.2 full");
    assert!(world.hop.commands().starts_with("LHLO relay.sakura.example | MAIL"), "{}", world.hop.commands());
    assert_eq!(world.hand_through().await, "accepted 250 taken, accepted 250 taken");
    assert_eq!(world.hop.connections(), 1);
}

#[tokio::test]
async fn a_store_that_knows_no_lhlo_is_not_spoken_to_in_smtp() {
    let world = world(&[(Stage::Ehlo, Act::Reply("500 what"))]).await;
    assert_eq!(world.hand_through().await, "spool next_hop_down");
    assert!(!world.hop.commands().contains("HELO "));
}

#[tokio::test]
async fn answers_are_for_those_that_were_taken() {
    let script = [
        (Stage::Rcpt, Act::Reply("550 5.1.1 nobody")),
        (Stage::Dot, Act::Reply("250 b has it")),
        (Stage::Dot, Act::Reply("554 5.2.0 no")),
    ];
    let world = world(&script).await;
    let handed = world.deliver.hand_through(&job(&["a@x.example", "b@x.example", "c@x.example"])).await;
    assert_eq!(told(&handed), "refused 550 5.1.1 nobody, accepted 250 b has it, refused 554 5.2.0 no");
}

#[tokio::test]
async fn who_was_not_answered_for_is_a_possible_double_and_who_was_is_not_tried_again() {
    let world = world(&[(Stage::Dot, Act::Reply("250 a has it")), (Stage::Dot, Act::Drop)]).await;
    let handed = world.serve(&job(&["a@x.example", "b@x.example", "c@x.example"])).await;
    let said = told(&handed);
    assert!(said.starts_with("accepted 250 a has it, doubtful 451 4.4.2") && said.matches("doubtful").count() == 2);
    world.wait_until_empty().await;
    let commands = world.hop.commands();
    for (to, times) in [("a@", 1), ("b@", 2), ("c@", 2)] {
        assert_eq!(commands.matches(&format!("RCPT TO:<{to}")).count(), times, "{commands}");
    }
    assert_eq!(world.deliver.counted().maybe_doubled, 2);
}

#[tokio::test]
async fn a_late_answer_settles_only_those_it_is_late_for() {
    let late = Act::Late(Duration::from_millis(900), "250 b has it");
    let script = [(Stage::Dot, Act::Reply("250 a has it")), (Stage::Dot, late)];
    let world = world_within(&script, STALL_FOR).await;
    let job = job(&["a@x.example", "b@x.example"]);
    let HandThrough::InDoubt(doubt) = world.serve(&job).await else { panic!("no doubt") };
    assert!(doubt.so_far()[0].as_ref().is_some_and(RecipientOutcome::is_accepted) && doubt.so_far()[1].is_none());
    world.deliver.settle_later(doubt, job.id.clone());
    world.wait_until_empty().await;
    assert_eq!((world.hop.messages().len(), world.deliver.counted().maybe_doubled), (2, 0));
    assert_eq!(world.hop.commands().matches("RCPT TO:<a@").count(), 1);
}

#[tokio::test]
async fn a_referral_one_store_takes_edited_and_not_for_another_is_counted_once() {
    let mut job = referral("mail-1");
    let envelope = Arc::get_mut(&mut job.envelope).expect("the only one");
    envelope.recipients.push(address("copy@x.example"));
    job.copy.recipients = vec![0, 1];
    let script = [(Stage::Dot, Act::Reply("250 taken")), (Stage::Dot, Act::Reply("554 spam"))];
    let world = world(&script).await;
    world.serve(&job).await;
    assert_eq!(world.outbox().await, ["mail-1 0 Delivered"]);
    let with_line = [TRACE, MESSAGE, b"..line\r\n.\r\n"].concat();
    assert_eq!(world.hop.messages(), [with_line, wire(MESSAGE)]);
    assert_eq!(world.hop.commands().matches("RCPT TO:<taro@x.example>").count(), 1);
}

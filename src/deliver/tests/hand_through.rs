//! Hand-through: every stage going wrong in every way, what arrives, and which connections are used.

use super::*;

async fn check(stage: Stage, act: Act, wanted: &str) {
    let patience = if matches!(act, Act::Stall) { STALL_FOR } else { PATIENCE };
    let world = World::with(&[(stage, act.clone())], |s| s.custody.hand_through_for = patience).await;
    assert_eq!(world.hand_through().await, wanted, "{stage:?} {act:?}");
}

const BOTH_TAKEN: &str = "accepted 250 taken, accepted 250 taken";

#[tokio::test]
async fn a_mail_arrives_to_the_octet_and_both_recipients_are_accepted() {
    let world = World::new(&[]).await;
    assert_eq!(world.hand_through().await, BOTH_TAKEN);
    assert_eq!(world.hop.messages(), [wire(MESSAGE)]);
    let size = TRACE.len() + MESSAGE.len();
    assert_eq!(
        world.hop.commands(),
        format!(
            "EHLO relay.sakura.example | MAIL FROM:<hr@sakura.example> SIZE={size} | RCPT TO:<a@x.example> | \
             RCPT TO:<b@y.example> | DATA | <{} octets>",
            size + 3
        )
    );
}

#[tokio::test]
async fn a_next_hop_that_does_not_come_to_greet_leaves_the_mail_to_the_spool() {
    for stage in [Stage::Greet, Stage::Ehlo] {
        check(stage, Act::Reply("421 busy"), "spool next_hop_down").await;
        check(stage, Act::Raw(b"hello\r\n"), "spool next_hop_down").await;
        check(stage, Act::Drop, "spool next_hop_down").await;
        check(stage, Act::Stall, "spool too_slow").await;
    }
    check(Stage::Greet, Act::Reply("554 go away"), "spool next_hop_down").await;
    check(Stage::Greet, Act::Raw(b"220 a\r\n250 b\r\n"), "spool next_hop_down").await;
    check(Stage::Ehlo, Act::Reply("502 what?"), BOTH_TAKEN).await;
    check(Stage::Helo, Act::Reply("502 what?"), BOTH_TAKEN).await;
}

#[tokio::test]
async fn refusals_count_for_those_they_are_for() {
    check(Stage::Mail, Act::Reply("550 5.7.1 no"), "refused 550 5.7.1 no, refused 550 5.7.1 no").await;
    check(Stage::Mail, Act::Reply("450 wait"), "deferred 450 wait, deferred 450 wait").await;
    check(Stage::Rcpt, Act::Reply("550 5.1.1 nobody"), "refused 550 5.1.1 nobody, accepted 250 taken").await;
    check(Stage::Rcpt, Act::Reply("450 grey"), "deferred 450 grey, accepted 250 taken").await;
    check(Stage::Data, Act::Reply("451 busy"), "deferred 451 busy, deferred 451 busy").await;
    check(Stage::Data, Act::Reply("554 no"), "refused 554 no, refused 554 no").await;
    check(Stage::Dot, Act::Reply("451 later"), "deferred 451 later, deferred 451 later").await;
    check(Stage::Dot, Act::Reply("554 5.6.0 spam"), "refused 554 5.6.0 spam, refused 554 5.6.0 spam").await;
}

#[tokio::test]
async fn a_connection_lost_before_the_dot_defers_and_behind_it_doubts() {
    let lost = |words: &str, phase: &str| {
        let one = format!("deferred 451 4.4.2 {words} ({phase})");
        format!("{one}, {one}")
    };
    for (stage, phase) in [(Stage::Mail, "Mail"), (Stage::Rcpt, "Rcpt"), (Stage::Data, "Data")] {
        check(stage, Act::Stall, "spool too_slow").await;
        let world = World::new(&[(stage, Act::Raw(b"yes\r\n"))]).await;
        let told = world.hand_through().await;
        assert_eq!(told, lost("malformed reply: a line without a reply code", phase), "{stage:?}");
        let world = World::new(&[(stage, Act::Drop)]).await;
        let told = world.hand_through().await;
        assert!(told.starts_with("deferred 451 4.4.2 connection"), "{stage:?} {told}");
    }
    let world = World::new(&[(Stage::Dot, Act::Drop)]).await;
    let told = world.hand_through().await;
    assert!(told.starts_with("doubtful 451 4.4.2 connection") && told.contains(", doubtful"), "{told}");
    for rubbish in [b"yes\r\n".as_slice(), b"250 ok\n", b"2500 ok\r\n", b"250-ok\r\n251 ok\r\n", b"650 ok\r\n"] {
        let world = World::new(&[(Stage::Dot, Act::Raw(rubbish))]).await;
        let told = world.hand_through().await;
        assert!(told.starts_with("doubtful 451 4.4.2 ") && told.contains(", doubtful"), "{told}");
    }
    check(Stage::Dot, Act::Stall, "in doubt 2").await;
}

#[tokio::test]
async fn replies_out_of_step_are_never_acceptance() {
    let unasked = "deferred 451 4.4.2 octets from the next hop that no command asked for (Data)";
    check(Stage::Data, Act::Raw(b"354 go\r\n250 taken\r\n"), &format!("{unasked}, {unasked}")).await;
    let misplaced = "deferred 451 4.4.2 reply that fits no command: 250 (Data)";
    check(Stage::Data, Act::Reply("250 go"), &format!("{misplaced}, {misplaced}")).await;
    let doubtful = "doubtful 451 4.4.2 reply that fits no command: 354 (Dot)";
    check(Stage::Dot, Act::Reply("354 more"), &format!("{doubtful}, {doubtful}")).await;
}

#[tokio::test]
async fn a_refusal_in_shift_jis_is_a_refusal_and_addresses_leave_no_trace() {
    let world = World::new(&[(Stage::Mail, Act::Raw(b"550 \x8b\x91\x94\xdb <hr@sakura.example> no\r\n"))]).await;
    let told = world.hand_through().await;
    assert!(told.starts_with("refused 550 ") && told.contains("<rcpt> no") && !told.contains("sakura"), "{told}");
}

#[tokio::test]
async fn connections_are_kept_for_the_next_mail_and_reset_only_when_needed() {
    let no = Act::Reply("550 5.1.1 no");
    let world =
        World::new(&[(Stage::Rcpt, no.clone()), (Stage::Rcpt, no), (Stage::Data, Act::Reply("554 none"))]).await;
    assert_eq!(world.hand_through().await, "refused 550 5.1.1 no, refused 550 5.1.1 no");
    assert_eq!(world.hand_through().await, BOTH_TAKEN);
    assert_eq!(world.hand_through().await, BOTH_TAKEN);
    assert_eq!(world.hop.connections(), 1);
    assert_eq!(world.hop.commands().matches("RSET").count(), 1);
}

#[tokio::test]
async fn twenty_sessions_use_twenty_connections_again_and_again() {
    let world = Arc::new(World::new(&[]).await);
    for _ in 0..3 {
        let sessions: Vec<_> = (0..20)
            .map(|_| {
                let world = Arc::clone(&world);
                tokio::spawn(async move { world.hand_through().await })
            })
            .collect();
        for session in sessions {
            assert_eq!(session.await.expect("a session"), BOTH_TAKEN);
        }
    }
    assert!(world.hop.connections() <= 20);
    assert_eq!(world.hop.messages().len(), 60);
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_replaced_once() {
    for closing in [Act::ReplyAndDrop("250 taken"), Act::Raw(b"250 taken\r\n421 idle\r\n")] {
        let world = World::new(&[(Stage::Dot, closing)]).await;
        world.hand_through().await;
        assert_eq!(world.hand_through().await, BOTH_TAKEN);
        assert_eq!(world.hop.connections(), 2);
    }
    let world = World::new(&[(Stage::Mail, Act::Reply("250 ok")), (Stage::Mail, Act::ReplyAndDrop("421 idle"))]).await;
    world.hand_through().await;
    assert_eq!(world.hand_through().await, BOTH_TAKEN);
    let silent = [(Stage::Mail, Act::Reply("250 ok")), (Stage::Mail, Act::Drop), (Stage::Mail, Act::Drop)];
    let world = World::new(&silent).await;
    world.hand_through().await;
    assert!(world.hand_through().await.starts_with("deferred 451 4.4.2"));
    assert_eq!(world.hop.connections(), 2);
}

#[tokio::test]
async fn idle_connections_are_closed_in_time() {
    let world = World::with(&[], |s| s.deliver.idle_for = Duration::from_millis(10)).await;
    world.hand_through().await;
    world.hop.wait_for_command("QUIT").await;
    assert_eq!(world.hand_through().await, BOTH_TAKEN);
    assert_eq!(world.hop.connections(), 2);
}

#[tokio::test]
async fn a_dead_next_hop_is_left_alone_until_it_may_be_back() {
    let world = World::new(&[(Stage::Greet, Act::Drop)]).await;
    assert_eq!(world.hand_through().await, "spool next_hop_down");
    assert_eq!(world.hand_through().await, "spool next_hop_down");
    assert_eq!(world.hop.connections(), 1);
    let world = World::with(&[(Stage::Greet, Act::Drop)], |s| s.deliver.down_for = Duration::ZERO).await;
    assert_eq!(world.hand_through().await, "spool next_hop_down");
    assert_eq!(world.hand_through().await, BOTH_TAKEN);
}

#[tokio::test]
async fn at_the_connection_limit_nobody_waits_for_long() {
    let slow = Act::Late(STALL_FOR, "250 taken");
    let world = Arc::new(World::with(&[(Stage::Dot, slow)], |s| s.deliver.connections_max = 1).await);
    let other = Arc::clone(&world);
    let first = tokio::spawn(async move { other.hand_through().await });
    world.hop.wait_for_command("DATA").await;
    assert_eq!(world.hand_through().await, "spool next_hop_full");
    assert_eq!(first.await.expect("the first"), BOTH_TAKEN);
}

#[tokio::test]
async fn a_connection_that_comes_back_in_a_moment_is_waited_for() {
    let slow = Act::Late(Duration::from_millis(30), "250 taken");
    let world = Arc::new(World::with(&[(Stage::Dot, slow)], |s| s.deliver.connections_max = 1).await);
    let other = Arc::clone(&world);
    let first = tokio::spawn(async move { other.hand_through().await });
    world.hop.wait_for_command("DATA").await;
    assert_eq!(world.hand_through().await, BOTH_TAKEN);
    assert_eq!(first.await.expect("the first"), BOTH_TAKEN);
    assert_eq!(world.hop.connections(), 1);
}

#[tokio::test]
async fn what_cannot_be_handed_through_goes_to_the_spool_at_once() {
    let world = World::with(&[], |s| s.custody.mode = CustodyMode::Spool).await;
    assert_eq!(world.hand_through().await, "spool custody_first");
    let exactly = |domain| DomainPattern::Exactly(crate::mail::address::Domain::parse(domain).expect("a domain"));
    let world = World::with(&[], |s| s.routes[0].domains = vec![exactly("x.example")]).await;
    assert_eq!(world.hand_through().await, "spool no_route");
    let second = |s: &mut Settings| {
        let other = Route { name: "other".to_owned(), domains: vec![exactly("y.example")], ..s.routes[0].clone() };
        s.routes.push(other);
    };
    let world = World::with(&[], second).await;
    assert_eq!(world.hand_through().await, "spool several_next_hops");
    assert!(world.deliver.drain(Duration::from_secs(1)).await);
    let one = world.deliver.hand_through(&job(&["a@x.example"])).await;
    assert_eq!(told(&one), "spool stopping");
}

#[tokio::test]
async fn a_name_is_looked_up_and_an_unknown_one_is_a_dead_next_hop() {
    let world = World::with(&[], |s| rename(s, "localhost")).await;
    assert_eq!(world.hand_through().await, BOTH_TAKEN);
    let world = World::with(&[], |s| rename(s, "nowhere.invalid")).await;
    let told = world.hand_through().await;
    assert!(told == "spool next_hop_down" || told == "spool too_slow", "{told}");
}

#[tokio::test]
async fn big_mails_with_many_dots_arrive_to_the_octet() {
    let world = World::new(&[]).await;
    let mut job = job(&["a@x.example"]);
    let message = [b"Subject: x\r\n\r\n".as_slice(), &b".\r\n..a\r\nb.\r\n".repeat(2000)].concat();
    job.original = Bytes::from(message.clone());
    assert_eq!(told(&world.deliver.hand_through(&job).await), "accepted 250 taken");
    let stuffed = String::from_utf8_lossy(&message).replace("\r\n.", "\r\n..");
    assert_eq!(world.hop.messages(), [wire(stuffed.as_bytes())]);
}

/// What the next hop says in place of a reply, at every stage: rubbish of all sorts, and far too much of it.
#[tokio::test]
async fn no_rubbish_is_ever_acceptance_and_none_of_it_grows_without_bound() {
    let rubbish = [
        Act::Flood(b"250-more\r\n"),
        Act::Flood(b"250 and no end of the line "),
        Act::Raw(b"250 bare\n"),
        Act::Raw(b"199 too low\r\n"),
        Act::Raw(b"260 second digit\r\n"),
        Act::Raw(b"600 too high\r\n"),
        Act::Raw(b"\xff\xfe\0\r\n"),
        Act::Raw(b"250-one\r\n354 two\r\n"),
        Act::Raw(b"\r\n"),
    ];
    for stage in [Stage::Greet, Stage::Ehlo, Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Dot] {
        for act in &rubbish {
            let world = World::new(&[(stage, act.clone())]).await;
            let told = world.hand_through().await;
            let wanted = match stage {
                Stage::Greet | Stage::Ehlo => "spool next_hop_down",
                Stage::Dot => "doubtful 451 4.4.2 malformed reply",
                _ => "deferred 451 4.4.2 malformed reply",
            };
            assert!(told.starts_with(wanted), "{stage:?} {act:?}: {told}");
        }
    }
}

#[tokio::test]
async fn a_next_hop_may_close_at_any_place_and_the_mail_waits() {
    for stage in [Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Dot] {
        let world = World::new(&[(stage, Act::ReplyAndDrop("421 4.3.2 going down"))]).await;
        let handed = world.serve(&referral("mail-1")).await;
        assert_eq!(told(&handed), "deferred 421 4.3.2 going down", "{stage:?}");
        world.wait_until_empty().await;
        assert_eq!(world.outbox().await, ["mail-1 0 Delivered"], "{stage:?}");
        assert_eq!((world.deliver.counted().refused, world.deliver.counted().maybe_doubled), (0, 0), "{stage:?}");
    }
}

#[tokio::test]
async fn refusals_in_shift_jis_are_refusals_at_every_stage() {
    for stage in [Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Dot] {
        let world = World::new(&[(stage, Act::Raw(b"550 \x8b\x91\x94\xdb \x83\x81\x81[\x83\x8b\r\n"))]).await;
        let told = world.hand_through().await;
        assert!(told.starts_with("refused 550 "), "{stage:?}: {told}");
    }
}

#[tokio::test]
async fn a_domain_beyond_ascii_goes_as_its_a_label_where_smtputf8_is_not_offered() {
    for (ehlo, wanted) in [("250 x", "xn--wgv71a.example"), ("250-x\r\n250 SMTPUTF8", "日本.example")] {
        let world = World::new(&[(Stage::Ehlo, Act::Reply(ehlo))]).await;
        let handed = world.deliver.hand_through(&job(&["taro@日本.example"])).await;
        assert_eq!(told(&handed), "accepted 250 taken");
        let commands = world.hop.commands();
        assert!(commands.contains(&format!("RCPT TO:<taro@{wanted}>")), "{commands}");
    }
    let world = World::new(&[(Stage::Ehlo, Act::Reply("250 x"))]).await;
    let handed = world.deliver.hand_through(&job(&["太郎@日本.example", "taro@日本.example"])).await;
    assert!(told(&handed).starts_with("refused 553 5.6.7 ") && told(&handed).ends_with("accepted 250 taken"));
}

//! BDAT: the octets as they are, only for somebody, its answer the dot's; and what limits and 8-bit mail come to.

use super::next_hop::Kind;
use super::*;
use crate::config::EightBit;

const CHUNKS: &str = "250-next.example\r\n250-PIPELINING\r\n250 CHUNKING";

async fn world(script: &[(Stage, Act)]) -> World {
    world_offering(CHUNKS, script, |_| ()).await
}

async fn world_offering(ehlo: &'static str, script: &[(Stage, Act)], change: impl FnOnce(&mut Settings)) -> World {
    World::of(NextHop::of_kind(Kind { ehlo, ..Kind::default() }, script).await, change)
}

#[tokio::test]
async fn a_chunk_holds_the_octets_as_they_are_and_no_dot() {
    let world = world(&[]).await;
    let mut job = job(&["a@x.example"]);
    let message = [b"Subject: x\r\n\r\n".as_slice(), &b".\r\n..a\r\nb.\r\n".repeat(2000)].concat();
    job.original = Bytes::from(message.clone());
    assert_eq!(told(&world.deliver.hand_through(&job).await), "accepted 250 taken");
    assert_eq!(world.hop.messages(), [[TRACE, &message].concat()]);
    let octets = TRACE.len() + message.len();
    let wanted = format!("RCPT TO:<a@x.example> | BDAT {octets} LAST | <{octets} octets>");
    assert!(world.hop.commands().ends_with(&wanted), "{}", world.hop.commands());
    // What comes next on the connection is not shifted by an octet.
    assert_eq!(told(&world.deliver.hand_through(&job).await), "accepted 250 taken");
    assert_eq!(world.hop.connections(), 1);
}

#[tokio::test]
async fn a_line_goes_out_in_a_chunk_too_and_is_counted() {
    let world = world(&[]).await;
    world.serve(&referral("mail-1")).await;
    assert_eq!(world.hop.messages(), [[TRACE, MESSAGE, b".line\r\n"].concat()]);
    assert_eq!(world.outbox().await, ["mail-1 0 Delivered"]);
}

#[tokio::test]
async fn a_route_that_wants_no_chunks_sends_none() {
    let world = world_offering(CHUNKS, &[], |s| s.routes[0].chunking = false).await;
    world.hand_through().await;
    assert!(world.hop.commands().contains("| DATA |") && !world.hop.commands().contains("BDAT"));
}

#[tokio::test]
async fn for_nobody_no_chunk_is_sent_and_the_connection_serves_the_next_mail() {
    let no = Act::Reply("550 5.1.1 nobody");
    let world = world(&[(Stage::Rcpt, no.clone()), (Stage::Rcpt, no)]).await;
    assert_eq!(world.hand_through().await, "refused 550 5.1.1 nobody, refused 550 5.1.1 nobody");
    assert!(!world.hop.commands().contains("BDAT"));
    assert_eq!(world.hand_through().await, "accepted 250 taken, accepted 250 taken");
    assert_eq!(world.hop.connections(), 1);
}

#[tokio::test]
async fn what_is_answered_to_a_chunk_is_what_is_answered_to_a_dot() {
    for (act, wanted) in [
        (Act::Reply("451 later"), "deferred 451 later"),
        (Act::Reply("554 5.6.0 spam"), "refused 554 5.6.0 spam"),
        (Act::Reply("421 bye"), "deferred 421 bye"),
        (Act::Drop, "doubtful 451 4.4.2 connection"),
        (Act::Raw(b"yes\r\n"), "doubtful 451 4.4.2 malformed"),
        (Act::Reply("354 more"), "doubtful 451 4.4.2 reply that fits no command: 354 (Dot)"),
    ] {
        let world = world(&[(Stage::Dot, act.clone())]).await;
        let said = world.hand_through().await;
        assert!(said.starts_with(wanted), "{act:?}: {said}");
    }
    let world = world_offering(CHUNKS, &[(Stage::Dot, Act::Stall)], |s| s.custody.hand_through_for = STALL_FOR).await;
    assert_eq!(world.hand_through().await, "in doubt 2");
}

#[tokio::test]
async fn an_edited_mail_refused_in_a_chunk_goes_out_as_it_came_and_is_not_counted() {
    let world = world(&[(Stage::Dot, Act::Reply("554 spam"))]).await;
    let handed = world.serve(&referral("mail-1")).await;
    assert!(matches!(&handed, HandThrough::Settled(s) if s.edit_refused()));
    assert_eq!(world.hop.messages(), [[TRACE, MESSAGE].concat()]);
    assert!(world.outbox().await.is_empty());
}

#[tokio::test]
async fn a_next_hop_that_offers_chunks_and_knows_none_gets_data_the_next_time() {
    let world = world(&[(Stage::Dot, Act::Reply("502 5.5.1 what is BDAT"))]).await;
    let job = referral("mail-1");
    let handed = world.serve(&job).await;
    assert_eq!(told(&handed), "deferred 502 5.5.1 what is BDAT");
    world.wait_until_empty().await;
    let commands = world.hop.commands();
    assert!(commands.contains("| DATA |") && commands.matches("BDAT").count() == 1, "{commands}");
    assert_eq!(world.outbox().await, ["mail-1 0 Delivered"]);
    assert_eq!(world.deliver.counted().refused, 0);
}

#[tokio::test]
async fn a_limit_of_recipients_splits_what_is_in_custody_and_nothing_that_is_handed_through() {
    let limited = "250-next.example\r\n250-PIPELINING\r\n250 LIMITS RCPTMAX=2";
    let world = world_offering(limited, &[], |_| ()).await;
    assert_eq!(world.hand_through().await, "accepted 250 taken, accepted 250 taken");
    let all = ["a@x.example", "b@x.example", "c@x.example", "d@x.example", "e@x.example"];
    let handed = world.serve(&job(&all)).await;
    assert_eq!(told(&handed), "spool too_many_recipients");
    world.wait_until_empty().await;
    let commands = world.hop.commands();
    let (_, later) = commands.split_once("octets>").expect("the first mail");
    let counts: Vec<usize> = later.split("MAIL FROM").skip(1).map(|t| t.matches("RCPT TO").count()).collect();
    assert_eq!(counts, [2, 2, 1], "{commands}");
    assert!(all.iter().skip(2).all(|to| later.matches(to).count() == 1), "{commands}");
    assert_eq!(world.deliver.counted().accepted, 5);
}

#[tokio::test]
async fn of_groups_each_settles_its_own_recipients() {
    let limited = "250-next.example\r\n250 LIMITS RCPTMAX=1";
    let script = [
        (Stage::Dot, Act::Reply("451 later")),
        (Stage::Rcpt, Act::Reply("250 ok")),
        (Stage::Rcpt, Act::Reply("550 no")),
    ];
    let world = world_offering(limited, &script, |_| ()).await;
    custody::store(&world, &job(&["a@x.example", "b@x.example", "c@x.example"])).await;
    world.wait_until_empty().await;
    let commands = world.hop.commands();
    for (to, times) in [("a@", 2), ("b@", 1), ("c@", 1), ("hr@sakura.example>", 1)] {
        assert_eq!(commands.matches(&format!("RCPT TO:<{to}")).count(), times, "{to} in {commands}");
    }
}

fn eight_bit(message: &'static [u8]) -> Job {
    let mut job = job(&["a@x.example"]);
    job.original = Bytes::from_static(message);
    Arc::get_mut(&mut job.envelope).expect("the only one").body = Body::EightBitMime;
    job
}

#[tokio::test]
async fn eight_bit_mail_is_refused_or_sent_as_the_route_says_and_never_altered() {
    const EIGHT: &[u8] = b"Subject: x\r\n\r\n\x82\xa0\r\n";
    let refuse = |s: &mut Settings| s.routes[0].eight_bit = EightBit::Refuse;
    let world = world_offering("250 next.example", &[], refuse).await;
    let said = told(&world.deliver.hand_through(&eight_bit(EIGHT)).await);
    assert!(said.starts_with("refused 554 5.6.3 ") && !world.hop.commands().contains("MAIL"), "{said}");
    assert_eq!(told(&world.deliver.hand_through(&eight_bit(MESSAGE)).await), "accepted 250 taken");
    let world = world_offering("250 next.example", &[], |_| ()).await;
    assert_eq!(told(&world.deliver.hand_through(&eight_bit(EIGHT)).await), "accepted 250 taken");
    assert_eq!(world.hop.messages(), [wire(EIGHT)]);
}

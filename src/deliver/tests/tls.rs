//! TLS to next hops: when it is used, what is never said without it, and who we are under it.

use super::next_hop::Kind;
use super::*;
use crate::config::{HopTls, Login, TlsMode};
use crate::pipeline::Secret;
use crate::sys::tls::Protection;
use crate::sys::tls::authority::{Authority, Shown};

const OFFERS: &str = "250-next.example\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 SIZE 1000000";
const LOGINS: &str = "250-next.example\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN";
const TAKEN: &str = "accepted 250 taken, accepted 250 taken";

fn kind(shown: &Shown) -> Kind {
    Kind { ehlo: OFFERS, tls: Some(shown.acceptor()), implicit: false }
}

fn anybody() -> Shown {
    Authority::new().sign(&["next.example"])
}

/// A world whose next hop shows a certificate.
async fn world(mode: TlsMode, script: &[(Stage, Act)]) -> World {
    world_of(kind(&anybody()), script, |s| s.routes[0].tls.mode = mode).await
}

async fn world_of(kind: Kind, script: &[(Stage, Act)], change: impl FnOnce(&mut Settings)) -> World {
    World::of(NextHop::of_kind(kind, script).await, change)
}

fn login() -> Login {
    Login { user: "relay".to_owned(), password: Secret::new("plum") }
}

async fn protection(world: &World) -> Option<Protection> {
    match world.deliver.hand_through(&job(&["a@x.example"])).await {
        HandThrough::Settled(settled) => settled.protection,
        _ => None,
    }
}

/// The last words about a mail in custody that cannot be sent.
async fn last_reply(world: &World) -> String {
    custody::store(world, &job(&["a@x.example"])).await;
    let id = EntryId::parse("mail-1").expect("an id");
    loop {
        let entry = world.spool.load(&id).await.expect("the spool").expect("the mail is kept");
        if let Some(reply) = &entry.recipients[0].last_reply {
            return reply.clone();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn starttls_is_used_where_it_is_offered_and_only_what_is_offered_under_it_counts() {
    let world = world(TlsMode::Opportunistic, &[(Stage::Ehlo, Act::Reply(OFFERS)), (Stage::Ehlo, Act::Reply("250 x"))]);
    let world = world.await;
    assert_eq!(world.hand_through().await, TAKEN);
    let hello = "EHLO relay.sakura.example";
    let wanted = format!("{hello} | STARTTLS | <tls> | {hello} | MAIL FROM:<hr@sakura.example> | RCPT");
    assert!(world.hop.commands().starts_with(&wanted), "{}", world.hop.commands());
    assert_eq!(protection(&world).await, Some(Protection::Tls));
}

#[tokio::test]
async fn where_it_is_not_offered_or_not_wanted_mail_goes_in_clear() {
    let world = World::new(&[]).await;
    assert_eq!(protection(&world).await, Some(Protection::Clear));
    let world = self::world(TlsMode::None, &[]).await;
    assert_eq!(protection(&world).await, Some(Protection::Clear));
    assert!(!world.hop.commands().contains("STARTTLS"));
}

#[tokio::test]
async fn octets_sent_in_clear_behind_the_220_are_never_taken_for_replies() {
    for mode in [TlsMode::Opportunistic, TlsMode::Required] {
        let injected = b"220 go\r\n250-evil.example\r\n250 AUTH PLAIN\r\n";
        let script = [(Stage::StartTls, Act::Raw(injected))];
        let world = world_of(kind(&anybody()), &script, |s| {
            s.routes[0].tls.mode = mode;
            s.routes[0].login = Some(login());
        });
        let world = world.await;
        assert_eq!(world.hand_through().await, "spool next_hop_down");
        let commands = world.hop.commands();
        assert!(commands.ends_with("| STARTTLS") && world.hop.connections() == 1, "{commands}");
    }
}

/// What makes TLS fail after STARTTLS was offered.
fn failures() -> Vec<(Stage, Act)> {
    vec![
        (Stage::StartTls, Act::Reply("454 4.7.0 TLS not available")),
        (Stage::StartTls, Act::Reply("500 what")),
        (Stage::StartTls, Act::ReplyAndDrop("421 bye")),
        (Stage::StartTls, Act::Drop),
        (Stage::Handshake, Act::Raw(b"\x15\x03\x01\x00\x02\x02\x28")),
        (Stage::Handshake, Act::Raw(b"220 I have no idea of TLS\r\n")),
        (Stage::Handshake, Act::Drop),
        (Stage::Handshake, Act::Stall),
    ]
}

#[tokio::test]
async fn tls_that_was_only_to_be_tried_and_fails_is_left_for_a_new_connection_in_clear() {
    for (stage, act) in failures() {
        let script = [(stage, act.clone())];
        let world = world_of(kind(&anybody()), &script, |s| s.deliver.command_timeout = STALL_FOR);
        let world = world.await;
        assert_eq!(world.hand_through().await, TAKEN, "{stage:?} {act:?}");
        let commands = world.hop.commands();
        let (first, second) = commands.split_once(" | STARTTLS").expect("a try");
        assert_eq!((first, world.hop.connections()), ("EHLO relay.sakura.example", 2), "{stage:?} {act:?}");
        assert!(second.contains("| EHLO ") && !second.contains("<tls>"), "{commands}");
    }
}

#[tokio::test]
async fn a_next_hop_that_falls_silent_or_away_under_tls_gets_one_try_in_clear() {
    let script = [(Stage::Ehlo, Act::Reply(OFFERS)), (Stage::Ehlo, Act::Drop)];
    let world = world(TlsMode::Opportunistic, &script).await;
    assert_eq!(world.hand_through().await, TAKEN);
    assert_eq!(world.hop.connections(), 2);
    let script = [(Stage::Ehlo, Act::Reply(OFFERS)), (Stage::Ehlo, Act::Drop), (Stage::Ehlo, Act::Drop)];
    let world = self::world(TlsMode::Opportunistic, &script).await;
    assert_eq!(world.hand_through().await, "spool next_hop_down");
    assert_eq!(world.hop.connections(), 2);
}

#[tokio::test]
async fn what_needs_tls_is_never_said_in_clear_however_tls_fails() {
    for (stage, act) in failures() {
        for mode in [TlsMode::Required, TlsMode::Verified] {
            let script = vec![(stage, act.clone()); 8];
            let world = world_of(kind(&anybody()), &script, |s| {
                s.routes[0].tls.mode = mode;
                s.deliver.command_timeout = STALL_FOR;
            });
            let world = world.await;
            assert_eq!(world.hand_through().await, "spool next_hop_down", "{stage:?} {act:?}");
            let commands = world.hop.commands();
            assert_eq!(commands, "EHLO relay.sakura.example | STARTTLS", "{stage:?} {act:?}");
        }
    }
}

#[tokio::test]
async fn mail_that_waits_for_tls_says_which_host_and_which_setting() {
    let required = |s: &mut Settings| s.routes[0].tls.mode = TlsMode::Required;
    let world = World::with(&[], required).await;
    assert_eq!(
        last_reply(&world).await,
        "451 4.7.4 127.0.0.1 does not offer STARTTLS, and nothing may be sent to it in clear: the route says tls \
         = \"required\", or has a user to log in (Tls)"
    );
    let world = World::with(&[(Stage::Ehlo, Act::Reply("502 what"))], required).await;
    assert!(last_reply(&world).await.starts_with("451 4.7.4 127.0.0.1 does not offer STARTTLS"));
    let world = self::world(TlsMode::Required, &[(Stage::StartTls, Act::Reply("454 4.7.0 no"))]).await;
    assert!(last_reply(&world).await.starts_with("451 4.7.4 127.0.0.1 refused STARTTLS: 454 4.7.0 no"));
    let world = self::world(TlsMode::Verified, &[]).await;
    let said = last_reply(&world).await;
    assert!(said.starts_with("451 4.7.5 127.0.0.1: TLS handshake failed: invalid peer certificate"), "{said}");
    assert!(world.hop.messages().is_empty() && world.deliver.counted().refused == 0);
}

/// A route to a server whose certificate is signed by an authority of its own.
async fn verified(shown_for: &str, names: &[&str]) -> (World, tempfile::TempDir) {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().expect("a folder"));
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, authority.pem()).expect("a file");
    let names = names.iter().map(|n| (*n).to_owned()).collect();
    let world = world_of(kind(&authority.sign(&[shown_for])), &[], |s| {
        rename(s, "localhost");
        s.routes[0].tls = HopTls { mode: TlsMode::Verified, implicit: false, names, ca_file: Some(file) };
    });
    (world.await, folder)
}

#[tokio::test]
async fn a_verified_route_sends_to_the_name_it_asks_for_and_to_no_other() {
    let (world, _folder) = verified("localhost", &[]).await;
    assert_eq!(protection(&world).await, Some(Protection::Verified));
    let (world, _folder) = verified("mx.sakura.example", &["else.example", "mx.sakura.example"]).await;
    assert_eq!(protection(&world).await, Some(Protection::Verified));
    let (world, _folder) = verified("mx.sakura.example", &[]).await;
    assert_eq!(protection(&world).await, None);
    assert!(world.hop.messages().is_empty());
}

#[tokio::test]
async fn with_implicit_tls_nothing_at_all_is_said_in_clear() {
    let kind = Kind { implicit: true, ..kind(&anybody()) };
    let world = world_of(kind, &[], |s| s.routes[0].tls.implicit = true).await;
    assert_eq!(world.hand_through().await, TAKEN);
    let commands = world.hop.commands();
    assert!(commands.starts_with("<tls> | EHLO relay.sakura.example | MAIL") && !commands.contains("STARTTLS"));
    let plain = World::with(&[], |s| {
        s.routes[0].tls.implicit = true;
        s.deliver.connect_timeout = STALL_FOR;
        s.deliver.command_timeout = STALL_FOR;
    });
    let plain = plain.await;
    assert_eq!(plain.hand_through().await, "spool next_hop_down");
    assert!(!plain.hop.commands().contains("EHLO"));
}

#[tokio::test]
async fn a_login_is_said_under_tls_by_plain_or_by_login() {
    let with_login = |s: &mut Settings| s.routes[0].login = Some(login());
    let kind = |ehlo| Kind { ehlo, ..kind(&anybody()) };
    let world = world_of(kind(LOGINS), &[], with_login).await;
    assert_eq!(world.hand_through().await, TAKEN);
    assert!(world.hop.commands().contains("| <tls> | EHLO relay.sakura.example | AUTH PLAIN AHJlbGF5AHBsdW0= | MAIL"));
    let more = [(Stage::Auth, Act::Reply("334 VXNlcm5hbWU6")), (Stage::Auth, Act::Reply("334 UGFzc3dvcmQ6"))];
    let world = world_of(kind("250-x\r\n250-STARTTLS\r\n250 AUTH LOGIN"), &more, with_login).await;
    assert_eq!(world.hand_through().await, TAKEN);
    assert!(world.hop.commands().contains("| AUTH LOGIN | cmVsYXk= | cGx1bQ== | MAIL"), "{}", world.hop.commands());
}

#[tokio::test]
async fn a_login_is_never_said_in_clear() {
    let clear = "250-x\r\n250 AUTH PLAIN LOGIN";
    for mode in [TlsMode::None, TlsMode::Opportunistic] {
        let kind = Kind { ehlo: clear, ..Kind::default() };
        let world = world_of(kind, &[], |s| {
            s.routes[0].tls.mode = mode;
            s.routes[0].login = Some(login());
        });
        let world = world.await;
        let said = last_reply(&world).await;
        assert!(said.starts_with("451 4.7.4 ") && said.contains("127.0.0.1") && said.contains("tls = \""), "{said}");
        assert!(!world.hop.commands().contains("AUTH") && world.hop.messages().is_empty());
    }
}

#[tokio::test]
async fn a_password_that_is_not_taken_bounces_nobodys_mail() {
    let with_login = |s: &mut Settings| s.routes[0].login = Some(login());
    for (said, words) in [
        (
            "535 5.7.8 Who is that",
            "451 4.7.8 127.0.0.1 refused the route's user and password: 535 5.7.8 Who is that (Auth)",
        ),
        ("454 4.7.0 Later", "451 4.7.8 127.0.0.1 refused the route's user and password: 454 4.7.0 Later (Auth)"),
        ("421 4.3.2 Bye", "451 4.7.8 127.0.0.1 refused the route's user and password: 421 4.3.2 Bye (Auth)"),
        ("250 What", "451 4.4.1 reply that fits no command: 250 (Auth)"),
        ("334 What", "451 4.4.1 reply that fits no command: 334 (Auth)"),
    ] {
        let kind = Kind { ehlo: LOGINS, ..kind(&anybody()) };
        let world = world_of(kind, &vec![(Stage::Auth, Act::Reply(said)); 8], with_login).await;
        assert_eq!(last_reply(&world).await, words);
        assert_eq!((world.deliver.counted().refused, world.hop.messages().len()), (0, 0));
    }
    let world = world_of(kind(&anybody()), &[], with_login).await;
    let words = "451 4.7.4 127.0.0.1 offers neither AUTH PLAIN nor AUTH LOGIN for the route's user (Auth)";
    assert_eq!(last_reply(&world).await, words);
}

#[tokio::test]
async fn under_tls_every_stage_may_fail_and_the_outcome_is_that_of_clear() {
    let both = |one: &str| format!("{one}, {one}");
    for (stage, act, wanted) in [
        (Stage::Mail, Act::Reply("550 5.7.1 no"), both("refused 550 5.7.1 no")),
        (Stage::Rcpt, Act::Reply("450 grey"), "deferred 450 grey, accepted 250 taken".to_owned()),
        (Stage::Data, Act::Reply("451 busy"), both("deferred 451 busy")),
        (Stage::Dot, Act::Reply("554 spam"), both("refused 554 spam")),
        (
            Stage::Mail,
            Act::Raw(b"yes\r\n"),
            both("deferred 451 4.4.2 malformed reply: a line without a reply code (Mail)"),
        ),
        (
            Stage::Dot,
            Act::Raw(b"250 ok\n"),
            both("doubtful 451 4.4.2 malformed reply: a bare CR, LF or NUL in a reply (Dot)"),
        ),
    ] {
        let world = world(TlsMode::Required, &[(stage, act.clone())]).await;
        assert_eq!(world.hand_through().await, wanted, "{stage:?} {act:?}");
    }
    for stage in [Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Dot] {
        let world = world(TlsMode::Required, &[(stage, Act::Drop)]).await;
        let begin = if stage == Stage::Dot { "doubtful 451 4.4.2 connection" } else { "deferred 451 4.4.2 connection" };
        assert!(world.hand_through().await.starts_with(begin), "{stage:?}");
        let script = [(stage, Act::Stall)];
        let stall = world_of(kind(&anybody()), &script, |s| s.custody.hand_through_for = STALL_FOR);
        let wanted = if stage == Stage::Dot { "in doubt 2" } else { "spool too_slow" };
        assert_eq!(stall.await.hand_through().await, wanted, "{stage:?}");
    }
}

#[tokio::test]
async fn connections_under_tls_are_kept_and_replaced_when_they_were_closed() {
    let world = self::world(TlsMode::Required, &[]).await;
    for _ in 0..3 {
        assert_eq!(world.hand_through().await, TAKEN);
    }
    assert_eq!(world.hop.connections(), 1);
    let world = self::world(TlsMode::Required, &[(Stage::Dot, Act::ReplyAndDrop("250 taken"))]).await;
    assert_eq!(world.hand_through().await, TAKEN);
    assert_eq!(world.hand_through().await, TAKEN);
    assert_eq!(world.hop.connections(), 2);
    let world = self::world(TlsMode::Required, &[]).await;
    world.hand_through().await;
    assert!(world.deliver.drain(Duration::from_secs(1)).await);
    world.hop.wait_for_command("QUIT").await;
}

#[tokio::test]
async fn big_mails_arrive_under_tls_to_the_octet() {
    let world = world(TlsMode::Required, &[]).await;
    let mut job = job(&["a@x.example"]);
    let message = [b"Subject: x\r\n\r\n".as_slice(), &b".\r\n..a\r\nb.\r\n".repeat(80_000)].concat();
    job.original = Bytes::from(message.clone());
    assert_eq!(told(&world.deliver.hand_through(&job).await), "accepted 250 taken");
    let stuffed = String::from_utf8_lossy(&message).replace("\r\n.", "\r\n..");
    assert!(world.hop.messages() == [wire(stuffed.as_bytes())]);
}

#[tokio::test]
async fn mail_that_requires_tls_goes_where_it_is_offered_and_verified_and_is_else_refused_by_us() {
    let mut job = job(&["a@x.example"]);
    Arc::get_mut(&mut job.envelope).expect("the only one").require_tls = true;
    let world = world(TlsMode::Required, &[]).await;
    let said = told(&world.deliver.hand_through(&job).await);
    assert!(said.starts_with("refused 550 5.7.30 ") && !world.hop.commands().contains("MAIL"), "{said}");
    let (world, _folder) = verified("localhost", &[]).await;
    world.hop.add(&[(Stage::Ehlo, Act::Reply(OFFERS)), (Stage::Ehlo, Act::Reply("250-x\r\n250 REQUIRETLS"))]);
    assert_eq!(told(&world.deliver.hand_through(&job).await), "accepted 250 taken");
    assert!(world.hop.commands().contains("MAIL FROM:<hr@sakura.example> REQUIRETLS |"));
}

//! Bounces as their senders asked for them (RFC 3461), and what of that goes on to the next hop.

use super::next_hop::Kind;
use super::*;
use crate::mail::envelope::{Dsn, RecipientDsn, Ret};

const NO: Act = Act::Reply("550 5.1.1 nobody");

/// A mail to one recipient for whom this was asked.
fn asking(notify: Option<&str>, orcpt: Option<&str>, ret: Option<Ret>) -> Job {
    let mut job = job(&["a@x.example"]);
    let recipient = RecipientDsn { notify: notify.map(Into::into), orcpt: orcpt.map(Into::into) };
    let dsn = Dsn { ret, envid: Some("QQ+2B3+3D14".into()), recipients: vec![recipient] };
    Arc::get_mut(&mut job.envelope).expect("the only one").dsn = Some(Box::new(dsn));
    job
}

/// The report of a mail that was refused while it was in custody; nothing when there is none.
async fn report(job: &Job) -> Option<String> {
    let world = World::new(&[(Stage::Rcpt, NO)]).await;
    custody::store(&world, job).await;
    world.wait_until_empty().await;
    assert_eq!((world.deliver.counted().refused, world.deliver.counted().double_bounces), (1, 0));
    world.hop.messages().last().map(|octets| String::from_utf8_lossy(octets).into_owned())
}

#[tokio::test]
async fn who_asked_not_to_be_told_of_failures_is_not() {
    for notify in ["NEVER", "SUCCESS", "success,delay"] {
        assert_eq!(report(&asking(Some(notify), None, None)).await, None, "{notify}");
    }
    for notify in [None, Some("FAILURE"), Some("SUCCESS,failure")] {
        assert!(report(&asking(notify, None, None)).await.is_some(), "{notify:?}");
    }
}

#[tokio::test]
async fn a_report_names_the_envelope_and_the_recipient_as_the_sender_knew_them() {
    let text = report(&asking(None, Some("rfc822;Bob+2Bx@big.example"), None)).await.expect("a report");
    let status = text.split_once("message/delivery-status").expect("a status").1;
    let at = |line: &str| status.find(line).unwrap_or_else(|| panic!("{line:?} in {status}"));
    assert!(at("\r\n\r\nOriginal-Envelope-Id: QQ+3=14\r\n") < at("Reporting-MTA: "));
    assert!(
        at("\r\n\r\nOriginal-Recipient: rfc822; Bob+x@big.example\r\n") < at("Final-Recipient: rfc822; a@x.example")
    );
    assert!(text.contains("One\r\nTwo\r\n"), "the whole mail goes back: {text}");
}

#[tokio::test]
async fn an_encoded_line_end_adds_no_field_to_a_report() {
    let text =
        report(&asking(None, Some("rfc822;a+0D+0AAction:+20delivered@x.example"), None)).await.expect("a report");
    assert!(!text.contains("\nAction: delivered") && text.contains("Original-Recipient: rfc822; a+0D+0A"), "{text}");
    let text = report(&asking(None, Some("utf-8;\\x{592A}@x.example"), None)).await.expect("a report");
    assert!(text.contains("Original-Recipient: utf-8; \\x{592A}@x.example\r\n"), "{text}");
}

#[tokio::test]
async fn who_asked_for_the_header_gets_no_body_back() {
    for (ret, whole) in [(Some(Ret::Headers), false), (Some(Ret::Full), true), (None, true)] {
        let text = report(&asking(None, None, ret)).await.expect("a report");
        assert_eq!(text.contains("One\r\nTwo\r\n"), whole, "{ret:?} {text}");
        assert!(text.contains("Subject: x\r\n"));
    }
    let mut secret = asking(None, None, Some(Ret::Full));
    let envelope = Arc::get_mut(&mut secret.envelope).expect("the only one");
    envelope.require_tls = true;
    let text = report_by_us(&secret).await;
    assert!(!text.contains("One\r\nTwo\r\n") && text.contains("Status: 5.7.30\r\n"), "{text}");
}

/// The report of a mail that we refuse ourselves.
async fn report_by_us(job: &Job) -> String {
    let world = World::new(&[]).await;
    custody::store(&world, job).await;
    world.wait_until_empty().await;
    assert!(world.hop.commands().contains("MAIL FROM:<> ") && !world.hop.commands().contains("REQUIRETLS"));
    world.hop.messages().last().map(|octets| String::from_utf8_lossy(octets).into_owned()).expect("a report")
}

#[tokio::test]
async fn of_several_that_are_lost_only_those_are_told_whose_sender_wants_it() {
    let mut job = job(&["a@x.example", "b@x.example", "c@x.example"]);
    let never = || RecipientDsn { notify: Some("NEVER".into()), orcpt: None };
    let dsn = Dsn { recipients: vec![never(), RecipientDsn::default(), never()], ..Dsn::default() };
    Arc::get_mut(&mut job.envelope).expect("the only one").dsn = Some(Box::new(dsn));
    let world = World::new(&[(Stage::Rcpt, Act::Reply("250 ok")), (Stage::Rcpt, NO), (Stage::Rcpt, NO)]).await;
    let handed = world.serve(&job).await;
    assert_eq!(told(&handed), "accepted 250 taken, refused 550 5.1.1 nobody, refused 550 5.1.1 nobody");
    world.wait_until_empty().await;
    let messages = world.hop.messages();
    let text = String::from_utf8_lossy(messages.last().expect("a report"));
    assert!(text.contains("Final-Recipient: rfc822; b@x.example") && !text.contains("c@x.example"), "{text}");
}

/// What a mail whose sender asks for news of success comes to at a next hop that offers this, by what command: the
/// action reported, if any.
async fn success(
    offered: &'static str,
    notify: Option<&str>,
    in_custody: bool,
    change: fn(&mut Job),
) -> Option<String> {
    let is_store = offered.starts_with("lmtp");
    let kind = Kind { ehlo: offered.trim_start_matches("lmtp "), ..Kind::default() };
    let world = World::of(NextHop::of_kind(kind, &[]).await, |settings| {
        if let (true, Target::Host(at)) = (is_store, &settings.routes[0].next_hop) {
            settings.routes[0].next_hop = Target::Lmtp(at.clone());
        }
    });
    let mut job = asking(notify, Some("rfc822;first@x.example"), Some(Ret::Full));
    change(&mut job);
    if in_custody {
        custody::store(&world, &job).await;
    } else {
        assert_eq!(told(&world.serve(&job).await), "accepted 250 taken");
    }
    world.wait_until_empty().await;
    let reports = world.hop.messages().split_off(1);
    assert_eq!((reports.len() < 2, world.deliver.counted().double_bounces), (true, 0));
    assert_eq!(world.deliver.counted().refused, 0);
    reports.first().map(|octets| {
        let text = String::from_utf8_lossy(octets).into_owned();
        assert!(text.contains("Original-Recipient: rfc822; first@x.example\r\n"), "{text}");
        assert!(text.contains("Original-Envelope-Id: QQ+3=14\r\n") && text.contains("Status: 2.0.0\r\n"), "{text}");
        assert!(!text.contains("One\r\nTwo") && text.contains("Diagnostic-Code: smtp; 250 taken\r\n"), "{text}");
        text.split_once("Action: ").and_then(|(_, rest)| rest.split_once('\r')).expect("an action").0.to_owned()
    })
}

const NO_DSN: &str = "250-x\r\n250 PIPELINING";
const WITH_DSN: &str = "250-x\r\n250-PIPELINING\r\n250 DSN";

#[tokio::test]
async fn success_is_reported_by_the_last_who_can_and_to_those_who_asked() {
    let asked = Some("FAILURE,Success");
    for in_custody in [false, true] {
        let relayed = success(NO_DSN, asked, in_custody, |_| ()).await;
        assert_eq!(relayed.as_deref(), Some("relayed"), "in custody: {in_custody}");
        let delivered = success("lmtp 250-x\r\n250 PIPELINING", asked, in_custody, |_| ()).await;
        assert_eq!(delivered.as_deref(), Some("delivered"), "in custody: {in_custody}");
        assert_eq!(success(WITH_DSN, asked, in_custody, |_| ()).await, None, "the next hop reports");
        for notify in [None, Some("NEVER"), Some("FAILURE,DELAY")] {
            assert_eq!(success(NO_DSN, notify, in_custody, |_| ()).await, None, "{notify:?}");
        }
        let of_nobody = |job: &mut Job| Arc::get_mut(&mut job.envelope).expect("the only one").sender = None;
        assert_eq!(success(NO_DSN, asked, in_custody, of_nobody).await, None, "a report about a report");
    }
}

/// A mail that waits for a next hop that is busy, until its sender is told so; nothing when the mail goes without.
async fn delay(job: &Job, words: &'static str) -> Option<String> {
    let busy = (Stage::Rcpt, Act::Reply(words));
    let world = World::with(&[busy], |settings| {
        settings.retry.waits = vec![Duration::from_secs(4)];
        settings.retry.delay_warning_after = Duration::from_millis(1);
    })
    .await;
    custody::store(&world, job).await;
    world.wait_until_empty().await;
    let told: Vec<String> =
        world.hop.messages().iter().map(|octets| String::from_utf8_lossy(octets).into_owned()).collect();
    assert!(told.len() <= 2, "told more than once: {told:?}");
    told.into_iter().find(|text| text.contains("multipart/report"))
}

#[tokio::test]
async fn the_sender_of_a_late_mail_is_told_once_if_that_was_asked_or_nothing_was() {
    let words = "450 4.2.0 <a@x.example> busy";
    let (unasked, asked) = (asking(None, None, None), asking(Some("DELAY"), None, None));
    let (never, failure) = (asking(Some("NEVER"), None, None), asking(Some("FAILURE"), None, None));
    let mut nobody = asking(None, None, None);
    Arc::get_mut(&mut nobody.envelope).expect("the only one").sender = None;
    let told = tokio::join!(
        delay(&unasked, words),
        delay(&asked, words),
        delay(&never, words),
        delay(&failure, words),
        delay(&nobody, words),
    );
    let (Some(text), Some(_), None, None, None) = told else { panic!("{told:?}") };
    for wanted in [
        "Action: delayed\r\nStatus: 4.2.0\r\n",
        "Diagnostic-Code: X-Career-Relay; 450 4.2.0 <rcpt> busy\r\n",
        "Will-Retry-Until: ",
        "To: <hr@sakura.example>\r\n",
        "text/rfc822-headers",
    ] {
        assert!(text.contains(wanted), "{wanted:?} in {text}");
    }
}

#[tokio::test]
async fn what_was_asked_goes_on_from_the_spool_too_for_the_right_recipient() {
    let kind = Kind { ehlo: "250-x\r\n250-PIPELINING\r\n250 DSN", ..Kind::default() };
    let world = World::of(
        NextHop::of_kind(kind, &[(Stage::Rcpt, Act::Reply("250 ok")), (Stage::Rcpt, Act::Reply("450 later"))]).await,
        |_| (),
    );
    let mut job = job(&["a@x.example", "b@x.example"]);
    let of = |orcpt: &str| RecipientDsn { notify: Some("NEVER".into()), orcpt: Some(orcpt.into()) };
    let dsn =
        Dsn { recipients: vec![of("rfc822;first+2B@x.example"), of("rfc822;second@x.example")], ..Dsn::default() };
    Arc::get_mut(&mut job.envelope).expect("the only one").dsn = Some(Box::new(dsn));
    world.serve(&job).await;
    world.wait_until_empty().await;
    let commands = world.hop.commands();
    let second = "RCPT TO:<b@x.example> NOTIFY=NEVER ORCPT=rfc822;second@x.example";
    assert_eq!(commands.matches(second).count(), 2, "{commands}");
    assert_eq!(commands.matches("ORCPT=rfc822;first+2B@x.example").count(), 1, "{commands}");
}

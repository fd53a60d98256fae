//! What domains ask of the way to their servers: MTA-STS policies and TLSA records.

use ring::digest;

use super::mx::Net;
use super::next_hop::Kind;
use super::*;
use crate::sys::tls::Protection;
use crate::sys::tls::authority::{Authority, Shown};
use crate::watch::Counter;

const OFFERS: &str = "250-mx.example\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 SIZE 1000000";
const NAMES: &[&str] = &["x.example MX 1 mx.x.example", "mx.x.example A 127.0.0.2"];

fn showing(shown: &Shown) -> Kind {
    Kind { ehlo: OFFERS, tls: Some(shown.acceptor()), implicit: false }
}

/// One server, for a domain whose policy was fetched earlier, on a route that trusts an authority.
async fn with_policy(kind: Kind, mode: &str, mx: &str, authority: &Authority) -> (Net, Watch, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let (ca, policies) = (folder.path().join("ca.pem"), folder.path().join("policies.json"));
    std::fs::write(&ca, authority.pem()).expect("a file");
    let policy = format!("version: STSv1\\nmode: {mode}\\nmx: {mx}\\nmax_age: 86400\\n");
    let fetched_at = clock::now().as_second();
    let known =
        format!("[{{\"domain\":\"x.example\",\"id\":\"1\",\"fetched_at\":{fetched_at},\"policy\":\"{policy}\"}}]");
    std::fs::write(&policies, known).expect("a file");
    let watch = Watch::new();
    let counted = watch.clone();
    let trusting = |s: &mut Settings| s.routes[0].tls.ca_file = Some(ca);
    let remembering = |around: &mut Surroundings| {
        around.policies = Some(policies);
        around.watch = counted;
    };
    let net = Net::of(&[(kind, &[])], trusting, remembering).await;
    net.names.set(NAMES);
    (net, watch, folder)
}

async fn protection(net: &Net, to: &str) -> Option<Protection> {
    match net.deliver.hand_through(&job(&[to])).await {
        HandThrough::Settled(settled) => settled.protection,
        _ => None,
    }
}

#[tokio::test]
async fn an_enforced_policy_lets_no_mail_go_in_clear() {
    let (net, _watch, _folder) = with_policy(Kind::default(), "enforce", "*.x.example", &Authority::new()).await;
    assert_eq!(net.hand_through(&["a@x.example"]).await, "spool next_hop_down");
    let reply = net.last_reply("a@x.example").await;
    assert!(reply.starts_with("451 4.7.4 ") && reply.contains("MTA-STS"), "{reply}");
    assert!(!net.servers[0].commands().contains("MAIL"), "{}", net.servers[0].commands());
}

#[tokio::test]
async fn under_an_enforced_policy_the_certificate_has_to_be_good_and_of_that_server() {
    let authority = Authority::new();
    let good = showing(&authority.sign(&["mx.x.example"]));
    let (net, _watch, _folder) = with_policy(good, "enforce", "mx.x.example", &authority).await;
    assert_eq!(protection(&net, "a@x.example").await, Some(Protection::Verified));
    for bad in [authority.sign(&["other.example"]), Authority::new().sign(&["mx.x.example"])] {
        let (net, _watch, _folder) = with_policy(showing(&bad), "enforce", "mx.x.example", &authority).await;
        let reply = net.last_reply("a@x.example").await;
        assert!(reply.starts_with("451 4.7.5 "), "{reply}");
        assert!(net.servers[0].messages().is_empty());
    }
}

#[tokio::test]
async fn a_server_that_an_enforced_policy_does_not_name_is_not_spoken_to() {
    let (net, _watch, _folder) = with_policy(Kind::default(), "enforce", "mail.x.example", &Authority::new()).await;
    let reply = net.last_reply("a@x.example").await;
    assert!(
        reply.starts_with("451 4.7.5 no mail server of the domain is one that its MTA-STS policy names"),
        "{reply}"
    );
    assert_eq!(net.servers[0].connections(), 0);
}

#[tokio::test]
async fn a_policy_in_testing_or_none_holds_nothing_up_and_a_mismatch_is_counted() {
    for (mode, counted) in [("testing", 1), ("none", 0)] {
        let (net, watch, _folder) = with_policy(Kind::default(), mode, "mail.x.example", &Authority::new()).await;
        assert_eq!(protection(&net, "a@x.example").await, Some(Protection::Clear));
        assert_eq!(watch.snapshot().counters[Counter::StsMismatches.name()], counted, "{mode}");
    }
}

/// One server of a signed domain, and what its TLSA record says.
async fn with_record(kind: Kind, record: &str) -> Net {
    let net = Net::of(&[(kind, &[])], |_| (), |_| ()).await;
    let port = net.servers[0].address.port();
    let record = format!("_{port}._tcp.mx.signed.example {record}");
    net.names.set(&["signed.example MX 1 mx.signed.example", "mx.signed.example A 127.0.0.2", &record]);
    net
}

fn print(shown: &Shown) -> String {
    data_encoding::HEXLOWER.encode(digest::digest(&digest::SHA256, &shown.chain[0]).as_ref())
}

#[tokio::test]
async fn a_signed_record_speaks_for_the_certificate_whoever_signed_that() {
    let shown = Authority::new().sign(&["whatever.example"]);
    let net = with_record(showing(&shown), &format!("TLSA 3 0 1 {}", print(&shown))).await;
    assert_eq!(protection(&net, "a@signed.example").await, Some(Protection::Verified));
    let other = print(&Authority::new().sign(&["whatever.example"]));
    let net = with_record(showing(&shown), &format!("TLSA 3 0 1 {other}")).await;
    let reply = net.last_reply("a@signed.example").await;
    assert!(reply.starts_with("451 4.7.5 ") && net.servers[0].messages().is_empty(), "{reply}");
    let net = with_record(Kind::default(), &format!("TLSA 3 0 1 {other}")).await;
    let reply = net.last_reply("a@signed.example").await;
    assert!(reply.starts_with("451 4.7.4 ") && net.servers[0].messages().is_empty(), "{reply}");
}

#[tokio::test]
async fn records_nobody_can_use_ask_for_tls_with_anybody_and_none_at_all_ask_nothing() {
    let shown = Authority::new().sign(&["whatever.example"]);
    let net = with_record(showing(&shown), "TLSA 1 0 1 00").await;
    assert_eq!(protection(&net, "a@signed.example").await, Some(Protection::Tls));
    let net = with_record(Kind::default(), "TLSA 1 0 1 00").await;
    assert_eq!(protection(&net, "a@signed.example").await, None);
    let net = with_record(Kind::default(), "TXT x").await;
    assert_eq!(protection(&net, "a@signed.example").await, Some(Protection::Clear));
}

#[tokio::test]
async fn a_server_whose_records_cannot_be_told_is_not_spoken_to() {
    let net = with_record(Kind::default(), "FAILS").await;
    let reply = net.last_reply("a@signed.example").await;
    assert!(reply.starts_with("451 4.4.3 ") && net.servers[0].connections() == 0, "{reply}");
}

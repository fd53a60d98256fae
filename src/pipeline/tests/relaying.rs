//! The two questions of design §3.1 asked of every kind of client: may it relay, and whose mail is it?

use super::*;
use crate::pipeline::{Admission, Mark, Secret, SharedClients};

const SAKURA_SECRET: &str = "sakura-8f3a91c2d4e5";
const OLD_SECRET: &str = "sakura-0123456789ab";
const TSUBAKI_SECRET: &str = "tsubaki-77aa66bb55cc";
const CLOUD: &str = "mail.cloud.example";

/// Sakura and Tsubaki behind one cloud service; Sakura has a host and users of her own.
fn house() -> Policy {
    let secrets = |texts: &[&str]| texts.iter().map(|t| Secret::new(t)).collect();
    let mut sakura = company("sakura", "sakura.example");
    sakura.proved_by.users = vec!["ats".to_owned()];
    sakura.proved_by.certificates = vec!["ats.sakura.example".to_owned()];
    sakura.proved_by.routing = secrets(&[SAKURA_SECRET]);
    sakura.proved_by.tenant = Some("sakura.cloud.example".to_owned());
    let mut tsubaki = company("tsubaki", "tsubaki.example");
    tsubaki.proved_by = ProvedBy { routing: secrets(&[TSUBAKI_SECRET]), ..ProvedBy::default() };
    let keyed = |c: Company| InForce { keys: CompanyKeys::derive(&[7; 32], &c.id, 1), company: c };
    let relaying = Relaying {
        networks: vec!["10.0.0.0/8".parse().unwrap_or_else(|e| panic!("{e}"))],
        shared: vec![SharedClients {
            name: "cloud".to_owned(),
            networks: vec!["203.0.113.0/24".parse().unwrap_or_else(|e| panic!("{e}"))],
            certificates: vec![CLOUD.to_owned()],
            tenant_header: Some("X-Tenant".to_owned()),
        }],
        header: "X-Route".to_owned(),
    };
    Policy::new(vec![keyed(sakura), keyed(tsubaki)], relaying, Arc::new(Rules::built_in()))
}

fn at(ip: &str) -> Client {
    Client::at(ip.parse().unwrap_or_else(|e| panic!("{e}")))
}

fn with_certificate(ip: &str, name: &str) -> Client {
    Client { certificates: vec![name.to_owned()], ..at(ip) }
}

fn with_user(ip: &str, name: &str) -> Client {
    Client { user: Some(name.to_owned()), ..at(ip) }
}

#[test]
fn the_client_alone_decides_whether_it_may_relay() {
    let check = |client: Client, expect| assert_eq!(house().admission(&client), expect, "{client:?}");
    check(at("10.1.2.3"), Admission::Granted);
    check(at("::ffff:10.1.2.3"), Admission::Granted);
    check(at("192.0.2.7"), Admission::Granted);
    check(at("198.51.100.1"), Admission::Refused);
    check(with_certificate("198.51.100.1", "ATS.sakura.example"), Admission::Granted);
    check(with_certificate("198.51.100.1", "ats.stranger.example"), Admission::Refused);
    check(with_user("198.51.100.1", "anybody"), Admission::Granted);
    check(at("203.0.113.9"), Admission::ByMark);
    check(at("::ffff:203.0.113.9"), Admission::ByMark);
    check(with_certificate("198.51.100.1", CLOUD), Admission::ByMark);
    check(with_certificate("203.0.113.9", "ats.sakura.example"), Admission::ByMark);
    check(with_user("203.0.113.9", "ats"), Admission::Granted);
}

/// The company that a header of these lines marks the mail for.
fn marked(client: &Client, header: &str) -> Option<String> {
    let message = format!("From: {HR}\r\n{header}Subject: x\r\n\r\nX-Route: {SAKURA_SECRET}\r\n");
    let Mark { company, cut } = house().routing_mark(client, message.as_bytes());
    let rest = String::from_utf8(crate::mail::fields::without(message.as_bytes(), &cut)).unwrap_or_default();
    let field = rest
        .lines()
        .take_while(|l| !l.is_empty())
        .find(|l| l.to_ascii_lowercase().replace(' ', "").starts_with("x-route:"));
    assert_eq!(field, None, "left in");
    assert!(rest.ends_with(&format!("Subject: x\r\n\r\nX-Route: {SAKURA_SECRET}\r\n")), "cut too much: {rest}");
    company.map(|c| c.to_string())
}

#[test]
fn one_field_with_a_known_secret_is_a_mark_and_nothing_else_is() {
    let cloud = at("203.0.113.9");
    let check =
        |header: &str, expect: Option<&str>| assert_eq!(marked(&cloud, header).as_deref(), expect, "{header:?}");
    check(&format!("X-Route: {SAKURA_SECRET}\r\n"), Some("sakura"));
    check(&format!("x-rOUTE:{TSUBAKI_SECRET}\r\n"), Some("tsubaki"));
    check(&format!("X-Route:\r\n\t{SAKURA_SECRET}  \r\n"), Some("sakura"));
    check("", None);
    check("X-Route:\r\n", None);
    check(&format!("X-Route: {OLD_SECRET}\r\n"), None);
    check(&format!("X-Route: {SAKURA_SECRET}x\r\n"), None);
    check(&format!("X-Route: {}\r\n", &SAKURA_SECRET[1..]), None);
    check(&format!("X-Route: {}\r\n", SAKURA_SECRET.to_uppercase()), None);
    check(&format!("X-Route: {SAKURA_SECRET}, {TSUBAKI_SECRET}\r\n"), None);
    check(&format!("X-Route: {SAKURA_SECRET}\r\nX-Route: {SAKURA_SECRET}\r\n"), None);
    check(&format!("X-Route: {SAKURA_SECRET}\r\nX-Route : guess\r\n"), None);
    check(&format!("X-Routed: {SAKURA_SECRET}\r\n"), None);
}

#[test]
fn two_secrets_hold_while_one_follows_the_other() {
    let mut policy = house();
    let in_force = |policy: Policy, secrets: &[&str]| {
        let mut sakura = policy.companies().next().map_or_else(|| panic!("no company"), |of| of.company.clone());
        sakura.proved_by.routing = secrets.iter().map(|t| Secret::new(t)).collect();
        let keys = CompanyKeys::derive(&[7; 32], &sakura.id, 1);
        Policy::new(vec![InForce { company: sakura, keys }], policy.relaying.clone(), Arc::clone(&policy.rules))
    };
    let old = format!("X-Route: {OLD_SECRET}\r\n\r\n");
    let is_marked = |policy: &Policy| policy.routing_mark(&at("203.0.113.9"), old.as_bytes()).company.is_some();
    assert!(!is_marked(&policy));
    policy = in_force(policy, &[SAKURA_SECRET, OLD_SECRET]);
    assert!(is_marked(&policy));
    policy = in_force(policy, &[SAKURA_SECRET]);
    assert!(!is_marked(&policy));
}

#[test]
fn a_secret_that_two_companies_have_marks_for_neither() {
    let companies = ["a", "b"].map(|id| {
        let mut company = company(id, &format!("{id}.example"));
        company.proved_by.routing = vec![Secret::new(SAKURA_SECRET)];
        InForce { keys: CompanyKeys::derive(&[7; 32], &company.id, 1), company }
    });
    let policy = Policy::new(companies.into(), house().relaying.clone(), Arc::new(Rules::built_in()));
    let mark = policy.routing_mark(&at("203.0.113.9"), format!("X-Route: {SAKURA_SECRET}\r\n\r\n").as_bytes());
    assert_eq!((mark.company, mark.cut.len()), (None, 1));
}

#[test]
fn the_tenant_header_is_believed_over_the_services_own_certificate_alone() {
    let tenant = "X-Tenant: Sakura.cloud.example\r\n";
    let cloud = with_certificate("203.0.113.9", CLOUD);
    assert_eq!(marked(&cloud, tenant).as_deref(), Some("sakura"));
    for client in [at("203.0.113.9"), at("192.0.2.7"), with_certificate("203.0.113.9", "ats.sakura.example")] {
        assert_eq!(marked(&client, tenant), None, "{client:?}");
    }
    for header in ["X-Tenant: other.cloud.example\r\n", "X-Tenant:\r\n", &format!("{tenant}{tenant}")] {
        assert_eq!(marked(&cloud, header), None, "{header:?}");
    }
}

#[test]
fn secret_and_tenant_must_not_tell_two_stories() {
    let cloud = with_certificate("203.0.113.9", CLOUD);
    let (sakura, tsubaki) = (format!("X-Route: {SAKURA_SECRET}\r\n"), format!("X-Route: {TSUBAKI_SECRET}\r\n"));
    let (own, other) = ("X-Tenant: sakura.cloud.example\r\n", "X-Tenant: thief.cloud.example\r\n");
    assert_eq!(marked(&cloud, &format!("{sakura}{own}")).as_deref(), Some("sakura"));
    assert_eq!(marked(&cloud, &sakura).as_deref(), Some("sakura"));
    // Another tenant who got hold of the secret is told apart by the service itself.
    assert_eq!(marked(&cloud, &format!("{sakura}{other}")), None);
    assert_eq!(marked(&cloud, &format!("{tsubaki}{own}")), None);
    // Tsubaki has not said what the service calls her.
    assert_eq!(marked(&cloud, &format!("{tsubaki}{other}")).as_deref(), Some("tsubaki"));
    assert_eq!(marked(&cloud, &format!("X-Route: guess\r\n{own}")), None);
}

/// What becomes of a rejection mail of Sakura's, or of another domain's, that this client hands in.
fn judged(client: Client, from: &str) -> &'static str {
    let received = Received { client, ..received(Some(from), from) };
    match process(&received, &house(), now()) {
        Outcome::Untouched(untouched) => untouched.reason,
        Outcome::Referred(_) => "referred",
        Outcome::Held(_) => "held",
    }
}

fn routed(client: Client, company: &str) -> Client {
    Client { routed_for: CompanyId::parse(company).ok(), ..client }
}

fn bound(client: Client, company: &str) -> Client {
    Client { bound_to: CompanyId::parse(company).ok(), ..client }
}

#[test]
fn a_shared_client_is_proved_by_the_mark_alone() {
    assert_eq!(judged(routed(at("203.0.113.9"), "sakura"), HR), "referred");
    assert_eq!(judged(at("203.0.113.9"), HR), "sender_unproved");
    assert_eq!(judged(routed(at("203.0.113.9"), "tsubaki"), HR), "sender_unproved");
    assert_eq!(judged(routed(at("203.0.113.9"), "sakura"), "hr@tsubaki.example"), "sender_unproved");
    // Neither the company's own certificate nor its own network helps there.
    assert_eq!(judged(with_certificate("203.0.113.9", "ats.sakura.example"), HR), "sender_unproved");
    assert_eq!(judged(Client { shared: true, ..at("192.0.2.7") }, HR), "sender_unproved");
}

#[test]
fn a_mail_marked_for_one_company_earns_nothing_for_another_wherever_it_comes_from() {
    assert_eq!(judged(at("192.0.2.7"), HR), "referred");
    assert_eq!(judged(routed(at("192.0.2.7"), "sakura"), HR), "referred");
    assert_eq!(judged(routed(at("192.0.2.7"), "tsubaki"), HR), "sender_unproved");
    assert_eq!(judged(routed(at("10.1.2.3"), "sakura"), HR), "referred");
    assert_eq!(judged(at("10.1.2.3"), HR), "sender_unproved");
}

#[test]
fn a_user_proves_the_company_he_is_bound_to_or_that_lists_him_and_no_other() {
    assert_eq!(judged(with_user("198.51.100.1", "ats"), HR), "referred");
    assert_eq!(judged(with_user("203.0.113.9", "ats"), HR), "referred");
    assert_eq!(judged(with_user("198.51.100.1", "somebody"), HR), "sender_unproved");
    assert_eq!(judged(bound(with_user("198.51.100.1", "somebody"), "sakura"), HR), "referred");
    assert_eq!(judged(bound(with_user("198.51.100.1", "ats"), "tsubaki"), HR), "sender_unproved");
    assert_eq!(judged(bound(with_user("192.0.2.7", "ats"), "tsubaki"), HR), "sender_unproved");
    let both = bound(routed(with_user("203.0.113.9", "x"), "sakura"), "tsubaki");
    assert_eq!((judged(both.clone(), HR), judged(both, "hr@tsubaki.example")), ("sender_unproved", "sender_unproved"));
}

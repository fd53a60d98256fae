//! The order of the steps: which question is asked first, and what each answer makes of a mail.

mod holds;
mod one_copy;
mod people;
mod relaying;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    Client, Company, Doubtful, Exclusions, InForce, Mode, Outcome, Policy, ProvedBy, Received, Relaying, ReportTerms,
    Sender, process,
};
use crate::classify::{Audience, Rules};
use crate::ledger::ContractVersion;
use crate::mail::address::{Address, Domain};
use crate::mail::envelope::{Body, Envelope};
use crate::referral::carrier::CarrierMail;
use crate::referral::link::LinkTemplate;
use crate::referral::wording::{Language, Wordings};
use crate::referral::{CompanyId, CompanyKeys};

const HR: &str = "hr@sakura.example";
const CANDIDATE: &str = "yamada@candidate.example";

fn address(text: &str) -> Address {
    Address::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn company(id: &str, domain: &str) -> Company {
    let domain = Domain::parse(domain).unwrap_or_else(|e| panic!("{e}"));
    Company {
        id: CompanyId::parse(id).unwrap_or_else(|e| panic!("{e}")),
        name_ja: "株式会社サクラ".to_owned(),
        name_en: "Sakura".to_owned(),
        purpose: String::new(),
        mode: Mode::Live,
        doubtful: Doubtful::Pass,
        sender_domains: vec![domain.clone()],
        senders: Vec::new(),
        only_senders: false,
        proved_by: ProvedBy {
            networks: vec!["192.0.2.0/24".parse().unwrap_or_else(|e| panic!("{e}"))],
            ..ProvedBy::default()
        },
        audience: Audience { own_domains: vec![domain], ..Audience::default() },
        link: LinkTemplate::parse("https://careerrelay.jp/r/{token}").unwrap_or_else(|e| panic!("{e}")),
        return_path: None,
        wording: Wordings::default(),
        later_wordings: Vec::new(),
        exclusions: Exclusions::default(),
        carrier_mail: CarrierMail::default(),
        languages: vec![Language::Ja, Language::En],
        notify_to: Vec::new(),
        notify_language: Language::Ja,
        came_signed: None,
        signatures: Vec::new(),
        operator_keys: Vec::new(),
        contracts: vec![ContractVersion::new("standard", 1, jiff::civil::date(2026, 1, 1))],
        report: ReportTerms::default(),
    }
}

fn policy(companies: Vec<Company>) -> Policy {
    let keyed = |c: Company| InForce { keys: CompanyKeys::derive(&[7; 32], &c.id, 1), company: c };
    Policy::new(companies.into_iter().map(keyed).collect(), Relaying::default(), Arc::new(Rules::built_in()))
}

fn rejection(from: &str) -> Bytes {
    let text = format!(
        "From: {from}\nTo: {CANDIDATE}\nSubject: =?UTF-8?B?6YG46ICD57WQ5p6c44Gu44GU6YCj57Wh?=\nMIME-Version: 1.0\n\
         Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n\
         この度は弊社の求人にご応募いただき、誠にありがとうございました。\n\n慎重に選考いたしました結果、誠に残念ながら\
         今回は採用を見送らせていただくこととなりました。\n\n今後のご活躍をお祈り申し上げます。\n"
    );
    text.replace('\n', "\r\n").into_bytes().into()
}

fn received(sender: Option<&str>, from: &str) -> Received {
    Received {
        client: Client::at(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))),
        envelope: Envelope {
            sender: sender.map(address),
            recipients: vec![address(CANDIDATE)],
            body: Body::EightBitMime,
            ..Envelope::default()
        },
        message: rejection(from),
    }
}

fn now() -> Timestamp {
    "2026-11-22T00:00:00Z".parse().unwrap_or_else(|e| panic!("{e}"))
}

/// The stable code of the outcome.
fn code(received: &Received, companies: Vec<Company>) -> &'static str {
    match process(received, &policy(companies), now()) {
        Outcome::Untouched(untouched) => untouched.reason,
        Outcome::Referred(_) => "referred",
        Outcome::Held(_) => "held",
    }
}

/// The outcome for a rejection of a company that was changed by `change`.
fn check(change: impl FnOnce(&mut Company), expect: &str) {
    let mut company = company("sakura", "sakura.example");
    change(&mut company);
    assert_eq!(code(&received(Some(HR), HR), vec![company]), expect);
}

#[test]
fn a_proven_rejection_of_a_live_company_is_referred() {
    check(|_| {}, "referred");
}

#[test]
fn each_mode_but_live_leaves_the_mail_as_it_came() {
    check(|c| c.mode = Mode::Off, "off");
    check(|c| c.mode = Mode::Observe, "observe");
    check(|c| c.mode = Mode::Approved, "template_not_approved");
}

#[test]
fn a_client_that_is_not_the_companys_earns_nothing() {
    check(|c| c.proved_by.networks.clear(), "sender_unproved");
}

#[test]
fn company_a_cannot_earn_by_the_mail_of_company_b() {
    let mut other = company("tsubaki", "tsubaki.example");
    other.proved_by.networks.clear();
    let companies = || vec![company("sakura", "sakura.example"), other.clone()];
    assert_eq!(code(&received(Some(HR), "hr@tsubaki.example"), companies()), "from_elsewhere");
    assert_eq!(code(&received(Some("hr@tsubaki.example"), "hr@tsubaki.example"), companies()), "sender_unproved");
}

#[test]
fn null_senders_strangers_and_sub_domains_belong_to_no_company() {
    let companies = || vec![company("sakura", "sakura.example")];
    assert_eq!(code(&received(None, HR), companies()), "null_sender");
    assert_eq!(code(&received(Some("x@elsewhere.example"), "x@elsewhere.example"), companies()), "no_company");
    assert_eq!(code(&received(Some("hr@jp.sakura.example"), "hr@jp.sakura.example"), companies()), "no_company");
    assert_eq!(code(&received(Some(HR), "x@elsewhere.example"), companies()), "from_elsewhere");
}

#[test]
fn a_bounce_address_of_another_domain_leaves_the_company_to_from() {
    let companies = vec![company("sakura", "sakura.example")];
    assert_eq!(code(&received(Some("bounce@ats.example"), HR), companies), "referred");
}

#[test]
fn a_sender_domain_claimed_twice_belongs_to_nobody() {
    let companies = vec![company("a", "sakura.example"), company("b", "sakura.example")];
    assert_eq!(code(&received(Some(HR), HR), companies), "no_company");
}

#[test]
fn mailboxes_can_be_left_out() {
    let hr = Sender { address: address(HR), scope: None, stage: None, wording: None, off: true };
    check(|c| c.senders = vec![hr.clone()], "sender_off");
    check(|c| c.only_senders = true, "sender_not_listed");
    check(|c| (c.only_senders, c.senders) = (true, vec![Sender { off: false, ..hr }]), "referred");
}

#[test]
fn no_line_without_a_contract_or_in_a_language_not_served() {
    check(|c| c.contracts.clear(), "no_contract");
    check(|c| c.contracts[0].from = jiff::civil::date(2026, 11, 23), "no_contract");
    check(|c| c.contracts[0].from = jiff::civil::date(2026, 11, 22), "referred");
    check(|c| c.languages = vec![Language::En], "language_not_served");
}

#[test]
fn an_own_link_in_the_mail_counts_and_nothing_is_inserted() {
    let mut mail = received(Some(HR), HR);
    let text = String::from_utf8_lossy(&mail.message)
        .replace("\r\n\r\n今後", "\r\nhttps://careerrelay.jp/r/sakura\r\n\r\n今後");
    mail.message = text.into_bytes().into();
    let outcome = process(&mail, &policy(vec![company("sakura", "sakura.example")]), now());
    let Outcome::Referred(referred) = outcome else { panic!("untouched: {outcome:?}") };
    assert!(referred.copies[0].edits.is_empty() && referred.inserted.is_empty());
    assert_eq!(referred.copies[0].offers.len(), 1);
    assert!(!referred.copies[0].offers[0].inserted);
}

#[test]
fn another_companys_link_in_the_mail_neither_counts_nor_gets_a_second_one() {
    let mut mail = received(Some(HR), HR);
    let text = String::from_utf8_lossy(&mail.message)
        .replace("\r\n\r\n今後", "\r\nhttps://careerrelay.jp/r/sakurai\r\n\r\n今後");
    mail.message = text.into_bytes().into();
    assert_eq!(code(&mail, vec![company("sakura", "sakura.example")]), "link_of_another");
}

#[test]
fn a_bcc_bulk_gives_each_candidate_a_copy_with_his_own_link() {
    let mut mail = received(Some(HR), HR);
    mail.message = String::from_utf8_lossy(&mail.message).replace(CANDIDATE, HR).into_bytes().into();
    mail.envelope.recipients = ["a@candidate.example", "b@mail.example", HR].map(address).to_vec();
    let outcome = process(&mail, &policy(vec![company("sakura", "sakura.example")]), now());
    let Outcome::Referred(referred) = outcome else { panic!("untouched: {outcome:?}") };
    let recipients: Vec<&[usize]> = referred.copies.iter().map(|c| &c.recipients[..]).collect();
    assert_eq!(recipients, [&[0, 2][..], &[1]]);
    let tokens: Vec<&str> = referred.copies.iter().map(|c| c.offers[0].token.as_str()).collect();
    assert_ne!(tokens[0], tokens[1]);
    for copy in &referred.copies {
        let text = String::from_utf8(copy.edits.apply(&mail.message)).expect("UTF-8");
        assert!(text.contains(copy.offers[0].token.as_str()));
        assert!(copy.edits.prove(&mail.message, text.as_bytes()));
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn any_octets_leave_as_they_came_or_as_a_proven_splice(
        octets in proptest::collection::vec(0u8.., 0..600),
        at in 0usize..600,
    ) {
        let policy = policy(vec![company("sakura", "sakura.example")]);
        let whole = rejection(HR);
        let at = at.min(whole.len());
        for message in [octets.clone(), [&whole[..at], &octets, &whole[at..]].concat()] {
            let mail = Received { message: message.into(), ..received(Some(HR), HR) };
            if let Outcome::Referred(referred) = process(&mail, &policy, now()) {
                for copy in referred.copies {
                    assert!(copy.edits.prove(&mail.message, &copy.edits.apply(&mail.message)));
                }
            }
        }
    }
}

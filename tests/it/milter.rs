//! The milter behind a real Postfix: what is delivered, and what is when we die in the middle of an answer.

mod between;
mod mails;

use std::collections::BTreeSet;

use crate::dkim;
use crate::gateway::{Gateway, free_port, wait_for};
use crate::mta::{Kind, Mta, script};
use crate::smtp::{Client, doubtful, has_link, ordinary, rejection};

use between::Between;
use mails::{corpus, rejections};

/// A Postfix that asks our milter, one that asks nobody, and a gateway that relays to the latter and is the milter.
struct House {
    gateway: Gateway,
    milter: String,
    asking: Mta,
    plain: Mta,
}

fn milter_section(place: &str) -> String {
    format!("[milter]\nlisten = [\"{place}\"]\nmta = \"postfix\"\n")
}

impl House {
    fn build() -> Self {
        let milter = format!("inet:127.0.0.1:{}", free_port());
        let plain = Mta::start(Kind::Postfix, &[]);
        let gateway = Gateway::start_with(plain.address, &milter_section(&milter));
        let asking = Mta::start(Kind::Postfix, &[format!("milter={milter}")]);
        Self { gateway, milter, asking, plain }
    }
}

/// The mail of this Message-ID as it was delivered, behind the lines that tell of its way.
fn delivered(mta: &Mta, id: &str) -> Vec<u8> {
    let mark = format!("Message-ID: <{id}>");
    let found = wait_for(&format!("the mail {id}"), || {
        mta.delivered().into_iter().find(|mail| mail.windows(mark.len()).any(|w| w == mark.as_bytes()))
    });
    behind_way(&found)
}

/// A delivered mail without the fields in front of its own: Return-Path, X-Original-To, Delivered-To and Received.
fn behind_way(mail: &[u8]) -> Vec<u8> {
    let of_way = |line: &[u8]| {
        [&b"Return-Path:"[..], b"X-Original-To:", b"Delivered-To:", b"Received:"]
            .iter()
            .any(|name| line.starts_with(name))
    };
    let (mut at, mut skipping) = (0, true);
    for line in mail.split_inclusive(|b| *b == b'\n') {
        skipping = of_way(line) || skipping && line.starts_with(b"\t") || skipping && line.starts_with(b" ");
        if !skipping {
            break;
        }
        at += line.len();
    }
    mail[at..].to_vec()
}

fn same(with: &[u8], without: &[u8], what: &str) {
    assert_eq!(with.escape_ascii().to_string(), without.escape_ascii().to_string(), "{what}");
}

#[test]
fn a_mail_that_stays_as_it_is_is_delivered_octet_for_octet_as_without_us() {
    let house = House::build();
    let mails = corpus();
    for mta in [&house.asking, &house.plain] {
        let mut client = Client::connect(mta.address);
        for (id, mail) in &mails {
            assert_eq!(client.mail(&["partner@vendor.example"], mail).0, 250, "{id}");
        }
    }
    for (id, _) in &mails {
        same(&delivered(&house.asking, id), &delivered(&house.plain, id), id);
    }
    wait_for("an event of each mail", || {
        (house.gateway.log().matches("\"custody\":\"mta\"").count() == mails.len()).then_some(())
    });
}

#[test]
fn a_rejection_is_delivered_as_the_relay_would_have_had_it_delivered() {
    let house = House::build();
    let mails = rejections();
    let (mut to_milter, mut to_relay) = (Client::connect(house.asking.address), Client::connect(house.gateway.address));
    for (id, to, mail) in &mails {
        assert_eq!(to_milter.mail(&[to], mail).0, 250, "{id}");
        assert_eq!(to_relay.mail(&[to], mail).0, 250, "{id}");
    }
    for (id, _, _) in &mails {
        let (by_milter, by_relay) = (delivered(&house.asking, id), delivered(&house.plain, id));
        same(&by_milter, &by_relay, id);
    }
    let edited = house.gateway.ask_json(&["status"])["watch"]["counters"]["milter_edited"].as_u64();
    assert_eq!(edited, Some(mails.len() as u64));
    let lines = mails.iter().filter(|(id, _, _)| has_link(&delivered(&house.asking, id))).count();
    assert!(lines >= 2, "{lines} mails show the link in clear");
}

#[test]
fn in_every_wire_form_the_milter_has_delivered_what_the_relay_has() {
    let house = House::build();
    let forms = dkim::forms();
    let (mut to_milter, mut to_relay) = (Client::connect(house.asking.address), Client::connect(house.gateway.address));
    for (to, mail) in &forms {
        assert_eq!(to_milter.mail(&[to], mail).0, 250, "{to}");
        assert_eq!(to_relay.mail(&[to], mail).0, 250, "{to}");
    }
    for (to, mail) in &forms {
        let (by_milter, by_relay) = (by_recipient(&house.asking, to), by_recipient(&house.plain, to));
        same(&by_milter, &by_relay, to);
        assert!(by_milter.len() > mail.len() - mail.iter().filter(|b| **b == b'\n').count(), "{to} got no line");
    }
}

/// The mail that was delivered to this recipient.
fn by_recipient(mta: &Mta, to: &str) -> Vec<u8> {
    let mark = format!("Delivered-To: {to}\n");
    let found = wait_for(&format!("the mail to {to}"), || {
        mta.delivered().into_iter().find(|mail| mail.windows(mark.len()).any(|w| w == mark.as_bytes()))
    });
    behind_way(&found)
}

#[test]
fn as_the_last_milter_we_sign_and_another_program_verifies_it() {
    let milter = format!("inet:127.0.0.1:{}", free_port());
    let plain = Mta::start(Kind::Postfix, &[]);
    let more = dkim::BOTH.to_owned() + &milter_section(&milter);
    let mut gateway = dkim::prepare(plain.address, &more, &["r1", "e1"]);
    gateway.run();
    let asking = Mta::start(Kind::Postfix, &[format!("milter={milter}")]);
    let forms = dkim::forms();
    let mut client = Client::connect(asking.address);
    for (to, mail) in &forms {
        assert_eq!(client.mail(&[to], mail).0, 250, "{to}");
    }
    let signed: Vec<Vec<u8>> = forms.iter().map(|(to, _)| by_recipient(&asking, to)).collect();
    assert!(signed.iter().all(|mail| mail.starts_with(b"DKIM-Signature:")), "in front of all it signs");
    let verified = dkim::verify(&gateway, &signed);
    let text = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success(), "{text}");
    assert_eq!(text.lines().filter(|line| line.ends_with(".eml: r1 e1")).count(), forms.len(), "{text}");
}

#[test]
fn one_connection_brings_many_mails_and_takes_some_of_them_back() {
    let house = House::build();
    let mut client = Client::connect(house.asking.address);
    let candidate = |n: u32| format!("taro{n}@candidate.example");
    for n in 0..3 {
        let to = candidate(n);
        assert_eq!(client.say("MAIL FROM:<saiyo@sakura.example>"), 250);
        assert_eq!(client.say("RCPT TO:<nobody@candidate.example>"), 250);
        assert_eq!(client.say("RSET"), 250);
        assert_eq!(client.mail(&[&to], &rejection(&to)).0, 250);
        let other = format!("partner{n}@vendor.example");
        assert_eq!(client.mail(&[&other], &ordinary(&other)).0, 250);
    }
    for n in 0..3 {
        assert!(has_link(&delivered(&house.asking, &candidate(n))));
        assert!(!has_link(&delivered(&house.asking, &format!("partner{n}@vendor.example"))));
    }
}

/// What Postfix says of three mails on one connection, one of them taken back. `UPDATE_EXPECT=1` keeps it as a recorded
/// conversation, which `proto::milter` replays.
#[test]
fn postfix_tells_its_mails_as_it_was_recorded() {
    let house = House::build();
    let (between, place) = Between::start(&house.milter);
    let asking = Mta::start(Kind::Postfix, &[format!("milter={place}")]);
    let mut client = Client::connect(asking.address);
    let to = "taro@candidate.example";
    assert_eq!(client.mail(&[to], &rejection(to)).0, 250);
    assert_eq!(client.say("MAIL FROM:<saiyo@sakura.example>"), 250);
    assert_eq!(client.say("RCPT TO:<nobody@candidate.example>"), 250);
    assert_eq!(client.say("RSET"), 250);
    let other = "partner@vendor.example";
    assert_eq!(client.mail_from("somebody@elsewhere.example", &[other], &ordinary(other)).0, 250);
    assert_eq!(client.say("QUIT"), 221);
    let said = wait_for("the last word", || Some(between.said()).filter(|said| said.ends_with("> Q\n")));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let head = "# Postfix: a rejection, a mail that is taken back, and one of nobody's.\n";
        std::fs::write(script("corpus/milter/postfix.txt"), head.to_owned() + &said).expect("a file");
    }
    let kinds: String = said.lines().filter_map(|line| line.chars().nth(2)).filter(|kind| *kind != 'D').collect();
    let kept = std::fs::read_to_string(script("corpus/milter/postfix.txt")).expect("the recorded conversation");
    let recorded = kept.lines().filter(|l| l.starts_with("> ")).filter_map(|l| l.chars().nth(2));
    assert_eq!(kinds, recorded.filter(|kind| *kind != 'D').collect::<String>());
}

#[test]
fn a_doubtful_mail_passes_where_nobody_can_hold_it_and_its_event_says_why() {
    let house = House::build();
    let to = "taro@candidate.example";
    assert_eq!(Client::connect(house.asking.address).mail(&[to], &doubtful(to)).0, 250);
    assert!(!has_link(&delivered(&house.asking, to)));
    wait_for("its event", || house.gateway.log().contains("\"verdict\":\"abstain\"").then_some(()));
}

#[test]
fn several_hidden_candidates_share_a_link_that_names_the_company_alone() {
    let house = House::build();
    let mail = rejection("saiyo@sakura.example");
    let to = ["taro@candidate.example", "hana@applicant.example"];
    assert_eq!(Client::connect(house.asking.address).mail(&to, &mail).0, 250);
    let links: BTreeSet<String> = wait_for("both copies", || {
        let all = house.asking.delivered();
        (all.len() == 2)
            .then(|| all.iter().map(|m| String::from_utf8_lossy(m).into_owned()).filter_map(|m| link_in(&m)).collect())
    });
    let links: Vec<String> = links.into_iter().collect();
    assert!(matches!(&links[..], [one] if one.ends_with("/r/sakura")), "{links:?}");
}

fn link_in(mail: &str) -> Option<String> {
    let at = mail.find("https://")?;
    mail[at..].split_whitespace().next().map(str::to_owned)
}

#[test]
fn a_milter_that_is_gone_holds_up_no_mail() {
    let mut house = House::build();
    house.gateway.kill();
    let to = "taro@candidate.example";
    assert_eq!(Client::connect(house.asking.address).mail(&[to], &rejection(to)).0, 250);
    assert!(!has_link(&delivered(&house.asking, to)));
}

#[test]
fn killed_in_the_middle_of_an_answer_the_mail_is_the_original_or_the_whole_edit() {
    let house = House::build();
    let (between, place) = Between::start(&house.milter);
    let asking = Mta::start(Kind::Postfix, &[format!("milter={place}")]);
    let House { mut gateway, plain, .. } = house;
    let (mut originals, mut edits) = (0, 0);
    for round in 0..8u32 {
        let to = format!("taro{round}@candidate.example");
        let mail = rejection(&to);
        assert_eq!(Client::connect(gateway.address).mail(&[&to], &mail).0, 250);
        let edited = delivered(&plain, &to);
        // The first two rounds take the ends of the stretch, the others somewhere in it.
        let killing = between.kill_at_answer(gateway.pid(), round);
        assert_eq!(Client::connect(asking.address).mail(&[&to], &mail).0, 250);
        drop(killing);
        gateway.kill();
        let got = delivered(&asking, &to);
        let original = String::from_utf8_lossy(&mail).replace("\r\n", "\n").into_bytes();
        if got == original {
            originals += 1;
        } else {
            same(&got, &edited, &to);
            edits += 1;
        }
        gateway.run();
    }
    assert!(originals >= 1 && edits >= 1, "{originals} as they came, {edits} with the line");
}

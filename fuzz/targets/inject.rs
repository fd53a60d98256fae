//! Any octets through the whole pipeline, and through the editing behind any line: untouched, or a proven splice.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};

use career_relay::classify::Rules;
use career_relay::config::example_company;
use career_relay::inject::{SignedMail, Target, line_edits};
use career_relay::mail::address::Address;
use career_relay::mail::edit::Edits;
use career_relay::mail::envelope::{Body, Envelope};
use career_relay::mail::message::Message;
use career_relay::mail::view::View;
use career_relay::pipeline::{Client, InForce, Outcome, Policy, Received, Relaying, process};
use career_relay::referral::CompanyKeys;
use career_relay::referral::link::LinkTemplate;
use career_relay::referral::wording::{Language, LineText, Wording};
use libfuzzer_sys::fuzz_target;

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let company = example_company().expect("the example");
    let keys = CompanyKeys::derive(&[0; 32], &company.id, 1);
    Policy::new(vec![InForce { company, keys }], Relaying::default(), Arc::new(Rules::built_in()))
});

static WORDING: LazyLock<Wording> = LazyLock::new(Wording::default);
static TEMPLATE: LazyLock<LinkTemplate> =
    LazyLock::new(|| LinkTemplate::parse("https://careerrelay.jp/r/{token}").expect("a template"));

/// The edits that put the line behind some line of each part, whatever it says.
fn edits_behind_any_line(octets: &[u8]) -> Option<Edits> {
    let message = Message::read(octets);
    let view = View::read(&message);
    let target = |(text_part, part): (usize, &career_relay::mail::view::TextPart)| {
        let result_line = octets.len() % part.lines.len().max(1);
        Target::at_lines(&view, text_part, result_line, Some(result_line + 1 + octets.len() % 3))
    };
    let targets: Vec<Target> = view.parts.iter().enumerate().filter_map(target).collect();
    let url = TEMPLATE.url("sakura-abcdefgh").ok()?;
    let line = LineText { wording: &WORDING, language: Language::Ja, url, template: &TEMPLATE };
    line_edits(&message, &view, &targets, &line, SignedMail::Refuse).ok().map(|injected| injected.edits)
}

fn check(octets: &[u8], edits: &Edits) {
    assert!(edits.is_splice(octets) && edits.prove(octets, &edits.apply(octets)));
}

fuzz_target!(|octets: &[u8]| {
    let address = |text| Address::parse(text).ok();
    let received = Received {
        client: Client::at(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        envelope: Envelope {
            sender: address("hr@sample.example"),
            recipients: address("yamada@candidate.example").into_iter().collect(),
            body: Body::EightBitMime,
            smtputf8: false,
            ..Envelope::default()
        },
        message: octets.to_vec().into(),
    };
    let now = jiff::Timestamp::from_second(1_790_000_000).expect("a time");
    if let Outcome::Referred(referred) = process(&received, &POLICY, now) {
        for copy in referred.copies {
            check(octets, &copy.edits);
        }
    }
    if let Some(edits) = edits_behind_any_line(octets) {
        check(octets, &edits);
    }
});

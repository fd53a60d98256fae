//! What deciding and editing cost per mail, alone: no socket, no disk.
//!
//! W1 is a rejection in multipart/alternative, UTF-8, base64 (4 KB); W2 the same in ISO-2022-JP; W3 an ordinary HTML
//! mail (19 KB). `cargo bench --bench pipeline`.

use std::net::Ipv4Addr;
use std::sync::Arc;

use bytes::Bytes;
use career_relay::classify::Rules;
use career_relay::config::example_company;
use career_relay::mail::address::{Address, Domain};
use career_relay::mail::envelope::{Body, Envelope};
use career_relay::mail::message::Message;
use career_relay::mail::view::View;
use career_relay::pipeline::{Client, InForce, Outcome, Policy, Received, Relaying, process};
use career_relay::referral::CompanyKeys;
use divan::Bencher;
use jiff::Timestamp;

const MAILS: [(&str, &[u8]); 3] = [
    ("W1", include_bytes!("mails/W1.eml")),
    ("W2", include_bytes!("mails/W2.eml")),
    ("W3", include_bytes!("mails/W3.eml")),
];

fn main() {
    divan::main();
}

fn received(octets: &'static [u8]) -> Received {
    let address = |t| Address::parse(t).into_iter().collect::<Vec<_>>();
    Received {
        client: Client::at(Ipv4Addr::LOCALHOST.into()),
        envelope: Envelope {
            sender: address("hr@example.co.jp").pop(),
            recipients: address("r000001@candidate.example"),
            body: Body::SevenBit,
            smtputf8: false,
            ..Envelope::default()
        },
        message: Bytes::from_static(octets),
    }
}

/// The example company, which sends from the mails' domain.
fn policy() -> Policy {
    let mut company = example_company().unwrap_or_else(|faults| panic!("{faults}"));
    company.sender_domains = Domain::parse("example.co.jp").into_iter().collect();
    let keys = CompanyKeys::derive(&[0; 32], &company.id, 1);
    Policy::new(vec![InForce { company, keys }], Relaying::default(), Arc::new(Rules::built_in()))
}

/// A day on which the example's contract is in force.
fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap_or_else(|e| panic!("{e}"))
}

fn octets(name: &str) -> &'static [u8] {
    MAILS.iter().find(|(n, _)| *n == name).map_or(&[], |(_, octets)| octets)
}

#[divan::bench(args = ["W1", "W2", "W3"])]
fn whole(bencher: Bencher<'_, '_>, name: &str) {
    let (policy, received, now) = (policy(), received(octets(name)), now());
    let referred = matches!(process(&received, &policy, now), Outcome::Referred(_));
    assert_eq!(referred, name != "W3", "{name} is decided wrongly: the figure would mean nothing");
    bencher.bench_local(|| process(divan::black_box(&received), &policy, now));
}

#[divan::bench(args = ["W1", "W2", "W3"])]
fn reading(bencher: Bencher<'_, '_>, name: &str) {
    let octets = octets(name);
    bencher.bench_local(|| View::read(&Message::read(divan::black_box(octets))));
}

//! What deciding and editing cost per mail, alone: no socket, no disk. Time and what is allocated.
//!
//! W1 is a rejection in multipart/alternative, UTF-8, base64 (4 KB); W2 the same in ISO-2022-JP; W3 an ordinary HTML
//! mail (19 KB); W4 an ordinary mail with an attachment of 5 MB. `cargo bench --bench pipeline`; what grows with the
//! mail is in `doubling`.

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
use divan::{AllocProfiler, Bencher};
use jiff::Timestamp;

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const MIB: usize = 1024 * 1024;

fn main() {
    divan::main();
}

fn received(octets: Vec<u8>) -> Received {
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
        message: Bytes::from(octets),
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

fn octets(name: &str) -> Vec<u8> {
    match name {
        "W1" => include_bytes!("mails/W1.eml").to_vec(),
        "W2" => include_bytes!("mails/W2.eml").to_vec(),
        "W3" => include_bytes!("mails/W3.eml").to_vec(),
        _ => with_attachment(b"Content-Type: text/plain\r\n\r\nThe plan is attached.\r\n", 5 * MIB),
    }
}

/// A mail of an entity, and behind it a base64 attachment of so many octets.
fn with_attachment(entity: &[u8], octets: usize) -> Vec<u8> {
    let head = b"From: hr@example.co.jp\r\nTo: r000001@candidate.example\r\nSubject: Senko kekka\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=out\r\n\r\n--out\r\n";
    let attachment = b"\r\n--out\r\nContent-Type: application/pdf; name=plan.pdf\r\n\
        Content-Transfer-Encoding: base64\r\n\r\n";
    let line = [&[b'A'; 76][..], b"\r\n"].concat();
    [&head[..], entity, attachment, &line.repeat(octets / line.len()), b"--out--\r\n"].concat()
}

/// W1 without its own header, as a part of another mail.
fn rejection() -> Vec<u8> {
    let mail = octets("W1");
    let at = mail.windows(13).position(|w| w.eq_ignore_ascii_case(b"content-type:")).unwrap_or_default();
    mail[at..].to_vec()
}

#[divan::bench(args = ["W1", "W2", "W3", "W4"])]
fn whole(bencher: Bencher<'_, '_>, name: &str) {
    let (policy, received, now) = (policy(), received(octets(name)), now());
    let referred = matches!(process(&received, &policy, now), Outcome::Referred(_));
    assert_eq!(referred, matches!(name, "W1" | "W2"), "{name} is decided wrongly: the figure would mean nothing");
    bencher.bench_local(|| process(divan::black_box(&received), &policy, now));
}

#[divan::bench(args = ["W1", "W2", "W3", "W4"])]
fn reading(bencher: Bencher<'_, '_>, name: &str) {
    let octets = octets(name);
    bencher.bench_local(|| View::read(&Message::read(divan::black_box(&octets))));
}

/// A rejection that gets its line, beside an attachment of so many MiB.
#[divan::bench(args = [0, 5, 25])]
fn beside_attachment(bencher: Bencher<'_, '_>, mib: usize) {
    let (policy, received, now) = (policy(), received(with_attachment(&rejection(), mib * MIB)), now());
    let outcome = process(&received, &policy, now);
    assert!(matches!(outcome, Outcome::Referred(_)), "{outcome:?}");
    bencher.bench_local(|| process(divan::black_box(&received), &policy, now));
}

/// The measure for it: what reading so many MiB costs, by a search that finds nothing and a sum of all octets.
#[divan::bench(args = [5, 25])]
fn one_pass(bencher: Bencher<'_, '_>, mib: usize) {
    let octets = with_attachment(b"", mib * MIB);
    bencher.bench_local(|| memchr::memchr(0, divan::black_box(&octets)));
}

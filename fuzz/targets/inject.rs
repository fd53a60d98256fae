//! Any octets through the whole pipeline: untouched, or a proven splice.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};

use career_relay::classify::Rules;
use career_relay::config::example_company;
use career_relay::mail::address::Address;
use career_relay::mail::envelope::{Body, Envelope};
use career_relay::pipeline::{Client, InForce, Outcome, Policy, Received, Relaying, process};
use career_relay::referral::CompanyKeys;
use libfuzzer_sys::fuzz_target;

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let company = example_company().expect("the example");
    let keys = CompanyKeys::derive(&[0; 32], &company.id, 1);
    Policy::new(vec![InForce { company, keys }], Relaying::default(), Arc::new(Rules::built_in()))
});

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
            assert!(copy.edits.prove(octets, &copy.edits.apply(octets)));
        }
    }
});

//! Names looked up at a name server on loopback.

use super::*;

#[path = "../../../tests/it/name_server.rs"]
mod name_server;

use self::name_server::NameServer;

const LINES: &[&str] = &[
    "candidate.example MX 20 MX2.candidate.example",
    "candidate.example MX 10 mx1.candidate.example",
    "null.example MX 0 .",
    "mx1.candidate.example A 127.0.0.2",
    "mx1.candidate.example AAAA ::1",
    "mx2.candidate.example A 10.0.0.9",
    "www.candidate.example CNAME mx1.candidate.example",
    "astray.example CNAME nowhere.candidate.example",
    "round.example CNAME and-round.example",
    "and-round.example CNAME round.example",
    "_mta-sts.candidate.example TXT v=STSv1; id=20261122;",
    "_25._tcp.mx1.candidate.example TLSA 3 1 1 00ff",
    "broken.example FAILS",
    "long.example TXT a long text",
    "long.example TCP",
];

fn ask(dnssec: bool) -> (NameServer, NameServers) {
    let server = NameServer::start(LINES);
    let names = NameServers::new(&[server.address], dnssec).unwrap_or_else(|e| panic!("{e}"));
    (server, names)
}

fn mx(preference: u16, host: &str) -> Mx {
    Mx { preference, host: host.to_owned() }
}

#[tokio::test]
async fn mail_servers_and_addresses_are_found_in_lower_case_and_private_ones_too() {
    let (_server, names) = ask(false);
    let mut found = names.mx("Candidate.Example").await.unwrap_or_else(|e| panic!("{e}"));
    found.records.sort();
    assert_eq!(found.records, [mx(10, "mx1.candidate.example"), mx(20, "mx2.candidate.example")]);
    assert_eq!(names.mx("null.example").await.map(|a| a.records), Ok(vec![mx(0, "")]));
    let both = vec![IpAddr::from([127, 0, 0, 2]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
    assert_eq!(names.addresses("mx1.candidate.example").await.map(|a| a.records), Ok(both.clone()));
    assert_eq!(names.addresses("www.candidate.example.").await.map(|a| a.records), Ok(both));
    let private = names.addresses("mx2.candidate.example").await.map(|a| a.records);
    assert_eq!(private, Ok(vec![IpAddr::from([10, 0, 0, 9])]));
}

#[tokio::test]
async fn what_is_not_there_is_told_from_what_cannot_be_told() {
    let (_server, names) = ask(false);
    assert_eq!(names.mx("nobody.example").await, Err(LookupFault::NoSuchName));
    assert_eq!(names.addresses("nobody.example").await, Err(LookupFault::NoSuchName));
    assert_eq!(names.mx("mx1.candidate.example").await, Err(LookupFault::NoRecords));
    assert_eq!(names.addresses("candidate.example").await, Err(LookupFault::NoRecords));
    assert_eq!(names.addresses("astray.example").await, Err(LookupFault::NoSuchName));
    assert_eq!(names.mx("no name at all").await, Err(LookupFault::NoSuchName));
    assert!(matches!(names.mx("broken.example").await, Err(LookupFault::Temporary(_))));
    assert!(matches!(names.addresses("broken.example").await, Err(LookupFault::Temporary(_))));
    assert!(matches!(names.addresses("round.example").await, Err(LookupFault::Temporary(_))));
}

#[tokio::test]
async fn texts_come_whole_and_what_is_too_long_for_udp_over_tcp() {
    let (server, names) = ask(false);
    let text = names.txt("_mta-sts.candidate.example").await.map(|a| a.records);
    assert_eq!(text, Ok(vec![b"v=STSv1; id=20261122;".to_vec()]));
    assert_eq!(names.txt("long.example").await.map(|a| a.records), Ok(vec![b"a long text".to_vec()]));
    assert!(server.asked().contains(&"TXT long.example tcp".to_owned()), "{:?}", server.asked());
}

#[tokio::test]
async fn an_answer_is_remembered_also_when_it_says_no() {
    let (server, names) = ask(false);
    for _ in 0..3 {
        names.mx("candidate.example").await.unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(names.mx("nobody.example").await, Err(LookupFault::NoSuchName));
    }
    assert_eq!(server.asked(), ["MX candidate.example udp", "MX nobody.example udp"]);
}

#[tokio::test]
async fn an_answer_is_secure_only_when_the_server_says_so_and_is_believed() {
    for (dnssec, signed) in [(false, false), (false, true), (true, false), (true, true)] {
        let (server, names) = ask(dnssec);
        if signed {
            server.sign();
        }
        let found = names.tlsa("_25._tcp.mx1.candidate.example").await.unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(found.secure, dnssec && signed, "{dnssec} {signed}");
        assert_eq!(found.records, [Tlsa { usage: 3, selector: 1, matching: 1, data: [0, 255].into() }]);
        // The memory keeps it.
        let again = names.tlsa("_25._tcp.mx1.candidate.example").await.map(|a| a.secure);
        assert_eq!(again, Ok(dnssec && signed));
        assert_eq!(server.asked().iter().filter(|a| a.ends_with(" do")).count(), usize::from(dnssec));
    }
}

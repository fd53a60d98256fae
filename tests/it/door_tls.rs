//! TLS at the door of the real binary: by STARTTLS and from the first octet, and what must never come of it.

use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;

use crate::certificates::{Authority, Issued, Use};
use crate::gateway::{Gateway, free_port};
use crate::sink::Sink;
use crate::smtp::{Client, has_link, ordinary, rejection};
use crate::tls_client::{HOST, connect, shake, start_tls};

const HELLO: &str = "EHLO office.sakura.example\r\nSTARTTLS\r\n";
const CANDIDATE: &str = "yamada@candidate.example";

/// A gateway with a certificate, and a second listener for TLS from the first octet.
struct House {
    sink: Sink,
    gateway: Gateway,
    authority: Authority,
    implicit: SocketAddr,
}

impl House {
    fn new() -> Self {
        Self::with("127.0.0.0/8", "", |_| ())
    }

    /// Clients in `network` may relay; `more` stands at the end of the configuration, `change` sees to the files.
    fn with(network: &str, more: &str, change: impl FnOnce(&Gateway)) -> Self {
        let sink = Sink::start();
        let authority = Authority::new("Ours");
        let implicit = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let listener = format!("[[listener]]\naddress = \"{implicit}\"\ntls = \"implicit\"\n");
        let tls = "[tls]\ncertificate = \"gw.pem\"\nkey = \"gw.key\"\nclient_ca = \"clients.pem\"\n";
        let mut gateway = Gateway::prepare(sink.address, &format!("{tls}{listener}{more}"), network);
        authority.issue(&[HOST], Use::Server).write(gateway.folder.path(), "gw");
        fs::write(gateway.folder.path().join("clients.pem"), authority.pem()).expect("a file");
        change(&gateway);
        gateway.run();
        Self { sink, gateway, authority, implicit }
    }

    fn starttls(&self, said: &str, shown: Option<&Issued>) -> Client {
        Client::over(start_tls(self.gateway.address, said, &self.authority, shown).expect("a handshake"))
    }

    fn implicit(&self) -> Client {
        let mut client = Client::over(shake(connect(self.implicit), &self.authority, None).expect("a handshake"));
        assert_eq!(client.reply().0, 220);
        client
    }
}

#[test]
fn rejections_get_their_line_under_tls_of_either_kind_and_the_trace_says_so() {
    let house = House::new();
    for mut client in [house.starttls(HELLO, None), house.implicit()] {
        assert_eq!(client.say("EHLO office.sakura.example"), 250);
        assert_eq!(client.mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 250);
    }
    let taken = house.sink.taken();
    assert!(taken.len() == 2 && taken.iter().all(|mail| has_link(&mail.octets)));
    let trace = |octets: &[u8]| String::from_utf8_lossy(octets).contains("with ESMTPS id ");
    assert!(taken.iter().all(|mail| trace(&mail.octets)));
}

/// CVE-2011-0411: what somebody on the wire puts behind a client's STARTTLS must not be obeyed as the client's word.
#[test]
fn what_was_said_in_clear_before_and_behind_starttls_is_forgotten() {
    let house = House::new();
    let said = "EHLO pc\r\nMAIL FROM:<evil@x.example>\r\nRCPT TO:<evil@x.example>\r\nSTARTTLS\r\n\
        EHLO pc\r\nMAIL FROM:<evil@x.example>\r\nRCPT TO:<evil@x.example>\r\nDATA\r\n";
    let mut client = house.starttls(said, None);
    assert_eq!(client.say("NOOP"), 250);
    assert_eq!(client.say("DATA"), 503);
    assert_eq!(client.say("MAIL FROM:<saiyo@sakura.example>"), 503);
    assert_eq!(client.say("EHLO office.sakura.example"), 250);
    assert_eq!(client.mail(&["a@vendor.example"], &ordinary("a@vendor.example")).0, 250);
    assert_eq!(house.sink.taken().len(), 1);
}

#[test]
fn a_mail_that_tls_cuts_off_is_nobodys_with_and_without_a_farewell() {
    let house = House::new();
    let open = "EHLO pc\r\nMAIL FROM:<saiyo@sakura.example>\r\nRCPT TO:<a@vendor.example>\r\n";
    for part in ["DATA\r\nSubject: x\r\n\r\nhalf a", "BDAT 1000 LAST\r\nSubject: x\r\n\r\nhalf a"] {
        for farewell in [true, false] {
            let mut tls = shake(connect(house.implicit), &house.authority, None).expect("a handshake");
            tls.write_all(format!("{open}{part}").as_bytes()).expect("a gateway that reads");
            if farewell {
                tls.conn.send_close_notify();
            }
            tls.flush().expect("a gateway that reads");
            // What follows a farewell in clear is no part of the mail either.
            let _ = tls.sock.write_all(b" mail\r\n.\r\n");
            let _ = tls.sock.shutdown(std::net::Shutdown::Write);
            let mut rest = Vec::new();
            let _ = tls.read_to_end(&mut rest);
            assert!(!String::from_utf8_lossy(&rest).contains("Accepted as"), "{part:?}");
        }
    }
    assert!(house.sink.taken().is_empty());
    assert_eq!(house.gateway.ask_json(&["status"])["spool"]["entries"], 0);
}

#[test]
fn tls_1_1_is_refused_by_an_alert() {
    let house = House::new();
    let body = [
        &[3, 2][..],
        &[7; 32],
        // No session, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA and TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, no compression.
        &[0, 0, 4, 0xc0, 0x13, 0xc0, 0x09, 1, 0],
    ]
    .concat();
    let length = |octets: usize| u16::try_from(octets).expect("a short message").to_be_bytes();
    let record = [&[22, 3, 1][..], &length(body.len() + 4), &[1, 0], &length(body.len()), &body].concat();
    let mut socket = connect(house.implicit);
    socket.write_all(&record).expect("a gateway that reads");
    let mut heard = Vec::new();
    let _ = socket.read_to_end(&mut heard);
    assert!(matches!(heard[..], [21, 3, _, 0, 2, 2, 70 | 40]), "{heard:?}");
}

#[test]
fn a_stranger_with_a_verified_certificate_may_relay_and_one_with_a_forged_one_may_not() {
    let house = House::with("192.0.2.0/24", "", |gateway| {
        let path = gateway.folder.path().join("companies/sakura.toml");
        let text = fs::read_to_string(&path).expect("a company");
        let text = text.replace("[proved_by]\n", "[proved_by]\ncertificates = [\"mail.sakura.example\"]\n");
        fs::write(&path, text).expect("a company");
    });
    let check = |shown: Option<Issued>, answer: u16| {
        let mut client = house.starttls(HELLO, shown.as_ref());
        assert_eq!(client.say("EHLO mail.sakura.example"), 250);
        assert_eq!(client.mail(&[CANDIDATE], &rejection(CANDIDATE)).0, answer);
    };
    let names = &["mail.sakura.example"];
    for of_use in [Use::Client, Use::Server, Use::Both, Use::Unsaid] {
        check(Some(house.authority.issue(names, of_use)), 250);
    }
    check(Some(house.authority.issue(names, Use::Mail)), 550);
    check(Some(house.authority.issue_until(names, Use::Client, 2021)), 550);
    check(Some(Authority::new("Ours").issue(names, Use::Client)), 550);
    check(None, 550);
    let taken = house.sink.taken();
    assert!(taken.len() == 4 && taken.iter().all(|mail| has_link(&mail.octets)));
}

#[test]
fn where_tls_is_required_no_mail_is_taken_in_clear() {
    let strict = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let more = format!("[[listener]]\naddress = \"{strict}\"\ntls_required = true\n");
    let house = House::with("127.0.0.0/8", &more, |_| ());
    let mut client = Client::connect(strict);
    assert_eq!(client.mail(&[CANDIDATE], &ordinary(CANDIDATE)).0, 530);
    let mut client = Client::over(start_tls(strict, HELLO, &house.authority, None).expect("a handshake"));
    assert_eq!(client.say("EHLO office.sakura.example"), 250);
    assert_eq!(client.mail(&[CANDIDATE], &ordinary(CANDIDATE)).0, 250);
}

#[test]
fn a_certificate_that_cannot_be_used_stops_the_start_and_is_named() {
    let mut gateway = {
        let tls = "[tls]\ncertificate = \"gw.pem\"\nkey = \"gw.key\"\n";
        Gateway::prepare(free_address(), tls, "127.0.0.0/8")
    };
    let authority = Authority::new("Ours");
    authority.issue(&[HOST], Use::Server).write(gateway.folder.path(), "gw");
    authority.issue(&[HOST], Use::Server).write(gateway.folder.path(), "other");
    fs::rename(gateway.folder.path().join("other.key"), gateway.folder.path().join("gw.key")).expect("a file");
    let output = gateway.ask(&["serve"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("gw.key") && said.contains("gw.pem"), "{said}");
    authority.issue_until(&[HOST], Use::Server, 2021).write(gateway.folder.path(), "gw");
    gateway.run();
    assert!(gateway.stop() && gateway.log().contains("has expired"), "{}", gateway.log());
}

fn free_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], free_port()))
}

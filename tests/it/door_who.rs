//! Who may hand in mail at the door of the real binary: users with their passwords, and clients behind balancers and
//! proxies. The tests' own address is a stranger's.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::process::Stdio;

use data_encoding::BASE64;

use crate::certificates::{Authority, Use};
use crate::gateway::{Gateway, binary, free_port};
use crate::sink::Sink;
use crate::smtp::{Client, has_link, rejection};
use crate::tls_client::{HOST, connect, shake};

const CANDIDATE: &str = "yamada@candidate.example";
const PASSWORD: &str = "plum blossom 7";

/// A gateway on which 192.0.2.0/24 may relay and writes for the company, with one more listener.
struct House {
    sink: Sink,
    gateway: Gateway,
    authority: Authority,
    second: SocketAddr,
}

impl House {
    /// `listener` stands below the address of the second listener, `smtp` in the section of that name.
    fn new(listener: &str, smtp: &str) -> Self {
        let (sink, authority) = (Sink::start(), Authority::new("Ours"));
        let second = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let more = format!(
            "[tls]\ncertificate = \"gw.pem\"\nkey = \"gw.key\"\n[[listener]]\naddress = \"{second}\"\n{listener}\n"
        );
        let mut gateway = Gateway::prepare(sink.address, &more, "192.0.2.0/24");
        authority.issue(&[HOST], Use::Server).write(gateway.folder.path(), "gw");
        let config = fs::read_to_string(gateway.config()).expect("a configuration");
        fs::write(gateway.config(), config.replace("[smtp]\n", &format!("[smtp]\n{smtp}\n"))).expect("a configuration");
        gateway.run();
        Self { sink, gateway, authority, second }
    }

    fn add_user(&self, name: &str) {
        let mut command = binary();
        command.args(["user", "add", name, "--role", "relay", "--company", "sakura", "--config"]);
        let mut child = command.arg(self.gateway.config()).stdin(Stdio::piped()).spawn().expect("the binary runs");
        child.stdin.take().expect("a pipe").write_all(PASSWORD.as_bytes()).expect("a reader");
        assert!(child.wait().expect("its end").success());
    }

    /// A client of the second listener under TLS from the first octet, greeted.
    fn secured(&self) -> Client {
        let stream = shake(connect(self.second), &self.authority, None).expect("a handshake");
        let mut client = Client::over(stream);
        assert_eq!(client.reply().0, 220);
        assert_eq!(client.say("EHLO laptop"), 250);
        client
    }

    fn counter(&self, name: &str) -> u64 {
        self.gateway.ask_json(&["status"])["watch"]["counters"][name].as_u64().unwrap_or(0)
    }
}

fn plain(user: &str, password: &str) -> String {
    format!("AUTH PLAIN {}", BASE64.encode(format!("\0{user}\0{password}").as_bytes()))
}

#[test]
fn a_user_sends_from_anywhere_and_ten_wrong_passwords_shut_his_network_out() {
    let house = House::new("tls = \"implicit\"\nauth_required = true", "");
    house.add_user("ats");
    let mut client = house.secured();
    assert_eq!(client.mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 530);
    assert_eq!(client.say(&plain("ats", "cherry blossom")), 535);
    assert_eq!(client.say(&plain("ats", PASSWORD)), 235);
    assert_eq!(client.mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 250);
    assert!(has_link(&house.sink.taken()[0].octets));
    for _ in 0..9 {
        assert_eq!(house.secured().say(&plain("nobody", "x")), 535);
    }
    assert_eq!(house.secured().say(&plain("ats", PASSWORD)), 454);
    // Who is in already stays in, and no log names anybody who tried.
    assert_eq!(client.mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 250);
    assert_eq!((house.counter("logins"), house.counter("logins_failed"), house.counter("logins_blocked")), (1, 10, 1));
    assert!(!house.gateway.log().contains("nobody"));
}

/// A header of the PROXY protocol, version 2.
fn proxy_header(ip: [u8; 4]) -> Vec<u8> {
    [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..], &ip, &[10, 0, 0, 1, 1, 1, 0, 25]].concat()
}

#[test]
fn behind_a_listed_balancer_the_clients_own_address_counts_and_elsewhere_its_word_is_garbage() {
    let house = House::new("proxy_from = [\"127.0.0.0/8\"]", "");
    for (ip, answer) in [([192, 0, 2, 7], 250), ([198, 51, 100, 7], 550)] {
        let mut client = Client::raw(house.second);
        client.send_raw(&proxy_header(ip));
        assert_eq!(client.reply().0, 220);
        assert_eq!(client.say("EHLO pc"), 250);
        assert_eq!(client.mail(&[CANDIDATE], &rejection(CANDIDATE)).0, answer);
    }
    let trace = String::from_utf8_lossy(&house.sink.taken()[0].octets).into_owned();
    assert!(trace.starts_with("Received: from pc ([192.0.2.7])\r\n"), "{trace}");
    // As long as the head of a header: what is left unread at a close would be a reset.
    let mut without = Client::raw(house.second);
    without.send_raw(b"EHLO pc.example\n");
    assert!(without.is_closed());
    let mut forged = Client::raw(house.gateway.address);
    forged.send_raw(&proxy_header([192, 0, 2, 7]));
    assert_eq!((forged.reply().0, forged.reply().0), (220, 500));
}

#[test]
fn a_listener_for_balancers_takes_nobody_else() {
    let house = House::new("proxy_from = [\"192.0.2.0/24\"]", "");
    assert_eq!(Client::raw(house.second).reply().0, 421);
    assert_eq!(house.counter("connections_refused"), 1);
}

#[test]
fn xclient_is_the_word_of_listed_proxies_and_of_nobody_else() {
    for (smtp, xclient, answer) in [("xclient_from = [\"127.0.0.0/8\"]", 220, 250), ("", 550, 550)] {
        let house = House::new("", smtp);
        let mut client = Client::connect(house.gateway.address);
        assert_eq!(client.say("XCLIENT ADDR=192.0.2.7 NAME=office.sakura.example"), xclient);
        assert_eq!(client.say("EHLO pc"), 250);
        assert_eq!(client.say("XCLIENT ADDR=192.0.2.8"), 550);
        assert_eq!(client.mail(&[CANDIDATE], &rejection(CANDIDATE)).0, answer);
    }
}

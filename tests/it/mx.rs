//! Mail to the recipients' own servers: the real binary, a real name server, and servers on one port of loopback.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::gateway::{Gateway, wait_for};
use crate::name_server::NameServer;
use crate::sink::{Act, Sink, Stage};
use crate::smtp::{Client, has_link, ordinary, rejection, without_trace};

const CANDIDATE: &str = "yamada@candidate.example";
const HASTY: &str = "[custody]\nhand_through_for = \"2s\"\n[retry]\nwaits = [\"1s\"]\n[deliver]\ndown_for = \"1s\"\n";

/// A gateway by MX lookup, its name server, and servers at 127.0.0.2, 127.0.0.3 and so on.
struct Net {
    gateway: Gateway,
    names: NameServer,
    servers: Vec<Sink>,
}

/// A listener for each of so many addresses, all on one port.
fn listeners(count: u8) -> Vec<TcpListener> {
    loop {
        let first = TcpListener::bind("127.0.0.2:0").expect("a port");
        let port = first.local_addr().expect("its address").port();
        let others = (3..2 + count).map(|last| TcpListener::bind(SocketAddr::from(([127, 0, 0, last], port))));
        if let Ok(mut all) = others.collect::<Result<Vec<_>, _>>() {
            all.insert(0, first);
            return all;
        }
    }
}

impl Net {
    /// Starts so many servers for these names, and the gateway.
    fn start(count: u8, lines: &[&str]) -> Self {
        Self::start_with(count, "", |_| lines.iter().map(|line| (*line).to_owned()).collect())
    }

    /// The same with more keys below `[dns]`, and names that may depend on the servers' port.
    fn start_with(count: u8, dns: &str, lines: impl FnOnce(u16) -> Vec<String>) -> Self {
        let listeners = listeners(count);
        let port = listeners[0].local_addr().expect("its address").port();
        let lines = lines(port);
        let names = NameServer::start(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let servers = listeners.into_iter().map(|listener| Sink::on(listener, |_, _| Act::GoOn)).collect();
        let more = format!("[dns]\nservers = [\"{}\"]\n{dns}{HASTY}", names.address);
        let mut gateway = Gateway::prepare_to(&format!("mx:{port}"), &more, "127.0.0.0/8");
        gateway.run();
        Self { gateway, names, servers }
    }

    /// Sends a mail to everybody named, and tells the gateway's answer.
    fn send(&self, to: &[&str], mail: &[u8]) -> (u16, String) {
        Client::connect(self.gateway.address).mail(to, mail)
    }

    /// Who got mail at a server, one text for each mail.
    fn taken(&self, server: usize) -> Vec<String> {
        self.servers[server].taken().iter().map(|taken| taken.recipients.join(" ")).collect()
    }
}

#[test]
fn the_best_server_of_the_domain_takes_it_and_that_is_delivery() {
    let net = Net::start(
        2,
        &[
            "candidate.example MX 20 mx2.candidate.example",
            "candidate.example MX 10 mx1.candidate.example",
            "mx1.candidate.example A 127.0.0.2",
            "mx2.candidate.example A 127.0.0.3",
        ],
    );
    let (code, text) = net.send(&[CANDIDATE], &rejection(CANDIDATE));
    assert_eq!(code, 250, "{text}");
    assert_eq!((net.taken(0), net.taken(1)), (vec![CANDIDATE.to_owned()], vec![]));
    assert!(has_link(&net.servers[0].taken()[0].octets));
    assert_eq!(net.gateway.settled_credits(), 1, "by MX a 250 is delivery, which is what counts");
}

#[test]
fn a_dead_first_server_and_one_that_is_busy_are_passed_over() {
    let lines = [
        "candidate.example MX 10 dead.candidate.example",
        "candidate.example MX 20 busy.candidate.example",
        "candidate.example MX 30 mx.candidate.example",
        "dead.candidate.example A 127.0.0.9",
        "busy.candidate.example A 127.0.0.2",
        "mx.candidate.example A 127.0.0.3",
    ];
    let net = Net::start(2, &lines);
    net.servers[0].rewrite(|at, _| if at == Stage::Connect { Act::Say("421 4.3.2 busy") } else { Act::GoOn });
    let (code, text) = net.send(&[CANDIDATE], &ordinary(CANDIDATE));
    assert_eq!(code, 250, "{text}");
    assert_eq!((net.taken(0), net.taken(1)), (vec![], vec![CANDIDATE.to_owned()]));
    let asked = net.names.asked();
    assert!(asked.contains(&"MX candidate.example udp".to_owned()), "{asked:?}");
    assert!(!asked.iter().any(|asked| asked.starts_with("TLSA")), "{asked:?}");
}

#[test]
fn a_server_with_signed_records_gets_no_mail_in_clear() {
    let net = Net::start_with(1, "dnssec = true\n", |port| {
        let record = format!("_{port}._tcp.mx.candidate.example TLSA 3 1 1 {}", "00".repeat(32));
        let names = ["candidate.example MX 1 mx.candidate.example", "mx.candidate.example A 127.0.0.2"];
        names.map(str::to_owned).into_iter().chain([record]).collect()
    });
    net.names.sign();
    let (code, text) = net.send(&[CANDIDATE], &rejection(CANDIDATE));
    assert_eq!(code, 250, "{text}");
    wait_for("an attempt", || net.gateway.log().contains("next_hop_unusable").then_some(()));
    assert_eq!(net.gateway.ask_json(&["status"])["spool"]["entries"], 1);
    assert!(net.taken(0).is_empty(), "sent in clear");
}

#[test]
fn a_domain_that_takes_no_mail_is_refused_while_the_client_waits_and_else_reported() {
    let lines = ["null.example MX 0 .", "sakura.example A 127.0.0.2", "candidate.example A 127.0.0.2"];
    let net = Net::start(1, &lines);
    let (code, text) = net.send(&["a@null.example"], &ordinary("a@null.example"));
    assert_eq!(code, 556, "{text}");
    assert!(text.contains("5.1.10"), "{text}");
    let (code, text) = net.send(&["a@nowhere.example"], &ordinary("a@nowhere.example"));
    assert!(code == 550 && text.contains("5.1.2"), "{code} {text}");
    let both = ["a@null.example", CANDIDATE];
    let (code, text) = net.send(&both, &ordinary("a@null.example, yamada@candidate.example"));
    assert_eq!(code, 250, "{text}");
    let report = wait_for("the report", || {
        net.servers[0].taken().into_iter().find(|taken| taken.recipients == ["saiyo@sakura.example"])
    });
    let report = String::from_utf8_lossy(&report.octets).into_owned();
    assert!(report.contains("Status: 5.1.10") && report.contains("a@null.example"), "{report}");
    wait_for("the candidate's mail", || net.taken(0).contains(&CANDIDATE.to_owned()).then_some(()));
}

#[test]
fn a_domain_whose_server_is_this_gateway_is_a_loop() {
    let lines = ["candidate.example MX 10 gw.sakura.example", "gw.sakura.example A 127.0.0.2"];
    let net = Net::start(1, &lines);
    let (code, text) = net.send(&[CANDIDATE], &ordinary(CANDIDATE));
    assert!(code == 550 && text.contains("5.4.6"), "{code} {text}");
    assert!(net.taken(0).is_empty());
}

#[test]
fn a_mail_to_two_domains_reaches_each_once_and_untouched() {
    let lines =
        ["vendor.example MX 1 mx.vendor.example", "mx.vendor.example A 127.0.0.2", "partner.example A 127.0.0.3"];
    let net = Net::start(2, &lines);
    let to = ["a@vendor.example", "b@partner.example", "c@vendor.example"];
    let mail = ordinary("a@vendor.example, b@partner.example, c@vendor.example");
    let (code, text) = net.send(&to, &mail);
    assert_eq!(code, 250, "{text}");
    net.gateway.settled_credits();
    let (one, other) = (net.servers[0].taken(), net.servers[1].taken());
    assert_eq!((net.taken(0), net.taken(1)), (vec![format!("{} {}", to[0], to[2])], vec![to[1].to_owned()]));
    assert_eq!((without_trace(&one[0].octets), without_trace(&other[0].octets)), (&mail[..], &mail[..]));
}

#[test]
fn an_enforced_policy_remembered_from_before_keeps_mail_from_a_server_without_tls() {
    let lines = ["candidate.example MX 1 mx.candidate.example", "mx.candidate.example A 127.0.0.2"];
    let mut net = Net::start(1, &lines);
    assert!(net.gateway.stop());
    let data = net.gateway.folder.path().join("data");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
    let policy = "version: STSv1\nmode: enforce\nmx: *.candidate.example\nmax_age: 86400\n";
    let known = serde_json::json!([{"domain": "candidate.example", "id": "1", "fetched_at": now, "policy": policy}]);
    fs::write(data.join("sts-policies.json"), known.to_string()).expect("a file");
    net.gateway.run();
    let (code, text) = net.send(&[CANDIDATE], &rejection(CANDIDATE));
    assert_eq!(code, 250, "{text}");
    wait_for("an attempt", || net.gateway.log().contains("next_hop_unusable").then_some(()));
    assert_eq!(net.gateway.ask_json(&["status"])["spool"]["entries"], 1);
    assert!(net.taken(0).is_empty(), "sent in clear");
}

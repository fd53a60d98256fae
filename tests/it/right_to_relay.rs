//! The right to relay and the right to a line are two questions (design §3.1): who is let in, whose mail it is, and
//! what the ledger says afterwards. Clients are told apart by their addresses on loopback.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};

use crate::gateway::{Gateway, wait_for};
use crate::sink::Sink;
use crate::smtp::{Client, has_link, message, ordinary, rejection, without_trace};

/// Where a cloud service sends from, for all its tenants.
const CLOUD: u8 = 1;
/// Sakura's own mail server.
const SAKURA: u8 = 2;
/// Nobody we know.
const STRANGER: u8 = 3;
/// A host of ours that may relay and proves no company.
const OFFICE: u8 = 4;

const HR: &str = "saiyo@sakura.example";
const HR_OF_TSUBAKI: &str = "saiyo@tsubaki.example";
const CANDIDATE: &str = "yamada@mail.example";
const SECRET: &str = "sakura-8f3a91c2d4e5";
const NEXT_SECRET: &str = "sakura-5e4d2c19a3f8";
const SECRET_OF_TSUBAKI: &str = "tsubaki-77aa66bb55cc";

/// A gateway between these clients and a sink that is the candidates' own server.
struct House {
    gateway: Gateway,
    sink: Sink,
}

impl House {
    fn new() -> Self {
        let sink = Sink::start();
        let gateway = Gateway::prepare(sink.address, "", "127.0.0.2/32");
        let path = gateway.config();
        let config = fs::read_to_string(&path).expect("a configuration");
        let relay = "relay_networks = [\"127.0.0.2/32\"]";
        assert!(config.contains(relay), "{config}");
        let config = config.replace(relay, "relay_networks = [\"127.0.0.4/32\"]")
            + "[[shared_clients]]\nname = \"cloud\"\nnetworks = [\"127.0.0.1/32\"]\n";
        fs::write(&path, config).expect("a configuration");
        let companies = gateway.folder.path().join("companies");
        let sakura = fs::read_to_string(companies.join("sakura.toml")).expect("a company");
        let networks = "networks = [\"127.0.0.2/32\"]\n";
        assert!(sakura.contains(networks), "{sakura}");
        let with_secret = |text: &str, id: &str| {
            text.replace(networks, &format!("networks = []\nrouting_secret_files = [\"{id}.route\"]\n"))
        };
        let tsubaki = with_secret(&sakura.replace("sakura", "tsubaki"), "tsubaki");
        let sakura = with_secret(&sakura, "sakura").replace("networks = []\n", networks);
        fs::write(companies.join("sakura.toml"), sakura).expect("a company");
        fs::write(companies.join("tsubaki.toml"), tsubaki).expect("a company");
        let house = Self { gateway, sink };
        house.give_secrets("sakura", &[SECRET]);
        house.give_secrets("tsubaki", &[SECRET_OF_TSUBAKI]);
        let Self { mut gateway, sink } = house;
        gateway.run();
        Self { gateway, sink }
    }

    fn give_secrets(&self, company: &str, secrets: &[&str]) {
        let file = self.gateway.folder.path().join(format!("companies/{company}.route"));
        fs::write(file, secrets.join("\n")).expect("a secret");
    }

    /// Hands in a mail from this host; the reply to its dot, or the first refusal before it.
    fn send(&self, host: u8, from: &str, message: &[u8]) -> (u16, String) {
        let ip = IpAddr::V4(Ipv4Addr::new(127, 0, 0, host));
        Client::connect_from(ip, self.gateway.address).mail_from(from, &[CANDIDATE], message)
    }

    /// Hands in a rejection of Sakura's with these lines on top of its header.
    fn reject(&self, host: u8, header: &str) -> (u16, String) {
        self.send(host, HR, &with(header, &rejection(CANDIDATE)))
    }

    /// The mails that went on, as far as they are not ours.
    fn taken(&self) -> Vec<Vec<u8>> {
        let to_candidate = |t: &crate::sink::Taken| t.recipients == [CANDIDATE];
        self.sink.taken().into_iter().filter(to_candidate).map(|t| t.octets).collect()
    }

    /// Credits of all companies.
    fn credits(&self) -> u64 {
        self.gateway.settled_credits();
        let balances = self.gateway.ask_json(&["ledger", "balance"]);
        let each = balances["balances"].as_array().expect("balances").iter();
        each.map(|b| b["counted"].as_u64().expect("a count")).sum()
    }

    fn counted(&self, name: &str) -> u64 {
        self.gateway.ask_json(&["status"])["watch"]["counters"][name].as_u64().unwrap_or(0)
    }

    /// The one mail that went on is this one, to the octet behind our trace; nobody earned by it.
    fn check_untouched(&self, message: &[u8]) {
        let taken = self.taken();
        assert_eq!(taken.len(), 1);
        assert_eq!(String::from_utf8_lossy(without_trace(&taken[0])), String::from_utf8_lossy(message));
        assert_eq!(self.credits(), 0);
    }

    /// Nothing went on, and nobody earned anything.
    fn check_refused(&self, reply: &(u16, String), part: &str) {
        assert!(reply.0 == 550 && reply.1.starts_with("550 5.7.1 ") && reply.1.contains(part), "{reply:?}");
        assert!(self.taken().is_empty());
        assert_eq!(self.credits(), 0);
        assert_eq!(self.gateway.ask_json(&["status"])["spool"]["entries"], 0);
    }
}

fn with(header: &str, message: &[u8]) -> Vec<u8> {
    [header.as_bytes(), message].concat()
}

fn route(secret: &str) -> String {
    format!("X-Career-Relay-Route: {secret}\r\n")
}

const MISSING: &str = "one X-Career-Relay-Route field";

#[test]
fn a_companys_mail_from_a_shared_network_earns_by_its_routing_header_which_does_not_leave() {
    let house = House::new();
    let folded = format!("x-career-relay-ROUTE:\r\n\t{SECRET}\r\n");
    let reply = house.reject(CLOUD, &folded);
    assert_eq!(reply.0, 250, "{}", reply.1);
    let taken = house.taken();
    assert!(has_link(&taken[0]));
    let text = String::from_utf8_lossy(&taken[0]).to_ascii_lowercase();
    assert!(!text.contains("x-career-relay-route") && !text.contains(SECRET), "{text}");
    assert_eq!(house.credits(), 1);
    assert!(!house.gateway.log().contains(SECRET));
}

#[test]
fn a_second_tenant_of_the_same_address_is_refused() {
    let house = House::new();
    let reply = house.reject(CLOUD, "");
    house.check_refused(&reply, MISSING);
    assert_eq!(house.counted("unmarked_refused"), 1);
}

#[test]
fn a_forged_or_doubled_routing_header_is_as_good_as_none() {
    let house = House::new();
    let (right, forged) = (route(SECRET), route("sakura-8f3a91c2d4e6"));
    let blank = "X-Career-Relay-Route : guess-after-guess\r\n";
    for header in [&forged, &format!("{right}{right}"), &format!("{right}{forged}"), &format!("{right}{blank}")] {
        let reply = house.reject(CLOUD, header);
        house.check_refused(&reply, MISSING);
    }
    assert_eq!(house.counted("unmarked_refused"), 4);
}

#[test]
fn company_a_never_earns_for_company_b() {
    let house = House::new();
    let of_tsubaki = String::from_utf8(rejection(CANDIDATE)).expect("UTF-8").replace(HR, HR_OF_TSUBAKI);
    let reply = house.send(CLOUD, HR_OF_TSUBAKI, &with(&route(SECRET), of_tsubaki.as_bytes()));
    assert_eq!(reply.0, 250, "{}", reply.1);
    house.check_untouched(of_tsubaki.as_bytes());
    // The same from Sakura's own server, with and without her header, and with her envelope.
    for (from, header) in [(HR_OF_TSUBAKI, String::new()), (HR_OF_TSUBAKI, route(SECRET)), (HR, String::new())] {
        assert_eq!(house.send(SAKURA, from, &with(&header, of_tsubaki.as_bytes())).0, 250);
    }
    // And Sakura's mail under another company's mark.
    assert_eq!(house.reject(SAKURA, &route(SECRET_OF_TSUBAKI)).0, 250);
    assert_eq!((house.taken().len(), house.credits()), (5, 0));
    assert!(house.taken().iter().all(|octets| !has_link(octets)));
}

#[test]
fn a_secret_that_was_replaced_proves_nothing_any_more() {
    let house = House::new();
    house.give_secrets("sakura", &[NEXT_SECRET, SECRET]);
    assert!(house.gateway.reload());
    assert_eq!(house.reject(CLOUD, &route(NEXT_SECRET)).0, 250);
    assert_eq!((house.taken().len(), house.credits()), (1, 1));
    house.give_secrets("sakura", &[NEXT_SECRET]);
    assert!(house.gateway.reload());
    let reply = house.reject(CLOUD, &route(SECRET));
    assert!(reply.0 == 550 && reply.1.contains(MISSING), "{reply:?}");
    assert_eq!((house.taken().len(), house.credits()), (1, 1));
}

#[test]
fn a_routing_header_alone_opens_nothing_to_a_stranger() {
    let house = House::new();
    let reply = house.reject(STRANGER, &route(SECRET));
    house.check_refused(&reply, "Relaying denied");
    // It is counted when the connection ends.
    wait_for("the refusal to be counted", || (house.counted("relay_denied") == 1).then_some(()));
    assert_eq!(house.counted("unmarked_refused"), 0);
}

#[test]
fn a_null_sender_of_an_authorised_client_passes_untouched() {
    for (host, header) in [(SAKURA, String::new()), (CLOUD, route(SECRET))] {
        let house = House::new();
        assert_eq!(house.send(host, "", &with(&header, &rejection(CANDIDATE))).0, 250);
        house.check_untouched(&rejection(CANDIDATE));
    }
}

#[test]
fn a_forwarded_mail_of_an_authorised_client_passes_untouched() {
    // A stranger's rejection that HR forwards on: the envelope is Sakura's, From is not.
    let forwarded = String::from_utf8(rejection(CANDIDATE)).expect("UTF-8").replace(HR, "hr@elsewhere.example");
    for (host, header) in [(SAKURA, String::new()), (CLOUD, route(SECRET))] {
        let house = House::new();
        assert_eq!(house.send(host, HR, &with(&header, forwarded.as_bytes())).0, 250);
        house.check_untouched(forwarded.as_bytes());
    }
}

#[test]
fn an_unlisted_sub_domain_of_an_authorised_client_passes_untouched() {
    let below = "saiyo@jp.sakura.example";
    let mail = String::from_utf8(rejection(CANDIDATE)).expect("UTF-8").replace(HR, below);
    for (host, header) in [(SAKURA, String::new()), (CLOUD, route(SECRET))] {
        let house = House::new();
        assert_eq!(house.send(host, below, &with(&header, mail.as_bytes())).0, 250);
        house.check_untouched(mail.as_bytes());
    }
}

#[test]
fn the_routing_header_leaves_no_mail_whoever_hands_it_in() {
    let house = House::new();
    let mail = ordinary(CANDIDATE);
    let header = format!("X-Before: x\r\n{}X-Career-Relay-Route\t:\r\n guess\r\n", route("guess"));
    assert_eq!(house.send(OFFICE, "office@elsewhere.example", &with(&header, &mail)).0, 250);
    house.check_untouched(&with("X-Before: x\r\n", &mail));
}

#[test]
fn a_host_that_may_relay_and_proves_nothing_earns_by_the_header_alone() {
    let house = House::new();
    assert_eq!(house.reject(OFFICE, "").0, 250);
    house.check_untouched(&rejection(CANDIDATE));
    assert_eq!(house.reject(OFFICE, &route(SECRET)).0, 250);
    assert_eq!(house.credits(), 1);
}

#[test]
fn a_header_in_the_text_is_text() {
    let house = House::new();
    let mail = message(CANDIDATE, &format!("{}\n", route(SECRET).replace("\r\n", "\n")));
    let reply = house.send(CLOUD, HR, &mail);
    house.check_refused(&reply, MISSING);
    assert_eq!(house.send(SAKURA, HR, &mail).0, 250);
    house.check_untouched(&mail);
}

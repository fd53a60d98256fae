//! The right to relay and to a line under TLS: by certificate, by tenant, by user; and what the ledger says afterwards.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use data_encoding::BASE64;

use crate::certificates::{Authority, Issued, Use};
use crate::gateway::{Gateway, binary};
use crate::sink::Sink;
use crate::smtp::{Client, has_link, rejection};
use crate::tls_client::{HOST, start_tls};

const CANDIDATE: &str = "yamada@mail.example";
const HR: &str = "saiyo@sakura.example";
const PASSWORD: &str = "plum blossom 7";
const SECRET: &str = "sakura-8f3a91c2d4e5";
const HELLO: &str = "EHLO office.sakura.example\r\nSTARTTLS\r\n";

/// A gateway to which the tests' own address is a stranger's, with a cloud service that is known by its certificate.
struct House {
    gateway: Gateway,
    sink: Sink,
    authority: Authority,
}

impl House {
    fn new() -> Self {
        let (sink, authority) = (Sink::start(), Authority::new("Ours"));
        let more = "[tls]\ncertificate = \"gw.pem\"\nkey = \"gw.key\"\nclient_ca = \"clients.pem\"\n\
                    [[shared_clients]]\nname = \"cloud\"\ncertificates = [\"mail.cloud.example\"]\n\
                    tenant_header = \"X-Tenant\"\n";
        let mut gateway = Gateway::prepare(sink.address, more, "192.0.2.0/24");
        let folder = gateway.folder.path();
        authority.issue(&[HOST], Use::Server).write(folder, "gw");
        fs::write(folder.join("clients.pem"), authority.pem()).expect("a file");
        let file = folder.join("companies/sakura.toml");
        let company = fs::read_to_string(&file).expect("a company");
        let proofs = "[proved_by]\nusers = [\"listed\"]\ncertificates = [\"ats.sakura.example\"]\n\
                      routing_secret_files = [\"sakura.route\"]\ntenant = \"sakura.cloud.example\"\n";
        fs::write(&file, company.replace("[proved_by]\n", proofs)).expect("a company");
        let other = company.replace("sakura", "tsubaki");
        fs::write(folder.join("companies/tsubaki.toml"), other).expect("a company");
        fs::write(folder.join("companies/sakura.route"), SECRET).expect("a secret");
        gateway.run();
        Self { gateway, sink, authority }
    }

    /// A client under TLS that shows this certificate.
    fn client(&self, shown: Option<&Issued>) -> Client {
        let tls = start_tls(self.gateway.address, HELLO, &self.authority, shown).expect("a handshake");
        let mut client = Client::over(tls);
        assert_eq!(client.say("EHLO office.sakura.example"), 250);
        client
    }

    fn certificate(&self, name: &str) -> Issued {
        self.authority.issue(&[name], Use::Both)
    }

    /// A client that has logged in.
    fn user(&self, name: &str) -> Client {
        let mut client = self.client(None);
        assert_eq!(log_in(&mut client, name, PASSWORD), 235);
        client
    }

    fn change_users(&self, words: &[&str]) {
        let mut command = binary();
        command.arg("user").args(words).arg("--config").arg(self.gateway.config());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it runs");
        // A command that needs no password may be gone before it is written.
        let _ = child.stdin.take().expect("a pipe").write_all(PASSWORD.as_bytes());
        assert!(child.wait().expect("it ends").success(), "{words:?}");
    }

    fn credits(&self) -> u64 {
        self.gateway.settled_credits();
        let balances = self.gateway.ask_json(&["ledger", "balance"]);
        balances["balances"].as_array().expect("balances").iter().filter_map(|b| b["counted"].as_u64()).sum()
    }

    /// What went on to the candidate: for each mail whether it has the line.
    fn lines(&self) -> Vec<bool> {
        let taken = self.sink.taken();
        taken.iter().filter(|t| t.recipients == [CANDIDATE]).map(|t| has_link(&t.octets)).collect()
    }
}

fn log_in(client: &mut Client, name: &str, password: &str) -> u16 {
    client.say(&format!("AUTH PLAIN {}", BASE64.encode(format!("\0{name}\0{password}").as_bytes())))
}

fn with(header: &str) -> Vec<u8> {
    [header.as_bytes(), &rejection(CANDIDATE)].concat()
}

#[test]
fn a_tenant_is_believed_over_the_services_verified_certificate_alone() {
    let house = House::new();
    let (cloud, tenant) = (house.certificate("mail.cloud.example"), "X-Tenant: sakura.cloud.example\r\n");
    assert_eq!(house.client(Some(&cloud)).mail(&[CANDIDATE], &with(tenant)).0, 250);
    assert_eq!((house.lines(), house.credits()), (vec![true], 1));
    // It is the service's own word and stays in the mail.
    assert!(String::from_utf8_lossy(&house.sink.taken()[0].octets).contains(tenant));
    let refused = |shown: Option<&Issued>, header: &str| {
        let reply = house.client(shown).mail(&[CANDIDATE], &with(header));
        assert!(reply.1.starts_with("550 5.7.1 "), "{reply:?}");
    };
    let forged = Authority::new("Theirs").issue(&["mail.cloud.example"], Use::Both);
    refused(None, tenant);
    refused(Some(&forged), tenant);
    refused(Some(&cloud), "X-Tenant: thief.cloud.example\r\n");
    refused(Some(&cloud), &format!("{tenant}{tenant}"));
    refused(Some(&cloud), "");
    assert_eq!((house.lines(), house.credits()), (vec![true], 1));
}

#[test]
fn a_stolen_routing_secret_is_worth_nothing_in_another_tenant() {
    let house = House::new();
    let cloud = house.certificate("mail.cloud.example");
    let route = format!("X-Career-Relay-Route: {SECRET}\r\n");
    let stolen = with(&format!("X-Tenant: thief.cloud.example\r\n{route}"));
    assert_eq!(house.client(Some(&cloud)).mail(&[CANDIDATE], &stolen).0, 550);
    assert_eq!((house.lines().len(), house.credits()), (0, 0));
    assert_eq!(house.client(Some(&cloud)).mail(&[CANDIDATE], &with(&route)).0, 250);
    assert_eq!((house.lines(), house.credits()), (vec![true], 1));
}

#[test]
fn a_companys_own_certificate_opens_the_door_and_proves_it_and_no_other() {
    let house = House::new();
    let own = house.certificate("ats.sakura.example");
    let mut client = house.client(Some(&own));
    assert_eq!(client.mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 250);
    let of_tsubaki =
        String::from_utf8(rejection(CANDIDATE)).expect("UTF-8").replace("sakura.example", "tsubaki.example");
    assert_eq!(client.mail_from("saiyo@tsubaki.example", &[CANDIDATE], of_tsubaki.as_bytes()).0, 250);
    assert_eq!((house.lines(), house.credits()), (vec![true, false], 1));
    let forged = Authority::new("Theirs").issue(&["ats.sakura.example"], Use::Both);
    for shown in [None, Some(&forged)] {
        assert_eq!(house.client(shown).mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 550);
    }
    assert_eq!(house.credits(), 1);
}

#[test]
fn a_user_relays_from_anywhere_and_earns_for_the_company_that_he_proves() {
    let house = House::new();
    house.change_users(&["add", "bound", "--role", "relay", "--company", "sakura"]);
    house.change_users(&["add", "listed", "--role", "relay"]);
    house.change_users(&["add", "free", "--role", "relay"]);
    house.change_users(&["add", "theirs", "--role", "relay", "--company", "tsubaki"]);
    house.change_users(&["add", "boss", "--role", "admin"]);
    for (name, line) in [("bound", true), ("LISTED", true), ("free", false), ("theirs", false)] {
        let before = house.lines().len();
        let reply = house.user(name).mail_from(HR, &[CANDIDATE], &rejection(CANDIDATE));
        assert_eq!((reply.0, &house.lines()[before..]), (250, &[line][..]), "{name}: {}", reply.1);
    }
    // The same person counts once.
    assert_eq!(house.credits(), 1);
    let mut client = house.client(None);
    assert_eq!((log_in(&mut client, "boss", PASSWORD), log_in(&mut client, "bound", "plum blossom 8")), (535, 535));
    assert_eq!(client.mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 550);
}

#[test]
fn a_user_who_is_removed_hands_in_no_more_mail_on_a_connection_from_before() {
    let house = House::new();
    house.change_users(&["add", "bound", "--role", "relay", "--company", "sakura"]);
    let mut client = house.user("bound");
    assert_eq!(client.mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 250);
    house.change_users(&["remove", "bound"]);
    let reply = client.mail(&[CANDIDATE], &rejection(CANDIDATE));
    assert!(reply.1.starts_with("550 5.7.1 "), "{reply:?}");
    assert_eq!((house.lines(), house.credits()), (vec![true], 1));
}

#[test]
fn a_password_opens_the_door_again_and_again_until_it_is_changed() {
    let house = House::new();
    house.change_users(&["add", "bound", "--role", "relay", "--company", "sakura"]);
    house.change_users(&["add", "other", "--role", "relay"]);
    for _ in 0..20 {
        drop(house.user("bound"));
    }
    house.change_users(&["remove", "bound"]);
    assert_eq!(log_in(&mut house.client(None), "bound", PASSWORD), 535);
    house.change_users(&["add", "bound", "--role", "relay", "--company", "sakura"]);
    drop(house.user("bound"));
    let log = house.gateway.log();
    assert!(!log.contains(PASSWORD) && !log.contains("argon2id"), "{log}");
}

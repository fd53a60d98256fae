//! Files that the settings name: certificates, keys, passwords and routing secrets, as `check` sees them.

use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;
use crate::config::{NextHop, TlsMode};
use crate::ledger::Proves;
use crate::sys::tls::certificates::{Authority, Use};

/// An installation in a folder of its own.
struct House(TempDir);

impl House {
    fn new(config: &str, company: &str) -> Self {
        let house = Self(tempfile::tempdir().unwrap_or_else(|e| panic!("{e}")));
        house.put("companies/sakura.toml", &format!("{COMPANY}{company}"), 0o600);
        house.put("career-relay.toml", config, 0o600);
        house
    }

    fn put(&self, name: &str, text: &str, mode: u32) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(&path)).unwrap_or_else(|e| panic!("{e}"));
        fs::write(&path, text).unwrap_or_else(|e| panic!("{e}"));
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap_or_else(|e| panic!("{e}"));
    }

    /// A certificate and its key as `NAME.pem` and `NAME.key`.
    fn issue(&self, name: &str, until: i32) {
        let issued = Authority::new("Test").issue_until(&["gw.sakura.example"], Use::Server, until);
        self.put(&format!("{name}.pem"), &issued.certificate, 0o644);
        self.put(&format!("{name}.key"), &issued.key, 0o600);
    }

    fn findings(&self) -> String {
        findings(&self.0.path().join("career-relay.toml"))
    }

    fn settings(&self) -> Settings {
        let inspection = inspect(&self.0.path().join("career-relay.toml"));
        inspection.settings.unwrap_or_else(|| panic!("{:?}", inspection.findings))
    }

    /// What is found, as far as it matters: each line holds one of `expect`, and there are no others.
    fn check(&self, expect: &[&str]) {
        let found = self.findings();
        let lines: Vec<&str> = found.lines().collect();
        assert_eq!(lines.len(), expect.len(), "{found}");
        for (line, part) in lines.iter().zip(expect) {
            assert!(line.contains(part), "{line}\ndoes not hold {part}");
        }
    }
}

const COMPANY: &str = "id = \"sakura\"\nname_ja = \"さくら\"\nname_en = \"Sakura\"\npurpose = \"次の一歩\"\n\
    sender_domains = [\"sakura.example\"]\nlink = \"https://careerrelay.jp/r/{token}\"\n\
    [[contract]]\nseries = \"main\"\nversion = 1\nfrom = 2026-04-01\ncount_on = \"accepted\"\n[proved_by]\n";
const TLS: &str = "[tls]\ncertificate = \"gw.pem\"\nkey = \"gw.key\"\n";
const NETWORK: &str = "networks = [\"192.0.2.0/24\"]\n";
const SECRET: &str = "sakura-8f3a91c2d4e5";

#[test]
fn a_certificate_with_its_key_is_taken_and_found_beside_the_file() {
    let house = House::new(TLS, NETWORK);
    house.issue("gw", 2099);
    house.check(&[]);
    let files = house.settings().tls.files().unwrap_or_else(|| panic!("no files"));
    assert_eq!(files.certificate, house.0.path().join("gw.pem"));
}

#[test]
fn a_key_of_another_certificate_is_a_fault_at_the_key() {
    let house = House::new(TLS, NETWORK);
    house.issue("gw", 2099);
    house.issue("other", 2099);
    fs::copy(house.0.path().join("other.key"), house.0.path().join("gw.key")).unwrap_or_else(|e| panic!("{e}"));
    house.check(&["career-relay.toml:3: tls.key: the key in "]);
    house.put("gw.key", "no key at all", 0o600);
    house.check(&["career-relay.toml:3: tls.key: "]);
    house.put("gw.pem", "no certificate at all", 0o644);
    house.check(&["career-relay.toml:2: tls.certificate: "]);
}

#[test]
fn an_old_certificate_and_a_key_for_all_eyes_are_warned_of() {
    let house = House::new(TLS, NETWORK);
    house.issue("gw", 2025);
    let key = house.0.path().join("gw.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap_or_else(|e| panic!("{e}"));
    house.check(&["warning: tls.certificate: ", "warning: tls.key: "]);
}

#[test]
fn routing_secrets_come_from_files_of_their_own_two_at_most() {
    let two_files = "routing_secret_files = [\"new.route\", \"old.route\"]\n";
    let house = House::new("", two_files);
    house.put("companies/new.route", &format!("  {SECRET}\n\n"), 0o600);
    house.put("companies/old.route", "sakura-0123456789ab", 0o640);
    house.check(&[]);
    let secrets = house.settings().companies[0].proved_by.routing.clone();
    assert_eq!(
        secrets.iter().map(crate::pipeline::Secret::reveal).collect::<Vec<_>>(),
        [SECRET, "sakura-0123456789ab"]
    );
    house.put("companies/old.route", "sakura-0123456789ab\nsakura-0123456789ac\n", 0o600);
    house.check(&["proved_by.routing_secret_files: 3 routing secrets; "]);
    house.put("companies/old.route", "a\nb\nc\n", 0o600);
    house.check(&["proved_by.routing_secret_files: 3 secrets in one file; "]);
}

#[test]
fn a_routing_secret_that_can_be_guessed_seen_or_broken_is_told() {
    let house = House::new("", "routing_secret_files = [\"route\"]\n");
    let check = |text: &str, mode, part| {
        house.put("companies/route", text, mode);
        house.check(&[part]);
    };
    check("fifteen-letters", 0o600, "can be guessed");
    check("sixteen letters!", 0o600, "can be guessed");
    check("さくらの秘密のことば", 0o600, "can be guessed");
    check("\n\n", 0o600, " is empty; ");
    check(&"x".repeat(5000), 0o600, "too long");
    check(SECRET, 0o604, "warning: proved_by.routing_secret_files: ");
}

#[test]
fn one_routing_secret_or_tenant_for_two_companies_is_a_fault() {
    let shared = "[[shared_clients]]\nname = \"cloud\"\ncertificates = [\"mail.cloud.example\"]\n\
                  tenant_header = \"X-Tenant\"\n\
                  [tls]\ncertificate = \"gw.pem\"\nkey = \"gw.key\"\nclient_ca = \"gw.pem\"\n";
    let proofs = "routing_secret_files = [\"route\"]\ntenant = \"Group.cloud.example\"\n";
    let house = House::new(shared, proofs);
    house.issue("gw", 2099);
    house.put("companies/route", SECRET, 0o600);
    house.check(&[]);
    let other = COMPANY.replace("sakura", "tsubaki") + &proofs.to_lowercase();
    house.put("companies/tsubaki.toml", &other, 0o600);
    house.check(&["tsubaki.toml:13: proved_by.routing_secret_files: ", "tsubaki.toml:14: proved_by.tenant: "]);
}

#[test]
fn a_password_is_one_line_and_stands_in_no_finding() {
    let route = "[[route]]\nname = \"default\"\nnext_hop = \"smarthost.example:587\"\ntls = \"verified\"\n\
                 user = \"relay\"\npassword_file = \"smarthost.password\"\n";
    let house = House::new(route, NETWORK);
    house.put("smarthost.password", "plum blossom\n", 0o600);
    house.check(&[]);
    let login = house.settings().routes[0].login.clone().unwrap_or_else(|| panic!("no login"));
    assert_eq!((login.user.as_str(), login.password.reveal()), ("relay", "plum blossom"));
    house.put("smarthost.password", "plum blossom\nand more\n", 0o604);
    house.check(&["warning: route.password_file: ", "route.password_file: not one password; "]);
    assert!(!house.findings().contains("plum"));
}

#[test]
fn a_password_for_whoever_answers_is_warned_of_with_what_to_do() {
    for (tls, warned) in [("required", true), ("opportunistic", true), ("verified", false)] {
        let route = "[[route]]\nname = \"default\"\nnext_hop = \"smarthost.example:587\"\n\
                     user = \"relay\"\npassword_file = \"smarthost.password\"\n";
        let house = House::new(&format!("{route}tls = \"{tls}\"\n"), NETWORK);
        house.put("smarthost.password", "plum blossom\n", 0o600);
        let wanted =
            format!("warning: route.user: the password goes to whoever answers for the next hop: tls = \"{tls}\" ");
        let all: [&str; 1] = [&wanted];
        house.check(if warned { &all } else { &[] });
        assert_eq!(house.findings().contains("set tls = \"verified\", with tls_ca and tls_names"), warned);
        assert!(house.settings().routes[0].login.is_some());
    }
}

#[test]
fn the_recipients_own_servers_prove_delivery_unless_it_is_said_otherwise() {
    let route = |more: &str| {
        let text = format!("[[route]]\nname = \"default\"\nnext_hop = \"mx:2525\"\n{more}");
        let house = House::new(&text, NETWORK);
        house.check(&[]);
        house.settings().routes[0].clone()
    };
    let plain = route("");
    assert_eq!((plain.next_hop, plain.proves), (NextHop::Mx { port: 2525 }, Proves::Delivered));
    assert_eq!((plain.tls.mode, plain.chunking), (TlsMode::Opportunistic, true));
    assert_eq!(route("proves = \"accepted\"\n").proves, Proves::Accepted);
}

#[test]
fn a_credential_is_read_where_the_service_manager_puts_it_and_missed_elsewhere() {
    let route = "[[route]]\nname = \"default\"\nnext_hop = \"smarthost.example:587\"\ntls = \"verified\"\n\
                 user = \"relay\"\npassword_file = \"credential:smarthost\"\n";
    let house = House::new(route, NETWORK);
    house.check(&["warning: route.password_file: the credential \"smarthost\" "]);
    let settings = house.settings();
    assert_eq!(settings.credentials_missing, ["smarthost"]);
    assert_eq!(settings.routes[0].login, None);

    house.put("handed/smarthost", "plum blossom", 0o400);
    let report = Report::default();
    let handed = Some(house.0.path().join("handed"));
    let source = Source::new(&house.0.path().join("career-relay.toml"), route.to_owned()).with_credentials(handed);
    let table = parse(&source, &report);
    let (settings, _) = installation::read(&Section::top(&source, &report, table.get_ref()), house.0.path());
    assert_eq!((report.credentials_missing().len(), report.finish().len()), (0, 0));
    assert!(settings.routes[0].login.as_ref().is_some_and(|l| l.password.is(b"plum blossom")));
}

#[test]
fn the_kits_are_taken_once_their_files_are_there() {
    let kits = package().join("config/kits");
    let entries = fs::read_dir(&kits).unwrap_or_else(|e| panic!("{}: {e}", kits.display()));
    let files: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "toml")).collect();
    assert!(files.len() >= 4, "{files:?}");
    for kit in files {
        assert!(kit.with_extension("md").exists(), "{} has nothing to read beside it", kit.display());
        let proofs = "users = []\nnetworks = [\"192.0.2.0/24\"]\nrouting_secret_files = [\"route\"]\n";
        let text = text(&kit).replace("credential:", "").replace("\"system\"", "\"tls.pem\"");
        let house = House::new(&text, proofs);
        let issued = Authority::new("Test").issue(&["gw.company.example"], Use::Server);
        house.put("tls.pem", &issued.certificate, 0o644);
        house.put("tls.key", &issued.key, 0o600);
        house.put("companies/route", SECRET, 0o600);
        assert_eq!(house.findings(), "", "{}", kit.display());
    }
}

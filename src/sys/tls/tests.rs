//! Handshakes over loopback with certificates of our own making.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::ClientConfig;
use rustls::crypto::ring as crypto;
use rustls::pki_types::ServerName;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use super::certificates::{Authority, Issued, Use};
use super::*;

const HOST: &str = "gw.sakura.example";
const PATIENCE: Duration = Duration::from_secs(10);

/// A server's files, and who signed them.
struct House {
    folder: TempDir,
    authority: Authority,
    files: ServerFiles,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::new("Ours");
        let (certificate, key) = authority.issue(&[HOST], Use::Server).write(folder.path(), "server");
        fs::write(folder.path().join("clients.pem"), authority.pem()).expect("a file");
        let clients = ClientRoots::File(folder.path().join("clients.pem"));
        Self { folder, authority, files: ServerFiles { certificate, key, clients } }
    }

    fn tls(&self) -> ServerTls {
        ServerTls::open(self.files.clone()).unwrap_or_else(|fault| panic!("{fault}"))
    }

    /// How a client shakes hands that shows this certificate.
    fn client(&self, shown: Option<&Issued>) -> ClientConfig {
        let builder = ClientConfig::builder_with_provider(Arc::new(crypto::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("versions");
        let builder = builder.with_root_certificates(self.authority.roots());
        match shown {
            None => builder.with_no_client_auth(),
            Some(issued) => builder.with_client_auth_cert(issued.chain(), issued.private_key()).expect("a certificate"),
        }
    }
}

/// What the server makes of a client, after an octet has gone each way; and whether the session was resumed.
async fn meet(tls: &ServerTls, client: &Arc<ClientConfig>) -> (Result<Vec<String>, String>, bool) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = async {
        let (socket, _) = listener.accept().await.expect("a client");
        let (mut stream, names) = tls.accept(socket, PATIENCE).await.map_err(|e| e.to_string())?;
        let octet = stream.read_u8().await.map_err(|e| e.to_string())?;
        stream.write_u8(octet).await.map_err(|e| e.to_string())?;
        assert!(stream.is_tls());
        Ok(names)
    };
    let connector = TlsConnector::from(Arc::clone(client));
    let client = async {
        let socket = TcpStream::connect(address).await.expect("a server");
        let name = ServerName::try_from(HOST).expect("a name");
        let mut stream = connector.connect(name, socket).await.ok()?;
        stream.write_u8(7).await.ok()?;
        assert_eq!(stream.read_u8().await.ok()?, 7);
        Some(stream.get_ref().1.handshake_kind() == Some(rustls::HandshakeKind::Resumed))
    };
    let (names, resumed) = tokio::join!(server, client);
    (names, resumed.unwrap_or(false))
}

async fn names_of(house: &House, shown: Option<&Issued>) -> Vec<String> {
    meet(&house.tls(), &Arc::new(house.client(shown))).await.0.unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn a_verified_certificate_gives_its_names_and_its_print_for_either_side_of_tls() {
    let house = House::new();
    for of_use in [Use::Client, Use::Server, Use::Both, Use::Unsaid] {
        let shown = house.authority.issue(&["Mail.Sakura.example", "b.sakura.example"], of_use);
        let names = names_of(&house, Some(&shown)).await;
        assert_eq!(names[..2], ["mail.sakura.example", "b.sakura.example"], "{of_use:?}");
        let print = names[2].strip_prefix("sha256:").expect("a print");
        assert!(names.len() == 3 && print.len() == 64 && print.bytes().all(|b| b"0123456789abcdef".contains(&b)));
    }
    assert!(names_of(&house, None).await.is_empty());
}

#[tokio::test]
async fn a_certificate_that_proves_nothing_gives_no_name_and_loses_no_client() {
    let house = House::new();
    let stranger = Authority::new("Ours");
    for shown in [
        stranger.issue(&["mail.sakura.example"], Use::Client),
        house.authority.issue_until(&["mail.sakura.example"], Use::Client, 2021),
        house.authority.issue(&["mail.sakura.example"], Use::Mail),
    ] {
        let names = names_of(&house, Some(&shown)).await;
        assert!(names.is_empty(), "{names:?}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_hold_the_key_of_what_it_shows_is_no_client() {
    let house = House::new();
    let stolen = house.authority.issue(&["mail.sakura.example"], Use::Client);
    let own = house.authority.issue(&["own.sakura.example"], Use::Client);
    let key = crypto::sign::any_supported_type(&own.private_key()).expect("a key");
    let certified = Arc::new(rustls::sign::CertifiedKey::new(stolen.chain(), key));
    let builder = ClientConfig::builder_with_provider(Arc::new(crypto::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    let builder = builder.with_root_certificates(house.authority.roots());
    let thief = builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
    let (names, _) = meet(&house.tls(), &Arc::new(thief)).await;
    assert!(names.is_err(), "{names:?}");
}

#[tokio::test]
async fn a_resumed_session_has_the_names_of_the_first_as_long_as_they_are_good() {
    let house = House::new();
    let tls = house.tls();
    let shown = house.authority.issue(&["mail.sakura.example"], Use::Client);
    let client = Arc::new(house.client(Some(&shown)));
    let (first, resumed) = meet(&tls, &client).await;
    assert!(!resumed && first.as_ref().is_ok_and(|names| names.len() == 2));
    assert_eq!(meet(&tls, &client).await, (first, true));
}

#[tokio::test]
async fn a_client_that_does_not_shake_hands_in_time_is_let_go() {
    let house = House::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let _silent = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("a server");
    let (socket, _) = listener.accept().await.expect("a client");
    let ended = house.tls().accept(socket, Duration::ZERO).await.expect_err("an end");
    assert_eq!(ended.kind(), std::io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn changed_files_are_taken_whole_and_a_fault_keeps_what_is_in_force() {
    let house = House::new();
    let (tls, folder) = (house.tls(), house.folder.path());
    let client = |roots: &Authority| {
        let builder = ClientConfig::builder_with_provider(Arc::new(crypto::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("versions");
        Arc::new(builder.with_root_certificates(roots.roots()).with_no_client_auth())
    };
    let next = Authority::new("Next");
    let issued = next.issue(&[HOST], Use::Server);
    // First the chain alone, as a renewal in its middle: chain and key do not fit.
    issued.write(folder, "next");
    fs::rename(folder.join("next.pem"), folder.join("server.pem")).expect("a file");
    tls.look_again();
    assert!(matches!(tls.reload(), Err(TlsFault::Mismatch { .. })));
    assert!(meet(&tls, &client(&house.authority)).await.0.is_ok());
    fs::rename(folder.join("next.key"), folder.join("server.key")).expect("a file");
    tls.look_again();
    assert!(meet(&tls, &client(&next)).await.0.is_ok());
    assert!(meet(&tls, &client(&house.authority)).await.0.is_err());
    fs::remove_file(folder.join("server.pem")).expect("a file");
    tls.look_again();
    assert!(meet(&tls, &client(&next)).await.0.is_ok());
}

#[tokio::test(start_paused = true)]
async fn files_that_change_are_found_within_a_minute() {
    let house = House::new();
    let tls = house.tls();
    let following = tokio::spawn(tls.clone().follow_files());
    house.authority.issue_until(&[HOST], Use::Server, 2021).write(house.folder.path(), "server");
    let looked = async {
        while tls.warning(SystemTime::now()).is_none() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_mins(1), looked).await.is_ok());
    following.abort();
}

#[test]
fn each_fault_names_its_file_and_what_to_do() {
    let house = House::new();
    let folder = house.folder.path();
    let file = |name: &str, text: &str| {
        fs::write(folder.join(name), text).expect("a file");
        folder.join(name)
    };
    let issued = house.authority.issue(&[HOST], Use::Server);
    let other = file("other.key", &issued.key);
    let garbled = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let check = |files: ServerFiles, words: &[&str]| {
        let Err(fault) = ServerTls::open(files) else { panic!("no fault, wanted {words:?}") };
        let text = fault.to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{text:?} without one of {words:?}");
    };
    let with = |change: &dyn Fn(&mut ServerFiles)| {
        let mut files = house.files.clone();
        change(&mut files);
        files
    };
    check(with(&|f| f.certificate = folder.join("gone.pem")), &["gone.pem", "cannot be read"]);
    check(with(&|f| f.certificate = file("empty.pem", "x")), &["empty.pem", "no certificate"]);
    check(with(&|f| f.certificate = file("garbled.pem", garbled)), &["garbled.pem", "issued anew"]);
    check(with(&|f| f.key = f.certificate.clone()), &["server.pem", "no private key"]);
    check(with(&|f| f.key = other.clone()), &["other.key", "server.pem", "not that of"]);
    check(with(&|f| f.clients = ClientRoots::File(folder.join("no.pem"))), &["no.pem", "cannot be read"]);
    check(with(&|f| f.clients = ClientRoots::File(other.clone())), &["other.key", "no certificate"]);
}

#[test]
fn a_certificate_out_of_its_time_is_served_and_said() {
    let house = House::new();
    let at = |year: i64| SystemTime::UNIX_EPOCH + Duration::from_secs((year.cast_unsigned() - 1970) * 31_556_952);
    let tls = house.tls();
    let said = |year| tls.warning(at(year)).unwrap_or_default();
    assert!(said(2019).contains("not yet valid") && said(2101).contains("expired") && said(2050).is_empty());
    let nearly = at(2099) - Duration::from_hours(5 * 24);
    assert!(tls.warning(nearly).is_some_and(|text| text.contains("within a week")));
}

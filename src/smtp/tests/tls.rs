//! TLS at the door: from the first octet or by STARTTLS, and nothing of what was said before it.

use std::fs;

use rustls::ClientConfig;
use rustls::crypto::ring as crypto;
use rustls::pki_types::ServerName;
use tempfile::TempDir;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::config::{ClientCa, DoorTls, TlsSettings};
use crate::sys::tls::certificates::{Authority, Issued, Use};

/// Certificates for the door and for its clients.
pub(super) struct Papers {
    folder: TempDir,
    authority: Authority,
}

impl Papers {
    pub(super) fn new() -> Self {
        let (folder, authority) = (tempfile::tempdir().expect("a folder"), Authority::new("Ours"));
        authority.issue(&["relay.example"], Use::Server).write(folder.path(), "server");
        fs::write(folder.path().join("clients.pem"), authority.pem()).expect("a file");
        Self { folder, authority }
    }

    fn tls(&self) -> Option<ServerTls> {
        let file = |name: &str| Some(self.folder.path().join(name));
        let client_ca = ClientCa::File(self.folder.path().join("clients.pem"));
        let settings = TlsSettings { certificate: file("server.pem"), key: file("server.key"), client_ca };
        open_tls(&settings).unwrap_or_else(|fault| panic!("{fault}"))
    }

    /// A door with TLS.
    pub(super) fn plan(&self, begins: DoorTls) -> Plan {
        let mut plan = Plan::new(Limits::default());
        plan.tls = self.tls();
        plan.listener().tls = begins;
        plan
    }

    async fn shake(&self, socket: TcpStream, shown: Option<&Issued>) -> io::Result<TlsStream<TcpStream>> {
        let builder = ClientConfig::builder_with_provider(Arc::new(crypto::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("versions");
        let builder = builder.with_root_certificates(self.authority.roots());
        let config = match shown {
            None => builder.with_no_client_auth(),
            Some(issued) => builder.with_client_auth_cert(issued.chain(), issued.private_key()).expect("a certificate"),
        };
        let name = ServerName::try_from("relay.example").expect("a name");
        TlsConnector::from(Arc::new(config)).connect(name, socket).await
    }

    /// A client under TLS from the first octet.
    pub(super) async fn caller(&self, house: &House) -> Caller {
        Caller::over(self.shake(connect(house).await, None).await.expect("a handshake"))
    }

    /// Says these lines in clear, the last of them STARTTLS, and makes the handshake behind its 220.
    async fn start_tls(&self, house: &House, said: &str, shown: Option<&Issued>) -> io::Result<Caller> {
        let mut socket = TcpStream::connect(house.address).await?;
        socket.write_all(said.as_bytes()).await?;
        let mut heard = Vec::new();
        while !heard.ends_with(b"220 2.0.0 Go ahead\r\n") {
            heard.push(socket.read_u8().await?);
        }
        Ok(Caller::over(self.shake(socket, shown).await?))
    }
}

async fn connect(house: &House) -> TcpStream {
    TcpStream::connect(house.address).await.expect("an open door")
}

#[tokio::test]
async fn a_mail_gets_in_under_tls_from_the_first_octet() {
    let papers = Papers::new();
    let house = papers.plan(DoorTls::Implicit).open();
    let stream = papers.shake(connect(&house).await, None).await.expect("a handshake");
    let mut caller = Caller::over(stream);
    caller.open_data().await;
    caller.say("text\r\n.\r\nSTARTTLS\r\nQUIT\r\n").await;
    caller.expect(&["250 2.0.0 Taken", "503 5.5.1", "221"]).await;
    caller.expect_end().await;
    assert_eq!(house.notes.messages(), ["text\r\n"]);
}

#[tokio::test]
async fn a_mail_gets_in_behind_starttls_and_what_was_said_before_is_forgotten() {
    let papers = Papers::new();
    let house = papers.plan(DoorTls::StartTls).open();
    let mut caller = papers.start_tls(&house, "EHLO pc\r\nSTARTTLS\r\n", None).await.expect("a handshake");
    caller.say("MAIL FROM:<a@sakura.example>\r\n").await;
    caller.expect(&["503 5.5.1"]).await;
    caller.say(format!("{OPEN}DATA\r\n")).await;
    caller.expect(&["250 SMTPUTF8", "250 2.1.0", "250 2.1.5", "354"]).await;
    caller.say("text\r\n.\r\n").await;
    caller.expect(&["250 2.0.0 Taken"]).await;
    assert_eq!(house.notes.messages(), ["text\r\n"]);
}

/// CVE-2011-0411: what an attacker puts behind a client's STARTTLS must not be obeyed as if the client had said it.
#[tokio::test]
async fn commands_behind_starttls_in_clear_are_never_obeyed() {
    let papers = Papers::new();
    let house = papers.plan(DoorTls::StartTls).open();
    let injected = "EHLO pc\r\nSTARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@x.example>\r\nRCPT TO:<evil@x.example>\r\n";
    let mut caller = papers.start_tls(&house, injected, None).await.expect("a handshake");
    caller.say("NOOP\r\nDATA\r\n").await;
    caller.expect(&["250 2.0.0 OK", "503 5.5.1"]).await;
    // A transaction opened in clear is gone as well.
    let mut caller = papers.start_tls(&house, &format!("{OPEN}STARTTLS\r\n"), None).await.expect("a handshake");
    caller.say("DATA\r\n").await;
    caller.expect(&["503 5.5.1"]).await;
}

#[tokio::test]
async fn clear_text_where_a_handshake_is_due_ends_the_connection() {
    let papers = Papers::new();
    let house = papers.plan(DoorTls::Implicit).open();
    let mut caller = Caller::connect(&house).await;
    caller.say(format!("{OPEN}DATA\r\ntext\r\n.\r\n")).await;
    let mut heard = Vec::new();
    let _ = caller.0.read_to_end(&mut heard).await;
    assert!(!heard.starts_with(b"2"), "{:?}", heard.escape_ascii().to_string());
    assert!(house.notes.messages().is_empty());
    assert_eq!(house.counted("tls_failures"), 1);
}

#[tokio::test]
async fn without_a_certificate_or_where_it_is_off_there_is_no_starttls() {
    let papers = Papers::new();
    for house in [Plan::new(Limits::default()).open(), papers.plan(DoorTls::None).open()] {
        let mut caller = Caller::connect(&house).await;
        caller.say("EHLO pc\r\nSTARTTLS\r\n").await;
        caller.expect(&["220", "250 SMTPUTF8", "502 5.5.1"]).await;
    }
}

#[tokio::test]
async fn where_tls_is_required_mail_waits_for_it() {
    let papers = Papers::new();
    let mut plan = papers.plan(DoorTls::StartTls);
    plan.listener().tls_required = true;
    let house = plan.open();
    let mut caller = Caller::connect(&house).await;
    caller.say(OPEN).await;
    caller.expect(&["220", "250 SMTPUTF8", "530 5.7.0", "503"]).await;
    let mut caller = papers.start_tls(&house, "EHLO pc\r\nSTARTTLS\r\n", None).await.expect("a handshake");
    caller.say(OPEN).await;
    caller.expect(&["250 SMTPUTF8", "250 2.1.0", "250 2.1.5"]).await;
}

#[tokio::test]
async fn a_message_that_tls_cuts_off_is_no_message_with_and_without_a_farewell() {
    let papers = Papers::new();
    let house = papers.plan(DoorTls::Implicit).open();
    for (opening, part) in [("DATA\r\n", "half a mail\r\n"), ("BDAT 1000 LAST\r\n", "half a chunk\r\n")] {
        for farewell in [true, false] {
            let mut stream = papers.shake(connect(&house).await, None).await.expect("a handshake");
            let said = format!("{OPEN}{opening}{part}");
            stream.write_all(said.as_bytes()).await.expect("a client that is listened to");
            stream.flush().await.expect("a client that is listened to");
            if farewell {
                stream.shutdown().await.expect("a farewell");
            } else {
                stream.get_mut().0.shutdown().await.expect("an end");
            }
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
            assert!(!String::from_utf8_lossy(&rest).contains("Taken"), "{opening:?}");
        }
    }
    assert!(house.notes.messages().is_empty());
}

#[tokio::test]
async fn octets_behind_the_farewell_are_not_read() {
    let papers = Papers::new();
    let house = papers.plan(DoorTls::Implicit).open();
    let mut stream = papers.shake(connect(&house).await, None).await.expect("a handshake");
    stream.write_all(format!("{OPEN}DATA\r\nhalf\r\n").as_bytes()).await.expect("a client that is listened to");
    stream.get_mut().1.send_close_notify();
    stream.flush().await.expect("a farewell");
    stream.get_mut().0.write_all(b"rest\r\n.\r\n").await.expect("an open socket");
    let mut rest = Vec::new();
    let _ = stream.get_mut().0.read_to_end(&mut rest).await;
    assert!(house.notes.messages().is_empty());
}

#[tokio::test]
async fn a_stranger_with_a_verified_certificate_may_relay() {
    let papers = Papers::new();
    let mut plan = papers.plan(DoorTls::StartTls);
    plan.may_relay = |client| client.certificates.iter().any(|name| name == "mail.sakura.example");
    let house = plan.open();
    let known = papers.authority.issue(&["mail.sakura.example"], Use::Both);
    let forged = Authority::new("Ours").issue(&["mail.sakura.example"], Use::Both);
    for (shown, answer) in [(Some(&known), "250 2.1.5"), (Some(&forged), "550 5.7.1"), (None, "550 5.7.1")] {
        let mut caller = papers.start_tls(&house, "EHLO pc\r\nSTARTTLS\r\n", shown).await.expect("a handshake");
        caller.say(OPEN).await;
        caller.expect(&["250 SMTPUTF8", "250 2.1.0", answer]).await;
    }
}

#[tokio::test]
async fn half_a_thousand_stalled_handshakes_keep_nobody_out() {
    let papers = Papers::new();
    let mut plan = papers.plan(DoorTls::Implicit);
    plan.settings.limits.connections_per_client_max = 600;
    let house = plan.open();
    let mut stalled = Vec::new();
    for n in 0..500 {
        let mut socket = connect(&house).await;
        // Some say nothing, some begin a record and never end it.
        if n % 2 == 0 {
            socket.write_all(b"\x16\x03\x01\x02\x00\x01").await.expect("a client that is listened to");
        }
        stalled.push(socket);
    }
    let began = std::time::Instant::now();
    let mut caller = Caller::over(papers.shake(connect(&house).await, None).await.expect("a handshake"));
    caller.open_data().await;
    caller.say("text\r\n.\r\n").await;
    caller.expect(&["250 2.0.0 Taken"]).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

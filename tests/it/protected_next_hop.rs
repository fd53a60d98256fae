//! Next hops under TLS: a real Postfix with a certificate, a smarthost with a password, and one that offers nothing.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::certificates::{Authority, Issued, Use};
use crate::gateway::{Gateway, wait_for};
use crate::postfix::Postfix;
use crate::sink::Sink;
use crate::smtp::{Client, has_link, rejection};

const CANDIDATE: &str = "yamada@candidate.example";
const HASTY: &str = "[retry]\nwaits = [\"1s\"]\n";

/// An authority as PEM, and a server's certificate it has signed.
fn certificate(name: &str) -> (String, Issued) {
    let authority = Authority::new("An authority of next hops");
    (authority.pem(), authority.issue(&[name], Use::Server))
}

/// Key and chain, as Postfix wants them.
fn pem(issued: &Issued) -> String {
    format!("{}{}", issued.key, issued.certificate)
}

fn server(issued: &Issued) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("versions").with_no_client_auth();
    Arc::new(builder.with_single_cert(issued.chain(), issued.private_key()).expect("a chain"))
}

/// A gateway whose route has these keys; `tls_ca` names the authority.
fn gateway(next_hop: SocketAddr, keys: &str, authority: &str) -> Gateway {
    let mut gateway = Gateway::prepare(next_hop, &format!("{keys}\ntls_ca = \"ca.pem\"\n{HASTY}"), "127.0.0.0/8");
    fs::write(gateway.folder.path().join("ca.pem"), authority).expect("an authority");
    let password = gateway.folder.path().join("password");
    fs::write(&password, "plum blossom\n").expect("a password");
    fs::set_permissions(&password, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("a secret file");
    gateway.run();
    gateway
}

fn send(gateway: &Gateway) {
    assert_eq!(Client::connect(gateway.address).mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 250);
}

#[test]
fn a_referral_goes_to_postfix_under_verified_tls_and_counts() {
    let (authority, issued) = certificate("mx.candidate.example");
    let postfix = Postfix::under_tls(&pem(&issued));
    let keys = "tls = \"verified\"\ntls_names = [\"mx.candidate.example\"]";
    let gateway = gateway(postfix.address, keys, &authority);
    for _ in 0..3 {
        send(&gateway);
    }
    let mails = wait_for("the mails", || Some(postfix.delivered()).filter(|m| m.len() == 3));
    assert!(mails.iter().all(|m| has_link(m) && String::from_utf8_lossy(m).contains("using TLSv1.3")));
    assert_eq!(gateway.settled_credits(), 1);
    assert_eq!(gateway.log().matches("\"protection\":\"verified\"").count(), 3, "{}", gateway.log());
}

#[test]
fn a_postfix_that_shows_a_strangers_certificate_gets_nothing() {
    let postfix = Postfix::under_tls(&pem(&certificate("mx.candidate.example").1));
    let keys = "tls = \"verified\"\ntls_names = [\"mx.candidate.example\"]";
    let gateway = gateway(postfix.address, keys, &certificate("mx.candidate.example").0);
    send(&gateway);
    wait_for("the fault", || gateway.log().contains("next_hop_unusable").then_some(()));
    assert!(gateway.log().contains("invalid peer certificate"), "{}", gateway.log());
    assert!(postfix.delivered().is_empty());
    assert_eq!(gateway.ask_json(&["status"])["spool"]["entries"], 1);
}

#[test]
fn without_starttls_a_mail_that_needs_it_waits_and_the_log_says_why() {
    let sink = Sink::start();
    let gateway = Gateway::start_with(sink.address, &format!("tls = \"required\"\n{HASTY}"));
    send(&gateway);
    wait_for("the fault", || gateway.log().contains("next_hop_unusable").then_some(()));
    assert!(gateway.log().contains("127.0.0.1 does not offer STARTTLS"), "{}", gateway.log());
    assert!(sink.taken().is_empty());
    assert_eq!(gateway.ask_json(&["status"])["spool"]["entries"], 1);
}

type Heard = Arc<Mutex<Vec<String>>>;

/// A smarthost that wants TLS and a password, and takes only the second one said to it.
fn smarthost(issued: &Issued) -> (SocketAddr, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (config, lines) = (server(issued), Heard::default());
    let heard = Arc::clone(&lines);
    std::thread::spawn(move || {
        for (number, socket) in listener.incoming().flatten().enumerate() {
            let auth = if number == 0 { "535 5.7.8 Who is that" } else { "235 Welcome" };
            // The client goes when it has what it wants.
            let _ = serve(socket, &config, auth, &heard);
        }
    });
    (address, lines)
}

fn serve(mut socket: TcpStream, config: &Arc<ServerConfig>, auth: &str, heard: &Heard) -> Option<()> {
    socket.write_all(b"220 smarthost\r\n").ok()?;
    let mut clear = BufReader::new(socket.try_clone().ok()?);
    converse(&mut clear, &mut socket, &[("EHLO", "250-x\r\n250 STARTTLS"), ("STARTTLS", "220 go")], heard)?;
    let stream = StreamOwned::new(ServerConnection::new(Arc::clone(config)).ok()?, socket);
    let stream = Arc::new(Mutex::new(stream));
    let script =
        [("EHLO", "250-x\r\n250-CHUNKING\r\n250 AUTH PLAIN"), ("AUTH", auth), ("MAIL", "250 ok"), ("RCPT", "250 ok")];
    let mut input = BufReader::new(Shared(Arc::clone(&stream)));
    converse(&mut input, &mut Shared(Arc::clone(&stream)), &script, heard)?;
    let command = line(&mut input)?;
    let octets = command.strip_prefix("BDAT ")?.strip_suffix(" LAST")?.parse().ok()?;
    let mut message = vec![0; octets];
    input.read_exact(&mut message).ok()?;
    heard.lock().expect("the lines").push(String::from_utf8_lossy(&message).into_owned());
    Shared(stream).write_all(b"250 taken\r\n").ok()
}

/// Both ends of one connection under TLS.
struct Shared(Arc<Mutex<StreamOwned<ServerConnection, TcpStream>>>);

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.lock().expect("the stream").read(buffer)
    }
}

impl Write for Shared {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("the stream").write(octets)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.lock().expect("the stream").flush()
    }
}

fn line(input: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    (input.read_line(&mut line).ok()? > 0).then(|| line.trim_end().to_owned())
}

/// Hears each command of the script in turn and answers it.
fn converse(input: &mut impl BufRead, output: &mut impl Write, script: &[(&str, &str)], heard: &Heard) -> Option<()> {
    for (command, answer) in script {
        let said = line(input).filter(|said| said.starts_with(command))?;
        heard.lock().expect("the lines").push(said);
        output.write_all(format!("{answer}\r\n").as_bytes()).ok()?;
        output.flush().ok()?;
    }
    Some(())
}

#[test]
fn a_refused_password_bounces_nobody_and_a_taken_one_is_said_under_tls_alone() {
    let (authority, issued) = certificate("smart.example");
    let (address, heard) = smarthost(&issued);
    let keys = "tls = \"verified\"\ntls_names = [\"smart.example\"]\nuser = \"relay\"\npassword_file = \"password\"";
    let gateway = gateway(address, keys, &authority);
    send(&gateway);
    assert_eq!(gateway.settled_credits(), 1);
    let heard = heard.lock().expect("the lines").clone();
    let auth = "AUTH PLAIN AHJlbGF5AHBsdW0gYmxvc3NvbQ==";
    assert_eq!(heard.iter().filter(|said| *said == auth).count(), 2, "{heard:?}");
    assert!(heard.last().is_some_and(|message| has_link(message.as_bytes())), "{heard:?}");
    let log = gateway.log();
    assert!(log.contains("535 5.7.8 Who is that") && !log.contains("plum") && !log.contains("AHJlbGF5"), "{log}");
}

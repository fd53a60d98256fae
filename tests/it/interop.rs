//! A gateway with every kind of door for real programs, and what the matrix of them compares.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::certificates::{Authority, Use};
use crate::gateway::{Gateway, binary, free_port};
use crate::smtp::{has_link, ordinary, rejection};

/// The candidate of the rejection, and who gets the ordinary mail.
pub const CANDIDATE: &str = "yamada@candidate.example";
pub const PARTNER: &str = "partner@vendor.example";
/// Who logs in, at either side.
pub const USER: &str = "hr";
pub const PASSWORD: &str = "plum-Blossom.7";

/// Whether and when a connection is protected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protection {
    Clear,
    StartTls,
    Implicit,
}

/// Whether and how a client says who it is (RFC 4954).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Auth {
    None,
    Plain,
    Login,
}

impl Protection {
    /// The ways to log in that are to be had: none in clear.
    pub fn logins(self) -> &'static [Auth] {
        if self == Self::Clear { &[Auth::None] } else { &[Auth::None, Auth::Plain, Auth::Login] }
    }
}

/// An authority and what it has signed for a server on this host, as files.
pub struct Papers {
    folder: TempDir,
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub authority: PathBuf,
}

impl Papers {
    /// For a server of these names.
    pub fn issue() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let authority = Authority::new("authority of the tests");
        let issued = authority.issue(&["gw.sakura.example", "mx.candidate.example", "localhost"], Use::Server);
        let (certificate, key) = issued.write(folder.path(), "server");
        for_owner_alone(&key);
        let authority_file = folder.path().join("ca.pem");
        fs::write(&authority_file, authority.pem()).expect("a file");
        Self { certificate, key, authority: authority_file, folder }
    }

    /// The options by which a mail server shows them.
    pub fn shown(&self) -> Vec<String> {
        vec![format!("cert={}", self.certificate.display()), format!("key={}", self.key.display())]
    }

    /// A file with the password alone.
    pub fn password_file(&self, password: &str) -> PathBuf {
        let path = self.folder.path().join("password");
        fs::write(&path, format!("{password}\n")).expect("a file");
        for_owner_alone(&path);
        path
    }
}

fn for_owner_alone(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("its mode");
}

/// A gateway with a door of each kind.
pub struct Doors {
    pub gateway: Gateway,
    pub papers: Papers,
    starttls: SocketAddr,
    implicit: SocketAddr,
}

impl Doors {
    /// One that relays to `next_hop`. Where clients log in it relays for nobody else.
    pub fn open(next_hop: SocketAddr, auth: Auth) -> Self {
        Self::open_with(next_hop, auth, "")
    }

    /// One whose route has more keys.
    pub fn open_with(next_hop: SocketAddr, auth: Auth, route: &str) -> Self {
        let papers = Papers::issue();
        let at = || SocketAddr::from(([127, 0, 0, 1], free_port()));
        let (starttls, implicit) = (at(), at());
        let Papers { certificate, key, .. } = &papers;
        let mut more =
            format!("{route}[tls]\ncertificate = \"{}\"\nkey = \"{}\"\n", certificate.display(), key.display());
        for (address, tls) in [(starttls, "starttls"), (implicit, "implicit")] {
            let _ = write!(more, "[[listener]]\naddress = \"{address}\"\ntls = \"{tls}\"\ntls_required = true\n");
        }
        let network = if auth == Auth::None { "127.0.0.0/8" } else { "192.0.2.0/24" };
        let mut gateway = Gateway::prepare(next_hop, &more, network);
        gateway.run();
        if auth != Auth::None {
            add_user(&gateway);
        }
        Self { gateway, papers, starttls, implicit }
    }

    /// The port of a door.
    pub fn port(&self, protection: Protection) -> u16 {
        match protection {
            Protection::Clear => self.gateway.address.port(),
            Protection::StartTls => self.starttls.port(),
            Protection::Implicit => self.implicit.port(),
        }
    }
}

/// Adds the user who writes for the company.
fn add_user(gateway: &Gateway) {
    let mut command = binary();
    command.args(["user", "add", USER, "--role", "relay", "--company", "sakura", "--config"]).arg(gateway.config());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary runs");
    child.stdin.take().expect("a pipe").write_all(PASSWORD.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Runs a program to its end; one that is missing fails with what to do about it.
pub fn run(command: &mut Command) -> (bool, String) {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|e| panic!("{command:?}: {e}: run tests/setup, which installs it"));
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// What came out of the two mails that went in: the ordinary one untouched, the rejection with its line once.
/// `tail` is what the client ends every mail with of its own.
pub fn check_arrived(came: &[Vec<u8>], tail: &str, what: &str) {
    assert_eq!(came.len(), 2, "{what}: mails came out");
    let (refused, others): (Vec<_>, Vec<_>) = came.iter().partition(|m| names(m, CANDIDATE));
    assert_eq!((refused.len(), others.len()), (1, 1), "{what}: one of each");
    let with_tail = |mail: Vec<u8>| [&mail[..], tail.as_bytes()].concat();
    let (sent, got) = (with_tail(ordinary(PARTNER)), behind_traces(others[0]));
    assert!(got == sent, "{what}: changed on the way:\n{}", String::from_utf8_lossy(&got));
    let (sent, got) = (with_tail(rejection(CANDIDATE)), behind_traces(refused[0]));
    let inserted = inserted(&got, &sent).unwrap_or_else(|| {
        panic!("{what}: more than one run of octets differs:\n{}", String::from_utf8_lossy(&got));
    });
    assert!(has_link(inserted), "{what}: no link in {:?}", String::from_utf8_lossy(inserted));
    assert_eq!(String::from_utf8_lossy(&got).matches("https://careerrelay.jp/r/").count(), 1, "{what}: links");
}

fn names(mail: &[u8], recipient: &str) -> bool {
    String::from_utf8_lossy(mail).contains(&format!("\nTo: {recipient}"))
}

/// The mail with CRLF from its author's first field on; only trace fields may stand in front of that.
pub fn behind_traces(mail: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(mail.to_vec()).expect("UTF-8, as it was sent").replace("\r\n", "\n");
    let first = text.find("From: saiyo@").expect("the author's first field");
    for line in text[..first].lines().filter(|l| !l.starts_with([' ', '\t'])) {
        let trace = ["Received:", "Return-Path:", "Return-path:", "Delivered-To:", "X-Original-To:", "Envelope-to:"];
        assert!(trace.iter().any(|t| line.starts_with(t)), "not a trace field: {line}");
    }
    text[first..].replace('\n', "\r\n").into_bytes()
}

/// The one run of octets that `got` has and `sent` has not.
fn inserted<'a>(got: &'a [u8], sent: &[u8]) -> Option<&'a [u8]> {
    let before = got.iter().zip(sent).take_while(|(a, b)| a == b).count();
    let behind = got.iter().rev().zip(sent.iter().rev()).take_while(|(a, b)| a == b).count();
    let more = got.len().checked_sub(sent.len())?;
    (before + behind >= sent.len()).then(|| &got[before..before + more])
}

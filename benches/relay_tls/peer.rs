//! The relays that are compared, each with TLS on both sides and the same certificate.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::processes::Watch;
use crate::tls::Tls;

/// Who relays.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Ours: reads every mail, writes the line, counts it.
    CareerRelay,
    /// Postfix as it comes: a TLS connection to the next hop for each mail.
    Postfix,
    /// Postfix with `smtp_tls_connection_reuse = yes`.
    PostfixReuse,
}

impl Kind {
    /// All of them, as they are measured.
    pub const ALL: [Self; 3] = [Self::CareerRelay, Self::Postfix, Self::PostfixReuse];

    /// Its name on the command line and in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::CareerRelay => "career-relay",
            Self::Postfix => "postfix",
            Self::PostfixReuse => "postfix-reuse",
        }
    }

    /// What says which version it is.
    pub fn version(self) -> String {
        let output = match self {
            Self::CareerRelay => said(Command::new(env!("CARGO_BIN_EXE_career-relay")).arg("--version")),
            _ => said(Command::new("/usr/sbin/postconf").args(["-d", "mail_version"])),
        };
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

/// One that runs, in a folder of its own, until it is dropped.
pub struct Peer {
    kind: Kind,
    folder: TempDir,
    pub port: u16,
    child: Option<Child>,
}

impl Peer {
    /// Starts it and waits until it answers.
    pub fn start(kind: Kind, tls: &Tls, next_hop: u16, implicit: bool) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let folder = tempfile::tempdir().expect("a folder");
        let mut peer = Self { kind, folder, port, child: None };
        match kind {
            Kind::CareerRelay => peer.start_ours(tls, next_hop, implicit),
            Kind::Postfix | Kind::PostfixReuse => peer.start_postfix(tls, next_hop, implicit),
        }
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).is_err() {
            assert!(Instant::now() < until, "{} does not answer; see {}", kind.name(), peer.folder.path().display());
            std::thread::sleep(Duration::from_millis(10));
        }
        peer
    }

    fn start_ours(&mut self, tls: &Tls, next_hop: u16, implicit: bool) {
        let script = in_package("benches/career_relay.sh");
        let mut command = Command::new(script);
        command.env("CAREER_RELAY_BIN", env!("CARGO_BIN_EXE_career-relay")).env("RUN_IN_FRONT", "yes");
        command.env("BENCH_TLS", tls.file("")).env("BENCH_DOOR", if implicit { "implicit" } else { "starttls" });
        command.arg("start").arg(self.folder.path()).arg(self.port.to_string()).arg(next_hop.to_string());
        self.child = Some(command.stdin(Stdio::null()).spawn().expect("the script runs"));
    }

    fn start_postfix(&self, tls: &Tls, next_hop: u16, implicit: bool) {
        let mut command = Command::new(in_package("tests/postfix-instance"));
        command.arg("start").arg(self.folder.path()).arg(self.port.to_string());
        command.arg(if implicit { "tls=implicit" } else { "tls=encrypt" });
        for name in ["cert", "key"] {
            command.arg(format!("{name}={}", tls.file(&format!("{name}.pem")).display()));
        }
        command.arg(format!("relay={next_hop}")).arg("relay_tls=encrypt").arg("logs=quiet");
        said(command.arg(if self.kind == Kind::PostfixReuse { "reuse=yes" } else { "reuse=no" }));
    }

    /// Its first process.
    fn pid(&self) -> u32 {
        if let Some(child) = &self.child {
            return child.id();
        }
        let file = self.folder.path().join("queue/pid/master.pid");
        fs::read_to_string(file).ok().and_then(|t| t.trim().parse().ok()).expect("Postfix's master")
    }

    /// Watches what its processes use.
    pub fn watch(&self) -> Watch {
        Watch::begin(self.pid())
    }

    /// Ours: how many of so many mails, each to a person of its own, are not in the ledger once it has settled.
    pub fn uncounted(&self, mails: usize) -> Option<usize> {
        if self.kind != Kind::CareerRelay {
            return None;
        }
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let config = self.folder.path().join("career-relay.toml");
            let ask = ["ledger", "balance", "--json", "--config"];
            let output = said(Command::new(env!("CARGO_BIN_EXE_career-relay")).args(ask).arg(config));
            let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
            let counted = answer["balances"][0]["counted"].as_u64().and_then(|n| usize::try_from(n).ok());
            let missing = mails.abs_diff(counted.unwrap_or(0));
            if missing == 0 || Instant::now() > until {
                return Some(missing);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            said(Command::new("kill").arg(child.id().to_string()));
            child.wait().expect("it ends");
        } else {
            said(Command::new(in_package("tests/postfix-instance")).arg("stop").arg(self.folder.path()));
        }
    }
}

fn in_package(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Runs a command to its end; a command that fails ends the bench with what it said.
fn said(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

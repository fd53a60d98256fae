//! The relays that are compared, each in a folder of its own.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::next_hop::free_port;
use crate::options::Kind;
use crate::processes::Watch;

/// One that runs until it is dropped.
pub struct Peer {
    kind: Kind,
    folder: TempDir,
    pub port: u16,
    next_hop: u16,
    child: Option<Child>,
}

impl Peer {
    /// Starts it and waits until it answers.
    pub fn start(kind: Kind, next_hop: u16) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut peer = Self { kind, folder, port: free_port(), next_hop, child: None };
        peer.start_again();
        peer.wait_for_answer();
        peer
    }

    /// Starts it where it was stopped, and does not wait.
    pub fn start_again(&mut self) {
        match self.kind {
            Kind::CareerRelay => {
                let mut command = Command::new(in_package("benches/career_relay.sh"));
                command.env("CAREER_RELAY_BIN", ours()).env("RUN_IN_FRONT", "yes");
                command.env("BENCH_DEAD", "9").arg("start").arg(self.folder.path());
                command.arg(self.port.to_string()).arg(self.next_hop.to_string());
                self.child = Some(command.stdin(Stdio::null()).spawn().expect("the script runs"));
            }
            Kind::Postfix => {
                let mut command = Command::new(in_package("tests/postfix-instance"));
                command.arg("start").arg(self.folder.path()).arg(self.port.to_string());
                succeed(command.arg(format!("relay={}", self.next_hop)).arg("logs=quiet"));
            }
        }
    }

    fn wait_for_answer(&self) {
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], self.port))).is_err() {
            assert!(Instant::now() < until, "{} does not answer", self.kind.name());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills ours.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("a server of ours");
        child.kill().expect("it is there");
        child.wait().expect("it ends");
    }

    /// Watches what its processes use.
    pub fn watch(&self) -> Watch {
        let file = self.folder.path().join("queue/pid/master.pid");
        let of_master =
            || fs::read_to_string(&file).ok().and_then(|t| t.trim().parse().ok()).expect("Postfix's master");
        Watch::begin(self.child.as_ref().map_or_else(of_master, Child::id))
    }

    /// Waits until every mail it has taken was tried: until then Postfix has it among those under way.
    pub fn wait_until_tried(&self) {
        if self.kind == Kind::CareerRelay {
            return;
        }
        let queue = self.folder.path().join("queue");
        while ["maildrop", "incoming", "active"].iter().any(|name| has_files(&queue.join(name))) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Tells it to try everything now.
    pub fn release(&self) {
        let mut command = match self.kind {
            Kind::CareerRelay => {
                let mut command = Command::new(ours());
                command.args(["spool", "retry", "--all", "--config"]).arg(self.folder.path().join("career-relay.toml"));
                command
            }
            Kind::Postfix => {
                let mut command = Command::new("/usr/sbin/postqueue");
                command.arg("-c").arg(self.folder.path().join("etc")).arg("-f");
                command
            }
        };
        // Ours says with its status that some mails had left before it came to them.
        command.stdin(Stdio::null()).output().expect("the command runs");
    }

    /// Ours: mails in its spool.
    pub fn kept(&self) -> u64 {
        let mut command = Command::new(ours());
        command.args(["status", "--json", "--config"]).arg(self.folder.path().join("career-relay.toml"));
        let status: serde_json::Value = serde_json::from_slice(&succeed(&mut command).stdout).expect("JSON");
        status["spool"]["entries"].as_u64().expect("a number of mails")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            succeed(Command::new("kill").arg(child.id().to_string()));
            child.wait().expect("it ends");
        } else if self.kind == Kind::Postfix {
            succeed(Command::new(in_package("tests/postfix-instance")).arg("stop").arg(self.folder.path()));
        }
    }
}

/// The program of this package, or the one that `CAREER_RELAY_BIN` names.
fn ours() -> PathBuf {
    let named = std::env::var_os("CAREER_RELAY_BIN").map(PathBuf::from);
    named.unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_career-relay")))
}

fn has_files(folder: &Path) -> bool {
    fs::read_dir(folder).into_iter().flatten().flatten().any(|e| e.path().is_file() || has_files(&e.path()))
}

fn in_package(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Runs a command to its end; a command that fails ends the bench with what it said.
fn succeed(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

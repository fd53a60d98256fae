//! Real mail servers, each a private instance in a folder of its own: Postfix as it is installed, Exim unpacked.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::gateway::free_port;

/// Which server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Postfix,
    Exim,
}

/// One that runs, and stops when dropped. Without `relay=PORT` it puts everything into one Maildir.
pub struct Mta {
    kind: Kind,
    pub folder: TempDir,
    pub address: SocketAddr,
}

/// A file in the tests' folder.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

impl Mta {
    /// Starts one with options of `tests/postfix-instance` or `tests/exim-instance`.
    pub fn start(kind: Kind, options: &[String]) -> Self {
        let mta = Self {
            kind,
            folder: tempfile::tempdir().expect("a temporary folder"),
            address: SocketAddr::from(([127, 0, 0, 1], free_port())),
        };
        let output = mta.command("start").arg(mta.address.port().to_string()).args(options).output();
        let output = output.expect("the script runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        mta
    }

    fn command(&self, action: &str) -> Command {
        let name = match self.kind {
            Kind::Postfix => "postfix-instance",
            Kind::Exim => "exim-instance",
        };
        let peers = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers");
        let mut command = Command::new(script(name));
        command.env("CAREER_RELAY_PEERS", peers).arg(action).arg(self.folder.path());
        command
    }

    /// The folder of the mails it has delivered.
    pub fn maildir(&self) -> PathBuf {
        self.folder.path().join(if self.kind == Kind::Postfix { "mail/all" } else { "mail" })
    }

    /// The mails it has delivered as they lie there: line ends are LF, its own trace lines stand in front of ours.
    pub fn delivered(&self) -> Vec<Vec<u8>> {
        let files = fs::read_dir(self.maildir().join("new")).map(|d| d.flatten().collect::<Vec<_>>());
        files.unwrap_or_default().iter().filter_map(|f| fs::read(f.path()).ok()).collect()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        let name = if self.kind == Kind::Postfix { "maillog" } else { "logs/mainlog" };
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }
}

impl Drop for Mta {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of {:?} ---\n{}", self.kind, self.log());
        }
        let _ = self.command("stop").status();
    }
}

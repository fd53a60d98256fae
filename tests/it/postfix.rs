//! A real Postfix as the candidates' MX, swaks as HR's mail program.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::gateway::{Gateway, free_port, wait_for};
use crate::smtp::{has_link, ordinary, rejection};

/// A private Postfix that delivers everything into one Maildir.
pub struct Postfix {
    folder: TempDir,
    pub address: SocketAddr,
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

impl Postfix {
    fn start() -> Self {
        Self::start_with(None)
    }

    /// One that offers STARTTLS with the key and the chain in a PEM text.
    pub fn under_tls(pem: &str) -> Self {
        Self::start_with(Some(pem))
    }

    fn start_with(pem: Option<&str>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let file = folder.path().join("chain.pem");
        if let Some(pem) = pem {
            fs::write(&file, pem).expect("a PEM file");
        }
        let output = Command::new(script("postfix-instance"))
            .arg("start")
            .arg(folder.path())
            .arg(port.to_string())
            .args(pem.map(|_| &file))
            .output()
            .expect("the script runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self { folder, address: SocketAddr::from(([127, 0, 0, 1], port)) }
    }

    /// The mails it has delivered, each with the trace lines it and we put in front.
    pub fn delivered(&self) -> Vec<Vec<u8>> {
        let new = self.folder.path().join("mail/all/new");
        let files = fs::read_dir(new).map(|d| d.flatten().collect::<Vec<_>>()).unwrap_or_default();
        files.iter().filter_map(|f| fs::read(f.path()).ok()).collect()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let _ = Command::new(script("postfix-instance")).arg("stop").arg(self.folder.path()).status();
    }
}

fn swaks(gateway: &Gateway, to: &str, mail: &[u8]) {
    let file = gateway.folder.path().join("to-send.eml");
    fs::write(&file, mail).expect("a file");
    let output = Command::new("swaks")
        .args(["--server", "127.0.0.1", "--port", &gateway.address.port().to_string(), "--pipeline"])
        .args(["--from", "saiyo@sakura.example", "--to", to, "--data"])
        .arg(format!("@{}", file.display()))
        .output()
        .expect("swaks runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn swaks_to_postfix_carries_the_line_to_the_candidate_and_nothing_to_others() {
    let postfix = Postfix::start();
    let gateway = Gateway::start(postfix.address);
    swaks(&gateway, "yamada@candidate.example", &rejection("yamada@candidate.example"));
    swaks(&gateway, "partner@vendor.example", &ordinary("partner@vendor.example"));
    let mails = wait_for("both mails", || Some(postfix.delivered()).filter(|m| m.len() == 2));
    let text = |m: &[u8]| String::from_utf8_lossy(m).into_owned();
    let (rejections, others): (Vec<_>, Vec<_>) = mails.into_iter().partition(|m| text(m).contains("yamada"));
    assert_eq!((rejections.len(), others.len()), (1, 1));
    assert!(has_link(&rejections[0]));
    let body = text(&others[0]);
    let sent = text(&ordinary("partner@vendor.example")).replace("\r\n", "\n");
    // swaks ends what it sends with a line end of its own.
    assert!(body.trim_end().ends_with(sent.trim_end()), "changed on the way:\n{body}");
    assert_eq!(gateway.settled_credits(), 1);
}

fn python(name: &str, arguments: &[&Path]) -> String {
    let output = Command::new(script("python").join(name)).args(arguments).output().expect("python3 runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{name}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn smtplib_to_postfix_keeps_each_octet_but_those_of_the_line() {
    let postfix = Postfix::start();
    let gateway = Gateway::start(postfix.address);
    let folder = gateway.folder.path().join("mails");
    let port = gateway.address.port().to_string();
    let maildir = postfix.folder.path().join("mail/all");
    python("smtplib_client.py", &[Path::new(&port), &maildir, &folder]);
    let report = python("read_back.py", &[&folder]);
    let with_line = report.lines().filter(|l| l.contains("1 line(s)")).count();
    let untouched = report.lines().filter(|l| l.contains("octet for octet")).count();
    // Four charsets and five hidden candidates; two mails to a partner and a bulk mail to forty.
    assert_eq!((with_line, untouched), (9, 42), "{report}");
    assert_eq!(gateway.settled_credits(), 9);
}

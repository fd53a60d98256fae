//! A real Postfix as the candidates' MX, swaks as HR's mail program.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::gateway::{Gateway, wait_for};
use crate::mta::{Kind, Mta, script};
use crate::smtp::{has_link, ordinary, rejection};

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
    let postfix = Mta::start(Kind::Postfix, &[]);
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
    let postfix = Mta::start(Kind::Postfix, &[]);
    let gateway = Gateway::start(postfix.address);
    let folder = gateway.folder.path().join("mails");
    let port = gateway.address.port().to_string();
    let maildir = postfix.maildir();
    python("smtplib_client.py", &[Path::new(&port), &maildir, &folder]);
    let report = python("read_back.py", &[&folder]);
    let with_line = report.lines().filter(|l| l.contains("1 line(s)")).count();
    let untouched = report.lines().filter(|l| l.contains("octet for octet")).count();
    // Four charsets and five hidden candidates; two mails to a partner and a bulk mail to forty.
    assert_eq!((with_line, untouched), (9, 42), "{report}");
    assert_eq!(gateway.settled_credits(), 9);
}

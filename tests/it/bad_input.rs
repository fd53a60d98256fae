//! Bad input from outside: each gets a clear answer, nothing panics, hangs, or is lost.

use std::fs;
use std::net::TcpListener;

use crate::gateway::{Gateway, binary};
use crate::sink::Sink;
use crate::smtp::{Client, ordinary, rejection, without_trace};

#[test]
fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let config = folder.path().join("career-relay.toml");
    fs::write(&config, format!("data_dir = {data:?}\n[smtp]\nlisten = [\"{address}\"]\n")).expect("a file");
    let output = binary().arg("serve").arg("--config").arg(&config).output().expect("the binary runs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(errors.contains(&address.to_string()) && errors.contains("in use"), "{errors}");
}

#[test]
fn a_data_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("file");
    fs::write(&data, "not a folder").expect("a file");
    let config = folder.path().join("career-relay.toml");
    fs::write(&config, format!("data_dir = {data:?}\n[smtp]\nlisten = [\"127.0.0.1:0\"]\n")).expect("a file");
    let output = binary().arg("serve").arg("--config").arg(&config).output().expect("the binary runs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(errors.contains(&data.display().to_string()), "{errors}");
}

#[test]
fn a_second_gateway_on_one_data_folder_is_refused() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    let output = gateway.ask(&["serve"]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(errors.contains("lock") || errors.contains("running") || errors.contains("in use"), "{errors}");
}

#[test]
fn a_mail_over_the_limit_is_refused_before_and_after_its_data() {
    let sink = Sink::start();
    let gateway = Gateway::start_with(sink.address, "[limits]\nmessage_octets_max = \"1MiB\"\n");
    let mut client = Client::connect(gateway.address);
    assert_eq!(client.say("MAIL FROM:<saiyo@sakura.example> SIZE=99999999999"), 552);
    let big = [ordinary("a@vendor.example"), b"0123456789abcdef\r\n".repeat(100_000)].concat();
    assert_eq!(client.mail(&["a@vendor.example"], &big).0, 552);
    assert_eq!(client.mail(&["a@vendor.example"], &ordinary("a@vendor.example")).0, 250);
}

#[test]
fn a_mail_of_fifty_megabytes_passes_octet_for_octet_or_is_refused() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    let line = [b"Zm9v".repeat(18), b"\r\n".to_vec()].concat();
    let big = [ordinary("a@vendor.example"), line.repeat(50_000_000 / line.len())].concat();
    let (code, text) = Client::connect(gateway.address).mail(&["a@vendor.example"], &big);
    assert_eq!(code, 250, "{text}");
    assert!(without_trace(&sink.taken()[0].octets) == big, "changed on the way");
}

#[test]
fn bare_line_ends_and_nul_end_the_connection() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    for rubbish in [&b"a\nb\r\n.\r\n"[..], b"a\rb\r\n.\r\n", b"a\0b\r\n.\r\n", b"a\r\n.\n", b"a\n.\r\n"] {
        let mut client = Client::connect(gateway.address);
        assert_eq!(client.say("MAIL FROM:<saiyo@sakura.example>"), 250);
        assert_eq!(client.say("RCPT TO:<a@vendor.example>"), 250);
        assert_eq!(client.say("DATA"), 354);
        client.send_raw(rubbish);
        assert_eq!(client.reply().0 / 100, 5, "{rubbish:?}");
        assert!(client.is_closed());
    }
    assert!(sink.taken().is_empty());
}

#[test]
fn malformed_mails_pass_octet_for_octet() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    let mut client = Client::connect(gateway.address);
    let mut sent = Vec::new();
    for entry in malformed() {
        let (code, text) = client.mail(&["yamada@candidate.example"], &entry);
        assert_eq!(code, 250, "{text}");
        sent.push(entry);
    }
    let taken: Vec<Vec<u8>> = sink.taken().iter().map(|t| without_trace(&t.octets).to_vec()).collect();
    assert_eq!(taken.len(), sent.len());
    for (i, mail) in sent.iter().enumerate() {
        assert!(taken[i] == *mail, "mail {i} changed on the way");
    }
    assert_eq!(gateway.settled_credits(), 0);
}

/// Rejections whose shape or encoding is broken, so that nothing may be inserted.
fn malformed() -> Vec<Vec<u8>> {
    let text = String::from_utf8(rejection("yamada@candidate.example")).expect("UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").expect("a header");
    let head = head.replace("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit", "");
    let head = head.trim_end();
    let multipart =
        |inner: &str| format!("{head}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{inner}").into_bytes();
    let part = format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{body}");
    let deep: String = (0..10_000).fold(String::new(), |s, n| {
        s + &format!("--b{n}\r\nContent-Type: multipart/mixed; boundary=b{}\r\n\r\n", n + 1)
    });
    vec![
        multipart(&format!("--b\r\n{part}")),
        multipart(&format!("text --b\r\n{part}\r\n--b--\r\n")),
        format!("{head}\r\nContent-Type: multipart/mixed; boundary=b0\r\n\r\n{deep}").into_bytes(),
        format!("{head}\r\nContent-Type: text/plain; charset=shift_jis\r\n\r\n{body}").into_bytes(),
        format!("{head}\r\nContent-Type: text/plain; charset=utf-16\r\n\r\n{body}").into_bytes(),
        format!("{head}\r\nContent-Type: text/plain\r\nContent-Type: text/html\r\n\r\n{body}").into_bytes(),
        format!("{head}\r\nContent-Transfer-Encoding: base64\r\n\r\n6YG46ICD57WQ5p6c\r\n6YG4*\r\n").into_bytes(),
        format!("{head}\r\nContent-Transfer-Encoding: x-rot13\r\n\r\n{body}").into_bytes(),
    ]
}

#[test]
fn a_stranger_may_not_relay() {
    let sink = Sink::start();
    let mut gateway = Gateway::closed_to_loopback(sink.address);
    let mut client = Client::connect(gateway.address);
    let (code, text) = client.mail_from("x@elsewhere.example", &["a@vendor.example"], b"\r\n");
    assert_eq!(code, 550, "{text}");
    assert!(text.contains("5.7.1"), "{text}");
    assert_eq!(client.say("QUIT"), 221);
    assert!(gateway.stop());
    assert!(sink.taken().is_empty());
}

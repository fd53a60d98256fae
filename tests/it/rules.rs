//! Rules that others learnt the hard way, each proved at the real binary where nothing else proves it whole.
//!
//! docs/rules.md has all of them with their tests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex};

use career_relay::classify::Rules;
use career_relay::config;
use career_relay::pipeline::{self, Admission, Policy};

use crate::gateway::{Gateway, wait_for};
use crate::sink::{Act, Sink, Stage};
use crate::smtp::{Client, has_link, message, ordinary, rejection, stuffed, without_trace};

const VENDOR: &str = "a@vendor.example";

/// A client in the middle of a mail to the vendor, as far as its recipient.
fn with_recipient(gateway: SocketAddr) -> Client {
    let mut client = Client::connect(gateway);
    assert_eq!(client.say("MAIL FROM:<saiyo@sakura.example>"), 250);
    assert_eq!(client.say(&format!("RCPT TO:<{VENDOR}>")), 250);
    client
}

#[test]
fn a_bare_cr_lf_or_nul_anywhere_is_a_5xx_and_the_end() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    let behind = format!("\r\n.\r\nMAIL FROM:<evil@x.example>\r\nRCPT TO:<{VENDOR}>\r\nDATA\r\nsmuggled\r\n.\r\n");
    for stray in ["\n", "\r", "\0", "\r\r\n", "\n.\n", "\r\n.\n", "\n.\r\n", "\r.\r", "\r\n.\r", "\0.\r\n"] {
        for (opening, start) in [
            ("", format!("NOOP{stray}RSET")),
            ("", format!("MAIL FROM:<a{stray}@x.example>")),
            ("DATA\r\n", format!("Subject: a{stray}b\r\n\r\ntext")),
            ("DATA\r\n", format!("Subject: a\r\n\r\ntext{stray}text")),
            ("BDAT 1000 LAST\r\n", format!("Subject: a\r\n\r\ntext{stray}text{}", "x".repeat(1000))),
        ] {
            // Behind a whole command the rest is another one.
            if opening.is_empty() && stray.starts_with("\r\n") {
                continue;
            }
            let mut client = with_recipient(gateway.address);
            client.send_raw(opening.as_bytes());
            if opening.starts_with("DATA") {
                assert_eq!(client.reply().0, 354);
            }
            client.try_send(format!("{start}{behind}").as_bytes());
            let (code, text) = client.reply();
            assert!(code / 100 == 5, "{start:?} was answered {text:?}");
            assert!(client.is_closed(), "{start:?}");
        }
    }
    assert!(sink.taken().is_empty(), "{:?}", sink.taken());
    assert_eq!(gateway.ask_json(&["status"])["spool"]["entries"], 0);
}

#[test]
fn an_address_reaches_the_next_hop_as_it_was_parsed_or_not_at_all() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&heard);
    let sink = Sink::scripted(move |stage, line| {
        if matches!(stage, Stage::Mail | Stage::Rcpt) {
            noted.lock().expect("the lines").push(line.to_owned());
        }
        Act::GoOn
    });
    let gateway = Gateway::start(sink.address);
    let mut client = Client::connect(gateway.address);
    for path in [
        "a@vendor.example> SIZE=1",
        "a@vendor.example>\u{b}RCPT TO:<b@x.example",
        "a\u{1b}[2J@vendor.example",
        "\"a\u{7f}\"@vendor.example",
        "a@vendor.example;/bin/sh",
        "-oQ/tmp|id@vendor.example -X",
        "a@[127.0.0.1",
        "a@vendor.example,b@x.example",
        "a@\u{ff56}endor.example",
    ] {
        let (from, to) = (format!("MAIL FROM:<{path}>"), format!("RCPT TO:<{path}>"));
        assert_eq!(client.say(&from) / 100, 5, "{from:?}");
        assert_eq!(client.say("MAIL FROM:<saiyo@sakura.example>"), 250);
        assert_eq!(client.say(&to) / 100, 5, "{to:?}");
        assert_eq!(client.say("RSET"), 250);
    }
    assert_eq!(client.mail(&["\"a b\\\">\"@vendor.example"], &ordinary(VENDOR)).0, 250);
    assert_eq!(client.mail(&["foo..bar@docomo.ne.jp", "foo.@ezweb.ne.jp"], &ordinary(VENDOR)).0, 250);
    let heard = heard.lock().expect("the lines");
    let paths: Vec<&str> = heard.iter().filter(|l| l.starts_with("RCPT")).map(String::as_str).collect();
    let wanted = ["\"a b\\\">\"@vendor.example", "foo..bar@docomo.ne.jp", "foo.@ezweb.ne.jp"];
    assert_eq!(paths, wanted.map(|path| format!("RCPT TO:<{path}>")));
}

#[test]
fn no_word_of_a_stranger_about_himself_opens_the_door() {
    let sink = Sink::start();
    let gateway = Gateway::closed_to_loopback(sink.address);
    for (word, answer) in [
        ("XCLIENT ADDR=192.0.2.1 LOGIN=hr", 550),
        ("XFORWARD ADDR=192.0.2.1 NAME=mail.sakura.example", 500),
        ("AUTH PLAIN AGhyAHNlY3JldA==", 502),
        ("EHLO [192.0.2.1]", 250),
    ] {
        let mut client = Client::connect(gateway.address);
        assert_eq!(client.say(word), answer, "{word}");
        assert_eq!(client.mail(&[VENDOR], &ordinary(VENDOR)).0, 550, "{word}");
    }
    for header in [&b"PROXY TCP4 192.0.2.1 192.0.2.2 1234 25\r\n"[..], b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"] {
        let mut client = Client::raw(gateway.address);
        assert_eq!(client.reply().0, 220);
        client.send_raw(header);
        assert_eq!(client.reply().0, 500, "{header:?}");
    }
    assert!(sink.taken().is_empty());
}

#[test]
fn as_shipped_nobody_but_this_machine_may_relay() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/career-relay.toml");
    let relaying = config::inspect(&path).settings.expect("the shipped file").smtp.relaying;
    let policy = Policy::new(Vec::new(), relaying, Arc::new(Rules::built_in()));
    let may = |ip: &str| policy.admission(&pipeline::Client::at(ip.parse().expect("an address"))) == Admission::Granted;
    assert!(may("127.0.0.1") && may("::1") && may("::ffff:127.0.0.1"));
    for stranger in ["10.0.0.1", "192.168.0.1", "192.0.2.1", "fe80::1", "2001:db8::1", "0.0.0.0", "::ffff:10.0.0.1"] {
        assert!(!may(stranger), "{stranger}");
    }
}

/// Everything behind the CRLF of each line is text that can be shown.
fn is_harmless(text: &str) -> bool {
    text.replace("\r\n", "").chars().all(|c| !c.is_control())
}

#[test]
fn no_reply_and_no_line_of_the_log_echoes_a_control_octet() {
    let sink = Sink::scripted(|stage, line| match stage {
        Stage::Rcpt if line.contains("gone") => Act::Say("550 5.1.1 \u{1b}[2J\u{7}gone\u{7f}"),
        Stage::Dot => Act::Say("554 5.6.0 \u{1b}]0;x\u{7}no"),
        _ => Act::GoOn,
    });
    let gateway = Gateway::start(sink.address);
    for line in ["\u{1b}[31m", "EHLO \u{1b}[31m", "MAIL FROM:<\u{1b}[31m@x.example>", "NOOP \u{7}", "VRFY \u{1b}[2J"] {
        let mut client = Client::connect(gateway.address);
        client.send_raw(format!("{line}\r\n").as_bytes());
        let (_, text) = client.reply();
        assert!(is_harmless(&text), "{line:?} was answered {text:?}");
    }
    for (to, code) in [("gone@vendor.example", 550), ("a@vendor.example", 554)] {
        let (told, text) = Client::connect(gateway.address).mail(&[to], &ordinary(to));
        assert!(told == code && is_harmless(&text), "{text:?}");
    }
    let log = gateway.log();
    assert!(log.lines().all(is_harmless) && !log.contains("\\u001b"), "{log}");
}

/// A next hop that offers STARTTLS, answers the handshake by TLS 1.1, and notes what it hears in clear behind it.
fn next_hop_of_tls_1_1() -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&heard);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut input = BufReader::new(stream.try_clone().expect("a socket"));
            let mut line = String::new();
            let mut say = |octets: &[u8]| stream.write_all(octets).is_ok();
            let mut told = say(b"220 old\r\n") && input.read_line(&mut line).is_ok();
            told = told && say(b"250-old\r\n250 STARTTLS\r\n") && input.read_line(&mut line).is_ok();
            told = told && say(b"220 go on\r\n");
            // A hello of the server: TLS 1.1, no session, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, no compression.
            let hello = [&[3, 2][..], &[7; 32], &[0, 0xc0, 0x13, 0]].concat();
            let record = [&[22, 3, 2, 0, 42, 2, 0, 0, 38][..], &hello].concat();
            if told && say(&record) {
                let mut rest = Vec::new();
                let _ = input.read_to_end(&mut rest);
                noted.lock().expect("the octets").extend(rest);
            }
        }
    });
    (address, heard)
}

#[test]
fn a_next_hop_of_tls_1_1_gets_no_mail_that_needs_tls() {
    let (address, heard) = next_hop_of_tls_1_1();
    let gateway = Gateway::start_with(address, "tls = \"required\"\n");
    assert_eq!(Client::connect(gateway.address).mail(&[VENDOR], &ordinary(VENDOR)).0, 250);
    wait_for("a refusal of the handshake", || (!heard.lock().expect("the octets").is_empty()).then_some(()));
    let said = heard.lock().expect("the octets").clone();
    // A hello of the client, and an alert: protocol_version, or handshake_failure.
    assert!(said.starts_with(&[22, 3]) && said.windows(2).any(|w| w == [2, 70] || w == [2, 40]), "{said:?}");
    assert!(!said.windows(9).any(|w| w == b"MAIL FROM"));
    assert_eq!(gateway.ask_json(&["status"])["spool"]["entries"], 1);
}

#[test]
fn a_mail_without_a_line_goes_in_one_transaction_and_only_a_line_for_each_splits_it() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    let vendors = [VENDOR, "b@vendor.example", "c@elsewhere.example"];
    let mut client = Client::connect(gateway.address);
    let mail = ordinary("saiyo@sakura.example");
    assert_eq!(client.mail(&vendors, &mail).0, 250);
    let taken = sink.taken();
    assert!(taken.len() == 1 && taken[0].recipients == vendors && without_trace(&taken[0].octets) == mail);
    let candidates = ["yamada@candidate.example", "suzuki@candidate.example"];
    assert_eq!(client.mail(&candidates, &rejection("saiyo@sakura.example")).0, 250);
    assert_eq!(gateway.settled_credits(), 2);
    let copies = &sink.taken()[1..];
    assert!(copies.len() == 2 && copies.iter().all(|c| c.recipients.len() == 1 && has_link(&c.octets)));
}

#[test]
fn two_gateways_that_send_to_each_other_end_the_loop() {
    let limit = "[limits]\nhops_max = 10\n";
    let mut one = Gateway::prepare(([127, 0, 0, 1], 1).into(), limit, "127.0.0.0/8");
    let other = Gateway::start_with(one.address, limit);
    let config = std::fs::read_to_string(one.config()).expect("a configuration");
    let round = config.replace("\"127.0.0.1:1\"", &format!("\"{}\"", other.address));
    assert_ne!(config, round);
    std::fs::write(one.config(), round).expect("a configuration");
    one.run();
    let (code, text) = Client::connect(one.address).mail(&[VENDOR], &ordinary(VENDOR));
    assert!(code == 554 && text.contains("5.4.6"), "{text}");
    for gateway in [&one, &other] {
        assert_eq!(gateway.ask_json(&["status"])["spool"]["entries"], 0);
    }
}

#[test]
fn lines_over_998_octets_go_on_as_they_are_and_none_of_ours_is_so_long() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    let mut client = Client::connect(gateway.address);
    let long = [&ordinary(VENDOR)[..], "あ".repeat(1400).as_bytes(), b"\r\n.\r\n", &[b'x'; 999], b"\r\n"].concat();
    assert_eq!(client.mail(&[VENDOR], &long).0, 250);
    assert_eq!(without_trace(&sink.taken()[0].octets), long);
    let candidate = "yamada@candidate.example";
    assert_eq!(client.mail(&[candidate], &rejection(candidate)).0, 250);
    let edited = sink.taken()[1].octets.clone();
    assert!(has_link(&edited) && edited.split(|b| *b == b'\n').all(|line| line.len() < 999));
}

#[test]
fn what_is_handed_on_ends_where_it_ended_and_dots_are_ours_alone() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    let mut client = Client::connect(gateway.address);
    for text in [".", "..", ".\n.", "\n.\n\n..\n...\n", "a\n.b\n", ".\n.\n.\nQUIT\n"] {
        let mail = message(VENDOR, &format!("{text}\n"));
        let wire = stuffed(&mail);
        assert_eq!((client.say("MAIL FROM:<>"), client.say(&format!("RCPT TO:<{VENDOR}>"))), (250, 250));
        assert_eq!(client.say("DATA"), 354);
        client.send_raw(&wire);
        assert_eq!(client.reply().0, 250);
        assert_eq!(without_trace(&sink.taken().last().expect("a mail").octets), mail, "{text:?}");
    }
}

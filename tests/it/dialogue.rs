//! Clients of every kind: polite, slow, garbled, many at a time. Each is answered, and nobody keeps another out.

use std::net::SocketAddr;

use crate::gateway::Gateway;
use crate::sink::Sink;
use crate::smtp::{Client, has_link, message, ordinary, rejection, without_trace};

/// Says each command and checks code and enhanced code of its reply.
fn check_answers(gateway: SocketAddr, dialogue: &[(&str, &str)]) {
    let mut client = Client::raw(gateway);
    assert_eq!(client.reply().0, 220);
    for (command, wanted) in dialogue {
        client.send_raw(format!("{command}\r\n").as_bytes());
        let (_, reply) = client.reply();
        let last = reply.lines().last().unwrap_or_default();
        assert!(last.starts_with(wanted), "{command:?} was answered {last:?}, not {wanted:?}");
    }
}

#[test]
fn each_command_has_the_answer_of_the_standard() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    check_answers(
        gateway.address,
        &[
            ("MAIL FROM:<a@vendor.example>", "503 5.5.1"),
            ("NOOP", "250 2.0.0"),
            ("VRFY saiyo", "252 2.5.2"),
            ("EXPN all", "502 5.5.1"),
            ("HELP", "214 2.0.0"),
            ("HELO pc", "250 gw.sakura.example"),
            ("EHLO 日本 (comment)", "250 "),
            ("RCPT TO:<a@vendor.example>", "503 5.5.1"),
            ("DATA", "503 5.5.1"),
            ("MAIL FROM:<saiyo@sakura.example> SIZE=100 BODY=8BITMIME", "250 2.1.0"),
            ("MAIL FROM:<saiyo@sakura.example>", "503 5.5.1"),
            ("DATA", "554 5.5.1"),
            ("RCPT TO:<not an address>", "553 5.1.3"),
            ("RCPT TO:<山田@candidate.example>", "553 5.6.7"),
            ("RCPT TO:<a@vendor.example> NOTIFY=SOMETIMES", "501 5.5.4"),
            ("RCPT TO:<a@vendor.example> NOTIFY=NEVER", "250 2.1.5"),
            ("RSET", "250 2.0.0"),
            ("RCPT TO:<a@vendor.example>", "503 5.5.1"),
            ("MAIL FROM:<saiyo@sakura.example> SIZE=99999999999999999999", "552 5.3.4"),
            ("MAIL FROM:<saiyo@sakura.example> MT-PRIORITY=3", "555 5.5.4"),
            ("MAIL FROM:<saiyo@sakura.example> REQUIRETLS", "555 5.5.4"),
            ("STARTTLS", "502 5.5.1"),
            ("AUTH PLAIN", "502 5.5.1"),
            ("XCLIENT ADDR=192.0.2.1", "550 5.7.0"),
            ("FROBNICATE", "500 5.5.2"),
            ("QUIT", "221 2.0.0"),
        ],
    );
    check_answers(gateway.address, &[("EHLO pc", "250 SMTPUTF8"), ("BDAT 5 LAST\r\nhello", "503 5.5.1")]);
    check_answers(gateway.address, &[("EHLO pc", "250 SMTPUTF8"), ("BDAT five", "501 5.5.4")]);
    check_answers(gateway.address, &[("GET / HTTP/1.1", "502 5.5.1")]);
}

#[test]
fn garbage_ends_its_own_connection_and_no_other() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    let mut polite = Client::connect(gateway.address);
    for garbage in [
        "\u{1}\u{2}\u{3}\r\n".repeat(100).into_bytes(),
        b"RCPT TO:<x>\r\n".repeat(1000),
        vec![b'x'; 100_000],
        b"EHLO a\0b\r\n".to_vec(),
        (0..=255u8).cycle().take(70_000).collect(),
        b"EHLO pc\r\nMAIL FROM:<>\r\nDATA\r\nFrom: x\r\n\r\nno recipient was taken\r\n.\r\n".to_vec(),
    ] {
        let mut client = Client::raw(gateway.address);
        // The gateway may have closed before the last of it is written.
        client.try_send(&garbage);
        assert!(client.is_closed());
    }
    assert_eq!(polite.mail(&["a@vendor.example"], &ordinary("a@vendor.example")).0, 250);
    assert_eq!(sink.taken().len(), 1);
}

#[test]
fn a_mail_octet_by_octet_arrives_as_one_in_a_piece() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    let mut client = Client::connect(gateway.address);
    let mail = message("a@vendor.example", "\n.\n..\n...x\n\n.\n. \nあいう\n.");
    let octets = crate::smtp::stuffed(&mail);
    for command in ["MAIL FROM:<saiyo@sakura.example>", "RCPT TO:<a@vendor.example>", "DATA"] {
        assert!(client.say(command) < 400);
    }
    for octet in &octets {
        client.send_raw(&[*octet]);
    }
    assert_eq!(client.reply().0, 250);
    let sent = [&mail[..], b"\r\n"].concat();
    assert_eq!(without_trace(&sink.taken()[0].octets), sent);
}

#[test]
fn five_hundred_idle_clients_keep_nobody_out() {
    let sink = Sink::start();
    let gateway = Gateway::start_with(sink.address, "[limits]\nconnections_per_client_max = 600\n");
    let mut idle: Vec<Client> = (0..500).map(|_| Client::raw(gateway.address)).collect();
    assert!(idle.iter_mut().all(|client| client.reply().0 == 220));
    let candidate = "yamada@candidate.example";
    assert_eq!(Client::connect(gateway.address).mail(&[candidate], &rejection(candidate)).0, 250);
    assert!(has_link(&sink.taken()[0].octets));
}

#[test]
fn one_client_has_its_share_of_connections_and_hears_so() {
    let sink = Sink::start();
    let gateway = Gateway::start_with(sink.address, "[limits]\nconnections_per_client_max = 2\n");
    let (_first, _second) = (Client::connect(gateway.address), Client::connect(gateway.address));
    let (code, text) = Client::raw(gateway.address).reply();
    assert!(code == 421 && text.contains("4.7.0"), "{text}");
}

#[test]
fn long_lines_pass_as_they_are_up_to_the_limit() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    let mut client = Client::connect(gateway.address);
    for (octets, wanted) in [(998, 250), (60_000, 250), (70_000, 554)] {
        let mail = message("a@vendor.example", &format!("before\n{}\n.after\n", "x".repeat(octets)));
        assert_eq!(client.mail(&["a@vendor.example"], &mail).0, wanted, "{octets}");
        if wanted == 250 {
            assert!(without_trace(&sink.taken().last().expect("a mail").octets) == mail, "{octets}");
        }
    }
    assert_eq!(sink.taken().len(), 2);
}

#[test]
fn a_thousand_recipients_are_served_and_the_next_one_comes_later() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    let mut client = Client::connect(gateway.address);
    let recipients: Vec<String> = (0..=1000).map(|n| format!("RCPT TO:<p{n}@vendor.example>\r\n")).collect();
    client.send_raw(format!("MAIL FROM:<saiyo@sakura.example>\r\n{}", recipients.concat()).as_bytes());
    let codes: Vec<u16> = (0..1002).map(|_| client.reply().0).collect();
    assert!(codes[..1001].iter().all(|c| *c == 250) && codes[1001] == 452);
    assert_eq!(client.say("DATA"), 354);
    client.send_raw(&crate::smtp::stuffed(&ordinary("all@vendor.example")));
    assert_eq!(client.reply().0, 250);
    let taken = sink.taken();
    assert_eq!((taken.len(), taken[0].recipients.len()), (1, 1000));
}

#[test]
fn a_hundred_hidden_candidates_get_a_mail_and_a_link_each() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    let names: Vec<String> = (0..100).map(|n| format!("c{n}@candidate.example")).collect();
    let to: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(Client::connect(gateway.address).mail(&to, &rejection("undisclosed-recipients:;")).0, 250);
    assert_eq!(gateway.settled_credits(), 100);
    let link = |octets: &[u8]| {
        let text = String::from_utf8_lossy(octets).into_owned();
        text.split("https://careerrelay.jp/r/").nth(1).map(|l| l.split_whitespace().next().map(str::to_owned))
    };
    let mails: Vec<_> = sink.taken().into_iter().filter(|t| t.recipients != ["saiyo@sakura.example"]).collect();
    let links: std::collections::HashSet<_> = mails.iter().map(|m| link(&m.octets).expect("a link")).collect();
    let recipients: std::collections::HashSet<_> = mails.iter().map(|m| &m.recipients).collect();
    assert_eq!((mails.len(), links.len(), recipients.len()), (100, 100, 100));
    assert!(mails.iter().all(|m| m.recipients.len() == 1));
}

#[test]
fn messages_of_hardly_anything_pass_octet_for_octet() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    let mut client = Client::connect(gateway.address);
    let messages: [&[u8]; 8] = [
        b"",
        b"\r\n",
        b"\r\n\r\n.\r\n\r\n",
        b" folded from the start\r\n",
        b"no header and no end of one\r\n",
        b"Subject: \x8c\x8b\x89\xca\r\n\r\n\x81\x5c\r\n",
        b".\r\n..\r\n",
        b":\r\n\r\n\xff\xfe\r\n",
    ];
    for message in messages {
        for command in ["MAIL FROM:<saiyo@sakura.example>", "RCPT TO:<a@vendor.example>", "DATA"] {
            assert!(client.say(command) < 400);
        }
        let wire = if message.is_empty() { b".\r\n".to_vec() } else { crate::smtp::stuffed(message) };
        client.send_raw(&wire);
        assert_eq!(client.reply().0, 250, "{message:?}");
        let taken = sink.taken().pop().expect("a mail").octets;
        assert!(
            taken.starts_with(b"Received: from ") && taken.ends_with(&[b"+0000\r\n", message].concat()),
            "{taken:?}"
        );
    }
}

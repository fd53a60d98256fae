//! Clients that never come to an end: each meets a limit with the code of that limit, and costs no more memory than it.

use std::io::Write;
use std::net::TcpStream;

use crate::gateway::Gateway;
use crate::sink::Sink;
use crate::smtp::{Client, ordinary};

/// A gateway for mails of one MiB, and what memory it may take for whatever is done to it.
struct House {
    gateway: Gateway,
    sink: Sink,
    memory_kib_max: u64,
}

impl House {
    fn open() -> Self {
        let sink = Sink::start();
        let gateway = Gateway::start_with(sink.address, "[limits]\nmessage_octets_max = \"1MiB\"\n");
        // Beyond what it takes to serve a mail: buffers, and a message that is doubled while it grows.
        assert_eq!(Client::connect(gateway.address).mail(&["a@vendor.example"], &ordinary("a@vendor.example")).0, 250);
        let memory_kib_max = gateway.memory_kib_max() + 8 * 1024;
        Self { gateway, sink, memory_kib_max }
    }

    fn client(&self) -> Client {
        let mut client = Client::connect(self.gateway.address);
        assert_eq!(client.say("MAIL FROM:<saiyo@sakura.example>"), 250);
        client
    }

    /// The house is as it was: it serves, has sent nothing on, and has taken no memory to speak of.
    fn check(&self) {
        let memory = self.gateway.memory_kib_max();
        assert!(memory <= self.memory_kib_max, "{memory} KiB, of {} KiB", self.memory_kib_max);
        let mut client = Client::connect(self.gateway.address);
        let before = self.sink.taken().len();
        assert_eq!(client.mail(&["b@vendor.example"], &ordinary("b@vendor.example")).0, 250);
        assert_eq!(self.sink.taken().len(), before + 1);
    }
}

/// Says `piece` again and again, up to so many octets or until nobody listens, then `end`; the replies are read beside.
fn flood(client: &mut Client, piece: &[u8], octets: usize, end: &[u8]) -> std::thread::JoinHandle<()> {
    let mut socket: TcpStream = client.socket();
    let (pieces, end) = (piece.repeat((64 * 1024usize).div_ceil(piece.len())), end.to_vec());
    std::thread::spawn(move || {
        let mut left = octets;
        while left > 0 && socket.write_all(&pieces).is_ok() {
            left = left.saturating_sub(pieces.len());
        }
        let _ = socket.write_all(&end);
    })
}

#[test]
fn a_hundred_thousand_recipients_are_answered_and_a_thousand_are_served() {
    let house = House::open();
    let mut client = house.client();
    let mut socket = client.socket();
    let told = std::thread::spawn(move || {
        for block in 0..100 {
            let lines: Vec<String> = (0..1000).map(|n| format!("RCPT TO:<p{block}.{n}@vendor.example>\r\n")).collect();
            socket.write_all(lines.concat().as_bytes()).expect("a gateway that reads");
        }
    });
    let codes: Vec<u16> = (0..100_000).map(|_| client.reply().0).collect();
    told.join().expect("no panic");
    assert!(codes[..1000].iter().all(|code| *code == 250) && codes[1000..].iter().all(|code| *code == 452));
    assert_eq!(client.say("DATA"), 354);
    client.send_raw(b".\r\n");
    assert_eq!(client.reply().0, 250);
    assert_eq!(house.sink.taken().last().expect("a mail").recipients.len(), 1000);
    house.check();
}

#[test]
fn a_command_without_end_ends_the_connection() {
    let house = House::open();
    for start in [&b""[..], b"NOOP ", b"AUTH PLAIN ", b"RCPT TO:<"] {
        let mut client = house.client();
        client.send_raw(start);
        let told = flood(&mut client, b"x", 20_000_000, b"");
        assert_eq!(client.reply().0, 500);
        drop(client);
        told.join().expect("no panic");
    }
    house.check();
}

/// Floods DATA and hears this answer to the dot, and that the connection goes on.
fn check_data(piece: &[u8], octets: usize, answer: (u16, &str)) {
    let house = House::open();
    let mut client = house.client();
    assert_eq!((client.say("RCPT TO:<a@vendor.example>"), client.say("DATA")), (250, 354));
    let told = flood(&mut client, piece, octets, b"\r\n.\r\n");
    let (code, text) = client.reply();
    told.join().expect("no panic");
    assert!(code == answer.0 && text.contains(answer.1), "{text}");
    assert_eq!(client.say("NOOP"), 250);
    house.check();
}

#[test]
fn a_header_without_end_is_refused_at_the_dot() {
    check_data(b"X-A: a\r\n", 50_000_000, (552, "5.3.4"));
    check_data(b"Received: x\r\n", 900_000, (554, "5.4.6"));
}

#[test]
fn a_line_without_end_is_refused_at_the_dot() {
    check_data(b"x", 50_000_000, (554, "5.6.0"));
    check_data(b"..", 50_000_000, (554, "5.6.0"));
}

#[test]
fn chunks_without_end_are_refused_at_the_limit() {
    let house = House::open();
    let mut client = house.client();
    assert_eq!(client.say("RCPT TO:<a@vendor.example>"), 250);
    // A MiB in chunks of 1000 octets; the next one is too many, and those behind it are nobody's.
    let chunk = [&b"BDAT 1000\r\n"[..], &b"12345678\r\n".repeat(100)].concat();
    let codes: Vec<u16> = (0..1060)
        .map(|_| {
            client.send_raw(&chunk);
            client.reply().0
        })
        .collect();
    let fit = 1024 * 1024 / 1000;
    assert!(codes[..fit].iter().all(|code| *code == 250) && codes[fit] == 552, "{:?}", &codes[fit - 1..]);
    assert!(codes[fit + 1..].iter().all(|code| *code == 503));
    drop(client);
    let mut client = house.client();
    assert_eq!(client.say("RCPT TO:<a@vendor.example>"), 250);
    client.send_raw(b"BDAT 40000000 LAST\r\n");
    let told = flood(&mut client, b"12345678\r\n", 40_000_000, b"NOOP\r\n");
    assert_eq!(client.reply().0, 552);
    told.join().expect("no panic");
    house.check();
}

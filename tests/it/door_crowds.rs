//! Crowds at the door: thousands that wait, a thousand that drip, hundreds that stall. What they cost, and that whoever
//! has a mail to send is served as if they were not there.
//!
//! CI takes a sample; `make long-idle` sets `CAREER_RELAY_CROWD` to the full number and has the figures written down.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use career_relay::sys::files::raise_open_files;

use crate::certificates::{Authority, Use};
use crate::gateway::{Gateway, wait_for};
use crate::sink::Sink;
use crate::smtp::{Client, has_link, ordinary, rejection};
use crate::tls_client::{HOST, connect, shake, start_tls};

/// Resident memory that one waiting client may cost, in octets. The kernel's socket buffers are not in it.
const OCTETS_PER_IDLE_MAX: u64 = 16 * 1024;
/// The same under TLS.
const OCTETS_PER_IDLE_TLS_MAX: u64 = 32 * 1024;
/// Within this time a new client is served.
const SERVED_WITHIN: Duration = Duration::from_millis(50);

/// How many wait in this run.
fn crowd() -> usize {
    std::env::var("CAREER_RELAY_CROWD").ok().and_then(|n| n.parse().ok()).unwrap_or(2000)
}

/// A gateway with room for the crowd, and a certificate.
struct House {
    sink: Sink,
    gateway: Gateway,
    authority: Authority,
}

impl House {
    fn new(limits: &str) -> Self {
        let room = crowd() * 2 + 100;
        assert!(raise_open_files() > crowd() as u64 + 100, "too few open files for the crowd: raise `ulimit -Hn`");
        let (sink, authority) = (Sink::start(), Authority::new("Ours"));
        let limits = format!("[limits]\nconnections_max = {room}\nconnections_per_client_max = {room}\n{limits}");
        let more = format!("[tls]\ncertificate = \"gw.pem\"\nkey = \"gw.key\"\n{limits}");
        let mut gateway = Gateway::prepare(sink.address, &more, "127.0.0.0/8");
        authority.issue(&[HOST], Use::Server).write(gateway.folder.path(), "gw");
        gateway.run();
        Self { sink, gateway, authority }
    }

    fn address(&self) -> SocketAddr {
        self.gateway.address
    }

    /// Memory of the gateway's process that is in use, in octets.
    fn resident_octets(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.gateway.pid())).expect("its state");
        let line = status.lines().find(|l| l.starts_with("VmRSS:")).expect("its memory");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") * 1024
    }

    fn sessions(&self) -> u64 {
        self.gateway.ask_json(&["status"])["gauges"]["sessions"].as_u64().unwrap_or(0)
    }

    /// Whether a rejection gets its line as ever.
    fn writes_the_line(&self) -> bool {
        let candidate = "yamada@candidate.example";
        assert_eq!(Client::connect(self.address()).mail(&[candidate], &rejection(candidate)).0, 250);
        self.sink.taken().last().is_some_and(|mail| has_link(&mail.octets))
    }

    /// How long a new client waits for its greeting and the answer to its EHLO, and for all of a mail: the best and the
    /// middle of twenty.
    fn serve_twenty(&self) -> [Duration; 4] {
        let (mut greeted, mut served) = (Vec::new(), Vec::new());
        // No rejection: for that our answer waits for the disk, which is as fast as it is.
        let mail = ordinary("a@vendor.example");
        for _ in 0..20 {
            let began = Instant::now();
            let mut client = Client::connect(self.address());
            greeted.push(began.elapsed());
            assert_eq!(client.mail(&["a@vendor.example"], &mail).0, 250);
            served.push(began.elapsed());
        }
        greeted.sort();
        served.sort();
        [greeted[0], greeted[10], served[0], served[10]]
    }
}

/// Says EHLO on many connections, and gives them back when each has its answer.
fn greet_all(address: SocketAddr, number: usize) -> Vec<TcpStream> {
    let mut all: Vec<TcpStream> = (0..number).map(|_| connect(address)).collect();
    for socket in &mut all {
        socket.write_all(b"EHLO pc\r\n").expect("a gateway that reads");
    }
    for socket in &mut all {
        hear_until(socket, "250 SMTPUTF8\r\n");
    }
    all
}

fn hear_until(socket: &mut impl Read, end: &str) {
    let (mut heard, mut octets) = (Vec::new(), [0; 512]);
    while !heard.ends_with(end.as_bytes()) {
        let read = socket.read(&mut octets).expect("an answer");
        assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&heard));
        heard.extend_from_slice(&octets[..read]);
    }
}

/// Writes a result into the page of long runs, when this is one, in the place of the last one of its kind.
fn report(kind: &str, what: &str) {
    println!("{kind}: {what}");
    let Ok(path) = std::env::var("CAREER_RELAY_REPORT") else { return };
    let head = format!("| `make long-idle`, {kind} |");
    let page = fs::read_to_string(&path).expect("the page");
    let mut rows: Vec<&str> = page.lines().filter(|row| !row.starts_with(&head)).collect();
    let row = format!("{head} {} | {what} |", jiff::Zoned::now().date());
    rows.push(&row);
    fs::write(&path, rows.join("\n") + "\n").expect("the page");
}

#[test]
fn thousands_that_wait_take_little_memory_and_keep_nobody_waiting() {
    let house = House::new("");
    // Whatever is made once is made by the first.
    drop(greet_all(house.address(), 50));
    house.serve_twenty();
    let alone = house.serve_twenty();
    wait_for("the first to be gone", || (house.sessions() == 0).then_some(()));
    let before = house.resident_octets();
    let idle = greet_all(house.address(), crowd());
    let each = house.resident_octets().saturating_sub(before) / idle.len() as u64;
    let [greeted, greeted_middle, served, served_middle] = house.serve_twenty();
    assert!(house.writes_the_line());
    let what = format!(
        "{} clients: {each} octets of memory each; a new client is greeted in {greeted_middle:.1?}, its mail taken \
         in {served_middle:.1?} (best {greeted:.1?} and {served:.1?}; with nobody idle {:.1?} and {:.1?})",
        idle.len(),
        alone[1],
        alone[3],
    );
    report("idle", &what);
    assert!(each <= OCTETS_PER_IDLE_MAX, "{each} octets for each");
    assert!(served <= SERVED_WITHIN, "{served:?}");
}

#[test]
fn waiting_under_tls_takes_what_rustls_takes() {
    let house = House::new("");
    let (address, authority) = (house.address(), &house.authority);
    let secured = |number: usize| -> Vec<_> {
        (0..number).map(|_| start_tls(address, "EHLO pc\r\nSTARTTLS\r\n", authority, None).expect("TLS")).collect()
    };
    drop(secured(50));
    wait_for("the first to be gone", || (house.sessions() == 0).then_some(()));
    let before = house.resident_octets();
    let mut idle = secured(crowd() / 4);
    for client in &mut idle {
        client.write_all(b"EHLO pc\r\n").expect("a gateway that reads");
        hear_until(client, "250 SMTPUTF8\r\n");
    }
    let each = house.resident_octets().saturating_sub(before) / idle.len() as u64;
    report("idle under TLS", &format!("{} clients: {each} octets of memory each", idle.len()));
    assert!(each <= OCTETS_PER_IDLE_TLS_MAX, "{each} octets for each");
}

#[test]
fn a_thousand_that_drip_keep_nobody_waiting_and_come_to_an_end() {
    let house = House::new("data_for = \"5s\"\n");
    let mut dripping = greet_all(house.address(), crowd() / 2);
    let open = b"MAIL FROM:<saiyo@sakura.example>\r\nRCPT TO:<a@vendor.example>\r\nDATA\r\n";
    for (number, socket) in dripping.iter_mut().enumerate() {
        socket.write_all(if number % 2 == 0 { open } else { b"RSET\r\nNO" }).expect("a gateway that reads");
    }
    let mut best = Duration::MAX;
    for octet in b"OPOPOPOPOP" {
        for socket in &mut dripping {
            // Those whose time was over have been closed.
            let _ = socket.write_all(&[*octet]);
        }
        best = best.min(house.serve_twenty()[2]);
    }
    report("dripping", &format!("{} clients: the mail of another one is taken in {best:.1?}", dripping.len()));
    assert!(best <= SERVED_WITHIN, "{best:?}");
    let of_messages = dripping.into_iter().step_by(2);
    for mut socket in of_messages {
        hear_until(&mut socket, "421 4.4.2 Waited long enough, closing\r\n");
    }
    assert!(house.writes_the_line());
}

#[test]
fn five_hundred_that_stall_in_their_handshake_keep_nobody_out() {
    let house = House::new("");
    let mut stalled: Vec<TcpStream> = (0..500).map(|_| connect(house.address())).collect();
    for (number, socket) in stalled.iter_mut().enumerate() {
        socket.write_all(b"EHLO pc\r\nSTARTTLS\r\n").expect("a gateway that reads");
        hear_until(socket, "220 2.0.0 Go ahead\r\n");
        // Some say nothing more, some begin a record and never end it.
        socket
            .write_all(if number % 2 == 0 { b"" } else { b"\x16\x03\x01\x02\x00\x01" })
            .expect("a gateway that reads");
    }
    let mut socket = connect(house.address());
    socket.write_all(b"EHLO pc\r\nSTARTTLS\r\n").expect("a gateway that reads");
    hear_until(&mut socket, "220 2.0.0 Go ahead\r\n");
    let mut client = Client::over(shake(socket, &house.authority, None).expect("a handshake"));
    assert_eq!(client.say("EHLO office.sakura.example"), 250);
    assert_eq!(client.mail(&["a@vendor.example"], &ordinary("a@vendor.example")).0, 250);
    assert!(house.serve_twenty()[2] <= SERVED_WITHIN && house.writes_the_line());
}

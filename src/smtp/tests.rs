//! The door with real sockets and a custody that only notes what it was given.

mod limits;
mod pace;
mod tls;
mod who;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use super::*;
use crate::config::Listener;
use crate::proto::smtp::limits::Limits;

const OPEN: &str = "EHLO pc\r\nMAIL FROM:<hr@sakura.example>\r\nRCPT TO:<taro@mail.example>\r\n";

/// Notes each message; answers when it is let to.
struct Notes {
    may_relay: fn(&Client) -> bool,
    users: bool,
    taken: Mutex<Vec<Arrived>>,
    begun: Semaphore,
    may_answer: Semaphore,
}

impl Notes {
    fn messages(&self) -> Vec<String> {
        let taken = self.taken.lock().expect("no panic under it");
        taken.iter().map(|a| String::from_utf8_lossy(&a.transaction.message).into_owned()).collect()
    }

    /// Who handed in the last message.
    fn client(&self) -> Client {
        self.taken.lock().expect("no panic under it").last().expect("a message").client.clone()
    }
}

impl Custody for Notes {
    fn admit(&self, client: &Client) -> Admission {
        Admission { may_relay: (self.may_relay)(client), shared: client.ip == IpAddr::from([203, 0, 113, 1]) }
    }

    async fn authenticate(&self, user: String, password: Secret) -> Login {
        match user.as_str() {
            "busy" => Login::NotNow,
            _ if password.is(b"plum blossom") => Login::As(user),
            _ => Login::Wrong,
        }
    }

    fn has_users(&self) -> bool {
        self.users
    }

    fn company_of(&self, sender: &Domain) -> Option<CompanyId> {
        CompanyId::parse(sender.as_str().strip_suffix(".example")?).ok()
    }

    async fn take(&self, arrived: Arrived) -> Reply {
        assert_ne!(arrived.transaction.message, "panic\r\n", "asked to");
        self.begun.add_permits(1);
        self.may_answer.acquire().await.expect("an open semaphore").forget();
        self.taken.lock().expect("no panic under it").push(arrived);
        Reply::new(250, (2, 0, 0), "Taken")
    }
}

struct House {
    notes: Arc<Notes>,
    watch: Watch,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    served: JoinHandle<io::Result<()>>,
}

/// What a door is opened with.
struct Plan {
    settings: SmtpSettings,
    tls: Option<ServerTls>,
    may_relay: fn(&Client) -> bool,
    users: bool,
    slow: bool,
}

impl Plan {
    /// Everybody may relay, nothing is encrypted, and custody answers at once.
    fn new(limits: Limits) -> Self {
        let listeners = vec![Listener::at(SocketAddr::from(([127, 0, 0, 1], 0)))];
        let settings = SmtpSettings { listeners, limits, ..SmtpSettings::default() };
        Self { settings, tls: None, may_relay: |_| true, users: false, slow: false }
    }

    fn listener(&mut self) -> &mut Listener {
        self.settings.listeners.first_mut().expect("a listener")
    }

    fn open(self) -> House {
        let may_answer = Semaphore::new(if self.slow { 0 } else { 1000 });
        let (may_relay, users, begun) = (self.may_relay, self.users, Semaphore::new(0));
        let notes = Arc::new(Notes { may_relay, users, taken: Mutex::default(), begun, may_answer });
        let entrance = Entrance::open(&self.settings.listeners[0]).expect("a free port");
        let address = entrance.socket.local_addr().expect("a bound listener");
        let (watch, settings) = (Watch::new(), Arc::new(self.settings));
        let door = Door { host: "relay.example".into(), settings, tls: self.tls, watch: watch.clone() };
        let (stop, stopped) = watch::channel(false);
        let served = tokio::spawn(serve(vec![entrance], door, Arc::clone(&notes), stopped));
        House { notes, watch, address, stop, served }
    }
}

/// A running door. Custody answers at once unless `slow`.
fn open(limits: Limits, stranger: bool, slow: bool) -> House {
    let may_relay: fn(&Client) -> bool = if stranger { |_| false } else { |_| true };
    Plan { may_relay, slow, ..Plan::new(limits) }.open()
}

impl House {
    fn counted(&self, name: &str) -> u64 {
        self.watch.snapshot().counters[name]
    }
}

/// A connection in clear or under TLS.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

struct Caller(BufReader<Box<dyn Wire>>);

impl Caller {
    async fn connect(house: &House) -> Self {
        Self::over(TcpStream::connect(house.address).await.expect("an open door"))
    }

    fn over(wire: impl Wire + 'static) -> Self {
        Self(BufReader::new(Box::new(wire)))
    }

    async fn say(&mut self, octets: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(octets.as_ref()).await.expect("a client that is listened to");
    }

    /// The next whole reply, without the lines of a longer one but the last.
    async fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            let octets = self.0.read_line(&mut line).await.unwrap_or(0);
            if octets == 0 || line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    }

    async fn expect(&mut self, replies: &[&str]) {
        for reply in replies {
            let heard = self.hear().await;
            assert!(heard.starts_with(reply), "expected {reply}, heard {heard:?}");
        }
    }

    async fn expect_end(&mut self) {
        let mut rest = Vec::new();
        let _ = self.0.read_to_end(&mut rest).await;
        assert!(rest.is_empty(), "more came: {:?}", rest.escape_ascii().to_string());
    }

    /// As far as the 354.
    async fn open_data(&mut self) {
        self.say(format!("{OPEN}DATA\r\n")).await;
        self.expect(&["220 relay.example", "250 SMTPUTF8", "250 2.1.0", "250 2.1.5", "354"]).await;
    }
}

#[tokio::test]
async fn pipelined_mails_are_taken_one_after_another() {
    let house = open(Limits::default(), false, false);
    let mut caller = Caller::connect(&house).await;
    let next = "RSET\r\nMAIL FROM:<>\r\nRCPT TO:<b@mail.example>\r\nDATA\r\n";
    caller.say(format!("{OPEN}DATA\r\n")).await;
    caller.say(format!("first\r\n.\r\n{next}")).await;
    caller
        .expect(&["220", "250", "250", "250", "354", "250 2.0.0 Taken", "250 2.0.0 Reset", "250", "250", "354"])
        .await;
    caller.say("..second\r\n.\r\nQUIT\r\n").await;
    caller.expect(&["250 2.0.0 Taken", "221 2.0.0"]).await;
    caller.expect_end().await;
    assert_eq!(house.notes.messages(), ["first\r\n", ".second\r\n"]);
}

#[tokio::test]
async fn a_large_mail_arrives_to_the_octet_and_its_memory_comes_back() {
    let house = open(Limits::default(), false, false);
    let line = |i: usize| format!("{i:08} some text to fill a line of a mail, あいうえお\r\n");
    let text: String = (0..60_000).map(line).collect();
    let mut caller = Caller::connect(&house).await;
    caller.open_data().await;
    caller.say(format!("{text}.\r\nQUIT\r\n")).await;
    caller.expect(&["250 2.0.0 Taken", "221"]).await;
    caller.expect_end().await;
    assert!(house.notes.messages() == [text]);
    assert_eq!(house.watch.snapshot().gauges["message_octets_held"], 0);
}

#[tokio::test]
async fn strangers_hear_550_and_are_counted() {
    let house = open(Limits::default(), true, false);
    let mut caller = Caller::connect(&house).await;
    caller.say(format!("{OPEN}QUIT\r\n")).await;
    caller.expect(&["220", "250", "250", "550 5.7.1", "221"]).await;
    caller.expect_end().await;
    assert_eq!(house.watch.snapshot().counters["relay_denied"], 1);
}

#[tokio::test]
async fn one_connection_too_many_is_turned_away_and_room_comes_back() {
    let house = open(Limits { connections_per_client_max: 1, ..Limits::default() }, false, false);
    let mut first = Caller::connect(&house).await;
    first.expect(&["220"]).await;
    let mut second = Caller::connect(&house).await;
    second.expect(&["421 4.7.0"]).await;
    second.expect_end().await;
    first.say("QUIT\r\n").await;
    first.expect(&["221"]).await;
    first.expect_end().await;
    assert_eq!(house.watch.snapshot().counters["connections_refused"], 1);
    // The server frees the place in the same moment as it closes the socket, or a moment later.
    loop {
        let mut third = Caller::connect(&house).await;
        if third.hear().await.starts_with("220") {
            break;
        }
    }
}

#[tokio::test]
async fn without_room_in_memory_the_mail_is_deferred_and_the_next_one_taken() {
    let house = open(Limits { in_flight_octets_max: 100_000, ..Limits::default() }, false, false);
    let mut caller = Caller::connect(&house).await;
    caller.open_data().await;
    caller.say("12345678\r\n".repeat(20_000)).await;
    caller.say(".\r\nMAIL FROM:<>\r\nRCPT TO:<b@mail.example>\r\nDATA\r\n").await;
    caller.expect(&["452 4.3.1", "250", "250", "354"]).await;
    caller.say("small\r\n.\r\n").await;
    caller.expect(&["250 2.0.0 Taken"]).await;
}

#[tokio::test]
async fn each_deadline_ends_the_connection() {
    let limits = Limits::default();
    let cases = [
        (Limits { idle_seconds_max: 0, ..limits.clone() }, ""),
        (Limits { connection_seconds_max: 0, ..limits.clone() }, ""),
        (Limits { command_seconds_max: 0, ..limits.clone() }, "NOO"),
        (Limits { data_seconds_max: 0, ..limits }, "DATA\r\n"),
    ];
    for (limits, said) in cases {
        let house = open(limits, false, false);
        let mut caller = Caller::connect(&house).await;
        if said.starts_with("DATA") {
            caller.open_data().await;
        } else {
            caller.expect(&["220"]).await;
            caller.say(said).await;
        }
        caller.expect(&["421 4.4.2"]).await;
        caller.expect_end().await;
        assert_eq!(house.watch.snapshot().counters["session_timeouts"], 1);
    }
}

#[tokio::test]
async fn false_line_ends_are_refused_with_a_reply_that_can_be_read() {
    let house = open(Limits::default(), false, false);
    let mut caller = Caller::connect(&house).await;
    caller.open_data().await;
    let behind = "x".repeat(200_000);
    caller.say(format!("a\n.\nMAIL FROM:<smuggled@evil.example>\r\n{behind}")).await;
    caller.expect(&["554 5.6.0"]).await;
    caller.expect_end().await;
    assert!(house.notes.messages().is_empty());
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_no_mail() {
    let house = open(Limits::default(), false, false);
    let mut caller = Caller::connect(&house).await;
    caller.open_data().await;
    caller.say("half a mail\r\n").await;
    caller.0.get_mut().shutdown().await.expect("a connection to shut down");
    caller.expect_end().await;
    assert!(house.notes.messages().is_empty());
}

#[tokio::test]
async fn a_stop_ends_idle_clients_and_finishes_what_is_under_way() {
    let House { notes, address, stop, served, watch } = open(Limits::default(), false, true);
    let house = House { notes: Arc::clone(&notes), address, stop, served, watch };
    let mut idle = Caller::connect(&house).await;
    idle.expect(&["220"]).await;
    let mut dreaming = Caller::connect(&house).await;
    dreaming.say(OPEN).await;
    dreaming.expect(&["220", "250", "250", "250"]).await;
    let mut busy = Caller::connect(&house).await;
    busy.open_data().await;
    busy.say("text\r\n.\r\n").await;
    notes.begun.acquire().await.expect("an open semaphore").forget();
    house.stop.send(true).expect("a server that listens");
    for caller in [&mut idle, &mut dreaming] {
        caller.expect(&["421 4.3.2"]).await;
        caller.expect_end().await;
    }
    notes.may_answer.add_permits(1);
    busy.expect(&["250 2.0.0 Taken", "421 4.3.2"]).await;
    busy.expect_end().await;
    assert!(house.served.await.is_ok_and(|served| served.is_ok()));
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let house = open(Limits { stop_seconds_max: 0, ..Limits::default() }, false, false);
    let mut caller = Caller::connect(&house).await;
    caller.open_data().await;
    house.stop.send(true).expect("a server that listens");
    assert!(house.served.await.is_ok_and(|served| served.is_ok()));
    caller.expect_end().await;
}

#[tokio::test]
async fn an_error_of_ours_costs_one_connection_and_answers_nothing() {
    let house = open(Limits::default(), false, false);
    let mut caller = Caller::connect(&house).await;
    caller.open_data().await;
    caller.say("panic\r\n.\r\n").await;
    caller.expect_end().await;
    let mut next = Caller::connect(&house).await;
    next.open_data().await;
    next.say("text\r\n.\r\n").await;
    next.expect(&["250 2.0.0 Taken"]).await;
}

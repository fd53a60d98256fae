//! A next hop that does at each stage what a test tells it, and remembers what it was told.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use crate::sys::tls::Stream;

/// Where in the dialogue something is answered.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Stage {
    Greet,
    /// EHLO or LHLO.
    Ehlo,
    Helo,
    StartTls,
    /// In place of the handshake of TLS.
    Handshake,
    Auth,
    Reset,
    Mail,
    Rcpt,
    Data,
    /// The dot or the last octet of a chunk; with LMTP once for each recipient taken.
    Dot,
}

/// What happens there.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// These lines, ended by CR LF.
    Reply(&'static str),
    /// These octets.
    Raw(&'static [u8]),
    /// These octets again and again, until the client goes.
    Flood(&'static [u8]),
    /// These lines after a while.
    Late(Duration, &'static str),
    /// The connection is closed.
    Drop,
    /// These lines, and then the connection is closed.
    ReplyAndDrop(&'static str),
    /// Nothing, until the client goes.
    Stall,
}

/// What a next hop of these tests offers when the test says nothing else.
pub(super) const EHLO: &str = "250-next.example\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n250-8BITMIME\r\n250 SMTPUTF8";

/// What sort of next hop it is.
#[derive(Clone)]
pub(super) struct Kind {
    /// What it says to EHLO where the script says nothing.
    pub(super) ehlo: &'static str,
    pub(super) tls: Option<TlsAcceptor>,
    /// Whether TLS begins with the first octet.
    pub(super) implicit: bool,
}

impl Default for Kind {
    fn default() -> Self {
        Self { ehlo: EHLO, tls: None, implicit: false }
    }
}

#[derive(Debug, Default)]
struct State {
    script: HashMap<Stage, VecDeque<Act>>,
    commands: Vec<String>,
    messages: Vec<Vec<u8>>,
    connections: usize,
}

/// A listening next hop.
#[derive(Clone)]
pub(super) struct NextHop {
    pub(super) address: SocketAddr,
    kind: Kind,
    state: Arc<Mutex<State>>,
    heard: Arc<Notify>,
}

impl NextHop {
    /// Listens, and does at each stage the acts for it, one after another; then it says yes.
    pub(super) async fn start(script: &[(Stage, Act)]) -> Self {
        Self::of_kind(Kind::default(), script).await
    }

    pub(super) async fn of_kind(kind: Kind, script: &[(Stage, Act)]) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.expect("a port"), kind, script)
    }

    /// The same on a listener the test has bound.
    pub(super) fn on(listener: TcpListener, kind: Kind, script: &[(Stage, Act)]) -> Self {
        let address = listener.local_addr().expect("an address");
        let hop = Self { address, kind, state: Arc::default(), heard: Arc::default() };
        hop.add(script);
        let serving = hop.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serving.lock().connections += 1;
                tokio::spawn(serving.clone().serve(Stream::Plain(stream)));
            }
        });
        hop
    }

    /// Adds acts to the script.
    pub(super) fn add(&self, script: &[(Stage, Act)]) {
        let mut state = self.lock();
        for (stage, act) in script {
            state.script.entry(*stage).or_default().push_back(act.clone());
        }
    }

    /// The commands heard so far, in one line, the message as `<n octets>`, a handshake as `<tls>`.
    pub(super) fn commands(&self) -> String {
        self.lock().commands.join(" | ")
    }

    /// The messages accepted so far, as they were on the wire, final dot included.
    pub(super) fn messages(&self) -> Vec<Vec<u8>> {
        self.lock().messages.clone()
    }

    /// Connections taken so far.
    pub(super) fn connections(&self) -> usize {
        self.lock().connections
    }

    /// Waits until so many messages have come.
    pub(super) async fn wait_for_messages(&self, count: usize) {
        self.wait_until(|state| state.messages.len() >= count).await;
    }

    /// Waits until a command that begins so has come.
    pub(super) async fn wait_for_command(&self, start: &str) {
        self.wait_until(|state| state.commands.iter().any(|c| c.starts_with(start))).await;
    }

    /// Waits until so many commands that begin so have come.
    pub(super) async fn wait_for_commands(&self, start: &str, count: usize) {
        self.wait_until(|state| state.commands.iter().filter(|c| c.starts_with(start)).count() >= count).await;
    }

    async fn wait_until(&self, reached: impl Fn(&State) -> bool) {
        loop {
            let mut heard = std::pin::pin!(self.heard.notified());
            heard.as_mut().enable();
            if reached(&self.lock()) {
                return;
            }
            heard.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(self, stream: Stream) {
        let mut peer = Peer { stream: Some(stream), input: Vec::new(), is_store: false, taken: 0 };
        // Either end may close at any time; that is what the tests are about.
        let _ = self.converse(&mut peer).await;
    }

    async fn converse(&self, peer: &mut Peer) -> Option<()> {
        if self.kind.implicit {
            self.shake_hands(peer).await?;
        }
        self.act(peer, Stage::Greet, "220 next.example").await?;
        loop {
            let line = peer.take_until(b"\r\n").await?;
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            self.lock().commands.push(line.clone());
            self.heard.notify_waiters();
            let word = line.split([' ', ':']).next().unwrap_or_default();
            match word {
                "EHLO" => self.act(peer, Stage::Ehlo, self.kind.ehlo).await?,
                "LHLO" => {
                    peer.is_store = true;
                    self.act(peer, Stage::Ehlo, self.kind.ehlo).await?;
                }
                "STARTTLS" => {
                    if self.act_saying(peer, Stage::StartTls, "220 go on").await?.starts_with("220") {
                        self.shake_hands(peer).await?;
                    }
                }
                "AUTH" => self.auth(peer).await?,
                "HELO" => self.act(peer, Stage::Helo, "250 next.example").await?,
                "RSET" => self.act(peer, Stage::Reset, "250 reset").await?,
                "MAIL" => {
                    peer.taken = 0;
                    self.act(peer, Stage::Mail, "250 sender ok").await?;
                }
                "RCPT" => {
                    let said = self.act_saying(peer, Stage::Rcpt, "250 recipient ok").await?;
                    peer.taken += usize::from(said.starts_with("250"));
                }
                "DATA" => self.data(peer).await?,
                "BDAT" => {
                    let octets = line.strip_prefix("BDAT ")?.strip_suffix(" LAST")?.parse().ok()?;
                    let message = peer.take(octets).await?;
                    self.answer(peer, message).await?;
                }
                _ => return None,
            }
        }
    }

    async fn data(&self, peer: &mut Peer) -> Option<()> {
        let said = self.act_saying(peer, Stage::Data, "354 go on").await?;
        if !said.starts_with("354") {
            return Some(());
        }
        let message = peer.take_until(b"\r\n.\r\n").await?;
        self.answer(peer, message).await
    }

    async fn answer(&self, peer: &mut Peer, message: Vec<u8>) -> Option<()> {
        self.lock().commands.push(format!("<{} octets>", message.len()));
        for _ in 0..if peer.is_store { peer.taken } else { 1 } {
            let said = self.act_saying(peer, Stage::Dot, "250 taken").await;
            if said.is_none_or(|s| s.starts_with("250")) {
                self.lock().messages.push(message.clone());
                self.heard.notify_waiters();
            }
            said?;
        }
        Some(())
    }

    async fn shake_hands(&self, peer: &mut Peer) -> Option<()> {
        if self.lock().script.get(&Stage::Handshake).is_some_and(|acts| !acts.is_empty()) {
            return self.act(peer, Stage::Handshake, "").await;
        }
        let Some(Stream::Plain(socket)) = peer.stream.take() else { return None };
        let stream = self.kind.tls.as_ref()?.accept(socket).await.ok()?;
        peer.stream = Some(Stream::Tls(Box::new(stream.into())));
        self.lock().commands.push("<tls>".to_owned());
        Some(())
    }

    async fn auth(&self, peer: &mut Peer) -> Option<()> {
        while self.act_saying(peer, Stage::Auth, "235 welcome").await?.starts_with("334") {
            let line = peer.take_until(b"\r\n").await?;
            self.lock().commands.push(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
        Some(())
    }

    async fn act(&self, peer: &mut Peer, stage: Stage, usual: &'static str) -> Option<()> {
        self.act_saying(peer, stage, usual).await.map(|_| ())
    }

    /// Acts, and returns what was said; nothing when the connection is over.
    async fn act_saying(&self, peer: &mut Peer, stage: Stage, usual: &'static str) -> Option<&'static str> {
        let next = self.lock().script.get_mut(&stage).and_then(VecDeque::pop_front);
        let said = match next.unwrap_or(Act::Reply(usual)) {
            Act::Reply(text) => text,
            Act::Late(wait, text) => {
                tokio::time::sleep(wait).await;
                text
            }
            Act::Raw(octets) => {
                peer.write(octets).await?;
                return Some("");
            }
            Act::Flood(octets) => {
                let many = octets.repeat(8192 / octets.len());
                while peer.write(&many).await.is_some() {}
                return None;
            }
            Act::Drop => return None,
            Act::ReplyAndDrop(text) => {
                peer.say(text).await?;
                return None;
            }
            Act::Stall => {
                while peer.read().await.is_some() {}
                return None;
            }
        };
        peer.say(said).await?;
        Some(said)
    }
}

struct Peer {
    /// Absent while TLS begins.
    stream: Option<Stream>,
    input: Vec<u8>,
    /// Whether it was spoken to in LMTP.
    is_store: bool,
    /// Recipients taken in this transaction.
    taken: usize,
}

impl Peer {
    async fn say(&mut self, text: &str) -> Option<()> {
        self.write(format!("{text}\r\n").as_bytes()).await
    }

    async fn write(&mut self, octets: &[u8]) -> Option<()> {
        let stream = self.stream.as_mut()?;
        stream.write_all(octets).await.ok()?;
        stream.flush().await.ok()
    }

    async fn read(&mut self) -> Option<()> {
        let octets = self.stream.as_mut()?.read_buf(&mut self.input).await.ok()?;
        (octets > 0).then_some(())
    }

    async fn take(&mut self, octets: usize) -> Option<Vec<u8>> {
        while self.input.len() < octets {
            self.read().await?;
        }
        Some(self.input.drain(..octets).collect())
    }

    async fn take_until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = memchr::memmem::find(&self.input, end) {
                return Some(self.input.drain(..at + end.len()).collect());
            }
            self.read().await?;
        }
    }
}

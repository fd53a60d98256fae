//! A next hop that does at each stage what a test tells it, and remembers what it was told.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// Where in the dialogue something is answered.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Stage {
    Greet,
    Ehlo,
    Helo,
    Reset,
    Mail,
    Rcpt,
    Data,
    Dot,
}

/// What happens there.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// These lines, ended by CR LF.
    Reply(&'static str),
    /// These octets.
    Raw(&'static [u8]),
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

#[derive(Debug, Default)]
struct State {
    script: HashMap<Stage, VecDeque<Act>>,
    commands: Vec<String>,
    messages: Vec<Vec<u8>>,
    connections: usize,
}

/// A listening next hop.
#[derive(Clone, Debug)]
pub(super) struct NextHop {
    pub(super) address: SocketAddr,
    state: Arc<Mutex<State>>,
    heard: Arc<Notify>,
}

impl NextHop {
    /// Listens, and does at each stage the acts for it, one after another; then it says yes.
    pub(super) async fn start(script: &[(Stage, Act)]) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.expect("a port"), script)
    }

    /// The same on a listener the test has bound.
    pub(super) fn on(listener: TcpListener, script: &[(Stage, Act)]) -> Self {
        let address = listener.local_addr().expect("an address");
        let hop = Self { address, state: Arc::default(), heard: Arc::default() };
        hop.add(script);
        let serving = hop.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serving.lock().connections += 1;
                tokio::spawn(serving.clone().serve(stream));
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

    /// The commands heard so far, in one line, the message as `<n octets>`.
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

    async fn serve(self, stream: TcpStream) {
        let mut peer = Peer { stream, input: Vec::new() };
        // Either end may close at any time; that is what the tests are about.
        let _ = self.converse(&mut peer).await;
    }

    async fn converse(&self, peer: &mut Peer) -> Option<()> {
        self.act(peer, Stage::Greet, "220 next.example").await?;
        loop {
            let line = peer.take_until(b"\r\n").await?;
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            self.lock().commands.push(line.clone());
            self.heard.notify_waiters();
            let word = line.split([' ', ':']).next().unwrap_or_default();
            match word {
                "EHLO" => self.act(peer, Stage::Ehlo, EHLO).await?,
                "HELO" => self.act(peer, Stage::Helo, "250 next.example").await?,
                "RSET" => self.act(peer, Stage::Reset, "250 reset").await?,
                "MAIL" => self.act(peer, Stage::Mail, "250 sender ok").await?,
                "RCPT" => self.act(peer, Stage::Rcpt, "250 recipient ok").await?,
                "DATA" => self.data(peer).await?,
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
        self.lock().commands.push(format!("<{} octets>", message.len()));
        let said = self.act_saying(peer, Stage::Dot, "250 taken").await;
        if said.is_none_or(|s| s.starts_with("250")) {
            self.lock().messages.push(message);
            self.heard.notify_waiters();
        }
        said.map(|_| ())
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
                peer.stream.write_all(octets).await.ok()?;
                return Some("");
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
    stream: TcpStream,
    input: Vec<u8>,
}

impl Peer {
    async fn say(&mut self, text: &str) -> Option<()> {
        self.stream.write_all(format!("{text}\r\n").as_bytes()).await.ok()
    }

    async fn read(&mut self) -> Option<()> {
        let octets = self.stream.read_buf(&mut self.input).await.ok()?;
        (octets > 0).then_some(())
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

//! One connection to a next hop: opened, greeted, read and written with a deadline for every phase.
//!
//! A reply is taken only when one is due. Octets that come unasked are a fault, because every later reply would be
//! counted for the wrong command.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use super::candidate::{Candidate, Manner};
use super::settings::Deadlines;
use crate::proto::smtp::client::{Capabilities, Phase};
use crate::proto::smtp::reply::{Reply, ReplyFault};
use crate::sys::tls::Stream;
use crate::watch::Held;

/// Room for the replies of a usual transaction.
const INPUT_OCTETS: usize = 1024;
/// Pieces given to one vectored write.
const PIECES_MAX: usize = 64;

/// Why a connection is of no more use.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("connection failed: {0}")]
    Io(#[from] io::Error),
    #[error("connection closed by the next hop")]
    Closed,
    #[error("no answer in time")]
    Timeout,
    #[error("malformed reply: {0}")]
    Malformed(#[from] ReplyFault),
    #[error("reply that fits no command: {0}")]
    Misplaced(u16),
    #[error("octets from the next hop that no command asked for")]
    Unasked,
    #[error("next hop not ready: {0}")]
    NotReady(String),
    #[error("no address for the next hop's name")]
    NoAddress,
    #[error("the mail servers cannot be looked up: {0}")]
    Names(String),
    #[error("no mail server of the domain is one that its MTA-STS policy names")]
    Policy,
}

/// A fault and the phase it struck in.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) phase: Phase,
    pub(super) fault: Fault,
    /// Whether it was the caller's own deadline that ran out, not the next hop's.
    pub(super) given_up: bool,
}

/// How long the phases of a dialogue may take: the table, and the caller's own end if it has one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) deadlines: Deadlines,
    pub(super) until: Option<Instant>,
}

impl Patience {
    /// When the phase that begins now has to be over, and whether the caller's end comes first.
    fn end(&self, phase: Phase) -> (Instant, bool) {
        let end = Instant::now() + self.deadlines.of(phase);
        match self.until {
            Some(until) if until < end => (until, true),
            _ => (end, false),
        }
    }

    /// The share of one of so many candidates: the caller's time is halved as long as others are left.
    pub(super) fn among(&self, candidates: usize) -> Self {
        let half = |until: Instant| Instant::now() + until.saturating_duration_since(Instant::now()) / 2;
        Self { until: if candidates > 1 { self.until.map(half) } else { self.until }, ..*self }
    }

    /// Awaits `work` for as long as the phase may take.
    pub(super) async fn bear<T, F: Future<Output = Result<T, Fault>>>(
        &self,
        phase: Phase,
        work: F,
    ) -> Result<T, Broken> {
        let (end, callers) = self.end(phase);
        match timeout_at(end, work).await {
            Ok(result) => result.map_err(|fault| Broken { phase, fault, given_up: false }),
            Err(_) => Err(Broken { phase, fault: Fault::Timeout, given_up: callers }),
        }
    }
}

/// Who connects, and how long it may take.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    /// Our name in EHLO.
    pub(super) hostname: &'a str,
    pub(super) patience: &'a Patience,
}

/// The place of a connection among those its next hop may have; given back when it is dropped.
pub(super) struct Place {
    pub(super) _permit: OwnedSemaphorePermit,
    pub(super) _held: Held,
}

/// An open connection to a next hop that has taken our EHLO or HELO.
pub(super) struct Connection {
    stream: Stream,
    input: Vec<u8>,
    /// The server at the other end.
    pub(super) host: Arc<str>,
    pub(super) offered: Capabilities,
    /// Whether an earlier transaction is still open there.
    pub(super) reset_first: bool,
    /// Transactions made so far.
    pub(super) used: u32,
    pub(super) idle_since: Instant,
    _place: Place,
}

impl Connection {
    /// Connects, takes the greeting and says who we are.
    pub(super) async fn open(
        candidate: &Candidate,
        _manner: &Manner,
        place: Place,
        caller: Caller<'_>,
    ) -> Result<Self, Broken> {
        let socket = caller.patience.bear(Phase::Connect, connect(&candidate.addresses)).await?;
        let mut connection = Self {
            stream: Stream::Plain(socket),
            input: Vec::with_capacity(INPUT_OCTETS),
            host: Arc::clone(&candidate.host),
            offered: Capabilities::default(),
            reset_first: false,
            used: 0,
            idle_since: Instant::now(),
            _place: place,
        };
        connection.greet(caller.hostname, caller.patience).await?;
        Ok(connection)
    }

    async fn greet(&mut self, hostname: &str, patience: &Patience) -> Result<(), Broken> {
        let not_ready = |phase, reply: &Reply| Broken { phase, fault: not_ready(reply), given_up: false };
        let greeting = self.read_only_reply(Phase::Greeting, patience).await?;
        if greeting.code != 220 {
            return Err(not_ready(Phase::Greeting, &greeting));
        }
        self.write(Phase::Hello, format!("EHLO {hostname}\r\n").as_bytes(), patience).await?;
        let reply = self.read_only_reply(Phase::Hello, patience).await?;
        if reply.code == 250 {
            self.offered = Capabilities::read(&reply);
            return Ok(());
        }
        if !reply.is_permanent() {
            return Err(not_ready(Phase::Hello, &reply));
        }
        self.write(Phase::Hello, format!("HELO {hostname}\r\n").as_bytes(), patience).await?;
        let reply = self.read_only_reply(Phase::Hello, patience).await?;
        if reply.code == 250 { Ok(()) } else { Err(not_ready(Phase::Hello, &reply)) }
    }

    /// Writes all of `octets`.
    pub(super) async fn write(&mut self, phase: Phase, octets: &[u8], patience: &Patience) -> Result<(), Broken> {
        let stream = &mut self.stream;
        let write = async {
            stream.write_all(octets).await?;
            // In clear this asks nothing of the system; TLS may still hold the end of it.
            Ok(stream.flush().await?)
        };
        patience.bear(phase, write).await
    }

    /// Writes all pieces, as they are, in as few writes as they allow. When this fails, the last octet was not written.
    pub(super) async fn write_pieces<'a>(
        &mut self,
        mut pieces: impl Iterator<Item = &'a [u8]>,
        patience: &Patience,
    ) -> Result<(), Broken> {
        loop {
            let mut batch: Vec<IoSlice<'a>> = Vec::with_capacity(16);
            batch.extend(pieces.by_ref().take(PIECES_MAX).map(IoSlice::new));
            if batch.is_empty() {
                let stream = &mut self.stream;
                return patience.bear(Phase::Content, async { Ok(stream.flush().await?) }).await;
            }
            let mut left = &mut batch[..];
            while !left.is_empty() {
                let stream = &mut self.stream;
                let written = patience.bear(Phase::Content, write_some(stream, left)).await?;
                IoSlice::advance_slices(&mut left, written);
            }
        }
    }

    /// Reads the next reply; more may stand behind it.
    pub(super) async fn read_reply(&mut self, phase: Phase, patience: &Patience) -> Result<Reply, Broken> {
        let (stream, input) = (&mut self.stream, &mut self.input);
        patience.bear(phase, read_reply(stream, input)).await
    }

    /// Reads the reply behind which nothing may stand.
    async fn read_only_reply(&mut self, phase: Phase, patience: &Patience) -> Result<Reply, Broken> {
        let reply = self.read_reply(phase, patience).await?;
        self.expect_silence(phase)?;
        Ok(reply)
    }

    /// Fails when the next hop has said more than it was asked.
    pub(super) fn expect_silence(&self, phase: Phase) -> Result<(), Broken> {
        if self.input.is_empty() { Ok(()) } else { Err(Broken { phase, fault: Fault::Unasked, given_up: false }) }
    }

    /// Whether an idle connection is still open and silent, as far as can be told without asking.
    pub(super) fn is_fresh(&mut self, idle_for: Duration) -> bool {
        self.stream.is_silent() && self.input.is_empty() && self.idle_since.elapsed() < idle_for
    }

    /// Says goodbye without waiting for an answer, and closes.
    pub(super) fn quit(mut self) {
        self.stream.say_goodbye(b"QUIT\r\n");
    }
}

fn not_ready(reply: &Reply) -> Fault {
    Fault::NotReady(reply.to_string())
}

async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Fault> {
    let mut last = Fault::NoAddress;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Without it the final dot waits for an acknowledgement that is itself delayed.
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(e) => last = e.into(),
        }
    }
    Err(last)
}

async fn write_some(stream: &mut Stream, pieces: &[IoSlice<'_>]) -> Result<usize, Fault> {
    match stream.write_vectored(pieces).await? {
        0 => Err(Fault::Closed),
        written => Ok(written),
    }
}

async fn read_reply(stream: &mut Stream, input: &mut Vec<u8>) -> Result<Reply, Fault> {
    loop {
        if let Some((reply, octets)) = Reply::read(input)? {
            input.drain(..octets);
            return Ok(reply);
        }
        if stream.read_buf(input).await? == 0 {
            return Err(Fault::Closed);
        }
    }
}

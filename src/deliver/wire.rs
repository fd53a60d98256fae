//! The octets to and from one next hop, each phase with its deadline, in clear or under TLS.
//!
//! A reply is taken only when one is due. Octets that come unasked are a fault, because every later reply would be
//! counted for the wrong command.

use std::io::{self, IoSlice};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::settings::Deadlines;
use crate::proto::smtp::client::Phase;
use crate::proto::smtp::reply::{Reply, ReplyFault};
use crate::sys::tls::{ClientTls, ClientTlsFault, Stream, Trust};

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
    #[error("{host} does not offer STARTTLS, and nothing may be sent to it in clear: {because}")]
    NoStartTls { host: Arc<str>, because: &'static str },
    #[error("{host} refused STARTTLS: {reply}")]
    StartTlsRefused { host: Arc<str>, reply: Reply },
    #[error("{host}: {fault}")]
    Tls { host: Arc<str>, fault: ClientTlsFault },
    #[error("the route's user and password are not said to {0} in clear: set tls = \"verified\" for the route")]
    LoginInClear(Arc<str>),
    #[error("{0} offers neither AUTH PLAIN nor AUTH LOGIN for the route's user")]
    NoLogin(Arc<str>),
    #[error("{host} refused the route's user and password: {reply}")]
    LoginRefused { host: Arc<str>, reply: Reply },
}

impl Fault {
    /// The status of RFC 3463 where there is a closer one than that of a connection: names that cannot be told,
    /// security features not supported, cryptographic failure, credentials (RFC 4954 6).
    pub(super) fn status(&self) -> Option<(u8, u16, u16)> {
        match self {
            Self::Names(_) => Some((4, 4, 3)),
            Self::NoStartTls { .. } | Self::StartTlsRefused { .. } | Self::LoginInClear(_) | Self::NoLogin(_) => {
                Some((4, 7, 4))
            }
            Self::Tls { .. } | Self::Policy => Some((4, 7, 5)),
            Self::LoginRefused { .. } => Some((4, 7, 8)),
            _ => None,
        }
    }

    /// Whether waiting does not mend it: somebody has to change a setting, here or there.
    pub(super) fn is_for_the_admin(&self) -> bool {
        matches!(self.status(), Some((4, 7, _)))
    }
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

/// A connection, and what came on it and was not yet asked for.
pub(super) struct Wire {
    stream: Stream,
    input: Vec<u8>,
}

impl Wire {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, input: Vec::with_capacity(INPUT_OCTETS) }
    }

    /// Whether what is said is protected.
    pub(super) fn is_tls(&self) -> bool {
        self.stream.is_tls()
    }

    /// The same connection under TLS. Nothing that came in clear is taken along (RFC 3207 4.2).
    pub(super) async fn under_tls(
        self,
        tls: &ClientTls,
        host: &Arc<str>,
        trust: &Trust,
        patience: &Patience,
    ) -> Result<Self, Broken> {
        self.expect_silence(Phase::Tls)?;
        let Stream::Plain(socket) = self.stream else { return Ok(self) };
        Ok(Self::new(shake_hands(socket, tls, host, trust, patience).await?))
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
    pub(super) async fn read_only_reply(&mut self, phase: Phase, patience: &Patience) -> Result<Reply, Broken> {
        let reply = self.read_reply(phase, patience).await?;
        self.expect_silence(phase)?;
        Ok(reply)
    }

    /// Fails when the next hop has said more than it was asked.
    pub(super) fn expect_silence(&self, phase: Phase) -> Result<(), Broken> {
        if self.input.is_empty() { Ok(()) } else { Err(Broken { phase, fault: Fault::Unasked, given_up: false }) }
    }

    /// Whether it is still open and silent, as far as can be told without asking.
    pub(super) fn is_silent(&mut self) -> bool {
        self.input.is_empty() && self.stream.is_silent()
    }

    /// Says goodbye without waiting for an answer, and closes.
    pub(super) fn quit(mut self) {
        self.stream.say_goodbye(b"QUIT\r\n");
    }
}

/// TLS from the next octet on.
pub(super) async fn shake_hands(
    socket: TcpStream,
    tls: &ClientTls,
    host: &Arc<str>,
    trust: &Trust,
    patience: &Patience,
) -> Result<Stream, Broken> {
    let fault = |fault| Fault::Tls { host: Arc::clone(host), fault };
    patience.bear(Phase::Tls, async { tls.handshake(socket, host, trust).await.map_err(fault) }).await
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

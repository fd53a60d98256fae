//! One client's connection: octets between its socket and its session, under deadlines.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use super::guests::Guests;
use super::room::{Room, Share};
use super::server::stopping;
use super::{Admission, Arrived, Custody, Door};
use crate::pipeline::Client;
use crate::proto::smtp::limits::Limits;
use crate::proto::smtp::reply::Reply;
use crate::proto::smtp::session::{Action, Checked, Peer, Session, Terms, Transaction};
use crate::sys;
use crate::watch::{Counter, Watch};

/// Octets read at one time.
const INPUT_OCTETS: usize = 32 * 1024;
/// Replies are written at the latest when this many octets of them wait.
const OUTPUT_OCTETS: usize = 8 * 1024;
/// After our last word the client's octets are read and dropped for so long, that it can read that word: closing a
/// socket with octets unread makes the kernel throw away what was written.
const LINGER: Duration = Duration::from_secs(2);
/// And no more than this many of them.
const LINGER_OCTETS_MAX: usize = 4 * 1024 * 1024;

/// What all connections share.
pub(super) struct Shared<C> {
    pub(super) door: Door,
    pub(super) custody: Arc<C>,
    pub(super) room: Arc<Room>,
    pub(super) guests: Arc<Guests>,
}

/// One connection.
pub(super) struct Connection<C> {
    stream: TcpStream,
    client: Client,
    shared: Arc<Shared<C>>,
    stop: watch::Receiver<bool>,
    session: Session,
    share: Share,
    input: Input,
    output: Vec<u8>,
    deadlines: Deadlines,
}

/// How a wait for octets ended.
enum Wake {
    Octets,
    Gone,
    Late,
    Stopping,
}

impl<C: Custody> Connection<C> {
    pub(super) fn new(
        stream: TcpStream,
        (client, admission): (Client, Admission),
        shared: Arc<Shared<C>>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let limits = Arc::clone(&shared.door.limits);
        let terms = Terms::plain(Arc::clone(&shared.door.host), Arc::clone(&limits));
        let peer = Peer { may_relay: admission.may_relay, ..Peer::default() };
        Self {
            stream,
            client: Client { shared: admission.shared, ..client },
            stop,
            share: Share::new(&shared.room),
            input: Input::new(INPUT_OCTETS.max(limits.login_octets_max() + 1)),
            output: Vec::new(),
            deadlines: Deadlines::new(&limits),
            session: Session::new(Arc::new(terms), peer),
            shared,
        }
    }

    /// Talks until either side ends it.
    pub(super) async fn converse(mut self) {
        // Without it each short reply would wait for the client's delayed acknowledgement.
        let _ = self.stream.set_nodelay(true);
        self.session.greeting().write_to(&mut self.output);
        let last_word = self.exchange().await;
        self.count();
        if let Ok(Some(last_word)) = last_word {
            last_word.write_to(&mut self.output);
            self.end(last_word.code == 221).await;
        }
    }

    /// Does what the session says; ends with the last reply, or none when the client has gone.
    async fn exchange(&mut self) -> io::Result<Option<Reply>> {
        loop {
            if *self.stop.borrow() && !self.session.is_in_transaction() {
                return Ok(Some(come_again()));
            }
            let step = self.session.step(self.input.unread());
            self.input.use_up(step.consumed);
            self.deadlines.note_progress(step.consumed);
            if self.session.room() == 0 {
                self.share.release();
            }
            match step.action {
                Action::Reply(reply) => self.queue(&reply).await?,
                Action::Room(octets) => self.find_room(octets),
                Action::Message(transaction) => self.answer(*transaction).await?,
                Action::Close(reply) => return Ok(Some(reply)),
                // A door with plain terms never comes here.
                Action::StartTls(_) | Action::Introduce(_) => return Ok(None),
                Action::Authenticate(_) => self.session.authenticated(Checked::Unavailable),
                Action::Read => {
                    self.flush().await?;
                    match self.read().await? {
                        Wake::Octets => {}
                        Wake::Gone => return Ok(None),
                        Wake::Late => return Ok(Some(self.too_late())),
                        Wake::Stopping => return Ok(Some(come_again())),
                    }
                }
            }
        }
    }

    async fn read(&mut self) -> io::Result<Wake> {
        // A transaction that has no message yet loses nothing by starting anew, and may never go on.
        let in_data = self.session.is_in_data();
        let until = self.deadlines.next(in_data, !self.input.unread().is_empty());
        let read = tokio::select! {
            biased;
            () = stopping(&mut self.stop), if !in_data => return Ok(Wake::Stopping),
            read = timeout_at(until, self.stream.read(self.input.free())) => read,
        };
        match read {
            Err(_) => Ok(Wake::Late),
            Ok(Ok(0)) => Ok(Wake::Gone),
            Ok(Ok(octets)) => {
                self.input.add(octets);
                Ok(Wake::Octets)
            }
            Ok(Err(error)) => Err(error),
        }
    }

    fn find_room(&mut self, octets: usize) {
        if self.share.grow_to(octets) {
            self.session.grant(octets);
        } else {
            self.session.deny();
            self.share.release();
        }
    }

    async fn answer(&mut self, transaction: Transaction) -> io::Result<()> {
        self.flush().await?;
        let arrived = Arrived { client: self.client.clone(), transaction, at: sys::clock::now() };
        let reply = self.shared.custody.take(arrived).await;
        self.share.release();
        self.session.answered();
        reply.write_to(&mut self.output);
        self.flush().await
    }

    async fn queue(&mut self, reply: &Reply) -> io::Result<()> {
        reply.write_to(&mut self.output);
        if self.output.len() < OUTPUT_OCTETS { Ok(()) } else { self.flush().await }
    }

    async fn flush(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        let written = timeout(self.deadlines.idle, self.stream.write_all(&self.output)).await;
        self.output.clear();
        written.unwrap_or(Err(io::ErrorKind::TimedOut.into()))
    }

    fn too_late(&self) -> Reply {
        self.watch().count(Counter::SessionTimeouts);
        Reply::new(421, (4, 4, 2), "Waited long enough, closing")
    }

    /// Says the last word and sees that it can be read. After a QUIT nothing can stand in its way.
    async fn end(&mut self, after_quit: bool) {
        if self.flush().await.is_err() || self.stream.shutdown().await.is_err() || after_quit {
            return;
        }
        let mut left = LINGER_OCTETS_MAX;
        let drain = async {
            loop {
                self.input.clear();
                match self.stream.read(self.input.free()).await {
                    Ok(octets) if octets > 0 && octets < left => left -= octets,
                    _ => return,
                }
            }
        };
        let _ = timeout(LINGER, drain).await;
    }

    fn count(&self) {
        self.watch().add(Counter::ProtocolFaults, u64::from(self.session.faults()));
        self.watch().add(Counter::RelayDenied, u64::from(self.session.denied_relays()));
    }

    fn watch(&self) -> &Watch {
        &self.shared.door.watch
    }
}

fn come_again() -> Reply {
    Reply::new(421, (4, 3, 2), "Stopping, come again")
}

/// When the client has to have sent something.
struct Deadlines {
    idle: Duration,
    command: Duration,
    data: Duration,
    connection_end: Instant,
    /// The end of the command that has begun, or of the message.
    phase_end: Option<(bool, Instant)>,
}

impl Deadlines {
    fn new(limits: &Limits) -> Self {
        Self {
            idle: Duration::from_secs(limits.idle_seconds_max),
            command: Duration::from_secs(limits.command_seconds_max),
            data: Duration::from_secs(limits.data_seconds_max),
            connection_end: Instant::now() + Duration::from_secs(limits.connection_seconds_max),
            phase_end: None,
        }
    }

    /// A whole command was used up: the next one has its own time. Octets of a message do not count as that.
    fn note_progress(&mut self, consumed: usize) {
        if consumed > 0 && self.phase_end.is_some_and(|(in_data, _)| !in_data) {
            self.phase_end = None;
        }
    }

    /// The next deadline, for octets of a message or for those of a command that has `begun` or not.
    fn next(&mut self, in_data: bool, begun: bool) -> Instant {
        let now = Instant::now();
        self.phase_end = match self.phase_end {
            Some((of_data, end)) if of_data == in_data && (in_data || begun) => Some((in_data, end)),
            _ if in_data => Some((true, now + self.data)),
            _ if begun => Some((false, now + self.command)),
            _ => None,
        };
        let phase_end = self.phase_end.map_or(self.connection_end, |(_, end)| end);
        (now + self.idle).min(self.connection_end).min(phase_end)
    }
}

/// The octets read and not yet used up, in a buffer that is used again and again.
struct Input {
    octets: Box<[u8]>,
    from: usize,
    to: usize,
}

impl Input {
    fn new(octets: usize) -> Self {
        Self { octets: vec![0; octets].into(), from: 0, to: 0 }
    }

    fn unread(&self) -> &[u8] {
        &self.octets[self.from..self.to]
    }

    fn use_up(&mut self, octets: usize) {
        self.from = (self.from + octets).min(self.to);
    }

    /// Where the next octets go: never empty, since a session leaves less than a command line unused.
    fn free(&mut self) -> &mut [u8] {
        if self.from > 0 {
            self.octets.copy_within(self.from..self.to, 0);
            (self.from, self.to) = (0, self.to - self.from);
        }
        &mut self.octets[self.to..]
    }

    fn add(&mut self, octets: usize) {
        self.to += octets;
    }

    fn clear(&mut self) {
        (self.from, self.to) = (0, 0);
    }
}

//! One client's connection: octets between its socket and its session, under deadlines.

mod identity;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use super::deadlines::{Awaited, Content, Deadlines};
use super::guests::Guest;
use super::input::Input;
use super::server::stopping;
use super::shared::Shared;
use super::{Admission, Arrived, Custody};
use crate::mail::address::Address;
use crate::pipeline::Client;
use crate::proto::smtp::reply::Reply;
use crate::proto::smtp::session::{Action, Peer, Returns, Session, Terms, Transaction};
use crate::sys;
use crate::sys::tls::Stream;
use crate::watch::{Counter, Held, Share, Watch};

/// Replies are written at the latest when this many octets of them wait.
const OUTPUT_OCTETS: usize = 8 * 1024;
/// After our last word the client's octets are read and dropped for so long, that it can read that word: closing a
/// socket with octets unread makes the kernel throw away what was written.
const LINGER: Duration = Duration::from_secs(2);
/// And no more than this many of them.
const LINGER_OCTETS_MAX: usize = 4 * 1024 * 1024;

/// One connection. Thousands of them wait at one time, so it holds little, and what is large and soon over is boxed.
pub(super) struct Connection<C> {
    stream: Stream,
    client: Client,
    shared: Arc<Shared<C>>,
    session: Session,
    guest: Guest,
    stop: watch::Receiver<bool>,
    share: Share,
    input: Input,
    output: Vec<u8>,
    deadlines: Deadlines,
    counted: Counted,
}

/// What was counted of the session already.
#[derive(Default)]
struct Counted {
    faults: u32,
    denied_relays: u32,
    /// Held while it is under TLS, and while it is logged in.
    tls: Option<Held>,
    logged_in: Option<Held>,
}

/// How a wait for octets ended.
enum Wake {
    Octets,
    Gone,
    Late,
    Stopping,
}

/// Why the dialogue does not go on as it was.
enum End {
    /// This is our last word.
    Word(Reply),
    /// The client has gone.
    Gone,
    /// The client makes a handshake now.
    Handshake,
}

impl<C: Custody> Connection<C> {
    pub(super) fn new(
        (stream, client): (Stream, Client),
        (terms, admission, guest): (Arc<Terms>, Admission, Guest),
        shared: Arc<Shared<C>>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let returns = if shared.custody.has_return_paths() { Returns::Taken } else { Returns::None };
        let peer = Peer { may_relay: admission.may_relay, role: shared.role(&client), returns, ..Peer::default() };
        Self {
            stream,
            client,
            guest,
            stop,
            session: Session::new(terms, peer),
            share: Share::new(&shared.room),
            input: Input::default(),
            output: Vec::new(),
            deadlines: Deadlines::new(Arc::clone(&shared.limits), Instant::now()),
            counted: Counted::default(),
            shared,
        }
    }

    /// Talks until either side ends it.
    pub(super) async fn converse(mut self) {
        self.session.greeting().write_to(&mut self.output);
        let last_word = loop {
            let end = self.exchange().await;
            self.count();
            match end {
                Ok(End::Word(reply)) => break reply,
                Ok(End::Handshake) => match Box::pin(self.secure()).await {
                    Ok(secured) => self = secured,
                    Err(_) => return,
                },
                Ok(End::Gone) | Err(_) => return,
            }
        };
        last_word.write_to(&mut self.output);
        Box::pin(self.end(last_word.code == 221)).await;
    }

    /// Does what the session says.
    async fn exchange(&mut self) -> io::Result<End> {
        loop {
            if *self.stop.borrow() && !self.session.is_in_transaction() {
                return Ok(End::Word(come_again()));
            }
            let step = self.session.step(self.input.unread());
            self.input.use_up(step.consumed);
            self.deadlines.note(step.consumed);
            if self.session.room() == 0 {
                self.share.release();
            }
            match step.action {
                Action::Reply(reply) => self.queue(&reply).await?,
                Action::Begin(sender) => {
                    let stranger = !self.session.peer().may_relay;
                    let may_begin = stranger || self.shared.may_begin(&self.client, sender.as_deref());
                    self.session.begin_from(may_begin);
                }
                Action::Recipient(address) => {
                    let answer = Box::pin(self.shared.came_back(&self.client, &address)).await;
                    self.session.recipient_is(answer);
                }
                Action::Room(octets) => self.find_room(octets),
                Action::Message(transaction) => Box::pin(self.answer(*transaction)).await?,
                Action::StartTls(reply) => {
                    // Whatever came in clear behind the command was said by whoever sits on the wire (RFC 3207 6).
                    self.input.clear(&self.shared.buffers);
                    reply.write_to(&mut self.output);
                    self.flush().await?;
                    return Ok(End::Handshake);
                }
                Action::Authenticate(credentials) => {
                    self.flush().await?;
                    Box::pin(self.log_in(*credentials)).await;
                }
                Action::Introduce(introduction) => self.introduce(&introduction),
                Action::Close(reply) => return Ok(End::Word(reply)),
                Action::Read => {
                    self.input.settle(&self.shared.buffers);
                    self.flush().await?;
                    match self.read().await? {
                        Wake::Octets => {}
                        Wake::Gone => return Ok(End::Gone),
                        Wake::Late => return Ok(End::Word(self.too_late())),
                        Wake::Stopping => return Ok(End::Word(come_again())),
                    }
                }
            }
        }
    }

    async fn read(&mut self) -> io::Result<Wake> {
        // A transaction that has no message yet loses nothing by starting anew, and may never go on.
        let data = self.session.is_in_data();
        let content = match () {
            () if data => Content::Coming,
            () if self.session.room() > 0 => Content::Here,
            () if self.session.is_in_transaction() => Content::Open,
            () => Content::Absent,
        };
        let awaited = Awaited { content, begun: !self.input.unread().is_empty() };
        let until = self.deadlines.until(awaited, Instant::now());
        let Self { stream, input, shared, stop, .. } = self;
        let fill = poll_fn(|cx| input.poll_fill(Pin::new(&mut *stream), cx, &shared.buffers));
        let read = tokio::select! {
            biased;
            () = stopping(stop), if !data => return Ok(Wake::Stopping),
            read = timeout_at(until, fill) => read,
        };
        match read {
            Err(_) => Ok(Wake::Late),
            Ok(Ok(0)) => Ok(Wake::Gone),
            Ok(Ok(_)) => Ok(Wake::Octets),
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
        let sender = transaction.envelope.sender.clone();
        let arrived = Arrived { client: self.client.clone(), transaction, at: sys::clock::now() };
        let reply = self.shared.custody.take(arrived).await;
        if reply.is_positive() {
            self.shared.note_taken(&self.client, sender.as_ref().and_then(Address::domain));
        }
        self.share.release();
        self.session.answered();
        reply.write_to(&mut self.output);
        self.flush().await
    }

    async fn queue(&mut self, reply: &Reply) -> io::Result<()> {
        reply.write_to(&mut self.output);
        if self.output.len() < OUTPUT_OCTETS { Ok(()) } else { self.flush().await }
    }

    /// Writes what waits to be written. A client that does not read it is not served for longer than an idle one.
    async fn flush(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        let output = std::mem::take(&mut self.output);
        let write = async {
            self.stream.write_all(&output).await?;
            self.stream.flush().await
        };
        timeout(self.deadlines.idle(), write).await.unwrap_or_else(|_| {
            self.watch().count(Counter::SessionTimeouts);
            Err(io::ErrorKind::TimedOut.into())
        })
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
                let Self { stream, input, shared, .. } = &mut *self;
                input.clear(&shared.buffers);
                match poll_fn(|cx| input.poll_fill(Pin::new(&mut *stream), cx, &shared.buffers)).await {
                    Ok(octets) if octets > 0 && octets < left => left -= octets,
                    _ => return,
                }
            }
        };
        let _ = timeout(LINGER, drain).await;
        self.input.clear(&self.shared.buffers);
    }

    fn count(&mut self) {
        let (faults, denied_relays) = (self.session.faults(), self.session.denied_relays());
        let (new_faults, new_relays) = (faults - self.counted.faults, denied_relays - self.counted.denied_relays);
        self.watch().add(Counter::ProtocolFaults, u64::from(new_faults));
        self.watch().add(Counter::RelayDenied, u64::from(new_relays));
        (self.counted.faults, self.counted.denied_relays) = (faults, denied_relays);
    }

    fn watch(&self) -> &Watch {
        &self.shared.door.watch
    }
}

fn come_again() -> Reply {
    Reply::new(421, (4, 3, 2), "Stopping, come again")
}

//! The server's side of an SMTP dialogue as a state machine: octets in, actions out (RFC 5321, RFC 2920).
//!
//! The shell feeds what it has read and does what the session says, in that order and nothing else. The session holds
//! the message while it comes in; it never grows beyond the room the shell has granted.

mod content;
mod login;
mod transaction;

use std::sync::Arc;

use super::auth::{Credentials, Exchange};
use super::command::{Command, Hello, Introduction, RcptTo};
use super::data::BareLf;
use super::limits::Limits;
use super::reply::Reply;
use crate::mail::address::{Address, Domain};

pub use transaction::Transaction;

/// What a door of ours offers and asks of everybody; one for all its connections.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Our host name, for the greeting.
    pub host: Arc<str>,
    /// The one table of limits.
    pub limits: Arc<Limits>,
    /// STARTTLS, for whoever is not under TLS yet.
    pub starttls: Availability,
    /// AUTH; it is offered under TLS alone.
    pub auth: Availability,
    /// Whether the shell is asked before each transaction, since it keeps rates.
    pub asks: bool,
    /// What happens to a message with a bare LF.
    pub bare_lf: BareLf,
}

impl Terms {
    /// A door without TLS and users.
    pub fn plain(host: Arc<str>, limits: Arc<Limits>) -> Self {
        let (starttls, auth) = (Availability::Absent, Availability::Absent);
        Self { host, limits, starttls, auth, asks: false, bare_lf: BareLf::Refuse }
    }
}

/// Whether something can be had at a door.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Availability {
    /// No: there is no certificate, there are no users.
    #[default]
    Absent,
    /// Yes.
    Offered,
    /// Yes, and MAIL is refused before it (530 5.7.0).
    Required,
}

/// The client, as far as the shell knows it by now.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Peer {
    /// Whether this client may relay. Strangers hear 550 5.7.1 at every RCPT.
    pub may_relay: bool,
    /// Whether the connection is under TLS.
    pub tls: bool,
    /// Whether it logged in, here or at a proxy that says so.
    pub authenticated: bool,
    /// Whether mail may come back on return paths of ours.
    pub returns: Returns,
    /// What it may say of others.
    pub role: Role,
}

/// Whether a client speaks for others.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Role {
    /// It speaks for itself.
    #[default]
    Client,
    /// It may say with XCLIENT for whom it speaks.
    Proxy,
}

/// Whether mail may come back on return paths of ours.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Returns {
    /// There are none.
    #[default]
    None,
    /// There are, and the shell is asked about each recipient.
    Taken,
}

/// What the shell found out about a recipient.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CameBack {
    /// It is none of our return paths: whether it is taken is a question of relaying.
    No,
    /// It is one, and the mail came back: it is taken from anybody.
    Ours,
    /// It is at a return path of ours, and no mail left from there.
    Unknown,
    /// It could not be found out just now.
    NotNow,
}

/// What the shell found out about credentials.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Checked {
    /// They are a user's, who may relay or not.
    Known {
        /// Whether that user may relay from here.
        may_relay: bool,
    },
    /// They are nobody's.
    Unknown,
    /// It could not be found out just now.
    Unavailable,
}

/// What the shell has to do next.
#[derive(Clone, Debug)]
pub enum Action {
    /// Write what is to be written and read more octets.
    Read,
    /// Write this reply.
    Reply(Reply),
    /// Say with [`Session::begin_from`] whether this client may begin a message from this domain now; `None` stands for
    /// a sender without one.
    Begin(Option<Box<Domain>>),
    /// Say with [`Session::recipient_is`] whether mail for this recipient came back on a return path of ours.
    Recipient(Box<Address>),
    /// Answer with [`Session::grant`] or [`Session::deny`] whether this message may grow to so many octets in all.
    Room(usize),
    /// Take custody, write the reply, then call [`Session::answered`].
    Message(Box<Transaction>),
    /// Write this reply, throw away whatever was read before the handshake, make the handshake, then call
    /// [`Session::secured`]. When the handshake fails there is nothing more to say to this client.
    StartTls(Reply),
    /// Check these credentials, then call [`Session::authenticated`].
    Authenticate(Box<Credentials>),
    /// From now on the proxy speaks for this client: call [`Session::introduced`].
    Introduce(Box<Introduction>),
    /// Write this reply and close the connection.
    Close(Reply),
}

/// How far one call went.
#[derive(Clone, Debug)]
pub struct Step {
    /// Octets of the input that are used up.
    pub consumed: usize,
    /// What to do now.
    pub action: Action,
}

#[derive(Debug)]
enum Stage {
    /// Between commands.
    Commands,
    /// DATA was said and room is asked for.
    Opening { room: usize },
    /// Room was granted or denied, and DATA is to be answered.
    Opened { granted: bool },
    /// Behind 354.
    Data,
    /// Behind BDAT.
    Chunk(Box<content::Chunk>),
    /// The shell has the message, and owes the answer.
    Answering,
    /// Behind a 334.
    Login(Exchange),
    /// The shell looks whether this recipient is a return path.
    Asking(Box<RcptTo>),
    /// The shell looks at a rate, makes a handshake, checks credentials or takes note of a client behind a proxy.
    Waiting,
    /// The shell has come back, and this is what follows.
    Owing(Box<Action>),
}

/// One connection's dialogue. Thousands of them wait at one time, so what few of them need is boxed.
#[derive(Debug)]
pub struct Session {
    terms: Arc<Terms>,
    peer: Peer,
    stage: Stage,
    hello: Option<Hello>,
    open: Option<Box<transaction::Open>>,
    message: Vec<u8>,
    /// Octets the message may grow to before more room is asked for.
    room: usize,
    /// Refusals since the last mail that got through.
    errors: u32,
    faults: u32,
    denied_relays: u32,
    denied_logins: u32,
    transactions: u32,
}

impl Session {
    /// A dialogue at its start. The shell writes [`Session::greeting`] first.
    pub fn new(terms: Arc<Terms>, peer: Peer) -> Self {
        Self {
            terms,
            peer,
            stage: Stage::Commands,
            hello: None,
            open: None,
            message: Vec::new(),
            room: 0,
            errors: 0,
            faults: 0,
            denied_relays: 0,
            denied_logins: 0,
            transactions: 0,
        }
    }

    /// The 220.
    pub fn greeting(&self) -> Reply {
        Reply::plain(220, "").with_text(format!("{} ESMTP", self.terms.host))
    }

    /// The client, as the session was told last.
    pub fn peer(&self) -> Peer {
        self.peer
    }

    /// Whether a transaction is under way, from its MAIL to the answer to its dot.
    pub fn is_in_transaction(&self) -> bool {
        let of_message = |stage: &Stage| {
            matches!(stage, Stage::Opening { .. } | Stage::Opened { .. } | Stage::Answering) || self.is_in_data()
        };
        self.open.is_some() || of_message(&self.stage)
    }

    /// Whether the octets expected are those of a message.
    pub fn is_in_data(&self) -> bool {
        matches!(self.stage, Stage::Data | Stage::Chunk(_))
    }

    /// The room the session still uses, in octets; when it is 0, the shell may have back all it has granted.
    pub fn room(&self) -> usize {
        self.room
    }

    /// Commands and messages refused on this connection for what they were.
    pub fn faults(&self) -> u32 {
        self.faults
    }

    /// Recipients refused because this client may not relay.
    pub fn denied_relays(&self) -> u32 {
        self.denied_relays
    }

    /// Logins refused because they were nobody's.
    pub fn denied_logins(&self) -> u32 {
        self.denied_logins
    }

    /// Takes the next command, or a piece of the message, from the front of `input`.
    ///
    /// Call it with all octets read and not yet used up, until it says [`Action::Read`].
    pub fn step(&mut self, input: &[u8]) -> Step {
        let action = match &mut self.stage {
            Stage::Commands | Stage::Login(_) => return self.take_line(input),
            Stage::Data => return self.take_data(input),
            Stage::Chunk(_) => return self.take_chunk(input),
            Stage::Opening { room } => Action::Room(*room),
            Stage::Opened { granted } => {
                let granted = *granted;
                self.open_data(granted, !input.is_empty())
            }
            Stage::Owing(_) => self.pay(),
            Stage::Answering | Stage::Waiting | Stage::Asking(_) => Action::Read,
        };
        Step { consumed: 0, action }
    }

    /// The answer to the message has been written. Whoever gets a mail through may err again.
    pub fn answered(&mut self) {
        self.errors = 0;
        self.reset();
    }

    fn owe(&mut self, action: Action) {
        self.stage = Stage::Owing(Box::new(action));
    }

    fn pay(&mut self) -> Action {
        match std::mem::replace(&mut self.stage, Stage::Commands) {
            Stage::Owing(action) => *action,
            _ => Action::Read,
        }
    }

    fn reset(&mut self) {
        self.stage = Stage::Commands;
        self.open = None;
        self.message = Vec::new();
        self.room = 0;
    }

    /// Takes one line: a command, or the client's part of a login.
    fn take_line(&mut self, input: &[u8]) -> Step {
        let (limits, login) = (&self.terms.limits, self.is_login(input));
        let octets_max = if login { limits.login_octets_max() } else { limits.command_octets_max };
        let too_long = if login { LOGIN_TOO_LONG } else { LINE_TOO_LONG };
        let longest = &input[..input.len().min(octets_max)];
        let Some(end) = memchr::memchr3(b'\n', 0, b'\r', longest) else {
            if input.len() >= octets_max {
                return close(input, too_long);
            }
            return Step { consumed: 0, action: Action::Read };
        };
        match (input[end], input.get(end + 1)) {
            (b'\r', Some(b'\n')) if end + 2 <= octets_max => {
                let (line, behind) = (&input[..end], &input[end + 2..]);
                let step = self.obey(line, behind);
                Step { consumed: end + 2 + step.consumed, ..step }
            }
            (b'\r', None) => Step { consumed: 0, action: Action::Read },
            (b'\r', Some(b'\n')) => close(input, too_long),
            _ => close(input, Reply::new(500, (5, 5, 2), "A bare CR, LF or NUL in a command, closing")),
        }
    }

    /// Whether the line that begins `input` is part of a login; such lines may be much longer (RFC 4954 4).
    fn is_login(&self, input: &[u8]) -> bool {
        let auth = || input.get(..5).is_some_and(|verb| verb.eq_ignore_ascii_case(b"AUTH "));
        matches!(self.stage, Stage::Login(_)) || auth()
    }

    /// Does what one line says, and takes what it says of the octets behind it.
    fn obey(&mut self, line: &[u8], behind: &[u8]) -> Step {
        if let Stage::Login(_) = self.stage {
            return Step { consumed: 0, action: self.continue_login(line) };
        }
        match Command::read(line) {
            Ok(Command::Bdat { octets, last }) => {
                self.open_chunk(octets, last);
                self.take_chunk(behind)
            }
            Ok(Command::StartTls) => match self.start_tls() {
                // What came with it was said by whoever sits on the wire: none of it is read (RFC 3207 6).
                action @ Action::StartTls(_) => Step { consumed: behind.len(), action },
                action => Step { consumed: 0, action },
            },
            Ok(command) => Step { consumed: 0, action: self.obey_command(command, !behind.is_empty()) },
            Err(fault) if fault.ends_connection() => close(behind, fault.reply()),
            Err(fault) => Step { consumed: 0, action: self.refuse(fault.reply()) },
        }
    }

    /// Does a command that is a line and nothing else. `more` tells whether octets stand behind it.
    fn obey_command(&mut self, command: Command, more: bool) -> Action {
        match command {
            Command::Hello(hello) => self.greet(hello),
            Command::Mail(mail) => self.begin(mail),
            Command::Rcpt(recipient) => self.add_recipient(recipient),
            Command::Data => match self.ask_for_data() {
                // What a client pipelines behind a DATA that is refused may be its message: never read it as commands.
                Action::Reply(reply) if more => Action::Close(reply),
                other => other,
            },
            Command::Rset => {
                self.reset();
                Action::Reply(Reply::new(250, (2, 0, 0), "Reset"))
            }
            Command::Noop => Action::Reply(Reply::new(250, (2, 0, 0), "OK")),
            Command::Vrfy => Action::Reply(Reply::new(252, (2, 5, 2), "Send the mail, then we see")),
            Command::Help => Action::Reply(Reply::new(214, (2, 0, 0), HELP)),
            Command::Auth(auth) => self.begin_login(&auth),
            Command::Xclient(introduction) => self.introduce(introduction),
            Command::Quit => {
                Action::Close(Reply::new(221, (2, 0, 0), "").with_text(format!("{} bye", self.terms.host)))
            }
            Command::Bdat { .. } | Command::StartTls => self.refuse(Reply::new(502, (5, 5, 1), "Command not offered")),
        }
    }

    fn greet(&mut self, hello: Hello) -> Action {
        self.reset();
        let text = if hello.extended { self.offers() } else { self.terms.host.to_string() };
        self.hello = Some(hello);
        Action::Reply(Reply::plain(250, "").with_text(text))
    }

    /// What EHLO is answered with: our name and a line for each extension that this client can use now.
    fn offers(&self) -> String {
        let (terms, tls) = (&self.terms, self.peer.tls);
        let mut lines = vec![terms.host.to_string(), "PIPELINING".to_owned()];
        lines.push(format!("SIZE {}", terms.limits.message_octets_max));
        let keywords = [
            (true, "8BITMIME"),
            (true, "ENHANCEDSTATUSCODES"),
            (true, "CHUNKING"),
            (true, "DSN"),
            (!tls && terms.starttls != Availability::Absent, "STARTTLS"),
            (tls && terms.auth != Availability::Absent, "AUTH PLAIN LOGIN"),
            (tls, "REQUIRETLS"),
            (self.peer.role == Role::Proxy, Introduction::KEYWORD),
            (true, "SMTPUTF8"),
        ];
        lines.extend(keywords.into_iter().filter(|(offered, _)| *offered).map(|(_, keyword)| keyword.to_owned()));
        lines.join("\n")
    }

    /// Counts a refusal; one too many ends the connection.
    fn refuse(&mut self, reply: Reply) -> Action {
        self.errors += 1;
        self.faults = self.faults.saturating_add(1);
        if self.errors >= self.terms.limits.errors_max {
            return Action::Close(Reply::new(421, (4, 7, 0), "Too many errors"));
        }
        Action::Reply(reply)
    }
}

const LINE_TOO_LONG: Reply = Reply::new(500, (5, 5, 2), "Line too long, closing");
const LOGIN_TOO_LONG: Reply = Reply::new(500, (5, 5, 6), "Line of a login too long, closing");
const HELP: &str = "EHLO, MAIL, RCPT, DATA or BDAT, QUIT: a mail by RFC 5321; for anything else ask the postmaster";

/// Ends the connection; nothing behind is read.
fn close(input: &[u8], reply: Reply) -> Step {
    Step { consumed: input.len(), action: Action::Close(reply) }
}

#[cfg(test)]
mod tests;

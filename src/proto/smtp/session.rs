//! The server's side of an SMTP dialogue as a state machine: octets in, actions out (RFC 5321, RFC 2920).
//!
//! The shell feeds what it has read and does what the session says, in that order and nothing else. The session holds
//! the message while it comes in; it never grows beyond the room the shell has granted.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;

use super::command::{Command, CommandFault, Hello, MailFrom};
use super::data::{DataFault, DataLimits, Decoder, Progress};
use super::limits::Limits;
use super::reply::Reply;
use super::trace;
use crate::mail::address::Address;
use crate::mail::envelope::Envelope;

/// Room asked for when the client did not say how large its message is, in octets.
const ROOM_OCTETS_FIRST: usize = 16 * 1024;
/// Room given on a client's word alone, in octets; a larger SIZE is believed once this much has come.
const ROOM_OCTETS_ON_WORD_MAX: usize = 1024 * 1024;

/// Who is on the other side, and who we are.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Whether this client may relay. Strangers hear 550 5.7.1 at every RCPT.
    pub may_relay: bool,
    /// Our host name, for the greeting.
    pub host: Arc<str>,
}

/// A transaction whose final dot has come.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// What the client called itself.
    pub hello: Hello,
    /// Sender and recipients.
    pub envelope: Envelope,
    /// The octets of the message, as they came, dots unstuffed.
    pub message: Bytes,
}

impl Transaction {
    /// The protocol's name for the trace line (RFC 3848, RFC 6531 4.3).
    pub fn protocol(&self) -> &'static str {
        match (self.hello.extended, self.envelope.smtputf8) {
            (_, true) => "UTF8SMTP",
            (true, false) => "ESMTP",
            (false, false) => "SMTP",
        }
    }
}

/// What the shell has to do next.
#[derive(Clone, Debug)]
pub enum Action {
    /// Write what is to be written and read more octets.
    Read,
    /// Write this reply.
    Reply(Reply),
    /// Answer with [`Session::grant`] or [`Session::deny`] whether this message may grow to so many octets in all.
    Room(usize),
    /// Take custody, write the reply, then call [`Session::answered`].
    Message(Box<Transaction>),
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
    Data(Decoder),
    /// The shell has the message, and owes the answer.
    Answering,
}

/// A transaction from its MAIL on.
#[derive(Debug)]
struct Open {
    mail: MailFrom,
    recipients: Vec<Address>,
    seen: HashSet<Box<str>>,
}

/// One connection's dialogue.
#[derive(Debug)]
pub struct Session {
    limits: Arc<Limits>,
    peer: Peer,
    stage: Stage,
    hello: Option<Hello>,
    open: Option<Open>,
    message: Vec<u8>,
    /// Octets the message may grow to before more room is asked for.
    room: usize,
    /// Refusals since the last mail that got through.
    errors: u32,
    faults: u32,
    denied_relays: u32,
    transactions: u32,
}

impl Session {
    /// A dialogue at its start. The shell writes [`Session::greeting`] first.
    pub fn new(limits: Arc<Limits>, peer: Peer) -> Self {
        Self {
            limits,
            peer,
            stage: Stage::Commands,
            hello: None,
            open: None,
            message: Vec::new(),
            room: 0,
            errors: 0,
            faults: 0,
            denied_relays: 0,
            transactions: 0,
        }
    }

    /// The 220.
    pub fn greeting(&self) -> Reply {
        Reply::plain(220, "").with_text(format!("{} ESMTP", self.peer.host))
    }

    /// Whether a transaction is under way, from its MAIL to the answer to its dot.
    pub fn is_in_transaction(&self) -> bool {
        self.open.is_some() || !matches!(self.stage, Stage::Commands)
    }

    /// Whether the octets expected are those of a message.
    pub fn is_in_data(&self) -> bool {
        matches!(self.stage, Stage::Data(_))
    }

    /// Commands and messages refused on this connection for what they were.
    pub fn faults(&self) -> u32 {
        self.faults
    }

    /// Recipients refused because this client may not relay.
    pub fn denied_relays(&self) -> u32 {
        self.denied_relays
    }

    /// Takes the next command, or a piece of the message, from the front of `input`.
    ///
    /// Call it with all octets read and not yet used up, until it says [`Action::Read`].
    pub fn step(&mut self, input: &[u8]) -> Step {
        let data = match &mut self.stage {
            Stage::Commands => return self.take_line(input),
            Stage::Opening { room } => return Step { consumed: 0, action: Action::Room(*room) },
            Stage::Opened { granted } => {
                let granted = *granted;
                let action = self.open_data(granted, !input.is_empty());
                return Step { consumed: 0, action };
            }
            Stage::Answering => return Step { consumed: 0, action: Action::Read },
            Stage::Data(decoder) => decoder,
        };
        if input.is_empty() {
            return Step { consumed: 0, action: Action::Read };
        }
        let needed = self.message.len() + input.len();
        if needed > self.room && data.fault().is_none() {
            let stated = self.open.as_ref().map_or(0, |o| room_for(o.mail.size, usize::MAX));
            let most = self.limits.message_octets_max.saturating_add(input.len());
            return Step { consumed: 0, action: Action::Room(needed.max(2 * self.room).max(stated).min(most)) };
        }
        match data.feed(input, &mut self.message) {
            Progress::More => Step { consumed: input.len(), action: Action::Read },
            Progress::Done { consumed, fault } => Step { consumed, action: self.end_data(fault) },
            Progress::Refused(fault) => {
                self.stage = Stage::Commands;
                let reply = Reply::new(554, (5, 6, 0), "").with_text(format!("The message holds {fault}, closing"));
                Step { consumed: input.len(), action: Action::Close(reply) }
            }
        }
    }

    /// The room asked for is there.
    pub fn grant(&mut self, octets: usize) {
        self.room = octets;
        self.message.reserve_exact(octets.saturating_sub(self.message.len()));
        if let Stage::Opening { .. } = self.stage {
            self.stage = Stage::Opened { granted: true };
        }
    }

    /// The room asked for is not there: the message will get a 452 and nothing of it is kept.
    pub fn deny(&mut self) {
        self.message = Vec::new();
        match &mut self.stage {
            Stage::Opening { .. } => self.stage = Stage::Opened { granted: false },
            Stage::Data(decoder) => decoder.give_up(DataFault::NoRoom),
            _ => {}
        }
    }

    /// The answer to the message has been written. Whoever gets a mail through may err again.
    pub fn answered(&mut self) {
        self.errors = 0;
        self.reset();
    }

    fn reset(&mut self) {
        self.stage = Stage::Commands;
        self.open = None;
        self.message = Vec::new();
        self.room = 0;
    }

    /// Takes one command line.
    fn take_line(&mut self, input: &[u8]) -> Step {
        let longest = &input[..input.len().min(self.limits.command_octets_max)];
        let Some(end) = memchr::memchr3(b'\n', 0, b'\r', longest) else {
            if input.len() >= self.limits.command_octets_max {
                return refuse_line(input, "Line too long, closing");
            }
            return Step { consumed: 0, action: Action::Read };
        };
        match (input[end], input.get(end + 1)) {
            (b'\r', Some(b'\n')) if end + 2 <= self.limits.command_octets_max => {
                let action = self.obey(&input[..end], input.len() > end + 2);
                Step { consumed: end + 2, action }
            }
            (b'\r', None) => Step { consumed: 0, action: Action::Read },
            (b'\r', Some(b'\n')) => refuse_line(input, "Line too long, closing"),
            _ => refuse_line(input, "A bare CR, LF or NUL in a command, closing"),
        }
    }

    /// Does what one line says. `more` tells whether octets stand behind it.
    fn obey(&mut self, line: &[u8], more: bool) -> Action {
        let refused_data = |action| match action {
            // What a client pipelines behind a DATA that is refused may be its message: never read it as commands.
            Action::Reply(reply) if more => Action::Close(reply),
            other => other,
        };
        match Command::read(line) {
            Ok(Command::Hello(hello)) => self.greet(hello),
            Ok(Command::Mail(mail)) => self.begin(mail),
            Ok(Command::Rcpt(recipient)) => self.add_recipient(recipient),
            Ok(Command::Data) => refused_data(self.ask_for_data()),
            Ok(Command::Rset) => {
                self.reset();
                Action::Reply(Reply::new(250, (2, 0, 0), "Reset"))
            }
            Ok(Command::Noop) => Action::Reply(Reply::new(250, (2, 0, 0), "OK")),
            Ok(Command::Vrfy) => Action::Reply(Reply::new(252, (2, 5, 2), "Send the mail, then we see")),
            Ok(Command::Help) => Action::Reply(Reply::new(214, (2, 0, 0), "RFC 5321")),
            Ok(Command::Quit) => {
                Action::Close(Reply::new(221, (2, 0, 0), "").with_text(format!("{} bye", self.peer.host)))
            }
            Err(fault @ CommandFault::Foreign) => Action::Close(fault.reply()),
            Err(fault) => self.refuse(fault.reply()),
        }
    }

    fn greet(&mut self, hello: Hello) -> Action {
        self.reset();
        let host = &self.peer.host;
        let octets = self.limits.message_octets_max;
        let text = if hello.extended {
            format!("{host}\nPIPELINING\nSIZE {octets}\n8BITMIME\nENHANCEDSTATUSCODES\nSMTPUTF8")
        } else {
            host.to_string()
        };
        self.hello = Some(hello);
        Action::Reply(Reply::plain(250, "").with_text(text))
    }

    fn begin(&mut self, mail: MailFrom) -> Action {
        if self.hello.is_none() {
            return self.refuse(Reply::new(503, (5, 5, 1), "Say EHLO first"));
        }
        if self.open.is_some() {
            return self.refuse(Reply::new(503, (5, 5, 1), "A transaction is open already"));
        }
        if mail.size.is_some_and(|size| size > self.limits.message_octets_max as u64) {
            return self.refuse(too_large());
        }
        if self.transactions >= self.limits.transactions_max {
            return Action::Close(Reply::new(421, (4, 7, 0), "Enough for one connection, come again"));
        }
        self.transactions += 1;
        self.open = Some(Open { mail, recipients: Vec::new(), seen: HashSet::new() });
        Action::Reply(Reply::new(250, (2, 1, 0), "Sender OK"))
    }

    fn add_recipient(&mut self, recipient: Address) -> Action {
        let Some(open) = &mut self.open else {
            return self.refuse(Reply::new(503, (5, 5, 1), "Say MAIL first"));
        };
        if !self.peer.may_relay {
            self.denied_relays = self.denied_relays.saturating_add(1);
            return self.refuse(Reply::new(550, (5, 7, 1), "Relaying denied"));
        }
        if recipient.needs_smtputf8() && !open.mail.smtputf8 {
            return self.refuse(CommandFault::NeedsSmtputf8.reply());
        }
        let accepted = Reply::new(250, (2, 1, 5), "Recipient OK");
        let name = mailbox_name(&recipient);
        if open.seen.contains(&name) {
            return Action::Reply(accepted);
        }
        if open.recipients.len() >= self.limits.recipients_max {
            return Action::Reply(Reply::new(452, (4, 5, 3), "Too many recipients, send the rest in another mail"));
        }
        open.seen.insert(name);
        open.recipients.push(recipient);
        Action::Reply(accepted)
    }

    fn ask_for_data(&mut self) -> Action {
        let Some(open) = &self.open else {
            return self.refuse(Reply::new(503, (5, 5, 1), "Say MAIL first"));
        };
        if open.recipients.is_empty() {
            return self.refuse(Reply::new(554, (5, 5, 1), "No valid recipients"));
        }
        let room = room_for(open.mail.size, ROOM_OCTETS_ON_WORD_MAX);
        self.stage = Stage::Opening { room };
        Action::Room(room)
    }

    fn open_data(&mut self, granted: bool, more: bool) -> Action {
        if granted {
            let (octets_max, line_octets_max) = (self.limits.message_octets_max, self.limits.line_octets_max);
            self.stage = Stage::Data(Decoder::new(DataLimits { octets_max, line_octets_max }));
            return Action::Reply(Reply::plain(354, "End with <CR><LF>.<CR><LF>"));
        }
        self.reset();
        if more { Action::Close(no_room()) } else { Action::Reply(no_room()) }
    }

    /// The final dot: hands the message over, or says why not.
    fn end_data(&mut self, fault: Option<DataFault>) -> Action {
        let message = std::mem::take(&mut self.message);
        if fault == Some(DataFault::NoRoom) {
            self.reset();
            return Action::Reply(no_room());
        }
        let refusal = match fault {
            Some(DataFault::TooLarge) => Some(too_large()),
            Some(fault) => Some(Reply::new(554, (5, 6, 0), "").with_text(format!("The message holds {fault}"))),
            None if trace::count_hops(&message) > self.limits.hops_max => {
                Some(Reply::new(554, (5, 4, 6), "Too many hops: the mail is looping"))
            }
            None => None,
        };
        let (open, hello) = (self.open.take(), self.hello.clone());
        match (refusal, open, hello) {
            (None, Some(open), Some(hello)) => {
                self.stage = Stage::Answering;
                let MailFrom { sender, body, smtputf8, .. } = open.mail;
                let envelope = Envelope { sender, recipients: open.recipients, body, smtputf8, ..Envelope::default() };
                Action::Message(Box::new(Transaction { hello, envelope, message: message.into() }))
            }
            (refusal, ..) => {
                self.reset();
                self.refuse(refusal.unwrap_or(Reply::new(503, (5, 5, 1), "Say EHLO first")))
            }
        }
    }

    /// Counts a refusal; one too many ends the connection.
    fn refuse(&mut self, reply: Reply) -> Action {
        self.errors += 1;
        self.faults = self.faults.saturating_add(1);
        if self.errors >= self.limits.errors_max {
            return Action::Close(Reply::new(421, (4, 7, 0), "Too many errors"));
        }
        Action::Reply(reply)
    }
}

fn refuse_line(input: &[u8], text: &'static str) -> Step {
    Step { consumed: input.len(), action: Action::Close(Reply::new(500, (5, 5, 2), text)) }
}

fn too_large() -> Reply {
    Reply::new(552, (5, 3, 4), "Message too large")
}

fn no_room() -> Reply {
    Reply::new(452, (4, 3, 1), "Not enough memory just now, try again")
}

/// Room for a message of the stated size and the final dot, as far as the statement is believed.
fn room_for(stated: Option<u64>, octets_max: usize) -> usize {
    let stated = stated.and_then(|s| usize::try_from(s).ok()).map_or(0, |s| s.saturating_add(ROOM_OCTETS_FIRST));
    stated.clamp(ROOM_OCTETS_FIRST, octets_max)
}

/// Equal for recipients that are the same to the octet in the local part and normalised in the domain.
fn mailbox_name(recipient: &Address) -> Box<str> {
    let domain = recipient.domain().map_or("", |d| d.as_str());
    format!("{}@{domain}", recipient.local_part()).into()
}

#[cfg(test)]
mod tests;

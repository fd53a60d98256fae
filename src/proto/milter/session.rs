//! One connection of an MTA: what it says in, what it hears out, and a mail whenever one is complete.
//!
//! Nobody is refused and no mail is lost by anything in here. What is told out of order makes its mail one that is left
//! alone; what cannot be read ends the connection, and the MTA goes on as its own settings say.

use bytes::Bytes;

use super::changes::{Changes, Unfit};
use super::command::{Command, CommandFault, Peer};
use super::gathered::{Flaw, Gathered};
use super::macros::Macros;
use super::packet::{self, PacketFault, Packets};
use super::terms::{Steps, Terms, TermsFault};

/// What one connection may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// The largest mail that is looked at.
    pub message_octets_max: usize,
    /// Recipients of one that is.
    pub recipients_max: usize,
}

/// Why a connection has to end.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Fault {
    /// What comes in are no packets.
    #[error(transparent)]
    Packet(#[from] PacketFault),
    /// A packet is no command.
    #[error(transparent)]
    Command(#[from] CommandFault),
    /// There is no agreement.
    #[error(transparent)]
    Terms(#[from] TermsFault),
    /// A command before there is an agreement.
    #[error("a command before any terms were offered")]
    NoTerms,
}

/// What has happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The header is complete: say with [`Session::go_on`] or [`Session::leave`] whether the body is wanted.
    Header,
    /// The mail is complete: answer with [`Session::answer`] or [`Session::leave`].
    Mail(Box<Gathered>),
    /// The mail that was being told is none.
    Aborted,
    /// The MTA goes.
    Quit,
}

/// What is known of the MTA's client, for all its mails.
#[derive(Clone, Debug, Default)]
pub struct Connected {
    /// Where it is.
    pub peer: Peer,
}

/// One connection.
#[derive(Debug)]
pub struct Session {
    limits: Limits,
    packets: Packets,
    terms: Option<Terms>,
    connected: Connected,
    macros: Macros,
    mail: Option<Box<Gathered>>,
    out: Vec<u8>,
    /// Whether the body was said to be long enough, so that no more of it is wanted.
    skipped: bool,
}

impl Session {
    /// A connection on which nothing was said yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            packets: Packets::default(),
            terms: None,
            connected: Connected::default(),
            macros: Macros::default(),
            mail: None,
            out: Vec::new(),
            skipped: false,
        }
    }

    /// Takes octets that came in; [`Session::event`] says what they amount to.
    pub fn push(&mut self, octets: &[u8]) {
        self.packets.push(octets);
    }

    /// What is to be sent now; it is taken by that.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// What was agreed on.
    pub fn terms(&self) -> Option<&Terms> {
        self.terms.as_ref()
    }

    /// The mail that is being told.
    pub fn mail(&self) -> Option<&Gathered> {
        self.mail.as_deref()
    }

    /// Octets that are kept for it.
    pub fn octets_held(&self) -> usize {
        self.packets.waiting() + self.mail.as_ref().map_or(0, |mail| mail.octets.len())
    }

    /// Keeps nothing more of the mail that is being told: there is no memory for it, and it is left alone.
    pub fn give_up(&mut self) {
        if let Some(mail) = &mut self.mail {
            mail.give_up(Flaw::NoRoom);
        }
    }

    /// The next thing that asks for something, or `None` when more octets have to come.
    ///
    /// # Errors
    /// [`Fault`], after which nothing more can be read.
    pub fn event(&mut self) -> Result<Option<Event>, Fault> {
        while let Some(packet) = self.packets.take()? {
            if let Some(event) = self.hear(Command::read(packet)?)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// The body is wanted.
    pub fn go_on(&mut self) {
        self.say(b'c');
    }

    /// The mail stays as it is. Before its end: nothing more of it is wanted.
    pub fn leave(&mut self) {
        let is_told = self.mail.is_some();
        self.end_mail();
        self.say(if is_told { b'a' } else { b'c' });
    }

    /// The reply that makes these changes, to be sent in one piece with nothing in front of it.
    ///
    /// # Errors
    /// [`Unfit`] when the MTA allows no such change.
    pub fn answer(&self, changes: &Changes) -> Result<Vec<u8>, Unfit> {
        let terms = self.terms.as_ref().ok_or(Unfit::Forbidden)?;
        changes.reply(terms)
    }

    /// Says that the answer takes longer; an MTA waits on then.
    pub fn progress() -> Vec<u8> {
        let mut out = Vec::new();
        packet::put(&mut out, b'p', &[]);
        out
    }

    fn hear(&mut self, command: Command) -> Result<Option<Event>, Fault> {
        match command {
            Command::Offer(offer) => {
                let terms = Terms::accept(&offer)?;
                self.end_mail();
                terms.write_to(&mut self.out);
                self.terms = Some(terms);
                return Ok(None);
            }
            Command::Quit => return Ok(Some(Event::Quit)),
            _ => {}
        }
        let Some(terms) = self.terms else { return Err(Fault::NoTerms) };
        let quiet = |step| terms.steps.has(step);
        Ok(match command {
            Command::Macros(stage, pairs) => {
                self.macros.take(stage, &pairs);
                None
            }
            Command::Connect(peer) => {
                self.connected = Connected { peer };
                self.unless(quiet(Steps::QUIET_CONNECT))
            }
            Command::Helo => self.unless(quiet(Steps::QUIET_HELO)),
            Command::Unknown => self.unless(quiet(Steps::QUIET_UNKNOWN)),
            Command::Data => self.unless(quiet(Steps::QUIET_DATA)),
            Command::Abort => {
                let was_told = self.mail.is_some();
                self.end_mail();
                was_told.then_some(Event::Aborted)
            }
            Command::QuitAndReuse => {
                let was_told = self.mail.is_some();
                self.end_mail();
                (self.connected, self.macros) = (Connected::default(), Macros::default());
                was_told.then_some(Event::Aborted)
            }
            part => self.hear_part(part, terms),
        })
    }

    /// Hears a part of a mail.
    fn hear_part(&mut self, part: Command, terms: Terms) -> Option<Event> {
        let quiet = |step| terms.steps.has(step);
        match part {
            Command::Mail(words) => {
                // A mail that was begun before and never ended is none: not every MTA says so.
                self.skipped = false;
                self.mail = Some(Box::new(Gathered { mail: words, ..Gathered::default() }));
                self.unless(quiet(Steps::QUIET_MAIL))
            }
            Command::Rcpt(words) => {
                self.take_recipient(words);
                self.unless(quiet(Steps::QUIET_RCPT))
            }
            Command::Header(name, value) => {
                let (leading, most) = (terms.steps.has(Steps::LEADING_SPACE), self.limits.message_octets_max);
                self.told().take_field((&name, &value), leading, most);
                self.unless(quiet(Steps::QUIET_HEADER))
            }
            Command::EndOfHeader => {
                let (peer, macros) = (self.connected.peer, self.macros.clone());
                let mail = self.told();
                (mail.peer, mail.macros) = (peer, macros);
                mail.end_header();
                Some(Event::Header)
            }
            Command::Body(part) => {
                self.take_body(&part);
                self.answer_body(quiet(Steps::QUIET_BODY), quiet(Steps::SKIP))
            }
            Command::End(part) => {
                if !part.is_empty() {
                    self.take_body(&part);
                }
                Some(Event::Mail(Box::new(self.complete())))
            }
            _ => None,
        }
    }

    /// Answers that the mail may go on, where an answer is waited for.
    fn unless(&mut self, quiet: bool) -> Option<Event> {
        if !quiet {
            self.say(b'c');
        }
        None
    }

    /// Once a mail is given up no more of its body is wanted, where an MTA listens to that.
    fn answer_body(&mut self, quiet: bool, may_skip: bool) -> Option<Event> {
        let enough = may_skip && !self.skipped && self.mail.as_ref().is_some_and(|mail| mail.flaw.is_some());
        if !quiet {
            self.skipped |= enough;
            self.say(if enough { b's' } else { b'c' });
        }
        None
    }

    fn say(&mut self, kind: u8) {
        packet::put(&mut self.out, kind, &[]);
    }

    /// The mail that is being told; one without MAIL is none, and is left alone.
    fn told(&mut self) -> &mut Gathered {
        self.mail.get_or_insert_with(|| {
            let mut mail = Gathered::default();
            mail.give_up(Flaw::OutOfOrder);
            Box::new(mail)
        })
    }

    fn take_recipient(&mut self, words: Vec<Bytes>) {
        let most = self.limits.recipients_max;
        let mail = self.told();
        if mail.body_at.is_some() || !mail.fields.is_empty() {
            return mail.give_up(Flaw::OutOfOrder);
        }
        if mail.rcpts.len() >= most {
            return mail.give_up(Flaw::TooLarge);
        }
        mail.rcpts.extend(words.into_iter().next());
    }

    fn take_body(&mut self, part: &[u8]) {
        let most = self.limits.message_octets_max;
        self.told().take_body(part, most);
    }

    /// The mail as it is complete. What was told of it is forgotten, whatever is answered.
    fn complete(&mut self) -> Gathered {
        let mut mail = *self.mail.take().unwrap_or_default();
        if mail.body_at.is_none() {
            mail.give_up(Flaw::OutOfOrder);
        }
        (mail.peer, mail.macros) = (self.connected.peer, self.macros.clone());
        self.end_mail();
        mail
    }

    fn end_mail(&mut self) {
        self.mail = None;
        self.skipped = false;
        self.macros.end_mail();
    }
}

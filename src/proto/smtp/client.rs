//! The client's side of one mail transaction: what to send next, and whose reply comes next.
//!
//! Replies are matched to commands by order alone (RFC 2920 3.2), so the bookkeeping is here, in one place, without a
//! socket. Nothing is ever sent behind the final dot before it is answered: a reply that is not understood there could
//! otherwise be taken for a later one, and a mail that was lost for one that was delivered.

use super::reply::{Reply, Severity};
use crate::mail::address::Address;
use crate::mail::envelope::Body;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::Arc;

/// Commands written together when the next hop offers PIPELINING; more would fill both socket buffers with nobody
/// reading (RFC 2920 3.1).
const COMMANDS_IN_FLIGHT_MAX: usize = 100;

/// What an EHLO reply offered (RFC 5321 4.1.1.1). The default is what HELO gives: nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Capabilities {
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// SIZE (RFC 1870), with the largest message in octets; 0 means no fixed limit.
    pub size: Option<u64>,
}

impl Capabilities {
    /// Reads the lines of a 250 reply to EHLO; the first line is the greeting and offers nothing.
    pub fn read(ehlo: &Reply) -> Self {
        let mut offered = Self::default();
        for line in ehlo.lines().skip(1) {
            let mut words = line.split_ascii_whitespace();
            let keyword = words.next().unwrap_or_default();
            let is = |name: &str| keyword.eq_ignore_ascii_case(name);
            offered.pipelining |= is("PIPELINING");
            offered.eight_bit_mime |= is("8BITMIME");
            offered.smtputf8 |= is("SMTPUTF8");
            if is("SIZE") {
                offered.size = Some(words.next().and_then(|limit| limit.parse().ok()).unwrap_or(0));
            }
        }
        offered
    }
}

/// One transaction to be made.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// The return path; `None` is the null sender.
    pub sender: Option<&'a Address>,
    /// The recipients, in the order of the answers.
    pub recipients: Vec<&'a Address>,
    /// Octets of the message as it leaves, dots not doubled (RFC 1870 5).
    pub octets: usize,
    /// The BODY parameter it came with.
    pub body: Body,
    /// Whether it came with SMTPUTF8.
    pub smtputf8: bool,
    /// Whether the connection still has an old transaction open, which RSET ends.
    pub reset_first: bool,
}

/// The part of the dialogue a reply belongs to; each has a deadline of its own (RFC 5321 4.5.3.2).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Phase {
    /// The connection being made.
    Connect,
    /// The 220 of the next hop.
    Greeting,
    /// EHLO or HELO.
    Hello,
    /// RSET.
    Reset,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA.
    Data,
    /// The message itself.
    Content,
    /// The final dot.
    Dot,
}

/// How far a recipient came, by SMTP's own classes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Class {
    /// 2xx to the final dot.
    Accepted,
    /// 4xx, or no usable answer: try again.
    Deferred,
    /// 5xx: never.
    Refused,
}

/// The answer for one recipient.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// What it means.
    pub class: Class,
    /// Which command it answered.
    pub phase: Phase,
    /// The reply; its text is foreign, and may hold addresses.
    pub reply: Arc<Reply>,
    /// Whether the next hop said it; else we did, without asking it.
    pub said_by_next_hop: bool,
}

/// What to do after a reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// Write what can be written, then read on.
    More,
    /// The next hop waits for the message: write it with the final dot, then call [`Dialogue::content_sent`].
    Content,
    /// Every recipient has an answer.
    Over,
}

/// A reply that no rule of SMTP allows where it stood. The attempt has failed, and the connection is of no more use.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("reply {code} is none for {phase:?}")]
pub struct Misplaced {
    /// The code of the reply.
    pub code: u16,
    /// The command it stood for.
    pub phase: Phase,
}

/// What the connection may be used for after the transaction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum After {
    /// The next MAIL can follow at once.
    Clean,
    /// A RSET has to come first.
    Reset,
    /// Nothing: it is to be closed.
    Close,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Command {
    Reset,
    Mail,
    Rcpt(usize),
    Data,
    Dot,
}

impl Command {
    const fn phase(self) -> Phase {
        match self {
            Self::Reset => Phase::Reset,
            Self::Mail => Phase::Mail,
            Self::Rcpt(_) => Phase::Rcpt,
            Self::Data => Phase::Data,
            Self::Dot => Phase::Dot,
        }
    }
}

/// The state of one recipient.
#[derive(Clone, Debug)]
enum State {
    Open,
    Taken,
    Answered(Answer),
}

/// One transaction in progress.
#[derive(Clone, Debug)]
pub struct Dialogue {
    pipelining: bool,
    /// Commands not yet written, and their octets.
    ahead: VecDeque<(Command, Box<[u8]>)>,
    /// Commands written and not yet answered.
    due: VecDeque<Command>,
    states: Vec<State>,
    after: After,
    over: bool,
}

impl Dialogue {
    /// Lays the commands out. Recipients the next hop cannot be asked for are answered here; when none is left, the
    /// dialogue is over before it began.
    pub fn new(plan: &Plan<'_>, offered: &Capabilities) -> Self {
        let mut dialogue = Self {
            pipelining: offered.pipelining,
            ahead: VecDeque::with_capacity(plan.recipients.len() + 3),
            due: VecDeque::new(),
            states: vec![State::Open; plan.recipients.len()],
            after: if plan.reset_first { After::Reset } else { After::Clean },
            over: false,
        };
        dialogue.lay_out(plan, offered);
        dialogue
    }

    fn lay_out(&mut self, plan: &Plan<'_>, offered: &Capabilities) {
        if let Some(limit) = offered.size.filter(|&l| l > 0 && plan.octets as u64 > l) {
            let text = format!("The next hop takes no message over {limit} octets");
            let reply = Reply::new(552, (5, 3, 4), "").with_text(text);
            return self.close_all(&ours(reply), self.after);
        }
        let Some(mail) = mail_command(plan, offered) else {
            return self.close_all(&not_ascii(), self.after);
        };
        if plan.reset_first {
            self.ahead.push_back((Command::Reset, Box::from(*b"RSET\r\n")));
        }
        self.ahead.push_back((Command::Mail, mail));
        for (i, recipient) in plan.recipients.iter().enumerate() {
            match wire_form(recipient, offered.smtputf8) {
                Some(text) => {
                    let command = format!("RCPT TO:<{text}>\r\n").into_bytes().into();
                    self.ahead.push_back((Command::Rcpt(i), command));
                }
                None => self.states[i] = State::Answered(not_ascii()),
            }
        }
        if self.states.iter().all(|s| matches!(s, State::Answered(_))) {
            return self.close_all(&not_ascii(), self.after);
        }
        self.ahead.push_back((Command::Data, Box::from(*b"DATA\r\n")));
    }

    /// Appends the commands that may go out now: none while a reply is due, one without PIPELINING, else a group.
    pub fn write(&mut self, out: &mut Vec<u8>) {
        if self.over || !self.due.is_empty() {
            return;
        }
        let group = if self.pipelining { COMMANDS_IN_FLIGHT_MAX } else { 1 };
        while self.due.len() < group
            && let Some((command, octets)) = self.ahead.pop_front()
        {
            out.extend_from_slice(&octets);
            self.due.push_back(command);
        }
    }

    /// The command whose reply comes next.
    pub fn due(&self) -> Option<Phase> {
        self.due.front().map(|c| c.phase())
    }

    /// Says that the message and the final dot are written.
    pub fn content_sent(&mut self) {
        self.due.push_back(Command::Dot);
    }

    /// Takes the next reply.
    ///
    /// # Errors
    /// [`Misplaced`] when no command waits for it or its code is none for that command.
    pub fn take(&mut self, reply: Reply) -> Result<Progress, Misplaced> {
        let code = reply.code;
        let command = self.due.pop_front().ok_or(Misplaced { code, phase: Phase::Content })?;
        let phase = command.phase();
        let expected = if command == Command::Data { Severity::Intermediate } else { Severity::Positive };
        let class = match reply.severity() {
            severity if severity == expected => Class::Accepted,
            Severity::Transient => Class::Deferred,
            Severity::Permanent if is_too_many(command, &reply) => Class::Deferred,
            Severity::Permanent => Class::Refused,
            _ => return Err(Misplaced { code, phase }),
        };
        let answer = || Answer { class, phase, reply: Arc::new(reply), said_by_next_hop: true };
        if class == Class::Accepted {
            return Ok(self.advance(command, answer));
        }
        self.fail(command, answer());
        Ok(if self.over { Progress::Over } else { self.proceed() })
    }

    /// The command did what it should.
    fn advance(&mut self, command: Command, answer: impl FnOnce() -> Answer) -> Progress {
        match command {
            Command::Reset => self.after = After::Clean,
            Command::Mail => self.after = After::Reset,
            Command::Rcpt(i) if matches!(self.states[i], State::Open) => self.states[i] = State::Taken,
            Command::Rcpt(_) => {}
            Command::Data if self.any_taken() => return Progress::Content,
            // Our DATA ran ahead of refusals; a dot now could send an empty mail on its way.
            Command::Data => self.finish(After::Close),
            Command::Dot => {
                let answer = answer();
                self.close_taken(&answer);
                self.finish(After::Clean);
            }
        }
        self.proceed()
    }

    /// The command was answered 4xx or 5xx.
    fn fail(&mut self, command: Command, answer: Answer) {
        if answer.reply.code == 421 {
            return self.close_all(&answer, After::Close);
        }
        match command {
            Command::Reset => self.close_all(&Answer { class: Class::Deferred, ..answer }, After::Close),
            Command::Rcpt(i) if matches!(self.states[i], State::Open) => self.states[i] = State::Answered(answer),
            Command::Rcpt(_) => {}
            Command::Mail => {
                self.states.iter_mut().filter(|s| !matches!(s, State::Answered(_))).for_each(|s| {
                    *s = State::Answered(answer.clone());
                });
            }
            Command::Data => {
                self.close_taken(&answer);
                self.finish(self.after);
            }
            Command::Dot => {
                self.close_taken(&answer);
                self.finish(After::Clean);
            }
        }
    }

    /// Where the dialogue stands once a reply is booked: without anybody left to send to, what is unsent stays unsent.
    fn proceed(&mut self) -> Progress {
        if self.over {
            return Progress::Over;
        }
        if self.states.iter().all(|s| matches!(s, State::Answered(_))) {
            self.ahead.clear();
            if self.due.is_empty() {
                self.finish(self.after);
                return Progress::Over;
            }
        }
        Progress::More
    }

    fn any_taken(&self) -> bool {
        self.states.iter().any(|s| matches!(s, State::Taken))
    }

    fn close_taken(&mut self, answer: &Answer) {
        for state in self.states.iter_mut().filter(|s| matches!(s, State::Taken)) {
            *state = State::Answered(answer.clone());
        }
    }

    fn close_all(&mut self, answer: &Answer, after: After) {
        for state in self.states.iter_mut().filter(|s| !matches!(s, State::Answered(_))) {
            *state = State::Answered(answer.clone());
        }
        self.finish(after);
    }

    fn finish(&mut self, after: After) {
        self.over = true;
        self.after = after;
        self.ahead.clear();
    }

    /// Whether every recipient has an answer.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// What the connection is good for now.
    pub fn after(&self) -> After {
        if self.over && self.due.is_empty() { self.after } else { After::Close }
    }

    /// The answers so far, in the order of the plan; `None` where there is none yet.
    pub fn answers(&self) -> impl Iterator<Item = Option<&Answer>> {
        self.states.iter().map(|s| if let State::Answered(answer) = s { Some(answer) } else { None })
    }
}

/// A refusal of our own making.
fn ours(reply: Reply) -> Answer {
    Answer { class: Class::Refused, phase: Phase::Mail, reply: Arc::new(reply), said_by_next_hop: false }
}

fn not_ascii() -> Answer {
    ours(Reply::new(553, (5, 6, 7), "The next hop takes no addresses beyond ASCII"))
}

/// 552 to RCPT was once the code for too many recipients (RFC 5321 4.5.3.1.10); a status of its own says otherwise.
fn is_too_many(command: Command, reply: &Reply) -> bool {
    matches!(command, Command::Rcpt(_)) && reply.code == 552 && reply.enhanced.is_none()
}

fn mail_command(plan: &Plan<'_>, offered: &Capabilities) -> Option<Box<[u8]>> {
    let sender = match plan.sender {
        Some(address) => wire_form(address, offered.smtputf8)?,
        None => Cow::Borrowed(""),
    };
    let mut line = format!("MAIL FROM:<{sender}>").into_bytes();
    if offered.size.is_some() {
        // Writing to a vector cannot fail.
        let _ = write!(line, " SIZE={}", plan.octets);
    }
    if offered.eight_bit_mime && plan.body == Body::EightBitMime {
        line.extend_from_slice(b" BODY=8BITMIME");
    }
    let beyond_ascii = |a: &&Address| a.needs_smtputf8();
    let needed = plan.smtputf8 || plan.sender.iter().chain(&plan.recipients).any(beyond_ascii);
    if offered.smtputf8 && needed {
        line.extend_from_slice(b" SMTPUTF8");
    }
    line.extend_from_slice(b"\r\n");
    Some(line.into())
}

/// The address as the next hop can take it: without SMTPUTF8 the domain goes as its A-label, and a local part beyond
/// ASCII cannot go at all.
fn wire_form(address: &Address, smtputf8: bool) -> Option<Cow<'_, str>> {
    if smtputf8 || !address.needs_smtputf8() {
        return Some(Cow::Borrowed(address.as_str()));
    }
    let domain = address.domain().filter(|_| address.local_part().is_ascii())?;
    Some(Cow::Owned(format!("{}@{domain}", address.local_part())))
}

#[cfg(test)]
mod tests;

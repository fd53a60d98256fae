//! One transaction in progress: the commands still to be written, those not yet answered, and who has which answer.

use std::collections::VecDeque;
use std::sync::Arc;

use super::command::{self, not_ascii};
use super::{After, Answer, Capabilities, Class, Dialect, Extension, Framing, Misplaced, Phase, Plan, Progress};
use crate::proto::smtp::reply::{Reply, Severity};

/// Commands written together when the next hop offers PIPELINING; more would fill both socket buffers with nobody
/// reading (RFC 2920 3.1).
const COMMANDS_IN_FLIGHT_MAX: usize = 100;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Command {
    Reset,
    Mail,
    Rcpt(usize),
    Data,
    Dot,
    /// The answer to the dot that is for one recipient alone (RFC 2033 4.2).
    DotOf(usize),
}

impl Command {
    const fn phase(self) -> Phase {
        match self {
            Self::Reset => Phase::Reset,
            Self::Mail => Phase::Mail,
            Self::Rcpt(_) => Phase::Rcpt,
            Self::Data => Phase::Data,
            Self::Dot | Self::DotOf(_) => Phase::Dot,
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
    /// Commands that may wait for their answers together.
    in_flight_max: usize,
    dialect: Dialect,
    framing: Framing,
    /// Commands not yet written, and their octets.
    ahead: VecDeque<(Command, Box<[u8]>)>,
    /// Commands written and not yet answered.
    due: VecDeque<Command>,
    states: Vec<State>,
    after: After,
    over: bool,
    chunking_failed: bool,
}

impl Dialogue {
    /// Lays the commands out. Recipients the next hop cannot be asked for are answered here; when none is left, the
    /// dialogue is over before it began.
    pub fn new(plan: &Plan<'_>, offered: &Capabilities) -> Self {
        let chunked = plan.terms.chunking && offered.offers(Extension::Chunking);
        let mut dialogue = Self {
            in_flight_max: if offered.offers(Extension::Pipelining) { COMMANDS_IN_FLIGHT_MAX } else { 1 },
            dialect: plan.terms.dialect,
            framing: if chunked { Framing::Chunk } else { Framing::Dots },
            ahead: VecDeque::with_capacity(plan.recipients.len() + 3),
            due: VecDeque::new(),
            states: vec![State::Open; plan.recipients.len()],
            after: if plan.reset_first { After::Reset } else { After::Clean },
            over: false,
            chunking_failed: false,
        };
        dialogue.lay_out(plan, offered);
        dialogue
    }

    fn lay_out(&mut self, plan: &Plan<'_>, offered: &Capabilities) {
        if let Some(answer) = command::barrier(plan, offered) {
            return self.close_all(&answer, self.after);
        }
        let Some(mail) = command::mail(plan, offered) else {
            return self.close_all(&not_ascii(), self.after);
        };
        if plan.reset_first {
            self.ahead.push_back((Command::Reset, Box::from(*b"RSET\r\n")));
        }
        self.ahead.push_back((Command::Mail, mail));
        for (i, recipient) in plan.recipients.iter().enumerate() {
            match command::rcpt(recipient, offered) {
                Some(command) => self.ahead.push_back((Command::Rcpt(i), command)),
                None => self.states[i] = State::Answered(not_ascii()),
            }
        }
        if self.states.iter().all(|s| matches!(s, State::Answered(_))) {
            return self.close_all(&not_ascii(), self.after);
        }
        // A chunk waits for the answers: sent behind refusals alone it would be a message for nobody.
        if self.framing == Framing::Dots {
            self.ahead.push_back((Command::Data, Box::from(*b"DATA\r\n")));
        }
    }

    /// Appends the commands that may go out now: none while a reply is due, one without PIPELINING, else a group.
    pub fn write(&mut self, out: &mut Vec<u8>) {
        if self.over || !self.due.is_empty() {
            return;
        }
        while self.due.len() < self.in_flight_max
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

    /// How the message is to be written.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Says that the message is written to its end, the final dot included.
    pub fn content_sent(&mut self) {
        match self.dialect {
            Dialect::Smtp => self.due.push_back(Command::Dot),
            Dialect::Lmtp => {
                let taken = self.states.iter().enumerate().filter(|(_, s)| matches!(s, State::Taken));
                self.due.extend(taken.map(|(i, _)| Command::DotOf(i)));
            }
        }
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
            Severity::Permanent if self.is_no_word_about_the_mail(command, code) => Class::Deferred,
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
            Command::DotOf(i) => {
                self.states[i] = State::Answered(answer());
                self.finish_when_answered();
            }
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
        let closes = answer.reply.code == 421;
        // Nobody closes for one recipient alone: whoever comes behind may have the mail, and has an answer or none.
        let is_for_one = matches!(command, Command::DotOf(_));
        if (closes && !is_for_one) || self.chunking_failed {
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
            Command::DotOf(i) => {
                self.states[i] = State::Answered(answer);
                if closes {
                    self.after = After::Close;
                }
                self.finish_when_answered();
            }
        }
    }

    /// Ends the transaction when the last recipient has its answer to the dot.
    fn finish_when_answered(&mut self) {
        if self.due.is_empty() {
            self.finish(if self.after == After::Close { After::Close } else { After::Clean });
        }
    }

    /// A 50z to BDAT speaks of the command (RFC 5321 4.2.1): this next hop offers what it does not know, and now takes
    /// the message for commands.
    fn is_no_word_about_the_mail(&mut self, command: Command, code: u16) -> bool {
        let is_chunk = self.framing == Framing::Chunk && command.phase() == Phase::Dot;
        let speaks_of_command = is_chunk && (500..510).contains(&code);
        self.chunking_failed |= speaks_of_command;
        speaks_of_command
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
        let all_asked = self.ahead.is_empty() && self.due.is_empty();
        if all_asked && self.framing == Framing::Chunk && self.any_taken() {
            return Progress::Content;
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

    /// Whether the next hop offers CHUNKING and does not know it, so that it is not to be used there again.
    pub fn chunking_failed(&self) -> bool {
        self.chunking_failed
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

/// 552 to RCPT was once the code for too many recipients (RFC 5321 4.5.3.1.10); a status of its own says otherwise.
fn is_too_many(command: Command, reply: &Reply) -> bool {
    matches!(command, Command::Rcpt(_)) && reply.code == 552 && reply.enhanced.is_none()
}

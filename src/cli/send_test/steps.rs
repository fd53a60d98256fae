//! Steps as they are made: one line each for people, or one object at the end for programs.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::mail::TestMail;
use crate::cli::output::{End, print_json};
use crate::sys::clock;

/// How it ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// The next hop has it.
    Accepted,
    /// The server has taken it, and cannot be asked what became of it.
    Unfollowed,
    /// It waits in the spool.
    Waiting,
    /// The next hop has not answered our final dot.
    InDoubt,
    /// The server that took it is not the one of the data folder.
    Unseen,
    /// It was refused for good.
    Refused,
    /// It was put off: the client keeps it.
    Deferred,
    /// The login was refused, or could not be made.
    LoginFailed,
    /// TLS came to nothing.
    TlsFailed,
    /// Nobody answers there, or not as an SMTP server does.
    Unreachable,
    /// It was not sent at all.
    NotSent,
}

impl Outcome {
    /// The stable code.
    fn code(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Unfollowed => "unfollowed",
            Self::Waiting => "waiting",
            Self::InDoubt => "in_doubt",
            Self::Unseen => "unseen",
            Self::Refused => "refused",
            Self::Deferred => "deferred",
            Self::LoginFailed => "login_failed",
            Self::TlsFailed => "tls_failed",
            Self::Unreachable => "unreachable",
            Self::NotSent => "not_sent",
        }
    }

    fn end(self) -> End {
        if matches!(self, Self::Accepted | Self::Unfollowed) { End::Well } else { End::Wrong }
    }
}

/// Tells steps as they are made.
pub(super) struct Steps<'a> {
    out: &'a mut dyn Write,
    json: bool,
    told: Vec<Value>,
    /// The id the server gave the mail.
    pub(super) id: Option<String>,
}

impl<'a> Steps<'a> {
    pub(super) fn new(out: &'a mut dyn Write, json: bool) -> Self {
        Self { out, json, told: Vec::new(), id: None }
    }

    /// A step of ours, made now.
    pub(super) fn tell(&mut self, step: &str, text: &str) -> io::Result<()> {
        self.tell_of(clock::now(), step, text)
    }

    /// A step that was made at some time.
    pub(super) fn tell_of(&mut self, at: Timestamp, step: &str, text: &str) -> io::Result<()> {
        self.told.push(json!({ "at": at.to_string(), "step": step, "text": text }));
        if self.json {
            return Ok(());
        }
        let time = at.to_zoned(TimeZone::system()).strftime("%H:%M:%S%.3f").to_string();
        writeln!(self.out, "{time}  {step:<9}  {text}")?;
        self.out.flush()
    }

    /// Tells how it ended.
    pub(super) fn finish(self, outcome: Outcome, sentence: &str, mail: Option<&TestMail>) -> io::Result<End> {
        if self.json {
            let object = json!({
                "outcome": outcome.code(),
                "text": sentence,
                "id": self.id,
                "message_id": mail.map(|m| &m.message_id),
                "subject": mail.map(|m| m.subject),
                "from": mail.map(|m| m.from.as_str()),
                "to": mail.map(|m| m.to.as_str()),
                "steps": self.told,
            });
            print_json(self.out, &object)?;
            return Ok(outcome.end());
        }
        if !self.told.is_empty() {
            writeln!(self.out)?;
        }
        writeln!(self.out, "{}: {sentence}", outcome.code())?;
        if let (Some(mail), End::Well) = (mail, outcome.end()) {
            let TestMail { to, subject, message_id, .. } = mail;
            writeln!(self.out, "look in the mailbox of {} for: {subject}\n  Message-ID: {message_id}", to.as_str())?;
            writeln!(self.out, "a test mail is never changed and never counted")?;
        }
        Ok(outcome.end())
    }
}

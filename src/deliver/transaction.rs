//! One mail transaction over an open connection: the dialogue with octets and deadlines put to it.

use std::sync::Arc;

use super::connection::{Broken, Connection, Fault, Patience, Peer};
use crate::mail::dsn::Action;
use crate::mail::edit::Edits;
use crate::proto::smtp::client::{
    After, Answer, Class, Dialect, Dialogue, Extension, Framing, Octets, Phase, Plan, Progress,
};
use crate::proto::smtp::data;

/// The message of a transaction: our trace line in front, then the original with its edits. Nothing is copied.
#[derive(Clone, Copy, Debug)]
pub(super) struct Content<'a> {
    pub(super) trace: &'a [u8],
    pub(super) original: &'a [u8],
    pub(super) edits: &'a Edits,
}

impl<'a> Content<'a> {
    /// Octets as they leave, dots not doubled.
    pub(super) fn octets(&self) -> usize {
        self.trace.len() + self.original.len() + self.edits.octets_added()
    }

    fn segments(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        std::iter::once(self.trace).chain(self.edits.segments(self.original))
    }

    /// What octets it has, edits included.
    pub(super) fn what_octets(&self) -> Octets {
        if self.segments().all(<[u8]>::is_ascii) { Octets::Seven } else { Octets::Eight }
    }

    /// Whether the edits would put an octet on the wire that no message may hold.
    pub(super) fn is_sound(&self) -> bool {
        data::find_fault(self.segments()).is_none()
    }
}

/// A transaction as far as it came.
#[derive(Debug)]
pub(super) struct Made {
    dialogue: Dialogue,
    /// Who was at the other end.
    pub(super) peer: Peer,
    /// Whether the whole message with its final dot was written; before that the next hop cannot have it.
    pub(super) dot_sent: bool,
    answered: bool,
    /// What a report of ours would say of a success: nothing where DSN is offered, for then the next hop reports
    /// (RFC 3461 5.2); a mail store has delivered what it has taken (RFC 2033 4.2).
    pub(super) success_report: Option<Action>,
    pub(super) broken: Option<Broken>,
}

/// Makes a transaction, to its end or to the first fault.
pub(super) async fn make(
    connection: &mut Connection,
    plan: &Plan<'_>,
    content: &Content<'_>,
    patience: &Patience,
) -> Made {
    let dialogue = Dialogue::new(plan, &connection.offered);
    let peer = Peer { host: Arc::clone(&connection.peer.host), ..connection.peer };
    let success_report = match connection.terms.dialect {
        _ if connection.offered.offers(Extension::Dsn) => None,
        Dialect::Smtp => Some(Action::Relayed),
        Dialect::Lmtp => Some(Action::Delivered),
    };
    let mut made = Made { dialogue, peer, dot_sent: false, answered: false, success_report, broken: None };
    made.broken = made.proceed(connection, Some(content), patience).await.err();
    made
}

impl Made {
    /// Waits on for the answer to the dot.
    pub(super) async fn resume(&mut self, connection: &mut Connection, patience: &Patience) {
        self.broken = self.proceed(connection, None, patience).await.err();
    }

    async fn proceed(
        &mut self,
        connection: &mut Connection,
        content: Option<&Content<'_>>,
        patience: &Patience,
    ) -> Result<(), Broken> {
        let mut out = Vec::new();
        while !self.dialogue.is_over() {
            self.dialogue.write(&mut out);
            let Some(phase) = self.dialogue.due() else { return Ok(()) };
            if !out.is_empty() {
                connection.write(phase, &out, patience).await?;
                out.clear();
            }
            if self.take_reply(connection, phase, patience).await? == Progress::Content
                && let Some(content) = content
            {
                match self.dialogue.framing() {
                    Framing::Dots => connection.write_pieces(data::stuff(content.segments()), patience).await?,
                    Framing::Chunk => write_chunk(connection, content, patience).await?,
                }
                self.dot_sent = true;
                self.dialogue.content_sent();
            }
        }
        Ok(())
    }

    async fn take_reply(
        &mut self,
        connection: &mut Connection,
        phase: Phase,
        patience: &Patience,
    ) -> Result<Progress, Broken> {
        let reply = connection.read_reply(phase, patience).await?;
        let misplaced = |fault| Broken { phase, fault, given_up: false };
        let code = reply.code;
        let progress = self.dialogue.take(reply).map_err(|_| misplaced(Fault::Misplaced(code)))?;
        self.answered = true;
        // Behind a whole answer to the dot a next hop may say goodbye; anywhere else its replies are out of step.
        if self.dialogue.due().is_none() && phase != Phase::Dot {
            connection.expect_silence(phase)?;
        }
        Ok(progress)
    }

    /// Whether the next hop offers CHUNKING and does not know it.
    pub(super) fn chunking_failed(&self) -> bool {
        self.dialogue.chunking_failed()
    }

    /// Whether our own time ran out while the answer to the dot was awaited.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.dot_sent && self.broken.as_ref().is_some_and(|b| b.given_up)
    }

    /// Whether our own time ran out before the dot.
    pub(super) fn is_given_up(&self) -> bool {
        !self.dot_sent && self.broken.as_ref().is_some_and(|b| b.given_up)
    }

    /// Whether the next hop let a deadline of SMTP pass before the dot. Being slower than our client's patience is no
    /// sign that it is down.
    pub(super) fn is_stalled(&self) -> bool {
        !self.dot_sent && self.broken.as_ref().is_some_and(|b| matches!(b.fault, Fault::Timeout) && !b.given_up)
    }

    /// Whether a kept connection turned out to be closed before it answered anything of this transaction.
    pub(super) fn found_closed(&self) -> bool {
        let closing = |a: &Answer| a.reply.code == 421 && matches!(a.phase, Phase::Reset | Phase::Mail);
        match &self.broken {
            Some(broken) => !self.answered && matches!(broken.fault, Fault::Io(_) | Fault::Closed),
            None => !self.dot_sent && self.answers().flatten().any(closing),
        }
    }

    /// The answers so far, in the order of the plan.
    pub(super) fn answers(&self) -> impl Iterator<Item = Option<&Answer>> {
        self.dialogue.answers()
    }

    /// What the connection is good for now.
    pub(super) fn after(&self) -> After {
        if self.broken.is_some() { After::Close } else { self.dialogue.after() }
    }

    /// The recipients refused for what the message was, not for who they are.
    pub(super) fn refused_for_content(&self) -> Vec<usize> {
        let blamed = |a: &Answer| a.class == Class::Refused && is_about_content(a);
        self.answers().enumerate().filter(|(_, a)| a.is_some_and(blamed)).map(|(i, _)| i).collect()
    }
}

/// The message as one BDAT LAST (RFC 3030 3), the command and all octets in as few writes as they allow.
async fn write_chunk(connection: &mut Connection, content: &Content<'_>, patience: &Patience) -> Result<(), Broken> {
    let command = format!("BDAT {} LAST\r\n", content.octets());
    let segments = content.segments().filter(|segment| !segment.is_empty());
    connection.write_pieces(std::iter::once(command.as_bytes()).chain(segments), patience).await
}

/// Whether the answer is about the message: it came to the dot, or speaks of the size we declared (RFC 1870 6), or of
/// octets that cannot be sent there.
fn is_about_content(answer: &Answer) -> bool {
    let is = |status| answer.reply.enhanced.is_some_and(|e| (e.class, e.subject, e.detail) == status);
    match answer.phase {
        Phase::Dot => true,
        Phase::Mail => is((5, 3, 4)) || answer.reply.code == 552 || (!answer.said_by_next_hop && is((5, 6, 3))),
        Phase::Rcpt => is((5, 3, 4)),
        _ => false,
    }
}

//! Gathers one mail and answers for it when it is closed.
//!
//! Writing never fails: after an error in the middle of the data samotop takes the rest of the mail for commands, and
//! would carry out whatever a mail's text says. A fault is kept, and told when the mail is closed.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use samotop_core::common::io::Write;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::mail::envelope::Envelope;
use crate::pipeline::Client;
use crate::proto::smtp::command::Hello;
use crate::proto::smtp::data;
use crate::proto::smtp::reply::Reply;
use crate::proto::smtp::session::{Peer, Transaction};
use crate::smtp::{Arrived, Custody};
use crate::sys::clock;

/// Who sends what to whom, before its data.
pub(super) struct Mail {
    pub(super) client: Client,
    pub(super) hello: Hello,
    pub(super) peer: Peer,
    pub(super) envelope: Envelope,
}

/// The sink of one mail.
pub(super) struct Sink<C> {
    custody: Arc<C>,
    runtime: Handle,
    state: State,
    octets_max: usize,
}

enum State {
    /// Data comes in.
    Open(Box<Mail>, Vec<u8>),
    /// More came than is taken, or it is over.
    Refused(&'static str),
    /// The custody has it.
    Taken(JoinHandle<Reply>),
}

impl<C: Custody> Sink<C> {
    /// A sink for at most so many octets, the first of which are there already.
    pub(super) fn new(custody: Arc<C>, runtime: Handle, mail: Mail, (front, octets_max): (Vec<u8>, usize)) -> Self {
        Self { custody, runtime, state: State::Open(Box::new(mail), front), octets_max }
    }

    /// Hands the mail to the custody, once.
    fn close(&mut self) {
        let State::Open(mail, octets) = std::mem::replace(&mut self.state, State::Refused("it is closed already"))
        else {
            return;
        };
        // What another server could read as two mails is not handed on; samotop lets it through.
        if data::find_fault([&octets[..]]).is_some() {
            self.state = State::Refused("a bare CR, a bare LF or a NUL is in it");
            return;
        }
        let Mail { client, hello, peer, envelope } = *mail;
        let transaction = Transaction { hello, peer, envelope, message: octets.into(), came_back: false };
        let (custody, arrived) = (Arc::clone(&self.custody), Arrived { client, transaction, at: clock::now() });
        self.state = State::Taken(self.runtime.spawn(async move { custody.take(arrived).await }));
    }
}

impl<C: Custody> Write for Sink<C> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let octets_max = self.octets_max;
        match &mut self.state {
            State::Open(_, taken) if taken.len() + octets.len() <= octets_max => taken.extend_from_slice(octets),
            State::Open(..) => self.state = State::Refused("it is larger than the largest mail taken"),
            State::Refused(_) | State::Taken(_) => {}
        }
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Ready with success when the next hop has the mail or it is synced on our disk.
    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if matches!(self.state, State::Open(..)) {
            self.close();
        }
        let reply = match &mut self.state {
            State::Taken(taking) => match Pin::new(taking).poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(reply) => reply,
            },
            State::Refused(why) => return Poll::Ready(Err(io::Error::other(*why))),
            State::Open(..) => return Poll::Ready(Err(io::Error::other("it is not closed"))),
        };
        self.state = State::Refused("it is closed already");
        Poll::Ready(match reply {
            Ok(reply) if (200..300).contains(&reply.code) => Ok(()),
            Ok(reply) => Err(io::Error::other(format!("not taken: {}", reply.code))),
            Err(_) => Err(io::Error::other("an error of ours")),
        })
    }
}

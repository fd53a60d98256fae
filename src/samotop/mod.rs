//! The relay as a `MailDispatch` of samotop, for those who run it (feature `samotop`). Not in the mail path of ours.
//!
//! samotop keeps the connection, the dialogue and the data; what is decided, written, handed on and counted is what the
//! SMTP door does with the same mail. What its session lacks stays lacking: no DSN parameters, no SMTPUTF8, and every
//! mail that is not taken hears 450, also one that the next hop refused for good.

mod sink;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::ready;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use samotop_core::common::S1Fut;
use samotop_core::mail::{AcceptsDispatch, DispatchError, DispatchResult, MailDispatch, MailSetup};
use samotop_core::smtp::{SmtpPath, SmtpSession};
use tokio::runtime::Handle;

use self::sink::Sink;
use crate::mail::address::Address;
use crate::mail::envelope::{Body, Envelope};
use crate::pipeline::Client;
use crate::proto::smtp::command::Hello;
use crate::proto::smtp::session::Peer;
use crate::smtp::Custody;

/// Takes the mails of samotop's sessions into a custody of ours.
pub struct Dispatch<C> {
    custody: Arc<C>,
    runtime: Handle,
    octets_max: usize,
}

impl<C> Dispatch<C> {
    /// Hands mails of at most so many octets to `custody`, on tokio's `runtime`: samotop's sessions may run elsewhere.
    pub fn new(custody: Arc<C>, runtime: Handle, octets_max: usize) -> Self {
        Self { custody, runtime, octets_max }
    }
}

impl<C> fmt::Debug for Dispatch<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatch").field("octets_max", &self.octets_max).finish_non_exhaustive()
    }
}

impl<C: Custody, T: AcceptsDispatch> MailSetup<T> for Dispatch<C> {
    fn setup(self, config: &mut T) {
        config.add_last_dispatch(self);
    }
}

impl<C: Custody> MailDispatch for Dispatch<C> {
    /// Opens the sink for a mail of a client that may relay; strangers are refused for good, before their data.
    fn open_mail_body<'a, 's, 'f>(&'a self, session: &'s mut SmtpSession) -> S1Fut<'f, DispatchResult>
    where
        'a: 'f,
        's: 'f,
    {
        Box::pin(ready(self.open(session)))
    }
}

impl<C: Custody> Dispatch<C> {
    fn open(&self, session: &mut SmtpSession) -> DispatchResult {
        let client = Client::at(peer_of(&session.connection.peer_addr).ok_or(DispatchError::Permanent)?);
        let admission = self.custody.admit(&client);
        if !admission.may_relay {
            return Err(DispatchError::Permanent);
        }
        let client = Client { shared: admission.shared, ..client };
        let envelope = envelope_of(session).ok_or(DispatchError::Permanent)?;
        let hello = Hello::new(session.peer_name.as_deref().unwrap_or("unknown"), true);
        let peer = Peer { may_relay: true, ..Peer::default() };
        // What samotop or another part of its service puts in front belongs to the mail from here on.
        let front = session.transaction.extra_headers.clone().into_bytes();
        let mail = sink::Mail { client, hello, peer, envelope };
        let (custody, runtime) = (Arc::clone(&self.custody), self.runtime.clone());
        session.transaction.sink = Some(Box::pin(Sink::new(custody, runtime, mail, (front, self.octets_max))));
        Ok(())
    }
}

/// The address of a peer as samotop writes it. A peer on a Unix socket has none, and may not relay.
fn peer_of(text: &str) -> Option<IpAddr> {
    text.parse::<SocketAddr>().map(|at| at.ip()).or_else(|_| text.parse()).ok().map(|ip: IpAddr| ip.to_canonical())
}

/// Sender and recipients; nothing when one of them is no address of ours.
fn envelope_of(session: &SmtpSession) -> Option<Envelope> {
    let address = |path: &SmtpPath| Address::parse(&path.address()).ok();
    let sender = match session.transaction.mail.as_ref()?.sender() {
        SmtpPath::Null => None,
        path => Some(address(path)?),
    };
    let mut recipients: Vec<Address> = Vec::new();
    for recipient in &session.transaction.rcpts {
        let recipient = address(&recipient.address)?;
        if !recipients.contains(&recipient) {
            recipients.push(recipient);
        }
    }
    // samotop does not pass on what the client announced, so eight bits are always reckoned with.
    (!recipients.is_empty()).then(|| Envelope { sender, recipients, body: Body::EightBitMime, ..Envelope::default() })
}

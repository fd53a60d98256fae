//! The SMTP door: listens, lets clients in, gathers each message and answers for it.
//!
//! [`crate::proto::smtp::session`] knows the protocol; here are the sockets, the clock, and the memory. What happens
//! behind the final dot is the business of a [`Custody`].

mod answer;
mod connection;
pub mod custody;
mod decide;
mod guests;
mod note;
mod room;
mod server;
mod test_mail;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;

use crate::proto::smtp::limits::Limits;
use crate::proto::smtp::reply::Reply;
use crate::proto::smtp::session::Transaction;
use crate::watch::Watch;

pub use server::serve;

/// A message whose final dot has come.
#[derive(Debug)]
pub struct Arrived {
    /// The client's address, without an IPv4 address in IPv6 form.
    pub ip: IpAddr,
    /// Envelope and message.
    pub transaction: Transaction,
    /// When the dot came.
    pub at: Timestamp,
}

/// What stands behind the door.
pub trait Custody: Send + Sync + 'static {
    /// The right to relay, which is the client's alone (design §3.1).
    fn may_relay(&self, ip: IpAddr) -> bool;

    /// Answers for a message. A 2xx says that the next hop has it or that it is synced on our disk.
    fn take(&self, arrived: Arrived) -> impl Future<Output = Reply> + Send;
}

/// How the door is set up.
#[derive(Clone)]
pub struct Door {
    /// Our host name, for greetings.
    pub host: Arc<str>,
    /// The one table of limits.
    pub limits: Arc<Limits>,
    /// Where connections are counted.
    pub watch: Watch,
}

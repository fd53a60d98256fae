//! The SMTP door: listens, lets clients in, gathers each message and answers for it.
//!
//! [`crate::proto::smtp::session`] knows the protocol; here are the sockets, the clock, and the memory. What happens
//! behind the final dot is the business of a [`Custody`].

mod answer;
mod arrival;
mod connection;
pub mod custody;
mod deadlines;
mod decide;
mod entrance;
mod guests;
mod input;
mod logins;
mod rates;
mod repeats;
mod returns;
mod server;
mod shared;
mod standing;
mod test_mail;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;

use crate::config::SmtpSettings;
use crate::mail::address::{Address, Domain};
use crate::pipeline::{Client, Secret};
use crate::proto::smtp::reply::Reply;
use crate::proto::smtp::session::{CameBack, Transaction};
use crate::referral::CompanyId;
use crate::sys::tls::ServerTls;
use crate::watch::Watch;

pub use entrance::{Entrance, listener_for, open_tls};
pub use server::serve;

/// A message whose final dot has come.
#[derive(Debug)]
pub struct Arrived {
    /// Who handed it in, as far as it has shown who it is.
    pub client: Client,
    /// Envelope and message.
    pub transaction: Transaction,
    /// When the dot came.
    pub at: Timestamp,
}

/// What a client may do here.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Admission {
    /// The right to relay, which is the client's alone (design §3.1).
    pub may_relay: bool,
    /// Whether many tenants send from there, so that neither address nor certificate tells whose mail it is.
    pub shared: bool,
}

/// What became of an attempt to log in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Login {
    /// The credentials are this user's: the name as the settings write it.
    As(String),
    /// They are nobody's.
    Wrong,
    /// They could not be looked at just now.
    NotNow,
}

/// What stands behind the door.
pub trait Custody: Send + Sync + 'static {
    /// What this client may do. Asked anew each time the client has shown more of who it is: at first its address
    /// (never an IPv4 address in IPv6 form), then the names of its certificate, then its user.
    fn admit(&self, client: &Client) -> Admission;

    /// Whose these credentials are. Whoever hashes passwords does it beside the runtime.
    fn authenticate(&self, user: String, password: Secret) -> impl Future<Output = Login> + Send;

    /// Whether there are users who could log in.
    fn has_users(&self) -> bool {
        false
    }

    /// Whose mail it probably is, by the domain of its sender: the company whose rate it counts for.
    fn company_of(&self, sender: &Domain) -> Option<CompanyId> {
        let _ = sender;
        None
    }

    /// Whether mail may come back on return paths of ours, so that each recipient is to be asked about.
    fn has_return_paths(&self) -> bool {
        false
    }

    /// Whether mail for this recipient came back on a return path of ours.
    fn came_back(&self, recipient: &Address) -> impl Future<Output = CameBack> + Send {
        let _ = recipient;
        async { CameBack::No }
    }

    /// Answers for a message. A 2xx says that the next hop has it or that it is synced on our disk.
    fn take(&self, arrived: Arrived) -> impl Future<Output = Reply> + Send;
}

/// How the door is set up.
#[derive(Clone)]
pub struct Door {
    /// Our host name, for greetings.
    pub host: Arc<str>,
    /// Listeners, limits, and who may speak for others.
    pub settings: Arc<SmtpSettings>,
    /// TLS, when there is a certificate.
    pub tls: Option<ServerTls>,
    /// Where connections are counted.
    pub watch: Watch,
}

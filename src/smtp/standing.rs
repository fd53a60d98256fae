//! Who a client is at the moment of its final dot, and whose mark its mail bears: asked once more before anything is
//! done with the mail, since policy and users may have changed while it came in (design §3.1).

use bytes::Bytes;

use super::logins::may_send;
use crate::mail::fields;
use crate::pipeline::{Admission, Client, Mark, Policy, Users};
use crate::proto::smtp::reply::Reply;
use crate::watch::Counter;

/// Why a mail is not taken. Nothing of it is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// The client may not relay, or no more.
    Stranger,
    /// Many tenants share the client, and the mail bears no company's mark.
    Unmarked {
        /// The field that has to carry it.
        header: String,
        /// How many of that name there were.
        fields: usize,
    },
}

impl Refusal {
    pub(super) fn reply(&self) -> Reply {
        let text = match self {
            Self::Stranger => "Relaying denied".to_owned(),
            Self::Unmarked { header, .. } => {
                format!("Many senders share this client: the mail needs one {header} field with its company's secret")
            }
        };
        Reply::new(550, (5, 7, 1), "").with_text(text)
    }

    pub(super) fn counter(&self) -> Counter {
        match self {
            Self::Stranger => Counter::RelayDenied,
            Self::Unmarked { .. } => Counter::UnmarkedRefused,
        }
    }
}

/// The client with all that is known of it, and the message without the routing header that must not leave.
///
/// # Errors
/// [`Refusal`] when the mail is not to be taken.
pub(super) fn check(
    client: Client,
    message: Bytes,
    policy: &Policy,
    users: &Users,
) -> Result<(Client, Bytes), Refusal> {
    let client = as_user(client, users);
    let Mark { company, cut } = policy.routing_mark(&client, &message);
    match policy.admission(&client) {
        Admission::Refused => return Err(Refusal::Stranger),
        Admission::ByMark if company.is_none() => {
            return Err(Refusal::Unmarked { header: policy.routing_header().to_owned(), fields: cut.len() });
        }
        Admission::ByMark | Admission::Granted => {}
    }
    let message = if cut.is_empty() { message } else { fields::without(&message, &cut).into() };
    Ok((Client { routed_for: company, shared: policy.is_shared(&client), ..client }, message))
}

/// The client with the company its user is bound to. A user who was removed since he logged in is none any more.
fn as_user(client: Client, users: &Users) -> Client {
    let Some(name) = &client.user else { return client };
    match users.find(name).filter(|user| may_send(user)) {
        Some(user) => Client { bound_to: user.company.clone(), ..client },
        None => Client { user: None, bound_to: None, ..client },
    }
}

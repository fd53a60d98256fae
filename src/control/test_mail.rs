//! What `send-test` asks of a running server: a token for its mail, where to hand it in, and what became of it.

use serde::{Deserialize, Serialize};

use crate::mail::address::{Address, Domain};
use crate::pipeline::{InForce, Policy};
use crate::referral::CompanyId;
use crate::spool::{Entry, EntryId, Spool};
use crate::watch::{Made, Watch};

/// What a test mail looks like.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TestKind {
    /// A short note.
    Other,
    /// A rejection mail, to see whether it is recognised.
    Rejection,
}

impl TestKind {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Other, Self::Rejection];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Rejection => "rejection",
        }
    }
}

/// What a server says to a test mail that is announced.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Announced {
    /// What the mail has to bear, so that it is known again. It is good for one mail.
    pub token: String,
    /// The server's name, which its certificate should bear.
    pub hostname: String,
    /// Where it listens.
    pub doors: Vec<TestDoor>,
    /// Who may be its sender.
    pub from: String,
    /// Who may be its recipient: the sender's domain's postmaster.
    pub to: String,
}

/// One address a server listens on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TestDoor {
    /// Address and port.
    pub address: String,
    /// When TLS begins: `none`, `start_tls` or `implicit`.
    pub tls: String,
    /// Whether only balancers may connect, which speak for others by the PROXY protocol.
    pub balancers_alone: bool,
}

/// What became of a test mail so far.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Followed {
    /// Our id of it; absent until it is here.
    pub id: Option<String>,
    /// Its steps, oldest first.
    pub steps: Vec<Made>,
    /// The recipients it waits for in the spool.
    pub waiting: Vec<Waiting>,
}

/// A recipient in custody.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Waiting {
    /// `waiting`, `sending`, `in_doubt` or `parked`.
    pub state: String,
    /// Attempts begun so far.
    pub attempts: u32,
    /// When it is tried next, RFC 3339.
    pub next_at: String,
    /// The last reply, or our words for why there is none.
    pub reply: Option<String>,
}

/// Announces a test mail: `postmaster` of our own name writes it, or a mailbox of the company.
///
/// # Errors
/// A sentence for the admin.
pub fn announce(
    (company, kind): (Option<&CompanyId>, TestKind),
    policy: &Policy,
    (hostname, doors): (&str, &[TestDoor]),
    watch: &Watch,
) -> Result<Announced, String> {
    let ours = || format!("career-relay@{hostname}");
    let from = match (company, kind) {
        (Some(id), _) => mailbox_of(policy.company(id).ok_or_else(|| unknown(id, policy))?)?,
        (None, TestKind::Other) => ours(),
        (None, TestKind::Rejection) => mailbox_of(only_company(policy)?)?,
    };
    let domain = from.rsplit_once('@').map_or(hostname, |(_, domain)| domain);
    let to = format!("postmaster@{domain}");
    let (hostname, doors) = (hostname.to_owned(), doors.to_vec());
    Ok(Announced { token: watch.announce_test(), hostname, doors, from, to })
}

fn only_company(policy: &Policy) -> Result<&InForce, String> {
    let mut companies = policy.companies();
    match (companies.next(), companies.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err("no company is set up here that could write a rejection mail".to_owned()),
        (Some(_), Some(_)) => Err(format!("say whose rejection mail it is with --company: {}", names(policy))),
    }
}

fn unknown(id: &CompanyId, policy: &Policy) -> String {
    format!("there is no company {id} here; there are: {}", names(policy))
}

fn names(policy: &Policy) -> String {
    policy.companies().map(|of| of.company.id.as_str()).collect::<Vec<_>>().join(", ")
}

/// A mailbox whose mail is looked at: a listed one where only those are, else one of the company's domain.
fn mailbox_of(of: &InForce) -> Result<String, String> {
    let listed = of.company.senders.iter().find(|s| !s.off).map(|s| &s.address).map(Address::as_str);
    let domain = of.company.sender_domains.first().map(Domain::as_str);
    let made = || domain.map(|domain| format!("career-relay-test@{domain}"));
    listed.map(str::to_owned).or_else(made).ok_or_else(|| format!("{} sends from no domain", of.company.id))
}

/// What became of the test mail of this token.
///
/// # Errors
/// When the token is none of ours, or the spool cannot be read.
pub async fn follow(token: &str, watch: &Watch, spool: &Spool) -> Result<Followed, String> {
    let (id, steps) = watch.test_story(token).ok_or("no such test mail was announced, or long ago")?;
    let entry = match id.as_deref().map(EntryId::parse) {
        Some(Ok(id)) => spool.load(&id).await.map_err(|e| e.to_string())?,
        _ => None,
    };
    Ok(Followed { id, steps, waiting: entry.map(|entry| waiting(&entry)).unwrap_or_default() })
}

fn waiting(entry: &Entry) -> Vec<Waiting> {
    let of = |r: &crate::spool::Recipient| Waiting {
        state: r.state.code().to_owned(),
        attempts: r.attempts,
        next_at: r.next_at.to_string(),
        reply: r.last_reply.clone(),
    };
    entry.recipients.iter().map(of).collect()
}

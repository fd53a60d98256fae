//! A transaction from its MAIL to the envelope that is handed over with the message.

use std::collections::HashSet;

use bytes::Bytes;

use super::{Action, Availability, CameBack, Peer, Returns, Session, Stage};
use crate::mail::address::Address;
use crate::mail::envelope::{Dsn, Envelope, RecipientDsn};
use crate::proto::smtp::command::{CommandFault, Hello, MailFrom, RcptTo};
use crate::proto::smtp::data::Decoder;
use crate::proto::smtp::reply::Reply;

const BEGUN: Reply = Reply::new(250, (2, 1, 0), "Sender OK");
const TOO_OFTEN: Reply = Reply::new(450, (4, 7, 1), "Too many mails in one minute, try again");

/// A transaction whose message is whole.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// What the client called itself.
    pub hello: Hello,
    /// The client, as far as it was known.
    pub peer: Peer,
    /// Sender and recipients.
    pub envelope: Envelope,
    /// The octets of the message, as they came, dots unstuffed.
    pub message: Bytes,
    /// Whether it came back on a return path of ours, which is its only recipient.
    pub came_back: bool,
}

impl Transaction {
    /// The protocol's name for the trace line (RFC 3848, RFC 6531 4.3). A login counts under TLS alone: in clear nobody
    /// can log in here, and what a proxy says of its own client is no property of this hop.
    pub fn protocol(&self) -> &'static str {
        let Peer { tls, authenticated, .. } = self.peer;
        match (self.envelope.smtputf8, self.hello.extended, tls, authenticated) {
            (true, _, true, true) => "UTF8SMTPSA",
            (true, _, true, false) => "UTF8SMTPS",
            (true, _, false, _) => "UTF8SMTP",
            (false, true, true, true) => "ESMTPSA",
            (false, true, true, false) => "ESMTPS",
            (false, true, false, _) => "ESMTP",
            (false, false, _, _) => "SMTP",
        }
    }
}

/// A transaction from its MAIL on.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) mail: MailFrom,
    pub(super) recipients: Vec<Address>,
    pub(super) came_back: bool,
    seen: HashSet<Box<str>>,
    /// What was asked for the first recipients; nothing was asked for those that it does not reach.
    dsn: Vec<RecipientDsn>,
    /// Reads the message, from DATA or the first BDAT on.
    pub(super) decoder: Option<Decoder>,
}

impl Open {
    fn new(mail: MailFrom) -> Self {
        Self { mail, recipients: Vec::new(), came_back: false, seen: HashSet::new(), dsn: Vec::new(), decoder: None }
    }

    fn add(&mut self, name: Box<str>, recipient: RcptTo) {
        self.seen.insert(name);
        if recipient.dsn != RecipientDsn::default() {
            self.dsn.resize(self.recipients.len(), RecipientDsn::default());
            self.dsn.push(recipient.dsn);
        }
        self.recipients.push(recipient.address);
    }

    pub(super) fn into_envelope(self) -> Envelope {
        let Self { mail, recipients, mut dsn, .. } = self;
        let asked = mail.ret.is_some() || mail.envid.is_some() || !dsn.is_empty();
        let dsn = asked.then(|| {
            dsn.resize(recipients.len(), RecipientDsn::default());
            Box::new(Dsn { ret: mail.ret, envid: mail.envid, recipients: dsn })
        });
        let MailFrom { sender, body, smtputf8, require_tls, .. } = mail;
        Envelope { sender, recipients, body, smtputf8, require_tls, dsn }
    }
}

impl Session {
    pub(super) fn begin(&mut self, mail: MailFrom) -> Action {
        if let Err(reply) = self.may_begin(&mail) {
            return self.refuse(reply);
        }
        if self.transactions >= self.terms.limits.transactions_max {
            return Action::Close(Reply::new(421, (4, 7, 0), "Enough for one connection, come again"));
        }
        self.transactions += 1;
        let asked = self.terms.asks.then(|| mail.sender.as_ref().and_then(Address::domain).cloned().map(Box::new));
        self.open = Some(Box::new(Open::new(mail)));
        match asked {
            None => Action::Reply(BEGUN),
            Some(domain) => {
                self.stage = Stage::Waiting;
                Action::Begin(domain)
            }
        }
    }

    /// Whether the client may begin the message of [`Action::Begin`] now. To come too often is no error.
    pub fn begin_from(&mut self, may_begin: bool) {
        if !may_begin {
            self.open = None;
        }
        self.owe(Action::Reply(if may_begin { BEGUN } else { TOO_OFTEN }));
    }

    fn may_begin(&self, mail: &MailFrom) -> Result<(), Reply> {
        let (terms, peer) = (&self.terms, self.peer);
        if self.hello.is_none() {
            return Err(Reply::new(503, (5, 5, 1), "Say EHLO first"));
        }
        if terms.starttls == Availability::Required && !peer.tls {
            return Err(tls_first());
        }
        if terms.auth == Availability::Required && !peer.authenticated {
            return Err(Reply::new(530, (5, 7, 0), "Authentication required"));
        }
        if self.open.is_some() {
            return Err(Reply::new(503, (5, 5, 1), "A transaction is open already"));
        }
        if mail.require_tls && !peer.tls {
            return Err(CommandFault::Parameter.reply());
        }
        match mail.size {
            Some(size) if size > terms.limits.message_octets_max as u64 => Err(too_large()),
            _ => Ok(()),
        }
    }

    pub(super) fn add_recipient(&mut self, recipient: RcptTo) -> Action {
        if self.open.as_ref().is_none_or(|open| open.decoder.is_some()) {
            let text = if self.open.is_some() { "The message has begun" } else { "Say MAIL first" };
            return self.refuse(Reply::new(503, (5, 5, 1), text));
        }
        if self.peer.returns == Returns::Taken {
            let address = Box::new(recipient.address.clone());
            self.stage = Stage::Asking(Box::new(recipient));
            return Action::Recipient(address);
        }
        self.add_relayed(recipient)
    }

    /// What the recipient of [`Action::Recipient`] is.
    pub fn recipient_is(&mut self, answer: CameBack) {
        let Stage::Asking(recipient) = std::mem::replace(&mut self.stage, Stage::Commands) else { return };
        let action = match answer {
            CameBack::No => self.add_relayed(*recipient),
            CameBack::Ours => self.add_return_path(*recipient),
            CameBack::Unknown => self.refuse(Reply::new(550, (5, 1, 1), "No mail of ours left from this address")),
            CameBack::NotNow => Action::Reply(Reply::new(450, (4, 2, 1), "Not now, try again")),
        };
        self.owe(action);
    }

    /// A report has one recipient, and each is looked at by itself.
    fn add_return_path(&mut self, recipient: RcptTo) -> Action {
        let Some(open) = self.open.as_mut().filter(|open| open.recipients.is_empty()) else {
            return Action::Reply(Reply::new(452, (4, 5, 3), "One recipient only, send the rest in another mail"));
        };
        open.came_back = true;
        open.add(mailbox_name(&recipient.address), recipient);
        Action::Reply(Reply::new(250, (2, 1, 5), "Recipient OK"))
    }

    fn add_relayed(&mut self, recipient: RcptTo) -> Action {
        let Some(open) = self.open.as_mut().filter(|open| !open.came_back) else {
            return Action::Reply(Reply::new(452, (4, 5, 3), "One recipient only, send the rest in another mail"));
        };
        if !self.peer.may_relay {
            self.denied_relays = self.denied_relays.saturating_add(1);
            return self.refuse(Reply::new(550, (5, 7, 1), "Relaying denied"));
        }
        if recipient.address.needs_smtputf8() && !open.mail.smtputf8 {
            return self.refuse(CommandFault::NeedsSmtputf8.reply());
        }
        if recipient.dsn.orcpt.as_ref().is_some_and(|orcpt| !orcpt.is_ascii()) && !open.mail.smtputf8 {
            return self.refuse(CommandFault::Arguments.reply());
        }
        let accepted = Reply::new(250, (2, 1, 5), "Recipient OK");
        let name = mailbox_name(&recipient.address);
        if open.seen.contains(&name) {
            return Action::Reply(accepted);
        }
        if open.recipients.len() >= self.terms.limits.recipients_max {
            return Action::Reply(Reply::new(452, (4, 5, 3), "Too many recipients, send the rest in another mail"));
        }
        open.add(name, recipient);
        Action::Reply(accepted)
    }
}

pub(super) fn tls_first() -> Reply {
    Reply::new(530, (5, 7, 0), "Say STARTTLS first")
}

pub(super) fn too_large() -> Reply {
    Reply::new(552, (5, 3, 4), "Message too large")
}

/// Equal for recipients that are the same to the octet in the local part and normalised in the domain.
fn mailbox_name(recipient: &Address) -> Box<str> {
    let domain = recipient.domain().map_or("", |d| d.as_str());
    format!("{}@{domain}", recipient.local_part()).into()
}

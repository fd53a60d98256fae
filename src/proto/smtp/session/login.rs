//! Who the client is: TLS (RFC 3207), AUTH (RFC 4954), and XCLIENT from a proxy.

use super::transaction::tls_first;
use super::{Action, Availability, Checked, Peer, Role, Session, Stage};
use crate::proto::smtp::auth::{AuthCommand, AuthFault, Exchange, Turn};
use crate::proto::smtp::command::{CommandFault, Introduction};
use crate::proto::smtp::reply::Reply;

impl Session {
    /// The handshake is made. Nothing that the client said before counts any more.
    pub fn secured(&mut self, peer: Peer) {
        self.reset();
        self.hello = None;
        self.peer = peer;
    }

    /// The credentials of [`Action::Authenticate`] were checked.
    pub fn authenticated(&mut self, checked: Checked) {
        let action = match checked {
            Checked::Known { may_relay } => {
                self.peer = Peer { may_relay, authenticated: true, ..self.peer };
                Action::Reply(Reply::new(235, (2, 7, 0), "Welcome"))
            }
            Checked::Unknown => self.deny_login(Reply::new(535, (5, 7, 8), "Credentials invalid")),
            Checked::Unavailable => Action::Reply(Reply::new(454, (4, 7, 0), "Cannot check that just now, try again")),
        };
        self.owe(action);
    }

    /// The proxy speaks for another client now; `peer` is all that is known of that one, on the proxy's connection.
    pub fn introduced(&mut self, peer: Peer) {
        self.peer = peer;
        self.owe(Action::Reply(self.greeting()));
    }

    pub(super) fn start_tls(&mut self) -> Action {
        if self.peer.tls {
            return self.refuse(Reply::new(503, (5, 5, 1), "TLS is there already"));
        }
        if self.terms.starttls == Availability::Absent {
            return self.refuse(CommandFault::NotOffered.reply());
        }
        self.reset();
        self.hello = None;
        self.stage = Stage::Waiting;
        Action::StartTls(Reply::new(220, (2, 0, 0), "Go ahead"))
    }

    pub(super) fn begin_login(&mut self, auth: &AuthCommand) -> Action {
        match self.may_log_in(auth) {
            Ok(turn) => self.take_turn(turn),
            Err(reply) => self.refuse(reply),
        }
    }

    fn may_log_in(&self, auth: &AuthCommand) -> Result<Result<Turn, AuthFault>, Reply> {
        let out_of_turn = |text| Err(Reply::new(503, (5, 5, 1), text));
        if self.terms.auth == Availability::Absent {
            return Err(CommandFault::NotOffered.reply());
        }
        if !self.peer.tls {
            let in_clear = Reply::new(538, (5, 7, 11), "Passwords are taken under TLS alone");
            return Err(if self.terms.starttls == Availability::Required { tls_first() } else { in_clear });
        }
        if self.hello.is_none() {
            return out_of_turn("Say EHLO first");
        }
        if self.peer.authenticated {
            return out_of_turn("You are logged in already");
        }
        if self.open.is_some() {
            return out_of_turn("A transaction is open");
        }
        let mechanism = auth.mechanism.ok_or(Reply::new(504, (5, 5, 4), "Mechanism not offered"))?;
        Ok(Exchange::begin(mechanism, auth.initial.as_ref()))
    }

    /// Takes a line behind a 334.
    pub(super) fn continue_login(&mut self, line: &[u8]) -> Action {
        match std::mem::replace(&mut self.stage, Stage::Commands) {
            Stage::Login(exchange) => self.take_turn(exchange.take(line)),
            _ => Action::Read,
        }
    }

    fn take_turn(&mut self, turn: Result<Turn, AuthFault>) -> Action {
        match turn {
            Ok(Turn::Challenge(exchange, text)) => {
                self.stage = Stage::Login(exchange);
                Action::Reply(Reply::plain(334, text))
            }
            Ok(Turn::Credentials(credentials)) => {
                self.stage = Stage::Waiting;
                Action::Authenticate(Box::new(credentials))
            }
            Err(fault @ AuthFault::OtherUser) => self.deny_login(fault.reply()),
            Err(fault) => self.refuse(fault.reply()),
        }
    }

    /// Counts a login that failed; one too many ends the connection.
    fn deny_login(&mut self, reply: Reply) -> Action {
        self.denied_logins += 1;
        if self.denied_logins >= self.terms.limits.auth_failures_max {
            return Action::Close(Reply::new(421, (4, 7, 0), "Too many failed logins"));
        }
        self.refuse(reply)
    }

    pub(super) fn introduce(&mut self, introduction: Box<Introduction>) -> Action {
        if self.peer.role != Role::Proxy {
            return self.refuse(Reply::new(550, (5, 7, 0), "XCLIENT is for listed proxies"));
        }
        if self.open.is_some() {
            return self.refuse(Reply::new(503, (5, 5, 1), "A transaction is open"));
        }
        self.reset();
        self.hello = introduction.greeting();
        self.stage = Stage::Waiting;
        Action::Introduce(introduction)
    }
}

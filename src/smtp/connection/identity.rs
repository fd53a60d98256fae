//! Who the client is: what it shows in a handshake, says in a login, or has a proxy say for it.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use super::Connection;
use crate::pipeline::{Client, Secret};
use crate::proto::smtp::auth::Credentials;
use crate::proto::smtp::command::{Introduction, Told};
use crate::proto::smtp::session::{Checked, Peer};
use crate::smtp::arrival::HANDSHAKE_FOR;
use crate::smtp::{Admission, Custody, Login};
use crate::sys::tls::Stream;
use crate::watch::{Counter, Gauge};

impl<C: Custody> Connection<C> {
    /// Takes the client's handshake. What it said before counts no more (RFC 3207 4.2).
    pub(in crate::smtp) async fn secure(self) -> io::Result<Self> {
        let tls = self.shared.door.tls.clone();
        let (Stream::Plain(socket), Some(tls)) = (self.stream, tls) else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let shaken = tls.accept(socket, HANDSHAKE_FOR).await.inspect_err(|error| {
            self.shared.door.watch.count(Counter::TlsFailures);
            tracing::debug!(target: "smtp", %error, "a handshake came to nothing");
        });
        let (stream, certificates) = shaken?;
        let client = Client { certificates, ..self.client };
        let mut secured = Self { stream, client, ..self };
        let may_relay = secured.admit_anew();
        let peer = Peer { may_relay, tls: true, ..secured.session.peer() };
        secured.session.secured(peer);
        secured.counted.tls = Some(secured.watch().hold(Gauge::SessionsTls));
        Ok(secured)
    }

    /// Checks credentials, as long as not too many from there were wrong.
    pub(super) async fn log_in(&mut self, credentials: Credentials) {
        let checked = if self.shared.may_log_in(&self.client) {
            let Credentials { user, password } = credentials;
            let login = self.shared.custody.authenticate(user.into(), Secret::new(&password)).await;
            self.take_login(login)
        } else {
            Checked::Unavailable
        };
        self.session.authenticated(checked);
    }

    fn take_login(&mut self, login: Login) -> Checked {
        match login {
            Login::As(user) => {
                self.watch().count(Counter::Logins);
                self.counted.logged_in = Some(self.watch().hold(Gauge::SessionsLoggedIn));
                self.client.user = Some(user);
                Checked::Known { may_relay: self.admit_anew() }
            }
            Login::Wrong => {
                self.shared.note_failed_login(&self.client);
                Checked::Unknown
            }
            Login::NotNow => Checked::Unavailable,
        }
    }

    /// From now on a listed proxy speaks for this client. Whether that one may speak for others again is asked of its
    /// own address: what it sends through the proxy must not make it somebody else.
    pub(super) fn introduce(&mut self, told: &Introduction) {
        match &told.address {
            Some(Told::Value(ip)) => self.client = Client::at(*ip),
            // Rights that hang on an address are not had without one.
            Some(Told::Unavailable | Told::TempUnavailable) => {
                self.client = Client::at(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
            }
            None => {}
        }
        if let Some(login) = &told.login {
            self.client.user = login.value().map(ToString::to_string);
        }
        let may_relay = self.admit_anew();
        let (authenticated, role) = (self.client.user.is_some(), self.shared.role(&self.client));
        let peer = Peer { may_relay, authenticated, role, tls: self.stream.is_tls(), ..self.session.peer() };
        self.session.introduced(peer);
    }

    /// Asks anew what the client may do, now that more is known of it.
    fn admit_anew(&mut self) -> bool {
        let Admission { may_relay, shared } = self.shared.custody.admit(&self.client);
        self.client.shared = shared;
        if may_relay {
            self.guest.befriend();
        }
        may_relay
    }
}

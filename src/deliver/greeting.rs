//! Coming to terms with a next hop: its greeting, what it offers, TLS, and who we are.
//!
//! Where TLS is only tried, it is tried once: what fails in it is never gone on with in clear on the same connection,
//! where the one who made it fail could answer.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;

use super::candidate::{Candidate, Dialect, Manner, TlsNeed};
use super::connection::Caller;
use super::wire::{Broken, Fault, Patience, Wire, shake_hands};
use crate::proto::smtp::client::{Capabilities, Extension, Phase, login};
use crate::proto::smtp::reply::Reply;
use crate::sys::tls::{Protection, Stream, Trust};

/// A connection on which the next mail may be sent.
pub(super) struct Greeted {
    pub(super) wire: Wire,
    pub(super) offered: Capabilities,
    pub(super) protection: Protection,
}

/// Connects to a candidate and greets it; once more in clear when TLS was only to be tried and failed.
pub(super) async fn greet(candidate: &Candidate, manner: &Manner, caller: &Caller<'_>) -> Result<Greeted, Broken> {
    let trust = candidate.tls.trust(&manner.roots);
    let greeting = Greeting { candidate, manner, caller };
    match greeting.exchange(trust.as_ref()).await {
        Err(broken) if candidate.tls == TlsNeed::Opportunistic && is_about_tls(&broken) => {
            tracing::debug!(host = &*candidate.host, fault = %broken.fault, "tls_failed");
            greeting.exchange(None).await
        }
        came => came,
    }
}

/// Whether the handshake failed, or what was said first under TLS came to nothing.
fn is_about_tls(broken: &Broken) -> bool {
    use Fault::{Closed, Io, StartTlsRefused, Timeout, Tls};
    let of_tls = matches!(broken.fault, Tls { .. } | StartTlsRefused { .. } | Io(_) | Closed | Timeout);
    broken.phase == Phase::Tls && of_tls && !broken.given_up
}

struct Greeting<'a> {
    candidate: &'a Candidate,
    manner: &'a Manner,
    caller: &'a Caller<'a>,
}

impl Greeting<'_> {
    /// One connection. Without `trust` TLS is not wanted.
    async fn exchange(&self, trust: Option<&Trust>) -> Result<Greeted, Broken> {
        let mut wire = self.connect(trust).await?;
        let greeting = wire.read_only_reply(Phase::Greeting, self.patience()).await?;
        if greeting.code != 220 {
            return Err(not_ready(Phase::Greeting, &greeting));
        }
        let mut offered = self.hello(&mut wire, Phase::Hello).await?;
        if let Some(trust) = trust.filter(|_| !wire.is_tls()) {
            if offered.offers(Extension::StartTls) {
                wire = self.start_tls(wire, trust).await?;
                // What was offered in clear may have been put there by anybody (RFC 3207 4.2).
                offered = self.hello(&mut wire, Phase::Tls).await?;
            } else if let Some(because) = self.candidate.tls.strict_because() {
                let fault = Fault::NoStartTls { host: self.host(), because };
                return Err(broken(Phase::Tls, fault));
            }
        }
        self.log_in(&mut wire, &offered).await?;
        let protection = match trust.filter(|_| wire.is_tls()) {
            None => Protection::Clear,
            Some(Trust::Anyone) => Protection::Tls,
            Some(Trust::Names { .. } | Trust::Dane { .. }) => Protection::Verified,
        };
        Ok(Greeted { wire, offered, protection })
    }

    async fn connect(&self, trust: Option<&Trust>) -> Result<Wire, Broken> {
        let socket = self.patience().bear(Phase::Connect, connect(&self.candidate.addresses)).await?;
        let stream = match trust.filter(|_| self.manner.implicit_tls) {
            Some(trust) => shake_hands(socket, self.caller.tls, &self.candidate.host, trust, self.patience()).await?,
            None => Stream::Plain(socket),
        };
        Ok(Wire::new(stream))
    }

    /// Says who we are and reads what is offered.
    async fn hello(&self, wire: &mut Wire, phase: Phase) -> Result<Capabilities, Broken> {
        let line = format!("{} {}\r\n", self.manner.dialect.hello(), self.caller.hostname);
        let reply = self.ask(wire, phase, &line).await?;
        if reply.code == 250 {
            return Ok(Capabilities::read(&reply));
        }
        if !reply.is_permanent() || self.manner.dialect == Dialect::Lmtp {
            return Err(not_ready(phase, &reply));
        }
        let reply = self.ask(wire, phase, &format!("HELO {}\r\n", self.caller.hostname)).await?;
        if reply.code == 250 { Ok(Capabilities::default()) } else { Err(not_ready(phase, &reply)) }
    }

    async fn start_tls(&self, mut wire: Wire, trust: &Trust) -> Result<Wire, Broken> {
        let reply = self.ask(&mut wire, Phase::Tls, "STARTTLS\r\n").await?;
        if reply.code != 220 {
            return Err(broken(Phase::Tls, Fault::StartTlsRefused { host: self.host(), reply }));
        }
        wire.under_tls(self.caller.tls, &self.candidate.host, trust, self.patience()).await
    }

    /// Says the route's name and password, if it has them. That they are not taken is for our admin to mend: it is no
    /// word about any mail.
    async fn log_in(&self, wire: &mut Wire, offered: &Capabilities) -> Result<(), Broken> {
        let Some(login) = &self.manner.login else { return Ok(()) };
        if !wire.is_tls() {
            return Err(broken(Phase::Auth, Fault::LoginInClear(self.host())));
        }
        let lines = login::lines(offered, &login.user, login.password.reveal());
        let lines = lines.ok_or_else(|| broken(Phase::Auth, Fault::NoLogin(self.host())))?;
        let last = lines.len() - 1;
        for (i, line) in lines.iter().enumerate() {
            let reply = self.ask(wire, Phase::Auth, line).await?;
            match reply.code {
                334 if i < last => {}
                235 if i == last => {}
                400.. => return Err(broken(Phase::Auth, Fault::LoginRefused { host: self.host(), reply })),
                code => return Err(broken(Phase::Auth, Fault::Misplaced(code))),
            }
        }
        Ok(())
    }

    /// Writes one line and reads its reply, behind which nothing may stand.
    async fn ask(&self, wire: &mut Wire, phase: Phase, line: &str) -> Result<Reply, Broken> {
        wire.write(phase, line.as_bytes(), self.patience()).await?;
        wire.read_only_reply(phase, self.patience()).await
    }

    fn patience(&self) -> &Patience {
        self.caller.patience
    }

    fn host(&self) -> Arc<str> {
        Arc::clone(&self.candidate.host)
    }
}

fn broken(phase: Phase, fault: Fault) -> Broken {
    Broken { phase, fault, given_up: false }
}

fn not_ready(phase: Phase, reply: &Reply) -> Broken {
    broken(phase, Fault::NotReady(reply.to_string()))
}

async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Fault> {
    let mut last = Fault::NoAddress;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Without it the final dot waits for an acknowledgement that is itself delayed.
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(e) => last = e.into(),
        }
    }
    Err(last)
}

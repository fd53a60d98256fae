//! Handing the mail in, with lettre as the client: reached, TLS, login, sender, recipient, mail; each step told.

use std::error::Error as _;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, SmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::{ClientId, Extension};
use lettre::transport::smtp::response::Response;

use super::mail::TestMail;
use super::named;
use super::steps::{Outcome, Steps};
use crate::sys::clock;

/// Where the mail is handed in.
pub(super) struct Door {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    /// The name its certificate must bear.
    pub name: String,
    /// Authorities to believe beside those of this machine, as PEM.
    pub ca: Option<PathBuf>,
}

/// When TLS begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tls {
    Never,
    WhereOffered,
    ByCommand,
    AtOnce,
}

/// A user and his password.
pub(super) struct Login {
    pub user: String,
    pub password: String,
}

/// Why the mail was not taken.
pub(super) struct Broken {
    pub outcome: Outcome,
    pub why: String,
    /// When it was refused, if it had been sent by then, to its end.
    pub dot_sent: Option<Timestamp>,
}

impl Broken {
    fn new(outcome: Outcome, why: impl Into<String>) -> Self {
        Self { outcome, why: why.into(), dot_sent: None }
    }
}

impl From<io::Error> for Broken {
    /// Telling a step failed: the reader of the output is gone.
    fn from(error: io::Error) -> Self {
        Self::new(Outcome::NotSent, format!("the output cannot be written: {error}"))
    }
}

/// The mail was taken.
pub(super) struct Taken {
    /// When.
    pub at: Timestamp,
    /// What the server said to it.
    pub reply: String,
}

/// Hands the mail in.
pub(super) fn hand_in(
    door: &Door,
    login: Option<&Login>,
    mail: &TestMail,
    patience: Duration,
    steps: &mut Steps<'_>,
) -> Result<Taken, Broken> {
    let mut connection = connect(door, patience, steps)?;
    if let Some(login) = login {
        log_in(&mut connection, door, login, steps)?;
    }
    let utf8 = if mail.needs_smtputf8() { " SMTPUTF8" } else { "" };
    say(&mut connection, &format!("MAIL FROM:<{}>{utf8}\r\n", mail.from.as_str()), "its sender")?;
    say(&mut connection, &format!("RCPT TO:<{}>\r\n", mail.to.as_str()), "its recipient")?;
    say(&mut connection, "DATA\r\n", "the mail")?;
    steps.tell("sent", &format!("from {} to {}", mail.from.as_str(), mail.to.as_str()))?;
    let answered = connection.message(&mail.octets);
    let at = clock::now();
    let reply = answered.map(|response| reply(&response)).map_err(|error| {
        let refused = broken(&error, Outcome::Unreachable, "the server does not take the mail");
        Broken { dot_sent: Some(at), ..refused }
    })?;
    // It is taken; how the goodbye goes makes no difference.
    let _ = connection.quit();
    Ok(Taken { at, reply })
}

fn connect(door: &Door, patience: Duration, steps: &mut Steps<'_>) -> Result<SmtpConnection, Broken> {
    let place = format!("{}:{}", door.host, door.port);
    let tls = if door.tls == Tls::Never { None } else { Some(parameters(door)?) };
    let at_once = tls.as_ref().filter(|_| door.tls == Tls::AtOnce);
    let hello = hello();
    let unreachable = |error: &Error| {
        let hint = hint(door, error).unwrap_or_default();
        let outcome = if at_once.is_some() && is_tls(error) { Outcome::TlsFailed } else { Outcome::Unreachable };
        let Broken { outcome, why, .. } = broken(error, outcome, &format!("{place} cannot be reached"));
        Broken::new(outcome, format!("{why}{hint}"))
    };
    let found = look_up((door.host.as_str(), door.port))
        .map_err(|why| Broken::new(Outcome::Unreachable, format!("{place} cannot be reached: {why}")))?;
    let mut connection =
        SmtpConnection::connect(&found[..], Some(patience), &hello, at_once, None).map_err(|e| unreachable(&e))?;
    steps.tell("reached", &format!("{place}, which calls itself {}", connection.server_info().name()))?;
    let offered = connection.server_info().supports_feature(Extension::StartTls);
    match (door.tls, tls) {
        (Tls::ByCommand, _) if !offered => {
            return Err(Broken::new(Outcome::TlsFailed, format!("{place} offers no STARTTLS")));
        }
        (Tls::ByCommand | Tls::WhereOffered, Some(tls)) if offered => {
            connection.starttls(&tls, &hello).map_err(|e| {
                let hint = hint(door, &e).unwrap_or_default();
                let why = broken(&e, Outcome::TlsFailed, "TLS came to nothing").why;
                Broken::new(Outcome::TlsFailed, format!("{why}{hint}"))
            })?;
        }
        _ => {}
    }
    let how = match connection.is_encrypted() {
        true => format!("the certificate is good for {}", door.name),
        false if door.tls == Tls::Never => "none, as asked for".to_owned(),
        false => "none: it is not offered".to_owned(),
    };
    steps.tell("tls", &how)?;
    Ok(connection)
}

/// The addresses of a server's name; lettre does not tell a name without any from a server that is down.
fn look_up(to: (&str, u16)) -> Result<Vec<SocketAddr>, String> {
    let found: Vec<SocketAddr> = to.to_socket_addrs().map_err(|e| format!("its name has no address ({e})"))?.collect();
    if found.is_empty() { Err("its name has no address".to_owned()) } else { Ok(found) }
}

fn log_in(connection: &mut SmtpConnection, door: &Door, login: &Login, steps: &mut Steps<'_>) -> Result<(), Broken> {
    let failed = |why: String| Broken::new(Outcome::LoginFailed, why);
    let here = door.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()) || door.host == "localhost";
    if !connection.is_encrypted() && !here {
        return Err(failed(
            "the password is not sent in clear: the server offers no TLS, or --tls none was said".into(),
        ));
    }
    if connection.server_info().get_auth_mechanism(&[Mechanism::Plain, Mechanism::Login]).is_none() {
        let hint = if connection.is_encrypted() { "" } else { ", which may be because there is no TLS" };
        return Err(failed(format!("the server offers no AUTH by PLAIN or LOGIN{hint}")));
    }
    let credentials = Credentials::new(login.user.clone(), login.password.clone());
    let refused = |e: Error| failed(broken(&e, Outcome::LoginFailed, &format!("{} may not log in", login.user)).why);
    connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).map_err(refused)?;
    steps.tell("login", &format!("as {}", login.user)).map_err(Broken::from)
}

fn say(connection: &mut SmtpConnection, command: &str, what: &str) -> Result<(), Broken> {
    let said = connection.command(command);
    said.map(|_| ()).map_err(|e| broken(&e, Outcome::Unreachable, &format!("the server does not take {what}")))
}

fn parameters(door: &Door) -> Result<TlsParameters, Broken> {
    let failed = |why: String| Broken::new(Outcome::NotSent, why);
    let mut builder = TlsParameters::builder(door.name.clone());
    if let Some(path) = &door.ca {
        let unread = |e: io::Error| failed(format!("{} cannot be read: {e}", named(path)));
        let pem = fs::read(path).map_err(unread)?;
        let none = |e: Error| failed(format!("{} holds no certificate: {e}", named(path)));
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(none)?);
    }
    builder.build_rustls().map_err(|e| failed(format!("TLS cannot be set up: {e}")))
}

/// The name we greet with: this machine's, where it is one.
fn hello() -> ClientId {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    match crate::mail::address::Domain::parse(&name) {
        Ok(name) => ClientId::Domain(name.as_str().to_owned()),
        Err(_) => ClientId::Domain("localhost".to_owned()),
    }
}

fn reply(response: &Response) -> String {
    let text: Vec<&str> = response.message().collect();
    format!("{} {}", response.code(), text.join(" "))
}

/// What an error of lettre's means: a reply that refuses, or `otherwise` for a connection that is of no use.
fn broken(error: &Error, otherwise: Outcome, what: &str) -> Broken {
    let mut words = String::new();
    if let Some(code) = error.status() {
        let _ = write!(words, "{code} ");
    }
    match error.source() {
        Some(source) if is_timeout(error) => {
            let _ = write!(words, "no answer in time ({source})");
        }
        Some(source) => {
            let _ = write!(words, "{source}");
        }
        None => {
            let _ = write!(words, "{error}");
        }
    }
    let outcome = match otherwise {
        Outcome::Unreachable if error.is_permanent() => Outcome::Refused,
        Outcome::Unreachable if error.is_transient() => Outcome::Deferred,
        other => other,
    };
    Broken::new(outcome, format!("{what}: {}", words.trim_end()))
}

fn io_kind(error: &Error) -> Option<ErrorKind> {
    error.source().and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind)
}

fn is_timeout(error: &Error) -> bool {
    matches!(io_kind(error), Some(ErrorKind::TimedOut | ErrorKind::WouldBlock))
}

/// The handshake is made with the first octets, so that its failure looks like one of the network.
fn is_tls(error: &Error) -> bool {
    error.is_tls() || io_kind(error) == Some(ErrorKind::InvalidData)
}

/// What to do about TLS that came to nothing.
fn hint(door: &Door, error: &Error) -> Option<String> {
    let text = error.to_string();
    if text.contains("corrupt message") {
        return Some(" (it is in clear at first: try --tls starttls)".to_owned());
    }
    let why = text.split_once("invalid peer certificate")?.1;
    let name = &door.name;
    if why.contains("NotValidForName") || why.contains("not valid for name") {
        return Some(format!(" (the certificate is not for {name}: name what it is for with --tls-name)"));
    }
    let unknown = why.contains("UnknownIssuer");
    unknown.then(|| " (nobody this machine trusts has signed it: name who has with --ca FILE)".to_owned())
}

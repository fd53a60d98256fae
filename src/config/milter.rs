//! `[milter]`: where MTAs find us that keep their mail, and how long they wait for us.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;

use super::finding::Wrong;
use super::reader::Section;
use super::values::{self, count, duration, quoted};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
/// The longest path of a unix socket (unix(7)).
const PATH_OCTETS_MAX: usize = 107;

/// The milter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MilterSettings {
    /// Where MTAs find it; nowhere: there is none.
    pub listen: Vec<MilterListener>,
    /// The mode of its unix sockets.
    pub socket_mode: u32,
    /// Whose they are; absent: those of the user the service runs as.
    pub socket_owner: Option<SocketOwner>,
    /// The name of its MTA among those whose logs are read.
    pub mta: String,
    /// Connections of MTAs at one time.
    pub connections_max: usize,
    /// How long an MTA waits for an answer, before its mail is left as it is.
    pub answer_within: Duration,
    /// How long a connection may be silent.
    pub idle_for: Duration,
}

impl Default for MilterSettings {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            socket_mode: 0o660,
            socket_owner: None,
            mta: "mta".to_owned(),
            connections_max: 500,
            answer_within: Duration::from_secs(10),
            idle_for: Duration::from_secs(2 * HOUR),
        }
    }
}

/// One place to listen.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum MilterListener {
    /// An address and port.
    Inet(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl fmt::Display for MilterListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => write!(f, "inet:{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Whose a socket is, by names or numbers of this machine.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SocketOwner {
    /// Its user; absent: stays.
    pub user: Option<String>,
    /// Its group; absent: stays.
    pub group: Option<String>,
}

pub(super) fn read(section: &Section<'_>) -> MilterSettings {
    let default = MilterSettings::default();
    let settings = MilterSettings {
        listen: section.list("listen", Vec::new(), listener),
        socket_mode: section.read("socket_mode", default.socket_mode, mode),
        socket_owner: section.optional("socket_owner", owner),
        mta: section.read("mta", default.mta, values::name),
        connections_max: section.read("connections_max", default.connections_max, count(1..=100_000)),
        answer_within: section.read("answer_within", default.answer_within, duration(1..=2 * MINUTE)),
        idle_for: section.read("idle_for", default.idle_for, duration(MINUTE..=24 * HOUR)),
    };
    for listener in &settings.listen {
        if let MilterListener::Inet(address) = listener
            && !address.ip().is_loopback()
        {
            let what = format!("whoever reaches {address} is taken for your MTA: a milter asks for no password");
            let remedy = "listen on 127.0.0.1 or a unix socket, or have a firewall shut it off";
            section.warn("listen", Wrong::new(what, remedy));
        }
    }
    let is_open = settings.socket_mode & 0o002 != 0;
    if is_open && settings.listen.iter().any(|l| matches!(l, MilterListener::Unix(_))) {
        let what = "every user of this machine could speak to the milter as an MTA does";
        section.warn("socket_mode", Wrong::new(what, "use \"0660\" and the MTA's group in socket_owner"));
    }
    settings
}

fn listener(value: &DeValue) -> Result<MilterListener, Wrong> {
    let text = quoted(value, "\"inet:127.0.0.1:8894\"")?;
    if let Some(path) = text.strip_prefix("unix:") {
        let remedy = "write unix: and a whole path of at most 107 octets, such as unix:/run/career-relay/milter.sock";
        let fits = path.starts_with('/') && path.len() <= PATH_OCTETS_MAX && !path.contains('\0');
        return fits
            .then(|| MilterListener::Unix(PathBuf::from(path)))
            .ok_or_else(|| Wrong::new(format!("{text:?} is no place for a socket"), remedy));
    }
    let address = text.strip_prefix("inet:").unwrap_or(text).parse();
    let remedy = "write inet:127.0.0.1:8894, inet:[::1]:8894 or unix:/run/career-relay/milter.sock";
    address.map(MilterListener::Inet).map_err(|_| Wrong::new(format!("{text:?} is no place to listen"), remedy))
}

fn mode(value: &DeValue) -> Result<u32, Wrong> {
    let text = quoted(value, "\"0660\"")?;
    let octal = (3..=4).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'7'));
    let mode = octal.then(|| u32::from_str_radix(text, 8).ok()).flatten().filter(|mode| *mode <= 0o777);
    mode.ok_or_else(|| Wrong::new(format!("{text:?} is no mode of a file"), "write \"0660\" or \"0600\""))
}

fn owner(value: &DeValue) -> Result<SocketOwner, Wrong> {
    let text = quoted(value, "\":postfix\"")?;
    let (user, group) = text.split_once(':').unwrap_or((text, ""));
    let fine = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if !fine(user) || !fine(group) || user.is_empty() && group.is_empty() {
        let remedy = "write user:group, :group or user, by the names of this machine";
        return Err(Wrong::new(format!("{text:?} is no owner"), remedy));
    }
    let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    Ok(SocketOwner { user: named(user), group: named(group) })
}

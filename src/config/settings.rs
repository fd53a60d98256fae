//! The settings of one installation as values, and what each of them is when the file does not say.
//!
//! The tree is what `career-relay.toml` and the files of its companies folder mean, after every check. Each `Default`
//! here is the one place where that default stands; a test compares them with the shipped file.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::dkim_keys::DkimKey;
use super::doors::{SmtpSettings, TlsSettings};
use super::routes::Route;
use crate::ledger::KeepPersons;
use crate::mail::address::{Address, Domain};
use crate::pipeline::Company;
use crate::referral::CompanyId;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Everything one installation is told by its files.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Where spool, ledger, keys, lock and control socket lie.
    pub data_dir: PathBuf,
    /// The name this host greets with and writes into trace lines; absent: the machine's own name.
    pub hostname: Option<Domain>,
    /// The folder of the company files.
    pub companies_dir: PathBuf,
    /// Accepting mail.
    pub smtp: SmtpSettings,
    /// TLS as a server.
    pub tls: TlsSettings,
    /// Looking names up.
    pub dns: DnsSettings,
    /// The keys that sign mail with the line.
    pub dkim: Vec<DkimKey>,
    /// When the mail is offered to the next hop, and when it is taken into custody.
    pub custody: CustodySettings,
    /// Sending mail on.
    pub deliver: DeliverSettings,
    /// Where mail goes; never empty, and one of them serves every domain.
    pub routes: Vec<Route>,
    /// Trying again, and giving up.
    pub retry: RetrySettings,
    /// The spool on disk.
    pub spool: SpoolSettings,
    /// The ledger.
    pub ledger: LedgerSettings,
    /// Mails of our own.
    pub notify: NotifySettings,
    /// Events.
    pub log: LogSettings,
    /// The companies, in the order of their file names.
    pub companies: Vec<Company>,
    /// Where each of them stands.
    pub company_files: Vec<(CompanyId, PathBuf)>,
    /// Credentials that the files name and this process was not handed; whoever serves needs each of them.
    pub credentials_missing: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("/var/lib/career-relay"),
            hostname: None,
            companies_dir: PathBuf::from("companies"),
            smtp: SmtpSettings::default(),
            tls: TlsSettings::default(),
            dns: DnsSettings::default(),
            dkim: Vec::new(),
            custody: CustodySettings::default(),
            deliver: DeliverSettings::default(),
            routes: vec![Route::default()],
            retry: RetrySettings::default(),
            spool: SpoolSettings::default(),
            ledger: LedgerSettings::default(),
            notify: NotifySettings::default(),
            log: LogSettings::default(),
            companies: Vec::new(),
            company_files: Vec::new(),
            credentials_missing: Vec::new(),
        }
    }
}

/// Looking names up.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DnsSettings {
    /// Name servers to ask; empty: those of this machine.
    pub servers: Vec<SocketAddr>,
    /// Whether their word that an answer is signed (the AD bit) is believed. Only for a validating server that is
    /// reached over a way nobody can tamper with; DANE needs it.
    pub dnssec: bool,
}

/// Which comes first: the next hop or our disk (design §3.3).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum CustodyMode {
    /// Offer the mail to the next hop while the client waits; the disk only when that fails.
    #[default]
    HandThrough,
    /// Sync every mail to the spool first.
    Spool,
}

/// When the mail is offered to the next hop, and when it is taken into custody.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CustodySettings {
    /// Which comes first.
    pub mode: CustodyMode,
    /// How long a client waits for the next hop before we take the mail into custody.
    pub hand_through_for: Duration,
    /// How long we wait for the answer to our final dot before the connection counts as lost (RFC 5321 4.5.3.2.6).
    pub in_doubt_for: Duration,
    /// Doubtful mails that may be held at one time; a further one passes as it came.
    pub holds_max: u32,
}

impl Default for CustodySettings {
    fn default() -> Self {
        Self {
            mode: CustodyMode::HandThrough,
            hand_through_for: Duration::from_secs(5),
            in_doubt_for: Duration::from_secs(10 * MINUTE),
            holds_max: 1000,
        }
    }
}

/// Sending mail on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DeliverSettings {
    /// Connections to one next hop at the same time.
    pub connections_max: usize,
    /// How long an idle connection is kept for the next mail.
    pub idle_for: Duration,
    /// Mails over one connection before it is closed.
    pub messages_per_connection_max: u32,
    /// Deadline for the TCP connection.
    pub connect_timeout: Duration,
    /// Deadline for the greeting and for each command's answer (RFC 5321 4.5.3.2).
    pub command_timeout: Duration,
    /// Deadline for one block of message data to leave.
    pub data_timeout: Duration,
    /// Refused edited mails within [`Self::edit_refusals_within`] that stop editing for a company and next hop.
    pub edit_refusals_max: u32,
    /// The window over which they are counted.
    pub edit_refusals_within: Duration,
    /// How long a next hop that failed to answer counts as down.
    pub down_for: Duration,
}

impl Default for DeliverSettings {
    fn default() -> Self {
        Self {
            connections_max: 20,
            idle_for: Duration::from_secs(10),
            messages_per_connection_max: 1000,
            connect_timeout: Duration::from_secs(30),
            command_timeout: Duration::from_secs(5 * MINUTE),
            data_timeout: Duration::from_secs(3 * MINUTE),
            edit_refusals_max: 3,
            edit_refusals_within: Duration::from_secs(10 * MINUTE),
            down_for: Duration::from_secs(30),
        }
    }
}

/// Trying again, and giving up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RetrySettings {
    /// The wait after the first, second, … failure; the last one repeats.
    pub waits: Vec<Duration>,
    /// How long after its arrival its sender is told that a mail is late; zero: never.
    pub delay_warning_after: Duration,
    /// How long after its arrival a mail is returned to its sender.
    pub give_up_after: Duration,
}

impl Default for RetrySettings {
    fn default() -> Self {
        let waits = [MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR];
        Self {
            waits: waits.map(Duration::from_secs).to_vec(),
            delay_warning_after: Duration::from_secs(4 * HOUR),
            give_up_after: Duration::from_secs(5 * DAY),
        }
    }
}

/// The spool on disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SpoolSettings {
    /// Bodies over this many octets lie in files of their own.
    pub inline_octets_max: u64,
    /// Octets kept aside so that rows in flight still land on a full disk.
    pub reserve_octets: u64,
    /// How long posted outbox rows are kept.
    pub keep_posted: Duration,
    /// With less free disk than this no new mail is taken, and no line is written.
    pub free_octets_min: u64,
}

impl Default for SpoolSettings {
    fn default() -> Self {
        Self {
            inline_octets_max: 64 * KIB,
            reserve_octets: 8 * MIB,
            keep_posted: Duration::from_secs(7 * DAY),
            free_octets_min: 64 * MIB,
        }
    }
}

/// The ledger.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LedgerSettings {
    /// How long persons are kept.
    pub keep: KeepPersons,
}

/// Mails of our own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotifySettings {
    /// Who they come from; absent: `career-relay@` and our host name.
    pub from: Option<Address>,
    /// Slots a company is granted so soon behind a mail about others share the next one.
    pub gather_for: Duration,
}

impl Default for NotifySettings {
    fn default() -> Self {
        Self { from: None, gather_for: Duration::from_mins(1) }
    }
}

/// How events are written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// One line for people.
    Text,
}

/// How much is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LogLevel {
    /// What needs a person.
    Error,
    /// What may soon need one.
    Warn,
    /// One event per message as well.
    #[default]
    Info,
    /// What a developer asks for.
    Debug,
}

/// Events.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LogSettings {
    /// Their shape.
    pub format: LogFormat,
    /// The least important level written.
    pub level: LogLevel,
    /// Lines waiting for a slow reader of our log before further ones are dropped and counted.
    pub queue_lines_max: usize,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::Json, level: LogLevel::Info, queue_lines_max: 8192 }
    }
}

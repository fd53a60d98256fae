//! `[confirm]` and `[[mta_log]]`: the logs of the MTAs that have mail from the milter, and what they prove.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::finding::Wrong;
use super::reader::Section;
use super::values::{self, duration, one_of};

const DAY: u64 = 24 * 60 * 60;

/// Evidence of what became of mail that an MTA has from the milter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfirmSettings {
    /// How long a referral stays pending before it lapses.
    pub pending_for: Duration,
    /// Servers that are the recipients' own, whatever the DNS says.
    pub mx: Vec<NamedHost>,
    /// The logs.
    pub logs: Vec<MtaLog>,
}

impl Default for ConfirmSettings {
    fn default() -> Self {
        // Five days, for which MTAs try by default, and one for what they then say.
        Self { pending_for: Duration::from_secs(6 * DAY), mx: Vec::new(), logs: Vec::new() }
    }
}

/// The log of one MTA.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MtaLog {
    /// The name of the MTA, as the milter notes it.
    pub mta: String,
    /// The file.
    pub file: PathBuf,
    /// Whose words it is in.
    pub format: MtaFormat,
    /// Whether it holds entries of the journal as `journalctl -o export` writes them, in place of lines.
    pub journal: bool,
    /// The name in front of the programs of Postfix, or that of the program; absent: the usual one.
    pub program: Option<String>,
    /// The time zone of times that tell none; absent: this machine's.
    pub time_zone: Option<String>,
    /// Where this MTA takes mail back from filters, or from other MTAs whose logs are read: what is handed on there is
    /// not delivered yet.
    pub reached_at: Vec<NamedHost>,
}

impl MtaLog {
    /// The name of the program that is believed.
    pub fn program(&self) -> &str {
        self.program.as_deref().unwrap_or(match self.format {
            MtaFormat::Postfix => "postfix",
            MtaFormat::Sendmail => "sendmail",
            MtaFormat::Exim => "exim",
        })
    }
}

/// Whose words a log is in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MtaFormat {
    /// Postfix.
    #[default]
    Postfix,
    /// Sendmail.
    Sendmail,
    /// Exim's main log, by itself or behind what syslog puts in front.
    Exim,
}

const FORMATS: &[(&str, MtaFormat)] =
    &[("postfix", MtaFormat::Postfix), ("sendmail", MtaFormat::Sendmail), ("exim", MtaFormat::Exim)];

/// A server as a log names it: by name or by address, and by its port where one is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NamedHost {
    /// In lower case: a name, `*.domain` for all below a domain, or an address.
    pub host: String,
    /// The port.
    pub port: Option<u16>,
}

impl NamedHost {
    /// Reads `mx.example`, `*.mx.example`, `192.0.2.1`, each with `:port` behind it, and `[2001:db8::1]:25`.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, rest)) => (host, Some(rest.strip_prefix(':')?)),
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        let name = host.strip_prefix("*.").unwrap_or(host);
        (!name.is_empty() && name.chars().all(fine)).then_some(())?;
        let port = port.map(str::parse).transpose().ok()?;
        Some(Self { host: host.trim_end_matches('.').to_ascii_lowercase(), port })
    }

    /// Whether this is the server with that name and address.
    pub fn is(&self, name: &str, at: Option<(IpAddr, Option<u16>)>) -> bool {
        let port = at.and_then(|(_, port)| port);
        let is_port = self.port.is_none() || self.port == port;
        let is_address = || at.is_some_and(|(ip, _)| self.host.parse() == Ok(ip));
        let is_below = || self.host.strip_prefix('*').is_some_and(|domain| name.ends_with(domain));
        is_port && (self.host == name || is_below() || is_address())
    }
}

/// Reads both.
pub(super) fn read(top: &Section<'_>) -> ConfirmSettings {
    let (section, default) = (top.section("confirm"), ConfirmSettings::default());
    let mut logs: Vec<MtaLog> = Vec::new();
    for log in top.sections("mta_log") {
        let read = read_log(&log);
        if logs.iter().any(|other| other.mta == read.mta && other.file == read.file) {
            log.fault("file", Wrong::new("this log is there twice", "remove one of the two sections"));
        }
        logs.push(read);
    }
    ConfirmSettings {
        pending_for: section.read("pending_for", default.pending_for, duration(60 * 60..=35 * DAY)),
        mx: section.list("mx", Vec::new(), named_host),
        logs,
    }
}

fn read_log(log: &Section<'_>) -> MtaLog {
    let file = log.required("file", values::text(4096)).unwrap_or_default();
    let time_zone = log.optional("time_zone", |value| {
        let name = values::text(64)(value)?;
        let known = jiff::tz::TimeZone::get(&name).is_ok();
        let unknown = || Wrong::new("no such time zone", "write its name, such as \"Asia/Tokyo\"");
        if known { Ok(name) } else { Err(unknown()) }
    });
    MtaLog {
        mta: log.read("mta", "mta".to_owned(), values::text(64)),
        file: log.folder().join(file),
        format: log.read("format", MtaFormat::default(), one_of(FORMATS)),
        journal: log.read("journal", false, values::switch),
        program: log.optional("program", values::text(64)),
        time_zone,
        reached_at: log.list("reached_at", Vec::new(), named_host),
    }
}

fn named_host(value: &toml::de::DeValue<'_>) -> Result<NamedHost, Wrong> {
    let text = values::text(256)(value)?;
    let wrong = || Wrong::new("no server", "write a name, \"*.domain\" or an address, with \":port\" where you like");
    NamedHost::parse(&text).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_its_name_its_domain_or_its_address() {
        let is = |text: &str, name: &str, ip: &str, port: Option<u16>| {
            let at = ip.parse().ok().map(|ip| (ip, port));
            NamedHost::parse(text).is_some_and(|host| host.is(name, at))
        };
        assert!(is("mx.example", "mx.example", "192.0.2.1", Some(25)));
        assert!(is("MX.example.:25", "mx.example", "192.0.2.1", Some(25)));
        assert!(is("192.0.2.1", "mx.example", "192.0.2.1", None));
        assert!(is("[2001:db8::1]:24", "mx.example", "2001:db8::1", Some(24)));
        assert!(is("*.mx.example", "a.mx.example", "", None));
        assert!(!is("*.mx.example", "mx.example", "", None));
        assert!(!is("*.mx.example", "evilmx.example", "", None));
        assert!(!is("mx.example:26", "mx.example", "192.0.2.1", Some(25)));
        assert!(NamedHost::parse("mx example").is_none() && NamedHost::parse("mx:port").is_none());
    }
}

//! What a next hop offers: the lines of its reply to EHLO (RFC 5321 4.1.1.1).

use crate::proto::smtp::reply::Reply;

/// An extension we know to use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Extension {
    /// RFC 2920.
    Pipelining,
    /// RFC 6152.
    EightBitMime,
    /// RFC 6531.
    SmtpUtf8,
    /// RFC 3207.
    StartTls,
    /// RFC 3030.
    Chunking,
    /// RFC 3461.
    Dsn,
    /// RFC 8689.
    RequireTls,
    /// AUTH PLAIN (RFC 4954, RFC 4616).
    AuthPlain,
    /// AUTH LOGIN, which no RFC defines and every server with passwords knows.
    AuthLogin,
}

/// What an EHLO reply offered. The default is what HELO gives: nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Capabilities {
    extensions: u16,
    /// SIZE (RFC 1870), with the largest message in octets; 0 means no fixed limit.
    pub size: Option<u64>,
    /// The most recipients of one transaction, by LIMITS RCPTMAX (RFC 9422).
    pub recipients_max: Option<usize>,
}

impl Capabilities {
    /// Exactly these extensions.
    pub const fn of(extensions: &[Extension]) -> Self {
        let (mut set, mut i) = (0, 0);
        while i < extensions.len() {
            set |= 1 << extensions[i] as u8;
            i += 1;
        }
        Self { extensions: set, size: None, recipients_max: None }
    }

    /// The same with this limit of octets.
    #[must_use]
    pub const fn with_size(self, size: Option<u64>) -> Self {
        Self { size, ..self }
    }

    /// Whether it was offered.
    pub fn offers(&self, extension: Extension) -> bool {
        self.extensions & (1 << extension as u8) != 0
    }

    /// Reads the lines of a 250 reply to EHLO; the first line is the greeting and offers nothing.
    pub fn read(ehlo: &Reply) -> Self {
        let mut offered = Self::default();
        for line in ehlo.lines().skip(1) {
            // Some servers write AUTH= for clients of the last century.
            let mut words = line.split(|c: char| c.is_ascii_whitespace() || c == '=').filter(|word| !word.is_empty());
            let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
            match keyword.as_str() {
                "SIZE" => offered.size = Some(words.next().and_then(|limit| limit.parse().ok()).unwrap_or(0)),
                "LIMITS" => offered.recipients_max = recipients_max(line).or(offered.recipients_max),
                "AUTH" => words.for_each(|mechanism| match mechanism.to_ascii_uppercase().as_str() {
                    "PLAIN" => offered.add(Extension::AuthPlain),
                    "LOGIN" => offered.add(Extension::AuthLogin),
                    _ => {}
                }),
                _ => KEYWORDS.iter().filter(|(k, _)| *k == keyword).for_each(|(_, e)| offered.add(*e)),
            }
        }
        offered
    }

    fn add(&mut self, extension: Extension) {
        self.extensions |= 1 << extension as u8;
    }
}

/// Keywords that say all by standing there.
const KEYWORDS: &[(&str, Extension)] = &[
    ("PIPELINING", Extension::Pipelining),
    ("8BITMIME", Extension::EightBitMime),
    ("SMTPUTF8", Extension::SmtpUtf8),
    ("STARTTLS", Extension::StartTls),
    ("CHUNKING", Extension::Chunking),
    ("DSN", Extension::Dsn),
    ("REQUIRETLS", Extension::RequireTls),
];

/// RFC 9422 4.2; a limit of nobody is none.
fn recipients_max(limits: &str) -> Option<usize> {
    let limit = |word: &str| {
        let (name, value) = word.split_once('=')?;
        let digits = !value.is_empty() && value.len() <= 6 && value.bytes().all(|b| b.is_ascii_digit());
        if name.eq_ignore_ascii_case("RCPTMAX") && digits { value.parse().ok() } else { None }
    };
    limits.split_ascii_whitespace().filter_map(limit).find(|max| *max > 0)
}

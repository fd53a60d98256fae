//! The TXT record that publishes a key (RFC 6376 3.6.1): written for the admin, read back, and compared with the key.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Instant;

use data_encoding::BASE64;
use mail_auth::common::parse::TxtRecordParser;
use mail_auth::common::verify::DomainKey;
use mail_auth::{AuthenticatedMessage, DkimResult, MessageAuthenticator, Parameters, ResolverCache, Txt};

use super::NamedKey;
use crate::sys::signing_key::{KeyKind, SigningKey};

/// Octets of one string in a TXT record (RFC 1035 3.3).
const STRING_OCTETS_MAX: usize = 255;

/// Where the key of a selector is published.
pub fn record_name(domain: &str, selector: &str) -> String {
    format!("{selector}._domainkey.{domain}")
}

/// The text of the record for a key.
pub fn record_text(key: &SigningKey) -> String {
    format!("v=DKIM1; k={}; p={}", code(key.kind()), BASE64.encode(key.public_octets()))
}

/// The record as a line of a zone file, in strings of at most 255 octets.
pub fn zone_line(name: &str, text: &str) -> String {
    let strings = text.as_bytes().chunks(STRING_OCTETS_MAX);
    let strings: Vec<String> = strings.map(|s| format!("\"{}\"", String::from_utf8_lossy(s))).collect();
    match &strings[..] {
        [one] => format!("{name}. 3600 IN TXT {one}"),
        many => format!("{name}. 3600 IN TXT ( {} )", many.join(" ")),
    }
}

fn code(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Rsa => "rsa",
        KeyKind::Ed25519 => "ed25519",
    }
}

/// What is wrong with a published key.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RecordFault {
    /// TXT records, none of which is a DKIM key.
    #[error("none of the TXT records there is a DKIM key (v=DKIM1; … p=…)")]
    NoKey,
    /// More than one; RFC 6376 3.6.2.2 leaves open which one a verifier takes.
    #[error("{0} DKIM keys stand there; leave the one of this selector")]
    Several(usize),
    /// `p=` is empty.
    #[error("the key is revoked: p= is empty")]
    Revoked,
    /// `p=` is no base64.
    #[error("p= is not base64: it was cut off or changed when it was entered")]
    Damaged,
    /// `k=` is another.
    #[error("the record says k={found}, and the key is {wanted}")]
    OtherKind {
        /// What the record says.
        found: String,
        /// What the key is.
        wanted: &'static str,
    },
    /// `h=` leaves SHA-256 out.
    #[error("h={0} does not allow sha256, with which every mail is signed")]
    Hash(String),
    /// `s=` leaves mail out.
    #[error("s={0} is not for mail")]
    Service(String),
    /// Another key.
    #[error("another key is published there: enter the record of this one, or name the file of that one")]
    OtherKey,
    /// The key is this one, and yet a test mail does not verify.
    #[error("a test mail signed with the key does not verify with the record: {0}")]
    NotVerified(String),
}

/// A record that was found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Record {
    /// The tags and their values, blanks removed.
    tags: Vec<(String, String)>,
}

impl Record {
    /// Reads a record; `None` for a text that is no DKIM key.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let tag = |part: &str| {
            let (name, value) = part.split_once('=')?;
            let value = value.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            Some((name.trim().to_owned(), value))
        };
        let parts = text.split(';').filter(|part| !part.trim().is_empty());
        let tags: Vec<(String, String)> = parts.map(tag).collect::<Option<_>>()?;
        let record = Self { tags };
        let version = record.tag("v").is_none_or(|v| v == "DKIM1");
        (version && record.tag("p").is_some()).then_some(record)
    }

    fn tag(&self, name: &str) -> Option<&str> {
        self.tags.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether it says that the domain only tests DKIM, so that verifiers may treat its mail as unsigned (`t=y`).
    pub fn is_testing(&self) -> bool {
        self.tag("t").is_some_and(|flags| flags.split(':').any(|flag| flag == "y"))
    }

    /// Compares it with the key it should publish.
    ///
    /// # Errors
    /// [`RecordFault`].
    pub fn compare(&self, key: &SigningKey) -> Result<(), RecordFault> {
        let (kind, public) = (self.tag("k").unwrap_or("rsa"), self.tag("p").unwrap_or_default());
        if public.is_empty() {
            return Err(RecordFault::Revoked);
        }
        if kind != code(key.kind()) {
            return Err(RecordFault::OtherKind { found: kind.to_owned(), wanted: code(key.kind()) });
        }
        if let Some(hashes) = self.tag("h").filter(|h| !h.split(':').any(|h| h == "sha256")) {
            return Err(RecordFault::Hash(hashes.to_owned()));
        }
        if let Some(services) = self.tag("s").filter(|s| !s.split(':').any(|s| s == "*" || s == "email")) {
            return Err(RecordFault::Service(services.to_owned()));
        }
        let public = BASE64.decode(public.as_bytes()).map_err(|_| RecordFault::Damaged)?;
        // Some publish the bare RSAPublicKey, which is how a SubjectPublicKeyInfo ends.
        let bare = key.kind() == KeyKind::Rsa && public.len() > key.bits() / 8;
        let same = key.public_octets() == public || bare && key.public_octets().ends_with(&public);
        if same { Ok(()) } else { Err(RecordFault::OtherKey) }
    }
}

/// The TXT records found under a key's name.
pub struct Published<'a>(pub &'a [Vec<u8>]);

impl Published<'_> {
    /// The one record that is a key.
    ///
    /// # Errors
    /// [`RecordFault::NoKey`] and [`RecordFault::Several`].
    pub fn record(&self) -> Result<(&[u8], Record), RecordFault> {
        let read = |text: &Vec<u8>| Record::parse(text);
        let mut keys = self.0.iter().filter_map(|text| Some((text.as_slice(), read(text)?)));
        match (keys.next(), keys.count()) {
            (None, _) => Err(RecordFault::NoKey),
            (Some(one), 0) => Ok(one),
            (Some(_), more) => Err(RecordFault::Several(1 + more)),
        }
    }

    /// Compares what is published with the key, signs a mail with it, and has the library verify it with the record.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub async fn check(&self, key: &NamedKey) -> Result<Record, RecordFault> {
        let (text, record) = self.record()?;
        record.compare(key.source())?;
        let failed = |why: String| RecordFault::NotVerified(why);
        let mail = format!(
            "From: Career Relay <test@{0}>\r\nTo: test@{0}\r\nSubject: DKIM\r\nMIME-Version: 1.0\r\n\r\n\
             A mail that is signed and verified, and sent nowhere.\r\n",
            key.domain()
        );
        let signed = key.field(mail.as_bytes()).map_err(|e| failed(e.to_string()))? + &mail;
        let parsed = DomainKey::parse(text).map_err(|e| failed(e.to_string()))?;
        verify(signed.as_bytes(), Known(Arc::new(parsed))).await.map_err(failed).map(|()| record)
    }
}

/// Verifies every signature of a mail with one published key; nobody is asked.
async fn verify(mail: &[u8], known: Known) -> Result<(), String> {
    let nobody = MessageAuthenticator::new_system_conf().or_else(|_| MessageAuthenticator::new_cloudflare());
    let nobody = nobody.map_err(|e| e.to_string())?;
    let message = AuthenticatedMessage::parse(mail).ok_or("the mail cannot be read")?;
    let outputs = nobody.verify_dkim(Parameters::from(&message).with_txt_cache(&known)).await;
    match outputs.iter().find(|output| *output.result() != DkimResult::Pass) {
        Some(output) => Err(format!("{:?}", output.result())),
        None if outputs.is_empty() => Err("no signature".to_owned()),
        None => Ok(()),
    }
}

/// Whether a mail's signatures hold by this record.
#[cfg(test)]
pub(super) async fn verifies(mail: &[u8], record: &[u8]) -> bool {
    let Ok(key) = DomainKey::parse(record) else { return false };
    verify(mail, Known(Arc::new(key))).await.is_ok()
}

/// The answer to every question for a key.
struct Known(Arc<DomainKey>);

impl ResolverCache<Box<str>, Txt> for Known {
    fn get<Q>(&self, _: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        Some(Txt::DomainKey(Arc::clone(&self.0)))
    }

    fn remove<Q>(&self, _: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: Box<str>, _: Txt, _: Instant) {}
}

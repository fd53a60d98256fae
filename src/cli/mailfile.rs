//! A mail in a file, as `explain` and `preview` read it: decided on as if it came over the wire from the company.
//!
//! Files often hold LF where the wire has CRLF. A file without any CR is read with its line ends made CRLF, and what is
//! written or reported is turned back, so that a mail that stays as it is stays so to the octet.

use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use super::leaves::tagged;
use crate::classify::{self, Account, Rules, account};
use crate::config::{self, Settings};
use crate::inject::Inserted;
use crate::mail::address::Domain;
use crate::mail::message::Message;
use crate::mail::view::View;
use crate::pipeline::{
    Client, Company, Doubtful, InForce, Mode, Outcome, Policy, ProvedBy, Received, Relaying, Untouched, envelope_of,
    process,
};
use crate::referral::{CompanyId, CompanyKeys, OptOuts};
use crate::sys::clock;

/// Previews make links of their own: they belong to nobody and count for nothing.
const PREVIEW_KEY: [u8; 32] = [0; 32];
/// Larger files are not read.
const FILE_OCTETS_MAX: u64 = 256 << 20;

/// A mail that was read.
pub struct MailFile {
    /// The octets of the file.
    pub file: Vec<u8>,
    /// The octets as they would be on the wire.
    pub wire: Bytes,
    /// Whether the two differ in their line ends.
    lf: bool,
}

impl MailFile {
    /// Reads a file, or standard input for `-`.
    ///
    /// # Errors
    /// A sentence for the admin, with the file's name.
    pub fn read(path: &Path) -> Result<Self, String> {
        let named = |why: String| format!("{}: {why}", path.display());
        let read = if path.as_os_str() == "-" { read_all(io::stdin()) } else { File::open(path).and_then(read_all) };
        match read {
            Ok(Some(file)) => Ok(Self::of(file)),
            Ok(None) => Err(named(format!("has over {} MiB: no mail is that large", FILE_OCTETS_MAX >> 20))),
            Err(e) if e.kind() == io::ErrorKind::IsADirectory => Err(named("is a folder; name the mails in it".into())),
            Err(e) => Err(named(format!("cannot be read: {e}"))),
        }
    }

    /// Takes octets as a file's.
    pub fn of(file: Vec<u8>) -> Self {
        let lf = memchr::memchr(b'\r', &file).is_none() && memchr::memchr(b'\n', &file).is_some();
        let wire = if lf { with_crlf(&file) } else { file.clone() };
        Self { file, wire: wire.into(), lf }
    }

    /// Octets for the wire as octets for the file.
    pub fn for_file(&self, wire: Vec<u8>) -> Vec<u8> {
        if self.lf { wire.into_iter().filter(|b| *b != b'\r').collect() } else { wire }
    }

    /// An inserted line with offset and length as the file has them.
    pub fn in_file(&self, inserted: &Inserted, octets: &[u8]) -> Inserted {
        if !self.lf {
            return inserted.clone();
        }
        let line_ends = |octets: &[u8]| memchr::memchr_iter(b'\r', octets).count();
        let before = line_ends(&self.wire[..inserted.offset.min(self.wire.len())]);
        let within = line_ends(octets);
        Inserted { offset: inserted.offset - before, octets: inserted.octets - within, ..inserted.clone() }
    }
}

/// All octets; `None` when there are more than are read.
fn read_all(from: impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut octets = Vec::new();
    from.take(FILE_OCTETS_MAX + 1).read_to_end(&mut octets)?;
    Ok((octets.len() as u64 <= FILE_OCTETS_MAX).then_some(octets))
}

fn with_crlf(file: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(file.len() + file.len() / 32);
    for line in file.split_inclusive(|b| *b == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(text) => {
                wire.extend_from_slice(text);
                wire.extend_from_slice(b"\r\n");
            }
            None => wire.extend_from_slice(line),
        }
    }
    wire
}

/// What held for a company's line at a time.
pub struct Moment {
    /// The time.
    pub at: Timestamp,
    /// The company as it was.
    pub company: Company,
    /// Its keys.
    pub keys: CompanyKeys,
    /// Who wanted no line.
    pub optouts: Arc<OptOuts>,
}

/// What decides on files: a company of the configuration, or the built-in example.
pub struct Decider {
    companies: Vec<Company>,
    /// The domains whose DKIM keys the configuration names.
    signing: Vec<Domain>,
    /// Whether it is the example, which takes the mail's From domain for its own.
    example: bool,
    rules: Arc<Rules>,
}

impl Decider {
    /// Chooses the companies: one by its id, all of the configuration, or the example.
    ///
    /// # Errors
    /// A sentence for the admin: the faults of the files, or a company that is not there.
    pub fn new(config: Option<&Path>, company: Option<&CompanyId>) -> Result<Self, String> {
        let (mut companies, dkim, example) = match config {
            Some(path) => {
                let Settings { companies, dkim, .. } = config::load(path).map_err(|f| f.to_string())?;
                (companies, dkim, false)
            }
            None => (vec![config::example_company().map_err(|f| f.to_string())?], Vec::new(), true),
        };
        let signing = dkim.into_iter().map(|key| key.domain).collect();
        if let Some(id) = company {
            let known: Vec<String> = companies.iter().map(|c| c.id.to_string()).collect();
            companies.retain(|c| c.id == *id);
            if companies.is_empty() {
                let hint = if example { "; name the configuration it stands in with --config" } else { "" };
                return Err(format!("no company {id}: there is {}{hint}", known.join(", ")));
            }
        }
        Ok(Self { companies, signing, example, rules: Arc::new(Rules::of_all_languages()) })
    }

    /// The same for companies that are live and ask about what is doubtful: what could be, whatever the files say.
    #[must_use]
    pub fn into_live(mut self) -> Self {
        for company in &mut self.companies {
            company.mode = Mode::Live;
            company.doubtful = Doubtful::Hold(Duration::from_hours(4));
        }
        self
    }

    /// What text is read with.
    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// The company that takes a mail with this From domain for its own; the example takes any.
    pub fn company_from(&self, domain: &Domain) -> Option<&Company> {
        self.companies.iter().find(|company| self.example || company.sender_domains.contains(domain))
    }

    /// The company whose mail it is, by its From.
    pub fn company_of(&self, mail: &MailFile) -> Option<Company> {
        let message = Message::read(&mail.wire);
        let from = message.from()?.domain()?;
        self.companies.iter().find(|company| company.sender_domains.contains(from)).cloned()
    }

    /// What the classifier's verdict on a mail came from, whatever the company's settings say of it.
    pub fn account(&self, mail: &MailFile) -> Account {
        let message = Message::read(&mail.wire);
        let envelope = envelope_of(&message);
        let company = self.company_of(mail).or_else(|| self.companies.first().cloned());
        let mut audience = company.map(|company| company.audience).unwrap_or_default();
        let from = message.from().and_then(|from| from.domain());
        audience.own_domains.extend(from.filter(|_| self.example).cloned());
        let view = View::read(&message);
        account(
            &classify::Mail { envelope: &envelope, message: &message, view: &view, audience: &audience },
            &self.rules,
        )
    }

    /// Decides on a mail: its envelope is what its header says, its client the company's own.
    pub fn decide(&self, mail: &MailFile) -> Outcome {
        Self::decide_by(mail, clock::now(), |ip, from| self.policy(ip, from))
    }

    /// Decides on it by what held at a moment.
    pub fn decide_then(&self, mail: &MailFile, then: Moment) -> Outcome {
        let Moment { at, mut company, keys, optouts } = then;
        Self::decide_by(mail, at, |ip, _| {
            company.proved_by = ProvedBy { networks: vec![ip.into()], ..ProvedBy::default() };
            let policy = Policy::new(vec![InForce { company, keys }], Relaying::default(), Arc::clone(&self.rules));
            policy.signing_for(self.signing.clone()).without(Some(optouts))
        })
    }

    fn decide_by(mail: &MailFile, at: Timestamp, policy: impl FnOnce(IpAddr, Option<&Domain>) -> Policy) -> Outcome {
        let message = Message::read(&mail.wire);
        let envelope = envelope_of(&message);
        if envelope.sender.is_none() {
            // The file has no envelope of its own, so this says nothing of a null sender.
            let (company, evidence) = (None, Vec::new());
            return Outcome::Untouched(Untouched { company, reason: "no_from", rejection_seen: false, evidence });
        }
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let from = message.from().and_then(|f| f.domain()).cloned();
        let client = Client::at(ip);
        let received = Received { client, envelope, message: mail.wire.clone() };
        let policy = policy(ip, from.as_ref());
        tagged(process(&received, &policy, at), &received, &policy, at)
    }

    fn policy(&self, ip: IpAddr, from: Option<&Domain>) -> Policy {
        let in_force = |company: &Company| {
            let mut company = company.clone();
            company.proved_by = ProvedBy { networks: vec![ip.into()], ..ProvedBy::default() };
            if let Some(domain) = from.filter(|_| self.example) {
                company.sender_domains.push(domain.clone());
                company.audience.own_domains.push(domain.clone());
            }
            InForce { keys: CompanyKeys::derive(&PREVIEW_KEY, &company.id, 1), company }
        };
        let companies = self.companies.iter().map(in_force).collect();
        Policy::new(companies, Relaying::default(), Arc::clone(&self.rules)).signing_for(self.signing.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_any_cr_comes_back_to_the_octet() {
        for file in [&b""[..], b"a", b"a\n", b"a\n\nb", b"a\r\nb\r\n", b"a\r\nb\n", b"\n\n"] {
            let mail = MailFile::of(file.to_vec());
            assert_eq!(mail.for_file(mail.wire.to_vec()), file, "{file:?}");
        }
        assert_eq!(MailFile::of(b"a\nb".to_vec()).wire, &b"a\r\nb"[..]);
    }

    #[test]
    fn offsets_are_those_of_the_file() {
        let mail = MailFile::of(b"one\ntwo\nthree\n".to_vec());
        let wire = Inserted { path: "0".to_owned(), charset: "UTF-8", offset: 10, octets: 8 };
        let file = mail.in_file(&wire, b"line\r\n\r\n");
        assert_eq!((file.offset, file.octets), (8, 6));
    }
}

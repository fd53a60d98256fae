//! `[[dkim]]`: the keys that sign mail with the line, each with the name it is published under.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeValue;

use super::finding::Wrong;
use super::reader::{Place, Report, Section};
use super::secrets::{self, Named};
use super::values::{self, quoted};
use crate::mail::address::Domain;
use crate::pipeline::{CameSigned, Company};
use crate::sys::account;
use crate::sys::signing_key::{SigningKey, SigningKeyFault};

/// A key that signs mail of a domain.
#[derive(Clone, Debug, PartialEq)]
pub struct DkimKey {
    /// The domain it signs for: that of the senders, or one above it.
    pub domain: Domain,
    /// Its name below the domain: `selector._domainkey.domain`.
    pub selector: String,
    /// Where it lies; empty for a credential that this process was not handed.
    pub file: PathBuf,
    /// The key; absent for a credential that this process was not handed.
    pub key: Option<Arc<SigningKey>>,
}

/// Reads every section; a key at fault is left out.
pub(super) fn read(top: &Section<'_>) -> (Vec<DkimKey>, Vec<Place>) {
    let (mut keys, mut places) = (Vec::<DkimKey>::new(), Vec::new());
    for section in &top.sections("dkim") {
        let domain = section.required("domain", values::domain);
        let selector = section.required("selector", selector);
        let found = section.required("key", |value| key_file(section, value));
        let (Some(domain), Some(selector), Some((file, key))) = (domain, selector, found) else { continue };
        if keys.iter().any(|k| k.domain == domain && k.selector == selector) {
            let remedy = "give each key a selector of its own; two keys under one name cannot both be published";
            section.fault("selector", Wrong::new(format!("{selector}._domainkey.{domain} stands here twice"), remedy));
        }
        keys.push(DkimKey { domain, selector, file, key });
        places.push(section.place("domain"));
    }
    (keys, places)
}

/// A selector: labels of a host name (RFC 6376 3.1).
fn selector(value: &DeValue) -> Result<String, Wrong> {
    let text = quoted(value, "\"cr1\"")?;
    parse_selector(text).ok_or_else(|| {
        Wrong::new(format!("{text:?} is not a selector"), "write letters, digits and -, with dots between labels")
    })
}

/// The selector in lower case, if it is one.
pub fn parse_selector(text: &str) -> Option<String> {
    let label = |l: &str| {
        let fine = l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        fine && (1..=63).contains(&l.len()) && !l.starts_with('-') && !l.ends_with('-')
    };
    (text.len() <= 100 && text.split('.').all(label)).then(|| text.to_ascii_lowercase())
}

fn key_file(section: &Section<'_>, value: &DeValue) -> Result<(PathBuf, Option<Arc<SigningKey>>), Wrong> {
    let path = match secrets::file(section, value)? {
        Named::At(path) => path,
        Named::Credential(name) => {
            section.miss_credential("key", &name);
            return Ok((PathBuf::new(), None));
        }
    };
    let pem = secrets::read(&path)?;
    let wrong = |fault: SigningKeyFault| {
        let remedy = "make one with `career-relay dkim keygen`, or name the right file";
        Wrong::new(format!("{}: {fault}", path.display()), remedy)
    };
    let key = SigningKey::from_pem(&pem).map_err(wrong)?;
    check_owner(section, &path)?;
    Ok((path, Some(Arc::new(key))))
}

/// Whoever reads the key signs in the domain's name, and whoever writes the file says what we sign with.
fn check_owner(section: &Section<'_>, path: &Path) -> Result<(), Wrong> {
    let Ok(meta) = fs::metadata(path) else { return Ok(()) };
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o027 != 0 {
        let what = format!("{} has the mode {mode:04o}: others may read it, or its group may write it", path.display());
        return Err(Wrong::new(what, "chmod 0600 it, or 0640 with the service's group"));
    }
    let us = account::own_uid();
    if us != 0 && meta.uid() != us && meta.uid() != 0 {
        let what = format!("{} belongs to the user {}, who may change it", path.display(), meta.uid());
        section.warn("key", Wrong::new(what, "let it belong to root or to the service's user"));
    }
    Ok(())
}

/// Checks keys and companies against each other.
pub(super) fn check(
    (keys, places): (&[DkimKey], &[Place]),
    companies: &[(Company, super::company::CompanyPlaces)],
    report: &Report,
) {
    let signs_for = |key: &DkimKey, company: &Company| company.sender_domains.iter().any(|d| d.is_within(&key.domain));
    for (key, at) in keys.iter().zip(places) {
        if !companies.iter().any(|(company, _)| signs_for(key, company)) {
            let what = format!("no company sends from {} or below it: the key signs nothing", key.domain);
            report.warn(at, Wrong::new(what, "correct the domain, or add it to a company's sender_domains"));
        }
    }
    for (company, at) in companies {
        let holds_none = !keys.iter().any(|key| signs_for(key, company));
        if company.came_signed == Some(CameSigned::Sign) && holds_none {
            let what =
                "no [[dkim]] key is for any of the company's sender domains, so its signed mail passes untouched";
            let remedy = "add a [[dkim]] section to the main file; `career-relay dkim keygen` makes the key";
            report.fault(&at.signed_mail, Wrong::new(what, remedy));
        }
    }
}

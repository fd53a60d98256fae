//! The policies that are known, in memory and in a file. They hold names of domains, and nothing of any mail.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::end_of;
use super::policy::Policy;
use crate::sys::disk;

/// Policies kept; of more those go first that end first.
const POLICIES_MAX: usize = 10_000;
/// The largest file that is read.
const FILE_OCTETS_MAX: u64 = 64 * 1024 * 1024;

/// A policy and where it came from.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// As announced when it was fetched.
    pub(super) id: String,
    pub(super) fetched_at: Timestamp,
    pub(super) policy: Arc<Policy>,
}

/// The policies by domain.
#[derive(Debug)]
pub(super) struct Shelf {
    known: HashMap<String, Known>,
    file: Option<PathBuf>,
    is_saved: bool,
}

/// One of them as it stands in the file.
#[derive(Debug, Deserialize, Serialize)]
struct Line {
    domain: String,
    id: String,
    /// Seconds since 1970.
    fetched_at: i64,
    policy: String,
}

/// The file as it is to be.
pub(super) struct Unsaved {
    file: PathBuf,
    lines: Vec<Line>,
}

impl Shelf {
    /// What the file holds that is still believed. One that cannot be read is as good as none, and is written anew.
    pub(super) fn open(file: Option<PathBuf>, now: Timestamp) -> Self {
        let mut shelf = Self { known: HashMap::new(), file, is_saved: true };
        let Some(file) = &shelf.file else { return shelf };
        let read = match fs::metadata(file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return shelf,
            Ok(meta) if meta.len() > FILE_OCTETS_MAX => Err("it is too big".to_owned()),
            Ok(_) => fs::read(file).map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let lines = read.and_then(|octets| serde_json::from_slice::<Vec<Line>>(&octets).map_err(|e| e.to_string()));
        match lines {
            Ok(lines) => shelf.known.extend(lines.into_iter().take(POLICIES_MAX).filter_map(Line::read)),
            Err(why) => tracing::warn!(file = %file.display(), %why, "MTA-STS policies cannot be read back"),
        }
        shelf.known.retain(|_, known| end_of(known.fetched_at, &known.policy) > now);
        shelf
    }

    /// The policy of a domain, if it is still believed.
    pub(super) fn find(&self, domain: &str, now: Timestamp) -> Option<Known> {
        self.known.get(domain).filter(|known| end_of(known.fetched_at, &known.policy) > now).cloned()
    }

    pub(super) fn put(&mut self, domain: &str, known: Known) {
        self.known.insert(domain.to_owned(), known);
        if self.known.len() > POLICIES_MAX {
            let ends = self.known.iter().min_by_key(|(_, known)| end_of(known.fetched_at, &known.policy));
            if let Some(first) = ends.map(|(domain, _)| domain.clone()) {
                self.known.remove(&first);
            }
        }
        self.is_saved = false;
    }

    /// What is to be written, if anything has changed since the last time.
    pub(super) fn take_unsaved(&mut self) -> Option<Unsaved> {
        let file = self.file.clone().filter(|_| !self.is_saved)?;
        self.is_saved = true;
        let lines = self.known.iter().map(|(domain, known)| Line {
            domain: domain.clone(),
            id: known.id.clone(),
            fetched_at: known.fetched_at.as_second(),
            policy: known.policy.text(),
        });
        Some(Unsaved { file, lines: lines.collect() })
    }
}

impl Line {
    fn read(self) -> Option<(String, Known)> {
        let policy = Arc::new(Policy::parse(self.policy.as_bytes())?);
        let fetched_at = Timestamp::from_second(self.fetched_at).ok()?;
        Some((self.domain, Known { id: self.id, fetched_at, policy }))
    }
}

impl Unsaved {
    /// Writes the file in one step. What cannot be written is fetched again after a restart.
    pub(super) fn write(&self) {
        let octets = serde_json::to_vec(&self.lines).map_err(std::io::Error::other);
        if let Err(error) = octets.and_then(|octets| disk::write_private(&self.file, &octets)) {
            tracing::warn!(file = %self.file.display(), %error, "MTA-STS policies cannot be written");
        }
    }
}

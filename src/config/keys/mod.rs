//! The installation's keys: the root keys, from which every company's keys derive, the keys that companies brought
//! along, and the key that signs for the ledger.
//!
//! Whoever has a root key can tell from the ledger whether a given address was a candidate's, so it is never printed,
//! never logged, and refused when others may read it. A lost key cannot be made again: everybody would count anew.

mod change;
mod files;
mod moved;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

pub use change::{add_moved, rotate};
pub use files::open_signing_key;
pub use moved::{MovedKeys, MovedKeysFault};

use crate::referral::{CompanyId, CompanyKeys, KeyOctets, OptOutKey};

/// A root key. Its `Debug` form shows nothing of it.
#[derive(Clone, Eq, PartialEq)]
pub struct RootKey([u8; 32]);

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RootKey(..)")
    }
}

/// All keys of candidates that there are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Keyring {
    newest: (u16, RootKey),
    /// Rotated out: new persons get none of them, known ones are found by them.
    older: BTreeMap<u16, RootKey>,
    /// Of companies that came from another installation, by key id.
    moved: BTreeMap<CompanyId, BTreeMap<u16, KeyOctets>>,
    /// Those that are gone for good, as somebody has said.
    lost: BTreeSet<u16>,
}

/// Why there are no keys to work with.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// The file or its folder cannot be read or written.
    #[error("the key file {path} cannot be read or written: {error}")]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Not what a key file holds.
    #[error("the key file {path} is damaged: restore it from a backup; {}", how_to_go_on(*.id))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The key id.
        id: u16,
    },
    /// Others than its owner may read it.
    #[error("the key file {0} may be read by others: chmod 0600 it")]
    Exposed(PathBuf),
    /// The data folder holds a ledger or a spool, but no key.
    #[error(
        "{path} is missing from a data folder in use: restore it from a backup, or hand it over again where it is a \
         credential of the service; {}", how_to_go_on(*.id)
    )]
    Lost {
        /// The file.
        path: PathBuf,
        /// The key id.
        id: u16,
    },
    /// A file and a credential say two things.
    #[error("the credential {0} is another key than the file of that name in the data folder: remove the wrong one")]
    Two(String),
    /// The key that signs for the ledger.
    #[error(
        "the key file {path} cannot be used: {why}; restore it from a backup, or remove it: the next start makes \
         another, and the other side has to be told its public half"
    )]
    Signing {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The keys a company brought along.
    #[error("the key file {path} cannot be used: {fault}; import it again")]
    Moved {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: MovedKeysFault,
    },
}

/// What it means that a key is gone, and what can be done.
fn how_to_go_on(id: u16) -> String {
    format!(
        "nothing is counted and no mail is edited until then, for under another key everybody would count as new. If \
         it is gone for good, `career-relay keys rotate --lost {id}` goes on with a new one, and says what that costs"
    )
}

/// Reads the keys of a data folder, and of the credentials that systemd handed over; makes a root key where the folder
/// has not been in use yet.
///
/// The caller holds the data folder's lock, so no second process makes another one at the same time.
///
/// # Errors
/// [`KeyFault`], with what to do about it. A damaged or lost key is never replaced.
pub fn open_keys(data_dir: &Path) -> Result<Keyring, KeyFault> {
    files::open(data_dir, files::handed_credentials().as_deref())
}

/// Whether a data folder has a root key, or systemd has handed one over; [`open_keys`] might make one.
///
/// # Errors
/// [`KeyFault::Disk`].
pub fn has_root_key(data_dir: &Path) -> Result<bool, KeyFault> {
    files::ids_in(data_dir).map(|ids| !ids.is_empty())
}

impl Keyring {
    /// The keys of a company: those in use, and with them those that were rotated out.
    pub fn of(&self, company: &CompanyId) -> CompanyKeys {
        let mut keys = self.ids_of(company).into_iter().rev().filter_map(|id| {
            let octets = self.octets(company, id)?;
            Some(CompanyKeys::of(company, id, &octets))
        });
        let (id, RootKey(root)) = &self.newest;
        let first = keys.next().unwrap_or_else(|| CompanyKeys::derive(root, company, *id));
        first.with_earlier(keys.collect())
    }

    /// The key of an opt-out list by its number, of a company or of all; `None` where it is lost.
    pub fn optout_key(&self, company: Option<&CompanyId>, id: u16) -> Option<OptOutKey> {
        match company {
            Some(company) => self.octets(company, id).map(|octets| OptOutKey::of(id, &octets)),
            None => self.root(id).map(|RootKey(root)| OptOutKey::derive(root, None, id)),
        }
    }

    /// The numbers of the keys there are for a company, or for the list of all; the last is the one in use.
    pub fn ids(&self, company: Option<&CompanyId>) -> Vec<u16> {
        match company {
            Some(company) => self.ids_of(company).into_iter().collect(),
            None => self.older.keys().copied().chain([self.newest.0]).collect(),
        }
    }

    /// The numbers of keys that are said to be gone for good.
    pub fn lost(&self) -> impl Iterator<Item = u16> {
        self.lost.iter().copied()
    }

    /// What the company's keys are made of, to be moved to another installation.
    pub fn moved(&self, company: &CompanyId) -> MovedKeys {
        let keys = self.ids_of(company).into_iter().filter_map(|id| Some((id, self.octets(company, id)?)));
        MovedKeys { company: company.clone(), keys: keys.collect() }
    }

    /// A company that came from elsewhere has the keys it brought, and of ours those of later numbers.
    fn ids_of(&self, company: &CompanyId) -> BTreeSet<u16> {
        let brought = self.moved.get(company);
        let last_brought = brought.and_then(|keys| keys.keys().next_back().copied());
        let ours = self.ids(None).into_iter().filter(|id| last_brought.is_none_or(|last| *id > last));
        ours.chain(brought.into_iter().flat_map(|keys| keys.keys().copied())).collect()
    }

    fn octets(&self, company: &CompanyId, id: u16) -> Option<KeyOctets> {
        let brought = self.moved.get(company).and_then(|keys| keys.get(&id).cloned());
        brought.or_else(|| self.root(id).map(|RootKey(root)| KeyOctets::derive(root, company, id)))
    }

    fn root(&self, id: u16) -> Option<&RootKey> {
        if id == self.newest.0 { Some(&self.newest.1) } else { self.older.get(&id) }
    }
}

#[cfg(test)]
mod tests;

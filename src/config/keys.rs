//! The installation's root key: 32 octets of entropy, made at the first start, from which every company's keys derive.
//!
//! Whoever has it can tell from the ledger whether a given address was a candidate's, so it is never printed, never
//! logged, and refused when others may read it. A lost key cannot be made again: the same person would count anew.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::sys::{disk, random};

/// The file's name below the data folder.
const FILE: &str = "keys/root.key";

/// The root key. Its `Debug` form shows nothing of it.
pub struct RootKey([u8; 32]);

impl RootKey {
    /// The octets, to derive from.
    pub fn octets(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RootKey(..)")
    }
}

/// Why there is no root key to work with.
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
    /// Not 32 octets.
    #[error("the key file {0} is damaged: restore it from a backup; a new key would count every candidate anew")]
    Damaged(PathBuf),
    /// Others than its owner may read it.
    #[error("the key file {0} may be read by others: chmod 0600 it")]
    Exposed(PathBuf),
    /// The data folder holds a ledger or a spool, but no key.
    #[error("{0} is missing from a data folder in use: restore it; a new key would count everyone anew")]
    Lost(PathBuf),
}

/// Reads the root key of a data folder; makes one where the folder has not been in use yet.
///
/// The caller holds the data folder's lock, so no second process makes another one at the same time.
///
/// # Errors
/// [`KeyFault`], with what to do about it. A damaged or lost key is never replaced.
pub fn open_root_key(data_dir: &Path) -> Result<RootKey, KeyFault> {
    let path = data_dir.join(FILE);
    let disk = |error| KeyFault::Disk { path: path.clone(), error };
    match fs::read(&path) {
        Ok(octets) => {
            let mode = fs::metadata(&path).map_err(disk)?.permissions().mode();
            if mode & 0o077 != 0 {
                return Err(KeyFault::Exposed(path));
            }
            octets.try_into().map(RootKey).map_err(|_| KeyFault::Damaged(path))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let used = ["ledger.db", "spool.db"].iter().any(|name| data_dir.join(name).exists());
            if used { Err(KeyFault::Lost(path)) } else { make_root_key(data_dir, &path).map_err(disk) }
        }
        Err(error) => Err(disk(error)),
    }
}

fn make_root_key(data_dir: &Path, path: &Path) -> io::Result<RootKey> {
    let folder = path.parent().unwrap_or(data_dir);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let key = RootKey(random::octets());
    disk::write_private(path, &key.0)?;
    disk::sync_dir(data_dir)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"))
    }

    fn open(data_dir: &Path) -> RootKey {
        open_root_key(data_dir).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn the_first_start_makes_a_key_and_later_ones_read_it() {
        let folder = folder();
        let first = open(folder.path());
        assert_eq!(first.octets(), open(folder.path()).octets());
        let mode = fs::metadata(folder.path().join(FILE)).map(|m| m.permissions().mode() & 0o777);
        assert_eq!(mode.ok(), Some(0o600));
        assert_ne!(first.octets(), open(self::folder().path()).octets());
    }

    #[test]
    fn a_key_is_never_shown() {
        assert_eq!(format!("{:?}", RootKey([7; 32])), "RootKey(..)");
    }

    #[test]
    fn a_damaged_exposed_or_lost_key_is_never_replaced() -> io::Result<()> {
        let folder = folder();
        open(folder.path());
        let path = folder.path().join(FILE);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
        assert!(matches!(open_root_key(folder.path()), Err(KeyFault::Exposed(_))));
        disk::write_private(&path, b"short")?;
        assert!(matches!(open_root_key(folder.path()), Err(KeyFault::Damaged(_))));
        fs::remove_file(&path)?;
        fs::write(folder.path().join("ledger.db"), b"")?;
        assert!(matches!(open_root_key(folder.path()), Err(KeyFault::Lost(_))));
        assert!(!path.exists());
        Ok(())
    }
}

//! Where the keys lie: `keys/` below the data folder, and the folder of credentials that systemd hands over.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::{KeyFault, Keyring, MovedKeys, RootKey};
use crate::referral::{CompanyId, KeyOctets};
use crate::sys::signing_key::{KeyKind, SigningKey};
use crate::sys::{disk, random};

/// The folder below the data folder.
pub(super) const FOLDER: &str = "keys";
/// The folder below that, for keys that companies brought along.
pub(super) const MOVED: &str = "companies";
/// The key that signs for the ledger.
const SIGNING: &str = "signing.key";
/// What shows that a data folder is in use.
const IN_USE: [&str; 2] = ["ledger.db", "spool.db"];

/// The name of the file of a root key. The first was there before keys had numbers.
pub(super) fn root_file(id: u16) -> String {
    if id == 1 { "root.key".to_owned() } else { format!("root-{id}.key") }
}

/// The name of the file that says a root key is gone for good.
pub(super) fn lost_file(id: u16) -> String {
    root_file(id).replace(".key", ".lost")
}

/// The folder of the credentials that systemd handed to this process.
pub(super) fn handed_credentials() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

/// Reads all keys; makes the first root key in a folder that was never used.
pub(super) fn open(data_dir: &Path, credentials: Option<&Path>) -> Result<Keyring, KeyFault> {
    let folder = data_dir.join(FOLDER);
    let names = names(&folder)?;
    let lost = ids(&names, ".lost");
    let mut found: BTreeMap<u16, RootKey> = BTreeMap::new();
    let handed = credentials.map(self::names).transpose()?.unwrap_or_default();
    let newest = ids(&names, ".key").into_iter().chain(ids(&handed, ".key")).chain(lost.iter().copied()).max();
    if newest.is_none() && !is_used(data_dir) {
        found.insert(1, make_root_key(data_dir, 1)?);
    }
    for id in 1..=newest.unwrap_or(0) {
        match read_root_key(&folder, credentials, id) {
            Ok(Some(key)) => drop(found.insert(id, key)),
            Ok(None) | Err(KeyFault::Damaged { .. }) if lost.contains(&id) => {}
            Ok(None) => return Err(KeyFault::Lost { path: folder.join(root_file(id)), id }),
            Err(fault) => return Err(fault),
        }
    }
    let none = || KeyFault::Lost { path: folder.join(root_file(newest.unwrap_or(1))), id: newest.unwrap_or(1) };
    let newest = found.pop_last().ok_or_else(none)?;
    let lost = lost.into_iter().filter(|id| *id != newest.0 && !found.contains_key(id)).collect();
    Ok(Keyring { newest, older: found, moved: read_moved(&folder.join(MOVED))?, lost })
}

/// Whether a data folder holds anything that a key belongs to.
pub(super) fn is_used(data_dir: &Path) -> bool {
    IN_USE.iter().any(|name| data_dir.join(name).exists())
}

fn names(folder: &Path) -> Result<Vec<String>, KeyFault> {
    let fault = |error| KeyFault::Disk { path: folder.to_owned(), error };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries.collect::<io::Result<Vec<_>>>().map_err(fault)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(fault(error)),
    };
    Ok(entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

/// The numbers of the root keys in these names.
pub(super) fn ids(names: &[String], ending: &str) -> BTreeSet<u16> {
    let id = |name: &str| match name.strip_prefix("root")? {
        "" => Some(1),
        rest => rest.strip_prefix('-')?.parse().ok().filter(|id| root_file(*id) == format!("{name}.key")),
    };
    names.iter().filter_map(|name| id(name.strip_suffix(ending)?)).collect()
}

/// The numbers of the root keys in the folder of keys, those that are lost included.
pub(super) fn ids_in(data_dir: &Path) -> Result<BTreeSet<u16>, KeyFault> {
    let mut names = names(&data_dir.join(FOLDER))?;
    names.extend(handed_credentials().map(|folder| self::names(&folder)).transpose()?.unwrap_or_default());
    Ok(ids(&names, ".key").into_iter().chain(ids(&names, ".lost")).collect())
}

fn read_root_key(folder: &Path, credentials: Option<&Path>, id: u16) -> Result<Option<RootKey>, KeyFault> {
    let name = root_file(id);
    let key =
        |(path, octets): (PathBuf, Vec<u8>)| octets.try_into().map(RootKey).map_err(|_| KeyFault::Damaged { path, id });
    let handed = credentials.map(|folder| read(folder.join(&name))).transpose()?.flatten().map(key).transpose()?;
    let own = read_private(folder.join(&name))?.map(key).transpose()?;
    match (handed, own) {
        (Some(handed), Some(own)) if handed != own => Err(KeyFault::Two(name)),
        (handed, own) => Ok(handed.or(own)),
    }
}

fn read(path: PathBuf) -> Result<Option<(PathBuf, Vec<u8>)>, KeyFault> {
    match fs::read(&path) {
        Ok(octets) => Ok(Some((path, octets))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(KeyFault::Disk { path, error }),
    }
}

/// What systemd hands over is its own care; a file of ours is for its owner alone.
fn read_private(path: PathBuf) -> Result<Option<(PathBuf, Vec<u8>)>, KeyFault> {
    match fs::metadata(&path) {
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => Err(KeyFault::Exposed(path)),
        _ => read(path),
    }
}

/// Makes a root key that nobody has yet.
pub(super) fn make_root_key(data_dir: &Path, id: u16) -> Result<RootKey, KeyFault> {
    let key = RootKey(random::octets());
    write_new(data_dir, &root_file(id), &key.0)?;
    Ok(key)
}

/// Writes a file that is not there yet into the folder of keys.
pub(super) fn write_new(data_dir: &Path, name: &str, octets: &[u8]) -> Result<(), KeyFault> {
    let path = data_dir.join(FOLDER).join(name);
    let made = || {
        let folder = path.parent().unwrap_or(data_dir);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        disk::create_private(&path, octets)?;
        disk::sync_dir(&data_dir.join(FOLDER))?;
        disk::sync_dir(data_dir)
    };
    made().map_err(|error| KeyFault::Disk { path: path.clone(), error })
}

/// The key that signs for the ledger, from the credentials or the data folder; made where there is none. Whether it was
/// made now comes with it.
///
/// # Errors
/// [`KeyFault`]: one that is damaged or of another kind is never replaced.
pub fn open_signing_key(data_dir: &Path) -> Result<(SigningKey, bool), KeyFault> {
    let path = data_dir.join(FOLDER).join(SIGNING);
    let handed = handed_credentials().map(|folder| read(folder.join(SIGNING))).transpose()?.flatten();
    let found = match handed {
        Some(handed) => Some(handed),
        None => read_private(path.clone())?,
    };
    let Some((path, pem)) = found else {
        let fault = |why: String| KeyFault::Signing { path: path.clone(), why };
        let (key, pem) = SigningKey::make(KeyKind::Ed25519, 0).map_err(|e| fault(e.to_string()))?;
        write_new(data_dir, SIGNING, pem.as_bytes())?;
        return Ok((key, true));
    };
    match SigningKey::from_pem(&pem) {
        Ok(key) if key.kind() == KeyKind::Ed25519 => Ok((key, false)),
        Ok(_) => Err(KeyFault::Signing { path, why: "it is no Ed25519 key".to_owned() }),
        Err(fault) => Err(KeyFault::Signing { path, why: fault.to_string() }),
    }
}

type Moved = BTreeMap<CompanyId, BTreeMap<u16, KeyOctets>>;

fn read_moved(folder: &Path) -> Result<Moved, KeyFault> {
    let mut moved = Moved::new();
    for name in names(folder)?.iter().filter(|name| name.strip_suffix(".key").is_some()) {
        let Some((path, octets)) = read_private(folder.join(name))? else { continue };
        let keys = MovedKeys::parse(&octets).map_err(|fault| KeyFault::Moved { path, fault })?;
        moved.insert(keys.company, keys.keys);
    }
    Ok(moved)
}

//! What changes the keys: one more root key from now on, and keys that a company brings along.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use super::files::{self, FOLDER, MOVED};
use super::{KeyFault, MovedKeys};
use crate::sys::disk;

/// Makes a root key with a number behind all those that are here and all of `known`, and tells it. It is in use from
/// the next start or reload on. Those in `lost` are gone for good: a file that is there in place of one is set aside.
///
/// # Errors
/// [`KeyFault`]; no key is in use then that was not before.
pub fn rotate(data_dir: &Path, known: &BTreeSet<u16>, lost: &[u16]) -> Result<u16, KeyFault> {
    let here = files::ids_in(data_dir)?;
    let highest = here.iter().chain(known).chain(lost).max().copied().unwrap_or(0);
    let full =
        || KeyFault::Disk { path: data_dir.join(FOLDER), error: io::Error::other("no number is left for another key") };
    let id = highest.checked_add(1).ok_or_else(full)?;
    // The new key first: half of this leaves a key too many, and never a folder without one.
    files::make_root_key(data_dir, id)?;
    // Numbers behind ours that only others have used, such as those of keys that a company has brought along.
    let between = here.last().map_or(1, |newest| newest + 1)..id;
    for number in lost.iter().copied().chain(between.filter(|number| !lost.contains(number))) {
        set_aside(data_dir, number)?;
    }
    Ok(id)
}

fn set_aside(data_dir: &Path, id: u16) -> Result<(), KeyFault> {
    let folder = data_dir.join(FOLDER);
    let path = folder.join(files::root_file(id));
    match fs::rename(&path, path.with_extension("set-aside")) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(KeyFault::Disk { path, error }),
    }
    match files::write_new(data_dir, &files::lost_file(id), b"") {
        Err(KeyFault::Disk { error, .. }) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        written => written,
    }
}

/// Keeps the keys that a company brings along. They are in use from the next start or reload on.
///
/// # Errors
/// [`KeyFault`]; [`io::ErrorKind::AlreadyExists`] when the company has brought keys before.
pub fn add_moved(data_dir: &Path, keys: &MovedKeys) -> Result<(), KeyFault> {
    let name = format!("{MOVED}/{}.key", keys.company);
    files::write_new(data_dir, &name, keys.to_text().as_bytes())?;
    let folder = data_dir.join(FOLDER).join(MOVED);
    disk::sync_dir(&folder).map_err(|error| KeyFault::Disk { path: folder, error })
}

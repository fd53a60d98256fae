//! Files that are on the disk when a call returns, readable by nobody else.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Syncs a folder, so that the names in it outlive a loss of power.
///
/// # Errors
/// What opening or syncing it failed with. After a failed sync nothing is known of what is on the disk: a second one
/// must not be believed.
pub fn sync_dir(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Writes a whole file with mode 0600 in one step: either the old content stands or the new, and the new one is synced.
///
/// # Errors
/// What creating, writing, syncing or renaming failed with; the old content then still stands.
pub fn write_private(path: &Path, octets: &[u8]) -> io::Result<()> {
    let fresh = beside(path)?;
    let written = write_new(&fresh, octets).and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        // The name may not exist at all; the first error is the one that says what happened.
        let _ = fs::remove_file(&fresh);
    }
    written?;
    sync_dir(folder_of(path))
}

/// Writes a new file with mode 0600, and syncs it.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when the name is taken, even by a link that leads nowhere; else what failed.
pub fn create_private(path: &Path, octets: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(octets)?;
    file.sync_all()?;
    sync_dir(folder_of(path))
}

/// Octets that this process may still write on the file system that holds `path`.
///
/// # Errors
/// When the path cannot be looked up.
pub fn available_octets(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

fn write_new(path: &Path, octets: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(octets)?;
    file.sync_all()
}

fn beside(path: &Path) -> io::Result<PathBuf> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(".new");
    Ok(path.with_file_name(name))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_private_file_is_replaced_whole_and_read_by_its_owner_alone() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("key");
        write_private(&path, b"the first, longer content")?;
        write_private(&path, b"second")?;
        assert_eq!(fs::read(&path)?, b"second");
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let taken = folder.path().join("taken");
        fs::create_dir(&taken)?;
        fs::write(taken.join("inside"), b"x")?;
        assert!(write_private(&taken, b"y").is_err());
        assert_eq!(fs::read_dir(folder.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn room_on_the_disk_is_known_and_asking_about_nothing_fails() -> io::Result<()> {
        assert!(available_octets(tempfile::tempdir()?.path())? > 0);
        assert!(available_octets(Path::new("/nowhere/at/all")).is_err());
        Ok(())
    }
}

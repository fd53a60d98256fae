//! Originals too big for a row: files written and synced before their row, overwritten before they are removed.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;

use super::database::unreadable;
use super::error::SpoolError;
use super::types::EntryId;

/// The folder for damaged originals, within the folder of bodies.
const CORRUPT: &str = "corrupt";

/// The folder of body files, and the thread that overwrites and removes them.
pub(super) struct Bodies {
    folder: PathBuf,
    shredder: Mutex<Option<(mpsc::Sender<PathBuf>, JoinHandle<()>)>>,
}

/// The content of an entry, ready to be written, and the file of its original if it has one.
pub(super) struct Placed {
    pub(super) content: Vec<u8>,
    pub(super) checksum: i64,
    pub(super) body: Option<StagedBody>,
}

/// A body file whose row is not committed yet: dropped, it is overwritten and removed.
pub(super) struct StagedBody {
    path: PathBuf,
    shredder: Option<mpsc::Sender<PathBuf>>,
}

impl StagedBody {
    /// Its row is committed.
    pub(super) fn keep(mut self) {
        self.shredder = None;
    }
}

impl Drop for StagedBody {
    fn drop(&mut self) {
        if let Some(shredder) = self.shredder.take() {
            // With the shredder gone the process ends, and the next start removes what has no row.
            let _ = shredder.send(std::mem::take(&mut self.path));
        }
    }
}

impl Bodies {
    /// Makes the folders where they are missing, and starts the thread.
    pub(super) fn open(folder: PathBuf) -> Result<Self, SpoolError> {
        for path in [&folder, &folder.join(CORRUPT)] {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unreadable)?;
        }
        let (sender, paths) = mpsc::channel::<PathBuf>();
        let shred_all = move || {
            for path in paths {
                if let Err(error) = shred(&path) {
                    tracing::warn!(%error, "a body file could not be removed; the next start tries again");
                }
            }
        };
        let thread = std::thread::Builder::new().name("spool-bodies".to_owned()).spawn(shred_all);
        Ok(Self { folder, shredder: Mutex::new(Some((sender, thread.map_err(unreadable)?))) })
    }

    /// Writes and syncs an original and its folder. To be called where blocking is allowed.
    pub(super) fn stage(&self, id: &EntryId, original: &[u8]) -> io::Result<StagedBody> {
        let path = self.path(id);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let staged = StagedBody { path, shredder: self.sender() };
        file.write_all(original)?;
        file.sync_all()?;
        File::open(&self.folder)?.sync_all()?;
        Ok(staged)
    }

    /// Reads an original back.
    pub(super) fn read(&self, id: &EntryId) -> io::Result<Bytes> {
        fs::read(self.path(id)).map(Bytes::from)
    }

    /// Has an original overwritten and removed, be it parked or not.
    pub(super) fn shred_later(&self, id: &EntryId) {
        if let Some(shredder) = self.sender() {
            for path in [self.path(id), self.corrupt(id)] {
                let _ = shredder.send(path);
            }
        }
    }

    /// Moves a damaged original aside; there may be none.
    pub(super) fn park(&self, id: &EntryId) -> io::Result<()> {
        match fs::rename(self.path(id), self.corrupt(id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            moved => moved,
        }
    }

    /// Octets of an original; `None` when it is not there.
    pub(super) fn octets(&self, id: &EntryId) -> Option<u64> {
        fs::metadata(self.path(id)).ok().filter(fs::Metadata::is_file).map(|m| m.len())
    }

    /// Overwrites and removes all body files that `is_known` does not know; gives their number.
    pub(super) fn remove_orphans(&self, is_known: impl Fn(&EntryId) -> bool) -> io::Result<u64> {
        let mut removed = 0;
        for file in fs::read_dir(&self.folder)? {
            let file = file?;
            let id = file.file_name().to_str().and_then(|name| EntryId::parse(name).ok());
            let orphan = file.file_type()?.is_file() && id.is_some_and(|id| !is_known(&id));
            if orphan {
                shred(&file.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Ends the thread when it has removed all it was given.
    pub(super) fn close(&self) {
        let taken = self.shredder.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((sender, thread)) = taken {
            drop(sender);
            let _ = thread.join();
        }
    }

    fn sender(&self) -> Option<mpsc::Sender<PathBuf>> {
        let shredder = self.shredder.lock().unwrap_or_else(PoisonError::into_inner);
        shredder.as_ref().map(|(sender, _)| sender.clone())
    }

    fn path(&self, id: &EntryId) -> PathBuf {
        self.folder.join(id.as_str())
    }

    fn corrupt(&self, id: &EntryId) -> PathBuf {
        self.folder.join(CORRUPT).join(id.as_str())
    }
}

/// Overwrites a file with zeros, syncs it, and removes it; a file that is not there is fine.
fn shred(path: &Path) -> io::Result<()> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let octets = file.metadata()?.len();
    io::copy(&mut io::Read::take(io::repeat(0), octets), &mut file)?;
    file.sync_all()?;
    fs::remove_file(path)
}

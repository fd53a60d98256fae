//! Originals too big for a row: files written and synced before their row, overwritten before they are removed.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use bytes::Bytes;

use super::database::{Fault, unreadable};
use super::error::SpoolError;
use super::types::EntryId;

/// The folder for damaged originals, within the folder of bodies.
const CORRUPT: &str = "corrupt";
/// How the names of originals begin that are about to be overwritten; no entry has a dot in its id.
const GONE: &str = "gone.";

/// The folder of body files, and the thread that overwrites and removes them.
pub(super) struct Bodies {
    folder: PathBuf,
    shredder: Mutex<Option<(Shredder, JoinHandle<()>)>>,
}

/// The way to the thread. What is handed over loses its name at once, so that the name is free again.
#[derive(Clone)]
struct Shredder {
    folder: PathBuf,
    handed_over: Arc<AtomicU64>,
    paths: mpsc::Sender<PathBuf>,
}

impl Shredder {
    fn shred_later(&self, path: &Path) {
        let number = self.handed_over.fetch_add(1, Ordering::Relaxed);
        let nameless = self.folder.join(format!("{GONE}{number}"));
        let path = match fs::rename(path, &nameless) {
            Ok(()) => nameless,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(_) => path.to_owned(),
        };
        // With the thread gone the process ends, and the next start removes what has no row.
        let _ = self.paths.send(path);
    }
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
    shredder: Option<Shredder>,
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
            shredder.shred_later(&self.path);
        }
    }
}

impl Bodies {
    /// Makes the folders where they are missing, and starts the thread.
    pub(super) fn open(folder: PathBuf) -> Result<Self, SpoolError> {
        for path in [&folder, &folder.join(CORRUPT)] {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unreadable)?;
        }
        let (paths, handed_over) = mpsc::channel::<PathBuf>();
        let shred_all = move || {
            for path in handed_over {
                if let Err(error) = shred(&path) {
                    tracing::warn!(%error, "a body file could not be removed; the next start tries again");
                }
            }
        };
        let thread = std::thread::Builder::new().name("spool-bodies".to_owned()).spawn(shred_all);
        let shredder = Shredder { folder: folder.clone(), handed_over: Arc::default(), paths };
        Ok(Self { folder, shredder: Mutex::new(Some((shredder, thread.map_err(unreadable)?))) })
    }

    /// Writes and syncs an original and its folder. To be called where blocking is allowed.
    ///
    /// # Errors
    /// [`SpoolError::Failed`] when a write or a sync failed for another reason than space: what is on disk is unknown.
    /// Any other error says that nothing was written.
    pub(super) fn stage(&self, id: &EntryId, original: &[u8]) -> Result<StagedBody, SpoolError> {
        let path = self.path(id);
        let folder = File::open(&self.folder).map_err(unreadable)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(not_made)?;
        let staged = StagedBody { path, shredder: self.shredder() };
        let written = file.write_all(original).and_then(|()| file.sync_all()).and_then(|()| folder.sync_all());
        written.map_err(Fault::from)?;
        Ok(staged)
    }

    /// Reads an original back, be it parked or not.
    pub(super) fn read(&self, id: &EntryId) -> io::Result<Bytes> {
        match fs::read(self.path(id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::read(self.corrupt(id)),
            read => read,
        }
        .map(Bytes::from)
    }

    /// Has an original overwritten and removed, be it parked or not.
    pub(super) fn shred_later(&self, id: &EntryId) {
        if let Some(shredder) = self.shredder() {
            shredder.shred_later(&self.path(id));
            shredder.shred_later(&self.corrupt(id));
        }
    }

    /// Moves a damaged original aside; there may be none.
    pub(super) fn park(&self, id: &EntryId) -> io::Result<()> {
        rename(&self.path(id), &self.corrupt(id))
    }

    /// Moves an original back that was moved aside; there may be none.
    pub(super) fn unpark(&self, id: &EntryId) -> io::Result<()> {
        rename(&self.corrupt(id), &self.path(id))
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
            let name = file.file_name();
            let is_gone = name.to_str().is_some_and(|name| name.starts_with(GONE));
            let id = name.to_str().and_then(|name| EntryId::parse(name).ok());
            let is_orphan = is_gone || id.is_some_and(|id| !is_known(&id));
            if is_orphan && file.file_type()?.is_file() {
                shred(&file.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Ends the thread when it has removed all it was given.
    pub(super) fn close(&self) {
        let taken = self.shredder.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((shredder, thread)) = taken {
            drop(shredder);
            let _ = thread.join();
        }
    }

    fn shredder(&self) -> Option<Shredder> {
        let shredder = self.shredder.lock().unwrap_or_else(PoisonError::into_inner);
        shredder.as_ref().map(|(shredder, _)| shredder.clone())
    }

    fn path(&self, id: &EntryId) -> PathBuf {
        self.folder.join(id.as_str())
    }

    fn corrupt(&self, id: &EntryId) -> PathBuf {
        self.folder.join(CORRUPT).join(id.as_str())
    }
}

/// Renames a file that may not be there.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        renamed => renamed,
    }
}

/// What it means that a file could not be made.
fn not_made(error: io::Error) -> SpoolError {
    match error.kind() {
        io::ErrorKind::AlreadyExists => SpoolError::Conflict("an original of that name is there".to_owned()),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SpoolError::NoSpace,
        _ => unreadable(error),
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

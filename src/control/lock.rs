//! The data folder's lock: one process at a time, gone by itself when that process ends.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// The file's name below the data folder.
const FILE: &str = "lock";

/// Holds the data folder until it is dropped.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

/// Why the data folder cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockFault {
    /// Another process holds it.
    #[error("the data folder {folder} is in use by {holder}: stop that first, or name another folder")]
    Held {
        /// The folder.
        folder: PathBuf,
        /// What the holder wrote about itself, such as `process 4711 (serve)`.
        holder: String,
    },
    /// It cannot be made, or not written to.
    #[error("the data folder {folder} cannot be used: {error}; create it and give it to the user that runs this")]
    Disk {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl DataLock {
    /// Takes the lock at once or not at all; makes the folder (0700) where it is missing.
    ///
    /// # Errors
    /// [`LockFault::Held`] tells who holds it. `purpose` is what the next one to try is told of us.
    pub fn take(data_dir: &Path, purpose: &str) -> Result<Self, LockFault> {
        let fault = |error| LockFault::Disk { folder: data_dir.to_owned(), error };
        DirBuilder::new().recursive(true).mode(0o700).create(data_dir).map_err(fault)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(data_dir.join(FILE)).map_err(fault)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(LockFault::Held { folder: data_dir.to_owned(), holder: holder(&mut file) });
            }
            Err(error) => return Err(fault(error.into())),
        }
        sign(&mut file, purpose).map_err(fault)?;
        Ok(Self { _file: file })
    }
}

fn sign(file: &mut File, purpose: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "process {} ({purpose})", std::process::id())
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(200).read_to_string(&mut text);
    let text = text.trim();
    if read.is_err() || text.is_empty() { "another process".to_owned() } else { text.to_owned() }
}

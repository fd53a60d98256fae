//! Room on the disk: the reserve that lets rows in flight land, the floor below which no new mail is taken, the cap.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;

use super::database::{pragma, stored};
use super::types::SpoolOptions;

/// How long a look at the free space is good for.
const LOOK_LASTS: Duration = Duration::from_secs(1);

/// The name of the reserve.
const RESERVE: &str = "spool.reserve";

/// Owned by the writer: what room there is, and the reserve.
pub(super) struct Room {
    folder: PathBuf,
    reserve: PathBuf,
    reserve_octets: u64,
    free_octets_min: u64,
    database_octets_max: Option<u64>,
    is_reserve_held: bool,
    looked: Option<(Instant, bool)>,
}

impl Room {
    pub(super) fn new(folder: PathBuf, options: &SpoolOptions) -> Self {
        Self {
            reserve: folder.join(RESERVE),
            folder,
            reserve_octets: options.reserve_octets,
            free_octets_min: options.free_octets_min,
            database_octets_max: options.database_octets_max,
            is_reserve_held: false,
            looked: None,
        }
    }

    /// Removes the reserve of a folder whose spool is not open; whether there was one.
    pub(super) fn drop_reserve(folder: &Path) -> bool {
        fs::remove_file(folder.join(RESERVE)).is_ok()
    }

    /// Whether the reserve is there.
    pub(super) fn is_reserve_held(&self) -> bool {
        self.is_reserve_held
    }

    /// Whether less space is free than the floor asks for. Looks at most once a second.
    pub(super) fn is_low(&mut self) -> bool {
        let now = Instant::now();
        match self.looked {
            Some((at, low)) if now.duration_since(at) < LOOK_LASTS => low,
            _ => {
                let low = self.free_octets() < self.free_octets_min;
                self.looked = Some((now, low));
                low
            }
        }
    }

    /// Sets the reserve aside, if there is room for it twice, and lowers the cap of the file by it.
    pub(super) fn hold_reserve(&mut self, connection: &Connection) -> bool {
        let there = fs::metadata(&self.reserve).is_ok_and(|m| m.len() == self.reserve_octets);
        let room = there || self.free_octets() >= self.reserve_octets.saturating_mul(2);
        self.is_reserve_held = room && self.is_under_cap(connection) && self.allocate().is_ok();
        self.set_cap(connection);
        self.is_reserve_held
    }

    /// Gives the reserve up, so that what is in flight lands.
    pub(super) fn give_up_reserve(&mut self, connection: &Connection) {
        self.is_reserve_held = false;
        self.looked = None;
        if let Err(error) = fs::remove_file(&self.reserve) {
            tracing::warn!(%error, "the reserve of the spool could not be given up");
        }
        self.set_cap(connection);
    }

    /// What cannot be told counts as plenty: the writes themselves say when the disk is full.
    fn free_octets(&self) -> u64 {
        statvfs(&self.folder).map_or(u64::MAX, |s| s.f_bavail.saturating_mul(s.f_frsize))
    }

    /// Octets the file may have while the reserve is held.
    fn cap(&self) -> Option<u64> {
        self.database_octets_max.map(|max| max.saturating_sub(self.reserve_octets))
    }

    fn is_under_cap(&self, connection: &Connection) -> bool {
        let Some(cap) = self.cap() else { return true };
        let number = |name| pragma(connection, name).unwrap_or(i64::MAX);
        number("page_count").saturating_mul(number("page_size")) < stored(cap)
    }

    /// A cap below the present size has no effect until the file has shrunk; SQLite then keeps it where it is.
    fn set_cap(&self, connection: &Connection) {
        let Some(max) = (if self.is_reserve_held { self.cap() } else { self.database_octets_max }) else { return };
        let page_octets = pragma(connection, "page_size").unwrap_or(4096).max(512);
        let pages = (stored(max) / page_octets).max(1);
        if let Err(error) = connection.pragma_update(None, "max_page_count", pages) {
            tracing::warn!(%error, "the cap of the spool could not be set");
        }
    }

    fn allocate(&self) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).mode(0o600).open(&self.reserve)?;
        file.set_len(self.reserve_octets)?;
        if self.reserve_octets == 0 {
            return Ok(());
        }
        match fallocate(&file, FallocateFlags::empty(), 0, self.reserve_octets) {
            Err(Errno::OPNOTSUPP) => fill(&file, self.reserve_octets),
            done => done.map_err(io::Error::from),
        }
    }
}

/// For file systems that cannot preallocate.
fn fill(mut file: &File, octets: u64) -> io::Result<()> {
    io::copy(&mut io::Read::take(io::repeat(1), octets), &mut file)?;
    file.flush()
}

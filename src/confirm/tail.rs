//! Following a log: through rotation, truncation and restarts, never twice over the same line and never half of one.
//!
//! A file is known by what the system calls it and by a checksum of what stands in front of the place that was read,
//! so that another file under the same name, or the same file written anew, is not taken for a continuation.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::log::{LINE_OCTETS_MAX, export};

/// Octets read at once.
const CHUNK_OCTETS: usize = 256 * 1024;
/// Octets in front of a place that its checksum is of.
const MARK_OCTETS: u64 = 64;
/// Looks at a file that was moved away, without anything new in it, before its successor is read.
const QUIET_LOOKS: u32 = 2;
/// Endings of files that were packed.
const PACKED: [&str; 6] = ["gz", "xz", "zst", "bz2", "lz4", "Z"];

/// A place in a log.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Place {
    /// What the system calls the file.
    pub file: u64,
    /// Octets in front of it.
    pub offset: u64,
    /// A checksum of the last of them.
    pub mark: u64,
}

/// A line, or an entry of the journal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Piece {
    /// Where it begins.
    pub from: Place,
    /// Its octets, without the line end.
    pub octets: Vec<u8>,
}

/// What reading came to.
#[derive(Debug, Default)]
pub struct Got {
    /// What is whole, in its order.
    pub pieces: Vec<Piece>,
    /// Whether there may be more at once.
    pub more: bool,
    /// What was lost, in words for the admin.
    pub lost: Option<String>,
}

/// A log that is followed. All its calls block.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    journal: bool,
    /// The file that is read, and those behind it up to the one under the name.
    open: Option<Open>,
    next: VecDeque<PathBuf>,
    quiet_looks: u32,
}

#[derive(Debug)]
struct Open {
    file: File,
    id: u64,
    offset: u64,
    mark: u64,
}

impl Tail {
    /// Begins where the last run ended; without a place at the end, or at the beginning with `from_start`.
    pub fn new(path: &Path, journal: bool, place: Option<Place>, from_start: bool) -> (Self, Option<String>) {
        let mut tail = Self { path: path.to_owned(), journal, open: None, next: VecDeque::new(), quiet_looks: 0 };
        if let Some(place) = place {
            let lost = tail.find(place);
            return (tail, lost);
        }
        tail.open = Open::begin(path).ok();
        if let (false, Some(open)) = (from_start, &mut tail.open) {
            open.go_to_last_line_end();
        }
        (tail, None)
    }

    /// Where it has come to; nothing before there was a file.
    pub fn place(&self) -> Option<Place> {
        self.open.as_ref().map(Open::place)
    }

    /// Finds the file of a place, under its name or moved away, and those behind it.
    fn find(&mut self, place: Place) -> Option<String> {
        let mut files = self.siblings();
        let found = files.iter().position(|path| Open::at(path, place).is_some());
        let Some(found) = found else {
            self.open = Open::begin(&self.path).ok();
            return Some("where it was read to is not there any more: what stood between is not known".to_owned());
        };
        let of = files.remove(found);
        self.next = files.split_off(found).into();
        self.open = Open::at(&of, place);
        None
    }

    /// The log and what it was called before, the oldest first; none that was packed.
    fn siblings(&self) -> Vec<PathBuf> {
        let (Some(folder), Some(name)) = (self.path.parent(), self.path.file_name()) else { return Vec::new() };
        let name = name.to_string_lossy().into_owned();
        let is_one = |path: &PathBuf| {
            let packed = path.extension().is_some_and(|e| PACKED.iter().any(|packed| e == *packed));
            !packed && path.file_name().is_some_and(|other| other.to_string_lossy().starts_with(&name))
        };
        let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let dated = |path: PathBuf| {
            let metadata = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
            // The one under the name is the newest, whatever its time.
            let newest = path == self.path;
            Some(((newest, metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH)), path))
        };
        let mut files: Vec<_> = entries.filter(is_one).filter_map(dated).collect();
        files.sort();
        files.into_iter().map(|(_, path)| path).collect()
    }

    /// Reads on.
    ///
    /// # Errors
    /// What the disk says; the place stays.
    pub fn read(&mut self) -> io::Result<Got> {
        let mut got = Got::default();
        let Some(open) = &mut self.open else {
            self.open = match Open::begin(&self.path) {
                Ok(open) => Some(open),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(got),
                Err(error) => return Err(error),
            };
            got.more = true;
            return Ok(got);
        };
        if !open.is_same()? {
            got.lost = Some("it was cut, or written anew: what was in it and not read is not known".to_owned());
            (open.offset, open.mark) = (0, mark_of(&[]));
        }
        let octets = open.chunk()?;
        let taken = take(open, &octets, self.journal, &mut got.pieces);
        got.more = taken > 0;
        if taken == 0 {
            self.go_on(&mut got)?;
        } else {
            self.quiet_looks = 0;
        }
        Ok(got)
    }

    /// At the end of a file: to the next one, once whoever writes has gone there.
    fn go_on(&mut self, got: &mut Got) -> io::Result<()> {
        if let Some(next) = self.next.pop_front() {
            // What was moved away while nobody looked is not written to any more.
            self.open = Some(Open::begin(&next)?);
            got.more = true;
            return Ok(());
        }
        let newer = match fs::metadata(&self.path) {
            Ok(metadata) => metadata.len() > 0 && self.open.as_ref().is_some_and(|open| open.id != metadata.ino()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        self.quiet_looks = if newer { self.quiet_looks + 1 } else { 0 };
        if self.quiet_looks > QUIET_LOOKS {
            self.quiet_looks = 0;
            self.open = Some(Open::begin(&self.path)?);
            got.more = true;
        }
        Ok(())
    }
}

/// Takes what is whole out of the octets behind the place, and moves the place behind it. How many octets that were.
fn take(open: &mut Open, octets: &[u8], journal: bool, pieces: &mut Vec<Piece>) -> usize {
    let mut at = 0;
    while let Some((length, is_whole)) = first(&octets[at..], journal) {
        let piece = &octets[at..at + length];
        if is_whole {
            let octets = piece.strip_suffix(b"\n").unwrap_or(piece).to_vec();
            pieces.push(Piece { from: open.place(), octets });
        }
        at += length;
        open.pass(&octets[..at], length);
    }
    at
}

/// The length of the first line or entry, and whether it is one to be read; nothing while it is not whole.
fn first(octets: &[u8], journal: bool) -> Option<(usize, bool)> {
    if octets.is_empty() {
        return None;
    }
    if journal {
        return match export::next(octets) {
            Ok(length) => length.map(|length| (length, true)),
            Err(length) => Some((length.max(1), false)),
        };
    }
    match memchr::memchr(b'\n', octets) {
        Some(end) => Some((end + 1, end <= LINE_OCTETS_MAX)),
        // A line without an end is passed over in pieces.
        None => (octets.len() >= CHUNK_OCTETS).then_some((octets.len(), false)),
    }
}

impl Open {
    fn begin(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let id = file.metadata()?.ino();
        Ok(Self { file, id, offset: 0, mark: mark_of(&[]) })
    }

    /// The file, if the place is in it.
    fn at(path: &Path, place: Place) -> Option<Self> {
        let open = Self { offset: place.offset, mark: place.mark, ..Self::begin(path).ok()? };
        (open.id == place.file && open.is_same().ok()?).then_some(open)
    }

    fn place(&self) -> Place {
        Place { file: self.id, offset: self.offset, mark: self.mark }
    }

    /// Whether what stands in front of the place is what stood there.
    fn is_same(&self) -> io::Result<bool> {
        if self.file.metadata()?.len() < self.offset {
            return Ok(false);
        }
        let length = self.offset.min(MARK_OCTETS);
        let mut before = vec![0; usize::try_from(length).unwrap_or(0)];
        self.file.read_exact_at(&mut before, self.offset - length)?;
        Ok(mark_of(&before) == self.mark)
    }

    fn chunk(&self) -> io::Result<Vec<u8>> {
        let mut octets = vec![0; CHUNK_OCTETS];
        let read = self.file.read_at(&mut octets, self.offset)?;
        octets.truncate(read);
        Ok(octets)
    }

    /// Moves the place over the last `length` of the octets that were read up to here.
    fn pass(&mut self, octets: &[u8], length: usize) {
        self.offset += length as u64;
        let most = usize::try_from(MARK_OCTETS.min(self.offset)).unwrap_or(0);
        if octets.len() >= most {
            self.mark = mark_of(&octets[octets.len() - most..]);
        } else {
            let mut before = vec![0; most];
            // What cannot be read now does not fit later, and is said to be lost then.
            let _ = self.file.read_exact_at(&mut before, self.offset - most as u64);
            self.mark = mark_of(&before);
        }
    }

    /// To the end of what is whole; a line that is being written is read when it is.
    fn go_to_last_line_end(&mut self) {
        let length = self.file.metadata().map_or(0, |metadata| metadata.len());
        let from = length.saturating_sub(CHUNK_OCTETS as u64);
        let mut last = vec![0; usize::try_from(length - from).unwrap_or(0)];
        if self.file.read_exact_at(&mut last, from).is_ok() {
            let whole = memchr::memrchr(b'\n', &last).map_or(0, |end| end + 1);
            self.offset = from;
            self.pass(&last[..whole], whole);
        }
    }
}

/// FNV-1a: it tells files apart, and nothing hangs on nobody being able to make two alike.
fn mark_of(octets: &[u8]) -> u64 {
    octets.iter().fold(0xcbf2_9ce4_8422_2325, |mark, octet| (mark ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests;

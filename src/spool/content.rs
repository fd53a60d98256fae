//! The file `spool.content`: addresses, edits and small originals of the mails in custody, each in a run of blocks.
//!
//! A database page that is rearranged keeps octets of rows that have left it, whatever is zeroed on deletion. Content
//! therefore never enters the database or its log: it is written once, in place, synced before its row is committed,
//! and overwritten in place when its row is gone. Every run has its blocks for itself, so that writing one tears no
//! other.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

/// Runs begin and end at multiples of this many octets.
const BLOCK: u64 = 4096;
/// Free runs looked at before the file is made longer instead.
const LOOKS_MAX: usize = 64;
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// Where the content of an entry lies: the octets that count; its run is longer, up to the end of a block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Run {
    pub(super) at: u64,
    pub(super) octets: u64,
}

impl Run {
    fn blocks_end(self) -> u64 {
        self.at + self.octets.max(1).next_multiple_of(BLOCK)
    }
}

/// The file as the writer sees it. Readers share the open file, and prove what they read by its checksum.
pub(super) struct Content {
    file: Arc<File>,
    /// Free runs by offset; all of them zeros, none touching another or the end.
    free: BTreeMap<u64, u64>,
    /// Blocks of nobody that the last run left and that may hold octets of mail that is gone: nothing is written there
    /// before they are overwritten. By offset, none touching another.
    unswept: Vec<(u64, u64)>,
    end: u64,
    /// Whether content was written that no sync covers: it must not be named by a row yet.
    has_new: bool,
}

impl Content {
    /// Opens the file, makes it when it is missing, and finds the blocks that no run of `used` has, for
    /// [`Content::sweep`]. What lies in a run's last block behind its octets is zero: it was when the run was
    /// allocated, and the block was written and synced whole. Behind the last run of all the file may be longer.
    pub(super) fn open(path: &Path, mut used: Vec<Run>) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let length = file.metadata()?.len();
        used.sort_by_key(|run| run.at);
        let (mut unswept, mut covered, mut written_to) = (Vec::new(), 0, 0);
        for run in used {
            if run.at > covered {
                unswept.push((covered, run.at));
            }
            covered = covered.max(run.blocks_end());
            written_to = written_to.max(run.at + run.octets);
        }
        let (in_last_block, end) = (written_to..length.min(covered), length.next_multiple_of(BLOCK).max(covered));
        if end > covered {
            unswept.push((covered, end));
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
        let content = Self { file: Arc::new(file), free: BTreeMap::new(), unswept, end, has_new: true };
        content.zero(in_last_block.start, in_last_block.end)?;
        Ok(content)
    }

    /// Overwrites so many octets of what the last run left, the last ones first, and frees them. Returns whether
    /// nothing is left of it. No row waits for this: what a crash prevents, the next start finds again.
    pub(super) fn sweep(&mut self, mut octets_max: u64) -> io::Result<bool> {
        while octets_max >= BLOCK
            && let Some((at, end)) = self.unswept.pop()
        {
            let from = at.max(end.saturating_sub(octets_max).next_multiple_of(BLOCK));
            if from > at {
                self.unswept.push((at, from));
            }
            if let Err(error) = self.zero(from, end) {
                self.unswept.push((from, end));
                return Err(error);
            }
            self.has_new = true;
            self.free_blocks(from, end);
            octets_max -= (end - from).min(octets_max);
        }
        Ok(self.unswept.is_empty())
    }

    /// The file for readers.
    pub(super) fn reader(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Writes content to a run of its own. It is durable after [`Content::sync`].
    pub(super) fn write(&mut self, octets: &[u8]) -> io::Result<Run> {
        let run = self.allocate(octets.len() as u64);
        self.has_new = true;
        if let Err(error) = self.file.write_all_at(octets, run.at) {
            // What was written of it is overwritten; what was not cannot be, on a full disk, and need not.
            let _ = self.zero(run.at, run.blocks_end());
            self.free_blocks(run.at, run.blocks_end());
            return Err(error);
        }
        Ok(run)
    }

    /// Makes new content durable. After an error nobody knows what is on disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if self.has_new {
            self.file.sync_data()?;
            self.has_new = false;
        }
        Ok(())
    }

    /// Overwrites a run whose row is gone, and frees its blocks. No row waits for this to be synced: should the zeros
    /// be lost, the next start writes them again.
    pub(super) fn release(&mut self, run: Run) -> io::Result<()> {
        self.zero(run.at, run.blocks_end().min(self.end))?;
        self.free_blocks(run.at, run.blocks_end());
        Ok(())
    }

    /// Cuts off what is free at the end, and syncs everything.
    pub(super) fn shrink(&mut self) -> io::Result<()> {
        if self.file.metadata()?.len() > self.end {
            self.file.set_len(self.end)?;
        }
        self.file.sync_data()?;
        self.has_new = false;
        Ok(())
    }

    /// The first free run that is long enough, among those looked at; else the end.
    fn allocate(&mut self, octets: u64) -> Run {
        let wanted = octets.max(1).next_multiple_of(BLOCK);
        let fits = self.free.iter().take(LOOKS_MAX).find(|(at, end)| *end - *at >= wanted);
        let Some((at, end)) = fits.map(|(at, end)| (*at, *end)) else {
            let at = self.end;
            self.end += wanted;
            return Run { at, octets };
        };
        self.free.remove(&at);
        if end - at > wanted {
            self.free.insert(at + wanted, end);
        }
        Run { at, octets }
    }

    /// Joins the blocks with the free runs beside them, or with what lies behind the end.
    fn free_blocks(&mut self, mut at: u64, mut end: u64) {
        if let Some((before, before_end)) = self.free.range(..at).next_back().map(|(a, e)| (*a, *e))
            && before_end == at
        {
            self.free.remove(&before);
            at = before;
        }
        if let Some(after_end) = self.free.remove(&end) {
            end = after_end;
        }
        if end == self.end {
            self.end = at;
        } else {
            self.free.insert(at, end);
        }
    }

    fn zero(&self, mut at: u64, end: u64) -> io::Result<()> {
        while at < end {
            let octets = usize::try_from(end - at).map_or(ZEROS.len(), |left| left.min(ZEROS.len()));
            self.file.write_all_at(&ZEROS[..octets], at)?;
            at += octets as u64;
        }
        Ok(())
    }
}

/// Reads a run.
pub(super) fn read(file: &File, run: Run) -> io::Result<Vec<u8>> {
    // A damaged row must not make us ask for more memory than the file can fill.
    if run.at.saturating_add(run.octets) > file.metadata()?.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut octets = vec![0; usize::try_from(run.octets).map_err(io::Error::other)?];
    file.read_exact_at(&mut octets, run.at)?;
    Ok(octets)
}

/// A checksum against damage by accident, not against forgery: eight octets a step, each step a bijection of the state,
/// so that no change of one word goes unseen.
pub(super) fn checksum(octets: &[u8]) -> i64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let step = |sum: u64, word: u64| (sum ^ word).wrapping_mul(FACTOR).rotate_left(29);
    let (words, rest) = octets.as_chunks::<8>();
    let sum = words.iter().fold(octets.len() as u64, |sum, word| step(sum, u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    step(sum, u64::from_le_bytes(last)).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        // Each case syncs some files.
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        #[test]
        fn runs_never_overlap_and_what_is_released_is_zero(
            steps in proptest::collection::vec((any::<bool>(), 1usize..20_000, any::<prop::sample::Index>()), 1..60),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("spool.content");
            let mut content = Content::open(&path, Vec::new()).unwrap();
            let mut live: Vec<(Run, Vec<u8>)> = Vec::new();
            for (number, (store, octets, pick)) in steps.into_iter().enumerate() {
                if store || live.is_empty() {
                    let octets = vec![u8::try_from(number + 1).unwrap(); octets];
                    live.push((content.write(&octets).unwrap(), octets));
                } else {
                    let (run, _) = live.swap_remove(pick.index(live.len()));
                    content.release(run).unwrap();
                }
                for (run, octets) in &live {
                    prop_assert_eq!(&read(&content.file, *run).unwrap(), octets);
                }
            }
            content.shrink().unwrap();
            let kept: usize = std::fs::read(&path).unwrap().iter().filter(|o| **o != 0).count();
            prop_assert_eq!(kept, live.iter().map(|(_, octets)| octets.len()).sum::<usize>());

            let used = live.iter().map(|(run, _)| *run).take(1).collect();
            let mut reopened = Content::open(&path, used).unwrap();
            while !reopened.sweep(2 * BLOCK).unwrap() {
                let new = reopened.write(b"new").unwrap();
                prop_assert_eq!(read(&reopened.file, new).unwrap(), b"new");
                reopened.release(new).unwrap();
            }
            reopened.shrink().unwrap();
            let kept: usize = std::fs::read(&path).unwrap().iter().filter(|o| **o != 0).count();
            prop_assert_eq!(kept, live.first().map_or(0, |(_, octets)| octets.len()), "orphans are overwritten");
            prop_assert_eq!(reopened.end, live.first().map_or(0, |(run, _)| run.blocks_end()));
        }

        #[test]
        fn any_changed_octet_changes_the_checksum(
            mut octets in proptest::collection::vec(any::<u8>(), 1..200),
            at in any::<prop::sample::Index>(),
            by in 1u8..,
        ) {
            let sum = checksum(&octets);
            let at = at.index(octets.len());
            octets[at] ^= by;
            prop_assert_ne!(sum, checksum(&octets));
        }
    }
}

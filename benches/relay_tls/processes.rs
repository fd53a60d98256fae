//! What a peer's processes use: CPU with that of children that have ended, and memory.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// What was used while somebody watched.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    /// CPU in user mode.
    pub user: Duration,
    /// CPU in the kernel.
    pub system: Duration,
    /// The most memory at one time, in KiB: each page shared by n processes counts 1/n for each.
    pub pss_kib: u64,
}

/// A process and all it has started, from the start of the watch until its stop.
pub struct Watch {
    root: u32,
    before: (u64, u64),
    peak: Arc<AtomicU64>,
    on: Arc<AtomicBool>,
    sampler: JoinHandle<()>,
}

impl Watch {
    /// Begins with the process of this id.
    pub fn begin(root: u32) -> Self {
        let (peak, on) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(true)));
        let (written, watched) = (Arc::clone(&peak), Arc::clone(&on));
        let sampler = std::thread::spawn(move || {
            while watched.load(Ordering::Relaxed) {
                let pss = tree(root).keys().map(|pid| pss_kib(*pid)).sum();
                written.fetch_max(pss, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(500));
            }
        });
        Self { root, before: ticks(root), peak, on, sampler }
    }

    /// Ends it.
    pub fn stop(self) -> Used {
        let after = ticks(self.root);
        self.on.store(false, Ordering::Relaxed);
        self.sampler.join().expect("the sampler");
        // A tick is 10 ms on every Linux that we run on.
        let time = |ticks: u64| Duration::from_millis(ticks * 10);
        Used {
            user: time(after.0.saturating_sub(self.before.0)),
            system: time(after.1.saturating_sub(self.before.1)),
            pss_kib: self.peak.load(Ordering::Relaxed),
        }
    }
}

/// Fields of /proc/PID/stat behind the command's name: `state ppid …`.
fn stat(pid: u32) -> Option<Vec<u64>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(") ")?;
    Some(fields.split(' ').map(|f| f.trim().parse().unwrap_or(0)).collect())
}

/// The process and its descendants, each with its stat.
fn tree(root: u32) -> BTreeMap<u32, Vec<u64>> {
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let all: BTreeMap<u32, Vec<u64>> = pids.filter_map(|pid| Some((pid, stat(pid)?))).collect();
    let is_ours = |mut pid: u32| {
        while pid != root && pid > 1 {
            pid = all.get(&pid).map_or(0, |s| u32::try_from(s[1]).unwrap_or(0));
        }
        pid == root
    };
    all.iter().filter(|(pid, _)| is_ours(**pid)).map(|(pid, stat)| (*pid, stat.clone())).collect()
}

/// User and system ticks of the tree, with those of children that have ended and been waited for.
fn ticks(root: u32) -> (u64, u64) {
    // Fields 14 to 17 of proc(5): utime, stime, and what waited-for children have used.
    let tree = tree(root);
    let sum = |own: usize, children: usize| tree.values().map(|s| s[own] + s[children]).sum();
    (sum(11, 13), sum(12, 14))
}

fn pss_kib(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("Pss:"));
    line.and_then(|l| l.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}

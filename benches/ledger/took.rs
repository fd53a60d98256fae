//! How long something took: by the clock on the wall, and of the CPU, which tells the same on a machine that is shared.

use std::fs;
use std::ops::AddAssign;
use std::time::{Duration, Instant};

use super::Fault;

/// A stretch of time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Took {
    /// By the clock on the wall.
    pub wall: Duration,
    /// User and system time of all threads of this process.
    pub cpu: Duration,
}

impl AddAssign for Took {
    fn add_assign(&mut self, other: Self) {
        self.wall += other.wall;
        self.cpu += other.cpu;
    }
}

/// Runs from its start on.
pub struct Watch {
    began: Instant,
    cpu: Duration,
}

impl Watch {
    /// Starts one.
    pub fn start() -> Result<Self, Fault> {
        Ok(Self { cpu: cpu()?, began: Instant::now() })
    }

    /// What it shows.
    pub fn stop(self) -> Result<Took, Fault> {
        Ok(Took { wall: self.began.elapsed(), cpu: cpu()?.saturating_sub(self.cpu) })
    }
}

/// proc(5), `/proc/pid/stat`: the 14th and 15th value are user and system time, in hundredths of a second. The second
/// is a name in brackets that may hold anything.
fn cpu() -> Result<Duration, Fault> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, values) = stat.rsplit_once(") ").ok_or("/proc/self/stat has no name")?;
    let ticks = values.split(' ').skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}

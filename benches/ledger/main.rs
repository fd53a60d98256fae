//! What counting costs: referrals a second posted durably, beside a bare insert of the same rows in the same run; how
//! the cost grows with the ledger; balance and verify.
//!
//! `cargo bench --bench ledger` prints the tables of docs/ledger.md. `LEDGER_REFERRALS` (1,000,000) is how far it goes;
//! with `LEDGER_DOCS=docs` the table and the plot there are written anew.

mod bare;
mod plot;
mod referrals;
mod took;

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use career_relay::referral::CompanyId;
use career_relay::spool::OutboxRow;
use career_relay::store::{PumpOptions, Store};
use tokio::runtime::Runtime;

use bare::Bare;
use plot::Point;
use referrals::{agreement, company, referral};
use took::{Took, Watch};

/// Referrals that the two are compared by, in parts that take turns.
const COMPARED: u64 = 120_000;
const TURNS: u64 = 6;
/// The sizes whose cost is told, as far as the run goes.
const SIZES: [u64; 4] = [10_000, 100_000, 1_000_000, 10_000_000];
/// Entries of the ledger that is verified.
const ENTRIES_VERIFIED: u64 = 1_000_000;

type Fault = Box<dyn std::error::Error>;

struct Bench {
    runtime: Runtime,
    store: Store,
    company: CompanyId,
    batch: u64,
    posted: u64,
    /// What [`Store::balance`] and verify are asked of.
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Result<Self, Fault> {
        let (folder, runtime) = (tempfile::tempdir()?, Runtime::new()?);
        let store = Store::open(folder.path())?;
        runtime.block_on(store.agree(agreement()?))?;
        let batch = u64::try_from(PumpOptions::default().batch_rows)?;
        Ok(Self { runtime, store, company: company()?, batch, posted: 0, folder })
    }

    /// Posts until there are `until` referrals; how long the store took for them.
    fn post(&mut self, until: u64) -> Result<Took, Fault> {
        let mut took = Took::default();
        while self.posted < until {
            let numbers = self.posted + 1..=until.min(self.posted + self.batch);
            let rows =
                numbers.map(|seq| Ok(OutboxRow { seq, event: referral(seq)? })).collect::<Result<Vec<_>, Fault>>()?;
            let (sent, watch) = (rows.len() as u64, Watch::start()?);
            let posted = self.runtime.block_on(self.store.post(rows))?;
            took += watch.stop()?;
            assert_eq!(posted.events, sent, "every referral is new");
            self.posted += sent;
        }
        Ok(took)
    }

    fn entries(&self) -> u64 {
        // Each makes three entries, and every tenth a slot.
        self.posted * 3 + self.posted / 10
    }

    fn balance(&self) -> Result<Duration, Fault> {
        let began = Instant::now();
        let balance = self.runtime.block_on(self.store.balance(&self.company))?;
        assert_eq!(balance.first().map(|b| b.pool.counted), Some(self.posted));
        Ok(began.elapsed())
    }

    fn verify(&self) -> Result<Took, Fault> {
        let watch = Watch::start()?;
        let found = self.runtime.block_on(self.store.verify(None))?;
        assert!(found.iter().all(|company| company.faults.is_empty()), "{found:?}");
        assert_eq!(found.iter().map(|company| company.entries).sum::<u64>(), self.entries());
        watch.stop()
    }

    fn octets(&self) -> Result<u64, Fault> {
        let mut octets = 0;
        for file in fs::read_dir(self.folder.path())? {
            octets += file?.metadata()?.len();
        }
        Ok(octets)
    }
}

fn per_second(referrals: u64, took: Duration) -> f64 {
    float(referrals) / took.as_secs_f64()
}

fn micros(referrals: u64, took: Duration) -> f64 {
    took.as_secs_f64() * 1e6 / float(referrals)
}

fn float(number: u64) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

/// Ledger and bare table by turns, so that what else the machine does falls on both.
fn compare() -> Result<String, Fault> {
    let (mut ledger, mut bare) = (Bench::new()?, Bare::new(ledger_batch())?);
    let (mut ours, mut theirs) = (Took::default(), Took::default());
    for turn in 1..=TURNS {
        ours += ledger.post(COMPARED / TURNS * turn)?;
        theirs += bare.insert(COMPARED / TURNS * turn)?;
    }
    let rate = |took: Took| (per_second(COMPARED, took.wall), micros(COMPARED, took.cpu));
    let ((our_rate, our_cpu), (their_rate, their_cpu)) = (rate(ours), rate(theirs));
    Ok(format!(
        "| posted durably, in batches of {} | {our_rate:.0} referrals a second, {our_cpu:.1} µs of CPU each |\n\
         | the same rows into one bare table | {their_rate:.0} referrals a second, {their_cpu:.1} µs of CPU each |\n\
         | ratio | {:.2}; of the CPU {:.2} |\n",
        ledger.batch,
        our_rate / their_rate,
        their_cpu / our_cpu
    ))
}

fn ledger_batch() -> u64 {
    PumpOptions::default().batch_rows as u64
}

/// Each tenth of a decade is timed by itself; the last tenth in front of a size tells its cost.
fn grow(most: u64) -> Result<(Vec<Point>, String), Fault> {
    let (mut bench, mut points, mut rows) = (Bench::new()?, Vec::new(), String::new());
    let verified_at = ENTRIES_VERIFIED * 10 / 31;
    let mut stops: Vec<u64> =
        SIZES.iter().flat_map(|size| (2..=10).map(move |tenth| size / 10 * tenth)).filter(|n| *n <= most).collect();
    stops.extend((verified_at <= most).then_some(verified_at));
    stops.sort_unstable();
    for stop in stops {
        let (before, took) = (bench.posted, bench.post(stop)?);
        points.push(Point { referrals: float(stop), micros: micros(stop - before, took.wall) });
        if SIZES.contains(&stop) {
            let balance = bench.balance()?;
            writeln!(
                rows,
                "| {stop} referrals | {:.1} µs each, {:.1} µs of CPU; balance in {:.2} ms, {} MB |",
                micros(stop - before, took.wall),
                micros(stop - before, took.cpu),
                balance.as_secs_f64() * 1e3,
                bench.octets()? / 1_000_000
            )?;
        }
        if stop == verified_at {
            let (entries, verified) = (bench.entries(), bench.verify()?);
            let Took { wall, cpu } = verified;
            let (wall, cpu) = (wall.as_secs_f64(), cpu.as_secs_f64());
            writeln!(rows, "| verify of {entries} entries | {wall:.2} s, {cpu:.2} s of CPU on two threads |")?;
        }
    }
    Ok((points, rows))
}

fn main() -> Result<(), Fault> {
    // Without `cargo bench` in front (as `cargo test --benches` does it) there is nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let most = std::env::var("LEDGER_REFERRALS").map_or(Ok(1_000_000), |n| n.replace('_', "").parse())?;
    let head = "| what | measured |\n|---|---|\n";
    let compared = compare()?;
    print!("{head}{compared}");
    let (points, rows) = grow(most)?;
    print!("{rows}");
    if let Ok(docs) = std::env::var("LEDGER_DOCS") {
        let docs = Path::new(&docs);
        fs::write(docs.join("ledger-cost.svg"), plot::draw(&points))?;
        let path = docs.join("ledger.md");
        fs::write(&path, plot::replace_table(&fs::read_to_string(&path)?, &format!("{head}{compared}{rows}"))?)?;
    }
    Ok(())
}

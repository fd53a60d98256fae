//! Any octets in: the same octets out, or a splice that an independent reader proves as well.
//!
//! Random octets, mails built from every charset, transfer encoding and shape, and mails of the corpus with random harm
//! done to them. CI tries a seeded sample; `make long-splice` tries a million, goes on where it was stopped, and writes
//! its result into docs/long-runs.md; it says so to this program by three variables of the environment.

mod check;
mod mails;
#[path = "../streams/record.rs"]
mod record;
mod tally;

use std::cell::RefCell;
use std::env;
use std::path::PathBuf;

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use check::Bench;
use tally::Tally;

/// Mails that CI tries.
const SAMPLE: u32 = 20_000;
/// Mails between two notes of how far the run is.
const BATCH: u32 = 2_000;

#[test]
fn any_octets_leave_as_they_came_or_as_a_proven_splice() {
    let cases = env::var("SPLICES").map_or(SAMPLE, |n| n.parse().expect("SPLICES is a number"));
    let state = env::var_os("SPLICES_STATE").map(PathBuf::from);
    let mut tally = state.as_deref().map(Tally::resume).unwrap_or_default();
    let (bench, strategy) = (Bench::new(), mails::every_kind());
    while tally.cases < cases {
        let cases = BATCH.min(cases - tally.cases);
        // Each batch has dice of its own: a run that was stopped goes on as if it had not been.
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&tally.cases.to_le_bytes());
        let dice = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let counted = RefCell::new(&mut tally);
        let run = TestRunner::new_with_rng(config, dice).run(&strategy, |mail| {
            counted.borrow_mut().count(bench.check(&mail)?);
            Ok(())
        });
        run.unwrap_or_else(|fault| panic!("{fault}"));
        tally.cases += cases;
        if let Some(state) = &state {
            tally.note(state);
        }
    }
    println!("{tally}");
    let both = [tally.spliced, tally.untouched].iter().all(|n| n * 10 > tally.cases);
    assert!(both, "the mails are of one kind: {tally}");
    if let Some(report) = env::var_os("SPLICES_REPORT") {
        tally.report(&PathBuf::from(report));
    }
    if let Some(state) = &state {
        std::fs::remove_file(state).expect("the state file of a run that is over");
    }
}

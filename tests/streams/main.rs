//! Random streams behind DATA and BDAT, cut at random, read by the server's session and by a strict reference: the same
//! message, the same end, the same refusal, at every octet.
//!
//! CI reads a seeded sample. `make long-streams` reads ten million, goes on where it was stopped, and writes its result
//! into docs/long-runs.md; it says so to this program by three variables of the environment.

mod dialogue;
mod dice;
mod record;
#[path = "../../src/proto/smtp/data/tests/reference.rs"]
mod reference;
mod tally;

use std::env;
use std::path::PathBuf;

use dialogue::{Kind, check};
use dice::Dice;
use tally::Tally;

/// Streams that CI reads.
const SAMPLE: u64 = 200_000;
/// Streams between two notes of how far the run is.
const BATCH: u64 = 50_000;

#[test]
fn random_streams_are_read_as_the_strict_reference_says() {
    let streams = env::var("STREAMS").map_or(SAMPLE, |n| n.parse().expect("STREAMS is a number"));
    let state = env::var_os("STREAMS_STATE").map(PathBuf::from);
    let mut tally = state.as_deref().map(Tally::resume).unwrap_or_default();
    while tally.streams < streams {
        let until = streams.min(tally.streams + BATCH);
        for number in tally.streams..until {
            let kind = [Kind::Data, Kind::Chunks][usize::from(number % 2 == 1)];
            // Each stream has dice of its own: a run that was stopped goes on as if it had not been.
            tally.count(&check(kind, number % 4 >= 2, &mut Dice::new(number)));
        }
        tally.streams = until;
        if let Some(state) = &state {
            tally.note(state);
        }
    }
    println!("{tally}");
    let all_kinds = [tally.messages, tally.refused, tally.open].iter().all(|n| n * 100 > streams);
    assert!(all_kinds, "the dice are loaded: {tally}");
    if let Some(report) = env::var_os("STREAMS_REPORT") {
        tally.report(&PathBuf::from(report));
    }
    if let Some(state) = &state {
        std::fs::remove_file(state).expect("the state file of a run that is over");
    }
}

//! Any octets behind 354, in any pieces: the same message, the same end, the same fault.
#![no_main]

use career_relay::proto::smtp::data::{BareLf, DataLimits, Decoder, Progress};
use libfuzzer_sys::fuzz_target;

const LIMITS: DataLimits = DataLimits { octets_max: 4096, line_octets_max: 1024 };

/// Message and last word, fed in pieces of `size`.
fn decode(octets: &[u8], size: usize) -> (Vec<u8>, Option<Progress>, usize) {
    let (mut decoder, mut out, mut fed) = (Decoder::new(LIMITS, BareLf::Refuse), Vec::new(), 0);
    for piece in octets.chunks(size) {
        match decoder.feed(piece, &mut out) {
            Progress::More => fed += piece.len(),
            Progress::Done { consumed, fault } => {
                return (out, Some(Progress::Done { consumed: fed + consumed, fault }), fed + consumed);
            }
            refused @ Progress::Refused(_) => return (Vec::new(), Some(refused), 0),
        }
    }
    (out, None, fed)
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, octets) = (usize::from(input.0).max(1), input.1);
    let (mut whole, mut cut) = (decode(octets, octets.len().max(1)), decode(octets, size));
    // What is kept of a message that is not at its end is nobody's business.
    if whole.1.is_none() {
        (whole.0, cut.0) = (Vec::new(), Vec::new());
    }
    assert_eq!(whole, cut);
});

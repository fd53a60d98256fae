//! Any octets as a next hop's reply: read or refused, and what was read can be written and read again.
#![no_main]

use career_relay::proto::smtp::reply::{REPLY_OCTETS_MAX, Reply};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    if let Ok(Some((reply, taken))) = Reply::read(octets) {
        assert!(taken <= octets.len());
        let mut written = Vec::new();
        reply.write_to(&mut written);
        assert!(written.split_inclusive(|b| *b == b'\n').all(|line| line.len() <= 512));
        let again = Reply::read(&written).ok().flatten().map(|(reply, _)| reply.code);
        // Each line gets the enhanced code of the first, so that many short ones grow.
        assert!(again == Some(reply.code) || written.len() > REPLY_OCTETS_MAX);
    }
});

//! Any octets as a next hop's reply: read or refused, and what was read can be written and read again.
#![no_main]

use career_relay::proto::smtp::reply::Reply;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    if let Ok(Some((reply, taken))) = Reply::read(octets) {
        assert!(taken <= octets.len());
        let mut written = Vec::new();
        reply.write_to(&mut written);
        let again = Reply::read(&written).ok().flatten().map(|(reply, _)| reply.code);
        assert_eq!(again, Some(reply.code));
    }
});

//! Any octets in front of a connection: a header is waited for until it is whole, and never takes what stands behind it.
#![no_main]

use career_relay::proto::proxy::{HEADER_OCTETS_MAX, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let whole = read(octets);
    if let Ok(Some((proxied, taken))) = whole {
        assert!((16..=HEADER_OCTETS_MAX.min(octets.len())).contains(&taken));
        assert_eq!(read(&octets[..taken]), Ok(Some((proxied, taken))));
        assert_eq!(read(&octets[..taken - 1]), Ok(None));
    }
    // Less is never more: what is refused early is refused late, what is waited for early may become anything.
    for part in 0..octets.len().min(40) {
        if let Err(fault) = read(&octets[..part]) {
            assert_eq!(whole, Err(fault));
        }
    }
});

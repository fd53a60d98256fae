//! Any octets as a mail that came back: read without a panic, the same twice, and a bounce only with a mail system's name.
#![no_main]

use career_relay::mail::dsn::read::{Verdict, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let reading = read(octets);
    assert_eq!(reading, read(octets));
    assert!(reading.recipients.len() <= 20);
    let lower = octets.to_ascii_lowercase();
    let has = |words: &[u8]| lower.windows(words.len()).any(|w| w == words);
    if reading.verdict == Verdict::Failed {
        assert!(has(b"from") || has(b"x-failed-recipients") || has(b"multipart/report"));
    }
});

//! Any octets as lines and entries of an MTA's log: read without a panic, the same twice, and never evidence without a
//! queue id that stands in the line.
#![no_main]

use career_relay::config::MtaFormat;
use career_relay::confirm::log::{Fact, Manner, What, export, named_by};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let text = String::from_utf8_lossy(octets);
    let now = jiff::Timestamp::from_second(1_795_000_000).unwrap_or_default();
    for (format, program) in
        [(MtaFormat::Postfix, "postfix"), (MtaFormat::Sendmail, "sendmail"), (MtaFormat::Exim, "exim")]
    {
        let manner = Manner { format, program: program.to_owned(), zone: jiff::tz::TimeZone::UTC };
        for line in text.lines() {
            let fact = Fact::read(line, &manner, now);
            assert_eq!(fact, Fact::read(line, &manner, now));
            let Some(fact) = fact else { continue };
            assert!(line.contains(&fact.queue_id));
            if let What::Tried(tried) = fact.what {
                assert!(!tried.to.is_empty());
                let _ = named_by(&tried.reply);
            }
        }
        if let Ok(Some(length)) = export::next(octets) {
            let _ = export::read(&octets[..length], &manner);
        }
    }
});

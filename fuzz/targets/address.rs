//! Any text: an address that parses is written as it came and parses again to the same.
#![no_main]

use career_relay::mail::address::Address;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(address) = Address::parse(text) {
        assert_eq!(address.as_str(), text);
        assert_eq!(Address::parse(address.as_str()), Ok(address.clone()));
        assert!(!text.contains(['\r', '\n', '\0', '<', '>']) || text.starts_with('"'));
        assert!(!text.contains(['\r', '\n', '\0']));
    }
});

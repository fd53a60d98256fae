//! Prints of secrets: what was seen before is known again, and nothing can be read from what is kept.

use ring::hmac::{HMAC_SHA256, Key, sign};

use super::random;

/// Makes prints with a key that nobody knows and that goes when the process does.
#[derive(Debug)]
pub struct Printer(Key);

/// The print of some octets.
pub type Print = [u8; 32];

impl Printer {
    /// A printer with a fresh key.
    pub fn new() -> Self {
        Self(Key::new(HMAC_SHA256, &random::octets::<32>()))
    }

    /// The print of two texts; no other two have the same, also not the same octets parted elsewhere.
    pub fn print(&self, one: &[u8], other: &[u8]) -> Print {
        let length = (one.len() as u64).to_be_bytes();
        let tag = sign(&self.0, &[&length, one, other].concat());
        let mut print = Print::default();
        print.copy_from_slice(tag.as_ref());
        print
    }
}

impl Default for Printer {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_print_is_known_again_by_its_own_printer_alone() {
        let (printer, other) = (Printer::new(), Printer::new());
        assert_eq!(printer.print(b"ats", b"plum"), printer.print(b"ats", b"plum"));
        assert_ne!(printer.print(b"ats", b"plum"), printer.print(b"atsp", b"lum"));
        assert_ne!(printer.print(b"ats", b"plum"), other.print(b"ats", b"plum"));
    }
}

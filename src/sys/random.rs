//! Entropy of the operating system.

use ring::rand::{SecureRandom, SystemRandom};

/// `N` octets nobody can guess.
///
/// # Panics
/// When the kernel gives no entropy at all. Nothing may run then: every key, token and id would be guessable.
pub fn octets<const N: usize>() -> [u8; N] {
    let mut octets = [0; N];
    let filled = SystemRandom::new().fill(&mut octets);
    assert!(filled.is_ok(), "the operating system gives no entropy");
    octets
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_draws_differ() {
        assert_ne!(super::octets::<32>(), super::octets::<32>());
    }
}

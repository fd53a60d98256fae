//! Seeded chance: the same number gives the same stream for ever.

/// A generator of Steele, Lea and Flood (`SplitMix64`).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `sides`.
    pub fn below(&mut self, sides: usize) -> usize {
        usize::try_from(self.roll() % sides as u64).expect("less than sides")
    }

    /// Octets that matter, much more often than chance would bring them. Those that end a stream come only where `harm`
    /// is wanted: the other streams live long.
    pub fn octets(&mut self, pieces: usize, harm: bool) -> Vec<u8> {
        const TAME: [&[u8]; 8] = [b"\r\n", b"\r\n", b".", b".", b"a", b"\r\n.", b"..", b"ab"];
        const HARM: [&[u8]; 6] = [b"\r", b"\n", b"\n", b"\0", b"\n.\n", b"\n.\r\n"];
        let mut octets = Vec::new();
        for _ in 0..pieces {
            let wild = harm && self.below(12) == 0;
            octets.extend_from_slice(if wild { HARM[self.below(6)] } else { TAME[self.below(8)] });
        }
        octets
    }
}

//! One pass over the octets of a message: lines that may be delimiters, and octets that no mail may have.

use memchr::memmem::Finder;

use super::fault::Fault;

/// Octets looked at together: what one look has brought near, the next one finds there.
const BLOCK_OCTETS: usize = 32 * 1024;

/// A pass that goes on as far as it is asked to. A large attachment is fetched from memory once.
pub(super) struct Sweep<'a> {
    raw: &'a [u8],
    finder: Finder<'static>,
    /// How far the octets were looked at for faults.
    checked: usize,
    nul: u8,
    bare: u8,
}

impl<'a> Sweep<'a> {
    pub(super) fn over(raw: &'a [u8]) -> Self {
        Self { raw, finder: Finder::new(b"\n--"), checked: 0, nul: 0, bare: 0 }
    }

    /// The next line end at or behind `from` with `--` behind it.
    pub(super) fn find_dashes(&mut self, mut from: usize) -> Option<usize> {
        loop {
            if let Some(near) = self.raw.get(from..self.checked)
                && let Some(at) = self.finder.find(near)
            {
                return Some(from + at);
            }
            if self.checked == self.raw.len() {
                return None;
            }
            // What is looked for may begin in the last two octets.
            from = from.max(self.checked.saturating_sub(2));
            self.check_block();
        }
    }

    fn check_block(&mut self) {
        let until = self.raw.len().min(self.checked + BLOCK_OCTETS);
        let block = &self.raw[self.checked..until];
        let next = &self.raw[self.raw.len().min(self.checked + 1)..];
        // No branch in the fold, so that it runs many octets at a time.
        let (nul, bare) = block.iter().zip(next).fold((0u8, 0u8), |(nul, bare), (a, b)| {
            (nul | u8::from(*a == 0), bare | (u8::from(*a == b'\r') ^ u8::from(*b == b'\n')))
        });
        self.nul |= nul;
        self.bare |= bare;
        self.checked = until;
    }

    /// The faults that lie in single octets, over the whole message: NUL, and line ends that are not CRLF.
    pub(super) fn faults(&mut self) -> impl Iterator<Item = Fault> + use<> {
        while self.checked < self.raw.len() {
            self.check_block();
        }
        let (first, last) = (self.raw.first(), self.raw.last());
        let nul = self.nul != 0 || last == Some(&0);
        let bare = self.bare != 0 || first == Some(&b'\n') || last == Some(&b'\r');
        [nul.then_some(Fault::Nul), bare.then_some(Fault::BareLineEnd)].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(raw: &[u8]) -> Vec<usize> {
        let mut sweep = Sweep::over(raw);
        let mut from = 0;
        std::iter::from_fn(|| {
            let hit = sweep.find_dashes(from)?;
            from = hit + 1;
            Some(hit)
        })
        .collect()
    }

    #[test]
    fn dashes_and_faults_are_found_on_both_sides_of_a_seam_and_over_it() {
        for at in BLOCK_OCTETS - 4..BLOCK_OCTETS + 4 {
            let with = |piece: &[u8]| [&vec![b'a'; at][..], piece, &[b'b'; 10]].concat();
            assert_eq!(hits(&with(b"\r\n--")), [at + 1], "{at}");
            let faults = |piece: &[u8]| Sweep::over(&with(piece)).faults().collect::<Vec<_>>();
            assert_eq!(faults(b"\r\n"), [], "{at}");
            assert_eq!(faults(b"\0"), [Fault::Nul], "{at}");
            for bare in [b"\r".as_slice(), b"\n", b"\n\r", b"\r\r\n"] {
                assert_eq!(faults(bare), [Fault::BareLineEnd], "{bare:?} at {at}");
            }
        }
    }
}

//! A fingerprint as octets, as the store keeps it: hashes and counts, nothing that could be read.

use super::{Fingerprint, RESULTS_MAX, ResultPrint, SHINGLES_MAX};
use crate::classify::Lang;

/// The version of the form.
const VERSION: u8 = 1;

/// Octets that are no fingerprint of a form this program knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a fingerprint this program can read")]
pub struct OctetsFault;

impl Fingerprint {
    /// The octets that [`Self::from_octets`] reads.
    pub fn to_octets(&self) -> Vec<u8> {
        let language = self.language.code().as_bytes();
        let mut octets = vec![VERSION, u8::from(self.sampled), u8::try_from(language.len()).unwrap_or(0)];
        octets.extend_from_slice(language);
        octets.push(u8::try_from(self.results.len()).unwrap_or(0));
        for ResultPrint { head, tail, slot } in &self.results {
            for (count, hash) in [head, tail] {
                octets.extend_from_slice(&count.to_be_bytes());
                octets.extend_from_slice(&hash.to_be_bytes());
            }
            octets.extend_from_slice(&slot.to_be_bytes());
        }
        octets.extend(self.shingles.iter().flat_map(|shingle| shingle.to_be_bytes()));
        octets
    }

    /// Reads a fingerprint.
    ///
    /// # Errors
    /// When the octets are not of that form.
    pub fn from_octets(octets: &[u8]) -> Result<Self, OctetsFault> {
        let mut rest = Octets(octets);
        let [VERSION, sampled @ (0 | 1), length] = rest.take()? else { return Err(OctetsFault) };
        let (code, behind) = rest.0.split_at_checked(length.into()).ok_or(OctetsFault)?;
        rest.0 = behind;
        let language = Lang::ALL.iter().copied().find(|lang| lang.code().as_bytes() == code).ok_or(OctetsFault)?;
        let [count] = rest.take()?;
        if usize::from(count) > RESULTS_MAX {
            return Err(OctetsFault);
        }
        let results = (0..count).map(|_| rest.result()).collect::<Result<Vec<_>, _>>()?;
        let (shingles, left) = rest.0.as_chunks::<4>();
        let shingles: Vec<u32> = shingles.iter().map(|octets| u32::from_be_bytes(*octets)).collect();
        let in_order = shingles.is_sorted_by(|a, b| a < b) && shingles.len() <= SHINGLES_MAX;
        let fine = left.is_empty() && in_order;
        fine.then_some(Self { language, shingles, sampled: sampled == 1, results }).ok_or(OctetsFault)
    }
}

struct Octets<'a>(&'a [u8]);

impl Octets<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], OctetsFault> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(OctetsFault)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn result(&mut self) -> Result<ResultPrint, OctetsFault> {
        let head = (u16::from_be_bytes(self.take()?), u64::from_be_bytes(self.take()?));
        let tail = (u16::from_be_bytes(self.take()?), u64::from_be_bytes(self.take()?));
        Ok(ResultPrint { head, tail, slot: u16::from_be_bytes(self.take()?) })
    }
}

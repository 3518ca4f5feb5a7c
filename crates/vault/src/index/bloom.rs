//! A Bloom filter over terms: says "surely not in this run" without touching the disk.
//!
//! Terms end in 16 bytes of HMAC, which serve as the hashes themselves. Seven probes at ten
//! bits an entry err one time in about 120.

use super::{TERM, Term};
use crate::VaultError;

const BITS_PER_ENTRY: usize = 10;
const PROBES: u64 = 7;

pub(super) struct Bloom {
    bytes: Vec<u8>,
}

impl Bloom {
    pub(super) fn new(entries: usize) -> Self {
        Self {
            bytes: vec![0; (entries * BITS_PER_ENTRY).div_ceil(8).max(8)],
        }
    }

    pub(super) fn from_bytes(bytes: Vec<u8>) -> Result<Self, VaultError> {
        if bytes.len() < 8 {
            return Err(VaultError::malformed("an index filter"));
        }
        Ok(Self { bytes })
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Byte and bit of each probe (Kirsch and Mitzenmacher: two hashes give all).
    fn places(&self, term: &Term) -> impl Iterator<Item = (usize, u8)> + use<> {
        let half = |from: usize| {
            let mut half = [0; 8];
            half.copy_from_slice(&term[from..from + 8]);
            u64::from_be_bytes(half)
        };
        let (start, step) = (half(TERM - 16), half(TERM - 8) | 1);
        let bits = self.bytes.len() as u64 * 8;
        (0..PROBES).map(move |probe| {
            let bit = start.wrapping_add(step.wrapping_mul(probe)) % bits;
            // The quotient is below the length of a vector in memory.
            (usize::try_from(bit / 8).unwrap_or(0), 1 << (bit % 8))
        })
    }

    pub(super) fn add(&mut self, term: &Term) {
        for (byte, bit) in self.places(term) {
            if let Some(byte) = self.bytes.get_mut(byte) {
                *byte |= bit;
            }
        }
    }

    pub(super) fn may_hold(&self, term: &Term) -> bool {
        self.places(term)
            .all(|(byte, bit)| self.bytes.get(byte).is_some_and(|b| b & bit != 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(n: u32) -> Term {
        let mut term = [0; TERM];
        term.copy_from_slice(&crate::crypt::sha256(&[&n.to_be_bytes()])[..TERM]);
        term
    }

    #[test]
    fn holds_what_was_added_and_little_else() {
        let mut bloom = Bloom::new(10_000);
        (0..10_000).for_each(|n| bloom.add(&term(n)));
        assert!((0..10_000).all(|n| bloom.may_hold(&term(n))));
        let wrong = (10_000..30_000)
            .filter(|n| bloom.may_hold(&term(*n)))
            .count();
        assert!(wrong < 20_000 / 60, "{wrong} of 20,000");
    }
}

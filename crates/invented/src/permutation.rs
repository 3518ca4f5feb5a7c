//! Numbers drawn without drawing any twice.
//!
//! Rule: a Feistel network over the smallest even number of bits that holds the
//! range, walked along its cycle until the result lies in the range (Black and
//! Rogaway, "Ciphers with Arbitrary Finite Domains", 2002). It scatters, and
//! keeps no secret: the seed of a generator is no key.

/// Rounds of the network; four already scatter, six cost nothing.
const ROUNDS: usize = 6;

/// A permutation of `0..size`, fixed by its keys.
#[derive(Debug, Clone)]
pub(crate) struct Permutation {
    size: u64,
    half_bits: u32,
    keys: [u64; ROUNDS],
}

impl Permutation {
    /// `size` is at least 1 and at most 2^62; `next` yields the keys.
    pub(crate) fn new(size: u64, mut next: impl FnMut() -> u64) -> Permutation {
        let bits = u64::BITS - size.saturating_sub(1).leading_zeros();
        let half_bits = bits.div_ceil(2).max(1);
        Permutation {
            size: size.max(1),
            half_bits,
            keys: std::array::from_fn(|_| next()),
        }
    }

    /// The place of `index`; indices past the size begin anew.
    pub(crate) fn at(&self, index: u64) -> u64 {
        let mut value = index % self.size;
        // The network permutes its whole range, so the walk comes back into
        // `0..size` at the latest where it began.
        loop {
            value = self.round_trip(value);
            if value < self.size {
                return value;
            }
        }
    }

    fn round_trip(&self, value: u64) -> u64 {
        let mask = (1 << self.half_bits) - 1;
        let (mut left, mut right) = (value >> self.half_bits, value & mask);
        for key in self.keys {
            (left, right) = (right, left ^ (mix(right ^ key) & mask));
        }
        (left << self.half_bits) | right
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permutation(size: u64) -> Permutation {
        let mut key = size;
        Permutation::new(size, || {
            key += 1;
            mix(key)
        })
    }

    #[test]
    fn every_number_comes_once() {
        for size in [1, 2, 3, 10, 255, 256, 257, 1000, 65_537] {
            let permutation = permutation(size);
            let mut seen: Vec<u64> = (0..size).map(|index| permutation.at(index)).collect();
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..size), "{size}");
        }
    }

    #[test]
    fn neighbours_are_scattered() {
        let permutation = permutation(1_000_000);
        let near = (0..1000)
            .filter(|i| permutation.at(*i).abs_diff(permutation.at(i + 1)) < 1000)
            .count();
        assert!(near < 20, "{near}");
    }
}

//! Numbers that follow from a seed.

/// Uniform numbers by `SplitMix64` (Steele, Lea and Flood, 2014): the same on every machine.
pub(super) struct Dice(u64);

impl Dice {
    /// One stream for each picture of each seed.
    pub(super) fn new(seed: u64, stream: u64) -> Dice {
        let mut dice = Dice(seed ^ stream.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(17));
        dice.word();
        dice
    }

    pub(super) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In 0 to 1.
    pub(super) fn unit(&mut self) -> f32 {
        (self.word() >> 40) as f32 / 16_777_216.0
    }

    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    pub(super) fn chance(&mut self, share: f32) -> bool {
        self.unit() < share
    }

    /// Below `size`.
    pub(super) fn below(&mut self, size: usize) -> usize {
        usize::try_from(self.word() % size.max(1) as u64).unwrap_or(0)
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub(super) fn digits(&mut self, count: usize) -> String {
        (0..count)
            .map(|_| char::from(b"0123456789"[self.below(10)]))
            .collect()
    }

    /// Nearly normal, variance one: four shorts of one word.
    pub(super) fn normal(&mut self) -> f32 {
        let word = self.word();
        let sum: u64 = (0..4).map(|at| word >> (16 * at) & 0xFFFF).sum();
        // Four uniform numbers have a variance of a third.
        (sum as f32 / 65_536.0 - 2.0) * 1.732
    }
}

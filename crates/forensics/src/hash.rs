//! Keyed hashes of 128 bits, by which values are compared without being kept.
//!
//! Rule: SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, 2012, and their reference
//! implementation). For n values the probability that any two collide is below n²/2¹²⁹:
//! 1.5 in 10²³ for a hundred million. Without the key nobody can make a collision.

/// A secret of a count; its hashes mean nothing under another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HashKey(pub [u8; 16]);

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey")
    }
}

impl HashKey {
    /// The hash of some bytes.
    #[must_use]
    pub fn hash(&self, bytes: &[u8]) -> u128 {
        let (low, high) = self.0.split_at(8);
        let mut state = State::new(word(low), word(high));
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            state.take(word(chunk));
        }
        // The length stands in the highest byte, modulo 256.
        state.take(word(chunks.remainder()) | (bytes.len() as u64 & 0xff) << 56);
        state.finish()
    }
}

impl HashKey {
    /// The hash of some bytes used for something: equal bytes of different tags differ.
    ///
    /// Nothing is copied together for it. The words hashed are tag and length, then the bytes, the
    /// last word filled up with zeros; since the length goes before, no two messages are the same words.
    pub(crate) fn tagged(&self, tag: u8, bytes: &[u8]) -> u128 {
        let mut state = self.begun(tag, bytes.len());
        state.bytes(bytes);
        state.finish()
    }

    /// The hash of hashes used for something.
    pub(crate) fn joined(&self, tag: u8, parts: &[u128]) -> u128 {
        let mut state = self.begun(tag, parts.len() * 16);
        for part in parts {
            state.halves(*part);
        }
        state.finish()
    }

    /// The hash of a row: how many cells, where each ends, then their text one after another.
    pub(crate) fn cells(&self, tag: u8, ends: &[u32], text: &str) -> u128 {
        let mut state = self.begun(tag, ends.len());
        for pair in ends.chunks(2) {
            let [first, second] = [0, 1].map(|at| pair.get(at).copied().unwrap_or(0));
            state.take(u64::from(first) | u64::from(second) << 32);
        }
        state.bytes(text.as_bytes());
        state.finish()
    }

    fn begun(&self, tag: u8, length: usize) -> State {
        let (low, high) = self.0.split_at(8);
        let mut state = State::new(word(low), word(high));
        state.take(u64::from(tag) | (length as u64) << 8);
        state
    }
}

/// At most eight bytes, little end first.
fn word(bytes: &[u8]) -> u64 {
    if let Ok(whole) = bytes.try_into() {
        return u64::from_le_bytes(whole);
    }
    let mut word = 0;
    for byte in bytes.iter().rev() {
        word = word << 8 | u64::from(*byte);
    }
    word
}

struct State([u64; 4]);

impl State {
    fn new(k0: u64, k1: u64) -> Self {
        Self([
            k0 ^ 0x736f_6d65_7073_6575,
            k1 ^ 0x646f_7261_6e64_6f6d ^ 0xee,
            k0 ^ 0x6c79_6765_6e65_7261,
            k1 ^ 0x7465_6462_7974_6573,
        ])
    }

    #[inline]
    fn round(&mut self) {
        let [v0, v1, v2, v3] = &mut self.0;
        *v0 = v0.wrapping_add(*v1);
        *v1 = v1.rotate_left(13) ^ *v0;
        *v0 = v0.rotate_left(32);
        *v2 = v2.wrapping_add(*v3);
        *v3 = v3.rotate_left(16) ^ *v2;
        *v0 = v0.wrapping_add(*v3);
        *v3 = v3.rotate_left(21) ^ *v0;
        *v2 = v2.wrapping_add(*v1);
        *v1 = v1.rotate_left(17) ^ *v2;
        *v2 = v2.rotate_left(32);
    }

    #[inline]
    fn take(&mut self, word: u64) {
        self.0[3] ^= word;
        self.round();
        self.round();
        self.0[0] ^= word;
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.take(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            self.take(word(rest));
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "one half, then the other")]
    fn halves(&mut self, part: u128) {
        self.take(part as u64);
        self.take((part >> 64) as u64);
    }

    fn finish(mut self) -> u128 {
        self.0[2] ^= 0xee;
        let low = self.squeeze();
        self.0[1] ^= 0xdd;
        u128::from(low) | u128::from(self.squeeze()) << 64
    }

    fn squeeze(&mut self) -> u64 {
        for _ in 0..4 {
            self.round();
        }
        self.0[0] ^ self.0[1] ^ self.0[2] ^ self.0[3]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From `vectors.h` of the reference implementation: key 00 to 0f, message 00, 01 and so on.
    #[test]
    fn vectors_of_the_reference() {
        let rows: [(usize, u128); 3] = [
            (
                0,
                u128::from_be_bytes(
                    *b"\xa3\x81\x7f\x04\xba\x25\xa8\xe6\x6d\xf6\x72\x14\xc7\x55\x02\x93",
                ),
            ),
            (
                1,
                u128::from_be_bytes(
                    *b"\xda\x87\xc1\xd8\x6b\x99\xaf\x44\x34\x76\x59\x11\x9b\x22\xfc\x45",
                ),
            ),
            (
                2,
                u128::from_be_bytes(
                    *b"\x81\x77\x22\x8d\xa4\xa4\x5d\xc7\xfc\xa3\x8b\xde\xf6\x0a\xff\xe4",
                ),
            ),
        ];
        let key = HashKey(std::array::from_fn(|at| u8::try_from(at).unwrap()));
        let message: Vec<u8> = (0..64).collect();
        for (length, expected) in rows {
            assert_eq!(
                key.hash(&message[..length]).to_le_bytes(),
                expected.to_be_bytes(),
                "{length}"
            );
        }
    }

    #[test]
    fn tags_lengths_and_borders_of_cells_matter() {
        let key = HashKey([1; 16]);
        let hashes = [
            key.tagged(1, b"x"),
            key.tagged(2, b"x"),
            key.tagged(1, b"x\0"),
            key.tagged(1, b""),
            key.joined(1, &[]),
            key.joined(1, &[0]),
            key.joined(1, &[0, 0]),
            key.joined(1, &[1, 0]),
            key.cells(1, &[1, 2], "ab"),
            key.cells(1, &[2], "ab"),
            key.cells(1, &[0, 2], "ab"),
            key.cells(1, &[1, 2, 2], "ab"),
            key.cells(1, &[1, 2], "ac"),
        ];
        let same = |at: usize| hashes.iter().filter(|hash| **hash == hashes[at]).count();
        // Nothing of nothing is the same message, whatever it is called.
        let expected = [1, 1, 1, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1];
        assert_eq!(std::array::from_fn(same), expected);
        // Two words hashed after tag and length are what the general hash does with them.
        assert_eq!(
            key.joined(1, &[1 | 2 << 64]),
            key.tagged(
                1,
                &[&1_u64.to_le_bytes()[..], &2_u64.to_le_bytes()].concat()
            )
        );
    }

    #[test]
    fn keys_lengths_and_every_byte_matter() {
        let (a, b) = (HashKey([1; 16]), HashKey([2; 16]));
        assert_ne!(a.hash(b"x"), b.hash(b"x"));
        assert_ne!(a.hash(b""), a.hash(b"\0"));
        let message = [7_u8; 33];
        for at in 0..message.len() {
            let mut other = message;
            other[at] ^= 1;
            assert_ne!(a.hash(&message), a.hash(&other), "{at}");
        }
    }
}

//! Sixty-four bytes compared at once: one interface of four operations, for
//! AVX-512, AVX2 and plain code; all agree.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256i, __m512i};

use super::census::BLOCK;

/// Sixty-four bytes at once.
pub(super) trait Lanes: Copy {
    /// The bytes of a block.
    type Bytes: Copy;
    fn load(self, bytes: &[u8; BLOCK]) -> Self::Bytes;
    /// Where `value` stands.
    fn is(self, bytes: Self::Bytes, value: u8) -> u64;
    /// Where one of the `count` values from `first` on stands.
    fn within(self, bytes: Self::Bytes, first: u8, count: u8) -> u64;
    /// The bytes with capitals made small, and other bytes changed.
    fn small(self, bytes: Self::Bytes) -> Self::Bytes;
}

#[cfg(target_arch = "x86_64")]
impl Lanes for pulp::x86::V4 {
    type Bytes = __m512i;

    #[inline(always)]
    fn load(self, bytes: &[u8; BLOCK]) -> Self::Bytes {
        pulp::cast(*bytes)
    }

    #[inline(always)]
    fn is(self, bytes: Self::Bytes, value: u8) -> u64 {
        let value = self.avx512f._mm512_set1_epi8(value.cast_signed());
        self.avx512bw._mm512_cmpeq_epi8_mask(bytes, value)
    }

    #[inline(always)]
    fn within(self, bytes: Self::Bytes, first: u8, count: u8) -> u64 {
        let first = self.avx512f._mm512_set1_epi8(first.cast_signed());
        let count = self.avx512f._mm512_set1_epi8(count.cast_signed());
        let from = self.avx512bw._mm512_sub_epi8(bytes, first);
        self.avx512bw._mm512_cmplt_epu8_mask(from, count)
    }

    #[inline(always)]
    fn small(self, bytes: Self::Bytes) -> Self::Bytes {
        let bit = self.avx512f._mm512_set1_epi8(0x20);
        self.avx512f._mm512_or_si512(bytes, bit)
    }
}

#[cfg(target_arch = "x86_64")]
impl Lanes for pulp::x86::V3 {
    type Bytes = [__m256i; 2];

    #[inline(always)]
    fn load(self, bytes: &[u8; BLOCK]) -> Self::Bytes {
        pulp::cast(*bytes)
    }

    #[inline(always)]
    fn is(self, [low, high]: Self::Bytes, value: u8) -> u64 {
        let value = self.avx._mm256_set1_epi8(value.cast_signed());
        let low = self.avx2._mm256_cmpeq_epi8(low, value);
        let high = self.avx2._mm256_cmpeq_epi8(high, value);
        bits(self, [low, high])
    }

    #[inline(always)]
    fn within(self, [low, high]: Self::Bytes, first: u8, count: u8) -> u64 {
        let first = self.avx._mm256_set1_epi8(first.cast_signed());
        let last = self.avx._mm256_set1_epi8((count - 1).cast_signed());
        let low = self.avx2._mm256_sub_epi8(low, first);
        let high = self.avx2._mm256_sub_epi8(high, first);
        let small = [
            self.avx2._mm256_min_epu8(low, last),
            self.avx2._mm256_min_epu8(high, last),
        ];
        let low = self.avx2._mm256_cmpeq_epi8(small[0], low);
        let high = self.avx2._mm256_cmpeq_epi8(small[1], high);
        bits(self, [low, high])
    }

    #[inline(always)]
    fn small(self, [low, high]: Self::Bytes) -> Self::Bytes {
        let bit = self.avx._mm256_set1_epi8(0x20);
        [
            self.avx2._mm256_or_si256(low, bit),
            self.avx2._mm256_or_si256(high, bit),
        ]
    }
}

/// The highest bit of every byte.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn bits(v3: pulp::x86::V3, [low, high]: [__m256i; 2]) -> u64 {
    let [low, high] = [
        v3.avx2._mm256_movemask_epi8(low).cast_unsigned(),
        v3.avx2._mm256_movemask_epi8(high).cast_unsigned(),
    ];
    u64::from(low) | u64::from(high) << 32
}

/// Any processor.
#[derive(Clone, Copy)]
pub(super) struct Plain;

impl Plain {
    #[inline(always)]
    fn every(bytes: [u8; BLOCK], test: impl Fn(u8) -> bool) -> u64 {
        let bit = |(at, byte): (usize, &u8)| u64::from(test(*byte)) << at;
        bytes
            .iter()
            .enumerate()
            .map(bit)
            .fold(0, |mask, bit| mask | bit)
    }
}

impl Lanes for Plain {
    type Bytes = [u8; BLOCK];

    #[inline(always)]
    fn load(self, bytes: &[u8; BLOCK]) -> Self::Bytes {
        *bytes
    }

    #[inline(always)]
    fn is(self, bytes: Self::Bytes, value: u8) -> u64 {
        Plain::every(bytes, |byte| byte == value)
    }

    #[inline(always)]
    fn within(self, bytes: Self::Bytes, first: u8, count: u8) -> u64 {
        Plain::every(bytes, |byte| byte.wrapping_sub(first) < count)
    }

    #[inline(always)]
    fn small(self, bytes: Self::Bytes) -> Self::Bytes {
        bytes.map(|byte| byte | 0x20)
    }
}

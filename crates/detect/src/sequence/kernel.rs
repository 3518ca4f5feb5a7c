//! Products of short integer rows with a matrix, the one costly step.
//!
//! Two forms: sixteen-bit inputs taken in pairs, and six-bit inputs taken in
//! fours, which needs fewer instructions. All sums are exact, so AVX-512, AVX2
//! and plain code agree to the last bit.

use pulp::{cast, i8x64, i16x32, i32x16};

/// Rows taken at once: their sums fill the registers while a weight is loaded once.
pub(super) const ROWS: usize = 3;

/// Outputs of a matrix come in blocks of this many.
pub(super) const LANES: usize = 16;

/// A matrix of `16 * blocks` outputs, laid out pair of inputs by pair of inputs.
#[derive(Default)]
pub(super) struct Matrix {
    /// For each pair of inputs and each block: sixteen outputs, two weights each.
    pairs: Vec<i16x32>,
    blocks: usize,
}

impl Matrix {
    /// `weights` holds `inputs` numbers for each output; outputs are filled up to whole blocks.
    pub(super) fn new(weights: &[i8], inputs: usize) -> Self {
        let outputs = weights.len().checked_div(inputs).unwrap_or(0);
        let blocks = outputs.div_ceil(LANES);
        let weight = |o: usize, i: usize| {
            let inside = o < outputs && i < inputs;
            weights
                .get(o * inputs + i)
                .copied()
                .filter(|_| inside)
                .map_or(0, i16::from)
        };
        let mut pairs = Vec::with_capacity(inputs.div_ceil(2) * blocks);
        for i in (0..inputs).step_by(2) {
            for block in 0..blocks {
                let lane = |k: usize| weight(block * LANES + k / 2, i + k % 2);
                pairs.push(cast::<[i16; 32], i16x32>(core::array::from_fn(lane)));
            }
        }
        Self { pairs, blocks }
    }
}

/// Eight blocks of outputs for inputs from 0 to 63 and weights from -63 to 63.
///
/// Eight such products, 31,752 at most, still fit sixteen bits.
#[derive(Default)]
pub(super) struct Narrow {
    /// For each sixteen inputs and each block: sixteen outputs by four weights, four times.
    parts: Vec<[[i8x64; 4]; NARROW]>,
}

/// Blocks of a narrow matrix.
pub(super) const NARROW: usize = 8;
/// Largest weight of a narrow matrix.
const HEAVIEST: i8 = 63;

impl Narrow {
    /// `weights` holds `inputs` numbers for each of 128 outputs.
    pub(super) fn new(weights: &[i8], inputs: usize) -> Self {
        let weight = |o: usize, i: usize| {
            let inside = i < inputs;
            let w = weights.get(o * inputs + i).filter(|_| inside);
            w.map_or(0, |w| (*w).clamp(-HEAVIEST, HEAVIEST))
        };
        let four = |block: usize, i: usize| {
            let lane = |k: usize| weight(block * LANES + k / 4, i + k % 4);
            cast::<[i8; 64], i8x64>(core::array::from_fn(lane))
        };
        let part =
            |i| core::array::from_fn(|block| core::array::from_fn(|k| four(block, i + 4 * k)));
        Self {
            parts: (0..inputs).step_by(16).map(part).collect(),
        }
    }
}

/// Sums of a narrow matrix for each row.
pub(super) type NarrowSums = [[i32x16; NARROW]; ROWS];

/// How sums of products are computed on this processor.
pub(super) trait Dot: Copy {
    /// `sums[r]` becomes the products of `rows[r]` with `B` blocks of the matrix.
    fn dot<const B: usize>(
        self,
        rows: [&[i16]; ROWS],
        matrix: &Matrix,
        sums: &mut [[i32x16; B]; ROWS],
    );

    /// The same for inputs from 0 to 63.
    fn narrow(self, rows: [&[u8]; ROWS], matrix: &Narrow, sums: &mut NarrowSums);
}

/// Without any instruction set.
#[derive(Clone, Copy)]
pub(super) struct Plain;

const ZERO: i32x16 = i32x16(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

impl Dot for Plain {
    #[inline(always)]
    fn dot<const B: usize>(
        self,
        rows: [&[i16]; ROWS],
        matrix: &Matrix,
        sums: &mut [[i32x16; B]; ROWS],
    ) {
        if matrix.blocks != B {
            return;
        }
        for (row, sum) in rows.into_iter().zip(sums) {
            let mut totals = [[0_i32; LANES]; B];
            for (pair, weights) in row
                .as_chunks::<2>()
                .0
                .iter()
                .zip(matrix.pairs.chunks_exact(B))
            {
                let (a, b) = (i32::from(pair[0]), i32::from(pair[1]));
                for (total, &w) in totals.iter_mut().zip(weights) {
                    let w: [i16; 32] = cast(w);
                    for (t, w) in total.iter_mut().zip(w.as_chunks::<2>().0) {
                        *t += a * i32::from(w[0]) + b * i32::from(w[1]);
                    }
                }
            }
            *sum = totals.map(cast::<[i32; LANES], i32x16>);
        }
    }

    #[inline(always)]
    fn narrow(self, rows: [&[u8]; ROWS], matrix: &Narrow, sums: &mut NarrowSums) {
        for (row, sum) in rows.into_iter().zip(sums) {
            let mut totals = [[0_i32; LANES]; NARROW];
            for (inputs, weights) in row.as_chunks::<16>().0.iter().zip(&matrix.parts) {
                for (total, &w) in totals.iter_mut().zip(weights) {
                    let w: [[[i8; 4]; LANES]; 4] = cast(w);
                    for (o, t) in total.iter_mut().enumerate() {
                        let pairs = inputs.iter().zip(w.iter().flat_map(|w| &w[o]));
                        *t += pairs
                            .map(|(&x, &w)| i32::from(x) * i32::from(w))
                            .sum::<i32>();
                    }
                }
            }
            *sum = totals.map(cast::<[i32; LANES], i32x16>);
        }
    }
}

/// Two neighbouring inputs as one thirty-two bit number, the second on top.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn both(pair: [i16; 2]) -> i32 {
    cast(pair)
}

#[cfg(target_arch = "x86_64")]
impl Dot for pulp::x86::V4 {
    #[inline(always)]
    fn dot<const B: usize>(
        self,
        rows: [&[i16]; ROWS],
        matrix: &Matrix,
        sums: &mut [[i32x16; B]; ROWS],
    ) {
        if matrix.blocks != B {
            return;
        }
        let mut totals = [[ZERO; B]; ROWS];
        let [x, y, z] = rows.map(|r| r.as_chunks::<2>().0);
        for (((weights, &x), &y), &z) in matrix.pairs.chunks_exact(B).zip(x).zip(y).zip(z) {
            let inputs: [i16x32; ROWS] = [
                cast(self.splat_i32x16(both(x))),
                cast(self.splat_i32x16(both(y))),
                cast(self.splat_i32x16(both(z))),
            ];
            for b in 0..B {
                for r in 0..ROWS {
                    let product = self.multiply_wrapping_add_adjacent_i16x32(inputs[r], weights[b]);
                    totals[r][b] = self.wrapping_add_i32x16(totals[r][b], product);
                }
            }
        }
        *sums = totals;
    }

    #[inline(always)]
    fn narrow(self, rows: [&[u8]; ROWS], matrix: &Narrow, sums: &mut NarrowSums) {
        let ones = cast([1_i16; 32]);
        let [x, y, z] = rows.map(|r| r.as_chunks::<16>().0);
        // Half of the outputs at a time, for the registers to hold all sums.
        for half in [0, NARROW / 2] {
            let mut totals = [[ZERO; NARROW / 2]; ROWS];
            for (((weights, x), y), z) in matrix.parts.iter().zip(x).zip(y).zip(z) {
                // Written out: closures would not be compiled for this processor.
                let [x0, x1, x2, x3] = cast::<[u8; 16], [i32; 4]>(*x);
                let [y0, y1, y2, y3] = cast::<[u8; 16], [i32; 4]>(*y);
                let [z0, z1, z2, z3] = cast::<[u8; 16], [i32; 4]>(*z);
                let inputs: [[i32x16; 4]; ROWS] = [
                    [
                        self.splat_i32x16(x0),
                        self.splat_i32x16(x1),
                        self.splat_i32x16(x2),
                        self.splat_i32x16(x3),
                    ],
                    [
                        self.splat_i32x16(y0),
                        self.splat_i32x16(y1),
                        self.splat_i32x16(y2),
                        self.splat_i32x16(y3),
                    ],
                    [
                        self.splat_i32x16(z0),
                        self.splat_i32x16(z1),
                        self.splat_i32x16(z2),
                        self.splat_i32x16(z3),
                    ],
                ];
                for b in 0..NARROW / 2 {
                    let [w0, w1, w2, w3] = weights[half + b];
                    for r in 0..ROWS {
                        let [i0, i1, i2, i3] = inputs[r];
                        let first = self.multiply_saturating_add_adjacent_i8x64(cast(i0), w0);
                        let second = self.multiply_saturating_add_adjacent_i8x64(cast(i1), w1);
                        let third = self.multiply_saturating_add_adjacent_i8x64(cast(i2), w2);
                        let fourth = self.multiply_saturating_add_adjacent_i8x64(cast(i3), w3);
                        let all = self.wrapping_add_i16x32(
                            self.wrapping_add_i16x32(first, second),
                            self.wrapping_add_i16x32(third, fourth),
                        );
                        let wide = self.multiply_wrapping_add_adjacent_i16x32(all, ones);
                        totals[r][b] = self.wrapping_add_i32x16(totals[r][b], wide);
                    }
                }
            }
            for (sum, total) in sums.iter_mut().zip(totals) {
                sum[half..half + NARROW / 2].copy_from_slice(&total);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl Dot for pulp::x86::V3 {
    #[inline(always)]
    fn dot<const B: usize>(
        self,
        rows: [&[i16]; ROWS],
        matrix: &Matrix,
        sums: &mut [[i32x16; B]; ROWS],
    ) {
        if matrix.blocks != B {
            return;
        }
        let [x, y, z] = rows.map(|r| r.as_chunks::<2>().0);
        // Sixteen registers hold two blocks of three rows, no more.
        for b in (0..B).step_by(2) {
            let second = (b + 1).min(B - 1);
            let mut totals = [[pulp::i32x8(0, 0, 0, 0, 0, 0, 0, 0); 4]; ROWS];
            for (((weights, &x), &y), &z) in matrix.pairs.chunks_exact(B).zip(x).zip(y).zip(z) {
                let [w0, w1]: [pulp::i16x16; 2] = cast(weights[b]);
                let [w2, w3]: [pulp::i16x16; 2] = cast(weights[second]);
                for (total, p) in totals.iter_mut().zip([x, y, z]) {
                    let input = cast(self.splat_i32x8(both(p)));
                    for (t, w) in total.iter_mut().zip([w0, w1, w2, w3]) {
                        *t = self.wrapping_add_i32x8(
                            *t,
                            self.multiply_wrapping_add_adjacent_i16x16(input, w),
                        );
                    }
                }
            }
            for (sum, total) in sums.iter_mut().zip(totals) {
                sum[b] = cast([total[0], total[1]]);
                sum[second] = if second > b {
                    cast([total[2], total[3]])
                } else {
                    sum[b]
                };
            }
        }
    }

    #[inline(always)]
    fn narrow(self, rows: [&[u8]; ROWS], matrix: &Narrow, sums: &mut NarrowSums) {
        let ones = cast([1_i16; 16]);
        let [x, y, z] = rows.map(|r| r.as_chunks::<16>().0);
        for block in 0..NARROW {
            let mut totals = [[pulp::i32x8(0, 0, 0, 0, 0, 0, 0, 0); 2]; ROWS];
            for (((weights, x), y), z) in matrix.parts.iter().zip(x).zip(y).zip(z) {
                let weights: [[pulp::i8x32; 2]; 4] = cast(weights[block]);
                for (total, &part) in totals.iter_mut().zip([x, y, z]) {
                    let [i0, i1, i2, i3]: [i32; 4] = cast(part);
                    let i0: pulp::i8x32 = cast(self.splat_i32x8(i0));
                    let i1: pulp::i8x32 = cast(self.splat_i32x8(i1));
                    let i2: pulp::i8x32 = cast(self.splat_i32x8(i2));
                    let i3: pulp::i8x32 = cast(self.splat_i32x8(i3));
                    for side in 0..2 {
                        let [w0, w1, w2, w3] = [
                            weights[0][side],
                            weights[1][side],
                            weights[2][side],
                            weights[3][side],
                        ];
                        let first = self.multiply_saturating_add_adjacent_i8x32(i0, w0);
                        let second = self.multiply_saturating_add_adjacent_i8x32(i1, w1);
                        let third = self.multiply_saturating_add_adjacent_i8x32(i2, w2);
                        let fourth = self.multiply_saturating_add_adjacent_i8x32(i3, w3);
                        let all = self.wrapping_add_i16x16(
                            self.wrapping_add_i16x16(first, second),
                            self.wrapping_add_i16x16(third, fourth),
                        );
                        let wide = self.multiply_wrapping_add_adjacent_i16x16(all, ones);
                        total[side] = self.wrapping_add_i32x8(total[side], wide);
                    }
                }
            }
            for (sum, total) in sums.iter_mut().zip(totals) {
                sum[block] = cast(total);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums<D: Dot>(dot: D, matrix: &Matrix, rows: [&[i16]; ROWS]) -> Vec<i32> {
        let mut out = [[ZERO; 2]; ROWS];
        dot.dot(rows, matrix, &mut out);
        out.iter()
            .flatten()
            .flat_map(|&v| cast::<i32x16, [i32; 16]>(v))
            .collect()
    }

    fn narrow<D: Dot>(dot: D, matrix: &Narrow, rows: [&[u8]; ROWS]) -> Vec<i32> {
        let mut out = [[ZERO; NARROW]; ROWS];
        dot.narrow(rows, matrix, &mut out);
        out.iter()
            .flatten()
            .flat_map(|&v| cast::<i32x16, [i32; 16]>(v))
            .collect()
    }

    #[test]
    fn narrow_sums_are_exact_at_their_largest() {
        let weights: Vec<i8> = (0..128_i32 * 128)
            .map(|i| {
                if i % 3 == 0 {
                    63
                } else {
                    i8::try_from(i * 37 % 127 - 63).unwrap()
                }
            })
            .collect();
        let rows: Vec<u8> = (0..384_u32)
            .map(|i| {
                if i < 128 {
                    63
                } else {
                    u8::try_from(i * 71 % 64).unwrap()
                }
            })
            .collect();
        let matrix = Narrow::new(&weights, 128);
        let rows = [&rows[..128], &rows[128..256], &rows[256..]];
        let plain = narrow(Plain, &matrix, rows);
        for (r, o) in [(0, 0), (1, 77), (2, 127)] {
            let pairs = rows[r].iter().zip(&weights[o * 128..]);
            let expected: i32 = pairs.map(|(&a, &b)| i32::from(a) * i32::from(b)).sum();
            assert_eq!(plain[r * 128 + o], expected);
        }
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(v3) = pulp::x86::V3::try_new() {
                assert_eq!(narrow(v3, &matrix, rows), plain);
            }
            if let Some(v4) = pulp::x86::V4::try_new() {
                assert_eq!(narrow(v4, &matrix, rows), plain);
            }
        }
    }

    #[test]
    fn every_processor_gives_the_same_sums() {
        let weights: Vec<i8> = (0..32_i32 * 96)
            .map(|i| i8::try_from(i * 37 % 255 - 127).unwrap())
            .collect();
        let rows: Vec<i16> = (0..288_i32)
            .map(|i| i16::try_from(i * 7919 % 4095 - 2047).unwrap())
            .collect();
        let matrix = Matrix::new(&weights, 96);
        let rows = [&rows[..96], &rows[96..192], &rows[192..]];
        let plain = sums(Plain, &matrix, rows);
        let expected: i32 = rows[1]
            .iter()
            .zip(&weights[96..192])
            .map(|(&a, &b)| i32::from(a) * i32::from(b))
            .sum();
        assert_eq!(plain[32 + 1], expected);
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(v3) = pulp::x86::V3::try_new() {
                assert_eq!(sums(v3, &matrix, rows), plain);
            }
            if let Some(v4) = pulp::x86::V4::try_new() {
                assert_eq!(sums(v4, &matrix, rows), plain);
            }
        }
    }
}

//! The layers: the sum of a character's and its n-grams' rows, then residual blocks.
//!
//! A block looks at each channel of a character and of two neighbours at some
//! distance, then mixes the channels. Sums of products are integers; what lies
//! between is float in a fixed order, without fused operations, so that results
//! do not depend on the processor.

use pulp::bytemuck::cast_slice;
use pulp::i32x16;

use super::features::Features;
use super::kernel::{Dot, LANES, Matrix, Narrow, Plain, ROWS};

/// Channels of every layer.
pub(super) const WIDTH: usize = 128;
/// Tags: none, then begin, inside, end and single of each kind.
pub(super) const TAGS: usize = 13;
/// Empty rows on either side of the text: the furthest neighbour, and whole groups of rows.
const EDGE: usize = 8;
const BLOCKS: usize = WIDTH / LANES;

/// A layer that mixes channels: eight-bit weights, a factor and a bias for each output.
#[derive(Default)]
pub(super) struct Mix<M = Matrix> {
    pub(super) matrix: M,
    pub(super) factors: Vec<f32>,
    pub(super) biases: Vec<f32>,
}

/// A residual block.
pub(super) struct Block {
    pub(super) distance: usize,
    /// Weights of the character before, itself and the character after, in steps of the integers.
    pub(super) taps: [Vec<f32>; 3],
    pub(super) shift: Vec<f32>,
    pub(super) mix: Mix<Narrow>,
}

/// All layers.
#[derive(Default)]
pub(super) struct Network {
    /// What brings the tables' integers to floats.
    pub(super) scale: f32,
    pub(super) blocks: Vec<Block>,
    pub(super) quantum: f32,
    pub(super) last: Mix,
}

/// What one segment needs, kept from segment to segment.
#[derive(Default)]
pub(super) struct Buffers {
    hidden: Vec<[f32; WIDTH]>,
    quantised: Vec<[i16; WIDTH]>,
    narrow: Vec<[u8; WIDTH]>,
    scores: Vec<[f32; TAGS]>,
}

impl Network {
    /// Scores of every tag for every character.
    pub(super) fn run<'a>(
        &self,
        features: &Features,
        ids: &[u16],
        buffers: &'a mut Buffers,
    ) -> &'a [[f32; TAGS]] {
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(v4) = pulp::x86::V4::try_new() {
                v4.vectorize(Pass {
                    dot: v4,
                    network: self,
                    features,
                    ids,
                    buffers,
                });
                return &buffers.scores;
            }
            if let Some(v3) = pulp::x86::V3::try_new() {
                v3.vectorize(Pass {
                    dot: v3,
                    network: self,
                    features,
                    ids,
                    buffers,
                });
                return &buffers.scores;
            }
        }
        self.pass(Plain, features, ids, buffers);
        &buffers.scores
    }

    #[inline(always)]
    fn pass<D: Dot>(&self, dot: D, features: &Features, ids: &[u16], buffers: &mut Buffers) {
        let n = ids.len();
        // Rows beyond the text, up to a whole group, are computed and never read.
        let rows = n.next_multiple_of(ROWS);
        let length = buffers.hidden.len().max(rows + 2 * EDGE);
        buffers.hidden.resize(length, [0.0; WIDTH]);
        // What stands before the text is never written; behind it an earlier text may stand.
        for h in buffers.hidden.iter_mut().skip(EDGE + n).take(EDGE + ROWS) {
            *h = [0.0; WIDTH];
        }
        buffers
            .quantised
            .resize(buffers.quantised.len().max(rows), [0; WIDTH]);
        buffers
            .narrow
            .resize(buffers.narrow.len().max(rows), [0; WIDTH]);
        buffers.scores.clear();
        buffers.scores.resize(rows, [0.0; TAGS]);

        let id = |i: usize| ids.get(i).copied().unwrap_or(0);
        for (i, h) in hidden(&mut buffers.hidden, 0, n).enumerate() {
            let before = if i == 0 { 0 } else { id(i - 1) };
            features.embed(before, id(i), id(i + 1), self.scale, h);
        }
        for block in &self.blocks {
            block.look(&buffers.hidden, &mut buffers.narrow, n);
            for at in (0..n).step_by(ROWS) {
                let mut sums = [[ZERO; BLOCKS]; ROWS];
                dot.narrow(group(&buffers.narrow, at), &block.mix.matrix, &mut sums);
                for (h, sum) in hidden(&mut buffers.hidden, at, n).zip(&sums) {
                    block.mix.apply(sum, h, |h, x| h + x);
                }
            }
        }
        let hidden = buffers.hidden.iter().skip(EDGE).take(n);
        for (q, h) in buffers.quantised.iter_mut().zip(hidden) {
            for (q, &h) in q.iter_mut().zip(h) {
                *q = integer(h * self.quantum, TOP);
            }
        }
        for at in (0..n).step_by(ROWS) {
            let mut sums = [[ZERO; 1]; ROWS];
            dot.dot(group(&buffers.quantised, at), &self.last.matrix, &mut sums);
            for (out, sum) in buffers.scores.iter_mut().skip(at).zip(&sums) {
                self.last.apply(sum, out, |_, x| x);
            }
        }
        buffers.scores.truncate(n);
    }
}

impl<M> Mix<M> {
    /// Brings the sums of one row to floats and joins them to what stands in `out`.
    #[inline(always)]
    fn apply<const B: usize>(
        &self,
        sums: &[i32x16; B],
        out: &mut [f32],
        join: impl Fn(f32, f32) -> f32,
    ) {
        let sums: &[i32] = cast_slice(sums);
        let scales = self.factors.iter().zip(&self.biases);
        for ((o, &s), (&f, &b)) in out.iter_mut().zip(sums).zip(scales) {
            #[expect(clippy::cast_precision_loss, reason = "rounded alike everywhere")]
            let s = s as f32;
            *o = join(*o, s * f + b);
        }
    }
}

impl Block {
    /// Weighs each character with its two neighbours, channel by channel.
    #[inline(always)]
    fn look(&self, hidden: &[[f32; WIDTH]], narrow: &mut [[u8; WIDTH]], n: usize) {
        let at = |by: usize| hidden.iter().skip(by);
        let [w0, w1, w2] = self.taps.each_ref().map(|t| fixed(t));
        let shift = fixed(&self.shift);
        let rows = at(EDGE - self.distance)
            .zip(at(EDGE))
            .zip(at(EDGE + self.distance));
        for (q, ((left, own), right)) in narrow.iter_mut().zip(rows).take(n) {
            for c in 0..WIDTH {
                let sum = ((shift[c] + left[c] * w0[c]) + own[c] * w1[c]) + right[c] * w2[c];
                #[expect(clippy::cast_sign_loss, reason = "from 0 to 63")]
                #[expect(clippy::cast_possible_truncation, reason = "from 0 to 63")]
                let small = integer(sum, NARROW_TOP) as u8;
                q[c] = small;
            }
        }
    }
}

/// Largest input of the last layer: eleven bits leave its sums far from overflow.
const TOP: f32 = 2047.0;
/// Largest input of a block: six bits, as narrow sums of products need.
const NARROW_TOP: f32 = 63.0;
const ZERO: i32x16 = i32x16(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

/// An activation as an integer from 0 to `top`, to nearest, halves to even.
#[inline(always)]
fn integer(x: f32, top: f32) -> i16 {
    // In this order what is no number becomes 0.
    let bounded = x.max(0.0).min(top);
    // Added to 2^23, the low bits of the sum are the integer itself.
    let bits = (bounded + 8_388_608.0).to_bits();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it lies in the low eleven bits"
    )]
    let low = bits as i16;
    low
}

#[inline(always)]
fn fixed(values: &[f32]) -> &[f32; WIDTH] {
    const NONE: [f32; WIDTH] = [0.0; WIDTH];
    values.try_into().unwrap_or(&NONE)
}

#[inline(always)]
fn hidden(
    hidden: &mut [[f32; WIDTH]],
    at: usize,
    n: usize,
) -> impl Iterator<Item = &mut [f32; WIDTH]> {
    hidden.iter_mut().skip(EDGE + at).take(n - at)
}

/// The group of rows from `at` on.
#[inline(always)]
fn group<T>(rows: &[[T; WIDTH]], at: usize) -> [&[T]; ROWS] {
    core::array::from_fn(|r| rows.get(at + r).map_or(&[][..], |q| &q[..]))
}

/// One segment, run where the instruction set is known.
#[cfg(target_arch = "x86_64")]
struct Pass<'a, D> {
    dot: D,
    network: &'a Network,
    features: &'a Features,
    ids: &'a [u16],
    buffers: &'a mut Buffers,
}

#[cfg(target_arch = "x86_64")]
impl<D: Dot> pulp::NullaryFnOnce for Pass<'_, D> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.network
            .pass(self.dot, self.features, self.ids, self.buffers);
    }
}

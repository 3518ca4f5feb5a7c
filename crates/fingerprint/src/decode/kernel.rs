//! Adding up the steps of the slots at which a copy shows form one: the one costly step.
//!
//! Slots are taken four at a time: the sums of all sixteen subsets of four slots are tabulated, and
//! four bits of a copy choose one, so that a slot costs a quarter of an addition a hypothesis.
//! Sums are of integers, so AVX-512, AVX2 and plain code agree to the last bit.

use pulp::{cast, i16x32};

/// Numbers of a row: hypotheses added up at a time, in registers.
pub(super) const LANES: usize = 128;

/// A row of steps or of their sums.
pub(super) type Row = [i16x32; LANES / 32];

/// Slots of a [`Page`], a bit of a word each: so many steps may be added before their sum might
/// outgrow sixteen bits.
pub(super) const RUN: usize = 64;

/// The largest step either way: its [`RUN`]-fold fits into sixteen bits with its sign.
pub(super) const STEP_MOST: i16 = 511;

const _: () = assert!(STEP_MOST as usize * RUN <= i16::MAX as usize);

/// Slots tabulated together.
const QUAD: usize = 4;

/// Subsets of four slots.
const SUBSETS: usize = 1 << QUAD;

/// The row of zeros.
pub(super) const ZERO: Row = {
    const Z: i16 = 0;
    let part = i16x32(
        Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z,
        Z, Z,
    );
    [part; LANES / 32]
};

/// Steps of up to 64 slots: for each four of them, the sums of all their subsets.
#[derive(Clone)]
pub(super) struct Page(Vec<Row>);

impl Page {
    /// The page of slots that say nothing.
    pub(super) fn new() -> Self {
        Self(vec![ZERO; RUN / QUAD * SUBSETS])
    }

    /// Makes the page of the given slots' steps.
    pub(super) fn fill(&mut self, steps: &[[i16; LANES]]) {
        if steps.is_empty() {
            self.0.fill(ZERO);
            return;
        }
        let mut quads = steps.chunks(QUAD);
        for rows in self.0.chunks_exact_mut(SUBSETS) {
            let steps = quads.next().unwrap_or_default();
            for (subset, row) in rows.iter_mut().enumerate() {
                let mut sums = [0_i16; LANES];
                for (bit, steps) in steps.iter().enumerate() {
                    let chosen = i16::from(subset >> bit & 1 == 1);
                    for (sum, step) in sums.iter_mut().zip(steps) {
                        *sum += chosen * step;
                    }
                }
                *row = cast(sums);
            }
        }
    }

    /// The rows that the bits of `ones` choose.
    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "of each shifted word only the lowest four bits are used"
    )]
    fn chosen(&self, ones: u64) -> impl Iterator<Item = &Row> {
        let rows = self.0.chunks_exact(SUBSETS).enumerate();
        rows.map(move |(quad, rows)| &rows[(ones >> (quad * QUAD)) as usize % SUBSETS])
    }
}

/// An instruction set that adds rows.
pub(super) trait Adder: Copy {
    /// The sum of a page's steps at the slots whose bit in `ones` is set.
    fn sum(self, page: &Page, ones: u64) -> Row;
}

/// No instruction set in particular.
#[derive(Clone, Copy)]
pub(super) struct Plain;

impl Adder for Plain {
    #[inline(always)]
    fn sum(self, page: &Page, ones: u64) -> Row {
        let mut sums = [0_i16; LANES];
        for row in page.chosen(ones) {
            let row: &[i16; LANES] = pulp::bytemuck::cast_ref(row);
            for (sum, step) in sums.iter_mut().zip(row) {
                *sum = sum.wrapping_add(*step);
            }
        }
        cast(sums)
    }
}

#[cfg(target_arch = "x86_64")]
impl Adder for pulp::x86::V4 {
    #[inline(always)]
    fn sum(self, page: &Page, ones: u64) -> Row {
        let [mut a, mut b, mut c, mut d] = ZERO;
        for row in page.chosen(ones) {
            a = self.wrapping_add_i16x32(a, row[0]);
            b = self.wrapping_add_i16x32(b, row[1]);
            c = self.wrapping_add_i16x32(c, row[2]);
            d = self.wrapping_add_i16x32(d, row[3]);
        }
        [a, b, c, d]
    }
}

#[cfg(target_arch = "x86_64")]
impl Adder for pulp::x86::V3 {
    #[inline(always)]
    fn sum(self, page: &Page, ones: u64) -> Row {
        let mut sums: [pulp::i16x16; LANES / 16] = cast(ZERO);
        for row in page.chosen(ones) {
            let row: &[pulp::i16x16; LANES / 16] = pulp::bytemuck::cast_ref(row);
            for at in 0..LANES / 16 {
                sums[at] = self.wrapping_add_i16x16(sums[at], row[at]);
            }
        }
        cast(sums)
    }
}

/// Adds to `total` a page's steps at the slots whose bit in `ones` is set.
#[inline(always)]
pub(super) fn add<A: Adder>(adder: A, page: &Page, ones: u64, total: &mut [i32; LANES]) {
    let sum: [i16; LANES] = cast(adder.sum(page, ones));
    for lane in 0..LANES {
        total[lane] += i32::from(sum[lane]);
    }
}

/// Work that wants to know the instruction set.
pub(super) trait Work {
    /// Does it.
    fn run<A: Adder>(self, adder: A);
}

/// Runs `work` with the widest instruction set there is.
pub(super) fn dispatch(work: impl Work) {
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(v4) = pulp::x86::V4::try_new() {
            v4.vectorize(With(v4, work));
            return;
        }
        if let Some(v3) = pulp::x86::V3::try_new() {
            v3.vectorize(With(v3, work));
            return;
        }
    }
    work.run(Plain);
}

/// Work about to be run where the instruction set is known.
#[cfg(target_arch = "x86_64")]
struct With<A, W>(A, W);

#[cfg(target_arch = "x86_64")]
impl<A: Adder, W: Work> pulp::NullaryFnOnce for With<A, W> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.1.run(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::Dice;

    /// Steps as large as allowed, of either sign.
    fn steps(slots: usize) -> Vec<[i16; LANES]> {
        let mut dice = Dice::new(1);
        let most = usize::from(STEP_MOST.unsigned_abs());
        let mut step = |lane: usize| match lane % 3 {
            0 => STEP_MOST,
            1 => -STEP_MOST,
            _ => i16::try_from(dice.below(2 * most + 1)).unwrap() - STEP_MOST,
        };
        (0..slots).map(|_| std::array::from_fn(&mut step)).collect()
    }

    fn summed(adder: impl Adder, page: &Page, ones: u64) -> [i32; LANES] {
        let mut total = [0; LANES];
        add(adder, page, ones, &mut total);
        total
    }

    #[test]
    fn every_instruction_set_adds_alike_and_nothing_overflows() {
        let mut page = Page::new();
        for slots in [64, 62, 1, 0] {
            let steps = steps(slots);
            page.fill(&steps);
            for ones in [0, 1, u64::MAX, 0x0123_4567_89ab_cdef, 0x5555_5555_5555_5555] {
                let mut expected = [0; LANES];
                for (_, steps) in (0..).zip(&steps).filter(|(bit, _)| ones >> bit & 1 == 1) {
                    for (total, step) in expected.iter_mut().zip(steps) {
                        *total += i32::from(*step);
                    }
                }
                assert_eq!(summed(Plain, &page, ones), expected);
                #[cfg(target_arch = "x86_64")]
                {
                    if let Some(v3) = pulp::x86::V3::try_new() {
                        assert_eq!(summed(v3, &page, ones), expected);
                    }
                    if let Some(v4) = pulp::x86::V4::try_new() {
                        assert_eq!(summed(v4, &page, ones), expected);
                    }
                }
            }
        }
    }
}

//! What a leak lost to blur, shrinking or smoothing: one share for each spatial frequency.
//!
//! A filter that looks the same in all directions, `Σ a_n S^n` with `S` the binomial smoothing of
//! [`Grid::smooth`], is fitted by least squares so that the filtered original comes closest to the
//! leak. Every radial transfer function that falls off is near such a sum. Subtracting the original
//! as the leak shows it, and not as it was, leaves the mark and little else.
//!
//! Follows from original and leak alone; no key is known.

use std::f64::consts::PI;

use super::dct::{BANDS, CARRIERS};
use super::linear::solve;
use super::raster::{Grid, narrow, real};
use super::refine::Warped;

/// Smoothings that the filter is made of, beside the smoothest.
const POWERS: [usize; TERMS] = [0, 1, 2, 3, 4, 6, 9];

/// The smoothest term; what is slower than it, the leak shows as it was.
const SMOOTHEST: usize = 14;

const TERMS: usize = 7;

/// Radius of the local mean that is taken off before fitting: shade is no blur.
const LOCAL: usize = 8;

/// Power of contrast below which a place counts as flat.
const FLAT: f32 = 25.0;

/// A filter, and what it leaves of each band.
pub(super) struct Transfer {
    weights: [f64; TERMS],
    bands: [f32; CARRIERS],
}

impl Transfer {
    /// The filter that makes `told`, the original in the leak's tones, most like the leak.
    pub(super) fn fit(told: &Grid, warped: &Warped) -> Self {
        let (steps, smoothest) = steps(told);
        let differences: Vec<Grid> = steps.iter().map(|s| high(&less(s, &smoothest))).collect();
        let target = high(&less(&warped.grid, &smoothest));
        let mut contrast = high(told);
        for value in &mut contrast.data {
            *value *= *value;
        }
        let contrast = contrast.box_blur(LOCAL);
        let mut matrix = [[0.0_f64; TERMS]; TERMS];
        let mut right = [0.0_f64; TERMS];
        for at in (0..told.data.len()).filter(|at| warped.covered[*at]) {
            let share = 1.0 / (contrast.data[at] + FLAT);
            let terms: [f32; TERMS] = std::array::from_fn(|n| differences[n].data[at]);
            for (row, term) in matrix.iter_mut().zip(terms) {
                for (into, other) in row.iter_mut().zip(terms) {
                    *into += f64::from(share * term * other);
                }
            }
            for (into, term) in right.iter_mut().zip(terms) {
                *into += f64::from(share * term * target.data[at]);
            }
        }
        Self::of(solved(matrix, right))
    }

    fn of(weights: [f64; TERMS]) -> Self {
        let smooth = |k: usize| ((1.0 + (PI * real(k) / 8.0).cos()) / 2.0).powi(2);
        let bands = std::array::from_fn(|band| {
            let (v, u, _) = BANDS[band];
            let s = smooth(v) * smooth(u);
            let last = power(s, SMOOTHEST);
            let sum: f64 = weights
                .iter()
                .zip(POWERS)
                .map(|(a, n)| a * (power(s, n) - last))
                .sum();
            narrow((last + sum).clamp(0.0, 2.0))
        });
        Self { weights, bands }
    }

    /// What the leak kept of a band.
    pub(super) const fn band(&self, band: usize) -> f32 {
        self.bands[band]
    }

    /// The grid as the leak would show it.
    pub(super) fn apply(&self, grid: &Grid) -> Grid {
        let (steps, mut filtered) = steps(grid);
        let rest = 1.0 - self.weights.iter().sum::<f64>();
        for value in &mut filtered.data {
            *value *= narrow(rest);
        }
        for (step, weight) in steps.iter().zip(self.weights) {
            for (into, value) in filtered.data.iter_mut().zip(&step.data) {
                *into += narrow(weight) * value;
            }
        }
        filtered
    }
}

fn power(base: f64, exponent: usize) -> f64 {
    base.powf(real(exponent))
}

/// The grid smoothed as often as [`POWERS`] says, and the smoothest.
fn steps(grid: &Grid) -> (Vec<Grid>, Grid) {
    let mut steps = Vec::with_capacity(TERMS);
    let mut smooth = grid.clone();
    for count in 0..SMOOTHEST {
        if POWERS.contains(&count) {
            steps.push(smooth.clone());
        }
        smooth = smooth.smooth();
    }
    (steps, smooth)
}

fn less(grid: &Grid, other: &Grid) -> Grid {
    let mut less = grid.clone();
    for (value, other) in less.data.iter_mut().zip(&other.data) {
        *value -= other;
    }
    less
}

fn high(grid: &Grid) -> Grid {
    less(grid, &grid.box_blur(LOCAL))
}

/// The weights; those of a leak that is as sharp as its original when nothing can be said.
fn solved(mut matrix: [[f64; TERMS]; TERMS], mut right: [f64; TERMS]) -> [f64; TERMS] {
    // Towards sharpness: what the pictures do not tell apart stays as it was.
    let mean = (0..TERMS).map(|n| matrix[n][n]).sum::<f64>() / real(TERMS);
    let hold = 1e-5 * mean + 1e-9;
    for (n, row) in matrix.iter_mut().enumerate() {
        row[n] += hold;
    }
    right[0] += hold;
    let mut sharp = [0.0; TERMS];
    sharp[0] = 1.0;
    solve(matrix, right).unwrap_or(sharp)
}

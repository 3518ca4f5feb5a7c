//! All periods laid upon each other: one tile, whitened, one number for each sign.
//!
//! No step looks at a key, so the bound of [`super`] holds whatever happens here.

use std::f32::consts::PI;
use std::f64::consts::{SQRT_2, TAU};

use super::clean::Residual;
use super::fft::{Complex, Fft, Way};
use super::lattice::Waves;
use super::pattern::{PILOT, periods, ring};
use super::{CHIPS, COUNT, SIDE};

/// Points a side of the folded tile: two a chip.
const GRID: usize = 2 * CHIPS;

/// Structure coarser than this many pixels of the tile is taken away before folding.
const COARSE: f64 = 14.0;

/// A line of the folded spectrum is cut to this many times its ring's size: moiré and lines of text
/// stand out, signs do not.
const OUTSTANDING: f32 = 2.5;

/// A picture laid upon itself, period by period.
pub(super) struct Laid {
    /// What each sign of a tile would have left, `CHIPS × CHIPS`.
    pub(super) values: Vec<f32>,
    /// How much of the structure is the same in all periods, over what noise would leave: about 1
    /// when the waves are not those of a tile, or when less than two periods are seen.
    pub(super) sameness: f32,
}

/// Reach of the structure to take away before folding: a rung of a ladder of half octaves, so that
/// waves of about one scale share the work.
pub(super) fn reach(waves: &Waves) -> usize {
    let scale = PILOT as f64 * SQRT_2 / SIDE as f64 / waves.frequency().max(1e-6);
    let rung = (2.0 * (COARSE * scale).log2()).round().clamp(4.0, 13.0);
    (rung / 2.0).exp2() as usize
}

/// Folds a picture along its waves.
pub(super) fn fold(residual: &Residual, waves: &Waves) -> Laid {
    let (spectrum, sameness) = whitened(residual, waves);
    Laid {
        values: drawn(spectrum),
        sameness,
    }
}

/// Folds a picture along waves whose phase is unknown: as they lie, and half a sign further to the
/// right, down, and both.
pub(super) fn fold_still(residual: &Residual, waves: &Waves) -> [Vec<f32>; 4] {
    let (spectrum, _) = whitened(residual, waves);
    [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5)].map(|(right, down)| {
        let moved = spectrum.iter().enumerate().map(|(bin, value)| {
            let (x, y) = periods(bin);
            let turn = f64::from(x) * right + f64::from(y) * down;
            *value * Complex::turn(TAU * turn / CHIPS as f64)
        });
        drawn(moved.collect())
    })
}

/// The folded tile's whitened spectrum, `CHIPS × CHIPS`, and its sameness.
fn whitened(residual: &Residual, waves: &Waves) -> (Vec<Complex>, f32) {
    let (mut tile, noise) = summed(residual, waves);
    Fft::new(GRID.trailing_zeros()).square(&mut tile, Way::Forward);
    let mut spectrum: Vec<Complex> = (0..COUNT).map(|bin| kept(&tile, bin)).collect();
    let lines = (0..COUNT).map(ring).sum::<f32>();
    let power: f32 = spectrum.iter().map(|line| line.power()).sum();
    whiten(&mut spectrum);
    (spectrum, power / (lines * noise).max(1e-20))
}

/// One value for each sign.
fn drawn(mut spectrum: Vec<Complex>) -> Vec<f32> {
    Fft::new(CHIPS.trailing_zeros()).square(&mut spectrum, Way::Back);
    spectrum.iter().map(|value| value.re).collect()
}

/// The mean structure at each point of the tile, held towards zero where little was seen, and the
/// power that noise would leave in each line of its spectrum.
fn summed(residual: &Residual, waves: &Waves) -> (Vec<Complex>, f32) {
    let mut values = vec![0.0_f64; GRID * GRID];
    let mut squares = vec![0.0_f64; GRID * GRID];
    let mut weights = vec![0.0_f64; GRID * GRID];
    for y in 0..residual.height {
        for x in 0..residual.width {
            let at = y * residual.width + x;
            if residual.weight[at] > 0.0 {
                let point = point(waves.at(x as f64, y as f64));
                let value = f64::from(residual.value[at]);
                values[point] += value;
                squares[point] += value * value;
                weights[point] += f64::from(residual.weight[at]);
            }
        }
    }
    let usual = weights.iter().sum::<f64>() / weights.len() as f64;
    let held = |weight: &f64| (weight + usual / 2.0).max(1e-12);
    let means = values
        .iter()
        .zip(&weights)
        .map(|(v, w)| (v / held(w)) as f32);
    let noise: f64 = squares
        .iter()
        .zip(&weights)
        .map(|(s, w)| s / held(w).powi(2))
        .sum();
    (
        means.map(|value| Complex::new(value, 0.0)).collect(),
        noise as f32,
    )
}

/// The point of the tile at which the waves have these phases.
fn point(phases: [f64; 2]) -> usize {
    let tiles = |phase: f64| phase / (2.0 * TAU * PILOT as f64);
    let index = |tiles: f64| {
        let grid = GRID as i64;
        ((tiles * GRID as f64).round() as i64).rem_euclid(grid) as usize
    };
    let (first, second) = (tiles(phases[0]), tiles(phases[1]));
    index(first + second) * GRID + index(first - second)
}

/// A line of the signs' spectrum, taken from the finer one.
fn kept(tile: &[Complex], bin: usize) -> Complex {
    let (x, y) = periods(bin);
    let index = |k: f32| (k as i64).rem_euclid(GRID as i64) as usize;
    tile[index(y) * GRID + index(x)].times(ring(bin))
}

/// Divides each line by the power of its ring, and cuts lines that stand out of it.
fn whiten(spectrum: &mut [Complex]) {
    let radius = |bin: usize| {
        let (x, y) = periods(bin);
        x.hypot(y) as usize
    };
    let mut rings = [(0.0_f32, 0.0_f32); CHIPS];
    for (bin, value) in spectrum
        .iter()
        .enumerate()
        .filter(|(bin, _)| ring(*bin) > 0.0)
    {
        let near = radius(bin).saturating_sub(1)..=radius(bin) + 1;
        for (size, count) in &mut rings[near] {
            *size += value.power().sqrt();
            *count += 1.0;
        }
    }
    for (bin, value) in spectrum.iter_mut().enumerate() {
        let (size, count) = rings[radius(bin)];
        // The mean power of noise whose mean size this is; one loud line hardly moves it.
        let usual = ((size / count.max(1.0)).powi(2) * 4.0 / PI).max(1e-20);
        let cut = (OUTSTANDING * (usual / value.power().max(1e-30)).sqrt()).min(1.0);
        *value = value.times(cut / usual);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_points_of_the_tile() {
        let of = |u: f64, v: f64| {
            let turn = TAU * PILOT as f64 / CHIPS as f64;
            point([turn * (u + v), turn * (v - u)])
        };
        assert_eq!(of(0.0, 0.0), 0);
        assert_eq!(of(1.0, 0.0), 2);
        assert_eq!(of(3.0, 5.0), 10 * GRID + 6);
        assert_eq!(of(-1.0, 32.0), GRID - 2);
        assert_eq!(of(0.26, 0.0), 1);
    }

    #[test]
    fn lines_that_stand_out_are_cut_and_rings_made_even() {
        let mut spectrum: Vec<Complex> = (0..COUNT)
            .map(|bin| Complex::new(ring(bin) * (1.0 + periods(bin).0.abs()), 0.0))
            .collect();
        let loud = 3 * CHIPS + 7;
        spectrum[loud] = Complex::new(1_000.0, 0.0);
        let before = spectrum.clone();
        whiten(&mut spectrum);
        let gain = |bin: usize| spectrum[bin].re / before[bin].re;
        let quiet = 7 * CHIPS + 3;
        assert!(
            gain(loud) < gain(quiet) / 20.0,
            "{} {}",
            gain(loud),
            gain(quiet)
        );
        assert!(spectrum.iter().all(|line| line.re.is_finite()));
    }
}

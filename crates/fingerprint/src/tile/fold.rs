//! All periods laid upon each other: one tile, whitened, one number for each sign.
//!
//! No step looks at a key, so the bound of [`super`] holds whatever happens here.

use std::f64::consts::TAU;

use super::clean::residual;
use super::fft::{Complex, Fft, Way};
use super::lattice::Waves;
use super::pattern::{PILOT, periods, ring};
use super::{CHIPS, COUNT, SIDE};
use crate::plane::Plane;

/// Points a side of the folded tile: two a chip.
const GRID: usize = 2 * CHIPS;

/// Structure coarser than this many pixels of the tile is taken away before folding.
const COARSE: f64 = 14.0;

/// A line of the folded spectrum is cut to this many times its ring's size: moiré and lines of text
/// stand out, signs do not.
const OUTSTANDING: f32 = 2.5;

/// Folds a picture along its waves into what each sign of a tile would have left there.
pub(super) fn fold(plane: &Plane, waves: &Waves) -> Vec<f32> {
    let scale = PILOT as f64 * std::f64::consts::SQRT_2 / SIDE as f64 / waves.frequency();
    let reach = (COARSE * scale).clamp(4.0, 80.0) as usize;
    let mut tile = summed(plane, waves, reach);
    Fft::new(GRID.trailing_zeros()).square(&mut tile, Way::Forward);
    let mut spectrum: Vec<Complex> = (0..COUNT).map(|bin| kept(&tile, bin)).collect();
    whiten(&mut spectrum);
    Fft::new(CHIPS.trailing_zeros()).square(&mut spectrum, Way::Back);
    spectrum.iter().map(|value| value.re).collect()
}

/// The mean structure at each point of the tile, held towards zero where little was seen.
fn summed(plane: &Plane, waves: &Waves, reach: usize) -> Vec<Complex> {
    let residual = residual(plane, reach);
    let mut values = vec![0.0_f64; GRID * GRID];
    let mut weights = vec![0.0_f64; GRID * GRID];
    for y in 0..residual.height {
        for x in 0..residual.width {
            let at = y * residual.width + x;
            if residual.weight[at] > 0.0 {
                let point = point(waves.at(x as f64, y as f64));
                values[point] += f64::from(residual.value[at]);
                weights[point] += f64::from(residual.weight[at]);
            }
        }
    }
    let usual = weights.iter().sum::<f64>() / weights.len() as f64;
    let mean = |(value, weight): (&f64, &f64)| (value / (weight + usual / 2.0).max(1e-12)) as f32;
    let means = values.iter().zip(&weights).map(mean);
    means.map(|value| Complex::new(value, 0.0)).collect()
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
    for (bin, value) in spectrum.iter().enumerate().filter(|(bin, _)| ring(*bin) > 0.0) {
        let near = radius(bin).saturating_sub(1)..=radius(bin) + 1;
        for (power, count) in &mut rings[near] {
            *power += value.power();
            *count += 1.0;
        }
    }
    for (bin, value) in spectrum.iter_mut().enumerate() {
        let (power, count) = rings[radius(bin)];
        let usual = (power / count.max(1.0)).max(1e-20);
        let cut = (OUTSTANDING * (usual / value.power().max(1e-30)).sqrt()).min(1.0);
        *value = value.times(cut / usual);
    }
}

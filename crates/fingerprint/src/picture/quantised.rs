//! Leaks that went through JPEG: what the rounding of their waves still says, beside the original.
//!
//! A wave of the leak's own 8×8 squares is known to a bin only, `q Δ ± ½ Δ`; the original says where
//! within it the unmarked wave lay. The wave is put back at its mean under a normal law about the
//! original's, cut to the bin: near the bin's edge a mark shows in the bin chosen, far from it
//! nothing shows and nothing is read. Steps `Δ` come from the leak's own waves, the law's spread from
//! how often bins are met, band by band.
//!
//! Rule: ITU-T T.81, A.3.4. Follows from original and leak alone; no key is known. Where no steps are found,
//! as in a leak that was turned afterwards, the leak stays as it is.

use std::f64::consts::{PI, TAU};

use super::dct::{CELL, SIDE, forward, inverse};
use super::mark::square;
use super::raster::{Grid, by_rows, narrow, real};
use super::refine::Pose;

/// Steps sought; smaller ones are hidden by the rounding of pixels and do little harm.
const LEAST_STEP: u8 = 4;
const MOST_STEP: u8 = 160;

/// Waves looked at for a step or a spread, at most, and at least.
const MOST_WAVES: usize = 1_500;
const LEAST_WAVES: usize = 8;

/// How well waves must lie on multiples: the mean of `cos(2π wave/Δ)`.
const ON_STEPS: f64 = 0.72;

/// Bands with a step below which a leak is not taken for quantised.
const LEAST_BANDS: usize = 3;

/// Spreads tried, in grey levels.
const SPREADS: [f32; 11] = [0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 9.0, 14.0, 22.0, 40.0];

/// Table K.1 of ITU-T T.81: what a band without waves is taken to have been divided by, in proportion.
const LUMINANCE: [f32; CELL] = [
    16., 11., 10., 16., 24., 40., 51., 61., 12., 12., 14., 19., 26., 58., 60., 55., 14., 13., 16.,
    24., 40., 57., 69., 56., 14., 17., 22., 29., 51., 87., 80., 62., 18., 22., 37., 56., 68., 109.,
    103., 77., 24., 35., 55., 64., 81., 104., 113., 92., 49., 64., 78., 87., 103., 121., 120.,
    101., 72., 92., 95., 98., 112., 100., 103., 99.,
];

/// The leak with its waves put back where the likeliest of the models says; none when no steps show.
///
/// Each model is the original on the canonical grid as the leak might show it.
pub(super) fn restored(leak: &Grid, pose: &Pose, models: &[&Grid]) -> Option<Grid> {
    let waves = waves(leak);
    let steps = steps(&waves)?;
    let mut best: Option<(f64, Vec<[f32; CELL]>, [f32; CELL])> = None;
    for model in models {
        let expected = self::waves(&pose.seen(model, leak.width, leak.height)?);
        let (likelihood, spreads) = spreads(&waves, &expected, &steps);
        if best.as_ref().is_none_or(|(most, ..)| likelihood > *most) {
            best = Some((likelihood, expected, spreads));
        }
    }
    let (_, expected, spreads) = best?;
    let mut out = leak.clone();
    let across = leak.width / SIDE;
    by_rows(&mut out.data, leak.width * SIDE, |by, rows| {
        if rows.len() < leak.width * SIDE {
            return;
        }
        for bx in 0..across {
            let at = by * across + bx;
            let cell = inverse(&put_back(&waves[at], &expected[at], &steps, &spreads));
            for (y, row) in cell.chunks(SIDE).enumerate() {
                rows[y * leak.width + bx * SIDE..][..SIDE].copy_from_slice(row);
            }
        }
    });
    Some(out)
}

/// The waves of all whole squares.
fn waves(grid: &Grid) -> Vec<[f32; CELL]> {
    let (across, down) = (grid.width / SIDE, grid.height / SIDE);
    let mut waves = vec![[0.0; CELL]; across * down];
    by_rows(&mut waves, across, |by, row| {
        for (bx, into) in row.iter_mut().enumerate() {
            *into = forward(&square(grid, bx, by));
        }
    });
    waves
}

/// What each band was divided by; zero for the mean, which is left alone, and for bands of small steps.
fn steps(waves: &[[f32; CELL]]) -> Option<[f32; CELL]> {
    let found: [Option<f32>; CELL] = std::array::from_fn(|band| match band {
        0 => None,
        _ => step(waves, band),
    });
    let mut ratios: Vec<f32> = found
        .iter()
        .zip(LUMINANCE)
        .filter_map(|(step, table)| step.map(|step| step / table))
        .collect();
    if ratios.len() < LEAST_BANDS {
        return None;
    }
    ratios.sort_by(f32::total_cmp);
    let ratio = ratios[ratios.len() / 2];
    Some(std::array::from_fn(|band| match (band, found[band]) {
        (0, _) => 0.0,
        (_, Some(step)) => step,
        // Too few waves to tell: the band was divided by more than nearly all of them.
        (_, None) if ratio * LUMINANCE[band] >= f32::from(LEAST_STEP) => ratio * LUMINANCE[band],
        _ => 0.0,
    }))
}

/// The step on whose multiples the band's waves lie best.
fn step(waves: &[[f32; CELL]], band: usize) -> Option<f32> {
    let half = f32::from(LEAST_STEP) / 2.0;
    let stride = waves.len().div_ceil(4 * MOST_WAVES).max(1);
    let shown: Vec<f64> = (waves.iter().step_by(stride))
        .map(|waves| waves[band])
        .filter(|wave| wave.abs() > half)
        .take(MOST_WAVES)
        .map(f64::from)
        .collect();
    let fit = |step: u8| {
        let step = f64::from(step);
        // Waves that round to zero lie near a multiple of any large step.
        let rounded = shown.iter().filter(|wave| 2.0 * wave.abs() > step);
        let (sum, count) = rounded.fold((0.0, 0_usize), |(sum, count), wave| {
            (sum + (TAU * wave / step).cos(), count + 1)
        });
        if count < LEAST_WAVES {
            0.0
        } else {
            sum / real(count)
        }
    };
    let (best, step) = (LEAST_STEP..=MOST_STEP)
        .map(|step| (fit(step), step))
        .max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best >= ON_STEPS).then_some(f32::from(step))
}

/// The likeliest spread of each band about the model, and how likely all bins are then.
fn spreads(
    waves: &[[f32; CELL]],
    expected: &[[f32; CELL]],
    steps: &[f32; CELL],
) -> (f64, [f32; CELL]) {
    let stride = waves.len().div_ceil(MOST_WAVES).max(1);
    let mut total = 0.0;
    let spreads = std::array::from_fn(|band| {
        let step = steps[band];
        if step == 0.0 {
            return SPREADS[0];
        }
        let likelihood = |spread: f32| -> f64 {
            let pairs = waves.iter().zip(expected).step_by(stride);
            pairs
                .map(|(wave, model)| {
                    let bin = Bin::of(wave[band], step, model[band], spread);
                    bin.share().max(1e-4).ln()
                })
                .sum()
        };
        let best = SPREADS
            .map(|spread| (likelihood(spread), spread))
            .into_iter()
            .max_by(|a, b| a.0.total_cmp(&b.0));
        best.map_or(SPREADS[0], |(ln, spread)| {
            total += ln;
            spread
        })
    });
    (total, spreads)
}

fn put_back(
    waves: &[f32; CELL],
    expected: &[f32; CELL],
    steps: &[f32; CELL],
    spreads: &[f32; CELL],
) -> [f32; CELL] {
    std::array::from_fn(|band| {
        if steps[band] == 0.0 {
            return waves[band];
        }
        Bin::of(waves[band], steps[band], expected[band], spreads[band]).mean()
    })
}

/// A bin as a normal law of mean `model` sees it.
struct Bin {
    low: f64,
    high: f64,
    model: f64,
    spread: f64,
}

impl Bin {
    fn of(wave: f32, step: f32, model: f32, spread: f32) -> Self {
        let middle = f64::from((wave / step).round() * step);
        let half = f64::from(step) / 2.0;
        Self {
            low: middle - half,
            high: middle + half,
            model: f64::from(model),
            spread: f64::from(spread),
        }
    }

    fn ends(&self) -> (f64, f64) {
        (
            (self.low - self.model) / self.spread,
            (self.high - self.model) / self.spread,
        )
    }

    /// The law's share of the bin.
    fn share(&self) -> f64 {
        let (low, high) = self.ends();
        below(high) - below(low)
    }

    /// The law's mean within the bin.
    fn mean(&self) -> f32 {
        let (low, high) = self.ends();
        let share = below(high) - below(low);
        if share < 1e-5 {
            return narrow(self.model.clamp(self.low, self.high));
        }
        let mean = self.model + self.spread * (density(low) - density(high)) / share;
        narrow(mean.clamp(self.low, self.high))
    }
}

fn density(x: f64) -> f64 {
    (-x * x / 2.0).exp() / TAU.sqrt()
}

/// The normal law's share below `x`, to 1e-7 (M. Abramowitz and I. Stegun, 1964, 26.2.17).
fn below(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let series = t
        * (0.319_381_530
            + t * (-0.356_563_782
                + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let beyond = (-x * x / 2.0).exp() / (2.0 * PI).sqrt() * series;
    if x > 0.0 { 1.0 - beyond } else { beyond }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::landscape;
    use super::*;

    /// The picture as JPEG leaves it when every band is divided by `step`.
    fn rounded(grid: &Grid, step: f32) -> Grid {
        let mut out = grid.clone();
        let across = grid.width / SIDE;
        for (at, waves) in waves(grid).iter().enumerate() {
            let cell = inverse(&waves.map(|wave| (wave / step).round() * step));
            for (y, row) in cell.chunks(SIDE).enumerate() {
                let start = (at / across * SIDE + y) * grid.width + at % across * SIDE;
                for (into, value) in out.data[start..][..SIDE].iter_mut().zip(row) {
                    *into = value.round();
                }
            }
        }
        out
    }

    #[test]
    fn the_normal_law_is_that_of_the_tables() {
        for (x, share) in [
            (0.0, 0.5),
            (1.0, 0.841_345),
            (-1.959_964, 0.025),
            (4.0, 0.999_968),
        ] {
            assert!((below(x) - share).abs() < 1e-6, "{x}");
        }
    }

    #[test]
    fn steps_are_found_and_none_where_there_are_none() {
        let grid = Grid::of(&landscape(160, 120, 3));
        assert!(steps(&waves(&grid)).is_none());
        for step in [10.0_f32, 24.0, 37.0] {
            let found = steps(&waves(&rounded(&grid, step))).unwrap();
            let right = found[1..20].iter().filter(|s| **s == step).count();
            assert!(right >= 12, "{step}: {found:?}");
        }
    }

    #[test]
    fn a_wave_goes_to_the_edge_of_its_bin_nearest_the_model() {
        let mean = |model| Bin::of(20.0, 20.0, model, 2.0).mean();
        assert!((mean(20.0) - 20.0).abs() < 1e-3);
        assert!((mean(14.0) - 14.0).abs() < 0.2);
        assert!(mean(9.0) > 10.0 && mean(9.0) < 12.5);
        assert_eq!(mean(-90.0), 10.0);
    }
}

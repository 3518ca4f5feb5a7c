//! What is left of a leak when its original is taken away: one number a carrier.
//!
//! Everything here follows from the original and the leak; no key is known (the types say so: none
//! is passed). So an innocent's signs, being independent of original and leak, are independent of
//! these numbers, whatever clipping and weighing is done.

use super::dct::{BANDS, CARRIERS, SIDE, forward};
use super::mark::{self, square, squares};
use super::quantised::restored;
use super::raster::{Grid, floor_index, narrow, real};
use super::refine::{Pose, Warped};
use super::transfer::Transfer;

/// Bins of the tone curve.
const TONES: usize = 24;

/// Sums `down + across` of bands: 1 to 6.
const GROUPS: usize = 7;

/// Deviations at which a number is cut off.
const CLIP: f32 = 2.5;

/// The least noise believed in, in grey levels: bands that a leak lost show none.
const LEAST_NOISE: f32 = 0.4;

/// Share of a mark's own power below which no noise is believed.
const MARKED: f32 = 0.5;

/// Largest whole number a carrier is given.
const LARGEST: f32 = 2_047.0;

/// The numbers of all carriers; zero where the leak shows nothing.
pub(super) fn residue(canonical: &Grid, strengths: &[f32], leak: &Grid, pose: &Pose) -> Vec<i16> {
    let mut warped = pose.warp(leak, canonical);
    let tone = Tone::fit(canonical, &warped);
    let told = tone.apply(canonical);
    let mut transfer = Transfer::fit(&told, &warped);
    if let Some(leak) = restored(leak, pose, &[&told, &transfer.apply(&told)]) {
        warped = pose.warp(&leak, canonical);
        transfer = Transfer::fit(&told, &warped);
    }
    let warped = &warped;
    // What the leak lost of a carrier it is sought with too: the matched filter.
    let expected = transfer.apply(&transfer.apply(&told));
    let seen = transfer.apply(&warped.grid);
    let squares = Squares::read(canonical, (&expected, &seen), warped, &tone);
    let scale = mark::scale(canonical, strengths);
    let gains = squares.gains();
    let rest = squares.rest(&gains);
    let noise = squares.noise(&rest, &transfer);
    let weigh = |at: usize| {
        let number = at / CARRIERS;
        if !squares.covered[number] {
            return 0.0;
        }
        let kept = transfer.band(at % CARRIERS).powi(2);
        let expected = strengths[at] * kept * gains[at] * squares.slope[number];
        // A leak whose rest is calmer than a mark says nothing there: no weight is made of nothing.
        let power = noise[at].max(MARKED * (scale * expected).powi(2));
        let cut = CLIP * power.sqrt();
        rest[at].clamp(-cut, cut) * expected / power
    };
    whole((0..rest.len()).map(weigh).collect())
}

fn whole(values: Vec<f32>) -> Vec<i16> {
    let top = values.iter().fold(0.0_f32, |top, v| top.max(v.abs()));
    if top == 0.0 || !top.is_finite() {
        return vec![0; values.len()];
    }
    let factor = LARGEST / top;
    let round = |value: f32| {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most 2,047 by the line above"
        )]
        let rounded = (value * factor).round() as i16;
        rounded
    };
    values.into_iter().map(round).collect()
}

/// The brightness a leak shows for each brightness of the original.
struct Tone([f32; TONES + 1]);

impl Tone {
    fn fit(canonical: &Grid, warped: &Warped) -> Self {
        let mut sums = [(0.0_f64, 0.0_f64); TONES + 1];
        let pairs = canonical.data.iter().zip(&warped.grid.data);
        for ((from, to), covered) in pairs.zip(&warped.covered) {
            if *covered {
                let (bin, t) = place(*from);
                let (t, to) = (f64::from(t), f64::from(*to));
                sums[bin].0 += (1.0 - t) * to;
                sums[bin].1 += 1.0 - t;
                sums[bin + 1].0 += t * to;
                sums[bin + 1].1 += t;
            }
        }
        Self(filled(&sums))
    }

    fn value(&self, from: f32) -> f32 {
        let (bin, t) = place(from);
        self.0[bin] * (1.0 - t) + self.0[bin + 1] * t
    }

    /// Grey levels of the leak a grey level of the original.
    fn slope(&self, from: f32) -> f32 {
        let reach = 16.0;
        (self.value(from + reach) - self.value(from - reach))
            / ((from + reach).min(255.0) - (from - reach).max(0.0))
    }

    fn apply(&self, canonical: &Grid) -> Grid {
        let mut told = canonical.clone();
        for value in &mut told.data {
            *value = self.value(*value);
        }
        told
    }
}

/// The bin below a brightness and how far it lies past it.
fn place(value: f32) -> (usize, f32) {
    let at = f64::from(value.clamp(0.0, 255.0)) / 255.0 * real(TONES);
    let bin = floor_index(at).min(TONES - 1);
    (bin, narrow(at - real(bin)))
}

/// Means of the bins; empty ones lie between their neighbours.
fn filled(sums: &[(f64, f64); TONES + 1]) -> [f32; TONES + 1] {
    let known: Vec<(usize, f64)> = (0..=TONES)
        .filter(|bin| sums[*bin].1 > 20.0)
        .map(|bin| (bin, sums[bin].0 / sums[bin].1))
        .collect();
    std::array::from_fn(|bin| {
        let below = known.iter().rev().find(|(at, _)| *at <= bin);
        let above = known.iter().find(|(at, _)| *at >= bin);
        narrow(match (below, above) {
            (Some((a, low)), Some((b, high))) if b > a => {
                low + (high - low) * real(bin - a) / real(b - a)
            }
            (Some((_, only)), _) | (None, Some((_, only))) => *only,
            (None, None) => real(bin) * 255.0 / real(TONES),
        })
    })
}

/// Both pictures in waves.
struct Squares {
    across: usize,
    down: usize,
    covered: Vec<bool>,
    slope: Vec<f32>,
    original: Vec<f32>,
    leak: Vec<f32>,
}

impl Squares {
    fn read(canonical: &Grid, (told, seen): (&Grid, &Grid), warped: &Warped, tone: &Tone) -> Self {
        let (across, down) = squares(canonical);
        let mut all = Self {
            across,
            down,
            covered: Vec::with_capacity(across * down),
            slope: Vec::with_capacity(across * down),
            original: Vec::with_capacity(across * down * CARRIERS),
            leak: Vec::with_capacity(across * down * CARRIERS),
        };
        for by in 0..down {
            for bx in 0..across {
                all.covered.push(is_covered(warped, bx, by));
                let mean = square(canonical, bx, by).iter().sum::<f32>() / 64.0;
                all.slope.push(tone.slope(mean));
                for (from, into) in [(told, &mut all.original), (seen, &mut all.leak)] {
                    let waves = forward(&square(from, bx, by));
                    into.extend(BANDS.iter().map(|(v, u, _)| waves[v * SIDE + u]));
                }
            }
        }
        all
    }

    /// Sums of `value(carrier)` by group of bands, square by square, over squares within `radius`.
    fn around(&self, radius: usize, value: impl Fn(usize) -> f32) -> Vec<Grid> {
        let mut groups: Vec<Grid> = (0..GROUPS)
            .map(|_| Grid::zeros(self.across, self.down))
            .collect();
        for at in 0..self.leak.len() {
            if self.covered[at / CARRIERS] {
                groups[group(at)].data[at / CARRIERS] += value(at);
            }
        }
        groups.iter().map(|grid| grid.box_blur(radius)).collect()
    }

    /// How much of the original each carrier of the leak still shows.
    ///
    /// A blur takes from each band its own share, a shade from each place its own: the gain is the
    /// product of both.
    fn gains(&self) -> Vec<f32> {
        let (bands, groups) = self.overall();
        let with = self.around(4, |at| self.original[at] * self.leak[at]);
        let itself = self.around(4, |at| self.original[at].powi(2));
        let means: Vec<f32> = itself
            .iter()
            .map(|g| g.data.iter().sum::<f32>() / narrow(real(g.data.len().max(1))))
            .collect();
        let one = |at: usize| {
            let (g, k, number) = (group(at), at % CARRIERS, at / CARRIERS);
            let hold = 0.3 * means[g] + 1.0;
            let near =
                (with[g].data[number] + hold * narrow(groups[g])) / (itself[g].data[number] + hold);
            let relative = if groups[g].abs() > 1e-3 {
                f64::from(near) / groups[g]
            } else {
                1.0
            };
            narrow(bands[k] * relative.clamp(0.2, 3.0))
        };
        (0..self.leak.len()).map(one).collect()
    }

    /// The gain of each band and of each group over the whole picture.
    fn overall(&self) -> ([f64; CARRIERS], [f64; GROUPS]) {
        let mut bands = [(0.0_f64, 1e-3_f64); CARRIERS];
        for (at, (leak, original)) in self.leak.iter().zip(&self.original).enumerate() {
            if self.covered[at / CARRIERS] {
                // Strong edges would decide alone: each carrier counts by its root.
                let share = 1.0 / (original.abs() + 4.0);
                let band = &mut bands[at % CARRIERS];
                band.0 += f64::from(share * original * leak);
                band.1 += f64::from(share * original * original);
            }
        }
        let mut groups = [(0.0, 1e-3); GROUPS];
        for (band, sums) in bands.iter().enumerate() {
            groups[group(band)].0 += sums.0;
            groups[group(band)].1 += sums.1;
        }
        let ratio = |(with, itself): (f64, f64)| with / itself;
        (bands.map(ratio), groups.map(ratio))
    }

    fn rest(&self, gains: &[f32]) -> Vec<f32> {
        let pairs = self.leak.iter().zip(&self.original).zip(gains);
        pairs
            .map(|((leak, original), gain)| leak - gain * original)
            .collect()
    }

    /// Power of the noise at each carrier, from its neighbours in place and band.
    fn noise(&self, rest: &[f32], transfer: &Transfer) -> Vec<f32> {
        let power = self.around(1, |at| rest[at].powi(2));
        let shown = self.around(1, |_| 1.0);
        let one = |at: usize| {
            let (g, number) = (group(at), at / CARRIERS);
            let mean = power[g].data[number] / shown[g].data[number].max(1e-3);
            // A carrier alone among calm ones is an edge that did not fit.
            let own = rest[at].powi(2).min(9.0 * mean);
            let least = LEAST_NOISE * transfer.band(at % CARRIERS).abs().max(0.02);
            0.85 * mean + 0.15 * own + least * least
        };
        (0..rest.len()).map(one).collect()
    }
}

fn group(at: usize) -> usize {
    let (v, u, _) = BANDS[at % CARRIERS];
    v + u
}

/// Whether the leak covers a square and the pixels about it.
fn is_covered(warped: &Warped, bx: usize, by: usize) -> bool {
    let (w, h) = (warped.grid.width, warped.grid.height);
    let (x0, y0) = ((bx * SIDE).saturating_sub(1), (by * SIDE).saturating_sub(1));
    let (x1, y1) = ((bx * SIDE + SIDE).min(w - 1), (by * SIDE + SIDE).min(h - 1));
    (y0..=y1).all(|y| warped.covered[y * w + x0..=y * w + x1].iter().all(|c| *c))
}

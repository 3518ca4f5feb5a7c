//! Where the tiles lie: the two public waves are found, then followed across the picture.
//!
//! The waves' phases are tile coordinates. They are found as peaks of an averaged spectrum, and
//! followed from the best place outwards with a cubic in each phase, which is enough for scale,
//! rotation, the perspective of a photograph and a lens.
//! No step looks at a key, so the bound of [`super`] holds whatever happens here.

use std::f64::consts::TAU;

use super::SIDE;
use super::clean::{Residual, box_mean};
use super::fft::{Complex, Fft, Way};
use super::pattern::PILOT;

/// Points a side of the blocks whose spectra are averaged.
const BLOCK: usize = 256;

/// At most about this many blocks are transformed.
const MOST_BLOCKS: usize = 600;

/// Frequencies searched, in periods per [`BLOCK`]: tiles shown at 0.35 to 4.3 times their size.
const SEARCHED: (f32, f32) = (7.0, 86.0);

/// Peaks considered, pairs of peaks followed.
const PEAKS: usize = 60;
const PAIRS: usize = 14;

/// Different pairs of waves kept, those of upright screenshots not counted.
const MOST_WAVES: usize = 6;

/// Pictures of at most this many pixels are also tried as pieces of upright screenshots, at the usual
/// device pixel ratios: they may be too small to show peaks.
const SMALL: usize = 500 * 500;
const RATIOS: [f64; 6] = [1.0, 1.25, 1.5, 2.0, 2.5, 3.0];

/// Pixels a side of the smallest piece of a wave.
const CELL: usize = 8;

/// Cells a side of the window in which a wave is first caught: `WINDOW · CELL` is [`BLOCK`].
const WINDOW: usize = 32;

/// How far a wave may be from its peak in one window, in periods per [`BLOCK`].
const STRAY: usize = 3;

/// Pixels around the seed within which a wave is taken for even: strong perspective bends it by half
/// a period within twice that.
const NEAR: f64 = 100.0;

/// Terms of a cubic in two variables, by degree: `1, x, y, x², xy, y², x³, x²y, xy², y³`.
const TERMS: usize = 10;
const POWERS: [(i32, i32); TERMS] = [
    (0, 0),
    (1, 0),
    (0, 1),
    (2, 0),
    (1, 1),
    (0, 2),
    (3, 0),
    (2, 1),
    (1, 2),
    (0, 3),
];

/// Two phases, in radians, as cubics of the pixel.
#[derive(Debug, Clone)]
pub(super) struct Waves {
    frame: Frame,
    phases: [[f64; TERMS]; 2],
    /// Height of the weaker wave's peak over its surroundings.
    pub(super) height: f32,
}

impl Waves {
    /// Both phases at a pixel.
    pub(super) fn at(&self, x: f64, y: f64) -> [f64; 2] {
        let (x, y) = self.frame.seen((x, y), self.frame.unit);
        self.phases.map(|p| {
            let constant = p[0] + y * (p[2] + y * (p[5] + y * p[9]));
            let linear = p[1] + y * (p[4] + y * p[8]);
            constant + x * (linear + x * (p[3] + y * p[7] + x * p[6]))
        })
    }

    /// Upright waves of tiles of `scale` pixels a tile pixel that begin at the first pixel.
    pub(super) fn still(scale: f64) -> Self {
        let slope = TAU * PILOT as f64 / SIDE as f64 / scale;
        let wave = |x: f64| {
            let mut phase = [0.0; TERMS];
            (phase[1], phase[2]) = (x, slope);
            phase
        };
        Self {
            frame: Frame {
                centre: (0.0, 0.0),
                unit: 1.0,
            },
            phases: [wave(slope), wave(-slope)],
            height: 0.0,
        }
    }

    /// Whether both follow the same two waves.
    fn is_like(&self, other: &Self) -> bool {
        let same = |at: (f64, f64)| {
            let (a, b) = (self.at(at.0, at.1), other.at(at.0, at.1));
            let apart = |wave: usize| ((a[wave] - b[wave]) / 2.0).sin().abs();
            apart(0) < 0.3 && apart(1) < 0.3
        };
        let (x, y) = self.frame.centre;
        [(0.0, 0.0), (40.0, 0.0), (0.0, 40.0), (-17.0, 29.0)]
            .iter()
            .all(|(dx, dy)| same((x + dx, y + dy)))
    }

    /// Periods a pixel of the first wave at the middle of what was followed.
    pub(super) fn frequency(&self) -> f64 {
        self.phases[0][1].hypot(self.phases[0][2]) / self.frame.unit / TAU
    }
}

/// Credible pairs of waves, those that stand out most first; no two alike.
pub(super) fn find(residual: &Residual) -> Vec<Waves> {
    let spectrum = spectrum(residual);
    let noise = noise(residual);
    let mut found: Vec<Waves> = Vec::new();
    let mut add = |(height, pair): (f32, Pair), most: usize| {
        if found.len() >= most {
            return;
        }
        if let Some(waves) = follow(residual, &noise, pair, height)
            && !found.iter().any(|other| other.is_like(&waves))
        {
            found.push(waves);
        }
    };
    for pair in pairs(&peaks(&spectrum)) {
        add(pair, MOST_WAVES);
    }
    if residual.width * residual.height <= SMALL {
        for pair in upright_screens(&spectrum) {
            add(pair, usize::MAX);
        }
    }
    found
}

/// The waves as an uncut screenshot shows them, for the usual device pixel ratios.
fn upright_screens(spectrum: &[f32]) -> Vec<(f32, Pair)> {
    let pair = |ratio: &f64| {
        let f = PILOT as f64 / SIDE as f64 / ratio;
        let bin = (f * BLOCK as f64).round() as usize;
        let half = BLOCK / 2;
        let height = |x: usize| spectrum[(half + bin) * BLOCK + x];
        let weaker = height(half + bin).min(height(half - bin));
        (weaker, [(f, f), (-f, f)])
    };
    RATIOS.iter().map(pair).collect()
}

/// Power by frequency over its surroundings, zero frequency in the middle: `BLOCK × BLOCK`.
fn spectrum(residual: &Residual) -> Vec<f32> {
    let fft = Fft::new(BLOCK.trailing_zeros());
    let mut power = vec![0.0_f32; BLOCK * BLOCK];
    let corners = corners(residual.width, residual.height);
    for two in corners.chunks(2) {
        let mut block = vec![Complex::default(); BLOCK * BLOCK];
        cut(residual, two[0], &mut block, |point, value| {
            point.re = value
        });
        if let Some(second) = two.get(1) {
            cut(residual, *second, &mut block, |point, value| {
                point.im = value
            });
        }
        fft.square(&mut block, Way::Forward);
        for (bin, value) in block.iter().enumerate() {
            power[centred(bin)] += value.power();
        }
    }
    // Two real blocks went in as one complex one: their powers add up over a frequency and its mirror.
    let size: Vec<f32> = (0..power.len())
        .map(|at| (power[at] + power[mirrored(at)]).sqrt())
        .collect();
    let around = box_mean(&size, BLOCK, BLOCK, 6);
    let over = |(size, around): (&f32, &f32)| (size / around.max(1e-12)).powi(2);
    size.iter().zip(&around).map(over).collect()
}

/// Where a bin of the transform stands when zero frequency is in the middle.
const fn centred(bin: usize) -> usize {
    let half = BLOCK / 2;
    (bin / BLOCK + half) % BLOCK * BLOCK + (bin % BLOCK + half) % BLOCK
}

/// The place of the opposite frequency.
const fn mirrored(at: usize) -> usize {
    (BLOCK - at / BLOCK) % BLOCK * BLOCK + (BLOCK - at % BLOCK) % BLOCK
}

/// Top left corners of overlapping blocks that cover the picture.
fn corners(width: usize, height: usize) -> Vec<(usize, usize)> {
    let area = width * height;
    let step = (BLOCK / 2).max(((area / MOST_BLOCKS) as f64).sqrt() as usize);
    let along = |length: usize| (0..length.saturating_sub(BLOCK / 2).max(1)).step_by(step);
    along(height)
        .flat_map(|y| along(width).map(move |x| (x, y)))
        .collect()
}

/// Puts a windowed block into `block`; what lies outside the picture stays zero.
fn cut(
    residual: &Residual,
    (left, top): (usize, usize),
    block: &mut [Complex],
    put: impl Fn(&mut Complex, f32),
) {
    let window: Vec<f32> = (0..BLOCK)
        .map(|i| {
            (std::f32::consts::PI * (i as f32 + 0.5) / BLOCK as f32)
                .sin()
                .powi(2)
        })
        .collect();
    let columns = BLOCK.min(residual.width - left);
    for row in 0..BLOCK.min(residual.height - top) {
        let from = &residual.value[(top + row) * residual.width + left..][..columns];
        let to = &mut block[row * BLOCK..][..columns];
        for ((to, value), across) in to.iter_mut().zip(from).zip(&window) {
            put(to, value * across * window[row]);
        }
    }
}

/// A peak of the spectrum: frequency in periods per [`BLOCK`], and height over its surroundings.
type Peak = ((f32, f32), f32);

/// The highest peaks of one half of the plane; the other half mirrors it.
fn peaks(spectrum: &[f32]) -> Vec<Peak> {
    let half = BLOCK / 2;
    let mut peaks = Vec::new();
    for y in half..BLOCK - 1 {
        for x in 1..BLOCK - 1 {
            let (fx, fy) = (x as f32 - half as f32, y as f32 - half as f32);
            let radius = fx.hypot(fy);
            let height = spectrum[y * BLOCK + x];
            let beside = (y - 1..=y + 1).flat_map(|y| (x - 1..=x + 1).map(move |x| y * BLOCK + x));
            let highest = beside.map(|at| spectrum[at]).fold(0.0, f32::max);
            let first = fy > 0.0 || fx > 0.0;
            if first
                && radius >= SEARCHED.0
                && radius <= SEARCHED.1
                && height >= highest
                && height > 1.0
            {
                peaks.push(((fx, fy), height));
            }
        }
    }
    peaks.sort_by(|a, b| b.1.total_cmp(&a.1));
    peaks.truncate(PEAKS);
    peaks
}

/// Two frequencies at about a right angle and of about one length, in periods a pixel.
type Pair = [(f64, f64); 2];

/// Pairs of peaks that could be the waves, most credible first.
fn pairs(peaks: &[Peak]) -> Vec<(f32, Pair)> {
    let mut pairs: Vec<(f32, Pair)> = Vec::new();
    for (index, first) in peaks.iter().enumerate() {
        for second in &peaks[index + 1..] {
            if let Some(pair) = upright(first.0, second.0) {
                pairs.push((first.1.min(second.1), pair));
            }
        }
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    pairs.truncate(PAIRS);
    pairs
}

/// Orders and signs two frequencies so that the second is the first turned left by 90°, and the
/// first points into the quadrant that it has on an upright page.
fn upright(first: (f32, f32), second: (f32, f32)) -> Option<Pair> {
    let unit = |(x, y): (f32, f32)| (f64::from(x) / BLOCK as f64, f64::from(y) / BLOCK as f64);
    let (a, mut b) = (unit(first), unit(second));
    let (long, short) = (a.0.hypot(a.1), b.0.hypot(b.1));
    let cosine = (a.0 * b.0 + a.1 * b.1) / (long * short);
    if cosine.abs() > 0.3 || !(0.75..1.33).contains(&(long / short)) {
        return None;
    }
    if a.0 * b.1 - a.1 * b.0 < 0.0 {
        b = (-b.0, -b.1);
    }
    let mut pair = [a, b];
    for _ in 0..3 {
        let middle = (pair[0].0 + pair[1].1, pair[0].1 - pair[1].0);
        if middle.0 >= 0.0 && middle.1 >= 0.0 {
            break;
        }
        pair = [pair[1], (-pair[0].0, -pair[0].1)];
    }
    Some(pair)
}

/// A wave stripped of its main frequency, a sum for each cell of `CELL × CELL` pixels.
struct Cells<'a> {
    across: usize,
    down: usize,
    waves: [Vec<Complex>; 2],
    /// What noise alone would leave of a sum's power, for each cell.
    noise: &'a [f32],
}

impl<'a> Cells<'a> {
    fn new(residual: &Residual, noise: &'a [f32], pair: Pair) -> Self {
        let (across, down) = (
            residual.width.div_ceil(CELL),
            residual.height.div_ceil(CELL),
        );
        Self {
            across,
            down,
            waves: pair.map(|f| stripped(residual, f, across, down)),
            noise,
        }
    }

    /// The pixel in the middle of a cell.
    fn place(&self, cell: usize) -> (f64, f64) {
        let middle = |index: usize| (index * CELL) as f64 + (CELL - 1) as f64 / 2.0;
        (middle(cell % self.across), middle(cell / self.across))
    }

    /// A cell's sum, turned back by a phase.
    fn along(&self, wave: usize, cell: usize, frame: Frame, phase: &[f64; TERMS]) -> Complex {
        let (x, y) = frame.seen(self.place(cell), frame.unit);
        let angle: f64 = phase.iter().zip(terms(x, y)).map(|(p, t)| p * t).sum();
        self.waves[wave][cell] * Complex::turn(-angle)
    }
}

/// The power that noise leaves in each cell, whatever the frequency.
fn noise(residual: &Residual) -> Vec<f32> {
    let across = residual.width.div_ceil(CELL);
    let mut noise = vec![0.0; across * residual.height.div_ceil(CELL)];
    for (y, row) in residual.value.chunks_exact(residual.width).enumerate() {
        let cells = &mut noise[y / CELL * across..][..across];
        for (cell, values) in cells.iter_mut().zip(row.chunks(CELL)) {
            *cell += values.iter().map(|v| v * v).sum::<f32>();
        }
    }
    noise
}

fn stripped(residual: &Residual, f: (f64, f64), across: usize, down: usize) -> Vec<Complex> {
    let turns: Vec<Complex> = (0..residual.width)
        .map(|x| Complex::turn(-TAU * f.0 * x as f64))
        .collect();
    let mut cells = vec![Complex::default(); across * down];
    for (y, row) in residual.value.chunks_exact(residual.width).enumerate() {
        let down = Complex::turn(-TAU * f.1 * y as f64);
        let sums = &mut cells[y / CELL * across..][..across];
        let parts = row.chunks(CELL).zip(turns.chunks(CELL));
        for (sum, (values, turns)) in sums.iter_mut().zip(parts) {
            let terms = values
                .iter()
                .zip(turns)
                .map(|(value, turn)| turn.times(*value));
            *sum = *sum + terms.fold(Complex::default(), |a, b| a + b) * down;
        }
    }
    cells
}

/// Where both waves are first caught: the window's middle, and for each wave its slope (periods a
/// pixel beside the peak) and phase there.
struct Seed {
    middle: (f64, f64),
    slopes: [(f64, f64); 2],
    score: f32,
}

/// The window in which the weaker wave stands highest over noise.
fn seed(cells: &Cells<'_>) -> Option<Seed> {
    let fft = Fft::new(WINDOW.trailing_zeros());
    let starts = |count: usize| (0..count.saturating_sub(WINDOW / 2).max(1)).step_by(WINDOW / 2);
    let windows = starts(cells.down).flat_map(|y| starts(cells.across).map(move |x| (x, y)));
    windows
        .map(|corner| caught(cells, &fft, corner))
        .max_by(|a, b| a.score.total_cmp(&b.score))
}

fn caught(cells: &Cells<'_>, fft: &Fft, (left, top): (usize, usize)) -> Seed {
    let (columns, rows) = (
        WINDOW.min(cells.across - left),
        WINDOW.min(cells.down - top),
    );
    let line =
        |row: usize| (top + row) * cells.across + left..(top + row) * cells.across + left + columns;
    let noise: f32 = (0..rows).flat_map(|row| &cells.noise[line(row)]).sum();
    let mut score = f32::INFINITY;
    let slopes = [0, 1].map(|wave| {
        let mut window = vec![Complex::default(); WINDOW * WINDOW];
        for row in 0..rows {
            window[row * WINDOW..][..columns].copy_from_slice(&cells.waves[wave][line(row)]);
        }
        fft.square(&mut window, Way::Forward);
        let (slope, power) = strongest(&window);
        score = score.min(power / noise.max(1e-12));
        slope
    });
    let middle = |start: usize, count: usize| ((2 * start + count) * CELL) as f64 / 2.0;
    Seed {
        middle: (middle(left, columns), middle(top, rows)),
        slopes,
        score,
    }
}

/// The strongest line near zero, between bins by a parabola; frequencies in periods a pixel.
fn strongest(window: &[Complex]) -> ((f64, f64), f32) {
    let at = |x: i32, y: i32| {
        let wrap = |k: i32| k.rem_euclid(WINDOW as i32) as usize;
        window[wrap(y) * WINDOW + wrap(x)].power()
    };
    let stray = STRAY as i32;
    let bins = (-stray..=stray).flat_map(|y| (-stray..=stray).map(move |x| (x, y)));
    let best = bins.max_by(|a, b| at(a.0, a.1).total_cmp(&at(b.0, b.1)));
    let (x, y) = best.unwrap_or((0, 0));
    let height = at(x, y);
    let between = |before: f32, after: f32| {
        let bend = 2.0 * height - before - after;
        if bend > 0.0 {
            f64::from((after - before) / (2.0 * bend))
        } else {
            0.0
        }
    };
    let fx = f64::from(x) + between(at(x - 1, y), at(x + 1, y));
    let fy = f64::from(y) + between(at(x, y - 1), at(x, y + 1));
    ((fx / BLOCK as f64, fy / BLOCK as f64), height)
}

/// Where cubics are measured from, and their unit of length in pixels.
#[derive(Debug, Clone, Copy)]
struct Frame {
    centre: (f64, f64),
    unit: f64,
}

impl Frame {
    /// A pixel seen from the centre, in units of `unit`.
    fn seen(self, (x, y): (f64, f64), unit: f64) -> (f64, f64) {
        ((x - self.centre.0) / unit, (y - self.centre.1) / unit)
    }
}

/// Follows a pair of waves from where it is strongest to the borders.
fn follow(residual: &Residual, noise: &[f32], pair: Pair, height: f32) -> Option<Waves> {
    let cells = Cells::new(residual, noise, pair);
    let seed = seed(&cells)?;
    let far = |at: f64, length: usize| at.max(length as f64 - at);
    let frame = Frame {
        centre: seed.middle,
        unit: far(seed.middle.0, residual.width).max(far(seed.middle.1, residual.height)),
    };
    let mut phases = [[0.0; TERMS]; 2];
    for (wave, phase) in phases.iter_mut().enumerate() {
        let (fx, fy) = seed.slopes[wave];
        *phase = [0.0; TERMS];
        (phase[1], phase[2]) = (TAU * fx * frame.unit, TAU * fy * frame.unit);
        grow(&cells, wave, frame, phase);
        phase[0] += TAU * (pair[wave].0 * frame.centre.0 + pair[wave].1 * frame.centre.1);
        phase[1] += TAU * pair[wave].0 * frame.unit;
        phase[2] += TAU * pair[wave].1 * frame.unit;
    }
    Some(Waves {
        frame,
        phases,
        height,
    })
}

/// Fits a wave's phase in ever larger squares, each a third larger than the one before.
fn grow(cells: &Cells<'_>, wave: usize, frame: Frame, phase: &mut [f64; TERMS]) {
    let mut reach = NEAR;
    // A slope alone may lie half a period off, where a small step finds no way.
    let groups = gathered(cells, wave, frame, reach, phase);
    let sum = groups
        .iter()
        .fold(Complex::default(), |sum, (_, part)| sum + *part);
    phase[0] = f64::from(sum.im.atan2(sum.re));
    loop {
        let last = reach >= frame.unit;
        for _ in 0..if last { 8 } else { 4 } {
            improve(cells, wave, frame, reach, phase);
        }
        if last {
            return;
        }
        reach = (reach * 1.35).min(frame.unit);
    }
}

/// One step towards the phase along which the cells within `reach` add up best.
fn improve(cells: &Cells<'_>, wave: usize, frame: Frame, reach: f64, phase: &mut [f64; TERMS]) {
    let used = match reach {
        near if near <= NEAR => 3,
        middle if middle < 400.0 => 6,
        _ => TERMS,
    };
    let mut system = System::new(used);
    for (place, sum) in gathered(cells, wave, frame, reach, phase) {
        let (x, y) = frame.seen(place, reach);
        system.add(&terms(x, y), sum);
    }
    for ((change, (i, j)), phase) in system.solve().iter().zip(POWERS).zip(phase) {
        *phase += change * (frame.unit / reach).powi(i + j);
    }
}

/// Sums over groups of cells within `reach`, along a phase, and the groups' middles.
fn gathered(
    cells: &Cells<'_>,
    wave: usize,
    frame: Frame,
    reach: f64,
    phase: &[f64; TERMS],
) -> Vec<((f64, f64), Complex)> {
    let group = ((reach / 8.0) as usize / CELL).max(1);
    let half = ((group - 1) * CELL) as f64 / 2.0;
    let mut groups = Vec::new();
    for top in (0..cells.down).step_by(group) {
        for left in (0..cells.across).step_by(group) {
            let (x, y) = cells.place(top * cells.across + left);
            let place = (x + half, y + half);
            let seen = frame.seen(place, reach);
            if seen.0.abs() > 1.0 || seen.1.abs() > 1.0 {
                continue;
            }
            let rows = top..(top + group).min(cells.down);
            let columns = left..(left + group).min(cells.across);
            let inside = rows.flat_map(|y| columns.clone().map(move |x| y * cells.across + x));
            let sum = inside.fold(Complex::default(), |sum, cell| {
                sum + cells.along(wave, cell, frame, phase)
            });
            groups.push((place, sum));
        }
    }
    groups
}

fn terms(x: f64, y: f64) -> [f64; TERMS] {
    let (xx, yy) = (x * x, y * y);
    [1.0, x, y, xx, x * y, yy, xx * x, xx * y, x * yy, yy * y]
}

/// Weighted least squares for the phase that is still missing.
struct System {
    used: usize,
    matrix: [[f64; TERMS]; TERMS],
    right: [f64; TERMS],
    total: f64,
}

impl System {
    const fn new(used: usize) -> Self {
        Self {
            used,
            matrix: [[0.0; TERMS]; TERMS],
            right: [0.0; TERMS],
            total: 0.0,
        }
    }

    /// A group whose sum should be real: its weight is its length, its error the sine of its angle.
    fn add(&mut self, terms: &[f64; TERMS], sum: Complex) {
        let weight = f64::from(sum.power().sqrt());
        self.total += weight;
        for row in 0..self.used {
            self.right[row] += f64::from(sum.im) * terms[row];
            for column in 0..self.used {
                self.matrix[row][column] += weight * terms[row] * terms[column];
            }
        }
    }

    /// By Cholesky; a step's bends are held back by a thousandth of the whole weight.
    fn solve(mut self) -> [f64; TERMS] {
        for row in 0..self.used {
            let held = if row < 3 { 1e-4 } else { 1e-3 };
            self.matrix[row][row] += held * self.total + 1e-12;
        }
        for row in 0..self.used {
            for column in 0..=row {
                let inner: f64 = (0..column)
                    .map(|k| self.matrix[row][k] * self.matrix[column][k])
                    .sum();
                let rest = self.matrix[row][column] - inner;
                self.matrix[row][column] = if row == column {
                    rest.max(1e-12).sqrt()
                } else {
                    rest / self.matrix[column][column]
                };
            }
        }
        let mut x = self.right;
        for row in 0..self.used {
            let inner: f64 = (0..row).map(|k| self.matrix[row][k] * x[k]).sum();
            x[row] = (x[row] - inner) / self.matrix[row][row];
        }
        for row in (0..self.used).rev() {
            let inner: f64 = (row + 1..self.used)
                .map(|k| self.matrix[k][row] * x[k])
                .sum();
            x[row] = (x[row] - inner) / self.matrix[row][row];
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::super::clean;
    use super::*;
    use crate::plane::Plane;
    use crate::simulate::Dice;

    /// Two waves laid through a map of the plane, with noise.
    fn waves(map: impl Fn(f64, f64) -> (f64, f64), noise: f64) -> Residual {
        let mut dice = Dice::new(1);
        let (width, height) = (700, 500);
        let data = (0..width * height).map(|at| {
            let (u, v) = map((at % width) as f64, (at / width) as f64);
            let wave = |steps: f64| (TAU * PILOT as f64 * steps / SIDE as f64).cos();
            let stir = (dice.unit() - 0.5) * noise;
            (200.0 + 2.0 * wave(u + v) + 2.0 * wave(v - u) + stir) as f32
        });
        let plane = Plane::new(width, height, data.collect()).unwrap();
        clean::residual(&plane, 30)
    }

    /// How far two phases are apart, in turns, whole turns not counted.
    fn apart(a: f64, b: f64) -> f64 {
        let turns = (a - b) / TAU;
        (turns - turns.round()).abs()
    }

    #[test]
    fn waves_are_followed_through_scale_rotation_and_perspective() {
        let turned = |x: f64, y: f64| {
            let (sine, cosine) = 0.2_f64.sin_cos();
            ((x * cosine + y * sine) / 1.3, (y * cosine - x * sine) / 1.3)
        };
        let tilted = |x: f64, y: f64| {
            let (x, y) = (x - 350.0, y - 250.0);
            let depth = 1.0 + 0.1 * x / 350.0 - 0.05 * y / 250.0;
            (x * depth, y * depth)
        };
        let maps: [&dyn Fn(f64, f64) -> (f64, f64); 3] = [&|x, y| (x, y), &turned, &tilted];
        for (index, map) in maps.into_iter().enumerate() {
            let found = find(&waves(map, 8.0));
            let best = &found[0];
            let mut worst = 0.0_f64;
            for (x, y) in [(20.0, 20.0), (350.0, 250.0), (680.0, 30.0), (50.0, 470.0)] {
                let (u, v) = map(x, y);
                let phases = best.at(x, y);
                let tiles = TAU * PILOT as f64 / SIDE as f64;
                worst = worst.max(apart(phases[0], tiles * (u + v)));
                worst = worst.max(apart(phases[1], tiles * (v - u)));
            }
            assert!(worst < 0.1, "map {index}: {worst} turns off");
        }
    }

    #[test]
    fn pairs_stand_upright_and_turn_left() {
        let rows = [
            ((21.0, 21.0), (-21.0, 21.0)),
            ((-21.0, 21.0), (21.0, 21.0)),
            ((21.0, 21.0), (21.0, -21.0)),
            ((5.0, 30.0), (30.0, -4.0)),
            ((0.0, 30.0), (30.0, 0.0)),
        ];
        for (first, second) in rows {
            let [a, b] = upright(first, second).unwrap();
            assert!(a.0 >= 0.0 && a.1 >= 0.0, "{first:?} {second:?}: {a:?}");
            assert!(a.0 * b.1 - a.1 * b.0 > 0.0, "{a:?} {b:?}");
        }
        for (first, second) in [((21.0, 21.0), (21.0, 20.0)), ((40.0, 0.0), (0.0, 20.0))] {
            assert_eq!(upright(first, second), None, "{first:?} {second:?}");
        }
    }

    #[test]
    fn least_squares_return_what_made_them() {
        let truth: [f64; TERMS] = [0.01, -0.02, 0.03, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let mut system = System::new(3);
        for at in 0..100 {
            let (x, y) = (
                f64::from(at % 10) / 5.0 - 1.0,
                f64::from(at / 10) / 5.0 - 1.0,
            );
            let terms = terms(x, y);
            let angle: f64 = truth.iter().zip(terms).map(|(a, b)| a * b).sum();
            system.add(&terms, Complex::turn(angle));
        }
        for (found, truth) in system.solve().iter().zip(truth) {
            assert!((found - truth).abs() < 1e-3, "{found} {truth}");
        }
    }

    #[test]
    fn nothing_found_is_no_waves() {
        let plane = Plane::new(90, 90, vec![255.0; 8_100]).unwrap();
        // Upright screenshots are always tried; nothing else is there.
        assert!(find(&clean::residual(&plane, 30)).len() <= RATIOS.len());
    }
}

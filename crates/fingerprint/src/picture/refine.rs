//! Refinement: from a rough map to one that is right to a small part of a pixel.
//!
//! Rule: Gauss–Newton on the whole picture, coarse to fine, with the gradients of the original
//! (S. Baker and I. Matthews, "Lucas-Kanade 20 years on", IJCV 56, 2004, inverse compositional), on
//! brightness freed of its local mean and contrast, so that gamma, shade and exposure do not pull.
//! Then a smooth field of small shifts takes up what no projective map can: lenses, bent paper.

use super::linear::solve;
use super::map::Map;
use super::raster::{Grid, by_rows, floor_index, narrow, real};

/// Radius of the local mean and of the local contrast, in pixels of the level.
const LOCAL: usize = 8;

/// Contrast below which a place counts as flat, in grey levels.
const FLAT: f32 = 3.0;

/// A level with a shorter side says nothing.
const LEAST_SIDE: usize = 12;

/// Halvings of the original that are searched.
const LEVELS: usize = 4;

/// Share of the original below which a leak's likeness counts for less.
const SLIVER: f64 = 0.2;

/// Most steps a level.
const STEPS: usize = 14;

/// Pixels of the level between two nodes of the field.
const NODE: usize = 16;

/// The original at one size, ready for comparison.
pub(super) struct Level {
    /// Pixels of the canonical picture a pixel of this level.
    factor: f64,
    even: Grid,
    gx: Vec<f32>,
    gy: Vec<f32>,
}

/// The levels of a canonical picture, finest first.
pub(super) fn levels(canonical: &Grid) -> Vec<Level> {
    let mut levels = Vec::new();
    for halvings in 0..LEVELS {
        let (w, h) = (canonical.width >> halvings, canonical.height >> halvings);
        if w.min(h) < LEAST_SIDE {
            break;
        }
        let factor = real(1 << halvings);
        // Exactly `factor` pixels become one: what is left over at the edge is cut off.
        let even = even(&cut(canonical, w << halvings, h << halvings).shrink(w, h));
        let (gx, gy) = gradients(&even);
        levels.push(Level {
            factor,
            even,
            gx,
            gy,
        });
    }
    levels
}

fn cut(grid: &Grid, width: usize, height: usize) -> Grid {
    let rows = grid.data.chunks(grid.width).take(height);
    Grid {
        width,
        height,
        data: rows.flat_map(|row| &row[..width]).copied().collect(),
    }
}

/// Brightness freed of local mean and contrast.
fn even(grid: &Grid) -> Grid {
    let mut high = grid.clone();
    for (value, mean) in high.data.iter_mut().zip(&grid.box_blur(LOCAL).data) {
        *value -= mean;
    }
    let mut square = high.clone();
    for value in &mut square.data {
        *value *= *value;
    }
    for (value, power) in high.data.iter_mut().zip(&square.box_blur(LOCAL).data) {
        *value /= power.max(0.0).sqrt() + FLAT;
    }
    high
}

fn gradients(grid: &Grid) -> (Vec<f32>, Vec<f32>) {
    let (w, h) = (grid.width, grid.height);
    let (mut gx, mut gy) = (vec![0.0; w * h], vec![0.0; w * h]);
    for y in 1..h - 1 {
        for x in 1..w - 1 {
            gx[y * w + x] = (grid.row(y)[x + 1] - grid.row(y)[x - 1]) * 0.5;
            gy[y * w + x] = (grid.row(y + 1)[x] - grid.row(y - 1)[x]) * 0.5;
        }
    }
    (gx, gy)
}

/// Small shifts on a net of nodes, in canonical pixels; between nodes, linear.
pub(super) struct Field {
    spacing: f64,
    columns: usize,
    rows: usize,
    shifts: Vec<(f64, f64)>,
}

impl Field {
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let place = |v: f64, count: usize| {
            let at = ((v + 0.5) / self.spacing - 0.5).clamp(0.0, real(count - 1));
            let first = floor_index(at).min(count - 1);
            (first, (first + 1).min(count - 1), at - real(first))
        };
        let (left, right, t) = place(x, self.columns);
        let (top, bottom, s) = place(y, self.rows);
        let shift = |c: usize, r: usize| self.shifts[r * self.columns + c];
        let mix =
            |a: (f64, f64), b: (f64, f64), t: f64| (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t);
        let upper = mix(shift(left, top), shift(right, top), t);
        mix(upper, mix(shift(left, bottom), shift(right, bottom), t), s)
    }
}

/// Where the leak lies under the original.
pub(super) struct Pose {
    /// From canonical pixels to the leak's.
    pub(super) map: Map,
    field: Option<Field>,
    /// Correlation of the two pictures, freed of local mean and contrast, at the level of most detail.
    pub(super) likeness: f64,
}

/// A leak, shrunk so that its pixels are about as large as a level's.
struct Sampled {
    grid: Grid,
    /// From the leak's pixels to those of `grid`.
    to_grid: Map,
}

fn sampled(leak: &Grid, density: f64) -> Sampled {
    let side = |side: usize| floor_index(real(side) / density + 0.5).max(1);
    let grid = if density > 1.15 {
        leak.shrink(side(leak.width), side(leak.height))
    } else {
        leak.clone()
    };
    let (fx, fy) = (
        real(grid.width) / real(leak.width),
        real(grid.height) / real(leak.height),
    );
    let to_grid = Map::affine([fx, 0.0, 0.5 * fx - 0.5, 0.0, fy, 0.5 * fy - 0.5]);
    Sampled { grid, to_grid }
}

/// From a level's pixels to canonical ones.
fn lift(factor: f64) -> Map {
    let shift = 0.5 * factor - 0.5;
    Map::affine([factor, 0.0, shift, 0.0, factor, shift])
}

/// Leak pixels a canonical pixel, about the middle.
fn density(map: &Map, canonical: &Grid) -> f64 {
    let (x, y) = (real(canonical.width) / 2.0, real(canonical.height) / 2.0);
    map.area(x, y).abs().sqrt()
}

/// The leak as seen from the original, and where it covers it.
pub(super) struct Warped {
    pub(super) grid: Grid,
    pub(super) covered: Vec<bool>,
}

fn warp(
    sampled: &Sampled,
    map: &Map,
    field: Option<&Field>,
    factor: f64,
    width: usize,
    height: usize,
) -> Warped {
    let whole = sampled.to_grid.after(map);
    let lift = lift(factor);
    let leak = &sampled.grid;
    let (right, bottom) = (real(leak.width) - 0.5, real(leak.height) - 0.5);
    let mut both = vec![(0.0_f32, false); width * height];
    by_rows(&mut both, width, |y, row| {
        for (x, into) in row.iter_mut().enumerate() {
            let (mut cx, mut cy) = lift.apply(real(x), real(y));
            if let Some(field) = field {
                let (dx, dy) = field.at(cx, cy);
                (cx, cy) = (cx + dx, cy + dy);
            }
            let (u, v) = whole.apply(cx, cy);
            let inside = u > -0.5 && v > -0.5 && u < right && v < bottom;
            *into = if inside {
                (leak.cubic(u, v), true)
            } else {
                (leak.at(edge(u), edge(v)), false)
            };
        }
    });
    let (data, covered) = both.into_iter().unzip();
    Warped {
        grid: Grid {
            width,
            height,
            data,
        },
        covered,
    }
}

/// A coordinate outside, kept within what an edge lookup understands.
fn edge(value: f64) -> i32 {
    super::raster::to_i32(value.clamp(-1e6, 1e6))
}

impl Pose {
    /// The leak on the canonical grid.
    pub(super) fn warp(&self, leak: &Grid, canonical: &Grid) -> Warped {
        let sampled = sampled(leak, density(&self.map, canonical));
        let (w, h) = (canonical.width, canonical.height);
        warp(&sampled, &self.map, self.field.as_ref(), 1.0, w, h)
    }

    /// The canonical grid on `width × height` pixels of the leak; none when the leak is much finer.
    pub(super) fn seen(&self, canonical: &Grid, width: usize, height: usize) -> Option<Grid> {
        if density(&self.map, canonical) > 2.5 {
            return None;
        }
        let back = self.map.back();
        let exact = self.exact(width, height);
        let mut seen = Grid::zeros(width, height);
        by_rows(&mut seen.data, width, |y, row| {
            for (x, into) in row.iter_mut().enumerate() {
                if let Some((dx, dy)) = exact {
                    *into = canonical.cubic(real(x) + dx, real(y) + dy);
                    continue;
                }
                let (cx, cy) = back.apply(real(x), real(y));
                // The field is small and smooth: where it leads from is nearly where it leads to.
                let (dx, dy) = self.field.as_ref().map_or((0.0, 0.0), |f| f.at(cx, cy));
                let clamp = |v: f64| v.clamp(-1e6, 1e6);
                *into = canonical.cubic(clamp(cx - dx), clamp(cy - dy));
            }
        });
        Some(seen)
    }

    /// The whole pixels by which a leak that was only cut out lies shifted.
    fn exact(&self, width: usize, height: usize) -> Option<(f64, f64)> {
        let back = self.map.back();
        let (w, h) = (real(width - 1), real(height - 1));
        let corners = [(0.0, 0.0), (w, 0.0), (0.0, h), (w, h)];
        let shifts = corners.map(|(x, y)| {
            let (u, v) = back.apply(x, y);
            (u - x, v - y)
        });
        let whole = (shifts[0].0.round(), shifts[0].1.round());
        let near = |(dx, dy): &(f64, f64)| (dx - whole.0).abs() < 0.3 && (dy - whole.1).abs() < 0.3;
        shifts.iter().all(near).then_some(whole)
    }
}

/// How two pictures compare at a level under a map.
struct Compared {
    even: Grid,
    covered: Vec<bool>,
    gain: f64,
    spread: f64,
    likeness: f64,
}

fn compare(level: &Level, warped: Warped) -> Compared {
    let even = even(&warped.grid);
    let (mut tt, mut ti, mut ii) = (0.0, 0.0, 0.0);
    let mut count = 0_usize;
    for ((t, i), covered) in level.even.data.iter().zip(&even.data).zip(&warped.covered) {
        if *covered {
            let (t, i) = (f64::from(*t), f64::from(*i));
            (tt, ti, ii) = (tt + t * t, ti + t * i, ii + i * i);
            count += 1;
        }
    }
    let gain = if tt > 0.0 { ti / tt } else { 0.0 };
    // A sliver of anything can be bent to resemble a sliver of anything else.
    let trust = (real(count) / (SLIVER * real(warped.covered.len())))
        .min(1.0)
        .sqrt();
    Compared {
        even,
        covered: warped.covered,
        gain,
        spread: ((ii - gain * ti) / tt.max(1e-9)).max(1e-6).sqrt(),
        likeness: trust * ti / (tt * ii).sqrt().max(1e-9),
    }
}

impl Compared {
    /// Calls `each(x, y, gradient, weight, error)` wherever the leak covers the original.
    fn walk(&self, level: &Level, mut each: impl FnMut(usize, usize, (f64, f64), f64, f64)) {
        let w = level.even.width;
        let scale = 1.0 / self.gain;
        let mean_power = level.even.data.iter().map(|t| t * t).sum::<f32>();
        let spread = (self.spread / self.gain.abs())
            * (f64::from(mean_power) / real(level.even.data.len())).sqrt();
        for (at, covered) in self.covered.iter().enumerate() {
            let (gx, gy) = (level.gx[at], level.gy[at]);
            if !covered || gx.abs() + gy.abs() < 1e-3 {
                continue;
            }
            let error = f64::from(level.even.data[at]) - f64::from(self.even.data[at]) * scale;
            // Cauchy's weight: what fits badly, such as a stamp over the picture, does not pull.
            let weight = 1.0 / (1.0 + (error / (2.0 * spread)).powi(2));
            each(at % w, at / w, (gx.into(), gy.into()), weight, error);
        }
    }
}

/// Refines a rough map; none when the pictures have nothing in common.
///
/// `coarse` begins at the coarsest level, for maps that were guessed and not matched.
pub(super) fn refine(
    levels: &[Level],
    canonical: &Grid,
    leak: &Grid,
    start: &Map,
    coarse: bool,
) -> Option<Pose> {
    let (w, h) = (real(canonical.width), real(canonical.height));
    let mut map = *start;
    let mut likeness = -1.0;
    let mut last = None;
    let skip = if coarse {
        0
    } else {
        levels.len().saturating_sub(3)
    };
    for level in levels.iter().rev().skip(skip) {
        let density = density(&map, canonical) * level.factor;
        // Finer levels than the leak itself show interpolation only.
        if last.is_some() && density < 0.4 {
            break;
        }
        let (refined, alike) = climb(level, leak, map, density);
        if !refined.is_sound(w, h) {
            return None;
        }
        (map, likeness) = (refined, alike);
        last = Some(level);
        if likeness < 0.12 {
            return None;
        }
    }
    let level = last?;
    let field = bend(level, canonical, leak, &map);
    Some(Pose {
        map,
        field: Some(field),
        likeness,
    })
}

fn climb(level: &Level, leak: &Grid, mut map: Map, density: f64) -> (Map, f64) {
    let sampled = sampled(leak, density);
    let (w, h) = (level.even.width, level.even.height);
    let mut best = (map, -1.0);
    for step in 0..STEPS {
        let warped = warp(&sampled, &map, None, level.factor, w, h);
        let compared = compare(level, warped);
        if compared.likeness > best.1 {
            best = (map, compared.likeness);
        } else if step > 3 {
            break;
        }
        let Some((delta, motion)) = newton(level, &compared) else {
            break;
        };
        // The step in the level's own pixels, carried over to canonical ones.
        let lift = lift(level.factor);
        let Some(lower) = inverse_affine(&lift) else {
            break;
        };
        map = map.after(&lift.after(&delta).after(&lower));
        if motion < 0.01 {
            break;
        }
    }
    best
}

fn inverse_affine(lift: &Map) -> Option<Map> {
    let m = &lift.0;
    let (f, s) = (m[0], m[2]);
    (f > 0.0).then(|| Map::affine([1.0 / f, 0.0, -s / f, 0.0, 1.0 / f, -s / f]))
}

/// One step: the small map to go first, and how far it moves a corner.
fn newton(level: &Level, compared: &Compared) -> Option<(Map, f64)> {
    if compared.gain.abs() < 0.02 {
        return None;
    }
    let (w, h) = (real(level.even.width), real(level.even.height));
    let unit = w.max(h) / 2.0;
    let mut normal = [[0.0; 8]; 8];
    let mut right = [0.0; 8];
    compared.walk(level, |px, py, (gx, gy), weight, error| {
        let (x, y) = ((real(px) - w / 2.0) / unit, (real(py) - h / 2.0) / unit);
        let along = gx * x + gy * y;
        let row = [
            gx * x,
            gx * y,
            gx,
            gy * x,
            gy * y,
            gy,
            -along * x,
            -along * y,
        ];
        for i in 0..8 {
            let scaled = weight * row[i];
            right[i] += scaled * error;
            for j in i..8 {
                normal[i][j] += scaled * row[j];
            }
        }
    });
    let trace: f64 = (0..8).map(|i| normal[i][i]).sum();
    // The lower half mirrors the upper; a little weight holds what the picture cannot tell.
    let whole = std::array::from_fn(|i| {
        let hold = trace * if i < 6 { 1e-5 } else { 1e-4 } + 1e-9;
        let entry = |j: usize| normal[i.min(j)][i.max(j)] + if i == j { hold } else { 0.0 };
        std::array::from_fn(entry)
    });
    let p = solve(whole, right)?;
    // `p` moves points by unit · (…): back from coordinates around the middle.
    let small = Map([
        1.0 + p[0] / unit,
        p[1] / unit,
        p[2] / unit,
        p[3] / unit,
        1.0 + p[4] / unit,
        p[5] / unit,
        p[6] / unit,
        p[7] / unit,
        1.0,
    ]);
    let into = Map::affine([
        1.0 / unit,
        0.0,
        -w / 2.0 / unit,
        0.0,
        1.0 / unit,
        -h / 2.0 / unit,
    ]);
    let back = Map::affine([unit, 0.0, w / 2.0, 0.0, unit, h / 2.0]);
    let delta = back.after(&small).after(&into);
    let corners = [(0.0, 0.0), (w, 0.0), (0.0, h), (w, h)];
    let motion = corners.iter().fold(0.0_f64, |most, (x, y)| {
        let (u, v) = delta.apply(*x, *y);
        most.max((u - x).hypot(v - y))
    });
    Some((delta, motion))
}

/// Rounds in which the field is improved.
const BENDS: usize = 3;

/// The field of small shifts that is left.
fn bend(level: &Level, canonical: &Grid, leak: &Grid, map: &Map) -> Field {
    let (w, h) = (level.even.width, level.even.height);
    let (columns, rows) = (w.div_ceil(NODE), h.div_ceil(NODE));
    let sampled = sampled(leak, density(map, canonical) * level.factor);
    let mut field = Field {
        spacing: real(NODE) * level.factor,
        columns,
        rows,
        shifts: vec![(0.0, 0.0); columns * rows],
    };
    for _ in 0..BENDS {
        let warped = warp(&sampled, map, Some(&field), level.factor, w, h);
        let compared = compare(level, warped);
        if compared.gain.abs() < 0.02 {
            break;
        }
        let sums = node_sums(level, &compared, columns, rows);
        let mean = sums[0].data.iter().chain(&sums[2].data).sum::<f32>();
        let ridge = 0.15 * mean / narrow(real(columns * rows)) + 1e-6;
        for (at, shift) in field.shifts.iter_mut().enumerate() {
            let [a, b, c, p, q] = [0, 1, 2, 3, 4].map(|k| f64::from(sums[k].data[at]));
            let (a, c) = (a + f64::from(ridge), c + f64::from(ridge));
            let det = a * c - b * b;
            if det > 0.0 {
                let most = 1.5;
                let dx = ((c * p - b * q) / det).clamp(-most, most);
                let dy = ((a * q - b * p) / det).clamp(-most, most);
                shift.0 += dx * level.factor;
                shift.1 += dy * level.factor;
            }
        }
    }
    field
}

/// Sums of `gx², gx gy, gy², gx e, gy e` about each node, over five by five cells.
fn node_sums(level: &Level, compared: &Compared, columns: usize, rows: usize) -> [Grid; 5] {
    let mut sums: [Grid; 5] = std::array::from_fn(|_| Grid::zeros(columns, rows));
    compared.walk(level, |x, y, (gx, gy), weight, error| {
        let at = y / NODE * columns + x / NODE;
        let terms = [gx * gx, gx * gy, gy * gy, gx * error, gy * error];
        for (sum, term) in sums.iter_mut().zip(terms) {
            sum.data[at] += narrow(weight * term);
        }
    });
    sums.map(|sum| sum.box_blur(2))
}

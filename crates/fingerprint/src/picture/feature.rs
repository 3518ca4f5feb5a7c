//! Features: corners, their directions, and what lies around them in 256 bits.
//!
//! Rule: corners by the Harris measure over a pyramid, directions by intensity centroid, and binary
//! comparisons turned into that direction, after E. Rublee, V. Rabaud, K. Konolige and G. Bradski,
//! "ORB: an efficient alternative to SIFT or SURF", ICCV 2011. The pattern of comparisons is our own.

use std::sync::LazyLock;

use super::raster::{Grid, floor_index, narrow, real, to_i32};

/// Between two levels of the pyramid.
const STEP: f64 = 1.25;

/// Most levels: the coarsest sees a picture at a seventh.
const LEVELS: usize = 10;

/// A level with a shorter side is not searched.
const LEAST_SIDE: usize = 24;

/// Features kept of one picture.
const MOST: usize = 1_600;

/// Nearest to the edge that a corner is looked for.
const MARGIN: usize = 6;

/// Radius of the disc whose centroid gives the direction.
const DISC: i32 = 12;

/// A place in a picture that can be found again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Feature {
    /// Column, in pixels of the full grid.
    pub(super) x: f32,
    /// Row.
    pub(super) y: f32,
    /// Pixels of the full grid a pixel of its level.
    pub(super) scale: f32,
    /// Direction, in radians.
    pub(super) angle: f32,
    /// Which of 256 comparisons came out true.
    pub(super) bits: [u64; 4],
}

impl Feature {
    /// In how many comparisons two differ.
    pub(super) fn distance(&self, other: &Self) -> u32 {
        let pairs = self.bits.iter().zip(&other.bits);
        pairs.map(|(a, b)| (a ^ b).count_ones()).sum()
    }
}

/// The features of a picture, strongest first within each level.
pub(super) fn features(grid: &Grid) -> Vec<Feature> {
    let sizes = level_sizes(grid);
    let area: f64 = sizes.iter().map(|(w, h)| real(w * h)).sum();
    let mut all = Vec::new();
    for (width, height) in sizes {
        let level = grid.shrink(width, height).smooth();
        let share = real(width * height) / area;
        // A square root evens out: coarse levels are few pixels but outlive blur.
        let quota = floor_index(real(MOST) * share.sqrt() * 0.5).max(40);
        describe(&level, grid, &corners(&level, quota), &mut all);
    }
    all
}

fn level_sizes(grid: &Grid) -> Vec<(usize, usize)> {
    let side = |side: usize, level: i32| floor_index(real(side) / STEP.powi(level) + 0.5).max(1);
    (0..)
        .take(LEVELS)
        .map(|level| (side(grid.width, level), side(grid.height, level)))
        .take_while(|(w, h)| *w.min(h) >= LEAST_SIDE)
        .collect()
}

/// Corners of a level as `(column, row)`, at most `quota`, spread over the picture.
fn corners(level: &Grid, quota: usize) -> Vec<(usize, usize)> {
    let response = harris(level);
    let (w, h) = (level.width, level.height);
    let top = response.data.iter().fold(0.0_f32, |a, b| a.max(*b));
    let mut found = Vec::new();
    for y in MARGIN..h.saturating_sub(MARGIN) {
        for x in MARGIN..w.saturating_sub(MARGIN) {
            let here = response.row(y)[x];
            if here > top * 1e-5 && here > 1.0 && is_peak(&response, x, y, here) {
                found.push((here, x, y));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.2, a.1).cmp(&(b.2, b.1))));
    spread(&found, w, h, quota)
}

/// Takes the strongest of every tile first, then fills up with the rest.
fn spread(found: &[(f32, usize, usize)], w: usize, h: usize, quota: usize) -> Vec<(usize, usize)> {
    const TILES: usize = 8;
    let each = quota.div_ceil(TILES * TILES) * 2;
    let mut taken = [0_usize; TILES * TILES];
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for (_, x, y) in found {
        let tile = &mut taken[y * TILES / h * TILES + x * TILES / w];
        *tile += 1;
        if *tile <= each { &mut first } else { &mut rest }.push((*x, *y));
    }
    first.extend(rest);
    first.truncate(quota);
    first
}

fn is_peak(response: &Grid, x: usize, y: usize, here: f32) -> bool {
    (y - 2..=y + 2).all(|v| (x - 2..=x + 2).all(|u| (u, v) == (x, y) || response.row(v)[u] < here))
}

fn harris(level: &Grid) -> Grid {
    let (w, h) = (level.width, level.height);
    let mut xx = Grid::zeros(w, h);
    let mut yy = Grid::zeros(w, h);
    let mut xy = Grid::zeros(w, h);
    for y in 1..h - 1 {
        let (above, here, below) = (level.row(y - 1), level.row(y), level.row(y + 1));
        for x in 1..w - 1 {
            let gx = (here[x + 1] - here[x - 1]) * 0.5;
            let gy = (below[x] - above[x]) * 0.5;
            let at = y * w + x;
            (xx.data[at], yy.data[at], xy.data[at]) = (gx * gx, gy * gy, gx * gy);
        }
    }
    let [mut xx, yy, xy] = [xx, yy, xy].map(|g| g.box_blur(2));
    for ((a, b), c) in xx.data.iter_mut().zip(&yy.data).zip(&xy.data) {
        let trace = *a + b;
        *a = *a * b - c * c - 0.05 * trace * trace;
    }
    xx
}

fn describe(level: &Grid, full: &Grid, corners: &[(usize, usize)], into: &mut Vec<Feature>) {
    let smooth = level.smooth();
    let sx = real(full.width) / real(level.width);
    let sy = real(full.height) / real(level.height);
    for (x, y) in corners {
        let angle = direction(&smooth, *x, *y);
        into.push(Feature {
            x: narrow((real(*x) + 0.5) * sx - 0.5),
            y: narrow((real(*y) + 0.5) * sy - 0.5),
            scale: narrow((sx * sy).sqrt()),
            angle,
            bits: compare(&smooth, *x, *y, angle),
        });
    }
}

fn direction(level: &Grid, x: usize, y: usize) -> f32 {
    let (cx, cy) = (to_i32(real(x)), to_i32(real(y)));
    let (mut mx, mut my) = (0.0_f32, 0.0_f32);
    for dy in -DISC..=DISC {
        for dx in -DISC..=DISC {
            if dx * dx + dy * dy <= DISC * DISC {
                let value = level.at(cx + dx, cy + dy);
                #[expect(clippy::cast_precision_loss, reason = "offsets of at most twelve")]
                let (fx, fy) = (dx as f32, dy as f32);
                mx += fx * value;
                my += fy * value;
            }
        }
    }
    my.atan2(mx)
}

/// Pairs of places that are compared: pseudo-random, dense near the middle, for ever the same.
static PAIRS: LazyLock<[[f32; 4]; 256]> = LazyLock::new(|| {
    let mut state = 0x4C69_7568_656E_0001_u64;
    let mut uniform = move || {
        // SplitMix64 (Steele, Lea, Flood 2014).
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        real(((z ^ (z >> 31)) >> 40) as usize) / 16_777_216.0
    };
    let mut near = move || {
        let sum: f64 = (0..4).map(|_| uniform() - 0.5).sum();
        narrow((sum * 11.0).clamp(-13.0, 13.0))
    };
    std::array::from_fn(|_| {
        loop {
            let pair = [near(), near(), near(), near()];
            if (pair[0] - pair[2]).hypot(pair[1] - pair[3]) > 3.0 {
                return pair;
            }
        }
    })
});

fn compare(level: &Grid, x: usize, y: usize, angle: f32) -> [u64; 4] {
    let (sin, cos) = angle.sin_cos();
    let read = |dx: f32, dy: f32| {
        let u = real(x) + f64::from(cos * dx - sin * dy);
        let v = real(y) + f64::from(sin * dx + cos * dy);
        level.at(to_i32(u.round()), to_i32(v.round()))
    };
    let mut bits = [0_u64; 4];
    for (number, [ax, ay, bx, by]) in PAIRS.iter().enumerate() {
        let bit = u64::from(read(*ax, *ay) < read(*bx, *by));
        bits[number / 64] |= bit << (number % 64);
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::shapes;

    #[test]
    fn most_corners_are_found_again_after_a_shift() {
        let whole = Grid::of(&shapes::landscape(300, 260, 5));
        let mut part = Grid::zeros(220, 200);
        for y in 0..200 {
            part.data[y * 220..][..220].copy_from_slice(&whole.row(y + 37)[53..273]);
        }
        let (a, b) = (features(&whole), features(&part));
        assert!(a.len() > 200 && a.len() <= 2 * MOST, "{}", a.len());
        let again = b.iter().filter(|f| {
            let near = a.iter().min_by_key(|g| g.distance(f)).unwrap();
            (near.x - f.x - 53.0).hypot(near.y - f.y - 37.0) < 4.0
        });
        let share = real(again.count()) / real(b.len());
        assert!(share > 0.5, "{share}");
    }

    #[test]
    fn flat_and_tiny_pictures_have_none() {
        assert!(features(&Grid::zeros(100, 100)).is_empty());
        assert!(features(&Grid::zeros(1, 1)).is_empty());
        assert!(features(&Grid::zeros(5_000, 2)).is_empty());
    }
}

//! Grids of numbers: shrinking, blurring and reading between pixels.
//!
//! A pixel's centre lies at whole coordinates; when a grid is shrunk by `f`, pixel `i` of the small
//! one stands at `(i + ½)·f − ½` in the large one.

use std::num::NonZero;
use std::thread;

use crate::plane::Plane;

/// More threads than this gain nothing on the largest picture.
const MOST_THREADS: usize = 8;

/// Numbers in rows; at least one.
#[derive(Clone)]
pub(super) struct Grid {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) data: Vec<f32>,
}

impl Grid {
    pub(super) fn zeros(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            data: vec![0.0; width * height],
        }
    }

    pub(super) fn of(plane: &Plane) -> Self {
        Self {
            width: plane.width(),
            height: plane.height(),
            data: plane.values().to_vec(),
        }
    }

    pub(super) fn row(&self, y: usize) -> &[f32] {
        &self.data[y * self.width..][..self.width]
    }

    pub(super) fn long_side(&self) -> usize {
        self.width.max(self.height)
    }

    /// The value at a pixel; beyond the edge, the edge's.
    pub(super) fn at(&self, x: i32, y: i32) -> f32 {
        let x = clamp_index(x, self.width);
        let y = clamp_index(y, self.height);
        self.data[y * self.width + x]
    }

    /// The same grid seen in a mirror: columns from right to left.
    pub(super) fn mirrored(&self) -> Self {
        let mut flipped = self.clone();
        for row in flipped.data.chunks_mut(self.width) {
            row.reverse();
        }
        flipped
    }

    /// The same grid with dark for bright.
    pub(super) fn negative(&self) -> Self {
        let mut negative = self.clone();
        for value in &mut negative.data {
            *value = 255.0 - *value;
        }
        negative
    }

    /// Shrinks to `width × height` by averaging areas; sides that would grow stay as they are.
    pub(super) fn shrink(&self, width: usize, height: usize) -> Self {
        shrink(&self.data, self.width, self.height, width, height)
    }

    /// The value between pixels by cubic convolution (R. Keys, 1981, a = −½).
    pub(super) fn cubic(&self, x: f64, y: f64) -> f32 {
        let (left, top) = (x.floor(), y.floor());
        let (wx, wy) = (keys(narrow(x - left)), keys(narrow(y - top)));
        let (left, top) = (to_i32(left), to_i32(top));
        let inside =
            left >= 1 && top >= 1 && index(left) + 2 < self.width && index(top) + 2 < self.height;
        let mut sum = 0.0;
        if inside {
            let start = (index(top) - 1) * self.width + index(left) - 1;
            for (row, weight) in wy.iter().enumerate() {
                let taps = &self.data[start + row * self.width..][..4];
                let across: f32 = taps.iter().zip(wx).map(|(tap, w)| tap * w).sum();
                sum += across * weight;
            }
            return sum;
        }
        for (dy, wy) in (-1..).zip(wy) {
            for (dx, wx) in (-1..).zip(wx) {
                sum += self.at(left + dx, top + dy) * wx * wy;
            }
        }
        sum
    }

    /// Averages over squares of side `2·radius + 1`, cut off at the edges.
    pub(super) fn box_blur(&self, radius: usize) -> Self {
        let across = box_rows(self, radius);
        box_columns(&across, radius)
    }

    /// Binomial smoothing by `1 4 6 4 1` in both directions.
    pub(super) fn smooth(&self) -> Self {
        let taps =
            |a: f32, b: f32, c: f32, d: f32, e: f32| (a + e + 4.0 * (b + d) + 6.0 * c) / 16.0;
        let (w, h) = (self.width, self.height);
        let mut across = Self::zeros(w, h);
        for y in 0..h {
            let from = self.row(y);
            let into = &mut across.data[y * w..][..w];
            for x in 0..w {
                let at = |step: isize| from[x.saturating_add_signed(step).min(w - 1)];
                into[x] = if x >= 2 && x + 2 < w {
                    taps(from[x - 2], from[x - 1], from[x], from[x + 1], from[x + 2])
                } else {
                    taps(at(-2), at(-1), at(0), at(1), at(2))
                };
            }
        }
        let mut down = Self::zeros(w, h);
        for y in 0..h {
            let rows = [-2, -1, 0, 1, 2_isize]
                .map(|step| across.row(y.saturating_add_signed(step).min(h - 1)));
            for (x, into) in down.data[y * w..][..w].iter_mut().enumerate() {
                *into = taps(rows[0][x], rows[1][x], rows[2][x], rows[3][x], rows[4][x]);
            }
        }
        down
    }
}

/// Weights of the four pixels around a place `t` after the second.
fn keys(t: f32) -> [f32; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [
        -0.5 * t + t2 - 0.5 * t3,
        1.0 - 2.5 * t2 + 1.5 * t3,
        0.5 * t + 2.0 * t2 - 1.5 * t3,
        -0.5 * t2 + 0.5 * t3,
    ]
}

/// Shrinks `data`, `from_w × from_h`, by averaging areas.
pub(super) fn shrink(
    data: &[f32],
    from_w: usize,
    from_h: usize,
    width: usize,
    height: usize,
) -> Grid {
    let (width, height) = (width.clamp(1, from_w), height.clamp(1, from_h));
    if (width, height) == (from_w, from_h) {
        return Grid {
            width,
            height,
            data: data.to_vec(),
        };
    }
    let columns = shares(from_w, width);
    let rows = shares(from_h, height);
    let mut small = Grid::zeros(width, height);
    by_rows(&mut small.data, width, |y, into| {
        let mut sum = vec![0.0_f32; from_w];
        let span = &rows[y];
        for (row, weight) in (span.first..).zip(&span.weights) {
            for (sum, value) in sum.iter_mut().zip(&data[row * from_w..][..from_w]) {
                *sum += value * weight;
            }
        }
        for (into, span) in into.iter_mut().zip(&columns) {
            let taps = &sum[span.first..][..span.weights.len()];
            *into = taps.iter().zip(&span.weights).map(|(v, w)| v * w).sum();
        }
    });
    small
}

/// Which pixels an averaged pixel covers, and by how much.
struct Span {
    first: usize,
    weights: Vec<f32>,
}

fn shares(from: usize, to: usize) -> Vec<Span> {
    let step = real(from) / real(to);
    let one = |i: usize| {
        let (start, end) = (real(i) * step, (real(i + 1) * step).min(real(from)));
        let first = floor_index(start).min(from - 1);
        let last = floor_index(end - 1e-9).clamp(first, from - 1);
        let cover = |pixel: usize| (end.min(real(pixel + 1)) - start.max(real(pixel))).max(0.0);
        let total: f64 = (first..=last).map(cover).sum();
        Span {
            first,
            weights: (first..=last)
                .map(|p| narrow(cover(p) / total.max(1e-9)))
                .collect(),
        }
    };
    (0..to).map(one).collect()
}

fn box_rows(grid: &Grid, radius: usize) -> Grid {
    let w = grid.width;
    let mut out = Grid::zeros(w, grid.height);
    for (from, into) in grid.data.chunks(w).zip(out.data.chunks_mut(w)) {
        let mut sum: f64 = from[..radius.min(w)].iter().map(|v| f64::from(*v)).sum();
        for (x, into) in into.iter_mut().enumerate() {
            if x + radius < w {
                sum += f64::from(from[x + radius]);
            }
            if x > radius {
                sum -= f64::from(from[x - radius - 1]);
            }
            let count = (x + radius + 1).min(w) - x.saturating_sub(radius);
            *into = narrow(sum / real(count));
        }
    }
    out
}

fn box_columns(grid: &Grid, radius: usize) -> Grid {
    let (w, h) = (grid.width, grid.height);
    let mut out = Grid::zeros(w, h);
    let mut sums = vec![0.0_f64; w];
    let add = |sums: &mut [f64], y: usize, sign: f64| {
        for (sum, value) in sums.iter_mut().zip(grid.row(y)) {
            *sum += sign * f64::from(*value);
        }
    };
    for y in 0..radius.min(h) {
        add(&mut sums, y, 1.0);
    }
    for y in 0..h {
        if y + radius < h {
            add(&mut sums, y + radius, 1.0);
        }
        if y > radius {
            add(&mut sums, y - radius - 1, -1.0);
        }
        let share = 1.0 / real((y + radius + 1).min(h) - y.saturating_sub(radius));
        for (into, sum) in out.data[y * w..][..w].iter_mut().zip(&sums) {
            *into = narrow(sum * share);
        }
    }
    out
}

/// Runs `work(row number, row)` over the rows of `data`, on all cores.
pub(crate) fn by_rows<T: Send>(
    data: &mut [T],
    width: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let rows = (data.len() / width.max(1)).max(1);
    let each = rows.div_ceil(cores.min(MOST_THREADS)).max(16);
    let run = |first: usize, part: &mut [T]| {
        for (y, row) in (first..).zip(part.chunks_mut(width.max(1))) {
            work(y, row);
        }
    };
    if rows <= each {
        run(0, data);
        return;
    }
    thread::scope(|scope| {
        for (number, part) in data.chunks_mut(each * width).enumerate() {
            let run = &run;
            scope.spawn(move || run(number * each, part));
        }
    });
}

/// A count or index as a number.
#[expect(
    clippy::cast_precision_loss,
    reason = "sides of pictures lie far below 2^53"
)]
pub(super) const fn real(count: usize) -> f64 {
    count as f64
}

/// A number at the precision of pixels.
#[expect(clippy::cast_possible_truncation, reason = "pixels have eight bits")]
pub(super) const fn narrow(value: f64) -> f32 {
    value as f32
}

/// Rounds down to an index; what is negative or no number becomes zero.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, which is what is wanted"
)]
pub(super) const fn floor_index(value: f64) -> usize {
    value as usize
}

/// A whole number as `i32`, saturating.
#[expect(
    clippy::cast_possible_truncation,
    reason = "`as` saturates, which is what is wanted"
)]
pub(super) const fn to_i32(value: f64) -> i32 {
    value as i32
}

/// A coordinate as an index; what is negative becomes zero.
pub(super) fn index(value: i32) -> usize {
    usize::try_from(value).unwrap_or(0)
}

/// The nearest index below `length`.
fn clamp_index(value: i32, length: usize) -> usize {
    index(value).min(length - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: usize, height: usize) -> Grid {
        let data = (0..width * height)
            .map(|i| narrow(real(i % width) + 3.0 * real(i / width)))
            .collect();
        Grid {
            width,
            height,
            data,
        }
    }

    #[test]
    fn shrinking_keeps_a_slope_and_its_mean() {
        let small = ramp(300, 200).shrink(111, 77);
        assert_eq!((small.width, small.height), (111, 77));
        let at = |i: usize, from: f64, to: f64| (real(i) + 0.5) * from / to - 0.5;
        for (x, y) in [(0, 0), (50, 33), (110, 76)] {
            let expected = at(x, 300.0, 111.0) + 3.0 * at(y, 200.0, 77.0);
            assert!((f64::from(small.row(y)[x]) - expected).abs() < 0.4);
        }
    }

    #[test]
    fn cubic_reading_keeps_a_slope_and_meets_the_pixels() {
        let grid = ramp(20, 20);
        assert!((grid.cubic(7.3, 9.6) - 36.1).abs() < 1e-3);
        assert!((grid.cubic(0.0, 19.0) - 57.0).abs() < 1e-3);
    }

    #[test]
    fn box_blur_is_the_mean_of_the_square() {
        let grid = ramp(17, 9);
        let blurred = grid.box_blur(3);
        for (x, y) in [(0_usize, 0_usize), (8, 4), (16, 8), (2, 7)] {
            let mut sum = 0.0;
            let mut count = 0.0;
            for v in y.saturating_sub(3)..(y + 4).min(9) {
                for u in x.saturating_sub(3)..(x + 4).min(17) {
                    sum += grid.row(v)[u];
                    count += 1.0;
                }
            }
            assert!((blurred.row(y)[x] - sum / count).abs() < 1e-3);
        }
        assert_eq!(ramp(3, 2).box_blur(9).data.len(), 6);
    }

    #[test]
    fn rows_are_all_visited_once() {
        let mut seen = vec![0_u32; 7 * 1_001];
        by_rows(&mut seen, 7, |y, row| {
            for cell in row {
                *cell += u32::try_from(y).unwrap() + 1;
            }
        });
        assert!((0..1_001_u32).all(|y| seen[y as usize * 7..][..7].iter().all(|s| *s == y + 1)));
    }
}

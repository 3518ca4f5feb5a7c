//! Invented screens and what may happen to their pictures: for examples, benches and tests.
//!
//! A page is white paper with strokes that look like lines of text, rules of tables and a picture;
//! a photograph is a perspective, a blur, uneven light, the screen's own grid and noise.

use super::clean::box_mean;
use super::{SIDE, Tile};
use crate::plane::Plane;
use crate::simulate::Dice;

/// What a page is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Paper {
    /// Nothing but white.
    Blank,
    /// A table with text in its cells, a heading and a coloured bar: a page of the console.
    Table,
    /// Lines of text from border to border.
    Dense,
    /// A rough picture without a flat place.
    Picture,
    /// A table in light ink on dark paper.
    Dark,
}

/// A picture under way: brightness as real numbers, rounded by [`Shot::plane`].
#[derive(Debug, Clone, PartialEq)]
pub struct Shot {
    width: usize,
    height: usize,
    data: Vec<f32>,
}

impl Shot {
    /// A page of `width × height` CSS pixels on a screen with `ratio` device pixels for each.
    #[must_use]
    pub fn page(paper: Paper, width: usize, height: usize, ratio: f64, dice: &mut Dice) -> Self {
        let scaled = |length: usize| (length as f64 * ratio).round() as usize;
        let white = if paper == Paper::Dark { 22.0 } else { 255.0 };
        let mut page = Self::flat(scaled(width), scaled(height), white);
        match paper {
            Paper::Blank => {}
            Paper::Table | Paper::Dark => page.table(ratio, paper == Paper::Dark, dice),
            Paper::Dense => page.lines((0, 0, width, height), 18, 12, ratio, 25.0, dice),
            Paper::Picture => page.rough(dice),
        }
        page
    }

    fn flat(width: usize, height: usize, value: f32) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        Self {
            width,
            height,
            data: vec![value; width * height],
        }
    }

    /// A picture as it is.
    #[must_use]
    pub fn of(plane: &Plane) -> Self {
        Self {
            width: plane.width(),
            height: plane.height(),
            data: plane.values().to_vec(),
        }
    }

    /// The picture as bytes would hold it.
    #[must_use]
    pub fn plane(&self) -> Option<Plane> {
        let data = self.data.iter().map(|v| v.round().clamp(0.0, 255.0));
        Plane::new(self.width, self.height, data.collect()).ok()
    }

    /// A table of the console: a bar, a heading, rows with rules between them.
    fn table(&mut self, ratio: f64, dark: bool, dice: &mut Dice) {
        let (ink, rule, bar) = if dark {
            (225.0, 48.0, 60.0)
        } else {
            (35.0, 220.0, 90.0)
        };
        let css = |length: usize| (length as f64 / ratio) as usize;
        let (width, height) = (css(self.width), css(self.height));
        self.fill((0, 0, width, 44), ratio, bar);
        self.lines((24, 64, width * 2 / 3, 96), 32, 22, ratio, ink, dice);
        for top in (120..height).step_by(36) {
            self.fill((16, top, width.saturating_sub(16), top + 1), ratio, rule);
            for left in (24..width.saturating_sub(60)).step_by(170) {
                let right = left + 50 + dice.below(90);
                self.lines((left, top + 11, right, top + 29), 18, 13, ratio, ink, dice);
            }
        }
    }

    /// Fills a rectangle given in CSS pixels: left, top, right, bottom.
    fn fill(&mut self, area: (usize, usize, usize, usize), ratio: f64, value: f32) {
        let scaled =
            |length: usize, most: usize| ((length as f64 * ratio).round() as usize).min(most);
        let (left, right) = (scaled(area.0, self.width), scaled(area.2, self.width));
        for y in scaled(area.1, self.height)..scaled(area.3, self.height) {
            if left < right {
                self.data[y * self.width + left..y * self.width + right].fill(value);
            }
        }
    }

    /// Strokes like letters: `pitch` from line to line, `size` high, all in CSS pixels.
    fn lines(
        &mut self,
        area: (usize, usize, usize, usize),
        pitch: usize,
        size: usize,
        ratio: f64,
        ink: f32,
        dice: &mut Dice,
    ) {
        for top in (area.1..area.3.saturating_sub(size)).step_by(pitch) {
            for left in (area.0..area.2.saturating_sub(size)).step_by(size + 1) {
                if dice.chance(0.08) {
                    continue;
                }
                for _ in 0..4 {
                    let (x, y) = (left + dice.below(size - 2), top + dice.below(size - 2));
                    let (right, below) = if dice.chance(0.5) {
                        ((x + 3 + dice.below(6)).min(left + size - 1), y + 1)
                    } else {
                        (x + 1, (y + 3 + dice.below(6)).min(top + size))
                    };
                    self.fill((x, y, right.max(x + 1), below.max(y + 1)), ratio, ink);
                }
            }
        }
    }

    /// Noise of all sizes, as a photograph has.
    fn rough(&mut self, dice: &mut Dice) {
        self.data.fill(128.0);
        for (reach, depth) in [(64, 1_900.0), (24, 620.0), (9, 190.0), (3, 55.0), (1, 14.0)] {
            let noise: Vec<f32> = (0..self.data.len())
                .map(|_| (dice.unit() as f32 - 0.5) * depth)
                .collect();
            let soft = box_mean(&noise, self.width, self.height, reach);
            for (value, noise) in self.data.iter_mut().zip(soft) {
                *value += noise;
            }
        }
    }

    /// As the screen shows it beneath a tile, at `opacity` of the tile's own (1 on light pages).
    #[must_use]
    pub fn under(mut self, tile: &Tile, ratio: f64, opacity: f64) -> Self {
        let image = tile.grey_alpha();
        let pixel = |x: i64, y: i64| {
            let wrap = |k: i64| k.rem_euclid(SIDE as i64) as usize;
            let at = 2 * (wrap(y) * SIDE + wrap(x));
            (f32::from(image.pixels[at]), f64::from(image.pixels[at + 1]))
        };
        let width = self.width;
        for (at, value) in self.data.iter_mut().enumerate() {
            let place = |index: usize| (index as f64 + 0.5) / ratio - 0.5;
            let (x, y) = (place(at % width), place(at / width));
            let (left, top) = (x.floor(), y.floor());
            let mut alpha = 0.0;
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                let across = 1.0 - (x - left - f64::from(dx)).abs();
                let down = 1.0 - (y - top - f64::from(dy)).abs();
                alpha += across
                    * down
                    * pixel(left as i64 + i64::from(dx), top as i64 + i64::from(dy)).1;
            }
            let grey = pixel(0, 0).0;
            *value += (grey - *value) * (alpha * opacity / 255.0) as f32;
            *value = value.round();
        }
        self
    }

    /// As a picture that carries a tile itself.
    #[must_use]
    pub fn carrying(mut self, tile: &Tile) -> Self {
        if let Some(plane) = self.plane() {
            self.data = plane.values().to_vec();
            for (value, delta) in self.data.iter_mut().zip(tile.add_to(&plane)) {
                *value = (*value + delta).round().clamp(0.0, 255.0);
            }
        }
        self
    }

    /// The part that begins at `left`, `top`.
    #[must_use]
    pub fn cropped(&self, left: usize, top: usize, width: usize, height: usize) -> Self {
        let (left, top) = (left.min(self.width - 1), top.min(self.height - 1));
        let columns = width.clamp(1, self.width - left);
        let rows = height.clamp(1, self.height - top);
        let row = |y: usize| &self.data[(top + y) * self.width + left..][..columns];
        Self {
            width: columns,
            height: rows,
            data: (0..rows).flat_map(row).copied().collect(),
        }
    }

    /// After a blur of about `sigma` pixels.
    #[must_use]
    pub fn blurred(mut self, sigma: f64) -> Self {
        let reach = (3.0 * sigma).ceil() as i64;
        let weight = |d: i64| (-0.5 * (d as f64 / sigma).powi(2)).exp();
        let total: f64 = (-reach..=reach).map(weight).sum();
        let kernel: Vec<(i64, f32)> = (-reach..=reach)
            .map(|d| (d, (weight(d) / total) as f32))
            .collect();
        for (across, down) in [(1, 0), (0, 1)] {
            let from = self.clone();
            for (at, value) in self.data.iter_mut().enumerate() {
                let (x, y) = ((at % from.width) as i64, (at / from.width) as i64);
                let tap = |(d, w): &(i64, f32)| from.nearest(x + d * across, y + d * down) * w;
                *value = kernel.iter().map(tap).sum();
            }
        }
        self
    }

    fn nearest(&self, x: i64, y: i64) -> f32 {
        let x = x.clamp(0, self.width as i64 - 1) as usize;
        let y = y.clamp(0, self.height as i64 - 1) as usize;
        self.data[y * self.width + x]
    }

    /// After noise of standard deviation `sigma`.
    #[must_use]
    pub fn noisy(mut self, sigma: f64, dice: &mut Dice) -> Self {
        for value in &mut self.data {
            let sum: f64 = (0..12).map(|_| dice.unit()).sum();
            *value += ((sum - 6.0) * sigma) as f32;
        }
        self
    }

    /// After `255·(v/255)^gamma·gain`, cut at black and white.
    #[must_use]
    pub fn lit(mut self, gamma: f32, gain: f32) -> Self {
        for value in &mut self.data {
            *value =
                (255.0 * gain * (value.clamp(0.0, 255.0) / 255.0).powf(gamma)).clamp(0.0, 255.0);
        }
        self
    }

    /// With black and white changed places.
    #[must_use]
    pub fn inverted(mut self) -> Self {
        for value in &mut self.data {
            *value = 255.0 - *value;
        }
        self
    }

    /// Shrunk or enlarged.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        let soft = if factor < 1.0 {
            self.blurred(0.42 / factor)
        } else {
            self
        };
        let length = |length: usize| ((length as f64 * factor) as usize).max(1);
        let (width, height) = (length(soft.width), length(soft.height));
        soft.seen(width, height, |x, y| {
            ((x + 0.5) / factor - 0.5, (y + 0.5) / factor - 0.5)
        })
    }

    /// Turned about its middle; what was outside is black.
    #[must_use]
    pub fn rotated(&self, degrees: f64) -> Self {
        let (sine, cosine) = degrees.to_radians().sin_cos();
        let (cx, cy) = (self.width as f64 / 2.0, self.height as f64 / 2.0);
        self.seen(self.width, self.height, |x, y| {
            let (x, y) = (x - cx, y - cy);
            (cx + x * cosine + y * sine, cy - x * sine + y * cosine)
        })
    }

    /// As a camera sees it that is turned to the side: `tilt` is how much larger the nearer edge is.
    #[must_use]
    pub fn tilted(&self, tilt: f64, width: usize, height: usize) -> Self {
        let scale = (width as f64 / self.width as f64).min(height as f64 / self.height as f64);
        let (cx, cy) = (self.width as f64 / 2.0, self.height as f64 / 2.0);
        self.seen(width, height, |x, y| {
            let (x, y) = (
                (x - width as f64 / 2.0) / scale,
                (y - height as f64 / 2.0) / scale,
            );
            let depth = 1.0 + tilt / 2.0 * (x / cx) - tilt / 4.0 * (y / cy);
            (cx + x * depth, cy + y * depth)
        })
    }

    /// Every pixel taken from where `from` says, bilinear.
    fn seen(&self, width: usize, height: usize, from: impl Fn(f64, f64) -> (f64, f64)) -> Self {
        let mut shot = Self::flat(width, height, 0.0);
        for (at, value) in shot.data.iter_mut().enumerate() {
            let (x, y) = from((at % width) as f64, (at / width) as f64);
            let inside = |v: f64, length: usize| v > -1.0 && v < length as f64;
            if inside(x, self.width) && inside(y, self.height) {
                *value = self.between(x, y);
            }
        }
        shot
    }

    fn between(&self, x: f64, y: f64) -> f32 {
        let (left, top) = (x.floor() as i64, y.floor() as i64);
        let (across, down) = ((x - x.floor()) as f32, (y - y.floor()) as f32);
        let line = |row: i64| {
            self.nearest(left, row) * (1.0 - across) + self.nearest(left + 1, row) * across
        };
        line(top) * (1.0 - down) + line(top + 1) * down
    }

    /// A photograph of the screen by a camera with `pixels` of its own for each of the screen's.
    ///
    /// The screen's grid (dark gaps between its pixels) meets the camera's and makes moiré; light
    /// falls off to one side; the lens blurs by half a camera pixel and the sensor adds `noise`.
    #[must_use]
    pub fn photographed(&self, tilt: f64, pixels: f64, noise: f64, dice: &mut Dice) -> Self {
        let length = |length: usize| ((length as f64 * pixels) as usize).max(1);
        let mut grid = Self::flat(self.width * 3, self.height * 3, 0.0);
        for (at, value) in grid.data.iter_mut().enumerate() {
            let (x, y) = (at % (self.width * 3), at / (self.width * 3));
            let gap = if x % 3 == 2 || y % 3 == 2 { 0.75 } else { 1.1 };
            *value = self.data[y / 3 * self.width + x / 3] * gap;
        }
        let mut shot =
            grid.blurred(3.0 * 0.5 / pixels)
                .tilted(tilt, length(self.width), length(self.height));
        for (at, value) in shot.data.iter_mut().enumerate() {
            let side = (at % shot.width) as f32 / shot.width as f32;
            *value *= 0.75 + 0.2 * side;
        }
        shot.noisy(noise, dice)
    }

    /// After JPEG at a quality of 1 to 100: the brightness's blocks, rounded as libjpeg's tables say.
    ///
    /// Rule: ITU-T T.81, tables K.1 and A.3.3; scaling by quality as the Independent JPEG Group's
    /// library does. Packing the numbers loses nothing, so it is left out.
    #[must_use]
    pub fn jpeg(mut self, quality: u32) -> Self {
        let quality = quality.clamp(1, 100);
        let scale = if quality < 50 {
            5_000 / quality
        } else {
            200 - 2 * quality
        };
        let steps = LUMINANCE.map(|q| ((u32::from(q) * scale + 50) / 100).clamp(1, 255) as f32);
        for top in (0..self.height).step_by(8) {
            for left in (0..self.width).step_by(8) {
                self.block(left, top, &steps);
            }
        }
        self
    }

    fn block(&mut self, left: usize, top: usize, steps: &[f32; 64]) {
        let mut block = [0.0; 64];
        for (at, value) in block.iter_mut().enumerate() {
            let seen = self.nearest((left + at % 8) as i64, (top + at / 8) as i64);
            *value = seen.round().clamp(0.0, 255.0) - 128.0;
        }
        let mut lines = cosines(&block, false);
        for (line, step) in lines.iter_mut().zip(steps) {
            *line = (*line / step).round() * step;
        }
        let block = cosines(&lines, true);
        for (at, value) in block.iter().enumerate() {
            let (x, y) = (left + at % 8, top + at / 8);
            if x < self.width && y < self.height {
                self.data[y * self.width + x] = (value + 128.0).round().clamp(0.0, 255.0);
            }
        }
    }
}

/// Table K.1 of ITU-T T.81.
const LUMINANCE: [u8; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
    92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];

/// The cosine transform of 8 × 8, or back.
fn cosines(block: &[f32; 64], back: bool) -> [f32; 64] {
    let mut base = [[0.0_f32; 8]; 8];
    for (k, line) in base.iter_mut().enumerate() {
        let scale = if k == 0 { 0.125_f32.sqrt() } else { 0.5 };
        for (x, value) in line.iter_mut().enumerate() {
            *value = scale * (std::f32::consts::PI * (2 * x + 1) as f32 * k as f32 / 16.0).cos();
        }
    }
    let base = |k: usize, x: usize| if back { base[x][k] } else { base[k][x] };
    let mut rows = [0.0; 64];
    for (at, value) in rows.iter_mut().enumerate() {
        *value = (0..8)
            .map(|x| block[at / 8 * 8 + x] * base(at % 8, x))
            .sum();
    }
    let mut both = [0.0; 64];
    for (at, value) in both.iter_mut().enumerate() {
        *value = (0..8).map(|y| rows[y * 8 + at % 8] * base(at / 8, y)).sum();
    }
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jpeg_at_full_quality_changes_by_a_level_and_at_the_lowest_flattens() {
        let mut dice = Dice::new(1);
        let page = Shot::page(Paper::Picture, 40, 30, 1.0, &mut dice).lit(1.0, 1.0);
        let far = |shot: &Shot| {
            let pairs = shot.data.iter().zip(&page.data);
            pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        assert!(
            far(&page.clone().jpeg(100)) < 2.5,
            "{}",
            far(&page.clone().jpeg(100))
        );
        assert!(far(&page.clone().jpeg(1)) > 8.0);
    }

    #[test]
    fn cosines_there_and_back() {
        let block = std::array::from_fn(|i| ((i * 37) % 64) as f32);
        let back = cosines(&cosines(&block, false), true);
        assert!(block.iter().zip(back).all(|(a, b)| (a - b).abs() < 1e-3));
    }

    #[test]
    fn pages_have_the_size_of_their_screen() {
        for paper in [
            Paper::Blank,
            Paper::Table,
            Paper::Dense,
            Paper::Picture,
            Paper::Dark,
        ] {
            let page = Shot::page(paper, 80, 60, 1.25, &mut Dice::new(2));
            assert_eq!((page.width, page.height), (100, 75), "{paper:?}");
            assert_eq!(page.cropped(90, 70, 50, 50).data.len(), 50);
        }
    }
}

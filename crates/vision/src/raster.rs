//! Pixels become what networks read: resized, turned, cut out along a quadrilateral.

use std::borrow::Cow;
use std::ops::Range;

use liuhen_picture::Picture;

use crate::geometry::{Point, Quad};

/// RGB of 8 bits, rows from the top; what a picture shows without opacity.
#[derive(Clone)]
pub(crate) struct Raster<'a> {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Three bytes a pixel.
    pub(crate) rgb: Cow<'a, [u8]>,
}

/// A part of a picture that a network sees by itself, so that memory does not grow with the picture.
pub(crate) struct Tile {
    /// Its columns and rows, which are no other's.
    pub(crate) core: [Range<usize>; 2],
    /// The same with a margin of its surroundings.
    pub(crate) with: [Range<usize>; 2],
}

/// Tiles that fill a picture, cut across its longer side so that each has about `most` pixels or fewer;
/// they and their margins begin at multiples of 32 when `margin` is one.
pub(crate) fn tiles(width: usize, height: usize, most: usize, margin: usize) -> Vec<Tile> {
    let longer = width.max(height);
    let count = (width * height).div_ceil(most.max(1)).max(1);
    let step = longer.div_ceil(count).next_multiple_of(32);
    let tile = |from: usize| {
        let core = from..(from + step).min(longer);
        let with = from.saturating_sub(margin)..(core.end + margin).min(longer);
        let [core, with] = [core, with].map(|part| match width >= height {
            true => [part, 0..height],
            false => [0..width, part],
        });
        Tile { core, with }
    };
    (0..longer).step_by(step.max(1)).map(tile).collect()
}

/// A picture made so small that whoever needs no more than some pixels a side has them, and no more
/// than twice as many: what is resized often is resized from this.
pub(crate) struct Small<'a> {
    pub(crate) raster: Cow<'a, Raster<'a>>,
    /// Pixels of the whole picture to one of these, along a side.
    pub(crate) factor: f32,
    /// Sides of the whole picture.
    pub(crate) whole: [f32; 2],
}

impl<'a> Small<'a> {
    /// Halved as often as the longer side stays at least this long.
    pub(crate) fn of(picture: &'a Raster<'a>, longest: usize) -> Small<'a> {
        let mut small = Small {
            raster: Cow::Borrowed(picture),
            factor: 1.0,
            whole: [picture.width as f32, picture.height as f32],
        };
        while small.raster.longest() / 2 >= longest.max(1) {
            small.raster = Cow::Owned(small.raster.halved());
            small.factor *= 2.0;
        }
        small
    }
}

impl<'a> Raster<'a> {
    /// The longer side.
    pub(crate) fn longest(&self) -> usize {
        self.width.max(self.height)
    }

    /// The pixels of a picture, which are not copied unless they have to be flattened.
    pub(crate) fn of(picture: &'a Picture) -> Raster<'a> {
        Raster {
            width: picture.width() as usize,
            height: picture.height() as usize,
            rgb: match picture.channels() {
                4 => picture.clone().flattened().pixels().to_vec().into(),
                _ => picture.pixels().into(),
            },
        }
    }

    /// A copy of its own.
    fn copied(&self) -> Raster<'static> {
        Raster {
            width: self.width,
            height: self.height,
            rgb: self.rgb.to_vec().into(),
        }
    }

    /// A picture made as small as so many pixels on its longest side, each the mean of the block
    /// that it covers; what is no larger stays as it is. Quicker than [`Raster::resized`], and
    /// blocks differ in size by a pixel.
    pub(crate) fn shrunk(picture: &Picture, longest: usize) -> Raster<'static> {
        let (from_width, from_height) = (picture.width() as usize, picture.height() as usize);
        let most = from_width.max(from_height);
        if most <= longest {
            return Raster::of(picture).copied();
        }
        let side = |side: usize| (side * longest / most).max(1);
        let (width, height) = (side(from_width), side(from_height));
        let channels = picture.channels();
        let ends: Vec<usize> = (1..=width).map(|x| x * from_width / width).collect();
        let mut rgb = Vec::with_capacity(width * height * 3);
        let mut sums = vec![[0_u32; 4]; width];
        let rows = picture.pixels();
        let line = from_width * channels;
        for y in 0..height {
            let (top, low) = (y * from_height / height, (y + 1) * from_height / height);
            sums.fill([0; 4]);
            for row in rows.chunks_exact(line).take(low).skip(top) {
                let mut begin = 0;
                for (sum, &end) in sums.iter_mut().zip(&ends) {
                    for pixel in row[begin * channels..end * channels].chunks_exact(channels) {
                        // What shows through is white, as where a picture is flattened.
                        let alpha = pixel.get(3).map_or(255, |alpha| u32::from(*alpha));
                        for (sum, value) in sum.iter_mut().zip(pixel.iter().take(3)) {
                            *sum += match alpha {
                                255 => u32::from(*value),
                                _ => (u32::from(*value) * alpha + 255 * (255 - alpha)) / 255,
                            };
                        }
                        sum[3] += 1;
                    }
                    begin = end;
                }
            }
            for [red, green, blue, count] in &sums {
                rgb.extend(
                    [red, green, blue]
                        .map(|sum| u8::try_from(sum / (*count).max(1)).unwrap_or(255)),
                );
            }
        }
        Raster {
            width,
            height,
            rgb: rgb.into(),
        }
    }

    /// Resized so that each new pixel is the mean of those it covers, weighted by a triangle (as
    /// bilinear resizing is where it enlarges).
    pub(crate) fn resized(&self, width: usize, height: usize) -> Raster<'static> {
        if (width, height) == (self.width, self.height) {
            return self.copied();
        }
        let across = Weights::new(self.width, width);
        let mut wide = vec![0_u8; width * self.height * 3];
        for (row, out) in self
            .rgb
            .chunks_exact(self.width * 3)
            .zip(wide.chunks_exact_mut(width * 3))
        {
            for (taps, pixel) in across.taps.iter().zip(out.as_chunks_mut::<3>().0) {
                let mut sums = [0.0_f32; 3];
                let from = taps.first * 3;
                for (weight, sample) in taps.weights.iter().zip(row[from..].as_chunks::<3>().0) {
                    for (sum, &value) in sums.iter_mut().zip(sample) {
                        *sum += weight * f32::from(value);
                    }
                }
                *pixel = sums.map(byte);
            }
        }
        let down = Weights::new(self.height, height);
        let mut rgb = vec![0_u8; width * height * 3];
        let mut sums = vec![0.0_f32; width * 3];
        for (taps, out) in down.taps.iter().zip(rgb.chunks_exact_mut(width * 3)) {
            sums.fill(0.0);
            for (index, weight) in taps.weights.iter().enumerate() {
                let at = (taps.first + index) * width * 3;
                for (sum, &value) in sums.iter_mut().zip(&wide[at..at + width * 3]) {
                    *sum += weight * f32::from(value);
                }
            }
            for (out, &sum) in out.iter_mut().zip(&sums) {
                *out = byte(sum);
            }
        }
        Raster {
            width,
            height,
            rgb: rgb.into(),
        }
    }

    /// Half as wide and high, each pixel the mean of four; at an odd edge of the two there are.
    fn halved(&self) -> Raster<'static> {
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        let mut rgb = Vec::with_capacity(width * height * 3);
        let line = self.width * 3;
        for y in 0..height {
            let upper = &self.rgb[2 * y * line..][..line];
            let lower = (2 * y + 1).min(self.height - 1);
            let lower = &self.rgb[lower * line..][..line];
            for (one, two) in upper.chunks(6).zip(lower.chunks(6)) {
                // At the edge the last pixel stands for the one beside it.
                let beside = one.len() - 3;
                for channel in 0..3 {
                    let four = [one, two]
                        .map(|two| u16::from(two[channel]) + u16::from(two[beside + channel]));
                    rgb.push(u8::try_from((four[0] + four[1] + 2) / 4).unwrap_or(u8::MAX));
                }
            }
        }
        Raster {
            width,
            height,
            rgb: rgb.into(),
        }
    }

    /// Turned clockwise by this many quarters.
    pub(crate) fn turned(&self, quarters: u8) -> Raster<'static> {
        let (width, height) = if quarters % 2 == 1 {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        };
        if quarters.is_multiple_of(4) {
            return self.copied();
        }
        let mut rgb = Vec::with_capacity(self.rgb.len());
        for y in 0..height {
            for x in 0..width {
                let (from_x, from_y) = match quarters % 4 {
                    1 => (y, self.height - 1 - x),
                    2 => (self.width - 1 - x, self.height - 1 - y),
                    _ => (self.width - 1 - y, x),
                };
                let at = (from_y * self.width + from_x) * 3;
                rgb.extend_from_slice(&self.rgb[at..at + 3]);
            }
        }
        Raster {
            width,
            height,
            rgb: rgb.into(),
        }
    }

    /// A part of it that lies within.
    pub(crate) fn cut(&self, columns: Range<usize>, rows: Range<usize>) -> Raster<'static> {
        let (width, height) = (columns.len(), rows.len());
        let mut rgb = Vec::with_capacity(width * height * 3);
        for y in rows {
            let line = &self.rgb[y * self.width * 3..];
            rgb.extend_from_slice(&line[columns.start * 3..columns.end * 3]);
        }
        Raster {
            width,
            height,
            rgb: rgb.into(),
        }
    }

    /// A part of it; what lies outside is black.
    pub(crate) fn part(&self, left: i64, top: i64, width: usize, height: usize) -> Raster<'static> {
        let mut rgb = vec![0_u8; width * height * 3];
        for y in 0..height {
            let Some(from_y) = inside(top, y, self.height) else {
                continue;
            };
            for x in 0..width {
                if let Some(from_x) = inside(left, x, self.width) {
                    let from = (from_y * self.width + from_x) * 3;
                    let to = (y * width + x) * 3;
                    rgb[to..to + 3].copy_from_slice(&self.rgb[from..from + 3]);
                }
            }
        }
        Raster {
            width,
            height,
            rgb: rgb.into(),
        }
    }

    /// The picture upon a larger canvas, top left, the rest of one shade.
    pub(crate) fn padded(&self, width: usize, height: usize, shade: u8) -> Raster<'static> {
        let mut rgb = vec![shade; width * height * 3];
        let line = self.width * 3;
        for (from, to) in self
            .rgb
            .chunks_exact(line)
            .zip(rgb.chunks_exact_mut(width * 3))
        {
            to[..line].copy_from_slice(from);
        }
        Raster {
            width,
            height,
            rgb: rgb.into(),
        }
    }

    /// What lies within a quadrilateral, drawn upright in `width` times `height` pixels: a
    /// projective map, as a flat thing photographed at an angle shows.
    pub(crate) fn within(&self, quad: &Quad, width: usize, height: usize) -> Raster<'static> {
        let map = quad.projection(width as f32, height as f32);
        self.sampled(width, height, |x, y| map.apply(x, y))
    }

    /// A picture whose pixel (x, y) shows what lies at `at(x, y)` here, centres of pixels being at
    /// halves; mixed from the four nearest, the edge repeated.
    pub(crate) fn sampled(
        &self,
        width: usize,
        height: usize,
        at: impl Fn(f32, f32) -> Point,
    ) -> Raster<'static> {
        let mut rgb = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            for x in 0..width {
                let point = at(x as f32 + 0.5, y as f32 + 0.5);
                rgb.extend_from_slice(&self.mixed(point.x - 0.5, point.y - 0.5));
            }
        }
        Raster {
            width,
            height,
            rgb: rgb.into(),
        }
    }

    fn mixed(&self, x: f32, y: f32) -> [u8; 3] {
        let x = x.clamp(0.0, self.width as f32 - 1.0);
        let y = y.clamp(0.0, self.height as f32 - 1.0);
        let (left, top) = (whole(x), whole(y));
        let (right, low) = (
            (left + 1).min(self.width - 1),
            (top + 1).min(self.height - 1),
        );
        let (across, down) = (x - left as f32, y - top as f32);
        let pixel = |x: usize, y: usize| {
            let at = (y * self.width + x) * 3;
            [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]].map(f32::from)
        };
        let corners = [
            pixel(left, top),
            pixel(right, top),
            pixel(left, low),
            pixel(right, low),
        ];
        let mut out = [0; 3];
        for (channel, out) in out.iter_mut().enumerate() {
            let high = corners[0][channel] * (1.0 - across) + corners[1][channel] * across;
            let deep = corners[2][channel] * (1.0 - across) + corners[3][channel] * across;
            *out = byte(high * (1.0 - down) + deep * down);
        }
        out
    }

    /// Three planes, each sample through `scale`; blue first where `blue_first`.
    pub(crate) fn planes(&self, blue_first: bool, scale: impl Fn(f32) -> f32) -> Vec<f32> {
        let table: Vec<f32> = (0..=255_u8).map(|value| scale(f32::from(value))).collect();
        let mut out = Vec::with_capacity(self.rgb.len());
        for channel in 0..3 {
            let channel = if blue_first { 2 - channel } else { channel };
            out.extend(
                self.rgb
                    .as_chunks::<3>()
                    .0
                    .iter()
                    .map(|pixel| table[usize::from(pixel[channel])]),
            );
        }
        out
    }

    /// Brightness of each pixel, by ITU-R BT.601 in whole numbers.
    pub(crate) fn luma(&self) -> Vec<u8> {
        self.rgb
            .as_chunks::<3>()
            .0
            .iter()
            .map(|&[r, g, b]| {
                let sum = 77 * u32::from(r) + 150 * u32::from(g) + 29 * u32::from(b);
                u8::try_from(sum >> 8).unwrap_or(u8::MAX)
            })
            .collect()
    }
}

fn inside(from: i64, offset: usize, size: usize) -> Option<usize> {
    let at = usize::try_from(from + i64::try_from(offset).ok()?).ok()?;
    (at < size).then_some(at)
}

/// Which old pixels make each new one.
struct Weights {
    taps: Vec<Taps>,
}

struct Taps {
    first: usize,
    weights: Vec<f32>,
}

impl Weights {
    fn new(from: usize, to: usize) -> Weights {
        let scale = from as f32 / to as f32;
        let reach = scale.max(1.0);
        let taps = (0..to)
            .map(|position| {
                let centre = (position as f32 + 0.5) * scale;
                let first = whole((centre - reach).max(0.0));
                let last = whole((centre + reach).ceil()).min(from);
                let mut weights: Vec<f32> = (first..last.max(first + 1))
                    .map(|at| {
                        let distance = (at as f32 + 0.5 - centre).abs() / reach;
                        (1.0 - distance).max(0.0)
                    })
                    .collect();
                let sum: f32 = weights.iter().sum();
                if sum > 0.0 {
                    weights.iter_mut().for_each(|weight| *weight /= sum);
                } else {
                    weights[0] = 1.0;
                }
                Taps {
                    first: first.min(from - 1),
                    weights,
                }
            })
            .collect();
        Weights { taps }
    }
}

/// The whole part of a number of pixels; zero for one that is negative or none.
#[expect(
    clippy::cast_possible_truncation,
    reason = "bounded by the sides of pictures"
)]
#[expect(clippy::cast_sign_loss, reason = "what is negative becomes zero")]
#[must_use]
pub fn whole(value: f32) -> usize {
    value as usize
}

/// A side at another scale, at least one pixel.
pub(crate) fn scaled(side: usize, scale: f32) -> usize {
    whole((side as f32 * scale).round()).max(1)
}

#[expect(clippy::cast_possible_truncation, reason = "held within the bounds")]
#[expect(clippy::cast_sign_loss, reason = "held within the bounds")]
fn byte(value: f32) -> u8 {
    (value + 0.5).clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(width: usize, height: usize) -> Raster<'static> {
        Raster {
            width,
            height,
            rgb: (0..width * height)
                .flat_map(|at| [u8::try_from(at).unwrap(), 0, 255])
                .collect(),
        }
    }

    #[test]
    fn a_picture_made_small_keeps_what_each_block_shows() {
        let pixels: Vec<u8> = (0..9 * 4_u8)
            .flat_map(|at| {
                let (x, y) = (at % 9, at / 9);
                [x / 3 * 100, if y < 2 { 10 } else { 200 }, 7]
            })
            .collect();
        let small = Raster::shrunk(&Picture::rgb(9, 4, pixels).unwrap(), 3);
        assert_eq!((small.width, small.height), (3, 1));
        assert_eq!(*small.rgb, [0, 105, 7, 100, 105, 7, 200, 105, 7]);
        let clear = Picture::rgba(2, 1, vec![0, 0, 0, 0, 0, 0, 0, 255]).unwrap();
        assert_eq!(*Raster::shrunk(&clear, 1).rgb, [127; 3]);
        let same = Picture::blank(3, 3, [5; 3]).unwrap();
        assert_eq!(*Raster::shrunk(&same, 3).rgb, [5; 27]);
    }

    #[test]
    fn a_quarter_turn_goes_clockwise() {
        // 0 1 2        3 0
        // 3 4 5   ->   4 1
        //              5 2
        let turned = counted(3, 2).turned(1);
        let reds: Vec<u8> = turned.rgb.iter().step_by(3).copied().collect();
        assert_eq!((turned.width, turned.height), (2, 3));
        assert_eq!(reds, [3, 0, 4, 1, 5, 2]);
        let whole = counted(3, 2).turned(1).turned(1).turned(1).turned(1);
        assert_eq!(whole.rgb, counted(3, 2).rgb);
        assert_eq!(
            counted(3, 2).turned(2).rgb,
            counted(3, 2).turned(1).turned(1).rgb
        );
    }

    #[test]
    fn what_is_halved_is_led_back_by_its_factor() {
        let mut rgb = vec![0; 9 * 5 * 3];
        // The lower right pixel, alone in its four.
        rgb[(4 * 9 + 8) * 3] = 200;
        rgb[0] = 100;
        let picture = Raster {
            width: 9,
            height: 5,
            rgb: rgb.into(),
        };
        let small = Small::of(&picture, 2);
        assert_eq!((small.raster.width, small.raster.height), (3, 2));
        assert_eq!((small.factor, small.whole), (4.0, [9.0, 5.0]));
        assert_eq!(small.raster.rgb[0], 6);
        assert_eq!(small.raster.rgb[(3 + 2) * 3], 200);
        let same = Small::of(&picture, 5);
        assert_eq!((same.raster.width, same.factor), (9, 1.0));
    }

    #[test]
    fn tiles_fill_a_picture_once() {
        for (width, height) in [
            (2368, 1792),
            (96, 32),
            (1024, 1056),
            (4992, 800),
            (736, 9024),
        ] {
            let mut covered = vec![0_u8; width * height];
            for tile in tiles(width, height, 1 << 21, 64) {
                let [columns, rows] = tile.core;
                assert!(columns.len() * rows.len() < (1 << 21) + 32 * width.min(height));
                assert!(columns.start % 32 == 0 && rows.start % 32 == 0);
                assert_eq!(tile.with[0].start, columns.start.saturating_sub(64));
                assert_eq!(tile.with[1].end, (rows.end + 64).min(height));
                for y in rows {
                    for at in columns.clone() {
                        covered[y * width + at] += 1;
                    }
                }
            }
            assert!(
                covered.iter().all(|&times| times == 1),
                "{width} x {height}"
            );
        }
        assert_eq!(tiles(640, 480, 1 << 20, 64).len(), 1);
    }

    #[test]
    fn halving_takes_the_mean_and_one_shade_stays() {
        let flat = Raster {
            width: 9,
            height: 7,
            rgb: vec![93; 9 * 7 * 3].into(),
        };
        for (width, height) in [(4, 3), (18, 14), (1, 1), (9, 20)] {
            let out = flat.resized(width, height);
            assert!(
                out.rgb.iter().all(|&value| value == 93),
                "{width} x {height}"
            );
        }
        let step = Raster {
            width: 4,
            height: 1,
            rgb: [0, 0, 200, 200].iter().flat_map(|&v| [v; 3]).collect(),
        };
        let out = step.resized(2, 1);
        assert!(out.rgb[0] < 40 && out.rgb[3] > 160, "{:?}", out.rgb);
    }

    #[test]
    fn what_lies_within_an_upright_quadrilateral_is_the_part() {
        let picture = counted(12, 10);
        let quad = Quad::upright(3.0, 2.0, 5.0, 4.0);
        assert_eq!(
            picture.within(&quad, 5, 4).rgb,
            picture.part(3, 2, 5, 4).rgb
        );
    }

    #[test]
    fn a_part_beyond_the_edge_is_black_there() {
        let part = counted(3, 2).part(-1, 1, 3, 2);
        let reds: Vec<u8> = part.rgb.iter().step_by(3).copied().collect();
        assert_eq!(reds, [0, 3, 4, 0, 0, 0]);
    }
}

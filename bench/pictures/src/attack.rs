//! What people do to pictures before they publish them: seeded, the same for every system tried.

use std::f64::consts::TAU;
use std::io::Cursor;

use anyhow::Result;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{ImageFormat, Rgb, RgbImage};

/// Uniform numbers that follow from a seed (SplitMix64; Steele, Lea and Flood, 2014).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: &str) -> Self {
        // FNV-1a turns the seed's words into a number.
        let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(seed.bytes().fold(0xcbf2_9ce4_8422_2325, fold))
    }

    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In 0 to 1.
    pub(crate) fn unit(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let high = (self.word() >> 11) as f64;
        high / 9_007_199_254_740_992.0
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Nearly normal, variance one.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// One thing done to one marked copy.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Attack {
    Nothing,
    Jpeg(u8),
    Scale(f64),
    Crop(f64),
    Turn(f64),
    Perspective(f64),
    Screenshot,
    Photograph,
    Bilateral,
    Median(i64),
    Blur(f32),
    Noise(f64),
    Brightness(f64, f64),
    Gamma(f64),
    Combined,
}

/// All attacks on one copy, by the name of their row.
pub(crate) const ATTACKS: &[(&str, Attack)] = &[
    ("none", Attack::Nothing),
    ("JPEG 95", Attack::Jpeg(95)),
    ("JPEG 75", Attack::Jpeg(75)),
    ("JPEG 50", Attack::Jpeg(50)),
    ("JPEG 30", Attack::Jpeg(30)),
    ("JPEG 15", Attack::Jpeg(15)),
    ("scale 25%", Attack::Scale(0.25)),
    ("scale 50%", Attack::Scale(0.5)),
    ("scale 75%", Attack::Scale(0.75)),
    ("scale 150%", Attack::Scale(1.5)),
    ("scale 200%", Attack::Scale(2.0)),
    ("crop to 75% of area", Attack::Crop(0.75)),
    ("crop to 50% of area", Attack::Crop(0.5)),
    ("crop to 25% of area", Attack::Crop(0.25)),
    ("rotate 1°", Attack::Turn(1.0)),
    ("rotate 5°", Attack::Turn(5.0)),
    ("rotate 15°", Attack::Turn(15.0)),
    ("rotate 45°", Attack::Turn(45.0)),
    ("rotate 90°", Attack::Turn(90.0)),
    ("perspective, mild", Attack::Perspective(0.04)),
    ("perspective, strong", Attack::Perspective(0.12)),
    ("screenshot with borders", Attack::Screenshot),
    ("photographed screen", Attack::Photograph),
    ("denoise (bilateral)", Attack::Bilateral),
    ("median 3×3", Attack::Median(1)),
    ("median 5×5", Attack::Median(2)),
    ("blur σ = 1", Attack::Blur(1.0)),
    ("blur σ = 2", Attack::Blur(2.0)),
    ("noise σ = 5", Attack::Noise(5.0)),
    ("noise σ = 15", Attack::Noise(15.0)),
    ("brightness × 0.6", Attack::Brightness(0.6, 0.0)),
    ("contrast × 1.4 − 30", Attack::Brightness(1.4, -30.0)),
    ("gamma 0.6", Attack::Gamma(0.6)),
    ("crop 25% + half size + 5° + JPEG 50", Attack::Combined),
];

impl Attack {
    /// The attacked picture.
    pub(crate) fn run(self, picture: &RgbImage, dice: &mut Dice) -> Result<RgbImage> {
        let (w, h) = picture.dimensions();
        Ok(match self {
            Self::Nothing => picture.clone(),
            Self::Jpeg(quality) => jpeg(picture, quality)?,
            Self::Scale(factor) => scale(picture, factor),
            Self::Crop(share) => crop(picture, share, dice),
            Self::Turn(degrees) if (degrees - 90.0).abs() < 0.5 => imageops::rotate90(picture),
            Self::Turn(degrees) => turn(picture, degrees),
            Self::Perspective(most) => {
                let corners = corners(w, h, most, dice);
                draw(picture, w, h, &corners)
            }
            Self::Screenshot => screenshot(picture, dice),
            Self::Photograph => photograph(picture, dice)?,
            Self::Bilateral => bilateral(picture),
            Self::Median(radius) => median(picture, radius),
            Self::Blur(sigma) => imageops::blur(picture, sigma),
            Self::Noise(sigma) => each(picture, |v, _| v + sigma * dice.normal()),
            Self::Brightness(gain, shift) => each(picture, |v, _| v * gain + shift),
            Self::Gamma(gamma) => each(picture, |v, _| 255.0 * (v / 255.0).powf(gamma)),
            Self::Combined => {
                let part = crop(picture, 0.25, dice);
                jpeg(&turn(&scale(&part, 0.5), 5.0), 50)?
            }
        })
    }
}

/// What several holders of copies do together.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Collusion {
    /// The mean of the copies.
    Average,
    /// In each place the value farthest from the mean of the others' middle.
    Minority,
    /// The middle value.
    Median,
    /// The mean, then JPEG 50.
    AverageJpeg,
}

/// All collusions, by the name of their rows.
pub(crate) const COLLUSIONS: &[(&str, Collusion)] = &[
    ("average", Collusion::Average),
    ("minority extreme", Collusion::Minority),
    ("median", Collusion::Median),
    ("average + JPEG 50", Collusion::AverageJpeg),
];

/// How many collude.
pub(crate) const SIZES: [usize; 4] = [2, 3, 5, 8];

impl Collusion {
    /// The picture made of copies, all of one size.
    pub(crate) fn run(self, copies: &[RgbImage]) -> Result<RgbImage> {
        let Some(first) = copies.first() else {
            anyhow::bail!("nobody colludes");
        };
        let mut seen = vec![0.0_f64; copies.len()];
        let mut at = 0;
        let mixed = each(first, |_, _| {
            for (seen, copy) in seen.iter_mut().zip(copies) {
                *seen = f64::from(copy.as_raw()[at]);
            }
            at += 1;
            self.mix(&mut seen)
        });
        match self {
            Self::AverageJpeg => jpeg(&mixed, 50),
            _ => Ok(mixed),
        }
    }

    fn mix(self, seen: &mut [f64]) -> f64 {
        seen.sort_by(f64::total_cmp);
        let middle = seen[seen.len() / 2];
        match self {
            Self::Average | Self::AverageJpeg => mean(seen),
            Self::Median => middle,
            Self::Minority => {
                let (low, high) = (seen[0], seen[seen.len() - 1]);
                let mean = mean(seen);
                if mean - low > high - mean { low } else { high }
            }
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    let count = u32::try_from(values.len()).unwrap_or(u32::MAX);
    values.iter().sum::<f64>() / f64::from(count)
}

/// Applies `change(value, channel)` to every value.
fn each(picture: &RgbImage, mut change: impl FnMut(f64, usize) -> f64) -> RgbImage {
    let mut out = picture.clone();
    for pixel in out.pixels_mut() {
        for (channel, value) in pixel.0.iter_mut().enumerate() {
            *value = level(change(f64::from(*value), channel));
        }
    }
    out
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "held within 0 to 255"
)]
fn level(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sides of pictures"
)]
fn side(value: f64) -> u32 {
    value.round().max(1.0) as u32
}

fn jpeg(picture: &RgbImage, quality: u8) -> Result<RgbImage> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(picture)?;
    let decoded = image::load(Cursor::new(bytes), ImageFormat::Jpeg)?;
    Ok(decoded.into_rgb8())
}

fn scale(picture: &RgbImage, factor: f64) -> RgbImage {
    let (w, h) = picture.dimensions();
    let (w, h) = (side(f64::from(w) * factor), side(f64::from(h) * factor));
    imageops::resize(picture, w, h, FilterType::CatmullRom)
}

fn crop(picture: &RgbImage, share: f64, dice: &mut Dice) -> RgbImage {
    let (w, h) = picture.dimensions();
    let root = share.sqrt();
    let (cw, ch) = (side(f64::from(w) * root), side(f64::from(h) * root));
    let x = dice.between(0.0, f64::from(w - cw));
    let y = dice.between(0.0, f64::from(h - ch));
    let (x, y) = (side(x + 1.0) - 1, side(y + 1.0) - 1);
    imageops::crop_imm(picture, x.min(w - cw), y.min(h - ch), cw, ch).to_image()
}

fn turn(picture: &RgbImage, degrees: f64) -> RgbImage {
    let (w, h) = picture.dimensions();
    let (cx, cy) = (f64::from(w) / 2.0, f64::from(h) / 2.0);
    let (sin, cos) = degrees.to_radians().sin_cos();
    read(picture, w, h, |x, y| {
        let (dx, dy) = (x - cx, y - cy);
        (cx + cos * dx - sin * dy, cy + sin * dx + cos * dy)
    })
}

/// A picture whose pixel `(x, y)` is read, linearly, at `place(x, y)`; outside, dark grey.
fn read(picture: &RgbImage, w: u32, h: u32, place: impl Fn(f64, f64) -> (f64, f64)) -> RgbImage {
    RgbImage::from_fn(w, h, |x, y| {
        let (u, v) = place(f64::from(x), f64::from(y));
        sample(picture, u, v).unwrap_or(Rgb([60, 60, 60]))
    })
}

fn sample(picture: &RgbImage, u: f64, v: f64) -> Option<Rgb<u8>> {
    let (w, h) = picture.dimensions();
    if u < 0.0 || v < 0.0 || u > f64::from(w - 1) || v > f64::from(h - 1) {
        return None;
    }
    let (left, top) = (side(u.floor() + 1.0) - 1, side(v.floor() + 1.0) - 1);
    let (t, s) = (u - u.floor(), v - v.floor());
    let (right, bottom) = ((left + 1).min(w - 1), (top + 1).min(h - 1));
    let at = |x, y, c: usize| f64::from(picture.get_pixel(x, y).0[c]);
    Some(Rgb(std::array::from_fn(|c| {
        let upper = at(left, top, c) * (1.0 - t) + at(right, top, c) * t;
        let lower = at(left, bottom, c) * (1.0 - t) + at(right, bottom, c) * t;
        level(upper * (1.0 - s) + lower * s)
    })))
}

/// Four corners of the picture as a crooked camera sees them, in output pixels.
fn corners(w: u32, h: u32, most: f64, dice: &mut Dice) -> [(f64, f64); 4] {
    let (w, h) = (f64::from(w - 1), f64::from(h - 1));
    [(0.0, 0.0), (w, 0.0), (w, h), (0.0, h)].map(|(x, y)| {
        let inward = |v: f64, side: f64, by: f64| if v > 0.0 { v - by * side } else { by * side };
        (
            inward(x, w, dice.between(0.0, most)),
            inward(y, h, dice.between(0.0, most)),
        )
    })
}

/// Draws the picture into a quadrilateral (P. Heckbert's square-to-quadrilateral map, 1989).
fn draw(picture: &RgbImage, w: u32, h: u32, c: &[(f64, f64); 4]) -> RgbImage {
    let (dx1, dx2) = (c[1].0 - c[2].0, c[3].0 - c[2].0);
    let (dy1, dy2) = (c[1].1 - c[2].1, c[3].1 - c[2].1);
    let sx = c[0].0 - c[1].0 + c[2].0 - c[3].0;
    let sy = c[0].1 - c[1].1 + c[2].1 - c[3].1;
    let det = dx1 * dy2 - dx2 * dy1;
    let (g, k) = ((sx * dy2 - dx2 * sy) / det, (dx1 * sy - sx * dy1) / det);
    let m = [
        [
            c[1].0 - c[0].0 + g * c[1].0,
            c[3].0 - c[0].0 + k * c[3].0,
            c[0].0,
        ],
        [
            c[1].1 - c[0].1 + g * c[1].1,
            c[3].1 - c[0].1 + k * c[3].1,
            c[0].1,
        ],
        [g, k, 1.0],
    ];
    let back = adjugate(&m);
    let (pw, ph) = picture.dimensions();
    let (pw, ph) = (f64::from(pw - 1), f64::from(ph - 1));
    read(picture, w, h, |x, y| {
        let [u, v, q] = back.map(|row| row[0] * x + row[1] * y + row[2]);
        (u / q * pw, v / q * ph)
    })
}

fn adjugate(m: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let minor =
        |r0: usize, c0: usize, r1: usize, c1: usize| m[r0][c0] * m[r1][c1] - m[r0][c1] * m[r1][c0];
    [
        [minor(1, 1, 2, 2), minor(0, 2, 2, 1), minor(0, 1, 1, 2)],
        [minor(1, 2, 2, 0), minor(0, 0, 2, 2), minor(0, 2, 1, 0)],
        [minor(1, 0, 2, 1), minor(0, 1, 2, 0), minor(0, 0, 1, 1)],
    ]
}

/// Shown in a window at another size, saved with what lies around it.
fn screenshot(picture: &RgbImage, dice: &mut Dice) -> RgbImage {
    let shown = scale(picture, dice.between(0.6, 1.3));
    let (w, h) = shown.dimensions();
    let edge = |dice: &mut Dice| side(dice.between(0.05, 0.3) * f64::from(w.max(h)));
    let (left, top, right, bottom) = (edge(dice), edge(dice), edge(dice), edge(dice));
    let mut screen = RgbImage::from_pixel(w + left + right, h + top + bottom, Rgb([240, 240, 242]));
    for (x, y, pixel) in screen.enumerate_pixels_mut() {
        // A title line and rows of dark specks stand for a window and its text.
        if y < top / 3 {
            *pixel = Rgb([52, 90, 160]);
        } else if (x * 7 + y * 13) % 29 < 6 && y % 14 < 8 {
            *pixel = Rgb([40, 40, 40]);
        }
    }
    imageops::replace(&mut screen, &shown, i64::from(left), i64::from(top));
    screen
}

/// A telephone's picture of a screen: crooked, with the screen's grid, soft, noisy, JPEG 70.
fn photograph(picture: &RgbImage, dice: &mut Dice) -> Result<RgbImage> {
    let (w, h) = picture.dimensions();
    let (ow, oh) = (side(f64::from(w) * 1.25), side(f64::from(h) * 1.25));
    let seen = draw(picture, ow, oh, &corners(ow, oh, 0.12, dice));
    let (phase, pitch) = (dice.unit() * 6.0, dice.between(2.1, 3.7));
    let tilt = dice.between(-0.1, 0.1);
    let mut at = 0_u32;
    let lit = each(&seen, |v, channel| {
        let pixel = at / 3;
        at += 1;
        let (x, y) = (f64::from(pixel % ow), f64::from(pixel / ow));
        let grid =
            ((x + tilt * y) * TAU / pitch + phase + TAU / 3.0 * [0.0, 1.0, 2.0][channel]).sin();
        let shade = 0.85 + 0.25 * x / f64::from(ow) - 0.1 * y / f64::from(oh);
        255.0 * (v / 255.0).powf(1.2) * shade + 7.0 * grid + 8.0
    });
    let soft = imageops::blur(&lit, 0.8);
    jpeg(&each(&soft, |v, _| v + 3.0 * dice.normal()), 70)
}

/// Smooths where neighbours are alike (C. Tomasi and R. Manduchi, 1998): σ 2 pixels, 15 levels.
fn bilateral(picture: &RgbImage) -> RgbImage {
    let (w, h) = picture.dimensions();
    RgbImage::from_fn(w, h, |x, y| {
        let here = picture.get_pixel(x, y).0.map(f64::from);
        let (mut sum, mut weights) = ([0.0; 3], 0.0);
        for (u, v, near) in around(picture, x, y, 3) {
            let gap: f64 = near.iter().zip(here).map(|(a, b)| (a - b).powi(2)).sum();
            let weight = (-(u * u + v * v) / 8.0 - gap / (3.0 * 2.0 * 225.0)).exp();
            weights += weight;
            for (sum, value) in sum.iter_mut().zip(near) {
                *sum += weight * value;
            }
        }
        Rgb(sum.map(|v| level(v / weights)))
    })
}

fn median(picture: &RgbImage, radius: i64) -> RgbImage {
    let (w, h) = picture.dimensions();
    RgbImage::from_fn(w, h, |x, y| {
        let near: Vec<[f64; 3]> = around(picture, x, y, radius).map(|(_, _, v)| v).collect();
        Rgb(std::array::from_fn(|c| {
            let mut values: Vec<f64> = near.iter().map(|v| v[c]).collect();
            let half = values.len() / 2;
            level(*values.select_nth_unstable_by(half, f64::total_cmp).1)
        }))
    })
}

/// Offsets and values within `radius` of a pixel, the edge repeated.
fn around(
    picture: &RgbImage,
    x: u32,
    y: u32,
    radius: i64,
) -> impl Iterator<Item = (f64, f64, [f64; 3])> {
    let (w, h) = picture.dimensions();
    let clamp = |v: i64, side: u32| u32::try_from(v.max(0)).unwrap_or(0).min(side - 1);
    (-radius..=radius).flat_map(move |dy| {
        (-radius..=radius).map(move |dx| {
            let (u, v) = (clamp(i64::from(x) + dx, w), clamp(i64::from(y) + dy, h));
            let value = picture.get_pixel(u, v).0.map(f64::from);
            #[expect(clippy::cast_precision_loss, reason = "offsets of a few pixels")]
            let offset = (dx as f64, dy as f64);
            (offset.0, offset.1, value)
        })
    })
}

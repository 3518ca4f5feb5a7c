//! What a viewer's tile looks like: keyed signs, low-pass shaped, and two public waves to find it by.

use std::f64::consts::TAU;

use super::fft::{Complex, Fft, Way};
use super::{CHIPS, COUNT, SIDE};
use crate::code::ExportKey;
use crate::picture::by_rows;
use crate::plane::Plane;

/// Separates these signs from an export's other marks.
const LABEL: &[u8] = b"liuhen/fingerprint/tile/v1";

/// The public waves' frequency along each axis, in periods a tile.
///
/// On both diagonals, where pages have the least to show and eyes are least keen; and a divisor of
/// [`CHIPS`] over four, so that a wave's own shifts are whole chips.
pub(super) const PILOT: usize = 8;

/// The keyed signs fill rings from here to there, in periods a tile: slower is visible as blotches
/// and lies where pages vary; faster does not survive a photograph.
const RINGS: (f32, f32) = (4.5, 15.5);

/// Standard deviation of the keyed part, and amplitude of each public wave, in grey levels on white.
const KEYED: f32 = 1.05;
const WAVE: f32 = 0.45;

/// The deepest a tile darkens white paper, in grey levels of 255.
const DEEPEST: f32 = 4.0;

/// The grey whose transparency carries the tile: it darkens light pages and lightens dark ones.
const GREY: u8 = 128;

/// Root of the mean square that a picture is changed by: 42.5 dB below 255.
const PICTURE: f64 = 1.9;

/// Longest side at which a picture carries tiles of one pixel a pixel; larger ones carry larger
/// tiles, since they are shown smaller.
const SHOWN: f64 = 1_280.0;

/// Periods that a picture must show along each side and in all; a single one can be told from nothing.
const LEAST_ALONG: f64 = 1.5;
const LEAST_PERIODS: f64 = 4.0;

/// One viewer's periodic pattern.
pub struct Tile {
    /// `SIDE × SIDE` values around zero, in grey levels on white.
    values: Vec<f32>,
}

/// An image of one period, as a browser takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct GreyAlpha {
    /// Pixels a side; one pixel of the image is one CSS pixel.
    pub side: u32,
    /// Grey and opacity of each pixel, row by row: two bytes a pixel (PNG colour type 4).
    pub pixels: Vec<u8>,
}

impl Tile {
    /// The tile of one key; `part` tells tiles of one key apart.
    ///
    /// For screens a key belongs to one viewer and one day.
    #[must_use]
    pub fn new(key: &ExportKey, part: &[u8]) -> Self {
        let mut keyed = drawn(&shaped(&signs(key, part)));
        let kept = (0..COUNT).map(ring).sum::<f32>() / COUNT as f32;
        for value in &mut keyed {
            *value *= KEYED / kept.sqrt();
        }
        let wave = |at: usize| {
            let (x, y) = (at % SIDE, at / SIDE);
            let cycles = |steps: usize| (TAU * (PILOT * steps) as f64 / SIDE as f64).cos() as f32;
            WAVE * (cycles(x + y) + cycles(SIDE - x + y))
        };
        let values = keyed.iter().enumerate().map(|(at, value)| value + wave(at));
        Self {
            values: values.collect(),
        }
    }

    /// The image that a page repeats over itself, as [`css`] says.
    ///
    /// White paper is darkened by 0 to 4 grey levels of 255, black paper lightened as much.
    #[must_use]
    pub fn grey_alpha(&self) -> GreyAlpha {
        let pixel = |value: &f32| {
            let depth = (value + DEEPEST / 2.0).clamp(0.0, DEEPEST);
            [GREY, (depth * 255.0 / f32::from(255 - GREY)).round() as u8]
        };
        GreyAlpha {
            side: SIDE as u32,
            pixels: self.values.iter().flat_map(pixel).collect(),
        }
    }

    /// Whether a picture is large enough for its tile to be found again.
    #[must_use]
    pub fn fits(picture: &Plane) -> bool {
        let side = scale(picture) * SIDE as f64;
        let periods = |length: usize| length as f64 / side;
        let (across, down) = (periods(picture.width()), periods(picture.height()));
        across.min(down) >= LEAST_ALONG && across * down >= LEAST_PERIODS
    }

    /// What to add to a picture's brightness so that it carries this tile, at 42 dB or better.
    ///
    /// For pictures that carry nothing else: row by row, as many values as the picture has; stronger
    /// where the picture is rough, weaker where it is smooth.
    #[must_use]
    pub fn add_to(&self, picture: &Plane) -> Vec<f32> {
        self.shaped_for(picture, PICTURE)
    }

    /// As [`Tile::add_to`], changing the picture by `rms`, the root of the mean square.
    pub(crate) fn shaped_for(&self, picture: &Plane, rms: f64) -> Vec<f32> {
        let scale = scale(picture);
        let mut delta = roughness(picture);
        by_rows(&mut delta, picture.width(), |row, line| {
            for (column, value) in line.iter_mut().enumerate() {
                *value *= self.at(column as f64 / scale, row as f64 / scale);
            }
        });
        let squares: f64 = delta.iter().map(|v| f64::from(*v).powi(2)).sum();
        let factor = rms / (squares / delta.len() as f64).sqrt().max(1e-6);
        delta.iter().map(|v| v * factor as f32).collect()
    }

    /// The pattern between its pixels, bilinear and repeated.
    fn at(&self, x: f64, y: f64) -> f32 {
        let value = |x: usize, y: usize| self.values[(y % SIDE) * SIDE + x % SIDE];
        let (left, top) = (x.floor() as usize, y.floor() as usize);
        let (across, down) = (x.fract() as f32, y.fract() as f32);
        let upper = value(left, top) * (1.0 - across) + value(left + 1, top) * across;
        let lower = value(left, top + 1) * (1.0 - across) + value(left + 1, top + 1) * across;
        upper * (1.0 - down) + lower * down
    }
}

/// Shows nothing of the pattern: whoever has it can wear it.
impl std::fmt::Debug for Tile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tile({SIDE} × {SIDE})")
    }
}

/// The style rule that repeats the image at `url` over the whole window, and lets clicks through.
///
/// `url` is written between double quotes as it is given: it must hold no quote or backslash.
/// On dark pages the tile is shown at half its strength, since eyes see more in the dark.
#[must_use]
pub fn css(url: &str) -> String {
    format!(
        "body::after {{\n  content: \"\";\n  position: fixed;\n  inset: 0;\n  z-index: 2147483647;\n  \
         pointer-events: none;\n  background: url(\"{url}\") 0 0 / {SIDE}px {SIDE}px repeat;\n  \
         print-color-adjust: exact;\n}}\n\
         @media (prefers-color-scheme: dark) {{\n  body::after {{ opacity: 0.5; }}\n}}\n"
    )
}

/// The keyed signs, row by row: `CHIPS × CHIPS`.
pub(super) fn signs(key: &ExportKey, part: &[u8]) -> Vec<i8> {
    key.signs(LABEL, part, COUNT)
}

/// A bin's place on the axes, in periods a tile: 0, 1, … , −2, −1.
pub(super) fn periods(bin: usize) -> (f32, f32) {
    let signed = |k: usize| {
        if k < CHIPS / 2 {
            k as f32
        } else {
            k as f32 - CHIPS as f32
        }
    };
    (signed(bin % CHIPS), signed(bin / CHIPS))
}

/// How much of a bin of the signs' spectrum the tile keeps: 1 within the rings, 0 outside and at the
/// public waves.
pub(super) fn ring(bin: usize) -> f32 {
    let (x, y) = periods(bin);
    let pilot = x.abs() as usize == PILOT && y.abs() as usize == PILOT;
    let radius = x.hypot(y);
    f32::from(u8::from(!pilot && radius >= RINGS.0 && radius <= RINGS.1))
}

/// The signs' spectrum within the rings.
fn shaped(signs: &[i8]) -> Vec<Complex> {
    let mut spectrum: Vec<Complex> = signs
        .iter()
        .map(|s| Complex::new(f32::from(*s), 0.0))
        .collect();
    Fft::new(CHIPS.trailing_zeros()).square(&mut spectrum, Way::Forward);
    for (bin, value) in spectrum.iter_mut().enumerate() {
        *value = value.times(ring(bin) / COUNT as f32);
    }
    spectrum
}

/// Draws a spectrum of `CHIPS × CHIPS` bins on `SIDE × SIDE` pixels; its mean square is that of the
/// signs times the share of bins kept, whatever `SIDE`.
fn drawn(spectrum: &[Complex]) -> Vec<f32> {
    let turn = |k: f32, at: usize| Complex::turn(TAU * f64::from(k) * at as f64 / SIDE as f64);
    let mut rows = vec![Complex::default(); CHIPS * SIDE];
    for (bin, value) in spectrum.iter().enumerate() {
        let (kx, _) = periods(bin);
        for (at, sum) in rows[bin / CHIPS * SIDE..][..SIDE].iter_mut().enumerate() {
            *sum = *sum + *value * turn(kx, at);
        }
    }
    let mut image = vec![0.0; SIDE * SIDE];
    for (y, line) in image.chunks_exact_mut(SIDE).enumerate() {
        for (row, values) in rows.chunks_exact(SIDE).enumerate() {
            let (_, ky) = periods(row * CHIPS);
            let turned = turn(ky, y);
            for (value, sum) in line.iter_mut().zip(values) {
                *value += (*sum * turned).re;
            }
        }
    }
    image
}

/// Pixels of a picture to one of the tile.
fn scale(picture: &Plane) -> f64 {
    scale_of_whole(picture).max(1.0)
}

/// The same for a leak that is the whole of a picture longer than [`SHOWN`], at whatever size.
pub(super) fn scale_of_whole(leak: &Plane) -> f64 {
    leak.width().max(leak.height()) as f64 / SHOWN
}

/// Between 0.6 (smooth) and 1.8 (rough), by how much neighbours differ in a picture.
fn roughness(picture: &Plane) -> Vec<f32> {
    let (width, height) = (picture.width(), picture.height());
    let values = picture.values();
    let step = |at: usize| {
        let right = if (at + 1).is_multiple_of(width) {
            at
        } else {
            at + 1
        };
        let below = if at / width + 1 == height {
            at
        } else {
            at + width
        };
        (values[at] - values[right]).abs() + (values[at] - values[below]).abs()
    };
    let steps: Vec<f32> = (0..values.len()).map(step).collect();
    let area = super::clean::box_mean(&steps, width, height, 4);
    area.iter().map(|v| (0.6 + v * 0.08).min(1.8)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(byte: u8) -> Tile {
        Tile::new(&ExportKey::from_secret([byte; 32]), b"day")
    }

    #[test]
    fn a_tile_darkens_white_by_four_levels_at_most() {
        for byte in 0..5 {
            let image = tile(byte).grey_alpha();
            assert_eq!(image.pixels.len(), 2 * SIDE * SIDE);
            let on_white = |pixel: &[u8]| {
                let opacity = f64::from(pixel[1]) / 255.0;
                opacity * (255.0 - f64::from(pixel[0]))
            };
            let depths: Vec<f64> = image.pixels.chunks_exact(2).map(on_white).collect();
            let deepest = depths.iter().copied().fold(0.0, f64::max);
            assert!(deepest <= 4.0, "{deepest}");
            let mean = depths.iter().sum::<f64>() / depths.len() as f64;
            assert!((mean - 2.0).abs() < 0.1, "{mean}");
        }
    }

    #[test]
    fn the_keyed_part_has_its_strength_and_leaves_the_waves_alone() {
        let values = tile(7).values;
        let power = values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32;
        let expected = KEYED * KEYED + WAVE * WAVE;
        assert!((power / expected - 1.0).abs() < 0.1, "{power} {expected}");
        let along = |values: &[f32]| -> f32 {
            let wave =
                |at: usize| (TAU * (PILOT * (at % SIDE + at / SIDE)) as f64 / SIDE as f64).cos();
            let sum = values.iter().enumerate().map(|(at, v)| v * wave(at) as f32);
            sum.sum::<f32>() * 2.0 / values.len() as f32
        };
        assert!((along(&values) - WAVE).abs() < 1e-3, "{}", along(&values));
    }

    #[test]
    fn tiles_differ_by_key_and_part() {
        let key = ExportKey::from_secret([1; 32]);
        let base = Tile::new(&key, b"a").values;
        for other in [Tile::new(&key, b"b").values, tile(2).values] {
            let inner: f32 = base.iter().zip(&other).map(|(a, b)| a * b).sum();
            let own: f32 = base.iter().map(|a| a * a).sum();
            assert!(inner / own < 0.35, "{}", inner / own);
        }
    }

    #[test]
    fn pictures_change_by_at_least_42_decibels_less_than_white() {
        for (width, height) in [(64, 64), (300, 200), (1_500, 40)] {
            let data = (0..width * height)
                .map(|i| ((i * i) % 251) as f32)
                .collect();
            let picture = Plane::new(width, height, data).unwrap();
            let delta = tile(3).add_to(&picture);
            let squares: f64 = delta.iter().map(|v| f64::from(*v).powi(2)).sum();
            let db = 10.0 * (255.0_f64.powi(2) * delta.len() as f64 / squares).log10();
            assert!((42.0..43.0).contains(&db), "{db}");
        }
    }

    #[test]
    fn a_tile_shows_its_size_only() {
        assert_eq!(format!("{:?}", tile(1)), "Tile(96 × 96)");
    }
}

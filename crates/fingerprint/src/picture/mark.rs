//! Making the mark: where carriers lie, how strong each may be, and the change of brightness.
//!
//! Rule: house design, section 9.
//! Carriers are the [`BANDS`](super::dct::BANDS) of the 8×8 squares of the original shrunk to its
//! canonical size, so that the marks of a large picture are coarse enough to outlive a screenshot.
//! Carrier `i` receives `a_i · x_i`: `a_i` follows from the original alone, `x_i` is half the sum of
//! four fair signs of the export, so that its value is −2, −1, 0, 1 or 2 with variance one.
//! Four signs and not one: colluders who see two values of a lone sign know both, and by always
//! taking the rarer one bring three copies to no correlation at all; with five levels they see
//! differences only and the mean of their copies stays what it is (Kilian, Leighton, Matheson,
//! Shamoon, Tarjan and Zane, "Resistance of digital watermarks to collusive attacks", 1998).
//!
//! | what | value, version 1 |
//! |---|---|
//! | canonical size | long side at most 1,024, the other in proportion, rounded |
//! | carrier number | `27 · (square, counted by rows) + position in the list of bands` |
//! | signs | [`ExportKey::signs`] with label `liuhen/fingerprint/picture/v1`, part the picture's id |
//! | signs of carrier `32 q + r` | numbers `128 q + 8 (r mod 16) + 4 ⌊r/16⌋` and the three after |

use super::dct::{BANDS, CARRIERS, CELL, SIDE, inverse};
use super::raster::{Grid, by_rows, floor_index, narrow, real, shrink};
use crate::FingerprintError;
use crate::code::ExportKey;
use crate::plane::Plane;
use crate::tile::Tile;

/// Label of the signs in pictures.
pub(super) const LABEL: &[u8] = b"liuhen/fingerprint/picture/v1";

/// Long side of the largest canonical picture.
const CANONICAL: usize = 1_024;

/// The mean square change that no mark exceeds: 42 dB below 255.
const MOST_NOISE: f64 = 255.0 * 255.0 / 15_848.931_924_611_14;

/// The mean square change aimed at: 42.7 dB, so that rounding finds room.
const AIM: f64 = 3.49;

/// The same beside a tile, and what the tile itself may change: 42.1 dB together.
const AIM_BESIDE: f64 = 2.8;
const AIM_TILE: f64 = 1.1;

/// Largest strength in flat places, in grey levels a wave: a flat page is changed less than 42 dB would allow.
const MOST_FLAT: f64 = 3.2;

/// Largest pictures taken, so that nobody exhausts memory with a crafted file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most pixels.
    pub pixels: usize,
}

impl Default for Limits {
    /// Two hundred million pixels.
    fn default() -> Self {
        Self {
            pixels: 200_000_000,
        }
    }
}

impl Limits {
    pub(super) fn check(self, plane: &Plane) -> Result<(), FingerprintError> {
        if plane.values().len() > self.pixels {
            return Err(FingerprintError::PictureTooLarge { most: self.pixels });
        }
        Ok(())
    }
}

/// The mark of one copy of one picture: whole grey levels to be added.
#[derive(Clone, PartialEq, Eq)]
pub struct Mark {
    width: usize,
    height: usize,
    change: Vec<i8>,
    tile: bool,
}

impl Mark {
    /// What to add to each pixel, row by row: the same to red, green and blue, held within 0 to 255.
    #[must_use]
    pub fn change(&self) -> &[i8] {
        &self.change
    }

    /// Columns.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    #[must_use]
    pub const fn height(&self) -> usize {
        self.height
    }

    /// Whether it holds the tile that is read without the original.
    #[must_use]
    pub const fn has_tile(&self) -> bool {
        self.tile
    }

    /// Peak signal to noise of the marked picture, in decibels; infinite when nothing changes.
    ///
    /// Holding values within 0 to 255 only lessens a change, so the file has at least this.
    #[must_use]
    pub fn psnr(&self) -> f64 {
        10.0 * (255.0 * 255.0 / mean_square(&self.change)).log10()
    }

    /// The brightness of the marked copy.
    ///
    /// # Errors
    ///
    /// [`FingerprintError::Plane`] when `original` is of another size.
    pub fn apply(&self, original: &Plane) -> Result<Plane, FingerprintError> {
        if (original.width(), original.height()) != (self.width, self.height) {
            return Err(FingerprintError::Plane);
        }
        let add = |(value, change): (&f32, &i8)| (value + f32::from(*change)).clamp(0.0, 255.0);
        let values = original.values().iter().zip(&self.change).map(add);
        Plane::new(self.width, self.height, values.collect())
    }
}

/// Shows the size only.
impl std::fmt::Debug for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mark({} × {})", self.width, self.height)
    }
}

/// The mark that `key`'s copy of the picture `picture_id` carries.
///
/// The change is at least 42 dB below full scale, whatever the picture; a picture narrower or lower
/// than eight canonical pixels carries nothing.
///
/// # Errors
///
/// [`FingerprintError::PictureTooLarge`] beyond `limits`.
pub fn mark(
    original: &Plane,
    key: &ExportKey,
    picture_id: &[u8],
    limits: Limits,
) -> Result<Mark, FingerprintError> {
    limits.check(original)?;
    let pattern = keyed(original, key, picture_id);
    Ok(Mark {
        width: original.width(),
        height: original.height(),
        change: fit(&pattern, AIM, original.width(), original.height()).0,
        tile: false,
    })
}

/// As [`mark`](fn@mark), with the key's [`Tile`] beside it, which is read without the original.
///
/// Both together are at least 42 dB below full scale. A picture on which [`Tile::fits`] no tile
/// carries the mark alone, at its full strength; [`Mark::has_tile`] tells.
///
/// # Errors
///
/// [`FingerprintError::PictureTooLarge`] beyond `limits`.
pub fn mark_with_tile(
    original: &Plane,
    key: &ExportKey,
    picture_id: &[u8],
    limits: Limits,
) -> Result<Mark, FingerprintError> {
    limits.check(original)?;
    if !Tile::fits(original) {
        return mark(original, key, picture_id, limits);
    }
    let (width, height) = (original.width(), original.height());
    let pattern = keyed(original, key, picture_id);
    let (mut change, factor) = fit(&pattern, AIM_BESIDE, width, height);
    let tile = Tile::new(key, picture_id).shaped_for(original, AIM_TILE.sqrt());
    let mut share = 1.0;
    loop {
        stretch(&pattern, factor * share, width, &mut change, |at| {
            narrow(share) * tile[at]
        });
        if mean_square(&change) <= MOST_NOISE {
            break;
        }
        share *= 0.97;
    }
    Ok(Mark {
        width,
        height,
        change,
        tile: true,
    })
}

/// The key's waves at canonical size, before the common factor.
fn keyed(original: &Plane, key: &ExportKey, picture_id: &[u8]) -> Grid {
    let canonical = canonical(original);
    let strengths = strengths(&canonical);
    let waves = carried(&strengths, &carriers(key, picture_id, strengths.len()));
    pattern(&canonical, &waves)
}

/// The original at the size in which carriers are counted.
pub(super) fn canonical(original: &Plane) -> Grid {
    let (w, h) = (original.width(), original.height());
    let long = w.max(h);
    let side = |side: usize| {
        if long <= CANONICAL {
            return side;
        }
        floor_index(real(side) * real(CANONICAL) / real(long) + 0.5).max(1)
    };
    shrink(original.values(), w, h, side(w), side(h))
}

/// Whole squares across and down.
pub(super) fn squares(canonical: &Grid) -> (usize, usize) {
    (canonical.width / SIDE, canonical.height / SIDE)
}

/// The square at `(bx, by)`.
pub(super) fn square(grid: &Grid, bx: usize, by: usize) -> [f32; CELL] {
    let mut cell = [0.0; CELL];
    for (y, into) in cell.chunks_mut(SIDE).enumerate() {
        into.copy_from_slice(&grid.row(by * SIDE + y)[bx * SIDE..][..SIDE]);
    }
    cell
}

/// How strong each carrier may be, before the common factor: a function of the original alone.
///
/// A busy square hides more; the two calmest of its quarters decide, since an edge hides nothing
/// beside it.
pub(super) fn strengths(canonical: &Grid) -> Vec<f32> {
    let (across, down) = squares(canonical);
    let mut strengths = Vec::with_capacity(across * down * CARRIERS);
    for by in 0..down {
        for bx in 0..across {
            let room = 1.0 + 0.45 * calm(&square(canonical, bx, by)).powf(0.6);
            strengths.extend(BANDS.iter().map(|(_, _, band)| band * room.min(5.0)));
        }
    }
    strengths
}

/// Mean deviation of the two calmest quarters of a square, in grey levels.
fn calm(cell: &[f32; CELL]) -> f32 {
    let mut quarters = [0.0_f32; 4];
    for (number, deviation) in quarters.iter_mut().enumerate() {
        let start = (number / 2) * 4 * SIDE + (number % 2) * 4;
        let values = (0..4).flat_map(|y| &cell[start + y * SIDE..][..4]);
        let mean = values.clone().sum::<f32>() / 16.0;
        *deviation = (values.map(|v| (v - mean).powi(2)).sum::<f32>() / 16.0).sqrt();
    }
    quarters.sort_by(f32::total_cmp);
    f32::midpoint(quarters[0], quarters[1])
}

/// What strengths are multiplied by, about: the common factor before rounding to grey levels.
pub(super) fn scale(canonical: &Grid, strengths: &[f32]) -> f32 {
    let energy = strengths.iter().map(|a| f64::from(a * a)).sum::<f64>();
    let rms = (energy / real(canonical.data.len())).sqrt();
    narrow((AIM.sqrt() / rms.max(1e-6)).min(MOST_FLAT))
}

/// The export's values at `count` carriers, each −2 to 2.
fn carriers(key: &ExportKey, picture_id: &[u8], count: usize) -> Vec<i8> {
    let signs = key.signs(LABEL, picture_id, count.div_ceil(32) * 128);
    let one = |i: usize| {
        let (q, r) = (i / 32, i % 32);
        let first = 128 * q + 8 * (r % 16) + 4 * (r / 16);
        signs[first..][..4].iter().sum::<i8>() / 2
    };
    (0..count).map(one).collect()
}

fn carried(strengths: &[f32], carriers: &[i8]) -> Vec<f32> {
    let pairs = strengths.iter().zip(carriers);
    pairs.map(|(a, x)| a * f32::from(*x)).collect()
}

/// The change at canonical size that these waves make.
fn pattern(canonical: &Grid, waves: &[f32]) -> Grid {
    let (across, _) = squares(canonical);
    let mut pattern = Grid::zeros(canonical.width, canonical.height);
    let width = canonical.width;
    for (number, waves) in waves.chunks(CARRIERS).enumerate() {
        let mut cell = [0.0; CELL];
        for ((v, u, _), wave) in BANDS.iter().zip(waves) {
            cell[v * SIDE + u] = *wave;
        }
        let (bx, by) = (number % across * SIDE, number / across * SIDE);
        for (y, row) in inverse(&cell).chunks(SIDE).enumerate() {
            pattern.data[(by + y) * width + bx..][..SIDE].copy_from_slice(row);
        }
    }
    pattern
}

/// Stretches the pattern over the original and scales it to whole grey levels within the bound, to a
/// mean square of `aim` where that is not too strong; gives the factor too.
fn fit(pattern: &Grid, aim: f64, width: usize, height: usize) -> (Vec<i8>, f64) {
    let none = |_: usize| 0.0;
    let energy = pattern.data.iter().map(|v| f64::from(v * v)).sum::<f64>();
    let rms = (energy / real(pattern.data.len())).sqrt();
    let mut change = vec![0_i8; width * height];
    if rms == 0.0 {
        return (change, 0.0);
    }
    // Stretching loses some energy between pixels; the second look takes it back.
    let mut factor = (aim.sqrt() / rms).min(MOST_FLAT);
    for _ in 0..2 {
        stretch(pattern, factor, width, &mut change, none);
        let noise = mean_square(&change).max(1e-3);
        factor = (factor * (aim / noise).sqrt()).min(MOST_FLAT);
        if (noise / aim - 1.0).abs() < 0.02 {
            break;
        }
    }
    stretch(pattern, factor, width, &mut change, none);
    while mean_square(&change) > MOST_NOISE {
        factor *= 0.97;
        stretch(pattern, factor, width, &mut change, none);
    }
    (change, factor)
}

fn mean_square(change: &[i8]) -> f64 {
    let row = |part: &[i8]| part.iter().map(|c| i32::from(*c).pow(2)).sum::<i32>();
    let total: i64 = change.chunks(65_536).map(|p| i64::from(row(p))).sum();
    #[expect(
        clippy::cast_precision_loss,
        reason = "a sum of squares far below 2^53"
    )]
    let total = total as f64;
    total / real(change.len().max(1))
}

/// Writes `factor · pattern`, stretched linearly to rows of `width`, and what lies `beside` it at each
/// pixel, in whole numbers.
fn stretch(
    pattern: &Grid,
    factor: f64,
    width: usize,
    change: &mut [i8],
    beside: impl Fn(usize) -> f32 + Sync,
) {
    let height = change.len() / width;
    let columns = places(pattern.width, width);
    let rows = places(pattern.height, height);
    by_rows(change, width, |y, into| {
        let (top, bottom, t) = rows[y];
        let (upper, lower) = (pattern.row(top), pattern.row(bottom));
        let (a, b) = (narrow(factor) * (1.0 - t), narrow(factor) * t);
        let line: Vec<f32> = upper
            .iter()
            .zip(lower)
            .map(|(u, l)| a * u + b * l)
            .collect();
        for (at, (into, (left, right, t))) in (y * width..).zip(into.iter_mut().zip(&columns)) {
            *into = whole(line[*left] * (1.0 - t) + line[*right] * t + beside(at));
        }
    });
}

/// For each of `to` pixels the two of `from` it lies between, and how far it is past the first.
fn places(from: usize, to: usize) -> Vec<(usize, usize, f32)> {
    let place = |i: usize| {
        let at = ((real(i) + 0.5) * real(from) / real(to) - 0.5).max(0.0);
        let first = floor_index(at).min(from - 1);
        (first, (first + 1).min(from - 1), narrow(at - real(first)))
    };
    (0..to).map(place).collect()
}

/// The nearest whole number; the library's rounding is a call a pixel and would take half the time.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, which is what is wanted"
)]
fn whole(value: f32) -> i8 {
    let shifted = (value + 128.5) as u8;
    shifted.wrapping_sub(128).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::dct::forward;
    use crate::picture::shapes;

    fn key(secret: u8) -> ExportKey {
        ExportKey::from_secret([secret; 32])
    }

    #[test]
    fn a_square_holds_the_waves_that_were_asked_for() {
        let original = canonical(&shapes::landscape(64, 48, 1));
        let strengths = strengths(&original);
        assert_eq!(strengths.len(), 8 * 6 * CARRIERS);
        let waves = carried(&strengths, &carriers(&key(1), b"p", strengths.len()));
        let back = forward(&square(&pattern(&original, &waves), 3, 2));
        for ((v, u, _), wave) in BANDS.iter().zip(&waves[(2 * 8 + 3) * CARRIERS..]) {
            assert!((back[v * SIDE + u] - wave).abs() < 1e-3);
        }
    }

    #[test]
    fn every_picture_keeps_42_decibels() {
        for (width, height) in [(64, 64), (7, 300), (333, 257), (1, 1), (1_500, 1_100)] {
            let original = shapes::landscape(width, height, 3);
            let mark = mark(&original, &key(2), b"p", Limits::default()).unwrap();
            let marked = mark.apply(&original).unwrap();
            let gap = marked.values().iter().zip(original.values());
            let noise: f64 = gap.map(|(a, b)| f64::from(a - b).powi(2)).sum();
            let noise = noise / real(width * height);
            assert!(noise <= MOST_NOISE, "{width} × {height}: {noise}");
            assert!(mark.psnr() >= 42.0);
            if width.min(height) >= 64 {
                assert!(mark.psnr() < 43.5, "{}", mark.psnr());
            }
        }
    }

    #[test]
    fn flat_pictures_are_changed_less() {
        let flat = Plane::new(128, 128, vec![128.0; 128 * 128]).unwrap();
        let mark = mark(&flat, &key(2), b"p", Limits::default()).unwrap();
        assert!(mark.psnr() > 42.0 && mark.psnr() < 50.0, "{}", mark.psnr());
    }

    #[test]
    fn marks_differ_by_key_and_picture() {
        let original = shapes::landscape(80, 80, 4);
        let of = |secret, id: &[u8]| mark(&original, &key(secret), id, Limits::default()).unwrap();
        assert_eq!(of(1, b"a"), of(1, b"a"));
        assert_ne!(of(1, b"a"), of(2, b"a"));
        assert_ne!(of(1, b"a"), of(1, b"b"));
    }

    #[test]
    fn refuses_pictures_beyond_the_limit() {
        let original = shapes::landscape(80, 80, 4);
        let refused = mark(&original, &key(1), b"p", Limits { pixels: 6_399 });
        assert_eq!(
            refused,
            Err(FingerprintError::PictureTooLarge { most: 6_399 })
        );
        assert!(mark(&original, &key(1), b"p", Limits { pixels: 6_400 }).is_ok());
    }
}

//! Pixels in memory: 8 bits a channel, RGB or RGBA, rows from the top.

use std::fmt;

use crate::PictureError;

/// A picture. Its `Debug` shows the size only, since it may show a person.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    channels: usize,
    pixels: Vec<u8>,
}

impl Picture {
    /// A picture of `width` times `height` pixels, `pixels` holding R, G, B for each, rows from
    /// the top.
    ///
    /// # Errors
    ///
    /// [`PictureError::Empty`] or [`PictureError::Length`].
    pub fn rgb(width: u32, height: u32, pixels: Vec<u8>) -> Result<Picture, PictureError> {
        Picture::with_channels(width, height, 3, pixels)
    }

    /// As [`Picture::rgb`], with R, G, B and opacity (255 is opaque) for each pixel.
    ///
    /// # Errors
    ///
    /// [`PictureError::Empty`] or [`PictureError::Length`].
    pub fn rgba(width: u32, height: u32, pixels: Vec<u8>) -> Result<Picture, PictureError> {
        Picture::with_channels(width, height, 4, pixels)
    }

    /// A picture of one colour.
    ///
    /// # Errors
    ///
    /// [`PictureError::Empty`].
    pub fn blank(width: u32, height: u32, colour: [u8; 3]) -> Result<Picture, PictureError> {
        let count = usize::try_from(u64::from(width) * u64::from(height)).unwrap_or(0);
        Picture::rgb(width, height, colour.repeat(count))
    }

    /// A grey picture as RGB, `grey` holding one byte a pixel.
    ///
    /// # Errors
    ///
    /// [`PictureError::Empty`] or [`PictureError::Length`].
    pub fn from_grey(width: u32, height: u32, grey: &[u8]) -> Result<Picture, PictureError> {
        let pixels: Vec<u8> = grey.iter().flat_map(|&value| [value; 3]).collect();
        Picture::rgb(width, height, pixels)
    }

    fn with_channels(
        width: u32,
        height: u32,
        channels: usize,
        pixels: Vec<u8>,
    ) -> Result<Picture, PictureError> {
        if width == 0 || height == 0 {
            return Err(PictureError::Empty);
        }
        let expected = u64::from(width) * u64::from(height) * channels as u64;
        let found = pixels.len() as u64;
        if expected != found {
            return Err(PictureError::Length { expected, found });
        }
        Ok(Picture {
            width,
            height,
            channels,
            pixels,
        })
    }

    /// Pixels a row.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Bytes a pixel: 3 for RGB, 4 for RGBA.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// All samples, rows from the top.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// As [`Picture::pixels`], to be changed.
    pub fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }

    /// Brightness of each pixel, 0 to 255, rows from the top; opacity is not looked at.
    ///
    /// Rule: ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B.
    #[must_use]
    pub fn luma(&self) -> Vec<f32> {
        self.pixels.chunks_exact(self.channels).map(luma).collect()
    }

    /// Adds `delta` (one a pixel, rows from the top) to red, green and blue alike, rounded and held
    /// within 0 to 255; what is no number counts as zero.
    ///
    /// # Errors
    ///
    /// [`PictureError::Length`]; nothing is changed then.
    pub fn add_brightness(&mut self, delta: &[f32]) -> Result<(), PictureError> {
        let expected = u64::from(self.width) * u64::from(self.height);
        let found = delta.len() as u64;
        if expected != found {
            return Err(PictureError::Length { expected, found });
        }
        for (pixel, &delta) in self.pixels.chunks_exact_mut(self.channels).zip(delta) {
            let step = rounded(delta, -255.0, 255.0);
            for sample in &mut pixel[..3] {
                *sample = sample.saturating_add_signed_wide(step);
            }
        }
        Ok(())
    }

    /// The picture upon white, without opacity.
    #[must_use]
    pub fn flattened(self) -> Picture {
        if self.channels == 3 {
            return self;
        }
        let mut pixels = Vec::with_capacity(self.pixels.len() / 4 * 3);
        for pixel in self.pixels.chunks_exact(4) {
            let opacity = u32::from(pixel[3]);
            for &sample in &pixel[..3] {
                let mixed = (u32::from(sample) * opacity + 255 * (255 - opacity) + 127) / 255;
                pixels.push(u8::try_from(mixed).unwrap_or(u8::MAX));
            }
        }
        Picture {
            channels: 3,
            pixels,
            ..self
        }
    }

    /// The picture made smaller by a whole number, until no side is longer than `longest` (at least
    /// one): each pixel the mean of those it stands for. One that is small enough stays as it is.
    #[must_use]
    pub fn shrunk(&self, longest: u32) -> Picture {
        let by = self.width.max(self.height).div_ceil(longest.max(1));
        if by <= 1 {
            return self.clone();
        }
        let (width, height) = (self.width.div_ceil(by), self.height.div_ceil(by));
        let channels = self.channels;
        let mut pixels = Vec::with_capacity(width as usize * height as usize * channels);
        for top in (0..self.height).step_by(by as usize) {
            for left in (0..self.width).step_by(by as usize) {
                let (mut sums, mut count) = ([0_u64; 4], 0_u64);
                for y in top..(top + by).min(self.height) {
                    let row = y as usize * self.width as usize;
                    let from = (row + left as usize) * channels;
                    let to = (row + (left + by).min(self.width) as usize) * channels;
                    for pixel in self.pixels[from..to].chunks_exact(channels) {
                        for (sum, &sample) in sums.iter_mut().zip(pixel) {
                            *sum += u64::from(sample);
                        }
                        count += 1;
                    }
                }
                let mean = |sum: &u64| u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX);
                pixels.extend(sums[..channels].iter().map(mean));
            }
        }
        Picture {
            width,
            height,
            channels,
            pixels,
        }
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Picture {
            width,
            height,
            channels,
            ..
        } = self;
        write!(f, "Picture({width} x {height}, {channels} channels)")
    }
}

/// Brightness of one pixel, by BT.601.
pub(crate) fn luma(pixel: &[u8]) -> f32 {
    0.299 * f32::from(pixel[0]) + 0.587 * f32::from(pixel[1]) + 0.114 * f32::from(pixel[2])
}

/// `value` rounded to a whole number within bounds that an `i16` holds; zero for what is no number.
#[expect(
    clippy::cast_possible_truncation,
    reason = "rounded and held within the bounds before"
)]
fn rounded(value: f32, least: f32, most: f32) -> i16 {
    if value.is_nan() {
        0
    } else {
        value.round().clamp(least, most) as i16
    }
}

/// A float from 0 to 255 as a byte, rounded.
#[expect(
    clippy::cast_possible_truncation,
    reason = "held within the bounds before"
)]
#[expect(clippy::cast_sign_loss, reason = "held within the bounds before")]
pub(crate) fn byte(value: f32) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

trait SaturatingStep {
    fn saturating_add_signed_wide(self, step: i16) -> u8;
}

impl SaturatingStep for u8 {
    fn saturating_add_signed_wide(self, step: i16) -> u8 {
        u8::try_from((i16::from(self) + step).clamp(0, 255)).unwrap_or(u8::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luma_weighs_as_bt_601_says() {
        let picture = Picture::rgb(4, 1, vec![255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9]).unwrap();
        let expected = [76.245, 149.685, 29.07, 9.0];
        for (found, expected) in picture.luma().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-3, "{found} {expected}");
        }
    }

    #[test]
    fn a_smaller_picture_holds_means_and_its_edges() {
        let picture = Picture::from_grey(5, 3, &[0, 10, 20, 30, 40].repeat(3)).unwrap();
        let small = picture.shrunk(3);
        assert_eq!((small.width(), small.height()), (3, 2));
        let greys: Vec<u8> = small.pixels().chunks(3).map(|pixel| pixel[0]).collect();
        assert_eq!(greys, [5, 25, 40, 5, 25, 40]);
        assert!(picture.shrunk(5) == picture);
        assert_eq!(picture.shrunk(0).width(), 1);
    }

    #[test]
    fn brightness_is_added_alike_rounded_and_held() {
        let mut picture = Picture::rgba(
            2,
            2,
            vec![
                10, 20, 30, 40, 250, 254, 255, 1, 0, 1, 2, 3, 100, 100, 100, 255,
            ],
        )
        .unwrap();
        picture.add_brightness(&[1.4, 3.0, -1.6, f32::NAN]).unwrap();
        assert_eq!(
            picture.pixels(),
            [
                11, 21, 31, 40, 253, 255, 255, 1, 0, 0, 0, 3, 100, 100, 100, 255
            ]
        );
        picture
            .add_brightness(&[f32::INFINITY, -1e30, 300.0, 0.5])
            .unwrap();
        assert_eq!(
            picture.pixels(),
            [
                255, 255, 255, 40, 0, 0, 0, 1, 255, 255, 255, 3, 101, 101, 101, 255
            ]
        );
    }

    #[test]
    fn wrong_lengths_are_refused_and_change_nothing() {
        let mut picture = Picture::blank(3, 3, [7, 8, 9]).unwrap();
        let before = picture.clone();
        let wrong = picture.add_brightness(&[1.0; 8]);
        assert!(matches!(
            wrong,
            Err(PictureError::Length {
                expected: 9,
                found: 8
            })
        ));
        assert_eq!(picture, before);
        assert!(matches!(
            Picture::rgb(2, 2, vec![0; 11]),
            Err(PictureError::Length { .. })
        ));
        assert!(matches!(
            Picture::rgb(0, 2, vec![]),
            Err(PictureError::Empty)
        ));
    }

    #[test]
    fn debug_shows_the_size_only() {
        let picture = Picture::rgba(1, 1, vec![123, 45, 67, 89]).unwrap();
        assert_eq!(format!("{picture:?}"), "Picture(1 x 1, 4 channels)");
    }

    #[test]
    fn flattening_puts_the_picture_upon_white() {
        let picture = Picture::rgba(3, 1, vec![0, 0, 0, 0, 0, 0, 0, 255, 0, 100, 200, 51]).unwrap();
        assert_eq!(
            picture.flattened().pixels(),
            [255, 255, 255, 0, 0, 0, 204, 224, 244]
        );
    }
}

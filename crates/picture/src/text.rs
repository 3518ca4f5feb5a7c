//! Lines of text on a grey page.
//!
//! For the images of pages that `paper` makes. Equal calls give equal pixels, which whoever compares
//! a leaked page with its unmarked original relies upon: letters stand at quarters of a pixel, so
//! that neither the order of calls nor what was drawn before changes how one is drawn.
//! Where lines break and what a page looks like belongs to `paper`.

use std::collections::HashMap;
use std::fmt;

use crate::pixels::byte;
use crate::stamp::{Placing, Stamp, whole};
use crate::{Font, FontError, Glyphs, PictureError};

/// A font at one size, remembering the letters it has drawn.
#[derive(Clone)]
pub struct Pen<'f> {
    glyphs: Glyphs<'f>,
    size: f32,
    stamps: HashMap<(u16, u8), Stamp>,
}

impl<'f> Pen<'f> {
    /// A pen whose em is `size` pixels.
    ///
    /// # Errors
    ///
    /// [`FontError::Malformed`], which a [`Font`] does not give.
    pub fn new(font: &'f Font, size: f32) -> Result<Pen<'f>, FontError> {
        Ok(Pen {
            glyphs: font.glyphs()?,
            size,
            stamps: HashMap::new(),
        })
    }

    /// Pixels to the em.
    #[must_use]
    pub fn size(&self) -> f32 {
        self.size
    }

    /// The face it draws with.
    #[must_use]
    pub fn glyphs(&self) -> &Glyphs<'f> {
        &self.glyphs
    }

    /// Width of a line of text in pixels.
    #[must_use]
    pub fn width(&self, text: &str) -> f32 {
        self.glyphs.width(text) * self.size
    }

    fn stamp(&mut self, glyph: u16, quarter: u8) -> &Stamp {
        let Pen {
            glyphs,
            size,
            stamps,
        } = self;
        stamps.entry((glyph, quarter)).or_insert_with(|| {
            Stamp::draw(
                glyphs,
                glyph,
                Placing::upright(*size, f32::from(quarter) / 4.0),
            )
        })
    }
}

impl fmt::Debug for Pen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pen({} pixels)", self.size)
    }
}

/// A grey page: 0 is black, 255 white, rows from the top.
#[derive(Clone, PartialEq, Eq)]
pub struct Raster {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Raster {
    /// A page of one shade.
    ///
    /// # Errors
    ///
    /// [`PictureError::Empty`], or [`PictureError::TooManyPixels`] beyond 100 million.
    pub fn new(width: u32, height: u32, grey: u8) -> Result<Raster, PictureError> {
        let limit = crate::Limits::default().pixels;
        match u64::from(width) * u64::from(height) {
            0 => Err(PictureError::Empty),
            count if count > limit => Err(PictureError::TooManyPixels {
                width,
                height,
                limit,
            }),
            _ => {
                let (width, height) = (width as usize, height as usize);
                Ok(Raster {
                    width,
                    height,
                    pixels: vec![grey; width * height],
                })
            }
        }
    }

    /// Pixels a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// One byte a pixel.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// As [`Raster::pixels`], to be changed.
    pub fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }

    /// Makes one shade of all pixels from (`left`, `top`) on, `width` to the right and `height`
    /// down; what lies outside is passed over.
    pub fn fill(&mut self, (left, top): (i32, i32), (width, height): (u32, u32), grey: u8) {
        let (columns, rows) = (
            span(left, width, self.width),
            span(top, height, self.height),
        );
        for row in rows {
            self.pixels[row * self.width..][..self.width][columns.clone()].fill(grey);
        }
    }

    /// Draws a line of text whose first letter's origin stands at `left` upon `baseline`, in pixels
    /// from the top left, and answers with its width.
    ///
    /// Characters that the font lacks show as [`Glyphs::shown`] says.
    pub fn line(
        &mut self,
        pen: &mut Pen<'_>,
        text: &str,
        (left, baseline): (f32, f32),
        grey: u8,
    ) -> f32 {
        let mut along = 0.0;
        let (size, canvas) = (pen.size, (self.width, self.height));
        for character in text.chars() {
            let (glyph, _) = pen.glyphs.shown(character);
            let quarters = ((left + along) * 4.0).round();
            let quarter = byte(quarters.rem_euclid(4.0)) % 4;
            let origin = (whole((quarters / 4.0).floor()), whole(baseline.round()));
            let pixels = &mut self.pixels;
            pen.stamp(glyph, quarter).put(origin, canvas, |at, cover| {
                pixels[at] = mixed(pixels[at], grey, cover);
            });
            along += pen.glyphs.advance(glyph) * size;
        }
        along
    }
}

impl fmt::Debug for Raster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raster({} x {})", self.width, self.height)
    }
}

/// `cover` of 255 parts of `ink` over the rest of `under`.
fn mixed(under: u8, ink: u8, cover: u8) -> u8 {
    let cover = u32::from(cover);
    let sum = u32::from(under) * (255 - cover) + u32::from(ink) * cover;
    u8::try_from((sum + 127) / 255).unwrap_or(u8::MAX)
}

/// The part of `start .. start + length` that lies within `0 .. end`.
fn span(start: i32, length: u32, end: usize) -> std::ops::Range<usize> {
    let held = |at: i64| usize::try_from(at.max(0)).unwrap_or(0).min(end);
    held(i64::from(start))..held(i64::from(start) + i64::from(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixing_ends_where_it_should() {
        assert_eq!(
            (mixed(255, 0, 0), mixed(255, 0, 255), mixed(0, 255, 255)),
            (255, 0, 255)
        );
        assert_eq!(mixed(200, 100, 128), 150);
    }

    #[test]
    fn filling_passes_over_what_lies_outside() {
        let mut page = Raster::new(4, 3, 255).unwrap();
        page.fill((-2, 1), (3, 9), 0);
        page.fill((9, 9), (5, 5), 0);
        page.fill((i32::MIN, i32::MAX), (u32::MAX, 1), 0);
        assert_eq!(
            page.pixels(),
            [255, 255, 255, 255, 0, 255, 255, 255, 0, 255, 255, 255]
        );
    }

    #[test]
    fn a_page_without_pixels_or_with_too_many_is_refused() {
        assert!(matches!(Raster::new(0, 9, 0), Err(PictureError::Empty)));
        let large = Raster::new(u32::MAX, u32::MAX, 0);
        assert!(matches!(large, Err(PictureError::TooManyPixels { .. })));
    }
}

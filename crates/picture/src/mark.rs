//! The visible mark on a copy of a card: what it is for, over all of it.
//!
//! A copy of an identity card is as good as the card to whoever keeps it. Written over with what it
//! was handed out for, it is good for that alone. So that the words cannot be cut away or painted
//! over one by one, lines of them cross the whole picture at an angle, each shifted against its
//! neighbours, as close as half their own height; so that they show on any ground, each letter has
//! an edge of the opposite brightness, and lines alternate between dark with a light edge and light
//! with a dark edge. Between the strokes the card stays legible.
//!
//! Visible marks inform and deter; they prove nothing, since whoever wants can paint for an hour.
//! Marks that lead back to a copy are `fingerprint`'s.

use std::collections::HashMap;

use crate::pixels::{byte, luma};
use crate::stamp::{Placing, Stamp, whole};
use crate::{Font, Glyphs, MarkError, Picture};

/// Most characters of a mark.
const LONGEST: usize = 120;
/// Smallest letters that Chinese can be read at, in pixels to the em.
const SMALLEST: f32 = 12.0;
/// Most distance between the middles of two lines, in short sides of the picture, so that each
/// eighth of its width and height is crossed.
const PITCH: f32 = 0.1;

/// A text to be drawn over a picture, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct PurposeMark {
    /// What is written, one line.
    pub text: String,
    /// Degrees that lines rise to the right, -90 to 90.
    pub angle: f32,
    /// How much of the ground a stroke hides: 0.1 (hardly any) to 1.
    pub opacity: f32,
    /// Height of letters in short sides of the picture, 0.02 to 0.15; smaller where the text would
    /// not fit else, never below 12 pixels.
    pub size: f32,
    /// Colour of every other line; the rest, and the edges, are white, or black for a light colour.
    pub colour: [u8; 3],
    /// Shifts the lines: equal seeds draw equal marks.
    pub seed: u64,
}

/// What was drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawn {
    /// Height of letters in pixels.
    pub size: f32,
    /// Lines that cross the picture.
    pub lines: usize,
}

impl PurposeMark {
    /// The customary words: `仅供{purpose}使用，他用无效，{date}`.
    ///
    /// The date is written as given, and left out when empty.
    #[must_use]
    pub fn of(purpose: &str, date: &str) -> PurposeMark {
        let date = if date.is_empty() {
            String::new()
        } else {
            format!("，{date}")
        };
        PurposeMark::new(format!("仅供{purpose}使用，他用无效{date}"))
    }

    /// Words of one's own, drawn in the usual way.
    #[must_use]
    pub fn new(text: impl Into<String>) -> PurposeMark {
        PurposeMark {
            text: text.into(),
            angle: 30.0,
            opacity: 0.42,
            size: 0.05,
            colour: [150, 0, 24],
            seed: 0,
        }
    }

    /// Draws the mark. A picture with opacity is put upon white first, since a mark upon nothing
    /// would vanish with the next ground.
    ///
    /// # Errors
    ///
    /// [`MarkError`]; the picture is unchanged then.
    pub fn draw(&self, picture: &mut Picture, font: &Font) -> Result<Drawn, MarkError> {
        self.check()?;
        let glyphs = font.glyphs()?;
        let letters = self.letters(&glyphs)?;
        let size = self.fitting(picture, &glyphs)?;
        if picture.channels() == 4 {
            let empty = Picture::blank(1, 1, [0; 3]).map_err(|_| MarkError::TooSmall {
                width: picture.width(),
                height: picture.height(),
            })?;
            *picture = std::mem::replace(picture, empty).flattened();
        }
        let lines = Lines::over(picture, self, size, glyphs.width(&self.text) * size);
        let mut stamps = Stamps::new(&glyphs, lines.slope, size);
        let count = lines.count();
        for line in 0..count {
            let inks = self.inks(line);
            for start in lines.starts(line) {
                for &(glyph, along) in &letters {
                    let origin = lines.origin(line, start + along * size);
                    paint(picture, stamps.of(glyph), origin, inks, self.opacity);
                }
            }
        }
        Ok(Drawn { size, lines: count })
    }

    fn check(&self) -> Result<(), MarkError> {
        let length = self.text.chars().count();
        let blank = self.text.trim().is_empty();
        if blank || length > LONGEST || self.text.chars().any(char::is_control) {
            return Err(MarkError::Text { limit: LONGEST });
        }
        within("angle", self.angle, -90.0, 90.0)?;
        within("opacity", self.opacity, 0.1, 1.0)?;
        within("size", self.size, 0.02, 0.15)
    }

    /// Glyphs of the text with their places along the line, in ems.
    fn letters(&self, glyphs: &Glyphs<'_>) -> Result<Vec<(u16, f32)>, MarkError> {
        let mut along = 0.0;
        let mut lacking = std::collections::BTreeSet::new();
        let mut letters = Vec::new();
        for character in self.text.chars() {
            match glyphs.glyph(character) {
                Some(glyph) => {
                    letters.push((glyph, along));
                    along += glyphs.advance(glyph);
                }
                None => drop(lacking.insert(character)),
            }
        }
        match lacking.len() {
            0 => Ok(letters),
            count => Err(crate::FontError::Lacks { count }.into()),
        }
    }

    /// Pixels to the em: as asked for, or as much smaller as one whole text needs to fit through
    /// the middle of the picture.
    fn fitting(&self, picture: &Picture, glyphs: &Glyphs<'_>) -> Result<f32, MarkError> {
        let (width, height) = (picture.width(), picture.height());
        let (wide, high) = (pixels(width), pixels(height));
        let (sin, cos) = self.angle.to_radians().sin_cos();
        let chord = (wide / cos.abs().max(1e-6)).min(high / sin.abs().max(1e-6));
        let fits = 0.9 * chord / glyphs.width(&self.text).max(1.0);
        let size = (self.size * wide.min(high)).max(SMALLEST).min(fits);
        if size < SMALLEST || wide.min(high) < 2.0 * SMALLEST {
            return Err(MarkError::TooSmall { width, height });
        }
        Ok(size)
    }

    /// Colours of letters and of their edges on this line.
    fn inks(&self, line: usize) -> [[u8; 3]; 2] {
        let opposite = if luma(&self.colour) > 127.0 {
            [0; 3]
        } else {
            [255; 3]
        };
        if line.is_multiple_of(2) {
            [self.colour, opposite]
        } else {
            [opposite, self.colour]
        }
    }
}

fn within(name: &'static str, value: f32, least: f32, most: f32) -> Result<(), MarkError> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(MarkError::Option { name, least, most })
    }
}

/// A side in pixels; exact up to 16 million, and then close enough.
#[expect(
    clippy::cast_precision_loss,
    reason = "sides of pictures lie far below 16 million"
)]
fn pixels(side: u32) -> f32 {
    side as f32
}

/// Where the lines of a mark lie: parallel, through all of the picture.
struct Lines {
    middle: (f32, f32),
    /// Sine and cosine of the angle.
    slope: (f32, f32),
    /// Half of what lines must reach along their direction, and across it.
    along: f32,
    across: f32,
    /// Between lines, and between starts of the text on one line.
    pitch: f32,
    step: f32,
    size: f32,
    seed: u64,
}

impl Lines {
    fn over(picture: &Picture, mark: &PurposeMark, size: f32, width: f32) -> Lines {
        let (wide, high) = (pixels(picture.width()), pixels(picture.height()));
        let (sin, cos) = mark.angle.to_radians().sin_cos();
        let closest = 1.2 * size;
        Lines {
            middle: (wide / 2.0, high / 2.0),
            slope: (sin, cos),
            along: (wide * cos.abs() + high * sin.abs()) / 2.0,
            across: (wide * sin.abs() + high * cos.abs()) / 2.0,
            pitch: (1.6 * size).min(PITCH * wide.min(high)).max(closest),
            step: width + size,
            size,
            seed: mark.seed,
        }
    }

    fn count(&self) -> usize {
        let count = (2.0 * self.across / self.pitch).ceil() + 2.0;
        usize::try_from(whole(count)).unwrap_or(0)
    }

    /// Where the text starts on a line, from before one edge to the other.
    fn starts(&self, line: usize) -> impl Iterator<Item = f32> {
        // Neighbours lie a golden section apart, then are jittered, so that no column stays free.
        let golden = (numbered(line) * 0.618_034).fract();
        let shift = (golden + 0.2 * self.random(line, 1)).fract();
        let first = -self.along - self.step * (1.0 + shift);
        let count = whole((2.0 * self.along / self.step).ceil() + 2.0);
        (0..count).map(move |index| first + self.step * numbered(index.unsigned_abs() as usize))
    }

    /// Pixel of a letter's origin, `along` pixels from the middle of its line.
    fn origin(&self, line: usize, along: f32) -> (i32, i32) {
        let jitter = 0.12 * (self.random(line, 0) - 0.5);
        let middle = (numbered(line) - 1.0 + jitter) * self.pitch - self.across;
        let across = middle + 0.36 * self.size;
        let (sin, cos) = self.slope;
        let x = self.middle.0 + along * cos + across * sin;
        let y = self.middle.1 - along * sin + across * cos;
        (whole(x.round()), whole(y.round()))
    }

    /// From 0 to 1, as the seed, the line and the use say.
    ///
    /// Rule: the mixing of `SplitMix64` (Steele, Lea, Flood 2014).
    #[expect(
        clippy::cast_precision_loss,
        reason = "24 bits, which a float holds exactly"
    )]
    fn random(&self, line: usize, usage: u64) -> f32 {
        let mut mixed =
            self.seed ^ (line as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (usage << 60);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 40) as f32 / 16_777_216.0
    }
}

#[expect(clippy::cast_precision_loss, reason = "lines are counted in hundreds")]
fn numbered(line: usize) -> f32 {
    line as f32
}

/// Letters and their edges, each drawn once.
struct Stamps<'a, 'f> {
    glyphs: &'a Glyphs<'f>,
    placing: Placing,
    edge: f32,
    drawn: HashMap<u16, [Stamp; 2]>,
}

impl<'a, 'f> Stamps<'a, 'f> {
    fn new(glyphs: &'a Glyphs<'f>, (sin, cos): (f32, f32), size: f32) -> Stamps<'a, 'f> {
        let placing = Placing {
            right: (size * cos, -size * sin),
            up: (-size * sin, -size * cos),
            shift: (0.0, 0.0),
        };
        Stamps {
            glyphs,
            placing,
            edge: (size / 24.0).max(1.0),
            drawn: HashMap::new(),
        }
    }

    fn of(&mut self, glyph: u16) -> &[Stamp; 2] {
        self.drawn.entry(glyph).or_insert_with(|| {
            let letter = Stamp::draw(self.glyphs, glyph, self.placing);
            let halo = letter.halo(self.edge);
            [letter, halo]
        })
    }
}

/// Mixes a letter and its edge into the picture.
fn paint(
    picture: &mut Picture,
    stamps: &[Stamp; 2],
    origin: (i32, i32),
    inks: [[u8; 3]; 2],
    opacity: f32,
) {
    let canvas = (picture.width() as usize, picture.height() as usize);
    let samples = picture.pixels_mut();
    for (stamp, ink) in stamps.iter().zip(inks) {
        stamp.put(origin, canvas, |at, cover| {
            let part = opacity * f32::from(cover) / 255.0;
            for (under, over) in samples[at * 3..][..3].iter_mut().zip(ink) {
                let ground = f32::from(*under);
                *under = byte(ground + (f32::from(over) - ground) * part);
            }
        });
    }
}

//! What stands on a page, before it becomes PDF or pixels.
//!
//! Lengths are points (1/72 inch) from the top left corner of the page.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use liuhen_picture::text::{Pen, Raster};
use liuhen_picture::{Font, FontError, Glyphs};

use crate::PaperError;
use crate::wrap::{Wrapped, wrap};

/// A4, ISO 216.
pub(crate) const A4: (f32, f32) = (595.276, 841.89);

/// The language of a page's own words, and of the document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// Chinese, as written in the mainland.
    #[default]
    Chinese,
    /// English.
    English,
}

impl Lang {
    /// The tag of BCP 47.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Lang::Chinese => "zh-CN",
            Lang::English => "en",
        }
    }

    pub(crate) fn page(self, number: u32) -> String {
        match self {
            Lang::Chinese => format!("第 {number} 页"),
            Lang::English => format!("Page {number}"),
        }
    }

    pub(crate) fn page_of(self, number: usize, count: usize) -> String {
        match self {
            Lang::Chinese => format!("第 {number} 页，共 {count} 页"),
            Lang::English => format!("Page {number} of {count}"),
        }
    }
}

/// On which side of its cell a text stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    /// As running text.
    #[default]
    Left,
    /// As numbers that are compared.
    Right,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// What stands above it.
    pub title: String,
    /// Its part of the width, in proportion to the other columns' parts.
    pub width: f32,
    /// Where its cells stand.
    pub align: Align,
}

impl Column {
    /// A column one part wide.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Column {
        Column {
            title: title.into(),
            width: 1.0,
            align: Align::Left,
        }
    }

    /// The column with so many parts of the width.
    #[must_use]
    pub fn parts(self, width: f32) -> Column {
        Column { width, ..self }
    }

    /// The column with its cells at the right.
    #[must_use]
    pub fn right(self) -> Column {
        Column {
            align: Align::Right,
            ..self
        }
    }
}

/// Left edges and widths of columns that share `width` from `left` on.
pub(crate) fn shared(columns: &[Column], left: f32, width: f32) -> Vec<(f32, f32)> {
    let part = |column: &Column| {
        if column.width > 0.0 {
            column.width.min(1e6)
        } else {
            0.01
        }
    };
    let whole: f32 = columns.iter().map(part).sum();
    let mut at = left;
    let place = |column: &Column| {
        let mine = width * part(column) / whole;
        at += mine;
        (at - mine, mine)
    };
    columns.iter().map(place).collect()
}

/// One thing on a page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Op {
    /// A line of text.
    Text(Line),
    /// A filled rectangle: left, top, width, height, and its shade (0 is black).
    Fill([f32; 4], u8),
}

/// A line of text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) left: f32,
    pub(crate) baseline: f32,
    pub(crate) size: f32,
    pub(crate) text: String,
    /// What copying gives, where that is another text than the one seen.
    pub(crate) actual: Option<String>,
    /// Distance of letters in ems, for texts of fixed pitch.
    pub(crate) pitch: Option<f32>,
}

impl Op {
    pub(crate) fn text(left: f32, baseline: f32, size: f32, text: impl Into<String>) -> Op {
        Op::Text(Line {
            left,
            baseline,
            size,
            text: text.into(),
            actual: None,
            pitch: None,
        })
    }
}

/// A face that measures and breaks texts.
#[derive(Clone, Debug)]
pub(crate) struct Measure<'f> {
    pub(crate) glyphs: Glyphs<'f>,
    pub(crate) ascent: f32,
}

impl<'f> Measure<'f> {
    pub(crate) fn new(font: &'f Font) -> Result<Measure<'f>, FontError> {
        // Line boxes of fonts for many scripts are far taller than Chinese needs.
        let ascent = font.metrics().ascent.clamp(0.75, 0.9);
        Ok(Measure {
            glyphs: font.glyphs()?,
            ascent,
        })
    }

    pub(crate) fn width(&self, text: &str, size: f32) -> f32 {
        self.glyphs.width(text) * size
    }

    pub(crate) fn wrap(&self, text: &str, size: f32, width: f32) -> Wrapped {
        let advance = |character| self.glyphs.advance(self.glyphs.shown(character).0) * size;
        wrap(text, width, advance)
    }

    /// A line set into a box of this width.
    pub(crate) fn set(
        &self,
        line: &str,
        align: Align,
        at: (f32, f32),
        width: f32,
        size: f32,
    ) -> Op {
        let slack = match align {
            Align::Left => 0.0,
            Align::Right => (width - self.width(line, size)).max(0.0),
        };
        Op::text(at.0 + slack, at.1 + self.ascent * size, size, line)
    }
}

/// Draws pages as grey pictures, remembering letters from page to page.
#[derive(Debug)]
pub(crate) struct Drawer<'f> {
    font: &'f Font,
    scale: f32,
    pens: BTreeMap<u32, Pen<'f>>,
}

impl<'f> Drawer<'f> {
    /// A drawer of `dpi` pixels to the inch.
    pub(crate) fn new(font: &'f Font, dpi: u16) -> Drawer<'f> {
        Drawer {
            font,
            scale: f32::from(dpi) / 72.0,
            pens: BTreeMap::new(),
        }
    }

    /// Draws a page of `size` points.
    pub(crate) fn draw(&mut self, ops: &[Op], size: (f32, f32)) -> Result<Raster, PaperError> {
        let (width, height) = (self.pixels(size.0), self.pixels(size.1));
        let mut page = Raster::new(width.unsigned_abs(), height.unsigned_abs(), 255)?;
        for op in ops {
            match op {
                Op::Fill([left, top, width, height], grey) => {
                    let corner = (self.pixels(*left), self.pixels(*top));
                    let size = (self.pixels(*width).max(1), self.pixels(*height).max(1));
                    page.fill(
                        corner,
                        (size.0.unsigned_abs(), size.1.unsigned_abs()),
                        *grey,
                    );
                }
                Op::Text(line) => self.line(&mut page, line)?,
            }
        }
        Ok(page)
    }

    fn line(&mut self, page: &mut Raster, line: &Line) -> Result<(), FontError> {
        let scale = self.scale;
        let size = line.size * scale;
        let pen = match self.pens.entry(size.to_bits()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(Pen::new(self.font, size)?),
        };
        let (mut left, baseline) = (line.left * scale, line.baseline * scale);
        match line.pitch {
            None => drop(page.line(pen, &line.text, (left, baseline), 0)),
            Some(pitch) => {
                for character in line.text.chars() {
                    page.line(pen, character.encode_utf8(&mut [0; 4]), (left, baseline), 0);
                    left += pitch * size;
                }
            }
        }
        Ok(())
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "lengths on a page, held within bounds"
    )]
    fn pixels(&self, points: f32) -> i32 {
        (points * self.scale).round().clamp(-1e6, 1e6) as i32
    }
}

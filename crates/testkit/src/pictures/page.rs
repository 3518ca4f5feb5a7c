//! A flat page in colour, drawn in units of its own, with what stands where.

use liuhen_picture::text::{Pen, Raster};
use liuhen_picture::{Font, FontError};
use qrcode::{Color, QrCode};

use super::code128;

pub(super) type Colour = [u8; 3];

pub(super) const BLACK: Colour = [25, 25, 28];

/// The faces everything is written in.
pub(super) struct Fonts {
    plain: Font,
    bold: Option<Font>,
}

impl Fonts {
    /// Of this machine.
    ///
    /// # Errors
    ///
    /// [`FontError::NotFound`] where no font has Chinese.
    pub(super) fn find() -> Result<Fonts, FontError> {
        let needed = "居民身份证公民身份号码京沪粤";
        let bold = std::path::Path::new("/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc");
        Ok(Fonts {
            plain: Font::find(None, needed)?,
            bold: Font::open(bold, needed).ok(),
        })
    }
}

/// How letters look.
#[derive(Clone, Copy)]
pub(super) struct Style {
    /// Height of an em.
    pub(super) size: f32,
    pub(super) colour: Colour,
    pub(super) bold: bool,
    /// More room between two letters.
    pub(super) apart: f32,
}

impl Style {
    pub(super) fn new(size: f32, colour: Colour) -> Style {
        Style {
            size,
            colour,
            bold: false,
            apart: 0.0,
        }
    }

    pub(super) fn bold(self) -> Style {
        Style { bold: true, ..self }
    }

    pub(super) fn apart(self, apart: f32) -> Style {
        Style { apart, ..self }
    }

    pub(super) fn coloured(self, colour: Colour) -> Style {
        Style { colour, ..self }
    }
}

/// An upright box in units of the page: left, top, right, bottom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Box4 {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) right: f32,
    pub(super) bottom: f32,
}

impl Box4 {
    pub(super) fn new(left: f32, top: f32, width: f32, height: f32) -> Box4 {
        Box4 {
            left,
            top,
            right: left + width,
            bottom: top + height,
        }
    }

    pub(super) fn with(self, other: Box4) -> Box4 {
        Box4 {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }
}

/// Something about a person, and where it stands: one box a line.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) kind: &'static str,
    pub(super) text: String,
    pub(super) boxes: Vec<Box4>,
    pub(super) code: bool,
}

/// A page being drawn.
pub(super) struct Page<'f> {
    fonts: &'f Fonts,
    /// Pixels to the unit.
    pub(super) scale: f32,
    pub(super) width: usize,
    pub(super) height: usize,
    /// Three bytes a pixel.
    pub(super) rgb: Vec<u8>,
    pub(super) marks: Vec<Mark>,
}

impl<'f> Page<'f> {
    pub(super) fn new(fonts: &'f Fonts, size: [f32; 2], scale: f32, colour: Colour) -> Page<'f> {
        let [width, height] = size.map(|side| whole(side * scale).max(1));
        Page {
            fonts,
            scale,
            width,
            height,
            rgb: colour.repeat(width * height),
            marks: Vec::new(),
        }
    }

    /// Mixes `colour` of the pixels of a box into what is there; `colour` is asked with the
    /// place in units and answers with the colour and its share.
    pub(super) fn paint(&mut self, area: Box4, colour: impl Fn(f32, f32) -> (Colour, f32)) {
        let columns = whole(area.left * self.scale)..whole(area.right * self.scale).min(self.width);
        let rows = whole(area.top * self.scale)..whole(area.bottom * self.scale).min(self.height);
        for y in rows {
            for x in columns.clone() {
                let (ink, share) = colour(x as f32 / self.scale, y as f32 / self.scale);
                self.mix(y * self.width + x, ink, share);
            }
        }
    }

    fn mix(&mut self, at: usize, ink: Colour, share: f32) {
        for (under, ink) in self.rgb[at * 3..at * 3 + 3].iter_mut().zip(ink) {
            *under = byte(f32::from(*under) * (1.0 - share) + f32::from(ink) * share);
        }
    }

    pub(super) fn fill(&mut self, area: Box4, colour: Colour) {
        self.paint(area, |_, _| (colour, 1.0));
    }

    /// The edge of a box.
    pub(super) fn frame(&mut self, area: Box4, thick: f32, colour: Colour) {
        let Box4 {
            left,
            top,
            right,
            bottom,
        } = area;
        let (width, height) = (right - left, bottom - top);
        self.fill(Box4::new(left, top, width, thick), colour);
        self.fill(Box4::new(left, bottom - thick, width, thick), colour);
        self.fill(Box4::new(left, top, thick, height), colour);
        self.fill(Box4::new(right - thick, top, thick, height), colour);
    }

    /// An ellipse.
    pub(super) fn disc(&mut self, centre: [f32; 2], radius: [f32; 2], colour: Colour) {
        let all = Box4 {
            left: 0.0,
            top: 0.0,
            right: f32::MAX,
            bottom: f32::MAX,
        };
        self.disc_within(all, centre, radius, colour);
    }

    /// What of an ellipse lies within a box.
    pub(super) fn disc_within(
        &mut self,
        within: Box4,
        [x, y]: [f32; 2],
        [wide, high]: [f32; 2],
        colour: Colour,
    ) {
        let area = Box4 {
            left: (x - wide).max(within.left),
            top: (y - high).max(within.top),
            right: (x + wide).min(within.right),
            bottom: (y + high).min(within.bottom),
        };
        self.paint(area, |u, v| {
            let far = ((u - x) / wide).powi(2) + ((v - y) / high).powi(2);
            (colour, ((1.0 - far) * 20.0).clamp(0.0, 1.0))
        });
    }

    /// Draws a line of text and answers with the box of its ink.
    pub(super) fn text(&mut self, style: Style, [left, baseline]: [f32; 2], text: &str) -> Box4 {
        let size = style.size * self.scale;
        let fonts = self.fonts;
        let face = match (&fonts.bold, style.bold) {
            (Some(bold), true) => bold,
            _ => &fonts.plain,
        };
        let mut pen = Pen::new(face, size).expect("a font that was found");
        let apart = style.apart * self.scale;
        let letters = text.chars().count() as f32;
        let (from_x, base) = (left * self.scale, baseline * self.scale);
        // A canvas just large enough; its origin lies on whole pixels.
        let (margin, above) = (4.0 + size * 0.2, (size * 1.2).ceil());
        let wide = (pen.width(text) + apart * letters + 2.0 * margin).ceil();
        let high = above + (size * 0.4).ceil();
        let (origin_x, origin_y) = ((from_x - margin).floor(), base.round() - above);
        let mut ink = Raster::new(count(wide), count(high), 255).expect("a line of text");
        let mut along = from_x - origin_x;
        for letter in text.chars() {
            let letter = letter.encode_utf8(&mut [0; 4]).to_owned();
            along += ink.line(&mut pen, &letter, (along, above), 0) + apart;
        }
        let mut found: Option<Box4> = None;
        for y in 0..ink.height() {
            for x in 0..ink.width() {
                let cover = f32::from(255 - ink.pixels()[y * ink.width() + x]) / 255.0;
                let (to_x, to_y) = (origin_x + x as f32, origin_y + y as f32);
                if cover <= 0.0 || to_x < 0.0 || to_y < 0.0 {
                    continue;
                }
                let (column, row) = (whole(to_x), whole(to_y));
                if column >= self.width || row >= self.height {
                    continue;
                }
                self.mix(row * self.width + column, style.colour, cover);
                let here = Box4::new(to_x, to_y, 1.0, 1.0);
                found = Some(found.map_or(here, |found| found.with(here)));
            }
        }
        let found = found.unwrap_or(Box4::new(from_x, base - size, 1.0, size));
        Box4 {
            left: found.left / self.scale,
            top: found.top / self.scale,
            right: found.right / self.scale,
            bottom: found.bottom / self.scale,
        }
    }

    /// Draws one letter as high as a box and no wider than it, as stencils are cut; answers with
    /// the box of its ink.
    pub(super) fn stencil(&mut self, letter: char, area: Box4, colour: Colour) -> Box4 {
        let fonts = self.fonts;
        let face = fonts.bold.as_ref().unwrap_or(&fonts.plain);
        let (wide, high) = (area.right - area.left, area.bottom - area.top);
        let size = (1.4 * high * self.scale).max(8.0);
        let mut pen = Pen::new(face, size).expect("a font that was found");
        let side = count(2.0 * size);
        let mut ink = Raster::new(side, side, 255).expect("a letter");
        let letter = letter.encode_utf8(&mut [0; 4]).to_owned();
        ink.line(&mut pen, &letter, (size * 0.3, size * 1.3), 0);
        let dark = |x: usize, y: usize| f32::from(255 - ink.pixels()[y * ink.width() + x]) / 255.0;
        let (mut low, mut most) = ([usize::MAX; 2], [0; 2]);
        for y in 0..ink.height() {
            for x in 0..ink.width() {
                if dark(x, y) > 0.5 {
                    low = [low[0].min(x), low[1].min(y)];
                    most = [most[0].max(x + 1), most[1].max(y + 1)];
                }
            }
        }
        let inked = [0, 1].map(|axis| most[axis].saturating_sub(low[axis]).max(1) as f32);
        // A letter that is narrow by itself stays so.
        let wide = wide.min(inked[0] / inked[1] * high);
        let left = f32::midpoint(area.left, area.right) - wide / 2.0;
        let drawn = Box4::new(left, area.top, wide, high);
        let scale = self.scale;
        self.paint(drawn, |u, v| {
            let at = |part: f32, axis: usize| {
                low[axis]
                    + whole((part * inked[axis] - 0.5).max(0.0)).min(most[axis] - low[axis] - 1)
            };
            // Four points across a pixel, so that what is squeezed keeps its strokes.
            let step = 0.25 / (wide * scale);
            let cover: f32 = (0..4_u8)
                .map(|n| {
                    dark(
                        at((u - left) / wide + f32::from(n) * step, 0),
                        at((v - area.top) / high, 1),
                    )
                })
                .sum();
            (colour, cover / 4.0)
        });
        drawn
    }

    /// How wide a line is.
    pub(super) fn wide(&self, style: Style, text: &str) -> f32 {
        let glyphs = self.fonts.plain.glyphs().expect("a font that was found");
        glyphs.width(text) * style.size + style.apart * text.chars().count() as f32
    }

    /// Draws something about a person and remembers where it stands.
    pub(super) fn field(
        &mut self,
        kind: &'static str,
        style: Style,
        at: [f32; 2],
        text: &str,
    ) -> Box4 {
        let area = self.text(style, at, text);
        self.mark(kind, text, vec![area]);
        area
    }

    /// As [`Page::field`], broken into lines no wider than `most`; answers with where the
    /// next line would stand.
    pub(super) fn field_in(
        &mut self,
        kind: &'static str,
        style: Style,
        [left, mut baseline]: [f32; 2],
        most: f32,
        text: &str,
    ) -> f32 {
        let mut boxes = Vec::new();
        let mut line = String::new();
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            line.push(letter);
            let full = letters
                .peek()
                .is_none_or(|next| self.wide(style, &format!("{line}{next}")) > most);
            if full {
                boxes.push(self.text(style, [left, baseline], &line));
                baseline += style.size * 1.3;
                line.clear();
            }
        }
        self.mark(kind, text, boxes);
        baseline
    }

    pub(super) fn mark(&mut self, kind: &'static str, text: &str, boxes: Vec<Box4>) {
        self.marks.push(Mark {
            kind,
            text: text.to_owned(),
            boxes,
            code: false,
        });
    }

    /// A QR code upon white.
    pub(super) fn qr(&mut self, kind: Option<&'static str>, area: Box4, says: &str) {
        let code = QrCode::new(says.as_bytes()).expect("few letters");
        let (side, modules) = (code.width(), code.to_colors());
        let step = (area.right - area.left) / (side as f32 + 4.0);
        self.fill(area, [252, 252, 252]);
        for (index, module) in modules.into_iter().enumerate() {
            if module == Color::Dark {
                let (x, y) = ((index % side) as f32 + 2.0, (index / side) as f32 + 2.0);
                let (left, top) = (area.left + x * step, area.top + y * step);
                self.fill(Box4::new(left, top, step, step), BLACK);
            }
        }
        let inner = Box4 {
            left: area.left + 2.0 * step,
            top: area.top + 2.0 * step,
            right: area.right - 2.0 * step,
            bottom: area.bottom - 2.0 * step,
        };
        self.code(kind, says, inner);
    }

    /// A bar code upon white.
    pub(super) fn bars(&mut self, kind: Option<&'static str>, area: Box4, says: &str) {
        let bars = code128::bars(says);
        let all: u32 = bars.iter().map(|&wide| u32::from(wide)).sum();
        // A quiet zone of ten modules at both ends (ISO/IEC 15417).
        let step = (area.right - area.left) / (all as f32 + 20.0);
        self.fill(area, [252, 252, 252]);
        let mut left = area.left + 10.0 * step;
        for (index, &wide) in bars.iter().enumerate() {
            let wide = f32::from(wide) * step;
            if index % 2 == 0 {
                let high = area.bottom - area.top;
                self.fill(Box4::new(left, area.top, wide, high), BLACK);
            }
            left += wide;
        }
        let inner = Box4 {
            left: area.left + 10.0 * step,
            right: area.right - 10.0 * step,
            ..area
        };
        self.code(kind, says, inner);
    }

    fn code(&mut self, kind: Option<&'static str>, says: &str, area: Box4) {
        if let Some(kind) = kind {
            self.marks.push(Mark {
                kind,
                text: says.to_owned(),
                boxes: vec![area],
                code: true,
            });
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "held within 0 to 255")]
pub(super) fn byte(value: f32) -> u8 {
    (value + 0.5).clamp(0.0, 255.0) as u8
}

/// A length in pixels as a whole number of them, never below zero.
#[expect(clippy::cast_possible_truncation, reason = "pictures are far smaller")]
pub(super) fn whole(value: f32) -> usize {
    value.round().clamp(0.0, 1e6) as usize
}

fn count(value: f32) -> u32 {
    u32::try_from(whole(value)).unwrap_or(1).max(1)
}

//! Pages of PDF become pixels, each letter with its place.
//!
//! [`Pages::page`] paints a page as a viewer shows it, annotations and filled-in forms included,
//! and tells of each letter what it stands for and which corners it has in the painted picture.
//! Letters that are drawn invisibly, as over a scanned page, are told as well.
//!
//! Rendering is `hayro`'s, in Rust and without unsafe code. Whether a file may be so large or so
//! deeply packed is for the caller to ask before (`reading` bounds both); what a text means, and
//! what of it is hidden, belongs to others.

use std::sync::Arc;

use hayro::hayro_interpret::font::{FontData, FontQuery, Glyph, GlyphRun};
use hayro::hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro::hayro_interpret::util::TransformExt as _;
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps,
    InterpreterCache, InterpreterSettings, Paint, SoftMask, interpret_page,
};
use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::object::Object;
use hayro::kurbo::{Affine, BezPath, PathEl, Point, Rect, Shape as _};
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings};
use liuhen_picture::{Font, Picture, PictureError};

/// Most pixels of a painted page; a larger page is painted coarser.
const PIXELS: f32 = 40_000_000.0;
/// Points to the inch (ISO 32000-1, 8.3.2.3).
const POINTS: f32 = 72.0;

/// Why a page cannot be painted.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// It is no PDF, or one that cannot be read.
    #[error("the PDF cannot be read")]
    Malformed,
    /// It is locked by a password.
    #[error("the PDF is encrypted")]
    Encrypted,
    /// There is no such page.
    #[error("the PDF has no page {0}")]
    NoPage(usize),
    /// The painted page is no picture.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

/// A PDF whose pages can be painted.
pub struct Pages {
    pdf: Pdf,
    settings: InterpreterSettings,
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pages({})", self.len())
    }
}

/// A painted page.
#[derive(Debug)]
pub struct Page {
    /// What it shows, upon white.
    pub picture: Picture,
    /// Pixels to the inch.
    pub dpi: f32,
    /// What it says.
    pub heard: Heard,
}

/// What a page says.
#[derive(Debug, Default)]
pub struct Heard {
    /// Its letters in the order in which they are drawn.
    pub letters: Vec<Letter>,
    /// Letters of which the file does not say what they stand for.
    pub unknown: usize,
    /// What only eyes can read: pictures, patterns, masks, drawn letters, paths that may be some.
    pub pictures: usize,
    /// Whether there were more letters than are told.
    pub cut: bool,
    /// Pixels that the largest of its pictures announces.
    pub largest: u64,
}

/// A letter, or several drawn as one.
#[derive(Clone)]
pub struct Letter {
    /// What it stands for.
    pub text: String,
    /// Its corners, from the one where it begins below, in pixels from the upper left corner.
    pub corners: [(f32, f32); 4],
    /// Whether it was drawn before at this place, as letters are that shall look bold.
    pub again: bool,
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Letter({} bytes)", self.text.len())
    }
}

impl Pages {
    /// Opens a file held in memory.
    ///
    /// # Errors
    ///
    /// [`RenderError::Malformed`], [`RenderError::Encrypted`].
    pub fn open(bytes: Vec<u8>) -> Result<Pages, RenderError> {
        Pages::shared(Arc::new(bytes))
    }

    /// Opens a file that somebody else holds as well, without another copy of it.
    ///
    /// # Errors
    ///
    /// As [`Pages::open`].
    pub fn shared<T>(bytes: Arc<T>) -> Result<Pages, RenderError>
    where
        T: AsRef<[u8]> + Send + Sync + 'static,
    {
        use hayro::hayro_syntax::LoadPdfError;
        let pdf = Pdf::new(bytes).map_err(|error| match error {
            LoadPdfError::Decryption(_) => RenderError::Encrypted,
            _ => RenderError::Malformed,
        })?;
        Ok(Pages {
            pdf,
            settings: settings(),
        })
    }

    /// How many pages there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pdf.pages().len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Pixels of a page, counted from 0, when it is painted at so many pixels to the inch.
    ///
    /// # Errors
    ///
    /// [`RenderError::NoPage`].
    pub fn pixels(&self, number: usize, dpi: f32) -> Result<u64, RenderError> {
        let (page, scale) = self.scaled(number, dpi)?;
        let (width, height) = page.render_dimensions();
        Ok(whole(width * scale) * whole(height * scale))
    }

    /// Pixels that the largest picture among the file's objects announces. Painting makes room for
    /// as many, whatever the picture really holds; pictures within a page's own drawing are told by
    /// [`Heard::largest`].
    #[must_use]
    pub fn largest(&self) -> u64 {
        let announced = self.pdf.objects().into_iter().filter_map(|object| {
            let Object::Stream(stream) = object else {
                return None;
            };
            let side = |key: &str| stream.dict().get::<f32>(key).map_or(0, whole);
            Some(side("Width").saturating_mul(side("Height")))
        });
        announced.max().unwrap_or(0)
    }

    /// Paints a page, counted from 0, at so many pixels to the inch; coarser if it is very large.
    ///
    /// # Errors
    ///
    /// [`RenderError::NoPage`], [`RenderError::Picture`].
    pub fn page(&self, number: usize, dpi: f32) -> Result<Page, RenderError> {
        let (page, scale) = self.scaled(number, dpi)?;
        let pixmap = hayro::render(
            page,
            &RenderCache::new(),
            &self.settings,
            &RenderSettings::default(),
            &PixmapSettings {
                x_scale: scale,
                y_scale: scale,
                bg_color: WHITE,
            },
        );
        let samples: Vec<u8> = pixmap
            .data()
            .iter()
            .flat_map(|pixel| [pixel.r, pixel.g, pixel.b])
            .collect();
        let picture = Picture::rgb(
            u32::from(pixmap.width()),
            u32::from(pixmap.height()),
            samples,
        )?;
        Ok(Page {
            picture,
            dpi: scale * POINTS,
            heard: self.hear(number, dpi)?,
        })
    }

    /// What a page says, with the places it has when it is painted at so many pixels to the inch;
    /// much cheaper than painting it.
    ///
    /// # Errors
    ///
    /// [`RenderError::NoPage`].
    pub fn hear(&self, number: usize, dpi: f32) -> Result<Heard, RenderError> {
        let (page, scale) = self.scaled(number, dpi)?;
        let (width, height) = page.render_dimensions();
        let mut heard = Heard::default();
        let transform = Affine::scale(f64::from(scale)) * page.initial_transform(true).to_kurbo();
        let cache = InterpreterCache::new();
        let target = Rect::new(
            0.0,
            0.0,
            f64::from(width * scale),
            f64::from(height * scale),
        );
        let mut context = Context::new(
            transform,
            target,
            &cache,
            page.xref(),
            self.settings.clone(),
        );
        interpret_page(page, &mut context, &mut heard);
        Ok(heard)
    }

    /// A page, and how many pixels a point of it becomes.
    fn scaled(
        &self,
        number: usize,
        dpi: f32,
    ) -> Result<(&hayro::hayro_syntax::page::Page<'_>, f32), RenderError> {
        let page = self
            .pdf
            .pages()
            .get(number)
            .ok_or(RenderError::NoPage(number))?;
        let (width, height) = page.render_dimensions();
        let area = (width * height).max(1.0);
        let scale = (dpi / POINTS)
            .min((PIXELS / area).sqrt())
            .min(60_000.0 / width.max(height).max(1.0));
        Ok((page, scale))
    }
}

/// Fonts that a file does not bring along: the fourteen that every viewer has are built in, and for
/// Chinese letters one of this system serves.
fn settings() -> InterpreterSettings {
    struct Bytes(Vec<u8>);
    impl AsRef<[u8]> for Bytes {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    let chinese = Font::find(None, "中").ok().map(|font| {
        let data: FontData = Arc::new(Bytes(font.data().to_vec()));
        (data, font.index())
    });
    InterpreterSettings {
        font_resolver: Arc::new(move |query| match query {
            FontQuery::Standard(standard) => Some(standard.get_font_data()),
            FontQuery::Fallback(wanted) if wanted.character_collection.is_some() => chinese
                .clone()
                .or_else(|| Some(wanted.pick_standard_font().get_font_data())),
            FontQuery::Fallback(wanted) => Some(wanted.pick_standard_font().get_font_data()),
        }),
        ..InterpreterSettings::default()
    }
}

/// Letters of a page that are told; a page with more is told as cut.
const LETTERS: usize = 200_000;
/// Drawn letters that the same letter is looked for among: what is drawn twice, to look bold, is
/// one letter.
const BACK: usize = 64;
/// What a font's letters are measured in: thousandths of their size.
const UNITS: f64 = 1000.0;
/// How far letters reach above and below their line, of their size.
const ABOVE: f64 = 0.95;
const BELOW: f64 = 0.3;
/// A path with as many curves may be a letter.
const CURVES: usize = 3;

impl Heard {
    fn letter(&mut self, text: Option<String>, cell: Rect, upright: bool, transform: Affine) {
        if self.letters.len() >= LETTERS {
            self.cut = true;
            return;
        }
        let known = text.filter(|text| !text.is_empty() && text.chars().all(is_told));
        let Some(text) = known else {
            self.unknown += 1;
            return;
        };
        let corner = |x: f64, y: f64| {
            let at = transform * Point::new(x, y);
            (single(at.x), single(at.y))
        };
        let Rect { x0, y0, x1, y1 } = cell;
        // Along the line first: to the right, or down where lines stand.
        let corners = if upright {
            [
                corner(x1, y1),
                corner(x1, y0),
                corner(x0, y0),
                corner(x0, y1),
            ]
        } else {
            [
                corner(x0, y0),
                corner(x1, y0),
                corner(x1, y1),
                corner(x0, y1),
            ]
        };
        let high = distance(corners[0], corners[3]);
        let again =
            self.letters.iter().rev().take(BACK).any(|other| {
                other.text == text && distance(other.corners[0], corners[0]) < 0.2 * high
            });
        self.letters.push(Letter {
            text,
            corners,
            again,
        });
    }

    fn paint(&mut self, props: &DrawProps<'_>) {
        // A pattern or a mask may hold anything.
        if props.soft_mask.is_some() || matches!(props.paint, Paint::Pattern(_)) {
            self.pictures += 1;
        }
    }
}

/// Whether a character says what is seen: not one of private use, a control, or a replacement.
fn is_told(letter: char) -> bool {
    !letter.is_control()
        && letter != char::REPLACEMENT_CHARACTER
        && !matches!(letter, '\u{200b}'..='\u{200f}' | '\u{feff}')
        && !matches!(u32::from(letter), 0xe000..=0xf8ff | 0xf_0000..)
}

fn distance(one: (f32, f32), two: (f32, f32)) -> f32 {
    (one.0 - two.0).hypot(one.1 - two.1)
}

// Hears where letters are drawn, and draws none.
impl<'a> Device<'a> for Heard {
    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, _: &DrawMode) {
        self.paint(&props);
        let curves = path
            .elements()
            .iter()
            .filter(|element| matches!(element, PathEl::CurveTo(..) | PathEl::QuadTo(..)));
        if curves.count() >= CURVES {
            self.pictures += 1;
        }
    }

    fn push_clip_path(&mut self, _: &ClipPath) {}

    fn push_transparency_group(&mut self, _: f32, mask: Option<SoftMask<'a>>, _: BlendMode) {
        self.pictures += usize::from(mask.is_some());
    }

    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}

    fn draw_image(&mut self, image: Image<'a, '_>, _: ImageDrawProps<'a>) {
        self.pictures += 1;
        let announced = u64::from(image.width()).saturating_mul(u64::from(image.height()));
        self.largest = self.largest.max(announced);
    }

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        self.paint(&props);
        let upright = run.writing_mode() == WritingMode::Vertical;
        for glyph in run.glyphs() {
            let transform = props.transform * glyph.transform();
            let (text, advance, drawn) = match &**glyph {
                Glyph::Outline(outline) => {
                    let drawn = outline.outline().bounding_box();
                    (outline.as_unicode(), outline.advance_width(), drawn)
                }
                Glyph::Type3(glyph) => {
                    // Drawn by operators of its own: what they show, only eyes can tell.
                    self.pictures += 1;
                    let drawn = Rect::new(0.0, -UNITS, UNITS, UNITS);
                    (glyph.as_unicode(), glyph.advance_width(), drawn)
                }
            };
            let least = if upright { UNITS } else { 1.0 };
            let wide = f64::from(advance.unwrap_or(500.0)).max(least);
            // What is told of a letter and what is drawn of it, both; an empty outline is a point.
            let told = Rect::new(0.0, -BELOW * UNITS, wide, ABOVE * UNITS);
            let cell = if drawn.is_finite() && drawn.area() > 0.0 {
                told.union(drawn)
            } else {
                told
            };
            let text = text.map(|text| match text {
                BfString::Char(letter) => letter.to_string(),
                BfString::String(text) => text,
            });
            self.letter(text, cell, upright, transform);
        }
    }
}

/// A side in whole pixels, never smaller than it was.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "held within the sides of pictures and above zero"
)]
fn whole(side: f32) -> u64 {
    side.ceil().clamp(0.0, 1e9) as u64
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a place on a page needs no more"
)]
fn single(value: f64) -> f32 {
    value as f32
}

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
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps,
    InterpreterCache, InterpreterSettings, SoftMask, interpret_page,
};
use hayro::hayro_syntax::Pdf;
use hayro::kurbo::{Affine, BezPath, Point, Rect};
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
    /// Its letters in the order in which they are drawn.
    pub letters: Vec<Letter>,
    /// Letters of which the file does not say what they stand for.
    pub unknown: usize,
    /// Pictures it shows.
    pub pictures: usize,
}

/// A letter, or several drawn as one.
#[derive(Clone)]
pub struct Letter {
    /// What it stands for.
    pub text: String,
    /// Its corners, from the one where it begins below, in pixels from the upper left corner.
    pub corners: [(f32, f32); 4],
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

    /// Paints a page, counted from 0, at so many pixels to the inch; coarser if it is very large.
    ///
    /// # Errors
    ///
    /// [`RenderError::NoPage`], [`RenderError::Picture`].
    pub fn page(&self, number: usize, dpi: f32) -> Result<Page, RenderError> {
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
        let mut heard = Heard::default();
        let transform = Affine::scale(f64::from(scale))
            * hayro::hayro_interpret::util::TransformExt::to_kurbo(&page.initial_transform(true));
        let cache = InterpreterCache::new();
        let target = Rect::new(
            0.0,
            0.0,
            f64::from(picture.width()),
            f64::from(picture.height()),
        );
        let mut context = Context::new(
            transform,
            target,
            &cache,
            page.xref(),
            self.settings.clone(),
        );
        interpret_page(page, &mut context, &mut heard);
        Ok(Page {
            picture,
            dpi: scale * POINTS,
            letters: heard.letters,
            unknown: heard.unknown,
            pictures: heard.pictures,
        })
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

/// Hears where letters are drawn, and draws none.
#[derive(Default)]
struct Heard {
    letters: Vec<Letter>,
    unknown: usize,
    pictures: usize,
}

/// Letters of a page that are told; more cost memory and are no page.
const LETTERS: usize = 1_000_000;
/// What a font's letters are measured in: thousandths of their size.
const UNITS: f64 = 1000.0;
/// How far letters reach above and below their line at most, of their size.
const ABOVE: f64 = 0.95;
const BELOW: f64 = 0.3;

impl<'a> Device<'a> for Heard {
    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}

    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {
        self.pictures += 1;
    }

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        use hayro::hayro_interpret::hayro_cmap::BfString;
        for glyph in run.glyphs() {
            if self.letters.len() >= LETTERS {
                return;
            }
            let (text, advance) = match &**glyph {
                Glyph::Outline(outline) => (outline.as_unicode(), outline.advance_width()),
                Glyph::Type3(drawn) => (drawn.as_unicode(), drawn.advance_width()),
            };
            let Some(text) = text else {
                self.unknown += 1;
                continue;
            };
            let text = match text {
                BfString::Char(letter) => letter.to_string(),
                BfString::String(text) => text,
            };
            let wide = f64::from(advance.unwrap_or(500.0)).max(1.0);
            let transform = props.transform * glyph.transform();
            let corner = |x: f64, y: f64| {
                let at = transform * Point::new(x, y);
                (single(at.x), single(at.y))
            };
            let (low, high) = (-BELOW * UNITS, ABOVE * UNITS);
            self.letters.push(Letter {
                text,
                corners: [
                    corner(0.0, low),
                    corner(wide, low),
                    corner(wide, high),
                    corner(0.0, high),
                ],
            });
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a place on a page needs no more"
)]
fn single(value: f64) -> f32 {
    value as f32
}

//! Pictures, each a page.
//!
//! For copies whose pages are painted: a page is its picture and nothing else, so that nothing lies
//! under or beside what is seen.

use std::io::Write;

use liuhen_picture::{Encoding, Picture, encode};
use pdf_writer::{Content, Filter, Name, Rect, Ref};

use crate::output::{About, Output, deflated};
use crate::{Lang, PaperError};

const IMAGE: Name<'static> = Name(b"I");
/// Points to the inch (ISO 32000-1, 8.3.2.3).
const POINTS: f32 = 72.0;

/// A document under way whose pages are pictures.
pub struct PicturePages<W: Write> {
    output: Output<W>,
    pages: Ref,
    kids: Vec<Ref>,
    quality: u8,
}

impl<W: Write> PicturePages<W> {
    /// Begins a document that is written to `to`, its pictures as JPEG of this quality, 1 to 100.
    ///
    /// # Errors
    ///
    /// [`PaperError`], as writing gives it.
    pub fn new(to: W, quality: u8) -> Result<PicturePages<W>, PaperError> {
        let mut output = Output::new(to)?;
        let pages = output.reserve()?;
        Ok(PicturePages {
            output,
            pages,
            kids: Vec::new(),
            quality,
        })
    }

    /// Adds a page that a picture fills, at so many pixels to the inch.
    ///
    /// # Errors
    ///
    /// [`PaperError`], as writing gives it.
    pub fn page(&mut self, picture: &Picture, dpi: f32) -> Result<(), PaperError> {
        let quality = self.quality;
        let data = encode(picture, Encoding::Jpeg { quality })?;
        let points = |side: u32| side as f32 / dpi.max(1.0) * POINTS;
        let (width, height) = (points(picture.width()), points(picture.height()));
        let output = &mut self.output;
        let (page, content, image) = (output.reserve()?, output.reserve()?, output.reserve()?);
        let pages = self.pages;
        output.write(page, |chunk| {
            let mut page = chunk.page(page);
            page.parent(pages)
                .media_box(Rect::new(0.0, 0.0, width, height))
                .contents(content);
            page.resources().x_objects().pair(IMAGE, image);
        })?;
        let mut shown = Content::new();
        shown.transform([width, 0.0, 0.0, height, 0.0, 0.0]);
        shown.x_object(IMAGE);
        let packed = deflated(&shown.finish())?;
        output.content(content, &packed)?;
        let side = |side: u32| i32::try_from(side).unwrap_or(i32::MAX);
        output.write(image, |chunk| {
            let mut drawn = chunk.image_xobject(image, &data);
            drawn
                .width(side(picture.width()))
                .height(side(picture.height()));
            drawn.color_space().device_rgb();
            drawn.bits_per_component(8);
            drawn.filter(Filter::DctDecode);
        })?;
        self.kids.push(page);
        Ok(())
    }

    /// Bytes written so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.output.bytes()
    }

    /// Ends the document and hands the target back.
    ///
    /// # Errors
    ///
    /// [`PaperError`], as writing gives it.
    pub fn finish(self) -> Result<W, PaperError> {
        let about = About {
            title: "",
            lang: Lang::default(),
            created: None,
        };
        self.output.finish(self.pages, &self.kids, &about)
    }
}

impl<W: Write> std::fmt::Debug for PicturePages<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PicturePages({})", self.kids.len())
    }
}

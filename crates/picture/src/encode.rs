//! Pixels become bytes.
//!
//! Nothing is written but pixels: whoever copies a picture does not copy where and with what it
//! was taken. Equal pictures give equal bytes from equal builds; no clock, no random number.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::tiff::TiffEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder as _, ImageResult};

use crate::{Format, Picture, PictureError};

/// How a picture is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Baseline JPEG, colour at full resolution (4:4:4), `quality` 1 to 100 (held within).
    /// What is transparent lies upon white.
    Jpeg {
        /// 92 keeps fine marks; below about 75 they suffer.
        quality: u8,
    },
    /// PNG of 8 bits a channel.
    Png,
    /// WebP without loss.
    WebP,
    /// TIFF, uncompressed.
    Tiff,
}

impl Default for Encoding {
    /// JPEG of quality 92.
    fn default() -> Encoding {
        Encoding::Jpeg { quality: 92 }
    }
}

impl Encoding {
    /// The default way to write a format; what is only read is written as PNG.
    #[must_use]
    pub fn of(format: Format) -> Encoding {
        match format {
            // What cameras write is written as cameras did before.
            Format::Jpeg | Format::Heic => Encoding::default(),
            Format::Png | Format::Gif | Format::Bmp => Encoding::Png,
            Format::WebP => Encoding::WebP,
            Format::Tiff => Encoding::Tiff,
        }
    }

    /// What is written.
    #[must_use]
    pub fn format(self) -> Format {
        match self {
            Encoding::Jpeg { .. } => Format::Jpeg,
            Encoding::Png => Format::Png,
            Encoding::WebP => Format::WebP,
            Encoding::Tiff => Format::Tiff,
        }
    }

    /// How a file of it is called, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Encoding::Jpeg { .. } => "jpg",
            Encoding::Png => "png",
            Encoding::WebP => "webp",
            Encoding::Tiff => "tiff",
        }
    }

    /// The media type, as HTTP names it.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Encoding::Jpeg { .. } => "image/jpeg",
            Encoding::Png => "image/png",
            Encoding::WebP => "image/webp",
            Encoding::Tiff => "image/tiff",
        }
    }

    /// Longest side the format holds.
    fn longest(self) -> u32 {
        match self {
            Encoding::Jpeg { .. } => 65_535,
            Encoding::WebP => 16_384,
            Encoding::Png | Encoding::Tiff => i32::MAX.unsigned_abs(),
        }
    }
}

/// Writes a picture: its pixels and nothing else.
///
/// # Errors
///
/// [`PictureError::Side`] when the format cannot hold the size, [`PictureError::Encode`] when the
/// encoder fails.
pub fn encode(picture: &Picture, encoding: Encoding) -> Result<Vec<u8>, PictureError> {
    let format = encoding.format();
    let limit = encoding.longest();
    if picture.width().max(picture.height()) > limit {
        return Err(PictureError::Side { format, limit });
    }
    let mut bytes = Cursor::new(Vec::new());
    write(picture, encoding, &mut bytes).map_err(|_| PictureError::Encode(format))?;
    Ok(bytes.into_inner())
}

/// Writes a grey page, `grey` holding one byte a pixel, as JPEG of `quality` 1 to 100.
///
/// # Errors
///
/// [`PictureError::Length`], [`PictureError::Empty`], or as [`encode`].
pub fn encode_grey(
    (width, height): (u32, u32),
    grey: &[u8],
    quality: u8,
) -> Result<Vec<u8>, PictureError> {
    let expected = u64::from(width) * u64::from(height);
    let found = grey.len() as u64;
    let (format, limit) = (Format::Jpeg, Encoding::default().longest());
    if expected != found {
        return Err(PictureError::Length { expected, found });
    }
    if expected == 0 {
        return Err(PictureError::Empty);
    }
    if width.max(height) > limit {
        return Err(PictureError::Side { format, limit });
    }
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality.clamp(1, 100))
        .write_image(grey, width, height, ExtendedColorType::L8)
        .map_err(|_| PictureError::Encode(format))?;
    Ok(bytes)
}

fn write(picture: &Picture, encoding: Encoding, to: &mut Cursor<Vec<u8>>) -> ImageResult<()> {
    let (width, height) = (picture.width(), picture.height());
    let (samples, colour) = match picture.channels() {
        4 => (picture.pixels(), ExtendedColorType::Rgba8),
        _ => (picture.pixels(), ExtendedColorType::Rgb8),
    };
    match encoding {
        Encoding::Jpeg { quality } => {
            let encoder = JpegEncoder::new_with_quality(to, quality.clamp(1, 100));
            if picture.channels() == 3 {
                return encoder.write_image(samples, width, height, colour);
            }
            let flat = picture.clone().flattened();
            encoder.write_image(flat.pixels(), width, height, ExtendedColorType::Rgb8)
        }
        Encoding::Png => {
            PngEncoder::new_with_quality(to, CompressionType::Default, FilterType::Adaptive)
                .write_image(samples, width, height, colour)
        }
        Encoding::WebP => WebPEncoder::new_lossless(to).write_image(samples, width, height, colour),
        Encoding::Tiff => TiffEncoder::new(to).write_image(samples, width, height, colour),
    }
}

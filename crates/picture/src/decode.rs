//! Bytes become pixels.
//!
//! Rules: ISO/IEC 10918 (JPEG), ISO/IEC 15948 (PNG), RFC 9649 (WebP), TIFF 6.0, GIF 89a, BMP as
//! Windows writes it, HEIF with HEVC (`heic.rs`); orientation as EXIF
//! 2.3 writes it; decoding itself is the `image` crate's.
//! Sixteen bits become eight, grey and CMYK become RGB; a TIFF of several pages is refused. Colour
//! profiles are not applied.
//! What to do with pixels belongs to the caller; so does any clean-up of an untrusted file's name.

use std::fmt;
use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::codecs::gif::GifDecoder;
use image::codecs::{jpeg::JpegDecoder, png::PngDecoder, tiff::TiffDecoder, webp::WebPDecoder};
use image::{AnimationDecoder as _, DynamicImage, ImageDecoder, ImageError};

use crate::heic;
use crate::{Picture, PictureError};

/// A format of pictures, judged from bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// ISO/IEC 10918.
    Jpeg,
    /// ISO/IEC 15948.
    Png,
    /// RFC 9649.
    WebP,
    /// TIFF 6.0, BigTIFF included.
    Tiff,
    /// GIF 87a and 89a.
    Gif,
    /// A device-independent bitmap of Windows.
    Bmp,
    /// HEVC within HEIF.
    Heic,
}

impl Format {
    /// What the first bytes announce; a name or a media type is never asked.
    #[must_use]
    pub fn guess(bytes: &[u8]) -> Option<Format> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Format::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Format::Png),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Format::WebP),
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Format::Tiff),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Format::Gif),
            // The size of the header that follows the file's own tells a bitmap from a text.
            [
                b'B',
                b'M',
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                12..=124,
                0,
                0,
                0,
                ..,
            ] => Some(Format::Bmp),
            _ if heic::is_heif(bytes) => Some(Format::Heic),
            _ => None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Jpeg => "JPEG",
            Format::Png => "PNG",
            Format::WebP => "WebP",
            Format::Tiff => "TIFF",
            Format::Gif => "GIF",
            Format::Bmp => "BMP",
            Format::Heic => "HEIC",
        })
    }
}

/// How much a picture may ask for. Both are compared with the header before anything is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most pixels, width times height.
    pub pixels: u64,
    /// Most bytes for the decoded picture and its conversion to 8 bits; what the decoder holds
    /// beside them is bounded by the same number where it lets itself be bounded.
    pub bytes: u64,
}

impl Default for Limits {
    /// 100 megapixels and one gibibyte.
    fn default() -> Limits {
        Limits {
            pixels: 100_000_000,
            bytes: 1 << 30,
        }
    }
}

/// Reads a picture, turned as its orientation says.
///
/// # Errors
///
/// [`PictureError`]: unknown format, over the limits, animated, cut short, malformed or of a kind
/// that is not read. Never a part of a picture.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, PictureError> {
    let format = Format::guess(bytes).ok_or(PictureError::UnknownFormat)?;
    let wrong = |error| refusal(format, limits, &error);
    let source = Cursor::new(bytes);
    match format {
        Format::Jpeg => {
            let decoder = JpegDecoder::new(source).map_err(wrong)?;
            check(&decoder, limits)?;
            pixels(decoder, bytes, format, limits)
        }
        Format::Png => {
            let decoder = PngDecoder::with_limits(source, memory(limits)).map_err(wrong)?;
            check(&decoder, limits)?;
            if decoder.is_apng().map_err(wrong)? {
                return Err(PictureError::Animated(format));
            }
            pixels(decoder, bytes, format, limits)
        }
        Format::WebP => {
            let decoder = WebPDecoder::new(source).map_err(wrong)?;
            check(&decoder, limits)?;
            if decoder.has_animation() {
                return Err(PictureError::Animated(format));
            }
            pixels(decoder, bytes, format, limits)
        }
        Format::Gif => {
            let frames = GifDecoder::new(source.clone()).map_err(wrong)?;
            check(&frames, limits)?;
            if frames.into_frames().take(2).count() > 1 {
                return Err(PictureError::Animated(format));
            }
            pixels(
                GifDecoder::new(source).map_err(wrong)?,
                bytes,
                format,
                limits,
            )
        }
        Format::Bmp => pixels(
            BmpDecoder::new(source).map_err(wrong)?,
            bytes,
            format,
            limits,
        ),
        Format::Heic => heic::pixels(bytes, limits),
        Format::Tiff if has_more_pages(bytes) => Err(PictureError::Animated(format)),
        Format::Tiff => pixels(
            TiffDecoder::new(source).map_err(wrong)?,
            bytes,
            format,
            limits,
        ),
    }
}

/// Width and height as the header states them, before any turning; nothing is decoded.
///
/// # Errors
///
/// [`PictureError`]: unknown format, or a header that cannot be read.
pub fn dimensions(bytes: &[u8]) -> Result<(u32, u32), PictureError> {
    let format = Format::guess(bytes).ok_or(PictureError::UnknownFormat)?;
    let limits = Limits::default();
    let wrong = |error| refusal(format, &limits, &error);
    let source = Cursor::new(bytes);
    Ok(match format {
        Format::Jpeg => JpegDecoder::new(source).map_err(wrong)?.dimensions(),
        Format::Png => PngDecoder::with_limits(source, memory(&limits))
            .map_err(wrong)?
            .dimensions(),
        Format::WebP => WebPDecoder::new(source).map_err(wrong)?.dimensions(),
        Format::Gif => GifDecoder::new(source).map_err(wrong)?.dimensions(),
        Format::Bmp => BmpDecoder::new(source).map_err(wrong)?.dimensions(),
        Format::Tiff => TiffDecoder::new(source).map_err(wrong)?.dimensions(),
        Format::Heic => heic::dimensions(bytes, &limits)?,
    })
}

/// Whether a TIFF holds a second picture that is no smaller version of the first: a further page.
///
/// Rule: TIFF 6.0, section 2: directories are chained by offsets; `NewSubfileType` (254), bit 0,
/// marks a reduced version. BigTIFF has entries of 20 bytes and offsets of 8.
fn has_more_pages(bytes: &[u8]) -> bool {
    let little = bytes.starts_with(b"II");
    let number = |at: usize, size: usize| -> Option<u64> {
        let field = bytes.get(at..at.checked_add(size)?)?;
        let digits: Box<dyn Iterator<Item = &u8>> = if little {
            Box::new(field.iter().rev())
        } else {
            Box::new(field.iter())
        };
        Some(digits.fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
    };
    let big = number(2, 2) == Some(43);
    let (first, counted, entry, offset) = if big { (8, 8, 20, 8) } else { (4, 2, 12, 4) };
    let directory = |at: usize| -> Option<(usize, bool)> {
        let count = usize::try_from(number(at, counted)?).ok()?;
        let entries = at.checked_add(counted)?;
        let reduced = (0..count.min(4096)).any(|index| {
            let at = entries + index * entry;
            let value = at + if big { 12 } else { 8 };
            number(at, 2) == Some(254) && number(value, 4).is_some_and(|bits| bits & 1 == 1)
        });
        let next = number(entries.checked_add(count.checked_mul(entry)?)?, offset)?;
        Some((usize::try_from(next).ok()?, reduced))
    };
    let first = number(first, offset).and_then(|at| usize::try_from(at).ok());
    let mut next = first.and_then(directory).map_or(0, |(next, _)| next);
    // A chain may lead in a circle; where it leads out of the file, a page is lost.
    for _ in 0..64 {
        if next == 0 {
            return false;
        }
        match directory(next) {
            Some((after, true)) => next = after,
            _ => return true,
        }
    }
    true
}

fn memory(limits: &Limits) -> image::Limits {
    let mut memory = image::Limits::no_limits();
    memory.max_alloc = Some(limits.bytes);
    memory
}

/// The pixels of a picture of this size, where there are any and no more than the limit.
pub(crate) fn checked(width: u32, height: u32, limits: &Limits) -> Result<u64, PictureError> {
    let count = u64::from(width) * u64::from(height);
    if count == 0 {
        return Err(PictureError::Empty);
    }
    if count > limits.pixels {
        return Err(PictureError::TooManyPixels {
            width,
            height,
            limit: limits.pixels,
        });
    }
    Ok(count)
}

/// Compares what the header announces with the limits.
fn check(decoder: &impl ImageDecoder, limits: &Limits) -> Result<(), PictureError> {
    let (width, height) = decoder.dimensions();
    let count = checked(width, height, limits)?;
    let converted = count
        * if decoder.color_type().has_alpha() {
            4
        } else {
            3
        };
    if decoder.total_bytes().saturating_add(converted) > limits.bytes {
        return Err(PictureError::TooLarge {
            limit: limits.bytes,
        });
    }
    Ok(())
}

fn pixels<D: ImageDecoder>(
    mut decoder: D,
    bytes: &[u8],
    format: Format,
    limits: &Limits,
) -> Result<Picture, PictureError> {
    check(&decoder, limits)?;
    if !is_complete(bytes, format) {
        return Err(PictureError::Truncated(format));
    }
    let wrong = |error| refusal(format, limits, &error);
    decoder.set_limits(memory(limits)).map_err(wrong)?;
    // An orientation that cannot be read does not make the pixels unreadable.
    let orientation = decoder
        .orientation()
        .unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut decoded = DynamicImage::from_decoder(decoder).map_err(wrong)?;
    decoded.apply_orientation(orientation);
    let (width, height) = (decoded.width(), decoded.height());
    if decoded.color().has_alpha() {
        Picture::rgba(width, height, decoded.into_rgba8().into_raw())
    } else {
        Picture::rgb(width, height, decoded.into_rgb8().into_raw())
    }
}

/// The decoder's complaint in our words; its own may quote bytes of the file.
fn refusal(format: Format, limits: &Limits, error: &ImageError) -> PictureError {
    match error {
        ImageError::Unsupported(_) => PictureError::Unsupported(format),
        ImageError::Limits(_) => PictureError::TooLarge {
            limit: limits.bytes,
        },
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            PictureError::Truncated(format)
        }
        _ => PictureError::Malformed(format),
    }
}

/// Whether the bytes reach to where the format says they end. Two decoders fill up what is missing
/// with grey, so this is judged before; the others say it themselves.
fn is_complete(bytes: &[u8], format: Format) -> bool {
    match (format, bytes) {
        (Format::Jpeg, _) => jpeg_is_complete(bytes),
        (Format::WebP, &[_, _, _, _, a, b, c, d, ref rest @ ..]) => {
            rest.len() as u64 >= u64::from(u32::from_le_bytes([a, b, c, d]))
        }
        _ => true,
    }
}

/// Whether the segments of a JPEG lead to its end marker.
///
/// Rule: ISO/IEC 10918-1, annex B: a marker is `FF` and a byte that is neither `00` nor `FF`; in
/// entropy-coded data `FF 00` stands for `FF`, and restart markers carry no length.
fn jpeg_is_complete(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(found) = bytes.get(at..).and_then(next_marker) {
        at += found + 2;
        match bytes[at - 1] {
            0xd9 => return true,
            0x01 | 0xd0..=0xd8 => {}
            _ => {
                let Some(&[high, low]) = bytes.get(at..at + 2) else {
                    return false;
                };
                at += usize::from(u16::from_be_bytes([high, low]));
            }
        }
    }
    false
}

/// Where the next `FF` with a marker's byte behind it stands.
fn next_marker(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(2)
        .position(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_decide_the_format() {
        assert_eq!(Format::guess(b"\xff\xd8\xff\xe0"), Some(Format::Jpeg));
        assert_eq!(Format::guess(b"\x89PNG\r\n\x1a\n"), Some(Format::Png));
        assert_eq!(Format::guess(b"RIFF\0\0\0\0WEBPVP8 "), Some(Format::WebP));
        assert_eq!(Format::guess(b"II\x2a\0"), Some(Format::Tiff));
        assert_eq!(Format::guess(b"MM\0\x2b"), Some(Format::Tiff));
        assert_eq!(Format::guess(b"GIF89a"), Some(Format::Gif));
        let bitmap = b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0";
        assert_eq!(Format::guess(bitmap), Some(Format::Bmp));
        for other in [
            &b""[..],
            b"\xff\xd8",
            b"GIF88a",
            b"BMW drives past a house",
            b"BM",
            b"RIFF\0\0\0\0WAVE",
            b"\x89PNG\n",
        ] {
            assert_eq!(Format::guess(other), None);
        }
    }

    #[test]
    fn a_jpeg_is_complete_only_with_its_end_marker() {
        let whole = b"\xff\xd8\xff\xe0\0\x04ab\xff\xda\0\x03xA\xff\0B\xff\xd0C\xff\xd9";
        assert!(jpeg_is_complete(whole));
        assert!(jpeg_is_complete(&[whole, &b"behind"[..]].concat()));
        for length in 0..whole.len() {
            assert!(!jpeg_is_complete(&whole[..length]), "{length}");
        }
        // A thumbnail's end marker lies within a segment and is none of the picture's.
        assert!(!jpeg_is_complete(
            b"\xff\xd8\xff\xe1\0\x06\xff\xd8\xff\xd9\xff\xda\0\x03xA"
        ));
    }
}

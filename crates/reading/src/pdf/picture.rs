//! Pictures in a PDF: JPEG handed on as it is, others as pixels.
//!
//! Rule: ISO 32000-1, 8.9. Grey, RGB, CMYK and indexed colours of 1 to 8 bits are read; JPEG 2000,
//! fax and JBIG2 are not.

use super::file::File;
use super::filter::Plain;
use super::object::{Dict, Object};
use crate::ReadError;

/// A picture out of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PdfPicture {
    /// The bytes of a JPEG file.
    Jpeg(Vec<u8>),
    /// Pixels of red, green and blue, rows from the top.
    Rgb {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// Three bytes a pixel.
        pixels: Vec<u8>,
    },
    /// One in a coding that is not read: JPEG 2000, fax, JBIG2.
    Coded,
}

/// Pixels of a picture.
const PIXELS: usize = 64 << 20;
/// Shorter sides show nothing worth looking at.
const SIDE: usize = 64;

/// The picture of an object; nothing when it is small or holds less than it promises.
pub(super) fn read(file: &File, number: u32) -> Result<Option<PdfPicture>, ReadError> {
    let Object::Dict(dict) = file.object(number) else {
        return Ok(None);
    };
    let side = |key| file.get(&dict, key).count().unwrap_or(0);
    let (width, height) = (side("Width"), side("Height"));
    if width < SIDE || height < SIDE {
        return Ok(None);
    }
    if width.saturating_mul(height) > PIXELS {
        return Err(ReadError::TooLarge {
            budget: PIXELS as u64,
        });
    }
    let Some((dict, Plain { bytes, coded })) = file.stream(number)? else {
        return Ok(None);
    };
    match coded.as_deref() {
        Some(b"DCTDecode" | b"DCT") => Ok(Some(PdfPicture::Jpeg(bytes))),
        Some(_) => Ok(Some(PdfPicture::Coded)),
        None => Ok(pixels(file, &dict, &bytes, (width, height))),
    }
}

/// How samples become colours.
enum Colours {
    Grey,
    Rgb,
    Cmyk,
    /// Three bytes an entry.
    Indexed(Vec<u8>),
}

impl Colours {
    fn components(&self) -> usize {
        match self {
            Self::Grey | Self::Indexed(_) => 1,
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }

    fn rgb(&self, samples: &[u8], full: u8) -> [u8; 3] {
        match (self, samples) {
            (Self::Grey, [grey, ..]) => {
                let grey = u16::from(*grey) * 255 / u16::from(full.max(1));
                [u8::try_from(grey).unwrap_or(255); 3]
            }
            (Self::Rgb, [r, g, b, ..]) => [*r, *g, *b],
            (Self::Cmyk, [c, m, y, k]) => {
                let mix = |ink: &u8| {
                    let light = (255 - u16::from(*ink)) * (255 - u16::from(*k)) / 255;
                    u8::try_from(light).unwrap_or(255)
                };
                [mix(c), mix(m), mix(y)]
            }
            (Self::Indexed(table), [at, ..]) => {
                let at = usize::from(*at) * 3;
                let entry = table.get(at..at + 3);
                entry
                    .and_then(|entry| entry.try_into().ok())
                    .unwrap_or([0; 3])
            }
            _ => [0; 3],
        }
    }
}

fn colours(file: &File, space: &Object, depth: u32) -> Option<Colours> {
    let space = file.resolved(space);
    match &space {
        Object::Name(name) => match name.as_slice() {
            b"DeviceGray" | b"CalGray" | b"G" => Some(Colours::Grey),
            b"DeviceRGB" | b"CalRGB" | b"RGB" => Some(Colours::Rgb),
            b"DeviceCMYK" | b"CMYK" => Some(Colours::Cmyk),
            _ => None,
        },
        Object::Array(items) if depth < 4 => match items.first()?.name()? {
            b"ICCBased" => {
                let profile = file.resolved(items.get(1)?);
                match file.get(profile.dict()?, "N").count()? {
                    1 => Some(Colours::Grey),
                    3 => Some(Colours::Rgb),
                    4 => Some(Colours::Cmyk),
                    _ => None,
                }
            }
            b"Indexed" | b"I" => {
                let base = colours(file, items.get(1)?, depth + 1)?;
                let table = match items.get(3)? {
                    Object::Ref(number) => match file.stream(*number) {
                        Ok(Some((_, plain))) => plain.bytes,
                        _ => match file.object(*number) {
                            Object::String(table) => table,
                            _ => return None,
                        },
                    },
                    Object::String(table) => table.clone(),
                    _ => return None,
                };
                let entries = table.chunks(base.components()).take(256);
                let rgb = entries.flat_map(|entry| base.rgb(entry, 255));
                Some(Colours::Indexed(rgb.collect()))
            }
            b"CalGray" => Some(Colours::Grey),
            b"CalRGB" => Some(Colours::Rgb),
            name => colours(file, &Object::Name(name.to_vec()), depth + 1),
        },
        _ => None,
    }
}

fn pixels(
    file: &File,
    dict: &Dict,
    bytes: &[u8],
    (width, height): (usize, usize),
) -> Option<PdfPicture> {
    let mask = file.get(dict, "ImageMask") == Object::Bool(true);
    let colours = match mask {
        true => Colours::Grey,
        false => colours(file, &file.get(dict, "ColorSpace"), 0)?,
    };
    let bits = match mask {
        true => 1,
        false => file.get(dict, "BitsPerComponent").count().unwrap_or(8),
    };
    if !matches!(bits, 1 | 2 | 4 | 8) {
        return None;
    }
    let full = u8::try_from((1_u16 << bits) - 1).unwrap_or(255);
    let each = colours.components();
    let row = (width * each * bits).div_ceil(8);
    // A file that promises more than it holds is no picture.
    if bytes.len() < row.checked_mul(height)? {
        return None;
    }
    let mut pixels = Vec::with_capacity(width * height * 3);
    let mut samples = [0_u8; 4];
    for line in bytes.chunks_exact(row).take(height) {
        for x in 0..width {
            for (at, sample) in samples.iter_mut().enumerate().take(each) {
                let bit = (x * each + at) * bits;
                let byte = line.get(bit / 8).copied().unwrap_or(0);
                *sample = byte >> (8 - bits - bit % 8) & full;
            }
            pixels.extend(colours.rgb(samples.get(..each)?, full));
        }
    }
    Some(PdfPicture::Rgb {
        width: u32::try_from(width).ok()?,
        height: u32::try_from(height).ok()?,
        pixels,
    })
}

//! Photographs of telephones: HEVC within HEIF.
//!
//! Rules: ISO/IEC 23008-12 (HEIF), ISO/IEC 23008-2 (HEVC); decoding itself is the `heic-decoder`
//! crate's. How a picture is turned stands in the container; EXIF's orientation does not count.

use heic_decoder::{HeifError, decode as decode_heif, probe};

use crate::decode::checked;
use crate::{Format, Limits, Picture, PictureError};

/// Brands of single pictures and of collections of them.
const PICTURES: [&[u8; 4]; 6] = [b"heic", b"heix", b"heim", b"heis", b"mif1", b"mif2"];
/// Brands of sequences.
const SEQUENCES: [&[u8; 4]; 3] = [b"hevc", b"hevx", b"msf1"];

/// Whether the first bytes announce HEIF, of pictures or of sequences.
pub(crate) fn is_heif(bytes: &[u8]) -> bool {
    brand(bytes).is_some_and(|brand| PICTURES.contains(&brand) || SEQUENCES.contains(&brand))
}

fn brand(bytes: &[u8]) -> Option<&[u8; 4]> {
    match bytes {
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => brand.first_chunk(),
        _ => None,
    }
}

/// Bytes of a pixel while it is decoded: three planes of four bytes, opacity, and three of the outcome.
const WORKING: u64 = 20;

/// Width and height before the picture is cut and turned: so large it is decoded.
pub(crate) fn dimensions(bytes: &[u8], limits: &Limits) -> Result<(u32, u32), PictureError> {
    let info = probe(bytes).map_err(|error| refusal(limits, &error))?;
    Ok((side(info.coded_width), side(info.coded_height)))
}

fn side(pixels: usize) -> u32 {
    u32::try_from(pixels).unwrap_or(u32::MAX)
}

pub(crate) fn pixels(bytes: &[u8], limits: &Limits) -> Result<Picture, PictureError> {
    if brand(bytes).is_some_and(|brand| SEQUENCES.contains(&brand)) {
        return Err(PictureError::Animated(Format::Heic));
    }
    let wrong = |error| refusal(limits, &error);
    let (width, height) = dimensions(bytes, limits)?;
    let count = checked(width, height, limits)?;
    if count.saturating_mul(WORKING) > limits.bytes {
        return Err(PictureError::TooLarge {
            limit: limits.bytes,
        });
    }
    let decoded = decode_heif(bytes).map_err(wrong)?;
    if decoded.alpha.is_some() {
        let image = decoded.to_rgba8().map_err(wrong)?;
        drop(decoded);
        return Picture::rgba(side(image.width), side(image.height), image.data);
    }
    let image = decoded.to_rgb8().map_err(wrong)?;
    drop(decoded);
    Picture::rgb(side(image.width), side(image.height), image.data)
}

/// The decoder's complaint in our words.
fn refusal(limits: &Limits, error: &HeifError) -> PictureError {
    match error {
        HeifError::Truncated { .. } => PictureError::Truncated(Format::Heic),
        HeifError::Unsupported(_) | HeifError::NotHeif(_) => {
            PictureError::Unsupported(Format::Heic)
        }
        HeifError::LimitExceeded(_) => PictureError::TooLarge {
            limit: limits.bytes,
        },
        HeifError::MalformedBox(_) | HeifError::MalformedHevc(_) | HeifError::CabacDesync(_) => {
            PictureError::Malformed(Format::Heic)
        }
    }
}

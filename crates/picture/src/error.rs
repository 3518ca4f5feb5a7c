//! What can go wrong, for whoever brought the picture, the font or the mark.
//!
//! No message carries pixels, metadata or the text of a mark.

use std::io;
use std::path::PathBuf;

use crate::Format;

/// Why bytes did not become a picture, or a picture bytes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The first bytes match no format that is read here.
    #[error("neither a JPEG nor a PNG, WebP, TIFF, GIF, BMP or HEIC picture")]
    UnknownFormat,
    /// The header announces more pixels than the caller allows.
    #[error("{width} x {height} pixels are more than the {limit} allowed")]
    TooManyPixels {
        /// Pixels a row.
        width: u32,
        /// Rows.
        height: u32,
        /// [`Limits::pixels`](crate::Limits::pixels).
        limit: u64,
    },
    /// Decoding would take more memory than the caller allows.
    #[error("decoding takes more than the {limit} bytes allowed")]
    TooLarge {
        /// [`Limits::bytes`](crate::Limits::bytes).
        limit: u64,
    },
    /// A side is zero.
    #[error("a picture needs at least one pixel")]
    Empty,
    /// Several pictures one after another; marking the first would lose the others.
    #[error("an animated {0} picture, or one of several pages, is not read; save one of them")]
    Animated(Format),
    /// The bytes stop before the picture does.
    #[error("the {0} picture ends early")]
    Truncated(Format),
    /// The bytes contradict the format.
    #[error("malformed {0} picture")]
    Malformed(Format),
    /// A valid picture of a kind that is not read, as a palette in TIFF.
    #[error("this kind of {0} picture is not read")]
    Unsupported(Format),
    /// Samples handed in do not fit the size.
    #[error("{found} samples where the size of the picture asks for {expected}")]
    Length {
        /// Samples that the size asks for.
        expected: u64,
        /// Samples handed in.
        found: u64,
    },
    /// The format cannot hold a picture of this size.
    #[error("a {format} picture has at most {limit} pixels a side")]
    Side {
        /// The format asked for.
        format: Format,
        /// Its longest side.
        limit: u32,
    },
    /// The encoder failed, for want of memory as a rule.
    #[error("the {0} picture could not be written")]
    Encode(Format),
}

/// Why no font came.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FontError {
    /// The font file could not be read.
    #[error("font {path} cannot be read", path = path.display())]
    Unreadable {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The bytes are no font, or one without outlines.
    #[error("not a TrueType or OpenType font with outlines")]
    Malformed,
    /// The font asked for lacks characters of the text.
    #[error("the font lacks {count} of the characters asked for")]
    Lacks {
        /// How many different characters it lacks.
        count: usize,
    },
    /// No font of this machine has the characters.
    #[error(
        "no font on this machine has the characters asked for; install one \
         (`apt install fonts-noto-cjk` or `apt install fonts-wqy-microhei`) or name a font file"
    )]
    NotFound,
}

/// Why a purpose mark was not drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MarkError {
    /// Nothing to draw, too much to draw, or control characters.
    #[error("the mark's text must have 1 to {limit} characters and no line breaks")]
    Text {
        /// Most characters allowed.
        limit: usize,
    },
    /// An option outside its range.
    #[error("the mark's {name} must lie between {least} and {most}")]
    Option {
        /// Which one.
        name: &'static str,
        /// Least value allowed.
        least: f32,
        /// Greatest value allowed.
        most: f32,
    },
    /// The text could not be read at the size that fits.
    #[error(
        "a picture of {width} x {height} pixels is too small for the mark's text; \
         shorten the text or use a larger picture"
    )]
    TooSmall {
        /// Pixels a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// The font fails, or lacks characters of the text.
    #[error(transparent)]
    Font(#[from] FontError),
}

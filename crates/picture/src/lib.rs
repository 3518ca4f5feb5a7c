//! Bytes become pixels, pixels bytes; text drawn on them.
//!
//! [`decode`] reads JPEG, PNG, WebP, TIFF, GIF, BMP and HEIC into a [`Picture`] of 8 bits a
//! channel; what the bytes are is judged from the bytes, and [`Limits`] are
//! checked from the header before anything large is allocated. [`encode`]
//! writes pixels and nothing else: EXIF, positions, thumbnails and colour
//! profiles of the original do not survive. Equal pixels give equal bytes.
//!
//! [`Picture::fill`] paints a place over, so that nothing of it is left.
//! [`font`] finds a font with the characters of a text, [`text`] draws lines on
//! grey pages, and [`PurposeMark`] covers a copy of a card with what it is for.
//!
//! Leaves to others: hidden marks (`fingerprint`), pages and PDF (`paper`),
//! finding words or faces in a picture (`vision`).
//!
//! ```
//! use liuhen_picture::{Encoding, Limits, Picture, decode, encode};
//!
//! let mut picture = Picture::blank(4, 2, [10, 20, 30])?;
//! picture.add_brightness(&[2.6; 8])?;
//! let bytes = encode(&picture, Encoding::Png)?;
//! let back = decode(&bytes, &Limits::default())?;
//! assert_eq!(back.pixels()[..3], [13, 23, 33]);
//! assert_eq!(format!("{back:?}"), "Picture(4 x 2, 3 channels)");
//! # Ok::<(), liuhen_picture::PictureError>(())
//! ```

pub mod font;
pub mod text;

mod decode;
mod encode;
mod error;
mod heic;
mod mark;
mod paint;
mod pixels;
mod stamp;

pub use decode::{Format, Limits, decode, dimensions};
pub use encode::{Encoding, encode, encode_grey};
pub use error::{FontError, MarkError, PictureError};
pub use font::{Font, Glyphs, Metrics};
pub use mark::{Drawn, PurposeMark};
pub use pixels::Picture;

//! What can go wrong with a page; no message carries what was to be written on it.

use std::io;

use liuhen_picture::{FontError, PictureError};

/// Why no PDF came.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PaperError {
    /// The font fails.
    #[error(transparent)]
    Font(#[from] FontError),
    /// The font draws, but cannot be cut down to the letters used, as variable PostScript fonts.
    #[error("font {family} cannot be embedded; name another font file")]
    Embed {
        /// The font's family.
        family: String,
    },
    /// A page's picture fails.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A row has another number of cells than the table has columns.
    #[error("row {row} has {found} cells for {expected} columns")]
    Cells {
        /// Counted from 1.
        row: u64,
        /// Columns of the table.
        expected: usize,
        /// Cells of the row.
        found: usize,
    },
    /// A layout that no page can have.
    #[error("a table's {0} is out of range")]
    Layout(&'static str),
    /// More pages or objects than a PDF of ours counts.
    #[error("too many pages")]
    TooMany,
    /// The target failed.
    #[error("the PDF could not be written")]
    Write(#[from] io::Error),
}

//! Reports and tables become pages of PDF.
//!
//! [`Paper`] lays out a report on A4: headings, paragraphs, tables with
//! repeated headers, bars against a threshold, hashes of fixed pitch, page
//! numbers. [`TablePdf`] takes the rows of a table one by one; each of its pages
//! is a grey picture, shown to the caller before it is written so that a mark
//! can be added, with the words laid invisibly over it, as scanned and
//! recognised paper has them.
//!
//! Rule: ISO 32000-1 (PDF 1.7). Equal input gives equal bytes, as long as font
//! and build are equal: no clock is asked, and the file's identifier is a hash of
//! its content. Letters used are embedded, the rest of the font is not. What the
//! font lacks shows as a replacement, while the words behind it, which searching
//! and copying find, keep the character itself.
//!
//! Leaves to others: finding a font and drawing letters (`picture`), the mark
//! (`fingerprint`), what a report says (whoever writes it), signatures.
//!
//! ```no_run
//! use liuhen_paper::{Column, Meta, Paper};
//! use liuhen_picture::Font;
//!
//! let font = Font::find(None, "依据报告")?;
//! let pdf = Paper::new(&font, Meta { title: "依据报告".into(), ..Meta::default() })
//!     .heading(1, "依据报告")
//!     .paragraph("文件中的记号指向一份副本。")
//!     .table(vec![Column::new("副本"), Column::new("比特").right()], vec![vec!["3", "41.2"]])
//!     .finish()?;
//! assert!(pdf.starts_with(b"%PDF-1.7"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod letters;
mod ops;
mod output;
mod pictures;
mod report;
mod table;
mod wrap;

pub use error::PaperError;
pub use ops::{Align, Column, Lang};
pub use pictures::PicturePages;
pub use report::{Bar, Bars, Meta, Paper};
pub use table::{PageImage, Summary, TableLayout, TablePdf};

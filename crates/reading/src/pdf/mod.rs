//! PDF: text with its places becomes rows, and pictures are handed on.
//!
//! Rule: ISO 32000-1 (PDF 1.7). A reader for leaks, not for the eye: it wants the letters and where
//! they stand, and the pictures whole. Encrypted files are refused. Everything is bounded: the file,
//! what its streams unpack to, nesting, and all work on it together; a hostile file costs that much and
//! gives a [`ReadError`].

mod cmap;
mod content;
mod file;
mod filter;
mod font;
mod object;
pub(crate) mod pages;
mod picture;
mod rows;

use std::io::{Read, Seek, SeekFrom};

pub use picture::PdfPicture;

use self::content::{Fonts, Run};
use self::file::{File, Page};
use crate::raw::{Fault, RawRow, RawRows};
use crate::{Limits, ReadError};
use liuhen_document::{ProblemCode, Text};

/// Bytes of a file, which is held in memory.
const FILE: u64 = 256 << 20;

/// Bytes of text that all pages together may show.
const TEXT: usize = 128 << 20;

/// An opened PDF.
///
/// ```no_run
/// use liuhen_reading::{Limits, Pdf};
///
/// let mut pdf = Pdf::open(std::fs::File::open("leak.pdf")?, &Limits::default())?;
/// for page in 0..pdf.pages() {
///     println!("{}", pdf.text(page)?);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Pdf {
    file: File,
    pages: Vec<Page>,
    fonts: Fonts,
}

/// Shows the number of pages only.
impl std::fmt::Debug for Pdf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pdf({} pages)", self.pages.len())
    }
}

impl Pdf {
    /// Opens a file; its objects are found, nothing of its pages is read yet.
    ///
    /// # Errors
    ///
    /// [`ReadError::EncryptedPdf`], [`ReadError::MalformedPdf`], [`ReadError::TooLarge`] beyond 256 MiB
    /// or what streams may unpack to, or the source's.
    pub fn open<S: Read + Seek>(mut source: S, limits: &Limits) -> Result<Self, ReadError> {
        source.seek(SeekFrom::Start(0))?;
        let budget = FILE.min(limits.max_unpacked_bytes);
        let mut bytes = Vec::new();
        source.take(budget + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > budget {
            return Err(ReadError::TooLarge { budget });
        }
        let stream = usize::try_from(limits.max_unpacked_bytes).unwrap_or(usize::MAX);
        let file = File::open(bytes, stream.min(filter::STREAM))?;
        let pages = file.pages()?;
        Ok(Self {
            file,
            pages,
            fonts: Fonts::new(),
        })
    }

    /// How many pages there are.
    #[must_use]
    pub fn pages(&self) -> usize {
        self.pages.len()
    }

    /// The text of a page, counted from 0: line after line as it is drawn, cells of a line parted by
    /// tabs. Empty past the last page.
    ///
    /// # Errors
    ///
    /// [`ReadError::TooLarge`] when reading costs more than it may.
    pub fn text(&mut self, page: usize) -> Result<String, ReadError> {
        Ok(rows::plain(&self.shows(page)?.runs))
    }

    /// The pictures of a page, counted from 0; small ones are left out.
    /// What several pages show is a picture of each.
    ///
    /// # Errors
    ///
    /// As [`Pdf::text`].
    pub fn pictures(&mut self, page: usize) -> Result<Vec<PdfPicture>, ReadError> {
        let mut pictures = Vec::new();
        for number in self.shows(page)?.pictures {
            pictures.extend(picture::read(&self.file, number)?);
            if pictures.len() >= 64 {
                break;
            }
        }
        Ok(pictures)
    }

    /// Unpacks every stream of the file once and keeps none, so that whoever paints its pages with
    /// something that knows no bound has been told before.
    ///
    /// # Errors
    ///
    /// [`ReadError::TooLarge`] when one stream unpacks to more than 256 MiB (or less, by the limits the
    /// file was opened with), or all together to more than `all` bytes.
    pub fn weigh(&self, all: u64) -> Result<(), ReadError> {
        self.file.weigh(all)
    }

    fn shows(&mut self, page: usize) -> Result<content::Shows, ReadError> {
        match self.pages.get(page) {
            Some(page) => content::read(&self.file, page, &mut self.fonts),
            None => Ok(content::Shows::default()),
        }
    }

    fn rows(&mut self) -> Result<Vec<Vec<String>>, ReadError> {
        let (mut pages, mut bytes): (Vec<Vec<Run>>, usize) = (Vec::new(), 0);
        for page in 0..self.pages.len() {
            let runs = self.shows(page)?.runs;
            bytes += runs.iter().map(|run| run.text.len() + 64).sum::<usize>();
            if bytes > TEXT {
                return Err(ReadError::TooLarge {
                    budget: TEXT as u64,
                });
            }
            pages.push(runs);
        }
        Ok(rows::rows(&pages))
    }
}

/// The rows of a PDF, as a table reads them.
pub(crate) struct PdfRows {
    rows: std::vec::IntoIter<Vec<String>>,
    number: u64,
    length: u64,
    limits: Limits,
}

impl PdfRows {
    pub(crate) fn open<S: Read + Seek>(
        source: S,
        length: u64,
        limits: &Limits,
    ) -> Result<Self, ReadError> {
        let rows = Pdf::open(source, limits)?.rows()?;
        Ok(Self {
            rows: rows.into_iter(),
            number: 0,
            length,
            limits: limits.clone(),
        })
    }
}

impl RawRows for PdfRows {
    fn next_raw(&mut self) -> Option<Result<RawRow, Fault>> {
        let cells = self.rows.next()?;
        self.number += 1;
        let fault = |column, reason| Some(Err(Fault::row(self.number, column, reason)));
        if cells.len() > self.limits.max_columns {
            return fault(None, ProblemCode::TooManyColumns);
        }
        if let Some(column) = cells
            .iter()
            .position(|cell| cell.len() > self.limits.max_cell_bytes)
        {
            return fault(Some(column), ProblemCode::CellTooLong);
        }
        Some(Ok(RawRow {
            number: self.number,
            cells: cells.into_iter().map(Text::from).collect(),
        }))
    }

    fn progress(&self) -> (u64, u64) {
        let left = self.rows.len() as u64;
        let all = (self.number + left).max(1);
        (self.length * self.number / all, self.length)
    }

    fn cells_are_placed(&self) -> bool {
        true
    }
}

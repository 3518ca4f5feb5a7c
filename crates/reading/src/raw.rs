//! What every format yields before a table is made of it: numbered rows of text, or a fault.
//!
//! A new format implements [`RawRows`]; header, width and padding belong to `table`.

use liuhen_document::{ProblemCode, Text};

use crate::ReadError;
use crate::line::Line;

/// A row as its format gives it: cells as they lie, no width imposed.
#[derive(Debug)]
pub(crate) struct RawRow {
    /// Counted from 1 as a spreadsheet shows it, blank rows included.
    pub(crate) number: u64,
    pub(crate) cells: Vec<Text>,
}

/// A row that could not be read; the rows after it may still be.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) number: u64,
    /// Counted from 0.
    pub(crate) column: Option<usize>,
    pub(crate) reason: ProblemCode,
    /// Why nothing can be read after this row, when that is so.
    pub(crate) end: Option<ReadError>,
}

impl Fault {
    pub(crate) fn row(number: u64, column: Option<usize>, reason: ProblemCode) -> Self {
        Self {
            number,
            column,
            reason,
            end: None,
        }
    }

    /// Reading stops here.
    pub(crate) fn end(number: u64, error: ReadError) -> Self {
        Self {
            number,
            column: None,
            reason: ProblemCode::Malformed,
            end: Some(error),
        }
    }
}

/// Rows in the order of the file.
pub(crate) trait RawRows: Send {
    /// The next row, a fault, or nothing more; after a fault with an end, nothing more.
    fn next_raw(&mut self) -> Option<Result<RawRow, Fault>>;

    /// As [`RawRows::next_raw`], into a buffer; answers the row's number.
    fn next_line(&mut self, line: &mut Line) -> Option<Result<u64, Fault>> {
        let row = self.next_raw()?;
        line.clear();
        Some(row.map(|raw| {
            raw.cells.iter().for_each(|cell| line.push(cell.as_str()));
            raw.number
        }))
    }

    /// Bytes of the source read so far, and in all.
    fn progress(&self) -> (u64, u64);

    /// Whether a cell's column is stated in the file, so that a long row cannot be a shifted one.
    fn cells_are_placed(&self) -> bool;

    /// Whether the format itself says what the columns are called, so that no row can be mistaken
    /// for their names.
    fn columns_are_stated(&self) -> bool {
        false
    }
}

/// Rows that another room reads from elsewhere than a file: a server's.
pub trait Rows: Send {
    /// The next row's cells into `line`, and its number, from 1; the first is the header and has 0.
    ///
    /// # Errors
    ///
    /// [`ReadError::TooLarge`] for a row past a bound, after which more may come; any other ends
    /// the table.
    fn next(&mut self, line: &mut Line) -> Option<Result<u64, ReadError>>;

    /// Bytes of cells so far.
    fn taken(&self) -> u64;
}

/// Rows of elsewhere as a format's.
pub(crate) struct Foreign(pub(crate) Box<dyn Rows>, pub(crate) u64);

impl RawRows for Foreign {
    fn next_raw(&mut self) -> Option<Result<RawRow, Fault>> {
        let mut line = Line::default();
        let row = self.next_line(&mut line)?;
        Some(row.map(|number| RawRow {
            number,
            cells: line.cells().map(Text::from).collect(),
        }))
    }

    fn next_line(&mut self, line: &mut Line) -> Option<Result<u64, Fault>> {
        Some(match self.0.next(line)? {
            Ok(number) => {
                self.1 = number;
                Ok(number)
            }
            Err(ReadError::TooLarge { .. }) => {
                self.1 += 1;
                Err(Fault::row(self.1, None, ProblemCode::CellTooLong))
            }
            Err(error) => Err(Fault::end(self.1 + 1, error)),
        })
    }

    fn progress(&self) -> (u64, u64) {
        (self.0.taken(), self.0.taken())
    }

    fn cells_are_placed(&self) -> bool {
        true
    }
}

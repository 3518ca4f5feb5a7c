//! A table out of raw rows: its header, its width, and what is done about rows that differ.
//!
//! Rule for width: the header's. In delimited text a row with more cells is refused, since a
//! delimiter inside a value has shifted it; empty cells at its end are let go. In a workbook a
//! cell's column is stated, so the table is as wide as the widest row read ahead. A short row is
//! filled up with empty cells and counted. Blank rows are passed over; they keep their numbers.

use std::collections::VecDeque;

use liuhen_document::{Header, Locator, ProblemCode, Row, RowProblem, TableSource, Text};

use crate::line::Line;
use crate::options::{Format, HeaderChoice, SheetChoice, SheetInfo};
use crate::raw::{Fault, Foreign, RawRow, RawRows, Rows};
use crate::xlsx::{Xlsx, letters_of};
use crate::{Limits, ReadError};

/// Rows read ahead to find the header and to be looked at.
const AHEAD: usize = 64;
/// Bytes read ahead at most, whatever the rows.
const AHEAD_BYTES: usize = 8 << 20;

/// A table being read: its header, then row after row.
///
/// Reading ends at the first [`None`]; [`Table::failure`] then tells whether that was the end of
/// the file or the file could not be read further.
pub struct Table {
    name: String,
    /// Where the table lies within its file, when it came out of something packed.
    inside: Vec<String>,
    within: Option<String>,
    format: Format,
    max_columns: usize,
    workbook: Option<Xlsx>,
    sheet: Option<usize>,
    rows: Box<dyn RawRows>,
    ahead: VecDeque<Result<RawRow, Fault>>,
    header: Header,
    /// Rows up to this number are header, or lie above it.
    header_row: u64,
    begun: bool,
    short_rows: u64,
    last_was_short: bool,
    failure: Option<ReadError>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table")
            .field("format", &self.format)
            .field("columns", &self.header.len())
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}

/// What `Table` is made of.
pub(crate) struct Opened {
    pub(crate) name: String,
    pub(crate) format: Format,
    pub(crate) workbook: Option<Xlsx>,
    pub(crate) sheet: Option<usize>,
    pub(crate) rows: Box<dyn RawRows>,
}

impl Table {
    pub(crate) fn new(
        opened: Opened,
        header: HeaderChoice,
        limits: &Limits,
    ) -> Result<Self, ReadError> {
        let mut table = Self {
            name: opened.name,
            inside: Vec::new(),
            within: None,
            format: opened.format,
            max_columns: limits.max_columns,
            workbook: opened.workbook,
            sheet: opened.sheet,
            rows: opened.rows,
            ahead: VecDeque::new(),
            header: Header::default(),
            header_row: 0,
            begun: false,
            short_rows: 0,
            last_was_short: false,
            failure: None,
        };
        table.read_ahead()?;
        table.choose_header(header)?;
        Ok(table)
    }

    /// A table whose rows another room reads; `format` is a name to show.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when not even the header can be read, or has no column.
    pub fn of(
        name: &str,
        format: &'static str,
        rows: Box<dyn Rows>,
        limits: &Limits,
    ) -> Result<Self, ReadError> {
        let opened = Opened {
            name: name.to_owned(),
            format: Format::Other(format),
            workbook: None,
            sheet: None,
            rows: Box::new(Foreign(rows, 0)),
        };
        Self::new(opened, HeaderChoice::FirstRow, limits)
    }

    /// Problems are told at this place from now on.
    pub(crate) fn lies_at(&mut self, place: &Locator) {
        self.name.clone_from(&place.file);
        self.inside.clone_from(&place.inside);
        self.within.clone_from(&place.sheet);
    }

    /// What the file turned out to be.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The sheets of a workbook, hidden ones included; none for text.
    pub fn sheets(&self) -> &[SheetInfo] {
        self.workbook
            .as_ref()
            .map_or(&[], |workbook| &workbook.infos)
    }

    /// The sheet being read, by its place among [`Table::sheets`].
    pub fn sheet(&self) -> Option<usize> {
        self.sheet
    }

    /// Reads another sheet from its start, with the header chosen automatically.
    ///
    /// # Errors
    ///
    /// [`ReadError::NoSuchSheet`], also for text; whatever opening may answer. After an error the
    /// table reads as before.
    pub fn choose_sheet(&mut self, choice: &SheetChoice) -> Result<(), ReadError> {
        let workbook = self.workbook.as_ref().ok_or(ReadError::NoSuchSheet)?;
        let (sheet, rows) = workbook.rows(choice)?;
        let opened = Opened {
            name: self.name.clone(),
            format: self.format,
            workbook: None,
            sheet: Some(sheet),
            rows,
        };
        let limits = Limits {
            max_columns: self.max_columns,
            ..Limits::default()
        };
        let table = Self::new(opened, HeaderChoice::Auto, &limits)?;
        let workbook = self.workbook.take();
        *self = Self {
            workbook,
            inside: std::mem::take(&mut self.inside),
            within: self.within.take(),
            ..table
        };
        Ok(())
    }

    /// Up to `n` of the first rows of the file, titles, blank rows and header included; at most
    /// 64 are kept. Empty once rows were taken.
    ///
    /// This is where a caller looks before it decides whether there is a header at all.
    pub fn peek(&self, n: usize) -> Vec<Row> {
        if self.begun {
            return Vec::new();
        }
        let rows = self.ahead.iter().flatten();
        let row = |raw: &RawRow| Row {
            number: raw.number,
            cells: raw.cells.clone(),
        };
        rows.take(n).map(row).collect()
    }

    /// The row that holds the header, counted from 1; 0 when no row does.
    pub fn header_row(&self) -> u64 {
        self.header_row
    }

    /// Whether the format states the names of its columns, as a database does, or that it has none:
    /// the header chosen at the beginning is then the right one.
    pub fn header_is_stated(&self) -> bool {
        self.rows.columns_are_stated()
    }

    /// Chooses the header anew, before the first row is taken.
    ///
    /// # Errors
    ///
    /// [`ReadError::AlreadyReading`] after a row was taken; [`ReadError::NoSuchHeader`] for a row
    /// that is blank, spoiled or not among the first 64; [`ReadError::TooManyColumns`].
    pub fn choose_header(&mut self, choice: HeaderChoice) -> Result<(), ReadError> {
        if self.begun {
            return Err(ReadError::AlreadyReading);
        }
        let row = match choice {
            HeaderChoice::None => None,
            HeaderChoice::Auto => self.likeliest_header(),
            HeaderChoice::FirstRow => self.filled_rows().next().map(|row| row.number),
            HeaderChoice::Row(row) => {
                let there = self.filled_rows().any(|raw| raw.number == row);
                Some(row)
                    .filter(|_| there)
                    .ok_or(ReadError::NoSuchHeader { row })?
                    .into()
            }
        };
        let width = self.width(row);
        let names = row.and_then(|row| self.filled_rows().find(|raw| raw.number == row));
        let mut header: Vec<String> = match names {
            Some(raw) => raw
                .cells
                .iter()
                .map(|cell| cell.as_str().trim().to_owned())
                .collect(),
            None => (0..width).map(letters_of).collect(),
        };
        header.resize(width, String::new());
        self.header = Header(header);
        self.header_row = row.unwrap_or(0);
        Ok(())
    }

    /// Rows so far that had fewer cells than the header and were filled up. Text only: a workbook
    /// leaves empty cells out as a matter of course.
    pub fn short_rows(&self) -> u64 {
        self.short_rows
    }

    /// Whether the row last taken was one of [`Table::short_rows`].
    pub fn last_row_was_short(&self) -> bool {
        self.last_was_short
    }

    /// Bytes of the file (of a workbook: of the sheet as packed) read so far, and in all.
    pub fn progress(&self) -> (u64, u64) {
        self.rows.progress()
    }

    /// Why reading stopped before the end of the file, when it did.
    pub fn failure(&self) -> Option<&ReadError> {
        self.failure.as_ref()
    }

    /// Reads the first rows; fails when not one of them can be read.
    fn read_ahead(&mut self) -> Result<(), ReadError> {
        let mut bytes = 0;
        while self.ahead.len() < AHEAD && bytes < AHEAD_BYTES {
            let Some(row) = self.rows.next_raw() else {
                break;
            };
            bytes += row.as_ref().map_or(0, size_of_row);
            match row {
                Err(Fault {
                    end: Some(error), ..
                }) if self.filled_rows().next().is_none() => {
                    return Err(error);
                }
                // A first row past the bound makes a table past the bound.
                Err(Fault {
                    reason: ProblemCode::TooManyColumns,
                    ..
                }) if self.filled_rows().next().is_none() => {
                    return Err(ReadError::TooManyColumns {
                        limit: self.max_columns,
                    });
                }
                row => self.ahead.push_back(row),
            }
        }
        if self
            .ahead
            .iter()
            .all(|row| row.as_ref().is_ok_and(is_blank))
        {
            return Err(ReadError::Empty);
        }
        Ok(())
    }

    fn filled_rows(&self) -> impl Iterator<Item = &RawRow> {
        self.ahead.iter().flatten().filter(|row| !is_blank(row))
    }

    /// The commonest number of cells, up to the last filled one, among the rows read ahead.
    fn usual_width(&self) -> usize {
        let mut counts = std::collections::BTreeMap::new();
        for row in self.filled_rows() {
            *counts.entry(filled_width(row)).or_insert(0usize) += 1;
        }
        counts
            .into_iter()
            .max_by_key(|(_, count)| *count)
            .map_or(0, |(width, _)| width)
    }

    fn likeliest_header(&self) -> Option<u64> {
        let needed = self.usual_width().div_ceil(2);
        let filled = |row: &RawRow| row.cells.iter().filter(|cell| !cell.is_blank()).count();
        let row = self.filled_rows().find(|row| filled(row) >= needed);
        row.or_else(|| self.filled_rows().next())
            .map(|row| row.number)
    }

    /// The table's width by the rule of this module.
    fn width(&self, header: Option<u64>) -> usize {
        let widest = |rows: &mut dyn Iterator<Item = &RawRow>| rows.map(filled_width).max();
        let below = header.unwrap_or(0);
        match header {
            Some(number) if !self.rows.cells_are_placed() => {
                widest(&mut self.filled_rows().filter(|row| row.number == number))
            }
            None if !self.rows.cells_are_placed() => Some(self.usual_width()),
            _ => widest(&mut self.filled_rows().filter(|row| row.number >= below)),
        }
        .unwrap_or(0)
    }

    /// Gives a row the table's width.
    fn fit(&mut self, raw: RawRow) -> Result<Row, Fault> {
        let width = self.header.len();
        let RawRow { number, mut cells } = raw;
        if cells.iter().skip(width).any(|cell| !cell.is_blank()) {
            return Err(Fault::row(number, Some(width), ProblemCode::TooManyColumns));
        }
        self.last_was_short = cells.len() < width && !self.rows.cells_are_placed();
        self.short_rows += u64::from(self.last_was_short);
        cells.resize(width, Text::default());
        Ok(Row { number, cells })
    }

    /// As [`TableSource::next_row`], into a buffer that is used again; answers the row's number.
    ///
    /// The same rows, problems and counts; short rows are not filled up.
    pub fn next_line(&mut self, line: &mut Line) -> Option<Result<u64, RowProblem>> {
        self.begun = true;
        loop {
            let next = match self.ahead.pop_front() {
                Some(Ok(raw)) => {
                    line.clear();
                    raw.cells.iter().for_each(|cell| line.push(cell.as_str()));
                    Ok(raw.number)
                }
                Some(Err(fault)) => Err(fault),
                None => self.rows.next_line(line)?,
            };
            let fitted = match next {
                Ok(number) if number <= self.header_row || line.is_blank() => continue,
                Ok(number) => self.fit_line(number, line),
                Err(fault) => Err(fault),
            };
            return Some(fitted.map_err(|fault| self.problem(fault)));
        }
    }

    /// As [`Table::fit`], for a line.
    fn fit_line(&mut self, number: u64, line: &Line) -> Result<u64, Fault> {
        let width = self.header.len();
        let cells = line.spans.len();
        if cells > width && line.cells().skip(width).any(|cell| !cell.trim().is_empty()) {
            return Err(Fault::row(number, Some(width), ProblemCode::TooManyColumns));
        }
        self.last_was_short = cells < width && !self.rows.cells_are_placed();
        self.short_rows += u64::from(self.last_was_short);
        Ok(number)
    }

    fn problem(&mut self, fault: Fault) -> RowProblem {
        self.last_was_short = false;
        let sheet = self.sheet.and_then(|sheet| self.sheets().get(sheet));
        let locator = Locator {
            file: self.name.clone(),
            inside: self.inside.clone(),
            sheet: sheet
                .map(|info| info.name.clone())
                .or_else(|| self.within.clone()),
            row: Some(fault.number),
            column: fault
                .column
                .and_then(|column| u32::try_from(column + 1).ok()),
            bytes: None,
        };
        self.failure = fault.end.or(self.failure.take());
        RowProblem {
            locator,
            reason: fault.reason,
        }
    }
}

impl TableSource for Table {
    fn header(&self) -> &Header {
        &self.header
    }

    fn next_row(&mut self) -> Option<Result<Row, RowProblem>> {
        self.begun = true;
        loop {
            let next = match self.ahead.pop_front() {
                Some(row) => row,
                None => self.rows.next_raw()?,
            };
            let fitted = match next {
                Ok(raw) if raw.number <= self.header_row || is_blank(&raw) => continue,
                Ok(raw) => self.fit(raw),
                Err(fault) => Err(fault),
            };
            return Some(fitted.map_err(|fault| self.problem(fault)));
        }
    }
}

fn is_blank(row: &RawRow) -> bool {
    row.cells.iter().all(Text::is_blank)
}

/// Cells up to the last one that is not blank.
fn filled_width(row: &RawRow) -> usize {
    row.cells
        .iter()
        .rposition(|cell| !cell.is_blank())
        .map_or(0, |last| last + 1)
}

fn size_of_row(row: &RawRow) -> usize {
    row.cells
        .iter()
        .map(|cell| cell.len() + size_of::<Text>())
        .sum()
}

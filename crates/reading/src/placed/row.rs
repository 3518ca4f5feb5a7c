//! One row and where its cells stand in the text.
//!
//! Cells lose their quotes when a record is split; here they are found again, when asked for.

use liuhen_document::Row;

use crate::place::Place;
use crate::record::Delimiter;

/// A row and where its cells stand.
#[derive(Debug)]
pub struct PlacedRow<'a> {
    /// The row; numbers count from 1, blank rows included.
    pub row: Row,
    raw: &'a str,
    delimiter: Delimiter,
    /// Made when something is first asked for.
    map: Vec<Run>,
    /// The byte of the record that was last asked for, and where it stands.
    cursor: (usize, Place),
    start: Place,
}

/// A stretch of a cell that stands in the text as it is.
#[derive(Debug, Clone, Copy)]
struct Run {
    column: usize,
    /// Where it begins in the cell, and in the record.
    cell: usize,
    raw: usize,
    length: usize,
}

impl<'a> PlacedRow<'a> {
    pub(super) fn new(row: Row, raw: &'a str, delimiter: Delimiter, start: Place) -> Self {
        Self {
            row,
            raw,
            delimiter,
            map: Vec::new(),
            cursor: (0, start),
            start,
        }
    }

    /// The record as it stands in the text, quotes, delimiters and line end included.
    #[must_use]
    pub fn raw(&self) -> &str {
        self.raw
    }

    /// Where the record begins.
    #[must_use]
    pub fn place(&self) -> Place {
        self.start
    }

    /// Where the bytes `start..end` of a cell stand in the text.
    ///
    /// A doubled quote within them is one character of the cell and two of the text. Quickest when
    /// asked in the order of the text. Nothing for no bytes, and for bytes behind the cell's end.
    pub fn locate(&mut self, column: usize, start: usize, end: usize) -> Option<(Place, Place)> {
        let stored = self.row.cells.get(column)?.len();
        if start >= end || end > stored {
            return None;
        }
        if self.map.is_empty() {
            self.map = runs(self.raw, self.delimiter);
        }
        let last = self
            .map
            .partition_point(|run| run.column <= column)
            .checked_sub(1)?;
        let whole = self.map.get(last).map_or(0, |run| run.cell + run.length);
        // `="0123"` was taken out of its formula.
        let shift = if whole == stored + 3 { 2 } else { 0 };
        let from = self.raw_at(column, start + shift)?;
        let to = self.raw_at(column, end - 1 + shift)? + 1;
        Some((self.place_at(from)?, self.place_at(to)?))
    }

    fn raw_at(&self, column: usize, byte: usize) -> Option<usize> {
        let key = (column, byte);
        let after = self
            .map
            .partition_point(|run| (run.column, run.cell) <= key);
        let run = self.map.get(after.checked_sub(1)?)?;
        (run.column == column && byte < run.cell + run.length).then(|| run.raw + byte - run.cell)
    }

    fn place_at(&mut self, raw: usize) -> Option<Place> {
        if raw < self.cursor.0 {
            self.cursor = (0, self.start);
        }
        let (at, place) = self.cursor;
        self.cursor = (raw, place.after(self.raw.get(at..raw)?));
        Some(self.cursor.1)
    }
}

/// The stretches that the cells of a record are made of, by the rule of `record::split`.
fn runs(raw: &str, delimiter: Delimiter) -> Vec<Run> {
    let bytes = raw.as_bytes();
    let mark = delimiter.as_str();
    let mut runs: Vec<Run> = Vec::new();
    let (mut at, mut column, mut cell) = (0, 0, 0);
    let mut push = |column: usize, cell: &mut usize, from: usize, to: usize| {
        if from < to {
            runs.push(Run {
                column,
                cell: *cell,
                raw: from,
                length: to - from,
            });
            *cell += to - from;
        }
    };
    loop {
        if bytes.get(at) == Some(&b'"') {
            at += 1;
            while let Some(found) = memchr::memchr(b'"', &bytes[at..]) {
                let quote = at + found;
                push(column, &mut cell, at, quote);
                at = quote + 1;
                if bytes.get(at) != Some(&b'"') {
                    break;
                }
                push(column, &mut cell, quote, quote + 1);
                at += 1;
            }
        }
        let rest = &raw[at..];
        let line = memchr::memchr2(b'\n', b'\r', rest.as_bytes()).unwrap_or(rest.len());
        let cut = memchr::memmem::find(&rest.as_bytes()[..line], mark.as_bytes());
        push(column, &mut cell, at, at + cut.unwrap_or(line));
        let Some(cut) = cut else { return runs };
        at += cut + mark.len();
        column += 1;
        cell = 0;
    }
}

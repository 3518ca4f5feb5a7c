//! Rows of delimited text that know where in the text they stand.
//!
//! For whoever must point at a value in the file. Nothing is refused here: a record that is too
//! long, too wide or never closes its quotes comes out as running text, line by line, so that
//! every character of the source comes out once, whatever its shape.
//! Splitting belongs to `record`, decoding to `stream`; tables to import are `table`'s.

mod row;

use std::io::{self, Read};

use liuhen_document::{Row, Text};

pub use row::PlacedRow;

use crate::place::Place;
use crate::record::{Bounds, Delimiter, Record, Split, line_end, split};
use crate::stream::TextStream;
use crate::text::unwrap_formula;
use crate::{Limits, dialect};

/// Text handed out at once of a line that never ends.
const STRETCH: usize = 1 << 20;

/// A delimited text, row by row.
#[derive(Debug)]
pub struct PlacedRows<R> {
    stream: TextStream<R>,
    delimiter: Delimiter,
    bounds: Bounds,
    max_row: usize,
    buffer: String,
    /// Where in `buffer` the next record begins, and where that is in the text.
    at: usize,
    place: Place,
    /// The source has ended; `buffer` holds the rest.
    last: bool,
    /// Within a line that is no record.
    in_line: bool,
    record: Record,
    number: u64,
}

/// What comes next.
#[derive(Debug)]
pub enum Piece<'a> {
    /// A row.
    Row(PlacedRow<'a>),
    /// Text that is no row; `more` says that the line goes on in the next piece.
    Text {
        /// The text.
        text: &'a str,
        /// Where it begins.
        place: Place,
        /// Whether the next piece continues the line.
        more: bool,
    },
}

/// What was taken off the front of the buffer.
struct Taken {
    length: usize,
    row: bool,
    more: bool,
}

impl<R: Read> PlacedRows<R> {
    /// Rows of a text that is split at `delimiter`, unless the text itself states another.
    ///
    /// # Errors
    ///
    /// Whatever the source answers.
    pub fn new(stream: TextStream<R>, delimiter: Delimiter, limits: &Limits) -> io::Result<Self> {
        let mut rows = Self {
            stream,
            delimiter,
            bounds: Bounds {
                columns: limits.max_columns,
                cell: limits.max_cell_bytes,
            },
            max_row: limits.max_row_bytes.max(1),
            buffer: String::new(),
            at: 0,
            place: Place::default(),
            last: false,
            in_line: false,
            record: Record::default(),
            number: 0,
        };
        rows.refill()?;
        if let Some((stated, _)) = dialect::stated(rows.buffer.as_bytes()) {
            rows.delimiter = stated;
            rows.in_line = true;
        }
        Ok(rows)
    }

    /// Up to `n` of the rows that come next and are at hand, blank ones left out.
    #[must_use]
    pub fn peek(&self, n: usize) -> Vec<Row> {
        let mut record = Record::default();
        let (mut rest, mut number, mut rows) = (&self.buffer[self.at..], self.number, Vec::new());
        if self.in_line {
            number += 1;
            rest = &rest[line_end(rest.as_bytes()).unwrap_or(rest.len())..];
        }
        while rows.len() < n && !rest.is_empty() {
            let came = split(
                rest.as_bytes(),
                self.last,
                self.delimiter,
                self.bounds,
                &mut record,
            );
            let Split::Record(length) = came else { break };
            number += 1;
            rest = &rest[length..];
            if !record.is_blank() {
                rows.push(row(&record, number));
            }
        }
        rows
    }

    /// The next row or text; nothing at the end.
    ///
    /// # Errors
    ///
    /// Whatever the source answers.
    #[expect(
        clippy::should_implement_trait,
        reason = "what it yields borrows from it"
    )]
    pub fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        loop {
            let Some(taken) = self.take()? else {
                return Ok(None);
            };
            let (at, place) = (self.at, self.place);
            let end = at + taken.length;
            self.at = end;
            self.place = place.after(&self.buffer[at..end]);
            self.number += u64::from(!taken.more);
            if taken.row && self.record.is_blank() {
                continue;
            }
            let text = &self.buffer[at..end];
            if !taken.row {
                let more = taken.more;
                return Ok(Some(Piece::Text { text, place, more }));
            }
            let row = row(&self.record, self.number);
            let row = PlacedRow::new(row, text, self.delimiter, place);
            return Ok(Some(Piece::Row(row)));
        }
    }

    /// Bytes of the source read so far.
    pub fn taken(&self) -> u64 {
        self.stream.taken()
    }

    /// Sequences of bytes so far that did not decode.
    pub fn malformed(&self) -> u64 {
        self.stream.malformed()
    }

    fn take(&mut self) -> io::Result<Option<Taken>> {
        loop {
            let rest = &self.buffer.as_bytes()[self.at..];
            if rest.is_empty() && self.last {
                return Ok(None);
            }
            let taken = if self.in_line {
                self.line()
            } else {
                match split(
                    rest,
                    self.last,
                    self.delimiter,
                    self.bounds,
                    &mut self.record,
                ) {
                    Split::Record(length) => Some(Taken {
                        length,
                        row: !self.record.too_wide
                            && self.record.long_cell.is_none()
                            && length <= self.max_row,
                        more: false,
                    }),
                    Split::More { .. } if self.last || rest.len() > self.max_row => {
                        self.in_line = true;
                        continue;
                    }
                    Split::More { .. } => None,
                }
            };
            match taken {
                Some(taken) => {
                    self.in_line &= taken.more;
                    return Ok(Some(taken));
                }
                None => self.refill()?,
            }
        }
    }

    /// The line that begins here, or as much of it as is handed out at once.
    fn line(&self) -> Option<Taken> {
        let rest = &self.buffer.as_bytes()[self.at..];
        // A CR at the very end may be half of a CRLF.
        let cut = rest.last() == Some(&b'\r') && !self.last;
        let (length, more) = match line_end(rest) {
            Some(end) if end < rest.len() || !cut => (end, false),
            _ if self.last => (rest.len(), false),
            _ if rest.len() > STRETCH => (rest.len() - usize::from(cut), true),
            _ => return None,
        };
        let row = false;
        Some(Taken { length, row, more })
    }

    /// Drops what was taken, then reads on; by doubling, so that a long record costs linear work.
    fn refill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let wanted = (self.buffer.len() * 2).max(1);
        while !self.last && self.buffer.len() < wanted {
            let buffer = &mut self.buffer;
            self.last = !self.stream.pump(&mut |piece| buffer.push_str(piece))?;
        }
        Ok(())
    }
}

fn row(record: &Record, number: u64) -> Row {
    // Made of whole characters, since the text was decoded and delimiters are characters.
    let text = simdutf8::basic::from_utf8(&record.bytes).unwrap_or("");
    let mut start = 0;
    let cells = record.ends.iter().map(|&end| {
        let cell = text.get(start..end).unwrap_or("");
        start = end;
        Text::from(unwrap_formula(cell))
    });
    Row {
        number,
        cells: cells.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(place: u64) -> usize {
        usize::try_from(place).unwrap()
    }

    fn limits() -> Limits {
        Limits {
            max_row_bytes: 64,
            max_columns: 6,
            ..Limits::default()
        }
    }

    /// Every piece of a text, and every cell with what its place slices.
    fn read(text: &str) -> (String, Vec<(String, String)>) {
        let stream = TextStream::new(text.as_bytes(), Some(crate::Charset::UTF_8));
        let mut rows = PlacedRows::new(stream, Delimiter::Comma, &limits()).unwrap();
        let (mut all, mut cells) = (String::new(), Vec::new());
        let chars: Vec<char> = text.chars().collect();
        let utf16: Vec<u16> = text.encode_utf16().collect();
        while let Some(piece) = rows.next().unwrap() {
            match piece {
                Piece::Text {
                    text: piece, place, ..
                } => {
                    assert!(text[at(place.bytes)..].starts_with(piece));
                    all.push_str(piece);
                }
                Piece::Row(mut row) => {
                    all.push_str(row.raw());
                    for column in 0..row.row.cells.len() {
                        let cell = row.row.cell(column).to_owned();
                        let Some((from, to)) = row.locate(column, 0, cell.len()) else {
                            assert!(cell.is_empty());
                            continue;
                        };
                        let slice = &text[at(from.bytes)..at(to.bytes)];
                        let by_chars: String = chars[at(from.chars)..at(to.chars)].iter().collect();
                        let by_utf16 =
                            String::from_utf16_lossy(&utf16[at(from.utf16)..at(to.utf16)]);
                        assert_eq!((slice, slice), (by_chars.as_str(), by_utf16.as_str()));
                        let lines = text[..at(from.bytes)].matches('\n').count() as u64;
                        assert_eq!(from.line, lines + 1);
                        cells.push((cell, slice.to_owned()));
                    }
                }
            }
        }
        (all, cells)
    }

    #[test]
    fn cells_are_placed_in_the_text() {
        let text = "姓名,𠮷,c\r\n\"张,三\",\"a\"\"b\",=\"0123\"\r\n\"x\"y,,末";
        let (all, cells) = read(text);
        assert_eq!(all, text);
        let same = |cell: &str| (cell.to_owned(), cell.to_owned());
        let expected = [
            same("姓名"),
            same("𠮷"),
            same("c"),
            same("张,三"),
            ("a\"b".to_owned(), "a\"\"b".to_owned()),
            same("0123"),
            ("xy".to_owned(), "x\"y".to_owned()),
            same("末"),
        ];
        assert_eq!(cells, expected);
    }

    #[test]
    fn no_cell_is_placed_behind_its_end() {
        let stream = TextStream::new("=\"0123\",\"a\"\"\",b\n".as_bytes(), None);
        let mut rows = PlacedRows::new(stream, Delimiter::Comma, &limits()).unwrap();
        let Some(Piece::Row(mut row)) = rows.next().unwrap() else {
            panic!("no row")
        };
        for (column, length) in [(0, 4), (1, 2), (2, 1)] {
            assert_eq!(row.row.cell(column).len(), length);
            assert!(row.locate(column, 0, length).is_some());
            // The quote that closes `="0123"` is no part of the cell.
            assert!(row.locate(column, length, length + 1).is_none(), "{column}");
            assert!(row.locate(column, 0, length + 1).is_none(), "{column}");
        }
        assert!(row.locate(3, 0, 1).is_none());
    }

    #[test]
    fn what_is_no_row_comes_out_as_text() {
        let long = "长".repeat(40);
        let text = format!("sep=,\na,b\n{long},1\n1,2,3,4,5,6,7,8\n\"open,2\n3,4\n");
        let (all, cells) = read(&text);
        assert_eq!(all, text);
        assert_eq!(cells.last().unwrap().0, "4");
        assert!(!cells.iter().any(|(cell, _)| cell == "8" || cell == &long));
    }

    #[test]
    fn peeking_takes_nothing() {
        let stream = TextStream::new("a,b\n\n1,2\n".as_bytes(), None);
        let mut rows = PlacedRows::new(stream, Delimiter::Comma, &Limits::default()).unwrap();
        let ahead = rows.peek(9);
        assert_eq!(
            (ahead.len(), ahead[1].number, ahead[1].cell(1)),
            (2, 3, "2")
        );
        assert!(matches!(rows.next().unwrap(), Some(Piece::Row(row)) if row.row == ahead[0]));
    }

    proptest! {
        #[test]
        fn every_character_comes_out_once(text in "([abc,;\"\r\n]|甲|𠮷){0,120}") {
            let (all, cells) = read(&text);
            let blank = |text: &str| text.chars().filter(|c| !"\r\n".contains(*c)).collect::<String>();
            // Blank rows come out as nothing; so does `""` alone on a line.
            let (left, right) = (blank(&all).replace("\"", ""), blank(&text).replace("\"", ""));
            prop_assert_eq!(left, right);
            for (cell, slice) in cells {
                prop_assert_eq!(cell.replace('"', ""), slice.replace('"', ""));
            }
        }
    }
}

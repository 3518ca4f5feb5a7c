//! Delimited text as rows.
//!
//! Joins `transcode` and `record`: keeps one bounded buffer of UTF-8, takes records off its front,
//! and turns each into cells or a fault. Also undoes the two habits by which spreadsheets keep
//! long numbers whole in text (`="0123"`), and refuses the numbers they have already spoiled
//! (`1.10101E+17`).

use liuhen_document::{ProblemCode, Text};

use crate::charset::Charset;
use crate::dialect;
use crate::limits::Limits;
use crate::line::Line;
use crate::number::is_spoiled;
use crate::raw::{Fault, RawRow, RawRows};
use crate::record::{Bounds, Delimiter, Record, Split, line_end, split};
use crate::transcode::Transcoder;
use crate::{Options, ReadError};

/// Bytes of the text that its delimiter is judged by.
const HEAD: usize = 256 << 10;

/// Rows of delimited text.
pub(crate) struct TextRows {
    input: Transcoder,
    length: u64,
    delimiter: Delimiter,
    bounds: Bounds,
    max_row: usize,
    buffer: Vec<u8>,
    /// Where in `buffer` the next record begins.
    at: usize,
    /// The input has ended; `buffer` holds the rest.
    last: bool,
    record: Record,
    /// Rows taken so far.
    number: u64,
    done: bool,
}

impl TextRows {
    /// Begins at the first character behind any byte order mark.
    pub(crate) fn new(
        input: Transcoder,
        length: u64,
        name: &str,
        limits: &Limits,
        options: &Options,
    ) -> Result<Self, ReadError> {
        let mut rows = Self {
            input,
            length,
            delimiter: Delimiter::Comma,
            bounds: Bounds {
                columns: limits.max_columns,
                cell: limits.max_cell_bytes,
            },
            max_row: limits.max_row_bytes.max(1),
            buffer: Vec::new(),
            at: 0,
            last: false,
            record: Record::default(),
            number: 0,
            done: false,
        };
        while !rows.last && rows.buffer.len() < HEAD {
            rows.fill()?;
        }
        let stated = dialect::stated(&rows.buffer);
        rows.at = stated.map_or(0, |(_, line)| line);
        let guess = || dialect::guess(&rows.buffer, rows.last, name);
        let stated = stated.map(|(delimiter, _)| delimiter);
        rows.delimiter = options.delimiter.or(stated).unwrap_or_else(guess);
        Ok(rows)
    }

    /// The delimiter in use.
    pub(crate) fn delimiter(&self) -> Delimiter {
        self.delimiter
    }

    fn fill(&mut self) -> Result<(), ReadError> {
        self.last = !self.input.fill(&mut self.buffer)?;
        Ok(())
    }

    /// Drops what was taken from the front of the buffer, then reads on.
    fn shift_and_fill(&mut self) -> Result<(), ReadError> {
        self.buffer.drain(..self.at);
        self.at = 0;
        // A record longer than the buffer is split anew after every filling: fill by doubling, so
        // that the work stays linear in its length.
        let wanted = self.buffer.len() * 2;
        self.fill()?;
        while !self.last && self.buffer.len() < wanted {
            self.fill()?;
        }
        Ok(())
    }

    /// Takes the next record; nothing when the text has ended.
    fn take(&mut self) -> Result<Option<Result<(), ProblemCode>>, ReadError> {
        loop {
            let rest = &self.buffer[self.at..];
            if rest.is_empty() && self.last {
                return Ok(None);
            }
            let came = split(
                rest,
                self.last,
                self.delimiter,
                self.bounds,
                &mut self.record,
            );
            match came {
                Split::Record(length) if length <= self.max_row || rest.is_empty() => {
                    self.at += length;
                    return Ok(Some(Ok(())));
                }
                Split::Record(length) => {
                    self.at += length;
                    return Ok(Some(Err(ProblemCode::RowTooLong)));
                }
                Split::More { quoted } if self.last || rest.len() > self.max_row => {
                    self.skip_line()?;
                    let reason = if quoted {
                        ProblemCode::UnclosedQuote
                    } else {
                        ProblemCode::RowTooLong
                    };
                    return Ok(Some(Err(reason)));
                }
                Split::More { .. } => self.shift_and_fill()?,
            }
        }
    }

    /// Skips to the next physical line, however far that is, without keeping what is skipped.
    fn skip_line(&mut self) -> Result<(), ReadError> {
        loop {
            let rest = &self.buffer[self.at..];
            // A CR at the very end may be half of a CRLF.
            let cut = rest.last() == Some(&b'\r') && !self.last;
            match line_end(rest) {
                Some(end) if end < rest.len() || !cut => {
                    self.at += end;
                    return Ok(());
                }
                _ if self.last => {
                    self.at = self.buffer.len();
                    return Ok(());
                }
                found => {
                    let keep = usize::from(found.is_some());
                    self.at = self.buffer.len() - keep;
                    self.shift_and_fill()?;
                }
            }
        }
    }

    /// Takes the next record; answers its number.
    fn step(&mut self) -> Option<Result<u64, Fault>> {
        if self.done {
            return None;
        }
        let taken = self.take();
        self.number += 1;
        let number = self.number;
        match taken {
            Ok(None) => {
                self.done = true;
                None
            }
            Ok(Some(Ok(()))) => Some(Ok(number)),
            Ok(Some(Err(reason))) => Some(Err(Fault::row(number, None, reason))),
            Err(error) => {
                self.done = true;
                Some(Err(Fault::end(number, error)))
            }
        }
    }

    /// The record as cells.
    fn cells(&mut self) -> Result<Vec<Text>, (Option<usize>, ProblemCode)> {
        let mut line = Line::default();
        self.line(&mut line)?;
        Ok(line.cells().map(Text::from).collect())
    }

    /// The record as a line, whose buffer it takes in exchange.
    fn line(&mut self, line: &mut Line) -> Result<(), (Option<usize>, ProblemCode)> {
        line.clear();
        let record = &mut self.record;
        if record.too_wide {
            return Err((None, ProblemCode::TooManyColumns));
        }
        if let Some(column) = record.long_cell {
            return Err((Some(column), ProblemCode::CellTooLong));
        }
        let column_of = |byte| record.ends.partition_point(|end| *end <= byte);
        if let Some(byte) = memchr::memchr(0, &record.bytes) {
            return Err((Some(column_of(byte)), ProblemCode::NulByte));
        }
        let room = std::mem::take(&mut line.text).into_bytes();
        let bytes = std::mem::replace(&mut record.bytes, room);
        line.text = String::from_utf8(bytes).map_err(|error| {
            let column = column_of(error.utf8_error().valid_up_to());
            (Some(column), ProblemCode::BadEncoding)
        })?;
        let mut start = 0;
        for (column, &end) in record.ends.iter().enumerate() {
            // Two broken cells may look whole side by side.
            let cell = line
                .text
                .get(start..end)
                .ok_or((Some(column), ProblemCode::BadEncoding))?;
            if is_spoiled(cell) {
                return Err((Some(column), ProblemCode::PrecisionLost));
            }
            let inner = unwrap_formula(cell);
            // What is unwrapped stands between two signs before it and one behind.
            let from = if inner.len() < cell.len() {
                start + 2
            } else {
                start
            };
            line.spans.push((from, from + inner.len()));
            start = end;
        }
        Ok(())
    }
}

/// `="0123"` is how a spreadsheet is told to keep a number as text; a person sees `0123`.
pub(crate) fn unwrap_formula(cell: &str) -> &str {
    let inner = cell
        .strip_prefix("=\"")
        .and_then(|rest| rest.strip_suffix('"'));
    inner.filter(|inner| !inner.contains('"')).unwrap_or(cell)
}

impl RawRows for TextRows {
    fn next_raw(&mut self) -> Option<Result<RawRow, Fault>> {
        let number = match self.step()? {
            Ok(number) => number,
            Err(fault) => return Some(Err(fault)),
        };
        Some(match self.cells() {
            Ok(cells) => Ok(RawRow { number, cells }),
            Err((column, reason)) => Err(Fault::row(number, column, reason)),
        })
    }

    fn next_line(&mut self, line: &mut Line) -> Option<Result<u64, Fault>> {
        let number = match self.step()? {
            Ok(number) => number,
            Err(fault) => return Some(Err(fault)),
        };
        Some(match self.line(line) {
            Ok(()) => Ok(number),
            Err((column, reason)) => Err(Fault::row(number, column, reason)),
        })
    }

    fn progress(&self) -> (u64, u64) {
        let taken = if self.done {
            self.length
        } else {
            self.input.taken()
        };
        (taken.min(self.length), self.length)
    }

    fn cells_are_placed(&self) -> bool {
        false
    }
}

/// Reads `charset` off the marks of `head`, or asks the whole source.
///
/// Answers the length of the mark too; the source's position is left anywhere.
pub(crate) fn charset_of(
    source: &mut dyn crate::Source,
    head: &[u8],
    wanted: Option<Charset>,
) -> Result<(Charset, usize), ReadError> {
    use crate::charset::{Evidence, by_mark, by_zero_bytes};
    let marked = by_mark(head);
    if let Some(charset) = wanted {
        let mark = marked
            .filter(|(stated, _)| *stated == charset)
            .map_or(0, |(_, length)| length);
        return Ok((charset, mark));
    }
    if let Some(marked) = marked {
        return Ok(marked);
    }
    if let Some(charset) = by_zero_bytes(head) {
        return Ok((charset, 0));
    }
    source.rewind()?;
    Ok((Evidence::gather(source)?.judge(), 0))
}

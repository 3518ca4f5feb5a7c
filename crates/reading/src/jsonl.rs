//! JSON Lines as rows: an object a line, its keys the columns.
//!
//! Rule: <https://jsonlines.org>, read leniently: blank lines are passed over, a line that is no object
//! costs that line. The first row that comes out holds the keys of the objects read ahead; a key that
//! only later objects have has no column, and a line with one is refused rather than cut.
//! Whole numbers keep their digits up to 20; others go through a double as most writers' did.
//! A value that is itself an object or a list is shown as JSON.

use std::collections::VecDeque;

use liuhen_document::{ProblemCode, Text};
use memchr::memchr;
use serde_json::{Map, Value};

use crate::raw::{Fault, RawRow, RawRows};
use crate::transcode::Transcoder;
use crate::{Limits, ReadError};

/// Objects read ahead for their keys.
const AHEAD: usize = 64;

/// Whether the first bytes of a text are the first line of JSON Lines; `whole` says they are all there is.
pub(crate) fn looks(head: &[u8], whole: bool) -> bool {
    let head = head
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(head)
        .trim_ascii_start();
    if head.first() != Some(&b'{') {
        return false;
    }
    let line = match memchr(b'\n', head) {
        Some(end) => &head[..end],
        None if whole => head,
        None => return false,
    };
    object(line).is_some()
}

/// Whether there is more than ASCII and all of it is UTF-8, but for a character that the end cuts.
pub(crate) fn is_utf8(head: &[u8]) -> bool {
    let valid = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    valid && !head.is_ascii()
}

fn object(line: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_str(&String::from_utf8_lossy(line)).ok()
}

/// Rows of JSON Lines.
pub(crate) struct JsonRows {
    input: Transcoder,
    length: u64,
    max_cell: usize,
    max_columns: usize,
    max_row: usize,
    buffer: Vec<u8>,
    at: usize,
    last: bool,
    number: u64,
    keys: Vec<String>,
    ahead: VecDeque<Result<RawRow, Fault>>,
    done: bool,
}

/// A line as it was read.
type Line = Result<Map<String, Value>, ProblemCode>;

impl JsonRows {
    /// Begins at the first character behind any byte order mark.
    pub(crate) fn new(input: Transcoder, length: u64, limits: &Limits) -> Result<Self, ReadError> {
        let mut rows = Self {
            input,
            length,
            max_cell: limits.max_cell_bytes,
            max_columns: limits.max_columns,
            max_row: limits.max_row_bytes.max(1),
            buffer: Vec::new(),
            at: 0,
            last: false,
            // The keys are row 1, as the header of a table is.
            number: 1,
            keys: Vec::new(),
            ahead: VecDeque::new(),
            done: false,
        };
        let mut lines: Vec<(u64, Line)> = Vec::new();
        while lines.len() < AHEAD {
            match rows.line()? {
                Some(line) => lines.push((rows.number, line)),
                None => break,
            }
        }
        for key in lines
            .iter()
            .filter_map(|(_, line)| line.as_ref().ok())
            .flat_map(Map::keys)
        {
            if !rows.keys.contains(key) {
                rows.keys.push(key.clone());
            }
        }
        if rows.keys.len() > rows.max_columns {
            return Err(ReadError::TooManyColumns {
                limit: rows.max_columns,
            });
        }
        let header = RawRow {
            number: 1,
            cells: rows
                .keys
                .iter()
                .map(|key| Text::from(key.as_str()))
                .collect(),
        };
        let read: Vec<_> = lines
            .into_iter()
            .map(|(number, line)| rows.row(number, line))
            .collect();
        rows.ahead = std::iter::once(Ok(header)).chain(read).collect();
        Ok(rows)
    }

    /// The next line that is not blank, or nothing more.
    fn line(&mut self) -> Result<Option<Line>, ReadError> {
        let mut too_long = false;
        loop {
            let rest = &self.buffer[self.at..];
            let end = match memchr(b'\n', rest) {
                Some(end) => end + 1,
                None if self.last => rest.len(),
                None => {
                    // What is too long is dropped as it comes, so that it never fills the memory.
                    too_long |= rest.len() > self.max_row;
                    self.buffer
                        .drain(..if too_long { self.buffer.len() } else { self.at });
                    self.at = 0;
                    self.last = !self.input.fill(&mut self.buffer)?;
                    continue;
                }
            };
            if end == 0 && !too_long {
                return Ok(None);
            }
            let line = rest[..end].trim_ascii();
            let blank = line.is_empty() && !too_long;
            let parsed = if too_long || end > self.max_row {
                Err(ProblemCode::RowTooLong)
            } else {
                serde_json::from_slice(line).map_err(|_| ProblemCode::Malformed)
            };
            self.at += end;
            self.number += 1;
            if !blank {
                return Ok(Some(parsed));
            }
        }
    }

    /// An object as cells in the order of the keys.
    fn row(&self, number: u64, line: Line) -> Result<RawRow, Fault> {
        let object = line.map_err(|reason| Fault::row(number, None, reason))?;
        if object.keys().any(|key| !self.keys.contains(key)) {
            return Err(Fault::row(number, None, ProblemCode::TooManyColumns));
        }
        let mut cells = Vec::with_capacity(self.keys.len());
        for (column, key) in self.keys.iter().enumerate() {
            let cell = object.get(key).map_or_else(String::new, shown);
            let problem = if cell.len() > self.max_cell {
                Some(ProblemCode::CellTooLong)
            } else {
                cell.contains('\0').then_some(ProblemCode::NulByte)
            };
            if let Some(reason) = problem {
                return Err(Fault::row(number, Some(column), reason));
            }
            cells.push(Text::from(cell));
        }
        Ok(RawRow { number, cells })
    }
}

/// A value as a cell shows it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl RawRows for JsonRows {
    fn next_raw(&mut self) -> Option<Result<RawRow, Fault>> {
        if let Some(row) = self.ahead.pop_front() {
            return Some(row);
        }
        if self.done {
            return None;
        }
        match self.line() {
            Ok(Some(line)) => Some(self.row(self.number, line)),
            Ok(None) => {
                self.done = true;
                None
            }
            Err(error) => {
                self.done = true;
                Some(Err(Fault::end(self.number + 1, error)))
            }
        }
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
        true
    }

    fn columns_are_stated(&self) -> bool {
        true
    }
}

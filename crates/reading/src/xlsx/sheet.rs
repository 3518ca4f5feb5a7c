//! One worksheet as rows (ECMA-376 part 1, 18.3).
//!
//! Streams the part: memory holds one row and the shared strings. A cell is shown as a person
//! sees it: numbers by `number`, formulas by the value that was kept with them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use liuhen_document::{ProblemCode, Text};
use quick_xml::events::{BytesStart, Event};

use super::XlsxPart;
use super::package::Part;
use super::strings::RichText;
use super::workbook::Workbook;
use super::xml::{Xml, resolve, unescape};
use crate::number::{NumberError, Shape, is_spoiled, show};
use crate::raw::{Fault, RawRow, RawRows};
use crate::{Limits, ReadError};

/// Rows of a sheet (ECMA-376 leaves it open; every spreadsheet stops here).
const MAX_ROWS: u64 = 1 << 20;

/// Rows of one worksheet.
pub(crate) struct SheetRows {
    xml: Xml,
    workbook: Arc<Workbook>,
    taken: Arc<AtomicU64>,
    packed: u64,
    max_columns: usize,
    max_cell: usize,
    max_row: usize,
    /// The last row's number.
    number: u64,
    done: bool,
    cell: Cell,
}

/// What is known of the cell being read.
#[derive(Default)]
struct Cell {
    column: usize,
    sort: Sort,
    style: usize,
    /// The text of `v`, or of `is`.
    value: String,
    inline: RichText,
}

/// The type of a cell, by its attribute `t`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Sort {
    #[default]
    Number,
    Shared,
    Inline,
    Formula,
    Bool,
    Error,
    Date,
}

/// A row as far as it has been read.
#[derive(Default)]
struct Draft {
    cells: Vec<Text>,
    bytes: usize,
    fault: Option<(Option<usize>, ProblemCode)>,
    /// The column after the last cell.
    next: usize,
}

impl SheetRows {
    /// Begins at the part's start.
    pub(crate) fn new(part: Part, workbook: Arc<Workbook>, limits: &Limits) -> Self {
        let (taken, packed) = part.progress();
        Self {
            xml: Xml::new(part, XlsxPart::Sheet, limits.max_row_bytes),
            workbook,
            taken,
            packed,
            max_columns: limits.max_columns,
            max_cell: limits.max_cell_bytes,
            max_row: limits.max_row_bytes,
            number: 0,
            done: false,
            cell: Cell::default(),
        }
    }

    /// Reads on to the next row; nothing when the part has ended.
    fn row(&mut self) -> Result<Option<Result<RawRow, Fault>>, ReadError> {
        while let Some(event) = self.xml.next()? {
            let Event::Start(e) = event else { continue };
            if e.local_name().as_ref() != "row" {
                continue;
            }
            let stated = raw_attribute(&e, "r").and_then(|r| r.parse::<u64>().ok());
            let number = stated.unwrap_or(self.number + 1);
            if number > MAX_ROWS || self.number >= MAX_ROWS {
                return Err(self.xml.malformed());
            }
            // A row that goes back would be a row twice: it keeps its place in the file.
            let disordered = number <= self.number;
            self.number = if disordered { self.number + 1 } else { number };
            let mut draft = Draft::default();
            if disordered {
                draft.fault = Some((None, ProblemCode::Malformed));
            }
            self.cells(&mut draft)?;
            let number = self.number;
            return Ok(Some(match draft.fault {
                None => Ok(RawRow {
                    number,
                    cells: draft.cells,
                }),
                Some((column, reason)) => Err(Fault::row(number, column, reason)),
            }));
        }
        Ok(None)
    }

    /// Reads the cells of a row up to its end tag.
    fn cells(&mut self, draft: &mut Draft) -> Result<(), ReadError> {
        loop {
            match self.xml.next()? {
                None => return Err(self.xml.malformed()),
                Some(Event::Start(e)) if e.local_name().as_ref() == "c" => {
                    self.cell.begin(&e, draft);
                    self.content(draft)?;
                    self.keep(draft);
                }
                Some(Event::End(e)) if e.local_name().as_ref() == "row" => return Ok(()),
                Some(_) => {}
            }
        }
    }

    /// Reads the content of a cell up to its end tag.
    fn content(&mut self, draft: &mut Draft) -> Result<(), ReadError> {
        let (mut in_value, mut in_inline) = (false, false);
        loop {
            let Some(event) = self.xml.next()? else {
                return Err(self.xml.malformed());
            };
            let cell = &mut self.cell;
            match &event {
                Event::Start(e) if !in_inline && e.local_name().as_ref() == "v" => in_value = true,
                Event::Start(e) if e.local_name().as_ref() == "is" => in_inline = true,
                Event::End(e) => match e.local_name().as_ref() {
                    "c" => return Ok(()),
                    "v" => in_value = false,
                    "is" => in_inline = false,
                    _ => drop(cell.inline.take(&event)),
                },
                event if in_inline => match cell.inline.take(event) {
                    true => {}
                    false => draft.refuse(Some(cell.column), ProblemCode::Malformed),
                },
                Event::Text(text) if in_value => cell.value.push_str(&text.xml10_content()),
                Event::CData(text) if in_value => cell.value.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) if in_value => match resolve(reference) {
                    Some(c) => cell.value.push(c),
                    None => draft.refuse(Some(cell.column), ProblemCode::Malformed),
                },
                _ => {}
            }
            if cell.value.len().max(cell.inline.text.len()) > self.max_cell {
                cell.value.clear();
                cell.inline.text.clear();
                draft.refuse(Some(cell.column), ProblemCode::CellTooLong);
            }
        }
    }

    /// Puts the cell just read into its row.
    fn keep(&self, draft: &mut Draft) {
        let column = self.cell.column;
        draft.next = column.saturating_add(1);
        if draft.fault.is_some() {
            return;
        }
        match self.cell.shown(&self.workbook) {
            Err(reason) => draft.refuse(Some(column), reason),
            Ok(text) if text.is_empty() => {}
            Ok(_) if column >= self.max_columns => draft.refuse(None, ProblemCode::TooManyColumns),
            // A cell before the last one: two cells claim one place, or the order is broken.
            Ok(_) if column < draft.cells.len() => {
                draft.refuse(Some(column), ProblemCode::Malformed)
            }
            Ok(text) => {
                draft.bytes += text.len();
                if draft.bytes > self.max_row {
                    return draft.refuse(None, ProblemCode::RowTooLong);
                }
                draft.cells.resize(column, Text::default());
                draft.cells.push(Text::from(text));
            }
        }
    }
}

impl Draft {
    /// The first fault is the one reported.
    fn refuse(&mut self, column: Option<usize>, reason: ProblemCode) {
        if self.fault.is_none() {
            self.fault = Some((column, reason));
            self.cells = Vec::new();
        }
    }
}

impl Cell {
    fn begin(&mut self, element: &BytesStart<'_>, draft: &mut Draft) {
        self.value.clear();
        self.inline.clear();
        self.style = 0;
        self.sort = Sort::Number;
        self.column = draft.next;
        for attribute in element.attributes().with_checks(false).flatten() {
            let value = attribute.value.as_ref();
            match attribute.key.as_ref() {
                "r" => match column_of(value) {
                    Some(column) => self.column = column,
                    None => draft.refuse(None, ProblemCode::Malformed),
                },
                "s" => self.style = value.parse().unwrap_or(0),
                "t" => match Sort::parse(value) {
                    Some(sort) => self.sort = sort,
                    None => draft.refuse(Some(self.column), ProblemCode::Malformed),
                },
                _ => {}
            }
        }
    }

    /// The cell as a person sees it.
    fn shown(&self, workbook: &Workbook) -> Result<String, ProblemCode> {
        let value = &self.value;
        match self.sort {
            Sort::Inline => checked(&unescape(&self.inline.text)),
            Sort::Formula => checked(&unescape(value)),
            Sort::Shared if value.is_empty() => Ok(String::new()),
            Sort::Shared => {
                let index = value
                    .trim_ascii()
                    .parse()
                    .map_err(|_| ProblemCode::Malformed)?;
                checked(workbook.strings.get(index).ok_or(ProblemCode::Malformed)?)
            }
            Sort::Error if value.is_empty() => Ok(String::new()),
            Sort::Error => Err(ProblemCode::FormulaError),
            Sort::Bool => Ok(match value.trim_ascii() {
                "1" | "true" => "TRUE".to_owned(),
                "0" | "false" => "FALSE".to_owned(),
                "" => String::new(),
                _ => return Err(ProblemCode::Malformed),
            }),
            Sort::Date => Ok(value.trim_ascii().to_owned()),
            Sort::Number if value.trim_ascii().is_empty() => Ok(String::new()),
            Sort::Number => {
                let shape = workbook
                    .shapes
                    .get(self.style)
                    .copied()
                    .unwrap_or(Shape::Plain);
                show(value, shape, workbook.from_1904).map_err(|error| match error {
                    NumberError::Spoiled => ProblemCode::PrecisionLost,
                    NumberError::Malformed => ProblemCode::Malformed,
                })
            }
        }
    }
}

/// Text of a cell, refused for what `text` refuses too.
fn checked(text: &str) -> Result<String, ProblemCode> {
    if text.contains('\0') {
        return Err(ProblemCode::NulByte);
    }
    if is_spoiled(text) {
        return Err(ProblemCode::PrecisionLost);
    }
    Ok(text.to_owned())
}

impl Sort {
    fn parse(t: &str) -> Option<Self> {
        Some(match t {
            "n" => Self::Number,
            "s" => Self::Shared,
            "inlineStr" => Self::Inline,
            "str" => Self::Formula,
            "b" => Self::Bool,
            "e" => Self::Error,
            "d" => Self::Date,
            _ => return None,
        })
    }
}

/// An attribute of plain ASCII, as it stands.
fn raw_attribute<'e>(element: &'e BytesStart<'_>, name: &str) -> Option<std::borrow::Cow<'e, str>> {
    let mut attributes = element.attributes();
    let found = attributes
        .with_checks(false)
        .flatten()
        .find(|a| a.key.as_ref() == name);
    found.map(|attribute| attribute.value)
}

/// The column of a reference such as `AB12`, counted from 0.
fn column_of(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    // Seven letters are past any bound and still no overflow.
    let column = letters.take(7).fold(0usize, |column, letter| {
        column * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1
    });
    column.checked_sub(1)
}

/// The name of a column, as a spreadsheet letters it: 0 is `A`, 26 is `AA`.
pub(crate) fn letters_of(column: usize) -> String {
    let mut letters = Vec::new();
    let mut left = column + 1;
    while left > 0 {
        let digit = u8::try_from((left - 1) % 26).unwrap_or(0);
        letters.push(char::from(b'A' + digit));
        left = (left - 1) / 26;
    }
    letters.iter().rev().collect()
}

impl RawRows for SheetRows {
    fn next_raw(&mut self) -> Option<Result<RawRow, Fault>> {
        if self.done {
            return None;
        }
        match self.row() {
            Ok(Some(row)) => Some(row),
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
            self.packed
        } else {
            self.taken.load(Ordering::Relaxed)
        };
        (taken.min(self.packed), self.packed)
    }

    fn cells_are_placed(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn columns_by_letters() {
        let rows = [
            ("A1", Some(0)),
            ("Z9", Some(25)),
            ("AA10", Some(26)),
            ("XFD1048576", Some(16_383)),
            ("bc2", Some(54)),
            ("12", None),
            ("", None),
        ];
        for (reference, expected) in rows {
            assert_eq!(column_of(reference), expected, "{reference}");
        }
    }

    proptest! {
        #[test]
        fn letters_and_columns_undo_each_other(column in 0usize..1_000_000) {
            prop_assert_eq!(column_of(&letters_of(column)), Some(column));
        }
    }
}

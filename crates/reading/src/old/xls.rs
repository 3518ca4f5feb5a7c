//! Workbooks of before 2007 (MS-XLS), and ET, which is the same, by `calamine`.
//!
//! The library holds every sheet as a full rectangle, which a file of a few kilobytes can make as
//! large as memory; so the rectangles are measured first, by the cells' own records, and a workbook
//! past the bound is refused.

use std::collections::VecDeque;

use calamine::{Data, Range, Reader as _, Xls};
use liuhen_document::{ProblemCode, Text};

use super::{Compound, stream, u16_at};
use crate::raw::RawRow;
use crate::source::{Blob, Section};
use crate::unpack::{Flow, Step};
use crate::{Limits, ReadError};

/// Bytes that the library takes for a cell, twice over while a sheet is made.
const CELL: usize = 2 * size_of::<Data>();

/// A workbook being read.
pub(super) struct Workbook {
    names: VecDeque<String>,
    workbook: Xls<Section>,
    sheet: Option<Range<Data>>,
    at: usize,
}

impl Workbook {
    pub(super) fn open(
        file: &mut Compound,
        blob: &Blob,
        limits: &Limits,
    ) -> Result<Self, ReadError> {
        let path = ["/Workbook", "/Book"]
            .into_iter()
            .find(|path| file.is_stream(path));
        let records = stream(file, path.unwrap_or("/Workbook"), limits)?;
        let cells = cells(&records)?;
        let limit = limits.max_memory_bytes;
        // The library reads the whole file and its strings beside the cells.
        let needed = cells
            .saturating_mul(CELL)
            .saturating_add(records.len().saturating_mul(3));
        drop(records);
        if needed > limit {
            return Err(ReadError::TooMuchMemory { limit });
        }
        let workbook = Xls::new(blob.open()).map_err(|error| match error {
            calamine::XlsError::Password => ReadError::Encrypted,
            _ => ReadError::MalformedArchive,
        })?;
        Ok(Self {
            names: workbook.sheet_names().into(),
            workbook,
            sheet: None,
            at: 0,
        })
    }
}

/// Cells of all sheets, each counted as the rectangle around what it holds.
fn cells(records: &[u8]) -> Result<usize, ReadError> {
    let mut total = 0usize;
    let mut reach: Option<(usize, usize)> = None;
    let mut at = 0;
    while let (Some(id), Some(length)) = (u16_at(records, at), u16_at(records, at + 2)) {
        let body = records.get(at + 4..).unwrap_or_default();
        match id {
            // FILEPASS: encrypted (MS-XLS, section 2.4.117).
            0x002F => return Err(ReadError::Encrypted),
            // EOF of a sheet.
            0x000A => {
                total = total.saturating_add(reach.take().map_or(0, |(y, x)| (y + 1) * (x + 1)))
            }
            // Cells: formula, blanks, numbers, labels, truth values and runs of them.
            0x0006
            | 0x0201
            | 0x0203
            | 0x0204
            | 0x0205
            | 0x00FD
            | 0x027E
            | 0x00BD
            | 0x00BE
            | 0x00D6
            | 0x0001..=0x0005 => {
                let (y, x) = (u16_at(body, 0).unwrap_or(0), u16_at(body, 2).unwrap_or(0));
                // A run states its last column at its end.
                let last = match id {
                    0x00BD | 0x00BE => {
                        u16_at(body, usize::from(length).saturating_sub(2)).unwrap_or(x)
                    }
                    _ => x,
                };
                let (most_y, most_x) = reach.unwrap_or((0, 0));
                reach = Some((
                    most_y.max(usize::from(y)),
                    most_x.max(usize::from(x.max(last))),
                ));
            }
            _ => {}
        }
        at += 4 + usize::from(length);
    }
    Ok(total.saturating_add(reach.map_or(0, |(y, x)| (y + 1) * (x + 1))))
}

/// A cell as text; nothing when the workbook itself has rounded it.
fn shown(cell: &Data) -> Option<String> {
    Some(match cell {
        Data::Int(number) => number.to_string(),
        // A double holds fifteen digits; a longer whole number was longer before it was stored.
        Data::Float(number) if number.abs() >= 1e15 && number.fract() == 0.0 => return None,
        Data::Float(number) => number.to_string(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Bool(truth) => truth.to_string().to_uppercase(),
        Data::DateTime(time) => {
            let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
            let date = format!("{year:04}-{month:02}-{day:02}");
            match (hour, minute, second) {
                (0, 0, 0) => date,
                _ => format!("{date} {hour:02}:{minute:02}:{second:02}"),
            }
        }
        Data::Error(_) | Data::Empty => String::new(),
    })
}

impl Flow for Workbook {
    fn step(&mut self) -> Result<Option<Step>, ReadError> {
        if let Some(sheet) = &self.sheet {
            let (top, left) = sheet.start().unwrap_or((0, 0));
            if self.at < sheet.height() {
                let y = self.at;
                self.at += 1;
                let number = u64::from(top) + y as u64 + 1;
                let mut cells: Vec<Text> = (0..left).map(|_| Text::default()).collect();
                for x in 0..sheet.width() {
                    let Some(cell) = sheet.get((y, x)).map_or(Some(String::new()), shown) else {
                        return Ok(Some(Step::Spoiled(number, ProblemCode::PrecisionLost)));
                    };
                    cells.push(Text::from(cell));
                }
                return Ok(Some(Step::Row(RawRow { number, cells })));
            }
            self.sheet = None;
        }
        let Some(name) = self.names.pop_front() else {
            return Ok(None);
        };
        self.at = 0;
        let sheet = self.workbook.worksheet_range(&name);
        self.sheet = Some(sheet.map_err(|_| ReadError::MalformedArchive)?);
        Ok(Some(Step::Table {
            name: Some(name),
            columns: None,
            placed: true,
        }))
    }
}

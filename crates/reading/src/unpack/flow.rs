//! A document as steps: a table begins, a row, a text; and the steps as parts for a listener.
//!
//! A reader of a format implements [`Flow`] and nothing more. Its rows become a [`Table`] with all
//! that belongs to one, its text becomes UTF-8 that is pulled as it is read.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use liuhen_document::{Locator, ProblemCode, Text};

use super::{Content, TextPart, Walker, guarded};
use crate::raw::{Fault, RawRow, RawRows};
use crate::table::Opened;
use crate::{Format, HeaderChoice, Nature, ReadError, Table};

/// What comes next in a document.
#[derive(Debug)]
pub(crate) enum Step {
    /// A table begins.
    Table {
        /// What it is called, where it has a name.
        name: Option<String>,
        /// The names of its columns, where the format states them; they count as row 1. None at all
        /// where it is known that no row holds them.
        columns: Option<Vec<String>>,
        /// Whether a cell's column is stated, so that rows may differ in width.
        placed: bool,
    },
    /// A row of the table that began last.
    Row(RawRow),
    /// A row that could not be read.
    Spoiled(u64, ProblemCode),
    /// Text from here on lies at another place: a slide, a chapter, a message.
    Section(String),
    /// Text.
    Text(String),
}

/// A document being read.
pub(crate) trait Flow: Send {
    /// The next step, or nothing more; after an error, nothing more.
    fn step(&mut self) -> Result<Option<Step>, ReadError>;
}

/// Text that is at hand.
pub(crate) struct Texts(std::vec::IntoIter<String>);

impl Texts {
    pub(crate) fn new(texts: Vec<String>) -> Self {
        Self(texts.into_iter())
    }
}

impl Flow for Texts {
    fn step(&mut self) -> Result<Option<Step>, ReadError> {
        Ok(self.0.next().map(Step::Text))
    }
}

/// Steps shared by the parts they become.
struct Steps {
    flow: Box<dyn Flow>,
    /// The step that comes next, when it was looked at already.
    next: Option<Step>,
    ended: bool,
    failure: Option<ReadError>,
}

impl Steps {
    fn peek(&mut self) -> Option<&Step> {
        if self.next.is_none() && !self.ended {
            let flow = &mut self.flow;
            match guarded(|| flow.step()) {
                Ok(next) => {
                    self.ended = next.is_none();
                    self.next = next;
                }
                Err(error) => {
                    self.ended = true;
                    self.failure = Some(error);
                }
            }
        }
        self.next.as_ref()
    }

    fn take(&mut self) -> Option<Step> {
        self.peek();
        self.next.take()
    }
}

#[derive(Clone)]
struct Cursor(Arc<Mutex<Steps>>);

impl Cursor {
    fn steps(&self) -> MutexGuard<'_, Steps> {
        // Panics are caught beneath the lock, and a step is taken whole or not at all.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rows of the table that began last.
struct FlowRows {
    cursor: Cursor,
    columns: Option<Vec<String>>,
    stated: bool,
    placed: bool,
    number: u64,
}

impl RawRows for FlowRows {
    fn next_raw(&mut self) -> Option<Result<RawRow, Fault>> {
        if let Some(columns) = self.columns.take().filter(|columns| !columns.is_empty()) {
            let cells = columns.into_iter().map(Text::from).collect();
            return Some(Ok(RawRow { number: 1, cells }));
        }
        let mut steps = self.cursor.steps();
        let step = match steps.peek() {
            Some(Step::Row(_) | Step::Spoiled(..)) => steps.take(),
            Some(_) => return None,
            None => {
                let error = steps.failure.take()?;
                return Some(Err(Fault::end(self.number + 1, error)));
            }
        };
        match step? {
            Step::Row(row) => {
                self.number = row.number;
                Some(Ok(row))
            }
            Step::Spoiled(number, reason) => {
                self.number = number;
                Some(Err(Fault::row(number, None, reason)))
            }
            _ => None,
        }
    }

    fn progress(&self) -> (u64, u64) {
        (0, 0)
    }

    fn cells_are_placed(&self) -> bool {
        self.placed
    }

    fn columns_are_stated(&self) -> bool {
        self.stated
    }
}

/// The text up to the next table or section.
struct FlowText {
    cursor: Cursor,
    piece: Vec<u8>,
    at: usize,
}

impl Read for FlowText {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            let mut steps = self.cursor.steps();
            if !matches!(steps.peek(), Some(Step::Text(_))) {
                return steps
                    .failure
                    .take()
                    .map_or(Ok(0), |error| Err(error.into()));
            }
            if let Some(Step::Text(text)) = steps.take() {
                self.piece = text.into_bytes();
                self.at = 0;
            }
        }
        let n = buffer.len().min(self.piece.len() - self.at);
        buffer[..n].copy_from_slice(&self.piece[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

impl Walker<'_> {
    /// Hands out everything that a document holds.
    pub(crate) fn flow(
        &mut self,
        place: &Locator,
        name: &str,
        format: &'static str,
        flow: Box<dyn Flow>,
    ) -> ControlFlow<()> {
        let cursor = Cursor(Arc::new(Mutex::new(Steps {
            flow,
            next: None,
            ended: false,
            failure: None,
        })));
        let mut here = place.clone();
        loop {
            let text = match cursor.steps().peek() {
                None => break,
                Some(Step::Text(_)) => true,
                Some(_) => false,
            };
            if text {
                self.flowing_text(&here, name, &cursor)?;
                continue;
            }
            let step = cursor.steps().take();
            match step {
                Some(Step::Section(name)) => here = place.clone().in_sheet(name),
                Some(Step::Table {
                    name,
                    columns,
                    placed,
                }) => {
                    let place = match name {
                        Some(name) => place.clone().in_sheet(name),
                        None => here.clone(),
                    };
                    let rows = FlowRows {
                        cursor: cursor.clone(),
                        stated: columns.is_some(),
                        columns,
                        placed,
                        number: 0,
                    };
                    self.flowing_table(&place, format, rows)?;
                }
                // Rows of a table that nobody wanted to the end.
                _ => {}
            }
        }
        let failure = cursor.steps().failure.take();
        failure.map_or(ControlFlow::Continue(()), |error| self.unread(place, error))
    }

    fn flowing_text(&mut self, place: &Locator, name: &str, cursor: &Cursor) -> ControlFlow<()> {
        let rest = FlowText {
            cursor: cursor.clone(),
            piece: Vec::new(),
            at: 0,
        };
        let part = TextPart {
            nature: Nature::Text,
            made: true,
            name: name.to_owned(),
            head: Vec::new(),
            rest: Box::new(rest),
            blob: None,
            budget: self.budget.limits.max_unpacked_bytes,
        };
        let told = self.tell(place, Content::Text(part));
        // What the listener left is passed over, so that the next part begins where it should.
        let mut steps = cursor.steps();
        while matches!(steps.peek(), Some(Step::Text(_))) {
            steps.take();
        }
        told
    }

    fn flowing_table(
        &mut self,
        place: &Locator,
        format: &'static str,
        rows: FlowRows,
    ) -> ControlFlow<()> {
        let header = match &rows.columns {
            Some(columns) if columns.is_empty() => HeaderChoice::None,
            Some(_) => HeaderChoice::FirstRow,
            None => HeaderChoice::Auto,
        };
        let cursor = rows.cursor.clone();
        let opened = Opened {
            name: place.file.clone(),
            format: Format::Other(format),
            workbook: None,
            sheet: None,
            rows: Box::new(rows),
        };
        let told = match Table::new(opened, header, &self.budget.limits) {
            Ok(mut table) => {
                table.lies_at(place);
                self.tell(place, Content::Table(&mut table))
            }
            Err(ReadError::Empty) => ControlFlow::Continue(()),
            Err(error) => self.unread(place, error),
        };
        let mut steps = cursor.steps();
        while matches!(steps.peek(), Some(Step::Row(_) | Step::Spoiled(..))) {
            steps.take();
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unpack::Wishes;
    use liuhen_document::TableSource as _;

    struct Given(std::vec::IntoIter<Result<Step, ReadError>>);

    impl Flow for Given {
        fn step(&mut self) -> Result<Option<Step>, ReadError> {
            self.0.next().transpose()
        }
    }

    fn row(number: u64, cells: &[&str]) -> Result<Step, ReadError> {
        let cells = cells.iter().map(|cell| Text::from(*cell)).collect();
        Ok(Step::Row(RawRow { number, cells }))
    }

    fn table(columns: &[&str]) -> Result<Step, ReadError> {
        Ok(Step::Table {
            name: Some("t".into()),
            columns: Some(columns.iter().map(|&c| c.to_owned()).collect()),
            placed: false,
        })
    }

    #[test]
    fn steps_become_parts_and_an_end_is_told() {
        let steps = vec![
            Ok(Step::Text("一".into())),
            Ok(Step::Text("二".into())),
            table(&["a", "b"]),
            row(2, &["1", "2"]),
            Ok(Step::Spoiled(3, ProblemCode::Malformed)),
            Ok(Step::Section("s".into())),
            Ok(Step::Text("三".into())),
            table(&["c"]),
            row(2, &["3"]),
            Err(ReadError::Damaged { offset: 9 }),
        ];
        let mut seen = Vec::new();
        let wishes = Wishes::default();
        let mut tell = |part: crate::Part<'_>| {
            seen.push(part.place.to_string());
            match part.content {
                Content::Text(text) => {
                    let mut all = String::new();
                    text.into_reader().read_to_string(&mut all).unwrap();
                    seen.push(all);
                }
                Content::Table(table) => {
                    seen.push(table.header().0.join("|"));
                    while let Some(row) = table.next_row() {
                        seen.push(match row {
                            Ok(row) => format!("{}:{}", row.number, row.cell(0)),
                            Err(problem) => problem.to_string(),
                        });
                    }
                    assert_eq!(table.failure().is_some(), table.header().len() == 1);
                }
                other => seen.push(format!("{other:?}")),
            }
            ControlFlow::Continue(())
        };
        let mut walker = Walker::new(&wishes, 1, &mut tell);
        let place = Locator::file("f");
        let flow = Box::new(Given(steps.into_iter()));
        assert!(walker.flow(&place, "f", "X", flow).is_continue());
        let expected = [
            "f",
            "一二",
            "f / t",
            "a|b",
            "2:1",
            "f / t, row 3: malformed",
            "f / s",
            "三",
            "f / t",
            "c",
            "2:3",
            "f / t, row 3: malformed",
        ];
        assert_eq!(seen, expected);
    }
}

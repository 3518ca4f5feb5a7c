//! Paragraphs and tables out of elements, whatever markup they come in.
//!
//! A table within a table is text of the cell it stands in. An element that is never closed ends
//! where the next of its sort begins, as in pages of HTML.

use std::collections::VecDeque;

use liuhen_document::{ProblemCode, Text};

use crate::Limits;
use crate::raw::RawRow;
use crate::unpack::Step;

/// Text of a paragraph that never ends is handed out in pieces of so many bytes.
const PIECE: usize = 64 << 10;

/// What the names of elements mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vocabulary {
    /// WordprocessingML and DrawingML (ECMA-376 part 1).
    Office,
    /// OpenDocument 1.3, part 3.
    OpenDocument,
    /// HTML and XHTML.
    Page,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Table,
    Row,
    Cell,
    Paragraph,
    /// The only elements whose text counts, in markup that has them.
    Text,
    Tab,
    Break,
    Blanks,
    Skip,
    None,
}

impl Vocabulary {
    fn role(self, name: &str) -> Role {
        match (self, name) {
            (Self::Office, "tbl") => Role::Table,
            (Self::Office, "tr") => Role::Row,
            (Self::Office, "tc") => Role::Cell,
            (Self::Office, "p") => Role::Paragraph,
            (Self::Office, "t" | "delText" | "text") => Role::Text,
            (Self::Office, "tab") => Role::Tab,
            (Self::Office, "br" | "cr") => Role::Break,
            // What stands for readers that do not know the newer form repeats it.
            (Self::Office, "Fallback") => Role::Skip,
            (Self::OpenDocument, "table") => Role::Table,
            (Self::OpenDocument, "table-row") => Role::Row,
            (Self::OpenDocument, "table-cell" | "covered-table-cell") => Role::Cell,
            (Self::OpenDocument, "p" | "h") => Role::Paragraph,
            (Self::OpenDocument, "tab") => Role::Tab,
            (Self::OpenDocument, "line-break") => Role::Break,
            (Self::OpenDocument, "s") => Role::Blanks,
            (Self::OpenDocument, "automatic-styles" | "font-face-decls" | "scripts") => Role::Skip,
            (Self::Page, "table") => Role::Table,
            (Self::Page, "tr") => Role::Row,
            (Self::Page, "td" | "th") => Role::Cell,
            (
                Self::Page,
                "p" | "div" | "li" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "dt" | "dd"
                | "title" | "section" | "article" | "pre" | "option" | "tbody" | "thead" | "ul"
                | "ol",
            ) => Role::Paragraph,
            (Self::Page, "br") => Role::Break,
            (Self::Page, "script" | "style") => Role::Skip,
            _ => Role::None,
        }
    }
}

/// A row being read.
#[derive(Default)]
struct Line {
    cells: Vec<Text>,
    cell: Option<String>,
    /// How many columns the cell stands for, and rows the row.
    columns: usize,
    rows: u64,
    spoiled: Option<ProblemCode>,
}

/// Elements and text come in, steps go out.
pub(super) struct Blocks {
    vocabulary: Vocabulary,
    max_cell: usize,
    max_row: usize,
    max_columns: usize,
    tables: usize,
    skipped: usize,
    texts: usize,
    line: Option<Line>,
    number: u64,
    text: String,
    out: VecDeque<Step>,
}

impl Blocks {
    pub(super) fn new(vocabulary: Vocabulary, limits: &Limits) -> Self {
        Self {
            vocabulary,
            max_cell: limits.max_cell_bytes,
            max_row: limits.max_row_bytes,
            max_columns: limits.max_columns,
            tables: 0,
            skipped: 0,
            texts: 0,
            line: None,
            number: 0,
            text: String::new(),
            out: VecDeque::new(),
        }
    }

    /// The next step that is whole.
    pub(super) fn step(&mut self) -> Option<Step> {
        self.out.pop_front()
    }

    /// Begins another part of the document.
    pub(super) fn section(&mut self, name: Option<String>) {
        self.finish();
        self.out.extend(name.map(Step::Section));
    }

    /// Ends whatever is open.
    pub(super) fn finish(&mut self) {
        self.end_row();
        self.flush(false);
        (self.tables, self.skipped, self.texts) = (0, 0, 0);
    }

    pub(super) fn start(&mut self, name: &str, attribute: &dyn Fn(&str) -> Option<String>) {
        let role = self.vocabulary.role(name);
        if self.skipped > 0 || role == Role::Skip {
            self.skipped += usize::from(role == Role::Skip);
            return;
        }
        match role {
            Role::Table => {
                self.tables += 1;
                if self.tables == 1 {
                    self.flush(false);
                    self.number = 0;
                    self.out.push_back(Step::Table {
                        name: attribute("name")
                            .filter(|_| self.vocabulary == Vocabulary::OpenDocument),
                        columns: None,
                        placed: true,
                    });
                }
            }
            Role::Row if self.tables == 1 => {
                self.end_row();
                let rows = repeated(attribute("number-rows-repeated"));
                self.line = Some(Line {
                    rows,
                    ..Line::default()
                });
            }
            Role::Cell if self.tables == 1 => {
                self.end_cell();
                let columns = repeated(attribute("number-columns-repeated"));
                let line = self.line.get_or_insert_default();
                line.columns = usize::try_from(columns).unwrap_or(usize::MAX);
                line.cell = Some(String::new());
            }
            Role::Text => self.texts += 1,
            // Between the paragraphs of OpenDocument stands layout only.
            Role::Paragraph if self.vocabulary == Vocabulary::OpenDocument => self.texts += 1,
            Role::Tab => self.add("\t"),
            Role::Break => self.add("\n"),
            Role::Blanks => {
                let count = repeated(attribute("c")).min(1_000);
                self.add(&" ".repeat(usize::try_from(count).unwrap_or(1)));
            }
            // The next paragraph ends one that was never closed.
            Role::Paragraph if self.vocabulary == Vocabulary::Page => self.end_paragraph(),
            _ => {}
        }
    }

    pub(super) fn end(&mut self, name: &str) {
        let role = self.vocabulary.role(name);
        if self.skipped > 0 {
            self.skipped -= usize::from(role == Role::Skip);
            return;
        }
        match role {
            Role::Table => {
                if self.tables == 1 {
                    self.end_row();
                }
                self.tables = self.tables.saturating_sub(1);
            }
            Role::Row if self.tables == 1 => self.end_row(),
            Role::Cell if self.tables == 1 => self.end_cell(),
            Role::Row | Role::Paragraph => {
                if role == Role::Paragraph && self.vocabulary == Vocabulary::OpenDocument {
                    self.texts = self.texts.saturating_sub(1);
                }
                self.end_paragraph();
            }
            Role::Cell => self.add("\t"),
            Role::Text => self.texts = self.texts.saturating_sub(1),
            _ => {}
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        let counts = self.vocabulary == Vocabulary::Page || self.texts > 0;
        if counts && self.skipped == 0 {
            self.add(text);
        }
    }

    fn add(&mut self, text: &str) {
        let cell = self.line.as_mut().filter(|_| self.tables > 0);
        match cell {
            Some(line) => {
                let Some(cell) = &mut line.cell else { return };
                if cell.len() + text.len() > self.max_cell {
                    line.spoiled = Some(ProblemCode::CellTooLong);
                } else {
                    cell.push_str(text);
                }
            }
            // Text between the rows of a table is layout.
            None if self.tables > 0 => {}
            None => {
                self.text.push_str(text);
                self.flush(true);
            }
        }
    }

    fn end_paragraph(&mut self) {
        match &mut self.line {
            Some(Line {
                cell: Some(cell), ..
            }) if self.tables > 0 => {
                if !cell.is_empty() && !cell.ends_with('\n') {
                    cell.push('\n');
                }
            }
            Some(_) => {}
            None if self.tables > 0 => {}
            None => {
                if !self.text.is_empty() && !self.text.ends_with('\n') {
                    self.text.push('\n');
                }
                self.flush(true);
            }
        }
    }

    /// Hands out the text; `only_long` leaves short text to grow.
    fn flush(&mut self, only_long: bool) {
        if !only_long && !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        if !self.text.is_empty() && (!only_long || self.text.len() > PIECE) {
            self.out
                .push_back(Step::Text(std::mem::take(&mut self.text)));
        }
    }

    fn end_cell(&mut self) {
        let Some(line) = &mut self.line else { return };
        let Some(mut cell) = line.cell.take() else {
            return;
        };
        cell.truncate(cell.trim_end_matches('\n').len());
        let spare = cell.is_empty() && line.cells.len() + line.columns > self.max_columns;
        // A sheet's last cell stands for all that follow it, mostly empty ones.
        let columns = if spare { 0 } else { line.columns };
        let size: usize = line.cells.iter().map(|cell| cell.len()).sum();
        if line.cells.len() + columns > self.max_columns {
            line.spoiled = Some(ProblemCode::TooManyColumns);
        } else if size + cell.len() * columns > self.max_row {
            line.spoiled = Some(ProblemCode::RowTooLong);
        } else {
            let cell = Text::from(cell);
            line.cells.extend(std::iter::repeat_n(cell, columns));
        }
    }

    fn end_row(&mut self) {
        self.end_cell();
        let Some(line) = self.line.take() else { return };
        self.number += 1;
        let number = self.number;
        // A row that stands for many is told once: repeating it would be inventing items.
        self.number = self.number.saturating_add(line.rows.saturating_sub(1));
        self.out.push_back(match line.spoiled {
            Some(reason) => Step::Spoiled(number, reason),
            None => Step::Row(RawRow {
                number,
                cells: line.cells,
            }),
        });
    }
}

fn repeated(attribute: Option<String>) -> u64 {
    let stated = attribute.and_then(|count| count.parse().ok());
    stated.unwrap_or(1).max(1)
}

//! Tables, row by row.

use crate::{RowProblem, Text};

/// The words above the columns, in order; empty words where a column has none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header(pub Vec<String>);

impl Header {
    /// How many columns there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no column.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The row within its sheet, from 1, the header included.
    pub number: u64,
    /// Its cells, in the order of the header; may be fewer than the header's.
    pub cells: Vec<Text>,
}

impl Row {
    /// The text of a column, from 0; empty where the row ends early.
    #[must_use]
    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", Text::as_str)
    }
}

/// Whatever yields a table, one row at a time, in bounded memory.
pub trait TableSource {
    /// The words above the columns.
    fn header(&self) -> &Header;

    /// The next row, or what was wrong with it; `None` at the end.
    ///
    /// A problem concerns its row alone: the rows after it are still read.
    fn next_row(&mut self) -> Option<Result<Row, RowProblem>>;
}

/// A table already in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryTable {
    header: Header,
    rows: std::collections::VecDeque<Row>,
}

impl MemoryTable {
    /// A table of these rows.
    #[must_use]
    pub fn new(header: Header, rows: Vec<Row>) -> MemoryTable {
        MemoryTable {
            header,
            rows: rows.into(),
        }
    }
}

impl TableSource for MemoryTable {
    fn header(&self) -> &Header {
        &self.header
    }

    fn next_row(&mut self) -> Option<Result<Row, RowProblem>> {
        self.rows.pop_front().map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_row_has_empty_cells() {
        let row = Row {
            number: 1,
            cells: vec![Text::from("a")],
        };
        assert_eq!((row.cell(0), row.cell(5)), ("a", ""));
    }

    #[test]
    fn rows_come_in_order_and_end() {
        let rows = (1..=3)
            .map(|number| Row {
                number,
                cells: Vec::new(),
            })
            .collect();
        let mut table = MemoryTable::new(Header(vec!["x".into()]), rows);
        assert_eq!(table.header().len(), 1);
        let mut seen = Vec::new();
        while let Some(row) = table.next_row() {
            seen.push(row.unwrap().number);
        }
        assert_eq!(seen, [1, 2, 3]);
    }
}

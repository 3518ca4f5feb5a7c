//! Rows on their way from a reader to a counter: one buffer of text and where its cells end.

use liuhen_kinds::Kind;
use zeroize::Zeroize as _;

/// Bytes after which a batch is full.
const FULL_BYTES: usize = 768 << 10;
/// Rows after which a batch is full.
const FULL_ROWS: usize = 4096;

/// Some rows of one table; wiped when dropped.
#[derive(Default)]
pub struct Batch {
    text: String,
    ends: Vec<u32>,
    rows: Vec<(u64, u32)>,
    faults: Vec<u64>,
    /// What was found in cells of free text, in the order of the rows.
    found: Vec<Found>,
    found_text: String,
}

/// A value that was found in a row's cells.
#[derive(Clone, Copy)]
struct Found {
    /// Which of the batch's rows.
    row: usize,
    kind: Kind,
    start: usize,
    end: usize,
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Batch({} rows)", self.rows.len())
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.text.zeroize();
        self.found_text.zeroize();
    }
}

impl Batch {
    /// Appends a cell to the row under way.
    pub fn cell(&mut self, cell: &str) {
        self.text.push_str(cell);
        // A batch is full long before four gigabytes; a longer cell is cut by the reader's bounds.
        self.ends
            .push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }

    /// Notes a value that was found in the cells of the row under way: it is told of the person as
    /// a cell of its kind would be, and is none of the row's cells.
    pub fn found(&mut self, kind: Kind, text: &str) {
        let start = self.found_text.len();
        self.found_text.push_str(text);
        self.found.push(Found {
            row: self.rows.len(),
            kind,
            start,
            end: self.found_text.len(),
        });
    }

    /// Ends the row under way; `number` is its place in the sheet, from 1.
    pub fn row(&mut self, number: u64) {
        let cells = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.rows.push((number, cells));
    }

    /// Notes a row that could not be read.
    pub fn fault(&mut self, number: u64) {
        self.faults.push(number);
    }

    /// Whether no more rows should be added.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.text.len() + self.found_text.len() >= FULL_BYTES
            || self.rows.len() + self.faults.len() >= FULL_ROWS
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.faults.is_empty()
    }

    /// Forgets its rows and keeps its room.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.rows.clear();
        self.faults.clear();
        self.found.clear();
        self.found_text.clear();
    }

    /// The highest number of its rows, those that could not be read among them; where the number
    /// of such a row is not known (0), it takes the first row's place.
    #[must_use]
    pub(crate) fn last(&self) -> u64 {
        let rows = self.rows.iter().map(|(number, _)| *number);
        let faults = self.faults.iter().map(|number| (*number).max(1));
        rows.chain(faults).max().unwrap_or(0)
    }

    /// The numbers of rows that could not be read.
    #[must_use]
    pub fn faults(&self) -> &[u64] {
        &self.faults
    }

    /// Its rows: number, cells.
    pub fn rows(&self) -> impl Iterator<Item = (u64, Cells<'_>)> {
        let mut first = 0;
        let mut found = self.found.as_slice();
        self.rows
            .iter()
            .enumerate()
            .map(move |(at, &(number, last))| {
                let count = found.iter().take_while(|found| found.row == at).count();
                let (his, others) = found.split_at(count);
                found = others;
                let last = last as usize;
                let start = first.min(last);
                first = last;
                let before = start.checked_sub(1).and_then(|at| self.ends.get(at));
                let cells = Cells {
                    text: &self.text,
                    start: before.copied().unwrap_or(0),
                    ends: self.ends.get(start..last).unwrap_or_default(),
                    found: his,
                    found_text: &self.found_text,
                };
                (number, cells)
            })
    }
}

/// The cells of a row.
#[derive(Clone, Copy)]
pub struct Cells<'a> {
    text: &'a str,
    start: u32,
    ends: &'a [u32],
    found: &'a [Found],
    found_text: &'a str,
}

impl<'a> Cells<'a> {
    /// The text of all of them, one after another.
    pub(crate) fn text(self) -> &'a str {
        let end = self.ends.last().map_or(self.start, |end| *end) as usize;
        self.text.get(self.start as usize..end).unwrap_or("")
    }

    /// What was found in them, which is none of them.
    pub(crate) fn found(self) -> impl Iterator<Item = (Kind, &'a str)> {
        let text = |found: &Found| self.found_text.get(found.start..found.end).unwrap_or("");
        self.found
            .iter()
            .map(move |found| (found.kind, text(found)))
    }

    /// The cells in order.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        let mut start = self.start as usize;
        self.ends.iter().map(move |&end| {
            let cell = self.text.get(start..end as usize).unwrap_or("");
            start = end as usize;
            cell
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_belongs_to_its_row_and_is_no_cell() {
        let mut batch = Batch::default();
        let found: [&[(Kind, &str)]; 4] = [
            &[],
            &[(Kind::MOBILE, "b"), (Kind::QQ, "c")],
            &[],
            &[(Kind::MOBILE, "d")],
        ];
        for (number, found) in (1..).zip(found) {
            batch.cell("a");
            found
                .iter()
                .for_each(|(kind, text)| batch.found(*kind, text));
            batch.row(number);
        }
        for ((_, cells), found) in batch.rows().zip(found) {
            assert_eq!(cells.found().collect::<Vec<_>>(), found);
            assert_eq!((cells.text(), cells.iter().count()), ("a", 1));
        }
        batch.clear();
        batch.row(1);
        assert!(
            batch
                .rows()
                .all(|(_, cells)| cells.found().next().is_none())
        );
    }

    #[test]
    fn a_row_of_unknown_number_has_a_place() {
        let mut batch = Batch::default();
        assert_eq!(batch.last(), 0);
        batch.fault(0);
        assert_eq!(batch.last(), 1, "the table behind begins behind it");
    }

    #[test]
    fn rows_come_back_as_they_went_in() {
        let mut batch = Batch::default();
        let rows: [(u64, &[&str]); 4] = [
            (2, &["甲", "", "b"]),
            (3, &[]),
            (7, &["", ""]),
            (8, &["尾"]),
        ];
        for (number, cells) in rows {
            cells.iter().for_each(|cell| batch.cell(cell));
            batch.row(number);
        }
        batch.fault(9);
        let texts: Vec<&str> = batch.rows().map(|(_, cells)| cells.text()).collect();
        assert_eq!(texts, ["甲b", "", "", "尾"]);
        let back: Vec<(u64, Vec<&str>)> = batch
            .rows()
            .map(|(number, cells)| (number, cells.iter().collect()))
            .collect();
        let expected: Vec<(u64, Vec<&str>)> = rows
            .iter()
            .map(|(number, cells)| (*number, cells.to_vec()))
            .collect();
        assert_eq!((back, batch.faults()), (expected, &[9_u64][..]));
        assert_eq!(format!("{batch:?}"), "Batch(4 rows)");
        batch.clear();
        assert!(batch.is_empty() && batch.rows().next().is_none());
    }
}

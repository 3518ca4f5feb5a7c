//! A sample of a count's rows, and their cells as a person is to see them.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use liuhen_forensics::sample::{Asked, Drawn, Sample};
use liuhen_forensics::{Batch, Exhibits as _, Step, TableHead, Unit, Unread};
use liuhen_kinds::{Kind, Lang, RulePack};

use super::{CountFailure, CountRequest, Counted, Files, count_then};

/// One cell of a row.
#[derive(Clone, PartialEq, Eq)]
pub struct Cell {
    /// The word above it, where there is one.
    pub word: String,
    /// What it was counted as.
    pub kind: Option<Kind>,
    /// What stands in it, masked unless values were asked for.
    pub text: String,
}

/// The cells of a row that are not empty; nothing where it could not be read.
pub type Shown = Vec<Cell>;

/// A sample, and the cells of its rows.
pub struct Drawing {
    /// Places and numbers.
    pub sample: Sample,
    /// By the row's number in the sample: its own cells, and those of the row it repeats.
    pub cells: BTreeMap<u64, (Shown, Shown)>,
}

impl std::fmt::Debug for Drawing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Drawing({} rows)", self.sample.rows.len())
    }
}

/// A row: file, table, number.
type Where = (String, usize, u64);

/// Counts as `request` says and draws a sample of what counts and what does not.
///
/// Cells are shown as they stand when `values` is set, else masked.
///
/// # Errors
///
/// As [`super::count`].
pub fn draw(
    request: &CountRequest<'_>,
    asked: &Asked,
    values: bool,
) -> Result<(Counted, Drawing), CountFailure> {
    count_then(request, None, false, |counted, files| {
        let sample = counted.sample(asked)?;
        let mut wanted: BTreeMap<String, BTreeSet<(usize, u64)>> = BTreeMap::new();
        for (file, table, row) in sample.rows.iter().flat_map(places) {
            wanted.entry(file).or_default().insert((table, row));
        }
        let mut shown = BTreeMap::new();
        for (file, rows) in wanted {
            // A reader that fails on hostile bytes leaves the rows after them without cells.
            let _ = catch_unwind(AssertUnwindSafe(|| {
                read(files, &file, rows, values, &mut shown)
            }));
        }
        let of = |row: &Drawn| {
            let mut all = places(row).map(|place| shown.get(&place).cloned().unwrap_or_default());
            (
                all.next().unwrap_or_default(),
                all.next().unwrap_or_default(),
            )
        };
        let cells = sample.rows.iter().map(|row| (row.n, of(row))).collect();
        Ok(Drawing { sample, cells })
    })
}

/// The row, and the one it repeats.
fn places(row: &Drawn) -> impl Iterator<Item = Where> + '_ {
    let first = row.first.iter();
    let first = first.map(|first| (first.at.file.clone(), first.table, first.at.row));
    std::iter::once((row.at.file.clone(), row.table, row.at.row)).chain(first)
}

/// Reads a file until all the rows wanted of it were met.
fn read(
    files: &Files,
    path: &str,
    mut wanted: BTreeSet<(usize, u64)>,
    values: bool,
    shown: &mut BTreeMap<Where, Shown>,
) -> Result<(), Unread> {
    let unit = Unit {
        path: path.to_owned(),
        bytes: 0,
        changed_ns: 0,
    };
    let mut exhibit = files.open(&unit)?;
    let mut batch = Batch::default();
    let (mut head, mut tables) = (TableHead::default(), 0_usize);
    while !wanted.is_empty() {
        batch.clear();
        let step = exhibit.next(&mut batch);
        let table = tables.saturating_sub(1);
        for number in batch.faults() {
            wanted.remove(&(table, *number));
        }
        for (number, cells) in batch.rows() {
            if wanted.remove(&(table, number)) {
                let cells = cells.iter().enumerate();
                let cells = cells.filter_map(|(at, text)| cell(&head, at, text, values));
                shown.insert((path.to_owned(), table, number), cells.collect());
            }
        }
        match step? {
            Step::Table(next) => {
                head = next;
                tables += 1;
            }
            Step::Rows | Step::Picture(_) | Step::Unread(_) => {}
            Step::End => break,
        }
    }
    Ok(())
}

fn cell(head: &TableHead, at: usize, text: &str, values: bool) -> Option<Cell> {
    let text = text.trim();
    let kind = head.kinds.get(at).copied().flatten();
    let word = head.header.0.get(at).cloned().unwrap_or_default();
    let shown = match kind {
        _ if text.is_empty() => return None,
        _ if values => text.to_owned(),
        Some(kind) => liuhen_detect::mask(kind, text),
        // What is of no known kind may be anything.
        None => "•••".to_owned(),
    };
    Some(Cell {
        word,
        kind,
        text: shown,
    })
}

impl Cell {
    /// What a person reads above the cell: its word, else the kind.
    #[must_use]
    pub fn label(&self, lang: Lang) -> &str {
        match self.kind {
            _ if !self.word.is_empty() => &self.word,
            Some(kind) => RulePack::builtin().label(kind, lang),
            None => "",
        }
    }
}

//! Several forms of one text: a body of mail as a page and as plain text.
//!
//! The richest form is counted as it is. Of the others only rows count that hold a value which no
//! form before them held, so that nobody counts twice and nobody is lost who stands in one only.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use liuhen_forensics::{Batch, TableHead};
use liuhen_reading::Said;

use super::heard::is_text;

/// Values that are kept of a body; of a longer one every row of every form counts.
const VALUES: usize = 1 << 20;

/// What the forms of one text have said so far.
#[derive(Debug, Default)]
pub(super) struct Forms {
    pub(super) said: Said,
    /// Sums of values, keyed by nothing: only their equality is asked, within one message.
    known: HashSet<u64>,
    /// Per column of the table that began last, whether it has a kind.
    kinds: Vec<bool>,
    /// Whether that table is running text, whose last cell is the line itself.
    is_text: bool,
}

impl Forms {
    /// A part begins.
    pub(super) fn part(&mut self, said: Said) {
        if said == Said::Once || (said, self.said) == (Said::First, Said::Again) {
            self.known = HashSet::new();
        }
        self.said = said;
    }

    /// A table begins.
    pub(super) fn head(&mut self, head: &TableHead) {
        self.kinds = head.kinds.iter().map(Option::is_some).collect();
        self.is_text = is_text(head);
    }

    /// Keeps what the rows of the richest form say.
    pub(super) fn learn(&mut self, batch: &Batch) {
        for (_, cells) in batch.rows() {
            for (at, cell) in cells.iter().enumerate() {
                // A table that is cut off from its header has values in columns without a kind.
                if self.kinds.get(at) == Some(&true) || !self.is_text {
                    self.is_new(cell);
                }
            }
        }
    }

    /// The rows that say something new.
    pub(super) fn unsaid(&mut self, batch: &Batch, mut kept: Batch) -> Batch {
        for (number, cells) in batch.rows() {
            let mut new = self.known.len() >= VALUES;
            for (at, cell) in cells.iter().enumerate() {
                new |= self.kinds.get(at) == Some(&true) && self.is_new(cell);
            }
            if new {
                cells.iter().for_each(|cell| kept.cell(cell));
                kept.row(number);
            }
        }
        batch.faults().iter().for_each(|number| kept.fault(*number));
        kept
    }

    /// Whether a value was not met before; it is from here on. Spaces do not matter.
    fn is_new(&mut self, cell: &str) -> bool {
        let mut sum = DefaultHasher::new();
        let mut blank = true;
        for c in cell.chars().filter(|c| !c.is_whitespace()) {
            c.hash(&mut sum);
            blank = false;
        }
        !blank && self.known.len() < VALUES && self.known.insert(sum.finish())
    }
}

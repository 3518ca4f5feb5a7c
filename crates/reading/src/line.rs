//! A row in one buffer: the cells of a row one after another, and where each lies.
//!
//! For whoever reads millions of rows and keeps none: nothing is allocated for a row.

use zeroize::Zeroize as _;

/// The cells of one row; wiped when dropped, used again for the next.
#[derive(Default)]
pub struct Line {
    pub(crate) text: String,
    pub(crate) spans: Vec<(usize, usize)>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Line({} cells)", self.spans.len())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.text.zeroize();
    }
}

impl Line {
    /// The cells in order.
    pub fn cells(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        let cell = |&(start, end): &(usize, usize)| self.text.get(start..end).unwrap_or("");
        self.spans.iter().map(cell)
    }

    /// Forgets the cells and keeps their room.
    pub fn clear(&mut self) {
        self.text.clear();
        self.spans.clear();
    }

    /// Adds a cell.
    pub fn push(&mut self, cell: &str) {
        let start = self.text.len();
        self.text.push_str(cell);
        self.spans.push((start, self.text.len()));
    }

    pub(crate) fn is_blank(&self) -> bool {
        self.cells().all(|cell| cell.trim().is_empty())
    }
}

//! The port through which it is said what is to be hidden.

use liuhen_document::Row;
use liuhen_kinds::Kind;
use liuhen_reading::Delimiter;

/// Something found in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// What it is.
    pub kind: Kind,
    /// Its first byte.
    pub start: usize,
    /// The byte behind its last.
    pub end: usize,
    /// A number that spots of one person share within one answer; 0 for none.
    pub person: u64,
}

impl Spot {
    /// A spot of nobody in particular.
    #[must_use]
    pub const fn new(kind: Kind, start: usize, end: usize) -> Self {
        Self {
            kind,
            start,
            end,
            person: 0,
        }
    }
}

/// Says what is to be hidden.
pub trait Finder {
    /// Everything found in a text; bytes count within it.
    fn in_text(&self, text: &str) -> Vec<Spot>;

    /// Everything found in a table, whose rows come with titles and header: the row and the column,
    /// from 0, and the spot within that cell. Columns are judged by the first `ahead` rows.
    fn in_table(&self, rows: &[Row], ahead: usize) -> Vec<(usize, usize, Spot)>;

    /// Whether a text that splits alike in every line is a table.
    fn is_table(&self, text: &str, delimiter: Delimiter) -> bool {
        let _ = (text, delimiter);
        true
    }
}

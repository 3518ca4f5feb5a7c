//! Where a row stands: file, table, row, in one number that sorts as they do.
//!
//! The rows of a file are numbered through all its tables: a table begins behind the last row of the
//! one before, so that neither how many tables there are nor how long one is matters by itself.

use crate::error::CountError;

const ROW_BITS: u32 = 44;

/// Files a count can hold.
pub(crate) const MOST_UNITS: usize = 1 << (64 - ROW_BITS);
/// Row numbers that a file can have, those of all its tables one after another.
pub(crate) const MOST_ROWS: u64 = (1 << ROW_BITS) - 1;

/// A place, ordered by file, sheet and row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place(pub(crate) u64);

impl Place {
    /// `row` counts through all tables of the file; of more than [`MOST_ROWS`] it is the last.
    pub(crate) fn of(unit: usize, row: u64) -> Self {
        Self((unit as u64) << ROW_BITS | row.min(MOST_ROWS))
    }

    pub(crate) fn unit(self) -> usize {
        usize::try_from(self.0 >> ROW_BITS).unwrap_or(usize::MAX)
    }

    /// The row, through all tables of its file.
    pub(crate) fn row(self) -> u64 {
        self.0 & MOST_ROWS
    }
}

/// Refuses more files than a place can name.
pub(crate) fn check(units: usize) -> Result<(), CountError> {
    match units < MOST_UNITS {
        true => Ok(()),
        false => Err(CountError::TooMany(MOST_UNITS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_sort_as_their_parts() {
        let parts = [(0, 1), (0, 2), (0, MOST_ROWS), (1, 1), (700_000, 1 << 40)];
        let places = parts.map(|(unit, row)| Place::of(unit, row));
        assert!(places.is_sorted());
        assert_eq!(places.map(|place| (place.unit(), place.row())), parts);
        assert_eq!(Place::of(2, u64::MAX), Place::of(2, MOST_ROWS));
    }
}

//! Where a row stands: file, table, row, in one number that sorts as they do.
//!
//! An archive may hold tens of thousands of tables, a table hundreds of millions of rows.

use crate::error::CountError;

const ROW_BITS: u32 = 28;
const SHEET_BITS: u32 = 16;

/// Files a count can hold.
pub(crate) const MOST_UNITS: usize = 1 << (64 - ROW_BITS - SHEET_BITS);
/// Tables that a file can have; rows of more have the place of the last.
pub(crate) const MOST_TABLES: usize = 1 << SHEET_BITS;

/// A place, ordered by file, sheet and row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place(pub(crate) u64);

impl Place {
    pub(crate) fn of(unit: usize, sheet: usize, row: u64) -> Self {
        let sheet = sheet.min(MOST_TABLES - 1) as u64;
        let row = row.min((1 << ROW_BITS) - 1);
        Self((unit as u64) << (ROW_BITS + SHEET_BITS) | sheet << ROW_BITS | row)
    }

    pub(crate) fn unit(self) -> usize {
        usize::try_from(self.0 >> (ROW_BITS + SHEET_BITS)).unwrap_or(usize::MAX)
    }

    pub(crate) fn sheet(self) -> usize {
        usize::try_from(self.0 >> ROW_BITS).unwrap_or(usize::MAX) & (MOST_TABLES - 1)
    }

    pub(crate) fn row(self) -> u64 {
        self.0 & ((1 << ROW_BITS) - 1)
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
        let parts = [
            (0, 0, 1),
            (0, 0, 2),
            (0, 3, 1),
            (1, 0, 1),
            (700_000, 60_000, 260_000_000),
        ];
        let places = parts.map(|(unit, sheet, row)| Place::of(unit, sheet, row));
        assert!(places.is_sorted());
        assert_eq!(
            places.map(|place| (place.unit(), place.sheet(), place.row())),
            parts
        );
    }
}

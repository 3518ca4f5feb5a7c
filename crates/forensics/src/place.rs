//! Where a row stands: file, sheet, row, in one number that sorts as they do.

use crate::error::CountError;

const ROW_BITS: u32 = 32;
const SHEET_BITS: u32 = 12;

/// Files a count can hold.
pub(crate) const MOST_UNITS: usize = 1 << (64 - ROW_BITS - SHEET_BITS);
/// Sheets a file can have; more are put into the last.
const MOST_SHEETS: usize = 1 << SHEET_BITS;

/// A place, ordered by file, sheet and row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place(pub(crate) u64);

impl Place {
    pub(crate) fn of(unit: usize, sheet: usize, row: u64) -> Self {
        let sheet = sheet.min(MOST_SHEETS - 1) as u64;
        let row = row.min((1 << ROW_BITS) - 1);
        Self((unit as u64) << (ROW_BITS + SHEET_BITS) | sheet << ROW_BITS | row)
    }

    pub(crate) fn unit(self) -> usize {
        usize::try_from(self.0 >> (ROW_BITS + SHEET_BITS)).unwrap_or(usize::MAX)
    }

    pub(crate) fn sheet(self) -> usize {
        usize::try_from(self.0 >> ROW_BITS).unwrap_or(usize::MAX) & (MOST_SHEETS - 1)
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
            (700_000, 4_000, 4_000_000_000),
        ];
        let places = parts.map(|(unit, sheet, row)| Place::of(unit, sheet, row));
        assert!(places.is_sorted());
        assert_eq!(
            places.map(|place| (place.unit(), place.sheet(), place.row())),
            parts
        );
    }
}

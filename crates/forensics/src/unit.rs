//! What one exhibit came to before its keys are compared with others'.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::place::Place;
use crate::ports::{TableHead, Unread, UnreadPart};
use crate::provenance::habit::{Habits, Shape};
use crate::reason::Reason;
use crate::row::Valid;
use crate::sight::{PictureCounts, Shown};
use crate::spill::Block;

/// Rows of an exhibit, counted; adding in any order gives the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RowCounts {
    /// Rows met, header and blank rows left out.
    pub(crate) raw: u64,
    /// Rows out, by reason.
    pub(crate) out: BTreeMap<Reason, u64>,
    /// Rows that count.
    pub(crate) valid: u64,
    /// Kinds held by rows that count, each row's added up.
    pub(crate) items: u64,
    /// Rows that count and hold two kinds or more.
    pub(crate) bundles: u64,
    /// Rows that count though a field of them is untrue, by what it is.
    pub(crate) untrue: BTreeMap<Reason, u64>,
    /// Rows that say the person has died; they count.
    pub(crate) deceased: u64,
    /// Rows of each sort of data, by its place in the rule pack.
    pub(crate) domains: BTreeMap<usize, u64>,
    /// Spellings of a sample of its rows.
    pub(crate) habits: Habits,
}

impl RowCounts {
    pub(crate) fn fault(&mut self, reason: Reason) {
        self.raw += 1;
        *self.out.entry(reason).or_default() += 1;
    }

    pub(crate) fn valid(&mut self, valid: &Valid) {
        self.raw += 1;
        self.valid += 1;
        self.items += u64::from(valid.mask.count_ones());
        self.bundles += u64::from(valid.mask.count_ones() >= 2);
        self.deceased += u64::from(valid.deceased);
        if let Some(reason) = valid.untrue {
            *self.untrue.entry(reason).or_default() += 1;
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.raw += other.raw;
        self.valid += other.valid;
        self.items += other.items;
        self.bundles += other.bundles;
        self.deceased += other.deceased;
        self.habits.add(&other.habits);
        for (to, from) in [
            (&mut self.out, &other.out),
            (&mut self.untrue, &other.untrue),
        ] {
            from.iter()
                .for_each(|(reason, count)| *to.entry(*reason).or_default() += count);
        }
        for (domain, count) in &other.domains {
            *self.domains.entry(*domain).or_default() += count;
        }
    }
}

/// Parts that were not read and are told one by one, of one exhibit.
const UNREAD_TOLD: usize = 1_000;

/// A finished exhibit.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct UnitDone {
    /// The names of its sheets or tables, in order; none where it has but one without a name.
    pub(crate) sheets: Vec<Option<String>>,
    /// The ways to them within the file, as many.
    pub(crate) inside: Vec<Option<String>>,
    /// Behind which row of the file each begins, as many.
    pub(crate) begins: Vec<u64>,
    /// Where the rows of those that are pictures stand, by the table's number from 0.
    #[serde(default)]
    pub(crate) shown: BTreeMap<usize, Vec<Shown>>,
    /// The pictures in it.
    #[serde(default)]
    pub(crate) pictures: PictureCounts,
    /// What within it was not read, the first of it.
    pub(crate) unread_parts: Vec<UnreadPart>,
    /// How much more of that there is.
    pub(crate) unread_parts_more: u64,
    pub(crate) counts: RowCounts,
    pub(crate) sha256: Option<String>,
    /// How it is written.
    pub(crate) form: Option<String>,
    /// The columns of its first table that has any.
    pub(crate) shape: Option<Shape>,
    /// Why it, or the rest of it, was not read.
    pub(crate) unread: Option<Unread>,
    /// Where its records lie.
    pub(crate) blocks: Vec<Block>,
    /// Bytes of its records, so that a cut file is noticed.
    pub(crate) spilled: u64,
}

impl UnitDone {
    /// Notes that something within it was not read.
    pub(crate) fn unread_part(&mut self, part: UnreadPart) {
        if self.unread_parts.len() < UNREAD_TOLD {
            self.unread_parts.push(part);
        } else {
            self.unread_parts_more += 1;
        }
    }

    /// Begins a table behind a row of the file.
    pub(crate) fn table(&mut self, head: TableHead, begin: u64) {
        if !head.shown.is_empty() {
            self.pictures.rows(&head.shown);
            self.shown.insert(self.begins.len(), head.shown);
        }
        self.inside.push(head.inside);
        self.sheets.push(head.sheet);
        self.begins.push(begin);
    }

    /// Where in its picture a row of a table stands; none where the table is no picture.
    pub(crate) fn shown(&self, table: usize, row: u64) -> Option<Shown> {
        let at = usize::try_from(row.checked_sub(1)?).ok()?;
        self.shown.get(&table)?.get(at).copied()
    }

    /// The table of a place, from 0, and the row in it, from 1.
    pub(crate) fn spot(&self, place: Place) -> (usize, u64) {
        // A table without rows begins where the next does, and rows are numbered from 1.
        let begun = self.begins.partition_point(|begin| *begin < place.row());
        let table = begun.saturating_sub(1);
        let begin = self.begins.get(table).copied().unwrap_or(0);
        (table, place.row().saturating_sub(begin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_in_their_tables() {
        let mut done = UnitDone::default();
        assert_eq!(done.spot(Place::of(3, 7)), (0, 7));
        for begin in [0, 0, 50, 50, 300_000_000_000] {
            done.table(TableHead::default(), begin);
        }
        let rows = [
            (1, (1, 1)),
            (50, (1, 50)),
            (51, (3, 1)),
            (300_000_000_001, (4, 1)),
        ];
        for (row, spot) in rows {
            assert_eq!(done.spot(Place::of(3, row)), spot, "{row}");
        }
    }

    #[test]
    fn a_row_of_a_picture_knows_its_place_and_others_have_none() {
        let shown = |left| Shown {
            area: [left, 0, 1, 1],
            unsure: false,
        };
        let mut done = UnitDone::default();
        done.table(TableHead::default(), 0);
        let picture = TableHead {
            shown: vec![shown(5), shown(6)],
            ..TableHead::default()
        };
        done.table(picture, 9);
        assert_eq!(done.shown(0, 1), None);
        assert_eq!(done.shown(1, 2), Some(shown(6)));
        assert_eq!((done.shown(1, 0), done.shown(1, 3)), (None, None));
        assert_eq!(done.pictures.rows, 2);
    }
}

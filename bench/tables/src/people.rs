//! Invented people as a table's rows, and how a leaked row is led back to one of them.
//!
//! Rule: as `service` does it: a number leads first, resident ID before mobile; where no number
//! does, a name with an address, in the one form that all variants of the address share.

use std::collections::HashMap;

use liuhen_fingerprint::table::{Cell, plain};
use liuhen_invented::{Generator, Person};

/// Columns of the table: their lasting names and kinds.
pub(crate) const COLUMNS: [(&str, &str); 5] = [
    ("name", "person_name"),
    ("id", "resident_id"),
    ("mobile", "mobile"),
    ("birth", "date_of_birth"),
    ("home", "address"),
];

/// Positions among [`COLUMNS`].
pub(crate) const NAME: usize = 0;
pub(crate) const ID: usize = 1;
pub(crate) const MOBILE: usize = 2;
pub(crate) const HOME: usize = 4;

/// A leaked row: what it shows of each column.
pub(crate) type Row = [Option<String>; COLUMNS.len()];

/// A person's values in the order of [`COLUMNS`].
pub(crate) fn values(person: &Person) -> [String; COLUMNS.len()] {
    [
        person.name.clone(),
        person.resident_id.clone(),
        person.mobile.clone(),
        person.birth.to_string(),
        person.address.clone(),
    ]
}

/// The cells of a row as `fingerprint` wants them.
pub(crate) fn cells(values: &[String; COLUMNS.len()]) -> [Cell<'_>; COLUMNS.len()] {
    std::array::from_fn(|at| Cell {
        column: COLUMNS[at].0,
        kind: COLUMNS[at].1,
        canonical: &values[at],
    })
}

/// Ways from a leaked row to whatever is known by that number.
#[derive(Default)]
pub(crate) struct Index {
    numbers: HashMap<String, usize>,
    /// `None` where two people of one name share an address.
    homes: HashMap<String, Option<usize>>,
}

impl Index {
    /// Enters what leads to `at`.
    pub(crate) fn enter(&mut self, values: &[String; COLUMNS.len()], at: usize) {
        for column in [ID, MOBILE] {
            self.numbers.insert(values[column].clone(), at);
        }
        self.homes
            .entry(at_home(&values[NAME], &values[HOME]))
            .and_modify(|known| *known = None)
            .or_insert(Some(at));
    }

    /// Whom a leaked row is about.
    pub(crate) fn find(&self, row: &Row) -> Option<usize> {
        let number = |column: usize| self.numbers.get(row[column].as_deref()?.trim());
        if let Some(at) = number(ID).or_else(|| number(MOBILE)) {
            return Some(*at);
        }
        let home = at_home(row[NAME].as_deref()?.trim(), row[HOME].as_deref()?.trim());
        *self.homes.get(&home)?
    }
}

/// A name with an address, however it is written.
fn at_home(name: &str, address: &str) -> String {
    format!("{name}\n{}", plain("address", address).as_str())
}

/// The people of a vault.
pub(crate) struct People {
    pub(crate) rows: Vec<[String; COLUMNS.len()]>,
    pub(crate) index: Index,
}

impl People {
    /// The first `count` people of a seed.
    pub(crate) fn new(seed: u64, count: usize) -> Self {
        let generator = Generator::new(seed);
        let rows: Vec<_> = (0..count as u64)
            .map(|at| values(&generator.person_at(at)))
            .collect();
        let mut index = Index::default();
        for (at, row) in rows.iter().enumerate() {
            index.enter(row, at);
        }
        Self { rows, index }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_led_back_by_number_or_by_name_and_address() {
        let people = People::new(1, 500);
        for (at, values) in people.rows.iter().enumerate() {
            let whole: Row = values.clone().map(Some);
            let mut bare = whole.clone();
            (bare[ID], bare[MOBILE]) = (None, None);
            assert_eq!(people.index.find(&whole), Some(at));
            assert_eq!(people.index.find(&bare), Some(at));
            bare[HOME] = None;
            assert_eq!(people.index.find(&bare), None);
        }
    }
}

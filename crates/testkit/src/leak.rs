//! What happens to a table on its way out.
//!
//! Each function makes another [`Sheet`] from a seed, so that a failed test can be repeated;
//! written with [`Sheet::delimited`] or [`Sheet::xlsx`] it becomes a leaked file.
//! Whether the leak is led back belongs to the tests.

use std::collections::HashMap;

use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::sheet::Sheet;

impl Sheet {
    /// About this share of the rows, chosen by the seed, in their order.
    ///
    /// `share` from 0 to 1; exactly `⌈share × rows⌉` rows are kept.
    #[must_use]
    pub fn subset(&self, share: f64, seed: u64) -> Self {
        let mut chosen: Vec<usize> = (0..self.rows.len()).collect();
        chosen.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let ranked = chosen.into_iter().enumerate();
        #[expect(
            clippy::cast_precision_loss,
            reason = "tables of tests are far below 2^52 rows"
        )]
        let wanted = |rank: usize| (rank as f64) < share * self.rows.len() as f64;
        let mut kept: Vec<usize> = ranked
            .filter(|&(rank, _)| wanted(rank))
            .map(|(_, index)| index)
            .collect();
        kept.sort_unstable();
        let rows = kept
            .into_iter()
            .map(|index| self.rows[index].clone())
            .collect();
        Self {
            header: self.header.clone(),
            rows,
        }
    }

    /// The same rows in another order.
    #[must_use]
    pub fn shuffled(&self, seed: u64) -> Self {
        let mut rows = self.rows.clone();
        rows.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        Self {
            header: self.header.clone(),
            rows,
        }
    }

    /// Only these columns, in this order.
    ///
    /// # Panics
    ///
    /// When a name is not a column.
    #[must_use]
    pub fn columns(&self, names: &[&str]) -> Self {
        let chosen: Vec<usize> = names.iter().map(|name| self.column(name)).collect();
        let pick = |row: &Vec<String>| chosen.iter().map(|&index| row[index].clone()).collect();
        Self {
            header: pick(&self.header),
            rows: self.rows.iter().map(pick).collect(),
        }
    }

    /// Other names for columns; those not named keep theirs.
    #[must_use]
    pub fn renamed(&self, names: &[(&str, &str)]) -> Self {
        let new = |old: &String| {
            let found = names.iter().find(|(from, _)| from == old);
            found.map_or_else(|| old.clone(), |(_, to)| (*to).to_owned())
        };
        Self {
            header: self.header.iter().map(new).collect(),
            rows: self.rows.clone(),
        }
    }

    /// Every cell of a column rewritten, as someone does who re-types or tidies a list.
    ///
    /// # Panics
    ///
    /// When the name is not a column.
    #[must_use]
    pub fn rewritten(&self, name: &str, mut write: impl FnMut(&str) -> String) -> Self {
        let column = self.column(name);
        let mut sheet = self.clone();
        for row in &mut sheet.rows {
            row[column] = write(&row[column]);
        }
        sheet
    }

    /// What colluders make of their copies: one list in which each row, known by its cell in
    /// column `key`, comes from one of the copies that hold it, chosen by the seed.
    ///
    /// Rows follow the first copy's order, then the second's for those only it holds, and so on.
    ///
    /// # Panics
    ///
    /// When there is no copy, one lacks the column, or their headers differ.
    #[must_use]
    pub fn merged(copies: &[&Self], key: &str, seed: u64) -> Self {
        let first = *copies.first().expect("at least one copy");
        assert!(
            copies.iter().all(|copy| copy.header == first.header),
            "copies of one shape"
        );
        let column = first.column(key);
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut versions: Vec<Vec<&Vec<String>>> = Vec::new();
        for row in copies.iter().flat_map(|copy| &copy.rows) {
            let place = *places.entry(&row[column]).or_insert(versions.len());
            if place == versions.len() {
                versions.push(Vec::new());
            }
            versions[place].push(row);
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut pick =
            |found: Vec<&Vec<String>>| found[random.random_range(0..found.len())].clone();
        Self {
            header: first.header.clone(),
            rows: versions.into_iter().map(&mut pick).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `rows` rows of (key, mark); the key counts from `from`.
    fn copy(from: usize, rows: usize, mark: &str) -> Sheet {
        let row = |key: usize| vec![format!("k{key}"), mark.to_owned()];
        Sheet::new(
            vec!["key".into(), "mark".into()],
            (from..from + rows).map(row).collect(),
        )
    }

    fn keys(sheet: &Sheet) -> Vec<String> {
        sheet.rows.iter().map(|row| row[0].clone()).collect()
    }

    #[test]
    fn subsets_by_share() {
        let whole = copy(0, 200, "a");
        for (share, expected) in [(0.0, 0), (0.05, 10), (0.5, 100), (1.0, 200)] {
            let part = whole.subset(share, 7);
            assert_eq!(part.rows.len(), expected, "{share}");
            let places: Vec<_> = keys(&part)
                .iter()
                .map(|key| key[1..].parse::<usize>().unwrap())
                .collect();
            assert!(places.is_sorted());
        }
        assert_eq!(whole.subset(0.1, 1), whole.subset(0.1, 1));
        assert_ne!(whole.subset(0.1, 1), whole.subset(0.1, 2));
    }

    #[test]
    fn a_shuffle_keeps_the_rows() {
        let whole = copy(0, 50, "a");
        let other = whole.shuffled(3);
        assert_ne!(other, whole);
        let (mut a, mut b) = (keys(&whole), keys(&other));
        a.sort();
        b.sort();
        assert_eq!(a, b);
    }

    #[test]
    fn columns_are_chosen_renamed_and_rewritten() {
        let sheet = copy(0, 1, "a")
            .columns(&["mark", "key"])
            .renamed(&[("mark", "备注")]);
        assert_eq!(
            (sheet.header, &sheet.rows[0]),
            (
                vec!["备注".into(), "key".into()],
                &vec!["a".into(), "k0".into()]
            )
        );
        let sheet = copy(0, 2, "a").rewritten("key", str::to_uppercase);
        assert_eq!(keys(&sheet), ["K0", "K1"]);
    }

    #[test]
    fn a_merge_holds_every_row_once_from_either_copy() {
        let (a, b) = (copy(0, 100, "a"), copy(50, 100, "b"));
        let merged = Sheet::merged(&[&a, &b], "key", 5);
        assert_eq!(keys(&merged), keys(&copy(0, 150, "")));
        let mark = |row: usize| merged.rows[row][1].as_str();
        assert!((0..50).all(|row| mark(row) == "a") && (100..150).all(|row| mark(row) == "b"));
        let from_a = (50..100).filter(|&row| mark(row) == "a").count();
        assert!(
            (5..45).contains(&from_a),
            "{from_a} of 50 shared rows from the first copy"
        );
    }

    #[test]
    #[should_panic(expected = "copies of one shape")]
    fn refuses_to_merge_other_shapes() {
        let (a, b) = (copy(0, 1, "a"), copy(0, 1, "b").columns(&["key"]));
        let _never = Sheet::merged(&[&a, &b], "key", 0);
    }
}

//! How many people rows are about, as far as rows let one know: rows that share an ID, a telephone,
//! or a name with its address are about one.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Enough of a hash that five million texts do not collide.
pub(crate) fn hashed(parts: &[&str]) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, parts).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

/// What was met in rows, joined by rows.
#[derive(Default)]
pub(crate) struct Known {
    at: HashMap<u128, usize>,
    /// Where each stands; the first of those joined stands for itself.
    above: Vec<usize>,
}

impl Known {
    /// Takes in what one row tells of one person, each as a hash.
    pub(crate) fn row(&mut self, told: impl IntoIterator<Item = u128>) {
        let mut first = None;
        for hash in told {
            let fresh = self.above.len();
            let at = *self.at.entry(hash).or_insert(fresh);
            if at == fresh {
                self.above.push(fresh);
            }
            let at = self.first(at);
            match first {
                None => first = Some(at),
                Some(first) => self.above[at] = first,
            }
        }
    }

    fn first(&mut self, mut at: usize) -> usize {
        while self.above[at] != at {
            self.above[at] = self.above[self.above[at]];
            at = self.above[at];
        }
        at
    }

    /// How many people.
    pub(crate) fn people(&self) -> u64 {
        let stands_for_itself = |(at, above): (usize, &usize)| at == *above;
        self.above
            .iter()
            .enumerate()
            .filter(|one| stands_for_itself(*one))
            .count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_share_something_are_about_one() {
        let mut known = Known::default();
        for row in [[1, 2], [3, 4], [5, 5], [6, 7], [7, 3]] {
            known.row(row);
        }
        assert_eq!(known.people(), 3);
        known.row([5, 2, 4]);
        assert_eq!(known.people(), 1);
    }
}

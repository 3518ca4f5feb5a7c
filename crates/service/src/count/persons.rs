//! The persons of a count as keys that are the same in every office, for links between cases.

use liuhen_forensics::{At, Rules, link};
use liuhen_kinds::RulePack;

use super::{CountFailure, CountRequest, Counted, count_then};

/// Keys of persons; guard them as the exhibits, since whoever has them can try guesses.
#[derive(Default)]
pub struct Persons {
    /// One for each person.
    pub keys: Vec<u128>,
    /// The first row about him.
    pub first: Vec<At>,
}

impl std::fmt::Debug for Persons {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Persons({})", self.keys.len())
    }
}

impl Persons {
    /// By what keys are made: equal persons have equal keys only under the same.
    #[must_use]
    pub fn rules() -> String {
        let kinds = &RulePack::builtin().version;
        let count = &Rules::builtin().version;
        format!(
            "liuhen {} count {count} kinds {kinds}",
            env!("CARGO_PKG_VERSION")
        )
    }
}

/// Counts as `request` says and answers the persons.
///
/// # Errors
///
/// As [`super::count`].
pub fn persons(request: &CountRequest<'_>) -> Result<(Counted, Persons), CountFailure> {
    count_then(request, Some(link::PERSONS), false, |counted, _| {
        let mut persons = Persons::default();
        counted.each_person(&mut |key, at| {
            persons.keys.push(key);
            persons.first.push(at);
        })?;
        Ok(persons)
    })
}

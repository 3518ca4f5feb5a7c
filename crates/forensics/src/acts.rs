//! Who did what with which file: acts, counterparties, actors.
//!
//! Rule: Fa Shi (2017) 10, article 11. What was obtained and then sold counts once (1); what was
//! sold to different units or persons counts for each (2). Article 3: publishing is providing.

use serde::{Deserialize, Serialize};

/// What was done with a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// Obtained, or handed on.
    pub kind: ActKind,
    /// From whom, or to whom; a name of the case file, empty when unknown.
    #[serde(default)]
    pub counterparty: String,
    /// Who did it; empty for everybody together.
    #[serde(default)]
    pub actor: String,
}

/// The directions that article 11 counts differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActKind {
    /// Bought, received, exchanged, collected (article 4).
    Obtained,
    /// Sold, provided, published (article 3).
    Provided,
}

/// The acts of a count, and which file each concerns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acts {
    /// The acts, no two the same.
    pub acts: Vec<Act>,
    /// For each file the places of its acts in the list; none where none is declared.
    pub of_unit: Vec<Vec<u16>>,
}

impl Acts {
    pub(crate) fn of(&self, unit: usize) -> &[u16] {
        self.of_unit.get(unit).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn act(&self, at: u16) -> Option<&Act> {
        self.acts.get(usize::from(at))
    }

    /// The actors named, in order.
    pub fn actors(&self) -> Vec<&str> {
        let mut actors: Vec<&str> = self
            .acts
            .iter()
            .map(|act| act.actor.as_str())
            .filter(|actor| !actor.is_empty())
            .collect();
        actors.sort_unstable();
        actors.dedup();
        actors
    }
}

//! The part of the rule pack that says when files are kin.
//!
//! Rule: `[provenance]` and `[[kinship]]` of `rules/count.toml`; all of it is our decision.

use liuhen_kinds::Source;
use serde::Deserialize;

/// Bounds between the relations; shares in thousandths.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "rules/count.toml explains each beside it")]
pub struct KinRules {
    pub source: Source,
    pub least_common: u64,
    pub least_containment: u64,
    pub whole: u64,
    pub nearly: u64,
    pub between: u64,
    pub same_order: i64,
    pub kin_order: i64,
    pub order_containment: u64,
    pub mostly: u64,
    pub kin_errors: u64,
    pub own_errors: u64,
    pub inherited: u64,
}

/// Why a relation is what it is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kinship {
    /// The bytes are the same.
    SameBytes = 0,
    /// The same people, and nothing that says which was first.
    SamePeople = 1,
    /// One has errors of its own where the other is right, and all errors of the other.
    OwnErrors = 2,
    /// Each has errors of its own where the other is right.
    ErrorsOnBothSides = 3,
    /// One lacks columns of the other.
    LostColumns = 4,
    /// One lies within the other.
    LiesWithin = 5,
    /// Files of different habits lie within one and make it up.
    MadeOfParts = 6,
    /// They are kin, and nothing says how.
    Undecided = 7,
}

impl Kinship {
    /// Every rule, in the order of the pack.
    pub const ALL: [Self; 8] = [
        Self::SameBytes,
        Self::SamePeople,
        Self::OwnErrors,
        Self::ErrorsOnBothSides,
        Self::LostColumns,
        Self::LiesWithin,
        Self::MadeOfParts,
        Self::Undecided,
    ];

    /// The rule's name in the pack.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SameBytes => "same_bytes",
            Self::SamePeople => "same_people",
            Self::OwnErrors => "own_errors",
            Self::ErrorsOnBothSides => "errors_on_both_sides",
            Self::LostColumns => "lost_columns",
            Self::LiesWithin => "lies_within",
            Self::MadeOfParts => "made_of_parts",
            Self::Undecided => "undecided",
        }
    }
}

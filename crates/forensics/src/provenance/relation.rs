//! What two files are to each other.
//!
//! Rule: errors, as in the criticism of texts. A file that repeats the errors of another and adds
//! its own comes from it; two that each err where the other is right come from a third. Where
//! errors are silent, lost columns and containment speak, with less confidence. Times of files are
//! not asked: whoever copies a file sets them.

use std::collections::BTreeSet;

use serde::Serialize;

use super::habit::Shape;
use super::pairs::Pair;
use super::rules::{KinRules, Kinship};
use super::{Facts, share};

/// What the later file is to the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// The same people in the same order and columns.
    Copy,
    /// The same people, rows or columns moved.
    CopyReordered,
    /// A part of the earlier, and nobody else.
    Subset,
    /// All of the earlier, and others.
    MergeOf,
    /// A part of the earlier, and others.
    ReSale,
    /// Both come from a file that is not among them, or nothing says which came from which.
    Siblings,
}

impl Relation {
    /// A stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::CopyReordered => "copy_reordered",
            Self::Subset => "subset",
            Self::MergeOf => "merge_of",
            Self::ReSale => "re_sale",
            Self::Siblings => "siblings",
        }
    }

    /// In Chinese and in English.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Copy => ("副本", "copy"),
            Self::CopyReordered => ("副本（次序变动）", "copy, reordered"),
            Self::Subset => ("节选", "subset"),
            Self::MergeOf => ("并入", "merged into"),
            Self::ReSale => ("转售（节选并掺入他源）", "re-sale: a part, and others"),
            Self::Siblings => ("同源", "siblings"),
        }
    }
}

/// How the columns of two tables compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Columns {
    /// The same kinds in the same order.
    Same,
    /// The same kinds in another order.
    Reordered,
    /// Other kinds.
    Other,
    /// Not known: running text.
    Unknown,
}

pub(super) fn columns(a: &Shape, b: &Shape) -> Columns {
    if a.is_unknown() || b.is_unknown() {
        return Columns::Unknown;
    }
    let sorted = |shape: &Shape| {
        let mut kinds = shape.kinds.clone();
        kinds.sort_unstable();
        kinds
    };
    match (a.kinds == b.kinds, sorted(a) == sorted(b)) {
        (true, _) => Columns::Same,
        (_, true) => Columns::Reordered,
        _ => Columns::Other,
    }
}

/// A relation before its neighbours are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) directed: bool,
    pub(super) relation: Relation,
    pub(super) kinship: Kinship,
}

/// What a pair comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Kin(Draft),
    /// They share many people, and nothing else.
    Unresolved,
    Nothing,
}

/// Shares of each file's people in the other, in thousandths.
pub(super) fn shares(pair: &Pair, facts: &Facts<'_>) -> [u64; 2] {
    let of = |unit| share(pair.common, facts.crowd.of(unit, pair.by));
    pair.units.map(of)
}

pub(super) fn decide(pair: &Pair, facts: &Facts<'_>, merged: &BTreeSet<usize>) -> Found {
    let rules = facts.rules;
    let shares = shares(pair, facts);
    let most = shares[0].max(shares[1]);
    if pair.common < rules.least_common || most < rules.least_containment {
        return Found::Nothing;
    }
    let order = pair.order();
    let ordered = order.is_some_and(|order| order.abs() >= rules.kin_order)
        && most >= rules.order_containment;
    if pair.shared_errors < rules.kin_errors && !ordered && most < rules.whole {
        return Found::Unresolved;
    }
    let (from, kinship) = direction(pair, shares, facts, merged);
    let to = from.map_or(1, |from| 1 - from);
    let relation = match (from, kinship) {
        (None, Kinship::SamePeople) => copy(pair, order, facts),
        (None, _) => Relation::Siblings,
        (Some(from), _) => match (shares[from] >= rules.whole, shares[to] >= rules.whole) {
            (true, true) => copy(pair, order, facts),
            (false, true) => Relation::Subset,
            (true, false) => Relation::MergeOf,
            (false, false) => Relation::ReSale,
        },
    };
    Found::Kin(Draft {
        from: pair.units[1 - to],
        to: pair.units[to],
        directed: from.is_some(),
        relation,
        kinship,
    })
}

fn copy(pair: &Pair, order: Option<i64>, facts: &Facts<'_>) -> Relation {
    let [a, b] = pair.units.map(|unit| facts.shape(unit));
    let kept = order.is_none_or(|order| order >= facts.rules.same_order);
    match columns(a, b) {
        Columns::Same | Columns::Unknown if kept => Relation::Copy,
        _ => Relation::CopyReordered,
    }
}

/// Which of the two was first, where something says so; and what says it.
fn direction(
    pair: &Pair,
    shares: [u64; 2],
    facts: &Facts<'_>,
    merged: &BTreeSet<usize>,
) -> (Option<usize>, Kinship) {
    let rules = facts.rules;
    match [0, 1].map(|at| errs_alone(pair, at, rules)) {
        [true, true] => return (None, Kinship::ErrorsOnBothSides),
        [false, true] => return (Some(0), Kinship::OwnErrors),
        [true, false] => return (Some(1), Kinship::OwnErrors),
        [false, false] => {}
    }
    let [a, b] = pair.units.map(|unit| facts.kinds(unit));
    let fewer = |a: &BTreeSet<&str>, b: &BTreeSet<&str>| a.len() < b.len() && a.is_subset(b);
    if fewer(&b, &a) {
        return (Some(0), Kinship::LostColumns);
    }
    if fewer(&a, &b) {
        return (Some(1), Kinship::LostColumns);
    }
    let within = shares.map(|share| share >= rules.whole);
    match within {
        [true, true] => (None, Kinship::SamePeople),
        [false, false] => (None, Kinship::Undecided),
        [first, _] => {
            let (part, whole) = if first { (0, 1) } else { (1, 0) };
            match merged.contains(&pair.units[whole]) {
                true => (Some(part), Kinship::MadeOfParts),
                false => (Some(whole), Kinship::LiesWithin),
            }
        }
    }
}

/// Whether a file errs where the other is right, more than a foreign row or a mended one would
/// make it seem.
fn errs_alone(pair: &Pair, at: usize, rules: &KinRules) -> bool {
    let (own, others) = (pair.own_errors[at], pair.own_errors[1 - at]);
    let foreign = own * 1000 <= (pair.shared_errors + own) * (1000 - rules.inherited);
    own >= rules.own_errors && (!foreign || others * 10 <= own)
}

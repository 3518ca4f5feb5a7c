//! Canaries: rows about persons who do not exist, present in some copies and not in others.
//!
//! Rule: house design, section 9: presence is coded by the same code, in a namespace of its own.
//! Canary `j` of a table is the same invented person in every export that carries it, so that colluders
//! who compare files meet the code and not a signature; export `r` carries it when its symbol is one.
//! Tables of other people have canaries of their own, made to look like those.
//! This module decides which, how many and where. Inventing the persons belongs to the caller, from
//! [`Canary::seed`]; judging sightings, to [`crate::trace`].
//!
//! A leak of a few rows shows few canaries, so absence says little: the decoder's hypotheses span
//! leaked shares from 0.2 % to 95 % of the rows, and a canary not seen costs a carrier hardly
//! anything where the share is small, while one seen counts in full.

use serde::{Deserialize, Serialize};

use crate::code::{CodeKey, ExportKey, Slot, Symbol};
use crate::evalue::Threshold;
use crate::power;

/// Namespace of canary slots.
const NAMESPACE: &[u8] = b"liuhen/fingerprint/canary/v1";

/// The leaked share of rows for which canaries alone should suffice.
const PLANNED_SHARE: f64 = 0.05;

/// At most one row in this many is a canary, on average; more would spoil the table's use.
const ROWS_PER_CANARY: u64 = 50;

/// One canary of a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Canary {
    index: u32,
    slot: Slot,
    seed: u64,
}

impl Canary {
    /// The canary with a number, counted from zero over the life of the vault, of no table in particular.
    #[must_use]
    pub fn new(code: &CodeKey, index: u32) -> Self {
        Self::of(code, index, &[&index.to_be_bytes()])
    }

    /// The canary with a number, counted from zero, of a table; `table` is its lasting name.
    #[must_use]
    pub fn of_table(code: &CodeKey, table: &str, index: u32) -> Self {
        Self::of(code, index, &[table.as_bytes(), &index.to_be_bytes()])
    }

    fn of(code: &CodeKey, index: u32, parts: &[&[u8]]) -> Self {
        Self {
            index,
            slot: code.slot(NAMESPACE, parts),
            seed: code.seed(b"liuhen/fingerprint/canary-person/v1", parts),
        }
    }

    /// Its number.
    #[must_use]
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// The seed from which the caller invents the person: secret, the same in all exports.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// Its slot.
    #[must_use]
    pub const fn slot(&self) -> Slot {
        self.slot
    }

    /// Whether an export carries it.
    #[must_use]
    pub fn is_carried_by(&self, export: &ExportKey) -> bool {
        export.symbol(&self.slot) == Symbol::One
    }
}

/// The canaries, of the first `slots`, that an export carries, in order of their number.
#[must_use]
pub fn carried(code: &CodeKey, export: &ExportKey, slots: u32) -> Vec<Canary> {
    (0..slots)
        .map(|index| Canary::new(code, index))
        .filter(|canary| canary.is_carried_by(export))
        .collect()
}

/// The canaries, of the first `slots` of a table, that an export carries, in order of their number.
#[must_use]
pub fn carried_in(code: &CodeKey, table: &str, export: &ExportKey, slots: u32) -> Vec<Canary> {
    (0..slots)
        .map(|index| Canary::of_table(code, table, index))
        .filter(|canary| canary.is_carried_by(export))
        .collect()
}

/// How many canary slots an export plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryPlan {
    /// Slots to plan; about half of them become rows.
    pub slots: u32,
    /// Slots at which canaries alone would convict a single leaker who shows 5 % of the rows.
    pub wanted: u32,
}

impl CanaryPlan {
    /// Whether canaries alone suffice; otherwise the table's own forms must help, or more rows must leak.
    #[must_use]
    pub const fn is_enough(&self) -> bool {
        self.slots >= self.wanted
    }

    /// How many slots more somebody may ask for in an export of `rows` rows: up to what would be
    /// enough, and never so many that canaries are more than about a third of the file.
    #[must_use]
    pub fn most_extra(&self, rows: u64) -> u32 {
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        self.wanted.min(rows).saturating_sub(self.slots)
    }

    /// The plan with slots that somebody asked for, within [`CanaryPlan::most_extra`].
    #[must_use]
    pub fn with_extra(self, extra: u32, rows: u64) -> Self {
        Self {
            slots: self.slots + extra.min(self.most_extra(rows)),
            ..self
        }
    }

    /// The smallest leaked share of the rows, of those the model tries, at which canaries alone
    /// accuse a single leaker 95 times in a hundred; `None` when not even 95 % of the rows do.
    #[must_use]
    pub fn share_needed(&self, threshold: Threshold) -> Option<f64> {
        SHARES
            .into_iter()
            .find(|share| power::canary_slots_needed(*share, threshold) <= self.slots)
    }
}

/// Leaked shares that a plan is measured by.
const SHARES: [f64; 9] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 0.95];

/// Plans canary slots for an export of `rows` rows.
///
/// Rule: as many as the power computation of [`crate::power`] asks for so that, 95 times in a hundred,
/// canaries alone accuse a single leaker who shows 5 % of the rows; but at most 4 slots to a hundred
/// rows, so that about 2 rows in a hundred are canaries; and at least one.
#[must_use]
pub fn plan(rows: u64, threshold: Threshold) -> CanaryPlan {
    let wanted = power::canary_slots_needed(PLANNED_SHARE, threshold);
    let most = rows.saturating_mul(2) / ROWS_PER_CANARY;
    let most = u32::try_from(most).unwrap_or(u32::MAX).max(1);
    CanaryPlan {
        slots: wanted.min(most),
        wanted,
    }
}

/// Where an export's canaries stand in the finished file: sorted positions among its
/// `rows + canaries` data rows, counted from zero, drawn by the export's key.
///
/// Every set of positions is equally likely, to within 2⁻³² (Floyd's sampling).
#[must_use]
pub fn positions(export: &ExportKey, rows: u64, canaries: usize) -> Vec<u64> {
    let canaries = u64::try_from(canaries).unwrap_or(u64::MAX);
    let mut taken = std::collections::BTreeSet::new();
    for bound in rows..rows.saturating_add(canaries) {
        let word = export.seed(
            b"liuhen/fingerprint/canary-place/v1",
            &[&bound.to_be_bytes()],
        );
        // 128-bit multiplication maps the word onto 0..=bound without a visible bias.
        let wide = u128::from(word) * (u128::from(bound) + 1);
        let place = u64::try_from(wide >> 64).unwrap_or(bound);
        if !taken.insert(place) {
            taken.insert(bound);
        }
    }
    taken.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evalue::Epsilon;

    #[test]
    fn a_canary_is_one_person_in_every_export() {
        let code = CodeKey::from_secret([1; 32]);
        let exports = [[2; 32], [3; 32]].map(ExportKey::from_secret);
        let [first, second] = exports.each_ref().map(|export| carried(&code, export, 400));
        assert_ne!(first, second);
        let shared = first
            .iter()
            .filter(|canary| second.contains(canary))
            .count();
        assert!(shared > 50, "{shared} shared");
        for list in [first, second] {
            assert!((120..280).contains(&list.len()), "{} of 400", list.len());
        }
    }

    #[test]
    fn positions_are_distinct_in_range_and_differ_between_exports() {
        let exports = [[2; 32], [3; 32]].map(ExportKey::from_secret);
        for (rows, canaries) in [(0, 5), (1, 1), (1_000, 20), (20_000, 400)] {
            let places = positions(&exports[0], rows, canaries);
            assert_eq!(places.len(), canaries);
            assert!(places.windows(2).all(|pair| pair[0] < pair[1]));
            assert!(
                places
                    .last()
                    .is_none_or(|last| *last < rows + canaries as u64)
            );
        }
        assert_ne!(
            positions(&exports[0], 1_000, 20),
            positions(&exports[1], 1_000, 20)
        );
        let middle = positions(&exports[0], 20_000, 400)
            .iter()
            .filter(|p| **p < 10_200)
            .count();
        assert!(
            (150..250).contains(&middle),
            "{middle} of 400 in the first half"
        );
    }

    #[test]
    fn a_small_export_gets_few_canaries_and_says_so() {
        let threshold = Threshold::new(100, Epsilon::DEFAULT).unwrap();
        let small = plan(1_000, threshold);
        assert_eq!(small.slots, 40);
        assert!(!small.is_enough());
        let large = plan(1_000_000, threshold);
        assert!(large.is_enough(), "{large:?}");
        assert_eq!(plan(0, threshold).slots, 1);
    }

    #[test]
    fn more_canaries_are_offered_within_bounds_and_buy_something() {
        let threshold = Threshold::new(100, Epsilon::DEFAULT).unwrap();
        for rows in [10, 100, 1_000, 20_000, 1_000_000] {
            let small = plan(rows, threshold);
            let all = small.with_extra(u32::MAX, rows);
            assert_eq!(all.slots, small.slots + small.most_extra(rows));
            assert!(u64::from(all.slots) <= rows.max(1) && all.slots <= all.wanted);
            let share = |plan: CanaryPlan| plan.share_needed(threshold).unwrap_or(1.0);
            assert!(share(all) <= share(small));
        }
        let small = plan(1_000, threshold);
        assert_eq!(small.share_needed(threshold), None);
        let all = small.with_extra(1_000, 1_000);
        assert!(all.share_needed(threshold).unwrap() <= 0.2, "{all:?}");
        assert_eq!(plan(1_000_000, threshold).most_extra(1_000_000), 0);
    }

    #[test]
    fn tables_have_canaries_of_their_own() {
        let code = CodeKey::from_secret([1; 32]);
        let of = |table| Canary::of_table(&code, table, 3);
        assert_eq!(of("a"), of("a"));
        assert_ne!(of("a").slot(), of("b").slot());
        assert_ne!(of("a").seed(), of("b").seed());
        assert_ne!(of("").slot(), Canary::new(&code, 3).slot());
    }
}

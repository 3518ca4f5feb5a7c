//! Near-duplicates: persons under different keys who are likely one.
//!
//! Rule: `[[link]]` of the rule pack, each with its confidence, which is our judgement and not
//! measured. A link is told and excludes nothing.

use crate::place::Place;
use crate::row::{BY_ADDRESS, NO_ID, TRUE_ID, UNTRUE_ID};
use crate::spill::Record;

/// A rule of links, in the order of the rule pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Same name and telephone; an ID that fails its check, nearly the other's.
    TypingErrorInId = 0,
    /// Same name and telephone; one has no ID that holds.
    IdInOneOnly = 1,
    /// Same name and telephone; two IDs that hold.
    TwoIds = 2,
    /// Same name and address, no ID, another telephone.
    ChangedTelephone = 3,
}

impl Link {
    /// Every rule.
    pub const ALL: [Self; 4] = [
        Self::TypingErrorInId,
        Self::IdInOneOnly,
        Self::TwoIds,
        Self::ChangedTelephone,
    ];

    /// The rule's name in the pack.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TypingErrorInId => "typing_error_in_id",
            Self::IdInOneOnly => "id_in_one_only",
            Self::TwoIds => "two_ids",
            Self::ChangedTelephone => "changed_telephone",
        }
    }
}

/// Places of an ID that a typing error changes at most: one digit, or two exchanged.
const MOST_TYPOS: u32 = 2;
/// Persons of one contact beyond which it links nobody more: a service number, or an attack.
const MOST_PERSONS: usize = 64;

/// One person met in a group of equal contacts.
#[derive(Debug, Clone, Copy)]
struct Met {
    person: u128,
    place: Place,
    class: u64,
}

/// The links of a group of records with one contact, ordered by place: rule, later place, earlier place.
pub(crate) fn links(group: &[Record], told: &mut dyn FnMut(Link, Place, Place)) -> u64 {
    let Some(first) = group.first() else { return 0 };
    if group.iter().all(|record| record.extra == first.extra) {
        return 0;
    }
    let mut met: Vec<Met> = Vec::new();
    for record in group {
        let room = met.len() < MOST_PERSONS;
        match met.iter_mut().find(|met| met.person == record.extra) {
            // An ID that is nearly right says more than none.
            Some(known) => known.class = known.class.max(record.mask),
            None if room => met.push(Met {
                person: record.extra,
                place: record.place,
                class: record.mask,
            }),
            None => {}
        }
    }
    let base = met
        .iter()
        .find(|met| class(met.class) == TRUE_ID)
        .or(met.first())
        .copied();
    let Some(base) = base else { return 0 };
    for other in met.iter().filter(|other| other.person != base.person) {
        let (early, late) = (base.place.min(other.place), base.place.max(other.place));
        told(rule(base.class, other.class), late, early);
    }
    met.len() as u64 - 1
}

pub(crate) const fn class(meta: u64) -> u64 {
    meta & 3 << 54
}

fn rule(base: u64, other: u64) -> Link {
    match (class(base), class(other)) {
        (BY_ADDRESS, _) => Link::ChangedTelephone,
        (TRUE_ID, TRUE_ID) => Link::TwoIds,
        (TRUE_ID, UNTRUE_ID) if places_apart(base, other) <= MOST_TYPOS => Link::TypingErrorInId,
        (_, NO_ID | UNTRUE_ID | TRUE_ID | _) => Link::IdInOneOnly,
    }
}

/// In how many places two IDs differ, by their digests; at most as many as they do.
fn places_apart(a: u64, b: u64) -> u32 {
    let differ = (a ^ b) & ((1 << 54) - 1);
    let any = differ | differ >> 1 | differ >> 2;
    // Every third bit.
    (any & 0o111_111_111_111_111_111).count_ones()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(person: u128, place: u64, class: u64) -> Record {
        Record {
            key: 1,
            place: Place(place),
            mask: class,
            extra: person,
        }
    }

    #[test]
    fn places_are_counted() {
        assert_eq!(places_apart(0, 0), 0);
        assert_eq!(places_apart(0b111, 0), 1);
        assert_eq!(places_apart(0b001_100, 0), 2);
        assert_eq!(places_apart(TRUE_ID, UNTRUE_ID), 0, "the class is no place");
        assert_eq!(places_apart((1 << 54) - 1, 0), 18);
    }

    #[test]
    fn each_rule_links() {
        let near = UNTRUE_ID | 0b111;
        let far = UNTRUE_ID | 0o777_777;
        let rows: [(&str, u64, u64, Link); 5] = [
            ("a typing error", TRUE_ID, near, Link::TypingErrorInId),
            ("another's failed ID", TRUE_ID, far, Link::IdInOneOnly),
            ("no ID", TRUE_ID, NO_ID, Link::IdInOneOnly),
            ("two IDs", TRUE_ID, TRUE_ID | 0b111, Link::TwoIds),
            (
                "moved telephone",
                BY_ADDRESS,
                BY_ADDRESS,
                Link::ChangedTelephone,
            ),
        ];
        for (name, one, two, expected) in rows {
            for (first, second) in [(one, two), (two, one)] {
                let mut told = Vec::new();
                let group = [
                    record(7, 10, first),
                    record(7, 11, first),
                    record(8, 12, second),
                ];
                let fewer = links(&group, &mut |link, late, early| {
                    told.push((link, late.0, early.0))
                });
                assert_eq!((fewer, told), (1, vec![(expected, 12, 10)]), "{name}");
            }
        }
        assert_eq!(
            links(&[record(7, 1, 0), record(7, 2, 0)], &mut |_, _, _| panic!()),
            0
        );
    }
}

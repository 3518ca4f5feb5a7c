//! Near-duplicates: persons under different keys who are likely one.
//!
//! Rule: `[[link]]` of the rule pack, each with its confidence, which is our judgement and not
//! measured. A link is told and excludes nothing.

use std::collections::HashSet;

use crate::place::Place;
use crate::row::{BY_ADDRESS, DOCUMENTED, NO_ID, TRUE_ID, UNTRUE_ID, Valid, places_apart};
use crate::spill::Record;

/// A rule of links, in the order of the rule pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Same telephone, no other name; an ID that fails its check, nearly the other's.
    TypingErrorInId = 0,
    /// Same telephone, no other name; one has no ID that holds.
    IdInOneOnly = 1,
    /// Same name and telephone; two IDs that hold.
    TwoIds = 2,
    /// Same name and address, another telephone; at most one has a document.
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

/// Low bits of what a record says of whom it is about: the name's.
const NAME_BITS: u128 = 0xffff_ffff;

/// Whom a contact is about, beside its key: the person, and in the low bits the name.
pub(crate) fn whom(valid: &Valid) -> u128 {
    valid.person & !NAME_BITS | u128::from(valid.name)
}

/// The name of a contact; 0 where none is told.
pub(crate) fn name(record: &Record) -> u32 {
    u32::try_from(record.extra & NAME_BITS).unwrap_or(0)
}

/// One person met under one name in a group of equal contacts.
#[derive(Debug, Clone, Copy)]
struct Met {
    person: u128,
    name: u32,
    place: Place,
    class: u64,
}

impl Met {
    fn is_documented(&self) -> bool {
        match class(self.class) {
            BY_ADDRESS => self.class & DOCUMENTED != 0,
            class => class == TRUE_ID,
        }
    }
}

/// The links of a group of records with one contact, ordered by place: rule, later place, earlier
/// place. Answers how many persons fewer there are if all of them hold, and if all persons beyond
/// those that are linked are one with somebody of the group.
pub(crate) fn links(group: &[Record], told: &mut dyn FnMut(Link, Place, Place)) -> u64 {
    let person = |record: &Record| record.extra & !NAME_BITS;
    let Some(first) = group.first() else { return 0 };
    if group.iter().all(|record| person(record) == person(first)) {
        return 0;
    }
    let mut met: Vec<Met> = Vec::new();
    let mut beyond: HashSet<u128> = HashSet::new();
    for record in group {
        let room = met.len() < MOST_PERSONS;
        let same = |met: &&mut Met| met.person == person(record) && met.name == name(record);
        match met.iter_mut().find(same) {
            // An ID that is nearly right says more than none.
            Some(known) => known.class = known.class.max(record.mask),
            None if room => met.push(Met {
                person: person(record),
                name: name(record),
                place: record.place,
                class: record.mask,
            }),
            None => {
                beyond.insert(person(record));
            }
        }
    }
    beyond.retain(|person| met.iter().all(|met| met.person != *person));
    let mut linked: Vec<(u128, u128)> = Vec::new();
    for (base, other) in pairs(&met) {
        let pair = (base.person.min(other.person), base.person.max(other.person));
        let Some(rule) = rule(group, base, other).filter(|_| !linked.contains(&pair)) else {
            continue;
        };
        linked.push(pair);
        told(
            rule,
            base.place.max(other.place),
            base.place.min(other.place),
        );
    }
    (linked.len() + beyond.len()) as u64
}

/// Who is laid beside whom: those of one name beside the first documented one of them; whoever is
/// nowhere named beside the first who is no second document.
fn pairs(met: &[Met]) -> Vec<(&Met, &Met)> {
    let mut pairs = Vec::new();
    for (at, one) in met.iter().enumerate() {
        if one.name == 0 {
            let named = |met: &&Met| met.person == one.person && met.name != 0;
            if met.iter().any(|met| named(&met)) {
                continue;
            }
            let fits = |other: &&Met| {
                other.person != one.person && !(one.is_documented() && other.is_documented())
            };
            let fitting = met.iter().filter(fits);
            pairs.extend(
                fitting
                    .min_by_key(|other| !other.is_documented())
                    .map(|other| (other, one)),
            );
            continue;
        }
        let mut same = met.iter().filter(|other| other.name == one.name);
        let is_first = met[..at].iter().all(|other| other.name != one.name);
        let Some(base) = same.clone().find(|met| met.is_documented()).or(same.next()) else {
            continue;
        };
        if is_first {
            let others = met.iter().filter(|other| other.name == one.name);
            let others = others.filter(|other| other.person != base.person);
            pairs.extend(others.map(|other| (base, other)));
        }
    }
    pairs
}

pub(crate) const fn class(meta: u64) -> u64 {
    meta & 3 << 60
}

fn rule(group: &[Record], base: &Met, other: &Met) -> Option<Link> {
    Some(match (class(base.class), class(other.class)) {
        // Two documents at one address are two persons, and one telephone is another rule's.
        (BY_ADDRESS, _) if base.is_documented() && other.is_documented() => return None,
        (BY_ADDRESS, _) if shares_telephone(group, base, other) => return None,
        (BY_ADDRESS, _) => Link::ChangedTelephone,
        (TRUE_ID, TRUE_ID) => Link::TwoIds,
        (TRUE_ID, UNTRUE_ID) | (UNTRUE_ID, TRUE_ID)
            if places_apart(base.class, other.class) <= MOST_TYPOS =>
        {
            Link::TypingErrorInId
        }
        (_, NO_ID | UNTRUE_ID | TRUE_ID | _) => Link::IdInOneOnly,
    })
}

/// Whether two persons of one name and address are met under one telephone.
fn shares_telephone(group: &[Record], base: &Met, other: &Met) -> bool {
    let telephone = |meta: u64| meta & u64::from(u32::MAX);
    let of = |person: u128| {
        let his = group
            .iter()
            .filter(move |record| record.extra & !NAME_BITS == person);
        his.map(|record| telephone(record.mask))
            .filter(|phone| *phone != 0)
    };
    let known: HashSet<u64> = of(base.person).collect();
    !known.is_empty() && of(other.person).any(|phone| known.contains(&phone))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(person: u128, place: u64, class: u64) -> Record {
        Record {
            key: 1,
            place: Place(place),
            mask: class,
            extra: person << 32 | 1,
        }
    }

    #[test]
    fn places_are_counted() {
        assert_eq!(places_apart(0, 0), 0);
        assert_eq!(places_apart(10, 0), 1);
        assert_eq!(places_apart(11 * 20 + 3, 0), 2);
        assert_eq!(places_apart(TRUE_ID, UNTRUE_ID), 0, "the class is no place");
        assert_eq!(places_apart(11 * 99_999_999_999_999_999 + 10, 0), 18);
    }

    #[test]
    fn each_rule_links() {
        let near = UNTRUE_ID | 7;
        let far = UNTRUE_ID | (11 * 999);
        let (known, moved) = (BY_ADDRESS | DOCUMENTED | 5, BY_ADDRESS | 6);
        let rows: [(&str, u64, u64, Link); 7] = [
            ("a typing error", TRUE_ID, near, Link::TypingErrorInId),
            ("another's failed ID", TRUE_ID, far, Link::IdInOneOnly),
            ("no ID", TRUE_ID, NO_ID, Link::IdInOneOnly),
            ("two IDs", TRUE_ID, TRUE_ID | 7, Link::TwoIds),
            (
                "moved telephone",
                BY_ADDRESS | 5,
                moved,
                Link::ChangedTelephone,
            ),
            (
                "moved telephone of a document",
                known,
                moved,
                Link::ChangedTelephone,
            ),
            (
                "no telephone at all",
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
        let none: [&[Record]; 3] = [
            &[record(7, 1, 0), record(7, 2, 0)],
            &[record(7, 1, known), record(8, 2, known | 2)],
            // One telephone is the rule of contacts.
            &[
                record(7, 1, known),
                record(7, 2, BY_ADDRESS | DOCUMENTED | 9),
                record(8, 3, BY_ADDRESS | 5),
            ],
        ];
        for group in none {
            assert_eq!(links(group, &mut |_, _, _| panic!()), 0);
        }
    }

    #[test]
    fn names_part_a_telephone_and_none_joins_it() {
        let of = |person: u128, name: u128, place, class| Record {
            extra: person << 32 | name,
            ..record(0, place, class)
        };
        type Told = (Link, u64, u64);
        let rows: [(&str, Vec<Record>, Vec<Told>); 5] = [
            (
                "a family: each of the telephone's names is beside its own ID",
                vec![
                    of(1, 10, 1, TRUE_ID),
                    of(2, 20, 2, TRUE_ID),
                    of(9, 10, 3, NO_ID),
                    of(9, 20, 4, NO_ID),
                ],
                vec![(Link::IdInOneOnly, 3, 1), (Link::IdInOneOnly, 4, 2)],
            ),
            (
                "a row without a name",
                vec![of(1, 0, 1, TRUE_ID), of(9, 10, 3, UNTRUE_ID | 7)],
                vec![(Link::TypingErrorInId, 3, 1)],
            ),
            (
                "named elsewhere",
                vec![
                    of(1, 0, 1, TRUE_ID),
                    of(1, 10, 2, TRUE_ID),
                    of(9, 20, 3, NO_ID),
                ],
                vec![],
            ),
            (
                "two documents, one without a name",
                vec![of(1, 0, 1, TRUE_ID), of(2, 10, 2, TRUE_ID)],
                vec![],
            ),
            (
                "two persons under two names are linked once",
                vec![
                    of(1, 10, 1, TRUE_ID),
                    of(1, 20, 2, TRUE_ID),
                    of(9, 10, 3, NO_ID),
                    of(9, 20, 4, NO_ID),
                ],
                vec![(Link::IdInOneOnly, 3, 1)],
            ),
        ];
        for (name, group, expected) in rows {
            let mut told = Vec::new();
            let fewer = links(&group, &mut |link, late, early| {
                told.push((link, late.0, early.0))
            });
            assert_eq!(fewer, expected.len() as u64, "{name}");
            assert_eq!(told, expected, "{name}");
        }
    }
}

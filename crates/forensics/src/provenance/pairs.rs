//! Which files share people, and what the people they share tell.
//!
//! Two readings of the groups. The first weighs a sample: a person belongs to it by the place where
//! he is first met, so that every run draws the same one; for a pair of files it is as dense as the
//! smaller file needs. What it finds are candidates. The second counts them exactly, and takes of
//! each a sample of common people for the order of their rows and for the other files that hold them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use crate::error::CountError;
use crate::provenance::rules::KinRules;
use crate::provenance::shared::{By, Id, Member, each};

/// People of a file in the sample of the first reading.
const SKETCH: u64 = 2048;
/// Common people of a pair in the sample of the second.
const SAMPLE: u64 = 1024;
/// Pairs that are counted; those that share fewer people are left off, and their number is told.
const MOST_PAIRS: usize = 10_000;
/// Files beyond which pairs are sieved before they are counted.
const MANY_FILES: usize = 2_000;
/// Of 2 to the power of these counts, a byte each.
const SIEVE_BITS: u32 = 26;
/// Files of one person that are all paired with each other; beyond, each is paired with some.
const MOST_FILES: usize = 128;
/// With how many: the first, and those before it.
const FEW: usize = 8;

/// People of each file, by person and by contact.
#[derive(Debug, Clone, Default)]
pub(crate) struct Crowd(pub(crate) Vec<[u64; 2]>);

impl Crowd {
    pub(crate) fn of(&self, unit: usize, by: By) -> u64 {
        self.0.get(unit).map_or(0, |counts| counts[by as usize])
    }
}

/// Two files that share people; the first is the one whose path comes first.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) units: [usize; 2],
    /// Where they share more of themselves.
    pub(crate) by: By,
    /// People they share.
    pub(crate) common: u64,
    /// Contacts whose ID is untrue here and true in the other.
    pub(crate) own_errors: [u64; 2],
    /// Contacts whose ID is untrue in both.
    pub(crate) shared_errors: u64,
    /// Places of a sample of those they share, in both.
    places: Vec<(u64, u64)>,
    /// How many of the sample are in other files, too.
    others: BTreeMap<usize, u64>,
    /// Below this a person is in the sample.
    below: u64,
}

impl Pair {
    fn new(units: [usize; 2], by: By, common: u64) -> Self {
        Self {
            units,
            by,
            common: 0,
            own_errors: [0; 2],
            shared_errors: 0,
            places: Vec::new(),
            others: BTreeMap::new(),
            below: below(SAMPLE, common),
        }
    }

    /// Agreement of the orders of rows in thousandths, from -1000 to 1000 (Kendall's tau); none
    /// for fewer than 16 people.
    pub(crate) fn order(&self) -> Option<i64> {
        let mut places = self.places.clone();
        places.sort_unstable();
        let mut later: Vec<u64> = places.into_iter().map(|(_, place)| place).collect();
        let count = later.len() as u64;
        let pairs = count * count.saturating_sub(1) / 2;
        let turned = inversions(&mut later);
        let (pairs, turned) = (i64::try_from(pairs).ok()?, i64::try_from(turned).ok()?);
        (count >= 16).then(|| (pairs - 2 * turned) * 1000 / pairs)
    }

    /// Files that hold some of the people they share, in order.
    pub(crate) fn others(&self) -> impl Iterator<Item = usize> {
        self.others.keys().copied()
    }

    /// Of the people they share, how many thousandths another file holds, by the sample.
    pub(crate) fn also_in(&self, unit: usize) -> u64 {
        let held = self.others.get(&unit).copied().unwrap_or(0);
        held * 1000 / (self.places.len() as u64).max(1)
    }

    fn meet(&mut self, by: By, [a, b]: [Member; 2], group: &[Member], drawn: u64) {
        if by == By::Contact {
            match (a.id, b.id) {
                (Id::Untrue, Id::True) => self.own_errors[0] += 1,
                (Id::True, Id::Untrue) => self.own_errors[1] += 1,
                (Id::Untrue, Id::Untrue) => self.shared_errors += 1,
                _ => {}
            }
        }
        if by != self.by {
            return;
        }
        self.common += 1;
        if drawn <= self.below {
            self.places.push((a.place.0, b.place.0));
            for other in group.iter().take(MOST_FILES) {
                *self.others.entry(other.unit()).or_default() += 1;
            }
        }
    }
}

/// How many pairs stand in another order; sorts.
fn inversions(values: &mut [u64]) -> u64 {
    let middle = values.len() / 2;
    if middle == 0 {
        return 0;
    }
    let (left, right) = values.split_at_mut(middle);
    let mut turned = inversions(left) + inversions(right);
    let mut before = 0;
    for value in right.iter() {
        before += left[before..].partition_point(|one| one <= value);
        turned += (left.len() - before) as u64;
    }
    values.sort_unstable();
    turned
}

/// Below which of all 2⁶⁴ numbers some `wanted` of `all` lie.
fn below(wanted: u64, all: u64) -> u64 {
    let share = (u128::from(wanted) << 64) / u128::from(all.max(1));
    u64::try_from(share).unwrap_or(u64::MAX)
}

/// What two readings found.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    /// Ordered by their files.
    pub(crate) pairs: Vec<Pair>,
    pub(crate) left_off: usize,
    /// How many of each file's people are in files that lie within it, by person and contact.
    pub(crate) covered: BTreeMap<usize, [u64; 2]>,
}

/// Reads the groups twice.
pub(crate) fn find(
    paths: &[PathBuf],
    crowd: &Crowd,
    rules: &KinRules,
) -> Result<Pairs, CountError> {
    let (found, left_off) = candidates(paths, crowd, rules)?;
    if found.is_empty() {
        return Ok(Pairs::default());
    }
    let mut second = Second::new(found, crowd, rules);
    each(paths, &mut |by, group| second.take(by, group))?;
    let pairs = second.pairs.into_values().flat_map(BTreeMap::into_values);
    Ok(Pairs {
        pairs: pairs.collect(),
        left_off,
        covered: second.covered,
    })
}

fn drawn(group: &[Member]) -> u64 {
    super::mix(group.first().map_or(0, |first| first.place.0))
}

/// A pair and how many people it seems to share.
type Candidate = (u64, Pair);

/// The first reading.
fn candidates(
    paths: &[PathBuf],
    crowd: &Crowd,
    rules: &KinRules,
) -> Result<(Vec<Candidate>, usize), CountError> {
    let rates: Vec<[u64; 2]> = (0..crowd.0.len())
        .map(|unit| By::ALL.map(|by| below(SKETCH, crowd.of(unit, by))))
        .collect();
    let rate = |unit: usize, by: By| rates.get(unit).map_or(u64::MAX, |rates| rates[by as usize]);
    let sampled = |told: &mut dyn FnMut(By, [usize; 2])| {
        each(paths, &mut |by, group| {
            let drawn = drawn(group);
            for (at, b) in group.iter().enumerate() {
                let near = if group.len() > MOST_FILES {
                    FEW
                } else {
                    MOST_FILES
                };
                let from = at.saturating_sub(near);
                let before = (0..near.min(from)).chain(from..at);
                for a in before.filter_map(|at| group.get(at)) {
                    // As dense as the smaller of the two needs.
                    if drawn <= rate(a.unit(), by).max(rate(b.unit(), by)) {
                        told(by, [a.unit(), b.unit()]);
                    }
                }
            }
        })
    };
    // Of many files most pairs share next to nobody; those are not kept.
    let mut sieve = (crowd.0.len() > MANY_FILES).then(|| Sieve::new(rules));
    if let Some(sieve) = &mut sieve {
        sampled(&mut |_, units| sieve.take(units))?;
    }
    let mut met: HashMap<[usize; 2], [u64; 2]> = HashMap::new();
    sampled(&mut |by, units| {
        if sieve.as_ref().is_none_or(|sieve| sieve.holds(units)) {
            met.entry(units).or_default()[by as usize] += 1;
        }
    })?;
    let mut found: Vec<Candidate> = Vec::new();
    for (units, counts) in met {
        let weighed = By::ALL.map(|by| {
            let [a, b] = units.map(|unit| crowd.of(unit, by));
            let rate = units.map(|unit| rate(unit, by)).into_iter().max();
            let common = scaled(counts[by as usize], rate.unwrap_or(u64::MAX));
            (common * 1000 / a.min(b).max(1), common, by)
        });
        let [person, contact] = weighed;
        let (share, common, by) = if contact.0 > person.0 {
            contact
        } else {
            person
        };
        // The sample errs; what is near the bound is counted.
        if share * 2 >= rules.least_containment && common * 2 >= rules.least_common {
            found.push((common, Pair::new(units, by, common)));
        }
    }
    found.sort_unstable_by_key(|(common, pair)| (std::cmp::Reverse(*common), pair.units));
    let left_off = found.len().saturating_sub(MOST_PAIRS);
    found.truncate(MOST_PAIRS);
    Ok((found, left_off))
}

/// Counts pairs in less room than a place for each: several may share a count, which is then too
/// high and never too low, whatever order they come in.
struct Sieve {
    counts: Vec<u8>,
    least: u8,
}

impl Sieve {
    /// What is met less often is no kin: half the least number of people that the rules ask for, of
    /// small files counted, of large ones a share of a sample of [`SKETCH`].
    fn new(rules: &KinRules) -> Self {
        Self {
            counts: vec![0; 1 << SIEVE_BITS],
            least: u8::try_from(rules.least_common / 2).unwrap_or(u8::MAX),
        }
    }

    fn at([a, b]: [usize; 2]) -> usize {
        let pair = super::mix((a as u64) << 32 | b as u64);
        usize::try_from(pair >> (64 - SIEVE_BITS)).unwrap_or(0)
    }

    fn take(&mut self, units: [usize; 2]) {
        if let Some(count) = self.counts.get_mut(Self::at(units)) {
            *count = count.saturating_add(1);
        }
    }

    /// Whether a pair may have been met as often as the least of what is kin.
    fn holds(&self, units: [usize; 2]) -> bool {
        let count = self.counts.get(Self::at(units));
        count.is_some_and(|count| *count >= self.least)
    }
}

/// How many a sample stands for.
fn scaled(count: u64, rate: u64) -> u64 {
    let all = (u128::from(count) << 64) / (u128::from(rate) + 1);
    u64::try_from(all).unwrap_or(u64::MAX)
}

/// The second reading.
struct Second {
    /// By the earlier file, then the later.
    pairs: BTreeMap<usize, BTreeMap<usize, Pair>>,
    /// Files that seem to lie within a file.
    parts: BTreeMap<usize, BTreeSet<usize>>,
    covered: BTreeMap<usize, [u64; 2]>,
}

impl Second {
    fn new(found: Vec<Candidate>, crowd: &Crowd, rules: &KinRules) -> Self {
        let mut new = Self {
            pairs: BTreeMap::new(),
            parts: BTreeMap::new(),
            covered: BTreeMap::new(),
        };
        for (common, pair) in found {
            let [a, b] = pair.units;
            let [in_a, in_b] = pair.units.map(|unit| crowd.of(unit, pair.by));
            let (small, large) = if in_a < in_b { (a, b) } else { (b, a) };
            let within = common * 1000 >= in_a.min(in_b) * rules.nearly;
            // Files of much the same size are copies, not parts.
            if within && in_a.min(in_b) * 1000 < in_a.max(in_b) * rules.nearly {
                new.parts.entry(large).or_default().insert(small);
            }
            new.pairs.entry(a).or_default().insert(b, pair);
        }
        new
    }

    fn take(&mut self, by: By, group: &[Member]) {
        let drawn = drawn(group);
        for a in group {
            let Some(neighbours) = self.pairs.get_mut(&a.unit()) else {
                continue;
            };
            // The shorter of both is walked: a register's neighbours may be thousands.
            if neighbours.len() > group.len() {
                for b in group {
                    if let Some(pair) = neighbours.get_mut(&b.unit()) {
                        pair.meet(by, [*a, *b], group, drawn);
                    }
                }
                continue;
            }
            for (unit, pair) in neighbours.iter_mut() {
                if let Some(b) = held(group, *unit) {
                    pair.meet(by, [*a, *b], group, drawn);
                }
            }
        }
        for member in group {
            let Some(parts) = self.parts.get(&member.unit()) else {
                continue;
            };
            let within = match parts.len() > group.len() {
                true => group.iter().any(|other| parts.contains(&other.unit())),
                false => parts.iter().any(|part| held(group, *part).is_some()),
            };
            if within {
                self.covered.entry(member.unit()).or_default()[by as usize] += 1;
            }
        }
    }
}

fn held(group: &[Member], unit: usize) -> Option<&Member> {
    let at = group.binary_search_by_key(&unit, Member::unit).ok()?;
    group.get(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inversions_are_those_of_counting_them() {
        let values: Vec<u64> = (0..200).map(|at| super::super::mix(at) % 1000).collect();
        let plain = (0..values.len())
            .flat_map(|a| (a..values.len()).map(move |b| (a, b)))
            .filter(|(a, b)| values[*a] > values[*b])
            .count() as u64;
        assert_eq!(inversions(&mut values.clone()), plain);
        assert_eq!(inversions(&mut [1, 2, 3]), 0);
        assert_eq!(inversions(&mut [3, 2, 1]), 3);
    }

    #[test]
    fn a_sieve_lets_no_pair_go_that_may_be_kin() {
        let rules = &crate::rules::Rules::builtin().provenance;
        let mut sieve = Sieve::new(rules);
        for b in 1..3_000_usize {
            for _ in 0..b % 20 {
                sieve.take([b / 2, b]);
            }
        }
        let held = |b: &usize| sieve.holds([b / 2, *b]);
        let least = (1..3_000).filter(|b| b % 20 >= 10);
        assert!(least.clone().all(|b| held(&b)));
        assert!((1..3_000).filter(held).count() <= least.count() + 5);
        (0..1_000).for_each(|_| sieve.take([7, 8]));
        assert!(sieve.holds([7, 8]));
    }

    #[test]
    fn samples_are_as_large_as_wanted() {
        for all in [1, 100, 5_000, 1_000_000] {
            let below = below(2048, all);
            let drawn = (0..all)
                .filter(|at| super::super::mix(*at) <= below)
                .count() as u64;
            let wanted = all.min(2048);
            assert!(drawn.abs_diff(wanted) <= 200, "{all}: {drawn}");
            assert!(scaled(drawn, below).abs_diff(all) * 10 <= all, "{all}");
        }
    }
}

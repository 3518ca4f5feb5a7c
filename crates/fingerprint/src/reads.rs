//! Who read the leaked persons one by one: a ranking, never an accusation.
//!
//! Within a stratum (role, day, task) of `N` persons who might have been read, a reader read `n`, and
//! `K` persons of the stratum leaked. If the leak had nothing to do with this reader, the number he
//! read among the leaked would be hypergeometric, **provided** his reads within the stratum were as
//! good as drawn by lot: that is a model of human work, not a fact, and hence the evidence is
//! [`ModelBased`] and can only rank.
//!
//! Strata are joined exactly, by convolving their distributions, so that one tail probability `p`
//! covers them all; where that would be too long, their e-values multiply.
//! Calibration: `e = ½ p^(−½)` (Vovk and Wang 2021, the calibrator `κ p^(κ−1)` at κ = ½).

use std::collections::{BTreeMap, HashSet};
use std::hash::Hash;

use serde::{Deserialize, Serialize};

use crate::FingerprintError;
use crate::evalue::{EValue, ModelBased, ln_sum_exp};

/// The longest joint distribution that is computed exactly.
const LONGEST_JOINT: u64 = 20_000;

/// Counts within one stratum for one reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stratum {
    /// Persons whom the work of this stratum might have touched.
    pub persons: u64,
    /// Those of them who leaked.
    pub leaked: u64,
    /// Those whom the reader read.
    pub read: u64,
    /// Those whom the reader read and who leaked.
    pub both: u64,
}

impl Stratum {
    fn check(self) -> Result<Self, FingerprintError> {
        let pairs = [
            (self.leaked, self.persons, "leaked", "persons"),
            (self.read, self.persons, "read", "persons"),
            (self.both, self.leaked, "both", "leaked"),
            (self.both, self.read, "both", "read"),
            (self.least(), self.both, "least overlap", "both"),
        ];
        match pairs.into_iter().find(|(part, whole, ..)| part > whole) {
            Some((.., part, whole)) => Err(FingerprintError::Counts { part, whole }),
            None => Ok(self),
        }
    }

    /// The smallest overlap possible: read and leaked may not fit beside each other.
    const fn least(&self) -> u64 {
        (self.read.saturating_add(self.leaked)).saturating_sub(self.persons)
    }

    fn most(&self) -> u64 {
        self.read.min(self.leaked)
    }

    /// `ln P(overlap = k)`.
    fn ln_chance(&self, k: u64) -> f64 {
        ln_choose(self.leaked, k) + ln_choose(self.persons - self.leaked, self.read - k)
            - ln_choose(self.persons, self.read)
    }

    fn expected(&self) -> f64 {
        if self.persons == 0 {
            return 0.0;
        }
        to_f64(self.read) * to_f64(self.leaked) / to_f64(self.persons)
    }
}

/// One look: who read whom, and at what work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look<S, P> {
    /// Position of the reader in the caller's list.
    pub reader: usize,
    /// The work: role, day and task.
    pub stratum: S,
    /// The person read.
    pub person: P,
}

/// Whom anybody read in a stratum, and whom each reader did.
type Work<'a, P> = (HashSet<&'a P>, BTreeMap<usize, HashSet<&'a P>>);

/// Counts looks into strata, a list for each of `readers` readers; looks by others are passed over.
///
/// Those whom the work of a stratum might have touched are those whom anybody read in it. Hence a
/// reader who worked alone in a stratum gains no evidence from it, for or against: all its persons
/// are his. A person read twice in a stratum counts once there.
#[must_use]
pub fn strata<S: Ord, P: Eq + Hash>(
    readers: usize,
    looks: &[Look<S, P>],
    leaked: &HashSet<P>,
) -> Vec<Vec<Stratum>> {
    let mut work: BTreeMap<&S, Work<'_, P>> = BTreeMap::new();
    for look in looks.iter().filter(|look| look.reader < readers) {
        let (anyone, each) = work.entry(&look.stratum).or_default();
        anyone.insert(&look.person);
        each.entry(look.reader).or_default().insert(&look.person);
    }
    let overlap = |persons: &HashSet<&P>| persons.iter().filter(|p| leaked.contains(**p)).count();
    let mut counted = vec![Vec::new(); readers];
    for (anyone, each) in work.values() {
        for (reader, read) in each {
            counted[*reader].push(Stratum {
                persons: anyone.len() as u64,
                leaked: overlap(anyone) as u64,
                read: read.len() as u64,
                both: overlap(read) as u64,
            });
        }
    }
    counted
}

/// A reader's place in the ranking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReaderScore {
    /// Position of the reader in the list given.
    pub reader: usize,
    /// Persons read, over all strata.
    pub read: u64,
    /// Leaked persons among them.
    pub both: u64,
    /// Leaked persons that chance alone would have put among them.
    pub expected: f64,
    /// `ln p`, the probability of so many or more by chance, under the model.
    pub ln_p: f64,
    /// The calibrated evidence; ranks only.
    pub evidence: EValue<ModelBased>,
}

/// Ranks readers by how far their reads exceed chance, strongest first.
///
/// Each reader comes with his strata; a stratum he did not read in may be left out.
///
/// # Errors
///
/// [`FingerprintError::Counts`] when a stratum's counts contradict each other.
pub fn rank(readers: &[Vec<Stratum>]) -> Result<Vec<ReaderScore>, FingerprintError> {
    let scores = readers
        .iter()
        .enumerate()
        .map(|(reader, strata)| score(reader, strata));
    let mut scores = scores.collect::<Result<Vec<ReaderScore>, FingerprintError>>()?;
    scores.sort_by(|a, b| b.evidence.ln().total_cmp(&a.evidence.ln()));
    Ok(scores)
}

fn score(reader: usize, strata: &[Stratum]) -> Result<ReaderScore, FingerprintError> {
    for stratum in strata {
        stratum.check()?;
    }
    let both = strata.iter().map(|s| s.both).sum();
    let length: u64 = strata.iter().map(|s| s.most() - s.least()).sum();
    let (ln_p, evidence) = if strata.len() < 2 || length <= LONGEST_JOINT {
        let ln_p = joint_tail(strata, both);
        (ln_p, calibrate(ln_p))
    } else {
        let each = strata
            .iter()
            .map(|s| joint_tail(std::slice::from_ref(s), s.both));
        let joined = each
            .clone()
            .map(calibrate)
            .fold(EValue::NEUTRAL, EValue::and_independent);
        // A product of e-values bounds a probability by its inverse (Markov).
        ((-joined.ln()).min(0.0), joined)
    };
    Ok(ReaderScore {
        reader,
        read: strata.iter().map(|s| s.read).sum(),
        both,
        expected: strata.iter().map(Stratum::expected).sum(),
        ln_p,
        evidence,
    })
}

/// `e = ½ p^(−½)`.
fn calibrate(ln_p: f64) -> EValue<ModelBased> {
    EValue::saturating(-std::f64::consts::LN_2 - 0.5 * ln_p)
}

/// `ln P(sum of overlaps ≥ both)`.
fn joint_tail(strata: &[Stratum], both: u64) -> f64 {
    let Some((first, rest)) = strata.split_first() else {
        return 0.0;
    };
    let mut least = first.least();
    if rest.is_empty() {
        // One stratum needs no convolution, so its tail may be as long as it likes.
        let tail = (both..=first.most()).map(|k| first.ln_chance(k));
        return ln_sum_exp(tail).min(0.0);
    }
    let mut joint = distribution(first);
    for stratum in rest {
        joint = convolve(&joint, &distribution(stratum));
        least += stratum.least();
    }
    let skip = usize::try_from(both.saturating_sub(least)).unwrap_or(usize::MAX);
    ln_sum_exp(joint.iter().skip(skip).copied()).min(0.0)
}

/// `ln P(overlap = k)` for every possible k, from the least.
fn distribution(stratum: &Stratum) -> Vec<f64> {
    (stratum.least()..=stratum.most())
        .map(|k| stratum.ln_chance(k))
        .collect()
}

fn convolve(left: &[f64], right: &[f64]) -> Vec<f64> {
    let at = |sum: usize| {
        let from = sum.saturating_sub(right.len() - 1);
        let to = sum.min(left.len() - 1);
        ln_sum_exp((from..=to).map(|i| left[i] + right[sum - i]))
    };
    (0..left.len() + right.len() - 1).map(at).collect()
}

/// `ln C(n, k)`.
pub(crate) fn ln_choose(n: u64, k: u64) -> f64 {
    if k > n {
        return f64::NEG_INFINITY;
    }
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

/// `ln n!`: summed for small n, else Stirling's series, whose error here is below 1e-14.
fn ln_factorial(n: u64) -> f64 {
    if n < 32 {
        return (2..=n).map(|i| to_f64(i).ln()).sum();
    }
    let n = to_f64(n);
    let series = 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3)) + 1.0 / (1_260.0 * n.powi(5));
    n * n.ln() - n + 0.5 * (2.0 * std::f64::consts::PI * n).ln() + series
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of persons lie far below 2^53"
)]
const fn to_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn stratum(persons: u64, leaked: u64, read: u64, both: u64) -> Stratum {
        Stratum {
            persons,
            leaked,
            read,
            both,
        }
    }

    #[test]
    fn tails_agree_with_counting_by_hand() {
        let rows = [
            // Five leaked of ten, three read: C(5,3)/C(10,3) = 10/120 have all three.
            (vec![stratum(10, 5, 3, 3)], 10.0 / 120.0),
            (vec![stratum(10, 5, 3, 2)], (10.0 + 50.0) / 120.0),
            (vec![stratum(10, 5, 3, 0)], 1.0),
            (vec![], 1.0),
            // Two strata of one read each, half leaked: both with probability a quarter.
            (vec![stratum(2, 1, 1, 1), stratum(2, 1, 1, 1)], 0.25),
            (vec![stratum(2, 1, 1, 1), stratum(2, 1, 1, 0)], 0.75),
        ];
        for (strata, expected) in rows {
            let p = score(0, &strata).unwrap().ln_p.exp();
            assert!((p - expected).abs() < 1e-12, "{strata:?}: {p}");
        }
    }

    #[test]
    fn distributions_add_up_to_one_even_when_large() {
        for s in [stratum(1_000_000, 5_000, 3_000, 0), stratum(50, 40, 30, 20)] {
            assert!(ln_sum_exp(distribution(&s).into_iter()).abs() < 1e-7);
        }
    }

    #[test]
    fn calibration_keeps_the_expectation_at_most_one() {
        // Over every outcome of a stratum: Σ P(k) e(k) ≤ 1.
        for (persons, leaked, read) in [(100, 10, 20), (1_000, 500, 3), (40, 39, 20)] {
            let base = stratum(persons, leaked, read, 0);
            let mean: f64 = (base.least()..=base.most())
                .map(|both| {
                    let s = Stratum { both, ..base };
                    s.ln_chance(both).exp() * score(0, &[s]).unwrap().evidence.ln().exp()
                })
                .sum();
            assert!(mean <= 1.0, "{mean}");
        }
    }

    #[test]
    fn the_reader_of_the_leaked_comes_first() {
        let busy = vec![stratum(20_000, 200, 9_000, 92)];
        let taker = vec![stratum(20_000, 200, 400, 150), stratum(500, 0, 20, 0)];
        let idle = vec![stratum(20_000, 200, 3, 0)];
        let ranked = rank(&[busy, taker, idle]).unwrap();
        assert_eq!(ranked[0].reader, 1);
        assert!(ranked[0].evidence.log10() > 50.0);
        assert!(ranked[1].evidence.ln() < 2.0);
        assert!((ranked[0].expected - 4.0).abs() < 1e-9);
    }

    #[test]
    fn looks_are_counted_within_their_work() {
        let look = |reader, stratum, person| Look {
            reader,
            stratum,
            person,
        };
        let looks = [
            look(0, "claims, Monday", 1),
            look(0, "claims, Monday", 1),
            look(0, "claims, Monday", 2),
            look(1, "claims, Monday", 3),
            look(1, "claims, Monday", 4),
            // Alone at this work.
            look(1, "audit, Monday", 1),
            look(1, "audit, Monday", 2),
            // Nobody on the list.
            look(7, "claims, Monday", 9),
        ];
        let counted = strata(2, &looks, &HashSet::from([1, 2, 8]));
        assert_eq!(counted[0], [stratum(4, 2, 2, 2)]);
        assert_eq!(counted[1], [stratum(2, 2, 2, 2), stratum(4, 2, 2, 0)]);
        let ranked = rank(&counted).unwrap();
        assert_eq!(ranked[0].reader, 0);
        // Two of two among C(4, 2) pairs; and nothing but what had to be.
        assert!((ranked[0].ln_p.exp() - 1.0 / 6.0).abs() < 1e-12);
        assert!(ranked[1].ln_p.abs() < 1e-12);
    }

    #[test]
    fn many_large_strata_are_joined_by_their_evidence() {
        let strata = vec![stratum(1_000_000, 20_000, 20_000, 600); 2];
        let joined = score(0, &strata).unwrap();
        let single = score(0, &strata[..1]).unwrap();
        assert!((joined.evidence.ln() - 2.0 * single.evidence.ln()).abs() < 1e-9);
    }

    #[test]
    fn refuses_counts_that_contradict_each_other() {
        for s in [
            stratum(10, 11, 1, 0),
            stratum(10, 1, 11, 0),
            stratum(10, 3, 5, 4),
            stratum(10, 5, 3, 4),
            stratum(10, 8, 8, 5),
        ] {
            let refused = matches!(rank(&[vec![s]]), Err(FingerprintError::Counts { .. }));
            assert!(refused, "{s:?}");
        }
    }
}

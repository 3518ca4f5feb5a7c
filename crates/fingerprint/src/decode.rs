//! The mixture score: how much better "this copy took part" explains a leak than "it did not".
//!
//! For a copy `r` with symbols `x`, a leak with observations `y` at slots of bias `p`, and fixed
//! weights `w` over hypotheses θ, the score is
//!
//! ```text
//! e_r = Σ_θ w_θ ∏_i  G_θ(y_i | x_i, p_i) / ( p_i G_θ(y_i | 1, p_i) + (1 − p_i) G_θ(y_i | 0, p_i) )
//! G_θ(y | x, p) = Σ_b Binomial(b; c_θ − 1, p) · g_θ(y | K = x + b)
//! ```
//!
//! # Why an innocent's expectation is exactly one
//!
//! The leakers see their own copies only. The symbols of an innocent copy are drawn by its own key,
//! so given everything else (the slots and biases, the leakers' copies, and hence whatever they
//! made of them: `y`, what was erased, what was shown twice) they are still independent, with
//! `P(x_i = 1) = p_i`. Fix all of that. For every θ and slot the factor's expectation over `x_i` is
//! `(p G(y|1) + (1−p) G(y|0)) / (p G(y|1) + (1−p) G(y|0)) = 1`, as the denominator is computed as
//! that very sum. Factors of different slots are independent, so the product has expectation 1, and
//! so has the mixture, as its weights are fixed and add up to 1.
//!
//! Nothing was assumed about `y`: `g` need not be a probability, nor describe what the leakers
//! really did. Hence "both forms seen" may be an observation with any positive `g`, a slot may be
//! left out for any reason that does not depend on the innocent's symbols (erased rows, rows that
//! the copy never carried), and a wrong θ costs power, never an innocent.
//! One slot must be counted once; [`crate::trace::Leak`] sees to that.
//!
//! # Second pass
//!
//! Given a set `A` of `t` other copies, `G_θ(y | x, x_A, p) = Σ_b Binomial(b; c_θ − 1 − t, p) ·
//! g_θ(y | K = ones of A + x + b)` gives an e-value by the same argument, for every fixed `A`
//! that lacks `r`. Averaging over all such sets divides by `C(n−1, t)`; [`crate::trace`] pays it.
//!
//! Products are kept as sums of logarithms in double precision: their rounding error stays below
//! [`ROUNDING_NATS`] for any leak that fits in memory, and that much is taken off every score.

use std::num::NonZero;
use std::thread;

use crate::code::{ExportKey, Slot};
use crate::evalue::ln_sum_exp;
use crate::model::{Hypothesis, MAX_COLLUDERS, Model};

/// Subtracted from every score, so that rounding can only ever favour the copy.
pub const ROUNDING_NATS: f64 = 1.0e-6;

/// Slots whose tables are kept at a time: half a megabyte, so that they stay in a core's cache.
const BLOCK: usize = 256;

/// Hypotheses added up at a time, in registers.
const LANES: usize = 16;

/// Copies scored together by one thread: their running sums take some tens of megabytes.
const GROUP: usize = 16_384;

/// Below this many copies a second thread costs more than it brings.
const WORTH_A_THREAD: usize = 64;

/// A slot with what the leak shows there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) slot: Slot,
    /// Index of the observation in the model's tables.
    pub(crate) observation: usize,
}

/// Which of the observed slots a copy carried at all.
///
/// A copy without the row in question cannot have shown it, and is not scored on it.
/// What decides here must not depend on symbols: rows, columns and canary counts may; whether a
/// canary was present may not.
#[derive(Clone, Copy, Default)]
pub enum Coverage<'a> {
    /// Every observed slot.
    #[default]
    All,
    /// Those for which the function, given the position of the slot in its [`crate::trace::Leak`], says so.
    Only(&'a (dyn Fn(usize) -> bool + Sync)),
}

impl Coverage<'_> {
    fn has(&self, position: usize) -> bool {
        match self {
            Self::All => true,
            Self::Only(has) => has(position),
        }
    }
}

/// A copy to be scored on one channel.
#[derive(Clone, Copy)]
pub(crate) struct Scored<'a> {
    pub(crate) key: &'a ExportKey,
    pub(crate) coverage: Coverage<'a>,
}

/// What the accused copies hold at one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Known {
    /// Accused copies in all.
    pub(crate) accused: usize,
    /// Those that carried this slot.
    pub(crate) present: usize,
    /// Those of them that show form one.
    pub(crate) ones: usize,
}

/// `ln e` of every candidate on one channel, given the accused.
///
/// Returns minus infinity for all when no hypothesis has room for another colluder.
pub(crate) fn ln_scores(
    model: &Model,
    seen: &[Seen],
    accused: &[Scored<'_>],
    candidates: &[Scored<'_>],
) -> Vec<f64> {
    let hypotheses = model.beyond(accused.len());
    if hypotheses.is_empty() {
        return vec![f64::NEG_INFINITY; candidates.len()];
    }
    let sheet = Sheet {
        model,
        hypotheses: &hypotheses,
        seen,
        known: &known(seen, accused),
    };
    let threads = thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(candidates.len() / WORTH_A_THREAD)
        .max(1);
    let share = candidates.len().div_ceil(threads).max(1);
    let mut scores = vec![0.0; candidates.len()];
    thread::scope(|scope| {
        for (candidates, scores) in candidates.chunks(share).zip(scores.chunks_mut(share)) {
            scope.spawn(|| sheet.score(candidates, scores));
        }
    });
    scores
}

/// What the accused hold, slot by slot.
fn known(seen: &[Seen], accused: &[Scored<'_>]) -> Vec<Known> {
    let hold = |(position, seen): (usize, &Seen)| {
        let mut known = Known {
            accused: accused.len(),
            ..Known::default()
        };
        for copy in accused.iter().filter(|copy| copy.coverage.has(position)) {
            known.present += 1;
            known.ones += copy.key.symbol(&seen.slot).index();
        }
        known
    };
    seen.iter().enumerate().map(hold).collect()
}

/// Everything that is the same for all candidates.
struct Sheet<'a> {
    model: &'a Model,
    hypotheses: &'a [Hypothesis],
    seen: &'a [Seen],
    known: &'a [Known],
}

impl Sheet<'_> {
    /// Scores candidates, group by group, so that memory does not grow with their number.
    fn score(&self, candidates: &[Scored<'_>], scores: &mut [f64]) {
        let width = self.hypotheses.len().next_multiple_of(LANES);
        let mut table = Table::new(width);
        let mut sums = vec![0.0; candidates.len().min(GROUP) * width];
        for (group, scores) in candidates.chunks(GROUP).zip(scores.chunks_mut(GROUP)) {
            sums.fill(0.0);
            for start in (0..self.seen.len()).step_by(BLOCK) {
                table.fill(self, start);
                for (copy, sums) in group.iter().zip(sums.chunks_exact_mut(width)) {
                    table.add(copy, start, sums);
                }
            }
            for (score, sums) in scores.iter_mut().zip(sums.chunks_exact(width)) {
                *score = self.mix(sums);
            }
        }
    }

    /// `ln Σ_θ w_θ exp(sum_θ)`.
    fn mix(&self, sums: &[f64]) -> f64 {
        let terms = self.hypotheses.iter().zip(sums);
        ln_sum_exp(terms.map(|(h, sum)| h.weight.ln() + sum)) - ROUNDING_NATS
    }
}

/// Log-ratios of a block of slots under every hypothesis.
///
/// Laid out as `[chunk of hypotheses][slot][lane]`, so that a candidate's sum over the slots at
/// which it shows form one runs through adjacent memory.
struct Table {
    width: usize,
    slots: Vec<Slot>,
    /// Log-ratio of form one less that of form zero.
    step: Vec<f64>,
    /// Log-ratio of form zero.
    zero: Vec<f64>,
    /// Sum of `zero` over the block, for copies that carry all of it.
    base: Vec<f64>,
    ones: Vec<usize>,
}

impl Table {
    fn new(width: usize) -> Self {
        Self {
            width,
            slots: Vec::with_capacity(BLOCK),
            step: vec![0.0; width * BLOCK],
            zero: vec![0.0; width * BLOCK],
            base: vec![0.0; width],
            ones: Vec::with_capacity(BLOCK),
        }
    }

    /// Computes the tables of the block that begins at slot `start`.
    fn fill(&mut self, sheet: &Sheet<'_>, start: usize) {
        let end = (start + BLOCK).min(sheet.seen.len());
        self.slots.clear();
        self.base.fill(0.0);
        let block = sheet.seen[start..end].iter().zip(&sheet.known[start..end]);
        for (row, (seen, known)) in block.enumerate() {
            self.slots.push(seen.slot);
            let odds = Odds::new(seen.slot.bias().p());
            for (at, h) in sheet.hypotheses.iter().enumerate() {
                let (zero, one) = odds.ln_ratios(sheet.model, h, seen.observation, *known);
                let cell = (at / LANES * BLOCK + row) * LANES + at % LANES;
                self.zero[cell] = zero;
                self.step[cell] = one - zero;
                self.base[at] += zero;
            }
        }
    }

    /// Adds one copy's log-ratios over the block to its running sums.
    fn add(&mut self, copy: &Scored<'_>, start: usize, sums: &mut [f64]) {
        copy.key.ones(&self.slots, &mut self.ones);
        match copy.coverage {
            Coverage::All => {
                for (sum, base) in sums.iter_mut().zip(&self.base) {
                    *sum += base;
                }
            }
            Coverage::Only(has) => {
                let carried: Vec<usize> = (0..self.slots.len())
                    .filter(|row| has(start + row))
                    .collect();
                self.ones.retain(|row| has(start + row));
                add_rows(&self.zero, &carried, sums);
            }
        }
        add_rows(&self.step, &self.ones, sums);
        debug_assert_eq!(sums.len(), self.width);
    }
}

/// Adds the named rows of a table to `sums`, [`LANES`] hypotheses at a time.
fn add_rows(table: &[f64], rows: &[usize], sums: &mut [f64]) {
    for (chunk, sums) in table
        .chunks_exact(BLOCK * LANES)
        .zip(sums.chunks_exact_mut(LANES))
    {
        let mut lanes = [0.0; LANES];
        for row in rows {
            let cells = &chunk[row * LANES..(row + 1) * LANES];
            for (lane, cell) in lanes.iter_mut().zip(cells) {
                *lane += cell;
            }
        }
        for (sum, lane) in sums.iter_mut().zip(lanes) {
            *sum += lane;
        }
    }
}

/// Binomial probabilities at one bias, for every number of other colluders.
pub(crate) struct Odds {
    p: f64,
    binomial: [[f64; MAX_COLLUDERS]; MAX_COLLUDERS],
}

impl Odds {
    pub(crate) fn new(p: f64) -> Self {
        let mut binomial = [[0.0; MAX_COLLUDERS]; MAX_COLLUDERS];
        binomial[0][0] = 1.0;
        for n in 1..MAX_COLLUDERS {
            for b in 0..=n {
                let stay = (1.0 - p) * binomial[n - 1][b];
                let grow = if b == 0 {
                    0.0
                } else {
                    p * binomial[n - 1][b - 1]
                };
                binomial[n][b] = stay + grow;
            }
        }
        Self { p, binomial }
    }

    /// Log-ratios of the two forms under one hypothesis: `ln G(y|x)/G(y)` for x = 0 and x = 1.
    pub(crate) fn ln_ratios(
        &self,
        model: &Model,
        h: &Hypothesis,
        observation: usize,
        known: Known,
    ) -> (f64, f64) {
        let (zero, one) = self.fits(model, h, observation, known);
        let either = self.p.mul_add(one, (1.0 - self.p) * zero);
        ((zero / either).ln(), (one / either).ln())
    }

    /// The mean of `value` over how many of a leaker's fellows hold form one.
    pub(crate) fn mean_over_others(&self, colluders: usize, value: impl Fn(usize) -> f64) -> f64 {
        let chances = self.binomial[colluders - 1]
            .iter()
            .take(colluders)
            .enumerate();
        chances.map(|(b, chance)| chance * value(b)).sum()
    }

    /// `G(y|0)` and `G(y|1)`.
    ///
    /// Accused copies that never carried the slot took no part in it, so the hypothesis shrinks by them.
    fn fits(&self, model: &Model, h: &Hypothesis, observation: usize, known: Known) -> (f64, f64) {
        let colluders = h.colluders - (known.accused - known.present);
        let others = colluders - known.present - 1;
        let fit = &model.likelihood(h.family, colluders, observation)[known.ones..];
        let (mut zero, mut one) = (0.0, 0.0);
        for (b, chance) in self.binomial[others][..=others].iter().enumerate() {
            zero += chance * fit[b];
            one += chance * fit[b + 1];
        }
        (zero, one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::{CodeKey, Symbol};

    /// Every state of knowledge about up to three accused copies.
    fn states() -> Vec<Known> {
        let mut all = Vec::new();
        for accused in 0..=3 {
            for present in 0..=accused {
                all.extend((0..=present).map(|ones| Known {
                    accused,
                    present,
                    ones,
                }));
            }
        }
        all
    }

    #[test]
    fn ratios_are_normalised_for_every_hypothesis() {
        let models = [(Model::marks(), 3), (Model::canaries(), 2)];
        for p in [1.0 / 3_000.0, 0.01, 0.2, 0.5, 0.77, 1.0 - 1.0 / 3_000.0] {
            let odds = Odds::new(p);
            for n in 0..MAX_COLLUDERS {
                let total: f64 = odds.binomial[n].iter().sum();
                assert!((total - 1.0).abs() < 1e-14);
            }
            for (model, observations) in models {
                for known in states() {
                    for h in model.beyond(known.accused) {
                        for y in 0..observations {
                            let (zero, one) = odds.ln_ratios(model, &h, y, known);
                            let mean = p * one.exp() + (1.0 - p) * zero.exp();
                            assert!(
                                (mean - 1.0).abs() < 1e-12,
                                "{p} {h:?} {y} {known:?}: {mean}"
                            );
                        }
                    }
                }
            }
        }
    }

    fn sample(count: u32) -> Vec<Seen> {
        let code = CodeKey::from_secret([3; 32]);
        let leaker = ExportKey::from_secret([4; 32]);
        let at = |i: u32| {
            let slot = code.slot(b"test", &[&i.to_be_bytes()]);
            Seen {
                slot,
                observation: leaker.symbol(&slot).index(),
            }
        };
        (0..count).map(at).collect()
    }

    /// The score as its formula says, slot by slot.
    fn plain(seen: &[Seen], copy: &Scored<'_>) -> f64 {
        let model = Model::marks();
        let hypotheses = model.beyond(0);
        let terms: Vec<f64> = hypotheses
            .iter()
            .map(|h| {
                let ratios = seen
                    .iter()
                    .enumerate()
                    .filter(|(i, _)| copy.coverage.has(*i));
                let sum: f64 = ratios
                    .map(|(_, seen)| {
                        let odds = Odds::new(seen.slot.bias().p());
                        let (zero, one) =
                            odds.ln_ratios(model, h, seen.observation, Known::default());
                        if copy.key.symbol(&seen.slot) == Symbol::One {
                            one
                        } else {
                            zero
                        }
                    })
                    .sum();
                h.weight.ln() + sum
            })
            .collect();
        ln_sum_exp(terms.iter().copied()) - ROUNDING_NATS
    }

    #[test]
    fn the_fast_score_is_the_formula() {
        let seen = sample(600);
        let keys: Vec<ExportKey> = (0..140).map(|i| ExportKey::from_secret([i; 32])).collect();
        let odd = |position: usize| position % 3 == 1;
        let scored: Vec<Scored<'_>> = keys
            .iter()
            .zip(0..)
            .map(|(key, i)| Scored {
                key,
                coverage: if i % 2 == 0 {
                    Coverage::All
                } else {
                    Coverage::Only(&odd)
                },
            })
            .collect();
        let scores = ln_scores(Model::marks(), &seen, &[], &scored);
        for (copy, score) in scored.iter().zip(&scores).take(8) {
            assert!((plain(&seen, copy) - score).abs() < 1e-8);
        }
        assert!(scores[4] > 100.0, "the leaker scores {}", scores[4]);
        let innocent = scores
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != 4)
            .map(|(_, s)| *s);
        assert!(innocent.fold(f64::MIN, f64::max) < 10.0);
    }

    #[test]
    fn nothing_seen_is_no_evidence() {
        let key = ExportKey::from_secret([1; 32]);
        let copy = Scored {
            key: &key,
            coverage: Coverage::All,
        };
        let scores = ln_scores(Model::marks(), &[], &[], &[copy]);
        assert!(scores[0].abs() < 1e-5, "{scores:?}");
    }

    #[test]
    fn refuses_a_thirteenth_colluder() {
        let keys: Vec<ExportKey> = (0..13).map(|i| ExportKey::from_secret([i; 32])).collect();
        let copies: Vec<Scored<'_>> = keys
            .iter()
            .map(|key| Scored {
                key,
                coverage: Coverage::All,
            })
            .collect();
        let scores = ln_scores(Model::marks(), &sample(10), &copies[..12], &copies[12..]);
        assert_eq!(scores, [f64::NEG_INFINITY]);
    }
}

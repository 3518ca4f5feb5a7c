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
//! # Rounding
//!
//! Logarithms of factors are kept in fixed point ([`odds`] says how) such that each factor's
//! expectation, rounded as it is, still does not exceed one; sums of integers are exact. Only the
//! mixing of finished sums is reckoned in double precision, whose error [`ROUNDING_NATS`] covers
//! and is taken off every score.

mod kernel;
mod odds;
mod sheet;

use crate::code::{ExportKey, Slot};
use crate::model::Model;

pub(crate) use odds::Odds;
use sheet::Sheet;

/// Subtracted from every score, so that rounding can only ever favour the copy.
pub const ROUNDING_NATS: f64 = 1.0e-6;

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
    sheet.score(candidates)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::{CodeKey, Symbol};
    use crate::evalue::ln_sum_exp;

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

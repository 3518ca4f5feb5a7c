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
pub(crate) mod tests {
    use super::*;
    use crate::code::{CodeKey, Symbol};
    use crate::evalue::ln_sum_exp;

    /// Slots whose forms are both likely, so that every combination of them is soon found.
    pub(crate) fn moderate_slots(count: usize) -> Vec<Slot> {
        let code = CodeKey::from_secret([8; 32]);
        let all = (0_u32..).map(|i| code.slot(b"moderate", &[&i.to_be_bytes()]));
        all.filter(|slot| (0.15..0.85).contains(&slot.bias().p()))
            .take(count)
            .collect()
    }

    /// A copy for every combination of forms at `slots`, with its probability.
    pub(crate) fn every_copy(slots: &[Slot]) -> Vec<(ExportKey, f64)> {
        let mut found: Vec<Option<(ExportKey, f64)>> = vec![None; 1 << slots.len()];
        let mut missing = found.len();
        for seed in 0_u64.. {
            let mut secret = [77; 32];
            secret[..8].copy_from_slice(&seed.to_be_bytes());
            let key = ExportKey::from_secret(secret);
            let (mut combination, mut chance) = (0, 1.0);
            for (at, slot) in slots.iter().enumerate() {
                let one = key.symbol(slot).index();
                combination |= one << at;
                chance *= [1.0 - slot.bias().p(), slot.bias().p()][one];
            }
            if found[combination].is_none() {
                found[combination] = Some((key, chance));
                missing -= 1;
            }
            if missing == 0 {
                break;
            }
        }
        let total: f64 = found.iter().flatten().map(|(_, chance)| chance).sum();
        assert!((total - 1.0).abs() < 1e-12);
        found.into_iter().flatten().collect()
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
        let few = |position: usize| position % 3 == 1;
        let most = |position: usize| position % 7 != 1;
        let scored: Vec<Scored<'_>> = keys
            .iter()
            .zip(0..)
            .map(|(key, i)| Scored {
                key,
                coverage: match i % 3 {
                    0 => Coverage::Only(&few),
                    1 => Coverage::All,
                    _ => Coverage::Only(&most),
                },
            })
            .collect();
        let scores = ln_scores(Model::marks(), &seen, &[], &scored);
        for (copy, score) in scored.iter().zip(&scores).take(9) {
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

    /// `E[e]` of an innocent, exactly: the sum over all his symbols at `slots`.
    fn expectation(
        model: &Model,
        seen: &[Seen],
        accused: &[Scored<'_>],
        innocents: &[(ExportKey, f64)],
        coverage: Coverage<'_>,
    ) -> f64 {
        let scored: Vec<Scored<'_>> = innocents
            .iter()
            .map(|(key, _)| Scored { key, coverage })
            .collect();
        let scores = ln_scores(model, seen, accused, &scored);
        let chances = innocents.iter().map(|(_, chance)| chance);
        chances
            .zip(scores)
            .map(|(chance, ln)| chance * ln.exp())
            .sum()
    }

    #[test]
    fn an_innocent_expects_one_over_all_his_symbols_in_every_pass() {
        let slots = moderate_slots(3);
        let innocents = every_copy(&slots);
        let others: Vec<ExportKey> = (0..3).map(|i| ExportKey::from_secret([i; 32])).collect();
        let half = |position: usize| position.is_multiple_of(2);
        for (model, observations) in [(Model::marks(), 3_usize), (Model::canaries(), 2)] {
            for leak in 0..observations.pow(3) {
                let shown = |at: u32| leak / observations.pow(at) % observations;
                let seen: Vec<Seen> = slots
                    .iter()
                    .zip(0..)
                    .map(|(slot, at)| Seen {
                        slot: *slot,
                        observation: shown(at),
                    })
                    .collect();
                for accused in 0..=others.len() {
                    let accused: Vec<Scored<'_>> = others[..accused]
                        .iter()
                        .zip([Coverage::All, Coverage::Only(&half), Coverage::All])
                        .map(|(key, coverage)| Scored { key, coverage })
                        .collect();
                    for coverage in [Coverage::All, Coverage::Only(&half)] {
                        let mean = expectation(model, &seen, &accused, &innocents, coverage);
                        // Three slots' units and the allowance for rounding lie below one.
                        assert!((1.0 - 3e-6..1.0).contains(&mean), "{leak}: {mean}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_slot_scored_twice_would_break_the_bound() {
        // What `Leak` keeps out; were it let in, the sum over all symbols would show it.
        let slots = moderate_slots(2);
        let innocents = every_copy(&slots);
        let twice: Vec<Seen> = slots
            .iter()
            .chain(&slots)
            .map(|slot| Seen {
                slot: *slot,
                observation: 1,
            })
            .collect();
        let mean = expectation(Model::marks(), &twice, &[], &innocents, Coverage::All);
        assert!(mean > 1.05, "{mean}");
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

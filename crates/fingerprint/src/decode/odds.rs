//! What one slot says under one hypothesis, in fixed point, so that adding slots up is exact.
//!
//! The log-ratio of form one over form zero is rounded to the nearest 1/64 nat; that of form zero is
//! then computed **from the rounded step**, so that the two still have expectation one, and rounded
//! down to a multiple of 2⁻²² nats. Rounding thus changes which of many valid tables is used, by
//! less than 0.0025 % of a nat a slot, and never lifts an innocent's expectation above one.

use std::sync::OnceLock;

use crate::model::{Hypothesis, MAX_COLLUDERS, Model};

use super::Known;
use super::kernel::STEP_MOST;

/// Steps in a nat.
const STEPS: f64 = 64.0;

/// Units of form zero in a nat.
const UNITS: f64 = 4_194_304.0;

/// Units in a step, as a shift.
const STEP_SHIFT: u32 = 16;

/// Units taken off before rounding down, 2⁻³² nats: a million times what the logarithm may be wrong by.
const SLACK: f64 = 1.0 / 1_024.0;

/// The log-ratios of a slot's two forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Ratio {
    /// Form zero, in 2⁻²² nats; within 2²⁵ either way, so that 64 of them fit into 32 bits.
    pub(crate) zero: i32,
    /// Form one less form zero, in 2⁻⁶ nats.
    pub(crate) step: i16,
}

impl Ratio {
    /// The ratios at bias `p` of a table that says `zero` and `one` of the two forms.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a step is clamped to ten bits, and form zero then lies within eight nats"
    )]
    fn new(p: f64, zero: f64, one: f64) -> Self {
        // The house's models stay below eight nats; what exceeded them would lose power only.
        let most = f64::from(STEP_MOST);
        let from_least = ((one / zero).ln() * STEPS).clamp(-most, most) + most;
        // Truncation, where the library's rounding would be a call for each number.
        let from_least = (from_least + 0.5) as usize;
        let either = 1.0 + p * growth()[from_least];
        let depth = either.ln() * UNITS + SLACK + f64::from(1 << 25);
        Self {
            // Rounded up as a depth, hence down as a logarithm.
            zero: (1 << 25) - (depth as i32 + 1),
            step: from_least as i16 - STEP_MOST,
        }
    }

    /// `ln G(y|x)/G(y)` for x = 0 and x = 1, in nats.
    fn ln(self) -> (f64, f64) {
        let zero = f64::from(self.zero) / UNITS;
        (zero, zero + f64::from(self.step) / STEPS)
    }
}

/// `exp(step) − 1` for every step from the least to the largest.
fn growth() -> &'static [f64] {
    static GROWTH: OnceLock<Vec<f64>> = OnceLock::new();
    GROWTH.get_or_init(|| {
        let steps = -STEP_MOST..=STEP_MOST;
        steps
            .map(|step| (f64::from(step) / STEPS).exp_m1())
            .collect()
    })
}

/// A sum of `zeros` and of `steps` in units of the former.
pub(super) const fn sum(zeros: i64, steps: i32) -> i64 {
    zeros + ((steps as i64) << STEP_SHIFT)
}

/// A sum in nats.
#[expect(
    clippy::cast_precision_loss,
    reason = "a sum past 2^53 is rounded by less than a part in 2^53"
)]
pub(super) fn nats(sum: i64) -> f64 {
    sum as f64 / UNITS
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

    /// What an observation says of the two forms under one hypothesis.
    pub(crate) fn ratio(
        &self,
        model: &Model,
        h: &Hypothesis,
        observation: usize,
        known: Known,
    ) -> Ratio {
        let (zero, one) = self.fits(model, h, observation, known);
        Ratio::new(self.p, zero, one)
    }

    /// [`Odds::ratio`] in nats: `ln G(y|x)/G(y)` for x = 0 and x = 1.
    pub(crate) fn ln_ratios(
        &self,
        model: &Model,
        h: &Hypothesis,
        observation: usize,
        known: Known,
    ) -> (f64, f64) {
        self.ratio(model, h, observation, known).ln()
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

    const BIASES: [f64; 6] = [1.0 / 3_000.0, 0.01, 0.2, 0.5, 0.77, 1.0 - 1.0 / 3_000.0];

    /// Calls `check` with every bias, hypothesis, observation and state of knowledge.
    fn everywhere(mut check: impl FnMut(f64, &Odds, &Model, &Hypothesis, usize, Known)) {
        for p in BIASES {
            let odds = Odds::new(p);
            for (model, observations) in [(Model::marks(), 3), (Model::canaries(), 2)] {
                for known in states() {
                    for h in model.beyond(known.accused) {
                        for y in 0..observations {
                            check(p, &odds, model, &h, y, known);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn chances_of_others_add_up_to_one() {
        for p in BIASES {
            let odds = Odds::new(p);
            for n in 0..MAX_COLLUDERS {
                let total: f64 = odds.binomial[n].iter().sum();
                assert!((total - 1.0).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn an_innocent_expects_one_at_every_slot_and_not_a_hair_more() {
        everywhere(|p, odds, model, h, y, known| {
            let (zero, one) = odds.ln_ratios(model, h, y, known);
            let mean = p * one.exp() + (1.0 - p) * zero.exp();
            // One unit and the slack lie below; a double's own rounding is a thousand times finer.
            assert!(
                (1.0 - 3e-7..1.0).contains(&mean),
                "{p} {h:?} {y} {known:?}: {mean}"
            );
        });
    }

    #[test]
    fn fixed_point_keeps_to_the_formula() {
        everywhere(|p, odds, model, h, y, known| {
            let (zero, one) = odds.fits(model, h, y, known);
            let either = p * one + (1.0 - p) * zero;
            let (near_zero, near_one) = odds.ln_ratios(model, h, y, known);
            // Half a step, on one side or the other.
            assert!((near_zero - (zero / either).ln()).abs() < 0.5 / STEPS + 1e-6);
            assert!((near_one - (one / either).ln()).abs() < 0.5 / STEPS + 1e-6);
            // What a copy that did take part loses on average.
            let lost = p * one / either * ((one / either).ln() - near_one)
                + (1.0 - p) * zero / either * ((zero / either).ln() - near_zero);
            assert!((-1e-12..2.5e-5).contains(&lost), "{lost}");
            let ratio = odds.ratio(model, h, y, known);
            assert!(i64::from(ratio.zero).abs() < 1 << 25 && ratio.step.abs() <= STEP_MOST);
        });
    }

    #[test]
    fn whatever_a_table_says_an_innocent_expects_at_most_one() {
        for p in BIASES {
            for zero in [1e-300, 1e-9, 0.5, 1.0, 1e9] {
                for one in [1e-300, 1e-9, 0.5, 1.0, 1e9] {
                    let (zero, one) = Ratio::new(p, zero, one).ln();
                    let mean = p * one.exp() + (1.0 - p) * zero.exp();
                    assert!(
                        (1.0 - 1e-6..1.0).contains(&mean),
                        "{p} {zero} {one}: {mean}"
                    );
                }
            }
        }
    }
}

//! Rehearsals: draw leakers and a leak, and see how many symbols it takes.
//!
//! For examples, benches and tests; tracing itself draws nothing.
//! A rehearsal draws from the standard law and scores only the colluders: what an innocent scores
//! is settled by the bound.

use crate::code::{Bias, Law};
use crate::decode::{Known, Odds};
use crate::evalue::{Threshold, ln_sum_exp};
use crate::model::{Hypothesis, Model, Observation, Strategy};

/// Symbols drawn between two looks at the scores.
const STRIDE: usize = 5;

/// A small seeded generator of pseudo-random words (SplitMix64; not for keys).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Begins a sequence.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Thirty-two secret-sized bytes.
    pub fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_exact_mut(8) {
            chunk.copy_from_slice(&self.word().to_be_bytes());
        }
        bytes
    }

    /// A number in `0..1`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are kept")]
    pub fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 / 9_007_199_254_740_992.0
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A number below `bound`; zero when `bound` is zero.
    pub fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.word()) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }
}

/// What colluders do with a symbol.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Attack {
    /// One of the strategies; [`Strategy::Agreement`] drops every difference.
    Mix(Strategy),
    /// Both forms are shown where they differ.
    Union,
}

impl Attack {
    /// All attacks rehearsed: the six strategies, dropping differences, and the union of files.
    pub const ALL: [Self; 8] = [
        Self::Mix(Strategy::Interleave),
        Self::Mix(Strategy::Majority),
        Self::Mix(Strategy::Minority),
        Self::Mix(Strategy::Coin),
        Self::Mix(Strategy::AllOnes),
        Self::Mix(Strategy::AllZeros),
        Self::Mix(Strategy::Agreement),
        Self::Union,
    ];

    /// What the leak shows where `ones` of `colluders` hold form one; `None` when nothing.
    ///
    /// `flip` is the probability that a single form shown is the wrong one.
    pub fn show(
        self,
        ones: usize,
        colluders: usize,
        flip: f64,
        dice: &mut Dice,
    ) -> Option<Observation> {
        let differ = ones > 0 && ones < colluders;
        let form_one = match self {
            Self::Union if differ => return Some(Observation::Both),
            Self::Mix(Strategy::Agreement) if differ => return None,
            Self::Union => ones > 0,
            Self::Mix(strategy) => dice.chance(strategy.form_one(ones, colluders)),
        };
        if form_one == dice.chance(flip) {
            Some(Observation::Zero)
        } else {
            Some(Observation::One)
        }
    }
}

/// A rehearsal to be repeated.
#[derive(Debug, Clone, Copy)]
pub struct Rehearsal {
    /// Leakers who put their copies together.
    pub colluders: usize,
    /// What they do.
    pub attack: Attack,
    /// Share of forms changed on the way.
    pub flip: f64,
    /// What a copy must reach.
    pub threshold: Threshold,
    /// Cut-off of the biases, as the number of colluders it is chosen for.
    pub law: Law,
}

impl Rehearsal {
    /// The smallest number of symbols at which at least one colluder is accused in a `share` of
    /// `trials`; `None` when `most` symbols do not suffice.
    ///
    /// Symbols that the attack drops count as spent.
    #[must_use]
    pub fn symbols_needed(
        &self,
        share: f64,
        trials: usize,
        most: usize,
        seed: u64,
    ) -> Option<usize> {
        let mut caught = vec![0_usize; most / STRIDE];
        for trial in 0..trials {
            let dice = Dice::new(seed ^ (trial as u64).wrapping_mul(0xd134_2543_de82_ef95));
            self.play(dice, &mut caught);
        }
        #[expect(clippy::cast_precision_loss, reason = "trials lie far below 2^53")]
        let enough = |count: &usize| *count as f64 >= share * trials as f64;
        caught.iter().position(enough).map(|at| (at + 1) * STRIDE)
    }

    /// One leak that grows symbol by symbol; counts the lengths at which somebody stands accused.
    fn play(&self, mut dice: Dice, caught: &mut [usize]) {
        let model = Model::marks();
        let hypotheses = model.beyond(0);
        let mut sums = vec![vec![0.0; hypotheses.len()]; self.colluders];
        // As in the first pass of a trace.
        let bar = self.threshold.ln() - 0.75_f64.ln();
        let mut sure = 0;
        for count in caught {
            if sure < 20 {
                for _ in 0..STRIDE {
                    self.draw(&mut dice, model, &hypotheses, &mut sums);
                }
                let best = sums
                    .iter()
                    .map(|sums| mixed(&hypotheses, sums))
                    .fold(f64::MIN, f64::max);
                sure = if best >= bar + 12.0 { sure + 1 } else { 0 };
                *count += usize::from(best >= bar);
            } else {
                // Twenty looks in a row were far above the bar: the rest is not drawn.
                *count += 1;
            }
        }
    }

    /// Draws one symbol for everyone and adds up the colluders' log-ratios.
    fn draw(
        &self,
        dice: &mut Dice,
        model: &Model,
        hypotheses: &[Hypothesis],
        sums: &mut [Vec<f64>],
    ) {
        let bias: Bias = self.law.bias(dice.word());
        let held: Vec<bool> = (0..self.colluders).map(|_| dice.chance(bias.p())).collect();
        let ones = held.iter().filter(|one| **one).count();
        let Some(shown) = self.attack.show(ones, self.colluders, self.flip, dice) else {
            return;
        };
        let odds = Odds::new(bias.p());
        for (at, h) in hypotheses.iter().enumerate() {
            let (zero, one) = odds.ln_ratios(model, h, shown.into(), Known::default());
            for (held, sums) in held.iter().zip(sums.iter_mut()) {
                sums[at] += if *held { one } else { zero };
            }
        }
    }
}

fn mixed(hypotheses: &[Hypothesis], sums: &[f64]) -> f64 {
    ln_sum_exp(
        hypotheses
            .iter()
            .zip(sums)
            .map(|(h, sum)| h.weight.ln() + sum),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evalue::Epsilon;

    #[test]
    fn a_single_leaker_in_rehearsal() {
        let rehearsal = Rehearsal {
            colluders: 1,
            attack: Attack::Mix(Strategy::Interleave),
            flip: 0.0,
            threshold: Threshold::new(1_000_000, Epsilon::new(1e-9).unwrap()).unwrap(),
            law: Law::default(),
        };
        let needed = rehearsal.symbols_needed(0.95, 100, 200, 1).unwrap();
        assert!(
            (95..=140).contains(&needed),
            "{needed}, the design says 117"
        );
        assert_eq!(rehearsal.symbols_needed(0.95, 20, 50, 1), None);
    }

    #[test]
    fn dice_are_fair_enough() {
        let mut dice = Dice::new(1);
        let mean: f64 = (0..10_000).map(|_| dice.unit()).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        assert!((0..1_000).all(|_| dice.below(7) < 7));
        assert_eq!(dice.below(0), 0);
    }
}

//! Rehearsals: draw leakers and a leak, and see how many symbols it takes.
//!
//! For examples, benches and tests; tracing itself draws nothing.
//! A rehearsal draws from the standard law and scores only the colluders: what an innocent scores
//! is settled by the bound.

use std::collections::HashMap;

use crate::code::Law;
use crate::decode::{Known, Odds};
use crate::evalue::{Threshold, ln_sum_exp};
use crate::model::{Model, OBSERVATIONS, Observation, Strategy};
use crate::reads::ln_choose;

/// Looks at the scores while a leak grows to its full length.
const LOOKS: usize = 1_000;

/// Biases that a rehearsal draws from: the middles of so many equal stretches of the law.
const BIASES: u32 = 1_024;

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

/// How many symbols it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needed {
    /// The smallest number at which enough trials ended in an accusation.
    pub symbols: usize,
    /// With fewer than this, the share of trials lies below what was asked for, at 95 % confidence.
    pub at_least: usize,
    /// With this many the share reaches what was asked for, at 95 % confidence; `None` when the
    /// trials are too few, or the longest leak too short, to say so.
    pub at_most: Option<usize>,
}

impl Rehearsal {
    /// The smallest number of symbols at which at least one colluder is accused in a `share` of
    /// `trials`, to within a thousandth of `most`; `None` when `most` symbols do not suffice.
    ///
    /// Symbols that the attack drops count as spent.
    #[must_use]
    pub fn symbols_needed(
        &self,
        share: f64,
        trials: usize,
        most: usize,
        seed: u64,
    ) -> Option<Needed> {
        let stride = most.div_ceil(LOOKS).max(1);
        let mut caught = vec![0_usize; most / stride];
        let tables = Tables::of(self.law);
        for trial in 0..trials {
            let dice = Dice::new(seed ^ (trial as u64).wrapping_mul(0xd134_2543_de82_ef95));
            self.play(dice, &tables, stride, &mut caught);
        }
        #[expect(clippy::cast_precision_loss, reason = "trials lie far below 2^53")]
        let enough = |count: &usize| *count as f64 >= share * trials as f64;
        let length = |at: usize| (at + 1) * stride;
        let mut known = HashMap::new();
        let mut within = |count: &usize| {
            let interval = || share_interval(*count, trials);
            *known.entry(*count).or_insert_with(interval)
        };
        let unsure = caught.iter().position(|count| within(count).1 >= share);
        let sure = caught.iter().position(|count| within(count).0 >= share);
        Some(Needed {
            symbols: length(caught.iter().position(enough)?),
            at_least: length(unsure?),
            at_most: sure.map(length),
        })
    }

    /// One leak that grows symbol by symbol; counts the lengths at which somebody stands accused.
    fn play(&self, mut dice: Dice, tables: &Tables, stride: usize, caught: &mut [usize]) {
        let mut sums = vec![vec![0.0; tables.weights.len()]; self.colluders];
        let mut held = vec![false; self.colluders];
        // As in the first pass of a trace.
        let bar = self.threshold.ln() - 0.75_f64.ln();
        let mut sure = 0;
        for count in caught {
            if sure < 20 {
                for _ in 0..stride {
                    self.draw(&mut dice, tables, &mut held, &mut sums);
                }
                let reaches = |bar| sums.iter().any(|sums| tables.reaches(sums, bar));
                let reached = reaches(bar);
                sure = if reached && reaches(bar + 12.0) {
                    sure + 1
                } else {
                    0
                };
                *count += usize::from(reached);
            } else {
                // Twenty looks in a row were far above the bar: the rest is not drawn.
                *count += 1;
            }
        }
    }

    /// Draws one symbol for everyone and adds up the colluders' log-ratios.
    fn draw(&self, dice: &mut Dice, tables: &Tables, held: &mut [bool], sums: &mut [Vec<f64>]) {
        let slot = &tables.slots[dice.below(tables.slots.len())];
        for held in &mut *held {
            *held = dice.chance(slot.p);
        }
        let ones = held.iter().filter(|one| **one).count();
        let Some(shown) = self.attack.show(ones, self.colluders, self.flip, dice) else {
            return;
        };
        let ratios = &slot.ratios[usize::from(shown)];
        for (held, sums) in held.iter().zip(sums) {
            for (sum, ratio) in sums.iter_mut().zip(&ratios[usize::from(*held)]) {
                *sum += ratio;
            }
        }
    }
}

/// A bias and what a slot of it may say: log-ratios as `[observation][form held][hypothesis]`.
struct Drawn {
    p: f64,
    ratios: [[Vec<f64>; 2]; OBSERVATIONS],
}

/// Slots to draw from.
struct Tables {
    /// Logarithms of the hypotheses' weights.
    weights: Vec<f64>,
    slots: Vec<Drawn>,
}

impl Tables {
    fn of(law: Law) -> Self {
        let model = Model::marks();
        let hypotheses = model.beyond(0);
        let stretch = u64::MAX / u64::from(BIASES);
        let slot = |i: u32| {
            let p = law.bias(u64::from(i) * stretch + stretch / 2).p();
            let odds = Odds::new(p);
            let ratios = std::array::from_fn(|y| {
                let ratios = |h| odds.ln_ratios(model, h, y, Known::default());
                let (zero, one) = hypotheses.iter().map(ratios).unzip();
                [zero, one]
            });
            Drawn { p, ratios }
        };
        let slots = (0..BIASES).map(slot).collect();
        let weights = hypotheses.iter().map(|h| h.weight.ln()).collect();
        Self { weights, slots }
    }

    /// Whether the mixture of the hypotheses, of which these are the log-ratios, reaches `bar`.
    fn reaches(&self, sums: &[f64], bar: f64) -> bool {
        let terms = || {
            self.weights
                .iter()
                .zip(sums)
                .map(|(weight, sum)| weight + sum)
        };
        let top = terms().fold(f64::NEG_INFINITY, f64::max);
        // A sum of terms lies between its largest and that times their number: far from the bar,
        // as nearly all looks are, no exponential is needed. A thousandth covers the rounding.
        let most = ln_of(self.weights.len());
        if top + most < bar - 1e-3 || top > bar + 1e-3 {
            return top > bar;
        }
        ln_sum_exp(terms()) >= bar
    }
}

/// Between which shares the truth lies, at 95 % confidence, when `count` of `trials` came true.
///
/// Rule: C. J. Clopper and E. S. Pearson, Biometrika 26, 1934: exact, never narrower than it says.
#[must_use]
pub fn share_interval(count: usize, trials: usize) -> (f64, f64) {
    let least = match count {
        0 => 0.0,
        _ => bisect(|p| at_most(count - 1, trials, p) > 0.975),
    };
    let most = if count >= trials {
        1.0
    } else {
        bisect(|p| at_most(count, trials, p) > 0.025)
    };
    (least, most)
}

/// Where `below`, true at zero, turns false.
fn bisect(below: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        *(if below(middle) { &mut low } else { &mut high }) = middle;
    }
    low
}

/// The probability that at most `count` of `trials` come true, each with probability `p`.
#[expect(clippy::cast_precision_loss, reason = "trials lie far below 2^53")]
fn at_most(count: usize, trials: usize, p: f64) -> f64 {
    let chance = |k: usize| {
        let ways = ln_choose(trials as u64, k as u64);
        ways + k as f64 * p.ln() + (trials - k) as f64 * (-p).ln_1p()
    };
    if p <= 0.0 {
        return 1.0;
    }
    if count * 2 < trials {
        ln_sum_exp((0..=count).map(chance)).exp()
    } else {
        1.0 - ln_sum_exp((count + 1..=trials).map(chance)).exp()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred hypotheses")]
fn ln_of(count: usize) -> f64 {
    (count as f64).ln()
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
        let needed = rehearsal.symbols_needed(0.95, 400, 200, 1).unwrap();
        assert!(
            (100..=134).contains(&needed.symbols),
            "{needed:?}, the design says 117"
        );
        assert!(needed.at_least <= needed.symbols && Some(needed.symbols) <= needed.at_most);
        assert_eq!(rehearsal.symbols_needed(0.95, 20, 50, 1), None);
    }

    #[test]
    fn whether_the_bar_is_reached_is_what_the_whole_sum_says() {
        let tables = Tables::of(Law::default());
        let mut dice = Dice::new(7);
        for _ in 0..2_000 {
            let spread = 20.0 * dice.unit();
            let draw = |_| spread * (dice.unit() - 0.5);
            let sums: Vec<f64> = (0..tables.weights.len()).map(draw).collect();
            let terms = tables.weights.iter().zip(&sums).map(|(w, s)| w + s);
            let whole = ln_sum_exp(terms);
            for off in [-8.0, -2.0, -0.5, -1e-9, 0.0, 1e-9, 0.5, 2.0, 8.0] {
                assert_eq!(tables.reaches(&sums, whole + off), off <= 0.0, "{off}");
            }
        }
    }

    #[test]
    fn intervals_are_those_of_the_tables() {
        // R 4.3: binom.test(count, trials)$conf.int.
        let rows = [
            (0, 20_000, 0.0, 0.000_184_426_9),
            (5, 10, 0.187_086_0, 0.812_914_0),
            (95, 100, 0.887_165_1, 0.983_568_1),
            (20, 20, 0.831_566_5, 1.0),
            (1, 1_000, 0.000_025_317_5, 0.005_558_924),
        ];
        for (count, trials, least, most) in rows {
            let (low, high) = share_interval(count, trials);
            assert!((low - least).abs() < 1e-6, "{count} of {trials}: {low}");
            assert!((high - most).abs() < 1e-6, "{count} of {trials}: {high}");
        }
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

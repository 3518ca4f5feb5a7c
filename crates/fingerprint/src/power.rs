//! Power: what so many symbols buy, before an export is approved.
//!
//! The bound on innocents never rests on this page; only expectations of success do.
//! For `c` colluders and a strategy, a leaker's log-score per symbol under the matching hypothesis
//! has a mean μ and a variance σ², integrated over the law of biases. With `m` symbols the score is
//! about normal, so at least one of `c` leakers is accused with probability 95 % when
//! `m μ + z_c σ √m ≥ ln(n/ε) + ln(1/w)`, where `w` is the hypothesis's weight in the mixture and
//! `Φ(z_c)^c = 5 %`. The strategy that asks for most symbols counts.
//! [`crate::simulate`] rehearses the same by drawing leaks; `examples/symbols_needed.rs` compares.

use serde::{Deserialize, Serialize};

use crate::FingerprintError;
use crate::code::{Bias, Law};
use crate::decode::{Known, Odds};
use crate::evalue::Threshold;
use crate::model::{Hypothesis, MAX_COLLUDERS, Model, Sighting, Strategy, canary_fit, mark_fit};

/// `Φ⁻¹(0.05^(1/c))` for c = 1..=12: the score that the best of `c` leakers misses one time in twenty.
const BEST_OF: [f64; MAX_COLLUDERS] = [
    -1.6449, -0.7601, -0.3361, -0.0681, 0.1238, 0.2714, 0.3903, 0.4892, 0.5736, 0.6468, 0.7114,
    0.7691,
];

/// Biases at which the law is sampled.
const SAMPLES: u32 = 256;

/// What the first pass pays, `ln(4/3)`.
const FIRST_PASS_NATS: f64 = 0.287_682_072_451_780_9;

/// What an export can prove.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PowerTable {
    /// Rows of the export.
    pub rows: u64,
    /// Symbols that all its rows carry together.
    pub symbols: u64,
    /// A line for each number of colluders, from one.
    pub lines: Vec<PowerLine>,
    /// The most colluders of whom the whole export, leaked, convicts at least one.
    pub colluders_survived: usize,
}

/// What it takes against a number of colluders.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PowerLine {
    /// Colluders who mix their copies as cleverly as the model knows.
    pub colluders: usize,
    /// Symbols needed to accuse at least one of them, 95 times in a hundred.
    pub symbols_needed: u64,
    /// Leaked rows needed, at the export's symbols a row; `None` when it has no symbols.
    pub rows_needed: Option<u64>,
    /// Whether the export has that many rows.
    pub within_reach: bool,
}

/// Computes what an export of `rows` rows with `symbols` symbols can prove among the threshold's copies.
#[must_use]
pub fn power_table(rows: u64, symbols: u64, threshold: Threshold) -> PowerTable {
    let line = |colluders: usize| {
        let symbols_needed = marks_needed(colluders, threshold);
        let needed = u128::from(symbols_needed) * u128::from(rows);
        let rows_needed = (symbols > 0)
            .then(|| u64::try_from(needed.div_ceil(u128::from(symbols))).unwrap_or(u64::MAX));
        PowerLine {
            colluders,
            symbols_needed,
            rows_needed,
            within_reach: symbols_needed <= symbols,
        }
    };
    let lines: Vec<PowerLine> = (1..=MAX_COLLUDERS).map(line).collect();
    PowerTable {
        rows,
        symbols,
        colluders_survived: lines.iter().take_while(|line| line.within_reach).count(),
        lines,
    }
}

/// Symbols needed to accuse at least one of `colluders`, 95 times in a hundred, whatever their strategy.
///
/// # Errors
///
/// [`FingerprintError::Colluders`] unless there are one to twelve.
pub fn symbols_needed(colluders: usize, threshold: Threshold) -> Result<u64, FingerprintError> {
    if (1..=MAX_COLLUDERS).contains(&colluders) {
        Ok(marks_needed(colluders, threshold))
    } else {
        Err(FingerprintError::Colluders {
            most: MAX_COLLUDERS,
        })
    }
}

fn marks_needed(colluders: usize, threshold: Threshold) -> u64 {
    let model = Model::marks();
    let needed = Strategy::SIX.map(|strategy| {
        let h = model.find(colluders, |y, ones| {
            mark_fit(strategy, 0, ones, colluders)[y]
        });
        let chance = |y: usize, ones: usize| {
            let one = strategy.form_one(ones, colluders);
            [1.0 - one, one][y]
        };
        slots(Gain::of(model, &h, chance), colluders, h.weight, threshold)
    });
    needed.into_iter().max().unwrap_or(u64::MAX)
}

/// Canary slots needed to accuse a single leaker who shows `share` of the rows, 95 times in a hundred.
pub(crate) fn canary_slots_needed(share: f64, threshold: Threshold) -> u32 {
    let model = Model::canaries();
    let fit = |y: usize, ones: usize| canary_fit(Strategy::Interleave, share, ones, 1)[y];
    let h = model.find(1, fit);
    let seen = usize::from(Sighting::Seen);
    let chance = |y: usize, ones: usize| {
        let shown = if ones == 1 { share } else { 0.0 };
        if y == seen { shown } else { 1.0 - shown }
    };
    let slots = slots(Gain::of(model, &h, chance), 1, h.weight, threshold);
    u32::try_from(slots).unwrap_or(u32::MAX)
}

/// The smallest `m` with `m μ + z σ √m ≥ ln(n/ε) + ln(1/w)`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the root is positive, and past 2^63 the conversion saturates"
)]
fn slots(gain: Gain, colluders: usize, weight: f64, threshold: Threshold) -> u64 {
    let target = threshold.ln() + FIRST_PASS_NATS - weight.ln();
    let pull = BEST_OF[colluders - 1] * gain.variance.sqrt();
    let root = (4.0 * gain.mean).mul_add(target, pull * pull).sqrt() - pull;
    (root / (2.0 * gain.mean)).powi(2).ceil() as u64
}

/// Mean and variance of a leaker's log-score at one slot, in nats.
#[derive(Debug, Clone, Copy)]
struct Gain {
    mean: f64,
    variance: f64,
}

impl Gain {
    /// Integrates over biases, the leaker's symbol, his fellows' symbols and the outcome.
    ///
    /// `chance(y, ones)` is the probability that the leak shows `y`, one of two observations.
    fn of(model: &Model, h: &Hypothesis, chance: impl Fn(usize, usize) -> f64) -> Self {
        let (mut mean, mut square) = (0.0, 0.0);
        for bias in sample_biases() {
            let p = bias.p();
            let odds = Odds::new(p);
            for y in 0..2 {
                let (zero, one) = odds.ln_ratios(model, h, y, Known::default());
                for (x, ln, prior) in [(0, zero, 1.0 - p), (1, one, p)] {
                    let likely = prior * odds.mean_over_others(h.colluders, |b| chance(y, x + b));
                    mean += likely * ln;
                    square += likely * ln * ln;
                }
            }
        }
        let samples = f64::from(SAMPLES);
        let mean = mean / samples;
        Self {
            mean,
            variance: (square / samples - mean * mean).max(0.0),
        }
    }
}

/// Biases in the middle of equal stretches of the standard law.
fn sample_biases() -> impl Iterator<Item = Bias> {
    let law = Law::default();
    let stretch = u64::MAX / u64::from(SAMPLES);
    (0..SAMPLES).map(move |i| law.bias(u64::from(i) * stretch + stretch / 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evalue::Epsilon;

    fn threshold(copies: u64, epsilon: f64) -> Threshold {
        Threshold::new(copies, Epsilon::new(epsilon).unwrap()).unwrap()
    }

    #[test]
    fn a_single_leaker_needs_what_the_design_simulated() {
        let needed = symbols_needed(1, threshold(1_000_000, 1e-9)).unwrap();
        assert!((100..=135).contains(&needed), "{needed}, simulated 117");
    }

    #[test]
    fn more_colluders_more_copies_and_smaller_bounds_cost_more() {
        let base = threshold(1_000, 1e-6);
        for c in 1..MAX_COLLUDERS {
            assert!(
                symbols_needed(c, base).unwrap() < symbols_needed(c + 1, base).unwrap(),
                "{c}"
            );
        }
        let two = symbols_needed(2, base).unwrap();
        assert!(two < symbols_needed(2, threshold(100_000, 1e-6)).unwrap());
        assert!(two < symbols_needed(2, threshold(1_000, 1e-9)).unwrap());
    }

    #[test]
    fn the_table_speaks_in_rows() {
        let table = power_table(20_000, 40_000, threshold(100, 1e-6));
        let first = table.lines[0];
        assert_eq!(first.rows_needed, Some(first.symbols_needed.div_ceil(2)));
        assert!(
            first.within_reach && table.colluders_survived >= 5,
            "{table:?}"
        );
        let bare = power_table(20_000, 0, threshold(100, 1e-6));
        assert_eq!(bare.colluders_survived, 0);
        assert_eq!(bare.lines[0].rows_needed, None);
    }

    #[test]
    fn refuses_no_colluders_and_a_thirteenth() {
        for c in [0, 13] {
            let needed = symbols_needed(c, threshold(10, 1e-6));
            assert_eq!(needed, Err(FingerprintError::Colluders { most: 12 }));
        }
    }
}

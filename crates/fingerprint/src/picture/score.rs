//! Scores: what the residue of a leak says about each export.
//!
//! [`super`] proves the bound.

use std::num::NonZero;
use std::thread;

use pulp::Arch;

use super::mark::LABEL;
use crate::code::{ExportKey, SignStream};
use crate::evalue::{DesignBased, EValue, ln_len, ln_sum_exp};

/// Carriers of one block of signs.
const BLOCK: usize = 32;

/// Blocks drawn at once; a stretch of as many carriers that shows nothing is skipped.
const STRETCH: usize = 32;

/// Smallest λ of the mixture.
const FIRST: f64 = 2.0;

/// Ratio of neighbouring λ: a statistic between two loses at most 1.3% of its exponent.
const RATIO: f64 = 1.25;

/// How many λ, each with the same weight: up to 2 · 1.25²⁵ = 529.
const STEPS: i32 = 26;

/// What a registered leak shows, ready for scoring.
#[derive(Clone)]
pub(super) struct Sheet {
    values: Vec<i16>,
    norm: f64,
}

impl Sheet {
    pub(super) fn new(mut values: Vec<i16>) -> Self {
        let square: f64 = values.iter().map(|v| f64::from(*v).powi(2)).sum();
        values.resize(values.len().next_multiple_of(BLOCK * STRETCH), 0);
        Self {
            values,
            norm: square.sqrt(),
        }
    }

    /// Carriers that show anything.
    pub(super) fn shown(&self) -> usize {
        self.values.iter().filter(|value| **value != 0).count()
    }

    /// `Σ z x / ‖z‖` for an export.
    pub(super) fn statistic(&self, key: &ExportKey, picture_id: &[u8]) -> f64 {
        if self.norm == 0.0 {
            return 0.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "sums lie far below 2^53")]
        let sum = self.sum(&key.sign_stream(LABEL, picture_id)) as f64;
        sum / self.norm
    }

    fn sum(&self, stream: &SignStream) -> i64 {
        let mut blocks = [[0_u8; 16]; STRETCH];
        let arch = Arch::new();
        let mut total = 0_i64;
        for (first, values) in (0..)
            .step_by(STRETCH)
            .zip(self.values.chunks(BLOCK * STRETCH))
        {
            if values.iter().all(|value| *value == 0) {
                continue;
            }
            stream.fill(first, &mut blocks);
            // The widest vectors this processor has: a third of the time of the narrowest.
            total += i64::from(arch.dispatch(
                #[inline(always)]
                || dots(values, &blocks),
            ));
        }
        total
    }

    /// The statistics of many exports, on all cores.
    pub(super) fn statistics(&self, keys: &[&ExportKey], picture_id: &[u8]) -> Vec<f64> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let each = keys.len().div_ceil(cores).max(8);
        let mut found = vec![0.0; keys.len()];
        thread::scope(|scope| {
            for (keys, found) in keys.chunks(each).zip(found.chunks_mut(each)) {
                scope.spawn(move || {
                    for (key, found) in keys.iter().zip(found) {
                        *found = self.statistic(key, picture_id);
                    }
                });
            }
        });
        found
    }
}

/// `Σ values · x`, where `x` is two less than the ones among a carrier's four bits.
#[inline(always)]
fn dots(values: &[i16], blocks: &[[u8; 16]; STRETCH]) -> i32 {
    let mut sums = [0_i32; 16];
    for (values, block) in values.as_chunks::<BLOCK>().0.iter().zip(blocks) {
        let (low, high) = values.split_at(16);
        for lane in 0..16 {
            let byte = block[lane];
            let pairs = byte - ((byte >> 1) & 0x55);
            let ones = (pairs & 0x33) + ((pairs >> 2) & 0x33);
            sums[lane] += i32::from(low[lane]) * (i32::from(ones & 15) - 2)
                + i32::from(high[lane]) * (i32::from(ones >> 4) - 2);
        }
    }
    sums.iter().sum()
}

/// The e-value of a statistic: the mean of `exp(λt − λ²/2)` over the fixed λ.
pub(super) fn evidence(statistic: f64) -> EValue<DesignBased> {
    let lambdas = (0..STEPS).map(|step| FIRST * RATIO.powi(step));
    let terms = lambdas.map(|l| l * statistic - l * l / 2.0);
    let count = usize::try_from(STEPS).unwrap_or(1);
    EValue::saturating(ln_sum_exp(terms) - ln_len(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(secret: u8) -> ExportKey {
        ExportKey::from_secret([secret; 32])
    }

    fn values(count: u32) -> Vec<i16> {
        let one = |i: u32| i16::try_from(i.wrapping_mul(2_654_435_761) >> 21).unwrap() - 1_024;
        (0..count).map(one).collect()
    }

    #[test]
    fn the_fast_sum_is_the_formula() {
        let values = values(2_500);
        let signs = key(3).signs(LABEL, b"p", 2_500 * 4 + 128);
        let plain: i64 = values
            .iter()
            .enumerate()
            .map(|(i, value)| {
                let first = 128 * (i / 32) + 8 * (i % 32 % 16) + 4 * (i % 32 / 16);
                let x: i8 = signs[first..][..4].iter().sum::<i8>() / 2;
                i64::from(*value) * i64::from(x)
            })
            .sum();
        assert_eq!(
            Sheet::new(values).sum(&key(3).sign_stream(LABEL, b"p")),
            plain
        );
    }

    #[test]
    fn stretches_without_evidence_change_nothing() {
        let mut values = values(5_000);
        values[1_024..3_072].fill(0);
        let sheet = Sheet::new(values.clone());
        let alone = |range: std::ops::Range<usize>| {
            let mut part = vec![0; values.len()];
            part[range.clone()].copy_from_slice(&values[range]);
            Sheet::new(part).sum(&key(1).sign_stream(LABEL, b"p"))
        };
        let whole = sheet.sum(&key(1).sign_stream(LABEL, b"p"));
        assert_eq!(whole, alone(0..1_024) + alone(3_072..5_000));
        let shown = values.iter().filter(|v| **v != 0).count();
        assert_eq!(sheet.shown(), shown);
    }

    /// The mean over fair signs is the product of the carriers' means, which is exact: no draw needed.
    #[test]
    fn the_mean_over_fair_signs_never_exceeds_one() {
        for values in [vec![1_i16], vec![3, -4], vec![1; 9], values(400)] {
            let norm = values
                .iter()
                .map(|v| f64::from(*v).powi(2))
                .sum::<f64>()
                .sqrt();
            let ln_mean = |lambda: f64| {
                let ln_cosh = |v: &i16| {
                    let half = (lambda * f64::from(*v) / norm / 2.0).abs();
                    half + ((1.0 + (-2.0 * half).exp()) / 2.0).ln()
                };
                values.iter().map(ln_cosh).sum::<f64>() * 4.0 - lambda * lambda / 2.0
            };
            let lambdas = (0..STEPS).map(|step| FIRST * RATIO.powi(step));
            let mean: f64 = lambdas.map(|l| ln_mean(l).exp()).sum::<f64>() / f64::from(STEPS);
            assert!(mean <= 1.0 + 1e-12, "{mean}");
        }
    }

    #[test]
    fn evidence_grows_with_the_statistic() {
        assert!(evidence(0.0).ln() < 0.0);
        for t in [7.0, 20.0, 100.0, 400.0] {
            // The grid's loss and the weight together.
            let lost = t * t / 2.0 - evidence(t).ln();
            assert!(
                lost > 0.0 && lost < 3.3 + 0.013 * t * t / 2.0,
                "{t}: {lost}"
            );
        }
        assert!(evidence(7.1).ln() > 1e9_f64.ln());
    }

    #[test]
    fn innocents_stay_within_the_bound_of_rademacher_sums() {
        let sheet = Sheet::new(values(700));
        let secrets = (0..20_000_u32).map(|i| {
            let mut secret = [7; 32];
            secret[..4].copy_from_slice(&i.to_be_bytes());
            ExportKey::from_secret(secret)
        });
        let keys: Vec<ExportKey> = secrets.collect();
        let keys: Vec<&ExportKey> = keys.iter().collect();
        let statistics = sheet.statistics(&keys, b"p");
        for tau in [1.0_f64, 2.0, 3.0, 4.0] {
            let above = statistics.iter().filter(|t| **t >= tau).count();
            let bound = (-tau * tau / 2.0).exp() * 20_000.0;
            assert!(above as f64 <= bound, "{above} of {bound} at {tau}");
        }
        let mean = statistics
            .iter()
            .map(|t| evidence(*t).ln().exp())
            .sum::<f64>()
            / 20_000.0;
        assert!(mean < 1.2, "{mean}");
        let square = statistics.iter().map(|t| t * t).sum::<f64>() / 20_000.0;
        assert!((square - 1.0).abs() < 0.05, "{square}");
    }

    #[test]
    fn a_leak_that_shows_nothing_says_nothing() {
        let sheet = Sheet::new(vec![0; 100]);
        assert_eq!(sheet.statistic(&key(1), b"p"), 0.0);
        assert!(evidence(0.0).ln() <= 0.0);
    }
}

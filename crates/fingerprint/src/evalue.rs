//! E-values: the one currency of evidence.
//!
//! Rule: an e-value for "copy r is innocent" is a non-negative random number whose expectation is
//! at most 1 while r is innocent, whatever the leakers did (Vovk and Wang, "E-values: calibration,
//! combination and applications", Annals of Statistics 49, 2021).
//! By Markov's inequality an innocent copy reaches `n/ε` with probability at most `ε/n`; over all
//! `n` copies examined, the probability that **any** innocent copy is accused is at most `ε`.
//! Natural logarithms throughout, in nats, since the values span hundreds of decades.
//! Computing an e-value belongs to [`crate::decode`] and [`crate::reads`].

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::FingerprintError;

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::DesignBased {}
    impl Sealed for super::ModelBased {}
}

/// Where the guarantee of an e-value comes from.
pub trait Nature: sealed::Sealed + fmt::Debug + Clone + Copy + PartialEq + Send + Sync {
    /// The name printed in reports.
    const NAME: &'static str;
}

/// Evidence whose randomness we made ourselves, with a key: it holds whatever others did, and may accuse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DesignBased;

/// Evidence that holds if a model of other people's behaviour holds: it may rank, never accuse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelBased;

impl Nature for DesignBased {
    const NAME: &'static str = "design-based";
}

impl Nature for ModelBased {
    const NAME: &'static str = "model-based";
}

/// The logarithm that stands for an e-value of zero; lowering an e-value keeps its guarantee.
const LN_ZERO: f64 = -1.0e12;

/// Largest gap that rounding may leave between the sum of given weights and one.
const WEIGHT_SLACK: f64 = 1.0e-9;

/// An e-value, kept as its natural logarithm.
///
/// The type parameter says whether it may accuse; there is no conversion from
/// [`ModelBased`] to [`DesignBased`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct EValue<N: Nature> {
    ln: f64,
    nature: PhantomData<N>,
}

/// How an e-value looks in a report.
#[derive(Serialize, Deserialize)]
struct Wire {
    ln: f64,
    nature: String,
}

impl<N: Nature> From<EValue<N>> for Wire {
    fn from(value: EValue<N>) -> Self {
        Self {
            ln: value.ln,
            nature: N::NAME.to_owned(),
        }
    }
}

impl<N: Nature> TryFrom<Wire> for EValue<N> {
    type Error = FingerprintError;

    fn try_from(wire: Wire) -> Result<Self, FingerprintError> {
        if wire.nature != N::NAME {
            return Err(FingerprintError::Nature { expected: N::NAME });
        }
        Self::from_ln(wire.ln)
    }
}

impl<N: Nature> EValue<N> {
    /// No evidence either way: an e-value of 1.
    pub const NEUTRAL: Self = Self {
        ln: 0.0,
        nature: PhantomData,
    };

    /// The e-value whose natural logarithm is `ln`; minus infinity stands for zero.
    ///
    /// # Errors
    ///
    /// [`FingerprintError::EValue`] for plus infinity and for what is not a number.
    pub fn from_ln(ln: f64) -> Result<Self, FingerprintError> {
        if ln.is_nan() || ln == f64::INFINITY {
            return Err(FingerprintError::EValue);
        }
        Ok(Self::saturating(ln))
    }

    /// For logarithms this crate computed from positive finite numbers.
    pub(crate) fn saturating(ln: f64) -> Self {
        Self {
            ln: ln.max(LN_ZERO),
            nature: PhantomData,
        }
    }

    /// The natural logarithm, in nats.
    #[must_use]
    pub const fn ln(self) -> f64 {
        self.ln
    }

    /// The number of decades, for people: 9.0 means a factor of a billion.
    #[must_use]
    pub fn log10(self) -> f64 {
        self.ln / std::f64::consts::LN_10
    }

    /// Multiplies two e-values that are independent while the copy is innocent.
    ///
    /// Two channels are independent in this sense when, given all that the leakers did, the
    /// innocent copy's symbols in one say nothing about those in the other.
    #[must_use]
    pub fn and_independent(self, other: Self) -> Self {
        Self::saturating(self.ln + other.ln)
    }

    /// Averages e-values that may depend on each other in any way, with weights fixed beforehand.
    ///
    /// # Errors
    ///
    /// [`FingerprintError::Weights`] unless all weights are at least zero and add up to one.
    pub fn average(parts: &[(Self, f64)]) -> Result<Self, FingerprintError> {
        let total: f64 = parts.iter().map(|(_, weight)| weight).sum();
        let usable = parts.iter().all(|(_, weight)| *weight >= 0.0);
        if !usable || total.is_nan() || (total - 1.0).abs() > WEIGHT_SLACK {
            return Err(FingerprintError::Weights);
        }
        let terms = parts.iter().map(|(value, weight)| value.ln + weight.ln());
        // Rounding may leave the weights a little above one; that much is taken off.
        Ok(Self::saturating(ln_sum_exp(terms) - total.max(1.0).ln()))
    }
}

impl EValue<DesignBased> {
    /// The same number as ranking evidence, so that it can be shown beside model-based evidence.
    #[must_use]
    pub fn as_ranking(self) -> EValue<ModelBased> {
        EValue::saturating(self.ln)
    }
}

/// `ln Σ exp(term)`, computed around the largest term.
pub(crate) fn ln_sum_exp(terms: impl Iterator<Item = f64> + Clone) -> f64 {
    let top = terms.clone().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return top;
    }
    top + terms.map(|term| (term - top).exp()).sum::<f64>().ln()
}

/// The largest probability, chosen by the user, of accusing any innocent copy: above 0, below 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Epsilon(f64);

impl Epsilon {
    /// One in a million, the house default (issue 5, point 1).
    pub const DEFAULT: Self = Self(1.0e-6);

    /// Checks and keeps a bound.
    ///
    /// # Errors
    ///
    /// [`FingerprintError::Epsilon`] unless `0 < value < 1`.
    pub fn new(value: f64) -> Result<Self, FingerprintError> {
        if value > 0.0 && value < 1.0 {
            Ok(Self(value))
        } else {
            Err(FingerprintError::Epsilon)
        }
    }

    /// The probability itself.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Epsilon {
    type Error = FingerprintError;

    fn try_from(value: f64) -> Result<Self, FingerprintError> {
        Self::new(value)
    }
}

impl From<Epsilon> for f64 {
    fn from(value: Epsilon) -> Self {
        value.0
    }
}

/// What an e-value must reach before a copy is accused: `n/ε`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    copies: u64,
    epsilon: Epsilon,
}

impl Threshold {
    /// The threshold for `copies` issued copies examined together.
    ///
    /// `copies` must count every copy that could have been named, also those whose score turned
    /// out low; choosing them by their marks or canaries would void the bound.
    ///
    /// # Errors
    ///
    /// [`FingerprintError::NoCopies`] when `copies` is zero.
    pub fn new(copies: u64, epsilon: Epsilon) -> Result<Self, FingerprintError> {
        if copies == 0 {
            return Err(FingerprintError::NoCopies);
        }
        Ok(Self { copies, epsilon })
    }

    /// `ln(n/ε)`, in nats.
    #[must_use]
    pub fn ln(self) -> f64 {
        ln_count(self.copies) - self.epsilon.0.ln()
    }

    /// Judges one copy; only design-based evidence is accepted.
    #[must_use]
    pub fn judge(self, evidence: EValue<DesignBased>) -> Verdict {
        let missing = self.ln() - evidence.ln;
        if missing <= 0.0 {
            let bound = (ln_count(self.copies) - evidence.ln).exp();
            Verdict::Accused {
                bound: bound.min(self.epsilon.0),
            }
        } else {
            Verdict::Unproven {
                missing_nats: missing,
            }
        }
    }
}

/// The natural logarithm of a count.
#[expect(
    clippy::cast_precision_loss,
    reason = "a count past 2^53 changes its logarithm by less than 1e-16"
)]
pub(crate) fn ln_count(count: u64) -> f64 {
    (count as f64).ln()
}

/// The natural logarithm of a length.
pub(crate) fn ln_len(count: usize) -> f64 {
    ln_count(u64::try_from(count).unwrap_or(u64::MAX))
}

/// The answer for one copy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// The evidence reaches `n/ε`.
    Accused {
        /// The smallest ε at which this copy would still be accused: the probability that any
        /// innocent copy among those examined shows this much is at most this number.
        bound: f64,
    },
    /// The evidence does not reach `n/ε`; this says nothing about innocence.
    Unproven {
        /// What is missing, in nats.
        missing_nats: f64,
    },
}

impl Verdict {
    /// Whether the copy is accused.
    #[must_use]
    pub const fn is_accused(self) -> bool {
        matches!(self, Self::Accused { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn design(value: f64) -> EValue<DesignBased> {
        EValue::from_ln(value.ln()).unwrap()
    }

    #[test]
    fn independent_evidence_multiplies() {
        let both = design(20.0).and_independent(design(0.5));
        assert!((both.ln() - 10.0_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn dependent_evidence_averages() {
        let mean = EValue::average(&[(design(9.0), 0.5), (design(1.0), 0.5)]).unwrap();
        assert!((mean.ln() - 5.0_f64.ln()).abs() < 1e-12);
        let huge = EValue::<DesignBased>::from_ln(5_000.0).unwrap();
        let mean = EValue::average(&[(huge, 0.25), (EValue::NEUTRAL, 0.75)]).unwrap();
        assert!((mean.ln() - (5_000.0 - 4.0_f64.ln())).abs() < 1e-9);
    }

    #[test]
    fn refuses_weights_that_are_not_a_distribution() {
        for weights in [[0.5, 0.6], [-0.5, 1.5], [f64::NAN, 1.0], [0.0, 0.0]] {
            let parts = [(design(1.0), weights[0]), (design(1.0), weights[1])];
            assert_eq!(EValue::average(&parts), Err(FingerprintError::Weights));
        }
    }

    #[test]
    fn refuses_infinite_and_undefined_evidence() {
        for ln in [f64::NAN, f64::INFINITY] {
            assert_eq!(
                EValue::<DesignBased>::from_ln(ln),
                Err(FingerprintError::EValue)
            );
        }
        assert!(EValue::<DesignBased>::from_ln(f64::NEG_INFINITY).is_ok());
    }

    #[test]
    fn refuses_epsilon_outside_the_open_interval() {
        for value in [0.0, 1.0, -0.1, 2.0, f64::NAN] {
            assert_eq!(Epsilon::new(value), Err(FingerprintError::Epsilon));
        }
    }

    #[test]
    fn accuses_exactly_from_n_over_epsilon() {
        let threshold = Threshold::new(1_000, Epsilon::new(1e-3).unwrap()).unwrap();
        assert!(threshold.judge(design(1.000_001e6)).is_accused());
        let Verdict::Unproven { missing_nats } = threshold.judge(design(1e5)) else {
            panic!("a tenth of the threshold accused");
        };
        assert!((missing_nats - 10.0_f64.ln()).abs() < 1e-9);
        let Verdict::Accused { bound } = threshold.judge(design(1e9)) else {
            panic!("a thousand thresholds did not accuse");
        };
        assert!((bound - 1e-6).abs() < 1e-15);
    }
}

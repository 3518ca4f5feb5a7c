//! Decoys shown by lot: a leak that holds them speaks against whoever the lot showed them to.
//!
//! Rule: house design, section 9, "the trace itself", its design-based half. A decoy is a person who
//! does not exist and may appear among what a reader is shown. Whether reader `r` is shown decoy `i`
//! is decided by a coin of our own: it falls with probability `π_ri`, written down **before** the
//! showing. For the decoys that leaked and for which `r` had a coin,
//!
//! ```text
//! e_r = Σ_α w_α ∏_i ( 1 − α + α · 1[i was shown to r] / π_ri )
//! ```
//!
//! over a fixed grid of α, the share of the leaked decoys that would have come from `r`.
//!
//! # Why an innocent's expectation is at most one
//!
//! Put the coins of an innocent `r` in the order in which they were tossed. What must hold is:
//!
//! 1. given all earlier coins of `r`, everything other readers were shown, and which decoys leaked,
//!    coin `i` of `r` still falls with probability `π_ri`;
//! 2. `π_ri`, and whether there is a coin at all, was settled before the coin fell.
//!
//! Then each factor's expectation given the factors before it is `1 − α + α π/π = 1`, so the product
//! over any such sequence has expectation 1 (it is a martingale), and so has the mixture, its
//! weights being fixed and adding up to one.
//!
//! The coins of [`ExposureKey`] are pseudo-random and keyed by reader and decoy, hence independent
//! of each other. The first condition is then met when **nothing outside the innocent's own screen
//! depends on his coins**: no other reader's `π` or selection of decoys does, `r` passed nothing on
//! to those who leaked, and they know neither the key nor what he was shown. The leak may depend in
//! any way on what the true leakers saw, on public facts, and on time; propensities of `r` may
//! depend on his own past, earlier coins included. A leak by `r` himself, willing or robbed, is no
//! exception to the bound: then he is the source.
//!
//! Which persons are decoys, and when one is offered, belongs to the caller; so does writing
//! propensities into the log.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::FingerprintError;
use crate::code::Prf;
use crate::decode::ROUNDING_NATS;
use crate::evalue::{DesignBased, EValue, ln_sum_exp};

/// Shares of the leaked decoys that might have come from one reader, each with the same weight.
///
/// From "one source among many" to "the only one"; multiples of 1/64, exact in binary.
const SHARES: [f64; 6] = [
    1.0 / 64.0,
    1.0 / 16.0,
    1.0 / 4.0,
    1.0 / 2.0,
    3.0 / 4.0,
    15.0 / 16.0,
];

/// The weight of each share.
const WEIGHT: f64 = 1.0 / 6.0;

/// Label of the coins.
const LABEL: &[u8] = b"liuhen/fingerprint/exposure/v1";

/// The probability with which a reader is shown a decoy, as a multiple of 2⁻³².
///
/// Kept as an integer so that the evidence reckons with exactly the probability of the coin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Propensity(u32);

impl Propensity {
    const SCALE: f64 = 4_294_967_296.0;

    /// The multiple of 2⁻³² nearest to `p`.
    ///
    /// # Errors
    ///
    /// [`FingerprintError::Propensity`] unless it lies strictly between 0 and 1.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the product was checked to lie between 1 and 2^32 - 1"
    )]
    pub fn new(p: f64) -> Result<Self, FingerprintError> {
        let scaled = (p * Self::SCALE).round();
        if (1.0..Self::SCALE).contains(&scaled) {
            Ok(Self(scaled as u32))
        } else {
            Err(FingerprintError::Propensity)
        }
    }

    /// The probability itself.
    #[must_use]
    pub fn p(self) -> f64 {
        f64::from(self.0) / Self::SCALE
    }
}

impl TryFrom<u32> for Propensity {
    type Error = FingerprintError;

    fn try_from(scaled: u32) -> Result<Self, FingerprintError> {
        if scaled == 0 {
            return Err(FingerprintError::Propensity);
        }
        Ok(Self(scaled))
    }
}

impl From<Propensity> for u32 {
    fn from(value: Propensity) -> Self {
        value.0
    }
}

/// The key of the coins; known to nobody who reads.
#[derive(Clone)]
pub struct ExposureKey(Prf);

impl ExposureKey {
    /// Takes 32 secret bytes.
    #[must_use]
    pub fn from_secret(secret: [u8; 32]) -> Self {
        Self(Prf::new(&secret))
    }

    /// Tosses the coin of this reader for this decoy; tossed again, it falls the same way.
    ///
    /// It shows the decoy when the first four bytes, big-endian, of
    /// `HMAC-SHA256(key, lp(label) ‖ lp(reader) ‖ lp(decoy))` lie below the propensity. That must
    /// have been written down first, and is the one that counts. `number` is what the decoy is
    /// called in [`evidence`].
    #[must_use]
    pub fn toss(
        &self,
        reader: &[u8],
        decoy: &[u8],
        number: u32,
        propensity: Propensity,
    ) -> Exposure {
        let word = self.0.word(LABEL, &[reader, decoy]);
        let drawn = u32::from_be_bytes([word[0], word[1], word[2], word[3]]);
        Exposure {
            decoy: number,
            propensity,
            shown: drawn < propensity.0,
        }
    }
}

impl std::fmt::Debug for ExposureKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ExposureKey(32 bytes)")
    }
}

/// One coin of one reader.
///
/// Only [`ExposureKey::toss`] makes one, and it cannot be read back from a file: what is kept is
/// the propensity, and whoever weighs evidence tosses again. A coin that claims to have fallen as
/// it did not, or with another probability than it was tossed with, cannot be written.
///
/// ```compile_fail
/// use liuhen_fingerprint::exposure::{Exposure, Propensity};
/// let propensity = Propensity::new(0.01)?;
/// let framed = Exposure { decoy: 1, propensity, shown: true };
/// # Ok::<(), liuhen_fingerprint::FingerprintError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exposure {
    decoy: u32,
    propensity: Propensity,
    shown: bool,
}

impl Exposure {
    /// The decoy's number.
    #[must_use]
    pub const fn decoy(self) -> u32 {
        self.decoy
    }

    /// Whether the reader is shown the decoy.
    #[must_use]
    pub const fn is_shown(self) -> bool {
        self.shown
    }
}

/// What the leaked decoys say against one reader, given all his coins.
///
/// `leaked` says which decoys the leak holds; decoys for which he had no coin say nothing. Readers
/// are judged with a [`crate::evalue::Threshold`] that counts **all readers who had a coin**.
/// Marks and canaries of copies are drawn with other keys, so that a copy's evidence and this
/// multiply where both concern the same recipient.
///
/// # Errors
///
/// [`FingerprintError::CoinTwice`] when a decoy is listed twice: one coin would count twice.
pub fn evidence(
    coins: &[Exposure],
    leaked: impl Fn(u32) -> bool,
) -> Result<EValue<DesignBased>, FingerprintError> {
    let mut known = HashSet::with_capacity(coins.len());
    if !coins.iter().all(|coin| known.insert(coin.decoy)) {
        return Err(FingerprintError::CoinTwice);
    }
    let mut sums = [0.0; SHARES.len()];
    for coin in coins.iter().filter(|coin| leaked(coin.decoy)) {
        for (sum, share) in sums.iter_mut().zip(SHARES) {
            *sum += ln_factor(share, *coin);
        }
    }
    let mixed = ln_sum_exp(sums.iter().map(|sum| sum + WEIGHT.ln()));
    Ok(EValue::saturating(mixed - ROUNDING_NATS))
}

/// `ln(1 − α + α · 1[shown]/π)`.
fn ln_factor(share: f64, coin: Exposure) -> f64 {
    if coin.shown {
        (share / coin.propensity.p() - share).ln_1p()
    } else {
        (-share).ln_1p()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evalue::{Epsilon, Threshold};
    use crate::simulate::Dice;

    fn coin(decoy: u32, p: f64, shown: bool) -> Exposure {
        Exposure {
            decoy,
            propensity: Propensity::new(p).unwrap(),
            shown,
        }
    }

    /// The exact expectation over the coins of a reader, who has one for each decoy.
    ///
    /// `propensity` may look at his earlier coins, `leaked` at all of them, which an innocent's never allow.
    fn expectation(
        decoys: u32,
        propensity: impl Fn(u32, u32) -> f64,
        leaked: impl Fn(u32, u32) -> bool,
    ) -> f64 {
        let outcome = |fallen: u32| {
            let mut chance = 1.0;
            let coins: Vec<Exposure> = (0..decoys)
                .map(|i| {
                    let shown = fallen >> i & 1 == 1;
                    let coin = coin(i, propensity(i, fallen & ((1 << i) - 1)), shown);
                    let p = coin.propensity.p();
                    chance *= if shown { p } else { 1.0 - p };
                    coin
                })
                .collect();
            chance * evidence(&coins, |i| leaked(i, fallen)).unwrap().ln().exp()
        };
        (0..1 << decoys).map(outcome).sum()
    }

    #[test]
    fn an_innocent_expects_one_whatever_leaked_and_whatever_the_propensities() {
        let fixed = |i: u32, _: u32| [0.5, 0.01, 0.3, 0.9, 1e-6, 0.2, 0.5, 0.05][i as usize];
        // The more he was shown already, the less he is shown now.
        let adaptive = |i: u32, past: u32| 0.6 / f64::from(1 + i + 3 * past.count_ones());
        for leaked in [0_u32, 1, 0b1010_1010, 0b1111_1111, 0b1001_0000] {
            for mean in [
                expectation(8, fixed, |i, _| leaked >> i & 1 == 1),
                expectation(8, adaptive, |i, _| leaked >> i & 1 == 1),
            ] {
                assert!((1.0 - 2e-6..1.0).contains(&mean), "{leaked:b}: {mean}");
            }
        }
    }

    #[test]
    fn a_leak_that_knows_the_coins_would_break_it() {
        // What the conditions exclude: the leakers see what the innocent was shown.
        let mean = expectation(8, |_, _| 0.3, |i, fallen| fallen >> i & 1 == 1);
        assert!(mean > 10.0, "{mean}");
    }

    #[test]
    fn coins_fall_as_often_as_was_written_down_and_independently() {
        let key = ExposureKey::from_secret([7; 32]);
        let p = Propensity::new(0.25).unwrap();
        let shows = |reader: u32, decoy: u32| {
            key.toss(&reader.to_be_bytes(), &decoy.to_be_bytes(), decoy, p)
                .is_shown()
        };
        let (mut first, mut both) = (0, 0);
        for reader in 0..20_000 {
            first += u32::from(shows(reader, 1));
            both += u32::from(shows(reader, 1) && shows(reader, 2));
            assert_eq!(shows(reader, 1), shows(reader, 1));
        }
        // Five standard errors: 0.0153 and 0.0086.
        assert!((f64::from(first) / 20_000.0 - 0.25).abs() < 0.0153);
        assert!((f64::from(both) / 20_000.0 - 0.0625).abs() < 0.0086);
    }

    #[test]
    fn the_source_is_accused_among_a_thousand_readers_and_nobody_else() {
        let key = ExposureKey::from_secret([8; 32]);
        let p = Propensity::new(0.1).unwrap();
        let mut dice = Dice::new(9);
        let coins = |reader: u32| -> Vec<Exposure> {
            (0..200_u32)
                .map(|decoy| key.toss(&reader.to_be_bytes(), &decoy.to_be_bytes(), decoy, p))
                .collect()
        };
        // Reader 3 lets out what he saw, and as many decoys come from somewhere else.
        let mut leaked: HashSet<u32> = coins(3)
            .iter()
            .filter(|c| c.shown)
            .map(|c| c.decoy)
            .collect();
        let own = leaked.len();
        while leaked.len() < 2 * own {
            leaked.insert(u32::try_from(dice.below(200)).unwrap());
        }
        let threshold = Threshold::new(1_000, Epsilon::DEFAULT).unwrap();
        let accused: Vec<u32> = (0..1_000)
            .filter(|reader| {
                let evidence = evidence(&coins(*reader), |decoy| leaked.contains(&decoy)).unwrap();
                threshold.judge(evidence).is_accused()
            })
            .collect();
        assert_eq!(accused, [3]);
    }

    /// Look-ups after which a reader who leaks all he saw is accused 95 times in a hundred: `docs/marking.md`.
    #[test]
    fn look_ups_that_an_accusation_takes() {
        let needed = |percent: u32, judged: u64| {
            let p = Propensity::new(f64::from(percent) / 100.0).unwrap();
            let threshold = Threshold::new(judged, Epsilon::DEFAULT).unwrap();
            let shown = |n: &u32| {
                let coins: Vec<Exposure> = (0..*n).map(|i| coin(i, p.p(), true)).collect();
                threshold
                    .judge(evidence(&coins, |_| true).unwrap())
                    .is_accused()
            };
            let shown = (1..200).find(shown).unwrap();
            // The chance of fewer than `shown` among n coins, from one n to the next.
            let mut fewer = vec![0.0; shown as usize];
            fewer[0] = 1.0;
            let mut tossed = 0;
            while fewer.iter().sum::<f64>() > 0.05 {
                for at in (0..fewer.len()).rev() {
                    let below = if at > 0 { fewer[at - 1] } else { 0.0 };
                    fewer[at] = fewer[at] * (1.0 - p.p()) + below * p.p();
                }
                tossed += 1;
            }
            (shown, tossed)
        };
        // In percent; then decoys seen and look-ups made, among 50 copies and readers and among 1,000.
        let table = [50, 25, 10, 5, 1].map(|p| (p, needed(p, 50), needed(p, 1_000)));
        let expected = [
            (50, (30, 74), (34, 82)),
            (25, (15, 84), (17, 93)),
            (10, (9, 142), (10, 154)),
            (5, (7, 234), (8, 260)),
            (1, (5, 913), (5, 913)),
        ];
        assert_eq!(table, expected);
    }

    #[test]
    fn weights_add_up_to_one() {
        let total: f64 = SHARES.iter().map(|_| WEIGHT).sum();
        assert!((total - 1.0).abs() < 1e-15);
    }

    #[test]
    fn nothing_leaked_or_no_coin_is_no_evidence() {
        let coins = [coin(1, 0.5, true), coin(2, 0.5, false)];
        for evidence in [
            evidence(&coins, |_| false).unwrap(),
            evidence(&coins, |decoy| decoy == 9).unwrap(),
            evidence(&[], |_| true).unwrap(),
        ] {
            assert!(evidence.ln().abs() < 1e-5);
        }
    }

    #[test]
    fn refuses_a_coin_counted_twice_and_propensities_that_are_certain() {
        let twice = [coin(1, 0.5, true), coin(1, 0.5, true)];
        assert_eq!(evidence(&twice, |_| true), Err(FingerprintError::CoinTwice));
        for p in [0.0, 1.0, -0.5, 2.0, f64::NAN, 1e-12] {
            assert_eq!(Propensity::new(p), Err(FingerprintError::Propensity));
        }
        assert!(serde_json::from_str::<Propensity>("0").is_err());
        assert_eq!(
            serde_json::from_str::<Propensity>("7").unwrap(),
            Propensity(7)
        );
    }
}

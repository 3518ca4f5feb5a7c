//! The leakers as the decoder imagines them: hypotheses θ and their likelihoods.
//!
//! Rule: house design, section 9: up to twelve colluders, six strategies, three flip rates.
//! A hypothesis is a table `g(y | K)`: how well observation `y` fits when `K` of the `c` colluders
//! hold form one. Any table of positive numbers keeps the bound on innocents (see
//! [`crate::decode`]); a table close to what leakers do catches them sooner.
//! Turning tables into scores belongs to [`crate::decode`].

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

/// The most colluders a hypothesis speaks of.
pub const MAX_COLLUDERS: usize = 12;

/// How many observations a model distinguishes at most.
pub(crate) const OBSERVATIONS: usize = 3;

/// Flip rates: how often a strategy's outcome was changed on the way, as by re-typing.
const FLIPS: [f64; 3] = [0.02, 0.1, 0.2];

/// Shares of a copy's rows that a leak may show.
const SHARES: [f64; 6] = [0.002, 0.01, 0.05, 0.2, 0.5, 0.95];

/// Share of canaries seen although no colluder's copy carried them.
const STRAY_CANARY: f64 = 1.0e-3;

/// What a leak shows at a slot of a table.
///
/// A slot that the leak does not show is simply not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observation {
    /// Only the first form.
    Zero,
    /// Only the second form.
    One,
    /// Both forms of the same value, as when two copies were merged.
    Both,
}

impl Observation {
    /// The same slot seen once more.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        if self == other { self } else { Self::Both }
    }
}

/// Whether a leak shows a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sighting {
    /// Not seen; weak evidence of absence, since a leak may hold a few rows only.
    Unseen,
    /// Seen.
    Seen,
}

/// How colluders make one value out of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Each value comes from one colluder drawn at random.
    Interleave,
    /// The form that most hold.
    Majority,
    /// The form that fewest hold.
    Minority,
    /// A fair coin where they differ.
    Coin,
    /// Form one where anyone holds it.
    AllOnes,
    /// Form zero where anyone holds it.
    AllZeros,
    /// Only what all agree on: differences are dropped, or shown in both forms.
    Agreement,
}

impl Strategy {
    /// The six strategies of the design.
    pub const SIX: [Self; 6] = [
        Self::Interleave,
        Self::Majority,
        Self::Minority,
        Self::Coin,
        Self::AllOnes,
        Self::AllZeros,
    ];

    /// The probability of form one when `ones` of `colluders` hold it.
    ///
    /// Where all agree, so does the outcome: a colluder cannot show a form that nobody has.
    /// [`Strategy::Agreement`] shows nothing where they differ; what then appears is a coin.
    #[must_use]
    pub fn form_one(self, ones: usize, colluders: usize) -> f64 {
        if ones == 0 {
            return 0.0;
        }
        if ones >= colluders {
            return 1.0;
        }
        match self {
            Self::Interleave => share(ones, colluders),
            Self::Majority => step(2 * ones, colluders),
            Self::Minority => step(colluders, 2 * ones),
            Self::Coin | Self::Agreement => 0.5,
            Self::AllOnes => 1.0,
            Self::AllZeros => 0.0,
        }
    }
}

/// 1 when `left` exceeds `right`, ½ when they are equal, else 0.
fn step(left: usize, right: usize) -> f64 {
    match left.cmp(&right) {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Less => 0.0,
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of at most a few dozen")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

/// `g(y | K)` for one number of colluders: rows are observations, columns `K` = 0..=12.
pub(crate) type Likelihood = [[f64; MAX_COLLUDERS + 1]; OBSERVATIONS];

/// One way of leaking, for every number of colluders; index 0 is unused.
type Family = [Likelihood; MAX_COLLUDERS + 1];

/// A family, a number of colluders, and its share of the mixture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hypothesis {
    pub(crate) family: usize,
    pub(crate) colluders: usize,
    pub(crate) weight: f64,
}

/// A mixture of hypotheses; its weights were fixed before any leak was seen and add up to one.
#[derive(Debug)]
pub(crate) struct Model {
    families: Vec<Family>,
    hypotheses: Vec<Hypothesis>,
}

impl Model {
    /// The model for forms of table values.
    pub(crate) fn marks() -> &'static Self {
        static MODEL: OnceLock<Model> = OnceLock::new();
        MODEL.get_or_init(|| {
            let strategies = Strategy::SIX.into_iter().chain([Strategy::Agreement]);
            Self::mixture(
                strategies
                    .flat_map(|s| {
                        [0, 1, 2].map(|flip| family(|ones, c| mark_fit(s, flip, ones, c)))
                    })
                    .collect(),
            )
        })
    }

    /// The model for the presence of canaries.
    pub(crate) fn canaries() -> &'static Self {
        static MODEL: OnceLock<Model> = OnceLock::new();
        MODEL.get_or_init(|| {
            Self::mixture(
                Strategy::SIX
                    .into_iter()
                    .flat_map(|s| {
                        SHARES.map(|share| family(|ones, c| canary_fit(s, share, ones, c)))
                    })
                    .collect(),
            )
        })
    }

    /// Gives every family and every number of colluders the same weight, and merges equal tables.
    fn mixture(families: Vec<Family>) -> Self {
        let weight = 1.0 / (share(families.len(), 1) * share(MAX_COLLUDERS, 1));
        let mut hypotheses: Vec<Hypothesis> = Vec::new();
        for colluders in 1..=MAX_COLLUDERS {
            for family in 0..families.len() {
                let table = &families[family][colluders];
                let same = hypotheses.iter_mut().find(|known| {
                    known.colluders == colluders && families[known.family][colluders] == *table
                });
                match same {
                    Some(known) => known.weight += weight,
                    None => hypotheses.push(Hypothesis {
                        family,
                        colluders,
                        weight,
                    }),
                }
            }
        }
        Self {
            families,
            hypotheses,
        }
    }

    /// The hypotheses that leave room for another colluder beside `accused`, weights renewed to add up to one.
    pub(crate) fn beyond(&self, accused: usize) -> Vec<Hypothesis> {
        let kept = self.hypotheses.iter().filter(|h| h.colluders > accused);
        let total: f64 = kept.clone().map(|h| h.weight).sum();
        kept.map(|h| Hypothesis {
            weight: h.weight / total,
            ..*h
        })
        .collect()
    }

    /// The hypothesis of `colluders` whose table is `fit(observation, ones)` for two observations.
    ///
    /// Falls back on the first of that many colluders, which costs a power computation some
    /// precision and nothing else.
    pub(crate) fn find(&self, colluders: usize, fit: impl Fn(usize, usize) -> f64) -> Hypothesis {
        let is = |h: &&Hypothesis| {
            let same = |y: usize, ones: usize| {
                let known = self.likelihood(h.family, colluders, y)[ones];
                (known - fit(y, ones)).abs() < 1e-12
            };
            h.colluders == colluders && (0..2).all(|y| (0..=colluders).all(|ones| same(y, ones)))
        };
        let found = self.hypotheses.iter().find(is);
        let first = || self.hypotheses.iter().find(|h| h.colluders == colluders);
        found.or_else(first).copied().unwrap_or(self.hypotheses[0])
    }

    /// `g(y | K)` of a family at `colluders`, for K = 0..=12.
    pub(crate) fn likelihood(
        &self,
        family: usize,
        colluders: usize,
        observation: usize,
    ) -> &[f64; MAX_COLLUDERS + 1] {
        &self.families[family][colluders][observation]
    }
}

/// Index of an observation in a [`Likelihood`].
impl From<Observation> for usize {
    fn from(value: Observation) -> Self {
        match value {
            Observation::Zero => 0,
            Observation::One => 1,
            Observation::Both => 2,
        }
    }
}

/// Index of a sighting in a [`Likelihood`].
impl From<Sighting> for usize {
    fn from(value: Sighting) -> Self {
        match value {
            Sighting::Unseen => 0,
            Sighting::Seen => 1,
        }
    }
}

/// Fills a table for every number of colluders from `g(ones, colluders)`.
fn family(g: impl Fn(usize, usize) -> [f64; OBSERVATIONS]) -> Family {
    let mut all = [[[1.0; MAX_COLLUDERS + 1]; OBSERVATIONS]; MAX_COLLUDERS + 1];
    for (colluders, table) in all.iter_mut().enumerate().skip(1) {
        for ones in 0..=colluders {
            let values = g(ones, colluders);
            for (row, value) in table.iter_mut().zip(values) {
                row[ones] = value;
            }
        }
    }
    all
}

/// How forms of values fit a strategy whose outcome is flipped at the rate of that index.
///
/// Both forms together fit where colluders differ, and by accident (`flip`) where they agree.
pub(crate) fn mark_fit(
    strategy: Strategy,
    flip: usize,
    ones: usize,
    colluders: usize,
) -> [f64; OBSERVATIONS] {
    let flip = FLIPS[flip];
    let differ = ones > 0 && ones < colluders;
    let both = if differ { 1.0 } else { flip };
    if strategy == Strategy::Agreement && differ {
        return [flip, flip, both];
    }
    let one = strategy.form_one(ones, colluders);
    let shown = (1.0 - flip).mul_add(one, flip * (1.0 - one));
    [1.0 - shown, shown, both]
}

/// How sightings of canaries fit a strategy of which a share of rows is shown.
pub(crate) fn canary_fit(
    strategy: Strategy,
    shown: f64,
    ones: usize,
    colluders: usize,
) -> [f64; OBSERVATIONS] {
    let carried = strategy.form_one(ones, colluders);
    let seen = STRAY_CANARY + (1.0 - STRAY_CANARY) * shown * carried;
    [1.0 - seen, seen, 1.0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_add_up_to_one_however_many_are_accused() {
        for model in [Model::marks(), Model::canaries()] {
            for accused in 0..MAX_COLLUDERS {
                let kept = model.beyond(accused);
                let total: f64 = kept.iter().map(|h| h.weight).sum();
                assert!((total - 1.0).abs() < 1e-12, "{accused}: {total}");
                assert!(kept.iter().all(|h| h.colluders > accused && h.weight > 0.0));
            }
            assert!(model.beyond(MAX_COLLUDERS).is_empty());
        }
    }

    #[test]
    fn likelihoods_of_single_forms_are_probabilities_and_never_zero() {
        for (model, observations) in [(Model::marks(), 3), (Model::canaries(), 2)] {
            for h in model.beyond(0) {
                for ones in 0..=h.colluders {
                    let at = |y| model.likelihood(h.family, h.colluders, y)[ones];
                    for y in 0..observations {
                        assert!(at(y) > 0.0 && at(y) <= 1.0);
                    }
                    let sum = at(0) + at(1);
                    assert!(sum <= 1.0 + 1e-12, "{sum}");
                }
            }
        }
    }

    #[test]
    fn no_strategy_shows_a_form_that_nobody_holds() {
        for strategy in Strategy::SIX.into_iter().chain([Strategy::Agreement]) {
            for colluders in 1..=MAX_COLLUDERS {
                assert_eq!(strategy.form_one(0, colluders), 0.0);
                assert_eq!(strategy.form_one(colluders, colluders), 1.0);
            }
        }
    }

    #[test]
    fn strategies_at_four_colluders() {
        let rows = [
            (Strategy::Interleave, [0.0, 0.25, 0.5, 0.75, 1.0]),
            (Strategy::Majority, [0.0, 0.0, 0.5, 1.0, 1.0]),
            (Strategy::Minority, [0.0, 1.0, 0.5, 0.0, 1.0]),
            (Strategy::Coin, [0.0, 0.5, 0.5, 0.5, 1.0]),
            (Strategy::AllOnes, [0.0, 1.0, 1.0, 1.0, 1.0]),
            (Strategy::AllZeros, [0.0, 0.0, 0.0, 0.0, 1.0]),
        ];
        for (strategy, expected) in rows {
            for (ones, expected) in expected.into_iter().enumerate() {
                assert_eq!(strategy.form_one(ones, 4), expected, "{strategy:?} {ones}");
            }
        }
    }

    #[test]
    fn seeing_both_forms_is_remembered() {
        use Observation::{Both, One, Zero};
        for (first, second, merged) in [(Zero, Zero, Zero), (Zero, One, Both), (Both, One, Both)] {
            assert_eq!(first.merge(second), merged);
            assert_eq!(second.merge(first), merged);
        }
    }
}

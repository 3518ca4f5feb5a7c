//! Pictures: a mark in each copy, read by comparing a leak with the original.
//!
//! Rule: house design, section 9. We hold the original, so reading is not blind: the leak is laid
//! over the unmarked original ([`Reference::register`]), the original is subtracted, and what is left
//! is correlated with each export's carriers ([`Registered::evidence`]). How carriers lie and what they
//! look like in bytes stands in [`mark`](fn@mark)'s file.
//!
//! ```
//! use liuhen_fingerprint::code::ExportKey;
//! use liuhen_fingerprint::picture::{Limits, Reference, mark};
//! use liuhen_fingerprint::plane::Plane;
//!
//! let wave = |x: usize, y: usize| 128.0 + 60.0 * ((x * x / 40 + y * y / 60) as f32 / 9.0).sin();
//! let pixels = (0..256 * 256).map(|at| wave(at % 256, at / 256)).collect();
//! let original = Plane::new(256, 256, pixels)?;
//! let keys: Vec<ExportKey> = (0..20).map(|r| ExportKey::from_secret([r; 32])).collect();
//! let limits = Limits::default();
//!
//! let leak = mark(&original, &keys[7], b"picture 1", limits)?.apply(&original)?;
//! let registered = Reference::new(&original, limits)?.register(&leak, limits)?;
//! let registered = registered.ok_or("not this picture")?;
//! let scores: Vec<f64> = keys.iter().map(|k| registered.evidence(k, b"picture 1").ln()).collect();
//! assert!(scores[7] > 30.0);
//! assert!(scores.iter().enumerate().all(|(r, ln)| r == 7 || *ln < 15.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Why an innocent is safe
//!
//! Let `z` be the residue of all carriers and `x_i = ½ (s_i1 + s_i2 + s_i3 + s_i4)` the values of an
//! export, `s` being its keyed signs. [`Reference::register`] computes `z` from original and leak and
//! is given no key. The leakers held copies of other exports, whose signs are independent of this
//! one's; so while the export is innocent, its `s` are independent fair signs given `z`. Then
//! `t = Σ z_i x_i / ‖z‖` is a sum of independent fair signs with coefficients `z_i / (2‖z‖)`, four for
//! each carrier, whose squares add up to one. Since `cosh a ≤ exp(a²/2)`,
//!
//! ```text
//! E[exp(λ t)] = ∏ cosh(λ z_i / 2‖z‖)⁴ ≤ exp(λ²/2),
//! ```
//!
//! whatever `z` is: any attack, any misregistration, any weighing. Hence `E[exp(λt − λ²/2)] ≤ 1` for
//! each λ and for any mixture over λ whose weights are fixed beforehand, which is the e-value given;
//! and `P(t ≥ τ) ≤ exp(−τ²/2)`. Fair signs are those of a pseudo-random function here as elsewhere in
//! this room. What the leak lost, its blur and its JPEG steps, is estimated from original and leak too:
//! the original is compared as the leak would show it, the weights follow what each band and place
//! still shows, and all of it is part of `z`. Whoever holds an export's key can frame it, as with every mark; the keys are committed
//! in the log before the export leaves.
//!
//! Several candidate originals for one leaked picture: average their e-values
//! ([`EValue::average`]), or take the largest and pay `ln K`. Several different pictures of one leak:
//! their ids differ, so their signs are independent and their e-values multiply
//! ([`EValue::and_independent`]); the same picture twice averages.
//!
//! Decoding files, and keeping originals and keys, belong to the caller.

mod dct;
mod feature;
mod linear;
mod map;
mod mark;
mod quantised;
mod raster;
mod recall;
mod refine;
mod residue;
mod score;
mod transfer;

#[cfg(test)]
pub(crate) mod shapes;
#[cfg(test)]
mod tests;

pub use mark::{Limits, Mark, mark, mark_with_tile};
pub use recall::{Print, Shelf};

use crate::FingerprintError;
use crate::code::ExportKey;
use crate::evalue::{DesignBased, EValue};
use crate::plane::Plane;

use feature::{Feature, features};
use map::{Map, agree, pairs};
pub(crate) use raster::by_rows;
use raster::{Grid, real};
use refine::{Level, Pose, levels, refine};
use score::Sheet;

/// Long side to which a leak is shrunk before anything else; a quarter of a picture still keeps more than canonical detail.
const LEAK_SIDE: usize = 2_048;

/// Long side at which features of a leak are sought.
const SEARCH_SIDE: usize = 1_024;

/// Likeness from which on a leak is taken to show the original.
const LIKE: f64 = 0.2;

/// Likeness at which no other way of laying the leak is tried.
const SURE: f64 = 0.45;

/// An unmarked original, ready to be compared with leaks; knows no key.
pub struct Reference {
    canonical: Grid,
    strengths: Vec<f32>,
    features: Vec<Feature>,
    levels: Vec<Level>,
}

/// Shows the size only: a picture may show a person.
impl std::fmt::Debug for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (w, h) = (self.canonical.width, self.canonical.height);
        write!(f, "Reference({w} × {h})")
    }
}

impl Reference {
    /// Prepares an original.
    ///
    /// # Errors
    ///
    /// [`FingerprintError::PictureTooLarge`] beyond `limits`.
    pub fn new(original: &Plane, limits: Limits) -> Result<Self, FingerprintError> {
        limits.check(original)?;
        let canonical = mark::canonical(original);
        Ok(Self {
            strengths: mark::strengths(&canonical),
            features: features(&canonical),
            levels: levels(&canonical),
            canonical,
        })
    }

    /// What the original is found by among many.
    #[must_use]
    pub fn print(&self) -> Print {
        Print::of(&self.features)
    }

    /// Lays `leak` over the original: under any turn, mirrored or as a negative, crops, scales from a quarter to
    /// double, perspective, changes of brightness, and borders around.
    ///
    /// None when the leak does not show the original, or not well enough. No key enters.
    ///
    /// # Errors
    ///
    /// [`FingerprintError::PictureTooLarge`] beyond `limits`.
    pub fn register(
        &self,
        leak: &Plane,
        limits: Limits,
    ) -> Result<Option<Registered>, FingerprintError> {
        limits.check(leak)?;
        let leak = bounded(Grid::of(leak), LEAK_SIDE);
        let mut best: Option<(Grid, Pose)> = None;
        for seen in [Grid::clone, Grid::mirrored, Grid::negative] {
            let seen = seen(&leak);
            let Some(pose) = self.lay(&seen) else {
                continue;
            };
            let sure = pose.likeness >= SURE;
            if best
                .as_ref()
                .is_none_or(|(_, b)| b.likeness < pose.likeness)
            {
                best = Some((seen, pose));
            }
            if sure {
                break;
            }
        }
        Ok(best.and_then(|(seen, pose)| self.read(&seen, &pose)))
    }

    /// The best way to lay a leak that is not mirrored.
    fn lay(&self, leak: &Grid) -> Option<Pose> {
        let mut best: Option<Pose> = None;
        let mut keep = |pose: Option<Pose>| {
            if let Some(pose) = pose
                && best.as_ref().is_none_or(|b| b.likeness < pose.likeness)
            {
                best = Some(pose);
            }
            best.as_ref().is_some_and(|b| b.likeness >= SURE)
        };
        for map in self.matched(leak) {
            if keep(refine(&self.levels, &self.canonical, leak, &map, false)) {
                return best;
            }
        }
        for map in self.whole(leak) {
            if keep(refine(&self.levels, &self.canonical, leak, &map, true)) {
                return best;
            }
        }
        best.filter(|pose| pose.likeness >= LIKE)
    }

    /// Maps that matching features agree on.
    fn matched(&self, leak: &Grid) -> Vec<Map> {
        let small = bounded(leak.clone(), SEARCH_SIDE);
        let (fx, fy) = (
            real(leak.width) / real(small.width),
            real(leak.height) / real(small.height),
        );
        let back = Map::affine([fx, 0.0, 0.5 * fx - 0.5, 0.0, fy, 0.5 * fy - 0.5]);
        let pairs = pairs(&self.features, &features(&small));
        let agreed = agree(&pairs, real(self.canonical.long_side()));
        agreed.iter().map(|(map, _)| back.after(map)).collect()
    }

    /// The four ways in which the leak could be the whole picture, turned by quarters.
    fn whole(&self, leak: &Grid) -> [Map; 4] {
        let (w, h) = (real(self.canonical.width), real(self.canonical.height));
        let (u, v) = (real(leak.width), real(leak.height));
        // In shares of the sides, from the middles of corner pixels.
        let into = Map::affine([1.0 / w, 0.0, 0.5 / w, 0.0, 1.0 / h, 0.5 / h]);
        let out = Map::affine([u, 0.0, -0.5, 0.0, v, -0.5]);
        [
            [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            [0.0, -1.0, 1.0, 1.0, 0.0, 0.0],
            [-1.0, 0.0, 1.0, 0.0, -1.0, 1.0],
            [0.0, 1.0, 0.0, -1.0, 0.0, 1.0],
        ]
        .map(|turn| out.after(&Map::affine(turn)).after(&into))
    }

    fn read(&self, leak: &Grid, pose: &Pose) -> Option<Registered> {
        let values = residue::residue(&self.canonical, &self.strengths, leak, pose);
        let sheet = Sheet::new(values);
        (sheet.shown() > 0).then_some(Registered {
            sheet,
            likeness: pose.likeness,
        })
    }
}

/// The grid, shrunk so that its long side is at most `side`.
fn bounded(grid: Grid, side: usize) -> Grid {
    let long = grid.long_side();
    if long <= side {
        return grid;
    }
    let of = |length: usize| (length * side / long).max(1);
    grid.shrink(of(grid.width), of(grid.height))
}

/// A leak laid over its original, with the original taken away; knows no key.
#[derive(Clone)]
pub struct Registered {
    sheet: Sheet,
    likeness: f64,
}

impl std::fmt::Debug for Registered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Registered({} carriers)", self.carriers())
    }
}

impl Registered {
    /// How alike leak and original are, from 0 to 1; it ranks candidate originals and proves nothing.
    #[must_use]
    pub const fn likeness(&self) -> f64 {
        self.likeness
    }

    /// How many carriers the leak shows.
    #[must_use]
    pub fn carriers(&self) -> usize {
        self.sheet.shown()
    }

    /// `t` of one export: below an innocent's `τ` except with probability `exp(−τ²/2)`.
    #[must_use]
    pub fn statistic(&self, key: &ExportKey, picture_id: &[u8]) -> f64 {
        self.sheet.statistic(key, picture_id)
    }

    /// The evidence against the copy that `key` marked.
    #[must_use]
    pub fn evidence(&self, key: &ExportKey, picture_id: &[u8]) -> EValue<DesignBased> {
        score::evidence(self.statistic(key, picture_id))
    }

    /// The evidence against many copies of the picture, in their order, on all cores.
    #[must_use]
    pub fn score(&self, keys: &[&ExportKey], picture_id: &[u8]) -> Vec<EValue<DesignBased>> {
        let statistics = self.sheet.statistics(keys, picture_id);
        statistics.into_iter().map(score::evidence).collect()
    }
}

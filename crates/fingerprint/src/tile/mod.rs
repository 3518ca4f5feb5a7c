//! Screens: a faint tile over every page, one for each viewer, that a photograph of the screen keeps.
//!
//! A tile is `32 × 32` keyed signs, low-pass shaped, with two faint public waves that say where it
//! lies; a page repeats it. [`look`] finds the waves in a leaked picture, follows them through scale,
//! rotation and perspective, lays all periods upon each other and keeps one number `z_i` for each
//! sign. The same tile in a picture ([`Tile::add_to`]) is the fallback where its original is gone; there
//! [`lay_upright`] does without the waves, which rough pictures drown.
//!
//! **The bound.** Let a key be innocent: its signs `s_i` are fair, independent of each other and of the
//! leaked picture, hence of everything computed from the picture alone: the ways `k` it may lie, their
//! numbers `z^k`, the shifts and turns tried. For any fixed `z`, shift `d` and `λ`, with
//! `t = Σ s_i z_{i+d} / ‖z‖`,
//!
//! `E exp(λt) = ∏ cosh(λ z_i/‖z‖) ≤ ∏ exp(λ² z_i²/(2‖z‖²)) = exp(λ²/2)`,
//!
//! so `exp(λt − λ²/2)` has expectation at most 1 (W. Hoeffding, "Probability inequalities for sums of
//! bounded random variables", Journal of the American Statistical Association 58, 1963), and so has any average over ways, turns,
//! shifts and `λ` with weights that do not depend on the signs. That average is the e-value. How the
//! picture was cut, bent, compressed or forged, and how well it was registered, never enters.
//! A tile of one key laid upon another picture does accuse that key: what is accused is a copy.
//!
//! Whoever knows of the tile can remove it (the waves are public, a picture can be drawn anew); it is
//! meant for those who do not think of it. What it survives is measured by
//! `examples/tile_survives.rs` and kept in `docs/screen-marks.md`.
//!
//! Keys, PNG files and pages belong to others; this module sees brightness.

#![expect(
    clippy::cast_possible_truncation,
    reason = "pixel arithmetic in f32, on indices bounded by the picture's size"
)]

mod clean;
mod fft;
mod fold;
mod lattice;
mod pattern;
mod png;
pub mod rehearse;
mod score;

use std::collections::BTreeMap;

use self::clean::Residual;

pub use pattern::{GreyAlpha, Tile, css};
pub use score::Folded;

use crate::FingerprintError;
use crate::code::ExportKey;
use crate::evalue::{DesignBased, EValue};
use crate::plane::Plane;

/// Signs a side of a tile, and in all.
const CHIPS: usize = 32;
const COUNT: usize = CHIPS * CHIPS;

/// CSS pixels a side of a tile: three a sign.
pub const SIDE: usize = 3 * CHIPS;

/// Ways a picture may lie that are scored, at most.
pub const WAYS: usize = 3;

/// Pixels a side that a picture needs.
pub const LEAST_SIDE: usize = 64;

/// Pixels that a picture may have: a camera of 64 megapixels.
pub const MOST_PIXELS: usize = 1 << 26;

/// The smallest tiles laid unseen, in pixels a tile pixel: smaller ones have lost their signs.
const LEAST_SCALE: f64 = 0.4;

/// Larger pictures are halved before they are searched: photographs have more pixels than detail.
const SEARCHED_PIXELS: usize = 8 << 20;

/// Reach of what is taken away before the waves are searched, their scale being unknown.
const SEARCH_REACH: usize = 30;

/// A picture laid upon tiles in the most credible ways.
pub struct Look {
    /// The ways, most credible first; at most [`WAYS`], none when nothing like a wave was found.
    pub ways: Vec<Folded>,
}

impl Look {
    /// Evidence against each key, in the order given: the mean over the ways.
    ///
    /// Every key that could be named must be counted by the [`crate::evalue::Threshold`], not only
    /// those given here.
    #[must_use]
    pub fn score(&self, keys: &[ExportKey], part: &[u8]) -> Vec<EValue<DesignBased>> {
        score::score(&self.ways, keys, part)
    }
}

/// Finds how a leaked picture lies upon tiles, without any key.
///
/// # Errors
///
/// [`FingerprintError::LookSize`] for pictures below [`LEAST_SIDE`] or above [`MOST_PIXELS`].
pub fn look(leak: &Plane) -> Result<Look, FingerprintError> {
    let (smaller, _) = searched(leak)?;
    let plane = smaller.as_ref().unwrap_or(leak);
    let waves = lattice::find(&clean::residual(plane, SEARCH_REACH));
    let mut cleaned: BTreeMap<usize, Residual> = BTreeMap::new();
    let mut laid: Vec<(f32, Folded)> = Vec::new();
    for waves in &waves {
        let reach = fold::reach(waves);
        let residual = cleaned
            .entry(reach)
            .or_insert_with(|| clean::residual(plane, reach));
        let found = fold::fold(residual, waves);
        laid.push((found.sameness * waves.height, Folded::new(&found.values)));
    }
    laid.sort_by(|a, b| b.0.total_cmp(&a.0));
    laid.truncate(WAYS);
    let ways = laid.into_iter().map(|(_, folded)| folded);
    Ok(Look {
        ways: ways.collect(),
    })
}

/// Lays a leaked picture upon the tiles of copies of pictures ([`Tile::add_to`]) that were neither
/// turned nor scaled, or scaled as a whole: then nothing need be found but the shift, which the key's
/// signs tell. Rough pictures drown the public waves before they drown a thousand signs.
///
/// # Errors
///
/// As [`look`].
pub fn lay_upright(leak: &Plane) -> Result<Vec<Folded>, FingerprintError> {
    let (smaller, halved) = searched(leak)?;
    let plane = smaller.as_ref().unwrap_or(leak);
    let mut scales = vec![1.0];
    let whole = pattern::scale_of_whole(leak);
    if whole >= LEAST_SCALE && (whole - 1.0_f64).abs() > 1e-9 {
        scales.push(whole);
    }
    let lay = |scale: f64| {
        let waves = lattice::Waves::still(scale / halved);
        let residual = clean::residual(plane, fold::reach(&waves));
        Folded::still(fold::fold_still(&residual, &waves))
    };
    Ok(scales.into_iter().map(lay).collect())
}

/// A large picture made smaller before it is searched, and by how much a side was divided.
fn searched(leak: &Plane) -> Result<(Option<Plane>, f64), FingerprintError> {
    let (width, height) = (leak.width(), leak.height());
    if width.min(height) < LEAST_SIDE || width.saturating_mul(height) > MOST_PIXELS {
        return Err(FingerprintError::LookSize {
            least: LEAST_SIDE,
            most: MOST_PIXELS,
        });
    }
    let (mut smaller, mut by) = (None, 1.0);
    let mut size = width * height;
    while size > SEARCHED_PIXELS {
        smaller = clean::halved(smaller.as_ref().unwrap_or(leak));
        size /= 4;
        by *= 2.0;
    }
    Ok((smaller, by))
}

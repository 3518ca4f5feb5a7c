//! Recall: which of many originals a leak may show.
//!
//! Rule: locality-sensitive words. Each feature's comparisons give a few words of bits; a word of the
//! leak that also stands in an original's print is a vote, and rare words count more (K. Spärck Jones,
//! 1972). Features outlive crops, turns and scales, and so does the vote; a hash of the whole would not.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::feature::{Feature, features};
use super::mark::Limits;
use super::raster::{Grid, real};
use super::{SEARCH_SIDE, bounded};
use crate::FingerprintError;
use crate::plane::Plane;

/// Words a feature gives.
const TABLES: usize = 6;

/// Bits of a word, beside the number of its table.
const BITS: usize = 20;

/// What a picture is found by: a few kilobytes from which no picture can be drawn again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Print {
    /// Words, ascending, each once.
    words: Vec<u32>,
}

impl Print {
    pub(super) fn of(features: &[Feature]) -> Self {
        let mut words: Vec<u32> = features.iter().flat_map(words).collect();
        words.sort_unstable();
        words.dedup();
        Self { words }
    }

    /// The print of a leak.
    ///
    /// # Errors
    ///
    /// [`FingerprintError::PictureTooLarge`] beyond `limits`.
    pub fn of_leak(leak: &Plane, limits: Limits) -> Result<Self, FingerprintError> {
        limits.check(leak)?;
        Ok(Self::of(&features(&bounded(Grid::of(leak), SEARCH_SIDE))))
    }
}

/// Bits taken in strides that share no bit between tables.
fn words(feature: &Feature) -> [u32; TABLES] {
    std::array::from_fn(|table| {
        let mut word = 0;
        for bit in 0..BITS {
            let number = table * BITS + bit;
            let one = feature.bits[number / 64] >> (number % 64) & 1;
            word = word << 1 | u32::from(one == 1);
        }
        word | (u32::try_from(table).unwrap_or(0) << BITS)
    })
}

/// Prints of many originals, searchable by a leak's.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    holders: HashMap<u32, Vec<u32>>,
    sizes: Vec<usize>,
}

impl Shelf {
    /// A shelf without originals.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an original's print and returns its position, counted from zero.
    pub fn add(&mut self, print: &Print) -> usize {
        let position = self.sizes.len();
        let short = u32::try_from(position).unwrap_or(u32::MAX);
        for word in &print.words {
            self.holders.entry(*word).or_default().push(short);
        }
        self.sizes.push(print.words.len());
        position
    }

    /// Adds an original, keeping only what this leak can find it by: a shelf for one leak takes next to no memory.
    ///
    /// [`Shelf::shortlist`] answers for that leak what it would have answered after [`Shelf::add`].
    pub fn add_for(&mut self, print: &Print, leak: &Print) -> usize {
        let position = self.sizes.len();
        let short = u32::try_from(position).unwrap_or(u32::MAX);
        for word in &print.words {
            if leak.words.binary_search(word).is_ok() {
                self.holders.entry(*word).or_default().push(short);
            }
        }
        self.sizes.push(print.words.len());
        position
    }

    /// The `most` originals that share most with a leak, best first.
    ///
    /// Originals without features, such as empty pages, are never found: they say nothing.
    #[must_use]
    pub fn shortlist(&self, leak: &Print, most: usize) -> Vec<usize> {
        let mut votes = vec![0.0_f64; self.sizes.len()];
        let count = real(self.sizes.len().max(1));
        for word in &leak.words {
            let holders = self.holders.get(word).map_or(&[][..], Vec::as_slice);
            let rarity = (1.0 + count / real(holders.len().max(1))).ln();
            for holder in holders {
                if let Some(vote) = usize::try_from(*holder).ok().and_then(|h| votes.get_mut(h)) {
                    *vote += rarity;
                }
            }
        }
        // Chance agreement grows with the print; its root keeps small pictures in the running.
        let scores = votes.iter().zip(&self.sizes);
        let mut ranked: Vec<(usize, f64)> = scores
            .map(|(vote, size)| vote / real(*size).max(1.0).sqrt())
            .enumerate()
            .filter(|(_, score)| *score > 0.0)
            .collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.into_iter().take(most).map(|(at, _)| at).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Reference;
    use crate::picture::shapes::{drawn, grain, landscape};

    #[test]
    fn a_turned_crop_recalls_its_original_among_many() {
        let limits = Limits::default();
        let originals: Vec<Plane> = (0..30).map(|seed| landscape(240, 200, seed * 31)).collect();
        let mut shelf = Shelf::new();
        for original in &originals {
            shelf.add(&Reference::new(original, limits).unwrap().print());
        }
        let (sin, cos) = 0.3_f64.sin_cos();
        let mut first = 0;
        let prints = originals
            .iter()
            .map(|original| Reference::new(original, limits));
        let prints: Vec<Print> = prints.map(|reference| reference.unwrap().print()).collect();
        for (number, original) in originals.iter().enumerate() {
            let turned = |x: f64, y: f64| {
                let (dx, dy) = ((x - 60.0) * 1.1, (y - 50.0) * 1.1);
                (120.0 + cos * dx - sin * dy, 100.0 + sin * dx + cos * dy)
            };
            let leak = grain(&drawn(original, 130, 110, turned), 4.0, 5);
            let print = Print::of_leak(&leak, limits).unwrap();
            first += usize::from(shelf.shortlist(&print, 1) == [number]);
            let mut own = Shelf::new();
            for original in &prints {
                own.add_for(original, &print);
            }
            assert_eq!(own.shortlist(&print, 30), shelf.shortlist(&print, 30));
        }
        assert!(first >= 28, "{first}");
    }

    #[test]
    fn an_empty_page_recalls_nothing() {
        let limits = Limits::default();
        let page = Plane::new(100, 100, vec![255.0; 10_000]).unwrap();
        let print = Print::of_leak(&page, limits).unwrap();
        let mut shelf = Shelf::new();
        shelf.add(
            &Reference::new(&landscape(90, 90, 1), limits)
                .unwrap()
                .print(),
        );
        assert!(shelf.shortlist(&print, 5).is_empty());
    }
}

//! Tiles: which file holds which hashes and entries.
//!
//! Rule: C2SP tlog-tiles, height 8. Paths, widths and entry bundles only;
//! reading the files belongs to `tiles`, writing them to `sequencer`.

use std::fmt;

use crate::{checkpoint::parse_decimal, hash::Hash};

/// Hashes in a full tile, entries in a full bundle.
pub const WIDTH: u64 = 256;
/// Levels of the tree that a tile spans.
pub(crate) const HEIGHT: u32 = 8;
/// Tile levels that a tree of 64-bit size can have.
pub(crate) const LEVELS: u32 = 8;
/// Longest leaf: a bundle gives it a length of 16 bits.
pub const MAX_LEAF: usize = 65_535;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shelf {
    /// Hashes of subtrees of `256^level` leaves.
    Hashes(u32),
    /// The entries themselves.
    Entries,
}

/// One tile or entry bundle, full or partial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileId {
    /// What it holds.
    pub shelf: Shelf,
    /// Its place among its like, from zero.
    pub index: u64,
    /// Hashes or entries in it: 1 to 256.
    pub width: u16,
}

impl TileId {
    /// The tile that holds hash number `at` of a level, in a tree of `size` leaves.
    ///
    /// `None` when the tree has no such hash.
    #[must_use]
    pub fn holding(shelf: Shelf, at: u64, size: u64) -> Option<Self> {
        let level = match shelf {
            Shelf::Hashes(level) if level >= LEVELS => return None,
            Shelf::Hashes(level) => level,
            Shelf::Entries => 0,
        };
        let count = size >> (HEIGHT * level);
        if at >= count {
            return None;
        }
        let index = at / WIDTH;
        let width = u16::try_from((count - index * WIDTH).min(WIDTH)).ok()?;
        Some(Self {
            shelf,
            index,
            width,
        })
    }

    /// Whether it is full and so will never change.
    #[must_use]
    pub fn is_full(&self) -> bool {
        u64::from(self.width) == WIDTH
    }

    /// Whether a tree of `size` leaves has all the hashes or entries that it holds.
    #[must_use]
    pub fn is_within(&self, size: u64) -> bool {
        let count = match self.shelf {
            Shelf::Entries => size,
            Shelf::Hashes(level) => size.checked_shr(HEIGHT * level).unwrap_or(0),
        };
        let end = u128::from(self.index) * u128::from(WIDTH) + u128::from(self.width);
        end <= u128::from(count)
    }

    /// The same tile, full.
    #[must_use]
    pub fn full(self) -> Self {
        Self { width: 256, ..self }
    }

    /// Reads a path below the log's prefix, as an HTTP client sends it.
    ///
    /// Takes exactly what the `Display` form writes, so it names no file outside the tiles.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("tile/")?;
        let (shelf, rest) = rest.split_once('/')?;
        let shelf = match shelf {
            "entries" => Shelf::Entries,
            level => {
                let level = parse_decimal(level)?;
                Shelf::Hashes(u32::try_from(level).ok().filter(|l| *l < 64)?)
            }
        };
        let (number, width) = match rest.split_once(".p/") {
            None => (rest, 256),
            Some((number, width)) => {
                let width = u16::try_from(parse_decimal(width)?).ok()?;
                (number, width)
            }
        };
        let digits: String = number
            .split('/')
            .map(|part| part.trim_start_matches('x'))
            .collect();
        let all_digits = digits.bytes().all(|b| b.is_ascii_digit());
        let id = Self {
            shelf,
            index: Some(digits).filter(|_| all_digits)?.parse().ok()?,
            width: Some(width).filter(|w| (1..=256).contains(w))?,
        };
        (id.to_string() == path).then_some(id)
    }

    /// The directory of this tile's partial forms.
    pub(crate) fn partials(&self) -> String {
        format!("{}.p", self.full())
    }
}

/// Writes the path below the log's prefix, as in `tile/0/x001/x234/067.p/8`.
impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shelf {
            Shelf::Hashes(level) => write!(f, "tile/{level}/")?,
            Shelf::Entries => f.write_str("tile/entries/")?,
        }
        let mut scale = 1;
        while self.index / scale >= 1000 {
            scale *= 1000;
        }
        while scale > 1 {
            write!(f, "x{:03}/", self.index / scale % 1000)?;
            scale /= 1000;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if self.is_full() {
            return Ok(());
        }
        write!(f, ".p/{}", self.width)
    }
}

/// Every tile of the right edge of a tree: the rightmost of each level, entries first, where partial.
pub(crate) fn partials_of(size: u64) -> Vec<TileId> {
    let shelves = std::iter::once(Shelf::Entries).chain((0..LEVELS).map(Shelf::Hashes));
    shelves
        .filter_map(|shelf| {
            let level = match shelf {
                Shelf::Hashes(level) => level,
                Shelf::Entries => 0,
            };
            let count = size >> (HEIGHT * level);
            TileId::holding(shelf, count.checked_sub(1)?, size)
        })
        .filter(|tile| !tile.is_full())
        .collect()
}

/// Appends an entry to a bundle. The leaf is at most [`MAX_LEAF`] bytes, which `append` made sure of.
pub(crate) fn push_entry(bundle: &mut Vec<u8>, leaf: &[u8]) {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "append refuses longer leaves"
    )]
    bundle.extend_from_slice(&(leaf.len() as u16).to_be_bytes());
    bundle.extend_from_slice(leaf);
}

/// Splits a bundle into its entries.
///
/// `None` when a length points past the end.
#[must_use]
pub fn entries(mut bundle: &[u8]) -> Option<Vec<&[u8]>> {
    let mut found = Vec::new();
    while !bundle.is_empty() {
        let (length, rest) = bundle.split_first_chunk::<2>()?;
        let (leaf, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        found.push(leaf);
        bundle = rest;
    }
    Some(found)
}

/// Entry number `at` of a bundle, counted from zero.
///
/// `None` when the bundle ends before it or a length points past the end; what comes after it is not looked at.
pub(crate) fn entry_at(bundle: &[u8], at: u64) -> Option<&[u8]> {
    let mut rest = bundle;
    for _ in 0..at {
        let (length, after) = rest.split_first_chunk::<2>()?;
        rest = after.get(usize::from(u16::from_be_bytes(*length))..)?;
    }
    let (length, after) = rest.split_first_chunk::<2>()?;
    after.get(..usize::from(u16::from_be_bytes(*length)))
}

/// Splits a tile into its hashes.
///
/// `None` when it is not a whole number of hashes.
#[must_use]
pub fn hashes(tile: &[u8]) -> Option<Vec<Hash>> {
    let (whole, rest) = tile.as_chunks::<{ Hash::LEN }>();
    rest.is_empty()
        .then(|| whole.iter().map(|h| Hash(*h)).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(shelf: Shelf, index: u64, width: u16) -> TileId {
        TileId {
            shelf,
            index,
            width,
        }
    }

    #[test]
    fn paths_of_the_specification() {
        let rows = [
            (id(Shelf::Hashes(0), 0, 256), "tile/0/000"),
            (id(Shelf::Hashes(0), 1_234_067, 256), "tile/0/x001/x234/067"),
            (id(Shelf::Entries, 273, 112), "tile/entries/273.p/112"),
            (id(Shelf::Hashes(2), 1000, 1), "tile/2/x001/000.p/1"),
        ];
        for (tile, path) in rows {
            assert_eq!(tile.to_string(), path);
            assert_eq!(TileId::parse(path), Some(tile), "{path}");
        }
    }

    #[test]
    fn widths_of_the_specification() {
        // The example of C2SP tlog-tiles: a tree of 70,000, and one of 256.
        let widths = |size| -> Vec<(Shelf, u64, u16)> {
            let edge = partials_of(size);
            edge.iter().map(|t| (t.shelf, t.index, t.width)).collect()
        };
        assert_eq!(
            widths(70_000),
            [
                (Shelf::Entries, 273, 112),
                (Shelf::Hashes(0), 273, 112),
                (Shelf::Hashes(1), 1, 17),
                (Shelf::Hashes(2), 0, 1)
            ]
        );
        assert_eq!(widths(256), [(Shelf::Hashes(1), 0, 1)]);
        assert_eq!(widths(0), []);
    }

    #[test]
    fn refuses_other_paths() {
        let paths = [
            "",
            "tile/0/",
            "tile/0/00",
            "tile/0/0000",
            "tile/00/000",
            "tile/64/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/x000/001",
            "tile/0/001/001",
            "tile/0/x001",
            "tile/0/../../checkpoint",
            "tile/-1/000",
            "tile/0/+01",
            "/tile/0/000",
            "tile/entries/000/",
            "tile/0/xx01/000",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        ];
        for path in paths {
            assert_eq!(TileId::parse(path), None, "{path}");
        }
    }

    #[test]
    fn refuses_a_bundle_cut_short() {
        let mut bundle = Vec::new();
        push_entry(&mut bundle, b"one");
        push_entry(&mut bundle, b"");
        assert_eq!(entries(&bundle), Some(vec![&b"one"[..], b""]));
        for cut in [1, 2, 3, 4, 6] {
            assert_eq!(entries(&bundle[..cut]), None, "cut at {cut}");
        }
    }

    #[test]
    fn one_entry_is_found_as_in_the_whole_bundle() {
        let leaves: Vec<Vec<u8>> = (0..9u8).map(|n| vec![n; usize::from(n % 4) * 70]).collect();
        let mut bundle = Vec::new();
        for leaf in &leaves {
            push_entry(&mut bundle, leaf);
        }
        for length in 0..=bundle.len() {
            let cut = &bundle[..length];
            let mut end = 0;
            for (at, leaf) in leaves.iter().enumerate() {
                end += 2 + leaf.len();
                let found = entry_at(cut, at as u64);
                let expected = (end <= length).then_some(leaf.as_slice());
                assert_eq!(found, expected, "{at} of {length} bytes");
            }
            assert_eq!(entry_at(cut, 9), None);
            assert_eq!(entry_at(cut, u64::MAX), None);
        }
    }

    proptest! {
        #[test]
        fn paths_come_back(level in 0u32..9, index in any::<u64>(), width in 1u16..=256) {
            let shelf = if level == 8 { Shelf::Entries } else { Shelf::Hashes(level) };
            let tile = id(shelf, index, width);
            prop_assert_eq!(TileId::parse(&tile.to_string()), Some(tile));
        }

        #[test]
        fn any_path_is_parsed_without_panic(path in "(tile/)?[0-9x/.p]{0,40}") {
            let _ = TileId::parse(&path);
        }
    }
}

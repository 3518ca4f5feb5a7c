//! Which tiles a grown tree needs that the smaller one did not.
//!
//! Rule: C2SP tlog-tiles, height 8.

use liuhen_tlog::tile::{Shelf, TileId, WIDTH};
use object_store::path::Path;

/// Levels of tiles that a tree of 64-bit size can have.
const LEVELS: u32 = 8;

/// Entries, and hashes of every level.
fn shelves() -> impl Iterator<Item = Shelf> + Send {
    std::iter::once(Shelf::Entries).chain((0..LEVELS).map(Shelf::Hashes))
}

/// Hashes or entries on a shelf of a tree of `size` leaves.
fn count(shelf: Shelf, size: u64) -> u64 {
    match shelf {
        Shelf::Entries => size,
        Shelf::Hashes(level) => size >> (8 * level),
    }
}

/// The tiles of the tree of `new` leaves that the tree of `old` leaves does not have, entries first.
pub(crate) fn tiles_between(old: u64, new: u64) -> impl Iterator<Item = TileId> + Send {
    shelves().flat_map(move |shelf| {
        let (before, now) = (count(shelf, old), count(shelf, new));
        let first = if before == now {
            now.div_ceil(WIDTH)
        } else {
            before / WIDTH
        };
        let starts = (first..now.div_ceil(WIDTH)).map(|index| index * WIDTH);
        starts.filter_map(move |at| TileId::holding(shelf, at, new))
    })
}

/// The partial tiles of the tree of `old` leaves whose tiles are full in the tree of `new` leaves.
pub(crate) fn filled(old: u64, new: u64) -> impl Iterator<Item = TileId> + Send {
    shelves().filter_map(move |shelf| {
        let last = count(shelf, old).checked_sub(1)?;
        let tile = TileId::holding(shelf, last, old)?;
        (!tile.is_full() && tile.full().is_within(new)).then_some(tile)
    })
}

/// Where the partial forms of a tile lie, below the prefix.
pub(crate) fn partials(tile: TileId) -> String {
    format!("{}.p", tile.full())
}

/// A path below the prefix.
pub(crate) fn join(prefix: &Path, path: &str) -> Path {
    let parts = prefix.parts().chain(path.split('/').map(Into::into));
    Path::from_iter(parts)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn all(size: u64) -> BTreeSet<TileId> {
        tiles_between(0, size).collect()
    }

    #[test]
    fn what_is_new_is_what_the_larger_tree_has_more() {
        let sizes = [
            0, 1, 2, 255, 256, 257, 511, 512, 700, 65_535, 65_536, 65_537, 70_000,
        ];
        for (at, old) in sizes.iter().enumerate() {
            for new in &sizes[at..] {
                let between: Vec<_> = tiles_between(*old, *new).collect();
                let set: BTreeSet<_> = between.iter().copied().collect();
                assert_eq!(set.len(), between.len(), "{old} to {new} repeats a tile");
                let expected: BTreeSet<_> = all(*new).difference(&all(*old)).copied().collect();
                assert_eq!(set, expected, "{old} to {new}");
            }
        }
    }

    #[test]
    fn the_tree_of_the_specification_has_its_tiles() {
        // C2SP tlog-tiles: 70,000 leaves.
        let edge: Vec<String> = all(70_000)
            .iter()
            .filter(|tile| !tile.is_full())
            .map(ToString::to_string)
            .collect();
        let expected = [
            "tile/0/273.p/112",
            "tile/1/001.p/17",
            "tile/2/000.p/1",
            "tile/entries/273.p/112",
        ];
        assert_eq!(edge, expected);
        assert_eq!(all(70_000).len(), 2 * 274 + 2 + 1);
    }

    #[test]
    fn partials_go_only_once_their_tile_is_full() {
        let names =
            |old, new| -> Vec<String> { filled(old, new).map(|tile| tile.to_string()).collect() };
        assert_eq!(names(5, 255), [""; 0]);
        assert_eq!(names(5, 256), ["tile/entries/000.p/5", "tile/0/000.p/5"]);
        assert_eq!(names(256, 512), [""; 0]);
        assert_eq!(names(0, 512), [""; 0]);
        assert_eq!(
            names(300, 65_536),
            ["tile/entries/001.p/44", "tile/0/001.p/44", "tile/1/000.p/1"]
        );
    }
}

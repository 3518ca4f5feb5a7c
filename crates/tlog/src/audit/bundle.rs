//! One bundle of entries, fetched, hashed and split: the work that is done in parallel.

use super::{
    fault::Fault,
    source::{Source, SourceError, fetch},
};
use crate::{
    entry::{Entry, MapRoot},
    hash::{Hash, leaf_hash},
    tile::{self, HEIGHT, LEVELS, Shelf, TileId, WIDTH},
    tiles::perfect_root,
};

/// Bytes of a label with the index of its entry.
pub(super) const RECORD: usize = 40;

/// A label and, big-endian, the index of the entry it stands in.
pub(super) type Record = [u8; RECORD];

/// A map root and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RootEntry {
    /// Index of its entry.
    pub(super) index: u64,
    /// What it says.
    pub(super) says: MapRoot,
}

/// What one bundle gives.
#[derive(Debug, Default)]
pub(super) struct Bundle {
    /// Leaf hashes: 256 but for the last bundle.
    pub(super) leaves: Vec<Hash>,
    /// Root of the leaves when there are 256.
    pub(super) root: Option<Hash>,
    /// The tiles of higher levels that end with this bundle, lowest level first.
    pub(super) above: Vec<(TileId, Result<Vec<u8>, Fault>)>,
    /// Labels in the order of entries.
    pub(super) labels: Vec<Record>,
    /// Map roots in the order of entries.
    pub(super) roots: Vec<RootEntry>,
    /// Entries that are events.
    pub(super) events: u64,
    /// Entries that are chunks.
    pub(super) chunks: u64,
    /// Whether its entries could not be read.
    pub(super) missing: bool,
    /// What is wrong with entries and with the tile of their hashes.
    pub(super) faults: Vec<Fault>,
}

impl Bundle {
    /// Fetches bundle `number` of a tree of `size` entries; `split` asks what the entries are.
    ///
    /// Where entries are missing the tile's own hashes stand in, so that one
    /// bad bundle is one fault and not one on every level above.
    pub(super) fn fetch(
        source: &dyn Source,
        number: u64,
        size: u64,
        split: bool,
    ) -> Result<Self, SourceError> {
        let mut bundle = Self::default();
        let start = number * WIDTH;
        let (Some(entries), Some(leaves)) = (
            TileId::holding(Shelf::Entries, start, size),
            TileId::holding(Shelf::Hashes(0), start, size),
        ) else {
            return Ok(bundle);
        };
        let stored = fetch(source, leaves)?;
        match fetch(source, entries)? {
            Ok(bytes) => bundle.take(entries, &bytes, split),
            Err(fault) => bundle.lack(fault),
        }
        if bundle.missing {
            bundle.stand_in(leaves, stored);
        } else {
            bundle
                .faults
                .extend(compare(leaves, stored, &bundle.leaves));
        }
        if bundle.leaves.len() as u64 == WIDTH {
            bundle.root = Some(perfect_root(&bundle.leaves));
        }
        for id in ending(start + u64::from(entries.width), size) {
            bundle.above.push((id, fetch(source, id)?));
        }
        Ok(bundle)
    }

    fn take(&mut self, id: TileId, bytes: &[u8], split: bool) {
        let entries = tile::entries(bytes);
        let Some(entries) = entries.filter(|found| found.len() == usize::from(id.width)) else {
            return self.lack(Fault::BadBundle { tile: id });
        };
        self.leaves = entries.iter().map(|entry| leaf_hash(entry)).collect();
        if !split {
            return;
        }
        for (index, entry) in (id.index * WIDTH..).zip(entries) {
            self.split(index, entry);
        }
    }

    fn split(&mut self, index: u64, entry: &[u8]) {
        let Some(parsed) = Entry::parse(entry) else {
            let sort = entry.first().copied();
            return self.faults.push(Fault::UnknownEntry { index, sort });
        };
        match parsed {
            Entry::Event(_) => self.events += 1,
            Entry::Chunk(_) => self.chunks += 1,
            Entry::MapRoot(says) => self.roots.push(RootEntry { index, says }),
        }
        self.labels.extend(parsed.labels().map(|label| {
            let mut record = [0; RECORD];
            record[..32].copy_from_slice(label);
            record[32..].copy_from_slice(&index.to_be_bytes());
            record
        }));
    }

    fn lack(&mut self, fault: Fault) {
        self.missing = true;
        self.faults.push(fault);
    }

    fn stand_in(&mut self, id: TileId, stored: Result<Vec<u8>, Fault>) {
        let hashes = stored.ok().and_then(|bytes| tile::hashes(&bytes));
        self.leaves = hashes.unwrap_or_default();
        self.leaves
            .resize(usize::from(id.width), Hash::empty_root());
    }
}

/// Compares a tile with what the files below it give.
pub(super) fn compare(
    id: TileId,
    stored: Result<Vec<u8>, Fault>,
    computed: &[Hash],
) -> Option<Fault> {
    let stored = match stored {
        Ok(bytes) => bytes,
        Err(fault) => return Some(fault),
    };
    let (whole, rest) = stored.as_chunks::<{ Hash::LEN }>();
    let same = whole.iter().zip(computed).take_while(|(a, b)| **a == b.0);
    let at = same.count();
    let right = at == computed.len() && whole.len() == computed.len() && rest.is_empty();
    (!right).then_some(Fault::Differs { tile: id, at })
}

/// The tiles above the lowest whose last hash comes with entry `end - 1` of a tree of `size`.
///
/// Full ones end where a power of 256 does; partial ones where the tree does.
fn ending(end: u64, size: u64) -> impl Iterator<Item = TileId> {
    (1..LEVELS).filter_map(move |level| {
        let count = end >> (HEIGHT * level);
        let full = end.trailing_zeros() >= HEIGHT * (level + 1);
        let partial = end == size && !count.is_multiple_of(WIDTH);
        let last = count.checked_sub(1).filter(|_| full || partial)?;
        TileId::holding(Shelf::Hashes(level), last, end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tile::partials_of;

    #[test]
    fn every_tile_ends_with_exactly_one_bundle() {
        for size in [
            1_u64, 256, 257, 65_535, 65_536, 65_537, 70_000, 131_072, 200_000,
        ] {
            let ends = (1..=size.div_ceil(WIDTH)).map(|n| size.min(n * WIDTH));
            let mut found: Vec<TileId> = ends.flat_map(|end| ending(end, size)).collect();
            found.sort();
            let full = (1..LEVELS - 1).flat_map(|level| {
                (0..size >> (HEIGHT * (level + 1))).map(move |index| TileId {
                    shelf: Shelf::Hashes(level),
                    index,
                    width: 256,
                })
            });
            let low = [Shelf::Entries, Shelf::Hashes(0)];
            let partial = partials_of(size).into_iter();
            let mut expected: Vec<TileId> = full
                .chain(partial.filter(|id| !low.contains(&id.shelf)))
                .collect();
            expected.sort();
            assert_eq!(found, expected, "{size}");
        }
    }
}

//! The tree and what the entries say of the map, folded up bundle by bundle.

use super::{
    bundle::{Bundle, RootEntry, compare},
    fault::{Fault, Faults},
};
use crate::{
    checkpoint::SignedCheckpoint,
    edge::peaks,
    hash::Hash,
    tile::{HEIGHT, LEVELS, TileId, WIDTH},
    tiles::perfect_root,
    tree::Frontier,
};

/// A checkpoint and the root that the entries give at its size, once they were read that far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) signed: SignedCheckpoint,
    pub(super) found: Option<Hash>,
}

/// All that an audit remembers of the entries read so far, but for labels and map roots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fold {
    /// Entries read.
    pub(super) size: u64,
    /// Hashes of the tile being filled, for each level; none at level 0 between bundles.
    pub(super) rows: Vec<Vec<Hash>>,
    /// Entries that are events.
    pub(super) events: u64,
    /// Entries that are chunks.
    pub(super) chunks: u64,
    /// Entries that are map roots, whatever they say.
    pub(super) map_roots: u64,
    /// Labels in the entries, repetitions included.
    pub(super) labels: u64,
    /// Size of the last map root that was fit to be checked.
    pub(super) mapped: Option<u64>,
    /// Time of the last map root: milliseconds since 1970, UTC.
    pub(super) mapped_time: u64,
    /// First entry that could not be read.
    pub(super) gap: Option<u64>,
    /// What was wrong.
    pub(super) faults: Faults,
}

impl Default for Fold {
    fn default() -> Self {
        Self {
            size: 0,
            rows: vec![Vec::new(); LEVELS as usize],
            events: 0,
            chunks: 0,
            map_roots: 0,
            labels: 0,
            mapped: None,
            mapped_time: 0,
            gap: None,
            faults: Faults::default(),
        }
    }
}

impl Fold {
    /// Takes up the next bundle; answers the map roots in it that are fit to be checked.
    pub(super) fn take(&mut self, bundle: &mut Bundle, known: &mut [Known]) -> Vec<RootEntry> {
        self.pass_checkpoints(&bundle.leaves, known);
        if bundle.missing {
            self.gap.get_or_insert(self.size);
        }
        self.size += bundle.leaves.len() as u64;
        self.faults.extend(bundle.faults.drain(..));
        let mut above = bundle.above.drain(..).peekable();
        match bundle.root {
            Some(root) => self.push(1, root, &mut above),
            None => self.rows[0].clone_from(&bundle.leaves),
        }
        // What is left are the partial tiles at the right edge.
        for (id, stored) in above {
            let row = &self.rows[level(id)];
            self.faults.extend(compare(id, stored, row));
        }
        self.events += bundle.events;
        self.chunks += bundle.chunks;
        self.labels += bundle.labels.len() as u64;
        self.map_roots += bundle.roots.len() as u64;
        let roots = std::mem::take(&mut bundle.roots);
        roots.into_iter().filter(|root| self.is_fit(root)).collect()
    }

    /// The root of the entries read so far.
    pub(super) fn root(&self) -> Hash {
        self.root_with(self.size, &self.rows[0])
    }

    /// Notes the root at the size of every checkpoint that lies within the leaves to come.
    fn pass_checkpoints(&self, leaves: &[Hash], known: &mut [Known]) {
        for known in known.iter_mut().filter(|known| known.found.is_none()) {
            let size = known.signed.size();
            let here = size.checked_sub(self.size);
            let here = here.and_then(|count| leaves.get(..usize::try_from(count).ok()?));
            if let Some(leaves) = here {
                known.found = Some(self.root_with(size, leaves));
            }
        }
    }

    fn root_with(&self, size: u64, leaves: &[Hash]) -> Hash {
        let rows = self.rows[1..].iter().rev().map(Vec::as_slice);
        let peaks = rows.chain([leaves]).flat_map(peaks).collect();
        let tree = Frontier::from_peaks(size, peaks);
        tree.map_or_else(Hash::empty_root, |tree| tree.root())
    }

    fn push<T>(&mut self, level: u32, hash: Hash, above: &mut T)
    where
        T: Iterator<Item = (TileId, Result<Vec<u8>, Fault>)>,
    {
        let row = &mut self.rows[level as usize];
        row.push(hash);
        if (row.len() as u64) < WIDTH {
            return;
        }
        let row = std::mem::take(row);
        if let Some((id, stored)) = above.next() {
            self.faults.extend(compare(id, stored, &row));
        }
        if level + 1 < LEVELS {
            self.push(level + 1, perfect_root(&row), above);
        }
    }

    /// Whether a map root may be compared with the entries: it covers more than the last, and nothing after itself.
    fn is_fit(&mut self, root: &RootEntry) -> bool {
        let (index, size) = (root.index, root.says.size);
        let (time, before) = (root.says.time_ms, self.mapped_time);
        if time < before {
            let fault = Fault::MapTimeFalls {
                index,
                time,
                before,
            };
            self.faults.note(fault);
        }
        self.mapped_time = time;
        if size > index {
            self.faults.note(Fault::MapBeyond { index, size });
            return false;
        }
        if let Some(before) = self.mapped.filter(|before| size <= *before) {
            let fault = Fault::MapNotRising {
                index,
                size,
                before,
            };
            self.faults.note(fault);
            return false;
        }
        self.mapped = Some(size);
        true
    }
}

fn level(id: TileId) -> usize {
    match id.shelf {
        crate::tile::Shelf::Hashes(level) => level as usize,
        crate::tile::Shelf::Entries => 0,
    }
}

/// Whether the rows are those of a tree of `size` entries, a whole number of bundles.
pub(super) fn rows_fit(rows: &[Vec<Hash>], size: u64) -> bool {
    let fits = |level: u32, row: &Vec<Hash>| row.len() as u64 == (size >> (HEIGHT * level)) % WIDTH;
    rows.len() == LEVELS as usize
        && size.is_multiple_of(WIDTH)
        && (0..LEVELS).zip(rows).all(|(level, row)| fits(level, row))
}

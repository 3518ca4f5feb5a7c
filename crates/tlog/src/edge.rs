//! The right edge of the tiles: what is needed to write the next ones.
//!
//! Rule: C2SP tlog-tiles. Turns entries into files to write; writing them
//! belongs to `sequencer`.

use std::{path::Path, sync::Arc};

use crate::{
    error::LogError,
    hash::{Hash, leaf_hash},
    shared::Durable,
    tile::{self, LEVELS, Shelf, TileId, WIDTH},
    tiles::{perfect_root, read_tile},
    tree::Frontier,
};

/// The unfilled tile of each level, and the unfilled entry bundle.
#[derive(Debug, Default)]
pub(crate) struct Edge {
    frontier: Frontier,
    /// Below 256 hashes each.
    levels: Vec<Vec<Hash>>,
    entries: Vec<Arc<[u8]>>,
}

/// A file to write: a tile and its bytes.
pub(crate) type File = (TileId, Vec<u8>);

impl Edge {
    /// Reads the edge of a tree of `size` leaves and proves it against `root`.
    pub(crate) fn load(dir: &Path, size: u64, root: &Hash) -> Result<Self, LogError> {
        let mut edge = Self::default();
        edge.levels.resize(LEVELS as usize, Vec::new());
        for id in tile::partials_of(size) {
            let path = dir.join(id.to_string());
            let bytes = read_tile(dir, id)?;
            let damaged = || LogError::damaged(&path, "not what its name says");
            match id.shelf {
                Shelf::Hashes(level) => {
                    let hashes = tile::hashes(&bytes);
                    let hashes = hashes.filter(|h| h.len() == usize::from(id.width));
                    edge.levels[level as usize] = hashes.ok_or_else(damaged)?;
                }
                Shelf::Entries => {
                    let entries = tile::entries(&bytes).ok_or_else(damaged)?;
                    edge.entries = entries.into_iter().map(Arc::from).collect();
                }
            }
        }
        let peaks = edge.levels.iter().rev().flat_map(|level| peaks(level));
        let mismatch = LogError::RootMismatch { size };
        edge.frontier = Frontier::from_peaks(size, peaks.collect()).ok_or(mismatch.clone())?;
        let entries = edge.entries.iter().map(|leaf| leaf_hash(leaf));
        // The root vouches for the hashes, and the hashes for the entries.
        if edge.frontier.root() != *root || !entries.eq(edge.levels[0].iter().copied()) {
            return Err(mismatch);
        }
        Ok(edge)
    }

    pub(crate) fn size(&self) -> u64 {
        self.frontier.size()
    }

    pub(crate) fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Takes up entries; returns every file of the larger tree that the smaller one lacked.
    pub(crate) fn extend(&mut self, new: &[Durable]) -> Vec<File> {
        let before = self.size();
        let mut files = Vec::new();
        for Durable { leaf, hash } in new {
            let index = self.size();
            self.frontier.push(*hash);
            self.entries.push(Arc::clone(leaf));
            if self.entries.len() as u64 == WIDTH {
                files.extend(file(
                    Shelf::Entries,
                    index,
                    bundle(&self.entries),
                    index + 1,
                ));
                self.entries.clear();
            }
            self.push_hash(0, *hash, &mut files);
        }
        files.extend(self.partials(before));
        files
    }

    fn push_hash(&mut self, level: u32, hash: Hash, files: &mut Vec<File>) {
        let row = &mut self.levels[level as usize];
        row.push(hash);
        if (row.len() as u64) < WIDTH {
            return;
        }
        let size = self.frontier.size();
        let last = (size >> (tile::HEIGHT * level)) - 1;
        files.extend(file(Shelf::Hashes(level), last, concatenated(row), size));
        let above = perfect_root(row);
        row.clear();
        // A tree of 2^64 leaves would need a ninth level; no disk holds the entries.
        if level + 1 < LEVELS {
            self.push_hash(level + 1, above, files);
        }
    }

    /// The partial tiles that a tree of `before` leaves did not have.
    fn partials(&self, before: u64) -> impl Iterator<Item = File> {
        let had = tile::partials_of(before);
        let new = tile::partials_of(self.size()).into_iter();
        new.filter(move |id| !had.contains(id))
            .map(|id| match id.shelf {
                Shelf::Hashes(level) => (id, concatenated(&self.levels[level as usize])),
                Shelf::Entries => (id, bundle(&self.entries)),
            })
    }
}

/// The perfect subtrees of a partial row, largest first.
pub(crate) fn peaks(mut row: &[Hash]) -> Vec<Hash> {
    let mut found = Vec::new();
    while !row.is_empty() {
        let largest = 1 << row.len().ilog2();
        let (front, rest) = row.split_at(largest);
        found.push(perfect_root(front));
        row = rest;
    }
    found
}

fn file(shelf: Shelf, at: u64, bytes: Vec<u8>, size: u64) -> Option<File> {
    Some((TileId::holding(shelf, at, size)?, bytes))
}

fn bundle(entries: &[Arc<[u8]>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.iter().map(|leaf| leaf.len() + 2).sum());
    entries
        .iter()
        .for_each(|leaf| tile::push_entry(&mut bytes, leaf));
    bytes
}

fn concatenated(row: &[Hash]) -> Vec<u8> {
    row.iter().flat_map(|hash| hash.0).collect()
}

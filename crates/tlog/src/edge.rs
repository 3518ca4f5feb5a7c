//! The right edge of the tiles: what is needed to write the next ones.
//!
//! Rule: C2SP tlog-tiles. Turns entries into files to write; writing them
//! belongs to `sequencer`.

use std::path::Path;

use crate::{
    error::LogError,
    hash::{Hash, leaf_hash},
    shared::Durable,
    tile::{self, LEVELS, Shelf, TileId, WIDTH},
    tiles::{perfect_root, read_tile},
    tree::{Frontier, root_of_peaks},
};

/// The unfilled tile of each level, and the unfilled entry bundle.
#[derive(Debug)]
pub(crate) struct Edge {
    size: u64,
    /// Below 256 hashes each.
    levels: Vec<Vec<Hash>>,
    /// The entries of the lowest level's hashes, as they stand in a bundle.
    bundle: Vec<u8>,
}

/// A file to write: a tile and its bytes.
pub(crate) type File = (TileId, Vec<u8>);

impl Edge {
    /// Reads the edge of a tree of `size` leaves and proves it against `root`.
    pub(crate) fn load(dir: &Path, size: u64, root: &Hash) -> Result<Self, LogError> {
        let mut edge = Self {
            size,
            levels: vec![Vec::new(); LEVELS as usize],
            bundle: Vec::new(),
        };
        let mut entry_hashes: Vec<Hash> = Vec::new();
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
                    entry_hashes = entries.into_iter().map(leaf_hash).collect();
                    edge.bundle = bytes;
                }
            }
        }
        let mismatch = LogError::RootMismatch { size };
        let peaks = edge.levels.iter().rev().flat_map(|level| peaks(level));
        let frontier = Frontier::from_peaks(size, peaks.collect()).ok_or(mismatch.clone())?;
        // The root vouches for the hashes, and the hashes for the entries.
        if frontier.root() != *root || entry_hashes != edge.levels[0] {
            return Err(mismatch);
        }
        Ok(edge)
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The root, from what the tiles hold: at most 255 node hashes a level.
    pub(crate) fn root(&self) -> Hash {
        let peaks = self.levels.iter().rev().flat_map(|level| peaks(level));
        root_of_peaks(&peaks.collect::<Vec<_>>())
    }

    /// Takes up entries; returns every file of the larger tree that the smaller one lacked.
    pub(crate) fn extend(&mut self, new: &[Durable]) -> Vec<File> {
        let before = self.size();
        let mut files = Vec::new();
        for Durable { leaf, hash } in new {
            let index = self.size;
            self.size += 1;
            tile::push_entry(&mut self.bundle, leaf);
            if self.size.is_multiple_of(WIDTH) {
                let like = Vec::with_capacity(self.bundle.len());
                let full = std::mem::replace(&mut self.bundle, like);
                files.extend(file(Shelf::Entries, index, full, self.size));
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
        let size = self.size;
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
                Shelf::Entries => (id, self.bundle.clone()),
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

fn concatenated(row: &[Hash]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(row.len() * Hash::LEN);
    row.iter().for_each(|hash| bytes.extend_from_slice(&hash.0));
    bytes
}

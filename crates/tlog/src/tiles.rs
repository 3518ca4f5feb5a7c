//! The tiles of one log on disk, read through a small cache.
//!
//! Reads only what a checkpoint vouches for; writes nothing.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use crate::{
    error::LogError,
    hash::{Hash, node_hash},
    parts::in_parts,
    person::tree_proof::prove_entries_on,
    proof::Nodes,
    tile::{self, HEIGHT, Shelf, TileId, WIDTH},
};

/// Files of one question that are read at once: more than processors, for those that must come from the disk.
const READERS: usize = 8;
/// Entries that are worth a thread.
const LEAST_READS: usize = 16;

/// A tile's bytes, shared with whoever reads them.
type Bytes = Arc<Vec<u8>>;

/// Reads tiles of the log in `dir`.
#[derive(Debug)]
pub(crate) struct Tiles {
    dir: PathBuf,
    cache: Mutex<Cache>,
}

/// Two generations: when the young one is full the old one is dropped, so that what is asked for stays.
#[derive(Debug)]
struct Cache {
    young: HashMap<TileId, Bytes>,
    old: HashMap<TileId, Bytes>,
    bytes: usize,
    limit: usize,
}

impl Tiles {
    /// Caches at most about `limit` bytes.
    pub(crate) fn new(dir: &Path, limit: usize) -> Self {
        let cache = Cache {
            young: HashMap::new(),
            old: HashMap::new(),
            bytes: 0,
            limit: limit / 2,
        };
        Self {
            dir: dir.to_owned(),
            cache: Mutex::new(cache),
        }
    }

    /// The bytes of a tile; a partial one that is gone is cut from the full one.
    pub(crate) fn read(&self, id: TileId) -> Result<Bytes, LogError> {
        if let Some(bytes) = self.cache.lock().get(&id) {
            return Ok(bytes);
        }
        let bytes: Bytes = Arc::new(read_tile(&self.dir, id)?);
        self.cache.lock().put(id, Arc::clone(&bytes));
        Ok(bytes)
    }

    /// Entry `index` of the tree of `size` leaves.
    pub(crate) fn leaf(&self, index: u64, size: u64) -> Result<Vec<u8>, LogError> {
        let (id, at) = place(index, size)?;
        let found = tile::entry_at(&self.read(id)?, at).map(<[u8]>::to_vec);
        found.ok_or_else(|| self.no_bundle(id))
    }

    /// Entries at ascending `indexes` of the tree of `size` leaves, in their order.
    ///
    /// Each bundle is read once, several at a time, and none is kept: the
    /// thousand that a person's proof takes would drive all else out of the cache.
    pub(crate) fn leaves(&self, indexes: &[u64], size: u64) -> Result<Vec<Vec<u8>>, LogError> {
        if let Some(&asked) = indexes.iter().max().filter(|index| **index >= size) {
            return Err(LogError::OutOfRange { asked, size });
        }
        let read = |part: &[u64]| self.read_leaves(part, size);
        let mut leaves = Vec::with_capacity(indexes.len());
        for part in in_parts(READERS, LEAST_READS, indexes, read) {
            leaves.append(&mut part?);
        }
        Ok(leaves)
    }

    fn read_leaves(&self, indexes: &[u64], size: u64) -> Result<Vec<Vec<u8>>, LogError> {
        let mut leaves = Vec::with_capacity(indexes.len());
        let mut bundle = Vec::new();
        let mut read = None;
        for index in indexes {
            let (id, at) = place(*index, size)?;
            if read != Some(id) {
                read_tile_into(&self.dir, id, &mut bundle)?;
                read = Some(id);
            }
            let leaf = tile::entry_at(&bundle, at).ok_or_else(|| self.no_bundle(id))?;
            leaves.push(leaf.to_vec());
        }
        Ok(leaves)
    }

    /// Proves that entries lie in the tree of `size` leaves, of which a checkpoint covers `covered`.
    pub(crate) fn prove_entries(
        &self,
        indexes: &[u64],
        size: u64,
        covered: u64,
    ) -> Result<Vec<Hash>, LogError> {
        prove_entries_on(READERS, &self.tree(covered), indexes, size)
    }

    /// Entries `index` to the end of its bundle, of the tree of `size` leaves.
    pub(crate) fn entries_from(&self, index: u64, size: u64) -> Result<Vec<Vec<u8>>, LogError> {
        let (id, at) = place(index, size)?;
        let bundle = self.read(id)?;
        let entries = tile::entries(&bundle).ok_or_else(|| self.no_bundle(id))?;
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let rest = entries.get(at..).filter(|rest| !rest.is_empty());
        let rest = rest.ok_or_else(|| self.no_bundle(id))?;
        Ok(rest.iter().map(|entry| entry.to_vec()).collect())
    }

    fn no_bundle(&self, id: TileId) -> LogError {
        LogError::damaged(&self.dir.join(id.to_string()), "not an entry bundle")
    }

    /// The tree of the first `size` leaves, for proofs.
    pub(crate) fn tree(&self, size: u64) -> Tree<'_> {
        Tree { tiles: self, size }
    }
}

/// The bundle that holds entry `index` of the tree of `size` leaves, and the entry's place in it.
fn place(index: u64, size: u64) -> Result<(TileId, u64), LogError> {
    let outside = LogError::OutOfRange { asked: index, size };
    let id = TileId::holding(Shelf::Entries, index, size).ok_or(outside)?;
    Ok((id, index % WIDTH))
}

impl Cache {
    fn get(&mut self, id: &TileId) -> Option<Bytes> {
        if let Some(bytes) = self.young.get(id) {
            return Some(Arc::clone(bytes));
        }
        let bytes = self.old.remove(id)?;
        self.put(*id, Arc::clone(&bytes));
        Some(bytes)
    }

    fn put(&mut self, id: TileId, bytes: Bytes) {
        self.bytes += bytes.len();
        self.young.insert(id, bytes);
        if self.bytes > self.limit {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
    }
}

/// A tree whose perfect subtrees are read from tiles.
pub(crate) struct Tree<'a> {
    tiles: &'a Tiles,
    size: u64,
}

impl Nodes for Tree<'_> {
    type Error = LogError;

    fn node(&self, level: u32, index: u64) -> Result<Hash, LogError> {
        // A tile gives every eighth level; those between are hashed from it.
        let (shelf, above) = (Shelf::Hashes(level / HEIGHT), level % HEIGHT);
        let outside = || LogError::OutOfRange {
            asked: index << level,
            size: self.size,
        };
        let first = index << above;
        let id = TileId::holding(shelf, first, self.size).ok_or_else(outside)?;
        let bytes = self.tiles.read(id)?;
        let damaged = || LogError::damaged(&self.tiles.dir.join(id.to_string()), "a wrong length");
        let start = usize::try_from(first % WIDTH).map_err(|_| damaged())?;
        let end = start + (1 << above);
        let row = bytes.get(start * Hash::LEN..end * Hash::LEN);
        let row = row.and_then(tile::hashes).ok_or_else(damaged)?;
        Ok(perfect_root(&row))
    }
}

/// The root over a power of two of hashes.
pub(crate) fn perfect_root(row: &[Hash]) -> Hash {
    match row {
        [one] => *one,
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            node_hash(&perfect_root(left), &perfect_root(right))
        }
    }
}

/// Reads a tile from below `dir`, a log's directory: as named, or cut from the full tile once the partial is cleaned away.
///
/// # Errors
///
/// [`LogError::Io`]; [`LogError::Damaged`] when the full tile is too short to be cut.
pub fn read_tile(dir: &Path, id: TileId) -> Result<Vec<u8>, LogError> {
    let mut bytes = Vec::new();
    read_tile_into(dir, id, &mut bytes)?;
    Ok(bytes)
}

/// As [`read_tile`], in place of what `into` holds.
fn read_tile_into(dir: &Path, id: TileId, into: &mut Vec<u8>) -> Result<(), LogError> {
    into.clear();
    let path = dir.join(id.to_string());
    match File::open(&path).and_then(|mut file| file.read_to_end(into)) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !id.is_full() => {}
        Err(error) => return Err(LogError::io("reading", &path)(error)),
    }
    let full = dir.join(id.full().to_string());
    let missing = |error: io::Error| match error.kind() {
        // Name the file that was looked for first.
        io::ErrorKind::NotFound => LogError::io("reading", &path)(error),
        _ => LogError::io("reading", &full)(error),
    };
    let bytes = fs::read(&full).map_err(missing)?;
    let cut = cut(id, &bytes).ok_or_else(|| LogError::damaged(&full, "a wrong length"))?;
    into.clear();
    into.extend_from_slice(cut);
    Ok(())
}

/// Cuts a partial tile from the full one; `None` when that is too short.
pub(crate) fn cut(id: TileId, full: &[u8]) -> Option<&[u8]> {
    let length = match id.shelf {
        Shelf::Hashes(_) => usize::from(id.width) * Hash::LEN,
        Shelf::Entries => {
            let entries = tile::entries(full)?;
            let kept = entries.iter().take(usize::from(id.width));
            kept.map(|leaf| 2 + leaf.len()).sum()
        }
    };
    full.get(..length)
}

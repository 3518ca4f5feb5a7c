//! Where an audited log is read from.
//!
//! Rule: C2SP tlog-tiles, for the paths. Nothing a source answers is believed;
//! limits on the size of an answer and patience with a network are the source's.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::fault::Fault;
use crate::{
    hash::Hash,
    proof::Nodes,
    tile::{self, HEIGHT, Shelf, TileId, WIDTH},
    tiles::{cut, perfect_root},
};

/// Why a source gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// What is there cannot be read, now or ever: a fault of the log. The audit goes on.
    #[error("{0}")]
    Unreadable(String),
    /// Whoever holds the log cannot be reached: nothing is known of the log. The audit stops.
    #[error("{0}")]
    Unreachable(String),
}

/// A log as it is served: `checkpoint` and what lies below `tile/`.
pub trait Source: Sync {
    /// The bytes at a path below the log's prefix; `None` when nothing is there.
    ///
    /// # Errors
    ///
    /// [`SourceError`], which says whether the log or the way to it is at fault.
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError>;
}

/// A log in a directory.
#[derive(Debug, Clone)]
pub struct DirSource {
    dir: PathBuf,
}

impl DirSource {
    /// The log in `dir`.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }
}

impl Source for DirSource {
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        match fs::read(self.dir.join(path)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(SourceError::Unreadable(error.to_string())),
        }
    }
}

/// Fetches a tile: as named, or cut from the full tile once the partial is cleaned away.
///
/// `Ok(Err(fault))` when the log does not have it; `Err` when the source is out of reach.
pub(super) fn fetch(
    source: &dyn Source,
    id: TileId,
) -> Result<Result<Vec<u8>, Fault>, SourceError> {
    let unreadable = |reason: String| Ok(Err(Fault::Unreadable { tile: id, reason }));
    let asked = if id.is_full() {
        source.get(&id.to_string())
    } else {
        match source.get(&id.to_string()) {
            Ok(None) => return fetch_cut(source, id),
            other => other,
        }
    };
    match asked {
        Ok(Some(bytes)) => Ok(Ok(bytes)),
        Ok(None) => unreadable("nothing is there".to_owned()),
        Err(SourceError::Unreadable(reason)) => unreadable(reason),
        Err(error) => Err(error),
    }
}

fn fetch_cut(source: &dyn Source, id: TileId) -> Result<Result<Vec<u8>, Fault>, SourceError> {
    let reason = match source.get(&id.full().to_string()) {
        Ok(Some(full)) => match cut(id, &full) {
            Some(bytes) => return Ok(Ok(bytes.to_vec())),
            None => "the full one has a wrong length".to_owned(),
        },
        Ok(None) => "nothing is there, nor a full one".to_owned(),
        Err(SourceError::Unreadable(reason)) => reason,
        Err(error) => return Err(error),
    };
    Ok(Err(Fault::Unreadable { tile: id, reason }))
}

/// The hash tiles of a source, for proofs in the tree of its first `size` entries. What they say is not believed: proofs are checked.
pub struct Tiles<'a> {
    /// Where they are read from.
    pub source: &'a dyn Source,
    /// Entries of the tree.
    pub size: u64,
}

impl std::fmt::Debug for Tiles<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tiles({} entries)", self.size)
    }
}

impl Nodes for Tiles<'_> {
    type Error = SourceError;

    fn node(&self, level: u32, index: u64) -> Result<Hash, SourceError> {
        let damaged = || SourceError::Unreadable("a tile is missing or too short".to_owned());
        let (shelf, above) = (Shelf::Hashes(level / HEIGHT), level % HEIGHT);
        let first = index << above;
        let id = TileId::holding(shelf, first, self.size).ok_or_else(damaged)?;
        let bytes = fetch(self.source, id)?.map_err(|_| damaged())?;
        let hashes = tile::hashes(&bytes).ok_or_else(damaged)?;
        let start = usize::try_from(first % WIDTH).map_err(|_| damaged())?;
        let row = hashes.get(start..start + (1 << above));
        row.map(perfect_root).ok_or_else(damaged)
    }
}

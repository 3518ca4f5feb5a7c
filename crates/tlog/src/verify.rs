//! Checking a whole log on disk, offline or while a server writes it.
//!
//! Every entry is hashed, every tile computed anew and compared, the root
//! compared with the signed checkpoint. Memory is bounded by a row of 256
//! hashes for each level, whatever the size. Reads only what the published
//! checkpoint vouches for; the write-ahead log is judged on opening.

use std::path::Path;

use crate::{
    checkpoint::SignedCheckpoint,
    error::LogError,
    hash::{Hash, leaf_hash},
    note::Verifier,
    recover::{read_checkpoint, read_vkey},
    tile::{self, HEIGHT, LEVELS, Shelf, TileId, WIDTH},
    tiles::{perfect_root, read_tile},
    tree::Frontier,
};

/// Faults listed one by one; further ones are only counted.
pub const MOST_FAULTS: usize = 1000;

/// How far a check has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Entries checked.
    pub done: u64,
    /// Entries under the checkpoint.
    pub of: u64,
}

/// What was found wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A file that the checkpoint needs cannot be read.
    #[error("{tile} cannot be read: {reason}")]
    Unreadable {
        /// The file.
        tile: TileId,
        /// The system's reason.
        reason: String,
    },
    /// A bundle does not split into as many entries as its name says.
    #[error("{tile} does not hold {} entries", tile.width)]
    BadBundle {
        /// The file.
        tile: TileId,
    },
    /// A tile differs from what the files below it give.
    #[error("{tile} differs from what lies below it, first at hash {at}")]
    Differs {
        /// The file.
        tile: TileId,
        /// First hash of the tile that differs, or where it ends too early or too late.
        at: usize,
    },
    /// The entries do not give the signed root.
    #[error("the entries give the root {found}, but {signed} is signed")]
    Root {
        /// Root of the entries found.
        found: Hash,
        /// Root of the checkpoint.
        signed: Hash,
    },
}

/// The outcome of a check.
#[derive(Debug, Clone)]
pub struct DirReport {
    /// The checkpoint checked against; its signature is good.
    pub checkpoint: SignedCheckpoint,
    /// Entries whose hashes lead to the signed root when there are no faults.
    pub entries: u64,
    /// The first [`MOST_FAULTS`] faults, in the order of the entries.
    pub faults: Vec<Fault>,
    /// All faults.
    pub fault_count: u64,
}

impl DirReport {
    /// Whether everything was as signed.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.fault_count == 0
    }
}

/// Checks the log in `dir` against its published checkpoint.
///
/// `log` is the key to trust. Without it the `vkey` file in `dir` is used,
/// which shows damage but not a log that was replaced whole, key included.
/// `progress` is called after every 256 entries.
///
/// Faults in tiles and entries are listed in the report and do not stop the check.
///
/// # Errors
///
/// [`LogError::Note`] when the checkpoint is malformed or not signed by the
/// key; [`LogError::Io`] when checkpoint or key cannot be read.
pub fn verify_dir(
    dir: &Path,
    log: Option<&Verifier>,
    progress: impl FnMut(Progress),
) -> Result<DirReport, LogError> {
    let verifier = match log {
        Some(given) => given.clone(),
        None => read_vkey(dir)?,
    };
    verify_tiles(dir, read_checkpoint(dir, &verifier)?, progress)
}

/// Checks the tiles below `dir` against a checkpoint kept elsewhere.
pub(crate) fn verify_tiles(
    dir: &Path,
    checkpoint: SignedCheckpoint,
    mut progress: impl FnMut(Progress),
) -> Result<DirReport, LogError> {
    let of = checkpoint.size();
    let mut check = Check::new(dir, of);
    for bundle in 0..of.div_ceil(WIDTH) {
        check.bundle(bundle);
        let done = of.min((bundle + 1) * WIDTH);
        progress(Progress { done, of });
    }
    check.finish(checkpoint)
}

/// A check under way.
struct Check<'a> {
    dir: &'a Path,
    size: u64,
    tree: Frontier,
    /// Computed hashes of the tile being filled, for each level.
    rows: Vec<Vec<Hash>>,
    faults: Vec<Fault>,
    fault_count: u64,
}

impl<'a> Check<'a> {
    fn new(dir: &'a Path, size: u64) -> Self {
        Self {
            dir,
            size,
            tree: Frontier::new(),
            rows: vec![Vec::new(); LEVELS as usize],
            faults: Vec::new(),
            fault_count: 0,
        }
    }

    /// Hashes one bundle of entries into the rows.
    ///
    /// Where entries are missing the tile's own hashes stand in, so that one
    /// bad bundle is one fault and not one on every level above.
    fn bundle(&mut self, index: u64) {
        let at = index * WIDTH;
        let (Some(entries), Some(leaves)) = (
            TileId::holding(Shelf::Entries, at, self.size),
            TileId::holding(Shelf::Hashes(0), at, self.size),
        ) else {
            return;
        };
        let hashes = match self.read_entries(entries) {
            Ok(hashes) => hashes,
            Err(fault) => {
                self.note(fault);
                let stored = read_tile(self.dir, leaves).ok();
                let stored = stored.and_then(|bytes| tile::hashes(&bytes));
                let mut stored = stored.unwrap_or_default();
                stored.resize(usize::from(leaves.width), Hash::empty_root());
                stored
            }
        };
        for hash in hashes {
            self.tree.push(hash);
            self.push(0, hash);
        }
    }

    fn read_entries(&self, id: TileId) -> Result<Vec<Hash>, Fault> {
        let bytes = self.read(id)?;
        let entries = tile::entries(&bytes).filter(|found| found.len() == usize::from(id.width));
        let entries = entries.ok_or(Fault::BadBundle { tile: id })?;
        Ok(entries.into_iter().map(leaf_hash).collect())
    }

    fn read(&self, id: TileId) -> Result<Vec<u8>, Fault> {
        read_tile(self.dir, id).map_err(|error| Fault::Unreadable {
            tile: id,
            reason: error.chain(),
        })
    }

    fn push(&mut self, level: u32, hash: Hash) {
        let row = &mut self.rows[level as usize];
        row.push(hash);
        if (row.len() as u64) < WIDTH {
            return;
        }
        let row = std::mem::take(row);
        let last = (self.tree.size() >> (HEIGHT * level)) - 1;
        self.compare(TileId::holding(Shelf::Hashes(level), last, self.size), &row);
        if level + 1 < LEVELS {
            self.push(level + 1, perfect_root(&row));
        }
    }

    fn compare(&mut self, id: Option<TileId>, computed: &[Hash]) {
        let Some(id) = id else { return };
        let stored = match self.read(id) {
            Ok(bytes) => bytes,
            Err(fault) => return self.note(fault),
        };
        let (whole, rest) = stored.as_chunks::<{ Hash::LEN }>();
        let same = whole.iter().zip(computed).take_while(|(a, b)| **a == b.0);
        let at = same.count();
        if at != computed.len() || whole.len() != computed.len() || !rest.is_empty() {
            self.note(Fault::Differs { tile: id, at });
        }
    }

    fn note(&mut self, fault: Fault) {
        self.fault_count += 1;
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(fault);
        }
    }

    /// Compares the partial tiles and the root.
    fn finish(mut self, checkpoint: SignedCheckpoint) -> Result<DirReport, LogError> {
        for level in 0..LEVELS {
            let row = std::mem::take(&mut self.rows[level as usize]);
            let count = self.size >> (HEIGHT * level);
            if !row.is_empty() {
                self.compare(
                    TileId::holding(Shelf::Hashes(level), count - 1, self.size),
                    &row,
                );
            }
        }
        let (found, signed) = (self.tree.root(), checkpoint.root());
        if found != signed {
            self.note(Fault::Root { found, signed });
        }
        Ok(DirReport {
            checkpoint,
            entries: self.tree.size(),
            faults: self.faults,
            fault_count: self.fault_count,
        })
    }
}

//! The log's own directory, read for publishing: nothing leaves it that does not lead to its signed root.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use liuhen_tlog::{
    Hash, Keys, LogError, SignedCheckpoint, Verifier,
    audit::{DirSource, Tiles},
    leaf_hash,
    proof::{self, Nodes as _},
    read_keys, read_tile,
    tile::{self, Shelf, TileId},
    tree::Frontier,
};

use crate::error::PublishError;

/// The checkpoint that a quorum of witnesses cosigned, kept beside the log by whoever asks them.
const COSIGNED: &str = "cosigned";

/// A log's directory at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    dir: PathBuf,
    /// The keys that lie beside the log, from its first one on.
    pub(crate) keys: Keys,
    /// The newest checkpoint: what there is of the log.
    pub(crate) newest: SignedCheckpoint,
    /// The checkpoint to be published; at most as large.
    pub(crate) chosen: SignedCheckpoint,
}

impl Source {
    /// Reads keys and checkpoints, and checks that the right edge of the tree gives the signed root.
    ///
    /// The cosigned checkpoint is chosen where there is one, unless `newest` is asked for.
    pub(crate) fn open(
        dir: &Path,
        trusted: Option<&Verifier>,
        newest: bool,
    ) -> Result<Self, PublishError> {
        let cosigned = match newest {
            true => None,
            // Before the newest, so that it is never beyond it.
            false => read(&dir.join(COSIGNED))?,
        };
        let path = dir.join("checkpoint");
        let signed = fs::read(&path).map_err(|source| io_error(&path, source))?;
        // After the checkpoint: a key that signed it is then among them.
        let keys = read_keys(dir)?;
        let believed = trusted.map_or_else(|| keys.clone(), |trusted| keys.since(trusted));
        let newest = believed
            .verify_checkpoint(&signed)
            .map_err(LogError::from)?;
        let chosen = match cosigned {
            // One of an older key is as good, when the tree of the newest holds it.
            Some(bytes) => keys.verify_checkpoint(&bytes).map_err(LogError::from)?,
            None => newest.clone(),
        };
        let source = Self {
            dir: dir.to_owned(),
            keys,
            newest,
            chosen,
        };
        for signed in [&source.newest, &source.chosen] {
            let within = [signed.size(), source.newest.size()];
            let roots = within.map(|within| source.root(signed.size(), within));
            if roots.into_iter().collect::<Result<Vec<_>, _>>()? != [signed.root(); 2] {
                let what = format!("another root of {} entries", signed.size());
                return Err(PublishError::Unsound { what });
            }
        }
        Ok(source)
    }

    /// The root of the first `size` entries that the newest checkpoint covers.
    pub(crate) fn root_at(&self, size: u64) -> Result<Hash, PublishError> {
        self.root(size, self.newest.size())
    }

    /// The root of the first `size` entries, by the tiles of the tree of `within` entries.
    fn root(&self, size: u64, within: u64) -> Result<Hash, PublishError> {
        let dir = DirSource::new(&self.dir);
        let tiles = Tiles {
            source: &dir,
            size: within,
        };
        proof::root(&tiles, size).map_err(|error| PublishError::Unsound {
            what: error.to_string(),
        })
    }

    /// Bytes of memory a tile will take at most.
    pub(crate) fn length(&self, id: TileId) -> u64 {
        let file = |id: TileId| fs::metadata(self.dir.join(id.to_string()));
        file(id)
            .or_else(|_| file(id.full()))
            .map_or(0, |file| file.len())
    }

    /// A tile of the chosen tree, checked against the hash above it; the top is checked by [`Source::open`].
    pub(crate) fn tile(&self, id: TileId) -> Result<Vec<u8>, PublishError> {
        let bytes = read_tile(&self.dir, id)?;
        match self.is_sound(id, &bytes)? {
            true => Ok(bytes),
            false => Err(PublishError::Damaged { tile: id }),
        }
    }

    fn is_sound(&self, id: TileId, bytes: &[u8]) -> Result<bool, PublishError> {
        let level = match id.shelf {
            Shelf::Entries => {
                let beside = read_tile(
                    &self.dir,
                    TileId {
                        shelf: Shelf::Hashes(0),
                        ..id
                    },
                )?;
                let leaves: Option<Vec<Hash>> = tile::entries(bytes)
                    .map(|entries| entries.iter().map(|leaf| leaf_hash(leaf)).collect());
                return Ok(leaves.is_some() && leaves == tile::hashes(&beside));
            }
            Shelf::Hashes(level) => level,
        };
        let Some(hashes) = tile::hashes(bytes).filter(|row| row.len() == usize::from(id.width))
        else {
            return Ok(false);
        };
        if !id.is_full() {
            // Of the right edge, all of which the root was computed from.
            return Ok(true);
        }
        let mut tree = Frontier::new();
        hashes.into_iter().for_each(|hash| tree.push(hash));
        let dir = DirSource::new(&self.dir);
        let tiles = Tiles {
            source: &dir,
            size: self.chosen.size(),
        };
        let above = tiles.node(8 * (level + 1), id.index);
        let above = above.map_err(|error| PublishError::Unsound {
            what: error.to_string(),
        })?;
        Ok(above == tree.root())
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, PublishError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error(path, error)),
    }
}

fn io_error(path: &Path, source: io::Error) -> PublishError {
    let path = path.to_owned();
    let source = Arc::new(source);
    LogError::Io {
        doing: "reading",
        path,
        source,
    }
    .into()
}

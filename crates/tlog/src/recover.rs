//! Making a log, and taking one up again: does everything on disk agree?
//!
//! A log is refused rather than mended when entries that were durable are
//! missing or differ: an old copy put back, files removed, disks that lied.
//! The one thing cut is a batch at the very end that was torn in writing.

use std::{
    collections::{BTreeSet, VecDeque},
    fs::{self, File},
    io::ErrorKind,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use sha2::{Digest, Sha256};

use crate::{
    checkpoint::{Checkpoint, SignedCheckpoint},
    disk::{Disk, SystemDisk, write_durably},
    edge::Edge,
    error::LogError,
    hash::Hash,
    key::LogKey,
    log::{Options, Recovered},
    note::{Signer, Verifier},
    rotation::{Keys, read_keys},
    sequencer::write_checkpoint,
    shared::{Durable, Sealed, Start, Tail},
    tile::{self, Shelf, TileId, WIDTH, hashes},
    tiles::Tiles,
    wal::{self, LogId, Record, Segment, Writer},
};

/// A child process holds its parent's locks from fork to exec, so one that was
/// just let go may seem held for a moment.
const LOCK_PATIENCE: Duration = Duration::from_millis(200);

/// A log taken up: what its threads start from.
pub(crate) struct Taken {
    pub(crate) start: Start,
    pub(crate) writer: Writer,
    pub(crate) edge: Edge,
    pub(crate) recovered: Vec<Recovered>,
}

/// Makes an empty log; `checkpoint` comes last, so that a creation cut short can be repeated.
pub(crate) fn create(dir: &Path, key: &LogKey, origin: &str) -> Result<(), LogError> {
    let disk = SystemDisk;
    let signer = key.signer(origin)?;
    let wal_dir = dir.join("wal");
    let made = disk.create_dirs(&wal_dir);
    made.map_err(LogError::io("making", &wal_dir))?;
    let _lock = lock(dir)?;
    if dir.join("checkpoint").exists() || dir.join("tile").exists() {
        return Err(LogError::Exists { dir: dir.into() });
    }
    let vkey = signer.verifier().to_string();
    let path = dir.join("vkey");
    let written = write_durably(&disk, &path, format!("{vkey}\n").as_bytes());
    written.map_err(LogError::io("writing", &path))?;
    Writer::create(&disk, &wal_dir, &log_id(&vkey), 0, 0)?;
    let empty = Checkpoint {
        origin: origin.to_owned(),
        size: 0,
        root: Hash::empty_root(),
        extensions: Vec::new(),
    };
    write_checkpoint(&disk, dir, &empty.sign(&signer)?)
}

/// Takes up the log in `dir`.
pub(crate) fn take_up(dir: &Path, key: &LogKey, options: Options) -> Result<Taken, LogError> {
    let lock = lock(dir)?;
    let keys = read_keys(dir)?;
    let origin = keys.first().name();
    let signer = key.signer(origin)?;
    if signer.verifier() != *keys.current() {
        let origin = origin.to_owned();
        return Err(LogError::OtherKey { origin });
    }
    let former = former(&keys, options.former.as_ref())?;
    let mut published = read_checkpoint(dir, keys.first())?;
    let edge = Edge::load(dir, published.size(), &published.root())?;
    let tiles = Tiles::new(dir, options.cache_bytes);
    let wal_dir = dir.join("wal");
    // Bound to the first key, so that segments outlive a change of keys.
    let log_id = log_id(&keys.first().to_string());

    let mut found = Found::new(published.size(), options.acknowledged);
    found.read(&wal_dir, &log_id, &tiles)?;
    // From here on everything agrees, and the disk may change.
    remove_unfinished(&*options.disk, &wal_dir)?;
    remove_unfinished_tiles(&*options.disk, dir, published.size()..=found.end)?;
    if published.note().verify(&[keys.current()]).is_err() {
        // A change of keys was cut off before its last step.
        published = published.also(&signer)?;
        write_checkpoint(&*options.disk, dir, &published)?;
    }
    if let Some(last) = found.last.take() {
        renew(
            &*options.disk,
            &wal_dir,
            &log_id,
            &last,
            options.max_batch_bytes,
        )?;
    }
    let end = found.end;
    let writer = Writer::create(
        &*options.disk,
        &wal_dir,
        &log_id,
        end,
        options.segment_bytes,
    )?;
    let start = Start {
        dir: dir.to_owned(),
        wal_dir,
        log_id,
        signer,
        keys,
        former,
        options,
        tiles,
        tail: found.tail,
        published,
        sealed: found.sealed,
        lock,
    };
    Ok(Taken {
        start,
        writer,
        edge,
        recovered: found.recovered,
    })
}

/// Reads the verifier key that lies beside the log.
pub(crate) fn read_vkey(dir: &Path) -> Result<Verifier, LogError> {
    let path = dir.join("vkey");
    let text = fs::read_to_string(&path).map_err(LogError::io("reading", &path))?;
    Ok(Verifier::parse(text.trim_end_matches('\n'))?)
}

/// The key before the current one and until when it signs too; `None` when it is not at hand.
fn former(keys: &Keys, given: Option<&LogKey>) -> Result<Option<(Signer, u64)>, LogError> {
    let (Some(last), Some(given)) = (keys.rotations().last(), given) else {
        return Ok(None);
    };
    let signer = given.signer(last.old.name())?;
    if signer.verifier() != last.old {
        let origin = last.old.name().to_owned();
        return Err(LogError::OtherKey { origin });
    }
    Ok(Some((signer, last.until_ms)))
}

/// Reads the published checkpoint and checks its signature by `log`, or by a key that `log` leads to.
pub(crate) fn read_checkpoint(dir: &Path, log: &Verifier) -> Result<SignedCheckpoint, LogError> {
    let path = dir.join("checkpoint");
    let bytes = fs::read(&path).map_err(LogError::io("reading", &path))?;
    Ok(read_keys(dir)?.since(log).verify_checkpoint(&bytes)?)
}

/// What the write-ahead log holds.
struct Found {
    published: u64,
    acknowledged: u64,
    end: u64,
    tail: Tail,
    recovered: Vec<Recovered>,
    sealed: VecDeque<Sealed>,
    /// The segment written last, if it holds records.
    last: Option<Segment>,
}

impl Found {
    fn new(published: u64, acknowledged: u64) -> Self {
        Self {
            published,
            acknowledged,
            end: 0,
            tail: Tail {
                base: published,
                entries: VecDeque::new(),
            },
            recovered: Vec::new(),
            sealed: VecDeque::new(),
            last: None,
        }
    }

    fn read(&mut self, dir: &Path, log: &LogId, tiles: &Tiles) -> Result<(), LogError> {
        let paths = wal::list(dir)?;
        let Some(newest) = paths.last().cloned() else {
            return Err(LogError::damaged(dir, "no write-ahead segment"));
        };
        let mut begins = None;
        for path in paths {
            let segment = Segment::read(&path, log)?;
            if let Some(at) = segment.torn {
                if path != newest {
                    let what = "a torn frame, though later segments follow";
                    return Err(LogError::WalDamaged {
                        path,
                        offset: at,
                        what,
                    });
                }
                tracing::warn!(path = %path.display(), at, "cutting a torn batch, never answered");
            }
            if begins.is_some() && segment.first != self.end {
                // Old segments may come back after a power cut, when removing them was not yet durable.
                if self.end > self.published.min(self.acknowledged) || segment.first < self.end {
                    return Err(gap(self.end, segment.first));
                }
                begins = None;
            }
            begins.get_or_insert(segment.first);
            self.end = segment.end;
            self.take(segment, tiles, path == newest)?;
        }
        self.judge(begins.unwrap_or(self.end))
    }

    fn take(&mut self, segment: Segment, tiles: &Tiles, newest: bool) -> Result<(), LogError> {
        for (index, Record { leaf, note, sums }) in segment.records() {
            let hash = sums.leaf;
            if index < self.published {
                check_tile(tiles, index, self.published, &hash)?;
            } else {
                let leaf = leaf.into();
                self.tail.entries.push_back(Durable { leaf, hash });
            }
            if index >= self.acknowledged {
                self.recovered.push(Recovered {
                    index,
                    leaf: leaf.to_vec(),
                    note: note.to_vec(),
                });
            }
        }
        if segment.end > segment.first {
            self.sealed.push_back(Sealed {
                path: segment.path.clone(),
                end: segment.end,
            });
            if newest {
                self.last = Some(segment);
            }
        }
        Ok(())
    }

    /// Does what was found reach from what is held elsewhere to beyond it?
    fn judge(&self, begins: u64) -> Result<(), LogError> {
        let Self {
            end,
            published,
            acknowledged,
            ..
        } = *self;
        let rolled_back = |known, holder| LogError::RolledBack { end, known, holder };
        if end < published {
            return Err(rolled_back(published, "the checkpoint"));
        }
        if end < acknowledged {
            return Err(rolled_back(acknowledged, "the consumer"));
        }
        if begins > published {
            return Err(gap(published, begins));
        }
        if begins > acknowledged {
            return Err(LogError::ConsumerBehind {
                acknowledged,
                begins,
            });
        }
        Ok(())
    }
}

pub(crate) fn gap(expected: u64, found: u64) -> LogError {
    LogError::WalGap { expected, found }
}

/// The tiles must hold the same entry as the write-ahead log.
pub(crate) fn check_tile(
    tiles: &Tiles,
    index: u64,
    size: u64,
    hash: &Hash,
) -> Result<(), LogError> {
    let differs = LogError::WalDiffers { index };
    let id = TileId::holding(Shelf::Hashes(0), index, size).ok_or(differs.clone())?;
    let row = hashes(&tiles.read(id)?).ok_or(differs.clone())?;
    let at = usize::try_from(index % WIDTH).map_err(|_| differs.clone())?;
    match row.get(at) {
        Some(found) if found == hash => Ok(()),
        _ => Err(differs),
    }
}

/// Writes the last segment anew, without its torn end.
///
/// Its records were read from the page cache. After a failed fsync the kernel
/// may show there what never reached the disk, and call the pages clean; only
/// bytes written again are sure to be synced.
fn renew(
    disk: &dyn Disk,
    dir: &Path,
    log: &LogId,
    old: &Segment,
    batch_bytes: usize,
) -> Result<(), LogError> {
    let path = wal::segment_path(dir, old.first);
    let failed = || LogError::io("renewing", &path);
    let aside = dir.join("renewing");
    disk.create_dirs(&aside).map_err(failed())?;
    let mut writer = Writer::create(disk, &aside, log, old.first, 0)?;
    let mut batch: Vec<Record<'_>> = Vec::new();
    let (mut first, mut bytes) = (old.first, 0);
    for (index, record) in old.records() {
        bytes += Record::framed_len(record.leaf.len(), record.note.len());
        batch.push(record);
        if bytes >= batch_bytes {
            writer.append(first, batch.iter().copied())?;
            batch.clear();
            (first, bytes) = (index + 1, 0);
        }
    }
    if !batch.is_empty() {
        writer.append(first, batch.iter().copied())?;
    }
    disk.rename(&writer.path, &path).map_err(failed())?;
    disk.sync_dir(dir).map_err(failed())?;
    disk.remove(&aside).map_err(failed())
}

/// Removes partial tiles that were being made when the log last stopped, at any of these sizes.
///
/// A full tile is made again under the same name; a partial one mostly under another.
fn remove_unfinished_tiles(
    disk: &dyn Disk,
    dir: &Path,
    sizes: RangeInclusive<u64>,
) -> Result<(), LogError> {
    let (begin, end) = sizes.into_inner();
    // No multiple of the width, which has no partial tile: one size within each tile speaks for it.
    let within = (begin | 1..=end).step_by(usize::try_from(WIDTH).unwrap_or(1));
    let tiles = within.chain([begin, end]).flat_map(tile::partials_of);
    let folders: BTreeSet<String> = tiles.map(|id| id.partials()).collect();
    for partials in folders {
        remove_unfinished(disk, &dir.join(partials))?;
    }
    Ok(())
}

/// Removes files that were being made when the log last stopped.
fn remove_unfinished(disk: &dyn Disk, dir: &Path) -> Result<(), LogError> {
    let failed = || LogError::io("listing", dir);
    let listed = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        listed => listed.map_err(failed())?,
    };
    for entry in listed {
        let path = entry.map_err(failed())?.path();
        let ours = path.extension().is_some_and(|e| e == "tmp") || path.ends_with("renewing");
        if ours {
            disk.remove(&path)
                .map_err(LogError::io("removing", &path))?;
        }
    }
    Ok(())
}

pub(crate) fn lock(dir: &Path) -> Result<File, LogError> {
    let path: PathBuf = dir.join("lock");
    let file = File::options().create(true).append(true).open(&path);
    let file = file.map_err(LogError::io("opening", &path))?;
    let patience = Instant::now() + LOCK_PATIENCE;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::WOULDBLOCK) if Instant::now() < patience => {
                thread::sleep(Duration::from_millis(10));
            }
            Err(Errno::WOULDBLOCK) => return Err(LogError::Locked { dir: dir.into() }),
            Err(error) => return Err(LogError::io("locking", &path)(error.into())),
        }
    }
}

pub(crate) fn log_id(vkey: &str) -> LogId {
    let whole: [u8; 32] = Sha256::digest(vkey).into();
    let mut id = LogId::default();
    id.copy_from_slice(&whole[..16]);
    id
}

//! Copies of a log: taken while it grows, brought back only where nothing newer is lost.
//!
//! A target holds the tiles of all copies once, since a tile of a given name
//! never changes, and beside them a directory for each copy with key,
//! statements, checkpoint and write-ahead log. The checkpoint is read first
//! and the write-ahead log last, so the copy reaches at least to where the
//! checkpoint does. Which copy counts is said by whoever calls, afterwards.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

use crate::{
    audit::{Fault, Progress, verify_tiles},
    checkpoint::SignedCheckpoint,
    disk::{Disk, put, write_durably},
    error::LogError,
    fsck::walk,
    hash::Hash,
    recover::{check_tile, gap, log_id},
    rotation::{Keys, read_keys},
    tile::{HEIGHT, LEVELS, Shelf, TileId, WIDTH},
    tiles::{Tiles, read_tile},
    wal::{self, Segment},
};

/// Tiles kept in memory while write-ahead records are compared with them.
const CACHE_BYTES: usize = 4 << 20;
/// While somebody holds this file locked, a live log removes no write-ahead segments.
const KEEP: &str = "keep";

/// Keeps a live log from removing write-ahead segments, for as long as it is held.
///
/// Taken before the consumer's books are copied, so that the segments from
/// which those books can be caught up are still there when their turn comes.
#[derive(Debug)]
pub struct Pin(#[expect(dead_code, reason = "the lock goes with the file")] File);

impl Pin {
    /// Pins the log in `dir`; it need not be open.
    ///
    /// # Errors
    ///
    /// [`LogError::Io`].
    pub fn hold(dir: &Path) -> Result<Self, LogError> {
        let path = dir.join(KEEP);
        let file = File::options().create(true).append(true).open(&path);
        let file = file.map_err(LogError::io("opening", &path))?;
        flock(&file, FlockOperation::LockShared)
            .map_err(|error| LogError::io("locking", &path)(error.into()))?;
        Ok(Self(file))
    }
}

/// Whether somebody pins the segments of the log in `dir`. What was spent before a pin may go during it.
pub(crate) fn is_pinned(dir: &Path) -> bool {
    File::open(dir.join(KEEP))
        .is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockExclusive).is_err())
}

/// What a copy holds.
#[derive(Debug, Clone)]
pub struct Copied {
    /// Its checkpoint.
    pub checkpoint: SignedCheckpoint,
    /// First record of its write-ahead log.
    pub begins: u64,
    /// One past the last record: how far the copy knows the log.
    pub end: u64,
    /// Tiles that the target lacked.
    pub new_tiles: u64,
    /// Bytes written, write-ahead log included.
    pub bytes: u64,
}

/// Copies the log in `from`: tiles into `target`, the rest into `copy`, a new directory within it.
///
/// Works while a server writes; hold a [`Pin`]. The copy is durable and was
/// read back and checked against its checkpoint when this returns. What was
/// in `target` before stays usable at any moment.
///
/// # Errors
///
/// [`LogError::OtherKey`] when `target` holds tiles of another log;
/// [`LogError::Copy`] when what was copied is not as signed, since the source
/// is damaged or the target lies; [`LogError::Io`].
pub fn backup(
    from: &Path,
    target: &Path,
    copy: &Path,
    disk: &dyn Disk,
    progress: impl FnMut(Progress),
) -> Result<Copied, LogError> {
    let keys = read_keys(from)?;
    claim(target, &keys, disk)?;
    let path = from.join("checkpoint");
    let signed = fs::read(&path).map_err(LogError::io("reading", &path))?;
    let checkpoint = keys.verify_checkpoint(&signed)?;
    let mut work = Work {
        disk,
        bytes: 0,
        tiles: 0,
    };
    work.tiles(from, target, checkpoint.size(), progress)?;
    work.segments(from, copy, &keys)?;
    write_head(copy, &keys, &signed, disk)?;
    disk.sync_all(target)
        .map_err(LogError::io("syncing", target))?;
    let (begins, end) = check(target, copy, &checkpoint, &keys)?;
    Ok(Copied {
        checkpoint,
        begins,
        end,
        new_tiles: work.tiles,
        bytes: work.bytes,
    })
}

/// Brings a copy back to `dir`, where no log may be.
///
/// # Errors
///
/// [`LogError::Exists`]; [`LogError::Copy`] when the copy is not as signed; [`LogError::Io`].
pub fn restore(
    target: &Path,
    copy: &Path,
    dir: &Path,
    disk: &dyn Disk,
    progress: impl FnMut(Progress),
) -> Result<Copied, LogError> {
    if dir.join("checkpoint").exists() || dir.join("wal").exists() {
        return Err(LogError::Exists { dir: dir.into() });
    }
    let keys = read_keys(copy)?;
    let path = copy.join("checkpoint");
    let signed = fs::read(&path).map_err(LogError::io("reading", &path))?;
    let checkpoint = keys.verify_checkpoint(&signed)?;
    let mut work = Work {
        disk,
        bytes: 0,
        tiles: 0,
    };
    work.tiles(target, dir, checkpoint.size(), progress)?;
    work.segments(copy, dir, &keys)?;
    disk.sync_all(dir).map_err(LogError::io("syncing", dir))?;
    write_head(dir, &keys, &signed, disk)?;
    let (begins, end) = check(dir, dir, &checkpoint, &keys)?;
    Ok(Copied {
        checkpoint,
        begins,
        end,
        new_tiles: work.tiles,
        bytes: work.bytes,
    })
}

/// Removes partial tiles that a copy of `size` entries does not need; for when it is the only one left.
///
/// # Errors
///
/// [`LogError::Io`].
pub fn tidy(target: &Path, size: u64, disk: &dyn Disk) -> Result<(), LogError> {
    let mut stale = Vec::new();
    walk(&target.join("tile"), &mut |path| {
        let name = path.strip_prefix(target).ok().and_then(Path::to_str);
        let unfinished = path.extension().is_some_and(|e| e == "tmp");
        let old = name.and_then(TileId::parse).is_some_and(|id| {
            !id.is_full() && TileId::holding(id.shelf, id.index * WIDTH, size) != Some(id)
        });
        if old || unfinished {
            stale.push(path.to_owned());
        }
    });
    for path in stale {
        disk.remove(&path)
            .map_err(LogError::io("removing", &path))?;
    }
    Ok(())
}

struct Work<'a> {
    disk: &'a dyn Disk,
    bytes: u64,
    tiles: u64,
}

impl Work<'_> {
    /// Copies the tiles of a log of `of` entries that are not there yet.
    fn tiles(
        &mut self,
        from: &Path,
        to: &Path,
        of: u64,
        mut progress: impl FnMut(Progress),
    ) -> Result<(), LogError> {
        for tile in tiles_of(of) {
            self.tile(from, to, tile)?;
            if tile.shelf == Shelf::Entries {
                let done = of.min((tile.index + 1) * WIDTH);
                progress(Progress::of_entries(done, of));
            }
        }
        Ok(())
    }

    /// Copies the write-ahead segments, one at a time.
    fn segments(&mut self, from: &Path, to: &Path, keys: &Keys) -> Result<(), LogError> {
        let wal_dir = to.join("wal");
        let made = self.disk.create_dirs(&wal_dir);
        made.map_err(LogError::io("making", &wal_dir))?;
        for segment in segments(from, keys)? {
            let segment = segment?;
            let name = segment.path.file_name().unwrap_or_default();
            self.write(&wal_dir.join(name), segment.whole())?;
        }
        Ok(())
    }

    /// Copies a tile, unless one of its name and length is there; whether it is right, `check` sees.
    fn tile(&mut self, from: &Path, to: &Path, id: TileId) -> Result<(), LogError> {
        let path = to.join(id.to_string());
        let source = from.join(id.to_string());
        let length = |path: &Path| fs::metadata(path).ok().map(|file| file.len());
        let expected = match id.shelf {
            Shelf::Hashes(_) => Some(u64::from(id.width) * Hash::LEN as u64),
            Shelf::Entries => length(&source),
        };
        if expected.is_some() && length(&path) == expected {
            return Ok(());
        }
        let bytes = read_tile(from, id)?;
        if let Some(above) = path.parent() {
            self.disk
                .create_dirs(above)
                .map_err(LogError::io("making", above))?;
        }
        self.tiles += 1;
        self.write(&path, &bytes)
    }

    /// Writes a file whole; durable with the `sync_all` that follows all of them.
    fn write(&mut self, path: &Path, bytes: &[u8]) -> Result<(), LogError> {
        put(self.disk, path, 0, |file| file.write(bytes)).map_err(LogError::io("writing", path))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// The tiles in `target` belong to one log: the one whose first key lies beside them.
fn claim(target: &Path, keys: &Keys, disk: &dyn Disk) -> Result<(), LogError> {
    let path = target.join("vkey");
    let vkey = format!("{}\n", keys.first());
    match fs::read(&path) {
        Ok(found) if found == vkey.as_bytes() => Ok(()),
        Ok(_) => Err(LogError::OtherKey {
            origin: keys.first().name().to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            write_durably(disk, &path, vkey.as_bytes()).map_err(LogError::io("writing", &path))
        }
        Err(error) => Err(LogError::io("reading", &path)(error)),
    }
}

/// Key, statements, and at the very end the checkpoint.
fn write_head(dir: &Path, keys: &Keys, signed: &[u8], disk: &dyn Disk) -> Result<(), LogError> {
    let vkey = format!("{}\n", keys.first());
    let statements = keys.to_string();
    let parts = [
        ("vkey", vkey.as_bytes()),
        ("keys", statements.as_bytes()),
        ("checkpoint", signed),
    ];
    for (name, bytes) in parts {
        let path = dir.join(name);
        write_durably(disk, &path, bytes).map_err(LogError::io("writing", &path))?;
    }
    Ok(())
}

/// The segments of a log, in order, one in memory at a time.
fn segments(
    dir: &Path,
    keys: &Keys,
) -> Result<impl Iterator<Item = Result<Segment, LogError>>, LogError> {
    let id = log_id(&keys.first().to_string());
    let paths = wal::list(&dir.join("wal"))?;
    Ok(paths.into_iter().map(move |path| Segment::read(&path, &id)))
}

/// Reads a copy back: tiles below `tiles_in`, key and write-ahead log in `copy`. First and end of the latter.
fn check(
    tiles_in: &Path,
    copy: &Path,
    checkpoint: &SignedCheckpoint,
    keys: &Keys,
) -> Result<(u64, u64), LogError> {
    let report = verify_tiles(tiles_in, checkpoint, keys)?;
    if let Some(fault) = report.faults.first() {
        for fault in &report.faults {
            discard(tiles_in, fault);
        }
        return Err(LogError::Copy {
            what: fault.to_string(),
        });
    }
    let size = checkpoint.size();
    let tiles = Tiles::new(tiles_in, CACHE_BYTES);
    let mut range: Option<(u64, u64)> = None;
    for segment in segments(copy, &read_keys(copy)?)? {
        let segment = segment?;
        let (first, end) = range.unwrap_or((segment.first, segment.first));
        if segment.first != end {
            return Err(gap(end, segment.first));
        }
        for (index, record) in segment.records().take_while(|(index, _)| *index < size) {
            check_tile(&tiles, index, size, &record.sums.leaf)?;
        }
        range = Some((first, segment.end));
    }
    match range {
        Some((first, end)) if first <= size && size <= end => Ok((first, end)),
        Some((first, _)) if first > size => Err(gap(size, first)),
        _ => Err(LogError::Copy {
            what: "the write-ahead log does not reach the checkpoint".to_owned(),
        }),
    }
}

/// Takes a wrong tile out of the copies, so that the next attempt copies it anew.
fn discard(dir: &Path, fault: &Fault) {
    let tile = match fault {
        Fault::Unreadable { tile, .. }
        | Fault::BadBundle { tile }
        | Fault::Differs { tile, .. } => tile,
        _ => return,
    };
    let bundle = TileId {
        shelf: Shelf::Entries,
        ..*tile
    };
    // A wrong entry shows as a difference of the hashes above it.
    for id in [*tile, bundle] {
        let path: PathBuf = dir.join(id.to_string());
        if let Err(error) = fs::remove_file(&path) {
            tracing::debug!(%error, path = %path.display(), "not removed");
        }
    }
}

/// Every tile and bundle of a tree, bundles last.
fn tiles_of(size: u64) -> impl Iterator<Item = TileId> {
    let shelves = (0..LEVELS).map(Shelf::Hashes);
    let shelves = shelves.chain(std::iter::once(Shelf::Entries));
    shelves.flat_map(move |shelf| {
        let count = match shelf {
            Shelf::Hashes(level) => size >> (HEIGHT * level),
            Shelf::Entries => size,
        };
        let each = (0..count.div_ceil(WIDTH)).map(|index| index * WIDTH);
        each.filter_map(move |at| TileId::holding(shelf, at, size))
    })
}

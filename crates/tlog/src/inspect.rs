//! A log's public face at a glance: sizes, files, sorts of entries, one entry.
//!
//! Reads only, also while a server writes; judges nothing beyond the
//! checkpoint's signature: `fsck` and `verify` do that.

use std::{fs, path::Path, time::SystemTime};

use crate::{
    checkpoint::SignedCheckpoint,
    entry::{Entry, MapRoot},
    error::LogError,
    fsck::{SegmentReport, is_held, walk},
    note::Verifier,
    recover::{log_id, read_checkpoint, read_vkey},
    tile::{self, Shelf, TileId, WIDTH},
    tiles::{Tiles, read_tile},
    wal::{self, Segment},
};

/// A log at a glance.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// The key that lies beside the log; its name is the origin.
    pub vkey: Verifier,
    /// The published checkpoint.
    pub checkpoint: SignedCheckpoint,
    /// When the checkpoint's file was last written.
    pub checkpoint_time: Option<SystemTime>,
    /// Whether another process holds the log open.
    pub held: bool,
    /// Entries that are durable: one past the last whole record of the write-ahead log.
    pub durable: u64,
    /// The consumer has acknowledged at least this many: the write-ahead log begins here.
    pub acknowledged: u64,
    /// Write-ahead segments, in order.
    pub segments: Vec<SegmentReport>,
    /// Files among the tiles.
    pub tile_files: u64,
    /// Bytes in them.
    pub tile_bytes: u64,
    /// Sorts of the last entries.
    pub sorts: Sorts,
}

/// Entries by their sort.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sorts {
    /// First entry that was looked at; all from here to the last one were.
    pub from: u64,
    /// Events of one owner.
    pub events: u64,
    /// Chunks of owners of exports.
    pub chunks: u64,
    /// Map roots.
    pub map_roots: u64,
    /// Entries of no known sort.
    pub other: u64,
    /// Labels in events and chunks.
    pub labels: u64,
    /// Bytes of the entries.
    pub bytes: u64,
    /// The last map root among them: its index and what it says.
    pub last_map_root: Option<(u64, MapRoot)>,
}

impl Sorts {
    fn take(&mut self, index: u64, leaf: &[u8]) {
        self.bytes += leaf.len() as u64;
        let entry = Entry::parse(leaf);
        self.labels += entry.map_or(0, |entry| entry.labels().count() as u64);
        match entry {
            Some(Entry::Event(_)) => self.events += 1,
            Some(Entry::Chunk(_)) => self.chunks += 1,
            Some(Entry::MapRoot(root)) => {
                self.map_roots += 1;
                self.last_map_root = Some((index, root));
            }
            None => self.other += 1,
        }
    }
}

/// Looks at the log in `dir`, and at the sorts of entries in its last `bundles` bundles and after them.
///
/// # Errors
///
/// [`LogError::Io`], [`LogError::Note`] or [`LogError::WalDamaged`] for what cannot be read; `fsck` goes on where this stops.
pub fn inspect(dir: &Path, bundles: u64) -> Result<Inspection, LogError> {
    let vkey = read_vkey(dir)?;
    let checkpoint = read_checkpoint(dir, &vkey)?;
    let size = checkpoint.size();
    let mut sorts = Sorts {
        from: size.div_ceil(WIDTH).saturating_sub(bundles) * WIDTH,
        ..Sorts::default()
    };
    let mut next = sorts.from;
    while let Some(id) = TileId::holding(Shelf::Entries, next, size) {
        let bytes = read_tile(dir, id)?;
        let damaged = || LogError::damaged(&dir.join(id.to_string()), "not an entry bundle");
        for leaf in tile::entries(&bytes).ok_or_else(damaged)? {
            sorts.take(next, leaf);
            next += 1;
        }
    }
    let mut segments = Vec::new();
    for path in wal::list(&dir.join("wal"))? {
        let Some(segment) = read_segment(&path, &vkey)? else {
            continue;
        };
        for (index, record) in segment.records().filter(|(index, _)| *index >= size) {
            sorts.take(index, record.leaf);
        }
        let bytes = fs::metadata(&path).map_or(0, |file| file.len());
        let (first, end) = (segment.first, segment.end);
        segments.push(SegmentReport {
            path,
            first,
            end,
            bytes,
        });
    }
    let (mut tile_files, mut tile_bytes) = (0, 0);
    walk(&dir.join("tile"), &mut |path| {
        tile_files += 1;
        tile_bytes += fs::metadata(path).map_or(0, |file| file.len());
    });
    let written = fs::metadata(dir.join("checkpoint")).and_then(|file| file.modified());
    Ok(Inspection {
        checkpoint_time: written.ok(),
        held: is_held(dir)?,
        durable: segments.last().map_or(size, |last| last.end.max(size)),
        acknowledged: segments.first().map_or(size, |first| first.first),
        vkey,
        checkpoint,
        segments,
        tile_files,
        tile_bytes,
        sorts,
    })
}

/// Entry `index` of the log in `dir`: from its tiles, or from the write-ahead log when no checkpoint covers it.
///
/// # Errors
///
/// [`LogError::OutOfRange`]; errors of reading.
pub fn entry(dir: &Path, index: u64) -> Result<Vec<u8>, LogError> {
    let vkey = read_vkey(dir)?;
    let size = read_checkpoint(dir, &vkey)?.size();
    if index < size {
        return Tiles::new(dir, 0).leaf(index, size);
    }
    let mut end = size;
    for path in wal::list(&dir.join("wal"))? {
        let Some(segment) = read_segment(&path, &vkey)? else {
            continue;
        };
        end = end.max(segment.end);
        if let Some((_, record)) = segment.records().find(|(at, _)| *at == index) {
            return Ok(record.leaf.to_vec());
        }
    }
    Err(LogError::OutOfRange {
        asked: index,
        size: end,
    })
}

/// A segment, unless a live log removed it since it was listed.
fn read_segment(path: &Path, vkey: &Verifier) -> Result<Option<Segment>, LogError> {
    match Segment::read(path, &log_id(&vkey.to_string())) {
        Ok(segment) => Ok(Some(segment)),
        Err(_) if !path.exists() => Ok(None),
        Err(error) => Err(error),
    }
}

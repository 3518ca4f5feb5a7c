//! Looking a log over without touching it: what is wrong, and what to do about it.
//!
//! Works on a log at rest and on one that a server is writing; takes no lock
//! for longer than it needs to see whether somebody holds one. Mending belongs
//! to `rebuild`, cutting a torn end to `recover`.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

use crate::{
    audit::{Fault, Progress, verify_dir},
    checkpoint::SignedCheckpoint,
    error::LogError,
    note::Verifier,
    recover::{check_tile, gap, log_id, read_checkpoint, read_vkey},
    tile::TileId,
    tiles::Tiles,
    wal::{self, LogId, Segment},
};

/// Tiles kept in memory while write-ahead records are compared with them.
const CACHE_BYTES: usize = 4 << 20;
/// How often the write-ahead log of a live log is looked at anew, when segments go meanwhile.
const TRIES: u32 = 20;
/// Harmless findings listed one by one.
const MOST_NOTES: usize = 1000;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// Nothing is lost and nothing has to be done.
    Note,
    /// Rebuilding may mend it; it puts nothing in place unless the signed root comes out.
    Mendable,
    /// Durable entries are missing or differ: a backup and a decision are needed.
    Grave,
}

/// One thing that is not as it is when a log was closed well.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Finding {
    /// A file under its temporary name, or the copy of a segment being renewed.
    #[error("{} was being made when the log last stopped", path.display())]
    Unfinished {
        /// The file or directory.
        path: PathBuf,
    },
    /// A name among the tiles that no tile has.
    #[error("{} is no tile", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A tile of a larger tree than was ever signed: the log stopped between tiles and checkpoint.
    #[error("{tile} lies beyond the checkpoint of {size} entries")]
    Ahead {
        /// The tile.
        tile: TileId,
        /// Entries under the checkpoint.
        size: u64,
    },
    /// The last batch was cut off in writing; nothing of it was ever answered.
    #[error("{} ends in a torn batch at byte {at}", path.display())]
    TornEnd {
        /// The segment.
        path: PathBuf,
        /// Where the whole batches end.
        at: u64,
    },
    /// A tile or bundle is not what the checkpoint vouches for.
    #[error(transparent)]
    Tile(Fault),
    /// The write-ahead log cannot be read, or does not agree with the rest.
    #[error("{}", .0.chain())]
    Wal(LogError),
    /// The verifier key or the checkpoint cannot be read or believed.
    #[error("{}", .0.chain())]
    Head(LogError),
}

impl Finding {
    /// How much it matters.
    #[must_use]
    pub fn gravity(&self) -> Gravity {
        match self {
            Self::Unfinished { .. }
            | Self::Foreign { .. }
            | Self::Ahead { .. }
            | Self::TornEnd { .. } => Gravity::Note,
            Self::Tile(_) => Gravity::Mendable,
            Self::Wal(_) | Self::Head(_) => Gravity::Grave,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Unfinished { .. } => "nothing: replaced or removed when the log goes on",
            Self::Foreign { .. } => "remove it, or find out who put it there",
            Self::Ahead { .. } => "nothing: written again when the log goes on",
            Self::TornEnd { .. } => "nothing: cut when the log is opened",
            Self::Tile(_) => {
                "rebuild; where that is refused, bring the bundles back from a backup and rebuild again"
            }
            Self::Wal(_) => "keep this directory as it is, and restore the latest backup elsewhere",
            Self::Head(_) => {
                "bring vkey and checkpoint back from the latest backup or from a witness"
            }
        }
    }
}

/// A write-ahead segment as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentReport {
    /// The file.
    pub path: PathBuf,
    /// Its first index.
    pub first: u64,
    /// One past its last record.
    pub end: u64,
    /// Bytes of the file, space set aside included.
    pub bytes: u64,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct FsckReport {
    /// Whether another process holds the log open.
    pub held: bool,
    /// The checkpoint, when it can be believed.
    pub checkpoint: Option<SignedCheckpoint>,
    /// Segments that could be read, in order.
    pub segments: Vec<SegmentReport>,
    /// Everything found, gravest first.
    pub findings: Vec<Finding>,
    /// Faults in tiles, also those past the first [`crate::audit::MOST_FAULTS`].
    pub tile_faults: u64,
}

impl FsckReport {
    /// The worst there is; `None` when nothing was found at all.
    #[must_use]
    pub fn worst(&self) -> Option<Gravity> {
        self.findings.iter().map(Finding::gravity).max()
    }

    /// Whether nothing was found that matters.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.worst().is_none_or(|worst| worst == Gravity::Note)
    }
}

/// Looks over the log in `dir`: key, checkpoint, every tile and entry, the write-ahead log, left-over files.
///
/// `log` is the key to trust; without it the directory's own. `acknowledged`
/// is what the consumer holds by its own books, when known. Changes nothing.
///
/// # Errors
///
/// [`LogError::Io`] when `dir` itself cannot be read; what is wrong inside it is a finding.
pub fn fsck(
    dir: &Path,
    log: Option<&Verifier>,
    acknowledged: Option<u64>,
    progress: impl FnMut(Progress),
) -> Result<FsckReport, LogError> {
    fs::read_dir(dir).map_err(LogError::io("listing", dir))?;
    let mut report = FsckReport {
        held: is_held(dir)?,
        checkpoint: None,
        segments: Vec::new(),
        findings: Vec::new(),
        tile_faults: 0,
    };
    if let Err(error) = report.look(dir, log, acknowledged, progress) {
        report.findings.push(Finding::Head(error));
    }
    report
        .findings
        .sort_by_key(|finding| std::cmp::Reverse(finding.gravity()));
    Ok(report)
}

impl FsckReport {
    fn look(
        &mut self,
        dir: &Path,
        log: Option<&Verifier>,
        acknowledged: Option<u64>,
        progress: impl FnMut(Progress),
    ) -> Result<(), LogError> {
        let own = read_vkey(dir)?;
        let verifier = log.unwrap_or(&own);
        let found = self.findings.len();
        for _ in 0..TRIES {
            // A live log moves on: its end is judged by the checkpoint before, its beginning by one after.
            let before = read_checkpoint(dir, verifier)?;
            self.checkpoint = Some(before.clone());
            self.segments.clear();
            self.findings.truncate(found);
            if self.look_at_wal(dir, &own, verifier, &before, acknowledged)? {
                break;
            }
        }
        let checked = verify_dir(dir, Some(verifier), progress)?;
        self.tile_faults = checked.fault_count;
        self.findings
            .extend(checked.faults.into_iter().map(Finding::Tile));
        let size = checked.checkpoint.size();
        self.checkpoint = Some(checked.checkpoint);
        if !self.held {
            self.look_for_leftovers(dir, size);
        }
        Ok(())
    }

    /// `false` when a live log removed segments meanwhile, so that they could not be judged together.
    fn look_at_wal(
        &mut self,
        dir: &Path,
        own: &Verifier,
        verifier: &Verifier,
        before: &SignedCheckpoint,
        acknowledged: Option<u64>,
    ) -> Result<bool, LogError> {
        let wal_dir = dir.join("wal");
        let tiles = Tiles::new(dir, CACHE_BYTES);
        let id = log_id(&own.to_string());
        let paths = match wal::list(&wal_dir) {
            Ok(paths) if paths.is_empty() => {
                let none = LogError::damaged(&wal_dir, "no write-ahead segment");
                self.findings.push(Finding::Wal(none));
                return Ok(true);
            }
            Ok(paths) => paths,
            Err(error) => {
                self.findings.push(Finding::Wal(error));
                return Ok(true);
            }
        };
        let (mut unreadable, mut gone) = (0, 0);
        for (nth, path) in paths.iter().enumerate() {
            match self.read_segment(path, &id, nth + 1 == paths.len()) {
                Ok(Some(segment)) => self.compare(&segment, &tiles, before.size()),
                Ok(None) => gone += 1,
                Err(error) => {
                    unreadable += 1;
                    self.findings.push(Finding::Wal(error));
                }
            }
        }
        if unreadable + gone == 0 {
            let after = read_checkpoint(dir, verifier)?.size();
            self.judge(before.size(), after, acknowledged);
        }
        Ok(gone == 0)
    }

    /// Reads a segment; `None` when a live log removed it meanwhile.
    fn read_segment(
        &mut self,
        path: &Path,
        id: &LogId,
        newest: bool,
    ) -> Result<Option<Segment>, LogError> {
        let segment = match Segment::read(path, id) {
            Err(LogError::Io { source, .. })
                if self.held && source.kind() == io::ErrorKind::NotFound =>
            {
                return Ok(None);
            }
            other => other?,
        };
        let path = path.to_owned();
        match segment.torn {
            // A live log is in the midst of writing it.
            Some(_) if newest && self.held => {}
            Some(at) if newest => self.findings.push(Finding::TornEnd { path, at }),
            Some(offset) => {
                let what = "a torn frame, though later segments follow";
                let path = path.clone();
                return Err(LogError::WalDamaged { path, offset, what });
            }
            None => {}
        }
        Ok(Some(segment))
    }

    fn compare(&mut self, segment: &Segment, tiles: &Tiles, size: u64) {
        for (index, record) in segment.records().take_while(|(index, _)| *index < size) {
            // A tile that cannot be read is a finding of its own.
            if let Err(error @ LogError::WalDiffers { .. }) =
                check_tile(tiles, index, size, &record.sums.leaf)
            {
                self.findings.push(Finding::Wal(error));
                break;
            }
        }
        self.segments.push(SegmentReport {
            path: segment.path.clone(),
            first: segment.first,
            end: segment.end,
            bytes: fs::metadata(&segment.path).map_or(0, |file| file.len()),
        });
    }

    /// The rules of opening: see `recover`.
    fn judge(&mut self, before: u64, after: u64, acknowledged: Option<u64>) {
        let spent = before.min(acknowledged.unwrap_or(before));
        let mut wrong = Vec::new();
        let mut begins = None;
        let mut end = 0;
        for segment in &self.segments {
            if begins.is_some() && segment.first != end {
                if end > spent || segment.first < end {
                    wrong.push(gap(end, segment.first));
                }
                begins = None;
            }
            begins.get_or_insert(segment.first);
            end = segment.end;
        }
        let Some(begins) = begins else { return };
        let rolled_back = |known, holder| LogError::RolledBack { end, known, holder };
        if end < before {
            wrong.push(rolled_back(before, "the checkpoint"));
        }
        if begins > after {
            wrong.push(gap(after, begins));
        }
        if let Some(acknowledged) = acknowledged {
            if end < acknowledged {
                wrong.push(rolled_back(acknowledged, "the consumer"));
            } else if begins > acknowledged {
                wrong.push(LogError::ConsumerBehind {
                    acknowledged,
                    begins,
                });
            }
        }
        self.findings.extend(wrong.into_iter().map(Finding::Wal));
    }

    /// Files that a stop in the middle of work left behind.
    fn look_for_leftovers(&mut self, dir: &Path, size: u64) {
        let room = self.findings.len() + MOST_NOTES;
        let findings = &mut self.findings;
        for part in ["", "wal", "rebuilding"] {
            let part = dir.join(part);
            for path in files_in(&part) {
                if path.extension().is_some_and(|e| e == "tmp") {
                    findings.push(Finding::Unfinished { path });
                }
            }
        }
        for path in [dir.join("wal/renewing"), dir.join("rebuilding")] {
            if path.exists() {
                findings.push(Finding::Unfinished { path });
            }
        }
        walk(&dir.join("tile"), &mut |path| {
            if findings.len() < room {
                findings.extend(judge_name(dir, path, size));
            }
        });
    }
}

/// What is odd about the name of a file among the tiles, if anything is.
fn judge_name(dir: &Path, path: &Path, size: u64) -> Option<Finding> {
    let path = path.to_owned();
    if path.extension().is_some_and(|e| e == "tmp") {
        return Some(Finding::Unfinished { path });
    }
    let name = path.strip_prefix(dir).ok().and_then(Path::to_str);
    let Some(tile) = name.and_then(TileId::parse) else {
        return Some(Finding::Foreign { path });
    };
    (!tile.is_within(size)).then_some(Finding::Ahead { tile, size })
}

/// Calls `found` with each file below `dir`; what cannot be listed has none.
pub(crate) fn walk(dir: &Path, found: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(sort) if sort.is_dir() => walk(&path, found),
            _ => found(&path),
        }
    }
}

fn files_in(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// Whether a process holds the log in `dir` open.
///
/// Opening waits longer for a lock than this takes to look.
///
/// # Errors
///
/// [`LogError::Io`].
pub fn is_held(dir: &Path) -> Result<bool, LogError> {
    let path = dir.join("lock");
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(LogError::io("opening", &path)(error)),
    };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(LogError::io("looking at", &path)(error.into())),
    }
}

//! Making the tiles anew from the entries.
//!
//! Rule: C2SP tlog-tiles. Entries come from the write-ahead log, whose frames
//! bear checks of their own, and otherwise from the bundles. New files are
//! made aside; not one is put in place unless the root they lead to is the
//! one that was signed. Stopped anywhere, it can be run again.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    audit::Progress,
    checkpoint::SignedCheckpoint,
    disk::Disk,
    edge::{Edge, File},
    error::LogError,
    hash::{Hash, leaf_hash},
    note::Verifier,
    recover::{lock, log_id, read_checkpoint, read_vkey},
    shared::Durable,
    tile::{self, Shelf, TileId, WIDTH},
    tiles::read_tile,
    wal::{self, LogId, Segment},
};

/// Where new files wait; on the log's own file system, so that a rename moves them.
const ASIDE: &str = "rebuilding";

/// What a rebuilding did.
#[derive(Debug, Clone)]
pub struct Rebuilt {
    /// The checkpoint whose root came out.
    pub checkpoint: SignedCheckpoint,
    /// Tiles and bundles that were missing or differed, and are in place now.
    pub written: u64,
    /// Entries that the write-ahead log gave.
    pub from_wal: u64,
}

/// Makes every tile and bundle of the signed tree anew, and puts in place those that are missing or differ.
///
/// `log` is the key to trust; without it the directory's own.
///
/// # Errors
///
/// [`LogError::Locked`] while a process holds the log;
/// [`LogError::EntriesMissing`] when neither a bundle nor the write-ahead log
/// holds an entry; [`LogError::RootMismatch`] when the entries lead elsewhere
/// than to the signed root. Nothing was put in place then.
/// After [`LogError::Io`] some files may be in place; each is right, and running again completes it.
pub fn rebuild(
    dir: &Path,
    log: Option<&Verifier>,
    disk: &dyn Disk,
    mut progress: impl FnMut(Progress),
) -> Result<Rebuilt, LogError> {
    let _lock = lock(dir)?;
    let own = read_vkey(dir)?;
    let checkpoint = read_checkpoint(dir, log.unwrap_or(&own))?;
    let aside = dir.join(ASIDE);
    disk.remove(&aside)
        .map_err(LogError::io("removing", &aside))?;
    let mut work = Work {
        dir,
        aside: &aside,
        disk,
        size: checkpoint.size(),
        last: tile::partials_of(checkpoint.size()).into_iter().collect(),
        edge: Edge::load(dir, 0, &Hash::empty_root())?,
        wal: WalEntries::open(&dir.join("wal"), log_id(&own.to_string()))?,
        from_wal: 0,
        missing: None,
        made: Vec::new(),
    };
    let of = checkpoint.size();
    for bundle in 0..of.div_ceil(WIDTH) {
        work.bundle(bundle)?;
        let done = of.min((bundle + 1) * WIDTH);
        progress(Progress::of_entries(done, of));
    }
    let judged = work.judge(&checkpoint.root());
    if let Err(error) = judged.and_then(|()| work.put_in_place()) {
        // What lies aside is of no use; the first failure is the one to tell of.
        let _ = disk.remove(&aside);
        return Err(error);
    }
    disk.remove(&aside)
        .map_err(LogError::io("removing", &aside))?;
    Ok(Rebuilt {
        checkpoint,
        written: work.made.len() as u64,
        from_wal: work.from_wal,
    })
}

/// A rebuilding under way.
struct Work<'a> {
    dir: &'a Path,
    aside: &'a Path,
    disk: &'a dyn Disk,
    size: u64,
    /// Partial tiles of the tree being made; those of smaller trees on the way are not kept.
    last: BTreeSet<TileId>,
    edge: Edge,
    wal: WalEntries,
    from_wal: u64,
    /// First entry nowhere to be found, and how many there are.
    missing: Option<(u64, u64)>,
    /// Files that wait aside.
    made: Vec<TileId>,
}

impl Work<'_> {
    fn bundle(&mut self, number: u64) -> Result<(), LogError> {
        let first = number * WIDTH;
        let end = self.size.min(first + WIDTH);
        let stored = self.stored(first);
        let mut entries = Vec::with_capacity(256);
        for (index, old) in
            (first..end).zip(stored.into_iter().map(Some).chain(std::iter::repeat(None)))
        {
            let from_wal = self.wal.get(index);
            self.from_wal += u64::from(from_wal.is_some());
            match from_wal.or(old) {
                Some(leaf) => entries.push(Durable {
                    hash: leaf_hash(&leaf),
                    leaf,
                }),
                None => self.missing.get_or_insert((index, 0)).1 += 1,
            }
        }
        // Past a hole nothing can be proved; looking on only counts how much is missing.
        if self.missing.is_some() {
            return Ok(());
        }
        for file in self.edge.extend(&entries) {
            self.keep(file)?;
        }
        Ok(())
    }

    /// The entries of the bundle that begins at `first`, as far as a file gives them.
    fn stored(&self, first: u64) -> Vec<Arc<[u8]>> {
        let Some(id) = TileId::holding(Shelf::Entries, first, self.size) else {
            return Vec::new();
        };
        let read = |bytes: Vec<u8>| -> Option<Vec<Arc<[u8]>>> {
            let entries = tile::entries(&bytes)?;
            let kept = entries.into_iter().take(usize::from(id.width));
            Some(kept.map(Arc::from).collect())
        };
        let whole = read_tile(self.dir, id).ok().and_then(read);
        if let Some(entries) = whole.filter(|found| found.len() == usize::from(id.width)) {
            return entries;
        }
        // A narrower partial bundle may have stayed behind; the write-ahead log can give the rest.
        let others = fs::read_dir(self.dir.join(id.partials()));
        let others = others.into_iter().flatten().flatten();
        let candidates = others.filter_map(|entry| read(fs::read(entry.path()).ok()?));
        candidates.max_by_key(Vec::len).unwrap_or_default()
    }

    /// Writes a file aside, unless it is in place already.
    fn keep(&mut self, (id, bytes): File) -> Result<(), LogError> {
        if !id.is_full() && !self.last.contains(&id) {
            return Ok(());
        }
        let place = self.dir.join(id.to_string());
        if fs::read(&place).is_ok_and(|found| found == bytes) {
            return Ok(());
        }
        let path = self.aside.join(id.to_string());
        let write = || -> io::Result<()> {
            if let Some(above) = path.parent() {
                self.disk.create_dirs(above)?;
            }
            let mut file = self.disk.create(&path, 0)?;
            file.write(&bytes)
        };
        write().map_err(LogError::io("writing", &path))?;
        self.made.push(id);
        Ok(())
    }

    fn judge(&self, signed: &Hash) -> Result<(), LogError> {
        if let Some((first, count)) = self.missing {
            return Err(LogError::EntriesMissing { first, count });
        }
        if self.edge.root() != *signed {
            return Err(LogError::RootMismatch { size: self.size });
        }
        Ok(())
    }

    /// Moves what was made to its place, durably. Each file is right by itself, so any order will do.
    fn put_in_place(&self) -> Result<(), LogError> {
        if self.made.is_empty() {
            return Ok(());
        }
        let failed = || LogError::io("syncing tiles in", self.dir);
        self.disk.sync_all(self.aside).map_err(failed())?;
        for id in &self.made {
            let (from, to) = (
                self.aside.join(id.to_string()),
                self.dir.join(id.to_string()),
            );
            let moved = || -> io::Result<()> {
                if let Some(above) = to.parent() {
                    self.disk.create_dirs(above)?;
                }
                self.disk.rename(&from, &to)
            };
            moved().map_err(LogError::io("putting in place", &to))?;
        }
        self.disk.sync_all(self.dir).map_err(failed())
    }
}

/// Entries by index from whatever segments can be read, one segment in memory at a time.
struct WalEntries {
    id: LogId,
    /// First index, one past the last, and the file.
    known: Vec<(u64, u64, PathBuf)>,
    open: Option<(u64, Vec<Arc<[u8]>>)>,
}

impl WalEntries {
    fn open(dir: &Path, id: LogId) -> Result<Self, LogError> {
        let mut known = Vec::new();
        for path in wal::list(dir)? {
            match Segment::read(&path, &id) {
                Ok(segment) => known.push((segment.first, segment.end, path)),
                // The bundles may hold the same entries; whether they do, the root decides.
                Err(error) => tracing::warn!(error = %error.chain(), "a segment is left out"),
            }
        }
        Ok(Self {
            id,
            known,
            open: None,
        })
    }

    fn get(&mut self, index: u64) -> Option<Arc<[u8]>> {
        let of = |(first, entries): &(u64, Vec<Arc<[u8]>>)| {
            let at = usize::try_from(index.checked_sub(*first)?).ok()?;
            entries.get(at).cloned()
        };
        if let Some(found) = self.open.as_ref().and_then(of) {
            return Some(found);
        }
        let holds = |(first, end, _): &&(u64, u64, PathBuf)| (*first..*end).contains(&index);
        let (first, _, path) = self.known.iter().find(holds)?;
        let segment = Segment::read(path, &self.id).ok()?;
        let entries = segment.records().map(|(_, record)| record.leaf.into());
        self.open = Some((*first, entries.collect()));
        self.open.as_ref().and_then(of)
    }
}

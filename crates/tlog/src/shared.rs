//! What the log's threads and its callers share.
//!
//! Locks are held briefly and never two at once.

use std::{
    collections::VecDeque,
    fs::File,
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use parking_lot::{Condvar, Mutex, RwLock};

use crate::{
    backup::is_pinned,
    checkpoint::SignedCheckpoint,
    clock::Forward,
    committer::Queue,
    error::LogError,
    hash::Hash,
    log::Options,
    note::{Signer, Verifier},
    rotation::Keys,
    tiles::Tiles,
    wal::LogId,
};

/// An entry that is durable in the write-ahead log.
#[derive(Debug, Clone)]
pub(crate) struct Durable {
    pub(crate) leaf: Arc<[u8]>,
    pub(crate) hash: Hash,
}

/// Durable entries that no published checkpoint covers yet.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    /// Index of the first; everything below it is in tiles.
    pub(crate) base: u64,
    pub(crate) entries: VecDeque<Durable>,
}

impl Tail {
    pub(crate) fn end(&self) -> u64 {
        self.base + self.entries.len() as u64
    }
}

/// A write-ahead segment that is written no more.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) path: PathBuf,
    /// One past its last record.
    pub(crate) end: u64,
}

/// What the sequencer listens to.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    /// When the oldest entry without a checkpoint became durable.
    pub(crate) since: Option<Instant>,
    /// Someone waits for a checkpoint of at least this size.
    pub(crate) wanted: u64,
    /// No entry will follow.
    pub(crate) stop: bool,
}

pub(crate) struct Shared {
    pub(crate) dir: PathBuf,
    pub(crate) wal_dir: PathBuf,
    pub(crate) log_id: LogId,
    pub(crate) signer: Signer,
    pub(crate) verifier: Verifier,
    pub(crate) keys: Keys,
    /// Signs checkpoints too, up to a time: milliseconds since 1970.
    pub(crate) former: Option<(Signer, u64)>,
    pub(crate) options: Options,
    pub(crate) clock: Forward,
    pub(crate) tiles: Tiles,
    pub(crate) queue: Mutex<Queue>,
    /// Rung when the committer has enough to write.
    pub(crate) queued: Condvar,
    /// Bytes of batches that are durable and whose writers are not all told.
    pub(crate) untold: Arc<AtomicUsize>,
    pub(crate) tail: RwLock<Tail>,
    pub(crate) published: RwLock<Arc<SignedCheckpoint>>,
    pub(crate) sealed: Mutex<VecDeque<Sealed>>,
    pub(crate) acknowledged: AtomicU64,
    pub(crate) bell: Mutex<Bell>,
    pub(crate) rung: Condvar,
    /// Rung after each checkpoint, and when there will be no more.
    pub(crate) settled: Condvar,
    poison: OnceLock<Arc<str>>,
    /// Held for as long as the log is open; the system lets go of it with the file.
    pub(crate) lock: Mutex<Option<File>>,
}

/// All that `Shared` starts from.
pub(crate) struct Start {
    pub(crate) dir: PathBuf,
    pub(crate) wal_dir: PathBuf,
    pub(crate) log_id: LogId,
    pub(crate) signer: Signer,
    pub(crate) keys: Keys,
    pub(crate) former: Option<(Signer, u64)>,
    pub(crate) options: Options,
    pub(crate) tiles: Tiles,
    pub(crate) tail: Tail,
    pub(crate) published: SignedCheckpoint,
    pub(crate) sealed: VecDeque<Sealed>,
    pub(crate) lock: File,
}

impl Shared {
    pub(crate) fn new(start: Start) -> Self {
        let since = (!start.tail.entries.is_empty()).then(Instant::now);
        Self {
            dir: start.dir,
            wal_dir: start.wal_dir,
            log_id: start.log_id,
            verifier: start.signer.verifier(),
            signer: start.signer,
            keys: start.keys,
            former: start.former,
            acknowledged: AtomicU64::new(start.options.acknowledged),
            clock: Forward::new(start.options.clock.clone()),
            options: start.options,
            tiles: start.tiles,
            queue: Mutex::default(),
            queued: Condvar::new(),
            untold: Arc::default(),
            tail: RwLock::new(start.tail),
            published: RwLock::new(Arc::new(start.published)),
            sealed: Mutex::new(start.sealed),
            bell: Mutex::new(Bell {
                since,
                ..Bell::default()
            }),
            rung: Condvar::new(),
            settled: Condvar::new(),
            poison: OnceLock::new(),
            lock: Mutex::new(Some(start.lock)),
        }
    }

    pub(crate) fn published(&self) -> Arc<SignedCheckpoint> {
        Arc::clone(&self.published.read())
    }

    /// What stopped the log, if anything did.
    pub(crate) fn poisoned(&self) -> Option<LogError> {
        let reason = Arc::clone(self.poison.get()?);
        Some(LogError::Poisoned { reason })
    }

    /// Stops all appending, once and for good: after a failed write or fsync
    /// nobody knows what is on the disk, so nothing more may be promised.
    pub(crate) fn poison(&self, error: &LogError) -> LogError {
        let reason: Arc<str> = error.chain().into();
        tracing::error!(%reason, "the log takes no more entries");
        let reason = Arc::clone(self.poison.get_or_init(|| reason));
        // Wake whoever waits for a checkpoint that will not come.
        drop(self.bell.lock());
        self.rung.notify_all();
        self.settled.notify_all();
        drop(self.queue.lock());
        self.queued.notify_all();
        LogError::Poisoned { reason }
    }

    /// Removes segments that neither a checkpoint nor the consumer needs.
    ///
    /// Oldest first, so that a crash in between leaves no hole.
    pub(crate) fn remove_spent_segments(&self) -> Result<(), LogError> {
        if is_pinned(&self.dir) {
            return Ok(());
        }
        let size = self.published().size();
        let spent = size.min(self.acknowledged.load(Ordering::Acquire));
        loop {
            let path = match self.sealed.lock().front() {
                Some(oldest) if oldest.end <= spent => oldest.path.clone(),
                _ => return Ok(()),
            };
            let failed = LogError::io("removing", &path);
            self.options.disk.remove(&path).map_err(failed)?;
            self.sealed.lock().pop_front();
        }
    }
}

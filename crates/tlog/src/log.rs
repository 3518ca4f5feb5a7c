//! A log held open: append, read, prove.
//!
//! What happens on disk belongs to `committer` and `sequencer`; taking up a
//! directory to `recover`.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    thread::{self, JoinHandle},
    time::Duration,
};

use parking_lot::Mutex;

use crate::{
    checkpoint::SignedCheckpoint,
    clock::Clock,
    committer::{self, Committer, Pending},
    disk::{Disk, SystemDisk},
    error::LogError,
    hash::{Hash, leaf_hash},
    herald,
    key::LogKey,
    note::Verifier,
    proof::{self, Nodes},
    receipt::{Batch, Receipt},
    recover,
    rotation::Keys,
    sequencer::Sequencer,
    shared::Shared,
    tile::MAX_LEAF,
    wal::{MAX_SIDECAR, Sums},
};

/// How a log is opened. `Options::default()` suits a server.
#[derive(Debug, Clone)]
pub struct Options {
    /// Every record below this index is durable with the consumer, by the
    /// consumer's own books. Records from here on come back from [`Log::open`].
    pub acknowledged: u64,
    /// A checkpoint covers each entry at most this long after it became durable. 1 s.
    pub checkpoint_within: Duration,
    /// A write-ahead segment is closed past this many bytes. 32 MiB.
    pub segment_bytes: u64,
    /// One batch holds at most about this many bytes. 4 MiB.
    pub max_batch_bytes: usize,
    /// Past this many bytes waiting for the disk or for their callbacks, appends are refused. 64 MiB.
    pub max_pending_bytes: usize,
    /// Bytes of tiles kept in memory. 16 MiB.
    pub cache_bytes: usize,
    /// Entries that become durable together are ordered by their leaf hashes, so that their order within a batch tells nothing of who came first. Off.
    pub sorted: bool,
    /// The key before the log's own: signs checkpoints too until its overlap ends (see [`crate::rotation`]).
    pub former: Option<LogKey>,
    /// Where to write; tests put one here that fails.
    pub disk: Arc<dyn Disk>,
    /// What time it is. One that goes back dates nothing back: receipts stay at the latest time told.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            acknowledged: 0,
            checkpoint_within: Duration::from_secs(1),
            segment_bytes: 32 << 20,
            max_batch_bytes: 4 << 20,
            max_pending_bytes: 64 << 20,
            cache_bytes: 16 << 20,
            sorted: false,
            former: None,
            disk: Arc::new(SystemDisk),
            clock: Clock::default(),
        }
    }
}

/// A record of the write-ahead log that the consumer had not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// Its index in the log.
    pub index: u64,
    /// The leaf.
    pub leaf: Vec<u8>,
    /// The sidecar note that was appended with it.
    pub note: Vec<u8>,
}

/// An entry that is durable.
#[derive(Debug, Clone)]
pub struct Appended {
    /// Its index in the log.
    pub index: u64,
    batch: Arc<Batch>,
}

impl Appended {
    pub(crate) fn new(index: u64, batch: Arc<Batch>) -> Self {
        Self { index, batch }
    }

    /// The hash of its leaf.
    #[must_use]
    pub fn leaf_hash(&self) -> Hash {
        self.batch.leaf_hash(self.index)
    }

    /// When it became durable, by the log's clock: milliseconds since 1970, UTC.
    #[must_use]
    pub fn time_ms(&self) -> u64 {
        self.batch.time_ms()
    }
}

/// A log held open by this process alone.
///
/// Share it behind an `Arc`. Dropping it does what [`Log::close`] does.
pub struct Log {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Log {
    /// Makes an empty log in `dir`: its verifier key, a checkpoint of size zero, an empty write-ahead log.
    ///
    /// `origin` is the log's identity and its key's name, best a URL without
    /// scheme such as `trace.example.cn/2026`.
    ///
    /// # Errors
    ///
    /// [`LogError::Exists`]; [`LogError::Note`] for an origin that cannot be a key name; [`LogError::Io`].
    pub fn create(dir: &Path, key: &LogKey, origin: &str) -> Result<(), LogError> {
        recover::create(dir, key, origin)
    }

    /// Opens a log and gives back what the consumer has not acknowledged, in order.
    ///
    /// Checks that tiles, checkpoint, write-ahead log and consumer agree before
    /// anything is written. A batch that was torn by a crash is cut: nothing of
    /// it was ever answered.
    ///
    /// # Errors
    ///
    /// [`LogError::Locked`]; [`LogError::OtherKey`]; one of the errors that
    /// say what disagrees. Nothing on disk was changed then.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the key is consumed, so that callers keep no copy"
    )]
    pub fn open(
        dir: &Path,
        key: LogKey,
        options: Options,
    ) -> Result<(Self, Vec<Recovered>), LogError> {
        let taken = recover::take_up(dir, &key, options)?;
        let shared = Arc::new(Shared::new(taken.start));
        let (herald, crier) = herald::herald(&shared.untold);
        let committer = Committer::new(Arc::clone(&shared), taken.writer, herald);
        let sequencer = Sequencer::new(Arc::clone(&shared), taken.edge);
        let log = Self {
            shared,
            threads: Mutex::default(),
        };
        // One by one: if one cannot be started, dropping the log ends those before it.
        log.start("tlog-committer", move || committer.run())?;
        log.start("tlog-sequencer", move || sequencer.run())?;
        log.start("tlog-herald", move || crier.run())?;
        Ok((log, taken.recovered))
    }

    /// Appends a leaf; `done` is called once it is durable, or with the reason it never will be.
    ///
    /// `note` is a sidecar kept in the write-ahead log only, for the consumer
    /// to find after a crash; it is no part of the leaf. `done` runs on a
    /// thread of the log and should be quick: later answers wait for it.
    ///
    /// Errors reach `done`: [`LogError::LeafTooLong`],
    /// [`LogError::SidecarTooLong`], [`LogError::Overloaded`],
    /// [`LogError::Closed`], [`LogError::Poisoned`]. After `Poisoned` the
    /// entry may or may not be found when the log is opened anew.
    pub fn append(
        &self,
        leaf: Vec<u8>,
        note: Vec<u8>,
        done: impl FnOnce(Result<Appended, LogError>) + Send + 'static,
    ) {
        let (length, sidecar) = (leaf.len(), note.len());
        if length > MAX_LEAF {
            return committer::call(Box::new(done), Err(LogError::LeafTooLong { length }));
        }
        if sidecar > MAX_SIDECAR {
            let length = sidecar;
            return committer::call(Box::new(done), Err(LogError::SidecarTooLong { length }));
        }
        // Hashed here, on the caller's thread, so that the committer only writes.
        let sums = Sums::of(&leaf, &note);
        let pending = Pending {
            leaf: leaf.into(),
            note,
            sums,
            done: Box::new(done),
        };
        if let Err((done, error)) = committer::enqueue(&self.shared, pending) {
            committer::call(done, Err(error));
        }
    }

    /// Appends a leaf and waits until it is durable.
    ///
    /// # Errors
    ///
    /// As for [`Log::append`].
    pub fn append_blocking(&self, leaf: Vec<u8>, note: Vec<u8>) -> Result<Appended, LogError> {
        let (tell, hear) = std::sync::mpsc::sync_channel(1);
        self.append(leaf, note, move |result| {
            // Whoever asked is waiting below.
            let _ = tell.send(result);
        });
        hear.recv().unwrap_or(Err(LogError::Closed))
    }

    /// The consumer holds every record below `up_to` durably; their write-ahead segments may go.
    pub fn acknowledge(&self, up_to: u64) {
        self.shared.acknowledged.fetch_max(up_to, Ordering::AcqRel);
    }

    /// The receipt for an entry, signed by the log.
    ///
    /// # Errors
    ///
    /// [`LogError::Note`] when `appended` came from another log's book-keeping.
    pub fn sign_receipt(&self, appended: &Appended) -> Result<Receipt, LogError> {
        Ok(appended
            .batch
            .receipt(appended.index, &self.shared.signer)?)
    }

    /// A receipt, signed anew, for any durable entry; its time is now.
    ///
    /// # Errors
    ///
    /// As for [`Log::leaf`].
    pub fn sign_receipt_at(&self, index: u64) -> Result<Receipt, LogError> {
        let hash = leaf_hash(&self.leaf(index)?);
        let batch = Batch::new(index, self.now_ms(), vec![hash]);
        Ok(batch.receipt(index, &self.shared.signer)?)
    }

    /// The log's time, by which it dates receipts: milliseconds since 1970 UTC, never less than before.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.shared.clock.now_ms()
    }

    /// Dates nothing before `ms` from now on; for times that an earlier process wrote down.
    pub fn not_before(&self, ms: u64) {
        self.shared.clock.not_before(ms);
    }

    /// The latest published checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> Arc<SignedCheckpoint> {
        self.shared.published()
    }

    /// Publishes a checkpoint over all that is durable now, and waits for it.
    ///
    /// # Errors
    ///
    /// [`LogError::Poisoned`]; [`LogError::Closed`].
    pub fn checkpoint_now(&self) -> Result<Arc<SignedCheckpoint>, LogError> {
        let wanted = self.size();
        let mut bell = self.shared.bell.lock();
        loop {
            let published = self.shared.published();
            if published.size() >= wanted {
                return Ok(published);
            }
            if let Some(error) = self.shared.poisoned() {
                return Err(error);
            }
            bell.wanted = bell.wanted.max(wanted);
            self.shared.rung.notify_all();
            // Publishing does not take the bell, so look again now and then.
            let pause = Duration::from_millis(20);
            let _ = self.shared.settled.wait_for(&mut bell, pause);
        }
    }

    /// Number of durable entries; those past [`Log::checkpoint`] await theirs.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.shared.tail.read().end()
    }

    /// The log's public key and, as its name, its origin.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.shared.verifier
    }

    /// Sixteen bytes that tell this log from others, for what is kept beside it.
    #[must_use]
    pub fn id(&self) -> [u8; 16] {
        self.shared.log_id
    }

    /// The log's keys from the first on, and the statements that lead from each to the next.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.shared.keys
    }

    /// The log's directory: `checkpoint` and `tile/` in it may be served to anyone.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// Why no more is appended, if a write failed.
    #[must_use]
    pub fn poisoned(&self) -> Option<LogError> {
        self.shared.poisoned()
    }

    /// A durable entry.
    ///
    /// # Errors
    ///
    /// [`LogError::OutOfRange`]; errors of reading.
    pub fn leaf(&self, index: u64) -> Result<Vec<u8>, LogError> {
        let tail = self.shared.tail.read();
        let size = tail.end();
        if index >= size {
            return Err(LogError::OutOfRange { asked: index, size });
        }
        if let Some(at) = index.checked_sub(tail.base) {
            let entry = usize::try_from(at).ok().and_then(|at| tail.entries.get(at));
            return match entry {
                Some(entry) => Ok(entry.leaf.to_vec()),
                None => Err(LogError::OutOfRange { asked: index, size }),
            };
        }
        drop(tail);
        self.shared
            .tiles
            .leaf(index, self.shared.published().size())
    }

    /// The entries at `indexes`, which ascend, in their order: for many at once, as far as the latest checkpoint covers them.
    ///
    /// # Errors
    ///
    /// [`LogError::OutOfRange`] beyond the checkpoint; errors of reading.
    pub fn leaves(&self, indexes: &[u64]) -> Result<Vec<Vec<u8>>, LogError> {
        let size = self.shared.published().size();
        self.shared.tiles.leaves(indexes, size)
    }

    /// The entries from `index` to the end of its bundle, at most 256, as far as the latest checkpoint covers them.
    ///
    /// # Errors
    ///
    /// [`LogError::OutOfRange`] beyond the checkpoint; errors of reading.
    pub fn entries_from(&self, index: u64) -> Result<Vec<Vec<u8>>, LogError> {
        let size = self.shared.published().size();
        self.shared.tiles.entries_from(index, size)
    }

    /// Perfect subtrees of the tree of the latest checkpoint, for proofs of one's own making.
    #[must_use]
    pub fn nodes(&self) -> impl Nodes<Error = LogError> + '_ {
        self.shared.tiles.tree(self.shared.published().size())
    }

    /// Proves that entry `index` lies in the tree of `size` leaves. Shape as in [`proof::verify_inclusion`].
    ///
    /// # Errors
    ///
    /// [`LogError::OutOfRange`] unless `index < size` and a checkpoint covers `size`; errors of reading.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, LogError> {
        let published = self.covered(size)?;
        if index >= size {
            return Err(LogError::OutOfRange { asked: index, size });
        }
        proof::prove_inclusion(&self.shared.tiles.tree(published), index, size)
    }

    /// Proves that the entries at `indexes` lie in the tree of `size` leaves. Shape as in [`prove_entries`](crate::person::tree_proof::prove_entries).
    ///
    /// # Errors
    ///
    /// [`LogError::OutOfRange`] unless a checkpoint covers `size`; errors of reading.
    pub fn prove_entries(&self, indexes: &[u64], size: u64) -> Result<Vec<Hash>, LogError> {
        let published = self.covered(size)?;
        self.shared.tiles.prove_entries(indexes, size, published)
    }

    /// Proves that the tree of `new` leaves extends that of `old`. Shape as in [`proof::verify_consistency`].
    ///
    /// # Errors
    ///
    /// [`LogError::OutOfRange`] unless `old <= new` and a checkpoint covers `new`; errors of reading.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, LogError> {
        let published = self.covered(new)?;
        if old > new {
            return Err(LogError::OutOfRange {
                asked: old,
                size: new,
            });
        }
        proof::prove_consistency(&self.shared.tiles.tree(published), old, new)
    }

    /// The root of the tree of the first `size` leaves.
    ///
    /// # Errors
    ///
    /// [`LogError::OutOfRange`] unless a checkpoint covers `size`; errors of reading.
    pub fn root(&self, size: u64) -> Result<Hash, LogError> {
        let published = self.covered(size)?;
        proof::root(&self.shared.tiles.tree(published), size)
    }

    fn start(&self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), LogError> {
        let failed = LogError::io("starting a thread for", &PathBuf::from(name));
        let thread = thread::Builder::new().name(name.to_owned());
        let handle = thread.spawn(run).map_err(failed)?;
        self.threads.lock().push(handle);
        Ok(())
    }

    fn covered(&self, asked: u64) -> Result<u64, LogError> {
        let size = self.shared.published().size();
        if asked > size {
            return Err(LogError::OutOfRange { asked, size });
        }
        Ok(size)
    }

    /// Answers everything queued, publishes a last checkpoint, lets go of the directory.
    ///
    /// Later appends are refused; reading goes on.
    ///
    /// # Errors
    ///
    /// [`LogError::Poisoned`] when a write failed, now or before.
    pub fn close(&self) -> Result<(), LogError> {
        self.shared.queue.lock().closed = true;
        self.shared.queued.notify_all();
        let here = thread::current().id();
        let mut called_back = false;
        // The committer first: what it still writes, the sequencer must still publish.
        // Taken out first: a callback that closes too must not wait for this lock.
        let threads = std::mem::take(&mut *self.threads.lock());
        for (nth, thread) in threads.into_iter().enumerate() {
            if nth == 1 {
                self.shared.bell.lock().stop = true;
                self.shared.rung.notify_all();
            }
            if thread.thread().id() == here {
                // A callback dropped the last handle: that thread cannot wait for itself.
                called_back = true;
            } else if nth == 2 && called_back {
                // The herald ends when the committer has, which may be the thread we are on.
            } else if thread.join().is_err() {
                tracing::error!("a thread of the log panicked");
            }
        }
        if !called_back {
            // Otherwise the lock goes when the last thread lets go of what they share.
            *self.shared.lock.lock() = None;
        }
        self.shared.poisoned().map_or(Ok(()), Err)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "the log was closed in error");
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Log({})", self.shared.verifier)
    }
}

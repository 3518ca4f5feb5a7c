//! Group commit: one thread that writes what callers queue.
//!
//! Each batch is one write and one `fdatasync`; while one runs, the next
//! gathers. When a batch returns, its writers usually come straight back, so
//! the committer waits for as many as there were, but never longer than half
//! of what a sync lately took: otherwise two half-sized groups would take
//! turns, and each writer would wait for two syncs.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use crate::{
    error::LogError,
    hash::Hash,
    herald::{Herald, News},
    log::Appended,
    receipt::Batch,
    shared::{Durable, Sealed, Shared},
    wal::{Record, Sums, Writer},
};

/// Never waits longer than this for writers to come back.
const LONGEST_GATHERING: Duration = Duration::from_millis(2);

pub(crate) type Done = Box<dyn FnOnce(Result<Appended, LogError>) + Send>;

/// An append on its way to the disk.
pub(crate) struct Pending {
    pub(crate) leaf: Arc<[u8]>,
    pub(crate) note: Vec<u8>,
    pub(crate) sums: Sums,
    pub(crate) done: Done,
}

impl Pending {
    fn len(&self) -> usize {
        Record::framed_len(self.leaf.len(), self.note.len())
    }
}

/// Appends that wait for the next batch.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Vec<Pending>,
    bytes: usize,
    /// The committer sleeps until this many wait; zero while it is awake.
    wake_at: usize,
    pub(crate) closed: bool,
}

/// Queues an append; on refusal gives back the callback with the reason.
pub(crate) fn enqueue(shared: &Shared, pending: Pending) -> Result<(), (Done, LogError)> {
    let mut queue = shared.queue.lock();
    // Judged under the lock: the committer empties the queue once more after poisoning.
    if let Some(error) = shared.poisoned() {
        return Err((pending.done, error));
    }
    if queue.closed {
        return Err((pending.done, LogError::Closed));
    }
    let waiting = queue.bytes + shared.untold.load(Ordering::Acquire);
    if waiting > 0 && waiting + pending.len() > shared.options.max_pending_bytes {
        return Err((pending.done, LogError::Overloaded { waiting }));
    }
    queue.bytes += pending.len();
    queue.waiting.push(pending);
    let wake = queue.wake_at > 0 && queue.waiting.len() >= queue.wake_at;
    if wake {
        queue.wake_at = 0;
    }
    drop(queue);
    if wake {
        shared.queued.notify_one();
    }
    Ok(())
}

/// Calls back, keeping the caller's panic from stopping the log.
pub(crate) fn call(done: Done, result: Result<Appended, LogError>) {
    if catch_unwind(AssertUnwindSafe(|| done(result))).is_err() {
        tracing::error!("a caller of append panicked when called back");
    }
}

/// The committer thread's own state.
pub(crate) struct Committer {
    shared: Arc<Shared>,
    writer: Writer,
    herald: Herald,
    next: u64,
    /// How many writers seem to be about.
    crowd: usize,
    /// What a sync lately took, smoothed.
    sync_time: Duration,
}

impl Committer {
    pub(crate) fn new(shared: Arc<Shared>, writer: Writer, herald: Herald) -> Self {
        Self {
            shared,
            herald,
            next: writer.first,
            writer,
            crowd: 1,
            sync_time: Duration::ZERO,
        }
    }

    /// Runs until the log is closed and everything queued is answered.
    pub(crate) fn run(mut self) {
        while let Some(batch) = self.gather() {
            let written = match self.shared.poisoned() {
                Some(error) => Err(error),
                None => self.write(&batch),
            };
            match written {
                Ok(()) => self.answer(batch),
                Err(error) => batch
                    .into_iter()
                    .for_each(|p| call(p.done, Err(error.clone()))),
            }
        }
    }

    /// Waits for appends; `None` when there will be no more.
    fn gather(&mut self) -> Option<Vec<Pending>> {
        let mut queue = self.shared.queue.lock();
        while queue.waiting.is_empty() {
            if queue.closed {
                return None;
            }
            queue.wake_at = 1;
            self.shared.queued.wait(&mut queue);
        }
        let deadline = Instant::now() + (self.sync_time / 2).min(LONGEST_GATHERING);
        while queue.waiting.len() < self.crowd && !queue.closed {
            queue.wake_at = self.crowd;
            if self
                .shared
                .queued
                .wait_until(&mut queue, deadline)
                .timed_out()
            {
                break;
            }
        }
        queue.wake_at = 0;
        let mut bytes = 0;
        let fits = |pending: &&Pending| {
            bytes += pending.len();
            bytes <= self.shared.options.max_batch_bytes
        };
        // A single record is below any batch limit, and one always goes.
        let count = queue.waiting.iter().take_while(fits).count().max(1);
        let later = queue.waiting.split_off(count);
        let mut batch = std::mem::replace(&mut queue.waiting, later);
        queue.bytes -= batch.iter().map(Pending::len).sum::<usize>();
        drop(queue);
        if self.shared.options.sorted {
            batch.sort_by_cached_key(|pending| pending.sums.leaf);
        }
        Some(batch)
    }

    fn write(&mut self, batch: &[Pending]) -> Result<(), LogError> {
        if self.writer.written >= self.shared.options.segment_bytes {
            self.rotate().map_err(|e| self.shared.poison(&e))?;
        }
        let records = batch.iter().map(|pending| Record {
            leaf: &pending.leaf,
            note: &pending.note,
            sums: pending.sums,
        });
        let written = self.writer.append(self.next, records);
        let took = written.map_err(|e| self.shared.poison(&e))?;
        self.sync_time = (self.sync_time * 7 + took) / 8;
        Ok(())
    }

    /// Tells the writers of a durable batch, after readers and sequencer can see it.
    fn answer(&mut self, batch: Vec<Pending>) {
        let first = self.next;
        let count = batch.len();
        self.next += count as u64;
        let bytes = batch.iter().map(Pending::len).sum();
        let leaves: Vec<Hash> = batch.iter().map(|pending| pending.sums.leaf).collect();
        let mut dones = Vec::with_capacity(count);
        {
            let mut tail = self.shared.tail.write();
            for pending in batch {
                tail.entries.push_back(Durable {
                    leaf: pending.leaf,
                    hash: pending.sums.leaf,
                });
                dones.push(pending.done);
            }
        }
        self.ring();
        // Counted before anyone is answered: whoever comes straight back is one of the batch.
        let others = self.shared.queue.lock().waiting.len();
        self.crowd = count + others.min(count);
        let batch = Arc::new(Batch::new(first, self.shared.clock.now_ms(), leaves));
        self.herald.tell(News {
            first,
            batch,
            dones,
            bytes,
        });
    }

    fn ring(&self) {
        let mut bell = self.shared.bell.lock();
        if bell.since.is_none() {
            bell.since = Some(Instant::now());
            drop(bell);
            self.shared.rung.notify_one();
        }
    }

    /// Goes on in a new segment. The old one is whole and durable: its last batch was answered.
    fn rotate(&mut self) -> Result<(), LogError> {
        let new = open_segment(&self.shared, self.next)?;
        let old = std::mem::replace(&mut self.writer, new);
        self.shared.sealed.lock().push_back(Sealed {
            path: old.path,
            end: self.next,
        });
        Ok(())
    }
}

fn open_segment(shared: &Shared, first: u64) -> Result<Writer, LogError> {
    let Shared { options, .. } = shared;
    let reserve = options.segment_bytes;
    Writer::create(
        &*options.disk,
        &shared.wal_dir,
        &shared.log_id,
        first,
        reserve,
    )
}

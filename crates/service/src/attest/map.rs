//! The map's thread: labels of new entries go into the private map, and its root into the log.
//!
//! The map is a function of the log: it is taken up from its journal where that leads to the newest root in the log, else rebuilt.
//! Roots that the best checkpoint does not cover yet are kept provable beside the one it does ([`Map::provable`]).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use liuhen_tlog::disk::SystemDisk;
use liuhen_tlog::entry::Label;
use liuhen_tlog::map::{MapProofError, PrivateMap};
use liuhen_tlog::{Entry, Log, MapRoot};

use super::Shared;
use crate::error::{Result, ServiceError};
use crate::ledger::Ledger;

/// Threads that hash a large batch, as when the map is taken up.
const THREADS: usize = 2;

/// Versions of the map kept provable at once: each costs a little at every change.
const MOST_KEPT: usize = 8;

/// The map and the roots that can be proved.
#[derive(Default)]
pub(super) struct Map {
    /// None until it was taken up.
    inner: Option<PrivateMap>,
    /// Roots in the log whose maps are kept, rising.
    roots: VecDeque<Bound>,
    /// What went wrong, in words that name nobody.
    pub(super) fault: Option<String>,
    /// When it last was as far as the log.
    pub(super) followed: Option<Instant>,
}

/// A root in the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    /// Index of its entry.
    pub(super) index: u64,
    pub(super) root: MapRoot,
}

impl Map {
    pub(super) fn begin() -> Self {
        Self {
            followed: Some(Instant::now()),
            ..Self::default()
        }
    }

    /// The newest root under a checkpoint of `size`, while there is a map.
    pub(super) fn provable(&self, size: u64) -> Option<Bound> {
        let under = self.roots.iter().rev().find(|bound| bound.index < size);
        under.copied().filter(|_| self.inner.is_some())
    }

    /// Where a label stands in the map as it is.
    pub(super) fn find(&self, label: &Label) -> Option<u64> {
        self.inner.as_ref()?.tree().get(label)
    }

    /// Proves labels in the map of `size`; it may be kept no longer.
    pub(super) fn prove(
        &self,
        size: u64,
        sorted: &[Label],
    ) -> std::result::Result<Vec<u8>, MapProofError> {
        let map = self.inner.as_ref().ok_or(MapProofError::NotKept { size })?;
        map.prove(size, sorted)
    }

    pub(super) fn newest(&self) -> Option<Bound> {
        self.roots.back().copied()
    }

    /// Entries below this index were looked through.
    fn reached(&self) -> u64 {
        self.inner.as_ref().map_or(0, PrivateMap::size)
    }

    /// Lets go of maps older than the newest one under a checkpoint of `size`; of many newer ones, as when witnesses stay away, of those in between.
    fn forget_before(&mut self, size: u64) {
        while self.roots.get(1).is_some_and(|next| next.index < size) {
            self.forget(0);
        }
        while self.roots.len() > MOST_KEPT {
            self.forget(1);
        }
    }

    fn forget(&mut self, at: usize) {
        if let (Some(gone), Some(map)) = (self.roots.remove(at), &mut self.inner) {
            map.unpin(gone.root.size);
        }
    }
}

/// Keeps the map until it is time to stop. `newest` is the newest root in the log: until here nobody else appends one.
pub(super) fn run(shared: &Shared, ledger: &Arc<Ledger>, newest: Option<Bound>) {
    if let Err(error) = take_up(shared, newest) {
        tracing::error!(%error, "the private map cannot be kept");
        shared.map.write().fault = Some(error.to_string());
        return;
    }
    loop {
        match step(shared, ledger) {
            Ok(()) => shared.map.write().followed = Some(Instant::now()),
            Err(error) => tracing::error!(%error, "no map root was appended"),
        }
        if !shared.pause(shared.pace.map_every) {
            return;
        }
    }
}

/// Takes up the map as it was at the newest root in the log.
fn take_up(shared: &Shared, newest: Option<Bound>) -> Result<()> {
    let log = &shared.log;
    let start = Instant::now();
    let wanted = newest.map(|bound| bound.root);
    let (dir, id) = (log.dir().join("map"), log.id());
    let mut map = PrivateMap::open(&SystemDisk, &dir, &id, wanted.as_ref(), THREADS)?;
    let mut sound = catch_up(shared, &mut map, wanted.as_ref())?;
    if sound == Some(false) {
        tracing::warn!(
            "the map's journal does not lead to the root in the log; the map is made anew"
        );
        map = PrivateMap::create(&SystemDisk, &dir, &id, THREADS)?;
        sound = catch_up(shared, &mut map, wanted.as_ref())?;
    }
    match sound {
        Some(true) => {}
        Some(false) => {
            return Err(ServiceError::Damaged(
                "private map, or the log it is made from",
            ));
        }
        None => return Ok(()),
    }
    map.save();
    map.pin();
    tracing::info!(
        labels = map.tree().len(),
        seconds = start.elapsed().as_secs_f64(),
        "the private map is taken up"
    );
    let mut kept = shared.map.write();
    kept.inner = Some(map);
    kept.roots.extend(newest);
    Ok(())
}

/// Reads the log up to the size of `wanted`; whether that gives its root. None when it is time to stop.
fn catch_up(
    shared: &Shared,
    map: &mut PrivateMap,
    wanted: Option<&MapRoot>,
) -> Result<Option<bool>> {
    let Some(wanted) = wanted else {
        return Ok(Some(true));
    };
    while map.size() < wanted.size {
        if *shared.stopping.lock() {
            return Ok(None);
        }
        let from = map.size();
        take(map, from, &read(&shared.log, from, wanted.size)?)?;
    }
    Ok(Some(map.root_entry(wanted.time_ms) == *wanted))
}

/// The entries from `from` on of one bundle, at most up to `to`.
fn read(log: &Log, from: u64, to: u64) -> Result<Vec<Vec<u8>>> {
    let mut entries = log.entries_from(from)?;
    entries.truncate(usize::try_from(to - from).unwrap_or(usize::MAX));
    Ok(entries)
}

/// Takes up entries, of which the first has index `from`.
fn take(map: &mut PrivateMap, from: u64, entries: &[Vec<u8>]) -> Result<()> {
    for repeated in map.extend(from, entries)? {
        let (index, first) = (repeated.index, repeated.first);
        tracing::error!(index, first, "a label stands in the log a second time");
    }
    Ok(())
}

/// Receipts from now on are not earlier than the newest map root in the log, whatever the machine's clock says: they would convict it. Answers that root.
pub(super) fn keep_time(log: &Log) -> Result<Option<Bound>> {
    // Entries that a crash left above the checkpoint may hold it.
    // A log that cannot write gives no receipts either.
    let newest = log.checkpoint_now();
    let end = newest.unwrap_or_else(|_| log.checkpoint()).size();
    let newest = newest_root(log, end)?;
    if let Some(bound) = newest {
        log.not_before(bound.root.time_ms);
    }
    Ok(newest)
}

/// The newest map root among the entries below `end`, looked for from the end.
///
/// While a server runs a root follows its labels within [`Pace::map_every`](super::Pace), so it is near.
/// Only a log without any is read to its beginning; once for each start, as the map that is then made of it is too.
fn newest_root(log: &Log, end: u64) -> Result<Option<Bound>> {
    const WIDTH: u64 = liuhen_tlog::tile::WIDTH;
    for bundle in (0..end.div_ceil(WIDTH)).rev() {
        let first = bundle * WIDTH;
        let entries = log.entries_from(first)?;
        let found =
            entries
                .iter()
                .enumerate()
                .rev()
                .find_map(|(at, entry)| match Entry::parse(entry) {
                    Some(Entry::MapRoot(root)) => Some(Bound {
                        index: first + at as u64,
                        root,
                    }),
                    _ => None,
                });
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Takes up what a checkpoint covers by now; if there are new labels, appends the map's root.
fn step(shared: &Shared, ledger: &Arc<Ledger>) -> Result<()> {
    let log = &shared.log;
    let best = shared.best_checkpoint().size();
    shared.map.write().forget_before(best);
    let bound = shared.map.read().newest();
    // The time before the size: what was durable by then is counted. It is the log's own clock, which never goes back.
    let time = log.now_ms();
    let end = log.checkpoint_now()?.size();
    loop {
        let from = shared.map.read().reached();
        if from >= end {
            break;
        }
        if *shared.stopping.lock() {
            return Ok(());
        }
        // Read before the map is held, and one bundle at a time, so that proofs are answered in between.
        let entries = read(log, from, end)?;
        match &mut shared.map.write().inner {
            Some(map) => take(map, from, &entries)?,
            None => return Ok(()),
        }
    }
    let Some(root) = shared
        .map
        .read()
        .inner
        .as_ref()
        .map(|map| map.root_entry(time))
    else {
        return Ok(());
    };
    if root.labels == bound.map_or(0, |bound| bound.root.labels) {
        return Ok(());
    }
    let index = ledger.map_root_blocking(root)?.index;
    let mut kept = shared.map.write();
    if let Some(map) = &mut kept.inner {
        map.pin();
        map.save();
    }
    kept.roots.push_back(Bound { index, root });
    Ok(())
}

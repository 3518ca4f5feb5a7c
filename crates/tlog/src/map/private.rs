//! The map of a whole log: the tree, filled from entries, with its journal beside it.
//!
//! Threads, locks and the times of map roots belong to the service above.

use std::path::Path;

use super::{
    journal::{self, Journal},
    node::Item,
    proof::{MapProofError, prove, prove_pinned},
    tree::{Builder, Tree},
};
use crate::{
    disk::Disk,
    entry::{Entry, Label, MapRoot},
    error::LogError,
};

/// Labels inserted at once, at most: beyond this a larger batch saves little.
const BATCH: usize = 1_000_000;

/// Why the map could not be opened or extended.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum MapError {
    /// Entries must come in order and without gaps.
    #[error("the map goes on at entry {expected}, not {found}")]
    Gap {
        /// Entry due.
        expected: u64,
        /// Entry given.
        found: u64,
    },
    /// The journal could not be read.
    #[error(transparent)]
    Journal(#[from] LogError),
}

/// A label stands twice in the log: a fault of the log. The label itself is kept to the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("entry {index} has a label that entry {first} has already")]
pub struct Repeated {
    /// The entry at fault.
    pub index: u64,
    /// The entry that has the label in the map; the same one when it has the label twice.
    pub first: u64,
}

/// Where each label of a log stands.
#[derive(Debug)]
pub struct PrivateMap {
    tree: Tree,
    /// Entries covered.
    size: u64,
    /// None after a write failed: the map is whole without.
    journal: Option<Journal>,
}

impl PrivateMap {
    /// Reads the journal in `dir`, if there is one of this log, and hashes with `threads` threads.
    ///
    /// `newest` is the newest map root in the log. The journal is read up to its size; when it reaches it and
    /// gives another root it is thrown away. [`PrivateMap::size`] says where the log must be read on from; when
    /// that is below the newest root's size, the caller compares [`PrivateMap::root_entry`] when it gets there,
    /// and begins anew with [`PrivateMap::create`] if they differ.
    ///
    /// # Errors
    ///
    /// [`MapError::Journal`] when the system refuses to read or write.
    pub fn open(
        disk: &dyn Disk,
        dir: &Path,
        log: &[u8; 16],
        newest: Option<&MapRoot>,
        threads: usize,
    ) -> Result<Self, MapError> {
        let bound = newest.map_or(u64::MAX, |root| root.size);
        let mut builder = Builder::new(0, journal::estimate(dir));
        let (mut last, mut sound) = (Vec::new(), true);
        journal::read(dir, log, bound, |items| {
            hold_back_last(&mut last, items);
            sound &= builder.insert_batch(items).is_empty();
        })?;
        let mut tree = builder.finish(threads);
        tree.set_threads(threads);
        match sound.then(|| agree(&mut tree, last, newest)).flatten() {
            Some(size) => {
                let journal = Some(Journal::begin(disk, dir, log, tree.len())?);
                Ok(Self {
                    tree,
                    size,
                    journal,
                })
            }
            None => {
                tracing::warn!(dir = %dir.display(), "the map's journal gives another root");
                Self::create(disk, dir, log, threads)
            }
        }
    }

    /// An empty map; a journal in `dir` is thrown away.
    ///
    /// # Errors
    ///
    /// [`MapError::Journal`] when the system refuses to write.
    pub fn create(
        disk: &dyn Disk,
        dir: &Path,
        log: &[u8; 16],
        threads: usize,
    ) -> Result<Self, MapError> {
        let mut tree = Tree::new(0);
        tree.set_threads(threads);
        let journal = Some(Journal::begin(disk, dir, log, 0)?);
        Ok(Self {
            tree,
            size: 0,
            journal,
        })
    }

    /// Entries covered.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The tree.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Takes the log's next entries, of which the first has index `from`. Labels that repeat are told, lowest
    /// index first; the map goes on with the first of each. Entries that are none of ours have no labels.
    ///
    /// # Errors
    ///
    /// [`MapError::Gap`] when `from` is not [`PrivateMap::size`]; nothing is taken then.
    pub fn extend<E: AsRef<[u8]>>(
        &mut self,
        from: u64,
        entries: impl IntoIterator<Item = E>,
    ) -> Result<Vec<Repeated>, MapError> {
        if from != self.size {
            return Err(MapError::Gap {
                expected: self.size,
                found: from,
            });
        }
        let (mut batch, mut repeated) = (Vec::new(), Vec::new());
        for entry in entries {
            if let Some(entry) = Entry::parse(entry.as_ref()) {
                batch.extend(entry.labels().map(|label| (*label, self.size)));
            }
            self.size += 1;
            if batch.len() >= BATCH {
                self.insert(&mut batch, &mut repeated);
            }
        }
        self.insert(&mut batch, &mut repeated);
        repeated.sort_unstable();
        Ok(repeated)
    }

    fn insert(&mut self, batch: &mut Vec<Item>, repeated: &mut Vec<Repeated>) {
        let given = batch.clone();
        let refused = self.tree.insert_batch(batch);
        for (label, index) in &refused {
            let first = self.tree.get(label).unwrap_or(*index);
            repeated.push(Repeated {
                index: *index,
                first,
            });
        }
        batch.clear();
        let kept = |item: &Item| refused.binary_search(item).is_err();
        match refused.is_empty() {
            true => self.note(&given),
            // An entry that has a label twice is rare enough to be read from the log again.
            false => self.note(&given.into_iter().filter(kept).collect::<Vec<_>>()),
        }
    }

    fn note(&mut self, items: &[Item]) {
        let noted = self.journal.as_mut().map(|journal| journal.append(items));
        self.give_up_on_failure(noted);
    }

    /// Makes the journal durable up to here; worth calling whenever a map root is logged.
    ///
    /// When a write fails, the journal is given up until the map is opened again, and a warning logged: the map
    /// needs no journal but for a fast start.
    pub fn save(&mut self) {
        let saved = self.journal.as_mut().map(Journal::save);
        self.give_up_on_failure(saved);
    }

    fn give_up_on_failure(&mut self, done: Option<Result<(), LogError>>) {
        if let Some(Err(error)) = done {
            tracing::warn!(error = error.chain(), "the map goes on without its journal");
            self.journal = None;
        }
    }

    /// What a map root of the map as it is says, at `time_ms`.
    #[must_use]
    pub fn root_entry(&self, time_ms: u64) -> MapRoot {
        MapRoot {
            size: self.size,
            labels: self.tree.len(),
            time_ms,
            root: self.tree.root(),
        }
    }

    /// Keeps the map as it is provable while it goes on; gives its size, by which it is called.
    pub fn pin(&mut self) -> u64 {
        // Cannot be refused: the size covers all indexes and only rises.
        self.tree.pin(self.size);
        self.size
    }

    /// Forgets a pin; whether there was one.
    pub fn unpin(&mut self, size: u64) -> bool {
        self.tree.unpin(size)
    }

    /// Proves of each label, sorted ascending without repetition, where it stands in the map of `size`: the map
    /// as it is, or a pinned one.
    ///
    /// # Errors
    ///
    /// [`MapProofError::NotKept`] for another size; [`MapProofError::NotSorted`].
    pub fn prove(&self, size: u64, asked: &[Label]) -> Result<Vec<u8>, MapProofError> {
        match size == self.size {
            true => prove(&self.tree, asked),
            false => prove_pinned(&self.tree, size, asked),
        }
    }
}

/// Leaves out of `items` those of its last entry, which may be torn, and puts before them those left out before.
fn hold_back_last(last: &mut Vec<Item>, items: &mut Vec<Item>) {
    let Some((_, index)) = items.last().copied() else {
        return;
    };
    let cut = items.partition_point(|item| item.1 < index);
    let held = items.split_off(cut);
    match last.first().is_some_and(|old| old.1 == index) {
        true => last.extend(held),
        false => {
            items.append(last);
            *last = held;
        }
    }
}

/// Where the log must be read on from, when the journal ended with the labels `last`; `None` when it contradicts
/// the newest map root.
fn agree(tree: &mut Tree, mut last: Vec<Item>, newest: Option<&MapRoot>) -> Option<u64> {
    let behind = last.first().map_or(0, |item| item.1);
    let Some(newest) = newest else {
        return Some(behind);
    };
    let labels = tree.len() + last.len() as u64;
    if labels < newest.labels {
        return Some(behind);
    }
    let whole = labels == newest.labels && tree.insert_batch(&mut last).is_empty();
    (whole && tree.root() == newest.root).then_some(newest.size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{disk::SystemDisk, entry, hash::Hash, map::verify};

    const LOG: [u8; 16] = [3; 16];

    fn label(number: u64) -> Label {
        crate::leaf_hash(&number.to_be_bytes()).0
    }

    fn event(number: u64) -> Vec<u8> {
        [&[entry::EVENT][..], &label(number), &[7; 32], &[0; 272]].concat()
    }

    fn chunk(numbers: std::ops::Range<u64>) -> Vec<u8> {
        let owners: Vec<_> = numbers.map(|number| (label(number), [1; 32])).collect();
        entry::chunk(0, &[7; 32], &owners).unwrap()
    }

    /// Events, a chunk, a map root, one of no sort of ours; twelve labels in eight entries.
    fn log() -> Vec<Vec<u8>> {
        let root = MapRoot {
            size: 0,
            labels: 0,
            time_ms: 0,
            root: Hash([0; 32]),
        };
        let start = [event(0), root.to_bytes(), event(1), chunk(2..7)];
        let rest = [vec![77], event(7), chunk(8..11), event(11)];
        start.into_iter().chain(rest).collect()
    }

    fn fresh(dir: &Path) -> PrivateMap {
        PrivateMap::open(&SystemDisk, dir, &LOG, None, 1).unwrap()
    }

    #[test]
    fn labels_of_all_entries_are_in_and_versions_provable() {
        let dir = tempfile::tempdir().unwrap();
        let mut map = fresh(dir.path());
        let log = log();
        assert_eq!(map.extend(0, &log[..4]).unwrap(), []);
        let early = map.root_entry(9);
        assert_eq!((early.size, early.labels, map.pin()), (4, 7, 4));
        assert!(matches!(
            map.extend(5, &log[5..]),
            Err(MapError::Gap {
                expected: 4,
                found: 5
            })
        ));
        assert_eq!(map.extend(4, &log[4..]).unwrap(), []);
        let now = map.root_entry(9);
        assert_eq!((now.size, now.labels), (8, 12));
        let pinned = map.tree().pinned_root(4);
        assert_eq!(pinned, Some((early.labels, early.root)));
        let mut asked = [label(3), label(8), label(50)];
        asked.sort_unstable();
        let expect = |size: u64| {
            let index = |asked: &Label| match asked {
                asked if *asked == label(3) => Some(3),
                asked if *asked == label(8) && size == 8 => Some(6),
                _ => None,
            };
            asked.iter().map(index).collect::<Vec<_>>()
        };
        for root in [early, now] {
            let proof = map.prove(root.size, &asked).unwrap();
            assert_eq!(verify(&asked, &proof, &root.root), Ok(expect(root.size)));
        }
        assert!(map.unpin(4));
        assert_eq!(
            map.prove(4, &asked),
            Err(MapProofError::NotKept { size: 4 })
        );
    }

    #[test]
    fn repeated_labels_are_told_by_index_and_the_first_stays() {
        let dir = tempfile::tempdir().unwrap();
        let mut map = fresh(dir.path());
        map.extend(0, [event(5), event(6)]).unwrap();
        let again = map.extend(2, [event(7), event(6), chunk(5..8), event(9)]);
        let told: Vec<_> = again
            .unwrap()
            .iter()
            .map(|again| (again.index, again.first))
            .collect();
        assert_eq!(told, [(3, 1), (4, 0), (4, 1), (4, 2)]);
        assert_eq!(map.tree().get(&label(6)), Some(1));
        map.save();
        let newest = map.root_entry(9);
        let map = PrivateMap::open(&SystemDisk, dir.path(), &LOG, Some(&newest), 1).unwrap();
        assert_eq!(map.root_entry(9), newest);
    }

    /// What the log gives when the map of `open` is brought to the end.
    fn caught_up(mut map: PrivateMap, log: &[Vec<u8>]) -> MapRoot {
        let from = map.size();
        map.extend(from, &log[usize::try_from(from).unwrap()..])
            .unwrap();
        map.save();
        map.root_entry(9)
    }

    #[test]
    fn a_journal_torn_at_any_byte_leads_to_the_same_map() {
        let (whole, log) = (tempfile::tempdir().unwrap(), log());
        let mut map = fresh(whole.path());
        map.extend(0, &log[..6]).unwrap();
        let middle = map.root_entry(9);
        map.extend(6, &log[6..]).unwrap();
        map.save();
        let end = map.root_entry(9);
        let name = format!("{:020}.labels", 0);
        let bytes = std::fs::read(whole.path().join(&name)).unwrap();
        for cut in 0..=bytes.len() {
            for newest in [None, Some(middle), Some(end)] {
                let dir = tempfile::tempdir().unwrap();
                std::fs::write(dir.path().join(&name), &bytes[..cut]).unwrap();
                let open =
                    || PrivateMap::open(&SystemDisk, dir.path(), &LOG, newest.as_ref(), 1).unwrap();
                let map = open();
                if cut == bytes.len() {
                    let size = newest.map_or(7, |root| root.size);
                    assert_eq!(map.size(), size);
                }
                assert_eq!(caught_up(map, &log), end, "cut at {cut}");
                // And once more from what was written then.
                assert_eq!(caught_up(open(), &log), end, "cut at {cut}, again");
            }
        }
    }

    #[test]
    fn a_journal_that_gives_another_root_is_thrown_away() {
        let dir = tempfile::tempdir().unwrap();
        let log = log();
        let end = caught_up(fresh(dir.path()), &log);
        let path = dir.path().join(format!("{:020}.labels", 0));
        let bytes = std::fs::read(&path).unwrap();
        for at in 48..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            std::fs::write(&path, changed).unwrap();
            let map = PrivateMap::open(&SystemDisk, dir.path(), &LOG, Some(&end), 1).unwrap();
            assert!(map.size() < 8, "byte {at}");
        }
    }
}

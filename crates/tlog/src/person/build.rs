//! Building a person's proof: what the log answers.
//!
//! Rule: `docs/trace.md`, A person's proof. Where entries, the map and the
//! tree are kept is the [`Source`]'s.

use std::collections::{BTreeMap, btree_map};

use super::{
    container::{MAX_ENTRY_BYTES, MAX_LABELS, PersonProof},
    tree_proof::prove_entries,
};
use crate::{
    checkpoint::SignedCheckpoint,
    entry::{Entry, Label},
    hash::Hash,
    proof::Nodes,
    tile::MAX_LEAF,
};

/// Labels whose entries are read together: at most 17 MB, should each be as long as an entry can be.
const BATCH: usize = 256;

/// Where a proof's parts come from: a log's tree and entries, and the map of one of its map roots.
pub trait Source: Nodes {
    /// Where a label stands, according to the map.
    ///
    /// # Errors
    ///
    /// Whatever hinders the source.
    fn find(&self, label: &Label) -> Result<Option<u64>, Self::Error>;

    /// The map proof of labels, which are sorted ascending and without repetition.
    ///
    /// # Errors
    ///
    /// Whatever hinders the source.
    fn prove_labels(&self, sorted: &[Label]) -> Result<Vec<u8>, Self::Error>;

    /// The entry at `index`.
    ///
    /// # Errors
    ///
    /// Whatever hinders the source.
    fn entry(&self, index: u64) -> Result<Vec<u8>, Self::Error>;

    /// The entries at `indexes`, which ascend without repetition, in their order: as [`Source::entry`] gives each, unless the source knows how to read many at once.
    ///
    /// # Errors
    ///
    /// Whatever hinders the source.
    fn entries(&self, indexes: &[u64]) -> Result<Vec<Vec<u8>>, Self::Error> {
        indexes.iter().map(|index| self.entry(*index)).collect()
    }

    /// Proves that the entries at `indexes` lie in the tree of `size` leaves, as [`prove_entries`] does, unless the source knows how to share that work.
    ///
    /// # Errors
    ///
    /// Whatever hinders the source.
    fn prove_entries(&self, indexes: &[u64], size: u64) -> Result<Vec<Hash>, Self::Error>
    where
        Self: Sized,
    {
        prove_entries(self, indexes, size)
    }
}

/// Why no proof was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError<E> {
    /// None, or more than [`MAX_LABELS`].
    #[error("{count} labels are asked for, where 1 to {MAX_LABELS} are allowed")]
    Labels {
        /// Labels asked for.
        count: usize,
    },
    /// One label stands twice in the question.
    #[error("a label is asked for twice")]
    AskedTwice,
    /// Their numbers do not fit into 64 bits.
    #[error("the labels' numbers pass 64 bits")]
    Numbers,
    /// The map and the checkpoint do not belong together.
    #[error("entry {index} is not in the checkpoint's tree of {size} entries")]
    NotCovered {
        /// Index of the map root or of an entry in the map.
        index: u64,
        /// Entries in the checkpoint's tree.
        size: u64,
    },
    /// The log's own entry is not what the map says it is.
    #[error("entry {index} is not what the map says it is")]
    BadEntry {
        /// Its index.
        index: u64,
    },
    /// The source failed.
    #[error("a part of the proof could not be had")]
    Source(#[source] E),
}

/// Makes the proof for `labels`, the numbers `from`, `from + 1`, … of one person.
///
/// `map_root` is the index of the entry that binds the source's map, below the
/// checkpoint's size. The proof ends with the first label that is absent, or
/// when its entries pass [`MAX_ENTRY_BYTES`]; then the rest is to be asked for again.
///
/// # Errors
///
/// One for each rule broken; see [`BuildError`].
pub fn build<S: Source>(
    from: u64,
    labels: &[Label],
    checkpoint: &SignedCheckpoint,
    map_root: u64,
    source: &S,
) -> Result<PersonProof, BuildError<S::Error>> {
    let count = labels.len();
    if !(1..=MAX_LABELS).contains(&count) {
        return Err(BuildError::Labels { count });
    }
    if from.checked_add(count as u64).is_none() {
        return Err(BuildError::Numbers);
    }
    sorted(labels)?;
    let mut gathered = Gathered {
        source,
        size: checkpoint.size(),
        fetched: BTreeMap::new(),
        entries: BTreeMap::new(),
        bytes: 0,
    };
    gathered.take(map_root)?;
    let asked = gathered.take_all(labels)?;
    let labels = sorted(labels.get(..asked).unwrap_or(labels))?;
    let map_proof = source.prove_labels(&labels).map_err(BuildError::Source)?;
    let entries: Vec<(u64, Vec<u8>)> = gathered.entries.into_iter().collect();
    let indexes: Vec<u64> = entries.iter().map(|entry| entry.0).collect();
    let tree_proof = source.prove_entries(&indexes, checkpoint.size());
    Ok(PersonProof {
        checkpoint: checkpoint.to_string().into_bytes(),
        map_root,
        from,
        asked,
        entries,
        map_proof,
        tree_proof: tree_proof.map_err(BuildError::Source)?,
    })
}

fn sorted<E>(labels: &[Label]) -> Result<Vec<Label>, BuildError<E>> {
    let mut sorted = labels.to_vec();
    sorted.sort_unstable();
    match sorted.is_sorted_by(|a, b| a < b) {
        true => Ok(sorted),
        false => Err(BuildError::AskedTwice),
    }
}

/// Entries taken so far.
struct Gathered<'a, S> {
    source: &'a S,
    size: u64,
    /// Read, but not taken yet.
    fetched: BTreeMap<u64, Vec<u8>>,
    entries: BTreeMap<u64, Vec<u8>>,
    bytes: usize,
}

impl<S: Source> Gathered<'_, S> {
    /// Takes the entries of labels up to the first that is absent; answers how many labels that was.
    fn take_all(&mut self, labels: &[Label]) -> Result<usize, BuildError<S::Error>> {
        let mut asked = 0;
        for batch in labels.chunks(BATCH) {
            let indexes = self.find(batch)?;
            self.fetch(&indexes)?;
            let headers: Vec<u64> = self
                .fetched
                .values()
                .filter_map(|entry| header(entry))
                .collect();
            self.fetch(&headers)?;
            for index in &indexes {
                asked += 1;
                if let Some(header) = self.take(*index)? {
                    self.take(header)?;
                }
                if self.bytes > MAX_ENTRY_BYTES {
                    return Ok(asked);
                }
            }
            if indexes.len() < batch.len() {
                return Ok(asked + 1);
            }
        }
        Ok(asked)
    }

    /// Where labels stand, up to the first that is absent.
    fn find(&self, labels: &[Label]) -> Result<Vec<u64>, BuildError<S::Error>> {
        let found = labels.iter().map(|label| self.source.find(label));
        let found = found.map_while(Result::transpose);
        found.collect::<Result<_, _>>().map_err(BuildError::Source)
    }

    /// Reads entries together, but for those that are known.
    fn fetch(&mut self, indexes: &[u64]) -> Result<(), BuildError<S::Error>> {
        let known =
            |index: &u64| self.entries.contains_key(index) || self.fetched.contains_key(index);
        let mut wanted: Vec<u64> = indexes
            .iter()
            .copied()
            .filter(|index| !known(index))
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        if let Some(&index) = wanted.last().filter(|index| **index >= self.size) {
            let size = self.size;
            return Err(BuildError::NotCovered { index, size });
        }
        let entries = self.source.entries(&wanted).map_err(BuildError::Source)?;
        self.fetched.extend(wanted.into_iter().zip(entries));
        Ok(())
    }

    /// Takes one entry; of a chunk, answers its header's index.
    fn take(&mut self, index: u64) -> Result<Option<u64>, BuildError<S::Error>> {
        if !self.entries.contains_key(&index) {
            self.fetch(&[index])?;
        }
        let entry = match self.entries.entry(index) {
            btree_map::Entry::Occupied(known) => known.into_mut(),
            btree_map::Entry::Vacant(free) => {
                let entry = self
                    .fetched
                    .remove(&index)
                    .ok_or(BuildError::BadEntry { index })?;
                self.bytes += entry.len();
                free.insert(entry)
            }
        };
        match Entry::parse(entry).filter(|_| entry.len() <= MAX_LEAF) {
            Some(Entry::Chunk(chunk)) => Ok(Some(chunk.header)),
            Some(_) => Ok(None),
            None => Err(BuildError::BadEntry { index }),
        }
    }
}

/// The index of a chunk's header.
fn header(entry: &[u8]) -> Option<u64> {
    match Entry::parse(entry) {
        Some(Entry::Chunk(chunk)) => Some(chunk.header),
        _ => None,
    }
}
